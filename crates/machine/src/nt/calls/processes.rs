//! Processes: ending, opening, asking and changing; tokens as far as programs ask whether they have one.

use crate::memory::NtStatus;
use crate::nt::call::{Call, Handler, SUCCESS};
use crate::nt::calls::memory_lists::section_name;
use crate::nt::handles::CURRENT_PROCESS;
use crate::nt::process::ProcessIndex;
use crate::nt::rights::process as right;
use crate::nt::{Done, Reply, System, status};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtOpenProcess", open_process),
    ("NtTerminateProcess", terminate_process),
    ("NtSuspendProcess", |system, call| suspend(system, call, true)),
    ("NtResumeProcess", |system, call| suspend(system, call, false)),
    ("NtQueryInformationProcess", query_information_process),
    ("NtSetInformationProcess", set_information_process),
    ("NtOpenThreadToken", no_token),
    ("NtOpenThreadTokenEx", no_token),
    ("NtIsProcessInJob", is_process_in_job),
];

/// Classes of information about processes.
const BASIC: u32 = 0;
const QUOTA_LIMITS: u32 = 1;
const IO_COUNTERS: u32 = 2;
const VM_COUNTERS: u32 = 3;
const TIMES: u32 = 4;
const BASE_PRIORITY: u32 = 5;
const DEBUG_PORT: u32 = 7;
const DEFAULT_HARD_ERROR_MODE: u32 = 12;
const PRIORITY_CLASS: u32 = 18;
const HANDLE_COUNT: u32 = 20;
const AFFINITY_MASK: u32 = 21;
const PRIORITY_BOOST: u32 = 22;
const SESSION: u32 = 24;
const WOW64: u32 = 26;
const IMAGE_FILE_NAME: u32 = 27;
const DEBUG_OBJECT: u32 = 30;
const DEBUG_FLAGS: u32 = 31;
const EXECUTE_FLAGS: u32 = 34;
/// Base priorities of the priority classes 1 to 6: idle, normal, high, real time, below and above normal.
const CLASS_PRIORITIES: [u8; 7] = [8, 4, 8, 13, 24, 6, 10];
const STATUS_PROCESS_NOT_IN_JOB: NtStatus = NtStatus(0x123);

/// `NtOpenProcess(Handle, Access, Attributes, ClientId)`.
fn open_process(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, client_id, ..] = call.arguments;
    system.probe_write(call.space, out, 4)?;
    let attributes = system.read_attributes(call, attributes)?;
    let process_id = system.read_u32(call.space, client_id)?;
    let thread_id = system.read_u32(call.space, client_id.wrapping_add(4))?;
    let process = match thread_id {
        0 => system.process_by_id(process_id)?,
        _ => system.threads[system.thread_by_id(thread_id)?.0].process,
    };
    let object = system.processes[process.0].object;
    system.give_handle(call, (out, access, attributes.flags), object)?;
    SUCCESS
}

/// `NtTerminateProcess(Process, ExitStatus)`; handle 0 ends all other threads of the caller's process.
fn terminate_process(system: &mut System, call: &Call) -> Reply {
    let [handle, exit, ..] = call.arguments;
    if handle == 0 {
        for thread in system.processes[call.process.0].threads.clone() {
            if thread != call.thread {
                system.terminate_thread(thread, exit);
            }
        }
        return SUCCESS;
    }
    let process = system.process_for(call, handle, right::TERMINATE)?;
    if system.processes[process.0].exit_status.is_some() && process != call.process {
        return Err(status::PROCESS_IS_TERMINATING);
    }
    system.terminate_process(process, exit);
    if process == call.process { Ok(Done::Later) } else { SUCCESS }
}

fn suspend(system: &mut System, call: &Call, is_suspend: bool) -> Reply {
    let process = system.process_for(call, call.arguments[0], right::SUSPEND_RESUME)?;
    for thread in system.processes[process.0].threads.clone() {
        if is_suspend {
            system.suspend_thread(thread)?;
        } else {
            system.resume_thread(thread);
        }
    }
    SUCCESS
}

