//! Products and quotients. The flags that are undefined keep what was there, except that products set SF, ZF and PF
//! by the low half, as the processors in use do.

use crate::cpu::core::{Core, EAX, EDX};
use crate::cpu::exit::Outcome;
use crate::cpu::op::{Handler, Op};
use crate::cpu::operand::{A, B, I, Kind, M, Shape, Source, by_one};
use crate::cpu::width::Width;
use crate::cpu::{DIVIDE_ERROR, Exception};
use iced_x86::{Instruction, Mnemonic};

/// The accumulator pair of a width: AX, DX:AX, EDX:EAX.
fn pair<W: Width>(core: &Core) -> u64 {
    match W::BITS {
        8 => u64::from(core.gpr[EAX] & 0xffff),
        16 => u64::from(core.gpr[EDX] & 0xffff) << 16 | u64::from(core.gpr[EAX] & 0xffff),
        _ => u64::from(core.gpr[EDX]) << 32 | u64::from(core.gpr[EAX]),
    }
}

/// Writes the halves of a pair: low to AL, AX or EAX, high to AH, DX or EDX.
fn set_pair<W: Width>(core: &mut Core, low: u32, high: u32) {
    W::set_register(core, 0, W::cut(low));
    W::set_register(core, if W::BITS == 8 { 4 } else { 2 }, W::cut(high));
}

fn mul<W: Width, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let product = u64::from(W::register(core, 0).wide()) * u64::from(S::get::<W>(core, op)?.wide());
    let high = (product >> W::BITS) as u32;
    set_pair::<W>(core, product as u32, high);
    core.flags = W::cut(product as u32).logic().with_carry_overflow(high != 0, high != 0);
    Ok(())
}

/// Whether a signed product is more than its low half.
fn set_signed_flags<W: Width>(core: &mut Core, product: i64) {
    let low = W::cut(product as u32);
    let is_cut = i64::from(low.signed()) != product;
    core.flags = low.logic().with_carry_overflow(is_cut, is_cut);
}

fn imul<W: Width, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let product = i64::from(W::register(core, 0).signed()) * i64::from(S::get::<W>(core, op)?.signed());
    set_pair::<W>(core, product as u32, (product >> W::BITS) as u32);
    set_signed_flags::<W>(core, product);
    Ok(())
}

/// `first = second * third`; with two operands the first is also the third.
fn imul_to<W: Width, S: Source, T: Source>(core: &mut Core, op: &Op) -> Outcome {
    let product = i64::from(S::get::<W>(core, op)?.signed()) * i64::from(T::get::<W>(core, op)?.signed());
    W::set_register(core, op.a, W::cut(product as u32));
    set_signed_flags::<W>(core, product);
    Ok(())
}

fn div<W: Width, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let divisor = u64::from(S::get::<W>(core, op)?.wide());
    let dividend = pair::<W>(core);
    let quotient = dividend.checked_div(divisor).filter(|quotient| *quotient <= W::MASK.into());
    let Some(quotient) = quotient else { return core.raise(Exception::plain(DIVIDE_ERROR)) };
    set_pair::<W>(core, quotient as u32, (dividend % divisor) as u32);
    Ok(())
}

fn idiv<W: Width, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let divisor = i64::from(S::get::<W>(core, op)?.signed());
    let unused = 64 - 2 * W::BITS;
    let dividend = ((pair::<W>(core) << unused) as i64) >> unused;
    let quotient =
        dividend.checked_div(divisor).filter(|quotient| i64::from(W::cut(*quotient as u32).signed()) == *quotient);
    let Some(quotient) = quotient else { return core.raise(Exception::plain(DIVIDE_ERROR)) };
    set_pair::<W>(core, quotient as u32, (dividend % divisor) as u32);
    Ok(())
}

fn bind_imul(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    let three = instruction.op_count() == 3;
    if instruction.op_count() == 1 {
        return by_one!(shape, imul);
    }
    Some(match (shape.width, shape.second, three) {
        (16, Kind::Register, false) => imul_to::<u16, B, A>,
        (16, Kind::Memory, false) => imul_to::<u16, M, A>,
        (16, Kind::Register, true) => imul_to::<u16, B, I>,
        (16, Kind::Memory, true) => imul_to::<u16, M, I>,
        (32, Kind::Register, false) => imul_to::<u32, B, A>,
        (32, Kind::Memory, false) => imul_to::<u32, M, A>,
        (32, Kind::Register, true) => imul_to::<u32, B, I>,
        (32, Kind::Memory, true) => imul_to::<u32, M, I>,
        _ => return None,
    })
}

pub(super) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    match instruction.mnemonic() {
        Mnemonic::Mul => by_one!(shape, mul),
        Mnemonic::Imul => bind_imul(instruction, shape),
        Mnemonic::Div => by_one!(shape, div),
        Mnemonic::Idiv => by_one!(shape, idiv),
        _ => None,
    }
}
