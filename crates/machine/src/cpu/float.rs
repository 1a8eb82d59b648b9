//! Binary floating point in integer arithmetic, for every precision and rounding of x87 and SSE. The results and the
//! exceptions are the same on every host.
//!
//! A finite number is `mantissa * 2^(exponent - 63)`, the mantissa with its top bit set. An operation computes 128 bits
//! of its exact result, the last one being "or anything below", and [`Env::round`] makes a number of a format of it.

mod arithmetic;
mod formats;
mod round;

pub(crate) use formats::{F32, F64};

/// Invalid operation.
pub(crate) const INVALID: u16 = 1 << 0;
/// An operand is denormal.
pub(crate) const DENORMAL: u16 = 1 << 1;
/// Division of a finite number by zero.
pub(crate) const ZERO_DIVIDE: u16 = 1 << 2;
/// The result is too large.
pub(crate) const OVERFLOW: u16 = 1 << 3;
/// The result is tiny and not exact.
pub(crate) const UNDERFLOW: u16 = 1 << 4;
/// The result is not exact.
pub(crate) const INEXACT: u16 = 1 << 5;

/// A floating-point number of 80 bits, as it is in x87 registers: an explicit integer bit on top of the mantissa.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct F80 {
    /// 64 bits, the integer bit on top.
    pub mantissa: u64,
    /// Sign in bit 15, exponent biased by 16383.
    pub sign_exponent: u16,
}

impl F80 {
    /// Plus zero.
    pub const ZERO: Self = Self { mantissa: 0, sign_exponent: 0 };
    /// Plus one.
    pub const ONE: Self = Self { mantissa: 1 << 63, sign_exponent: 0x3fff };
    /// The NaN that an invalid operation gives.
    pub const INDEFINITE: Self = Self { mantissa: 3 << 62, sign_exponent: 0xffff };

    /// Whether the sign bit is set.
    pub const fn is_negative(self) -> bool {
        self.sign_exponent >> 15 != 0
    }

    /// The same with another sign.
    pub const fn with_sign(self, is_negative: bool) -> Self {
        Self { sign_exponent: self.sign_exponent & 0x7fff | (is_negative as u16) << 15, ..self }
    }
}

/// What a number is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    Zero,
    Finite,
    Infinite,
    /// A NaN; the mantissa has its bits, quiet or not.
    Nan,
    /// An encoding of 80 bits that no processor since the 387 takes: an unnormal, a pseudo-infinity, a pseudo-NaN.
    Unsupported,
}

/// A number taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Number {
    pub class: Class,
    pub is_negative: bool,
    pub exponent: i32,
    pub mantissa: u64,
    /// It was denormal in its format.
    pub is_denormal: bool,
}

/// What a format can hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Format {
    /// Bits of the mantissa, the integer bit included.
    pub precision: u32,
    pub lowest: i32,
    pub highest: i32,
}

/// 32 bits.
pub(crate) const SINGLE: Format = Format { precision: 24, lowest: -126, highest: 127 };
/// 64 bits.
pub(crate) const DOUBLE: Format = Format { precision: 53, lowest: -1022, highest: 1023 };
/// 80 bits.
pub(crate) const EXTENDED: Format = Format { precision: 64, lowest: -16382, highest: 16383 };

/// Where to round, as control words encode it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rounding {
    Nearest,
    Down,
    Up,
    Zero,
}

impl Rounding {
    /// From the two bits of a control word.
    pub const fn from_bits(bits: u32) -> Self {
        match bits & 3 {
            0 => Self::Nearest,
            1 => Self::Down,
            2 => Self::Up,
            _ => Self::Zero,
        }
    }
}

/// How to compute, and what happened on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Env {
    pub format: Format,
    pub rounding: Rounding,
    /// Exceptions that happened.
    pub raised: u16,
    /// The last rounding went away from zero.
    pub went_up: bool,
    /// Exceptions that are not masked; a tiny result then raises underflow even when it is exact.
    pub unmasked: u16,
    /// The rules of SSE for NaNs: the first one wins. Else those of x87: the larger one.
    pub first_nan_wins: bool,
}

impl Env {
    pub const fn new(format: Format, rounding: Rounding) -> Self {
        Self { format, rounding, raised: 0, went_up: false, unmasked: 0, first_nan_wins: false }
    }

    pub const fn raise(&mut self, exceptions: u16) {
        self.raised |= exceptions;
    }

    /// The result of an invalid operation.
    pub const fn invalid(&mut self) -> Number {
        self.raise(INVALID);
        Number::INDEFINITE
    }
}

impl Number {
    pub const INDEFINITE: Self =
        Self { class: Class::Nan, is_negative: true, exponent: 0, mantissa: 3 << 62, is_denormal: false };

    pub const fn zero(is_negative: bool) -> Self {
        Self { class: Class::Zero, is_negative, exponent: 0, mantissa: 0, is_denormal: false }
    }

    pub const fn infinite(is_negative: bool) -> Self {
        Self { class: Class::Infinite, is_negative, exponent: 0, mantissa: 1 << 63, is_denormal: false }
    }

    pub const fn is_nan(&self) -> bool {
        matches!(self.class, Class::Nan)
    }

    /// A NaN that raises invalid when it is used.
    pub const fn is_signaling(&self) -> bool {
        self.is_nan() && self.mantissa & 1 << 62 == 0
    }

    pub const fn is_zero(&self) -> bool {
        matches!(self.class, Class::Zero)
    }

    pub const fn negated(self) -> Self {
        Self { is_negative: !self.is_negative, ..self }
    }

    /// From a signed integer; always exact.
    pub const fn from_integer(value: i64) -> Self {
        if value == 0 {
            return Self::zero(false);
        }
        let size = value.unsigned_abs();
        let shift = size.leading_zeros();
        Self {
            class: Class::Finite,
            is_negative: value < 0,
            exponent: 63 - shift as i32,
            mantissa: size << shift,
            is_denormal: false,
        }
    }
}

#[cfg(test)]
mod tests;
