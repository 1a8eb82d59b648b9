//! From the mnemonics of SSE to their handlers. MMX forms of the same mnemonics are not here. This file is a table.

use super::float::{self, Add, Div, Extreme, Mul, Reciprocal, ReciprocalRoot, Sqrt, Sub};
use super::integer::*;
use super::shuffle::*;
use super::{Mem, X, convert, moves, shuffle};
use crate::cpu::op::Handler;
use crate::cpu::operand::{self, B, Kind, Shape};
use iced_x86::{Instruction, Mnemonic, Register};

/// The handler for a register or memory as second operand.
macro_rules! by_second {
    ($shape:expr, $module:ident :: $f:ident [$($before:ty),*] [$($after:tt),*]) => {
        match $shape.second {
            Kind::Register => $module::$f::<$($before,)* X $(, $after)*>,
            _ => $module::$f::<$($before,)* Mem $(, $after)*>,
        }
    };
}

macro_rules! vector_by {
    ($shape:expr, $v:ident) => {
        match $shape.second {
            Kind::Register => vector::<X, $v>,
            _ => vector::<Mem, $v>,
        }
    };
}

macro_rules! shift_by {
    ($shape:expr, $o:ident) => {
        match $shape.second {
            Kind::Immediate => shift_by_immediate::<$o>,
            Kind::Register => shift::<X, $o>,
            _ => shift::<Mem, $o>,
        }
    };
}

fn bind_moves(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    let has_general = |operand: u32| {
        operand::kind(instruction, operand) == Kind::Register && instruction.op_register(operand).is_gpr()
    };
    let (to_memory, from_memory) = (shape.first == Kind::Memory, shape.second == Kind::Memory);
    Some(match instruction.mnemonic() {
        Mnemonic::Movaps | Mnemonic::Movapd | Mnemonic::Movdqa => match (to_memory, from_memory) {
            (true, _) => moves::store,
            (_, true) => moves::load::<Mem>,
            _ => moves::load::<X>,
        },
        Mnemonic::Movups | Mnemonic::Movupd | Mnemonic::Movdqu => match (to_memory, from_memory) {
            (true, _) => moves::store_unaligned,
            (_, true) => moves::load_unaligned,
            _ => moves::load::<X>,
        },
        Mnemonic::Movntps | Mnemonic::Movntpd | Mnemonic::Movntdq => moves::store,
        Mnemonic::Movnti => moves::store_register,
        Mnemonic::Movss => match (to_memory, from_memory) {
            (true, _) => moves::store_low_32,
            (_, true) => moves::load_low::<u32>,
            _ => moves::move_low::<32>,
        },
        Mnemonic::Movsd => match (to_memory, from_memory) {
            (true, _) => moves::store_half::<0>,
            (_, true) => moves::load_low::<u64>,
            _ => moves::move_low::<64>,
        },
        Mnemonic::Movq => match (to_memory, from_memory) {
            (true, _) => moves::store_half::<0>,
            (_, true) => moves::load_low::<u64>,
            _ => moves::movq,
        },
        Mnemonic::Movd if to_memory => moves::store_low_32,
        Mnemonic::Movd if from_memory => moves::load_low::<u32>,
        Mnemonic::Movd if has_general(0) => moves::movd_to_register,
        Mnemonic::Movd if has_general(1) => moves::movd_from_register,
        Mnemonic::Movlps | Mnemonic::Movlpd if to_memory => moves::store_half::<0>,
        Mnemonic::Movlps | Mnemonic::Movlpd => moves::load_half::<0>,
        Mnemonic::Movhps | Mnemonic::Movhpd if to_memory => moves::store_half::<1>,
        Mnemonic::Movhps | Mnemonic::Movhpd => moves::load_half::<1>,
        Mnemonic::Movhlps => moves::movhlps,
        Mnemonic::Movlhps => moves::movlhps,
        Mnemonic::Movmskps => moves::mask_of_signs::<32>,
        Mnemonic::Movmskpd => moves::mask_of_signs::<64>,
        Mnemonic::Pmovmskb => moves::mask_of_signs::<8>,
        Mnemonic::Maskmovdqu => moves::store_masked,
        _ => return None,
    })
}

