//! Keyed events: a thread that waits with a key and one that releases with the same key meet, whoever comes first.
//! XP's critical sections fall back on them when no event can be had.

use crate::memory::NtStatus;
use crate::nt::call::{Call, Handler};
use crate::nt::calls::waits::read_timeout;
use crate::nt::dispatcher::{INCREMENT, WaitRequest};
use crate::nt::objects::{Body, ObjectType, Waiter};
use crate::nt::thread::WaitReason;
use crate::nt::{Done, Reply, System, status};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtCreateKeyedEvent", create_keyed_event),
    ("NtOpenKeyedEvent", open_keyed_event),
    ("NtWaitForKeyedEvent", |system, call| meet(system, call, false)),
    ("NtReleaseKeyedEvent", |system, call| meet(system, call, true)),
];

fn create_keyed_event(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, ..] = call.arguments;
    system.create_object(call, (out, access, attributes), Body::KeyedEvent)
}

fn open_keyed_event(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, ..] = call.arguments;
    system.open_object(call, (out, access, attributes), ObjectType::KeyedEvent)
}

/// `NtWaitForKeyedEvent(Handle, Key, Alertable, Timeout)` and its counterpart; keys are even.
fn meet(system: &mut System, call: &Call, is_release: bool) -> Reply {
    let [handle, key, is_alertable, timeout, ..] = call.arguments;
    if key & 1 != 0 {
        return Err(NtStatus::INVALID_PARAMETER_1);
    }
    let timeout = read_timeout(system, call, timeout)?;
    let object = system.object_by_handle(call, handle, ObjectType::KeyedEvent)?;
    let process = call.process;
    let is_partner = |waiter: &&Waiter| {
        let thread = &system.threads[waiter.thread.0];
        thread.process == process && thread.wait.key == Some((object, key, !is_release))
    };
    let partner = system.objects.get(object).and_then(|object| object.waiters.iter().find(is_partner)).copied();
    if let Some(partner) = partner {
        system.end_wait(partner.thread, status::SUCCESS, INCREMENT);
        return Ok(Done::Status(status::SUCCESS));
    }
    if timeout == Some(0) {
        return Ok(Done::Status(status::TIMEOUT));
    }
    if let Some(waited) = system.objects.get_mut(object) {
        waited.waiters.push(Waiter { thread: call.thread, block: 0 });
    }
    system.reference_object(object);
    system.threads[call.thread.0].wait.key = Some((object, key, is_release));
    let request = WaitRequest {
        is_all: false,
        is_alertable: is_alertable & 0xff != 0,
        timeout,
        reason: WaitReason::KeyedEvent,
        on_timeout: status::TIMEOUT,
    };
    system.begin_wait(call.thread, &request);
    Ok(Done::Later)
}
