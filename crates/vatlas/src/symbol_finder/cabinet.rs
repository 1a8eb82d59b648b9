//! Packed files of symbol stores: a cabinet with one file in it, `foo.pd_`, as Microsoft's [MS-CAB] describes it.
//!
//! ```text
//! header  0 'MSCF'  16 u32 place of the files  26 u16 folders  28 u16 files  30 u16 flags  36 [reserves] folders
//! folder  0 u32 place of the blocks  4 u16 blocks  6 u16 compression, its low byte the kind
//! file    0 u32 size  4 u32 place in the folder  8 u16 folder  16 name, zero
//! block   0 u32 checksum  4 u16 packed bytes  6 u16 unpacked bytes, at most 32768  8 [reserve] bytes
//! ```

use lzxd::{Lzxd, WindowSize};
use miniz_oxide::inflate::{
    TINFLStatus,
    core::{DecompressorOxide, decompress, inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF},
};

const HEADER: usize = 36;
const FOLDER: usize = 8;
const FILE: usize = 16;
const BLOCK: usize = 8;
/// Unpacked bytes of a block at most.
const MOST_PER_BLOCK: usize = 0x8000;
/// Flags of the header: there is a cabinet before this one, or behind; reserved bytes lie in between.
const CONTINUED: u16 = 3;
const RESERVES: u16 = 4;

/// Whether the bytes are a cabinet.
pub fn is_cabinet(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MSCF")
}

/// The name and the bytes of the only file in a cabinet.
///
/// # Errors
/// In words, why it cannot be unpacked.
pub fn unpack(bytes: &[u8]) -> Result<(String, Vec<u8>), String> {
    let cabinet = Cabinet::read(bytes).ok_or("the cabinet ends within its header")?;
    if cabinet.files != 1 || cabinet.flags & CONTINUED != 0 {
        return Err("the cabinet does not hold exactly one file, as those of symbol stores do".to_owned());
    }
    let (name, size, start) = cabinet.only_file().ok_or("the cabinet ends within its list of files")?;
    let end = start.checked_add(size).ok_or("the size of the file in the cabinet cannot be")?;
    let mut unpacked = cabinet.unpack_folder(end)?;
    if unpacked.len() < end {
        let found = unpacked.len().saturating_sub(start);
        return Err(format!("the cabinet says that it holds {size} bytes, but ends after {found}"));
    }
    unpacked.truncate(end);
    unpacked.drain(..start);
    Ok((name, unpacked))
}

struct Cabinet<'b> {
    bytes: &'b [u8],
    files: u16,
    flags: u16,
    /// Where the first folder is.
    folder: usize,
    /// Reserved bytes in every block.
    reserve: usize,
}

/// Little-endian numbers at a place; `None` past the end.
fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..)?.get(..2)?.try_into().ok()?))
}

fn double_word(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..)?.get(..4)?.try_into().ok()?) as usize)
}

impl<'b> Cabinet<'b> {
    fn read(bytes: &'b [u8]) -> Option<Self> {
        let (files, flags) = (word(bytes, 28)?, word(bytes, 30)?);
        let (folder, reserve) = match flags & RESERVES {
            0 => (HEADER, 0),
            _ => (HEADER + 4 + usize::from(word(bytes, HEADER)?), usize::from(*bytes.get(HEADER + 3)?)),
        };
        Some(Self { bytes, files, flags, folder, reserve })
    }

    /// Name and size of the only file, and where in the folder it begins.
    fn only_file(&self) -> Option<(String, usize, usize)> {
        let at = double_word(self.bytes, 16)?;
        let (size, start) = (double_word(self.bytes, at)?, double_word(self.bytes, at.checked_add(4)?)?);
        let name = self.bytes.get(at.checked_add(FILE)?..)?;
        let end = name.iter().position(|byte| *byte == 0)?;
        Some((String::from_utf8_lossy(&name[..end]).into_owned(), size, start))
    }

