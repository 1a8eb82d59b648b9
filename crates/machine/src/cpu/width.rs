//! Operand widths of the integer unit: a byte, a word, a double word.

use super::core::Core;
use super::flags::Flags;
use crate::ram::Word;

/// An integer of an operand's width.
pub(crate) trait Width: Word + PartialEq {
    /// Bits of the operand: 8, 16 or 32.
    const BITS: u32;
    /// All ones, zero-extended.
    const MASK: u32 = u32::MAX >> (32 - Self::BITS);
    /// Truncates.
    fn cut(value: u32) -> Self;
    /// Zero-extends.
    fn wide(self) -> u32;
    /// Sign-extends.
    fn signed(self) -> i32;
    /// Reads a register. Bytes 4 to 7 are AH, CH, DH, BH.
    fn register(core: &Core, number: u8) -> Self;
    /// Writes a register, leaving the rest of it.
    fn set_register(core: &mut Core, number: u8, value: Self);

    /// Flags of a logical operation with this result.
    #[inline(always)]
    fn logic(self) -> Flags {
        Flags::logic(self.signed() as i64 as u64)
    }

    /// Flags of a sum or difference `total` of `a` and `b`, computed in 64 bits from zero-extended operands.
    #[inline(always)]
    fn arithmetic(a: u32, b: u32, total: u64) -> Flags {
        let carries = ((u64::from(a) ^ u64::from(b) ^ total) >> 1) as u32;
        let carry = if Self::BITS == 32 { carries } else { carries << (32 - Self::BITS) | carries & 8 };
        Flags { result: Self::cut(total as u32).signed() as i64 as u64, carry }
    }
}

impl Width for u32 {
    const BITS: u32 = 32;
    #[inline(always)]
    fn cut(value: u32) -> Self {
        value
    }
    #[inline(always)]
    fn wide(self) -> u32 {
        self
    }
    #[inline(always)]
    fn signed(self) -> i32 {
        self as i32
    }
    #[inline(always)]
    fn register(core: &Core, number: u8) -> Self {
        core.gpr[usize::from(number)]
    }
    #[inline(always)]
    fn set_register(core: &mut Core, number: u8, value: Self) {
        core.gpr[usize::from(number)] = value;
    }
}

impl Width for u16 {
    const BITS: u32 = 16;
    #[inline(always)]
    fn cut(value: u32) -> Self {
        value as Self
    }
    #[inline(always)]
    fn wide(self) -> u32 {
        self.into()
    }
    #[inline(always)]
    fn signed(self) -> i32 {
        (self as i16).into()
    }
    #[inline(always)]
    fn register(core: &Core, number: u8) -> Self {
        core.gpr[usize::from(number)] as Self
    }
    #[inline(always)]
    fn set_register(core: &mut Core, number: u8, value: Self) {
        let register = &mut core.gpr[usize::from(number)];
        *register = *register & 0xffff_0000 | u32::from(value);
    }
}

impl Width for u8 {
    const BITS: u32 = 8;
    #[inline(always)]
    fn cut(value: u32) -> Self {
        value as Self
    }
    #[inline(always)]
    fn wide(self) -> u32 {
        self.into()
    }
    #[inline(always)]
    fn signed(self) -> i32 {
        (self as i8).into()
    }
    #[inline(always)]
    fn register(core: &Core, number: u8) -> Self {
        (core.gpr[usize::from(number & 3)] >> ((number & 4) << 1)) as Self
    }
    #[inline(always)]
    fn set_register(core: &mut Core, number: u8, value: Self) {
        let shift = (number & 4) << 1;
        let register = &mut core.gpr[usize::from(number & 3)];
        *register = *register & !(0xff << shift) | u32::from(value) << shift;
    }
}
