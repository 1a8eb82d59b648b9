//! Functions: computed in double precision by `libm`, which gives the same on every host, with what double precision
//! loses of an argument added by the derivative. Tests bound the distance from a real x87, which is good to
//! 2^-63, by 2^-50.

use super::{C1, C2, from_f64, to_f64};
use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::float::{Class, Env, F80, INEXACT, Number, ZERO_DIVIDE};
use crate::cpu::op::Op;
use std::f64::consts::{LN_2, LOG2_E};

/// Arguments of trigonometric functions must be smaller than 2^63.
const TOO_LARGE: i32 = 63;
/// Below this exponent sin x and tan x are x to the last bit.
const TINY: i32 = -33;

/// The nearest double, and what is missing.
fn split(number: Number) -> (f64, f64) {
    let high = to_f64(number);
    if !high.is_finite() || high == 0.0 {
        return (high, 0.0);
    }
    let mut env = Env::new(crate::cpu::float::EXTENDED, crate::cpu::float::Rounding::Nearest);
    (high, to_f64(env.sub(number, from_f64(high))))
}

/// A result that is a double and a small correction.
fn join(env: &mut Env, high: f64, low: f64) -> Number {
    env.raise(INEXACT);
    env.add(from_f64(high), from_f64(low))
}

/// A function of one angle by value and derivative.
type Angle = fn(f64) -> (f64, f64);

fn sine(x: f64) -> (f64, f64) {
    let (sine, cosine) = libm::sincos(x);
    (sine, cosine)
}

fn cosine(x: f64) -> (f64, f64) {
    let (sine, cosine) = libm::sincos(x);
    (cosine, -sine)
}

fn tangent(x: f64) -> (f64, f64) {
    let tangent = libm::tan(x);
    (tangent, 1.0 + tangent * tangent)
}

/// `is_odd`: near 0 the function is its argument; else it is 1.
fn of_angle(env: &mut Env, number: Number, function: Angle, is_odd: bool) -> Number {
    match number.class {
        Class::Zero if is_odd => number,
        Class::Zero => Number::from_integer(1),
        Class::Infinite => env.invalid(),
        Class::Nan | Class::Unsupported => env.convert(number),
        Class::Finite if number.exponent < TINY => {
            env.note_denormal(&number);
            env.raise(INEXACT);
            if is_odd { Number { is_denormal: false, ..env.convert(number) } } else { Number::from_integer(1) }
        }
        Class::Finite => {
            let (high, low) = split(number);
            let (value, slope) = function(high);
            join(env, value, slope * low)
        }
    }
}

impl Core {
    /// Whether ST(0) is an angle too large to be reduced: C2 then says so, and nothing changes.
    fn is_angle_too_large(&mut self) -> bool {
        self.fpu.status &= !(C1 | C2);
        let number = self.fpu.register(0).unpack();
        let is_too_large = !self.fpu.is_empty(0) && number.class == Class::Finite && number.exponent >= TOO_LARGE;
        if is_too_large {
            self.fpu.status |= C2;
        }
        is_too_large
    }

    /// Replaces ST(0) by one function, and pushes another one of the old ST(0).
    fn angle_and_push(&mut self, first: (Angle, bool), second: Option<(Angle, bool)>) {
        if self.is_angle_too_large() {
            return;
        }
        if self.fpu.is_empty(0) || !self.fpu.is_empty(7) {
            let is_full = !self.fpu.is_empty(0);
            if self.fpu.stack_fault(is_full) {
                self.fpu.set(0, F80::INDEFINITE);
                self.fpu.set_top(self.fpu.top().wrapping_sub(1));
                self.fpu.set(0, F80::INDEFINITE);
            }
            return;
        }
        let number = self.fpu.register(0).unpack();
        let mut env = self.fpu.env(false);
        let below = of_angle(&mut env, number, first.0, first.1);
        let top = match second {
            Some((function, is_odd)) => of_angle(&mut env, number, function, is_odd),
            // The partial tangent has a second result of 1.
            None if number.is_nan() || below.is_nan() => below,
            None => Number::from_integer(1),
        };
        if self.fpu.note(&env) {
            self.fpu.set(0, F80::pack(below));
            self.fpu.push(F80::pack(top));
        }
    }

    /// Replaces ST(1) by a function of ST(1) and ST(0), and pops.
    fn x87_binary_pop(&mut self, what: fn(&mut Env, Number, Number) -> Number) {
        if self.fpu.is_empty(0) || self.fpu.is_empty(1) {
            if self.fpu.stack_fault(false) {
                self.fpu.set(1, F80::INDEFINITE);
                self.fpu.pop();
            }
            return;
        }
        let mut env = self.fpu.env(false);
        let (y, x) = (self.fpu.register(1).unpack(), self.fpu.register(0).unpack());
        let is_nan = |number: &Number| number.is_nan() || number.class == Class::Unsupported;
        let result = if is_nan(&y) || is_nan(&x) { env.add(y, x) } else { what(&mut env, y, x) };
        if self.fpu.note(&env) {
            self.fpu.set(1, F80::pack(result));
            self.fpu.pop();
        }
    }
}

pub(super) fn fsin(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    if !core.is_angle_too_large() {
        core.x87_unary(false, |env, number| of_angle(env, number, sine, true));
    }
    Ok(())
}

pub(super) fn fcos(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    if !core.is_angle_too_large() {
        core.x87_unary(false, |env, number| of_angle(env, number, cosine, false));
    }
    Ok(())
}

pub(super) fn fsincos(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.angle_and_push((sine, true), Some((cosine, false)));
    Ok(())
}

