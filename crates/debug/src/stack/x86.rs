//! x86: FPO and FrameData of symbol files, CFI, code, the chain of frame pointers, and at last a search.
//!
//! Images of x86 have no unwind data. What is best depends on what is there: rules that the compiler wrote into a
//! symbol file need that file, reading the code needs the code, the chain of `ebp` needs functions that keep it.

mod program;
mod rules;

use super::{
    cfi,
    frame::{FoundBy, StackEnd},
    instructions::{in_body, in_transition, is_kept},
    register_file::x86_number::BP,
    step::{Attempt, Cursor, Method, frame_pointer, leaf_of_bad_jump, scan},
    surroundings::Surroundings,
};
use vatlas_space::{Machine, Va};

/// Best first.
pub(super) const METHODS: [Method; 7] = [leaf_of_bad_jump, in_transition, rules::by_rule, cfi, in_body, chain, search];

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
