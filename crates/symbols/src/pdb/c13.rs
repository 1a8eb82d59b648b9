//! The C13 form of lines: subsections with lines, source files, and where inlined functions begin.
//!
//! A subsection is `u32 kind, u32 length, bytes`, aligned to 4. Layouts: `cvinfo.h` of Microsoft's published sources.

use super::{
    addresses::AddressMap,
    lines::{LineRow, NO_FILE, line_number},
    reader::Reader,
};
use std::collections::HashMap;

const LINES: u32 = 0xf2;
const FILE_CHECKSUMS: u32 = 0xf4;
const INLINEE_LINES: u32 = 0xf6;
const IMPORTS: u32 = 0xf7;
const EXPORTS: u32 = 0xf8;
/// Flag of lines that have columns as well.
const HAVE_COLUMNS: u16 = 1;
/// Mark of inlined functions that have more than one file.
const EXTRA_FILES: u32 = 1;

/// The subsections of one module.
#[derive(Debug, Default)]
pub(super) struct C13<'a> {
    lines: Vec<&'a [u8]>,
    inlinees: Vec<&'a [u8]>,
    checksums: &'a [u8],
    imports: &'a [u8],
    exports: &'a [u8],
    /// Whether the list of subsections was read to its end.
    pub(super) is_whole: bool,
}

impl<'a> C13<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut c13 = Self::default();
        let mut reader = Reader::new(bytes);
        while let Some((kind, part)) = subsection(&mut reader) {
            match kind {
                LINES => c13.lines.push(part),
                INLINEE_LINES => c13.inlinees.push(part),
                FILE_CHECKSUMS => c13.checksums = part,
                IMPORTS => c13.imports = part,
                EXPORTS => c13.exports = part,
                _ => {}
            }
        }
        c13.is_whole = reader.is_at_end();
        c13
    }

    /// Offset of a file's name in `/names`; a file is the offset of its checksum: u32 name, length, kind, bytes.
    pub(super) fn file(&self, file: u32) -> u32 {
        Reader::from(self.checksums, file as usize).u32().unwrap_or(NO_FILE)
    }

    /// Appends the lines of all sections; whether all could be read.
    pub(super) fn lines(&self, addresses: &AddressMap, rows: &mut Vec<LineRow>) -> bool {
        let mut is_whole = self.is_whole;
        for section in &self.lines {
            let first = rows.len();
            is_whole &= self.section(section, addresses, rows).is_some();
            rows.retain_from(first, |row| row.start < row.end);
        }
        is_whole
    }

    /// u32 offset, u16 section, u16 flags, u32 size of the code, blocks. A block has the lines of one file:
    /// u32 file, u32 lines, u32 bytes of the block, {u32 offset, u32 line and flags} a line, columns.
    fn section(&self, bytes: &[u8], addresses: &AddressMap, rows: &mut Vec<LineRow>) -> Option<()> {
        let mut reader = Reader::new(bytes);
        let (offset, section, flags, size) = (reader.u32()?, reader.u16()?, reader.u16()?, reader.u32()?);
        // Lines of code that the linker left out.
        let Some(start) = addresses.linked(section, offset) else { return Some(()) };
        let end = start.checked_add(size)?;
        let first = rows.len();
        while !reader.is_at_end() {
            let (file, count) = (self.file(reader.u32()?), reader.u32()? as usize);
            reader.skip(4)?;
            let columns = if flags & HAVE_COLUMNS == 0 { 0 } else { 4 };
            let mut lines = Reader::new(reader.take(count.checked_mul(8)?)?);
            reader.skip(count * columns)?;
            while let Some((offset, line)) = lines.u32().zip(lines.u32()) {
                let start = start.checked_add(offset)?;
                rows.push(LineRow { start, end, file, line: line_number(line & 0xff_ffff) });
            }
        }
        close(&mut rows[first..], end);
        Some(())
    }

    /// An id of another module: the offset of that module's name in `/names`, and the number that it has there.
    ///
    /// Imports: {u32 module, u32 count, u32 ids}; bits 20 to 30 of an id choose the module, the lower ones its id.
    pub(super) fn import(&self, id: u32) -> Option<(u32, u32)> {
        let (module, index) = (id >> 20 & 0x7ff, id & 0xf_ffff);
        let mut reader = Reader::new(self.imports);
        for _ in 0..module {
            reader.skip(4)?;
            let count = reader.u32()? as usize;
            reader.skip(count.checked_mul(4)?)?;
        }
        let (name, count) = (reader.u32()?, reader.u32()?);
        reader.skip(index as usize * 4)?;
        if index < count { Some((name, reader.u32()?)) } else { None }
    }

    /// The numbers by which other modules know ids: {u32 number, u32 id}.
    pub(super) fn exports(&self) -> HashMap<u32, u32> {
        let mut reader = Reader::new(self.exports);
        std::iter::from_fn(|| reader.u32().zip(reader.u32())).collect()
    }

    /// Where every inlined function begins, by its id: u32 id, u32 file, u32 line.
    pub(super) fn inlinees(&self) -> HashMap<u32, (u32, u32)> {
        let mut inlinees = HashMap::new();
        for bytes in &self.inlinees {
            let mut reader = Reader::new(bytes);
            let has_extra_files = reader.u32() == Some(EXTRA_FILES);
            while let Some((id, place)) = inlinee(&mut reader, has_extra_files) {
                inlinees.insert(id, place);
            }
        }
        inlinees
    }
}

/// A row ends where the next one begins, the last at the end of the code.
fn close(rows: &mut [LineRow], end: u32) {
    rows.sort_by_key(|row| row.start);
    let mut next = end;
    for row in rows.iter_mut().rev() {
        row.end = next.max(row.start);
        next = row.start.min(end);
    }
}

fn subsection<'a>(reader: &mut Reader<'a>) -> Option<(u32, &'a [u8])> {
    let (kind, length) = (reader.u32()?, reader.u32()?);
    let part = reader.take(length as usize)?;
    reader.align();
    Some((kind, part))
}

fn inlinee(reader: &mut Reader<'_>, has_extra_files: bool) -> Option<(u32, (u32, u32))> {
    let (id, file, line) = (reader.u32()?, reader.u32()?, reader.u32()?);
    if has_extra_files {
        let count = reader.u32()? as usize;
        reader.skip(count.checked_mul(4)?)?;
    }
    Some((id, (file, line)))
}

/// Like [`Vec::retain`], but what lies before `first` stays.
trait RetainFrom<T> {
    fn retain_from(&mut self, first: usize, keep: impl FnMut(&T) -> bool);
}

impl<T> RetainFrom<T> for Vec<T> {
    fn retain_from(&mut self, first: usize, keep: impl FnMut(&T) -> bool) {
        let mut tail = self.split_off(first);
        tail.retain(keep);
        self.append(&mut tail);
    }
}
