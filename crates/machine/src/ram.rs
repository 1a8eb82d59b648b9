//! Physical memory: bytes in frames of 4 KB, which frames hold decoded code, which changed since a snapshot.
//!
//! Memory is one block of bytes, so that an access is one comparison and one load without `unsafe`. A snapshot keeps
//! reference-counted copies of frames; a frame is copied again only after a write, and a write is noticed when the
//! frame enters a write-translation buffer.

use crate::control::{KEPT_BYTES, Touch, Toucher, WatchedBytes, Watches, told_bytes};
use crate::state::{CHUNK, SharedPages};
use std::collections::BTreeMap;
use std::sync::Arc;
use vatlas_space::{Pa, Pfn};

/// Bytes of a frame.
pub const FRAME_BYTES: usize = 0x1000;

/// The bytes of one frame.
type Frame = [u8; FRAME_BYTES];

/// One bit for each byte of a frame: whether an instruction was decoded from it.
type CodeBytes = [u64; FRAME_BYTES / 64];

/// The frame has bytes from which instructions were decoded.
const CODE: u8 = 1 << 0;
/// The frame was, or may have been, written since the last snapshot.
const CHANGED: u8 = 1 << 1;
/// The frame has bytes whose writes are watched.
const WATCHED_WRITES: u8 = 1 << 2;
/// The frame has bytes whose reads are watched.
const WATCHED_READS: u8 = 1 << 3;

/// Physical memory of a computer.
#[derive(Debug, Default)]
pub struct Ram {
    bytes: Vec<u8>,
    states: Vec<u8>,
    // What is seldom used is behind a pointer: a processor that runs has the memory, so a run begins and ends by moving it.
    #[allow(clippy::box_collection, reason = "three words less to move")]
    code: Box<BTreeMap<u32, Box<CodeBytes>>>,
    stale: Vec<u32>,
    kept: Box<SharedPages>,
    write_epoch: u64,
    watches: Box<Watches>,
}

/// Physical memory at one moment. Frames that did not change are shared with other snapshots.
#[derive(Clone, Debug)]
pub struct RamSnapshot {
    frames: SharedPages,
}

impl RamSnapshot {
    /// Frames that were never written are not there: they hold zeroes.
    pub(crate) fn frames(&self) -> &SharedPages {
        &self.frames
    }
}

/// A number that an instruction reads or writes in memory: 1, 2, 4 or 8 bytes, little-endian.
pub trait Word: Copy {
    /// Its bytes.
    const BYTES: u32;
    /// Reads it from the front of `bytes`, which are long enough.
    fn from_front(bytes: &[u8]) -> Self;
    /// Writes it to the front of `bytes`, which are long enough.
    fn to_front(self, bytes: &mut [u8]);
}

macro_rules! word {
    ($($type:ty),*) => {$(
        impl Word for $type {
            const BYTES: u32 = size_of::<$type>() as u32;
            #[inline(always)]
            fn from_front(bytes: &[u8]) -> Self {
                bytes.first_chunk().map_or(0, |bytes| <$type>::from_le_bytes(*bytes))
            }
            #[inline(always)]
            fn to_front(self, bytes: &mut [u8]) {
                if let Some(front) = bytes.first_chunk_mut() {
                    *front = self.to_le_bytes();
                }
            }
        }
    )*};
}
word!(u8, u16, u32, u64, u128);

impl Ram {
    /// Zeroed memory of `frames` frames, at most 2^20 (4 GB).
    pub fn new(frames: u32) -> Self {
        let frames = frames.min(1 << 20) as usize;
        Self { bytes: vec![0; frames * FRAME_BYTES], states: vec![0; frames], ..Self::default() }
    }

    /// Number of frames.
    pub fn frames(&self) -> u32 {
        self.states.len() as u32
    }

    /// The bytes of a frame; `None` past the end of memory.
    pub fn frame(&self, frame: Pfn) -> Option<&[u8]> {
        let start = usize::try_from(frame.0).ok()?.checked_mul(FRAME_BYTES)?;
        self.bytes.get(start..start.checked_add(FRAME_BYTES)?)
    }

