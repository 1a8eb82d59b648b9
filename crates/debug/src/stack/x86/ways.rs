//! The ways of x86 code from an instruction: to returns, or to an address.
//!
//! Every instruction is visited once, with what is known on the first way that comes to it: compilers give an
//! instruction one depth of the stack. Ways behind something doubtful (a call of a function that cannot be read, padding
//! that may end a function) are followed only when nothing else was found.

use super::{
    callee::{Next, after_call},
    code::{is_code, is_kernel_call, is_padding, word},
    effect::{Flow, Memory, apply},
    state::{State, Value},
};
use crate::stack::surroundings::Surroundings;
use iced_x86::{Instruction, Mnemonic, OpKind, Register};
use std::collections::{HashSet, VecDeque};

/// Instructions that are followed for one question.
const MOST_STEPS: usize = 8000;
/// Words of a table of jumps whose length the code tells.
const LONGEST_TABLE: u32 = 1024;
/// The same where nothing tells it.
const UNKNOWN_TABLE: u32 = 64;
/// Bytes from a jump to the farthest goal that a table of unknown length is believed to have.
const FARTHEST: u32 = 0x1_0000;

/// What a call takes off the stack that nothing is known of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Convention {
    /// Nothing: the caller does.
    CallerPops,
    /// Whatever was pushed since the last call.
    CalleePops,
}

/// An address to come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Goal {
    pub va: u32,
    /// It is the next instruction; else the return from the call before it.
    pub is_exact: bool,
}

/// What the ways came to.
#[derive(Default)]
pub(super) struct Found {
    /// Before returns: what is known, and the bytes of arguments that each takes off.
    pub returns: Vec<(State, u32)>,
    /// At the goal.
    pub at_goal: Option<State>,
}

pub(super) struct Ways<'w, 'a, 't> {
    around: &'w Surroundings<'a, 't>,
    memory: &'w Memory<'w>,
    convention: Convention,
    goal: Option<Goal>,
    /// Addresses, and where a function that works on the frame goes back to.
    seen: HashSet<(u32, u32)>,
    open: Vec<(u32, State)>,
    doubtful: VecDeque<(u32, State)>,
    found: Found,
}

impl<'w, 'a, 't> Ways<'w, 'a, 't> {
    pub fn new(around: &'w Surroundings<'a, 't>, memory: &'w Memory<'w>, convention: Convention) -> Self {
        Self {
            around,
            memory,
            convention,
            goal: None,
            seen: HashSet::new(),
            open: Vec::new(),
            doubtful: VecDeque::new(),
            found: Found::default(),
        }
    }

    /// Follows all ways from an address to returns.
    pub fn returns(mut self, from: u32, state: State) -> Found {
        self.open.push((from, state));
        while let Some((at, state)) = self.next(|found| !found.returns.is_empty()) {
            self.straight_on(at, state);
        }
        self.found
    }

    /// Follows ways from an address until one comes to the goal.
    pub fn reach(mut self, from: u32, state: State, goal: Goal) -> Option<State> {
        self.goal = Some(goal);
        self.open.push((from, state));
        while self.found.at_goal.is_none() {
            let Some((at, state)) = self.next(|_| false) else { break };
            self.straight_on(at, state);
        }
        self.found.at_goal
    }

    fn next(&mut self, is_enough: impl Fn(&Found) -> bool) -> Option<(u32, State)> {
        if let Some(next) = self.open.pop() {
            return Some(next);
        }
        if is_enough(&self.found) { None } else { self.doubtful.pop_front() }
    }

