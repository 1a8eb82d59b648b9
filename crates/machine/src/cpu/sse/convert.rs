//! Conversions between integers, singles and doubles.

use super::float::{Real, flush, lanes_of};
use super::{Lanes, Source};
use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::float::{DOUBLE, Env, F32, F64, Number, Rounding, SINGLE};
use crate::cpu::op::Op;
use crate::cpu::operand;

/// `cvtsi2ss`, `cvtsi2sd` from a general register or memory.
pub(super) fn from_integer<R: Real, S: operand::Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let value = S::get::<u32>(core, op)? as i32;
    let mut env = core.sse_env(R::FORMAT);
    let result: u128 = R::pack(env.convert(Number::from_integer(value.into()))).into();
    core.note_sse(env.raised)?;
    core.set_xmm(op.a, core.xmm(op.a) >> R::BITS << R::BITS | result);
    Ok(())
}

/// The environment of a conversion that cuts, or that rounds as MXCSR says.
fn integer_env<const CUTS: bool>(core: &Core) -> Env {
    let env = core.sse_env(DOUBLE);
    if CUTS { Env { rounding: Rounding::Zero, ..env } } else { env }
}

/// `cvtss2si`, `cvtsd2si` and with `CUTS` `cvttss2si`, `cvttsd2si`.
pub(super) fn to_integer<R: Real, S: Source, const CUTS: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let value: R = S::get(core, op)?;
    let mut env = integer_env::<CUTS>(core);
    let result = env.nearest_integer(&value.unpack(), 32);
    core.note_sse(env.raised)?;
    core.gpr[usize::from(op.a & 7)] = result as u32;
    Ok(())
}

/// `cvtss2sd` and `cvtsd2ss`: the lowest lane.
pub(super) fn between<From: Real, To: Real, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let value: From = S::get(core, op)?;
    let mut env = core.sse_env(To::FORMAT);
    let result = To::pack(env.convert(value.unpack()));
    let result: u128 = flush(core, &mut env, result).into();
    core.note_sse(env.raised)?;
    core.set_xmm(op.a, core.xmm(op.a) >> To::BITS << To::BITS | result);
    Ok(())
}

/// `cvtps2pd`.
pub(super) fn singles_to_doubles<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let value: u64 = S::get(core, op)?;
    let mut env = core.sse_env(DOUBLE);
    let lanes = [value as u32, (value >> 32) as u32].map(|bits| F64::pack(env.convert(F32(bits).unpack())).0);
    core.note_sse(env.raised)?;
    core.set_xmm(op.a, Lanes::join(lanes));
    Ok(())
}

/// `cvtpd2ps`: the upper half becomes 0.
pub(super) fn doubles_to_singles<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let lanes: [u64; 2] = lanes_of(S::get(core, op)?);
    let mut env = core.sse_env(SINGLE);
    let [low, high] = lanes.map(|bits| {
        let result = F32::pack(env.convert(F64(bits).unpack())).0;
        flush(core, &mut env, result)
    });
    core.note_sse(env.raised)?;
    core.set_xmm(op.a, Lanes::join([low, high, 0, 0]));
    Ok(())
}

/// `cvtdq2ps`.
pub(super) fn integers_to_singles<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let lanes: [i32; 4] = lanes_of(S::get(core, op)?);
    let mut env = core.sse_env(SINGLE);
    let lanes = lanes.map(|value| F32::pack(env.convert(Number::from_integer(value.into()))).0);
    core.note_sse(env.raised)?;
    core.set_xmm(op.a, Lanes::join(lanes));
    Ok(())
}

/// `cvtdq2pd`: always exact.
pub(super) fn integers_to_doubles<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let value: u64 = S::get(core, op)?;
    let lanes = [value as i32, (value >> 32) as i32].map(|value| F64::pack(Number::from_integer(value.into())).0);
    core.set_xmm(op.a, Lanes::join(lanes));
    Ok(())
}

/// `cvtps2dq`, `cvttps2dq`.
pub(super) fn singles_to_integers<S: Source, const CUTS: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let lanes: [u32; 4] = lanes_of(S::get(core, op)?);
    let mut env = integer_env::<CUTS>(core);
    let lanes = lanes.map(|bits| env.nearest_integer(&F32(bits).unpack(), 32) as i32);
    core.note_sse(env.raised)?;
    core.set_xmm(op.a, Lanes::join(lanes));
    Ok(())
}

/// `cvtpd2dq`, `cvttpd2dq`: the upper half becomes 0.
pub(super) fn doubles_to_integers<S: Source, const CUTS: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let lanes: [u64; 2] = lanes_of(S::get(core, op)?);
    let mut env = integer_env::<CUTS>(core);
    let [low, high] = lanes.map(|bits| env.nearest_integer(&F64(bits).unpack(), 32) as i32);
    core.note_sse(env.raised)?;
    core.set_xmm(op.a, Lanes::join([low, high, 0, 0]));
    Ok(())
}
