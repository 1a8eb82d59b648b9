//! x86: FPO and FrameData of symbol files, CFI, code, the chain of frame pointers, and at last a search.
//!
//! Images of x86 have no unwind data. What is best depends on what is there: rules that the compiler wrote into a
//! symbol file need that file, reading the code needs the code, the chain of `ebp` needs functions that keep it.

mod callee;
mod code;
mod effect;
mod from_start;
mod program;
mod rules;
mod state;
mod to_return;
mod ways;

pub(super) use code::CodeRead;

use super::{
    cfi,
    frame::{FoundBy, StackEnd, Trust},
    instructions::{in_body, in_transition, is_kept},
    register_file::x86_number::BP,
    step::{Attempt, Caller, Cursor, Method, frame_pointer, leaf_of_bad_jump, scan},
    surroundings::Surroundings,
};
use vatlas_space::{Machine, Va};

/// Best first.
pub(super) const METHODS: [Method; 11] = [
    at_kernel_return,
    leaf_of_bad_jump,
    in_transition,
    rules::by_rule,
    cfi,
    to_return,
    by_call,
    by_start,
    in_body,
    chain,
    search,
];

/// A thread that the kernel of Windows CE is about to take back to the caller of a server.
fn at_kernel_return(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let registers = &cursor.registers;
    let is_return = cursor.is_exact_pc && around.is_kernel_return(registers.pc);
    // The return address is off the stack already.
    let place = registers.sp().checked_sub(4).filter(|_| is_return);
    Attempt::from(place.map(|place| Caller::new(registers.clone(), FoundBy::LeafReturn, Trust::Likely, Some(place))))
}

fn to_return(around: &Surroundings, cursor: &Cursor) -> Attempt {
    if cursor.is_above_damage { Attempt::NotHere } else { to_return::to_return(around, cursor) }
}

fn by_call(around: &Surroundings, cursor: &Cursor) -> Attempt {
    if cursor.is_above_damage { Attempt::NotHere } else { from_start::by_call(around, cursor) }
}

fn by_start(around: &Surroundings, cursor: &Cursor) -> Attempt {
    if cursor.is_above_damage { Attempt::NotHere } else { from_start::by_start(around, cursor) }
}

fn cfi(around: &Surroundings, cursor: &Cursor) -> Attempt {
    cfi::caller(around, cursor, |number| is_kept(Machine::X86, number))
}

/// `[ebp]` is the caller's `ebp`, `[ebp+4]` the return address. Zero ends the chain.
fn chain(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let is_chain = matches!(cursor.found_by, FoundBy::FramePointer | FoundBy::FrameData | FoundBy::Prologue);
    if is_chain && !cursor.is_exact_pc && cursor.registers.get(BP) == Some(0) {
        return Attempt::End(StackEnd::FramePointerZero);
    }
    Attempt::from(frame_pointer(around, cursor, BP))
}

fn search(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let parameters = cursor.callee_parameters.unwrap_or(0);
    let from = Va(cursor.registers.sp().0.saturating_add(parameters.into()));
    scan(around, cursor, from, BP)
}
