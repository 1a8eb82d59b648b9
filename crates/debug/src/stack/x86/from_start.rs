//! The caller of an x86 frame by the beginning of its function: from there the code is followed to `pc`.
//!
//! Who called the function tells where it begins: before the return address stands the call. So every word of the stack
//! that points behind a call is tried. The ways from that call's function must lead to `pc`, and the stack pointer that
//! they have there, begun at that very word, must be the frame's. A word that is left over from an earlier call does not
//! agree, for its place is another one.

use super::{
    callee::{AROUND, NOWHERE},
    code::{called_before, is_return, word},
    effect::Memory,
    state::{REGISTERS, State, Value},
    to_return::KEPT,
    ways::{Convention, Goal, Ways},
};
use crate::stack::{
    frame::{FoundBy, Trust},
    register_file::x86_number::{BP, SP},
    step::{Attempt, Caller, Cursor},
    surroundings::Surroundings,
};
use std::collections::HashMap;
use vatlas_space::Va;

/// Words of the stack that are looked at: a frame of 64 KB.
const WORDS: usize = 0x4000;
/// Functions that are followed for one frame.
const MOST_TRIED: usize = 48;
/// Bytes from a function's beginning to its farthest instruction.
const LONGEST: u32 = 0x4_0000;
/// The caller, by the calls that words of the stack point behind.
pub(in crate::stack) fn by_call(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let (sp, pc) = (cursor.registers.sp(), cursor.registers.pc.0 as u32);
    let mut bytes = vec![0; 4 * WORDS];
    let count = around.space().read_available(sp, &mut bytes);
    let words = bytes.get(..count).unwrap_or_default().as_chunks().0;
    let mut depths = HashMap::new();
    for (number, back) in words.iter().enumerate() {
        let Some(place) = sp.checked_add(4 * number as u64).filter(|place| cursor.may_be_stack(*place)) else { break };
        let back = u32::from_le_bytes(*back);
        let function = || called_before(around, back).filter(|function| *function <= pc && pc - function < LONGEST);
        let Some(function) = Some(back).filter(|back| is_return(around, *back)).and_then(|_| function()) else {
            continue;
        };
        let place = place.0 as u32;
        if depths.len() >= MOST_TRIED && !depths.contains_key(&function) {
            continue;
        }
        // What is at a fixed depth needs to be followed once.
        let depth = *depths.entry(function).or_insert_with(|| depth_of(around, cursor, function));
        let is_possible = match depth {
            Depth::NotReached => false,
            Depth::Fixed(depth) => place.wrapping_sub(sp.0 as u32) == depth,
            Depth::Unknown => true,
        };
        if is_possible && let Some(caller) = leads_here(around, cursor, function, place) {
            return Attempt::Caller(Box::new(caller));
        }
    }
    Attempt::NotHere
}

/// How far the return address lies above the stack pointer at `pc`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Depth {
    /// No way leads to `pc`.
    NotReached,
    Fixed(u32),
    /// It depends on where the stack is, or on something else that nobody knows.
    Unknown,
}

fn depth_of(around: &Surroundings, cursor: &Cursor, function: u32) -> Depth {
    match follow(around, cursor, function, None) {
        None => Depth::NotReached,
        Some(state) => state.sp().map_or(Depth::Unknown, |sp| Depth::Fixed(NOWHERE.wrapping_sub(sp))),
    }
}

/// Follows a function from its beginning to `pc`, with its return address at a place.
fn follow(around: &Surroundings, cursor: &Cursor, function: u32, place: Option<u32>) -> Option<State> {
    let entry = place.unwrap_or(NOWHERE);
    let mut registers: [Value; REGISTERS] = std::array::from_fn(|number| Value::Initial(number as u8));
    registers[SP] = Value::Number(entry);
    let memory: &Memory = &|address| {
        let is_own = match place {
            // What lies below was not there yet.
            Some(place) => address < place && place - address < AROUND,
            None => address.abs_diff(NOWHERE) < AROUND,
        };
        (!is_own).then(|| word(around, address)).flatten()
    };
    let goal = Goal { va: cursor.registers.pc.0 as u32, is_exact: cursor.is_exact_pc };
    let convention = Convention::CallerPops;
    Ways::new(around, memory, convention).reach(function, State::new(registers), goal)
}

/// The caller when a function has its return address at `place`, if its code then leads to `pc` with the frame's stack
/// pointer.
pub(super) fn leads_here(around: &Surroundings, cursor: &Cursor, function: u32, place: u32) -> Option<Caller> {
    let state = follow(around, cursor, function, Some(place))?;
    let is_equal = |number: usize| {
        let actual = cursor.registers.get(number).map(|value| value as u32);
        state.get(number).number().zip(actual).map(|(followed, actual)| followed == actual)
    };
    let is_it = match (is_equal(SP), is_equal(BP)) {
        (Some(is_it), _) => is_it,
        // Room of a size that only the running function knew.
        (None, Some(is_it)) => is_it,
        (None, None) => false,
    };
    is_it.then(|| caller_of(around, cursor, &state, place)).flatten()
}

/// The caller of a function that was entered with its return address at `place`.
fn caller_of(around: &Surroundings, cursor: &Cursor, state: &State, place: u32) -> Option<Caller> {
    let mut registers = cursor.registers.clone();
    registers.keep(|_| false);
    for number in KEPT {
        let initial = Value::Initial(number as u8);
        let value = if state.get(number) == initial {
            cursor.registers.get(number)
        } else {
            state.place_of(initial).and_then(|saved| word(around, saved)).map(u64::from)
        };
        registers.set(number, value);
    }
    registers.set(SP, Some(place.checked_add(4)?.into()));
    registers.set_target(word(around, place)?.into());
    let trust = if state.is_certain { Trust::Exact } else { Trust::Likely };
    let caller = Caller::new(registers, FoundBy::Prologue, trust, Some(Va(place.into())));
    Some(Caller { is_told: false, ..caller })
}

/// The caller of a frame whose function begins where a symbol, or the image's entry point, says: it is not known to
/// return, else its returns would have told.
pub(in crate::stack) fn by_start(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let pc = cursor.lookup_va();
    let symbol = around.function_start(pc).map(|(start, _)| start);
    let entry = around.module_at(pc).and_then(|(module, _)| around.entry_point(module));
    for start in symbol.into_iter().chain(entry).filter(|start| *start <= pc) {
        let Some(state) = follow(around, cursor, start.0 as u32, None) else { continue };
        let place = |number: usize| {
            let depth = NOWHERE.wrapping_sub(state.get(number).number()?);
            let actual = cursor.registers.get(number)? as u32;
            (depth < AROUND).then(|| actual.wrapping_add(depth))
        };
        let by_sp = place(SP).filter(|_| state.is_certain);
        let place = by_sp.or_else(|| place(BP)).or_else(|| place(SP));
        let place = place.filter(|place| cursor.may_be_stack(Va((*place).into())) && place.is_multiple_of(4));
        let Some(place) = place else { continue };
        let moved = |saved: u32| place.wrapping_sub(NOWHERE.wrapping_sub(saved));
        let Some(mut caller) = caller_of(around, cursor, &state, place) else { continue };
        for number in KEPT {
            let initial = Value::Initial(number as u8);
            if state.get(number) != initial {
                let value = state.place_of(initial).and_then(|saved| word(around, moved(saved)));
                caller.registers.set(number, value.map(u64::from));
            }
        }
        caller.trust = Trust::Likely;
        let back = caller.registers.pc.0 as u32;
        if back == 0 || is_return(around, back) {
            return Attempt::Caller(Box::new(caller));
        }
    }
    Attempt::NotHere
}