    /// The first `end` bytes of the folder and what comes with them; fewer where it has fewer.
    fn unpack_folder(&self, end: usize) -> Result<Vec<u8>, String> {
        let no_folder = "the cabinet ends within its folder";
        let mut at = double_word(self.bytes, self.folder).ok_or(no_folder)?;
        let blocks = word(self.bytes, self.folder + 4).ok_or(no_folder)?;
        let mut unpacker = Unpacker::new(word(self.bytes, self.folder + FOLDER - 2).ok_or(no_folder)?)?;
        let mut unpacked = Vec::new();
        for number in 0..blocks {
            if unpacked.len() >= end {
                break;
            }
            let damaged = |what: &str| format!("block {number} of the cabinet {what}");
            let (packed, size) = self.block(at).ok_or_else(|| damaged("ends too early"))?;
            if size > MOST_PER_BLOCK {
                return Err(damaged("is too large"));
            }
            if !self.is_sound(at, packed) {
                return Err(damaged("is damaged: its checksum is another one"));
            }
            unpacker.unpack(packed, size, &mut unpacked).ok_or_else(|| damaged("cannot be unpacked"))?;
            at += BLOCK + self.reserve + packed.len();
        }
        Ok(unpacked)
    }

    /// The packed bytes of a block, and how many they are when unpacked.
    fn block(&self, at: usize) -> Option<(&'b [u8], usize)> {
        let block = self.bytes.get(at..)?;
        let (packed, size) = (word(block, 4)?, word(block, 6)?);
        Some((block.get(BLOCK + self.reserve..)?.get(..packed.into())?, size.into()))
    }

    /// Whether the checksum of a block is right; a zero is none, and with reserved bytes it is not looked at.
    fn is_sound(&self, at: usize, packed: &[u8]) -> bool {
        let (Some(told), Some(sizes)) = (double_word(self.bytes, at), double_word(self.bytes, at + 4)) else {
            return false;
        };
        told == 0 || self.reserve != 0 || told == (checksum(packed) as usize ^ sizes)
    }
}

/// All numbers of four bytes, little-endian, by exclusive or; the bytes that are left over make one in the other order.
fn checksum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let sum = words.iter().fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
    sum ^ rest.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

enum Unpacker {
    Stored,
    /// Deflate; every block may refer to what the blocks before it unpacked.
    MsZip,
    Lzx(Box<Lzxd>),
}

impl Unpacker {
    fn new(compression: u16) -> Result<Self, String> {
        match compression & 0xf {
            0 => Ok(Self::Stored),
            1 => Ok(Self::MsZip),
            3 => {
                let window = window((compression >> 8) & 0x1f).ok_or("the window of the cabinet has no known size")?;
                Ok(Self::Lzx(Box::new(Lzxd::new(window))))
            }
            2 => Err("the cabinet is packed by Quantum, which cannot be read".to_owned()),
            other => Err(format!("the cabinet is packed by the unknown method {other}")),
        }
    }

    fn unpack(&mut self, packed: &[u8], size: usize, unpacked: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Stored => unpacked.extend_from_slice(packed.get(..size)?),
            Self::MsZip => inflate(packed.strip_prefix(b"CK")?, size, unpacked)?,
            Self::Lzx(lzx) => {
                // A block of nothing would leave the reader in a state that it does not expect.
                let bytes = if size == 0 { return Some(()) } else { lzx.decompress_next(packed, size).ok()? };
                unpacked.extend_from_slice((bytes.len() == size).then_some(bytes)?);
            }
        }
        Some(())
    }
}

/// Appends a block that may refer back into what is there.
fn inflate(packed: &[u8], size: usize, unpacked: &mut Vec<u8>) -> Option<()> {
    let start = unpacked.len();
    // Distances reach 32 KB back; what lies before that need not be handed over.
    let from = start.saturating_sub(MOST_PER_BLOCK);
    unpacked.resize(start + size, 0);
    let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut decompressor = DecompressorOxide::new();
    let (status, _, written) = decompress(&mut decompressor, packed, &mut unpacked[from..], start - from, flags);
    (status == TINFLStatus::Done && written == size).then_some(())
}