pub(super) fn fptan(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.angle_and_push((tangent, true), None);
    Ok(())
}

/// The angle of (x, y), of numbers that are none of NaN.
fn angle(env: &mut Env, y: Number, x: Number) -> Number {
    env.note_denormal(&y);
    env.note_denormal(&x);
    let is_ordinary = y.class == Class::Finite && x.class == Class::Finite;
    if is_ordinary && !x.is_negative && y.exponent - x.exponent < TINY {
        env.raise(INEXACT);
        return env.div(y, x);
    }
    // Only the quotient counts: bring the larger one near 1.
    let by = if is_ordinary { y.exponent.max(x.exponent) } else { 0 };
    let near = |number: Number| match number.class {
        Class::Finite => split(Number { exponent: (number.exponent - by).clamp(-900, 900), ..number }),
        _ => (to_f64(number), 0.0),
    };
    let ((y, y_low), (x, x_low)) = (near(y), near(x));
    let value = libm::atan2(y, x);
    let square = x * x + y * y;
    let low = if square.is_finite() && square > 0.0 { (x * y_low - y * x_low) / square } else { 0.0 };
    if value == 0.0 { from_f64(value) } else { join(env, value, low) }
}

pub(super) fn fpatan(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.x87_binary_pop(angle);
    Ok(())
}

/// 2^x - 1 for |x| <= 1; outside it is undefined, and computed all the same.
pub(super) fn f2xm1(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.x87_unary(false, |env, number| match number.class {
        Class::Zero => number,
        Class::Infinite if number.is_negative => Number::from_integer(-1),
        Class::Infinite => number,
        Class::Nan | Class::Unsupported => env.convert(number),
        Class::Finite if number.exponent < -64 => {
            env.raise(INEXACT);
            env.mul(number, from_f64(LN_2))
        }
        Class::Finite => {
            let (high, low) = split(number);
            let value = libm::expm1(high * LN_2);
            // What the product with ln 2 lost, and what the argument lost, by the derivative.
            let lost = libm::fma(high, LN_2, -(high * LN_2)) + high * LN_2_LOW + low * LN_2;
            join(env, value, (value + 1.0) * lost)
        }
    });
    Ok(())
}

/// What a double loses of ln 2.
const LN_2_LOW: f64 = 2.319_046_813_846_299_6e-17;

/// log2 x of a positive finite number, as an integer, a double and a correction.
fn binary_logarithm(x: Number) -> (i32, f64, f64) {
    // x = m * 2^e with m from 0.75 to 1.5, so that nothing cancels near 1.
    let is_upper = x.mantissa >= 3 << 62;
    let (e, exponent) = if is_upper { (x.exponent + 1, -1) } else { (x.exponent, 0) };
    let (high, low) = split(Number { exponent, is_denormal: false, ..x });
    let difference = high - 1.0;
    let value = libm::log1p(difference);
    (e, value * LOG2_E, low / high * LOG2_E)
}

/// y * log2 x.
fn y_log2_x(env: &mut Env, y: Number, x: Number) -> Number {
    let is_one = x.class == Class::Finite && x.exponent == 0 && x.mantissa == 1 << 63;
    match x.class {
        Class::Zero if y.is_zero() => return env.invalid(),
        Class::Zero if y.class == Class::Infinite => return Number::infinite(!y.is_negative),
        Class::Zero => {
            env.raise(ZERO_DIVIDE);
            return Number::infinite(!y.is_negative);
        }
        _ if x.is_negative => return env.invalid(),
        Class::Infinite if y.is_zero() => return env.invalid(),
        Class::Infinite => return Number::infinite(y.is_negative),
        _ if is_one && y.class == Class::Infinite => return env.invalid(),
        _ if is_one => return Number::zero(y.is_negative),
        _ => {}
    }
    env.note_denormal(&x);
    let (e, high, low) = binary_logarithm(x);
    let mut exact = Env::new(crate::cpu::float::EXTENDED, crate::cpu::float::Rounding::Nearest);
    let fraction = exact.add(from_f64(high), from_f64(low));
    let logarithm = exact.add(Number::from_integer(e.into()), fraction);
    if high != 0.0 && y.class == Class::Finite {
        env.raise(INEXACT);
    }
    env.mul(y, logarithm)
}

pub(super) fn fyl2x(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.x87_binary_pop(y_log2_x);
    Ok(())
}

/// y * log2 (x + 1), for small x.
fn y_log2_x1(env: &mut Env, y: Number, x: Number) -> Number {
    match x.class {
        Class::Zero if y.class == Class::Infinite => return env.invalid(),
        Class::Zero => return Number::zero(x.is_negative != y.is_negative),
        Class::Infinite if x.is_negative || y.is_zero() => return env.invalid(),
        Class::Infinite => return Number::infinite(y.is_negative),
        _ => {}
    }
    env.note_denormal(&x);
    let mut exact = Env::new(crate::cpu::float::EXTENDED, crate::cpu::float::Rounding::Nearest);
    let logarithm = if x.exponent < -64 {
        exact.mul(x, from_f64(LOG2_E))
    } else {
        let (high, low) = split(x);
        exact.add(from_f64(libm::log1p(high) * LOG2_E), from_f64(low / (1.0 + high) * LOG2_E))
    };
    if logarithm.is_nan() {
        return env.invalid();
    }
    env.raise(INEXACT);
    env.mul(y, logarithm)
}

pub(super) fn fyl2xp1(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.x87_binary_pop(y_log2_x1);
    Ok(())
}
