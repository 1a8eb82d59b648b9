//! Arithmetic and comparisons of singles and doubles, one lane or all.
//!
//! The host's own operation is used when its result cannot differ and no exception could be new: rounding to nearest,
//! everything masked, "inexact" noted already, operands and result ordinary. Everything else goes through `float`.

use super::{Lanes, Source};
use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::float::{
    DENORMAL, DOUBLE, Env, F32, F64, Format, INEXACT, INVALID, Number, SINGLE, UNDERFLOW, ZERO_DIVIDE,
};
use crate::cpu::op::Op;
use crate::cpu::x87::order_flags;
use crate::ram::Word;
use std::cmp::Ordering;

/// MXCSR with everything masked, rounding to nearest, "inexact" noted, nothing flushed; other notes do not matter.
const FAST: u32 = 0x1fa0;
const FAST_MASK: u32 = 0xffa0;
/// MXCSR: tiny results become 0.
const FLUSH: u32 = 1 << 15;

/// Single or double precision, as the lane of a register.
pub(super) trait Real: Word + TryFrom<u128> + Into<u128> + PartialEq {
    const FORMAT: Format;
    const BITS: u32;
    const LANES: u32 = 128 / Self::BITS;
    fn lane(value: u128, lane: u32) -> Self;
    fn unpack(self) -> Number;
    fn pack(number: Number) -> Self;
    /// Neither NaN nor infinite nor denormal.
    fn is_ordinary(self) -> bool;
    /// Ordinary and not zero.
    fn is_normal(self) -> bool;
    fn host<O: Operation>(a: Self, b: Self) -> Self;
    /// All ones or all zeroes.
    fn all(is_set: bool) -> Self;
}

macro_rules! real {
    ($bits:ty, $host:ty, $packed:ident, $format:expr) => {
        impl Real for $bits {
            const FORMAT: Format = $format;
            const BITS: u32 = <$bits>::BITS;
            #[inline(always)]
            fn lane(value: u128, lane: u32) -> Self {
                (value >> (lane * Self::BITS)) as $bits
            }
            fn unpack(self) -> Number {
                $packed(self).unpack()
            }
            fn pack(number: Number) -> Self {
                $packed::pack(number).0
            }
            #[inline(always)]
            fn is_ordinary(self) -> bool {
                let value = <$host>::from_bits(self);
                value.is_normal() || value == 0.0 && self << 1 == 0
            }
            #[inline(always)]
            fn is_normal(self) -> bool {
                <$host>::from_bits(self).is_normal()
            }
            #[inline(always)]
            fn host<O: Operation>(a: Self, b: Self) -> Self {
                // In double precision a single's sum, product, quotient or root is rounded right, too.
                O::host(<$host>::from_bits(a).into(), <$host>::from_bits(b).into(), |wide| wide as $host).to_bits()
            }
            fn all(is_set: bool) -> Self {
                if is_set { <$bits>::MAX } else { 0 }
            }
        }
    };
}
real!(u32, f32, F32, SINGLE);
real!(u64, f64, F64, DOUBLE);

/// An operation on two numbers; a root looks at the second only.
pub(super) trait Operation {
    const HAS_FAST_PATH: bool = true;
    /// In the host's double precision. A single rounded from it is the single operation's result, because a double has
    /// more than twice the bits and two more.
    fn host<T>(a: f64, b: f64, round: fn(f64) -> T) -> T;
    fn exact<R: Real>(env: &mut Env, a: R, b: R) -> R;
}

macro_rules! operation {
    ($($name:ident: |$a:ident, $b:ident| $host:expr, $method:expr;)*) => {$(
        pub(super) struct $name;
        impl Operation for $name {
            #[inline(always)]
            fn host<T>($a: f64, $b: f64, round: fn(f64) -> T) -> T {
                round($host)
            }
            fn exact<R: Real>(env: &mut Env, a: R, b: R) -> R {
                let method: fn(&mut Env, Number, Number) -> Number = $method;
                R::pack(method(env, a.unpack(), b.unpack()))
            }
        }
    )*};
}
operation! {
    Add: |a, b| a + b, Env::add;
    Sub: |a, b| a - b, Env::sub;
    Mul: |a, b| a * b, Env::mul;
    Div: |a, b| a / b, Env::div;
    Sqrt: |_a, b| b.sqrt(), |env, _, b| env.sqrt(b);
    Reciprocal: |_a, b| 1.0 / b, |env, _, b| quietly(env, |env| env.div(Number::from_integer(1), b));
    ReciprocalRoot: |_a, b| 1.0 / b.sqrt(), reciprocal_root;
}

/// The approximations raise nothing, and flush what is denormal.
fn quietly(env: &mut Env, what: impl FnOnce(&mut Env) -> Number) -> Number {
    let before = env.raised;
    let result = what(env);
    let is_tiny = env.raised & UNDERFLOW != 0;
    env.raised = before;
    if is_tiny { Number::zero(result.is_negative) } else { result }
}

fn reciprocal_root(env: &mut Env, _: Number, b: Number) -> Number {
    if b.is_zero() {
        return Number::infinite(b.is_negative);
    }
    quietly(env, |env| {
        let mut wide = Env { format: DOUBLE, ..*env };
        let root = wide.sqrt(b);
        env.div(Number::from_integer(1), root)
    })
}

