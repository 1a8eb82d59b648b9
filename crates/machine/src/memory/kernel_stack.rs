//! Kernel stacks: 12 KB of the kernel half, with a page below that is never mapped.

use crate::memory::{Memory, NtStatus};
use crate::ram::Ram;
use vatlas_space::Va;

/// Pages of a kernel stack.
const PAGES: u32 = 3;
/// Where stacks and other system entries are.
pub(crate) const FIRST: u32 = 0xe_b000;
pub(crate) const END: u32 = 0xf_0000;

/// The kernel stack of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct KernelStack {
    /// Behind its last byte: where it begins to grow down.
    pub base: Va,
    /// Its first byte. The page below is not mapped.
    pub limit: Va,
}

impl Memory {
    /// Makes a kernel stack.
    ///
    /// # Errors
    /// As [`Self::allocate_kernel_page`].
    pub fn create_kernel_stack(&mut self, ram: &mut Ram) -> Result<KernelStack, NtStatus> {
        let first = self.system_entries.take(PAGES + 1).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        let limit = Va(u64::from(first + 1) << 12);
        if let Err(status) = self.allocate_kernel_pages(ram, limit, PAGES) {
            self.system_entries.give(first, PAGES + 1);
            return Err(status);
        }
        Ok(KernelStack { base: Va(limit.0 + u64::from(PAGES) * 0x1000), limit })
    }

    /// Gives a kernel stack back.
    pub fn delete_kernel_stack(&mut self, ram: &mut Ram, stack: KernelStack) {
        self.free_kernel_pages(ram, stack.limit, PAGES);
        self.system_entries.give((stack.limit.0 >> 12) as u32 - 1, PAGES + 1);
    }
}
