//! Pages of the kernel half that can be paged out: paged pool of drivers and pageable sections of their images.
//!
//! Their entries take the same forms as those of programs: demand zero, valid, transition, page file. The working set
//! of the system is trimmed like any other. Whether such a page was written is told by its dirty bit.

use crate::fault::{FaultAccess, FaultException, Resolution};
use crate::memory::address_runs::AddressRuns;
use crate::memory::frames::FrameRecord;
use crate::memory::{FrameState, Memory, NtStatus, PageFileError, RULES, demand_zero, protection_in};
use crate::ram::Ram;
use std::collections::BTreeMap;
use vatlas_rules::nt::pte::{MmProtection, NtPte, PteHome, decode_pte, encode_pte};
use vatlas_space::{PageTableEntry, Pfn, Va};

/// Where images of drivers are: page numbers.
const FIRST_IMAGE: u32 = 0xf_1000;
const END_OF_IMAGES: u32 = 0xf_7700;
/// A valid page of the kernel: writable, accessed.
const PAGE: u32 = 0x23;
const READ_WRITE: MmProtection = MmProtection(4);

/// What is known of pageable pages beside their entries.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct SystemPages {
    images: AddressRuns,
    /// All that are committed, by page number, with the count of locks.
    committed: BTreeMap<u32, u32>,
    /// Those that are in memory.
    resident: Vec<u32>,
    hand: usize,
}

impl Default for SystemPages {
    fn default() -> Self {
        let images = AddressRuns::new(FIRST_IMAGE, END_OF_IMAGES);
        Self { images, committed: BTreeMap::new(), resident: Vec::new(), hand: 0 }
    }
}

fn number(va: Va) -> u32 {
    (va.0 >> 12) as u32 & 0xf_ffff
}

fn address(page: u32) -> Va {
    Va(u64::from(page) << 12)
}

impl Memory {
    /// Addresses for an image: the first page.
    pub(crate) fn reserve_image_pages(&mut self, pages: u32) -> Option<u32> {
        self.system.images.take(pages)
    }

    /// Gives an image's addresses back, and whatever is there.
    pub(crate) fn free_image_pages(&mut self, ram: &mut Ram, first: u32, pages: u32) {
        for page in first..first + pages {
            self.free_system_page(ram, address(page));
        }
        if (FIRST_IMAGE..END_OF_IMAGES).contains(&first) {
            self.system.images.give(first, pages);
        }
    }

    /// The page-table entry of an address of the kernel half, where there is a table.
    pub(crate) fn kernel_entry(&self, ram: &Ram, va: Va) -> Option<u32> {
        ram.read_u32(self.kernel_entry_at(va)?)
    }

    /// Lets nobody in ring 0 write to a page that stays in memory, while CR0.WP is set.
    pub(crate) fn protect_kernel_page(&mut self, ram: &mut Ram, va: Va) {
        if let (Some(at), Some(entry)) = (self.kernel_entry_at(va), self.kernel_entry(ram, va)) {
            ram.write_u32(at, entry & !(PageTableEntry::WRITE as u32));
            self.need_flush();
        }
    }

    /// Pageable pages that are in memory.
    pub(crate) fn resident_system_pages(&self) -> u32 {
        self.system.resident.len() as u32
    }

    /// Commits a page of zeroes that can be paged out.
    ///
    /// # Errors
    /// `STATUS_COMMITMENT_LIMIT`; `STATUS_INSUFFICIENT_RESOURCES` when there is no frame for a page table.
    pub(crate) fn commit_system_page(&mut self, ram: &mut Ram, va: Va) -> Result<(), NtStatus> {
        self.build_kernel_table(ram, va)?;
        self.charge(1)?;
        if let Some(at) = self.kernel_entry_at(va) {
            ram.write_u32(at, demand_zero(READ_WRITE));
        }
        self.system.committed.insert(number(va), 0);
        Ok(())
    }

    /// Commits pages from an address on; all or none.
    pub(crate) fn commit_system_pages(&mut self, ram: &mut Ram, va: Va, count: u32) -> Result<(), NtStatus> {
        for page in 0..count {
            if let Err(status) = self.commit_system_page(ram, Va(va.0 + u64::from(page) * 0x1000)) {
                (0..page).for_each(|page| self.free_system_page(ram, Va(va.0 + u64::from(page) * 0x1000)));
                return Err(status);
            }
        }
        Ok(())
    }

    /// Gives a page of the kernel half back, pageable or not.
    pub(crate) fn free_system_page(&mut self, ram: &mut Ram, va: Va) {
        let page = number(va);
        if self.system.committed.remove(&page).is_none() {
            return self.free_kernel_page(ram, va);
        }
        let Some(at) = self.kernel_entry_at(va) else { return };
        let entry = ram.read_u32(at).unwrap_or_default();
        let frame = match decode_pte(entry.into(), PteHome::PageTable, &RULES) {
            NtPte::Valid(_) => {
                self.system.resident.retain(|other| *other != page);
                Some(Pfn((entry >> 12).into()))
            }
            NtPte::Transition { frame, .. } => {
                self.frames.unlink(ram, frame);
                Some(frame)
            }
            _ => None,
        };
        match frame {
            Some(frame) => {
                let record = self.frames.record(ram, frame);
                self.release_slot(record.original, PteHome::PageTable);
                self.frames.update(ram, record.table, |table| table.shares = table.shares.saturating_sub(1));
                self.frames.push(ram, frame, FrameState::Free);
            }
            None => self.release_slot(entry, PteHome::PageTable),
        }
        ram.write_u32(at, 0);
        self.commit.release(1);
        self.need_flush();
    }

