//! Threads: making, ending, suspending, asking and changing.

use crate::cpu::Fpu;
use crate::memory::NtStatus;
use crate::nt::call::{Call, Handler, SUCCESS};
use crate::nt::rights::thread as right;
use crate::nt::thread::{NewThread, ThreadIndex, ThreadState, UserApc};
use crate::nt::trap_frame::TrapFrame;
use crate::nt::user_stack::InitialTeb;
use crate::nt::{Done, Reply, System, rights, status};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtCreateThread", create_thread),
    ("NtOpenThread", open_thread),
    ("NtTerminateThread", terminate_thread),
    ("NtSuspendThread", suspend_thread),
    ("NtResumeThread", resume_thread),
    ("NtQueryInformationThread", query_information_thread),
    ("NtSetInformationThread", set_information_thread),
];

/// Most times a thread can be suspended.
const MOST_SUSPENDS: u8 = 127;
/// Classes of information about threads.
const BASIC: u32 = 0;
const TIMES: u32 = 1;
const PRIORITY: u32 = 2;
const BASE_PRIORITY: u32 = 3;
const AFFINITY: u32 = 4;
const ZERO_TLS: u32 = 10;
const WIN32_START: u32 = 9;
const AM_I_LAST: u32 = 12;
const IDEAL_PROCESSOR: u32 = 13;
const PRIORITY_BOOST: u32 = 14;
const HIDE_FROM_DEBUGGER: u32 = 17;

/// `NtCreateThread(Handle, Access, Attributes, Process, ClientId, Context, InitialTeb, CreateSuspended)`.
fn create_thread(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, process, client_id, context, initial, is_suspended, ..] = call.arguments;
    system.probe_write(call.space, out, 4)?;
    let attributes = system.read_attributes(call, attributes)?;
    let process = system.living_process_for(call, process, rights::process::CREATE_THREAD)?;
    let context = system.read_context(call, context)?;
    let words: [u8; 20] = system.read_array(call.space, initial)?;
    let initial = InitialTeb::from_bytes(&words);
    let mut frame = TrapFrame::user();
    let mut fpu = Fpu::default();
    context.apply(&mut frame, &mut fpu);
    let id = system.next_id();
    let teb = system.create_teb(process, id, &initial)?;
    let entries = system.processes[process.0].entries;
    // The first thing that a thread does is to tell its DLLs; then it goes on with its context.
    let arguments = [0, entries.base, 0];
    let apc = (entries.loader != 0).then_some(UserApc { routine: entries.loader, arguments, has_context: true });
    let new =
        NewThread { frame, fpu, teb, id, start_address: context.eax(), apc, is_suspended: is_suspended & 0xff != 0 };
    let thread = system.create_thread(process, &new).inspect_err(|_| system.free_teb_page(process, teb))?;
    let given = tell(system, call, thread, (client_id, (out, access, attributes.flags)));
    if let Err(status) = given {
        system.terminate_thread(thread, status.0);
        return Err(status);
    }
    SUCCESS
}

/// The ids of a new thread and a handle for it.
fn tell(
    system: &mut System,
    call: &Call,
    thread: ThreadIndex,
    (client_id, handle): (u32, (u32, u32, u32)),
) -> Result<(), NtStatus> {
    let state = &system.threads[thread.0];
    let (object, id, process_id) = (state.object, state.id, system.processes[state.process.0].id);
    if client_id != 0 {
        system.write_u32(call.space, client_id, process_id)?;
        system.write_u32(call.space, client_id.wrapping_add(4), id)?;
    }
    system.give_handle(call, handle, object)
}

/// `NtOpenThread(Handle, Access, Attributes, ClientId)`.
fn open_thread(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, client_id, ..] = call.arguments;
    system.probe_write(call.space, out, 4)?;
    let attributes = system.read_attributes(call, attributes)?;
    let id = system.read_u32(call.space, client_id.wrapping_add(4))?;
    let thread = system.thread_by_id(id)?;
    let object = system.threads[thread.0].object;
    system.give_handle(call, (out, access, attributes.flags), object)?;
    SUCCESS
}

