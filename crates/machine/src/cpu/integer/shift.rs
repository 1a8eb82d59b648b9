//! Shifts and rotations. Counts are taken modulo 32; with a count of 0 no flag changes.
//!
//! OF is defined for a count of 1 only. For others this follows the processors that are in use: the same formula
//! with the last step.

use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::flags::Flags;
use crate::cpu::op::{Handler, Op};
use crate::cpu::operand::{A, Cl, I, Kind, M, Place, Shape, Source};
use crate::cpu::width::Width;
use iced_x86::{Instruction, Mnemonic};

/// A shift by 1 to 31.
pub(super) trait Shift {
    fn apply<W: Width>(value: W, count: u32, flags: Flags) -> (W, Flags);
}

pub(super) struct Shl;
impl Shift for Shl {
    #[inline(always)]
    fn apply<W: Width>(value: W, count: u32, _: Flags) -> (W, Flags) {
        let wide = u64::from(value.wide()) << count;
        let result = W::cut(wide as u32);
        let carry = wide >> W::BITS & 1 != 0;
        let overflow = (result.signed() < 0) != carry;
        (result, result.logic().with_carry_overflow(carry, overflow))
    }
}

pub(super) struct Shr;
impl Shift for Shr {
    #[inline(always)]
    fn apply<W: Width>(value: W, count: u32, _: Flags) -> (W, Flags) {
        let old = value.wide();
        let result = W::cut(old >> count);
        let carry = old >> (count - 1) & 1 != 0;
        // The top bit before the last step; for a count of 1 the sign of the operand.
        let overflow = (old >> (count - 1)) >> (W::BITS - 1) & 1 != 0;
        (result, result.logic().with_carry_overflow(carry, overflow))
    }
}

pub(super) struct Sar;
impl Shift for Sar {
    #[inline(always)]
    fn apply<W: Width>(value: W, count: u32, _: Flags) -> (W, Flags) {
        let old = value.signed();
        let result = W::cut((old >> count) as u32);
        let carry = old >> (count - 1) & 1 != 0;
        (result, result.logic().with_carry_overflow(carry, false))
    }
}

struct Rol;
impl Shift for Rol {
    #[inline(always)]
    fn apply<W: Width>(value: W, count: u32, flags: Flags) -> (W, Flags) {
        let (old, by) = (value.wide(), count % W::BITS);
        let result = W::cut(old << by | old.checked_shr(W::BITS - by).unwrap_or(0));
        let carry = result.wide() & 1 != 0;
        (result, flags.with_carry_overflow(carry, (result.signed() < 0) != carry))
    }
}

struct Ror;
impl Shift for Ror {
    #[inline(always)]
    fn apply<W: Width>(value: W, count: u32, flags: Flags) -> (W, Flags) {
        let (old, by) = (value.wide(), count % W::BITS);
        let result = W::cut(old >> by | old.checked_shl(W::BITS - by).unwrap_or(0));
        let (top, below) = (result.wide() >> (W::BITS - 1) & 1, result.wide() >> (W::BITS - 2) & 1);
        (result, flags.with_carry_overflow(top != 0, top != below))
    }
}

/// Through CF: a rotation of one bit more. A count that is a multiple of that changes nothing.
struct Rcl;
impl Shift for Rcl {
    #[inline(always)]
    fn apply<W: Width>(value: W, count: u32, flags: Flags) -> (W, Flags) {
        let by = count % (W::BITS + 1);
        let ring = u64::from(flags.carry()) << W::BITS | u64::from(value.wide());
        let turned = if by == 0 { ring } else { ring << by | ring >> (W::BITS + 1 - by) };
        let result = W::cut(turned as u32);
        let carry = turned >> W::BITS & 1 != 0;
        (result, flags.with_carry_overflow(carry, (result.signed() < 0) != carry))
    }
}

struct Rcr;
impl Shift for Rcr {
    #[inline(always)]
    fn apply<W: Width>(value: W, count: u32, flags: Flags) -> (W, Flags) {
        let by = count % (W::BITS + 1);
        let ring = u64::from(flags.carry()) << W::BITS | u64::from(value.wide());
        let turned = if by == 0 { ring } else { ring >> by | ring << (W::BITS + 1 - by) };
        let result = W::cut(turned as u32);
        let (top, below) = (result.wide() >> (W::BITS - 1) & 1, result.wide() >> (W::BITS - 2) & 1);
        (result, flags.with_carry_overflow(turned >> W::BITS & 1 != 0, top != below))
    }
}

