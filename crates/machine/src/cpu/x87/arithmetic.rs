//! Sums, products, quotients, roots, remainders, scaling.

use super::load::Memory;
use super::{C0, C1, C2, C3};
use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::float::{Class, Env, F80, Number, ZERO_DIVIDE};
use crate::cpu::op::Op;

/// Operations, as the middle bits of their opcodes number them.
pub(super) const ADD: u8 = 0;
pub(super) const MUL: u8 = 1;
pub(super) const SUB: u8 = 4;
pub(super) const SUBR: u8 = 5;
pub(super) const DIV: u8 = 6;
pub(super) const DIVR: u8 = 7;

fn apply<const WHAT: u8>(env: &mut Env, a: Number, b: Number) -> Number {
    match WHAT {
        ADD => env.add(a, b),
        MUL => env.mul(a, b),
        SUB => env.sub(a, b),
        SUBR => env.sub(b, a),
        DIV => env.div(a, b),
        _ => env.div(b, a),
    }
}

/// ST(0) and memory.
pub(super) fn with_memory<const WHAT: u8, T: Memory>(core: &mut Core, op: &Op) -> Outcome {
    core.x87_memory(op, |core, at| {
        let operand = T::load(core, at)?;
        core.x87_unary(true, |env, number| apply::<WHAT>(env, number, operand));
        Ok(())
    })
}

/// Two registers; the result replaces the first operand.
pub(super) fn with_register<const WHAT: u8, const POP: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    let (to, from) = (op.a, op.b);
    if core.fpu.is_empty(to) || core.fpu.is_empty(from) {
        if core.fpu.stack_fault(false) {
            core.fpu.set(to, F80::INDEFINITE);
            if POP {
                core.fpu.pop();
            }
        }
        return Ok(());
    }
    let mut env = core.fpu.env(true);
    let (a, b) = (core.fpu.register(to).unpack(), core.fpu.register(from).unpack());
    let result = apply::<WHAT>(&mut env, a, b);
    if core.fpu.note(&env) {
        core.fpu.set(to, F80::pack(result));
        if POP {
            core.fpu.pop();
        }
    }
    Ok(())
}

pub(super) fn fsqrt(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.x87_unary(true, Env::sqrt);
    Ok(())
}

pub(super) fn frndint(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.x87_unary(false, Env::nearest_integral);
    Ok(())
}

/// `fchs` and `fabs` change the sign of anything, NaNs too.
pub(super) fn fchs(core: &mut Core, op: &Op) -> Outcome {
    set_sign(core, op, |value| !value.is_negative())
}

pub(super) fn fabs(core: &mut Core, op: &Op) -> Outcome {
    set_sign(core, op, |_| false)
}

fn set_sign(core: &mut Core, op: &Op, sign: fn(F80) -> bool) -> Outcome {
    core.begin_x87(op)?;
    core.fpu.status &= !C1;
    if !core.fpu.is_empty(0) {
        let value = core.fpu.register(0);
        core.fpu.set(0, value.with_sign(sign(value)));
    } else if core.fpu.stack_fault(false) {
        core.fpu.set(0, F80::INDEFINITE);
    }
    Ok(())
}

/// ST(0) times 2 to ST(1), which is cut to an integer.
pub(super) fn fscale(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    if core.fpu.is_empty(1) {
        if core.fpu.stack_fault(false) {
            core.fpu.set(0, F80::INDEFINITE);
        }
        return Ok(());
    }
    let power = core.fpu.register(1).unpack();
    core.x87_unary(false, |env, number| scale(env, number, power));
    Ok(())
}

fn scale(env: &mut Env, number: Number, power: Number) -> Number {
    if number.is_nan() || power.is_nan() || number.class == Class::Unsupported || power.class == Class::Unsupported {
        return env.add(number, power);
    }
    match (number.class, power.class) {
        (Class::Zero, Class::Infinite) if !power.is_negative => return env.invalid(),
        (Class::Infinite, Class::Infinite) if power.is_negative => return env.invalid(),
        _ => {}
    }
    env.note_denormal(&number);
    env.note_denormal(&power);
    match (number.class, power.class) {
        (_, Class::Infinite) if power.is_negative => return Number::zero(number.is_negative),
        (_, Class::Infinite) => return Number::infinite(number.is_negative),
        (Class::Zero | Class::Infinite, _) | (_, Class::Zero) => return env.convert(number),
        _ => {}
    }
    let size = match power.exponent {
        ..0 => 0,
        // Beyond every exponent there is.
        17.. => 1 << 17,
        exponent => (power.mantissa >> (63 - exponent)) as i32,
    };
    let by = if power.is_negative { -size } else { size };
    env.round(number.is_negative, number.exponent + by, u128::from(number.mantissa) << 64)
}

/// ST(0) becomes its exponent, and its significand is pushed.
pub(super) fn fxtract(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.fpu.status &= !C1;
    if core.fpu.is_empty(0) || !core.fpu.is_empty(7) {
        let is_full = !core.fpu.is_empty(0);
        if core.fpu.stack_fault(is_full) {
            core.fpu.set(0, F80::INDEFINITE);
            core.fpu.set_top(core.fpu.top().wrapping_sub(1));
            core.fpu.set(0, F80::INDEFINITE);
        }
        return Ok(());
    }
    let mut env = core.fpu.env(false);
    let number = core.fpu.register(0).unpack();
    let (exponent, significand) = match number.class {
        Class::Zero => {
            env.raise(ZERO_DIVIDE);
            (Number::infinite(true), number)
        }
        Class::Infinite => (Number::infinite(false), number),
        Class::Finite => {
            env.note_denormal(&number);
            (Number::from_integer(number.exponent.into()), Number { exponent: 0, is_denormal: false, ..number })
        }
        Class::Nan | Class::Unsupported => {
            let nan = env.convert(number);
            (nan, nan)
        }
    };
    if core.fpu.note(&env) {
        core.fpu.set(0, F80::pack(exponent));
        core.fpu.push(F80::pack(significand));
    }
    Ok(())
}

/// `fprem` and `fprem1`: C2 says that it must go on; else C0, C3, C1 are bits 2, 1, 0 of the quotient.
pub(super) fn fprem<const NEAREST: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    if core.fpu.is_empty(0) || core.fpu.is_empty(1) {
        if core.fpu.stack_fault(false) {
            core.fpu.set(0, F80::INDEFINITE);
        }
        return Ok(());
    }
    let mut env = core.fpu.env(false);
    let (a, b) = (core.fpu.register(0).unpack(), core.fpu.register(1).unpack());
    let (rest, quotient) = env.remainder(a, b, NEAREST);
    env.went_up = false;
    let may_write = core.fpu.note(&env);
    let bit =
        |number: u32, condition: u16| quotient.filter(|quotient| quotient >> number & 1 != 0).map_or(0, |_| condition);
    let partial = if quotient.is_none() { C2 } else { 0 };
    core.fpu.set_conditions(partial | bit(2, C0) | bit(1, C3) | bit(0, C1));
    if may_write {
        core.fpu.set(0, F80::pack(rest));
    }
    Ok(())
}
