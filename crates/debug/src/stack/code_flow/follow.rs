//! A function followed from its beginning along every way to an address.

use super::{After, CodeSet, Content, Delay, Flow, State, holds, with_step};
use crate::stack::{step::Cursor, surroundings::Surroundings};
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};
use vatlas_space::Va;

/// Instructions that are followed, again and again counted.
const MOST_STEPS: usize = 60_000;

/// Bytes before an address that only a table leads to, in which the block it belongs to may begin.
const LONGEST_BLOCK: u64 = 1024;

/// Where a function lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::stack) struct Function {
    /// Its first address.
    pub begin: Va,
    /// The first one behind it.
    pub end: Va,
    /// Something says so, not only the look of the code.
    pub is_known: bool,
}

impl Function {
    pub fn contains(&self, va: Va) -> bool {
        self.begin <= va && va < self.end
    }
}

/// What was found on the ways through a function.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// The state at the address.
    pub at_goal: Option<State>,
    /// Only a jump whose goal nobody knows leads there: through a table, usually.
    pub is_by_table: bool,
}

/// Follows a function to a frame's `pc`; where it is behind a call, to the return of that.
pub(super) fn follow(around: &Surroundings, code: &CodeSet, function: Function, cursor: &Cursor) -> Option<Followed> {
    let mut ways = Ways {
        around,
        code,
        function,
        goal: cursor.registers.pc,
        is_exact_pc: cursor.is_exact_pc,
        status: cursor.registers.status,
        heads: HashMap::new(),
        open: vec![(function.begin, State::entry())],
        steps: 0,
        arrived: None,
        at_goal: None,
        at_jumps: None,
        constants: RefCell::default(),
    };
    ways.follow_all();
    let mut is_by_table = false;
    if ways.found().is_none()
        && let Some(state) = ways.at_jumps.take()
    {
        is_by_table = true;
        ways.open.push((ways.block_of_goal(), state));
        ways.follow_all();
    }
    (ways.steps < MOST_STEPS).then(|| Followed { at_goal: ways.found().cloned(), is_by_table })
}

struct Ways<'w, 'a, 't> {
    around: &'w Surroundings<'a, 't>,
    code: &'w CodeSet,
    function: Function,
    goal: Va,
    is_exact_pc: bool,
    /// ARM's status register at the goal.
    status: Option<u32>,
    /// States at the goals of jumps.
    heads: HashMap<Va, State>,
    open: Vec<(Va, State)>,
    steps: usize,
    /// The state on ways to the goal, for a goal behind a call that no call leads to.
    arrived: Option<State>,
    at_goal: Option<State>,
    /// The state before jumps whose goals nobody knows.
    at_jumps: Option<State>,
    /// Words among the code that instructions load.
    constants: RefCell<BTreeSet<Va>>,
}

