//! Changes the protection of committed pages: `NtProtectVirtualMemory`.

use crate::memory::allocate::{is_write_copy, protection_mask};
use crate::memory::entries::tables_of;
use crate::memory::space::SHARED_USER;
use crate::memory::view::is_compatible;
use crate::memory::{Memory, NtStatus, SpaceIndex, Vad};
use crate::ram::Ram;
use std::ops::RangeInclusive;
use vatlas_rules::nt::pte::MmProtection;
use vatlas_space::{Protection, Va};

/// What a protection means for a view: pages of images and of private views are copied by a write; a view that was
/// mapped without the right to write does not get it.
fn view_protection(vad: &Vad, protection: MmProtection) -> Result<MmProtection, NtStatus> {
    let is_private = vad.view.is_some_and(|view| view.is_image) || is_write_copy(vad.protection);
    let is_written = protection.is_writable() && !is_write_copy(protection);
    match (is_private, is_written) {
        (true, true) => Ok(MmProtection(protection.0 | 1)),
        (true, false) => Ok(protection),
        (false, _) if is_compatible(vad.protection, protection) => Ok(protection),
        _ => Err(NtStatus::SECTION_PROTECTION),
    }
}

impl Memory {
    /// Gives committed pages of one allocation another protection; the one of the first page before.
    ///
    /// # Errors
    /// The status of the first check that fails. Nothing is changed then.
    pub fn protect(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        (base, size): (Va, u32),
        protection: Protection,
    ) -> Result<Protection, NtStatus> {
        let mask = protection_mask(protection).ok_or(NtStatus::INVALID_PAGE_PROTECTION)?;
        let pages = self.user_pages(space, base, size)?;
        let vad = self.space(space).vads().find(*pages.start()).filter(|vad| vad.last >= *pages.end());
        let vad = vad.ok_or(NtStatus::CONFLICTING_ADDRESSES)?;
        if vad.is_secured {
            return Err(NtStatus::INVALID_PAGE_PROTECTION);
        }
        let is_uncached = mask.0 >> 3 == 1 || mask.0 > 0x18;
        if vad.view.is_none() && is_write_copy(mask) || vad.view.is_some() && is_uncached {
            return Err(NtStatus::INVALID_PARAMETER_4);
        }
        let old = self.protection_of(ram, space, &vad, *pages.start()).ok_or(NtStatus::NOT_COMMITTED)?;
        let count = pages.end() - pages.start() + 1;
        if self.committed_in(ram, space, &vad, pages.clone()) != count {
            return Err(NtStatus::NOT_COMMITTED);
        }
        if vad.view.is_some() {
            self.protect_view(ram, space, (&vad, &pages), view_protection(&vad, mask)?)?;
        } else {
            self.protect_pages(ram, space, (&vad, &pages), mask)?;
        }
        Ok(old.protection())
    }

    fn protect_pages(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        (vad, pages): (&Vad, &RangeInclusive<u32>),
        protection: MmProtection,
    ) -> Result<(), NtStatus> {
        self.build_tables(ram, space, pages).map_err(|_| NtStatus::NO_MEMORY)?;
        for page in pages.clone() {
            self.protect_page(ram, space, vad, page, protection);
        }
        tables_of(pages).for_each(|table| self.settle_table(ram, space, table));
        Ok(())
    }

    /// Protects pages of a view. Those that become write-copy are charged, those that are no more are not.
    pub(crate) fn protect_view(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        (vad, pages): (&Vad, &RangeInclusive<u32>),
        protection: MmProtection,
    ) -> Result<(), NtStatus> {
        let before = self.charged_in(ram, space, vad, pages.clone());
        let is_kept = |page: &u32| is_write_copy(protection) || self.is_private(ram, space, vad, *page);
        let after = pages.clone().filter(is_kept).count() as u32;
        self.charge(after.saturating_sub(before))?;
        if let Err(status) = self.protect_pages(ram, space, (vad, pages), protection) {
            self.commit.release(after.saturating_sub(before));
            return Err(status);
        }
        self.commit.release(before.saturating_sub(after));
        self.update_vad(ram, space, vad.first, |vad| vad.commit = (vad.commit + after).saturating_sub(before));
        Ok(())
    }

    /// Makes the allocation with an address one that is neither protected anew nor freed, as those of the PEB and the
    /// TEBs are. Whether there is one, and memory for its longer descriptor.
    pub fn secure(&mut self, ram: &mut Ram, space: SpaceIndex, va: Va) -> bool {
        let vad = u32::try_from(va.0 >> 12).ok().and_then(|page| self.space(space).vads().find(page));
        let Some(vad) = vad else { return false };
        let secured = Vad { is_secured: true, node: Va(0), ..vad };
        let Ok(node) = self.new_vad_node(ram, &secured) else { return false };
        self.delete_vad(ram, space, &vad);
        self.insert_vad(ram, space, Vad { node, ..secured }).is_ok()
    }

    /// Memory for a PEB or a TEB: committed, read and write, secured, at any page; without an address at the highest
    /// pages that are free.
    ///
    /// # Errors
    /// `STATUS_CONFLICTING_ADDRESSES` where something is; `STATUS_NO_MEMORY` without room; what charging ends in.
    pub fn allocate_secured(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        va: Option<Va>,
        count: u32,
    ) -> Result<Va, NtStatus> {
        let top = (self.space(space).limits().highest_vad.0 >> 12) as u32;
        let vads = self.space(space).vads();
        let is_free = |first: &u32| {
            let pages = *first..=first.saturating_add(count.saturating_sub(1));
            let is_shared_user = pages.start() <= SHARED_USER.end() && pages.end() >= SHARED_USER.start();
            *pages.end() <= top && !is_shared_user && !vads.overlaps(&pages)
        };
        let first = match va {
            Some(va) => Some((va.0 >> 12) as u32).filter(is_free).ok_or(NtStatus::CONFLICTING_ADDRESSES)?,
            None => (0x10..=top).rev().find(is_free).ok_or(NtStatus::NO_MEMORY)?,
        };
        let pages = first..=first.saturating_add(count.saturating_sub(1));
        let vad = Vad { is_committed: true, is_secured: true, ..Vad::private(&pages, MmProtection::READWRITE) };
        self.charge(count + self.uncharged_tables(space, &pages))?;
        self.mark_tables(space, &pages);
        self.count_committed(space, &pages, 1);
        self.insert_charged(ram, space, Vad { commit: count, ..vad })?;
        Ok(Va(u64::from(first) << 12))
    }

    /// Page numbers of a range of user addresses: base down, end up.
    pub(crate) fn user_pages(&self, space: SpaceIndex, base: Va, size: u32) -> Result<RangeInclusive<u32>, NtStatus> {
        let highest = self.space(space).limits().highest_user.0;
        if base.0 > highest {
            return Err(NtStatus::INVALID_PARAMETER_2);
        }
        if size == 0 || highest + 1 - base.0 < u64::from(size) {
            return Err(NtStatus::INVALID_PARAMETER_3);
        }
        Ok((base.0 >> 12) as u32..=((base.0 + u64::from(size) - 1) >> 12) as u32)
    }
}
