//! From the mnemonics of the x87 to their handlers.

use super::arithmetic::{self, ADD, DIV, DIVR, MUL, SUB, SUBR};
use super::load::{self, I16, I32, I64, M32, M64};
use super::{compare, control, transcendental};
use crate::cpu::op::Handler;
use crate::cpu::operand::{Kind, Shape};
use iced_x86::{Instruction, Mnemonic};

/// Arithmetic with one operand in memory, or with two registers.
fn operation<const WHAT: u8>(shape: Shape) -> Handler {
    match (shape.first, shape.width) {
        (Kind::Memory, 32) => arithmetic::with_memory::<WHAT, M32>,
        (Kind::Memory, _) => arithmetic::with_memory::<WHAT, M64>,
        _ => arithmetic::with_register::<WHAT, false>,
    }
}

fn integer_operation<const WHAT: u8>(shape: Shape) -> Handler {
    match shape.width {
        16 => arithmetic::with_memory::<WHAT, I16>,
        _ => arithmetic::with_memory::<WHAT, I32>,
    }
}

fn bind_arithmetic(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    Some(match instruction.mnemonic() {
        Mnemonic::Fadd => operation::<ADD>(shape),
        Mnemonic::Fmul => operation::<MUL>(shape),
        Mnemonic::Fsub => operation::<SUB>(shape),
        Mnemonic::Fsubr => operation::<SUBR>(shape),
        Mnemonic::Fdiv => operation::<DIV>(shape),
        Mnemonic::Fdivr => operation::<DIVR>(shape),
        Mnemonic::Faddp => arithmetic::with_register::<ADD, true>,
        Mnemonic::Fmulp => arithmetic::with_register::<MUL, true>,
        Mnemonic::Fsubp => arithmetic::with_register::<SUB, true>,
        Mnemonic::Fsubrp => arithmetic::with_register::<SUBR, true>,
        Mnemonic::Fdivp => arithmetic::with_register::<DIV, true>,
        Mnemonic::Fdivrp => arithmetic::with_register::<DIVR, true>,
        Mnemonic::Fiadd => integer_operation::<ADD>(shape),
        Mnemonic::Fimul => integer_operation::<MUL>(shape),
        Mnemonic::Fisub => integer_operation::<SUB>(shape),
        Mnemonic::Fisubr => integer_operation::<SUBR>(shape),
        Mnemonic::Fidiv => integer_operation::<DIV>(shape),
        Mnemonic::Fidivr => integer_operation::<DIVR>(shape),
        Mnemonic::Fsqrt => arithmetic::fsqrt,
        Mnemonic::Frndint => arithmetic::frndint,
        Mnemonic::Fchs => arithmetic::fchs,
        Mnemonic::Fabs => arithmetic::fabs,
        Mnemonic::Fscale => arithmetic::fscale,
        Mnemonic::Fxtract => arithmetic::fxtract,
        Mnemonic::Fprem => arithmetic::fprem::<false>,
        Mnemonic::Fprem1 => arithmetic::fprem::<true>,
        _ => return None,
    })
}

fn bind_load(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    Some(match (instruction.mnemonic(), shape.first, shape.width) {
        (Mnemonic::Fld, Kind::Memory, 32) => load::fld::<M32>,
        (Mnemonic::Fld, Kind::Memory, 64) => load::fld::<M64>,
        (Mnemonic::Fld, Kind::Memory, _) => load::fld_m80,
        (Mnemonic::Fld, ..) => load::fld_register,
        (Mnemonic::Fild, _, 16) => load::fld::<I16>,
        (Mnemonic::Fild, _, 32) => load::fld::<I32>,
        (Mnemonic::Fild, ..) => load::fld::<I64>,
        (Mnemonic::Fst, Kind::Memory, 32) => load::fst_m32::<false>,
        (Mnemonic::Fst, Kind::Memory, _) => load::fst_m64::<false>,
        (Mnemonic::Fst, ..) => load::fst_register::<false>,
        (Mnemonic::Fstp, Kind::Memory, 32) => load::fst_m32::<true>,
        (Mnemonic::Fstp, Kind::Memory, 64) => load::fst_m64::<true>,
        (Mnemonic::Fstp, Kind::Memory, _) => load::fstp_m80,
        (Mnemonic::Fstp, ..) => load::fst_register::<true>,
        (Mnemonic::Fist, _, 16) => load::fist::<16, false>,
        (Mnemonic::Fist, ..) => load::fist::<32, false>,
        (Mnemonic::Fistp, _, 16) => load::fist::<16, true>,
        (Mnemonic::Fistp, _, 32) => load::fist::<32, true>,
        (Mnemonic::Fistp, ..) => load::fist::<64, true>,
        (Mnemonic::Fbld, ..) => load::fbld,
        (Mnemonic::Fbstp, ..) => load::fbstp,
        (Mnemonic::Fxch, ..) => load::fxch,
        (Mnemonic::Fldz, ..) => load::fld_constant::<0>,
        (Mnemonic::Fld1, ..) => load::fld_constant::<1>,
        (Mnemonic::Fldl2t, ..) => load::fld_constant::<2>,
        (Mnemonic::Fldl2e, ..) => load::fld_constant::<3>,
        (Mnemonic::Fldpi, ..) => load::fld_constant::<4>,
        (Mnemonic::Fldlg2, ..) => load::fld_constant::<5>,
        (Mnemonic::Fldln2, ..) => load::fld_constant::<6>,
        _ => return None,
    })
}

