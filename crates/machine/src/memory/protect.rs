//! Changes the protection of committed pages: `NtProtectVirtualMemory`.

use crate::memory::allocate::{is_write_copy, protection_mask};
use crate::memory::entries::tables_of;
use crate::memory::{Memory, NtStatus, SpaceIndex};
use crate::ram::Ram;
use std::ops::RangeInclusive;
use vatlas_space::{Protection, Va};

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
        if is_write_copy(mask) {
            return Err(NtStatus::INVALID_PARAMETER_4);
        }
        let old = self.protection_of(ram, space, &vad, *pages.start()).ok_or(NtStatus::NOT_COMMITTED)?;
        let count = pages.end() - pages.start() + 1;
        if self.committed_in(ram, space, &vad, pages.clone()) != count {
            return Err(NtStatus::NOT_COMMITTED);
        }
        self.build_tables(ram, space, &pages).map_err(|_| NtStatus::NO_MEMORY)?;
        for page in pages.clone() {
            self.protect_page(ram, space, &vad, page, mask);
        }
        tables_of(&pages).for_each(|table| self.settle_table(ram, space, table));
        Ok(old.protection())
    }

    /// Makes the allocation with an address one that is neither protected anew nor freed, as those of the PEB and the
    /// TEBs are. Whether there is one.
    pub fn secure(&mut self, space: SpaceIndex, va: Va) -> bool {
        let vad = u32::try_from(va.0 >> 12).ok().and_then(|page| self.space(space).vads().find(page));
        if let Some(vad) = vad {
            self.spaces[space.0].vads.update(vad.first, |vad| vad.is_secured = true);
        }
        vad.is_some()
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
