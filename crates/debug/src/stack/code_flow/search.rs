//! The beginning of a function that nobody names, searched for in the code before an address.

use super::{ByFlow, CodeSet, Delay, Flow, Function, PrologueSign, State, Step, by_flow};
use crate::stack::{
    frame::{FoundBy, ReturnCheck, Trust},
    step::{Attempt, Caller, Cursor},
    surroundings::Surroundings,
};
use vatlas_space::Va;

/// Bytes before an address that are searched: less than two to this power.
const SEARCHED_BITS: u32 = 12;
/// Bytes behind an address that may belong to its function.
const BEHIND: u64 = 0x2000;
/// Prologues that are tried.
const MOST_TRIED: usize = 6;
/// Instructions of a prologue before the one that gives it away.
const MOST_BEFORE: usize = 16;

/// The caller of a frame whose function nobody names: the nearest one before `pc` whose code leads there, and whose
/// return address follows a call. It begins where something looks like a prologue.
pub(in crate::stack) fn by_search(around: &Surroundings, cursor: &Cursor, code: &CodeSet) -> Attempt {
    let pc = cursor.registers.pc;
    let (from, bytes) = bytes_around(around, pc, code.unit);
    let end = Va(pc.0.saturating_add(BEHIND));
    let unit = code.unit as usize;
    // The prologue may not have run to its end; behind a call it has.
    let last = if cursor.is_exact_pc { bytes.len() } else { (pc.0 - from.0) as usize };
    let places = (0..last / unit).rev().map(|number| number * unit);
    let prologues = places.filter(|at| sign(code, &bytes, *at) == PrologueSign::Certain);
    let begins = prologues.map(|at| Va(from.0 + beginning(code, &bytes, at) as u64)).filter(|begin| *begin <= pc);
    for begin in begins.take(MOST_TRIED) {
        let function = Function { begin, end, is_known: false };
        let found = by_flow(around, cursor, code, function, FoundBy::Prologue);
        let is_reached = matches!(found, ByFlow::Reached(_));
        if let Attempt::Caller(caller) = Attempt::from(found)
            && is_plausible(around, cursor, &caller)
        {
            // Code that only a table leads to may belong to another function.
            let trust = if is_reached { caller.trust } else { Trust::Guess };
            return Attempt::Caller(Box::new(Caller { trust, ..*caller }));
        }
    }
    Attempt::NotHere
}

fn is_plausible(around: &Surroundings, cursor: &Cursor, caller: &Caller) -> bool {
    let check = around.check_return(caller.registers.machine, caller.registers.target());
    let is_code = matches!(check, ReturnCheck::AfterCall | ReturnCheck::NotCaptured | ReturnCheck::Zero);
    is_code && caller.registers.sp() >= cursor.registers.sp()
}

/// The bytes before an address as far as they can be read in one piece, and those of some instructions there.
fn bytes_around(around: &Surroundings, pc: Va, unit: u64) -> (Va, Vec<u8>) {
    let read = |length: u64| {
        let mut bytes = vec![0; length as usize];
        let from = pc.checked_sub(length)?;
        around.space().read_exact(from, &mut bytes).ok()?;
        Some((from, bytes))
    };
    // The longest that can be read: bit by bit from the highest on.
    let mut longest = 0;
    for bit in (0..=SEARCHED_BITS).rev().map(|bit| 1 << bit).filter(|bit| *bit >= unit) {
        if read(longest + bit).is_some() {
            longest += bit;
        }
    }
    let (from, mut bytes) = read(longest).unwrap_or((pc, Vec::new()));
    let mut next = [0; MOST_BEFORE * 4];
    let count = around.space().read_available(pc, &mut next);
    bytes.extend_from_slice(&next[..count]);
    (from, bytes)
}

fn sign(code: &CodeSet, bytes: &[u8], at: usize) -> PrologueSign {
    (code.prologue)(word_at(bytes, at))
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    for (slot, byte) in word.iter_mut().zip(bytes.iter().skip(at)) {
        *slot = *byte;
    }
    u32::from_le_bytes(word)
}

/// The first instruction of a prologue that has a certain one at `at`: the first that may belong to one, with no call
/// or return between.
fn beginning(code: &CodeSet, bytes: &[u8], at: usize) -> usize {
    let mut begin = at;
    let mut before = at;
    for _ in 0..MOST_BEFORE {
        let Some(next) = before.checked_sub(code.unit as usize) else { break };
        before = next;
        let step = Step { va: Va(0x1000), word: word_at(bytes, before), read: &|_| None };
        let after = (code.step)(&mut State::entry(), &step);
        let Some(after) = after else { break };
        // The certain one may run behind a jump, before it is taken.
        let is_behind = after.delay != Delay::None && before + after.size as usize == at;
        if !is_behind && !matches!(after.flow, Flow::Next | Flow::Branch(_)) {
            break;
        }
        if sign(code, bytes, before) == PrologueSign::Possible {
            begin = before;
        }
    }
    begin
}