/// The condition of `fcmovcc`, as `jcc` encodes it.
pub(crate) const fn condition(mnemonic: Mnemonic) -> Option<u8> {
    Some(match mnemonic {
        Mnemonic::Fcmovb => 2,
        Mnemonic::Fcmovnb => 3,
        Mnemonic::Fcmove => 4,
        Mnemonic::Fcmovne => 5,
        Mnemonic::Fcmovbe => 6,
        Mnemonic::Fcmovnbe => 7,
        Mnemonic::Fcmovu => 10,
        Mnemonic::Fcmovnu => 11,
        _ => return None,
    })
}

fn bind_compare(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    Some(match (instruction.mnemonic(), shape.first, shape.width) {
        (Mnemonic::Fcom, Kind::Memory, 32) => compare::with_memory::<M32, 0>,
        (Mnemonic::Fcom, Kind::Memory, _) => compare::with_memory::<M64, 0>,
        (Mnemonic::Fcomp, Kind::Memory, 32) => compare::with_memory::<M32, 1>,
        (Mnemonic::Fcomp, Kind::Memory, _) => compare::with_memory::<M64, 1>,
        (Mnemonic::Ficom, _, 16) => compare::with_memory::<I16, 0>,
        (Mnemonic::Ficom, ..) => compare::with_memory::<I32, 0>,
        (Mnemonic::Ficomp, _, 16) => compare::with_memory::<I16, 1>,
        (Mnemonic::Ficomp, ..) => compare::with_memory::<I32, 1>,
        (Mnemonic::Fcom, ..) => compare::with_register::<true, 0>,
        (Mnemonic::Fcomp, ..) => compare::with_register::<true, 1>,
        (Mnemonic::Fcompp, ..) => compare::with_register::<true, 2>,
        (Mnemonic::Fucom, ..) => compare::with_register::<false, 0>,
        (Mnemonic::Fucomp, ..) => compare::with_register::<false, 1>,
        (Mnemonic::Fucompp, ..) => compare::with_register::<false, 2>,
        (Mnemonic::Fcomi, ..) => compare::to_eflags::<true, 0>,
        (Mnemonic::Fcomip, ..) => compare::to_eflags::<true, 1>,
        (Mnemonic::Fucomi, ..) => compare::to_eflags::<false, 0>,
        (Mnemonic::Fucomip, ..) => compare::to_eflags::<false, 1>,
        (Mnemonic::Ftst, ..) => compare::ftst,
        (Mnemonic::Fxam, ..) => compare::fxam,
        (mnemonic, ..) if condition(mnemonic).is_some() => load::fcmov,
        _ => return None,
    })
}

fn bind_other(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    Some(match instruction.mnemonic() {
        Mnemonic::Fsin => transcendental::fsin,
        Mnemonic::Fcos => transcendental::fcos,
        Mnemonic::Fsincos => transcendental::fsincos,
        Mnemonic::Fptan => transcendental::fptan,
        Mnemonic::Fpatan => transcendental::fpatan,
        Mnemonic::F2xm1 => transcendental::f2xm1,
        Mnemonic::Fyl2x => transcendental::fyl2x,
        Mnemonic::Fyl2xp1 => transcendental::fyl2xp1,
        Mnemonic::Fninit => control::fninit,
        Mnemonic::Fnclex => control::fnclex,
        Mnemonic::Fldcw => control::fldcw,
        Mnemonic::Fnstcw => control::fnstcw,
        Mnemonic::Fnstsw if shape.first == Kind::Register => control::fnstsw_ax,
        Mnemonic::Fnstsw => control::fnstsw,
        Mnemonic::Wait => control::wait,
        Mnemonic::Fnop => control::fnop,
        Mnemonic::Fincstp => control::turn::<true>,
        Mnemonic::Fdecstp => control::turn::<false>,
        Mnemonic::Ffree => control::ffree::<false>,
        Mnemonic::Ffreep => control::ffree::<true>,
        Mnemonic::Fnstenv => control::fnstenv,
        Mnemonic::Fldenv => control::fldenv,
        Mnemonic::Fnsave => control::fnsave,
        Mnemonic::Frstor => control::frstor,
        Mnemonic::Fxsave => control::fxsave,
        Mnemonic::Fxrstor => control::fxrstor,
        Mnemonic::Ldmxcsr => control::ldmxcsr,
        Mnemonic::Stmxcsr => control::stmxcsr,
        _ => return None,
    })
}

/// The handler of an x87 instruction, or one that saves its state.
pub(crate) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    bind_load(instruction, shape)
        .or_else(|| bind_arithmetic(instruction, shape))
        .or_else(|| bind_compare(instruction, shape))
        .or_else(|| bind_other(instruction, shape))
}
