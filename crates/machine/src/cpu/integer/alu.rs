//! Sums, differences and logic.

use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::flags::Flags;
use crate::cpu::op::{Handler, Op};
use crate::cpu::operand::{Place, Shape, Source, by_one, by_two};
use crate::cpu::width::Width;
use iced_x86::{Instruction, Mnemonic};

/// An operation on two operands.
pub(super) trait Operation {
    /// Its result and flags. `carry` is CF.
    fn apply<W: Width>(a: W, b: W, carry: bool) -> (W, Flags);
}

/// A sum or difference in 64 bits.
macro_rules! arithmetic {
    ($($name:ident: |$a:ident, $b:ident, $carry:ident| $total:expr;)*) => {$(
        pub(super) struct $name;
        impl Operation for $name {
            #[inline(always)]
            fn apply<W: Width>(a: W, b: W, $carry: bool) -> (W, Flags) {
                let ($a, $b) = (u64::from(a.wide()), u64::from(b.wide()));
                let total: u64 = $total;
                (W::cut(total as u32), W::arithmetic(a.wide(), b.wide(), total))
            }
        }
    )*};
}
arithmetic! {
    Add: |a, b, _carry| a + b;
    Adc: |a, b, carry| a + b + u64::from(carry);
    Sub: |a, b, _carry| a.wrapping_sub(b);
    Sbb: |a, b, carry| a.wrapping_sub(b).wrapping_sub(u64::from(carry));
}

macro_rules! logic {
    ($($name:ident: |$a:ident, $b:ident| $result:expr;)*) => {$(
        pub(super) struct $name;
        impl Operation for $name {
            #[inline(always)]
            fn apply<W: Width>(a: W, b: W, _carry: bool) -> (W, Flags) {
                let ($a, $b) = (a.wide(), b.wide());
                let result = W::cut($result);
                (result, result.logic())
            }
        }
    )*};
}
logic! {
    And: |a, b| a & b;
    Or: |a, b| a | b;
    Xor: |a, b| a ^ b;
}

/// `first = first op second`.
fn compute<W: Width, D: Place, S: Source, O: Operation>(core: &mut Core, op: &Op) -> Outcome {
    let b = S::get::<W>(core, op)?;
    D::update(core, op, |core, a| {
        let (result, flags) = O::apply(a, b, core.flags.carry());
        core.flags = flags;
        (result, ())
    })
}

/// Only the flags of `first op second`.
fn compare<W: Width, D: Place, S: Source, O: Operation>(core: &mut Core, op: &Op) -> Outcome {
    let b = S::get::<W>(core, op)?;
    let a = D::get::<W>(core, op)?;
    core.flags = O::apply(a, b, false).1;
    Ok(())
}

/// A comparison and the conditional jump behind it, whose condition is in the handler's bits. The target is where the
/// comparison has no number: in the displacement when `IMMEDIATE`, else in the immediate.
pub(super) fn compare_and_jump<W: Width, D: Place, S: Source, O: Operation, const IMMEDIATE: bool>(
    core: &mut Core,
    op: &Op,
) -> Outcome {
    compare::<W, D, S, O>(core, op)?;
    if core.flags.holds(op.extra()) {
        let offset = if IMMEDIATE { op.displacement } else { op.immediate };
        let eip = core.block.wrapping_add(offset);
        return core.jump(eip);
    }
    Ok(())
}

/// `inc` and `dec`: CF stays.
fn step<W: Width, D: Place, O: Operation>(core: &mut Core, op: &Op) -> Outcome {
    D::update(core, op, |core, a: W| {
        let carry = core.flags.carry();
        let (result, flags) = O::apply(a, W::cut(1), false);
        core.flags = flags.with_carry(carry);
        (result, ())
    })
}

fn neg<W: Width, D: Place>(core: &mut Core, op: &Op) -> Outcome {
    D::update(core, op, |core, a: W| {
        let (result, flags) = Sub::apply(W::cut(0), a, false);
        core.flags = flags;
        (result, ())
    })
}

fn not<W: Width, D: Place>(core: &mut Core, op: &Op) -> Outcome {
    D::update(core, op, |_, a: W| (W::cut(!a.wide()), ()))
}

pub(super) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    match instruction.mnemonic() {
        Mnemonic::Add => by_two!(shape, compute, Add),
        Mnemonic::Adc => by_two!(shape, compute, Adc),
        Mnemonic::Sub => by_two!(shape, compute, Sub),
        Mnemonic::Sbb => by_two!(shape, compute, Sbb),
        Mnemonic::And => by_two!(shape, compute, And),
        Mnemonic::Or => by_two!(shape, compute, Or),
        Mnemonic::Xor => by_two!(shape, compute, Xor),
        Mnemonic::Cmp => by_two!(shape, compare, Sub),
        Mnemonic::Test => by_two!(shape, compare, And),
        Mnemonic::Inc => by_one!(shape, step, Add),
        Mnemonic::Dec => by_one!(shape, step, Sub),
        Mnemonic::Neg => by_one!(shape, neg),
        Mnemonic::Not => by_one!(shape, not),
        _ => None,
    }
}
