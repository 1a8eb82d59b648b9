//! Events, mutants and semaphores.

use crate::memory::NtStatus;
use crate::nt::call::{Call, Handler, SUCCESS};
use crate::nt::dispatcher::INCREMENT;
use crate::nt::objects::{Body, Mutant, ObjectId, ObjectType};
use crate::nt::{Reply, System, status};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtCreateEvent", create_event),
    ("NtOpenEvent", |system, call| open(system, call, ObjectType::Event)),
    ("NtSetEvent", |system, call| change_event(system, call, true, false)),
    ("NtResetEvent", |system, call| change_event(system, call, false, false)),
    ("NtPulseEvent", |system, call| change_event(system, call, true, true)),
    ("NtClearEvent", |system, call| change_event(system, call, false, false)),
    ("NtSetEventBoostPriority", |system, call| change_event(system, call, true, false)),
    ("NtQueryEvent", query_event),
    ("NtCreateMutant", create_mutant),
    ("NtOpenMutant", |system, call| open(system, call, ObjectType::Mutant)),
    ("NtReleaseMutant", release_mutant),
    ("NtQueryMutant", query_mutant),
    ("NtCreateSemaphore", create_semaphore),
    ("NtOpenSemaphore", |system, call| open(system, call, ObjectType::Semaphore)),
    ("NtReleaseSemaphore", release_semaphore),
    ("NtQuerySemaphore", query_semaphore),
];

fn open(system: &mut System, call: &Call, kind: ObjectType) -> Reply {
    let [out, access, attributes, ..] = call.arguments;
    system.open_object(call, (out, access, attributes), kind)
}

/// `NtCreateEvent(Handle, Access, Attributes, Type, InitialState)`; type 0 is a notification event.
fn create_event(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, kind, is_signaled, ..] = call.arguments;
    if kind > 1 {
        return Err(NtStatus::INVALID_PARAMETER_4);
    }
    let body = Body::Event { is_manual: kind == 0, is_signaled: is_signaled & 0xff != 0 };
    system.create_object(call, (out, access, attributes), body)
}

fn event(system: &System, call: &Call) -> Result<ObjectId, NtStatus> {
    system.object_by_handle(call, call.arguments[0], ObjectType::Event)
}

fn change_event(system: &mut System, call: &Call, is_set: bool, is_pulse: bool) -> Reply {
    let object = event(system, call)?;
    let previous = call.arguments[1];
    if previous != 0 {
        system.probe_write(call.space, previous, 4)?;
    }
    let was_set = if is_set { system.set_event(object) } else { clear(system, object) };
    if is_pulse {
        clear(system, object);
    }
    system.write_optional(call.space, previous, was_set.into())?;
    SUCCESS
}

fn clear(system: &mut System, object: ObjectId) -> bool {
    let was_signaled = match system.objects.body_mut(object) {
        Some(Body::Event { is_signaled, .. }) => std::mem::take(is_signaled),
        _ => false,
    };
    system.show_signal(object);
    was_signaled
}

/// `NtQuery*(Handle, Class, Buffer, Length, ReturnLength)` of class 0: words to write.
fn answer(system: &mut System, call: &Call, words: &[u32]) -> Reply {
    let [_, class, buffer, length, returned, ..] = call.arguments;
    let bytes = 4 * words.len() as u32;
    if class != 0 {
        return Err(status::INVALID_INFO_CLASS);
    }
    if length != bytes {
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    for (place, word) in (buffer..).step_by(4).zip(words) {
        system.write_u32(call.space, place, *word)?;
    }
    system.write_optional(call.space, returned, bytes)?;
    SUCCESS
}

fn query_event(system: &mut System, call: &Call) -> Reply {
    let object = event(system, call)?;
    let Some(Body::Event { is_manual, is_signaled }) = system.objects.body(object) else {
        return Err(status::INVALID_HANDLE);
    };
    let words = [u32::from(!is_manual), u32::from(*is_signaled)];
    answer(system, call, &words)
}

/// `NtCreateMutant(Handle, Access, Attributes, InitialOwner)`.
fn create_mutant(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, is_owned, ..] = call.arguments;
    let owner = (is_owned & 0xff != 0).then_some(call.thread);
    let mutant = Mutant { owner, count: u32::from(owner.is_some()), is_abandoned: false };
    let reply = system.create_object(call, (out, access, attributes), Body::Mutant(mutant))?;
    if owner.is_some() && reply == crate::nt::Done::Status(status::SUCCESS) {
        let handle = system.read_u32(call.space, out)?;
        let object = system.object_by_handle(call, handle, ObjectType::Mutant)?;
        system.threads[call.thread.0].mutants.push(object);
    }
    Ok(reply)
}

