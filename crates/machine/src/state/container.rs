//! The file of a snapshot: a header, a table of sections, sections. Every byte is under a checksum.
//!
//! ```text
//! 00  "VATLSNAP"            10  number of sections
//! 08  version of the format  14  CRC-32 of the bytes before it and of the table
//! 0C  system: 1 NT, 2 CE     18  table: kind, CRC-32 of the section, offset:64, bytes in the file:64, bytes unpacked:64
//! ```
//!
//! Sections follow the table without gaps, in its order, and end with the file. Each is packed with LZ4 in blocks of
//! 1 MB: the packed length as a double word, then the block; a block that does not become shorter is stored as it is.

use super::frames::{pack_frames, unpack_frames};
use crate::ram::Ram;
use vatlas_space::Problem;

const MAGIC: &[u8; 8] = b"VATLSNAP";
/// Changes with what a section means. What is plain data has its shape in the file besides ([`crate::state::shape_of`]).
pub const SNAPSHOT_VERSION: u32 = 2;
const HEADER: usize = 0x18;
const ENTRY: usize = 32;
const BLOCK: usize = 1 << 20;
/// A snapshot has fewer sections than this.
const MOST_SECTIONS: u32 = 64;
/// LZ4 packs at most 255 bytes into one.
const MOST_RATIO: u64 = 255;

/// Which kernel a snapshot is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotSystem {
    /// The NT-like kernel.
    Nt = 1,
    /// The CE-like kernel.
    Ce = 2,
}

/// What a section holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SectionKind {
    /// What the snapshot is of.
    About = 1,
    /// Processors.
    Computer = 2,
    /// What the kernel keeps beside memory.
    Kernel = 3,
    /// Files, pipes, the console, and the volume in memory.
    Files = 4,
    /// Physical memory.
    Memory = 5,
    /// Pages of page files.
    PageFiles = 6,
    /// A ROM image.
    Rom = 7,
    /// The shape of all that is plain data.
    Shape = 8,
}

impl SectionKind {
    const fn name(self) -> &'static str {
        match self {
            Self::About => "about",
            Self::Computer => "processors",
            Self::Kernel => "kernel",
            Self::Files => "files",
            Self::Memory => "memory",
            Self::PageFiles => "page files",
            Self::Rom => "ROM",
            Self::Shape => "shape",
        }
    }
}

/// Writes sections.
pub fn write_container(system: SnapshotSystem, sections: &[(SectionKind, Vec<u8>)]) -> Vec<u8> {
    write(system, sections, None)
}

/// Writes a snapshot: sections, and that of physical memory behind them.
pub fn write_snapshot(system: SnapshotSystem, sections: &[(SectionKind, Vec<u8>)], memory: &Ram) -> Vec<u8> {
    write(system, sections, Some(memory))
}

fn write(system: SnapshotSystem, sections: &[(SectionKind, Vec<u8>)], memory: Option<&Ram>) -> Vec<u8> {
    let count = sections.len() + usize::from(memory.is_some());
    let mut file = vec![0; HEADER + count * ENTRY];
    let mut table = Vec::with_capacity(count * ENTRY);
    let mut add = |kind: SectionKind, contents: &dyn Fn(&mut Packer<'_>)| {
        let start = file.len();
        let mut packer = Packer { file: &mut file, block: Vec::new(), place: Vec::new(), length: 0 };
        contents(&mut packer);
        let length = packer.finish();
        let packed = &file[start..];
        table.extend((kind as u32).to_le_bytes());
        table.extend(crc32fast::hash(packed).to_le_bytes());
        for number in [start as u64, packed.len() as u64, length] {
            table.extend(number.to_le_bytes());
        }
    };
    for (kind, bytes) in sections {
        add(*kind, &|packer| packer.push(bytes));
    }
    if let Some(memory) = memory {
        add(SectionKind::Memory, &|packer| pack_frames(memory, packer));
    }
    file[..8].copy_from_slice(MAGIC);
    for (at, number) in [(8, SNAPSHOT_VERSION), (0xc, system as u32), (0x10, count as u32)] {
        file[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    file[HEADER..HEADER + table.len()].copy_from_slice(&table);
    let crc = header_crc(&file[..HEADER + table.len()]);
    file[0x14..HEADER].copy_from_slice(&crc.to_le_bytes());
    file
}

/// The checksum of everything before the sections but of itself.
fn header_crc(header: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..0x14]);
    hasher.update(&header[HEADER..]);
    hasher.finalize()
}

