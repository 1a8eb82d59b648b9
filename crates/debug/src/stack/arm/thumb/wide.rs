//! Thumb instructions of 4 bytes. A word has the first half in its high bits.

use super::super::code::{
    Address, PC, Registers, bits, combined, coprocessor, coprocessor_load, loaded, register, signed,
};
use crate::stack::code_flow::{Content, Flow, State};
use vatlas_space::Va;

pub(super) fn flow(state: &mut State, va: Va, word: u32, read: &dyn Fn(Va) -> Option<u32>) -> Option<Flow> {
    let first = word >> 16;
    Some(match first >> 8 & 0x1f {
        0x08 | 0x09 if first & 0x40 == 0 => return multiple(state, word),
        0x08 | 0x09 => pair_or_table(state, word),
        0x0a | 0x0b => shifted(state, word),
        0x0c | 0x0d | 0x1c | 0x1d => coprocessor_load(state, word),
        0x0e | 0x1e => coprocessor(state, word),
        0x0f | 0x1f => Flow::Next,
        0x10..=0x17 if bits(word, 15, 1) == 1 => return branch_or_control(state, va, word),
        0x10..=0x17 if bits(word, 25, 1) == 0 => modified_immediate(state, word),
        0x10..=0x17 => plain_immediate(state, va, word),
        0x19 if first & 0x10 == 0 => {
            // Vector loads and stores move their base register unless the last field is 15.
            if register(word, 0) != PC {
                state.spoil(register(word, 16));
            }
            Flow::Next
        }
        0x18 | 0x19 => single(state, va, word, read),
        0x1b if first & 0x80 != 0 => {
            // Long multiplications and divisions.
            state.spoil(register(word, 12));
            spoiled(state, word)
        }
        _ => spoiled(state, word),
    })
}

/// Something unknown goes into the usual destination.
fn spoiled(state: &mut State, word: u32) -> Flow {
    state.spoil(register(word, 8));
    Flow::Next
}

/// `LDM.W` and `STM.W`: upwards from the base, or downwards from below it.
fn multiple(state: &mut State, word: u32) -> Option<Flow> {
    let list = Registers { base: register(word, 16), list: bits(word, 0, 16) };
    let is_down = match bits(word, 23, 2) {
        0b01 => false,
        0b10 => true,
        _ => return None,
    };
    Some(list.transfer(state, bits(word, 20, 1) == 1, is_down, !is_down, bits(word, 21, 1) == 1))
}

/// `LDRD`, `STRD`, exclusive accesses, jumps through a table of bytes or halfwords.
fn pair_or_table(state: &mut State, word: u32) -> Flow {
    if word & 0xfff0_ffe0 == 0xe8d0_f000 {
        return Flow::Leave(Content::Unknown);
    }
    let [first, second, base] = [12, 8, 16].map(|field| register(word, field));
    let (is_before, is_kept, is_load) = (bits(word, 24, 1) == 1, bits(word, 21, 1) == 1, bits(word, 20, 1) == 1);
    if !is_before && !is_kept {
        for number in [second, if is_load { first } else { register(word, 0) }] {
            state.spoil(number);
        }
        return Flow::Next;
    }
    let offset = signed(bits(word, 23, 1), bits(word, 0, 8) * 4);
    let address = Address::new(state, base, Some(offset), is_before, is_kept);
    if is_load {
        let words = [state.load(address.place, 0), state.load(address.place, 4)];
        address.write_back(state);
        state.set(first, words[0]);
        state.set(second, words[1]);
    } else {
        state.store(state.get(first), address.place, 0);
        state.store(state.get(second), address.place, 4);
        address.write_back(state);
    }
    Flow::Next
}

/// What a data-processing instruction makes of its operands, by its four bits.
fn computed(operation: u32, first: Option<Content>, operand: Content) -> Content {
    match (operation, first) {
        (0x2, None) => operand,
        (0x3, None) => operand.map(|number| !number),
        (0x2, Some(first)) => combined(first, operand),
        (0x8, Some(first)) => first.sum(operand),
        (0xd, Some(first)) => first.difference(operand),
        (0xe, Some(first)) => operand.difference(first),
        _ => Content::Unknown,
    }
}

/// Without a destination it is a comparison; without a first operand it is a move.
fn compute(state: &mut State, word: u32, operand: Content) -> Flow {
    let (to, from) = (register(word, 8), register(word, 16));
    let first = (from != PC).then(|| state.get(from));
    if to != PC {
        state.set(to, computed(bits(word, 21, 4), first, operand));
    }
    Flow::Next
}

fn shifted(state: &mut State, word: u32) -> Flow {
    let is_plain = bits(word, 12, 3) == 0 && bits(word, 4, 4) == 0;
    let operand = if is_plain { state.get(register(word, 0)) } else { Content::Unknown };
    compute(state, word, operand)
}