fn bind_float(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    Some(match instruction.mnemonic() {
        Mnemonic::Addps => by_second!(shape, float::packed[u32][Add]),
        Mnemonic::Addpd => by_second!(shape, float::packed[u64][Add]),
        Mnemonic::Addss => by_second!(shape, float::scalar[u32][Add]),
        Mnemonic::Addsd => by_second!(shape, float::scalar[u64][Add]),
        Mnemonic::Subps => by_second!(shape, float::packed[u32][Sub]),
        Mnemonic::Subpd => by_second!(shape, float::packed[u64][Sub]),
        Mnemonic::Subss => by_second!(shape, float::scalar[u32][Sub]),
        Mnemonic::Subsd => by_second!(shape, float::scalar[u64][Sub]),
        Mnemonic::Mulps => by_second!(shape, float::packed[u32][Mul]),
        Mnemonic::Mulpd => by_second!(shape, float::packed[u64][Mul]),
        Mnemonic::Mulss => by_second!(shape, float::scalar[u32][Mul]),
        Mnemonic::Mulsd => by_second!(shape, float::scalar[u64][Mul]),
        Mnemonic::Divps => by_second!(shape, float::packed[u32][Div]),
        Mnemonic::Divpd => by_second!(shape, float::packed[u64][Div]),
        Mnemonic::Divss => by_second!(shape, float::scalar[u32][Div]),
        Mnemonic::Divsd => by_second!(shape, float::scalar[u64][Div]),
        Mnemonic::Sqrtps => by_second!(shape, float::packed[u32][Sqrt]),
        Mnemonic::Sqrtpd => by_second!(shape, float::packed[u64][Sqrt]),
        Mnemonic::Sqrtss => by_second!(shape, float::scalar[u32][Sqrt]),
        Mnemonic::Sqrtsd => by_second!(shape, float::scalar[u64][Sqrt]),
        Mnemonic::Minps => by_second!(shape, float::packed[u32][Min]),
        Mnemonic::Minpd => by_second!(shape, float::packed[u64][Min]),
        Mnemonic::Minss => by_second!(shape, float::scalar[u32][Min]),
        Mnemonic::Minsd => by_second!(shape, float::scalar[u64][Min]),
        Mnemonic::Maxps => by_second!(shape, float::packed[u32][Max]),
        Mnemonic::Maxpd => by_second!(shape, float::packed[u64][Max]),
        Mnemonic::Maxss => by_second!(shape, float::scalar[u32][Max]),
        Mnemonic::Maxsd => by_second!(shape, float::scalar[u64][Max]),
        Mnemonic::Rcpps => by_second!(shape, float::packed[u32][Reciprocal]),
        Mnemonic::Rcpss => by_second!(shape, float::scalar[u32][Reciprocal]),
        Mnemonic::Rsqrtps => by_second!(shape, float::packed[u32][ReciprocalRoot]),
        Mnemonic::Rsqrtss => by_second!(shape, float::scalar[u32][ReciprocalRoot]),
        Mnemonic::Cmpps => by_second!(shape, float::compare_packed[u32] []),
        Mnemonic::Cmppd => by_second!(shape, float::compare_packed[u64] []),
        Mnemonic::Cmpss => by_second!(shape, float::compare_scalar[u32] []),
        Mnemonic::Cmpsd => by_second!(shape, float::compare_scalar[u64] []),
        Mnemonic::Comiss => by_second!(shape, float::to_eflags[u32][true]),
        Mnemonic::Comisd => by_second!(shape, float::to_eflags[u64][true]),
        Mnemonic::Ucomiss => by_second!(shape, float::to_eflags[u32][false]),
        Mnemonic::Ucomisd => by_second!(shape, float::to_eflags[u64][false]),
        _ => return None,
    })
}

type Min = Extreme<true>;
type Max = Extreme<false>;

