//! The kernel's way to a program's memory: every pointer that a program gives is probed, and a bad one is a status.

use crate::fault::{FaultAccess, FaultException, Resolution};
use crate::memory::{NtStatus, SpaceIndex, UserStack};
use crate::nt::System;
use crate::nt::thread::ThreadIndex;
use crate::ram::FRAME_BYTES;
use vatlas_rules::nt::structures::teb;
use vatlas_space::{Pa, PageTableEntry, Va};

impl System {
    /// Where a user address is in physical memory, paged in and with its accessed and dirty bits set.
    fn user_address(&mut self, space: SpaceIndex, va: u32, is_write: bool) -> Result<Pa, NtStatus> {
        let at = Va(va.into());
        if at.0 <= self.memory.space(space).limits().highest_user.0 {
            let walk = self.memory.walk(&self.computer.board.ram, space, at);
            let wanted = PageTableEntry::ACCESSED | if is_write { PageTableEntry::DIRTY } else { 0 };
            let is_marked = walk.steps().last().is_some_and(|step| step.entry.has(wanted));
            if let Some(mapping) = walk.mapping()
                && is_marked
                && mapping.is_user
                && (mapping.is_writable || !is_write)
            {
                return Ok(mapping.pa);
            }
        }
        let access = FaultAccess { va: at, is_write, is_user: true };
        let mut result = self.memory.translate(&mut self.computer.board.ram, space, access);
        if let Err(fault) = result
            && let Some(thread) = self.stack_owner(space, fault.access.va)
            && self.grow_stack(thread, space, fault).is_ok()
        {
            result = self.memory.translate(&mut self.computer.board.ram, space, access);
        }
        self.obey_flush();
        self.find_watched_again();
        result.map_err(|exception| exception.status)
    }

    /// The thread on whose stack an address is.
    fn stack_owner(&mut self, space: SpaceIndex, va: Va) -> Option<ThreadIndex> {
        let process = self.processes.iter().position(|process| process.space == space && !process.is_gone)?;
        let threads = self.processes[process].threads.clone();
        threads.into_iter().find(|thread| {
            let stack = self.user_stack(*thread, space);
            stack.is_some_and(|stack| va >= stack.deallocation && va < stack.base)
        })
    }

    /// The stack of a thread, as its TEB tells it. The page of the TEB was paged in before this could be needed.
    fn user_stack(&mut self, thread: ThreadIndex, space: SpaceIndex) -> Option<UserStack> {
        let at = self.threads[thread.0].teb;
        let mut word = |offset: u32| {
            let access = FaultAccess { va: Va((at + offset).into()), is_write: false, is_user: true };
            let pa = self.memory.translate(&mut self.computer.board.ram, space, access).ok()?;
            self.computer.board.ram.read_u32(pa).map(|value| Va(value.into()))
        };
        Some(UserStack {
            deallocation: word(teb::DEALLOCATION_STACK)?,
            limit: word(teb::STACK_LIMIT)?,
            base: word(teb::STACK_BASE)?,
        })
    }

    /// A guard page was touched: when it is that of the thread's own stack the stack grows, and the TEB says so.
    pub(crate) fn grow_stack(
        &mut self,
        thread: ThreadIndex,
        space: SpaceIndex,
        fault: FaultException,
    ) -> Result<Resolution, FaultException> {
        if fault.status != NtStatus::GUARD_PAGE_VIOLATION {
            return Err(fault);
        }
        let Some(mut stack) = self.user_stack(thread, space) else { return Err(fault) };
        let before = stack.limit;
        let result = self.memory.grow_stack(&mut self.computer.board.ram, space, fault, &mut stack);
        if stack.limit != before {
            let at = self.threads[thread.0].teb + teb::STACK_LIMIT;
            // The page was there a moment ago.
            let _ = self.write_u32(space, at, stack.limit.0 as u32);
        }
        result
    }

