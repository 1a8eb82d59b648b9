//! Calls that wait and that end waits.

use super::super::call::{Call, Handler, Reply, TRUE, value};
use super::super::error::CeError;
use super::super::object::{Object, Waitable};
use super::super::synchronization::MOST_OBJECTS;
use crate::ce::Device;

pub(crate) const ROWS: &[(&str, Handler)] = &[
    ("WaitForMultipleObjects", wait_for_multiple),
    ("WaitForAPIReady", wait_for_api),
    ("EnterCriticalSection", |device, call| device.enter_critical(call.thread, call.arguments[0])),
    ("LeaveCriticalSection", |device, call| device.leave_critical(call.thread, call.arguments[0])),
    ("DeleteCriticalSection", delete_critical),
    ("EventModify", event_modify),
    ("GetEventData", get_event_data),
    ("SetEventData", set_event_data),
    ("ReleaseMutex", release_mutex),
    ("ReleaseSemaphore", release_semaphore),
];

/// Waits for any of the objects; CE cannot wait for all.
fn wait_for_multiple(device: &mut Device, call: &Call) -> Reply {
    let [count, handles, all, milliseconds, ..] = call.arguments;
    if count == 0 || count > MOST_OBJECTS || all != 0 {
        device.set_last_error(call.thread, CeError::INVALID_PARAMETER);
        return value(u32::MAX);
    }
    let mut objects = Vec::with_capacity(count as usize);
    for number in 0..count {
        let handle = device.read_word(call.thread, handles.wrapping_add(4 * number))?;
        let handle = device.real_handle(handle);
        let can_wait = matches!(
            device.state.handles.get(&handle).map(|handle| &handle.object),
            Some(
                Object::Event { .. }
                    | Object::Mutex { .. }
                    | Object::Semaphore { .. }
                    | Object::Thread(_)
                    | Object::Process(..)
            )
        );
        if !can_wait {
            device.set_last_error(call.thread, CeError::INVALID_HANDLE);
            return value(u32::MAX);
        }
        objects.push(Waitable::Handle(handle));
    }
    device.wait(call.thread, objects, milliseconds)
}

/// Waits until somebody registers an API set.
fn wait_for_api(device: &mut Device, call: &Call) -> Reply {
    let [number, milliseconds, ..] = call.arguments;
    let number = u8::try_from(number).map_err(|_| CeError::INVALID_PARAMETER)?;
    let kernel = vatlas_rules::ce::api_sets::api_set(number)
        .is_some_and(|set| set.server == vatlas_rules::ce::api_sets::ApiServer::Kernel);
    if kernel { value(0) } else { device.wait(call.thread, vec![Waitable::ApiSet(number)], milliseconds) }
}

fn delete_critical(device: &mut Device, call: &Call) -> Reply {
    let at = device.mapped_for(call.process, call.arguments[0]);
    device.wake_waiters_of(Waitable::Critical(at));
    device.state.critical.remove(&at);
    value(0)
}

fn event_modify(device: &mut Device, call: &Call) -> Reply {
    const PULSE: u32 = 1;
    const RESET: u32 = 2;
    const SET: u32 = 3;
    let [event, operation, ..] = call.arguments;
    let set = |device: &mut Device, to: bool| match device.state.handles.get_mut(&event).map(|it| &mut it.object) {
        Some(Object::Event { is_set, .. }) => {
            *is_set = to;
            Ok(())
        }
        _ => Err(CeError::INVALID_HANDLE),
    };
    match operation {
        PULSE => {
            set(device, true)?;
            device.satisfy(event);
            set(device, false)?;
        }
        RESET => set(device, false)?,
        SET => {
            set(device, true)?;
            device.satisfy(event);
        }
        _ => return Err(CeError::INVALID_PARAMETER),
    }
    TRUE
}

fn get_event_data(device: &mut Device, call: &Call) -> Reply {
    match device.state.handles.get(&call.arguments[0]).map(|it| &it.object) {
        Some(Object::Event { data, .. }) => value(*data),
        _ => Err(CeError::INVALID_HANDLE),
    }
}

fn set_event_data(device: &mut Device, call: &Call) -> Reply {
    match device.state.handles.get_mut(&call.arguments[0]).map(|it| &mut it.object) {
        Some(Object::Event { data, .. }) => {
            *data = call.arguments[1];
            TRUE
        }
        _ => Err(CeError::INVALID_HANDLE),
    }
}

fn release_mutex(device: &mut Device, call: &Call) -> Reply {
    device.release_mutex(call.thread, call.arguments[0])?;
    TRUE
}

fn release_semaphore(device: &mut Device, call: &Call) -> Reply {
    let [semaphore, add, previous, ..] = call.arguments;
    let Some(Object::Semaphore { count, most }) = device.state.handles.get_mut(&semaphore).map(|it| &mut it.object)
    else {
        return Err(CeError::INVALID_HANDLE);
    };
    let before = *count;
    match count.checked_add(add).filter(|count| add > 0 && count <= most) {
        Some(new) => *count = new,
        None => return Err(CeError::TOO_MANY_POSTS),
    }
    device.write_optional(call.thread, previous, before)?;
    device.satisfy(semaphore);
    TRUE
}
