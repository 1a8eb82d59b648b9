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

use vatlas_space::Problem;

const MAGIC: &[u8; 8] = b"VATLSNAP";
/// Changes with everything that is written down: the state has no names of its fields in the file.
pub const SNAPSHOT_VERSION: u32 = 1;
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
        }
    }
}

/// Writes a snapshot.
pub fn write_container(system: SnapshotSystem, sections: &[(SectionKind, Vec<u8>)]) -> Vec<u8> {
    let packed: Vec<Vec<u8>> = sections.iter().map(|(_, bytes)| pack(bytes)).collect();
    let table_end = HEADER + sections.len() * ENTRY;
    let mut file = Vec::with_capacity(table_end + packed.iter().map(Vec::len).sum::<usize>());
    file.extend_from_slice(MAGIC);
    for number in [SNAPSHOT_VERSION, system as u32, sections.len() as u32, 0] {
        file.extend(number.to_le_bytes());
    }
    let mut offset = table_end as u64;
    for ((kind, bytes), packed) in sections.iter().zip(&packed) {
        file.extend((*kind as u32).to_le_bytes());
        file.extend(crc32fast::hash(packed).to_le_bytes());
        for number in [offset, packed.len() as u64, bytes.len() as u64] {
            file.extend(number.to_le_bytes());
        }
        offset += packed.len() as u64;
    }
    let crc = header_crc(&file);
    file[0x14..HEADER].copy_from_slice(&crc.to_le_bytes());
    packed.iter().for_each(|packed| file.extend_from_slice(packed));
    file
}

/// The checksum of everything before the sections but of itself.
fn header_crc(header: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..0x14]);
    hasher.update(&header[HEADER..]);
    hasher.finalize()
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(bytes.len() / 4);
    let mut place = vec![0; lz4_flex::block::get_maximum_output_size(BLOCK.min(bytes.len()))];
    for block in bytes.chunks(BLOCK) {
        let length = lz4_flex::block::compress_into(block, &mut place).ok().filter(|length| *length < block.len());
        let stored = length.map_or(block, |length| &place[..length]);
        packed.extend((stored.len() as u32).to_le_bytes());
        packed.extend_from_slice(stored);
    }
    packed
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
        let name = kind.name();
        let section = self.sections.iter().find(|section| section.kind == kind as u32);
        let section = section.ok_or_else(|| damage(format!("it has no section of {name}")))?;
        let packed = self.bytes.get(section.offset..section.offset + section.packed);
        let packed = packed.ok_or_else(|| truncated(self.bytes, (section.offset + section.packed) as u64))?;
        if crc32fast::hash(packed) != section.crc {
            let place = format!("{:#x} to {:#x}", section.offset, section.offset + section.packed);
            return Err(damage(format!("its section of {name}, at {place}, is damaged: the checksum does not fit")));
        }
        unpack(packed, section.length).ok_or_else(|| damage(format!("its section of {name} cannot be unpacked")))
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

/// Unpacks blocks; `None` when they do not give so many bytes.
fn unpack(mut packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    for block in bytes.chunks_mut(BLOCK) {
        let (size, rest) = packed.split_first_chunk()?;
        let (stored, rest) = rest.split_at_checked(u32::from_le_bytes(*size) as usize)?;
        packed = rest;
        if stored.len() == block.len() {
            block.copy_from_slice(stored);
        } else if lz4_flex::block::decompress_into(stored, block).ok()? != block.len() {
            return None;
        }
    }
    packed.is_empty().then_some(bytes)
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
