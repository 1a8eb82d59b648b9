//! The frame database: what it says of a frame, and how many frames are in which state.

use super::memory::{KernelMemory, Reader};
use vatlas_rules::nt::structures::{
    FRAME_MODIFIED, FRAME_PROTOTYPE,
    frame::{self, BYTES},
};
use vatlas_space::{Frame, FrameCounts, FrameState, Pfn, Va};

impl<M: KernelMemory + ?Sized> Reader<'_, M> {
    /// A frame's record.
    pub(super) fn frame(self, pfn: Pfn) -> Option<Frame> {
        if pfn.0 >= self.roots.frames {
            return None;
        }
        let at = self.roots.frame_database.checked_add(pfn.0.checked_mul(BYTES.into())?)?;
        let bytes: [u8; BYTES as usize] = self.kernel(at)?;
        let word =
            |at: u32| bytes.get(at as usize..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_le_bytes(*b));
        let flags = word(frame::FLAGS);
        let bits = flags as u16;
        let state = FrameState::of_number((flags >> 8 & 7) as u8);
        Some(Frame {
            pfn,
            state,
            // On a list the word leads to the frame before.
            share_count: if state == FrameState::Active { word(frame::SHARES) } else { 0 },
            reference_count: (flags >> 16) as u16,
            // Bit 0 says that the entry is gone.
            entry: Va((word(frame::PTE_ADDRESS) & !1).into()),
            original: word(frame::ORIGINAL_PTE).into(),
            is_modified: bits & FRAME_MODIFIED != 0,
            is_shared: bits & FRAME_PROTOTYPE != 0,
        })
    }

    /// How many frames are in which state.
    pub(super) fn frame_counts(self) -> FrameCounts {
        let mut counts = FrameCounts { total: self.roots.frames, ..FrameCounts::default() };
        for frame in (0..self.roots.frames).filter_map(|pfn| self.frame(Pfn(pfn))) {
            counts.by_state[frame.state as usize] += 1;
        }
        counts
    }
}
