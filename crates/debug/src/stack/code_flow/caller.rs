//! Callers of functions whose code was followed.

use super::{CodeSet, Content, Delay, Flow, Function, REGISTERS, State, follow::follow, step_at};
use crate::stack::{
    frame::{FoundBy, StackEnd, Trust},
    register_file::RegisterFile,
    step::{Attempt, Caller, Cursor},
    surroundings::Surroundings,
};
use vatlas_space::Va;

/// Instructions from `pc` to the return that are run.
const MOST_TO_RETURN: usize = 32;

/// What following a function gave.
#[derive(Debug)]
pub(in crate::stack) enum ByFlow {
    /// Ways lead to `pc`.
    Reached(Attempt),
    /// Only a jump through a table, or nothing, can lead there.
    NotReached(Attempt),
}

/// The caller of a frame, by following its function to `pc`. Exact where every way leads there through instructions
/// that are followed; likely where only a jump through a table can.
pub(in crate::stack) fn by_flow(
    around: &Surroundings,
    cursor: &Cursor,
    code: &CodeSet,
    function: Function,
    found_by: FoundBy,
) -> ByFlow {
    let followed = follow(around, code, function, cursor).unwrap_or_default();
    let caller = |state: &State, trust| {
        let frame = Frame { around, cursor, code, state };
        frame.caller(frame.entry_sp(false), found_by, trust)
    };
    match followed.at_goal {
        Some(state) if followed.is_by_table => ByFlow::NotReached(caller(&state, Trust::Likely)),
        Some(state) => {
            let trust = if function.is_known { Trust::Exact } else { Trust::Likely };
            ByFlow::Reached(caller(&state, trust))
        }
        None => ByFlow::NotReached(Attempt::NotHere),
    }
}

impl From<ByFlow> for Attempt {
    fn from(found: ByFlow) -> Self {
        match found {
            ByFlow::Reached(attempt) | ByFlow::NotReached(attempt) => attempt,
        }
    }
}

/// The caller of a frame whose prologue has run, whatever has happened since: the stack pointer is as the prologue left
/// it, or a frame pointer leads to where it was.
pub(in crate::stack) fn by_prologue(
    around: &Surroundings,
    cursor: &Cursor,
    code: &CodeSet,
    (begin, end): (Va, Va),
    found_by: FoundBy,
) -> Attempt {
    let mut state = State::entry();
    let mut va = begin;
    while va < end {
        let after = step_at(around, code, va, &mut state);
        let Some(next) = after.and_then(|after| va.checked_add(after.size)) else { return Attempt::NotHere };
        va = next;
    }
    state.call(code);
    let frame = Frame { around, cursor, code, state: &state };
    frame.caller(frame.entry_sp(true), found_by, Trust::Likely)
}

struct Frame<'f, 'a, 't> {
    around: &'f Surroundings<'a, 't>,
    cursor: &'f Cursor,
    code: &'f CodeSet,
    state: &'f State,
}

impl Frame<'_, '_, '_> {
    fn register(&self, number: u8) -> Option<u64> {
        self.cursor.registers.get(number.into())
    }

    /// The stack pointer on entry, by a register that is a known sum of it. Those that calls preserve come first when
    /// the stack pointer itself may have moved.
    fn entry_sp(&self, may_have_moved: bool) -> Option<Va> {
        let sp = self.code.sp;
        let kept = (0..REGISTERS as u8).rev().filter(|number| *number != sp && (self.code.is_kept)((*number).into()));
        let others = (0..REGISTERS as u8).filter(|number| *number != sp && !(self.code.is_kept)((*number).into()));
        let (first, last) = if may_have_moved { (None, Some(sp)) } else { (Some(sp), None) };
        first.into_iter().chain(kept).chain(last).chain(others).find_map(|number| match self.state.get(number) {
            Content::Entry(register, offset) if register == sp => {
                Some(Va(u64::from((self.register(number)? as u32).wrapping_sub(offset as u32))))
            }
            _ => None,
        })
    }

    /// Where a content lies in memory, and where in a register that is known.
    fn place_of(&self, content: Content, entry: Va) -> (Option<Va>, Option<u64>) {
        let place = self.state.place_of(content, self.code.sp).map(|offset| sum(entry, offset));
        let register = || self.state.register_with(content, |number| self.register(number).is_some());
        match place {
            Some(place) => (Some(place), None),
            None => (None, register().and_then(|number| self.register(number))),
        }
    }

    fn caller(&self, entry: Option<Va>, found_by: FoundBy, trust: Trust) -> Attempt {
        let Some(entry) = entry else { return Attempt::NotHere };
        let (place, value) = self.place_of(Content::Entry(self.code.link, 0), entry);
        let target = match (place, value) {
            (Some(place), _) => match self.around.u32(place) {
                Some(target) => u64::from(target),
                None if self.cursor.may_be_stack(place) => return Attempt::End(StackEnd::NotCaptured(place)),
                None => return Attempt::NotHere,
            },
            (None, Some(value)) => value,
            (None, None) => return Attempt::NotHere,
        };
        let mut registers = self.cursor.registers.clone();
        registers.keep(|_| false);
        for number in (0..REGISTERS as u8).filter(|number| (self.code.is_kept)((*number).into())) {
            let value = match self.place_of(Content::Entry(number, 0), entry) {
                (Some(place), _) => self.around.u32(place).map(u64::from),
                (None, value) => value,
            };
            registers.set(number.into(), value);
        }
        registers.set_sp(entry);
        registers.set_target(target);
        let caller = Caller::new(registers, found_by, trust, place);
        Attempt::Caller(Box::new(Caller { is_told: trust == Trust::Exact || target == 0, ..caller }))
    }
}

