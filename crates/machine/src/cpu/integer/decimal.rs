//! Decimal adjustments, after the pseudo code of the Intel manual. Undefined flags follow the result.

use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::flags::{AF, CF, Flags, OF};
use crate::cpu::op::{Handler, Op};
use crate::cpu::width::Width;
use crate::cpu::{DIVIDE_ERROR, Exception};
use iced_x86::{Instruction, Mnemonic};

/// SF, ZF and PF of AL, with the given CF and AF.
fn set_flags(core: &mut Core, result: u8, carry: bool, adjust: bool) {
    let word = result.logic().word() & !(CF | AF | OF);
    core.flags = Flags::from_word(word | (u32::from(carry) * CF) | (u32::from(adjust) * AF));
}

/// `daa` when `ADD`, else `das`.
fn adjust_packed<const ADD: bool>(core: &mut Core, _: &Op) -> Outcome {
    let old = u8::register(core, 0);
    let (mut value, mut carry) = (old, false);
    let old_carry = core.flags.carry();
    let adjust = old & 15 > 9 || core.flags.word() & AF != 0;
    if adjust {
        let (next, overflowed) = if ADD { value.overflowing_add(6) } else { value.overflowing_sub(6) };
        (value, carry) = (next, old_carry || overflowed);
    }
    if old > 0x99 || old_carry {
        value = if ADD { value.wrapping_add(0x60) } else { value.wrapping_sub(0x60) };
        carry = true;
    } else if ADD {
        carry = false;
    }
    u8::set_register(core, 0, value);
    set_flags(core, value, carry, adjust);
    Ok(())
}

/// `aaa` when `ADD`, else `aas`.
fn adjust_unpacked<const ADD: bool>(core: &mut Core, _: &Op) -> Outcome {
    let adjust = u8::register(core, 0) & 15 > 9 || core.flags.word() & AF != 0;
    if adjust {
        let word = u16::register(core, 0);
        let word = if ADD { word.wrapping_add(0x106) } else { word.wrapping_sub(0x106) };
        u16::set_register(core, 0, word);
    }
    let low = u8::register(core, 0) & 15;
    u8::set_register(core, 0, low);
    set_flags(core, low, adjust, adjust);
    Ok(())
}

fn aam(core: &mut Core, op: &Op) -> Outcome {
    let (value, base) = (u8::register(core, 0), op.immediate as u8);
    let Some(high) = value.checked_div(base) else { return core.raise(Exception::plain(DIVIDE_ERROR)) };
    u8::set_register(core, 4, high);
    u8::set_register(core, 0, value % base);
    set_flags(core, value % base, false, false);
    Ok(())
}

fn aad(core: &mut Core, op: &Op) -> Outcome {
    let high = u8::register(core, 4).wrapping_mul(op.immediate as u8);
    let value = u8::register(core, 0).wrapping_add(high);
    u16::set_register(core, 0, value.into());
    set_flags(core, value, false, false);
    Ok(())
}

pub(super) fn bind(instruction: &Instruction) -> Option<Handler> {
    Some(match instruction.mnemonic() {
        Mnemonic::Daa => adjust_packed::<true>,
        Mnemonic::Das => adjust_packed::<false>,
        Mnemonic::Aaa => adjust_unpacked::<true>,
        Mnemonic::Aas => adjust_unpacked::<false>,
        Mnemonic::Aam => aam,
        Mnemonic::Aad => aad,
        _ => return None,
    })
}
