//! Where frames come from when none is free: standby pages, the modified-page writer, the trimming of working sets.

use crate::memory::entries::protection_in;
use crate::memory::{FrameState, Memory, NtStatus, PageFile, PageFileError, RULES, SpaceIndex};
use crate::ram::{FRAME_BYTES, Ram};
use vatlas_rules::nt::pte::{NtPte, encode_pte};
use vatlas_space::{Pa, PageTableEntry, Pfn};

/// Pages that are trimmed, and written, at a time.
const BATCH: u32 = 16;
/// With fewer frames at hand than this, working sets do not grow over their maximum.
const PLENTY: u32 = 64;

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
        ram.clear(frame);
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
            ram.clear(frame);
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
                    written += 1;
                }
                Err(failure) => {
                    self.frames.push(ram, frame, FrameState::Modified);
                    self.counters.failed_writes += 1;
                    error = Some(failure);
                }
            }
        }
        self.retire_unused_areas(ram);
        error.filter(|_| written == 0).map_or(Ok(written), Err)
    }

    /// Writes a frame to the data file that it belongs to, or to the first page file that takes it; the entry that says
    /// where it is.
    fn write_page(&mut self, ram: &Ram, frame: Pfn) -> Result<u32, PageFileError> {
        let record = self.frames.record(ram, frame);
        if let Some(area) = self.data_file_of(&record) {
            return self.write_file_page(ram, area, frame).map(|()| record.original);
        }
        let protection = protection_in(record.original);
        let mut bytes = [0; FRAME_BYTES];
        ram.read(Pa(frame.0 << 12), &mut bytes);
        let mut error = PageFileError(NtStatus::DISK_FULL);
        // Pages in memory keep their old places in the files until they change, so files can be full before the limit is.
        if self.page_files.iter().all(PageFile::is_full) {
            self.grow_page_files(BATCH);
        }
        for (number, file) in (0..).zip(&mut self.page_files) {
            let Some(page) = file.take() else { continue };
            match file.write(page, &bytes) {
                Ok(()) => {
                    self.counters.page_outs += 1;
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

    /// Before a page comes into a working set that is as large as it may be: others leave it. Locked pages stay.
    pub(crate) fn make_room(&mut self, ram: &mut Ram, space: SpaceIndex) {
        let set = &self.space(space).working_set;
        let excess = (set.size() + 1).saturating_sub(set.maximum);
        if excess > 0 && (set.is_hard || self.frames.available() < PLENTY) {
            self.trim_working_set(ram, space, excess.min(BATCH));
        }
    }

    /// The balance set manager: trims working sets that are over their minimum, the largest first, until `goal` frames
    /// are at hand or wait to be written. To be called about once a second. How many pages left.
    pub fn balance_working_sets(&mut self, ram: &mut Ram, goal: u32) -> u32 {
        let mut trimmed = 0;
        while self.frames.available() + self.frames.count(FrameState::Modified) < goal {
            let over = self.spaces.iter().enumerate().map(|(index, space)| {
                (space.working_set.size().saturating_sub(space.working_set.minimum), std::cmp::Reverse(index))
            });
            let Some((excess, std::cmp::Reverse(index))) = over.max().filter(|(excess, _)| *excess > 0) else { break };
            match self.trim_working_set(ram, SpaceIndex(index), excess.min(BATCH)) {
                0 => break,
                count => trimmed += count,
            }
        }
        trimmed
    }

    /// Trims the largest working set. How many pages left it.
    fn trim_largest(&mut self, ram: &mut Ram) -> u32 {
        let sizes = self.spaces.iter().enumerate().map(|(index, space)| (space.working_set.size(), index));
        // Of equal ones the first, so that runs are equal too.
        let largest = sizes.max_by_key(|(size, index)| (*size, std::cmp::Reverse(*index)));
        if largest.is_none_or(|(size, _)| size < self.resident_system_pages()) {
            let trimmed = self.trim_system_pages(ram, BATCH);
            if trimmed > 0 {
                return trimmed;
            }
        }
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