impl Ways<'_, '_, '_> {
    fn follow_all(&mut self) {
        while let Some((va, state)) = self.open.pop() {
            self.straight_on(va, state);
        }
    }

    fn found(&self) -> Option<&State> {
        self.at_goal.as_ref().or(self.arrived.as_ref())
    }

    /// Where the code begins that runs straight on to the goal: behind the last jump before it.
    fn block_of_goal(&self) -> Va {
        let first = self.function.begin.0.max(self.goal.0.saturating_sub(LONGEST_BLOCK));
        let mut va = self.goal.0.saturating_sub(self.code.unit);
        while va >= first {
            let Some(after) = self.instruction(Va(va), &mut State::entry()) else { break };
            if matches!(after.flow, Flow::Jump(_) | Flow::Leave(_)) {
                let slot = if after.delay == Delay::None { 0 } else { after.size };
                if va + after.size + slot > self.goal.0 {
                    va = va.saturating_sub(self.code.unit);
                    continue;
                }
                return self.behind_constants(Va(va + after.size + slot));
            }
            va = va.saturating_sub(self.code.unit);
        }
        self.goal
    }

    /// The first address from `va` on that no instruction takes for a constant.
    fn behind_constants(&self, mut va: Va) -> Va {
        while va < self.goal && self.constants.borrow().contains(&va.align_down(4)) {
            va = Va(va.0 + self.code.unit);
        }
        va.min(self.goal)
    }

    fn instruction(&self, va: Va, state: &mut State) -> Option<After> {
        let read = |va: Va| {
            self.constants.borrow_mut().insert(va.align_down(4));
            self.around.u32(va)
        };
        with_step(self.around, self.code, va, &read, |step| (self.code.step)(state, step)).flatten()
    }

    fn straight_on(&mut self, from: Va, mut state: State) {
        let mut va = from;
        loop {
            if va != from
                && let Some(known) = self.heads.get_mut(&va)
            {
                if !known.meet(&state) {
                    return;
                }
                state.clone_from(known);
            }
            if va == self.goal && self.may_be_true(&state) {
                let place = if self.is_exact_pc { &mut self.at_goal } else { &mut self.arrived };
                add_way(place, &state);
            }
            let Some(next) = self.step(va, &mut state).filter(|next| self.function.contains(*next)) else { return };
            va = next;
        }
    }

    /// Whether the flags at the goal allow what a way takes for true.
    fn may_be_true(&self, state: &State) -> bool {
        let status = self.status.filter(|_| self.is_exact_pc);
        state.assumed.zip(status).is_none_or(|(condition, status)| holds(condition, status))
    }

    /// Follows one instruction, and the one behind it that runs first; tells where it goes straight on.
    fn step(&mut self, va: Va, state: &mut State) -> Option<Va> {
        self.steps += 1;
        if self.steps >= MOST_STEPS {
            self.open.clear();
            return None;
        }
        let after = self.instruction(va, state)?;
        let mut next = va.checked_add(after.size)?;
        if let Some(otherwise) = after.otherwise.filter(|_| self.function.contains(next)) {
            self.open.push((next, *otherwise));
        }
        let skipped = (after.delay == Delay::IfTaken).then(|| state.clone());
        if after.delay != Delay::None {
            if next == self.goal && self.is_exact_pc {
                add_way(&mut self.at_goal, state);
            }
            let slot = self.instruction(next, state)?;
            next = next.checked_add(slot.size)?;
        }
        let goes_on = self.lead(after.flow, state, next);
        if let Some(skipped) = skipped {
            *state = skipped;
        }
        state.drop_below(self.code.sp);
        goes_on.then_some(next)
    }

    /// Whether the way goes on to the next instruction.
    fn lead(&mut self, flow: Flow, state: &mut State, next: Va) -> bool {
        match flow {
            Flow::Next => return true,
            Flow::Jump(to) => self.jump(to, state),
            Flow::Branch(to) => {
                self.jump(to, state);
                return true;
            }
            Flow::Call => {
                self.called(state, next);
                return true;
            }
            Flow::Leave(to) | Flow::MayLeave(to) => {
                // `mov lr, pc` before `bx r3` is a call.
                if state.get(self.code.link).is_number(next) {
                    self.called(state, next);
                    return true;
                }
                match to {
                    Content::Number(to) => self.jump(Va(to.into()), state),
                    Content::Entry(register, 0) if register == self.code.link => {}
                    _ => self.add_jump(state),
                }
                return matches!(flow, Flow::MayLeave(_));
            }
        }
        false
    }

    /// A jump with less on the stack than another is one to another function.
    fn add_jump(&mut self, state: &State) {
        let depth = |state: &State| match state.get(self.code.sp) {
            Content::Entry(register, offset) if register == self.code.sp => Some(offset.wrapping_neg()),
            _ => None,
        };
        match &self.at_jumps {
            Some(known) if depth(known) > depth(state) => {}
            Some(known) if depth(known) < depth(state) => self.at_jumps = Some(state.clone()),
            _ => add_way(&mut self.at_jumps, state),
        }
    }

    fn called(&mut self, state: &mut State, next: Va) {
        state.call(self.code);
        if next == self.goal && !self.is_exact_pc {
            add_way(&mut self.at_goal, state);
        }
    }

    fn jump(&mut self, to: Va, state: &State) {
        if !self.function.contains(to) {
            return;
        }
        match self.heads.get_mut(&to) {
            Some(known) => {
                if known.meet(state) {
                    self.open.push((to, known.clone()));
                }
            }
            None => {
                self.heads.insert(to, state.clone());
                self.open.push((to, state.clone()));
            }
        }
    }
}

fn add_way(place: &mut Option<State>, state: &State) {
    match place {
        Some(known) => drop(known.meet(state)),
        None => *place = Some(state.clone()),
    }
}
