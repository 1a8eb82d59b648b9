//! Rounding: from 128 exact bits to a number of a format, and from a number to an integer.

use super::{Class, Env, Format, INEXACT, INVALID, Number, OVERFLOW, Rounding, UNDERFLOW};

/// Shifts right; what falls out makes the last bit 1.
pub(super) const fn shift_sticky(value: u128, by: u32) -> u128 {
    if by == 0 {
        return value;
    }
    if by > 127 {
        return (value != 0) as u128;
    }
    value >> by | (value << (128 - by) != 0) as u128
}

impl Env {
    /// Whether to go to the next larger size; `rest` are the bits that are dropped, `half` the highest of them.
    const fn goes_up(&self, is_negative: bool, is_odd: bool, rest: u128, half: u128) -> bool {
        match self.rounding {
            Rounding::Nearest => rest > half || rest == half && is_odd,
            Rounding::Down => is_negative && rest != 0,
            Rounding::Up => !is_negative && rest != 0,
            Rounding::Zero => false,
        }
    }

    /// The upper `precision` bits of `mantissa`, rounded; one bit more when all of them were ones.
    const fn cut(&self, is_negative: bool, mantissa: u128, precision: u32) -> (u128, bool, bool) {
        let dropped = 128 - precision;
        let rest = mantissa & (u128::MAX >> precision);
        let kept = mantissa >> dropped;
        let up = self.goes_up(is_negative, kept & 1 != 0, rest, 1 << (dropped - 1));
        (kept + up as u128, rest != 0, up)
    }

    /// A number of the format from an exact one: `mantissa * 2^(exponent - 127)`. A mantissa of 0 is a zero.
    pub fn round(&mut self, is_negative: bool, exponent: i32, mantissa: u128) -> Number {
        if mantissa == 0 {
            return Number::zero(is_negative);
        }
        let Format { precision, lowest, highest } = self.format;
        let shift = mantissa.leading_zeros();
        let (mut exponent, mut mantissa) = (exponent - shift as i32, mantissa << shift);
        let mut is_tiny = exponent < lowest;
        if is_tiny {
            // Tiny is what would be below the lowest exponent after rounding with exponents of any size.
            let (kept, ..) = self.cut(is_negative, mantissa, precision);
            is_tiny = exponent + ((kept >> precision) as i32) < lowest;
            mantissa = shift_sticky(mantissa, lowest.abs_diff(exponent).min(128));
            exponent = lowest;
        }
        let (mut kept, is_inexact, up) = self.cut(is_negative, mantissa, precision);
        self.went_up = up;
        if kept >> precision != 0 {
            kept >>= 1;
            exponent += 1;
        }
        if exponent > highest {
            return self.overflow(is_negative);
        }
        if is_inexact {
            self.raise(INEXACT);
        }
        if is_tiny && (is_inexact || self.unmasked & UNDERFLOW != 0) {
            self.raise(UNDERFLOW);
        }
        if kept == 0 {
            return Number::zero(is_negative);
        }
        let mantissa = (kept as u64) << (64 - precision);
        Number { class: Class::Finite, is_negative, exponent, mantissa, is_denormal: false }
    }

    /// Infinity or the largest number, by rounding.
    fn overflow(&mut self, is_negative: bool) -> Number {
        self.raise(OVERFLOW | INEXACT);
        let is_infinite = match self.rounding {
            Rounding::Nearest => true,
            Rounding::Down => is_negative,
            Rounding::Up => !is_negative,
            Rounding::Zero => false,
        };
        self.went_up = is_infinite;
        if is_infinite {
            return Number::infinite(is_negative);
        }
        let mantissa = u64::MAX << (64 - self.format.precision);
        Number { class: Class::Finite, is_negative, exponent: self.format.highest, mantissa, is_denormal: false }
    }

    /// Rounds a number of another format to this one. A NaN becomes quiet.
    pub fn convert(&mut self, number: Number) -> Number {
        match number.class {
            Class::Unsupported => self.invalid(),
            Class::Nan => self.quiet(number),
            Class::Finite => {
                self.note_denormal(&number);
                self.round(number.is_negative, number.exponent, u128::from(number.mantissa) << 64)
            }
            Class::Zero | Class::Infinite => number,
        }
    }

    /// The size of the nearest integer, when it is at most 64 bits.
    fn nearest_size(&mut self, number: &Number) -> Option<u64> {
        if number.exponent > 63 {
            return None;
        }
        let wide = u128::from(number.mantissa) << 64;
        let wide = shift_sticky(wide, (63 - number.exponent).min(128) as u32);
        let (kept, is_inexact, up) = self.cut(number.is_negative, wide, 64);
        self.went_up = up;
        if is_inexact {
            self.raise(INEXACT);
        }
        u64::try_from(kept).ok()
    }

    /// A signed integer of `bits` bits; what does not fit is invalid and gives the most negative one.
    pub fn nearest_integer(&mut self, number: &Number, bits: u32) -> i64 {
        let before = self.raised;
        let indefinite = i64::MIN >> (64 - bits);
        let size = match number.class {
            Class::Zero => Some(0),
            Class::Finite => self.nearest_size(number),
            _ => None,
        };
        let largest = indefinite.unsigned_abs() - u64::from(!number.is_negative);
        match size {
            Some(size) if size <= largest && number.is_negative => (size as i64).wrapping_neg(),
            Some(size) if size <= largest => size as i64,
            _ => {
                self.raised = before | INVALID;
                self.went_up = false;
                indefinite
            }
        }
    }

    /// The nearest integer as a number.
    pub fn nearest_integral(&mut self, number: Number) -> Number {
        match number.class {
            Class::Unsupported => self.invalid(),
            Class::Nan => self.quiet(number),
            Class::Finite if number.exponent < 63 => {
                self.note_denormal(&number);
                let size = self.nearest_size(&number).unwrap_or(0);
                let mut result = if size >> 63 != 0 {
                    Number { exponent: 63, mantissa: size, ..number }
                } else {
                    Number::from_integer(size as i64)
                };
                result.is_negative = number.is_negative;
                result.is_denormal = false;
                result
            }
            _ => number,
        }
    }
}
