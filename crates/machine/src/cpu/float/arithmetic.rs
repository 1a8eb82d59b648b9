//! Sums, products, quotients, roots, remainders, comparisons; and which NaN comes out.

use super::round::shift_sticky;
use super::{Class, DENORMAL, Env, INVALID, Number, Rounding, ZERO_DIVIDE};
use std::cmp::Ordering;

impl Env {
    /// Notes a denormal operand.
    pub const fn note_denormal(&mut self, number: &Number) {
        if number.is_denormal {
            self.raise(DENORMAL);
        }
    }

    /// A NaN that was used.
    pub const fn quiet(&mut self, number: Number) -> Number {
        if number.is_signaling() {
            self.raise(INVALID);
        }
        Number { mantissa: number.mantissa | 3 << 62, ..number }
    }

    /// The result when an operand is no number: of SSE the first NaN; of x87 the larger one, a quiet one before a
    /// signaling one.
    fn nan(&mut self, a: Number, b: Number) -> Option<Number> {
        if a.class == Class::Unsupported || b.class == Class::Unsupported {
            return Some(self.invalid());
        }
        if !a.is_nan() && !b.is_nan() {
            return None;
        }
        if a.is_signaling() || b.is_signaling() {
            self.raise(INVALID);
        }
        let takes_a = match (a.is_nan(), b.is_nan()) {
            (true, true) if !self.first_nan_wins => match (a.is_signaling(), b.is_signaling()) {
                (true, false) => false,
                (false, true) => true,
                // Of equal mantissas the positive one.
                _ => a.mantissa > b.mantissa || a.mantissa == b.mantissa && !a.is_negative,
            },
            (is_nan, _) => is_nan,
        };
        Some(self.quiet(if takes_a { a } else { b }))
    }

    fn note_denormals(&mut self, a: &Number, b: &Number) {
        self.note_denormal(a);
        self.note_denormal(b);
    }

    pub fn add(&mut self, a: Number, b: Number) -> Number {
        if let Some(nan) = self.nan(a, b) {
            return nan;
        }
        if a.class == Class::Infinite && b.class == Class::Infinite && a.is_negative != b.is_negative {
            return self.invalid();
        }
        self.note_denormals(&a, &b);
        match (a.class, b.class) {
            (Class::Infinite, _) => a,
            (_, Class::Infinite) => b,
            (Class::Zero, Class::Zero) if a.is_negative == b.is_negative => a,
            (Class::Zero, Class::Zero) => Number::zero(self.rounding == Rounding::Down),
            (Class::Zero, _) => self.round(b.is_negative, b.exponent, u128::from(b.mantissa) << 64),
            (_, Class::Zero) => self.round(a.is_negative, a.exponent, u128::from(a.mantissa) << 64),
            _ => self.add_finite(a, b),
        }
    }

    fn add_finite(&mut self, a: Number, b: Number) -> Number {
        let is_a_larger = (a.exponent, a.mantissa) >= (b.exponent, b.mantissa);
        let (large, small) = if is_a_larger { (a, b) } else { (b, a) };
        // One bit of room for a carry on top.
        let first = u128::from(large.mantissa) << 63;
        let second = shift_sticky(u128::from(small.mantissa) << 63, large.exponent.abs_diff(small.exponent));
        let sum = if a.is_negative == b.is_negative { first + second } else { first - second };
        if sum == 0 {
            return Number::zero(self.rounding == Rounding::Down);
        }
        self.round(large.is_negative, large.exponent + 1, sum)
    }

    pub fn sub(&mut self, a: Number, b: Number) -> Number {
        if b.is_nan() { self.add(a, b) } else { self.add(a, b.negated()) }
    }

    pub fn mul(&mut self, a: Number, b: Number) -> Number {
        if let Some(nan) = self.nan(a, b) {
            return nan;
        }
        let is_negative = a.is_negative != b.is_negative;
        match (a.class, b.class) {
            (Class::Infinite, Class::Zero) | (Class::Zero, Class::Infinite) => return self.invalid(),
            _ => self.note_denormals(&a, &b),
        }
        match (a.class, b.class) {
            (Class::Infinite, _) | (_, Class::Infinite) => Number::infinite(is_negative),
            (Class::Zero, _) | (_, Class::Zero) => Number::zero(is_negative),
            _ => {
                let product = u128::from(a.mantissa) * u128::from(b.mantissa);
                self.round(is_negative, a.exponent + b.exponent + 1, product)
            }
        }
    }