    fn straight_on(&mut self, from: u32, mut state: State) {
        let mut at = from;
        while self.seen.len() < MOST_STEPS && self.seen.insert((at, state.inside)) {
            if self.is_goal(at, true) {
                self.found.at_goal = Some(state);
                return;
            }
            let Some(instruction) = self.around.x86.instruction(self.around, at) else {
                if is_kernel_call(self.around, at) {
                    self.found.returns.push((state, 0));
                }
                return;
            };
            let next = instruction.next_ip() as u32;
            match apply(&mut state, &instruction, self.memory) {
                Flow::Next => {}
                Flow::Jump(to) => {
                    at = to;
                    continue;
                }
                Flow::Branch(to) => self.open.push((to, state.clone())),
                Flow::Call(target) => match self.call(&mut state, target, next) {
                    Next::Behind => {}
                    Next::Inside(function) => {
                        at = function;
                        continue;
                    }
                    Next::Nowhere => return,
                },
                Flow::Table(table) => return self.table(table, at, &state),
                Flow::Return(popped) => match self.back_from_inside(&mut state, popped) {
                    Some(back) => {
                        at = back;
                        continue;
                    }
                    None => return self.found.returns.push((state, popped)),
                },
                Flow::End => return,
            }
            at = next;
        }
    }

    fn is_goal(&self, at: u32, is_exact: bool) -> bool {
        self.goal == Some(Goal { va: at, is_exact })
    }

    /// Where a return goes that belongs to a function which works on the frame.
    fn back_from_inside(&self, state: &mut State, popped: u32) -> Option<u32> {
        let back = state.stored(state.sp()?)?.number().filter(|back| state.inside != 0 && *back == state.inside)?;
        state.inside = 0;
        state.add_sp(popped.wrapping_add(4));
        Some(back)
    }

    /// Where the way goes on behind a call.
    fn call(&mut self, state: &mut State, target: Option<u32>, next: u32) -> Next {
        if self.is_goal(next, false) {
            self.found.at_goal = Some(state.clone());
            return Next::Nowhere;
        }
        let was_certain = state.is_certain;
        let (around, convention) = (self.around, self.convention);
        match after_call(around, state, target, |state| popped(around, next, state.pushed, convention)) {
            Next::Behind => {}
            Next::Inside(function) if state.inside == 0 => {
                state.inside = next;
                state.add_sp(4u32.wrapping_neg());
                if let Some(sp) = state.sp() {
                    state.store(sp, Value::Number(next));
                }
                return Next::Inside(function);
            }
            Next::Inside(_) | Next::Nowhere => return Next::Nowhere,
        }
        if was_certain && !state.is_certain || is_padding(around, next) {
            state.is_certain = false;
            self.doubtful.push_back((next, state.clone()));
            return Next::Nowhere;
        }
        Next::Behind
    }

    /// Goes on at the goals of a table of jumps.
    fn table(&mut self, table: u32, from: u32, state: &State) {
        let told = state.compared.and_then(|last| last.checked_add(1)).filter(|count| *count <= LONGEST_TABLE);
        let count = told.unwrap_or(UNKNOWN_TABLE);
        let words = (0..count).map_while(|number| word(self.around, table.checked_add(4 * number)?));
        let goals = words.take_while(|to| is_code(self.around, *to) && to.abs_diff(from) < FARTHEST);
        let mut known = HashSet::new();
        // Without a length the table ends somewhere, and another function's begins: its own goals come first.
        for to in goals.filter(|to| known.insert(*to)) {
            let mut state = state.clone();
            if told.is_some() {
                self.open.push((to, state));
            } else {
                state.is_certain = false;
                self.doubtful.push_back((to, state));
            }
        }
    }
}

/// The bytes that a call takes off the stack which nobody knows, by what its caller does next.
pub(super) fn popped(around: &Surroundings, next: u32, pushed: u32, convention: Convention) -> u32 {
    let instruction = around.x86.instruction(around, next);
    let by_sp = |instruction: &Instruction| {
        let is_sp = instruction.op0_register() == Register::ESP;
        let is_number = matches!(instruction.op_kind(1), OpKind::Immediate32 | OpKind::Immediate8to32);
        (is_sp && is_number).then(|| (instruction.mnemonic(), instruction.immediate(1) as u32))
    };
    match (instruction.as_ref().and_then(by_sp), convention) {
        // Arguments are taken off here.
        (Some((Mnemonic::Add, _)), _) => 0,
        // Room for arguments, taken off by the call, is made again.
        (Some((Mnemonic::Sub, bytes)), _) if pushed == 0 => bytes,
        (_, Convention::CallerPops) => 0,
        (_, Convention::CalleePops) => pushed,
    }
}
