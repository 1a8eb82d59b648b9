//! `MEM_WRITE_WATCH`: which pages of an allocation were written since it was asked before.
//!
//! A page that was not written yet is not writable to the processor, even when it is dirty: the first write faults.

use crate::memory::{Memory, NtStatus, SpaceIndex};
use crate::ram::Ram;
use std::ops::RangeInclusive;
use vatlas_rules::nt::pte::NtPte;
use vatlas_space::{PageTableEntry, Va};

/// The pages that are told are not written from now on.
pub const WRITE_WATCH_FLAG_RESET: u32 = 1;

impl Memory {
    /// Whether writes to a page must be seen.
    pub(crate) fn is_watched(&self, space: SpaceIndex, page: u32) -> bool {
        let process = self.space(space);
        process.has_watch && process.vads.find(page).is_some_and(|vad| vad.is_watched)
    }

    /// Notes a write to a page, if anybody wants to know.
    pub(crate) fn note_write(&mut self, space: SpaceIndex, page: u32) {
        if self.is_watched(space, page) {
            self.spaces[space.0].written.insert(page);
        }
    }

    /// `NtGetWriteWatch`: the addresses of at most `most` pages of a range that were written, in order. With
    /// [`WRITE_WATCH_FLAG_RESET`] they are forgotten. The granularity is a page.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER_2` for unknown flags or a base above user space, `_3` for a size that is 0 or too
    /// large, `_5` for no room, `_1` for a range that is not inside one allocation with write watch. (The order of
    /// these is unverified; `GetWriteWatch` answers -1 to all.)
    pub fn get_write_watch(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        flags: u32,
        range: (Va, u32),
        most: usize,
    ) -> Result<Vec<Va>, NtStatus> {
        if flags & !WRITE_WATCH_FLAG_RESET != 0 {
            return Err(NtStatus::INVALID_PARAMETER_2);
        }
        if most == 0 {
            return Err(NtStatus::INVALID_PARAMETER_5);
        }
        let pages = self.watched_pages(space, range)?;
        let written: Vec<u32> = self.space(space).written.range(pages).copied().take(most).collect();
        if flags & WRITE_WATCH_FLAG_RESET != 0 {
            written.iter().for_each(|page| self.forget_write(ram, space, *page));
        }
        Ok(written.into_iter().map(|page| Va(u64::from(page) << 12)).collect())
    }

    /// `NtResetWriteWatch`: no page of a range is written.
    ///
    /// # Errors
    /// As [`Self::get_write_watch`].
    pub fn reset_write_watch(&mut self, ram: &mut Ram, space: SpaceIndex, range: (Va, u32)) -> Result<(), NtStatus> {
        let pages = self.watched_pages(space, range)?;
        let written: Vec<u32> = self.space(space).written.range(pages).copied().collect();
        written.iter().for_each(|page| self.forget_write(ram, space, *page));
        Ok(())
    }

    fn watched_pages(&self, space: SpaceIndex, (base, size): (Va, u32)) -> Result<RangeInclusive<u32>, NtStatus> {
        let pages = self.user_pages(space, base, size)?;
        let vad = self.space(space).vads().find(*pages.start());
        let vad = vad.filter(|vad| vad.is_watched && vad.last >= *pages.end());
        vad.map(|_| pages).ok_or(NtStatus::INVALID_PARAMETER_1)
    }

    /// The next write to a page is seen again. A page that is dirty stays so.
    fn forget_write(&mut self, ram: &mut Ram, space: SpaceIndex, page: u32) {
        self.spaces[space.0].written.remove(&page);
        if let NtPte::Valid(entry) = self.form(ram, space, page) {
            self.set_entry(ram, space, page, (entry.0 & !PageTableEntry::WRITE) as u32);
        }
    }

    /// The entry of a watched page that was not written has no write bit.
    pub(crate) fn hold_writes(&self, space: SpaceIndex, page: u32, entry: u32) -> u32 {
        let is_held = self.is_watched(space, page) && !self.space(space).written.contains(&page);
        if is_held { entry & !(PageTableEntry::WRITE as u32) } else { entry }
    }

    /// Pages that are no allocation any more, or another one.
    pub(crate) fn forget_writes(&mut self, space: SpaceIndex, pages: &RangeInclusive<u32>) {
        let written = &mut self.spaces[space.0].written;
        let gone: Vec<u32> = written.range(pages.clone()).copied().collect();
        gone.iter().for_each(|page| {
            written.remove(page);
        });
    }
}