    pub fn div(&mut self, a: Number, b: Number) -> Number {
        if let Some(nan) = self.nan(a, b) {
            return nan;
        }
        let is_negative = a.is_negative != b.is_negative;
        match (a.class, b.class) {
            (Class::Infinite, Class::Infinite) | (Class::Zero, Class::Zero) => return self.invalid(),
            (Class::Finite, Class::Zero) => {
                self.raise(ZERO_DIVIDE);
                return Number::infinite(is_negative);
            }
            _ => self.note_denormals(&a, &b),
        }
        match (a.class, b.class) {
            (Class::Infinite, _) => Number::infinite(is_negative),
            (Class::Zero, _) | (_, Class::Infinite) => Number::zero(is_negative),
            (_, Class::Zero) => Number::infinite(is_negative),
            _ => {
                // 66 bits of quotient, of which the lowest is "or anything below".
                let divisor = u128::from(b.mantissa);
                let (quotient, rest) =
                    (((u128::from(a.mantissa)) << 64) / divisor, ((u128::from(a.mantissa)) << 64) % divisor);
                let (next, rest) = if 2 * rest >= divisor { (1, 2 * rest - divisor) } else { (0, 2 * rest) };
                let exact = quotient << 1 | next;
                self.round(is_negative, a.exponent - b.exponent, exact << 62 | u128::from(rest != 0))
            }
        }
    }

    pub fn sqrt(&mut self, a: Number) -> Number {
        if let Some(nan) = self.nan(a, Number::zero(false)) {
            return nan;
        }
        match a.class {
            Class::Zero => a,
            _ if a.is_negative => self.invalid(),
            Class::Infinite => a,
            _ => {
                self.note_denormal(&a);
                let is_odd = a.exponent & 1 != 0;
                let square = u128::from(a.mantissa) << if is_odd { 64 } else { 63 };
                let root = square.isqrt();
                let rest = square - root * root;
                // Above root + 1/2 exactly when the rest is more than the root.
                let half = u128::from(rest > root);
                self.round(false, (a.exponent - i32::from(is_odd)) / 2, root << 64 | half << 63 | u128::from(rest != 0))
            }
        }
    }

    /// Compares; `None` is unordered. A quiet NaN is invalid only when `is_strict`.
    pub fn compare(&mut self, a: &Number, b: &Number, is_strict: bool) -> Option<Ordering> {
        let is_unsupported = a.class == Class::Unsupported || b.class == Class::Unsupported;
        if is_unsupported || a.is_nan() || b.is_nan() {
            if is_unsupported || is_strict || a.is_signaling() || b.is_signaling() {
                self.raise(INVALID);
            }
            return None;
        }
        self.note_denormals(a, b);
        if a.is_zero() && b.is_zero() {
            return Some(Ordering::Equal);
        }
        // Larger classes are farther from zero.
        let key = |number: &Number| {
            let rank = match number.class {
                Class::Zero => 0,
                Class::Finite => 1,
                _ => 2,
            };
            let exponent = if rank == 1 { number.exponent } else { 0 };
            (rank, exponent, number.mantissa)
        };
        Some(match (a.is_negative, b.is_negative) {
            (false, false) => key(a).cmp(&key(b)),
            (true, true) => key(b).cmp(&key(a)),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        })
    }

    /// One round of `fprem` (`is_nearest` false) or `fprem1`: the remainder and the low bits of the quotient, or, when
    /// the exponents are more than 63 apart, a partial remainder and `None`.
    pub fn remainder(&mut self, a: Number, b: Number, is_nearest: bool) -> (Number, Option<u64>) {
        if let Some(nan) = self.nan(a, b) {
            return (nan, Some(0));
        }
        if a.class == Class::Infinite || b.is_zero() {
            return (self.invalid(), Some(0));
        }
        self.note_denormals(&a, &b);
        if a.is_zero() {
            return (a, Some(0));
        }
        let distance = a.exponent - b.exponent;
        if b.class == Class::Infinite || distance < -1 || distance < 0 && !is_nearest {
            return (self.round(a.is_negative, a.exponent, u128::from(a.mantissa) << 64), Some(0));
        }
        let divisor = u128::from(b.mantissa);
        if distance > 63 {
            // A partial reduction by 32 to 63 bits, as the processors do it.
            let bits = 32 + (distance as u32 & 31);
            let rest = (u128::from(a.mantissa) << bits) % divisor;
            let exponent = b.exponent + distance - bits as i32;
            return (self.round(a.is_negative, exponent + 64, rest), None);
        }
        // With a distance of -1 the divisor is twice as large.
        let (dividend, divisor, unit) = match distance {
            -1 => (u128::from(a.mantissa), divisor << 1, b.exponent - 1),
            _ => (u128::from(a.mantissa) << distance, divisor, b.exponent),
        };
        let (mut quotient, mut rest, mut is_negative) = (dividend / divisor, dividend % divisor, a.is_negative);
        if is_nearest && (2 * rest > divisor || 2 * rest == divisor && quotient & 1 != 0) {
            (quotient, rest, is_negative) = (quotient + 1, divisor - rest, !is_negative);
        }
        if rest == 0 {
            return (Number::zero(a.is_negative), Some(quotient as u64));
        }
        (self.round(is_negative, unit + 64, rest), Some(quotient as u64))
    }
}
