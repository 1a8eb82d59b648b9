//! The line table of a unit: code by address, with files and lines (DWARF 5 section 6.2).

use super::{
    look::{Look, OpenUnit, Value, text},
    sections::{Image, Slice},
};
use crate::symbol::SourceLine;
use gimli::{DebugLineOffset, LineProgramHeader, constants as dw};
use std::sync::Arc;
use vatlas_space::Rva;

/// How many rows that begin before an address are looked at.
const OVERLAPPING: usize = 16;
/// Letters of all file names of one table, besides some for each byte of the sections.
const LETTERS: usize = 1 << 20;

/// Code of one line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Row {
    start: u32,
    end: u32,
    file: u32,
    line: u32,
}

/// A line table.
#[derive(Debug, Default)]
pub(super) struct LineTable {
    /// By address.
    rows: Vec<Row>,
    /// By the numbers that the table's program and `DW_AT_call_file` use.
    files: Vec<Arc<str>>,
    /// Why the rest could not be read.
    pub problem: Option<String>,
}

impl LineTable {
    /// Reads the table at an offset of `.debug_line`, for a unit that uses it.
    pub fn read<'a>(look: &Look<'a>, unit: &OpenUnit<'a>, offset: usize) -> Self {
        let mut table = Self::default();
        if let Err(cause) = table.try_read(look, unit, offset) {
            table.problem = Some(cause.to_string());
        }
        table.rows.sort_by_key(|row| row.start);
        table
    }

    fn try_read<'a>(&mut self, look: &Look<'a>, unit: &OpenUnit<'a>, offset: usize) -> gimli::Result<()> {
        let root = unit.unit.entry(unit.unit.header.root_offset())?;
        let name = |attribute| text(&look.dwarf, &unit.unit, root.attr_value(attribute)?).map(Into::into);
        let (folder, file) = (name(dw::DW_AT_comp_dir), name(dw::DW_AT_name));
        let size = unit.unit.header.address_size();
        let program = look.dwarf.debug_line.program(DebugLineOffset(offset), size, None, None)?;
        let header = program.header().clone();
        self.files = Files { look, unit, header: &header, folder, file }.all();
        let mut rows = program.rows();
        let mut last: Option<(u64, u32, u32)> = None;
        while let Some((_, row)) = rows.next_row()? {
            if let Some((start, file, line)) = last {
                self.add(look.image, start, row.address(), file, line);
            }
            let file = u32::try_from(row.file_index()).unwrap_or(u32::MAX);
            let line = row.line().map_or(0, |line| u32::try_from(line.get()).unwrap_or(0));
            last = (!row.end_sequence()).then_some((row.address(), file, line));
        }
        Ok(())
    }

    fn add(&mut self, image: &Image, start: u64, end: u64, file: u32, line: u32) {
        let Some((start, end)) = image.piece(start, end) else { return };
        match self.rows.last_mut() {
            Some(last) if (last.end, last.file, last.line) == (start, file, line) => last.end = end,
            _ => self.rows.push(Row { start, end, file, line }),
        }
    }

    /// A line of a file by its number; `None` for a number that is not in the table.
    pub fn source_line(&self, file: u32, line: u32) -> Option<SourceLine> {
        let file = self.files.get(file as usize).filter(|file| !file.is_empty())?;
        Some(SourceLine { file: file.clone(), line })
    }

    /// The line of an address.
    pub fn at(&self, rva: u32) -> Option<SourceLine> {
        let count = self.rows.partition_point(|row| row.start <= rva);
        let row = self.rows[..count].iter().rev().take(OVERLAPPING).find(|row| row.end > rva)?;
        self.source_line(row.file, row.line)
    }

    /// The lines of the code from `start` up to `end`, which is not included.
    pub fn within(&self, start: u32, end: u32) -> Vec<(Rva, u32, SourceLine)> {
        let first = self.rows.partition_point(|row| row.start < start);
        // Two functions may be written on one line; its row begins in the first of them.
        let first = first.checked_sub(1).filter(|index| self.rows[*index].end > start).unwrap_or(first);
        let rows = self.rows[first..].iter().take_while(|row| row.start < end);
        let line = |row: &Row| {
            let (from, to) = (row.start.max(start), row.end.min(end));
            Some((Rva(from), to - from, self.source_line(row.file, row.line)?))
        };
        rows.filter_map(line).collect()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }
}

struct Files<'l, 'a> {
    look: &'l Look<'a>,
    unit: &'l OpenUnit<'a>,
    header: &'l LineProgramHeader<Slice<'a>>,
    /// Where the compiler ran.
    folder: Option<String>,
    /// The unit's own file.
    file: Option<String>,
}

impl<'a> Files<'_, 'a> {
    /// The names of all files; of those that are too many an empty name.
    fn all(&self) -> Vec<Arc<str>> {
        let before5 = self.header.version() < 5;
        let own = self.file.as_deref().filter(|_| before5).map(|file| self.absolute(file));
        let first = before5.then(|| own.unwrap_or_default().into());
        let sections = [
            gimli::Section::reader(&self.look.dwarf.debug_line),
            gimli::Section::reader(&self.look.dwarf.debug_line_str),
        ];
        let mut left = sections.iter().fold(LETTERS, |sum, section: &&Slice| sum + 16 * section.len());
        let name = |file: &gimli::FileEntry<Slice<'a>>| {
            let name = self.name(file).unwrap_or_default();
            left = left.saturating_sub(name.len());
            if left == 0 { Arc::default() } else { name.into() }
        };
        first.into_iter().chain(self.header.file_names().iter().map(name)).collect()
    }

    /// Folder and name. Folder 0 is where the compiler ran; other folders may be told from there.
    fn name(&self, file: &gimli::FileEntry<Slice<'a>>) -> Option<String> {
        let name = self.text(file.path_name())?;
        let folder = match file.directory_index() {
            0 if self.header.version() < 5 => None,
            index => self.header.directory(index).and_then(|folder| self.text(folder)),
        };
        let name = folder.map_or(name.clone(), |folder| join(&folder, &name));
        Some(self.absolute(&name))
    }

    fn absolute(&self, path: &str) -> String {
        self.folder.as_deref().map_or_else(|| path.to_owned(), |folder| join(folder, path))
    }

    fn text(&self, value: Value<'a>) -> Option<String> {
        text(&self.look.dwarf, &self.unit.unit, value).map(Into::into)
    }
}

/// A path from a folder: the path itself where it says from which root.
fn join(folder: &str, path: &str) -> String {
    let is_rooted = path.starts_with(['/', '\\']) || path.as_bytes().get(1) == Some(&b':');
    if is_rooted || folder.is_empty() || folder == "." {
        return path.to_owned();
    }
    if path.is_empty() || path == "." {
        return folder.to_owned();
    }
    let separator = if folder.contains('\\') && !folder.contains('/') { "\\" } else { "/" };
    let separator = if folder.ends_with(['/', '\\']) { "" } else { separator };
    format!("{folder}{separator}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined() {
        let check = |folder, path, expected: &str| assert_eq!(join(folder, path), expected);
        check("/src", "a.c", "/src/a.c");
        check("/src/", "a.c", "/src/a.c");
        check("/src", "/other/a.c", "/other/a.c");
        check("C:\\src", "a.c", "C:\\src\\a.c");
        check("C:\\src", "D:/a.c", "D:/a.c");
        check(".", "a.c", "a.c");
        check("", "a.c", "a.c");
        check("/src", ".", "/src");
    }
}
