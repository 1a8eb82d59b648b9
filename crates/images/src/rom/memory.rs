//! Where the bytes of an image lie in its file, by address.
//!
//! The same bytes have two addresses at first: the one that the container gives them (a record's address, or the offset
//! in a raw image) and the virtual one by which the tables point at them. They differ by a constant for each region.

use std::borrow::Cow;
use vatlas_space::{FileOffset, Va, VaRange};

/// Addresses wrap around here.
const ALL: u64 = 1 << 32;

/// Bytes that follow one another in the file and in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Address of the first byte.
    pub va: Va,
    /// Where it is in the file.
    pub offset: FileOffset,
    /// How many there are; never zero, never past the end of the addresses or of the file.
    pub size: u64,
}

impl Piece {
    fn end(&self) -> u64 {
        self.va.0 + self.size
    }

    /// The addresses.
    pub fn range(&self) -> Option<VaRange> {
        VaRange::sized(self.va, self.size)
    }
}

/// All bytes of an image by address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RomMemory {
    /// Sorted, without overlap.
    pieces: Vec<Piece>,
}

impl RomMemory {
    /// Takes pieces in the order of the file; tells how many of them lie over others. Of two at one address the later
    /// one counts, as a loader writes it last.
    pub(super) fn new(pieces: impl IntoIterator<Item = Piece>) -> (Self, usize) {
        let mut sorted: Vec<Piece> = pieces.into_iter().flat_map(wrapped).collect();
        sorted.sort_by_key(|piece| piece.va);
        let mut overlaps = 0;
        let mut pieces: Vec<Piece> = Vec::with_capacity(sorted.len());
        for piece in sorted {
            if let Some(last) = pieces.last_mut().filter(|last| last.end() > piece.va.0) {
                overlaps += 1;
                last.size = piece.va.0 - last.va.0;
                if last.size == 0 {
                    pieces.pop();
                }
            }
            pieces.push(piece);
        }
        (Self { pieces }, overlaps)
    }

    /// The pieces in order of address.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Bytes of all pieces.
    pub fn size(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.size).sum()
    }

    /// The piece that holds `va`; addresses wrap around at 4 GB.
    pub fn piece(&self, va: Va) -> Option<&Piece> {
        let va = Va(va.0 % ALL);
        let after = self.pieces.partition_point(|piece| piece.va <= va);
        self.pieces.get(after.checked_sub(1)?).filter(|piece| va.0 < piece.end())
    }

    /// Where the byte at `va` is in the file.
    pub fn offset(&self, va: Va) -> Option<FileOffset> {
        let piece = self.piece(va)?;
        piece.offset.checked_add(va.0 % ALL - piece.va.0)
    }

    /// Up to `size` bytes from `va` on: fewer where the image has no more. They are copied only where they lie in
    /// several pieces.
    pub fn bytes<'f>(&self, file: &'f [u8], va: Va, size: u64) -> Cow<'f, [u8]> {
        let first = self.run(file, va, size);
        if first.len() as u64 == size || first.is_empty() {
            return Cow::Borrowed(first);
        }
        let mut bytes = first.to_vec();
        while (bytes.len() as u64) < size {
            let Some(next) = va.checked_add(bytes.len() as u64) else { break };
            let run = self.run(file, next, size - bytes.len() as u64);
            if run.is_empty() {
                break;
            }
            bytes.extend_from_slice(run);
        }
        Cow::Owned(bytes)
    }

    /// A word of 32 bits.
    pub fn word(&self, file: &[u8], va: Va) -> Option<u32> {
        let bytes = self.bytes(file, va, 4);
        Some(u32::from_le_bytes(*bytes.first_chunk()?))
    }

    /// How many of `size` bytes from `va` on the image has.
    pub fn held(&self, va: Va, size: u64) -> u64 {
        let mut held = 0;
        while held < size {
            let Some(at) = va.checked_add(held).map(|at| Va(at.0 % ALL)) else { break };
            let Some(piece) = self.piece(at) else { break };
            held = (held + piece.end() - at.0).min(size);
        }
        held
    }

    fn run<'f>(&self, file: &'f [u8], va: Va, size: u64) -> &'f [u8] {
        let run = || {
            let va = Va(va.0 % ALL);
            let piece = self.piece(va)?;
            let start = usize::try_from(piece.offset.0 + (va.0 - piece.va.0)).ok()?;
            let count = usize::try_from(size.min(piece.end() - va.0)).ok()?;
            file.get(start..start.checked_add(count)?)
        };
        run().unwrap_or_default()
    }

    /// The same bytes, each moved by the constant of its region: those from an address on belong to the last region that
    /// begins at or below it, those below all regions to the first.
    pub(super) fn moved(&self, regions: &[(Va, u32)]) -> (Self, usize) {
        let mut starts: Vec<(Va, u32)> = regions.to_vec();
        starts.sort_unstable();
        let mut moved = Vec::new();
        for piece in &self.pieces {
            let mut rest = *piece;
            loop {
                let after = starts.partition_point(|(start, _)| *start <= rest.va);
                let delta = starts.get(after.saturating_sub(1)).map_or(0, |(_, delta)| *delta);
                let end = starts.get(after).map_or(u64::MAX, |(start, _)| start.0).min(rest.end());
                let size = end - rest.va.0;
                let va = Va(u64::from((rest.va.0 as u32).wrapping_add(delta)));
                moved.push(Piece { va, size, ..rest });
                if size == rest.size {
                    break;
                }
                rest = Piece { va: Va(end), offset: FileOffset(rest.offset.0 + size), size: rest.size - size };
            }
        }
        Self::new(moved)
    }
}

