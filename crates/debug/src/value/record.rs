//! Records: bases, tables of virtual functions and members, in the order of their offsets.

use super::{
    Field, Hidden, Integer, Part, Place, Value, ValueKind, ValueReader,
    read::{Path, no_value, tag},
    scalar::integer,
};
use vatlas_space::Va;
use vatlas_symbols::{
    Type, TypeId,
    types::{Base, BasePlace, Member, PointerKind, Record},
};

impl ValueReader<'_> {
    pub(super) fn record(&self, id: TypeId, record: &Record, place: &Place, path: &Path) -> ValueKind {
        if record.is_forward {
            return no_value("declared here without its members");
        }
        let Some(mut inner) = path.inside(self.limits.depth) else { return ValueKind::Hidden(Hidden::Depth) };
        if let Some(va) = place.va() {
            // A base at offset 0 has the address of its record, but another type.
            if inner.open.contains(&(va, id)) {
                return ValueKind::Hidden(Hidden::Cycle);
            }
            inner.open.push((va, id));
        }
        let bases = record.bases.iter().map(|base| self.base(base, place, &inner));
        let mut fields: Vec<Field> = bases.collect();
        fields.extend(record.vtables.iter().filter_map(|(offset, shape)| self.table(*offset, *shape, place)));
        fields.extend(record.members.iter().map(|member| self.member(member, place, &inner)));
        fields.sort_by_key(|field| (field.offset.is_none(), field.offset));
        ValueKind::Record { kind: record.kind, fields }
    }

    fn member(&self, member: &Member, place: &Place, path: &Path) -> Field {
        let name = member.name.clone();
        let Some(at) = place.plus(member.offset) else {
            return self.lost(name, Part::Member, member.type_id, "past the last address".to_owned());
        };
        let bits = match self.types.get(member.type_id) {
            Ok(Type::BitField { first_bit, bits, .. }) => Some((first_bit, bits)),
            _ => None,
        };
        let value = self.value(member.type_id, &at, path);
        Field { name, part: Part::Member, offset: Some(member.offset), bits, value }
    }

    fn base(&self, base: &Base, place: &Place, path: &Path) -> Field {
        let name = tag(self.types, base.type_id);
        let part = if matches!(base.place, BasePlace::At(_)) { Part::Base } else { Part::VirtualBase };
        let at = self.base_offset(base, place).and_then(|offset| {
            let at = place.plus(offset).ok_or_else(|| "past the last address".to_owned())?;
            Ok((offset, at))
        });
        match at {
            Ok((offset, at)) => {
                let value = self.value(base.type_id, &at, path);
                Field { name, part, offset: Some(offset), bits: None, value }
            }
            Err(why) => self.lost(name, part, base.type_id, why),
        }
    }

    /// Bytes from the front of the record at `place` to one of its bases.
    ///
    /// # Errors
    /// Why the table that tells it cannot be read.
    pub fn base_offset(&self, base: &Base, place: &Place) -> Result<u64, String> {
        match base.place {
            BasePlace::At(offset) => Ok(offset),
            BasePlace::Virtual { pointer_offset, index, .. } => self.virtual_base(place, pointer_offset, index),
        }
    }

    /// Bytes from the front of a record to a virtual base: `pointer_offset + table[index]`, where the table holds 32-bit
    /// numbers that count from the pointer to it.
    fn virtual_base(&self, place: &Place, pointer_offset: u64, index: u64) -> Result<u64, String> {
        let pointer = place.plus(pointer_offset).ok_or("past the last address")?;
        let bytes = self.bytes(&pointer, self.types.pointer_size());
        let table = bytes.all().and_then(|bytes| integer(&bytes, false));
        let why = |reason: &Option<String>, what: &str| format!("{what}: {}", reason.as_deref().unwrap_or("no number"));
        let table = table.ok_or_else(|| why(&bytes.reason, "the pointer to the table of virtual bases"))?;
        // Entries of the Itanium ABI lie below the table: their numbers are negative, in two's complement.
        let entry = (index as i64).checked_mul(4).and_then(|bytes| (table.bits as u64).checked_add_signed(bytes));
        let entry = Place::Memory(Va(entry.ok_or("past the last address")?));
        let bytes = self.bytes(&entry, 4);
        let displacement = bytes.all().and_then(|bytes| integer(&bytes, true)).map(Integer::number);
        let displacement = displacement.ok_or_else(|| why(&bytes.reason, "the table of virtual bases"))?;
        let offset = i128::from(pointer_offset) + displacement;
        u64::try_from(offset).map_err(|_| format!("the table of virtual bases says {displacement}: not this object"))
    }

    /// The pointer to a table of virtual functions, named by its symbol.
    fn table(&self, offset: u64, shape: TypeId, place: &Place) -> Option<Field> {
        let at = place.plus(offset)?;
        let size = self.types.pointer_size();
        let target = match self.types.get(shape) {
            Ok(Type::Pointer { target, .. }) => target,
            _ => shape,
        };
        let kind = self.pointer(target, PointerKind::Pointer, size, &at, &Path::default());
        let value = Value { type_name: "vtable *".to_owned(), type_id: shape, va: at.va(), size: Some(size), kind };
        Some(Field { name: "__vfptr".to_owned(), part: Part::Vtable, offset: Some(offset), bits: None, value })
    }
}
