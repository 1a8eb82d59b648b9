//! The C13 form of lines: subsections with lines, source files, and where inlined functions begin.
//!
//! A subsection is `u32 kind, u32 length, bytes`, aligned to 4. Layouts: `cvinfo.h` of Microsoft's published sources.

use super::{
    addresses::AddressMap,
    lines::{FileName, LineRow, NO_FILE, line_number},
    reader::Reader,
};
use std::{collections::HashMap, ops::ControlFlow};

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
    /// Those with lines, and where they begin.
    lines: Vec<(usize, &'a [u8])>,
    inlinees: Vec<&'a [u8]>,
    checksums: &'a [u8],
    imports: &'a [u8],
    exports: &'a [u8],
    /// Where the list of subsections could not be read any further.
    damaged_at: Option<usize>,
}

/// A line as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineEntry {
    pub(super) section: u16,
    pub(super) offset: u32,
    /// End of the code that the line's subsection is about.
    pub(super) end: u32,
    /// Offset of the file's name in `/names`.
    pub(super) file: u32,
    pub(super) line: u32,
}

impl<'a> C13<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut c13 = Self::default();
        let mut reader = Reader::new(bytes);
        loop {
            let at = reader.at();
            let Some((kind, part)) = subsection(&mut reader) else {
                c13.damaged_at = (at != bytes.len()).then_some(at);
                return c13;
            };
            match kind {
                LINES => c13.lines.push((at, part)),
                INLINEE_LINES => c13.inlinees.push(part),
                FILE_CHECKSUMS => c13.checksums = part,
                IMPORTS => c13.imports = part,
                EXPORTS => c13.exports = part,
                _ => {}
            }
        }
    }

    /// Offset of a file's name in `/names`; a file is the offset of its checksum: u32 name, length, kind, bytes.
    fn name_of_file(&self, file: u32) -> u32 {
        Reader::from(self.checksums, file as usize).u32().unwrap_or(NO_FILE)
    }

    /// The name of a file.
    pub(super) fn file(&self, file: u32) -> FileName {
        FileName::Shared(self.name_of_file(file))
    }

    /// Every line that is written, and where something could not be read.
    pub(super) fn entries(&self, visitor: &mut dyn FnMut(&LineEntry) -> ControlFlow<()>) -> Option<usize> {
        let mut damaged_at = self.damaged_at;
        for (at, section) in &self.lines {
            match self.section(section, visitor) {
                Some(ControlFlow::Continue(())) => {}
                Some(ControlFlow::Break(())) => break,
                None => damaged_at = damaged_at.or(Some(*at)),
            }
        }
        damaged_at
    }

    /// Appends the lines of all sections; where one could not be read. Code that the linker left out has no address.
    pub(super) fn lines(&self, addresses: &AddressMap, rows: &mut Vec<LineRow>) -> Option<usize> {
        self.entries(&mut |entry| {
            let linked = |offset| addresses.linked(entry.section, offset);
            if let Some((start, end)) = linked(entry.offset).zip(linked(entry.end)) {
                let file = FileName::Shared(entry.file);
                rows.push(LineRow { start, end, file, line: line_number(entry.line) });
            }
            ControlFlow::Continue(())
        })
    }

    /// u32 offset, u16 section, u16 flags, u32 size of the code, blocks. A block has the lines of one file:
    /// u32 file, u32 lines, u32 bytes of the block, {u32 offset, u32 line and flags} a line, columns.
    fn section(&self, bytes: &[u8], visitor: &mut dyn FnMut(&LineEntry) -> ControlFlow<()>) -> Option<ControlFlow<()>> {
        let mut reader = Reader::new(bytes);
        let (start, section, flags, size) = (reader.u32()?, reader.u16()?, reader.u16()?, reader.u32()?);
        let end = start.checked_add(size)?;
        while !reader.is_at_end() {
            let (file, count) = (self.name_of_file(reader.u32()?), reader.u32()? as usize);
            reader.skip(4)?;
            let columns = if flags & HAVE_COLUMNS == 0 { 0 } else { 4 };
            let mut lines = Reader::new(reader.take(count.checked_mul(8)?)?);
            reader.skip(count * columns)?;
            while let Some((offset, line)) = lines.u32().zip(lines.u32()) {
                let offset = start.checked_add(offset)?;
                let line = line & 0xff_ffff;
                if visitor(&LineEntry { section, offset, end, file, line }).is_break() {
                    return Some(ControlFlow::Break(()));
                }
            }
        }
        Some(ControlFlow::Continue(()))
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