    /// Reads bytes; `false`, and nothing read, when they reach past the end of memory.
    pub fn read(&self, at: Pa, buffer: &mut [u8]) -> bool {
        let Some(bytes) = self.range(at, buffer.len()).and_then(|range| self.bytes.get(range)) else { return false };
        buffer.copy_from_slice(bytes);
        true
    }

    /// Writes bytes, and forgets what was decoded from them; `false`, and nothing written, when they reach past the
    /// end of memory.
    pub fn write(&mut self, at: Pa, bytes: &[u8]) -> bool {
        let Some(range) = self.range(at, bytes.len()) else { return false };
        if !self.watches.pieces().is_empty() {
            self.note_kernel_write(range.start, bytes.len());
        }
        let Some(place) = self.bytes.get_mut(range.clone()) else { return false };
        place.copy_from_slice(bytes);
        for frame in range.start / FRAME_BYTES..range.end.div_ceil(FRAME_BYTES) {
            self.states[frame] |= CHANGED;
            if self.states[frame] & CODE != 0 {
                self.stale.push(frame as u32);
            }
        }
        true
    }

    /// Fills a frame with zeroes, and forgets what was decoded from it; `false` past the end of memory.
    pub(crate) fn clear(&mut self, frame: Pfn) -> bool {
        let range = frame.0.checked_mul(FRAME_BYTES as u64).and_then(|at| self.range(Pa(at), FRAME_BYTES));
        if !self.watches.pieces().is_empty() {
            self.note_kernel_write(range.as_ref().map_or(0, |range| range.start), FRAME_BYTES);
        }
        let Some(bytes) = range.and_then(|range| self.bytes.get_mut(range)) else { return false };
        bytes.fill(0);
        let state = &mut self.states[frame.0 as usize];
        *state |= CHANGED;
        if *state & CODE != 0 {
            self.stale.push(frame.0 as u32);
        }
        true
    }

    /// Reads a little-endian 32-bit number, a page-table entry for example.
    pub fn read_u32(&self, at: Pa) -> Option<u32> {
        u32::try_from(at.0).ok().and_then(|at| self.get(at))
    }

    /// Writes a little-endian 32-bit number; `false` past the end of memory.
    #[inline]
    pub fn write_u32(&mut self, at: Pa, value: u32) -> bool {
        self.write_array(at, &value.to_le_bytes())
    }

    /// Writes bytes whose number is known beforehand: as [`Self::write`], in fewer steps when they are in one frame.
    #[inline]
    pub(crate) fn write_array<const N: usize>(&mut self, at: Pa, bytes: &[u8; N]) -> bool {
        if at.0 as usize % FRAME_BYTES + N > FRAME_BYTES {
            return self.write(at, bytes);
        }
        self.array_mut(at).map(|place| *place = *bytes).is_some()
    }

    /// Bytes that are about to be written where they are; `None` when they are not all in one frame of memory.
    #[inline]
    pub(crate) fn array_mut<const N: usize>(&mut self, at: Pa) -> Option<&mut [u8; N]> {
        let start = at.0 as usize;
        let frame = start / FRAME_BYTES;
        if start % FRAME_BYTES + N > FRAME_BYTES {
            return None;
        }
        if !self.watches.pieces().is_empty() {
            self.note_kernel_write(start, N);
        }
        let state = self.states.get_mut(frame)?;
        *state |= CHANGED;
        if *state & CODE != 0 {
            self.stale.push(frame as u32);
        }
        self.bytes.get_mut(start..)?.first_chunk_mut()
    }

    /// Reads bytes whose number is known beforehand; `None` past the end of memory.
    #[inline]
    pub(crate) fn read_array<const N: usize>(&self, at: Pa) -> Option<[u8; N]> {
        self.array(at).copied()
    }

