//! What guest code in ring 0 asks of the kernel: the rows of `guest/ntoskrnl/host.S`, by number.

mod objects;
mod pool;
mod system;
mod waits;

use crate::memory::{NtStatus, SpaceIndex};
use crate::nt::process::ProcessIndex;
use crate::nt::thread::ThreadIndex;
use crate::nt::trap_frame::{TrapFrame, word};
use crate::nt::{Call, System};
use vatlas_space::Va;

/// Most arguments of a call.
const MOST_ARGUMENTS: usize = 8;

/// Who asks, and with what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelRequest {
    pub thread: ThreadIndex,
    pub process: ProcessIndex,
    pub space: SpaceIndex,
    /// What lies above the return address: the arguments of a stdcall function.
    pub arguments: [u32; MOST_ARGUMENTS],
    /// The first argument of a fastcall function.
    pub ecx: u32,
    /// Where the caller goes on.
    pub caller: u32,
}

impl KernelRequest {
    /// The same as a system call without arguments.
    const fn call(&self) -> Call {
        Call { thread: self.thread, process: self.process, space: self.space, number: 0, arguments: [0; 17] }
    }
}

/// How a call ended.
pub(crate) enum Answer {
    /// With a value, now.
    Value(u32),
    /// The thread waits, is gone, or runs something else first.
    Later,
}

impl From<NtStatus> for Answer {
    fn from(status: NtStatus) -> Self {
        Self::Value(status.0)
    }
}

/// A status, whether the call succeeded or not.
fn answer(result: Result<NtStatus, NtStatus>) -> Answer {
    Answer::Value(result.unwrap_or_else(|status| status).0)
}

/// What does a call.
type KernelHandler = fn(&mut System, &KernelRequest) -> Answer;

/// A row, whose number is its place: name, bytes of arguments, what does it.
type Row = (&'static str, u32, KernelHandler);

/// The calls by number.
const ROWS: [Row; 24] = [
    ("ExAllocatePoolWithTag", 12, pool::allocate),
    ("ExAllocatePoolWithQuotaTag", 12, pool::allocate_with_quota),
    ("ExFreePoolWithTag", 8, pool::free),
    ("HostInsertObject", 12, objects::insert),
    ("HostRemoveObject", 4, objects::remove),
    ("IoCreateSymbolicLink", 8, objects::create_link),
    ("IoDeleteSymbolicLink", 4, objects::delete_link),
    ("KeWaitForSingleObject", 20, waits::wait_for_single_object),
    ("KeDelayExecutionThread", 12, waits::delay_execution),
    ("KeSetEvent", 12, waits::set_event),
    ("KeReleaseSemaphore", 16, waits::release_semaphore),
    ("KeReleaseMutex", 8, waits::release_mutex),
    ("PsCreateSystemThread", 28, system::create_thread),
    ("PsTerminateSystemThread", 4, system::terminate_thread),
    ("KeBugCheckEx", 20, system::bug_check),
    ("ObReferenceObjectByHandle", 24, objects::reference_by_handle),
    ("ObfDereferenceObject", 4, objects::dereference),
    ("HostDebugText", 8, system::debug_text),
    ("MmGetSystemRoutineAddress", 4, system::routine_address),
    ("MmIsAddressValid", 4, system::is_address_valid),
    ("MmLockPagableDataSection", 4, system::lock_section),
    ("MmUnlockPagableImageSection", 4, system::unlock_section),
    ("ZwClose", 4, objects::close),
    ("HostLeaveDispatchLevel", 0, |_, _| Answer::Value(0)),
];

impl System {
    /// `vmcall` of an export: what is asked is done, its result goes into EAX.
    pub(crate) fn kernel_request(&mut self, thread: ThreadIndex, frame: &TrapFrame) {
        let number = frame.get(word::EAX);
        let eip = frame.get(word::EIP);
        let Some((.., handler)) = usize::try_from(number).ok().and_then(|number| ROWS.get(number)) else {
            // A `vmcall` that is not of an export: an instruction that no driver has.
            return self.stop_system(thread, eip, (0x8e, [0xc000_001d, eip, 0, 0]));
        };
        let process = self.threads[thread.0].process;
        let word_at = |number: u32| {
            let at = Va(u64::from(frame.get(word::ESP)) + 4 * u64::from(number));
            self.memory.read_kernel_u32(&self.computer.board.ram, at).unwrap_or_default()
        };
        let request = KernelRequest {
            thread,
            process,
            space: self.processes[process.0].space,
            arguments: std::array::from_fn(|place| word_at(place as u32 + 1)),
            ecx: frame.get(word::ECX),
            caller: word_at(0),
        };
        match handler(self, &request) {
            Answer::Value(value) => self.set_result(thread, NtStatus(value)),
            Answer::Later => {}
        }
        if !self.ring0.closing.is_empty() {
            self.close_device_files(thread);
        }
    }

    /// Reads memory of the kernel half for a driver; pages come in.
    pub(crate) fn read_system(&mut self, va: u32, buffer: &mut [u8]) -> Result<(), NtStatus> {
        let ram = &mut self.computer.board.ram;
        let is_there = self.memory.touch_system(ram, Va(va.into()), buffer.len(), false)
            && self.memory.read_kernel(ram, Va(va.into()), buffer);
        if is_there { Ok(()) } else { Err(NtStatus::ACCESS_VIOLATION) }
    }

    /// Writes memory of the kernel half for a driver; pages come in.
    pub(crate) fn write_system(&mut self, va: u32, bytes: &[u8]) -> Result<(), NtStatus> {
        let ram = &mut self.computer.board.ram;
        let is_there = self.memory.touch_system(ram, Va(va.into()), bytes.len(), true)
            && self.memory.write_kernel(ram, Va(va.into()), bytes);
        if is_there { Ok(()) } else { Err(NtStatus::ACCESS_VIOLATION) }
    }

    /// A double word of the kernel half.
    pub(crate) fn read_system_u32(&mut self, va: u32) -> Result<u32, NtStatus> {
        let mut bytes = [0; 4];
        self.read_system(va, &mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    /// The text of a driver's `UNICODE_STRING`.
    pub(crate) fn read_system_string(&mut self, va: u32) -> Result<String, NtStatus> {
        let length = self.read_system_u32(va)? & 0xfffe;
        let buffer = self.read_system_u32(va.wrapping_add(4))?;
        let mut bytes = vec![0; length as usize];
        self.read_system(buffer, &mut bytes)?;
        let units: Vec<u16> = bytes.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        Ok(String::from_utf16_lossy(&units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `HOST Name, 0x00, 12`.
    #[test]
    fn the_image_of_the_kernel_has_the_same_rows() {
        let source = include_str!("../../../../guest/ntoskrnl/host.S");
        let rows = source.lines().filter_map(|line| line.trim().strip_prefix("HOST"));
        let rows: Vec<_> = rows.map(|row| row.trim_start_matches("FAST").trim().replace(' ', "")).collect();
        let expected =
            ROWS.iter().enumerate().map(|(number, (name, bytes, _))| format!("{name},{number:#04x},{bytes}"));
        assert_eq!(rows, expected.collect::<Vec<_>>());
    }
}
