//! MIPS instructions, as far as frames are concerned ("MIPS32 Architecture for Programmers", volume II). The
//! instruction behind a jump runs before it.

use crate::stack::code_flow::{After, CodeSet, Content, Flow, PrologueSign, State, Step};
use vatlas_space::Va;

const ZERO: u8 = 0;
const SP: u8 = 29;
const RA: u8 = 31;

pub(super) const CODE: CodeSet = CodeSet { sp: SP, link: RA, unit: 4, is_kept: super::is_kept, step, prologue };

fn bits(word: u32, first: u32, count: u32) -> u32 {
    word >> first & ((1 << count) - 1)
}

fn register(word: u32, first: u32) -> u8 {
    bits(word, first, 5) as u8
}

/// The low half with its sign.
fn immediate(word: u32) -> i32 {
    i32::from(word as u16 as i16)
}

fn step(state: &mut State, step: &Step) -> Option<After> {
    let word = step.word;
    state.set(ZERO, Content::Number(0));
    let (source, target) = (register(word, 21), register(word, 16));
    let to = branch(step.va, word);
    let flow = match bits(word, 26, 6) {
        0 => special(state, word)?,
        1 => return Some(compared_with_zero(word, to)),
        2 => Flow::Jump(Va((step.va.0 + 4) & 0xf000_0000 | u64::from(bits(word, 0, 26)) << 2)),
        3 => Flow::Call,
        4 if source == target => Flow::Jump(to),
        4..=7 => Flow::Branch(to),
        20..=23 => return Some(delayed(true, Flow::Branch(to))),
        16..=19 if source == 8 => {
            let is_likely = bits(word, 17, 1) == 1;
            return Some(delayed(is_likely, Flow::Branch(to)));
        }
        operation => {
            compute(state, operation, word);
            return Some(After::new(4, Flow::Next));
        }
    };
    Some(match flow {
        Flow::Next => After::new(4, flow),
        flow => After::delayed(4, flow),
    })
}

/// Where a branch goes: a signed number of words from the next instruction on.
fn branch(va: Va, word: u32) -> Va {
    Va(u64::from((va.0 as u32).wrapping_add(4).wrapping_add_signed(immediate(word) * 4)))
}

/// Branches by the sign of a register; with bit 4 of the third field they are calls, which `zero` always makes.
fn compared_with_zero(word: u32, to: Va) -> After {
    let kind = register(word, 16);
    let flow = if kind & 0x10 != 0 { Flow::Call } else { Flow::Branch(to) };
    match kind {
        // Traps.
        0x08..=0x0f => After::new(4, Flow::Next),
        _ => delayed(kind & 2 != 0, flow),
    }
}

/// A jump; the instruction behind it runs, or does so only when a "likely" branch is taken.
fn delayed(is_likely: bool, flow: Flow) -> After {
    if is_likely { After::delayed_if_taken(4, flow) } else { After::delayed(4, flow) }
}

/// Operations on registers; `None` for a breakpoint.
fn special(state: &mut State, word: u32) -> Option<Flow> {
    let [source, target, to] = [21, 16, 11].map(|field| register(word, field));
    let (first, second) = (state.get(source), state.get(target));
    let content = match bits(word, 0, 6) {
        0x08 => return Some(Flow::Leave(first)),
        0x09 => return Some(Flow::Call),
        0x0d => return None,
        // `sll zero, zero, 0` does nothing.
        0x00 => second.map(|number| number << bits(word, 6, 5)),
        0x20 | 0x21 => first.sum(second),
        0x22 | 0x23 => first.difference(second),
        0x25 => match (first, second) {
            (Content::Number(first), Content::Number(second)) => Content::Number(first | second),
            (Content::Number(0), content) | (content, Content::Number(0)) => content,
            _ => Content::Unknown,
        },
        // System calls, traps, multiplications and divisions put nothing into a general register.
        0x0c | 0x0f | 0x11 | 0x13 | 0x18..=0x1f | 0x30..=0x36 => return Some(Flow::Next),
        _ => Content::Unknown,
    };
    state.set(to, content);
    Some(Flow::Next)
}

/// Operations with an immediate number, loads and stores.
fn compute(state: &mut State, operation: u32, word: u32) {
    let (source, target) = (register(word, 21), register(word, 16));
    let base = state.get(source);
    let number = bits(word, 0, 16);
    let content = match operation {
        0x08 | 0x09 => base.plus(immediate(word)),
        0x0d => base.map(|base| base | number),
        0x0f => Content::Number(number << 16),
        // Loads of a word, or of two of which the lower one is the register.
        0x23 | 0x37 => state.load(base, immediate(word)),
        0x2b => return state.store(state.get(target), base, immediate(word)),
        0x3f => {
            state.store(state.get(target), base, immediate(word));
            return state.store(Content::Unknown, base.plus(4), immediate(word));
        }
        0x28..=0x2a | 0x2e | 0x39 => return state.store_part(base, immediate(word)),
        0x3d => {
            state.store(Content::Unknown, base, immediate(word));
            return state.store(Content::Unknown, base.plus(4), immediate(word));
        }
        // Moves from a coprocessor; what else coprocessors do stays there.
        0x10..=0x13 if source & 0x1c != 0 => return,
        0x2f | 0x31..=0x36 | 0x3a..=0x3e => return,
        _ => Content::Unknown,
    };
    state.set(target, content);
}

/// `sw ra, n(sp)`; before it stands `addiu sp, sp, -n`.
fn prologue(word: u32) -> PrologueSign {
    match word >> 16 {
        0xafbf => PrologueSign::Certain,
        0x27bd if immediate(word) < 0 => PrologueSign::Possible,
        _ => PrologueSign::None,
    }
}
