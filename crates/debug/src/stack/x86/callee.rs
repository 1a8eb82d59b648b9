//! What a called function does to the stack of its caller: read in its own code.
//!
//! ```text
//! ret 8                                   takes two arguments off: stdcall, fastcall, thiscall
//! ret                                     leaves them to the caller: cdecl
//! ExitProcess, abort, for (;;)            nothing leads to a return: what is behind the call does not belong to it
//! sub reg, 1000h ... xchg eax, esp ; ret  makes room for eax bytes (`__chkstk`)
//! lea ebp, [esp+10h] ... ret              builds or takes down the caller's frame (`__SEH_prolog4`, `__SEH_epilog4`)
//! ```

use super::{
    code::{is_kernel_call, word},
    effect::{Flow, Memory, apply, forget_results},
    state::{REGISTERS, State, Value},
};
use crate::stack::{
    register_file::x86_number::{AX, BP, SP},
    surroundings::Surroundings,
};
use iced_x86::{Instruction, Mnemonic, OpKind, Register};
use std::collections::HashSet;

/// Instructions of a function that are looked at for its return.
const MOST_STEPS: usize = 600;
/// Functions that call each other are looked into so deep.
const DEEPEST: usize = 4;
/// A stack that does not exist, for functions that nobody is known to have called.
pub(super) const NOWHERE: u32 = 0xbfff_0000;
/// Bytes on both sides of it.
pub(super) const AROUND: u32 = 0x10_0000;
/// Bytes of a stack page, which probes count by.
const PROBED: u64 = 0x1000;

/// What a call does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Called {
    /// It comes back, without so many bytes of arguments.
    Returns(u32),
    /// It comes back with `eax` as it was: a probe of the stack.
    Probes,
    /// It comes back with `eax` bytes more on the stack.
    Grows,
    /// It works on the frame of its caller, and is followed like a part of it.
    Rearranges,
    /// No way leads to a return.
    Never,
    /// Not all of it can be followed, or it is too long.
    Unknown,
}

/// What a call of a function does.
pub(super) fn called(around: &Surroundings, function: u32, depth: usize) -> Called {
    if let Some(known) = around.x86.called.borrow().get(&function) {
        return *known;
    }
    if depth >= DEEPEST {
        return Called::Unknown;
    }
    // While it is looked at: it may call itself.
    around.x86.called.borrow_mut().insert(function, Called::Unknown);
    let mut registers: [Value; REGISTERS] = std::array::from_fn(|number| Value::Initial(number as u8));
    registers[SP] = Value::Number(NOWHERE);
    let look = Look {
        around,
        depth,
        seen: HashSet::new(),
        open: vec![(function, State::new(registers))],
        is_whole: true,
        is_probe: false,
        grows: false,
        takes_frame: false,
    };
    let found = look.look();
    around.x86.called.borrow_mut().insert(function, found);
    found
}

struct Look<'l, 'a, 't> {
    around: &'l Surroundings<'a, 't>,
    depth: usize,
    seen: HashSet<u32>,
    open: Vec<(u32, State)>,
    /// Every way was followed so far.
    is_whole: bool,
    is_probe: bool,
    grows: bool,
    /// It puts the stack pointer where its caller's frame pointer leads.
    takes_frame: bool,
}

