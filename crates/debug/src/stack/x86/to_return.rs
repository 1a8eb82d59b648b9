//! The caller of an x86 frame by where its code returns: every way from `pc` on is followed to a return instruction, and
//! what the stack pointer is there tells where the return address lies.
//!
//! ```text
//! add esp, 12 ; pop ebx ; ret             from `pc` on, however many branches and calls are before them
//! leave ; ret                             the stack pointer comes from the frame pointer
//! push ebx ; sub esp, 8 ; ... ; ret       in a prologue: what is built first is taken down again
//! jmp [import]                            the function that is jumped to returns to the caller
//! ```
//!
//! No symbol is needed, not even the beginning of the function.

use super::{
    callee::{Called, called},
    code::{called_before, is_return, word},
    effect::{self, Memory},
    from_start::leads_here,
    state::{REGISTERS, State, Value},
    ways::{Convention, Found, Ways, popped},
};
use crate::stack::{
    frame::{FoundBy, Trust},
    register_file::x86_number::{BP, BX, DI, SI, SP},
    step::{Attempt, Caller, Cursor},
    surroundings::Surroundings,
};
use vatlas_space::Va;

/// The registers that calls preserve.
pub(super) const KEPT: [usize; 4] = [BX, BP, SI, DI];

/// The caller, by the returns that the code leads to.
pub(in crate::stack) fn to_return(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let conventions = [Convention::CallerPops, Convention::CalleePops];
    let mut doubtful = None;
    for convention in conventions {
        let Some(state) = state_of(around, cursor, convention) else { continue };
        let Some(caller) = by_returns(around, cursor, state, convention) else { continue };
        if caller.trust == Trust::Exact {
            return Attempt::Caller(Box::new(caller));
        }
        let back = caller.registers.pc.0 as u32;
        if is_return(around, back) {
            if agrees(around, cursor, &caller) {
                return Attempt::Caller(Box::new(caller));
            }
            doubtful.get_or_insert(caller);
        }
    }
    Attempt::from(doubtful)
}

/// What is known at `pc`: the registers of the frame.
fn state_of(around: &Surroundings, cursor: &Cursor, convention: Convention) -> Option<State> {
    let register = |number: usize| match cursor.registers.get(number) {
        Some(value) => Value::Number(value as u32),
        None => Value::Initial(number as u8),
    };
    let registers: [Value; REGISTERS] = std::array::from_fn(register);
    let mut state = State::new(registers);
    if cursor.is_exact_pc {
        return Some(state);
    }
    effect::forget_results(&mut state);
    let pc = cursor.registers.pc.0 as u32;
    let taken = cursor.callee_popped.or_else(|| match called(around, called_before(around, pc)?, 0) {
        Called::Returns(bytes) => Some(bytes),
        _ => None,
    });
    state.is_certain = taken.is_some();
    state.add_sp(taken.unwrap_or_else(|| popped(around, pc, 0, convention)));
    Some(state)
}

fn by_returns(around: &Surroundings, cursor: &Cursor, state: State, convention: Convention) -> Option<Caller> {
    let pc = cursor.registers.pc.0 as u32;
    let memory: &Memory = &|address| word(around, address);
    let Found { returns, .. } = Ways::new(around, memory, convention).returns(pc, state);
    let callers: Vec<Caller> =
        returns.iter().filter_map(|(state, popped)| caller_at(cursor, state, *popped, memory)).collect();
    let place = |caller: &Caller| caller.place;
    let first = callers.first()?;
    let is_one = callers.len() == returns.len() && callers.iter().all(|caller| place(caller) == place(first));
    if is_one {
        return Some(merged(&callers, place(first)));
    }
    // Somewhere a way left the function: behind a call that does not return, or through a wrong table.
    let likely = |caller: &Caller| is_return(around, caller.registers.pc.0 as u32);
    let candidates: Vec<&Caller> = callers.iter().filter(|caller| likely(caller)).collect();
    let agreed = candidates.iter().find(|caller| agrees(around, cursor, caller));
    let most = || {
        let count = |of: &&Caller| callers.iter().filter(|caller| place(caller) == place(of)).count();
        let mut best: Option<&&Caller> = None;
        for candidate in &candidates {
            if best.is_none_or(|best| count(candidate) > count(best)) {
                best = Some(candidate);
            }
        }
        best
    };
    let chosen = place(agreed.or_else(most)?);
    let same: Vec<Caller> = callers.iter().filter(|caller| place(caller) == chosen).cloned().collect();
    Some(Caller { trust: Trust::Likely, is_told: false, ..merged(&same, chosen) })
}

/// Whether the call before the return address goes to the function that `pc` is in.
fn agrees(around: &Surroundings, cursor: &Cursor, caller: &Caller) -> bool {
    let back = caller.registers.pc.0 as u32;
    let start = called_before(around, back).zip(caller.place);
    start.is_some_and(|(start, place)| leads_here(around, cursor, start, place.0 as u32).is_some())
}

/// What all returns say: of registers that they do not agree on nothing is known.
fn merged(callers: &[Caller], place: Option<Va>) -> Caller {
    let mut all = callers.iter();
    let mut merged = all.next().cloned().unwrap_or_else(|| unreachable!("a place is that of a caller"));
    for other in all {
        for number in KEPT {
            if merged.registers.get(number) != other.registers.get(number) {
                merged.registers.set(number, None);
            }
        }
        merged.trust = merged.trust.min(other.trust);
        merged.is_told &= other.is_told;
        if merged.popped != other.popped {
            (merged.popped, merged.parameters) = (None, None);
        }
    }
    Caller { place, ..merged }
}

/// The caller where a return instruction comes with this state.
fn caller_at(cursor: &Cursor, state: &State, popped: u32, memory: &Memory) -> Option<Caller> {
    let sp = state.sp()?;
    let place = Va(sp.into());
    if !cursor.may_be_stack(place) || !place.is_aligned(4) {
        return None;
    }
    let back = effect::word(state, sp, memory).number()?;
    let mut registers = cursor.registers.clone();
    registers.keep(|_| false);
    for number in KEPT {
        let value = match state.get(number) {
            Value::Number(value) => Some(value.into()),
            Value::Initial(other) => cursor.registers.get(other.into()),
            Value::Unknown => None,
        };
        registers.set(number, value);
    }
    registers.set(SP, Some(u64::from(sp.checked_add(4)?)));
    registers.set_target(back.into());
    let trust = if state.is_certain { Trust::Exact } else { Trust::Likely };
    let mut caller = Caller::new(registers, FoundBy::Prologue, trust, Some(place));
    caller.popped = Some(popped);
    caller.parameters = Some(popped).filter(|popped| *popped != 0);
    // A way may have left the function unseen: that the return address was overwritten is for others to say.
    caller.is_told = state.is_certain && back == 0;
    Some(caller)
}
