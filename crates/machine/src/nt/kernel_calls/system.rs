//! System threads, bug checks, debug text, addresses.

use super::{Answer, KernelRequest, answer};
use crate::memory::NtStatus;
use crate::nt::ring0::SYSTEM_PROCESS;
use crate::nt::{System, status};
use vatlas_space::Va;

/// Most bytes of one text, and texts that are kept.
const LONGEST_TEXT: u32 = 512;
const MOST_TEXTS: usize = 1024;
/// All rights to a thread.
const THREAD_ALL_ACCESS: u32 = 0x1f_03ff;

/// `PsCreateSystemThread(Handle, Access, Attributes, Process, ClientId, Routine, Context)`: without a process handle
/// the thread is of the system process.
pub(super) fn create_thread(system: &mut System, request: &KernelRequest) -> Answer {
    answer(system.create_thread_for_driver(request))
}

/// `PsTerminateSystemThread(Status)`: for threads of drivers only.
pub(super) fn terminate_thread(system: &mut System, request: &KernelRequest) -> Answer {
    if system.threads[request.thread.0].teb != 0 {
        return NtStatus::INVALID_PARAMETER.into();
    }
    system.threads[request.thread.0].calls.clear();
    system.terminate_thread(request.thread, request.arguments[0]);
    Answer::Later
}

/// `KeBugCheckEx(Code, Parameter1, Parameter2, Parameter3, Parameter4)`.
pub(super) fn bug_check(system: &mut System, request: &KernelRequest) -> Answer {
    let [code, first, second, third, fourth, ..] = request.arguments;
    system.stop_system(request.thread, request.caller, (code, [first, second, third, fourth]));
    Answer::Later
}

/// `HostDebugText(Text, Length)`.
pub(super) fn debug_text(system: &mut System, request: &KernelRequest) -> Answer {
    let [at, length, ..] = request.arguments;
    let mut bytes = vec![0; length.min(LONGEST_TEXT) as usize];
    if system.read_system(at, &mut bytes).is_ok() && system.ring0.debug_text.len() < MOST_TEXTS {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        system.ring0.debug_text.push(text);
    }
    Answer::Value(0)
}

/// `MmGetSystemRoutineAddress(Name)`: of ntoskrnl.exe or hal.dll; 0 when neither has it.
pub(super) fn routine_address(system: &mut System, request: &KernelRequest) -> Answer {
    let Ok(name) = system.read_system_string(request.arguments[0]) else { return Answer::Value(0) };
    let bases: Vec<u32> = system.ring0.modules.iter().take(2).map(|module| module.base).collect();
    Answer::Value(bases.into_iter().find_map(|base| system.system_export(base, &name)).unwrap_or_default())
}

/// `MmIsAddressValid(Address)`: whether an access would not fault now.
pub(super) fn is_address_valid(system: &mut System, request: &KernelRequest) -> Answer {
    let at = Va(request.arguments[0].into());
    let walk = system.memory.walk(&system.computer.board.ram, request.space, at);
    Answer::Value(walk.mapping().is_some().into())
}

/// `MmLockPagableDataSection(Address)`: the pageable pages of the image section come in and stay; the handle is the
/// address.
pub(super) fn lock_section(system: &mut System, request: &KernelRequest) -> Answer {
    system.lock_image_section(request.arguments[0], true);
    Answer::Value(request.arguments[0])
}

/// `MmUnlockPagableImageSection(Handle)`.
pub(super) fn unlock_section(system: &mut System, request: &KernelRequest) -> Answer {
    system.lock_image_section(request.arguments[0], false);
    Answer::Value(0)
}

impl System {
    fn create_thread_for_driver(&mut self, request: &KernelRequest) -> Result<NtStatus, NtStatus> {
        let [out, _, _, process, id_at, routine, context, ..] = request.arguments;
        let process = if process == 0 { SYSTEM_PROCESS } else { self.process_by_handle(&request.call(), process)? };
        let thread = self.create_system_thread(process, (routine, context))?;
        let (object, id) = (self.threads[thread.0].object, self.threads[thread.0].id);
        let handle = self.open_handle(request.process, object, THREAD_ALL_ACCESS)?;
        self.write_system(out, &handle.to_le_bytes())?;
        if id_at != 0 {
            let ids = [self.processes[process.0].id, id].map(u32::to_le_bytes);
            self.write_system(id_at, ids.as_flattened())?;
        }
        Ok(status::SUCCESS)
    }

    /// Locks or unlocks the pageable section of an image around an address.
    fn lock_image_section(&mut self, at: u32, is_locked: bool) {
        let Some(module) = self.ring0.modules.iter().find(|module| module.holds(at)) else { return };
        let (base, page) = (module.base, at.wrapping_sub(module.base) >> 12);
        let section = module.pageable.iter().find(|(first, count)| page.wrapping_sub(*first) < *count);
        let Some((first, count)) = section.copied() else { return };
        for page in first..first.saturating_add(count) {
            let at = Va(u64::from(base) + u64::from(page) * 0x1000);
            self.memory.lock_system_page(&mut self.computer.board.ram, at, is_locked);
        }
        self.obey_flush();
    }
}
