//! `NtAllocateVirtualMemory`: the checks in NT's order, then reserve, commit or reset.

use crate::memory::entries::{demand_zero, tables_of};
use crate::memory::space::SHARED_USER;
use crate::memory::view::is_compatible;
use crate::memory::{AreaKind, FrameState, Memory, NtStatus, SpaceIndex, Vad};
use crate::ram::Ram;
use std::ops::RangeInclusive;
use vatlas_rules::nt::pte::{MmProtection, NtPte};
use vatlas_space::{PageTableEntry, Pfn, Protection, Va};

/// Commits pages.
pub const MEM_COMMIT: u32 = 0x1000;
/// Reserves addresses.
pub const MEM_RESERVE: u32 = 0x2000;
/// The contents are not needed any more.
pub const MEM_RESET: u32 = 0x8_0000;
/// From the highest address down.
pub const MEM_TOP_DOWN: u32 = 0x10_0000;
/// Remembers which pages are written.
pub const MEM_WRITE_WATCH: u32 = 0x20_0000;
const MEM_PHYSICAL: u32 = 0x40_0000;
const MEM_LARGE_PAGES: u32 = 0x2000_0000;
const KNOWN: u32 =
    MEM_COMMIT | MEM_RESERVE | MEM_RESET | MEM_TOP_DOWN | MEM_WRITE_WATCH | MEM_PHYSICAL | MEM_LARGE_PAGES;

/// The parameters of `NtAllocateVirtualMemory`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocationRequest {
    /// Where; 0 for anywhere.
    pub base: Va,
    /// How many high bits of the address must be 0, at most 21.
    pub zero_bits: u32,
    /// Bytes.
    pub size: u32,
    /// `MEM_*` bits.
    pub kind: u32,
    /// `PAGE_*` value.
    pub protection: Protection,
}

/// The five bits of a `PAGE_*` value; `None` for values that no call takes. `PAGE_NOACCESS` stands alone.
pub(crate) fn protection_mask(protection: Protection) -> Option<MmProtection> {
    let is_alone = protection.0 & 0xff != Protection::NOACCESS.0 || protection.0 == Protection::NOACCESS.0;
    (protection.0 & !0x7ff == 0 && is_alone).then(|| MmProtection::from_protection(protection)).flatten()
}

/// A write makes a private copy: not for memory that is private already.
pub(crate) const fn is_write_copy(protection: MmProtection) -> bool {
    protection.0 & 5 == 5
}

/// Checks 1 to 9: the parameters alone.
fn check_parameters(request: &AllocationRequest) -> Result<MmProtection, NtStatus> {
    let kind = request.kind;
    let has = |bits| kind & bits != 0;
    if request.zero_bits > 21 {
        return Err(NtStatus::INVALID_PARAMETER_3);
    }
    let is_wrong = has(!KNOWN)
        || !has(MEM_COMMIT | MEM_RESERVE | MEM_RESET)
        || has(MEM_RESET) && kind != MEM_RESET
        || has(MEM_LARGE_PAGES) && (!has(MEM_COMMIT) || has(MEM_PHYSICAL | MEM_RESET | MEM_WRITE_WATCH))
        || has(MEM_WRITE_WATCH) && !has(MEM_RESERVE)
        || has(MEM_PHYSICAL) && (!has(MEM_RESERVE) || has(!(MEM_PHYSICAL | MEM_RESERVE | MEM_TOP_DOWN)));
    if is_wrong {
        return Err(NtStatus::INVALID_PARAMETER_5);
    }
    if has(MEM_PHYSICAL) && request.protection != Protection::READWRITE {
        return Err(NtStatus::INVALID_PARAMETER_6);
    }
    protection_mask(request.protection).ok_or(NtStatus::INVALID_PAGE_PROTECTION)
}

impl Memory {
    /// Reserves, commits or resets memory. The base and the bytes of the region that was touched.
    ///
    /// # Errors
    /// The status of the first check that fails. Nothing is changed then.
    pub fn allocate(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        request: &AllocationRequest,
    ) -> Result<(Va, u32), NtStatus> {
        let protection = check_parameters(request)?;
        self.check_place(space, request)?;
        if request.kind & MEM_LARGE_PAGES != 0 {
            return Err(NtStatus::PRIVILEGE_NOT_HELD);
        }
        let is_reserving = request.base.0 == 0 || request.kind & MEM_RESERVE != 0;
        let pages = if request.kind == MEM_RESET {
            self.reset(ram, space, request)?
        } else if is_reserving {
            self.reserve(ram, space, request, protection)?
        } else {
            self.commit_pages(ram, space, &pages_of(request), protection)?
        };
        let bytes = (pages.end() - pages.start() + 1) << 12;
        Ok((Va(u64::from(*pages.start()) << 12), bytes))
    }