fn quads(values: &[u64]) -> Vec<u32> {
    values.iter().flat_map(|value| [*value as u32, (*value >> 32) as u32]).collect()
}

/// The double words of a class of information.
fn information(system: &System, process: ProcessIndex, class: u32) -> Result<Vec<u32>, NtStatus> {
    let state = &system.processes[process.0];
    Ok(match class {
        BASIC => {
            let exit = state.exit_status.unwrap_or(0x103);
            vec![exit, state.peb, state.affinity, state.base_priority.into(), state.id, state.parent]
        }
        QUOTA_LIMITS => {
            let set = system.memory.space(state.space).working_set();
            let (minimum, maximum) = (set.minimum << 12, 345 << 12);
            // The time limit is 64 bits wide and aligned so.
            vec![u32::MAX, u32::MAX, minimum, maximum, u32::MAX, 0, u32::MAX, u32::MAX]
        }
        VM_COUNTERS => {
            let vads = system.memory.space(state.space).vads().iter();
            let size: u64 = vads.map(|vad| u64::from(vad.last - vad.first + 1) << 12).sum();
            let report = system.process_report(process);
            let bytes = |pages: u32| pages << 12;
            let committed = bytes(report.committed);
            let (pages, peak) = (bytes(report.working_set), bytes(report.working_set_peak));
            vec![size as u32, size as u32, 0, peak, pages, 0, 0, 0, 0, committed, committed]
        }
        IO_COUNTERS => quads(&system.transfers_of(process)),
        DEBUG_FLAGS => vec![1],
        DEBUG_OBJECT => return Err(status::PORT_NOT_SET),
        TIMES => {
            let running: u64 = state.threads.iter().map(|thread| system.executed_by(*thread)).sum();
            let user = system.clock.units(state.executed + running);
            quads(&[state.create_time, state.exit_time, 0, user])
        }
        DEBUG_PORT | SESSION | WOW64 => vec![0],
        PRIORITY_BOOST => vec![state.has_no_boosts.into()],
        DEFAULT_HARD_ERROR_MODE => vec![state.hard_error_mode],
        HANDLE_COUNT => vec![state.handles.count()],
        AFFINITY_MASK => vec![state.affinity],
        // `MEM_EXECUTE_OPTION_ENABLE`: this processor executes from every page.
        EXECUTE_FLAGS => vec![2],
        _ => return Err(status::INVALID_INFO_CLASS),
    })
}

/// The path of the program, as a `UNICODE_STRING` at `at` with its text.
fn image_file_name(system: &System, process: ProcessIndex, at: u32) -> Result<Vec<u8>, NtStatus> {
    let state = &system.processes[process.0];
    let base = system.get_u32(state.block, vatlas_rules::nt::structures::eprocess::SECTION_BASE_ADDRESS);
    match section_name(system, state.space, (base, at)) {
        // There is no name once the memory is gone.
        Err(_) => Ok(vec![0; 8]),
        name => name,
    }
}

