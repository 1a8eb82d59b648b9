//! Calls of a thread into server processes on Windows CE up to 5.x (ARM): the kernel's own records of where each
//! returns to, for a walk that comes to an address which only the kernel knows how to return from.
//!
//! ```text
//! kernel data page   94 pCurThd, 90 pCurPrc
//! THREAD             08 next of the process, 18 pcstkTop, 3C hTh      PROCESS   10 first thread
//! CALLSTACK          00 next, 04 return address, 08 process, 14 stack pointer
//! ```
//!
//! Layouts that open tools for CE 4.2 and 5 publish. That a thread goes on with the record's two values was not checked
//! on a device: no frame behind one is exact.

use super::surroundings::Surroundings;
use std::collections::VecDeque;
use vatlas_rules::ce::kdata::KDATA_ARM;
use vatlas_space::{Machine, ThreadId, Va};

/// Records that are read; deeper calls are a loop.
const MOST_RECORDS: usize = 64;
/// Threads of a process that are looked through.
const MOST_THREADS: usize = 1024;

/// A call into a server process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ServerCall {
    /// Where the kernel keeps the return address.
    pub place: Va,
    /// Where the thread goes on in the process that called.
    pub return_address: u32,
    /// Its stack pointer there; absent where the kernel does not change it.
    pub sp: Option<Va>,
}

/// The calls of a thread that have not returned, innermost first; none where the kernel's memory was not captured.
pub(super) fn server_calls(around: &Surroundings, machine: Machine, thread: Option<ThreadId>) -> VecDeque<ServerCall> {
    let layout = around.layout().filter(|layout| machine == Machine::Arm && layout.has_slots());
    let record = layout.and(thread).and_then(|thread| pointer(around, find_thread(around, thread)?, 0x18));
    let mut calls = VecDeque::new();
    let mut next = record;
    while let Some(record) = next.filter(|_| calls.len() < MOST_RECORDS) {
        let Some(call) = read_call(around, record) else { break };
        calls.push_back(call);
        next = pointer(around, record, 0);
    }
    calls
}

fn read_call(around: &Surroundings, record: Va) -> Option<ServerCall> {
    let place = record.checked_add(4)?;
    let return_address = around.u32(place)?;
    Some(ServerCall { place, return_address, sp: pointer(around, record, 0x14) })
}

/// The structure of a thread: that of the current one, or one of its process.
fn find_thread(around: &Surroundings, id: ThreadId) -> Option<Va> {
    let is_it = |thread: &Va| thread.checked_add(0x3c).and_then(|va| around.u32(va)) == Some(id.0);
    let current = pointer(around, KDATA_ARM, 0x94);
    if let Some(current) = current.filter(is_it) {
        return Some(current);
    }
    let mut next = pointer(around, pointer(around, KDATA_ARM, 0x90)?, 0x10);
    for _ in 0..MOST_THREADS {
        let thread = next?;
        if is_it(&thread) {
            return Some(thread);
        }
        next = pointer(around, thread, 0x08);
    }
    None
}

/// A pointer in a structure of the kernel; `None` for zero.
fn pointer(around: &Surroundings, structure: Va, offset: u64) -> Option<Va> {
    around.u32(structure.checked_add(offset)?).filter(|va| *va != 0).map(|va| Va(va.into()))
}