    /// Checks 11 to 13: the place, before any descriptor is looked at.
    fn check_place(&self, space: SpaceIndex, request: &AllocationRequest) -> Result<(), NtStatus> {
        let highest = self.space(space).limits().highest_vad.0;
        let base = request.base.0;
        if base > highest || base != 0 && base < 0x1_0000 {
            return Err(NtStatus::INVALID_PARAMETER_2);
        }
        if (highest + 1).saturating_sub(base) < u64::from(request.size) || request.size == 0 {
            return Err(NtStatus::INVALID_PARAMETER_4);
        }
        Ok(())
    }

    /// Checks 15 to 18 and 23, then a descriptor; with `MEM_COMMIT` all of it is committed, without any entry.
    fn reserve(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        request: &AllocationRequest,
        protection: MmProtection,
    ) -> Result<RangeInclusive<u32>, NtStatus> {
        if is_write_copy(protection) {
            return Err(NtStatus::INVALID_PAGE_PROTECTION);
        }
        if request.kind & MEM_PHYSICAL != 0 {
            return Err(NtStatus::NOT_SUPPORTED);
        }
        let pages = match request.base.0 {
            0 => self.find_hole(space, request).ok_or(NtStatus::NO_MEMORY)?,
            base => ((base >> 16) << 4) as u32..=*pages_of(request).end(),
        };
        let is_shared_user = pages.start() <= SHARED_USER.end() && pages.end() >= SHARED_USER.start();
        if is_shared_user || self.space(space).vads().overlaps(&pages) {
            return Err(NtStatus::CONFLICTING_ADDRESSES);
        }
        let is_committed = request.kind & MEM_COMMIT != 0;
        let count = pages.end() - pages.start() + 1;
        if is_committed {
            self.charge(count + self.uncharged_tables(space, &pages))?;
            self.mark_tables(space, &pages);
            self.count_committed(space, &pages, 1);
        }
        let commit = if is_committed { count } else { 0 };
        let is_watched = request.kind & MEM_WRITE_WATCH != 0;
        let vad = Vad { is_committed, is_watched, commit, ..Vad::private(&pages, protection) };
        self.insert_charged(ram, space, vad)?;
        self.spaces[space.0].has_watch |= is_watched;
        Ok(pages)
    }

    /// Puts in a descriptor whose pages are charged; without memory for it the charge goes back.
    pub(crate) fn insert_charged(&mut self, ram: &mut Ram, space: SpaceIndex, vad: Vad) -> Result<(), NtStatus> {
        self.insert_vad(ram, space, vad).inspect_err(|_| {
            self.commit.release(vad.commit);
            if vad.is_committed || vad.view.is_some() {
                self.count_committed(space, &vad.pages(), -1);
            }
            tables_of(&vad.pages()).for_each(|table| self.settle_table(ram, space, table));
        })
    }

    fn find_hole(&self, space: SpaceIndex, request: &AllocationRequest) -> Option<RangeInclusive<u32>> {
        let process = self.space(space);
        let allowed = u64::from(u32::MAX >> request.zero_bits);
        let highest = (process.limits().highest_vad.0.min(allowed) >> 12) as u32;
        let count = request.size.div_ceil(0x1000);
        let is_top_down = request.kind & MEM_TOP_DOWN != 0;
        let first = process.vads().hole(count, highest, &SHARED_USER, is_top_down)?;
        Some(first..=first + count - 1)
    }

    /// Adds pages to the counts of their page tables, or with -1 takes them away.
    pub(crate) fn count_committed(&mut self, space: SpaceIndex, pages: &RangeInclusive<u32>, sign: i32) {
        for table in tables_of(pages) {
            let first = (table << 10).max(*pages.start());
            let last = (table << 10 | 0x3ff).min(*pages.end());
            let counted = &mut self.spaces[space.0].tables[table as usize].committed;
            let sum = i32::from(*counted) + sign * (last - first + 1) as i32;
            *counted = u16::try_from(sum).unwrap_or_default();
        }
    }

