//! Waiting: for objects, for time, for the others.

use crate::memory::NtStatus;
use crate::nt::call::{Call, Handler};
use crate::nt::dispatcher::{INCREMENT, MOST_OBJECTS, WaitRequest};
use crate::nt::objects::{Body, ObjectId, ObjectType};
use crate::nt::thread::WaitReason;
use crate::nt::{Done, Reply, System, status};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtWaitForSingleObject", wait_for_single_object),
    ("NtWaitForMultipleObjects", wait_for_multiple_objects),
    ("NtSignalAndWaitForSingleObject", signal_and_wait),
    ("NtDelayExecution", delay_execution),
    ("NtYieldExecution", yield_execution),
];

/// Reads a timeout; a null pointer is for ever.
pub(super) fn read_timeout(system: &mut System, call: &Call, at: u32) -> Result<Option<i64>, NtStatus> {
    if at == 0 { Ok(None) } else { system.read_i64(call.space, at).map(Some) }
}

const fn request(is_alertable: u32, timeout: Option<i64>) -> WaitRequest {
    WaitRequest {
        is_all: false,
        is_alertable: is_alertable & 0xff != 0,
        timeout,
        reason: WaitReason::UserRequest,
        on_timeout: status::TIMEOUT,
    }
}

fn waitable(system: &System, call: &Call, handle: u32) -> Result<ObjectId, NtStatus> {
    let entry = system.entry_by_handle(call, handle)?;
    match system.objects.body(entry.object).map(Body::kind) {
        Some(ObjectType::Directory | ObjectType::SymbolicLink | ObjectType::Section) | None => {
            Err(status::OBJECT_TYPE_MISMATCH)
        }
        Some(_) => Ok(entry.object),
    }
}

/// `NtWaitForSingleObject(Handle, Alertable, Timeout)`.
fn wait_for_single_object(system: &mut System, call: &Call) -> Reply {
    let [handle, is_alertable, timeout, ..] = call.arguments;
    let timeout = read_timeout(system, call, timeout)?;
    let object = waitable(system, call, handle)?;
    system.wait(call, &[object], &request(is_alertable, timeout))
}

/// `NtWaitForMultipleObjects(Count, Handles, WaitType, Alertable, Timeout)`; type 0 is for all, 1 for any.
fn wait_for_multiple_objects(system: &mut System, call: &Call) -> Reply {
    let [count, handles, kind, is_alertable, timeout, ..] = call.arguments;
    if count == 0 || count as usize > MOST_OBJECTS {
        return Err(NtStatus::INVALID_PARAMETER_1);
    }
    if kind > 1 {
        return Err(NtStatus::INVALID_PARAMETER_3);
    }
    let timeout = read_timeout(system, call, timeout)?;
    let mut objects = [ObjectId(0); MOST_OBJECTS];
    for (place, object) in (0..count).zip(&mut objects) {
        let handle = system.read_u32(call.space, handles.wrapping_add(4 * place))?;
        *object = waitable(system, call, handle)?;
    }
    let objects = &objects[..count as usize];
    let is_all = kind == 0;
    let is_double = |(place, object): (usize, &ObjectId)| objects[..place].contains(object);
    if is_all && objects.iter().enumerate().any(is_double) {
        return Err(status::INVALID_PARAMETER_MIX);
    }
    system.wait(call, objects, &WaitRequest { is_all, ..request(is_alertable, timeout) })
}

/// `NtSignalAndWaitForSingleObject(ToSignal, ToWaitFor, Alertable, Timeout)`.
fn signal_and_wait(system: &mut System, call: &Call) -> Reply {
    let [signal, wait, is_alertable, timeout, ..] = call.arguments;
    let timeout = read_timeout(system, call, timeout)?;
    let object = waitable(system, call, wait)?;
    let signal = system.entry_by_handle(call, signal)?.object;
    match system.objects.body_mut(signal) {
        Some(Body::Event { .. }) => {
            system.set_event(signal);
        }
        Some(Body::Semaphore { count, limit }) if *count < *limit => {
            *count += 1;
            system.wake_waiters(signal, INCREMENT);
        }
        Some(Body::Semaphore { .. }) => return Err(status::SEMAPHORE_LIMIT_EXCEEDED),
        Some(Body::Mutant(mutant)) if mutant.owner == Some(call.thread) => {
            mutant.count = mutant.count.saturating_sub(1);
            if mutant.count == 0 {
                mutant.owner = None;
                system.threads[call.thread.0].mutants.retain(|other| *other != signal);
                system.wake_waiters(signal, INCREMENT);
            }
        }
        Some(Body::Mutant(_)) => return Err(status::MUTANT_NOT_OWNED),
        _ => return Err(status::OBJECT_TYPE_MISMATCH),
    }
    system.wait(call, &[object], &request(is_alertable, timeout))
}

/// `NtDelayExecution(Alertable, Interval)`; an interval of 0 lets others run.
fn delay_execution(system: &mut System, call: &Call) -> Reply {
    let [is_alertable, interval, ..] = call.arguments;
    let interval = system.read_i64(call.space, interval)?;
    if interval == 0 {
        system.yield_processor(call.thread);
    }
    let request = WaitRequest {
        reason: WaitReason::DelayExecution,
        on_timeout: status::SUCCESS,
        ..request(is_alertable, Some(interval))
    };
    system.wait(call, &[], &request)
}

/// `NtYieldExecution()`.
fn yield_execution(system: &mut System, call: &Call) -> Reply {
    let is_yielding = system.yield_processor(call.thread);
    Ok(Done::Status(if is_yielding { status::SUCCESS } else { status::NO_YIELD_PERFORMED }))
}
