//! The numbers of types: where the entry is in its section, and what has no entry of its own.

use super::{look::Place, units::Units};
use crate::types::TypeId;

/// Bit of a type in `.debug_types`.
const IN_TYPES: u64 = 1 << 55;
/// The offset in the section.
const OFFSET: u64 = (1 << 48) - 1;
/// The dimension of an array, above the offset.
const DIMENSION: u32 = 56;
/// Dimensions that are believed.
pub(super) const MOST_DIMENSIONS: usize = 64;
/// Marks of what has no entry.
const VOID: u64 = 0xfe;
const INTEGER: u64 = 0xff;
const SIGNED: u64 = 1 << 32;

/// What a number stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Named {
    /// An entry; of an array the dimension.
    Entry(Place, usize),
    Void,
    /// An integer of so many bytes that the compiler did not name.
    Integer {
        size: u64,
        is_signed: bool,
    },
}

/// The number of the type that is none.
pub(super) fn void() -> TypeId {
    TypeId(VOID << DIMENSION)
}

/// The number of an integer that has no entry.
pub(super) fn integer(size: u64, is_signed: bool) -> TypeId {
    TypeId(INTEGER << DIMENSION | if is_signed { SIGNED } else { 0 } | size.min(16))
}

/// The number of an entry.
pub(super) fn id(units: &Units, place: Place, dimension: usize) -> TypeId {
    let Some(row) = units.rows.get(place.unit) else { return void() };
    let offset = (row.start as u64).wrapping_add(place.offset as u64) & OFFSET;
    let dimension = (dimension.min(MOST_DIMENSIONS) as u64) << DIMENSION;
    TypeId(offset | dimension | if row.in_types { IN_TYPES } else { 0 })
}

/// What a number stands for; `None` where no unit is.
pub(super) fn named(units: &Units, id: TypeId) -> Option<Named> {
    match id.0 >> DIMENSION {
        VOID => Some(Named::Void),
        INTEGER => Some(Named::Integer { size: id.0 & 0x1f, is_signed: id.0 & SIGNED != 0 }),
        dimension => {
            let offset = usize::try_from(id.0 & OFFSET).ok()?;
            let unit = units.at(id.0 & IN_TYPES != 0, offset)?;
            let start = units.rows.get(unit)?.start;
            Some(Named::Entry(Place { unit, offset: offset.checked_sub(start)? }, dimension as usize))
        }
    }
}

/// Where an entry is, for a problem.
pub(super) fn text(id: TypeId) -> String {
    let section = if id.0 & IN_TYPES != 0 { ".debug_types" } else { ".debug_info" };
    format!("{section}+{:#x}", id.0 & OFFSET)
}