    /// Checks 19, 21 and 23, then the pages: new ones become demand zero, committed ones get the protection.
    fn commit_pages(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        pages: &RangeInclusive<u32>,
        protection: MmProtection,
    ) -> Result<RangeInclusive<u32>, NtStatus> {
        let vad = self.space(space).vads().find(*pages.start()).filter(|vad| vad.last >= *pages.end());
        let vad = vad.ok_or(NtStatus::CONFLICTING_ADDRESSES)?;
        if vad.view.is_some() {
            return self.commit_view(ram, space, (&vad, pages), protection);
        }
        if is_write_copy(protection) || vad.is_secured {
            return Err(NtStatus::INVALID_PAGE_PROTECTION);
        }
        let fresh = (pages.end() - pages.start() + 1) - self.committed_in(ram, space, &vad, pages.clone());
        let tables = self.uncharged_tables(space, pages);
        self.charge(fresh + tables)?;
        self.mark_tables(space, pages);
        if self.build_tables(ram, space, pages).is_err() {
            self.commit.release(fresh);
            tables_of(pages).for_each(|table| self.settle_table(ram, space, table));
            return Err(NtStatus::NO_MEMORY);
        }
        for page in pages.clone() {
            if self.protection_of(ram, space, &vad, page).is_some() {
                self.protect_page(ram, space, &vad, page, protection);
            } else {
                self.count_committed(space, &(page..=page), 1);
                self.set_entry(ram, space, page, demand_zero(protection));
            }
        }
        self.update_vad(ram, space, vad.first, |vad| vad.commit += fresh);
        // Pages that only their descriptor describes need no table.
        tables_of(pages).for_each(|table| self.settle_table(ram, space, table));
        Ok(pages.clone())
    }

    /// Checks 21 to 23 for a view: only pages of the page file can be committed, for all views at once.
    fn commit_view(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        (vad, pages): (&Vad, &RangeInclusive<u32>),
        protection: MmProtection,
    ) -> Result<RangeInclusive<u32>, NtStatus> {
        let kind = vad.view.and_then(|view| self.area_kind(view.area));
        if protection.0 >> 3 == 1 || protection.0 > 0x18 {
            return Err(NtStatus::INVALID_PAGE_PROTECTION);
        }
        if !matches!(kind, Some(AreaKind::PageFile { .. })) {
            return Err(NtStatus::ALREADY_COMMITTED);
        }
        if !is_compatible(vad.protection, protection) {
            return Err(NtStatus::SECTION_PROTECTION);
        }
        self.commit_section(ram, vad, pages)?;
        self.protect_view(ram, space, (vad, pages), protection)?;
        Ok(pages.clone())
    }

    /// `MEM_RESET`: pages are clean from now on, and become zeroes when their frame is used for something else.
    fn reset(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        request: &AllocationRequest,
    ) -> Result<RangeInclusive<u32>, NtStatus> {
        let pages = pages_of(request);
        let vad = self.space(space).vads().find(*pages.start()).filter(|vad| vad.last >= *pages.end());
        let vad = vad.ok_or(NtStatus::CONFLICTING_ADDRESSES)?;
        match vad.view.and_then(|view| self.area_kind(view.area)) {
            None => {}
            // Pages of the page file may be dropped, and are not.
            Some(AreaKind::PageFile { .. }) => return Ok(pages),
            Some(_) => return Err(NtStatus::USER_MAPPED_FILE),
        }
        for page in pages.clone() {
            self.reset_page(ram, space, page);
        }
        Ok(pages)
    }

    fn reset_page(&mut self, ram: &mut Ram, space: SpaceIndex, page: u32) {
        match self.form(ram, space, page) {
            NtPte::Valid(entry) => {
                let frame = Pfn((entry.0 & 0xffff_f000) >> 12);
                self.release_backing(ram, frame);
                // Not writable to the processor: the next write must be seen.
                let clean = entry.0 & !(PageTableEntry::DIRTY | PageTableEntry::WRITE);
                self.set_entry(ram, space, page, clean as u32);
            }
            NtPte::Transition { frame, .. } => {
                self.release_backing(ram, frame);
                self.frames.unlink(ram, frame);
                self.frames.push(ram, frame, FrameState::Standby);
            }
            NtPte::PageFile { protection, .. } => {
                self.drop_page(ram, space, page);
                self.set_entry(ram, space, page, demand_zero(protection));
            }
            _ => {}
        }
    }
}

/// Page numbers of a range: its base down, its end up. The range was checked not to reach past the user half.
fn pages_of(request: &AllocationRequest) -> RangeInclusive<u32> {
    let end = request.base.0.saturating_add(u64::from(request.size).saturating_sub(1));
    (request.base.0 >> 12) as u32..=(end >> 12) as u32
}
