//! Bodies of structures and enumerations: their field lists put together.

use super::{
    super::items::{Item, Items},
    fields::{Field, Fields, overloads},
};
use crate::types::{Base, Enumeration, Member, Method, NamedValue, Record, RecordKind, TypeId};
use std::collections::HashSet;

const LF_FIELDLIST_16T: u16 = 0x0204;
const LF_FIELDLIST: u16 = 0x1203;
/// Bytes that the overloads of one class may take: several names may share a list of methods, so a damaged file could
/// ask for far more than it has. The largest classes take a hundredth.
const MOST_BYTES: usize = 16 << 20;

/// What the field lists of one type say.
#[derive(Debug, Default)]
pub(super) struct Body {
    members: Vec<Member>,
    bases: Vec<Base>,
    statics: Vec<(String, TypeId)>,
    methods: Vec<Method>,
    nested: Vec<(String, TypeId)>,
    /// Offset, and the type of the pointer that lies there.
    vtables: Vec<(u64, u32)>,
    values: Vec<NamedValue>,
    /// Bytes of overloads so far.
    bytes: usize,
}

impl Body {
    /// Reads a list and those that it goes on in; number of the record that is damaged otherwise.
    pub(super) fn read(items: &Items, list: u32) -> Result<Self, u32> {
        let mut body = Self::default();
        let (mut next, mut seen) = (Some(list).filter(|list| *list != 0), HashSet::new());
        while let Some(list) = next.take() {
            let item = items.get(list).filter(|item| matches!(item.kind, LF_FIELDLIST_16T | LF_FIELDLIST));
            let item = item.filter(|_| seen.insert(list)).ok_or(list)?;
            for field in Fields::new(item.record) {
                if let Field::Continued(more) = body.add(items, field.ok_or(list)?)? {
                    next = Some(more);
                }
            }
        }
        Ok(body)
    }

    /// Adds a part, and returns what is none.
    fn add(&mut self, items: &Items, field: Field) -> Result<Field, u32> {
        match field {
            Field::Member(member) => self.members.push(member),
            Field::Static(name, id) => self.statics.push((name, id)),
            Field::Base(base) => self.bases.push(base),
            Field::Method(method) => self.methods.push(method),
            Field::Overloads { name, count, list } => {
                let bytes = (name.len() + size_of::<Method>()).saturating_mul(count.into());
                self.bytes = self.bytes.saturating_add(bytes);
                if self.bytes > MOST_BYTES {
                    return Err(list);
                }
                let found = items.get(list).filter(|item| matches!(item.kind, 0x0207 | 0x1206));
                let methods = found.and_then(|Item { kind, record, .. }| overloads(kind, record, count, &name));
                self.methods.extend(methods.ok_or(list)?);
            }
            Field::Nested(name, id) => self.nested.push((name, id)),
            Field::Vtable { offset, pointer } => self.vtables.push((offset, pointer)),
            Field::Value(value) => self.values.push(value),
            Field::Continued(_) | Field::Nothing => return Ok(field),
        }
        Ok(Field::Nothing)
    }

    /// The record with this body. `table` gives what a pointer to a table points at.
    pub(super) fn record(self, record: Record, table: impl Fn(u32) -> TypeId) -> Record {
        let vtables = self.vtables.into_iter().map(|(offset, pointer)| (offset, table(pointer))).collect();
        let Self { members, bases, statics, methods, nested, .. } = self;
        Record { members, bases, statics, methods, nested, vtables, ..record }
    }

    /// The enumeration with this body.
    pub(super) fn enumeration(self, enumeration: Enumeration) -> Enumeration {
        Enumeration { values: self.values, ..enumeration }
    }
}

/// A record without a body.
pub(super) fn bare_record(kind: RecordKind, name: String, size: u64, is_forward: bool) -> Record {
    let (members, bases, statics, methods, nested, vtables) = Default::default();
    Record { kind, name, size, is_forward, members, bases, statics, methods, nested, vtables }
}
