//! Calls about processes.

use super::super::call::{Call, Done, Handler, Reply, TRUE, value};
use super::super::error::CeError;
use super::super::object::Object;
use crate::ce::Device;

/// `CREATE_SUSPENDED`.
const SUSPENDED: u32 = 4;
/// `STILL_ACTIVE`.
const STILL_ACTIVE: u32 = 0x103;

pub(crate) const ROWS: &[(&str, Handler)] = &[
    ("CreateProcessW", create_process),
    ("TerminateProcess", terminate_process),
    ("OpenProcess", open_process),
    ("GetExitCodeProcess", exit_code),
    ("GetProcessIndexFromID", process_index),
    ("GetProcessVersion", process_version),
    ("GetCommandLineW", command_line),
    ("CeGetProcessTrust", |_, _| value(2)),
    ("CeGetCurrentTrust", |_, _| value(2)),
    ("IsProcessDying", is_dying),
];

fn create_process(device: &mut Device, call: &Call) -> Reply {
    let [name, line, _, _, _, flags, _, _, _, information] = call.arguments;
    let path = device.read_text(call.thread, name)?;
    let line = device.read_optional_text(call.thread, line)?;
    let (number, thread) = device.create_process(&path, &line, flags & SUSPENDED != 0)?;
    let handles = (device.process(number).map_or(0, |process| process.handle), device.thread(thread).handle);
    for handle in [handles.0, handles.1] {
        device.open_for(handle, call.process);
    }
    if information != 0 {
        // Ids are handles (`wince.md` 4.1: what GetCurrentProcessId gives).
        let words = [handles.0, handles.1, handles.0, handles.1];
        device.write(call.thread, information, words.map(u32::to_le_bytes).as_flattened())?;
    }
    TRUE
}

fn terminate_process(device: &mut Device, call: &Call) -> Reply {
    let [handle, code, ..] = call.arguments;
    let number = device.process_of(handle)?;
    let own = device.thread(call.thread).owner == number;
    if number == 0 {
        return Err(CeError::ACCESS_DENIED);
    }
    if own {
        device.end_process(call.thread, code);
        return Ok(Done::Gone);
    }
    device.end_other_process(number, code);
    TRUE
}

fn open_process(device: &mut Device, call: &Call) -> Reply {
    let number = device.process_of(call.arguments[2])?;
    let handle = device.process(number).map_or(0, |process| process.handle);
    device.open_for(handle, call.process);
    value(handle)
}

fn exit_code(device: &mut Device, call: &Call) -> Reply {
    let [handle, code, ..] = call.arguments;
    let real = device.real_handle(handle);
    let result = match device.state.handles.get(&real).map(|handle| &handle.object) {
        Some(Object::Process(..)) => device.state.exit_codes.get(&real).copied().unwrap_or(STILL_ACTIVE),
        _ => return Err(CeError::INVALID_HANDLE),
    };
    device.write_word(call.thread, code, result)?;
    TRUE
}

fn process_index(device: &mut Device, call: &Call) -> Reply {
    value(device.process_of(call.arguments[0])?.into())
}

fn process_version(device: &mut Device, call: &Call) -> Reply {
    let number = if call.arguments[0] == 0 { call.process } else { device.process_of(call.arguments[0])? };
    let image = device.process(number).map(|process| process.image).ok_or(CeError::INVALID_HANDLE)?;
    let (major, minor) = device.state.images[image as usize].version;
    value(u32::from(major) << 16 | u32::from(minor))
}

fn command_line(device: &mut Device, call: &Call) -> Reply {
    value(device.process(call.process).map_or(0, |process| process.command_line))
}

fn is_dying(device: &mut Device, call: &Call) -> Reply {
    let owner = device.thread(call.thread).owner;
    value(device.process(owner).is_some_and(|process| process.is_ending).into())
}
