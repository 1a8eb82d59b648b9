//! Bit tests and scans, byte order.

use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::op::{Handler, Op};
use crate::cpu::operand::{A, B, I, Kind, M, Place, Shape, Source};
use crate::cpu::width::Width;
use iced_x86::{Instruction, Mnemonic};

/// What is done to the bit: `bt`, `bts`, `btr`, `btc`.
const TEST: u8 = 0;
const SET: u8 = 1;
const RESET: u8 = 2;

fn change<W: Width, const WHAT: u8>(core: &mut Core, value: W, bit: u32) -> (W, ()) {
    let mask = 1 << (bit % W::BITS);
    let old = value.wide();
    core.flags = core.flags.with_carry(old & mask != 0);
    let new = match WHAT {
        SET => old | mask,
        RESET => old & !mask,
        _ => old ^ mask,
    };
    (W::cut(new), ())
}

/// The bit is one of the operand: its number is taken modulo the width.
fn bit<W: Width, D: Place, S: Source, const WHAT: u8>(core: &mut Core, op: &Op) -> Outcome {
    let bit = S::get::<W>(core, op)?.wide();
    if WHAT == TEST {
        let value = D::get::<W>(core, op)?;
        core.flags = core.flags.with_carry(value.wide() >> (bit % W::BITS) & 1 != 0);
        return Ok(());
    }
    D::update(core, op, |core, value: W| change::<W, WHAT>(core, value, bit))
}

/// The bit is anywhere in memory: a signed number from a register counts from the address.
fn bit_in_memory<W: Width, const WHAT: u8>(core: &mut Core, op: &Op) -> Outcome {
    let bit = W::register(core, op.b).signed();
    let words = bit >> W::BITS.trailing_zeros();
    let at = core.address(op).wrapping_add((words as u32).wrapping_mul(W::BYTES));
    if WHAT == TEST {
        let value: W = core.read(at)?;
        core.flags = core.flags.with_carry(value.wide() >> (bit as u32 % W::BITS) & 1 != 0);
        return Ok(());
    }
    core.update(at, |core, value: W| change::<W, WHAT>(core, value, bit as u32))
}

/// `bsf` when `FORWARD`, else `bsr`. For 0 the first operand stays, as on all processors in use.
fn scan<W: Width, S: Source, const FORWARD: bool>(core: &mut Core, op: &Op) -> Outcome {
    let value = S::get::<W>(core, op)?;
    core.flags = value.logic();
    if value.wide() != 0 {
        let bit = if FORWARD { value.wide().trailing_zeros() } else { 31 - value.wide().leading_zeros() };
        W::set_register(core, op.a, W::cut(bit));
    }
    Ok(())
}

/// Of a 16-bit register the result is undefined; here it is 0, as on processors in use.
fn bswap<W: Width>(core: &mut Core, op: &Op) -> Outcome {
    let value = if W::BITS == 32 { core.gpr[usize::from(op.a & 7)].swap_bytes() } else { 0 };
    W::set_register(core, op.a, W::cut(value));
    Ok(())
}

fn bind_bit<const WHAT: u8>(shape: Shape) -> Option<Handler> {
    Some(match (shape.width, shape.first, shape.second) {
        (16, Kind::Register, Kind::Register) => bit::<u16, A, B, WHAT>,
        (16, Kind::Register, _) => bit::<u16, A, I, WHAT>,
        (16, Kind::Memory, Kind::Register) => bit_in_memory::<u16, WHAT>,
        (16, Kind::Memory, _) => bit::<u16, M, I, WHAT>,
        (32, Kind::Register, Kind::Register) => bit::<u32, A, B, WHAT>,
        (32, Kind::Register, _) => bit::<u32, A, I, WHAT>,
        (32, Kind::Memory, Kind::Register) => bit_in_memory::<u32, WHAT>,
        (32, Kind::Memory, _) => bit::<u32, M, I, WHAT>,
        _ => return None,
    })
}

fn bind_scan<const FORWARD: bool>(shape: Shape) -> Option<Handler> {
    Some(match (shape.width, shape.second) {
        (16, Kind::Register) => scan::<u16, B, FORWARD>,
        (16, Kind::Memory) => scan::<u16, M, FORWARD>,
        (32, Kind::Register) => scan::<u32, B, FORWARD>,
        (32, Kind::Memory) => scan::<u32, M, FORWARD>,
        _ => return None,
    })
}

pub(super) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    match instruction.mnemonic() {
        Mnemonic::Bt => bind_bit::<TEST>(shape),
        Mnemonic::Bts => bind_bit::<SET>(shape),
        Mnemonic::Btr => bind_bit::<RESET>(shape),
        Mnemonic::Btc => bind_bit::<3>(shape),
        // A processor without BMI1 and ABM passes over the prefix F3 in front of bsf and bsr. Compilers write it for
        // speed on those that have them, where the results agree unless the source is zero.
        Mnemonic::Bsf | Mnemonic::Tzcnt => bind_scan::<true>(shape),
        Mnemonic::Bsr | Mnemonic::Lzcnt => bind_scan::<false>(shape),
        Mnemonic::Bswap if shape.width == 16 => Some(bswap::<u16>),
        Mnemonic::Bswap => Some(bswap::<u32>),
        _ => None,
    }
}
