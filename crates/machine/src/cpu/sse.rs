//! SSE and SSE2: registers of 128 bits, their exceptions, and the choice of a handler.
//!
//! No MMX registers, no denormals-are-zero. `rcpps` and `rsqrtps` give the nearest single where hardware gives 12 bits.

mod bind;
mod convert;
mod float;
mod integer;
mod moves;
mod shuffle;

use super::core::Core;
use super::exit::Outcome;
use super::float::{Env, Format, Rounding};
use super::op::Op;
use super::registers::{CR0_EM, CR0_TS, CR4_OSFXSR, CR4_OSXMMEXCPT};
use super::{DEVICE_NOT_AVAILABLE, Exception, INVALID_OPCODE, SIMD_ERROR};
use crate::ram::Word;
pub(crate) use bind::bind;

/// The second operand of an instruction.
pub(crate) trait Source {
    fn get<W: Word + TryFrom<u128>>(core: &mut Core, op: &Op) -> Outcome<W>;
}

/// An XMM register.
pub(crate) struct X;
/// Memory; 16 bytes must be aligned.
pub(crate) struct Mem;

/// The low bits of a register as a word.
fn cut<W: Word>(value: u128) -> W {
    W::from_front(&value.to_le_bytes())
}

impl Source for X {
    #[inline(always)]
    fn get<W: Word + TryFrom<u128>>(core: &mut Core, op: &Op) -> Outcome<W> {
        Ok(cut(core.fpu.xmm[usize::from(op.b & 7)]))
    }
}

impl Source for Mem {
    #[inline(always)]
    fn get<W: Word + TryFrom<u128>>(core: &mut Core, op: &Op) -> Outcome<W> {
        let at = core.address(op);
        if W::BYTES == 16 && at & 15 != 0 {
            return core.protection(0);
        }
        core.read(at)
    }
}

impl Core {
    /// Every SSE instruction starts so.
    #[inline(always)]
    fn begin_sse(&mut self) -> Outcome {
        if self.control.cr0 & (CR0_EM | CR0_TS) != 0 || self.control.cr4 & CR4_OSFXSR == 0 {
            return self.sse_is_off();
        }
        Ok(())
    }

    #[cold]
    fn sse_is_off(&mut self) -> Outcome {
        let is_other_task = self.control.cr0 & CR0_EM == 0 && self.control.cr4 & CR4_OSFXSR != 0;
        self.raise(Exception::plain(if is_other_task { DEVICE_NOT_AVAILABLE } else { INVALID_OPCODE }))
    }

    #[inline(always)]
    fn xmm(&self, number: u8) -> u128 {
        self.fpu.xmm[usize::from(number & 7)]
    }

    #[inline(always)]
    fn set_xmm(&mut self, number: u8, value: u128) {
        self.fpu.xmm[usize::from(number & 7)] = value;
    }

    /// How to compute in a format.
    fn sse_env(&self, format: Format) -> Env {
        let unmasked = !(self.fpu.mxcsr >> 7) as u16 & 0x3f;
        let rounding = Rounding::from_bits(self.fpu.mxcsr >> 13);
        Env { unmasked, first_nan_wins: true, ..Env::new(format, rounding) }
    }

    /// Notes exceptions; one that is not masked is raised before anything is written.
    fn note_sse(&mut self, raised: u16) -> Outcome {
        self.fpu.mxcsr |= u32::from(raised);
        if u32::from(raised) & !(self.fpu.mxcsr >> 7) & 0x3f == 0 {
            return Ok(());
        }
        let has_handler = self.control.cr4 & CR4_OSXMMEXCPT != 0;
        self.raise(Exception::plain(if has_handler { SIMD_ERROR } else { INVALID_OPCODE }))
    }
}

/// A vector as lanes of 8, 16, 32 or 64 bits and back.
trait Lanes<const N: usize>: Sized {
    fn lanes(value: u128) -> [Self; N];
    fn join(lanes: [Self; N]) -> u128;
}

macro_rules! lanes {
    ($($type:ty, $count:literal;)*) => {$(
        impl Lanes<$count> for $type {
            #[inline(always)]
            fn lanes(value: u128) -> [Self; $count] {
                std::array::from_fn(|lane| (value >> (lane * <$type>::BITS as usize)) as $type)
            }
            #[inline(always)]
            fn join(lanes: [Self; $count]) -> u128 {
                lanes.iter().rev().fold(0, |value, lane| {
                    value << <$type>::BITS | (*lane as u128) & ((1 << <$type>::BITS) - 1)
                })
            }
        }
    )*};
}
lanes! {
    u8, 16;
    i8, 16;
    u16, 8;
    i16, 8;
    u32, 4;
    i32, 4;
    u64, 2;
}
