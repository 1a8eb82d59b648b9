//! The lines of a module: which bytes of code come from which line of which source file.
//!
//! A module keeps its lines in one of two forms, and both end as [`LineRow`]s: C13 (Visual C++ 8 and later, clang) is
//! read in `c13`; C11 (before) would be read here from `c11_size` bytes behind the symbols.

use super::{addresses::AddressMap, addresses::Linked, c13::C13, dbi};

/// Lines that a debugger is not to stop at; the code belongs to no line.
const NO_LINES: [u32; 2] = [0xfe_efee, 0xf0_0f00];
/// Offset of no file name.
pub(super) const NO_FILE: u32 = u32::MAX;

/// The code from `start` up to `end` comes from a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LineRow {
    pub(super) start: Linked,
    pub(super) end: Linked,
    /// Offset of the file's name in the stream `/names`.
    pub(super) file: u32,
    /// 0 for code of no line.
    pub(super) line: u32,
}

impl LineRow {
    pub(super) fn covers(&self, linked: Linked) -> bool {
        (self.start..self.end).contains(&linked)
    }
}

/// A line's number as a PDB writes it.
pub(super) fn line_number(raw: u32) -> u32 {
    if NO_LINES.contains(&raw) { 0 } else { raw }
}

/// The last row that begins at or below an address of rows that are sorted, if it covers it.
pub(super) fn row_at(rows: &[LineRow], linked: Linked) -> Option<&LineRow> {
    let index = rows.partition_point(|row| row.start <= linked).checked_sub(1)?;
    rows.get(index).filter(|row| row.covers(linked))
}

/// Where the C13 part of a module's stream is.
pub(super) fn c13_part<'a>(module: &dbi::Module, stream: &'a [u8]) -> Option<&'a [u8]> {
    let start = (module.symbols_size as usize).checked_add(module.c11_size as usize)?;
    stream.get(start..start.checked_add(module.c13_size as usize)?)
}

/// The lines of a module, sorted, and whether all could be read.
pub(super) fn read(c13: &C13<'_>, addresses: &AddressMap) -> (Vec<LineRow>, bool) {
    let mut rows = Vec::new();
    let is_whole = c13.lines(addresses, &mut rows);
    rows.sort_by_key(|row| row.start);
    (rows, is_whole)
}