    /// The same where they are.
    #[inline]
    pub(crate) fn array<const N: usize>(&self, at: Pa) -> Option<&[u8; N]> {
        self.bytes.get(usize::try_from(at.0).ok()?..)?.first_chunk()
    }

    fn range(&self, at: Pa, length: usize) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(at.0).ok()?;
        let end = start.checked_add(length)?;
        (end <= self.bytes.len()).then_some(start..end)
    }

    /// A word; `None` past the end of memory.
    #[inline(always)]
    pub(crate) fn get<W: Word>(&self, at: u32) -> Option<W> {
        let start = at as usize;
        Some(W::from_front(self.bytes.get(start..start + W::BYTES as usize)?))
    }

    /// Writes a word to a frame that needs no notice; `None` past the end of memory.
    #[inline(always)]
    pub(crate) fn put<W: Word>(&mut self, at: u32, value: W) -> Option<()> {
        let start = at as usize;
        value.to_front(self.bytes.get_mut(start..start + W::BYTES as usize)?);
        Some(())
    }

    /// The bytes from `at` to the end of its frame; none past the end of memory.
    pub(crate) fn rest_of_frame(&self, at: u32) -> &[u8] {
        let start = at as usize;
        let end = (start | (FRAME_BYTES - 1)) + 1;
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Bytes within one frame for a block operation; `None` past the end of memory.
    pub(crate) fn slice_mut(&mut self, at: u32, length: u32) -> Option<&mut [u8]> {
        let start = at as usize;
        self.bytes.get_mut(start..start + length as usize)
    }

    /// Copies bytes that do not overlap, within frames that need no notice; `None` past the end of memory.
    pub(crate) fn copy(&mut self, from: u32, to: u32, length: u32) -> Option<()> {
        let (from, to, length) = (from as usize, to as usize, length as usize);
        if from.max(to) + length > self.bytes.len() {
            return None;
        }
        self.bytes.copy_within(from..from + length, to);
        Some(())
    }

    /// Notes that a processor may write to a frame from now on without a further word.
    pub(crate) fn note_write(&mut self, frame: u32) {
        if let Some(state) = self.states.get_mut(frame as usize) {
            *state |= CHANGED;
        }
    }

    /// Whether instructions were decoded from the frame: writes to it must be looked at one by one.
    pub(crate) fn has_code(&self, frame: u32) -> bool {
        self.states.get(frame as usize).is_some_and(|state| state & CODE != 0)
    }

    /// Whether instructions were decoded from these bytes of one frame.
    pub(crate) fn is_code(&self, at: u32, length: u32) -> bool {
        let Some(code) = self.code.get(&(at >> 12)) else { return false };
        let first = at as usize % FRAME_BYTES;
        (first..first + length as usize)
            .any(|byte| code.get(byte / 64).is_some_and(|word| word >> (byte % 64) & 1 != 0))
    }

    /// Notes that instructions were decoded from these bytes of one frame.
    pub(crate) fn note_code(&mut self, at: u32, length: u32) {
        let frame = at >> 12;
        let Some(state) = self.states.get_mut(frame as usize) else { return };
        if *state & CODE == 0 {
            *state |= CODE;
            self.write_epoch += 1;
        }
        let code = self.code.entry(frame).or_insert_with(|| Box::new([0; FRAME_BYTES / 64]));
        let first = at as usize % FRAME_BYTES;
        for byte in first..(first + length as usize).min(FRAME_BYTES) {
            code[byte / 64] |= 1 << (byte % 64);
        }
    }

    /// Notes that code in the frame was overwritten.
    pub(crate) fn note_stale(&mut self, frame: u32) {
        self.stale.push(frame);
    }

    /// Frames whose decoded instructions are no longer true; forgets that they had any.
    pub(crate) fn take_stale(&mut self) -> Vec<u32> {
        let stale = std::mem::take(&mut self.stale);
        for frame in &stale {
            self.code.remove(frame);
            if let Some(state) = self.states.get_mut(*frame as usize) {
                *state &= !CODE;
            }
        }
        stale
    }

    /// Whether [`Self::take_stale`] has something to tell.
    pub(crate) fn is_stale(&self) -> bool {
        !self.stale.is_empty()
    }

    /// Changes whenever write translations must be forgotten.
    pub(crate) fn write_epoch(&self) -> u64 {
        self.write_epoch
    }

    /// Watches these bytes and no others.
    pub(crate) fn set_watches(&mut self, pieces: Vec<WatchedBytes>) {
        self.states.iter_mut().for_each(|state| *state &= !(WATCHED_READS | WATCHED_WRITES));
        for piece in &pieces {
            if let Some(state) = self.states.get_mut((piece.pa >> 12) as usize) {
                *state |= (u8::from(piece.reads) * WATCHED_READS) | (u8::from(piece.writes) * WATCHED_WRITES);
            }
        }
        self.watches.set(pieces);
        self.write_epoch += 1;
    }

    /// Whether reads of the frame must be looked at one by one because somebody watches some of its bytes.
    pub(crate) fn has_watched_reads(&self, frame: u32) -> bool {
        self.states.get(frame as usize).is_some_and(|state| state & WATCHED_READS != 0)
    }

    /// The same for writes; they read, too, where an instruction changes what it finds.
    pub(crate) fn has_watched_bytes(&self, frame: u32) -> bool {
        self.states.get(frame as usize).is_some_and(|state| state & (WATCHED_READS | WATCHED_WRITES) != 0)
    }

    /// What is watched, and what was touched of it.
    pub(crate) fn watches(&mut self) -> &mut Watches {
        &mut self.watches
    }

    /// Whether an access of a processor, in one frame, touches watched bytes.
    pub(crate) fn is_touched(&self, pa: u32, length: u32, is_write: bool, through: (u32, u32)) -> bool {
        self.watches.touched(pa, length, is_write, Some(through)).next().is_some()
    }

    /// Notes an access that touches watched bytes, before it is made.
    pub(crate) fn note_touch(
        &mut self,
        (pa, length): (u32, u32),
        is_write: bool,
        through: Option<(u32, u32)>,
        by: Toucher,
    ) {
        let touched: Vec<WatchedBytes> = self.watches.touched(pa, length, is_write, through).copied().collect();
        for piece in touched {
            let first = pa.max(piece.pa);
            let end = pa.saturating_add(length).min(piece.pa.saturating_add(piece.length));
            let mut before = [0; KEPT_BYTES];
            let (from, count) = told_bytes(piece.length, first - piece.pa, end - first);
            self.read(Pa(u64::from(piece.pa) + u64::from(from)), &mut before[..count]);
            let by = match by {
                Toucher::Instruction { va } => Toucher::Instruction { va: va.wrapping_add(first - pa) },
                other => other,
            };
            self.watches.note(Touch { watch: piece.watch, pa: first, length: end - first, is_write, before, by });
        }
    }

    #[cold]
    fn note_kernel_write(&mut self, start: usize, length: usize) {
        let (Ok(pa), Ok(length)) = (u32::try_from(start), u32::try_from(length)) else { return };
        self.note_touch((pa, length), true, None, Toucher::Kernel);
    }

    /// Keeps the state of all frames. The cost is a copy of those written since the snapshot before.
    pub fn snapshot(&mut self) -> RamSnapshot {
        // Eight states at a time: most frames did not change.
        for first in (0..self.states.len()).step_by(8) {
            let end = (first + 8).min(self.states.len());
            if self.states[first..end].iter().fold(0, |all, state| all | state) & CHANGED != 0 {
                (first..end).for_each(|frame| self.keep(frame));
            }
        }
        self.write_epoch += 1;
        RamSnapshot { frames: (*self.kept).clone() }
    }

    /// Keeps a frame if it changed.
    fn keep(&mut self, frame: usize) {
        let bytes: Option<&Frame> = self.bytes.get(frame * FRAME_BYTES..).and_then(<[u8]>::first_chunk);
        if let (true, Some(bytes)) = (self.states[frame] & CHANGED != 0, bytes) {
            self.states[frame] &= !CHANGED;
            self.kept.set(frame, Some(Arc::new(*bytes)));
        }
    }

    /// Goes back to a snapshot of this memory. Only frames that differ are copied. Nobody is told that watched bytes
    /// changed.
    pub fn restore(&mut self, snapshot: &RamSnapshot) {
        for first in (0..self.states.len()).step_by(CHUNK) {
            let end = (first + CHUNK).min(self.states.len());
            let is_changed = self.states[first..end].iter().fold(0, |all, state| all | state) & CHANGED != 0;
            if is_changed || !self.kept.shares_chunk(&snapshot.frames, first) {
                (first..end).for_each(|frame| self.restore_frame(frame, snapshot));
            }
        }
        *self.kept = snapshot.frames.clone();
        self.write_epoch += 1;
    }

    /// Sets a frame that differs from that of a snapshot, or may differ.
    fn restore_frame(&mut self, frame: usize, snapshot: &RamSnapshot) {
        let then = snapshot.frames.get(frame);
        let is_kept = self.kept.get(frame).map(Arc::as_ptr) == then.map(Arc::as_ptr);
        if !is_kept || self.states[frame] & CHANGED != 0 {
            self.put_frame(frame, then.map(|then| &**then));
        }
    }

    /// Sets the bytes of a frame, zeroes for none, and forgets what was decoded from it.
    fn put_frame(&mut self, frame: usize, bytes: Option<&Frame>) {
        let start = frame * FRAME_BYTES;
        if let Some(place) = self.bytes.get_mut(start..start + FRAME_BYTES) {
            match bytes {
                Some(bytes) => place.copy_from_slice(bytes),
                None => place.fill(0),
            }
        }
        self.states[frame] &= !CHANGED;
        if self.states[frame] & CODE != 0 {
            self.stale.push(frame as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_stop_at_the_end() {
        let mut ram = Ram::new(2);
        assert!(ram.write(Pa(0x1ffc), &[1, 2, 3, 4]));
        assert!(!ram.write(Pa(0x1ffd), &[9; 4]));
        assert!(!ram.write(Pa(u64::MAX), &[9]));
        assert_eq!(ram.read_u32(Pa(0x1ffc)), Some(0x0403_0201));
        assert_eq!(ram.read_u32(Pa(0x1ffd)), None);
        assert!(!ram.read(Pa(0x2000), &mut [0]));
        assert!(ram.frame(Pfn(2)).is_none() && ram.frame(Pfn(u64::MAX)).is_none());
    }

    #[test]
    fn snapshots_share_what_did_not_change() {
        let mut ram = Ram::new(4);
        ram.write_u32(Pa(0x1000), 1);
        let first = ram.snapshot();
        ram.write_u32(Pa(0x2000), 2);
        let second = ram.snapshot();
        assert_eq!(first.frames.shared_with(&second.frames), 1);
        ram.write_u32(Pa(0x1000), 3);
        ram.restore(&first);
        assert_eq!((ram.read_u32(Pa(0x1000)), ram.read_u32(Pa(0x2000))), (Some(1), Some(0)));
        ram.restore(&second);
        assert_eq!((ram.read_u32(Pa(0x1000)), ram.read_u32(Pa(0x2000))), (Some(1), Some(2)));
    }

    #[test]
    fn code_is_known_by_the_byte() {
        let mut ram = Ram::new(2);
        ram.note_code(0x1010, 3);
        assert!(ram.is_code(0x100d, 4) && ram.is_code(0x1012, 1));
        assert!(!ram.is_code(0x1013, 4) && !ram.is_code(0x100c, 4) && !ram.is_code(0x0010, 4));
        ram.write(Pa(0x1ff0), &[0]);
        assert_eq!(ram.take_stale(), [1]);
        assert!(!ram.has_code(1));
    }
}