/// Packs a section to the end of a file.
pub(super) struct Packer<'f> {
    file: &'f mut Vec<u8>,
    block: Vec<u8>,
    place: Vec<u8>,
    length: u64,
}

impl Packer<'_> {
    /// Adds bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = rest;
            if self.block.len() == BLOCK {
                self.pack_block();
            }
        }
    }

    fn pack_block(&mut self) {
        let Self { file, block, place, .. } = self;
        place.resize(lz4_flex::block::get_maximum_output_size(block.len()), 0);
        let length = lz4_flex::block::compress_into(block, place).ok().filter(|length| *length < block.len());
        let stored = length.map_or(&**block, |length| &place[..length]);
        file.extend((stored.len() as u32).to_le_bytes());
        file.extend_from_slice(stored);
        block.clear();
    }

    /// Packs what is left. The length of all.
    fn finish(mut self) -> u64 {
        if !self.block.is_empty() {
            self.pack_block();
        }
        self.length
    }
}

/// A snapshot's file, checked as far as its header.
pub struct Container<'b> {
    bytes: &'b [u8],
    system: SnapshotSystem,
    sections: Vec<Section>,
}

struct Section {
    kind: u32,
    crc: u32,
    offset: usize,
    packed: usize,
    length: usize,
}

fn damage(cause: impl Into<String>) -> Problem {
    Problem::damage("snapshot", cause.into())
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn truncated(bytes: &[u8], needed: u64) -> Problem {
    let short = needed.saturating_sub(bytes.len() as u64);
    damage(format!("it ends at {:#x}, {short} bytes short", bytes.len())).hint("the file may be truncated")
}

/// Whether a file begins as a snapshot does.
pub fn is_snapshot(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

impl<'b> Container<'b> {
    /// Reads and checks header and table.
    ///
    /// # Errors
    /// It is no snapshot, one of another version, or damaged.
    pub fn open(bytes: &'b [u8]) -> Result<Self, Problem> {
        if !is_snapshot(bytes) {
            return Err(damage("this is no snapshot of vatlas"));
        }
        let fields = (u32_at(bytes, 8), u32_at(bytes, 0xc), u32_at(bytes, 0x10), u32_at(bytes, 0x14));
        let (Some(version), Some(system), Some(count), Some(crc)) = fields else {
            return Err(truncated(bytes, HEADER as u64));
        };
        if version != SNAPSHOT_VERSION {
            let cause = format!("its format has version {version}; this program reads version {SNAPSHOT_VERSION}");
            return Err(damage(cause).hint("resume it with the vatlas that wrote it"));
        }
        if count > MOST_SECTIONS {
            return Err(damage(format!("its header names {count} sections")));
        }
        let table_end = HEADER + count as usize * ENTRY;
        let header = bytes.get(..table_end).ok_or_else(|| truncated(bytes, table_end as u64))?;
        if header_crc(header) != crc {
            return Err(damage("its header is damaged: the checksum does not fit"));
        }
        let system = match system {
            1 => SnapshotSystem::Nt,
            2 => SnapshotSystem::Ce,
            other => return Err(damage(format!("it is of a system {other} that is not known"))),
        };
        let sections = Self::table(bytes, header)?;
        Ok(Self { bytes, system, sections })
    }

    /// The sections, which fill the file without gaps.
    fn table(bytes: &[u8], header: &[u8]) -> Result<Vec<Section>, Problem> {
        let mut next = header.len() as u64;
        let mut sections = Vec::new();
        for entry in header[HEADER..].chunks_exact(ENTRY) {
            let word = |at| u32_at(entry, at).unwrap_or_default();
            let long = |at| u64_at(entry, at).unwrap_or_default();
            let (offset, packed, length) = (long(8), long(16), long(24));
            if offset != next || length > packed.saturating_mul(MOST_RATIO) {
                return Err(damage(format!("the place of section {} is impossible", sections.len())));
            }
            next = next.saturating_add(packed);
            if next > bytes.len() as u64 {
                return Err(truncated(bytes, next));
            }
            let sizes = (usize::try_from(offset), usize::try_from(packed), usize::try_from(length));
            let (Ok(offset), Ok(packed), Ok(length)) = sizes else { return Err(damage("it is too large")) };
            sections.push(Section { kind: word(0), crc: word(4), offset, packed, length });
        }
        if next != bytes.len() as u64 {
            return Err(damage(format!("{} bytes follow its last section", bytes.len() as u64 - next)));
        }
        Ok(sections)
    }

    /// Which kernel it is of.
    pub const fn system(&self) -> SnapshotSystem {
        self.system
    }

    /// Checks and unpacks a section.
    ///
    /// # Errors
    /// It is not there, or damaged.
    pub fn section(&self, kind: SectionKind) -> Result<Vec<u8>, Problem> {
        let mut blocks = self.blocks(kind)?;
        let mut bytes = vec![0; blocks.left];
        let unpacked = blocks.fill(&mut bytes).is_some() && blocks.is_at_end();
        unpacked.then_some(bytes).ok_or_else(|| cannot_unpack(kind))
    }

    /// Unpacks physical memory of so many frames.
    ///
    /// # Errors
    /// It is not there, damaged, or of another size.
    pub fn memory(&self, frames: u32) -> Result<Ram, Problem> {
        let mut blocks = self.blocks(SectionKind::Memory)?;
        let ram = unpack_frames(frames, &mut blocks);
        ram.ok_or_else(|| damage("its memory has another size than it says, or cannot be unpacked"))
    }

    /// Checks a section, to be unpacked block by block.
    fn blocks(&self, kind: SectionKind) -> Result<Blocks<'b>, Problem> {
        let name = kind.name();
        let section = self.sections.iter().find(|section| section.kind == kind as u32);
        let section = section.ok_or_else(|| damage(format!("it has no section of {name}")))?;
        let packed = self.bytes.get(section.offset..section.offset + section.packed);
        let packed = packed.ok_or_else(|| truncated(self.bytes, (section.offset + section.packed) as u64))?;
        if crc32fast::hash(packed) != section.crc {
            let place = format!("{:#x} to {:#x}", section.offset, section.offset + section.packed);
            return Err(damage(format!("its section of {name}, at {place}, is damaged: the checksum does not fit")));
        }
        Ok(Blocks { packed, left: section.length, block: Vec::new(), at: 0 })
    }

    /// Compares the shape of the plain data with that of this program.
    ///
    /// # Errors
    /// It was written by a program whose data has another shape, or is damaged.
    pub fn check_shape(&self, shape: u64) -> Result<(), Problem> {
        if self.section(SectionKind::Shape)? == shape.to_le_bytes() {
            return Ok(());
        }
        let cause = "what it holds has another shape than this program's: another build of vatlas wrote it";
        Err(damage(cause).hint("resume it with the vatlas that wrote it"))
    }

    /// Reads a section of plain data.
    ///
    /// # Errors
    /// It is not there, damaged, or of another shape.
    pub fn data<T: serde::de::DeserializeOwned>(&self, kind: SectionKind) -> Result<T, Problem> {
        let bytes = self.section(kind)?;
        let other = || {
            let cause = format!("its section of {} has another shape than this program's", kind.name());
            damage(cause).hint("resume it with the vatlas that wrote it")
        };
        match postcard::take_from_bytes(&bytes) {
            Ok((data, [])) => Ok(data),
            _ => Err(other()),
        }
    }
}

fn cannot_unpack(kind: SectionKind) -> Problem {
    damage(format!("its section of {} cannot be unpacked", kind.name()))
}

/// The blocks of a section, unpacked as they are needed.
pub(super) struct Blocks<'b> {
    packed: &'b [u8],
    /// Bytes that are not unpacked yet.
    left: usize,
    block: Vec<u8>,
    /// So much of the block was taken.
    at: usize,
}