/// `NtTerminateThread(Thread, ExitStatus)`; handle 0 is the caller, unless it is the last thread.
fn terminate_thread(system: &mut System, call: &Call) -> Reply {
    let [handle, exit, ..] = call.arguments;
    let thread = if handle == 0 {
        if system.processes[call.process.0].threads.len() == 1 {
            return Err(status::CANT_TERMINATE_SELF);
        }
        call.thread
    } else {
        system.thread_for(call, handle, right::TERMINATE)?
    };
    system.terminate_thread(thread, exit);
    if thread == call.thread { Ok(Done::Later) } else { SUCCESS }
}

impl System {
    /// Lets a thread wait until it is resumed; the count before.
    pub(crate) fn suspend_thread(&mut self, thread: ThreadIndex) -> Result<u32, NtStatus> {
        let target = &mut self.threads[thread.0];
        let (before, state) = (target.suspend_count, target.state);
        match state {
            ThreadState::Terminated => return Err(status::THREAD_IS_TERMINATING),
            _ if before >= MOST_SUSPENDS => return Err(status::SUSPEND_COUNT_EXCEEDED),
            _ => target.suspend_count += 1,
        }
        if before == 0 && matches!(state, ThreadState::Ready | ThreadState::Standby | ThreadState::Running) {
            self.set_wait_reason(thread, crate::nt::thread::WaitReason::Suspended);
            self.set_state(thread, ThreadState::Waiting);
            self.give_up_processor(thread, state);
            self.threads[thread.0].is_only_suspended = true;
        }
        self.show_suspend_count(thread);
        Ok(before.into())
    }

    /// Takes one suspension back; the count before.
    pub(crate) fn resume_thread(&mut self, thread: ThreadIndex) -> u32 {
        let target = &mut self.threads[thread.0];
        let before = target.suspend_count;
        target.suspend_count = before.saturating_sub(1);
        if before == 1 && std::mem::take(&mut target.is_only_suspended) {
            self.make_ready(thread);
        }
        self.show_suspend_count(thread);
        before.into()
    }

    fn show_suspend_count(&mut self, thread: ThreadIndex) {
        let (block, count) = (self.threads[thread.0].block, self.threads[thread.0].suspend_count);
        self.put_u8(block, vatlas_rules::nt::structures::ethread::SUSPEND_COUNT, count);
    }
}

/// `NtSuspendThread(Thread, PreviousSuspendCount)`.
fn suspend_thread(system: &mut System, call: &Call) -> Reply {
    let [handle, previous, ..] = call.arguments;
    let thread = system.thread_for(call, handle, right::SUSPEND_RESUME)?;
    if previous != 0 {
        system.probe_write(call.space, previous, 4)?;
    }
    let before = system.suspend_thread(thread)?;
    system.write_optional(call.space, previous, before)?;
    SUCCESS
}

/// `NtResumeThread(Thread, PreviousSuspendCount)`.
fn resume_thread(system: &mut System, call: &Call) -> Reply {
    let [handle, previous, ..] = call.arguments;
    let thread = system.thread_for(call, handle, right::SUSPEND_RESUME)?;
    if previous != 0 {
        system.probe_write(call.space, previous, 4)?;
    }
    let before = system.resume_thread(thread);
    system.write_optional(call.space, previous, before)?;
    SUCCESS
}

