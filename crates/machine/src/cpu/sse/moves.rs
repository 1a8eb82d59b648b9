//! Moves between registers and memory.

use super::{Lanes, Source};
use crate::cpu::core::{Core, EDI};
use crate::cpu::exit::Outcome;
use crate::cpu::op::Op;
use crate::cpu::operand;
use crate::ram::Word;

/// A whole register, aligned in memory.
pub(super) fn load<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let value = S::get(core, op)?;
    core.set_xmm(op.a, value);
    Ok(())
}

pub(super) fn load_unaligned(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let value = core.read(core.address(op))?;
    core.set_xmm(op.a, value);
    Ok(())
}

pub(super) fn store(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let at = core.address(op);
    if at & 15 != 0 {
        return core.protection(0);
    }
    core.write(at, core.xmm(op.b))
}

pub(super) fn store_unaligned(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    core.write(core.address(op), core.xmm(op.b))
}

/// The low word from memory; the rest becomes 0.
pub(super) fn load_low<W: Word + Into<u128>>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let value: W = core.read(core.address(op))?;
    core.set_xmm(op.a, value.into());
    Ok(())
}

/// The low `BITS` from a register; the rest stays.
pub(super) fn move_low<const BITS: u32>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let mask = (1 << BITS) - 1;
    core.set_xmm(op.a, core.xmm(op.a) & !mask | core.xmm(op.b) & mask);
    Ok(())
}

/// The low 64 bits from a register; the rest becomes 0.
pub(super) fn movq(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    core.set_xmm(op.a, core.xmm(op.b) & u128::from(u64::MAX));
    Ok(())
}

pub(super) fn store_low_32(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    core.write(core.address(op), core.xmm(op.b) as u32)
}

/// Bits 0 to 63 when `HALF` is 0, 64 to 127 when it is 1, to memory.
pub(super) fn store_half<const HALF: u32>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    core.write(core.address(op), (core.xmm(op.b) >> (64 * HALF)) as u64)
}

/// The same from memory; the other half stays.
pub(super) fn load_half<const HALF: u32>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let value: u64 = core.read(core.address(op))?;
    let mask = u128::from(u64::MAX) << (64 * HALF);
    core.set_xmm(op.a, core.xmm(op.a) & !mask | u128::from(value) << (64 * HALF));
    Ok(())
}

pub(super) fn movhlps(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    core.set_xmm(op.a, core.xmm(op.a) >> 64 << 64 | core.xmm(op.b) >> 64);
    Ok(())
}

pub(super) fn movlhps(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    core.set_xmm(op.a, core.xmm(op.a) & u128::from(u64::MAX) | core.xmm(op.b) << 64);
    Ok(())
}

/// `movd` from a general register.
pub(super) fn movd_from_register(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    core.set_xmm(op.a, core.gpr[usize::from(op.b & 7)].into());
    Ok(())
}

pub(super) fn movd_to_register(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    core.gpr[usize::from(op.a & 7)] = core.xmm(op.b) as u32;
    Ok(())
}

/// `movnti`.
pub(super) fn store_register(core: &mut Core, op: &Op) -> Outcome {
    let value = <operand::B as operand::Source>::get::<u32>(core, op)?;
    core.write(core.address(op), value)
}

/// The top bits of all lanes as a number.
pub(super) fn mask_of_signs<const BITS: u32>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let value = core.xmm(op.b);
    let bit = |lane: u32| (value >> (lane * BITS + BITS - 1)) as u32 & 1;
    core.gpr[usize::from(op.a & 7)] = (0..128 / BITS).fold(0, |mask, lane| mask | bit(lane) << lane);
    Ok(())
}

/// `maskmovdqu`: the bytes whose mask has its top bit set, to DS:EDI.
pub(super) fn store_masked(core: &mut Core, op: &Op) -> Outcome {
    core.begin_sse()?;
    let at = core.gpr[EDI];
    let (bytes, masks): ([u8; 16], [u8; 16]) = (Lanes::lanes(core.xmm(op.a)), Lanes::lanes(core.xmm(op.b)));
    for (offset, mask) in (0..).zip(masks) {
        if mask & 0x80 != 0 {
            core.probe_write(at.wrapping_add(offset), 1)?;
        }
    }
    for ((offset, mask), byte) in (0..).zip(masks).zip(bytes) {
        if mask & 0x80 != 0 {
            core.write(at.wrapping_add(offset), byte)?;
        }
    }
    Ok(())
}
