//! ARM instructions of 4 bytes (ARM Architecture Reference Manual, "The ARM instruction set"), as far as frames are
//! concerned. Whatever is not followed puts something unknown into the registers that it may write.

use crate::stack::code_flow::{After, CodeSet, Content, Flow, PrologueSign, State, Step, under_condition};
use vatlas_space::Va;

pub(super) const SP: u8 = 13;
pub(super) const LR: u8 = 14;
pub(super) const PC: u8 = 15;

pub(super) const CODE: CodeSet = CodeSet { sp: SP, link: LR, unit: 4, is_kept: super::is_kept, step, prologue };

fn step(state: &mut State, step: &Step) -> Option<After> {
    match step.word >> 28 {
        0xe => always(state, step),
        0xf => Some(unconditional(state, step.word)),
        condition => under_condition(state, condition as u8, SP, 4, |state| always(state, step)),
    }
}

pub(super) fn bits(word: u32, first: u32, count: u32) -> u32 {
    word >> first & ((1 << count) - 1)
}

pub(super) fn register(word: u32, first: u32) -> u8 {
    bits(word, first, 4) as u8
}

const fn next() -> After {
    After::new(4, Flow::Next)
}

fn always(state: &mut State, step: &Step) -> Option<After> {
    let word = step.word;
    let flow = match bits(word, 25, 3) {
        0b000 if bits(word, 4, 1) == 1 && bits(word, 7, 1) == 1 => multiply_or_extra(state, word),
        0b000 | 0b001 if bits(word, 23, 2) == 0b10 && bits(word, 20, 1) == 0 => miscellaneous(state, word),
        0b000 | 0b001 => compute(state, step),
        0b011 if bits(word, 4, 1) == 1 => {
            // Media instructions, and the one that is never defined.
            if bits(word, 20, 8) == 0x7f && bits(word, 4, 4) == 0xf {
                return None;
            }
            state.spoil(register(word, 12));
            state.spoil(register(word, 16));
            Flow::Next
        }
        0b010 | 0b011 => single(state, step),
        0b100 => multiple(state, word),
        0b101 => {
            let to = target(step.va, word << 8);
            if bits(word, 24, 1) == 1 { Flow::Call } else { Flow::Jump(to) }
        }
        0b110 => coprocessor_load(state, word),
        _ => coprocessor(state, word),
    };
    Some(After::new(4, flow))
}

/// A branch: a signed number of words, counted from two instructions on. `shifted` has it in its high 24 bits.
fn target(va: Va, shifted: u32) -> Va {
    let offset = (shifted as i32 >> 8) << 2;
    Va(u64::from((va.0 as u32).wrapping_add(8).wrapping_add_signed(offset)))
}

/// Instructions that no condition can stand before: `BLX`, vector loads, hints.
fn unconditional(state: &mut State, word: u32) -> After {
    if bits(word, 25, 3) == 0b101 {
        return After::new(4, Flow::Call);
    }
    let is_vector_access = bits(word, 24, 4) == 0b0100 && bits(word, 20, 1) == 0;
    if is_vector_access && register(word, 0) != PC {
        state.spoil(register(word, 16));
    }
    next()
}

/// Multiplications, exclusive accesses, and loads and stores of halfwords and pairs.
fn multiply_or_extra(state: &mut State, word: u32) -> Flow {
    if bits(word, 5, 2) == 0 {
        state.spoil(register(word, 12));
        if bits(word, 24, 4) == 0 {
            state.spoil(register(word, 16));
        }
        return Flow::Next;
    }
    let (base, value) = (register(word, 16), register(word, 12));
    let is_immediate = bits(word, 22, 1) == 1;
    let offset = is_immediate.then(|| signed(bits(word, 23, 1), bits(word, 8, 4) << 4 | bits(word, 0, 4)));
    let address = Address::of(state, word, base, offset);
    match (bits(word, 20, 1), bits(word, 5, 2)) {
        (0, 0b10) => {
            let words = [state.load(address.place, 0), state.load(address.place, 4)];
            address.write_back(state);
            state.set(value, words[0]);
            state.set(value | 1, words[1]);
        }
        (0, 0b11) => {
            state.store(state.get(value), address.place, 0);
            state.store(state.get(value | 1), address.place, 4);
            address.write_back(state);
        }
        (0, _) => {
            state.store_part(address.place, 0);
            address.write_back(state);
        }
        _ => {
            address.write_back(state);
            state.spoil(value);
        }
    }
    Flow::Next
}