/// `min` when `LESS`, else `max`: the second operand for NaNs and for two zeroes, and any NaN is invalid.
pub(super) struct Extreme<const LESS: bool>;
impl<const LESS: bool> Operation for Extreme<LESS> {
    const HAS_FAST_PATH: bool = false;
    fn host<T>(_: f64, b: f64, round: fn(f64) -> T) -> T {
        round(b)
    }
    fn exact<R: Real>(env: &mut Env, a: R, b: R) -> R {
        let wanted = if LESS { Ordering::Less } else { Ordering::Greater };
        let order = env.compare(&a.unpack(), &b.unpack(), true);
        if order == Some(wanted) { a } else { b }
    }
}

/// One lane, by the host when that is safe.
#[inline(always)]
fn compute<R: Real, O: Operation>(core: &Core, env: &mut Env, a: R, b: R) -> R {
    if O::HAS_FAST_PATH && core.fpu.mxcsr & FAST_MASK == FAST && a.is_ordinary() && b.is_ordinary() {
        let result = R::host::<O>(a, b);
        if result.is_normal() {
            return result;
        }
    }
    compute_exactly::<R, O>(core, env, a, b)
}

#[inline(never)]
fn compute_exactly<R: Real, O: Operation>(core: &Core, env: &mut Env, a: R, b: R) -> R {
    let before = env.raised;
    env.raised = 0;
    let result = O::exact(env, a, b);
    // Invalid and divide by zero are noticed before denormal operands.
    if env.raised & (INVALID | ZERO_DIVIDE) != 0 {
        env.raised &= !DENORMAL;
    }
    let result = if O::HAS_FAST_PATH { flush(core, env, result) } else { result };
    env.raised |= before;
    result
}

/// Zero for a tiny result, when MXCSR says so and underflow is masked.
pub(super) fn flush<R: Real>(core: &Core, env: &mut Env, result: R) -> R {
    let number = result.unpack();
    if core.fpu.mxcsr & FLUSH == 0 || env.unmasked & UNDERFLOW != 0 || !number.is_denormal {
        return result;
    }
    env.raised |= UNDERFLOW | INEXACT;
    R::pack(Number::zero(number.is_negative))
}

/// The lowest lane; the others stay.
pub(super) fn scalar<R: Real, S: Source, O: Operation>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let b: R = S::get(core, op)?;
    let old = core.xmm(op.a);
    let mut env = core.sse_env(R::FORMAT);
    let result = compute::<R, O>(core, &mut env, R::lane(old, 0), b);
    core.note_sse(env.raised)?;
    core.set_xmm(op.a, old >> R::BITS << R::BITS | result.into());
    Ok(())
}

/// All lanes.
pub(super) fn packed<R: Real, S: Source, O: Operation>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let (a, b): (u128, u128) = (core.xmm(op.a), S::get(core, op)?);
    let mut env = core.sse_env(R::FORMAT);
    let mut result = 0;
    for lane in 0..R::LANES {
        let value: u128 = compute::<R, O>(core, &mut env, R::lane(a, lane), R::lane(b, lane)).into();
        result |= value << (lane * R::BITS);
    }
    core.note_sse(env.raised)?;
    core.set_xmm(op.a, result);
    Ok(())
}

/// One of the eight predicates of `cmpps` and its kin. Those of order are strict: a quiet NaN is invalid, too.
fn predicate<R: Real>(env: &mut Env, a: R, b: R, which: u32) -> R {
    let is_strict = matches!(which & 7, 1 | 2 | 5 | 6);
    let order = env.compare(&a.unpack(), &b.unpack(), is_strict);
    let holds = match which & 3 {
        0 => order == Some(Ordering::Equal),
        1 => order == Some(Ordering::Less),
        2 => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        _ => order.is_none(),
    };
    R::all(holds != (which & 4 != 0))
}

pub(super) fn compare_scalar<R: Real, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let b: R = S::get(core, op)?;
    let old = core.xmm(op.a);
    let mut env = core.sse_env(R::FORMAT);
    let result = predicate(&mut env, R::lane(old, 0), b, op.immediate);
    core.note_sse(env.raised)?;
    core.set_xmm(op.a, old >> R::BITS << R::BITS | result.into());
    Ok(())
}

pub(super) fn compare_packed<R: Real, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let (a, b): (u128, u128) = (core.xmm(op.a), S::get(core, op)?);
    let mut env = core.sse_env(R::FORMAT);
    let mut result = 0;
    for lane in 0..R::LANES {
        let value: u128 = predicate(&mut env, R::lane(a, lane), R::lane(b, lane), op.immediate).into();
        result |= value << (lane * R::BITS);
    }
    core.note_sse(env.raised)?;
    core.set_xmm(op.a, result);
    Ok(())
}

/// `comiss`, `comisd` when `STRICT`, else `ucomiss`, `ucomisd`.
pub(super) fn to_eflags<R: Real, S: Source, const STRICT: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let b: R = S::get(core, op)?;
    let mut env = core.sse_env(R::FORMAT);
    let order = env.compare(&R::lane(core.xmm(op.a), 0).unpack(), &b.unpack(), STRICT);
    core.note_sse(env.raised)?;
    core.flags = order_flags(order);
    Ok(())
}

/// Lanes of a whole register, for conversions.
pub(super) fn lanes_of<T: Lanes<N>, const N: usize>(value: u128) -> [T; N] {
    T::lanes(value)
}