/// `i:imm3:imm8`.
fn immediate(word: u32) -> u32 {
    bits(word, 26, 1) << 11 | bits(word, 12, 3) << 8 | bits(word, 0, 8)
}

/// `ThumbExpandImm` of the manual: a byte repeated in one of three ways, or rotated.
fn expanded(immediate: u32) -> u32 {
    let byte = immediate & 0xff;
    match immediate >> 8 {
        0 => byte,
        1 => byte << 16 | byte,
        2 => byte << 24 | byte << 8,
        3 => byte * 0x0101_0101,
        _ => (0x80 | immediate & 0x7f).rotate_right(immediate >> 7),
    }
}

fn modified_immediate(state: &mut State, word: u32) -> Flow {
    compute(state, word, Content::Number(expanded(immediate(word))))
}

fn plain_immediate(state: &mut State, va: Va, word: u32) -> Flow {
    let (to, from, number) = (register(word, 8), register(word, 16), immediate(word));
    let wide = bits(word, 16, 4) << 12 | number;
    let first = match from {
        PC => Content::Number((va.0 as u32).wrapping_add(4) & !3),
        _ => state.get(from),
    };
    let content = match bits(word, 20, 5) {
        0x00 => first.plus(number as i32),
        0x0a => first.plus(-(number as i32)),
        0x04 => Content::Number(wide),
        0x0c => state.get(to).map(|low| low & 0xffff | wide << 16),
        _ => Content::Unknown,
    };
    state.set(to, content);
    Flow::Next
}

fn branch_or_control(state: &mut State, va: Va, word: u32) -> Option<Flow> {
    let (sign, first, second) = (bits(word, 26, 1), bits(word, 13, 1), bits(word, 11, 1));
    let to = |offset: u32, shift: u32| {
        let offset = (offset << shift) as i32 >> shift;
        Va(u64::from((va.0 as u32).wrapping_add(4).wrapping_add_signed(offset)))
    };
    if bits(word, 14, 1) == 1 {
        return Some(Flow::Call);
    }
    if bits(word, 12, 1) == 1 {
        let high = sign << 24 | (1 ^ first ^ sign) << 23 | (1 ^ second ^ sign) << 22;
        return Some(Flow::Jump(to(high | bits(word, 16, 10) << 12 | bits(word, 0, 11) << 1, 7)));
    }
    if bits(word, 23, 3) != 0b111 {
        let high = sign << 20 | second << 19 | first << 18;
        return Some(Flow::Branch(to(high | bits(word, 16, 6) << 12 | bits(word, 0, 11) << 1, 11)));
    }
    match word >> 16 {
        0xf3ef => Some(spoiled(state, word)),
        // The return from an exception, and what is never defined.
        0xf3de | 0xf7f0..=0xf7ff => None,
        _ => Some(Flow::Next),
    }
}

/// A load or store of one register.
fn single(state: &mut State, va: Va, word: u32, read: &dyn Fn(Va) -> Option<u32>) -> Flow {
    let (base, value) = (register(word, 16), register(word, 12));
    let (is_load, is_word) = (bits(word, 20, 1) == 1, bits(word, 21, 2) == 2 && bits(word, 24, 1) == 0);
    if base == PC {
        let at = (va.0 as u32).wrapping_add(4) & !3;
        let at = at.wrapping_add_signed(signed(bits(word, 23, 1), bits(word, 0, 12)));
        let number = read(Va(at.into())).filter(|_| is_word);
        return whole(state, value, number.map_or(Content::Unknown, Content::Number), is_load, is_word);
    }
    let address = if bits(word, 23, 1) == 1 {
        Address::new(state, base, Some(bits(word, 0, 12) as i32), true, false)
    } else if bits(word, 11, 1) == 1 {
        let offset = signed(bits(word, 9, 1), bits(word, 0, 8));
        Address::new(state, base, Some(offset), bits(word, 10, 1) == 1, bits(word, 8, 1) == 1)
    } else {
        Address::new(state, base, None, true, false)
    };
    if !is_load {
        match is_word {
            true => state.store(state.get(value), address.place, 0),
            false => state.store_part(address.place, 0),
        }
    }
    let content = if is_word { state.load(address.place, 0) } else { Content::Unknown };
    address.write_back(state);
    whole(state, value, content, is_load, is_word)
}

/// A load of less than a word "into pc" is a hint to the cache.
fn whole(state: &mut State, to: u8, content: Content, is_load: bool, is_word: bool) -> Flow {
    if to == PC && !is_word { Flow::Next } else { loaded(state, to, content, is_load) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_of_modified_immediates() {
        assert_eq!(expanded(0x0ab), 0xab);
        assert_eq!(expanded(0x1ab), 0x00ab_00ab);
        assert_eq!(expanded(0x2ab), 0xab00_ab00);
        assert_eq!(expanded(0x3ab), 0xabab_abab);
        assert_eq!(expanded(0x4ab), 0x5580_0000);
    }
}