/// `NtQueryInformationThread(Thread, Class, Buffer, Length, ReturnLength)`.
fn query_information_thread(system: &mut System, call: &Call) -> Reply {
    let [handle, class, buffer, length, returned, ..] = call.arguments;
    let thread = system.thread_for(call, handle, right::QUERY_INFORMATION)?;
    let state = &system.threads[thread.0];
    let owner = &system.processes[state.process.0];
    let words: Vec<u32> = match class {
        BASIC => {
            let exit = state.exit_status.unwrap_or(0x103);
            let increment = i32::from(state.base_priority) - i32::from(owner.base_priority);
            vec![exit, state.teb, owner.id, state.id, state.affinity, state.priority.into(), increment as u32]
        }
        TIMES => {
            let user = system.clock.units(system.executed_by(thread));
            let times = [state.create_time, state.exit_time, 0, user];
            times.iter().flat_map(|time| [*time as u32, (*time >> 32) as u32]).collect()
        }
        WIN32_START => vec![state.start_address],
        AM_I_LAST => vec![u32::from(owner.threads.len() == 1)],
        PRIORITY_BOOST => vec![state.has_no_boosts.into()],
        _ => return Err(status::INVALID_INFO_CLASS),
    };
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    if length as usize != bytes.len() {
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    system.write_user(call.space, buffer, &bytes)?;
    system.write_optional(call.space, returned, bytes.len() as u32)?;
    SUCCESS
}

/// `NtSetInformationThread(Thread, Class, Buffer, Length)`.
fn set_information_thread(system: &mut System, call: &Call) -> Reply {
    let [handle, class, buffer, length, ..] = call.arguments;
    let thread = system.thread_for(call, handle, right::SET_INFORMATION)?;
    if class == HIDE_FROM_DEBUGGER {
        return SUCCESS;
    }
    if length != 4 {
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    let value = system.read_u32(call.space, buffer)?;
    match class {
        PRIORITY if (1..32).contains(&value) => system.set_priority(thread, value as u8),
        BASE_PRIORITY => set_base_priority(system, thread, value as i32)?,
        AFFINITY => set_affinity(system, thread, value)?,
        ZERO_TLS => zero_tls(system, thread, value)?,
        WIN32_START => system.threads[thread.0].start_address = value,
        IDEAL_PROCESSOR => {
            let before = system.threads[thread.0].processor as u32;
            if (value as usize) < system.scheduler.processors.len() {
                system.set_ideal_processor(thread, value as u8);
            }
            return Ok(Done::Status(NtStatus(before)));
        }
        PRIORITY_BOOST => system.threads[thread.0].has_no_boosts = value != 0,
        PRIORITY => return Err(NtStatus::INVALID_PARAMETER),
        _ => return Err(status::INVALID_INFO_CLASS),
    }
    SUCCESS
}

/// -2 to 2 around the priority of the process; 15 and -15 are the ends of what is not real time.
fn set_base_priority(system: &mut System, thread: ThreadIndex, increment: i32) -> Result<(), NtStatus> {
    if !(-2..=2).contains(&increment) && increment.abs() != 15 && increment.abs() != 16 {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    let of_process = i32::from(system.processes[system.threads[thread.0].process.0].base_priority);
    let (low, high) = if of_process >= 16 { (16, 31) } else { (1, 15) };
    let base = match increment.abs() {
        15 | 16 if increment > 0 => high,
        15 | 16 => low,
        _ => (of_process + increment).clamp(low, high),
    };
    system.threads[thread.0].base_priority = base as u8;
    system.threads[thread.0].boost = 0;
    let block = system.threads[thread.0].block;
    system.put_u8(block, vatlas_rules::nt::structures::ethread::BASE_PRIORITY, base as u8);
    system.set_priority(thread, base as u8);
    Ok(())
}

fn set_affinity(system: &mut System, thread: ThreadIndex, affinity: u32) -> Result<(), NtStatus> {
    let allowed = system.processes[system.threads[thread.0].process.0].affinity;
    if affinity == 0 || affinity & !allowed != 0 {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    system.set_affinity(thread, affinity);
    Ok(())
}

/// A slot of thread-local storage becomes zero in every thread of the process.
fn zero_tls(system: &mut System, thread: ThreadIndex, slot: u32) -> Result<(), NtStatus> {
    const SLOTS: u32 = 64;
    const EXPANSION: u32 = 1024;
    let process = system.threads[thread.0].process;
    let space = system.processes[process.0].space;
    for other in system.processes[process.0].threads.clone() {
        let teb = system.threads[other.0].teb;
        if slot < SLOTS {
            system.write_u32(space, teb + 0xe10 + 4 * slot, 0)?;
        } else if slot - SLOTS < EXPANSION {
            let expansion = system.read_u32(space, teb + 0xf94)?;
            if expansion != 0 {
                system.write_u32(space, expansion.wrapping_add(4 * (slot - SLOTS)), 0)?;
            }
        } else {
            return Err(NtStatus::INVALID_PARAMETER);
        }
    }
    Ok(())
}
