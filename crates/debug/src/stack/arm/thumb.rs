//! Thumb instructions of 2 bytes, as far as frames are concerned (ARM Architecture Reference Manual, "The Thumb
//! instruction set"). Those of 4 bytes are in `thumb/wide.rs`.

mod wide;

use super::code::{LR, PC, Registers, SP, bits, combined, loaded, register};
use crate::stack::code_flow::{After, CodeSet, Content, Flow, PrologueSign, State, Step, under_condition};
use vatlas_space::Va;

pub(super) const CODE: CodeSet = CodeSet { sp: SP, link: LR, unit: 2, is_kept: super::is_kept, step, prologue };

fn step(state: &mut State, step: &Step) -> Option<After> {
    if state.block == 0 {
        return always(state, step);
    }
    let condition = state.block >> 4;
    // Three bits of the condition stay, the other five move up.
    state.block = if state.block & 7 == 0 { 0 } else { state.block & 0xe0 | state.block << 1 & 0x1f };
    let is_last = state.block == 0;
    let size = if bits(step.word, 11, 5) >= 0b11101 { 4 } else { 2 };
    let after = match condition {
        0xe.. => always(state, step),
        _ => under_condition(state, condition, SP, size, |state| always(state, step)),
    }?;
    if is_last {
        // What comes behind may compare anew.
        state.assumed = None;
        let forget = |other: Box<State>| Box::new(other.assuming(None));
        return Some(After { otherwise: after.otherwise.map(forget), ..after });
    }
    Some(after)
}

fn always(state: &mut State, step: &Step) -> Option<After> {
    let half = step.word & 0xffff;
    if bits(half, 11, 5) >= 0b11101 {
        let flow = wide::flow(state, step.va, half << 16 | step.word >> 16, step.read)?;
        return Some(After::new(4, flow));
    }
    Some(After::new(2, narrow(state, step, half)?))
}

/// A register of three bits.
fn low(half: u32, first: u32) -> u8 {
    bits(half, first, 3) as u8
}

fn narrow(state: &mut State, step: &Step, half: u32) -> Option<Flow> {
    Some(match bits(half, 11, 5) {
        0b00000..=0b00010 => shift(state, half),
        0b00011 => {
            let operand = match bits(half, 10, 1) {
                1 => Content::Number(bits(half, 6, 3)),
                _ => state.get(low(half, 6)),
            };
            let first = state.get(low(half, 3));
            state.set(low(half, 0), if bits(half, 9, 1) == 1 { first.difference(operand) } else { first.sum(operand) });
            Flow::Next
        }
        0b00100..=0b00111 => immediate(state, half),
        0b01000 if bits(half, 10, 1) == 0 => arithmetic(state, half),
        0b01000 => return high(state, step.va, half),
        0b01001 => {
            let at = (step.va.0 as u32).wrapping_add(4) & !3;
            let number = (step.read)(Va(at.wrapping_add(bits(half, 0, 8) * 4).into()));
            state.set(low(half, 8), number.map_or(Content::Unknown, Content::Number));
            Flow::Next
        }
        0b01010 | 0b01011 => {
            // Loads with a register as offset; what stores with one hit is not followed.
            if bits(half, 9, 3) >= 3 {
                state.spoil(low(half, 0));
            }
            Flow::Next
        }
        0b01100 | 0b01101 => word_access(state, half, low(half, 3), low(half, 0), bits(half, 6, 5) * 4),
        0b10010 | 0b10011 => word_access(state, half, SP, low(half, 8), bits(half, 0, 8) * 4),
        0b01110 => stored_part(state, half, bits(half, 6, 5)),
        0b10000 => stored_part(state, half, bits(half, 6, 5) * 2),
        0b01111 | 0b10001 => spoiled(state, low(half, 0)),
        0b10100 => spoiled(state, low(half, 8)),
        0b10101 => {
            state.add(low(half, 8), SP, (bits(half, 0, 8) * 4) as i32);
            Flow::Next
        }
        0b10110 | 0b10111 => return various(state, step.va, half),
        0b11000 | 0b11001 => {
            let list = Registers { base: low(half, 8), list: bits(half, 0, 8) };
            let is_load = bits(half, 11, 1) == 1;
            let is_kept = !(is_load && list.list >> list.base & 1 == 1);
            list.transfer(state, is_load, false, true, is_kept)
        }
        0b11010 | 0b11011 => match bits(half, 8, 4) {
            0xe => return None,
            0xf => {
                (0..4).for_each(|number| state.spoil(number));
                Flow::Next
            }
            _ => Flow::Branch(branch(step.va, half << 24, 24)),
        },
        _ => Flow::Jump(branch(step.va, half << 21, 21)),
    })
}