    /// Resolves a fault of ring 0 in the kernel half.
    ///
    /// # Errors
    /// The page is not one that can be paged in.
    pub(crate) fn system_fault(&mut self, ram: &mut Ram, access: FaultAccess) -> Result<Resolution, FaultException> {
        let raise = |status, cause| FaultException { status, access, cause };
        if access.is_user || !self.system.committed.contains_key(&number(access.va)) {
            return Err(raise(NtStatus::ACCESS_VIOLATION, None));
        }
        self.bring_in_system_page(ram, access.va).map_err(|error| raise(NtStatus::IN_PAGE_ERROR, Some(error.0)))
    }

    /// Brings a pageable page into memory.
    pub(crate) fn bring_in_system_page(&mut self, ram: &mut Ram, va: Va) -> Result<Resolution, PageFileError> {
        let missing = PageFileError(NtStatus::ACCESS_VIOLATION);
        let entry = self.kernel_entry(ram, va).ok_or(missing)?;
        let (frame, original, resolution) = match decode_pte(entry.into(), PteHome::PageTable, &RULES) {
            NtPte::Valid(_) => {
                self.need_flush();
                return Ok(Resolution::Spurious);
            }
            NtPte::Transition { frame, .. } => {
                self.frames.unlink(ram, frame);
                self.counters.transition += 1;
                (frame, self.frames.record(ram, frame).original, Resolution::Transition)
            }
            NtPte::PageFile { file, page, .. } => {
                (self.read_page_file(ram, (file, page))?, entry, Resolution::PageFile)
            }
            NtPte::DemandZero(_) => {
                self.counters.demand_zero += 1;
                (self.obtain_frame(ram)?, demand_zero(READ_WRITE), Resolution::DemandZero)
            }
            _ => return Err(missing),
        };
        let table = self.kernel_table(va).ok_or(missing)?;
        let was_modified = resolution == Resolution::Transition && self.frames.record(ram, frame).is_modified;
        let home = Va(0xc000_0000 + u64::from(number(va)) * 4);
        let record = FrameRecord { entry: home, table, original, ..FrameRecord::system() };
        self.frames.set(ram, frame, &record);
        if resolution != Resolution::Transition {
            self.frames.update(ram, table, |record| record.shares += 1);
        }
        let dirty = if was_modified { PageTableEntry::DIRTY as u32 } else { 0 };
        if let Some(at) = self.kernel_entry_at(va) {
            ram.write_u32(at, (frame.0 as u32) << 12 | PAGE | dirty);
        }
        self.system.resident.push(number(va));
        self.need_flush();
        Ok(resolution)
    }

    /// Before the kernel itself reads or writes memory of drivers: pageable pages come in. Whether all of it is there.
    pub(crate) fn touch_system(&mut self, ram: &mut Ram, va: Va, length: usize, is_write: bool) -> bool {
        let Some(last) = va.0.checked_add((length as u64).max(1) - 1).filter(|last| *last <= u64::from(u32::MAX))
        else {
            return false;
        };
        (number(va)..=number(Va(last))).all(|page| {
            let at = address(page);
            if !self.system.committed.contains_key(&page) {
                return self.kernel_address(ram, at).is_some();
            }
            let is_in = self.bring_in_system_page(ram, at).is_ok();
            if is_write && let (Some(at), Some(entry)) = (self.kernel_entry_at(at), self.kernel_entry(ram, at)) {
                ram.write_u32(at, entry | PageTableEntry::DIRTY as u32);
            }
            is_in
        })
    }

    /// Keeps a pageable page in memory, or not any more.
    pub(crate) fn lock_system_page(&mut self, ram: &mut Ram, va: Va, is_locked: bool) {
        if is_locked && self.bring_in_system_page(ram, va).is_err() {
            return;
        }
        if let Some(locks) = self.system.committed.get_mut(&number(va)) {
            *locks = if is_locked { locks.saturating_add(1) } else { locks.saturating_sub(1) };
        }
    }

    /// Takes at most `count` pages out of the system's working set, by the clock, as those of a process. How many.
    pub fn trim_system_pages(&mut self, ram: &mut Ram, count: u32) -> u32 {
        let mut trimmed = 0;
        let mut steps = self.system.resident.len().saturating_mul(2);
        while trimmed < count && steps > 0 && !self.system.resident.is_empty() {
            steps -= 1;
            if self.system.hand >= self.system.resident.len() {
                self.system.hand = 0;
            }
            let page = self.system.resident[self.system.hand];
            let va = address(page);
            let (Some(at), Some(entry)) = (self.kernel_entry_at(va), self.kernel_entry(ram, va)) else { break };
            let is_locked = self.system.committed.get(&page).is_some_and(|locks| *locks > 0);
            if is_locked || entry & PageTableEntry::ACCESSED as u32 != 0 {
                ram.write_u32(at, entry & !(PageTableEntry::ACCESSED as u32));
                self.system.hand += 1;
                continue;
            }
            self.system.resident.swap_remove(self.system.hand);
            self.trim_system_page(ram, va, entry);
            trimmed += 1;
        }
        self.need_flush();
        trimmed
    }

    fn trim_system_page(&mut self, ram: &mut Ram, va: Va, entry: u32) {
        let frame = Pfn((entry >> 12).into());
        let is_dirty = entry & PageTableEntry::DIRTY as u32 != 0;
        if is_dirty {
            self.release_backing(ram, frame);
        }
        let protection = protection_in(self.frames.record(ram, frame).original);
        self.frames.push(ram, frame, if is_dirty { FrameState::Modified } else { FrameState::Standby });
        let form = encode_pte(NtPte::Transition { frame, protection }, &RULES).unwrap_or_default();
        if let Some(at) = self.kernel_entry_at(va) {
            ram.write_u32(at, form);
        }
        self.counters.trimmed += 1;
    }
}
