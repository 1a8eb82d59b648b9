//! The lines of a module: which bytes of code come from which line of which source file.
//!
//! A module keeps its lines in one of two forms, and both end as [`LineRow`]s: C13 (Visual C++ 8 and later, clang) is
//! read in `c13`, C11 (before) in `c11`.

use super::{
    addresses::{AddressMap, Linked},
    c11::{C11, LineRange},
    c13::C13,
    contributions::Contributions,
    dbi,
    reader::Reader,
};
use std::ops::Range;

/// Lines that a debugger is not to stop at; the code belongs to no line.
const NO_LINES: [u32; 2] = [0xfe_efee, 0xf0_0f00];
/// Offset of no file name.
pub(super) const NO_FILE: u32 = u32::MAX;

/// Where the name of a source file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileName {
    /// At an offset of the stream `/names`.
    Shared(u32),
    /// In the module's own list.
    Own(u32),
}

/// The code from `start` up to `end` comes from a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LineRow {
    pub(super) start: Linked,
    pub(super) end: Linked,
    pub(super) file: FileName,
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

/// The two parts of a module's stream that have lines: C11 behind the symbols, C13 behind that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineParts<'a> {
    pub(super) c11: &'a [u8],
    pub(super) c11_at: usize,
    pub(super) c13: &'a [u8],
    pub(super) c13_at: usize,
    /// Where the stream ends within one of them; what is there is used.
    pub(super) cut_off_at: Option<usize>,
}

impl<'a> LineParts<'a> {
    pub(super) fn of(module: &dbi::Module, stream: &'a [u8]) -> Self {
        let mut reader = Reader::new(stream);
        let mut part = |size: u32| {
            let at = reader.at();
            let taken = reader.take(size as usize);
            let bytes = taken.unwrap_or_else(|| reader.take_rest());
            (at, bytes, taken.is_some())
        };
        let (_, _, has_symbols) = part(module.symbols_size);
        let (c11_at, c11, has_c11) = part(module.c11_size);
        let (c13_at, c13, has_c13) = part(module.c13_size);
        let is_whole = has_symbols && has_c11 && has_c13;
        Self { c11, c11_at, c13, c13_at, cut_off_at: (!is_whole).then_some(stream.len()) }
    }
}

/// The lines of a module, sorted: a line's code ends where the next one begins, or at the end of its own part. Of
/// several that begin together the last has the code. And where in the C13 part something could not be read.
pub(super) fn read(
    c13: &C13<'_>,
    c11: &C11<'_>,
    addresses: &AddressMap,
    pieces: &Contributions,
) -> (Vec<LineRow>, Option<usize>) {
    let mut rows = Vec::new();
    let damaged_at = c13.lines(addresses, &mut rows);
    for range in &c11.ranges {
        read_range(range, addresses, pieces, &mut rows);
    }
    rows.sort_by_key(|row| row.start);
    let mut next = u32::MAX;
    for row in rows.iter_mut().rev() {
        row.end = row.end.min(next);
        next = row.start;
    }
    rows.retain(|row| row.start < row.end);
    (rows, damaged_at)
}

/// What lies outside of its range has no code.
fn read_range(range: &LineRange<'_>, addresses: &AddressMap, pieces: &Contributions, rows: &mut Vec<LineRow>) {
    let Some(code) = code_of(range, addresses, pieces) else { return };
    for (offset, line) in range.records() {
        if let Some(start) = addresses.linked(range.section, offset).filter(|start| code.contains(start)) {
            rows.push(LineRow { start, end: code.end, file: FileName::Own(range.file), line });
        }
    }
}

/// The code of a range. Its end is written as the offset of the last byte; where the linker put something that ends
/// exactly there, it is the one behind.
fn code_of(range: &LineRange<'_>, addresses: &AddressMap, pieces: &Contributions) -> Option<Range<Linked>> {
    if range.first == 0 && range.last == 0 {
        let start = addresses.linked(range.section, range.records().map(|record| record.0).min()?)?;
        let piece = pieces.below(start).filter(|piece| start < piece.end)?;
        return Some(start..piece.end);
    }
    let start = addresses.linked(range.section, range.first)?;
    let last = addresses.linked(range.section, range.last)?;
    let is_behind = last.checked_sub(1).and_then(|last| pieces.below(last)).is_some_and(|piece| piece.end == last);
    Some(start..if is_behind { last } else { last.saturating_add(1) })
}
