//! SuperH instructions, as far as frames are concerned ("SH-3 Programming Manual", "SH-4 Programming Manual"). All have
//! two bytes; behind most jumps one more instruction runs.

use crate::stack::code_flow::{After, CodeSet, Content, Flow, PrologueSign, State, Step};
use vatlas_space::Va;

const SP: u8 = 15;
/// The procedure register, which calls put the return address into: no general register, but counted behind them.
const PR: u8 = 16;

pub(super) const CODE: CodeSet = CodeSet { sp: SP, link: PR, unit: 2, is_kept: super::is_kept, step, prologue };

/// A field of four bits, counted from the highest.
fn field(half: u32, number: u32) -> u8 {
    (half >> (12 - 4 * number) & 0xf) as u8
}

fn step(state: &mut State, step: &Step) -> Option<After> {
    let half = step.word & 0xffff;
    let (to, from) = (field(half, 1), field(half, 2));
    match field(half, 0) {
        0x0 => return without_operand(state, half),
        0x1 => state.store(state.get(from), state.get(to), i32::from(field(half, 3)) * 4),
        0x2 => store_or_combine(state, half),
        0x3 => arithmetic(state, half),
        0x4 => return single_operand(state, half),
        0x5 => state.set(to, state.load(state.get(from), i32::from(field(half, 3)) * 4)),
        0x6 => load_or_move(state, half),
        0x7 => state.add(to, to, byte(half)),
        0x8 => return short_displacement(state, step.va, half),
        0x9 => {
            let at = (step.va.0 as u32).wrapping_add(4 + 2 * (half & 0xff));
            // The half of a word.
            let word = (step.read)(Va(u64::from(at & !3)));
            let number = word.map(|word| i32::from((word >> (8 * (at & 2))) as u16 as i16) as u32);
            state.set(to, number.map_or(Content::Unknown, Content::Number));
        }
        0xa => return Some(After::delayed(2, Flow::Jump(far(step.va, half)))),
        0xb => return Some(After::delayed(2, Flow::Call)),
        0xc => global(state, step.va, half),
        0xd => {
            let at = ((step.va.0 as u32) & !3).wrapping_add(4 + 4 * (half & 0xff));
            state.set(to, (step.read)(Va(at.into())).map_or(Content::Unknown, Content::Number));
        }
        0xe => state.set(to, Content::Number(byte(half) as u32)),
        _ => float(state, half),
    }
    Some(After::new(2, Flow::Next))
}

/// The low byte with its sign.
fn byte(half: u32) -> i32 {
    i32::from(half as u8 as i8)
}

/// Where a branch with a displacement of 12 bits goes.
fn far(va: Va, half: u32) -> Va {
    let offset = (half << 20) as i32 >> 20;
    Va(u64::from((va.0 as u32).wrapping_add(4).wrapping_add_signed(offset * 2)))
}

/// What begins with 0: returns, jumps by a register's distance, moves with an index, system registers.
fn without_operand(state: &mut State, half: u32) -> Option<After> {
    let to = field(half, 1);
    match half & 0xff {
        0x0b if to == 0 => return Some(After::delayed(2, Flow::Leave(state.get(PR)))),
        // The return from an exception.
        0x2b => return None,
        0x03 => return Some(After::delayed(2, Flow::Call)),
        0x23 => return Some(After::delayed(2, Flow::Leave(Content::Unknown))),
        0x2a => state.set(to, state.get(PR)),
        _ => match half & 0xf {
            0x2 | 0xa | 0xc | 0xd | 0xe => state.spoil(to),
            0x9 if half & 0xf0 == 0x20 => state.spoil(to),
            0xf => [to, field(half, 2)].into_iter().for_each(|number| state.spoil(number)),
            _ => {}
        },
    }
    Some(After::new(2, Flow::Next))
}

/// What begins with 2: stores, with or without a push; logic.
fn store_or_combine(state: &mut State, half: u32) {
    let (to, from) = (field(half, 1), field(half, 2));
    match half & 0xf {
        0x0 | 0x1 => state.store_part(state.get(to), 0),
        0x2 => state.store(state.get(from), state.get(to), 0),
        size @ (0x4 | 0x5) => {
            state.add(to, to, if size == 4 { -1 } else { -2 });
            state.store_part(state.get(to), 0);
        }
        0x6 => {
            let content = state.get(from);
            state.add(to, to, -4);
            state.store(content, state.get(to), 0);
        }
        0x9 | 0xa | 0xb | 0xd => state.spoil(to),
        _ => {}
    }
}

/// What begins with 3: sums, differences, comparisons.
fn arithmetic(state: &mut State, half: u32) {
    let (to, from) = (field(half, 1), field(half, 2));
    match half & 0xf {
        0xc => state.set(to, state.get(to).sum(state.get(from))),
        0x8 => state.set(to, state.get(to).difference(state.get(from))),
        0x4 | 0xa | 0xb | 0xe | 0xf => state.spoil(to),
        _ => {}
    }
}

