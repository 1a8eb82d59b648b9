//! The record in an image that names its symbol file: `RSDS`, `NB10`, and Breakpad's `BpEL`.

use crate::{
    image_bytes::{ReadImage, read_whole},
    pe::PeHeaders,
};
use minidump_common::format::GUID;
use scroll::{Endian, Pread};
use vatlas_space::{DebugRecord, Guid, Rva};

/// The signatures as little-endian numbers.
const RSDS: u32 = 0x5344_5352;
const NB10: u32 = 0x3031_424e;
const BUILD_ID: u32 = 0x4270_454c;

/// `IMAGE_DIRECTORY_ENTRY_DEBUG`.
const DEBUG_DIRECTORY: usize = 6;
/// Bytes of an `IMAGE_DEBUG_DIRECTORY`.
const ENTRY_SIZE: usize = 28;
/// Entries that are looked at; linkers write fewer than ten.
const MOST_ENTRIES: usize = 64;
/// `IMAGE_DEBUG_TYPE_CODEVIEW`.
const CODE_VIEW: u32 = 2;
/// Bytes of a record that are read: the longest path and some.
const LONGEST: usize = 1024;

/// Reads a record: `RSDS` GUID age name, `NB10` offset signature age name, `BpEL` build id. `text` makes a name of the
/// bytes from its front on. `None` when there is not even a signature.
pub fn read(bytes: &[u8], mut text: impl FnMut(&[u8]) -> String) -> Option<DebugRecord> {
    let mut name = |offset: usize| bytes.get(offset..).map(&mut text);
    let word = |offset| bytes.pread_with::<u32>(offset, Endian::Little).ok();
    let signature = word(0)?;
    let known = match signature {
        RSDS => pdb70(bytes).and_then(|(guid, age)| Some(DebugRecord::Pdb70 { guid, age, name: name(24)? })),
        NB10 => word(8)
            .zip(word(12))
            .and_then(|(signature, age)| Some(DebugRecord::Pdb20 { signature, age, name: name(16)? })),
        BUILD_ID => Some(DebugRecord::ElfBuildId(bytes[4..].iter().take(64).copied().collect())),
        _ => None,
    };
    Some(known.unwrap_or(DebugRecord::Other { signature, size: bytes.len() }))
}

/// Finds the record of an image by its debug directory. `read` gives its memory; `file` its bytes as a file, where the
/// image is one: a record need not be mapped.
pub fn of_image(headers: &PeHeaders, read: ReadImage, file: Option<&[u8]>) -> Option<DebugRecord> {
    let (directory, size) = headers.directory(DEBUG_DIRECTORY)?;
    let mut entries = vec![0; (size as usize).min(MOST_ENTRIES * ENTRY_SIZE)];
    let held = read_whole(read, directory, &mut entries);
    entries[..held].chunks_exact(ENTRY_SIZE).find_map(|entry| {
        let word = |offset: usize| entry.pread_with::<u32>(offset, Endian::Little).ok();
        if word(12)? != CODE_VIEW {
            return None;
        }
        let (size, rva, offset) = (word(16)? as usize, word(20)?, word(24)? as usize);
        let mut mapped = vec![0; size.min(LONGEST)];
        let held = if rva == 0 { 0 } else { read_whole(read, Rva(rva), &mut mapped) };
        let bytes = match (held, file) {
            (0, Some(file)) => file.get(offset..)?.get(..mapped.len())?,
            (held, _) => mapped.get(..held)?,
        };
        self::read(bytes, terminated)
    })
}

/// A text that ends with a zero byte, or with the bytes.
fn terminated(bytes: &[u8]) -> String {
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

/// Identity and age of an `RSDS` record.
fn pdb70(bytes: &[u8]) -> Option<(Guid, u32)> {
    let guid: GUID = bytes.pread_with(4, Endian::Little).ok()?;
    let age = bytes.pread_with(20, Endian::Little).ok()?;
    Some((Guid { data1: guid.data1, data2: guid.data2, data3: guid.data3, data4: guid.data4 }, age))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_bytes::of_file;
    use vatlas_fixtures::pe::{Image, Machine};

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// An image whose debug directory has an entry of another kind and one with `record` at `rva` or at the file's
    /// offset 0x400.
    fn image(record: &[u8], rva: u32) -> Vec<u8> {
        let mut data = words(&[0, 0, 0, 13, 4, 0x1000, 0]);
        let size = record.len() as u32;
        data.extend(words(&[0, 0, 0, CODE_VIEW, size, rva, 0x400 + 56]));
        data.extend(record);
        let image = Image::new(Machine::I386, 0x40_0000).section(".rdata", 0x4000_0040, data, 0);
        image.directory(DEBUG_DIRECTORY, 0x1000, 56).file()
    }

    fn check(file: &[u8], expected: Option<&str>) {
        let headers = PeHeaders::read(file).unwrap();
        let found = of_image(&headers, &of_file(&headers, file), Some(file));
        let name = found.map(|record| match record {
            DebugRecord::Pdb70 { guid, age, name } => format!("{name} {guid} {age}"),
            DebugRecord::Pdb20 { signature, age, name } => format!("{name} {signature:x} {age}"),
            other => format!("{other:?}"),
        });
        assert_eq!(name.as_deref(), expected);
    }

    #[test]
    fn an_image_names_its_symbol_file() {
        let mut rsds = words(&[RSDS, 0x0011_2233, 0x6677_4455, 0xbbaa_9988, 0xffee_ddcc, 2]);
        rsds.extend(b"c:\\a.pdb\0");
        let expected = "c:\\a.pdb 00112233-4455-6677-8899-aabbccddeeff 2";
        check(&image(&rsds, 0x1038), Some(expected));
        let mut nb10 = words(&[NB10, 0, 0x3fab_cdef, 7]);
        nb10.extend(b"old.pdb\0");
        check(&image(&nb10, 0x1038), Some("old.pdb 3fabcdef 7"));
        check(&image(&rsds[..20], 0x1038), Some("Other { signature: 1396986706, size: 20 }"));
        check(&Image::new(Machine::I386, 0).file(), None);
    }
}
