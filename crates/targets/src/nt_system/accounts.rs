//! Whose the frames in use are: every page table of every process is read once.

use super::memory::{KernelMemory, PAGE};
use super::space::NtSpace;
use std::collections::BTreeSet;
use vatlas_space::{FramePart, FrameState, FrameUse, Pa, PageTableEntry, Pfn, ProcessIndex};

/// Entries of a table.
const ENTRIES: u64 = 1024;
/// Directory entry of the self-map.
const SELF_MAP: u64 = 768;

/// Frames in use by owner; each is counted once.
pub(super) fn frame_parts<M: KernelMemory + ?Sized>(spaces: &[NtSpace<M>]) -> Vec<FramePart> {
    let Some(first) = spaces.first() else { return Vec::new() };
    let mut found = Found { spaces, seen: BTreeSet::new(), shared: 0, parts: Vec::new() };
    // The kernel's first: what processes see of it is not theirs.
    let kernel_from = first.owner_highest_user().0 / (PAGE * ENTRIES) + 1;
    found.add_half(None, first, kernel_from..ENTRIES);
    for (number, space) in spaces.iter().enumerate() {
        found.add_half(Some(ProcessIndex(number)), space, 0..kernel_from);
    }
    found.finish()
}

struct Found<'s, M: ?Sized> {
    spaces: &'s [NtSpace<M>],
    seen: BTreeSet<u64>,
    shared: u64,
    parts: Vec<FramePart>,
}

impl<M: KernelMemory + ?Sized> Found<'_, M> {
    /// Counts a frame that nobody had yet and that is in use.
    fn is_new(&mut self, pfn: Pfn) -> Option<bool> {
        let frame = self.spaces.first()?.reader().frame(pfn)?;
        let is_new = frame.state == FrameState::Active && self.seen.insert(pfn.0);
        is_new.then_some(frame.is_shared)
    }

    /// The directory of a space, the tables of a range of its entries, and the pages that those lead to.
    fn add_half(&mut self, process: Option<ProcessIndex>, space: &NtSpace<M>, entries: std::ops::Range<u64>) {
        let directory = space.directory();
        let (mut private, mut tables) = (0, 0);
        if process.is_some() && self.is_new(Pfn(directory.0 / PAGE)).is_some() {
            tables += 1;
        }
        for number in entries.filter(|number| *number != SELF_MAP) {
            let Some(table) = self.present(Pa(directory.0 + number * 4)) else { continue };
            if self.is_new(table).is_some() {
                tables += 1;
            }
            for entry in 0..ENTRIES {
                let page = self.present(Pa(table.0 * PAGE + entry * 4));
                match page.and_then(|page| self.is_new(page)) {
                    Some(true) if process.is_some() => self.shared += 1,
                    Some(_) => private += 1,
                    None => {}
                }
            }
        }
        match process {
            Some(process) => {
                self.parts.push(FramePart { owner: FrameUse::Private(process), pages: private });
                self.parts.push(FramePart { owner: FrameUse::PageTables(process), pages: tables });
            }
            None => self.parts.push(FramePart { owner: FrameUse::Kernel, pages: private + tables }),
        }
    }

    /// The frame that a valid entry leads to.
    fn present(&self, at: Pa) -> Option<Pfn> {
        let entry = PageTableEntry(self.spaces.first()?.reader().physical_u32(at)?.into());
        let is_small = entry.has(PageTableEntry::VALID) && !entry.has(PageTableEntry::LARGE);
        is_small.then_some(Pfn(entry.0 >> 12 & 0xf_ffff))
    }

    fn finish(mut self) -> Vec<FramePart> {
        self.parts.push(FramePart { owner: FrameUse::Shared, pages: self.shared });
        let reader = self.spaces.first().map(NtSpace::reader);
        let active = reader.map_or(0, |reader| reader.frame_counts().by_state[FrameState::Active as usize]);
        let rest = active.saturating_sub(self.seen.len() as u64);
        self.parts.push(FramePart { owner: FrameUse::Unmapped, pages: rest });
        self.parts
    }
}
