//! Timer objects: made, set, cancelled and asked what is left of their time.

use crate::memory::NtStatus;
use crate::nt::call::{Call, Handler, SUCCESS};
use crate::nt::objects::{Body, ObjectId, ObjectType, Timer};
use crate::nt::timer::Due;
use crate::nt::{Reply, System, status};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtCreateTimer", create_timer),
    ("NtOpenTimer", open_timer),
    ("NtSetTimer", set_timer),
    ("NtCancelTimer", cancel_timer),
    ("NtQueryTimer", query_timer),
];

/// `NtCreateTimer(Handle, Access, Attributes, Type)`; type 0 is a notification timer.
fn create_timer(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, kind, ..] = call.arguments;
    if kind > 1 {
        return Err(NtStatus::INVALID_PARAMETER_4);
    }
    let timer = Timer { is_manual: kind == 0, ..Timer::default() };
    system.create_object(call, (out, access, attributes), Body::Timer(timer))
}

fn open_timer(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, ..] = call.arguments;
    system.open_object(call, (out, access, attributes), ObjectType::Timer)
}

fn timer(system: &System, call: &Call) -> Result<ObjectId, NtStatus> {
    system.object_by_handle(call, call.arguments[0], ObjectType::Timer)
}

/// Takes a timer from the clock. Whether it was set.
fn unset(system: &mut System, object: ObjectId) -> bool {
    let Some(Body::Timer(timer)) = system.objects.body_mut(object) else { return false };
    match timer.key.take() {
        Some(key) => {
            system.clock.cancel(key);
            true
        }
        None => false,
    }
}

/// `NtSetTimer(Handle, DueTime, ApcRoutine, ApcContext, Resume, Period in milliseconds, PreviousState)`.
fn set_timer(system: &mut System, call: &Call) -> Reply {
    let [_, due, routine, context, _, period, previous, ..] = call.arguments;
    let due = system.read_i64(call.space, due)?;
    if period > i32::MAX as u32 {
        return Err(status::INVALID_PARAMETER_6);
    }
    if previous != 0 {
        system.probe_write(call.space, previous, 1)?;
    }
    let object = timer(system, call)?;
    unset(system, object);
    let key = system.clock.insert(system.clock.due(due), Due::Timer(object));
    let Some(Body::Timer(timer)) = system.objects.body_mut(object) else { return Err(status::INVALID_HANDLE) };
    let was_signaled = std::mem::take(&mut timer.is_signaled);
    timer.key = Some(key);
    timer.period = u64::from(period) * 10_000;
    timer.apc = (routine != 0).then_some((call.thread, routine, context));
    system.show_signal(object);
    if previous != 0 {
        system.write_user(call.space, previous, &[was_signaled.into()])?;
    }
    // A time that is over already signals at once.
    while let Some(due) = system.clock.expired() {
        system.expire(due);
    }
    SUCCESS
}

/// `NtCancelTimer(Handle, CurrentState)`.
fn cancel_timer(system: &mut System, call: &Call) -> Reply {
    let object = timer(system, call)?;
    let state = call.arguments[1];
    unset(system, object);
    let Some(Body::Timer(timer)) = system.objects.body_mut(object) else { return Err(status::INVALID_HANDLE) };
    timer.period = 0;
    timer.apc = None;
    let is_signaled = timer.is_signaled;
    if state != 0 {
        system.write_user(call.space, state, &[is_signaled.into()])?;
    }
    SUCCESS
}

/// `NtQueryTimer(Handle, Class 0, Buffer, Length 16, ReturnLength)`: what is left of the time, whether it is signaled.
fn query_timer(system: &mut System, call: &Call) -> Reply {
    let [_, class, buffer, length, returned, ..] = call.arguments;
    if class != 0 {
        return Err(status::INVALID_INFO_CLASS);
    }
    if length != 16 {
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    let object = timer(system, call)?;
    let Some(Body::Timer(timer)) = system.objects.body(object) else { return Err(status::INVALID_HANDLE) };
    let left = timer.key.map_or(0, |key| key.due as i64 - system.clock.interrupt_time() as i64);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&left.to_le_bytes());
    bytes[8] = timer.is_signaled.into();
    system.write_user(call.space, buffer, &bytes)?;
    system.write_optional(call.space, returned, 16)?;
    SUCCESS
}