impl Look<'_, '_, '_> {
    fn look(mut self) -> Called {
        while let Some((at, state)) = self.open.pop() {
            if let Some((state, bytes)) = self.straight_on(at, state) {
                return self.told(&state, bytes);
            }
        }
        if self.is_whole { Called::Never } else { Called::Unknown }
    }

    /// What a return says that comes with a state and takes so many bytes off.
    fn told(&self, state: &State, bytes: u32) -> Called {
        let is_elsewhere = state.sp().is_some_and(|sp| sp != NOWHERE);
        let is_frame = self.takes_frame || state.get(BP).number().is_some();
        match bytes {
            0 if self.grows => Called::Grows,
            0 if self.is_probe => Called::Probes,
            _ if state.is_certain && (is_elsewhere || is_frame) => Called::Rearranges,
            bytes => Called::Returns(bytes),
        }
    }

    /// Follows one way to a return at its end: what is known there, and the bytes that it takes off.
    fn straight_on(&mut self, from: u32, mut state: State) -> Option<(State, u32)> {
        let mut at = from;
        let around = self.around;
        // Nothing is known of the stack that the function was called with.
        let is_own = |address: u32| address.abs_diff(NOWHERE) < AROUND;
        let memory: &Memory = &|address| (!is_own(address)).then(|| word(around, address)).flatten();
        while self.seen.insert(at) {
            let instruction = around.x86.instruction(around, at).filter(|_| self.seen.len() < MOST_STEPS);
            let Some(instruction) = instruction else {
                self.is_whole = false;
                // The kernel of Windows CE leaves arguments to the caller (on x86 our choice, as the guest's headers say).
                return is_kernel_call(around, at).then_some((state, 0));
            };
            self.note_probe(&instruction);
            self.takes_frame |= state.get(BP) == Value::Initial(BP as u8) && sets_sp_by_frame(&instruction);
            let next = instruction.next_ip() as u32;
            match apply(&mut state, &instruction, memory) {
                Flow::Next => at = next,
                Flow::Branch(to) => {
                    self.open.push((to, state.clone()));
                    at = next;
                }
                Flow::Jump(to) => at = to,
                Flow::Call(target) => {
                    if !self.go_on(&mut state, target) {
                        return None;
                    }
                    at = next;
                }
                Flow::Return(bytes) => return Some((state, bytes)),
                Flow::Table(_) => {
                    self.is_whole = false;
                    return None;
                }
                Flow::End => {
                    // A breakpoint or an instruction that faults ends a way; a jump nobody knows does not.
                    self.is_whole &= instruction.mnemonic() != Mnemonic::Jmp;
                    return None;
                }
            }
        }
        None
    }

    /// Whether a way goes on behind a call.
    fn go_on(&self, state: &mut State, target: Option<u32>) -> bool {
        match target.map_or(Called::Unknown, |target| called(self.around, target, self.depth + 1)) {
            Called::Never => return false,
            Called::Returns(bytes) => state.add_sp(bytes),
            Called::Probes | Called::Grows | Called::Rearranges | Called::Unknown => state.is_certain = false,
        }
        forget_results(state);
        true
    }

    fn note_probe(&mut self, instruction: &Instruction) {
        let is_number = matches!(instruction.op_kind(1), OpKind::Immediate32 | OpKind::Immediate8to32);
        let by_pages = is_number && instruction.op_count() == 2 && instruction.immediate(1) == PROBED;
        self.is_probe |= by_pages && matches!(instruction.mnemonic(), Mnemonic::Sub | Mnemonic::Cmp);
        let is_sp = instruction.op0_register() == Register::ESP && instruction.op_count() == 2;
        let from_register = instruction.op_kind(1) == OpKind::Register && instruction.op_register(1) != Register::EBP;
        let is_swap = matches!(instruction.mnemonic(), Mnemonic::Xchg | Mnemonic::Mov);
        let has_sp = is_sp || instruction.mnemonic() == Mnemonic::Xchg && instruction.op_register(1) == Register::ESP;
        self.grows |= self.is_probe && is_swap && has_sp && from_register;
    }
}

/// Whether an instruction puts the stack pointer where the frame pointer leads.
fn sets_sp_by_frame(instruction: &Instruction) -> bool {
    let is_sp = instruction.op_count() == 2 && instruction.op0_register() == Register::ESP;
    match instruction.mnemonic() {
        Mnemonic::Leave => true,
        Mnemonic::Mov => is_sp && instruction.op_register(1) == Register::EBP,
        Mnemonic::Lea => is_sp && instruction.memory_base() == Register::EBP,
        _ => false,
    }
}

/// Where a way goes on behind a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Behind it.
    Behind,
    /// In the function itself, which works on the frame.
    Inside(u32),
    /// Nowhere.
    Nowhere,
}

/// What a call does to the stack and the registers of its caller. `pops` tells what it takes off when nothing is known.
pub(super) fn after_call(
    around: &Surroundings,
    state: &mut State,
    target: Option<u32>,
    pops: impl FnOnce(&State) -> u32,
) -> Next {
    let ax = state.get(AX);
    let popped = match (target.map_or(Called::Unknown, |target| called(around, target, 0)), target) {
        (Called::Never, _) => return Next::Nowhere,
        (Called::Rearranges, Some(target)) => return Next::Inside(target),
        (Called::Returns(bytes), _) => bytes,
        (Called::Probes, _) => {
            forget_results(state);
            state.set(AX, ax);
            return Next::Behind;
        }
        (Called::Grows, _) => {
            let sp = state.sp().zip(ax.number()).map(|(sp, bytes)| sp.wrapping_sub(bytes));
            state.set(SP, sp.map_or(Value::Unknown, Value::Number));
            0
        }
        (Called::Rearranges | Called::Unknown, _) => {
            state.is_certain = false;
            pops(state)
        }
    };
    state.add_sp(popped);
    state.pushed = state.pushed.saturating_sub(popped);
    forget_results(state);
    Next::Behind
}