impl Blocks<'_> {
    /// The next bytes; `None` when there are fewer, or they cannot be unpacked.
    pub(super) fn fill(&mut self, mut place: &mut [u8]) -> Option<()> {
        while !place.is_empty() {
            if self.at == self.block.len() {
                self.next()?;
            }
            let length = place.len().min(self.block.len() - self.at);
            let (now, rest) = place.split_at_mut(length);
            now.copy_from_slice(&self.block[self.at..self.at + length]);
            self.at += length;
            place = rest;
        }
        Some(())
    }

    /// Unpacks the next block; `None` behind the last one.
    fn next(&mut self) -> Option<()> {
        let length = self.left.min(BLOCK);
        let (size, rest) = self.packed.split_first_chunk()?;
        let (stored, rest) = rest.split_at_checked(u32::from_le_bytes(*size) as usize)?;
        (self.packed, self.at) = (rest, 0);
        self.left -= length;
        self.block.resize(length, 0);
        if stored.len() == length {
            self.block.copy_from_slice(stored);
        } else if lz4_flex::block::decompress_into(stored, &mut self.block).ok()? != length {
            return None;
        }
        (length > 0).then_some(())
    }

    /// How many bytes are still to come.
    pub(super) fn remaining(&self) -> usize {
        self.left + self.block.len() - self.at
    }

    /// Whether everything was taken, and nothing is in the file behind it.
    pub(super) fn is_at_end(&self) -> bool {
        self.remaining() == 0 && self.packed.is_empty()
    }
}