pub(super) fn signed(is_up: u32, number: u32) -> i32 {
    if is_up == 1 { number as i32 } else { -(number as i32) }
}

/// Where a load or store accesses memory, and what it makes of its base register.
pub(super) struct Address {
    pub place: Content,
    base: u8,
    after: Option<Content>,
}

impl Address {
    /// Bit 24 adds the offset before the access, bit 21 keeps the sum; without bit 24 it is always added afterwards.
    fn of(state: &State, word: u32, base: u8, offset: Option<i32>) -> Self {
        Self::new(state, base, offset, bits(word, 24, 1) == 1, bits(word, 21, 1) == 1)
    }

    pub fn new(state: &State, base: u8, offset: Option<i32>, is_before: bool, is_kept: bool) -> Self {
        let first = state.get(base);
        let moved = offset.map_or(Content::Unknown, |offset| first.plus(offset));
        let after = (is_kept || !is_before).then_some(moved);
        Self { place: if is_before { moved } else { first }, base, after }
    }

    pub fn write_back(&self, state: &mut State) {
        if let Some(after) = self.after {
            state.set(self.base, after);
        }
    }
}

/// `BX`, `BLX`, `MRS`, `MSR`, `CLZ`, `MOVW`, `MOVT`, hints and the like.
fn miscellaneous(state: &mut State, word: u32) -> Flow {
    let to = register(word, 12);
    let immediate = bits(word, 16, 4) << 12 | bits(word, 0, 12);
    match (bits(word, 20, 8), bits(word, 4, 4)) {
        (0x30, _) => state.set(to, Content::Number(immediate)),
        (0x34, _) => state.set(to, state.get(to).map(|low| low & 0xffff | immediate << 16)),
        (0x32 | 0x36, _) => {}
        (0x12, 0b0001 | 0b0010) => return Flow::Leave(state.get(register(word, 0))),
        (0x12, 0b0011) => return Flow::Call,
        (0x12 | 0x16, 0b0000) | (0x12, 0b0111) => {}
        (_, 0b1000 | 0b1010 | 0b1100 | 0b1110) => {
            // Multiplications of halves.
            state.spoil(to);
            state.spoil(register(word, 16));
        }
        _ => state.spoil(to),
    }
    Flow::Next
}

/// Data processing: moves, sums, comparisons.
fn compute(state: &mut State, step: &Step) -> Flow {
    let word = step.word;
    let (to, from) = (register(word, 12), register(word, 16));
    let value = |number: u8| match number {
        PC => Content::Number((step.va.0 as u32).wrapping_add(8)),
        _ => state.get(number),
    };
    let operand = if bits(word, 25, 1) == 1 {
        Content::Number(bits(word, 0, 8).rotate_right(bits(word, 8, 4) * 2))
    } else if bits(word, 4, 8) == 0 {
        value(register(word, 0))
    } else {
        Content::Unknown
    };
    let first = value(from);
    let content = match bits(word, 21, 4) {
        0x2 => first.difference(operand),
        0x3 => operand.difference(first),
        0x4 => first.sum(operand),
        0x8..=0xb => {
            state.assumed = None;
            return Flow::Next;
        }
        0xc => combined(first, operand),
        0xd => operand,
        0xf => operand.map(|number| !number),
        _ => Content::Unknown,
    };
    if bits(word, 20, 1) == 1 {
        state.assumed = None;
    }
    if to == PC {
        return Flow::Leave(content);
    }
    state.set(to, content);
    Flow::Next
}

/// Large constants are put together by `ORR`.
pub(super) fn combined(first: Content, second: Content) -> Content {
    match (first, second) {
        (Content::Number(first), Content::Number(second)) => Content::Number(first | second),
        _ => Content::Unknown,
    }
}

/// A load or store of a word or a byte.
fn single(state: &mut State, step: &Step) -> Flow {
    let word = step.word;
    let (base, value) = (register(word, 16), register(word, 12));
    let (is_load, is_byte) = (bits(word, 20, 1) == 1, bits(word, 22, 1) == 1);
    let offset = (bits(word, 25, 1) == 0).then(|| signed(bits(word, 23, 1), bits(word, 0, 12)));
    if base == PC {
        // A constant behind the function.
        let at = offset.map(|offset| (step.va.0 as u32).wrapping_add(8).wrapping_add_signed(offset));
        let number = at.filter(|_| is_load && !is_byte).and_then(|at| (step.read)(Va(at.into())));
        return loaded(state, value, number.map_or(Content::Unknown, Content::Number), is_load);
    }
    let address = Address::of(state, word, base, offset);
    if !is_load {
        match is_byte {
            true => state.store_part(address.place, 0),
            false => state.store(state.get(value), address.place, 0),
        }
        address.write_back(state);
        return Flow::Next;
    }
    let content = if is_byte { Content::Unknown } else { state.load(address.place, 0) };
    address.write_back(state);
    loaded(state, value, content, true)
}