fn bind_convert(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    let from_memory = shape.second == Kind::Memory;
    Some(match instruction.mnemonic() {
        Mnemonic::Cvtsi2ss if from_memory => convert::from_integer::<u32, operand::M>,
        Mnemonic::Cvtsi2ss => convert::from_integer::<u32, B>,
        Mnemonic::Cvtsi2sd if from_memory => convert::from_integer::<u64, operand::M>,
        Mnemonic::Cvtsi2sd => convert::from_integer::<u64, B>,
        Mnemonic::Cvtss2si => by_second!(shape, convert::to_integer[u32][false]),
        Mnemonic::Cvttss2si => by_second!(shape, convert::to_integer[u32][true]),
        Mnemonic::Cvtsd2si => by_second!(shape, convert::to_integer[u64][false]),
        Mnemonic::Cvttsd2si => by_second!(shape, convert::to_integer[u64][true]),
        Mnemonic::Cvtss2sd => by_second!(shape, convert::between[u32, u64] []),
        Mnemonic::Cvtsd2ss => by_second!(shape, convert::between[u64, u32] []),
        Mnemonic::Cvtps2pd => by_second!(shape, convert::singles_to_doubles[] []),
        Mnemonic::Cvtpd2ps => by_second!(shape, convert::doubles_to_singles[] []),
        Mnemonic::Cvtdq2ps => by_second!(shape, convert::integers_to_singles[] []),
        Mnemonic::Cvtdq2pd => by_second!(shape, convert::integers_to_doubles[] []),
        Mnemonic::Cvtps2dq => by_second!(shape, convert::singles_to_integers[] [false]),
        Mnemonic::Cvttps2dq => by_second!(shape, convert::singles_to_integers[] [true]),
        Mnemonic::Cvtpd2dq => by_second!(shape, convert::doubles_to_integers[] [false]),
        Mnemonic::Cvttpd2dq => by_second!(shape, convert::doubles_to_integers[] [true]),
        _ => return None,
    })
}

fn bind_shuffle(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    Some(match instruction.mnemonic() {
        Mnemonic::Shufps => by_second!(shape, shuffle::shufps[] []),
        Mnemonic::Shufpd => by_second!(shape, shuffle::shufpd[] []),
        Mnemonic::Pshufd => by_second!(shape, shuffle::pshufd[] []),
        Mnemonic::Pshuflw => by_second!(shape, shuffle::pshufw[] [0]),
        Mnemonic::Pshufhw => by_second!(shape, shuffle::pshufw[] [1]),
        Mnemonic::Pextrw => pextrw,
        Mnemonic::Pinsrw if shape.second == Kind::Memory => pinsrw::<operand::M>,
        Mnemonic::Pinsrw => pinsrw::<B>,
        Mnemonic::Unpcklps | Mnemonic::Punpckldq => vector_by!(shape, LowDoubles),
        Mnemonic::Unpckhps | Mnemonic::Punpckhdq => vector_by!(shape, HighDoubles),
        Mnemonic::Unpcklpd | Mnemonic::Punpcklqdq => vector_by!(shape, LowQuads),
        Mnemonic::Unpckhpd | Mnemonic::Punpckhqdq => vector_by!(shape, HighQuads),
        Mnemonic::Punpcklbw => vector_by!(shape, LowBytes),
        Mnemonic::Punpckhbw => vector_by!(shape, HighBytes),
        Mnemonic::Punpcklwd => vector_by!(shape, LowWords),
        Mnemonic::Punpckhwd => vector_by!(shape, HighWords),
        _ => return None,
    })
}