/// The shape of the plain data as a section.
pub fn shape_section(shape: u64) -> (SectionKind, Vec<u8>) {
    (SectionKind::Shape, shape.to_le_bytes().to_vec())
}

/// Plain data as a section.
///
/// # Errors
/// It cannot be written down.
pub fn data_section<T: serde::Serialize>(kind: SectionKind, data: &T) -> Result<(SectionKind, Vec<u8>), Problem> {
    let bytes = postcard::to_stdvec(data).map_err(|error| damage(format!("its {}: {error}", kind.name())))?;
    Ok((kind, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Vec<u8> {
        let noise: Vec<u8> = (0..3000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let sections =
            [(SectionKind::About, b"about".to_vec()), (SectionKind::Memory, [vec![0; 5000], noise].concat())];
        write_container(SnapshotSystem::Nt, &sections)
    }

    fn read_all(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Problem> {
        let container = Container::open(bytes)?;
        Ok((container.section(SectionKind::About)?, container.section(SectionKind::Memory)?))
    }

    #[test]
    fn what_was_written_is_read() {
        let file = small();
        let (about, memory) = read_all(&file).unwrap();
        assert_eq!((about.as_slice(), memory.len(), file.len() < 4000), (&b"about"[..], 8000, true));
        let long = vec![7; 3 * BLOCK + 5];
        let file = write_container(SnapshotSystem::Ce, &[(SectionKind::Rom, long.clone())]);
        let container = Container::open(&file).unwrap();
        assert_eq!((container.system(), container.section(SectionKind::Rom)), (SnapshotSystem::Ce, Ok(long)));
        assert!(container.section(SectionKind::Kernel).is_err());
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused() {
        let file = small();
        for length in 0..file.len() {
            assert!(read_all(&file[..length]).is_err(), "{length} bytes");
        }
        let mut damaged = file.clone();
        for at in 0..file.len() {
            for bit in 0..8 {
                damaged[at] ^= 1 << bit;
                assert!(read_all(&damaged).is_err(), "bit {bit} at {at:#x}");
                damaged[at] ^= 1 << bit;
            }
        }
        damaged.push(0);
        assert!(read_all(&damaged).is_err());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let file = small();
        let check = |bytes: &[u8], expected: &str| {
            let text = read_all(bytes).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        };
        check(b"MDMP", "no snapshot");
        check(&file[..12], "12 bytes short");
        check(&file[..file.len() - 7], "7 bytes short");
        let mut other = file.clone();
        other[8] = 9;
        check(&other, "version 9");
        let mut other = file;
        *other.last_mut().unwrap() ^= 1;
        check(&other, "section of memory");
    }
}