/// `NtReleaseMutant(Handle, PreviousCount)`; the count is 1 when nobody has it, and falls with each time it is taken.
fn release_mutant(system: &mut System, call: &Call) -> Reply {
    let [handle, previous, ..] = call.arguments;
    let object = system.object_by_handle(call, handle, ObjectType::Mutant)?;
    if previous != 0 {
        system.probe_write(call.space, previous, 4)?;
    }
    let Some(Body::Mutant(mutant)) = system.objects.body_mut(object) else { return Err(status::INVALID_HANDLE) };
    if mutant.owner != Some(call.thread) {
        return Err(status::MUTANT_NOT_OWNED);
    }
    let before = 1_i32.wrapping_sub(mutant.count as i32);
    mutant.count = mutant.count.saturating_sub(1);
    if mutant.count == 0 {
        mutant.owner = None;
        system.threads[call.thread.0].mutants.retain(|other| *other != object);
    }
    let is_free = mutant.count == 0;
    system.show_signal(object);
    if is_free {
        system.wake_waiters(object, INCREMENT);
    }
    system.write_optional(call.space, previous, before as u32)?;
    SUCCESS
}

fn query_mutant(system: &mut System, call: &Call) -> Reply {
    let object = system.object_by_handle(call, call.arguments[0], ObjectType::Mutant)?;
    let Some(Body::Mutant(mutant)) = system.objects.body(object) else { return Err(status::INVALID_HANDLE) };
    let count = 1_i32.wrapping_sub(mutant.count as i32) as u32;
    let flags = u32::from(mutant.owner == Some(call.thread)) | u32::from(mutant.is_abandoned) << 8;
    answer(system, call, &[count, flags])
}

/// `NtCreateSemaphore(Handle, Access, Attributes, InitialCount, MaximumCount)`.
fn create_semaphore(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, count, limit, ..] = call.arguments;
    if limit == 0 || limit > i32::MAX as u32 || count > limit {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    system.create_object(call, (out, access, attributes), Body::Semaphore { count, limit })
}

/// `NtReleaseSemaphore(Handle, ReleaseCount, PreviousCount)`.
fn release_semaphore(system: &mut System, call: &Call) -> Reply {
    let [handle, more, previous, ..] = call.arguments;
    if more == 0 || more > i32::MAX as u32 {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    let object = system.object_by_handle(call, handle, ObjectType::Semaphore)?;
    if previous != 0 {
        system.probe_write(call.space, previous, 4)?;
    }
    let Some(Body::Semaphore { count, limit }) = system.objects.body_mut(object) else {
        return Err(status::INVALID_HANDLE);
    };
    let before = *count;
    if more > *limit - before {
        return Err(status::SEMAPHORE_LIMIT_EXCEEDED);
    }
    *count += more;
    system.show_signal(object);
    system.wake_waiters(object, INCREMENT);
    system.write_optional(call.space, previous, before)?;
    SUCCESS
}

fn query_semaphore(system: &mut System, call: &Call) -> Reply {
    let object = system.object_by_handle(call, call.arguments[0], ObjectType::Semaphore)?;
    let Some(Body::Semaphore { count, limit }) = system.objects.body(object) else {
        return Err(status::INVALID_HANDLE);
    };
    let words = [*count, *limit];
    answer(system, call, &words)
}
