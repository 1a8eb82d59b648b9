//! Extensions of a table of contents, and the chain of regions that one of them leads to.
//!
//! ```text
//! extension   2c  0 name[24]   18 type   1c data   20 length   24 reserved   28 next
//! XIPCHAIN    u32 count, then entries
//! entry       290 0 address   4 length   8 room   c u16 order   e u16 flags   10 version   14 name[32]   34 algorithm
//!                 38 key length   3c key[596]
//! ```

use super::reader::Reader;
use scroll::{Endian, Pread};
use vatlas_space::Va;

const EXTENSION: u64 = 0x2c;
const ENTRY: u64 = 0x290;
/// Extensions of one table, and regions of one chain, at most.
const MOST_EXTENSIONS: usize = 64;
const MOST_ENTRIES: u32 = 256;

/// The extension that names the chain.
const CHAIN: &str = "chain information";

/// An extension.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RomExtension {
    /// Name, at most 24 bytes.
    pub name: String,
    /// Its type.
    pub kind: u32,
    /// Where its data are.
    pub data: Va,
    /// Their bytes.
    pub length: u32,
}

/// A region that a chain lists, in this file or in another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainEntry {
    /// First address.
    pub va: Va,
    /// Bytes of the region.
    pub length: u32,
    /// Bytes that are set aside for it.
    pub room: u32,
    /// Its place in the order of loading.
    pub order: u16,
    /// 1 "may be loaded", 2 "signed".
    pub flags: u16,
    /// Version.
    pub version: u32,
    /// Name.
    pub name: String,
}

/// Follows the list of extensions.
pub(super) fn extensions(reader: &mut Reader<'_>, first: u32) -> Vec<RomExtension> {
    let mut found: Vec<RomExtension> = Vec::new();
    let mut next = first;
    while next != 0 {
        let record = reader.memory.bytes(reader.file, Va(next.into()), EXTENSION);
        let word = |at: usize| record.pread_with::<u32>(at, Endian::Little).ok();
        let Some((kind, data, length, after)) = word(0x18)
            .zip(word(0x1c))
            .zip(word(0x20))
            .zip(word(0x28))
            .map(|(((kind, data), length), after)| (kind, data, length, after))
        else {
            reader.damage(format!("the extension at {next:#010x} is not in the image"));
            break;
        };
        if found.len() == MOST_EXTENSIONS {
            reader.damage(format!("more than {MOST_EXTENSIONS} extensions; they may lead in a circle"));
            break;
        }
        let name = text(record.get(..0x18).unwrap_or_default());
        found.push(RomExtension { name, kind, data: Va(data.into()), length });
        next = after;
    }
    found
}

/// The chain that the extensions lead to.
pub(super) fn chain(reader: &mut Reader<'_>, extensions: &[RomExtension]) -> Vec<ChainEntry> {
    let Some(extension) = extensions.iter().find(|extension| extension.name.eq_ignore_ascii_case(CHAIN)) else {
        return Vec::new();
    };
    // The extension's data are the address of the chain, which a loader writes elsewhere, or the chain itself.
    let pointed = reader.memory.word(reader.file, extension.data).map(|va| Va(va.into()));
    let places = [Some(extension.data), pointed.filter(|_| extension.length <= 8)];
    let found = places.into_iter().flatten().map(|at| entries(reader, at)).find(|entries| !entries.is_empty());
    found.unwrap_or_else(|| {
        reader.damage(format!("the chain at {} cannot be read", extension.data));
        Vec::new()
    })
}

fn entries(reader: &Reader<'_>, at: Va) -> Vec<ChainEntry> {
    let count = reader.memory.word(reader.file, at).filter(|count| (1..=MOST_ENTRIES).contains(count));
    let Some((count, first)) = count.zip(at.checked_add(4)) else { return Vec::new() };
    let table = reader.memory.bytes(reader.file, first, u64::from(count) * ENTRY);
    table.chunks_exact(ENTRY as usize).filter_map(entry).collect()
}

fn entry(record: &[u8]) -> Option<ChainEntry> {
    let word = |at: usize| record.pread_with::<u32>(at, Endian::Little).ok();
    let half = |at: usize| record.pread_with::<u16>(at, Endian::Little).ok();
    Some(ChainEntry {
        va: Va(word(0)?.into()),
        length: word(4)?,
        room: word(8)?,
        order: half(0xc)?,
        flags: half(0xe)?,
        version: word(0x10)?,
        name: text(record.get(0x14..0x34)?),
    })
}

/// Bytes up to the first zero.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
