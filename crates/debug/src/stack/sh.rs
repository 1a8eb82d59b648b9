//! SuperH: the functions of Windows CE's `.pdata`, CFI, code, the link register, and at last a search.

mod code;

use super::{
    ce_code, cfi, code_flow,
    register_file::sh_number::{R8, R14},
    step::{Attempt, Cursor, Method, scan},
    surroundings::Surroundings,
};
use code::CODE;

/// Best first.
pub(super) const METHODS: [Method; 8] =
    [jump_to_bad_address, unwind_data, transition, cfi, by_symbol, by_search, link_register, search];

/// Whether calls preserve a register.
fn is_kept(number: usize) -> bool {
    (R8..=R14).contains(&number)
}

fn jump_to_bad_address(around: &Surroundings, cursor: &Cursor) -> Attempt {
    ce_code::jump_to_bad_address(around, cursor, &CODE)
}

fn unwind_data(around: &Surroundings, cursor: &Cursor) -> Attempt {
    ce_code::unwind_data(around, cursor, |_| &CODE)
}

fn transition(around: &Surroundings, cursor: &Cursor) -> Attempt {
    ce_code::transition(around, cursor, &CODE)
}

fn cfi(around: &Surroundings, cursor: &Cursor) -> Attempt {
    cfi::caller(around, cursor, is_kept)
}

fn by_symbol(around: &Surroundings, cursor: &Cursor) -> Attempt {
    ce_code::by_symbol(around, cursor, &CODE)
}

fn by_search(around: &Surroundings, cursor: &Cursor) -> Attempt {
    code_flow::by_search(around, cursor, &CODE)
}

fn link_register(around: &Surroundings, cursor: &Cursor) -> Attempt {
    ce_code::link_register(around, cursor, &CODE)
}

fn search(around: &Surroundings, cursor: &Cursor) -> Attempt {
    scan(around, cursor, cursor.registers.sp(), R14)
}
