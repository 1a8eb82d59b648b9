//! Loads, stores, exchanges, constants, conditional moves.

use super::Fpu;
use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::float::{DOUBLE, Env, F32, F64, F80, INVALID, Number, SINGLE};
use crate::cpu::op::Op;

/// A number in memory.
pub(super) trait Memory {
    fn load(core: &mut Core, at: u32) -> Outcome<Number>;
}

/// 32-bit floating point.
pub(super) struct M32;
/// 64-bit floating point.
pub(super) struct M64;
/// 16-bit integer.
pub(super) struct I16;
/// 32-bit integer.
pub(super) struct I32;
/// 64-bit integer.
pub(super) struct I64;

impl Memory for M32 {
    fn load(core: &mut Core, at: u32) -> Outcome<Number> {
        Ok(F32(core.read(at)?).unpack())
    }
}

impl Memory for M64 {
    fn load(core: &mut Core, at: u32) -> Outcome<Number> {
        Ok(F64(core.read(at)?).unpack())
    }
}

impl Memory for I16 {
    fn load(core: &mut Core, at: u32) -> Outcome<Number> {
        Ok(Number::from_integer((core.read::<u16>(at)? as i16).into()))
    }
}

impl Memory for I32 {
    fn load(core: &mut Core, at: u32) -> Outcome<Number> {
        Ok(Number::from_integer((core.read::<u32>(at)? as i32).into()))
    }
}

impl Memory for I64 {
    fn load(core: &mut Core, at: u32) -> Outcome<Number> {
        Ok(Number::from_integer(core.read::<u64>(at)? as i64))
    }
}

impl Core {
    pub(super) fn read_f80(&mut self, at: u32) -> Outcome<F80> {
        Ok(F80 { mantissa: self.read(at)?, sign_exponent: self.read(at.wrapping_add(8))? })
    }

    pub(super) fn write_f80(&mut self, at: u32, value: F80) -> Outcome {
        self.probe_write(at, 10)?;
        self.write(at, value.mantissa)?;
        self.write(at.wrapping_add(8), value.sign_exponent)
    }

    /// Does an instruction with an operand in memory, and notes it as the last one when it did not fault.
    #[inline(always)]
    pub(super) fn x87_memory(&mut self, op: &Op, what: impl FnOnce(&mut Self, u32) -> Outcome) -> Outcome {
        self.check_x87()?;
        let at = self.address(op);
        what(self, at)?;
        self.fpu.last_instruction = self.here(op);
        self.fpu.last_operand = at;
        Ok(())
    }
}

pub(super) fn fld<T: Memory>(core: &mut Core, op: &Op) -> Outcome {
    core.x87_memory(op, |core, at| {
        let mut number = T::load(core, at)?;
        let mut env = core.fpu.env(false);
        if core.fpu.is_empty(7) {
            env.note_denormal(&number);
            if number.is_nan() {
                number = env.quiet(number);
            }
        }
        if core.fpu.note(&env) {
            core.fpu.push(F80::pack(number));
        }
        Ok(())
    })
}

/// All 80 bits as they are.
pub(super) fn fld_m80(core: &mut Core, op: &Op) -> Outcome {
    core.x87_memory(op, |core, at| {
        let value = core.read_f80(at)?;
        core.fpu.status &= !super::C1;
        core.fpu.push(value);
        Ok(())
    })
}

pub(super) fn fld_register(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.fpu.status &= !super::C1;
    if core.fpu.is_empty(op.a) {
        if core.fpu.stack_fault(false) {
            core.fpu.push(F80::INDEFINITE);
        }
        return Ok(());
    }
    let value = core.fpu.register(op.a);
    core.fpu.push(value);
    Ok(())
}

/// ST(0) for a store: the indefinite NaN, if masked, when it is empty; `None` when nothing may be stored.
fn stored(fpu: &mut Fpu) -> Option<F80> {
    if fpu.is_empty(0) {
        return fpu.stack_fault(false).then_some(F80::INDEFINITE);
    }
    Some(fpu.register(0))
}

/// What a store to memory does once its bytes are known: write, note exceptions, pop.
fn store<const POP: bool>(core: &mut Core, env: &Env, write: impl FnOnce(&mut Core) -> Outcome) -> Outcome {
    if env.raised & INVALID == 0 || core.fpu.control & INVALID != 0 {
        write(core)?;
    }
    if core.fpu.note(env) && POP {
        core.fpu.pop();
    }
    Ok(())
}

/// A store of an empty register.
fn store_empty<const POP: bool>(core: &mut Core, write: impl FnOnce(&mut Core) -> Outcome) -> Outcome {
    if core.fpu.control & INVALID != 0 {
        write(core)?;
    }
    if core.fpu.stack_fault(false) && POP {
        core.fpu.pop();
    }
    Ok(())
}

pub(super) fn fst_m32<const POP: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.x87_memory(op, |core, at| {
        if core.fpu.is_empty(0) {
            return store_empty::<POP>(core, |core| core.write(at, 0xffc0_0000_u32));
        }
        let mut env = Env { format: SINGLE, ..core.fpu.env(false) };
        let value = F32::pack(env.convert(core.fpu.register(0).unpack()));
        env.raised &= !crate::cpu::float::DENORMAL;
        store::<POP>(core, &env, |core| core.write(at, value.0))
    })
}

pub(super) fn fst_m64<const POP: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.x87_memory(op, |core, at| {
        if core.fpu.is_empty(0) {
            return store_empty::<POP>(core, |core| core.write(at, 0xfff8_0000_0000_0000_u64));
        }
        let mut env = Env { format: DOUBLE, ..core.fpu.env(false) };
        let value = F64::pack(env.convert(core.fpu.register(0).unpack()));
        env.raised &= !crate::cpu::float::DENORMAL;
        store::<POP>(core, &env, |core| core.write(at, value.0))
    })
}