/// A piece that reaches past the top of the addresses goes on at 0.
fn wrapped(piece: Piece) -> impl Iterator<Item = Piece> {
    let below = piece.size.min(ALL.saturating_sub(piece.va.0));
    let first = Piece { size: below, ..piece };
    let offset = FileOffset(piece.offset.0.saturating_add(below));
    let second = Piece { va: Va(0), offset, size: (piece.size - below).min(ALL) };
    [first, second].into_iter().filter(|piece| piece.size > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(va: u64, offset: u64, size: u64) -> Piece {
        Piece { va: Va(va), offset: FileOffset(offset), size }
    }

    #[test]
    fn bytes_across_pieces() {
        let file = b"abcdefghij";
        let (memory, overlaps) = RomMemory::new([piece(0x1000, 0, 3), piece(0x1003, 5, 2), piece(0x1010, 8, 2)]);
        assert_eq!(overlaps, 0);
        assert_eq!(memory.bytes(file, Va(0x1001), 3), b"bcf".as_slice());
        assert_eq!(memory.bytes(file, Va(0x1001), 30), b"bcfg".as_slice());
        assert_eq!(memory.bytes(file, Va(0xfff), 3), b"".as_slice());
        assert_eq!((memory.held(Va(0x1001), 30), memory.held(Va(0x1011), 1)), (4, 1));
        assert_eq!(memory.offset(Va(0x1011)), Some(FileOffset(9)));
        assert_eq!(memory.offset(Va(0x1012)), None);
    }

    #[test]
    fn later_pieces_lie_over_earlier_ones_and_the_top_wraps() {
        let (memory, overlaps) = RomMemory::new([piece(0x1000, 0, 0x10), piece(0x1008, 0x20, 0x10)]);
        assert_eq!((overlaps, memory.pieces()), (1, [piece(0x1000, 0, 8), piece(0x1008, 0x20, 0x10)].as_slice()));
        let (memory, _) = RomMemory::new([piece(0xffff_fff0, 0, 0x20)]);
        assert_eq!(memory.pieces(), [piece(0, 0x10, 0x10), piece(0xffff_fff0, 0, 0x10)]);
    }

    #[test]
    fn regions_move_by_their_own_constants() {
        let (raw, _) = RomMemory::new([piece(0, 0, 0x3000)]);
        let (moved, _) = raw.moved(&[(Va(0x2000), 0x9000_0000), (Va(0), 0x8000_0000)]);
        assert_eq!(moved.pieces(), [piece(0x8000_0000, 0, 0x2000), piece(0x9000_2000, 0x2000, 0x1000)]);
        assert_eq!(raw.moved(&[]).0, raw);
    }
}
