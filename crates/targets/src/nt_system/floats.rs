//! x87 and SSE registers of threads: at the top of their kernel stacks, in the form of `fxsave`, or in a processor.

use super::memory::{KernelMemory, Reader, field};
use vatlas_images::fx_image::FX_BYTES;
use vatlas_rules::nt::structures::{eprocess, ethread};
use vatlas_space::{ThreadId, Va};

/// Bytes below `InitialStack`: `FX_SAVE_AREA`.
const SAVE_AREA: u64 = 0x210;
/// Threads of a process that are looked at.
const MOST: usize = 1 << 16;

impl<M: KernelMemory + ?Sized> Reader<'_, M> {
    /// The image of the registers of a thread of the process whose `EPROCESS` is given.
    pub(super) fn floats(self, process: Va, thread: ThreadId) -> Option<[u8; FX_BYTES]> {
        let threads = self.list(field(process, eprocess::THREAD_LIST_HEAD)?, ethread::THREAD_LIST_ENTRY, MOST);
        let is_it = |at: &Va| field(*at, ethread::CID + 4).and_then(|at| self.kernel_u32(at)) == Some(thread.0);
        let at = threads.into_iter().find(is_it)?;
        let stack = || self.kernel_pointer(field(at, ethread::INITIAL_STACK)?)?.checked_sub(SAVE_AREA);
        self.memory.running_floats(at).or_else(|| self.kernel(stack()?))
    }
}
