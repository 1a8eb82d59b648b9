//! 32-bit ARM: the link register, the chain of `r11`, and a search. Function tables of ARM images are not read here.

use super::{
    frame::{FoundBy, ReturnCheck, StackEnd, Trust},
    step::{Attempt, Caller, Cursor, Method, frame_pointer, scan},
    surroundings::Surroundings,
};
use vatlas_space::Va;

/// Best first.
pub(super) const METHODS: [Method; 3] = [chain, link_register, search];

/// Frame pointer of ARM code of Windows.
const R11: usize = 11;
const LR: usize = 14;

/// `[r11]` is the caller's `r11`, the return address is above it.
fn chain(around: &Surroundings, cursor: &Cursor) -> Attempt {
    if cursor.found_by == FoundBy::FramePointer && cursor.registers.get(R11) == Some(0) {
        return Attempt::End(StackEnd::FramePointerZero);
    }
    Attempt::from(frame_pointer(around, cursor, R11))
}

/// The top function may not have stored its return address yet; whether it has, nobody says.
fn link_register(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let Some(lr) = cursor.registers.get(LR).filter(|_| cursor.is_exact_pc) else { return Attempt::NotHere };
    let check = around.check_return(cursor.registers.machine, Va(lr));
    if !matches!(check, ReturnCheck::AfterCall | ReturnCheck::NotCaptured) {
        return Attempt::NotHere;
    }
    let mut caller = cursor.registers.clone();
    caller.pc = Va(lr);
    caller.keep(|number| (4..=R11).contains(&number));
    Attempt::Caller(Box::new(Caller::new(caller, FoundBy::LeafReturn, Trust::Guess, None)))
}

fn search(around: &Surroundings, cursor: &Cursor) -> Attempt {
    scan(around, cursor, cursor.registers.sp(), R11)
}
