//! Calls that make and close handles.

use super::super::call::{Call, Done, Handler, Reply, TRUE, value};
use super::super::error::CeError;
use super::super::object::Object;
use crate::ce::Device;

pub(crate) const ROWS: &[(&str, Handler)] = &[
    ("CreateEventW", create_event),
    ("CreateMutexW", create_mutex),
    ("CreateSemaphoreW", create_semaphore),
    ("CloseHandle", close_handle),
    ("CloseThreadHandle", close_handle),
    ("CloseProcessHandle", close_handle),
    ("CloseEventHandle", close_handle),
    ("CloseMutexHandle", close_handle),
    ("CloseSemaphoreHandle", close_handle),
    ("CloseAPISet", close_handle),
    ("CloseMappingHandle", close_handle),
    ("DuplicateHandle", duplicate_handle),
    ("CreateAPISet", create_api_set),
    ("RegisterAPISet", register_api_set),
    ("CreateAPIHandle", create_api_handle),
    ("VerifyAPIHandle", verify_api_handle),
    ("QueryAPISetID", query_api_set),
];

/// A handle of an object with a name: a new one, or another use of the one that has it.
fn named(device: &mut Device, call: &Call, name: u32, object: Object) -> Result<(u32, bool), CeError> {
    let name = device.read_optional_text(call.thread, name)?;
    let known = device.state.handles.iter().find(|(_, handle)| !name.is_empty() && handle.name == name);
    if let Some((value, handle)) = known {
        if std::mem::discriminant(&handle.object) != std::mem::discriminant(&object) {
            return Err(CeError::INVALID_HANDLE);
        }
        let value = *value;
        device.open_for(value, call.process);
        device.set_last_error(call.thread, CeError::ALREADY_EXISTS);
        return Ok((value, false));
    }
    let value = device.new_handle(object, 0, call.process)?;
    if let Some(handle) = device.state.handles.get_mut(&value) {
        handle.name = name;
    }
    device.set_last_error(call.thread, CeError(0));
    Ok((value, true))
}

fn create_event(device: &mut Device, call: &Call) -> Reply {
    let [_, is_manual, is_set, name, ..] = call.arguments;
    let event = Object::Event { is_manual: is_manual != 0, is_set: is_set != 0, data: 0 };
    value(named(device, call, name, event)?.0)
}

fn create_mutex(device: &mut Device, call: &Call) -> Reply {
    let [_, is_owned, name, ..] = call.arguments;
    let mutex = Object::Mutex { owner: None, count: 0, is_abandoned: false };
    let (handle, is_new) = named(device, call, name, mutex)?;
    if is_new && is_owned != 0 {
        device.wait(call.thread, vec![super::super::object::Waitable::Handle(handle)], 0)?;
    }
    value(handle)
}

fn create_semaphore(device: &mut Device, call: &Call) -> Reply {
    let [_, count, most, name, ..] = call.arguments;
    if most == 0 || most > i32::MAX as u32 || count > most {
        return Err(CeError::INVALID_PARAMETER);
    }
    value(named(device, call, name, Object::Semaphore { count, most })?.0)
}

/// Closes a handle; one of a server is closed by the server.
fn close_handle(device: &mut Device, call: &Call) -> Reply {
    let handle = call.arguments[0];
    let api = match device.state.handles.get(&handle).map(|it| &it.object) {
        Some(Object::Api { set, word }) => Some((*set, *word)),
        _ => None,
    };
    let is_last = device.close_handle(handle, call.process)?;
    if let Some((set, word)) = api.filter(|_| is_last) {
        device.leave_call(call.thread);
        if device.call_method(call.thread, set, 0, &[word], None).is_err() {
            device.set_result(call.thread, 1);
        }
        return Ok(Done::Gone);
    }
    TRUE
}

/// Handles are the whole device's, so that a duplicate is another use of the same (our choice).
fn duplicate_handle(device: &mut Device, call: &Call) -> Reply {
    const CLOSE_SOURCE: u32 = 1;
    let [from, handle, to, place, _, _, options, ..] = call.arguments;
    let (from, to) = (device.process_of(from)?, device.process_of(to)?);
    let handle = device.real_handle(handle);
    if !device.state.handles.contains_key(&handle) {
        return Err(CeError::INVALID_HANDLE);
    }
    device.open_for(handle, to);
    if options & CLOSE_SOURCE != 0 {
        device.close_handle(handle, from)?;
    }
    device.write_optional(call.thread, place, handle)?;
    TRUE
}

fn create_api_set(device: &mut Device, call: &Call) -> Reply {
    let [name, count, methods, signatures, ..] = call.arguments;
    value(device.create_api_set(call.thread, name, count, (methods, signatures))?)
}

fn register_api_set(device: &mut Device, call: &Call) -> Reply {
    device.register_api_set(call.arguments[0], call.arguments[1])?;
    TRUE
}

/// The handle is the caller's: a server that makes one makes it for the process that called.
fn create_api_handle(device: &mut Device, call: &Call) -> Reply {
    let [set, word, ..] = call.arguments;
    if !device.state.sets.contains_key(&set) {
        return Err(CeError::INVALID_HANDLE);
    }
    let user = device.caller_of(call.thread);
    value(device.new_handle(Object::Api { set, word }, word, user)?)
}

fn verify_api_handle(device: &mut Device, call: &Call) -> Reply {
    let [set, handle, ..] = call.arguments;
    match device.state.handles.get(&handle).map(|it| &it.object) {
        Some(Object::Api { set: of, word }) if *of == set => value(*word),
        _ => Err(CeError::INVALID_HANDLE),
    }
}

fn query_api_set(device: &mut Device, call: &Call) -> Reply {
    let mut tag = [0; 4];
    device.read(call.thread, call.arguments[0], &mut tag)?;
    let tag = String::from_utf8_lossy(&tag).trim_end_matches('\0').to_owned();
    let number = device.state.sets.values().find(|set| set.name == tag).and_then(|set| set.number);
    value(number.map_or(u32::MAX, u32::from))
}