/// `fstp m80`: all bits as they are.
pub(super) fn fstp_m80(core: &mut Core, op: &Op) -> Outcome {
    core.x87_memory(op, |core, at| {
        if core.fpu.is_empty(0) {
            return store_empty::<true>(core, |core| core.write_f80(at, F80::INDEFINITE));
        }
        let (value, env) = (core.fpu.register(0), core.fpu.env(false));
        store::<true>(core, &env, |core| core.write_f80(at, value))
    })
}

pub(super) fn fst_register<const POP: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.fpu.status &= !super::C1;
    if let Some(value) = stored(&mut core.fpu) {
        core.fpu.set(op.a, value);
        if POP {
            core.fpu.pop();
        }
    }
    Ok(())
}

/// `fist`, `fistp` of 16, 32 or 64 bits.
pub(super) fn fist<const BITS: u32, const POP: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.x87_memory(op, |core, at| {
        let mut env = core.fpu.env(false);
        let is_empty = core.fpu.is_empty(0);
        let value =
            if is_empty { i64::MIN >> (64 - BITS) } else { env.nearest_integer(&core.fpu.register(0).unpack(), BITS) };
        let write = |core: &mut Core| match BITS {
            16 => core.write(at, value as u16),
            32 => core.write(at, value as u32),
            _ => core.write(at, value as u64),
        };
        if is_empty { store_empty::<POP>(core, write) } else { store::<POP>(core, &env, write) }
    })
}

/// 18 decimal digits and a sign.
pub(super) fn fbld(core: &mut Core, op: &Op) -> Outcome {
    core.x87_memory(op, |core, at| {
        let packed = core.read_f80(at)?;
        let digits = u128::from(packed.sign_exponent & 0xff) << 64 | u128::from(packed.mantissa);
        let value = (0..18).rev().fold(0_i64, |value, digit| value * 10 + (digits >> (4 * digit) & 15) as i64);
        let number = F80::pack(Number::from_integer(value)).with_sign(packed.is_negative());
        core.fpu.status &= !super::C1;
        core.fpu.push(number);
        Ok(())
    })
}

pub(super) fn fbstp(core: &mut Core, op: &Op) -> Outcome {
    const INDEFINITE: F80 = F80 { mantissa: 0xc000_0000_0000_0000, sign_exponent: 0xffff };
    const LIMIT: u64 = 1_000_000_000_000_000_000;
    core.x87_memory(op, |core, at| {
        if core.fpu.is_empty(0) {
            return store_empty::<true>(core, |core| core.write_f80(at, INDEFINITE));
        }
        let mut env = core.fpu.env(false);
        let number = core.fpu.register(0);
        let mut left = env.nearest_integer(&number.unpack(), 64).unsigned_abs();
        if left >= LIMIT {
            env.raised = INVALID;
            return store::<true>(core, &env, |core| core.write_f80(at, INDEFINITE));
        }
        let mut digits = 0_u128;
        for digit in 0..18 {
            digits |= u128::from(left % 10) << (4 * digit);
            left /= 10;
        }
        let packed =
            F80 { mantissa: digits as u64, sign_exponent: (digits >> 64) as u16 }.with_sign(number.is_negative());
        store::<true>(core, &env, |core| core.write_f80(at, packed))
    })
}

pub(super) fn fxch(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.fpu.status &= !super::C1;
    let other = op.b;
    if (core.fpu.is_empty(0) || core.fpu.is_empty(other)) && !core.fpu.stack_fault(false) {
        return Ok(());
    }
    let value = |fpu: &Fpu, number| if fpu.is_empty(number) { F80::INDEFINITE } else { fpu.register(number) };
    let (first, second) = (value(&core.fpu, 0), value(&core.fpu, other));
    core.fpu.set(0, second);
    core.fpu.set(other, first);
    Ok(())
}

/// `fcmovcc`, the condition in the handler's bits.
pub(super) fn fcmov(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.fpu.status &= !super::C1;
    if core.fpu.is_empty(0) || core.fpu.is_empty(op.b) {
        if core.fpu.stack_fault(false) {
            core.fpu.set(0, F80::INDEFINITE);
        }
    } else if core.flags.holds(op.extra()) {
        let value = core.fpu.register(op.b);
        core.fpu.set(0, value);
    }
    Ok(())
}

/// Mantissa rounded down, exponent field, and whether the nearest is one more, by number of the constant.
const CONSTANTS: [(u64, u16, bool); 5] = [
    // log2 10, log2 e, pi, log10 2, ln 2
    (0xd49a_784b_cd1b_8afe, 0x4000, false),
    (0xb8aa_3b29_5c17_f0bb, 0x3fff, true),
    (0xc90f_daa2_2168_c234, 0x4000, true),
    (0x9a20_9a84_fbcf_f798, 0x3ffd, true),
    (0xb172_17f7_d1cf_79ab, 0x3ffe, true),
];

/// A constant, in the rounding of the control word: 0 is 0, 1 is 1, then [`CONSTANTS`].
pub(super) fn fld_constant<const WHICH: usize>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.fpu.status &= !super::C1;
    let value = match WHICH {
        0 => F80::ZERO,
        1 => F80::ONE,
        _ => {
            let (down, sign_exponent, nearest_is_up) = CONSTANTS[WHICH - 2];
            let up = match core.fpu.control >> 10 & 3 {
                0 => nearest_is_up,
                2 => true,
                _ => false,
            };
            F80 { mantissa: down + u64::from(up), sign_exponent }
        }
    };
    core.fpu.push(value);
    Ok(())
}