fn bind_integer(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    Some(match instruction.mnemonic() {
        Mnemonic::Andps | Mnemonic::Andpd | Mnemonic::Pand => vector_by!(shape, And),
        Mnemonic::Andnps | Mnemonic::Andnpd | Mnemonic::Pandn => vector_by!(shape, AndNot),
        Mnemonic::Orps | Mnemonic::Orpd | Mnemonic::Por => vector_by!(shape, Or),
        Mnemonic::Xorps | Mnemonic::Xorpd | Mnemonic::Pxor => vector_by!(shape, Xor),
        Mnemonic::Paddb => vector_by!(shape, Paddb),
        Mnemonic::Paddw => vector_by!(shape, Paddw),
        Mnemonic::Paddd => vector_by!(shape, Paddd),
        Mnemonic::Paddq => vector_by!(shape, Paddq),
        Mnemonic::Psubb => vector_by!(shape, Psubb),
        Mnemonic::Psubw => vector_by!(shape, Psubw),
        Mnemonic::Psubd => vector_by!(shape, Psubd),
        Mnemonic::Psubq => vector_by!(shape, Psubq),
        Mnemonic::Paddsb => vector_by!(shape, Paddsb),
        Mnemonic::Paddsw => vector_by!(shape, Paddsw),
        Mnemonic::Paddusb => vector_by!(shape, Paddusb),
        Mnemonic::Paddusw => vector_by!(shape, Paddusw),
        Mnemonic::Psubsb => vector_by!(shape, Psubsb),
        Mnemonic::Psubsw => vector_by!(shape, Psubsw),
        Mnemonic::Psubusb => vector_by!(shape, Psubusb),
        Mnemonic::Psubusw => vector_by!(shape, Psubusw),
        Mnemonic::Pmullw => vector_by!(shape, Pmullw),
        Mnemonic::Pmulhw => vector_by!(shape, Pmulhw),
        Mnemonic::Pmulhuw => vector_by!(shape, Pmulhuw),
        Mnemonic::Pmuludq => vector_by!(shape, Pmuludq),
        Mnemonic::Pavgb => vector_by!(shape, Pavgb),
        Mnemonic::Pavgw => vector_by!(shape, Pavgw),
        Mnemonic::Pminub => vector_by!(shape, Pminub),
        Mnemonic::Pmaxub => vector_by!(shape, Pmaxub),
        Mnemonic::Pminsw => vector_by!(shape, Pminsw),
        Mnemonic::Pmaxsw => vector_by!(shape, Pmaxsw),
        Mnemonic::Pcmpeqb => vector_by!(shape, Pcmpeqb),
        Mnemonic::Pcmpeqw => vector_by!(shape, Pcmpeqw),
        Mnemonic::Pcmpeqd => vector_by!(shape, Pcmpeqd),
        Mnemonic::Pcmpgtb => vector_by!(shape, Pcmpgtb),
        Mnemonic::Pcmpgtw => vector_by!(shape, Pcmpgtw),
        Mnemonic::Pcmpgtd => vector_by!(shape, Pcmpgtd),
        Mnemonic::Pmaddwd => vector_by!(shape, Pmaddwd),
        Mnemonic::Psadbw => vector_by!(shape, Psadbw),
        Mnemonic::Packsswb => vector_by!(shape, Packsswb),
        Mnemonic::Packuswb => vector_by!(shape, Packuswb),
        Mnemonic::Packssdw => vector_by!(shape, Packssdw),
        Mnemonic::Psllw => shift_by!(shape, Psllw),
        Mnemonic::Pslld => shift_by!(shape, Pslld),
        Mnemonic::Psllq => shift_by!(shape, Psllq),
        Mnemonic::Psrlw => shift_by!(shape, Psrlw),
        Mnemonic::Psrld => shift_by!(shape, Psrld),
        Mnemonic::Psrlq => shift_by!(shape, Psrlq),
        Mnemonic::Psraw => shift_by!(shape, Psraw),
        Mnemonic::Psrad => shift_by!(shape, Psrad),
        Mnemonic::Pslldq => shift_by_immediate::<Pslldq>,
        Mnemonic::Psrldq => shift_by_immediate::<Psrldq>,
        _ => return None,
    })
}

/// Registers of 64 bits, which this processor does not have.
fn has_mmx(instruction: &Instruction) -> bool {
    (0..instruction.op_count()).any(|operand| {
        let register = instruction.op_register(operand);
        operand::kind(instruction, operand) == Kind::Register && register != Register::None && register.is_mm()
    })
}

/// The handler of an SSE instruction.
pub(crate) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    if has_mmx(instruction) {
        return None;
    }
    bind_moves(instruction, shape)
        .or_else(|| bind_float(instruction, shape))
        .or_else(|| bind_convert(instruction, shape))
        .or_else(|| bind_shuffle(instruction, shape))
        .or_else(|| bind_integer(instruction, shape))
}