fn sum(va: Va, offset: i32) -> Va {
    Va(u64::from((va.0 as u32).wrapping_add_signed(offset)))
}

/// The caller of a frame whose code runs straight on to its return: exact, because every instruction is followed.
pub(in crate::stack) fn run_to_return(around: &Surroundings, cursor: &Cursor, code: &CodeSet) -> Option<Caller> {
    let mut state = State::entry();
    let mut va = cursor.registers.pc;
    for number in 0..MOST_TO_RETURN {
        let after = step_at(around, code, va, &mut state)?;
        let mut next = va.checked_add(after.size)?;
        if after.delay != Delay::None {
            let slot = step_at(around, code, next, &mut state)?;
            next = next.checked_add(slot.size)?;
        }
        match after.flow {
            Flow::Next if state.block == 0 && after.otherwise.is_none() => va = next,
            Flow::Jump(to) => va = to,
            // `mov lr, pc` before it makes a call of it.
            Flow::Leave(to) if !state.get(code.link).is_number(next) => {
                let is_first = number == 0;
                let caller = Values { around, cursor, code }.caller(&state, to)?;
                // Code that faults on its way may never have meant to return from here.
                return Some(Caller { is_told: is_first || !cursor.is_exact_pc, ..caller });
            }
            _ => return None,
        }
    }
    None
}

/// Values of contents that count from now on.
struct Values<'v, 'a, 't> {
    around: &'v Surroundings<'a, 't>,
    cursor: &'v Cursor,
    code: &'v CodeSet,
}

impl Values<'_, '_, '_> {
    /// The caller where code returns to a content.
    fn caller(&self, state: &State, to: Content) -> Option<Caller> {
        let place = match to {
            Content::Entry(register, 0) if register == self.code.link => None,
            Content::Word(register, _) if register == self.code.sp || (self.code.is_kept)(register.into()) => {
                Some(self.address(to).filter(|place| self.cursor.may_be_stack(*place))?)
            }
            // A jump to another function.
            _ => return None,
        };
        let target = self.value(to)?;
        let sp = Va(self.value(state.get(self.code.sp))?);
        let mut registers: RegisterFile = self.cursor.registers.clone();
        registers.keep(|_| false);
        for number in (0..REGISTERS as u8).filter(|number| (self.code.is_kept)((*number).into())) {
            registers.set(number.into(), self.value(state.get(number)));
        }
        registers.set_sp(sp);
        registers.set_target(target);
        Some(Caller::new(registers, FoundBy::Prologue, Trust::Exact, place))
    }

    /// Where a word lies.
    fn address(&self, content: Content) -> Option<Va> {
        let Content::Word(register, offset) = content else { return None };
        Some(sum(Va(self.cursor.registers.get(register.into())?), offset))
    }

    fn value(&self, content: Content) -> Option<u64> {
        match content {
            Content::Entry(register, offset) => Some(sum(Va(self.cursor.registers.get(register.into())?), offset).0),
            Content::Word(..) => self.around.u32(self.address(content)?).map(u64::from),
            Content::Number(number) => Some(number.into()),
            Content::Unknown => None,
        }
    }
}