pub(super) fn loaded(state: &mut State, to: u8, content: Content, is_load: bool) -> Flow {
    match (is_load, to) {
        (false, _) => {}
        (true, PC) => return Flow::Leave(content),
        (true, _) => state.set(to, content),
    }
    Flow::Next
}

/// `LDM` and `STM`: the lowest register lies at the lowest address.
fn multiple(state: &mut State, word: u32) -> Flow {
    let list = Registers { base: register(word, 16), list: bits(word, 0, 16) };
    let (is_before, is_up) = (bits(word, 24, 1) == 1, bits(word, 23, 1) == 1);
    list.transfer(state, bits(word, 20, 1) == 1, is_before, is_up, bits(word, 21, 1) == 1)
}

/// The registers of a multiple load or store.
pub(super) struct Registers {
    pub base: u8,
    pub list: u32,
}

impl Registers {
    pub fn transfer(&self, state: &mut State, is_load: bool, is_before: bool, is_up: bool, is_kept: bool) -> Flow {
        let size = self.list.count_ones() as i32 * 4;
        let base = state.get(self.base);
        let lowest = match (is_up, is_before) {
            (true, false) => 0,
            (true, true) => 4,
            (false, true) => -size,
            (false, false) => 4 - size,
        };
        let numbers = (0..16_u8).filter(|number| self.list >> number & 1 == 1);
        let mut flow = Flow::Next;
        let mut loaded = Vec::new();
        for (index, number) in numbers.enumerate() {
            let offset = lowest + index as i32 * 4;
            if is_load {
                loaded.push((number, state.load(base, offset)));
            } else {
                state.store(state.get(number), base, offset);
            }
        }
        if is_kept {
            state.set(self.base, base.plus(if is_up { size } else { -size }));
        }
        for (number, content) in loaded {
            match number {
                PC => flow = Flow::Leave(content),
                _ => state.set(number, content),
            }
        }
        flow
    }
}

/// Floating-point loads and stores (`VPUSH`, `VPOP`), and moves of two registers to or from a coprocessor.
pub(super) fn coprocessor_load(state: &mut State, word: u32) -> Flow {
    let base = register(word, 16);
    if bits(word, 21, 4) == 0b0010 {
        if bits(word, 20, 1) == 1 {
            state.spoil(register(word, 12));
            state.spoil(base);
        }
        return Flow::Next;
    }
    let size = bits(word, 0, 8) * 4;
    let is_store = bits(word, 20, 1) == 0;
    let address = Address::of(state, word, base, Some(signed(bits(word, 23, 1), size)));
    if is_store {
        let is_multiple = bits(word, 24, 1) == 0 || bits(word, 21, 1) == 1;
        for offset in (0..if is_multiple { size.min(256) } else { 8 }).step_by(4) {
            state.store(Content::Unknown, address.place, offset as i32);
        }
    }
    // Bit 21 alone decides here; without it nothing is written back.
    if bits(word, 21, 1) == 1 {
        address.write_back(state);
    }
    Flow::Next
}

/// Coprocessor operations; system calls.
pub(super) fn coprocessor(state: &mut State, word: u32) -> Flow {
    if bits(word, 24, 1) == 1 {
        (0..4).for_each(|number| state.spoil(number));
    } else if bits(word, 4, 1) == 1 && bits(word, 20, 1) == 1 && register(word, 12) != PC {
        state.spoil(register(word, 12));
    }
    Flow::Next
}

/// `stmdb sp!, {..., lr}` and `str lr, [sp, #-4]!`; before them stand `mov ip, sp` and stores of arguments.
fn prologue(word: u32) -> PrologueSign {
    let is_push = word & 0xffff_0000 == 0xe92d_0000;
    if is_push && bits(word, 14, 1) == 1 || word == 0xe52d_e004 {
        PrologueSign::Certain
    } else if is_push || word == 0xe1a0_c00d || word & 0xffff_0fff == 0xe52d_0004 || word & 0xffff_f000 == 0xe24d_d000 {
        PrologueSign::Possible
    } else {
        PrologueSign::None
    }
}