fn window(bits: u16) -> Option<WindowSize> {
    Some(match bits {
        15 => WindowSize::KB32,
        16 => WindowSize::KB64,
        17 => WindowSize::KB128,
        18 => WindowSize::KB256,
        19 => WindowSize::KB512,
        20 => WindowSize::MB1,
        21 => WindowSize::MB2,
        _ => return None,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use miniz_oxide::deflate::core::{
        CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
    };
    use vatlas_fixtures::random::Random;

    /// A cabinet with one file in it, of blocks packed by `kind`.
    pub(crate) fn cabinet(name: &str, kind: u16, size: usize, blocks: &[(Vec<u8>, usize)]) -> Vec<u8> {
        let blocks_at = 36 + 8 + 16 + name.len() + 1;
        let mut bytes = b"MSCF".to_vec();
        let mut put = |numbers: &[u32]| bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        put(&[0, 0, 0, 44, 0, 0x0001_0103, 1, 0]);
        put(&[blocks_at as u32, blocks.len() as u32 | u32::from(kind) << 16, size as u32, 0, 0, 0]);
        // The version shares its number with the count of folders.
        bytes[24..30].copy_from_slice(&[3, 1, 1, 0, 1, 0]);
        bytes[30..36].fill(0);
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        for (packed, size) in blocks {
            let sizes = (packed.len() as u32) | (*size as u32) << 16;
            bytes.extend((checksum(packed) ^ sizes).to_le_bytes());
            bytes.extend(sizes.to_le_bytes());
            bytes.extend_from_slice(packed);
        }
        bytes
    }

    /// The same, deflated, every block on its own.
    pub(crate) fn deflated(name: &str, bytes: &[u8]) -> Vec<u8> {
        let pack = |block: &[u8]| {
            let mut packed = b"CK".to_vec();
            packed.extend(miniz_oxide::deflate::compress_to_vec(block, 6));
            (packed, block.len())
        };
        let blocks: Vec<_> = bytes.chunks(MOST_PER_BLOCK).map(pack).collect();
        cabinet(name, 1, bytes.len(), &blocks)
    }

    /// Blocks of one deflate stream, so that each refers to those before it.
    fn chained(blocks: &[&[u8]]) -> Vec<(Vec<u8>, usize)> {
        let mut packed = Vec::new();
        for number in 0..blocks.len() {
            let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(9, 0, 0));
            let mut output = Vec::new();
            for (index, block) in blocks[..=number].iter().enumerate() {
                output.clear();
                let flush = if index == number { TDEFLFlush::Finish } else { TDEFLFlush::Sync };
                compress_to_output(&mut compressor, block, flush, |bytes| {
                    output.extend_from_slice(bytes);
                    true
                });
            }
            packed.push(([b"CK".as_slice(), &output].concat(), blocks[number].len()));
        }
        packed
    }

    /// One block of LZX whose bytes are stored: no translation of calls, kind 3, 24 bits of size, three distances.
    fn lzx(bytes: &[u8]) -> Vec<u8> {
        let size = bytes.len() as u32;
        let bits = (0b0011 << 28) | (size << 4);
        let mut packed: Vec<u8> =
            [(bits >> 16) as u16, bits as u16].iter().flat_map(|half| half.to_le_bytes()).collect();
        packed.extend([1u32; 3].iter().flat_map(|distance| distance.to_le_bytes()));
        packed.extend_from_slice(bytes);
        packed
    }

    fn sample(size: u32) -> Vec<u8> {
        (0..size).map(|number| (number / 100 * 7) as u8).collect()
    }

    #[test]
    fn one_file_is_unpacked_by_every_method() {
        let bytes = sample(70_000);
        let expected = Ok(("app.pdb".to_owned(), bytes.clone()));
        assert_eq!(unpack(&deflated("app.pdb", &bytes)), expected);
        let stored: Vec<_> = bytes.chunks(MOST_PER_BLOCK).map(|block| (block.to_vec(), block.len())).collect();
        assert_eq!(unpack(&cabinet("app.pdb", 0, bytes.len(), &stored)), expected);
        let text = b"stored by LZX".to_vec();
        let packed = cabinet("app.pdb", 3 | 15 << 8, text.len(), &[(lzx(&text), text.len())]);
        assert_eq!(unpack(&packed), Ok(("app.pdb".to_owned(), text)));
    }

    #[test]
    fn a_block_refers_to_those_before_it() {
        let mut random = Random::new(3);
        let noise: Vec<u8> = (0..20_000).map(|_| random.below(256) as u8).collect();
        let blocks = chained(&[&noise, &noise, &noise[..1000]]);
        assert!(blocks[1].0.len() < 1000, "{} bytes: the second block is the first one again", blocks[1].0.len());
        let bytes = [&*noise, &noise, &noise[..1000]].concat();
        assert_eq!(unpack(&cabinet("a", 1, bytes.len(), &blocks)), Ok(("a".to_owned(), bytes)));
    }

    fn refused(bytes: &[u8], expected: &str) {
        assert_eq!(unpack(bytes).unwrap_err(), expected);
    }

    #[test]
    fn others_are_refused() {
        let good = cabinet("a", 0, 4, &[(b"text".to_vec(), 4)]);
        let with = |at: usize, byte: u8| {
            let mut changed = good.clone();
            changed[at] = byte;
            changed
        };
        let one = "the cabinet does not hold exactly one file, as those of symbol stores do";
        refused(&with(28, 2), one);
        refused(&with(30, 1), one);
        refused(&with(42, 2), "the cabinet is packed by Quantum, which cannot be read");
        refused(&with(42, 5), "the cabinet is packed by the unknown method 5");
        refused(&with(42, 3), "the window of the cabinet has no known size");
        refused(&with(42, 1), "block 0 of the cabinet cannot be unpacked");
        refused(&with(good.len() - 1, b'!'), "block 0 of the cabinet is damaged: its checksum is another one");
        refused(&good[..good.len() - 1], "block 0 of the cabinet ends too early");
        refused(&with(44, 5), "the cabinet says that it holds 5 bytes, but ends after 4");
        refused(b"MSCF", "the cabinet ends within its header");
        refused(&good[..40], "the cabinet ends within its list of files");
        let large = cabinet("a", 0, 4, &[(b"text".to_vec(), 0x9000)]);
        refused(&large, "block 0 of the cabinet is too large");
    }

    #[test]
    fn damage_does_not_panic() {
        let text = sample(2_000);
        let noise = chained(&[&sample(30_000), &sample(9_000)]);
        let originals = [
            deflated("a", &sample(40_000)),
            cabinet("a", 1, 39_000, &noise),
            cabinet("a", 3 | 15 << 8, text.len(), &[(lzx(&text), text.len())]),
        ];
        let mut random = Random::new(7);
        for round in 0..12_000 {
            let mut damaged = originals[round % originals.len()].clone();
            // Without checksums the damage reaches what unpacks.
            let mut at = 62;
            while let Some((packed, _)) = Cabinet::read(&damaged).and_then(|cabinet| cabinet.block(at)) {
                let next = at + BLOCK + packed.len();
                damaged[at..at + 4].fill(0);
                at = next;
            }
            for _ in 0..=random.below(4) {
                let at = random.below(damaged.len().min(400));
                damaged[at] = random.below(256) as u8;
            }
            damaged.truncate(damaged.len() - random.below(8));
            if let Ok((_, found)) = unpack(&damaged) {
                assert!(found.len() <= 1 << 16);
            }
        }
    }
}
