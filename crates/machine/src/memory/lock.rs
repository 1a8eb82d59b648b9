//! `NtLockVirtualMemory` and `NtUnlockVirtualMemory`: pages that are never trimmed.

use crate::fault::{FaultAccess, FaultException};
use crate::memory::pages::is_guard;
use crate::memory::{Memory, NtStatus, RULES, SpaceIndex};
use crate::ram::Ram;
use std::ops::RangeInclusive;
use vatlas_rules::nt::pte::{MmProtection, NtPte, PteHome, decode_pte};
use vatlas_space::{Pfn, Va};

/// Pages of the minimum working set that cannot be locked.
const UNLOCKABLE: u32 = 8;

impl Memory {
    /// Brings pages in and keeps them. Pages that are locked already stay so; there is no count.
    ///
    /// # Errors
    /// A wrong range; `STATUS_ACCESS_VIOLATION` for pages that cannot be touched; `STATUS_GUARD_PAGE_VIOLATION` once
    /// for a guard page; `STATUS_WORKING_SET_QUOTA` over the limit; what a page fault ends in. Nothing is locked then.
    pub fn lock(&mut self, ram: &mut Ram, space: SpaceIndex, (base, size): (Va, u32)) -> Result<(), NtStatus> {
        let pages = self.user_pages(space, base, size)?;
        self.check_lockable(ram, space, &pages)?;
        let fresh: Vec<u32> = pages.filter(|page| !self.is_locked(ram, space, *page)).collect();
        let set = self.space(space).working_set();
        let limit = set.minimum.saturating_sub(UNLOCKABLE) as usize;
        if set.locked as usize + fresh.len() > limit {
            return Err(NtStatus::WORKING_SET_QUOTA);
        }
        for (done, page) in fresh.iter().enumerate() {
            if let Err(exception) = self.lock_page(ram, space, *page) {
                fresh[..done].iter().for_each(|page| self.set_locked(ram, space, *page, false));
                return Err(exception.status);
            }
        }
        Ok(())
    }

    /// Every page can be touched. A guard page is none any more, but fails this call.
    fn check_lockable(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        pages: &RangeInclusive<u32>,
    ) -> Result<(), NtStatus> {
        for page in pages.clone() {
            let vad = self.space(space).vads().find(page).ok_or(NtStatus::ACCESS_VIOLATION)?;
            let protection = self.protection_of(ram, space, &vad, page).ok_or(NtStatus::ACCESS_VIOLATION)?;
            if !protection.is_readable() {
                return Err(NtStatus::ACCESS_VIOLATION);
            }
            if is_guard(protection) {
                self.build_tables(ram, space, &(page..=page)).map_err(|_| NtStatus::NO_MEMORY)?;
                let plain = MmProtection(protection.0 & !MmProtection::GUARD);
                self.protect_page(ram, space, &vad, page, plain);
                return Err(NtStatus::GUARD_PAGE_VIOLATION);
            }
        }
        Ok(())
    }

    /// A locked page gives its place in a page file back: it counts as dirty. A shared page that is in a file stays so.
    fn lock_page(&mut self, ram: &mut Ram, space: SpaceIndex, page: u32) -> Result<(), FaultException> {
        let access = FaultAccess { va: Va(u64::from(page) << 12), is_write: false, is_user: true };
        self.translate(ram, space, access)?;
        let frame = self.walk(ram, space, access.va).mapping().map_or(Pfn(0), |mapping| Pfn(mapping.pa.0 >> 12));
        let record = self.frames.record(ram, frame);
        if !record.is_prototype {
            self.make_dirty(ram, space, page, false);
        } else if matches!(decode_pte(record.original.into(), PteHome::Prototype, &RULES), NtPte::PageFile { .. }) {
            self.release_backing(ram, frame);
            self.frames.update(ram, frame, |record| record.is_modified = true);
        }
        self.set_locked(ram, space, page, true);
        Ok(())
    }

    pub(crate) fn is_locked(&self, ram: &Ram, space: SpaceIndex, page: u32) -> bool {
        let index = self.member(ram, space, page);
        index
            .and_then(|index| self.space(space).working_set.entries.get(index as usize))
            .is_some_and(|entry| entry.is_locked)
    }

    pub(crate) fn set_locked(&mut self, ram: &Ram, space: SpaceIndex, page: u32, is_locked: bool) {
        let Some(index) = self.member(ram, space, page) else { return };
        let set = &mut self.spaces[space.0].working_set;
        if let Some(entry) = set.entries.get_mut(index as usize) {
            set.locked = set.locked + u32::from(is_locked) - u32::from(entry.is_locked);
            entry.is_locked = is_locked;
        }
    }

    /// Lets pages be trimmed again.
    ///
    /// # Errors
    /// A wrong range; `STATUS_NOT_LOCKED` when a page is not locked: the pages that are not leave the working set,
    /// the others stay locked.
    pub fn unlock(&mut self, ram: &mut Ram, space: SpaceIndex, (base, size): (Va, u32)) -> Result<(), NtStatus> {
        let pages = self.user_pages(space, base, size)?;
        let mut result = Ok(());
        for page in pages.clone() {
            if !self.is_locked(ram, space, page) {
                self.trim_page(ram, space, page);
                result = Err(NtStatus::NOT_LOCKED);
            }
        }
        result?;
        pages.for_each(|page| self.set_locked(ram, space, page, false));
        Ok(())
    }
}
