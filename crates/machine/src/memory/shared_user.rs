//! The shared user page: one frame that every process reads at 7FFE0000 and the kernel writes at FFDF0000.

use crate::memory::space::SHARED_USER;
use crate::memory::{Memory, NtStatus, SpaceIndex};
use crate::ram::Ram;
use vatlas_space::{PageTableEntry, Pfn, Va};

/// Where the kernel writes it.
pub const SHARED_USER_ALIAS: Va = Va(0xffdf_0000);

impl Memory {
    /// The frame of the shared user page; made the first time.
    ///
    /// # Errors
    /// As [`Self::allocate_kernel_page`].
    pub fn shared_user_page(&mut self, ram: &mut Ram) -> Result<Pfn, NtStatus> {
        if let Some(frame) = self.shared_user {
            return Ok(frame);
        }
        let frame = self.allocate_kernel_page(ram, SHARED_USER_ALIAS)?;
        self.shared_user = Some(frame);
        Ok(frame)
    }

    /// Maps the shared user page, for reading, into a process that touches it. Its page table is charged like one
    /// for committed memory, and stays until the process is deleted.
    pub(crate) fn map_shared_user(&mut self, ram: &mut Ram, space: SpaceIndex) -> Result<(), NtStatus> {
        let frame = self.shared_user_page(ram)?;
        let page = *SHARED_USER.start();
        let pages = page..=page;
        self.charge(self.uncharged_tables(space, &pages))?;
        self.mark_tables(space, &pages);
        if self.build_tables(ram, space, &pages).is_err() {
            self.settle_table(ram, space, page >> 10);
            return Err(NtStatus::NO_MEMORY);
        }
        let flags = PageTableEntry::VALID | PageTableEntry::USER | PageTableEntry::ACCESSED;
        self.set_entry(ram, space, page, (frame.0 as u32) << 12 | flags as u32);
        Ok(())
    }

    /// Takes the shared user page out of a process.
    pub(crate) fn unmap_shared_user(&mut self, ram: &mut Ram, space: SpaceIndex) {
        if self.entry(ram, space, *SHARED_USER.start()) != 0 {
            self.set_entry(ram, space, *SHARED_USER.start(), 0);
        }
    }
}
