//! Making a table: rows in any order are sorted and become bytes.

use super::{
    SymbolTable,
    rows::{Cover, FileRow, InlineRow, LineRow, SymbolRow},
};
use crate::{
    index_bytes::{
        IndexBytes, Section,
        facts::Facts,
        rows::{Row, bytes_of},
    },
    symbol::SymbolKind,
    symbol_file::Origin,
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};
use vatlas_space::Rva;

/// Collects rows in any order.
#[derive(Debug, Default)]
pub struct TableBuilder {
    names: String,
    /// Texts that occur often.
    known: HashMap<Box<str>, (u32, u32)>,
    files: Vec<FileRow>,
    symbols: Vec<SymbolRow>,
    lines: Vec<LineRow>,
    inlines: Vec<InlineRow>,
    /// Sections with rows of a format of its own.
    others: Vec<(Section, Vec<u8>)>,
}

impl TableBuilder {
    /// Keeps a text; `None` when four gigabytes of them are full.
    pub(crate) fn keep(&mut self, text: &str) -> Option<(u32, u32)> {
        let start = u32::try_from(self.names.len()).ok()?;
        let end = u32::try_from(self.names.len() + text.len()).ok()?;
        self.names.push_str(text);
        Some((start, end))
    }

    /// The same for texts that occur often: the names of inlined functions, the rules of frames.
    pub(crate) fn keep_once(&mut self, text: &str) -> Option<(u32, u32)> {
        if let Some(place) = self.known.get(text) {
            return Some(*place);
        }
        let place = self.keep(text)?;
        self.known.insert(text.into(), place);
        Some(place)
    }

    /// Adds a symbol; a size of zero stands for "not told".
    pub fn symbol(&mut self, rva: Rva, size: u32, name: &str, kind: SymbolKind) {
        if let Some(name) = self.keep(name) {
            self.symbols.push(SymbolRow { rva: rva.0, size, name, kind });
        }
    }

    /// Adds a source file and gives its number.
    pub fn file(&mut self, name: &str) -> u32 {
        let name = self.keep(name).unwrap_or_default();
        self.files.push(FileRow(name));
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds a line: `size` bytes of code from `rva` on.
    pub fn line(&mut self, rva: Rva, size: u32, file: u32, line: u32) {
        self.lines.push(LineRow { rva: rva.0, size, file, line });
    }

    /// Adds a piece of `function` that was put into another function, called from `call_line` of `call_file`. Depth
    /// 0 lies in the function itself, depth 1 in a piece of depth 0, and so on.
    pub fn inline(&mut self, rva: Rva, size: u32, depth: u32, function: &str, call: (u32, u32)) {
        if let Some(function) = self.keep_once(function) {
            let (call_file, call_line) = call;
            self.inlines.push(InlineRow { rva: rva.0, size, depth, function, call_file, call_line });
        }
    }

    /// Adds a section whose rows are in the order in which they are looked for.
    pub(crate) fn section<R: Row>(&mut self, section: Section, rows: &[R]) {
        self.others.push((section, bytes_of(rows)));
    }

    /// Sorts everything.
    pub fn build(mut self, origin: Origin) -> SymbolTable {
        self.symbols.sort_by_key(|row| (row.rva, row.kind));
        self.lines.sort_by_key(|row| row.rva);
        self.inlines.sort_by_key(|row| (row.depth, row.rva));
        let mut sections = self.others;
        sections.extend([
            (Section::Names, self.names.into_bytes()),
            (Section::Files, bytes_of(&self.files)),
            (Section::Covers, bytes_of(&covers(&self.symbols))),
            (Section::Symbols, bytes_of(&self.symbols)),
            (Section::Lines, bytes_of(&self.lines)),
            (Section::Inlines, bytes_of(&self.inlines)),
        ]);
        let facts = Facts { origin, machine: None, image_base: None, problems: Vec::new() };
        SymbolTable::new(facts, IndexBytes::of(&sections))
    }
}

/// Cuts the sized symbols of a sorted list so that none overlaps another: where several cover an address, the one that
/// begins last has it, and of those the best kind.
fn covers(symbols: &[SymbolRow]) -> Vec<Cover> {
    let sized = || symbols.iter().zip(0u32..).filter(|(row, _)| row.size != 0);
    let end = |row: &SymbolRow| u64::from(row.rva) + u64::from(row.size);
    let mut points: Vec<u64> = sized().flat_map(|(row, _)| [row.rva.into(), end(row)]).collect();
    points.sort_unstable();
    points.dedup();
    let mut covers: Vec<Cover> = Vec::with_capacity(points.len());
    let mut open = BinaryHeap::new();
    let mut later = sized().peekable();
    for point in points {
        while let Some((row, index)) = later.next_if(|(row, _)| u64::from(row.rva) == point) {
            open.push((row.rva, Reverse(index), end(row)));
        }
        while open.peek().is_some_and(|(_, _, end)| *end <= point) {
            open.pop();
        }
        let row = open.peek().map(|(_, Reverse(index), _)| *index);
        // What ends behind the last address of an image ends nowhere.
        let Ok(rva) = u32::try_from(point) else { continue };
        if covers.last().is_none_or(|last| last.row != row) {
            covers.push(Cover { rva, row });
        }
    }
    covers
}
