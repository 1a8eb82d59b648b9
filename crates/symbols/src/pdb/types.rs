//! The types of a PDB: records of the type stream, each read when it is asked for.
//!
//! A type's id is its number in the stream; a typedef is a global symbol, and its id the symbol's offset behind those.

mod basic;
mod body;
mod fields;
mod find;
mod leaf;
mod names;
pub(super) mod numbers;
mod pointer;
mod read;
mod typedefs;

use super::{
    PdbFile, dbi,
    items::{Items, TYPES},
    streams::{NO_STREAM, Streams},
};
use crate::types::{Type, TypeId, Types};
use leaf::{Found, Leaf, Udt};
use names::NameTable;
use std::{
    ops::ControlFlow,
    sync::{Arc, OnceLock},
};
use typedefs::Typedefs;
use vatlas_space::Problem;

/// Ids from here on are typedefs.
const TYPEDEFS: u64 = 1 << 32;
/// `IMAGE_FILE_MACHINE_*` of processors with 64-bit addresses: IA-64, AMD64, ARM64 and its two mixed forms.
const WIDE_MACHINES: [u16; 5] = [0x0200, 0x8664, 0xaa64, 0xa641, 0xa64e];

/// The types of one PDB.
pub(super) struct PdbTypes {
    items: Arc<Items>,
    streams: Arc<Streams>,
    symbol_records: u16,
    pointer_size: u64,
    by_name: OnceLock<NameTable>,
    by_unique_name: OnceLock<NameTable>,
    typedefs: OnceLock<Typedefs>,
}

impl PdbFile {
    /// The types, if there are any.
    pub(super) fn pdb_types(&self) -> Option<&PdbTypes> {
        let read = || {
            let items = Items::new(self.stream(TYPES, "types")?)?;
            if let Some(at) = items.damaged_at {
                let place = format!("{}, offset {at:#x}", self.streams.place(TYPES, "types"));
                self.note(Problem::damage(place, "is no type record; types before it are used"));
            }
            let header = self.dbi.as_ref().map(|(header, _)| header);
            PdbTypes::new(Arc::new(items), Arc::clone(&self.streams), header)
        };
        self.types.get_or_init(read).as_ref()
    }
}

/// Name of a structure or an enumeration.
pub(super) fn declared_name(items: &Items, number: u32) -> Option<String> {
    let item = items.get(number)?;
    match leaf::udt(item.kind, item.record) {
        Found::Udt(udt) => Some(text(udt.name)),
        Found::Damaged | Found::AnotherKind => None,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn type_id(number: u32) -> TypeId {
    TypeId(number.into())
}

impl PdbTypes {
    fn new(items: Arc<Items>, streams: Arc<Streams>, header: Option<&dbi::Header>) -> Option<Self> {
        if items.numbers().is_empty() {
            return None;
        }
        let machine = header.map(|header| header.machine).filter(|machine| *machine != 0);
        let pointer_size = match machine {
            Some(machine) if WIDE_MACHINES.contains(&machine) => 8,
            Some(_) => 4,
            None => size_of_first_pointer(&items).unwrap_or(4),
        };
        let symbol_records = header.map_or(NO_STREAM, |header| header.symbol_records);
        let (by_name, by_unique_name, typedefs) = Default::default();
        Some(Self { items, streams, symbol_records, pointer_size, by_name, by_unique_name, typedefs })
    }

    /// The records.
    pub(super) fn items(&self) -> Arc<Items> {
        Arc::clone(&self.items)
    }

    fn udt(&self, number: u32) -> Option<Udt<'_>> {
        let item = self.items.get(number)?;
        match leaf::udt(item.kind, item.record) {
            Found::Udt(udt) => Some(udt),
            Found::Damaged | Found::AnotherKind => None,
        }
    }

    fn damage(&self, number: u32) -> Problem {
        let place = self.streams.place(TYPES, "types");
        match self.items.offset(number) {
            Some(at) => {
                let cause = format!("the record of type {number:#x} is damaged");
                Problem::damage(format!("{place}, offset {at:#x}"), cause)
            }
            None => {
                let numbers = self.items.numbers();
                let cause = format!("there is no type {number:#x}");
                let hint = format!("types with a record are {:#x} to {:#x}", numbers.start, numbers.end - 1);
                Problem::damage(place, cause).hint(hint)
            }
        }
    }

    fn typedef(&self, id: u64) -> Result<Type, Problem> {
        let at = u32::try_from(id - TYPEDEFS).ok();
        let typedef = at.and_then(|at| self.typedefs().get(at)).ok_or_else(|| {
            let place = self.streams.place(self.symbol_records, "symbol records");
            Problem::damage(format!("{place}, offset {:#x}", id - TYPEDEFS), "is no name of a type")
        })?;
        Ok(Type::Alias { name: text(typedef.name), target: type_id(typedef.target) })
    }
}

impl Types for PdbTypes {
    fn get(&self, id: TypeId) -> Result<Type, Problem> {
        match u32::try_from(id.0) {
            Ok(number) => self.read(number),
            Err(_) => self.typedef(id.0),
        }
    }

    fn find(&self, name: &str) -> Option<TypeId> {
        self.find_name(name)
    }

    fn visit_names(&self, visitor: &mut dyn FnMut(&str, TypeId) -> ControlFlow<()>) {
        // A break is the visitor's own wish.
        let _ = self.visit_all(visitor);
    }

    fn pointer_size(&self) -> u64 {
        self.pointer_size
    }
}

/// Bytes of the first pointer of a program whose processor is not told.
fn size_of_first_pointer(items: &Items) -> Option<u64> {
    let leaves = items.numbers().filter_map(|number| items.get(number));
    let mut leaves = leaves.filter(|item| item.kind == 0x1002).filter_map(|item| leaf::read(item.kind, item.record));
    leaves.find_map(|leaf| match leaf {
        Leaf::Pointer { attributes, member: None, .. } if attributes & 0x1f == 10 => Some(4),
        Leaf::Pointer { attributes, member: None, .. } if attributes & 0x1f == 12 => Some(8),
        _ => None,
    })
}
