//! What a thread has in user memory: its TEB, and a stack that is committed from its top down.

use crate::memory::{ImageInformation, MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, NtStatus};
use crate::nt::System;
use crate::nt::process::ProcessIndex;
use crate::nt::thread::ThreadIndex;
use vatlas_rules::nt::structures::teb;
use vatlas_space::{Protection, Va};

const STACK: u32 = 0x3_0000;
/// Stack of a process whose image says nothing.
const STACK_BYTES: u32 = 0x10_0000;
/// Pages of PEB and TEBs are below this one.
const HIGHEST_TEB: u32 = 0x7_ffdf;
const PAGE: u32 = 0x1000;
/// Version in a TEB: OS/2 3.0.
const TEB_VERSION: u32 = 0x1e00;

/// Where the stack of a new thread is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct InitialTeb {
    /// Its top.
    pub base: u32,
    /// Its lowest committed byte.
    pub limit: u32,
    /// Its lowest reserved byte.
    pub allocation: u32,
}

impl InitialTeb {
    /// `INITIAL_TEB`: old base and limit, base, limit, allocation base.
    pub(crate) fn from_bytes(bytes: &[u8; 20]) -> Self {
        let word = |number: usize| bytes.as_chunks().0.get(number).map_or(0, |word| u32::from_le_bytes(*word));
        Self { base: word(2), limit: word(3), allocation: word(4) }
    }
}

impl System {
    /// A committed page of its own that nobody can protect or free, the highest free one below the PEB.
    pub(crate) fn secured_page(&mut self, process: ProcessIndex) -> Result<u32, NtStatus> {
        let space = self.processes[process.0].space;
        let is_free = |page: &u32| !self.memory.space(space).vads().overlaps(&(*page..=*page));
        let page = (0x10..=HIGHEST_TEB).rev().find(is_free).ok_or(NtStatus::NO_MEMORY)?;
        let at = Va(u64::from(page) << 12);
        self.memory.allocate_secured(&mut self.computer.board.ram, space, Some(at), 1)?;
        Ok(page << 12)
    }

    /// A stack: reserved, its top committed, a guard page below.
    pub(crate) fn make_stack(
        &mut self,
        process: ProcessIndex,
        image: &ImageInformation,
    ) -> Result<InitialTeb, NtStatus> {
        let reserve = if image.stack_reserve == 0 { STACK_BYTES } else { image.stack_reserve };
        let reserve = reserve.checked_next_multiple_of(0x1_0000).ok_or(NtStatus::NO_MEMORY)?.max(0x1_0000);
        let commit = image.stack_commit.max(1).next_multiple_of(PAGE).min(reserve - 2 * PAGE);
        let wanted = if reserve == STACK_BYTES { STACK } else { 0 };
        let base = self.allocate_user(process, wanted, reserve, MEM_RESERVE, Protection::READWRITE);
        let base = match base {
            Err(NtStatus::CONFLICTING_ADDRESSES) => {
                self.allocate_user(process, 0, reserve, MEM_RESERVE, Protection::READWRITE)?
            }
            other => other?,
        };
        let top = base + reserve;
        self.allocate_user(process, top - commit, commit, MEM_COMMIT, Protection::READWRITE)?;
        let guard = Protection(Protection::READWRITE.0 | 0x100);
        self.allocate_user(process, top - commit - PAGE, PAGE, MEM_COMMIT, guard)?;
        Ok(InitialTeb { base: top, limit: top - commit, allocation: base })
    }

    /// A TEB.
    pub(crate) fn create_teb(&mut self, process: ProcessIndex, id: u32, stack: &InitialTeb) -> Result<u32, NtStatus> {
        let at = self.secured_page(process)?;
        let space = self.processes[process.0].space;
        let process_id = self.processes[process.0].id;
        for (offset, value) in [
            (teb::EXCEPTION_LIST, u32::MAX),
            (teb::STACK_BASE, stack.base),
            (teb::STACK_LIMIT, stack.limit),
            (teb::VERSION, TEB_VERSION),
            (teb::SELF, at),
            (teb::CLIENT_ID, process_id),
            (teb::CLIENT_ID + 4, id),
            (teb::REAL_CLIENT_ID, process_id),
            (teb::REAL_CLIENT_ID + 4, id),
            (teb::PEB, self.processes[process.0].peb),
            (teb::CURRENT_LOCALE, 0x409),
            // An empty string of 261 units in the buffer behind it.
            (teb::STATIC_UNICODE_STRING, 522 << 16),
            (teb::STATIC_UNICODE_STRING + 4, at + teb::STATIC_UNICODE_STRING + 8),
            (teb::DEALLOCATION_STACK, stack.allocation),
        ] {
            if let Err(status) = self.write_u32(space, at + offset, value) {
                self.free_teb_page(process, at);
                return Err(status);
            }
        }
        Ok(at)
    }

    /// Frees the stack of a thread that ends of its own will: it has said so in its TEB.
    pub(crate) fn free_user_stack(&mut self, thread: ThreadIndex) {
        let at = self.threads[thread.0].teb;
        let space = self.processes[self.threads[thread.0].process.0].space;
        let mut says = [0];
        if at == 0 || self.read_user(space, at + teb::FREE_STACK_ON_TERMINATION, &mut says).is_err() || says == [0] {
            return;
        }
        let Ok(stack) = self.read_u32(space, at + teb::DEALLOCATION_STACK) else { return };
        // What is not the base of an allocation stays, as with any release.
        let range = (Va(stack.into()), 0);
        let _freed = self.memory.free(&mut self.computer.board.ram, space, range, MEM_RELEASE);
        self.obey_flush();
    }

    /// Gives the page of a thread's TEB back.
    pub(crate) fn free_teb(&mut self, thread: ThreadIndex) {
        let at = std::mem::take(&mut self.threads[thread.0].teb);
        self.free_teb_page(self.threads[thread.0].process, at);
    }

    /// Gives the page of a TEB back.
    pub(crate) fn free_teb_page(&mut self, process: ProcessIndex, at: u32) {
        let space = self.processes[process.0].space;
        let page = at >> 12;
        if let Some(vad) = self.memory.space(space).vads().find(page).filter(|vad| page != 0 && vad.first == page) {
            self.memory.remove_vad(&mut self.computer.board.ram, space, &vad);
            self.obey_flush();
        }
    }
}