/// Where a branch goes: a signed number of halfwords in the high bits of `shifted`.
fn branch(va: Va, shifted: u32, shift: u32) -> Va {
    let offset = (shifted as i32 >> shift) * 2;
    Va(u64::from((va.0 as u32).wrapping_add(4).wrapping_add_signed(offset)))
}

fn spoiled(state: &mut State, number: u8) -> Flow {
    state.spoil(number);
    Flow::Next
}

fn shift(state: &mut State, half: u32) -> Flow {
    let count = bits(half, 6, 5);
    let content = match (bits(half, 11, 2), count) {
        (0, 0) => state.get(low(half, 3)),
        (0, count) => state.get(low(half, 3)).map(|number| number << count),
        _ => Content::Unknown,
    };
    state.set(low(half, 0), content);
    Flow::Next
}

fn immediate(state: &mut State, half: u32) -> Flow {
    let (to, number) = (low(half, 8), bits(half, 0, 8));
    match bits(half, 11, 2) {
        0 => state.set(to, Content::Number(number)),
        1 => {}
        2 => state.add(to, to, number as i32),
        _ => state.add(to, to, -(number as i32)),
    }
    Flow::Next
}

fn arithmetic(state: &mut State, half: u32) -> Flow {
    let (to, from) = (low(half, 0), state.get(low(half, 3)));
    let content = match bits(half, 6, 4) {
        0x8 | 0xa | 0xb => return Flow::Next,
        0x9 => from.map(u32::wrapping_neg),
        0xc => combined(state.get(to), from),
        0xf => from.map(|number| !number),
        _ => Content::Unknown,
    };
    state.set(to, content);
    Flow::Next
}

/// Additions, moves and comparisons of all registers, `BX` and `BLX`.
fn high(state: &mut State, va: Va, half: u32) -> Option<Flow> {
    let (to, from) = (bits(half, 7, 1) as u8 * 8 + low(half, 0), register(half, 3));
    let value = match from {
        PC => Content::Number((va.0 as u32).wrapping_add(4)),
        _ => state.get(from),
    };
    Some(match bits(half, 8, 2) {
        0 if to == PC => Flow::Leave(Content::Unknown),
        0 => {
            state.set(to, state.get(to).sum(value));
            Flow::Next
        }
        1 => Flow::Next,
        2 => loaded(state, to, value, true),
        _ if bits(half, 7, 1) == 1 => Flow::Call,
        _ => Flow::Leave(value),
    })
}

fn word_access(state: &mut State, half: u32, base: u8, value: u8, offset: u32) -> Flow {
    let base = state.get(base);
    if bits(half, 11, 1) == 1 {
        state.set(value, state.load(base, offset as i32));
    } else {
        state.store(state.get(value), base, offset as i32);
    }
    Flow::Next
}

fn stored_part(state: &mut State, half: u32, offset: u32) -> Flow {
    state.store_part(state.get(low(half, 3)), offset as i32);
    Flow::Next
}

/// What begins with 1011: pushes and pops, changes of the stack pointer, short branches, `IT`, hints.
fn various(state: &mut State, va: Va, half: u32) -> Option<Flow> {
    let list = |link: u8| bits(half, 0, 8) | bits(half, 8, 1) << link;
    Some(match bits(half, 8, 4) {
        0x0 => {
            let size = (bits(half, 0, 7) * 4) as i32;
            state.add(SP, SP, if bits(half, 7, 1) == 1 { -size } else { size });
            Flow::Next
        }
        0x4 | 0x5 => Registers { base: SP, list: list(LR) }.transfer(state, false, true, false, true),
        0xc | 0xd => Registers { base: SP, list: list(PC) }.transfer(state, true, false, true, true),
        0x1 | 0x3 | 0x9 | 0xb => {
            let offset = bits(half, 9, 1) << 6 | bits(half, 3, 5) << 1;
            Flow::Branch(Va(u64::from((va.0 as u32).wrapping_add(4).wrapping_add(offset))))
        }
        0x2 | 0xa => spoiled(state, low(half, 0)),
        0x6 => Flow::Next,
        0xe => return None,
        0xf => {
            if bits(half, 0, 4) != 0 {
                state.block = half as u8;
            }
            Flow::Next
        }
        _ => return None,
    })
}

/// `push {..., lr}`, short or long; before it stand stores of arguments, or room for them.
fn prologue(word: u32) -> PrologueSign {
    let (first, second) = (word & 0xffff, word >> 16);
    if first & 0xff00 == 0xb500 || first == 0xe92d && bits(second, 14, 1) == 1 {
        PrologueSign::Certain
    } else if first & 0xff00 == 0xb400 || first & 0xff80 == 0xb080 {
        PrologueSign::Possible
    } else {
        PrologueSign::None
    }
}
