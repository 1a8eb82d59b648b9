//! Calls of a thread into server processes on Windows CE up to 5.x: the kernel's own records of where each returns to,
//! for a walk that comes to an address which only the kernel knows how to return from.
//!
//! ```text
//! kernel data page   94 pCurThd, 90 pCurPrc, 300 array of PROCESS
//! THREAD             08 next of the process, 18 pcstkTop, 3C hTh      PROCESS   0C slot, 10 first thread
//! CALLSTACK          00 next, 04 return address, 08 process that called, 14 stack pointer
//! ```
//!
//! Layouts that open tools for CE 4.2 and 5 publish for ARM. That a thread goes on with the record's two values was not
//! checked on a device: no frame behind one is exact. On x86 they are those of our own kernel (`docs/ce_kernel.md`):
//! the record has the stack pointer as it was when the call came to the kernel, the return address on top of it.

use super::surroundings::Surroundings;
use std::collections::VecDeque;
use vatlas_rules::ce::{
    kdata::{KDATA_ARM, KDATA_OTHER},
    structures::{call, info, kdata, process, thread as thread_fields},
};
use vatlas_space::{Machine, ThreadId, Va};

/// Records that are read; deeper calls are a loop.
const MOST_RECORDS: usize = 64;
/// Threads of a process that are looked through.
const MOST_THREADS: usize = 1024;
/// Entries of the array of processes.
const PROCESSES: u32 = 32;

/// A call into a server process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ServerCall {
    /// Where the kernel keeps the return address.
    pub place: Va,
    /// Where the thread goes on in the process that called.
    pub return_address: u32,
    /// Its stack pointer when it called; absent where the kernel does not change it.
    pub sp: Option<Va>,
    /// The first address of the slot of the process that called.
    pub slot: Option<Va>,
}

/// The kernel's data page as a processor's user code sees it.
pub(super) const fn kernel_page(machine: Machine) -> Option<Va> {
    match machine {
        Machine::Arm => Some(KDATA_ARM),
        Machine::X86 => Some(KDATA_OTHER),
        _ => None,
    }
}

/// The calls of a thread that have not returned, innermost first; `None` where the kernel's memory was not captured.
pub(super) fn server_calls(
    around: &Surroundings,
    machine: Machine,
    thread: Option<ThreadId>,
) -> Option<VecDeque<ServerCall>> {
    around.layout().filter(|layout| layout.has_slots())?;
    let thread = find_thread(around, kernel_page(machine)?, thread?)?;
    let mut calls = VecDeque::new();
    let mut next = pointer(around, thread, thread_fields::CALLS);
    while let Some(record) = next.filter(|_| calls.len() < MOST_RECORDS) {
        let Some(call) = read_call(around, record) else { break };
        calls.push_back(call);
        next = pointer(around, record, call::NEXT);
    }
    Some(calls)
}

/// The slot of the process whose code a thread runs, by the kernel's own word; on x86 alone, where it is our kernel's.
pub(super) fn current_slot(around: &Surroundings, machine: Machine, thread: Option<ThreadId>) -> Option<Va> {
    around.layout().filter(|layout| layout.has_slots() && machine == Machine::X86)?;
    let thread = find_thread(around, kernel_page(machine)?, thread?)?;
    pointer(around, pointer(around, thread, thread_fields::PROCESS)?, process::VM_BASE)
}

fn read_call(around: &Surroundings, record: Va) -> Option<ServerCall> {
    let place = record.checked_add(call::RETURN.into())?;
    let return_address = around.u32(place)?;
    let caller = pointer(around, record, call::PROCESS);
    let slot = caller.and_then(|caller| pointer(around, caller, process::VM_BASE));
    Some(ServerCall { place, return_address, sp: pointer(around, record, call::STACK), slot })
}

/// The structure of a thread: that of the current one, or one of a process.
fn find_thread(around: &Surroundings, page: Va, id: ThreadId) -> Option<Va> {
    let is_it = |thread: &Va| word(around, *thread, thread_fields::HANDLE) == Some(id.0);
    let current = pointer(around, page, kdata::CURRENT_THREAD);
    if let Some(current) = current.filter(is_it) {
        return Some(current);
    }
    let first = pointer(around, page, kdata::INFO + 4 * info::PROCESSES);
    let all = (0..PROCESSES).filter_map(|number| first?.checked_add(u64::from(number * process::BYTES)));
    let current = pointer(around, page, kdata::CURRENT_PROCESS);
    let mut threads = current.into_iter().chain(all).filter_map(|process| thread_of(around, process, &is_it));
    threads.next()
}

/// A thread of a process.
fn thread_of(around: &Surroundings, process: Va, is_it: &dyn Fn(&Va) -> bool) -> Option<Va> {
    let mut next = pointer(around, process, process::THREADS);
    for _ in 0..MOST_THREADS {
        let thread = next?;
        if is_it(&thread) {
            return Some(thread);
        }
        next = pointer(around, thread, thread_fields::NEXT);
    }
    None
}

fn word(around: &Surroundings, structure: Va, offset: u32) -> Option<u32> {
    around.u32(structure.checked_add(offset.into())?)
}

/// A pointer in a structure of the kernel; `None` for zero.
fn pointer(around: &Surroundings, structure: Va, offset: u32) -> Option<Va> {
    word(around, structure, offset).filter(|va| *va != 0).map(|va| Va(va.into()))
}
