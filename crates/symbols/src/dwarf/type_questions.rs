//! The questions about types.

use super::{
    DwarfFile,
    look::{Look, Place},
    name_index::NameIndex,
    names,
    table::{RowKind, hash},
    type_ids::{self, Named},
    types::TypeReader,
};
use crate::types::{BasicKind, Type, TypeId, Types};
use std::ops::ControlFlow;
use vatlas_space::Problem;

/// Types of one name that are compared with what is looked for.
const CANDIDATES: usize = 64;

impl DwarfFile {
    fn name_index<'s>(&'s self, look: &Look<'s>) -> &'s NameIndex {
        self.names.get_or_init(|| {
            NameIndex::new((0..self.units.rows.len()).filter_map(|unit| Some((unit, self.table(look, unit)?))))
        })
    }

    /// The entry with a body of the record or enumeration that is declared at a place.
    pub(super) fn definition<'s>(&'s self, look: &Look<'s>, place: Place) -> Option<Place> {
        let row = *self.table(look, place.unit)?.row(place.offset).filter(|row| row.is_named)?;
        let name = self.type_name(look, place)?;
        let candidates = self.name_index(look).with(row.hash).iter().take(CANDIDATES);
        let mut bodies = candidates.filter(|other| !other.is_declaration && other.kind == row.kind);
        let found = bodies.find(|other| self.type_name(look, other.place).as_ref() == Some(&name))?;
        Some(found.place)
    }

    fn type_name<'s>(&'s self, look: &Look<'s>, place: Place) -> Option<String> {
        let tables = |index| self.table(look, index);
        let die = look.die(place)?;
        look.name(&die)?;
        let name = names::plain(look, &tables, &die);
        match self.table(look, place.unit)?.row(place.offset)?.kind {
            RowKind::Basic => Some(names::basic(&name).into_owned()),
            _ => Some(name),
        }
    }
}

impl Types for DwarfFile {
    fn get(&self, id: TypeId) -> Result<Type, Problem> {
        let place = || format!("{}: {}", self.origin.file, type_ids::text(id));
        let missing = || Problem::damage(place(), "no type can be read here");
        match type_ids::named(&self.units, id).ok_or_else(missing)? {
            Named::Void => Ok(Type::Basic { kind: BasicKind::Void, size: 0, name: "void".to_owned() }),
            Named::Integer { size, is_signed } => Ok(integer(size, is_signed)),
            Named::Entry(place, dimension) => {
                let look = self.look();
                let tables = |index| self.table(&look, index);
                let definition = |place| self.definition(&look, place);
                let die = look.die(place).ok_or_else(missing)?;
                Ok(TypeReader { look: &look, tables: &tables, definition: &definition }.read(&die, dimension))
            }
        }
    }

    fn find(&self, name: &str) -> Option<TypeId> {
        if name == "void" {
            return Some(type_ids::void());
        }
        let look = self.look();
        let spelled = names::basic(name);
        let candidates = self.name_index(&look).with(hash(0, &spelled)).iter().take(CANDIDATES);
        let mut same =
            candidates.filter(|named| self.type_name(&look, named.place).is_some_and(|name| name == spelled));
        Some(type_ids::id(&self.units, same.next()?.place, 0))
    }

    fn visit_names(&self, visitor: &mut dyn FnMut(&str, TypeId) -> ControlFlow<()>) {
        let look = self.look();
        for named in self.name_index(&look).distinct() {
            look.again();
            let Some(name) = self.type_name(&look, named.place) else { continue };
            if visitor(&name, type_ids::id(&self.units, named.place, 0)).is_break() {
                return;
            }
        }
    }

    fn pointer_size(&self) -> u64 {
        self.image.pointer_size.into()
    }
}

/// An integer that the compiler did not name.
fn integer(size: u64, is_signed: bool) -> Type {
    let (kind, sign) = if is_signed { (BasicKind::Signed, "") } else { (BasicKind::Unsigned, "unsigned ") };
    let name = match size {
        1 => "char".to_owned(),
        2 => "short".to_owned(),
        4 => "int".to_owned(),
        8 => "long long".to_owned(),
        _ => format!("_BitInt({})", 8 * size),
    };
    Type::Basic { kind, size, name: format!("{sign}{name}") }
}
