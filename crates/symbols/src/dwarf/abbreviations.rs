//! Tables of abbreviations, each read once and within its own bytes.
//!
//! DWARF 5 section 7.5.3. A table reaches from an offset that a unit names to the next such offset: so no damage makes
//! two units read the same bytes in two ways, and all tables together cost as much as the section is long.

use super::sections::Slice;
use gimli::{Abbreviations, DebugAbbrev, DebugAbbrevOffset, Dwarf, LittleEndian, Section};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Attributes of one entry that are believed. An attribute may take no byte of the entry, so a huge number of them
/// would cost time without end; the standard knows about 150.
const MOST_ATTRIBUTES: usize = 256;

/// The tables that were needed.
#[derive(Debug, Default)]
pub(super) struct AbbreviationTables {
    /// Offsets of the tables, sorted.
    offsets: Vec<usize>,
    read: Mutex<HashMap<usize, Option<Arc<Abbreviations>>>>,
}

impl AbbreviationTables {
    /// Tables at these offsets, in any order.
    pub fn new(offsets: impl Iterator<Item = usize>) -> Self {
        let mut offsets: Vec<usize> = offsets.collect();
        offsets.sort_unstable();
        offsets.dedup();
        Self { offsets, read: Mutex::default() }
    }

    /// The table at an offset; `None` where there is none that can be read.
    pub fn get(&self, offset: usize, dwarf: &Dwarf<Slice>) -> Option<Arc<Abbreviations>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(offset).or_insert_with(|| self.table(offset, dwarf)).clone()
    }

    fn table(&self, offset: usize, dwarf: &Dwarf<Slice>) -> Option<Arc<Abbreviations>> {
        let section = dwarf.debug_abbrev.reader().slice();
        let next = self.offsets.partition_point(|other| *other <= offset);
        let end = self.offsets.get(next).copied().unwrap_or(section.len()).min(section.len());
        let bytes = section.get(offset..end).unwrap_or_default();
        let table = || DebugAbbrev::new(bytes, LittleEndian).abbreviations(DebugAbbrevOffset(0)).ok();
        is_sound(bytes).then(table)?.map(Arc::new)
    }
}

/// Whether no entry of a table has too many attributes. What else is wrong is found by whoever reads it.
fn is_sound(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    // code, tag, children; then pairs of name and form up to two zeros, with a number behind DW_FORM_implicit_const
    while leb128(&mut rest).is_some_and(|code| code != 0) {
        let _tag = leb128(&mut rest);
        rest = rest.get(1..).unwrap_or_default();
        let mut count = 0;
        while let (Some(name), Some(form)) = (leb128(&mut rest), leb128(&mut rest)) {
            if (name, form) == (0, 0) {
                break;
            }
            if form == u64::from(gimli::constants::DW_FORM_implicit_const.0) {
                leb128(&mut rest);
            }
            count += 1;
            if count > MOST_ATTRIBUTES {
                return false;
            }
        }
    }
    true
}

/// A number of seven bits a byte, lowest first; what does not fit is cut off. `None` at the end.
fn leb128(rest: &mut &[u8]) -> Option<u64> {
    let length = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let (number, after) = rest.split_at(length);
    *rest = after;
    let bits = number.iter().take(9).enumerate();
    Some(bits.fold(0, |value, (index, byte)| value | u64::from(byte & 0x7f) << (7 * index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_attributes_are_no_table() {
        let table = |count: usize| -> Vec<u8> {
            let attributes = std::iter::repeat_n([0x3c, 0x19], count).flatten();
            [1, 0x34, 0].into_iter().chain(attributes).chain([0, 0, 0]).collect()
        };
        assert!(is_sound(&table(MOST_ATTRIBUTES)));
        assert!(!is_sound(&table(MOST_ATTRIBUTES + 1)));
        assert!(is_sound(&[1, 0x34, 0, 0x3c, 0x21, 0x85, 1, 0, 0, 0]));
        assert!(is_sound(&[]) && is_sound(&[0x80; 40]));
    }
}