/// What begins with 4: calls and jumps by a register, pushes and pops of system registers, shifts.
fn single_operand(state: &mut State, half: u32) -> Option<After> {
    let to = field(half, 1);
    match half & 0xff {
        0x0b => return Some(After::delayed(2, Flow::Call)),
        0x2b => return Some(After::delayed(2, Flow::Leave(state.get(to)))),
        0x22 => {
            state.add(to, to, -4);
            state.store(state.get(PR), state.get(to), 0);
        }
        0x26 => {
            state.set(PR, state.load(state.get(to), 0));
            state.add(to, to, 4);
        }
        0x2a => state.set(PR, state.get(to)),
        // Comparisons with zero; loads of system registers from general ones; the locked test.
        0x11 | 0x15 | 0x0e | 0x1e | 0x2e | 0x3e | 0x4e | 0x0a | 0x1a | 0x5a | 0x6a | 0x1b => {}
        0x00 => state.set(to, state.get(to).map(|number| number << 1)),
        0x08 | 0x18 | 0x28 => {
            let count = [2, 8, 16][usize::from(field(half, 2))];
            state.set(to, state.get(to).map(|number| number << count));
        }
        _ => match half & 0xf {
            0x2 | 0x3 => {
                state.add(to, to, -4);
                state.store(Content::Unknown, state.get(to), 0);
            }
            0x6 | 0x7 => state.add(to, to, 4),
            0xe => {}
            0xf => [to, field(half, 2)].into_iter().for_each(|number| state.spoil(number)),
            _ => state.spoil(to),
        },
    }
    Some(After::new(2, Flow::Next))
}

/// What begins with 6: moves, loads, pops.
fn load_or_move(state: &mut State, half: u32) {
    let (to, from) = (field(half, 1), field(half, 2));
    let pop = |state: &mut State, size| {
        if to != from {
            state.add(from, from, size);
        }
    };
    match half & 0xf {
        0x2 => state.set(to, state.load(state.get(from), 0)),
        0x3 => state.set(to, state.get(from)),
        0x6 => {
            let content = state.load(state.get(from), 0);
            pop(state, 4);
            state.set(to, content);
        }
        size @ (0x4 | 0x5) => {
            pop(state, if size == 4 { 1 } else { 2 });
            state.spoil(to);
        }
        0x7 => state.set(to, state.get(from).map(|number| !number)),
        0xb => state.set(to, state.get(from).map(u32::wrapping_neg)),
        0xc => state.set(to, state.get(from).map(|number| number & 0xff)),
        0xd => state.set(to, state.get(from).map(|number| number & 0xffff)),
        _ => state.spoil(to),
    }
}

/// What begins with 8: branches by the T bit, moves of bytes and halves.
fn short_displacement(state: &mut State, va: Va, half: u32) -> Option<After> {
    let to = Va(u64::from((va.0 as u32).wrapping_add(4).wrapping_add_signed(byte(half) * 2)));
    match field(half, 1) {
        0x9 | 0xb => return Some(After::new(2, Flow::Branch(to))),
        0xd | 0xf => return Some(After::delayed(2, Flow::Branch(to))),
        0x0 => state.store_part(state.get(field(half, 2)), i32::from(field(half, 3))),
        0x1 => state.store_part(state.get(field(half, 2)), i32::from(field(half, 3)) * 2),
        0x4 | 0x5 => state.spoil(0),
        _ => {}
    }
    Some(After::new(2, Flow::Next))
}

/// What begins with C: `r0` and memory by the global base register, `mova`, traps.
fn global(state: &mut State, va: Va, half: u32) {
    match field(half, 1) {
        0x7 => {
            let at = ((va.0 as u32) & !3).wrapping_add(4 + 4 * (half & 0xff));
            state.set(0, Content::Number(at));
        }
        0x3..=0x6 | 0x9 | 0xa | 0xb => state.spoil(0),
        _ => {}
    }
}

/// Floating-point registers pushed and popped: four bytes, unless pairs are moved, which no compiler's prologue does.
fn float(state: &mut State, half: u32) {
    let (to, from) = (field(half, 1), field(half, 2));
    match half & 0xf {
        0x9 => state.add(from, from, 4),
        0xb => {
            state.add(to, to, -4);
            state.store(Content::Unknown, state.get(to), 0);
        }
        0xa => state.store(Content::Unknown, state.get(to), 0),
        _ => {}
    }
}

/// `sts.l pr, @-r15`; before it stand `mov.l r8..r14, @-r15` and stores of arguments.
fn prologue(word: u32) -> PrologueSign {
    let half = word & 0xffff;
    if half == 0x4f22 {
        PrologueSign::Certain
    } else if half & 0xff0f == 0x2f06 || half & 0xff00 == 0x1f00 || half & 0xff00 == 0x7f00 && byte(half) < 0 {
        PrologueSign::Possible
    } else {
        PrologueSign::None
    }
}
