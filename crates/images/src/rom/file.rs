//! A file of the table of contents, and an entry of the table of copies.
//!
//! ```text
//! FILESentry  1c  0 attributes   4 FILETIME   c size   10 bytes in ROM   14 name   18 where they are
//! COPYentry   10  0 from   4 to   8 bytes   c bytes there, the rest zero
//! ```

use super::reader::Reader;
use scroll::{Endian, Pread};
use vatlas_space::Va;

pub(super) const FILES_ENTRY: u64 = 0x1c;
const COPY_ENTRY: u64 = 0x10;
const MOST_COPIES: u32 = 4096;

/// A file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RomFile {
    /// File name.
    pub name: String,
    /// File attributes; 0x800 where it is packed.
    pub attributes: u32,
    /// When it was written: 100 ns since 1601.
    pub file_time: u64,
    /// Its bytes.
    pub size: u32,
    /// Its bytes in ROM: fewer where it is packed.
    pub packed_size: u32,
    /// Where they are.
    pub data: Va,
}

impl RomFile {
    /// Whether its bytes are packed: only then do they differ in number.
    pub fn is_compressed(&self) -> bool {
        self.size != self.packed_size
    }
}

/// Bytes that the kernel copies to RAM when it starts: first values of its variables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RomCopy {
    /// Where the bytes are in ROM.
    pub from: Va,
    /// Where they go.
    pub to: Va,
    /// How many are copied.
    pub length: u32,
    /// How many there are then; those behind the copied ones are zero.
    pub room: u32,
}

/// Reads an entry of the files.
pub(super) fn file(reader: &mut Reader<'_>, at: Va) -> Option<RomFile> {
    let record = reader.memory.bytes(reader.file, at, FILES_ENTRY);
    let word = |at: usize| record.pread_with::<u32>(at, Endian::Little).ok();
    let (attributes, size, packed_size) = (word(0)?, word(0xc)?, word(0x10)?);
    let (name, data) = (word(0x14)?, word(0x18)?);
    let file_time = record.pread_with::<u64>(4, Endian::Little).ok()?;
    let name = reader.text(Va(name.into()), &format!("the file's entry at {at}"));
    Some(RomFile { name, attributes, file_time, size, packed_size, data: Va(data.into()) })
}

/// Reads the table of copies.
pub(super) fn copies(reader: &mut Reader<'_>, at: u32, count: u32) -> Vec<RomCopy> {
    let wanted = u64::from(count.min(MOST_COPIES)) * COPY_ENTRY;
    let table = reader.memory.bytes(reader.file, Va(at.into()), wanted);
    let copies: Vec<RomCopy> = table.chunks_exact(COPY_ENTRY as usize).filter_map(copy).collect();
    if copies.len() < count as usize {
        reader.damage(format!("{} of {count} copies at {at:#010x} can be read", copies.len()));
    }
    copies
}

fn copy(record: &[u8]) -> Option<RomCopy> {
    let word = |index: usize| record.pread_with::<u32>(4 * index, Endian::Little).ok();
    Some(RomCopy { from: Va(word(0)?.into()), to: Va(word(1)?.into()), length: word(2)?, room: word(3)? })
}
