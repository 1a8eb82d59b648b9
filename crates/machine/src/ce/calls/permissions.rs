//! Calls about access keys, mapped pointers and kernel mode (`wince.md` 2.6).

use super::super::call::{Call, Handler, Reply, value};
use super::super::error::CeError;
use super::super::layout::thread;
use super::super::space::{SLOT, opens, slot_of};
use crate::ce::{Device, ThreadState};

pub(crate) const ROWS: &[(&str, Handler)] = &[
    ("GetCurrentPermissions", |device, call| value(device.thread(call.thread).key)),
    ("SetProcPermissions", set_permissions),
    ("MapPtrToProcess", map_pointer),
    ("UnMapPtr", unmap_pointer),
    ("CeZeroPointer", zero_pointer),
    ("MapCallerPtr", map_caller_pointer),
    ("GetCallerProcess", caller_process),
    ("GetOwnerProcess", owner_process),
    ("GetCallerProcessIndex", |device, call| value(device.caller_of(call.thread).into())),
    ("SetKMode", set_kernel_mode),
];

/// A thread may take any key: CE trusts programs of the ROM, and checks others only by their signature (our choice: all
/// programs are trusted).
fn set_permissions(device: &mut Device, call: &Call) -> Reply {
    let it = device.thread_mut(call.thread);
    let (old, at) = (it.key, it.at);
    it.key = call.arguments[0];
    device.set_word(at + thread::KEY, call.arguments[0]);
    device.place_changed(call.thread);
    value(old)
}

/// A zero-based pointer in the slot of a process; 0 when the caller's key does not open it.
fn map_pointer(device: &mut Device, call: &Call) -> Reply {
    let [pointer, process, ..] = call.arguments;
    let number = device.process_of(process)?;
    mapped_if_open(device, call, pointer, number)
}

fn mapped_if_open(device: &mut Device, call: &Call, pointer: u32, number: u8) -> Reply {
    if pointer == 0 {
        return value(0);
    }
    let mapped = device.mapped_for(number, pointer);
    let is_own = slot_of(mapped) == slot_of(device.process_base(call.process));
    if !is_own && !opens(device.thread(call.thread).key, slot_of(mapped)) {
        return Err(CeError::INVALID_PARAMETER);
    }
    value(mapped)
}

fn map_caller_pointer(device: &mut Device, call: &Call) -> Reply {
    let number = device.caller_of(call.thread);
    mapped_if_open(device, call, call.arguments[0], number)
}

/// Undoes a mapping into the caller's own slot.
fn unmap_pointer(device: &mut Device, call: &Call) -> Reply {
    value(device.said_by(call.process, call.arguments[0]))
}

/// The zero-based form of an address in a process's slot.
fn zero_pointer(_: &mut Device, call: &Call) -> Reply {
    let pointer = call.arguments[0];
    let is_mapped = super::super::space::is_process_slot(slot_of(pointer));
    value(if is_mapped { pointer & (SLOT - 1) } else { pointer })
}

fn caller_process(device: &mut Device, call: &Call) -> Reply {
    let number = device.caller_of(call.thread);
    value(device.process(number).map_or(0, |process| process.handle))
}

fn owner_process(device: &mut Device, call: &Call) -> Reply {
    let number = device.thread(call.thread).owner;
    value(device.process(number).map_or(0, |process| process.handle))
}

/// Kernel mode for the calling thread; the mode before.
fn set_kernel_mode(device: &mut Device, call: &Call) -> Reply {
    let it = device.thread(call.thread);
    debug_assert!(it.state != ThreadState::Ended);
    let (old, tls) = (it.in_kernel_mode, it.tls);
    // With full-kernel mode there is no other.
    let new = call.arguments[0] != 0 || device.state.full_kernel_mode;
    device.set_mode(call.thread, new);
    device.show_state(call.thread);
    device.write_word(call.thread, tls - 20, new.into())?;
    value(old.into())
}
