//! The export table of an image, from a file or from memory: names, ordinals, forwarders.
//!
//! `IMAGE_EXPORT_DIRECTORY` of the PE specification: 40 bytes, then three arrays. A name belongs to the function whose
//! index stands beside it; a function without a name has an ordinal only; a function whose address lies within the
//! directory is a text, `other.function`: another image has it.

use crate::{
    image_bytes::{ReadImage, read_whole},
    pe::PeHeaders,
};
use object::pe::IMAGE_DIRECTORY_ENTRY_EXPORT;
use scroll::{Endian, Pread};
use std::collections::HashMap;
use vatlas_space::{Problem, Rva};

/// Ordinals have 16 bits, so more functions cannot be reached.
const MOST: u32 = 0x1_0000;

/// Longest name that is read; what follows is left out.
const LONGEST_NAME: usize = 4096;

/// Bytes of names that are read of one table: many entries may point at one long name.
const MOST_TEXT: usize = 16 << 20;

/// Where an export leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExportTarget {
    /// To an address of the image, code or data.
    Address(Rva),
    /// To an export of another image, `NTDLL.RtlAllocateHeap` or `NTDLL.#12`.
    Forwarder(String),
}

/// An export. A function with several names is there several times.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// Its number.
    pub ordinal: u32,
    /// Its name; `None` when it has only a number.
    pub name: Option<String>,
    /// Where it leads.
    pub target: ExportTarget,
}

/// The export table of an image.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exports {
    /// The image's own name, as it was linked.
    pub module: String,
    /// Its exports by index, then by name.
    pub exports: Vec<Export>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Reads the export table; `None` when the image has none.
pub fn read(headers: &PeHeaders, read: ReadImage) -> Option<Exports> {
    let (directory, size) = headers.directory(IMAGE_DIRECTORY_ENTRY_EXPORT)?;
    Some(Reader { directory, size, read, text_left: MOST_TEXT, problems: Vec::new() }.exports())
}

