//! Control words, environments, saved states.

use super::{SUMMARY, X87_ERROR};
use crate::cpu::core::{Core, EAX};
use crate::cpu::exit::Outcome;
use crate::cpu::op::Op;
use crate::cpu::registers::{CR0_MP, CR0_TS, Fpu};
use crate::cpu::{DEVICE_NOT_AVAILABLE, Exception};

/// Bytes of an environment of 32-bit code, and of it with all registers.
const ENVIRONMENT: u32 = 28;
const STATE: u32 = 108;
/// Bytes of what `fxsave` writes.
const FX_STATE: u32 = 512;
/// Bits of MXCSR that exist: no denormals-are-zero.
const MXCSR_MASK: u32 = 0xffbf;

/// As after `fninit`; SSE keeps its state.
fn reset(fpu: &mut Fpu) {
    let Fpu { st, xmm, mxcsr, .. } = *fpu;
    *fpu = Fpu { st, xmm, mxcsr, ..Fpu::default() };
}

/// An exception waits exactly when one is noted that is not masked.
fn summarize(fpu: &mut Fpu) {
    if fpu.status & !fpu.control & 0x3f != 0 {
        fpu.status |= SUMMARY;
    } else {
        fpu.status &= !SUMMARY;
    }
}

pub(super) fn fninit(core: &mut Core, _: &Op) -> Outcome {
    core.begin_control()?;
    reset(&mut core.fpu);
    Ok(())
}

pub(super) fn fnclex(core: &mut Core, _: &Op) -> Outcome {
    core.begin_control()?;
    core.fpu.status &= 0x7f00;
    Ok(())
}

pub(super) fn fldcw(core: &mut Core, op: &Op) -> Outcome {
    core.check_x87()?;
    core.fpu.control = core.read::<u16>(core.address(op))? & 0x1f3f | 0x40;
    summarize(&mut core.fpu);
    Ok(())
}

pub(super) fn fnstcw(core: &mut Core, op: &Op) -> Outcome {
    core.begin_control()?;
    core.write(core.address(op), core.fpu.control)
}

pub(super) fn fnstsw(core: &mut Core, op: &Op) -> Outcome {
    core.begin_control()?;
    core.write(core.address(op), core.fpu.status)
}

pub(super) fn fnstsw_ax(core: &mut Core, _: &Op) -> Outcome {
    core.begin_control()?;
    core.gpr[EAX] = core.gpr[EAX] & 0xffff_0000 | u32::from(core.fpu.status);
    Ok(())
}

/// `wait`: TS matters only together with MP.
pub(super) fn wait(core: &mut Core, _: &Op) -> Outcome {
    if core.control.cr0 & (CR0_MP | CR0_TS) == CR0_MP | CR0_TS {
        return core.raise(Exception::plain(DEVICE_NOT_AVAILABLE));
    }
    if core.fpu.status & SUMMARY != 0 {
        return core.raise(Exception::plain(X87_ERROR));
    }
    Ok(())
}

pub(super) fn fnop(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)
}

/// `fincstp` and `fdecstp` turn the stack without changing what is in it.
pub(super) fn turn<const UP: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    let top = core.fpu.top();
    core.fpu.set_top(if UP { top.wrapping_add(1) } else { top.wrapping_sub(1) });
    core.fpu.status &= !super::C1;
    Ok(())
}

pub(super) fn ffree<const POP: bool>(core: &mut Core, op: &Op) -> Outcome {
    core.begin_x87(op)?;
    core.fpu.empty |= 1 << core.fpu.place(op.a);
    if POP {
        core.fpu.set_top(core.fpu.top().wrapping_add(1));
    }
    Ok(())
}

/// Two bits for each register: 0 valid, 1 zero, 2 special, 3 empty.
fn tag_word(fpu: &Fpu) -> u16 {
    (0..8).fold(0, |word, place| {
        let value = fpu.st[place];
        let tag = match value.sign_exponent & 0x7fff {
            _ if fpu.empty >> place & 1 != 0 => 3,
            0 if value.mantissa == 0 => 1,
            0 | 0x7fff => 2,
            _ if value.mantissa >> 63 == 0 => 2,
            _ => 0,
        };
        word | tag << (2 * place)
    })
}

fn empty_from_tags(tags: u16) -> u8 {
    (0..8).fold(0, |empty, place| empty | u8::from(tags >> (2 * place) & 3 == 3) << place)
}

fn write_environment(core: &mut Core, at: u32) -> Outcome {
    let fpu = core.fpu;
    let words = [
        0xffff_0000 | u32::from(fpu.control),
        0xffff_0000 | u32::from(fpu.status),
        0xffff_0000 | u32::from(tag_word(&fpu)),
        fpu.last_instruction,
        u32::from(fpu.last_opcode) << 16,
        fpu.last_operand,
        0xffff_0000,
    ];
    for (offset, word) in (0..).step_by(4).zip(words) {
        core.write(at.wrapping_add(offset), word)?;
    }
    Ok(())
}

pub(super) fn fnstenv(core: &mut Core, op: &Op) -> Outcome {
    core.begin_control()?;
    let at = core.address(op);
    core.probe_write(at, ENVIRONMENT)?;
    write_environment(core, at)?;
    core.fpu.control |= 0x3f;
    summarize(&mut core.fpu);
    Ok(())
}

