//! Where frames come from when none is free: standby pages, the modified-page writer, the trimming of working sets.

use crate::memory::entries::protection_in;
use crate::memory::{FrameState, Memory, NtStatus, PageFileError, RULES, SpaceIndex};
use crate::ram::{FRAME_BYTES, Ram};
use vatlas_rules::nt::pte::{NtPte, encode_pte};
use vatlas_space::{Pa, PageTableEntry, Pfn};

/// Pages that are trimmed, and written, at a time.
const BATCH: u32 = 16;

impl Memory {
    /// A frame of zeroes that is in no list: zeroed, free, standby, and if there is none of these, what trimming and
    /// writing give.
    ///
    /// # Errors
    /// Why nothing could be written when everything that is left must be.
    pub(crate) fn obtain_frame(&mut self, ram: &mut Ram) -> Result<Pfn, PageFileError> {
        loop {
            if let Some(frame) = self.take_available(ram) {
                return Ok(frame);
            }
            let trimmed = self.trim_largest(ram);
            let written = self.write_modified_pages(ram, BATCH);
            if trimmed == 0 && self.frames.available() == 0 {
                return Err(written.err().unwrap_or(PageFileError(NtStatus::NO_MEMORY)));
            }
        }
    }

    fn take_available(&mut self, ram: &mut Ram) -> Option<Pfn> {
        if let Some(frame) = self.frames.pop(ram, FrameState::Zeroed) {
            return Some(frame);
        }
        let frame = self.frames.pop(ram, FrameState::Free).or_else(|| self.repurpose(ram))?;
        ram.write(Pa(frame.0 << 12), &[0; FRAME_BYTES]);
        Some(frame)
    }

    /// Takes the oldest standby frame away from its page: the original entry goes back into the page table.
    fn repurpose(&mut self, ram: &mut Ram) -> Option<Pfn> {
        let frame = self.frames.pop(ram, FrameState::Standby)?;
        let record = self.frames.record(ram, frame);
        ram.write_u32(record.entry_at(), record.original);
        self.frames.update(ram, record.table, |table| table.shares = table.shares.saturating_sub(1));
        self.counters.repurposed += 1;
        Some(frame)
    }

    /// The zero-page thread: makes at most `count` free frames zeroed ones. How many it made.
    pub fn zero_free_pages(&mut self, ram: &mut Ram, count: u32) -> u32 {
        let mut done = 0;
        while done < count {
            let Some(frame) = self.frames.pop(ram, FrameState::Free) else { break };
            ram.write(Pa(frame.0 << 12), &[0; FRAME_BYTES]);
            self.frames.push(ram, frame, FrameState::Zeroed);
            done += 1;
        }
        done
    }

    /// The modified-page writer: writes at most `count` pages, which become standby. How many it wrote. A page that
    /// cannot be written stays on the modified list, behind the others.
    ///
    /// # Errors
    /// The last error, when nothing was written.
    pub fn write_modified_pages(&mut self, ram: &mut Ram, count: u32) -> Result<u32, PageFileError> {
        let mut written = 0;
        let mut error = None;
        for _ in 0..count.min(self.frames.count(FrameState::Modified)) {
            let Some(frame) = self.frames.pop(ram, FrameState::Modified) else { break };
            match self.write_page(ram, frame) {
                Ok(original) => {
                    self.frames.update(ram, frame, |record| record.original = original);
                    self.frames.push(ram, frame, FrameState::Standby);
                    self.counters.page_outs += 1;
                    written += 1;
                }
                Err(failure) => {
                    self.frames.push(ram, frame, FrameState::Modified);
                    self.counters.failed_writes += 1;
                    error = Some(failure);
                }
            }
        }
        error.filter(|_| written == 0).map_or(Ok(written), Err)
    }

    /// Writes a frame to the first page file that takes it; the entry that says where it is.
    fn write_page(&mut self, ram: &Ram, frame: Pfn) -> Result<u32, PageFileError> {
        let protection = protection_in(self.frames.record(ram, frame).original);
        let mut bytes = [0; FRAME_BYTES];
        ram.read(Pa(frame.0 << 12), &mut bytes);
        let mut error = PageFileError(NtStatus::DISK_FULL);
        for (number, file) in (0..).zip(&mut self.page_files) {
            let Some(page) = file.take() else { continue };
            match file.store.write(page, &bytes) {
                Ok(()) => {
                    let form = NtPte::PageFile { file: number, page, protection };
                    return Ok(encode_pte(form, &RULES).unwrap_or_default());
                }
                Err(failure) => {
                    file.release(page);
                    error = failure;
                }
            }
        }
        Err(error)
    }

    /// Trims the largest working set. How many pages left it.
    fn trim_largest(&mut self, ram: &mut Ram) -> u32 {
        let sizes = self.spaces.iter().enumerate().map(|(index, space)| (space.working_set.size(), index));
        // Of equal ones the first, so that runs are equal too.
        let largest = sizes.max_by_key(|(size, index)| (*size, std::cmp::Reverse(*index)));
        largest.map_or(0, |(_, index)| self.trim_working_set(ram, SpaceIndex(index), BATCH))
    }

    /// Takes at most `count` pages out of a working set, by the clock: a page that was accessed since the hand came by
    /// loses its accessed bit and stays. Locked pages stay. How many pages left it.
    pub fn trim_working_set(&mut self, ram: &mut Ram, space: SpaceIndex, count: u32) -> u32 {
        let mut trimmed = 0;
        let mut steps = self.spaces[space.0].working_set.size().saturating_mul(2);
        while trimmed < count && steps > 0 {
            steps -= 1;
            let set = &mut self.spaces[space.0].working_set;
            if set.hand >= set.entries.len() {
                set.hand = 0;
            }
            let Some(member) = set.entries.get(set.hand).copied() else { break };
            let entry = self.entry(ram, space, member.page);
            if member.is_locked || entry & PageTableEntry::ACCESSED as u32 != 0 {
                self.set_entry(ram, space, member.page, entry & !(PageTableEntry::ACCESSED as u32));
                self.spaces[space.0].working_set.hand += 1;
                continue;
            }
            self.trim_page(ram, space, member.page);
            trimmed += 1;
        }
        trimmed
    }
}