    /// Reads user memory.
    pub(crate) fn read_user(&mut self, space: SpaceIndex, va: u32, buffer: &mut [u8]) -> Result<(), NtStatus> {
        let mut done = 0;
        while done < buffer.len() {
            let at = place(va, done)?;
            let end = buffer.len().min(done + rest_of_page(at));
            let pa = self.user_address(space, at, false)?;
            self.computer.board.ram.read(pa, &mut buffer[done..end]);
            done = end;
        }
        Ok(())
    }

    /// Writes user memory.
    pub(crate) fn write_user(&mut self, space: SpaceIndex, va: u32, bytes: &[u8]) -> Result<(), NtStatus> {
        let mut done = 0;
        while done < bytes.len() {
            let at = place(va, done)?;
            let end = bytes.len().min(done + rest_of_page(at));
            let pa = self.user_address(space, at, true)?;
            self.computer.board.ram.write(pa, &bytes[done..end]);
            done = end;
        }
        Ok(())
    }

    /// Whether memory can be written, before anything is done that could not be undone. Pages come in.
    pub(crate) fn probe_write(&mut self, space: SpaceIndex, va: u32, length: u32) -> Result<(), NtStatus> {
        let mut done = 0;
        while done < length as usize {
            let at = place(va, done)?;
            self.user_address(space, at, true)?;
            done += rest_of_page(at);
        }
        Ok(())
    }

    /// Reads an array.
    pub(crate) fn read_array<const N: usize>(&mut self, space: SpaceIndex, va: u32) -> Result<[u8; N], NtStatus> {
        let mut bytes = [0; N];
        self.read_user(space, va, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads bytes whose number was checked.
    pub(crate) fn read_vec(&mut self, space: SpaceIndex, va: u32, length: usize) -> Result<Vec<u8>, NtStatus> {
        let mut bytes = vec![0; length];
        self.read_user(space, va, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads a double word.
    pub(crate) fn read_u32(&mut self, space: SpaceIndex, va: u32) -> Result<u32, NtStatus> {
        self.read_array(space, va).map(u32::from_le_bytes)
    }

    /// Reads a word.
    pub(crate) fn read_u16(&mut self, space: SpaceIndex, va: u32) -> Result<u16, NtStatus> {
        self.read_array(space, va).map(u16::from_le_bytes)
    }

    /// Reads a signed quad word.
    pub(crate) fn read_i64(&mut self, space: SpaceIndex, va: u32) -> Result<i64, NtStatus> {
        self.read_array(space, va).map(i64::from_le_bytes)
    }

    /// Writes a double word.
    pub(crate) fn write_u32(&mut self, space: SpaceIndex, va: u32, value: u32) -> Result<(), NtStatus> {
        self.write_user(space, va, &value.to_le_bytes())
    }

    /// Writes a double word where the program wants one.
    pub(crate) fn write_optional(&mut self, space: SpaceIndex, va: u32, value: u32) -> Result<(), NtStatus> {
        if va == 0 { Ok(()) } else { self.write_u32(space, va, value) }
    }

    /// Reads a `UNICODE_STRING`: its text, with what is no character replaced.
    pub(crate) fn read_unicode_string(&mut self, space: SpaceIndex, va: u32) -> Result<String, NtStatus> {
        let length = self.read_u16(space, va)?;
        let buffer = self.read_u32(space, va.wrapping_add(4))?;
        self.read_text(space, buffer, length)
    }

    /// Reads `length` bytes of UTF-16.
    pub(crate) fn read_text(&mut self, space: SpaceIndex, va: u32, length: u16) -> Result<String, NtStatus> {
        let bytes = self.read_vec(space, va, usize::from(length & !1))?;
        let units: Vec<u16> = bytes.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        Ok(String::from_utf16_lossy(&units))
    }
}

/// The address `done` bytes further; none past the end of all addresses.
fn place(va: u32, done: usize) -> Result<u32, NtStatus> {
    u32::try_from(done).ok().and_then(|done| va.checked_add(done)).ok_or(NtStatus::ACCESS_VIOLATION)
}

const fn rest_of_page(va: u32) -> usize {
    FRAME_BYTES - (va as usize & (FRAME_BYTES - 1))
}

/// Text as UTF-16 bytes.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
