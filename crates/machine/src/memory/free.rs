//! `NtFreeVirtualMemory`: decommit pages, or release an allocation, a part of it too.

use crate::memory::entries::tables_of;
use crate::memory::{Memory, NtStatus, SpaceIndex, Vad};
use crate::ram::Ram;
use std::ops::RangeInclusive;
use vatlas_rules::nt::pte::DECOMMITTED;
use vatlas_space::Va;

/// Pages become reserved again.
pub const MEM_DECOMMIT: u32 = 0x4000;
/// Addresses become free.
pub const MEM_RELEASE: u32 = 0x8000;

impl Memory {
    /// Decommits or releases memory; size 0 means all of the allocation that begins at `base`. The base and the bytes
    /// of what was freed. (`VirtualFree` itself refuses a release with a size; the native call trims or splits.)
    ///
    /// # Errors
    /// The status of the first check that fails. Nothing is changed then.
    pub fn free(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        (base, size): (Va, u32),
        kind: u32,
    ) -> Result<(Va, u32), NtStatus> {
        if kind != MEM_DECOMMIT && kind != MEM_RELEASE {
            return Err(NtStatus::INVALID_PARAMETER_4);
        }
        let highest = self.space(space).limits().highest_user.0;
        if base.0 >= highest {
            return Err(NtStatus::INVALID_PARAMETER_2);
        }
        if highest - base.0 < u64::from(size) {
            return Err(NtStatus::INVALID_PARAMETER_3);
        }
        let first = (base.0 >> 12) as u32;
        let vad = self.space(space).vads().find(first).ok_or(NtStatus::MEMORY_NOT_ALLOCATED)?;
        if vad.view.is_some() {
            return Err(NtStatus::UNABLE_TO_DELETE_SECTION);
        }
        let last = match size {
            0 if first != vad.first => return Err(NtStatus::FREE_VM_NOT_AT_BASE),
            0 => vad.last,
            _ => ((base.0 + u64::from(size) - 1) >> 12) as u32,
        };
        if last > vad.last {
            return Err(NtStatus::UNABLE_TO_FREE_VM);
        }
        if vad.is_secured {
            return Err(NtStatus::INVALID_PAGE_PROTECTION);
        }
        match kind {
            MEM_DECOMMIT => self.decommit(ram, space, &vad, first..=last)?,
            _ if (first, last) == (vad.first, vad.last) => self.remove_vad(ram, space, &vad),
            _ => self.release_part(ram, space, &vad, first..=last)?,
        }
        Ok((Va(u64::from(first) << 12), (last - first + 1) << 12))
    }

    /// Drops all pages of a range and writes `left` into their entries. How many were committed.
    fn drop_pages(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        vad: &Vad,
        pages: &RangeInclusive<u32>,
        left: u32,
    ) -> u32 {
        let mut dropped = 0;
        for page in pages.clone() {
            let was_committed = self.protection_of(ram, space, vad, page).is_some();
            self.drop_page(ram, space, page);
            if was_committed {
                self.count_committed(space, &(page..=page), -1);
                dropped += 1;
            }
            if self.entry(ram, space, page) != left {
                self.set_entry(ram, space, page, left);
            }
        }
        tables_of(pages).for_each(|table| self.settle_table(ram, space, table));
        self.forget_writes(space, pages);
        self.commit.release(dropped);
        dropped
    }

    /// Pages become reserved. Where a zero entry would still mean committed, the entry says that it is not.
    fn decommit(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        vad: &Vad,
        pages: RangeInclusive<u32>,
    ) -> Result<(), NtStatus> {
        let is_whole = pages == vad.pages();
        let is_marked = vad.is_committed && !is_whole;
        if is_marked {
            self.build_tables(ram, space, &pages).map_err(|_| NtStatus::NO_MEMORY)?;
        }
        let left = if is_marked { DECOMMITTED as u32 } else { 0 };
        let dropped = self.drop_pages(ram, space, vad, &pages, left);
        self.update_vad(ram, space, vad.first, |vad| {
            vad.commit -= dropped;
            vad.is_committed &= !is_whole;
        });
        Ok(())
    }

    /// An allocation goes away with all its pages.
    pub(crate) fn remove_vad(&mut self, ram: &mut Ram, space: SpaceIndex, vad: &Vad) {
        self.drop_pages(ram, space, vad, &vad.pages(), 0);
        self.delete_vad(ram, space, vad);
    }

    /// A part of an allocation goes away; what is below and above it stays. The rest keeps the descriptor, a second
    /// rest needs another.
    fn release_part(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        vad: &Vad,
        pages: RangeInclusive<u32>,
    ) -> Result<(), NtStatus> {
        let below = (*pages.start() > vad.first).then(|| vad.first..=pages.start() - 1);
        let above = (*pages.end() < vad.last).then(|| pages.end() + 1..=vad.last);
        let mut nodes = vec![vad.node];
        if below.is_some() && above.is_some() {
            nodes.push(self.new_vad_node(ram, vad)?);
        }
        self.drop_pages(ram, space, vad, &pages, 0);
        self.unlink_vad(ram, space, vad);
        for (pages, node) in [below, above].into_iter().flatten().zip(nodes) {
            let commit = self.committed_in(ram, space, vad, pages.clone());
            let part = Vad { first: *pages.start(), last: *pages.end(), commit, node, ..*vad };
            self.insert_vad(ram, space, part)?;
        }
        Ok(())
    }
}
