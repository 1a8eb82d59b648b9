//! Growth of user stacks: the guard page of a thread's own stack moves down one page at a time.
//!
//! ```text
//! guard page touched at A:   next = page(A) - 4K
//!   next - 4K <= DeallocationStack, or no commit left      stack overflow; the last page is never committed
//!   otherwise                                              next is committed as guard page, StackLimit = next + 4K
//! ```

use crate::fault::{FaultException, Resolution};
use crate::memory::{AllocationRequest, MEM_COMMIT, Memory, NtStatus, SpaceIndex};
use crate::ram::Ram;
use vatlas_space::{Protection, Va};

/// The user stack of a thread, as its TEB tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct UserStack {
    /// `DeallocationStack`, TEB + E0C: where the reservation begins.
    pub deallocation: Va,
    /// `StackLimit`, TEB + 8: the lowest page that is committed and no guard page.
    pub limit: Va,
    /// `StackBase`, TEB + 4: behind the last byte.
    pub base: Va,
}

impl Memory {
    /// What becomes of an exception when it is that of the thread's own guard page: the stack grows. After it the
    /// access can be tried again. The new `StackLimit` is in `stack`; whoever calls writes it into the TEB.
    ///
    /// # Errors
    /// The same exception when it is another, or `STATUS_STACK_OVERFLOW`.
    pub fn grow_stack(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        exception: FaultException,
        stack: &mut UserStack,
    ) -> Result<Resolution, FaultException> {
        let at = exception.access.va;
        let is_own = exception.status == NtStatus::GUARD_PAGE_VIOLATION && at >= stack.deallocation && at < stack.base;
        if !is_own {
            return Err(exception);
        }
        let page = at.0 & !0xfff;
        stack.limit = Va(page);
        let overflow = FaultException { status: NtStatus::STACK_OVERFLOW, ..exception };
        if page.saturating_sub(0x2000) <= stack.deallocation.0 {
            return Err(overflow);
        }
        let request = AllocationRequest {
            base: Va(page - 0x1000),
            zero_bits: 0,
            size: 0x1000,
            kind: MEM_COMMIT,
            protection: Protection(Protection::READWRITE.0 | Protection::GUARD.0),
        };
        self.allocate(ram, space, &request).map_err(|_| overflow)?;
        Ok(Resolution::StackGrowth)
    }
}