struct Reader<'a> {
    directory: Rva,
    size: u32,
    read: ReadImage<'a>,
    text_left: usize,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn exports(mut self) -> Exports {
        let header = self.bytes(self.directory, 40);
        let field = |offset| header.pread_with::<u32>(offset, Endian::Little).unwrap_or(0);
        if header.len() < 40 {
            self.problem(format!("the directory at {} is not there or cut off", self.directory));
            return Exports { problems: self.problems, ..Exports::default() };
        }
        let functions = self.numbers(Rva(field(28)), field(20), 4, "addresses");
        let names = self.numbers(Rva(field(32)), field(24), 4, "names");
        let indices = self.numbers(Rva(field(36)), field(24), 2, "ordinals");
        let mut named: HashMap<u32, Vec<String>> = HashMap::new();
        let mut lost = 0;
        for (name, index) in names.iter().zip(&indices) {
            match self.text(Rva(*name)) {
                Some(name) if (*index as usize) < functions.len() => named.entry(*index).or_default().push(name),
                _ => lost += 1,
            }
        }
        if lost > 0 {
            self.problem(format!("{lost} names cannot be read or name no function"));
        }
        let base = field(16);
        let mut exports = Vec::with_capacity(functions.len());
        for (index, address) in (0u32..).zip(&functions) {
            self.export(base.wrapping_add(index), *address, named.remove(&index), &mut exports);
        }
        let module = self.text(Rva(field(12))).unwrap_or_default();
        Exports { module, exports, problems: self.problems }
    }

    /// A function and its names; a gap in the ordinals has address 0.
    fn export(&mut self, ordinal: u32, address: u32, names: Option<Vec<String>>, exports: &mut Vec<Export>) {
        let is_forwarder = Rva(address).offset_from(self.directory).is_some_and(|offset| offset < self.size);
        let target = match is_forwarder {
            _ if address == 0 => return,
            true => self.text(Rva(address)).map(ExportTarget::Forwarder),
            false => Some(ExportTarget::Address(Rva(address))),
        };
        let Some(target) = target else {
            self.problem(format!("the forwarder of ordinal {ordinal} cannot be read"));
            return;
        };
        match names {
            None => exports.push(Export { ordinal, name: None, target }),
            Some(names) => exports.extend(names.into_iter().map(|name| {
                let target = target.clone();
                Export { ordinal, name: Some(name), target }
            })),
        }
    }

    /// An array of `count` numbers of `width` bytes.
    fn numbers(&mut self, rva: Rva, count: u32, width: u32, what: &str) -> Vec<u32> {
        let wanted = count.min(MOST);
        let bytes = self.bytes(rva, (wanted * width) as usize);
        let number = |chunk: &[u8]| chunk.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
        let numbers: Vec<u32> = bytes.chunks_exact(width as usize).map(number).collect();
        if numbers.len() < count as usize {
            self.problem(format!("{} of {count} {what} at {rva} can be read", numbers.len()));
        }
        numbers
    }

    /// Bytes from `rva` on, fewer where the image ends.
    fn bytes(&self, rva: Rva, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let read = read_whole(self.read, rva, &mut bytes);
        bytes.truncate(read);
        bytes
    }

    /// A text that ends with a zero.
    fn text(&mut self, rva: Rva) -> Option<String> {
        const STEP: usize = 64;
        let mut text = Vec::new();
        while rva.0 != 0 && text.len() < LONGEST_NAME.min(self.text_left) {
            let piece = self.bytes(rva.checked_add(u32::try_from(text.len()).ok()?)?, STEP);
            if let Some(end) = piece.iter().position(|byte| *byte == 0) {
                text.extend_from_slice(&piece[..end]);
                self.text_left = self.text_left.saturating_sub(text.len());
                return (!text.is_empty()).then(|| String::from_utf8_lossy(&text).into_owned());
            }
            if piece.len() < STEP {
                return None;
            }
            text.extend_from_slice(&piece);
        }
        None
    }

    fn problem(&mut self, cause: String) {
        self.problems.push(Problem::damage("export table", cause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_bytes::of_file;
    use vatlas_fixtures::pe::{self, Image, Machine};

    const SECTION: u32 = 0x1000;

    fn image(table: Vec<u8>, size: u32) -> Vec<u8> {
        let image = Image::new(Machine::I386, 0x1000_0000).section(".edata", 0x4000_0040, table, 0x1000);
        image.directory(0, SECTION, size).file()
    }

    fn exports_of(file: &[u8]) -> Exports {
        let headers = PeHeaders::read(file).unwrap();
        read(&headers, &of_file(&headers, file)).unwrap()
    }

    fn table() -> Vec<u8> {
        pe::exports(SECTION, "small.dll", 0, &[("alpha", 0x2000), ("beta", 0x2010), ("gamma", 0x2000)])
    }

    #[test]
    fn names_and_ordinals() {
        let exports = exports_of(&image(table(), 40));
        assert_eq!((exports.module.as_str(), exports.problems.as_slice()), ("small.dll", [].as_slice()));
        let export = |ordinal, name: &str, rva| Export {
            ordinal,
            name: Some(name.to_owned()),
            target: ExportTarget::Address(Rva(rva)),
        };
        assert_eq!(
            exports.exports,
            [export(1, "alpha", 0x2000), export(2, "beta", 0x2010), export(3, "gamma", 0x2000)]
        );
    }

    #[test]
    fn numbers_without_names_gaps_and_forwarders() {
        let mut table = table();
        let forwarder = table.len() as u32;
        table.extend_from_slice(b"other.delta\0");
        table[24..28].copy_from_slice(&1u32.to_le_bytes());
        table[40..44].copy_from_slice(&(SECTION + forwarder).to_le_bytes());
        table[44..48].copy_from_slice(&0u32.to_le_bytes());
        let size = table.len() as u32;
        let exports = exports_of(&image(table, size));
        let forwarder = ExportTarget::Forwarder("other.delta".to_owned());
        let expected = [
            Export { ordinal: 1, name: Some("alpha".to_owned()), target: forwarder },
            Export { ordinal: 3, name: None, target: ExportTarget::Address(Rva(0x2000)) },
        ];
        assert_eq!(exports.exports, expected);
    }

    #[test]
    fn damage_is_told_and_the_rest_is_kept() {
        let check = |offset: usize, value: u32, expected: &str| {
            let mut table = table();
            table[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
            let problems = exports_of(&image(table, 40)).problems;
            assert_eq!(problems.first().unwrap().to_string(), format!("export table: {expected}"));
        };
        check(20, u32::MAX, "118 of 4294967295 addresses at 0x1028 can be read");
        check(28, 0x9000, "0 of 3 addresses at 0x9000 can be read");
        check(32, u32::MAX, "0 of 3 names at 0xffffffff can be read");
        check(52, 0x9000, "1 names cannot be read or name no function");
        let table = exports_of(&image(vec![0; 8], 40));
        assert_eq!(table.exports, []);
    }
}
