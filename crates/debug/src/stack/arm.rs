//! 32-bit ARM and Thumb: `.pdata` of Windows CE and of Windows on ARM, CFI, code, the chain of `r11`, the link register,
//! and at last a search.
//!
//! Which of the two instruction sets runs, bit 5 of the status register says, and bit 0 of a return address. `.pdata` of
//! Windows CE names functions ([`super::ce_functions`]), whose code is followed; that of Windows on ARM describes the
//! prologue as well (`nt.rs`).

mod code;
mod nt;
mod packed;
mod thumb;
mod unwind_code;
mod xdata;

use super::{
    ce_code, cfi,
    code_flow::{self, CodeSet},
    frame::{FoundBy, StackEnd},
    register_file::arm_number::{R4, R11},
    step::{Attempt, Cursor, Method, frame_pointer, scan},
    surroundings::Surroundings,
};

/// Best first.
pub(super) const METHODS: [Method; 10] = [
    jump_to_bad_address,
    nt::unwind_data,
    unwind_data,
    transition,
    cfi,
    by_symbol,
    by_search,
    chain,
    link_register,
    search,
];

/// Whether calls preserve a register.
fn is_kept(number: usize) -> bool {
    (R4..=R11).contains(&number)
}

/// The instruction set of a frame.
fn code(cursor: &Cursor) -> &'static CodeSet {
    if cursor.registers.is_thumb { &thumb::CODE } else { &code::CODE }
}

fn jump_to_bad_address(around: &Surroundings, cursor: &Cursor) -> Attempt {
    ce_code::jump_to_bad_address(around, cursor, code(cursor))
}

fn unwind_data(around: &Surroundings, cursor: &Cursor) -> Attempt {
    ce_code::unwind_data(around, cursor, |function| if function.is_short { &thumb::CODE } else { &code::CODE })
}

fn transition(around: &Surroundings, cursor: &Cursor) -> Attempt {
    ce_code::transition(around, cursor, code(cursor))
}

fn cfi(around: &Surroundings, cursor: &Cursor) -> Attempt {
    cfi::caller(around, cursor, is_kept)
}

fn by_symbol(around: &Surroundings, cursor: &Cursor) -> Attempt {
    ce_code::by_symbol(around, cursor, code(cursor))
}

fn by_search(around: &Surroundings, cursor: &Cursor) -> Attempt {
    code_flow::by_search(around, cursor, code(cursor))
}

/// `[r11]` is the caller's `r11`, the return address is above it.
fn chain(around: &Surroundings, cursor: &Cursor) -> Attempt {
    if cursor.found_by == FoundBy::FramePointer && cursor.registers.get(R11) == Some(0) {
        return Attempt::End(StackEnd::FramePointerZero);
    }
    Attempt::from(frame_pointer(around, cursor, R11))
}

fn link_register(around: &Surroundings, cursor: &Cursor) -> Attempt {
    ce_code::link_register(around, cursor, code(cursor))
}

fn search(around: &Surroundings, cursor: &Cursor) -> Attempt {
    scan(around, cursor, cursor.registers.sp(), R11)
}