fn read_environment(core: &mut Core, at: u32) -> Outcome<Fpu> {
    let mut words = [0_u32; 7];
    for (offset, word) in (0..).step_by(4).zip(&mut words) {
        *word = core.read(at.wrapping_add(offset))?;
    }
    let mut fpu = core.fpu;
    fpu.control = words[0] as u16 & 0x1f3f | 0x40;
    fpu.status = words[1] as u16;
    fpu.empty = empty_from_tags(words[2] as u16);
    fpu.last_instruction = words[3];
    fpu.last_opcode = (words[4] >> 16) as u16 & 0x7ff;
    fpu.last_operand = words[5];
    summarize(&mut fpu);
    Ok(fpu)
}

pub(super) fn fldenv(core: &mut Core, op: &Op) -> Outcome {
    core.check_x87()?;
    core.fpu = read_environment(core, core.address(op))?;
    Ok(())
}

pub(super) fn fnsave(core: &mut Core, op: &Op) -> Outcome {
    core.begin_control()?;
    let at = core.address(op);
    core.probe_write(at, STATE)?;
    write_environment(core, at)?;
    for number in 0..8 {
        let value = core.fpu.register(number);
        core.write_f80(at.wrapping_add(ENVIRONMENT + 10 * u32::from(number)), value)?;
    }
    reset(&mut core.fpu);
    Ok(())
}

pub(super) fn frstor(core: &mut Core, op: &Op) -> Outcome {
    core.check_x87()?;
    let at = core.address(op);
    let mut fpu = read_environment(core, at)?;
    for number in 0..8 {
        let value = core.read_f80(at.wrapping_add(ENVIRONMENT + 10 * u32::from(number)))?;
        let place = fpu.place(number);
        fpu.st[place] = value;
    }
    core.fpu = fpu;
    Ok(())
}

/// The 512 bytes of `fxsave` must lie at a multiple of 16.
fn fx_address(core: &mut Core, op: &Op) -> Outcome<u32> {
    core.begin_control()?;
    let at = core.address(op);
    if at & 15 == 0 { Ok(at) } else { core.protection(0) }
}

pub(super) fn fxsave(core: &mut Core, op: &Op) -> Outcome {
    let at = fx_address(core, op)?;
    core.probe_write(at, FX_STATE)?;
    let fpu = core.fpu;
    core.write(at, fpu.control)?;
    core.write(at.wrapping_add(2), fpu.status)?;
    core.write(at.wrapping_add(4), u16::from(!fpu.empty))?;
    core.write(at.wrapping_add(6), fpu.last_opcode)?;
    let words = [fpu.last_instruction, 0, fpu.last_operand, 0, fpu.mxcsr, MXCSR_MASK];
    for (offset, word) in (8..).step_by(4).zip(words) {
        core.write(at.wrapping_add(offset), word)?;
    }
    for number in 0..8_u32 {
        let value = fpu.register(number as u8);
        let place = at.wrapping_add(32 + 16 * number);
        core.write(place, u128::from(value.sign_exponent) << 64 | u128::from(value.mantissa))?;
        core.write(place.wrapping_add(128), fpu.xmm[number as usize])?;
    }
    Ok(())
}

pub(super) fn fxrstor(core: &mut Core, op: &Op) -> Outcome {
    let at = fx_address(core, op)?;
    let mut fpu = core.fpu;
    fpu.control = core.read::<u16>(at)? & 0x1f3f | 0x40;
    fpu.status = core.read(at.wrapping_add(2))?;
    fpu.empty = !core.read::<u8>(at.wrapping_add(4))?;
    fpu.last_opcode = core.read::<u16>(at.wrapping_add(6))? & 0x7ff;
    fpu.last_instruction = core.read(at.wrapping_add(8))?;
    fpu.last_operand = core.read(at.wrapping_add(16))?;
    fpu.mxcsr = core.read(at.wrapping_add(24))?;
    if fpu.mxcsr & !MXCSR_MASK != 0 {
        return core.protection(0);
    }
    for number in 0..8_u32 {
        let place = at.wrapping_add(32 + 16 * number);
        let bits: u128 = core.read(place)?;
        let register = fpu.place(number as u8);
        fpu.st[register] = super::F80 { mantissa: bits as u64, sign_exponent: (bits >> 64) as u16 };
        fpu.xmm[number as usize] = core.read(place.wrapping_add(128))?;
    }
    summarize(&mut fpu);
    core.fpu = fpu;
    Ok(())
}

/// `ldmxcsr`: bits that do not exist are a protection fault.
pub(super) fn ldmxcsr(core: &mut Core, op: &Op) -> Outcome {
    core.begin_control()?;
    let value: u32 = core.read(core.address(op))?;
    if value & !MXCSR_MASK != 0 {
        return core.protection(0);
    }
    core.fpu.mxcsr = value;
    Ok(())
}

pub(super) fn stmxcsr(core: &mut Core, op: &Op) -> Outcome {
    core.begin_control()?;
    core.write(core.address(op), core.fpu.mxcsr)
}