fn shift<W: Width, D: Place, S: Source, O: Shift>(core: &mut Core, op: &Op) -> Outcome {
    let count = S::get::<u8>(core, op)?.wide() & 31;
    if count == 0 {
        return probe_place::<W, D>(core, op);
    }
    D::update(core, op, |core, value: W| {
        let (result, flags) = O::apply(value, count, core.flags);
        core.flags = flags;
        (result, ())
    })
}

/// A shift by 0 writes its operand back all the same, and may fault.
fn probe_place<W: Width, D: Place>(core: &mut Core, op: &Op) -> Outcome {
    D::update(core, op, |_, value: W| (value, ()))
}

/// `shld` when `LEFT`, else `shrd`. A count above the width of a word operand is undefined; here bits come in from the
/// first operand again.
fn double<W: Width, D: Place, S: Source, const LEFT: bool>(core: &mut Core, op: &Op) -> Outcome {
    let count = S::get::<u8>(core, op)?.wide() & 31;
    if count == 0 {
        return probe_place::<W, D>(core, op);
    }
    let filler = u128::from(W::register(core, op.b).wide());
    D::update(core, op, |core, value: W| {
        let old = u128::from(value.wide());
        let bits = W::BITS;
        let (shifted, carry) = if LEFT {
            let chain = (old << (2 * bits)) | (filler << bits) | old;
            let moved = chain << count;
            ((moved >> (2 * bits)) as u32, moved >> (3 * bits) & 1 != 0)
        } else {
            let chain = (old << (2 * bits)) | (filler << bits) | old;
            ((chain >> count) as u32, chain >> (count - 1) & 1 != 0)
        };
        let result = W::cut(shifted);
        let overflow = (result.signed() < 0) != (value.signed() < 0);
        core.flags = result.logic().with_carry_overflow(carry, overflow);
        (result, ())
    })
}

/// Which of the count's two homes.
macro_rules! by_count {
    ($shape:expr, $instruction:expr, $o:ty) => {{
        let is_immediate = $shape.second == Kind::Immediate;
        let handler: Option<Handler> = match ($shape.width, $shape.first, is_immediate) {
            (8, Kind::Register, true) => Some(shift::<u8, A, I, $o>),
            (8, Kind::Memory, true) => Some(shift::<u8, M, I, $o>),
            (8, Kind::Register, false) => Some(shift::<u8, A, Cl, $o>),
            (8, Kind::Memory, false) => Some(shift::<u8, M, Cl, $o>),
            (16, Kind::Register, true) => Some(shift::<u16, A, I, $o>),
            (16, Kind::Memory, true) => Some(shift::<u16, M, I, $o>),
            (16, Kind::Register, false) => Some(shift::<u16, A, Cl, $o>),
            (16, Kind::Memory, false) => Some(shift::<u16, M, Cl, $o>),
            (32, Kind::Register, true) => Some(shift::<u32, A, I, $o>),
            (32, Kind::Memory, true) => Some(shift::<u32, M, I, $o>),
            (32, Kind::Register, false) => Some(shift::<u32, A, Cl, $o>),
            (32, Kind::Memory, false) => Some(shift::<u32, M, Cl, $o>),
            _ => None,
        };
        handler
    }};
}

fn bind_double<const LEFT: bool>(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    let is_immediate = crate::cpu::operand::kind(instruction, 2) == Kind::Immediate;
    Some(match (shape.width, shape.first, is_immediate) {
        (16, Kind::Register, true) => double::<u16, A, I, LEFT>,
        (16, Kind::Memory, true) => double::<u16, M, I, LEFT>,
        (16, Kind::Register, false) => double::<u16, A, Cl, LEFT>,
        (16, Kind::Memory, false) => double::<u16, M, Cl, LEFT>,
        (32, Kind::Register, true) => double::<u32, A, I, LEFT>,
        (32, Kind::Memory, true) => double::<u32, M, I, LEFT>,
        (32, Kind::Register, false) => double::<u32, A, Cl, LEFT>,
        (32, Kind::Memory, false) => double::<u32, M, Cl, LEFT>,
        _ => return None,
    })
}

pub(super) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    match instruction.mnemonic() {
        Mnemonic::Shl | Mnemonic::Sal => by_count!(shape, instruction, Shl),
        Mnemonic::Shr => by_count!(shape, instruction, Shr),
        Mnemonic::Sar => by_count!(shape, instruction, Sar),
        Mnemonic::Rol => by_count!(shape, instruction, Rol),
        Mnemonic::Ror => by_count!(shape, instruction, Ror),
        Mnemonic::Rcl => by_count!(shape, instruction, Rcl),
        Mnemonic::Rcr => by_count!(shape, instruction, Rcr),
        Mnemonic::Shld => bind_double::<true>(instruction, shape),
        Mnemonic::Shrd => bind_double::<false>(instruction, shape),
        _ => None,
    }
}