/// `NtQueryInformationProcess(Process, Class, Buffer, Length, ReturnLength)`.
fn query_information_process(system: &mut System, call: &Call) -> Reply {
    let [handle, class, buffer, length, returned, ..] = call.arguments;
    let process = system.process_for(call, handle, right::QUERY_INFORMATION)?;
    let bytes: Vec<u8> = match class {
        PRIORITY_CLASS => vec![0, system.processes[process.0].priority_class],
        IMAGE_FILE_NAME => image_file_name(system, process, buffer)?,
        _ => information(system, process, class)?.iter().flat_map(|word| word.to_le_bytes()).collect(),
    };
    let is_text = class == IMAGE_FILE_NAME;
    if is_text && (length as usize) < bytes.len() {
        system.write_optional(call.space, returned, bytes.len() as u32)?;
    }
    if if is_text { (length as usize) < bytes.len() } else { length as usize != bytes.len() } {
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    system.write_user(call.space, buffer, &bytes)?;
    system.write_optional(call.space, returned, bytes.len() as u32)?;
    SUCCESS
}

/// `NtSetInformationProcess(Process, Class, Buffer, Length)`.
fn set_information_process(system: &mut System, call: &Call) -> Reply {
    let [handle, class, buffer, length, ..] = call.arguments;
    let rights = if class == QUOTA_LIMITS { right::SET_QUOTA } else { right::SET_INFORMATION };
    let process = system.living_process_for(call, handle, rights)?;
    let needed = match class {
        PRIORITY_CLASS => 2,
        QUOTA_LIMITS => 32,
        _ => 4,
    };
    if length < needed {
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    match class {
        PRIORITY_CLASS => {
            let [_, kind] = system.read_array(call.space, buffer)?;
            let base = *CLASS_PRIORITIES.get(usize::from(kind)).ok_or(NtStatus::INVALID_PARAMETER)?;
            system.processes[process.0].priority_class = kind;
            set_base_priority(system, process, base);
        }
        BASE_PRIORITY => {
            let base = system.read_u32(call.space, buffer)? & 31;
            set_base_priority(system, process, base.max(1) as u8);
        }
        QUOTA_LIMITS => {
            let minimum = system.read_u32(call.space, buffer.wrapping_add(8))?;
            let space = system.processes[process.0].space;
            system.memory.set_minimum_working_set(space, minimum >> 12);
        }
        DEFAULT_HARD_ERROR_MODE => {
            system.processes[process.0].hard_error_mode = system.read_u32(call.space, buffer)?;
        }
        AFFINITY_MASK => {
            let affinity = system.read_u32(call.space, buffer)?;
            if affinity == 0 || affinity & !system.all_processors() != 0 {
                return Err(NtStatus::INVALID_PARAMETER);
            }
            system.processes[process.0].affinity = affinity;
            for thread in system.processes[process.0].threads.clone() {
                system.set_affinity(thread, affinity);
            }
        }
        PRIORITY_BOOST => {
            let has_no_boosts = system.read_u32(call.space, buffer)? != 0;
            system.processes[process.0].has_no_boosts = has_no_boosts;
            for thread in system.processes[process.0].threads.clone() {
                system.threads[thread.0].has_no_boosts = has_no_boosts;
            }
        }
        EXECUTE_FLAGS => {}
        _ => return Err(status::INVALID_INFO_CLASS),
    }
    SUCCESS
}

/// Every thread moves with its process.
fn set_base_priority(system: &mut System, process: ProcessIndex, base: u8) {
    let before = system.processes[process.0].base_priority;
    system.processes[process.0].base_priority = base;
    let block = system.processes[process.0].block;
    system.put_u8(block, vatlas_rules::nt::structures::eprocess::BASE_PRIORITY, base);
    for thread in system.processes[process.0].threads.clone() {
        let old = i32::from(system.threads[thread.0].base_priority);
        let (low, high) = if base >= 16 { (16, 31) } else { (1, 15) };
        let new = (old - i32::from(before) + i32::from(base)).clamp(low, high) as u8;
        system.threads[thread.0].base_priority = new;
        system.threads[thread.0].boost = 0;
        system.set_priority(thread, new);
    }
}

/// Threads have no tokens of their own.
fn no_token(system: &mut System, call: &Call) -> Reply {
    system.thread_by_handle(call, call.arguments[0])?;
    Err(status::NO_TOKEN)
}

/// `NtIsProcessInJob(Process, Job)`: there are no jobs.
fn is_process_in_job(system: &mut System, call: &Call) -> Reply {
    if call.arguments[0] != CURRENT_PROCESS {
        system.process_by_handle(call, call.arguments[0])?;
    }
    Ok(Done::Status(STATUS_PROCESS_NOT_IN_JOB))
}
