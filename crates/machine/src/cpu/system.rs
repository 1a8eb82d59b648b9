//! Instructions of the kernel, and those that lead into it.

mod bind;
mod cpuid;
mod tables;

use super::core::{Core, EAX, ECX, EDX, ESP};
use super::exit::{Exit, Outcome, Trap};
use super::flags::{IF, IOPL, RF, VM};
use super::op::Op;
use super::operand::Source;
use super::registers::{
    CR0_PE, CR0_PG, CR0_TS, CR4_TSD, SYSENTER_CS, SYSENTER_EIP, SYSENTER_ESP, Segment, SegmentRegister,
};
use super::width::Width;
use super::{BOUND_RANGE, Event, Exception, INVALID_OPCODE};
pub(crate) use bind::bind;

/// The time-stamp counter as a model-specific register.
const MSR_TSC: u32 = 0x10;

impl Core {
    /// Input, output, `cli` and `sti` need a privilege not below IOPL.
    fn input_output_allowed(&mut self) -> Outcome {
        if u32::from(self.ring()) <= (self.system_flags & IOPL) >> 12 { Ok(()) } else { self.protection(0) }
    }

    /// `int n`: EIP is behind it when the vector is delivered.
    fn software_interrupt(&mut self, op: &Op, vector: u8) -> Outcome {
        self.eip = self.after(op);
        self.trap = Trap::Interrupt { vector, at: self.here(op) };
        Err(Exit::Complete)
    }
}

fn int(core: &mut Core, op: &Op) -> Outcome {
    core.software_interrupt(op, op.immediate as u8)
}

fn into(core: &mut Core, op: &Op) -> Outcome {
    if core.flags.overflow() { core.software_interrupt(op, super::OVERFLOW) } else { Ok(()) }
}

fn iretd(core: &mut Core, _: &Op) -> Outcome {
    core.interrupt_return()
}

fn bound(core: &mut Core, op: &Op) -> Outcome {
    let at = core.address(op);
    let low: u32 = core.read(at)?;
    let high: u32 = core.read(at.wrapping_add(4))?;
    let index = core.gpr[usize::from(op.a & 7)] as i32;
    if index < low as i32 || index > high as i32 {
        return core.raise(Exception::plain(BOUND_RANGE));
    }
    Ok(())
}

fn ud2(core: &mut Core, _: &Op) -> Outcome {
    core.raise(Exception::plain(INVALID_OPCODE))
}

/// An instruction that this processor does not have.
pub(crate) fn undefined(core: &mut Core, _: &Op) -> Outcome {
    core.undefined()
}

fn sysenter(core: &mut Core, op: &Op) -> Outcome {
    if core.traps.system_enter {
        return core.stop(op, Event::SystemEnter);
    }
    let selector = core.sysenter[0] as u16 & !3;
    if selector == 0 {
        return core.protection(0);
    }
    core.system_flags &= !(IF | RF | VM);
    core.set_code_segment(Segment::flat(selector, 0x9b));
    core.segments[SegmentRegister::Ss as usize] = Segment::flat(selector.wrapping_add(8), 0x93);
    (core.gpr[ESP], core.eip) = (core.sysenter[1], core.sysenter[2]);
    core.trap = Trap::None;
    Err(Exit::Complete)
}

fn sysexit(core: &mut Core, _: &Op) -> Outcome {
    core.privileged()?;
    let selector = core.sysenter[0] as u16 & !3;
    if selector == 0 {
        return core.protection(0);
    }
    core.segments[SegmentRegister::Ss as usize] = Segment::flat(selector.wrapping_add(24) | 3, 0xf3);
    core.set_code_segment(Segment::flat(selector.wrapping_add(16) | 3, 0xfb));
    (core.gpr[ESP], core.eip) = (core.gpr[ECX], core.gpr[EDX]);
    core.trap = Trap::None;
    Err(Exit::Complete)
}

/// A call of the host, from ring 0 only: elsewhere the instruction does not exist.
fn vmcall(core: &mut Core, op: &Op) -> Outcome {
    if core.ring() != 0 {
        return ud2(core, op);
    }
    core.stop(op, Event::HostCall)
}

fn hlt(core: &mut Core, op: &Op) -> Outcome {
    core.privileged()?;
    core.stop(op, Event::Halted)
}

fn cli(core: &mut Core, _: &Op) -> Outcome {
    core.input_output_allowed()?;
    core.system_flags &= !IF;
    Ok(())
}

/// Interrupts are possible only after the next instruction.
fn sti(core: &mut Core, op: &Op) -> Outcome {
    core.input_output_allowed()?;
    core.shadow = core.system_flags & IF == 0;
    core.system_flags |= IF;
    core.leave_block(op)
}

/// The port is DX, or the immediate when the handler's bits say so; its bytes are in `b`.
fn port(core: &Core, op: &Op) -> u16 {
    if op.extra() == 0 { core.gpr[EDX] as u16 } else { op.immediate as u8 as u16 }
}

fn input(core: &mut Core, op: &Op) -> Outcome {
    core.input_output_allowed()?;
    let port = port(core, op);
    core.stop(op, Event::PortRead { port, bytes: op.b })
}

fn output(core: &mut Core, op: &Op) -> Outcome {
    core.input_output_allowed()?;
    let port = port(core, op);
    let value = core.gpr[EAX] & u32::MAX >> (32 - 8 * u32::from(op.b.clamp(1, 4)));
    core.stop(op, Event::PortWrite { port, bytes: op.b, value })
}

/// Counts instructions; decoding starts a block with it, so the count is exact.
fn rdtsc(core: &mut Core, _: &Op) -> Outcome {
    if core.control.cr4 & CR4_TSD != 0 {
        core.privileged()?;
    }
    let count = core.executed.wrapping_add(core.tsc_offset);
    core.gpr[EAX] = count as u32;
    core.gpr[EDX] = (count >> 32) as u32;
    Ok(())
}

fn rdmsr(core: &mut Core, op: &Op) -> Outcome {
    core.privileged()?;
    let value = match core.gpr[ECX] {
        MSR_TSC => return rdtsc(core, op),
        SYSENTER_CS => core.sysenter[0],
        SYSENTER_ESP => core.sysenter[1],
        SYSENTER_EIP => core.sysenter[2],
        _ => return core.protection(0),
    };
    core.gpr[EAX] = value;
    core.gpr[EDX] = 0;
    Ok(())
}

fn wrmsr(core: &mut Core, _: &Op) -> Outcome {
    core.privileged()?;
    let value = core.gpr[EAX];
    match core.gpr[ECX] {
        MSR_TSC => {
            let count = u64::from(core.gpr[EDX]) << 32 | u64::from(value);
            core.tsc_offset = count.wrapping_sub(core.executed);
        }
        SYSENTER_CS => core.sysenter[0] = value,
        SYSENTER_ESP => core.sysenter[1] = value,
        SYSENTER_EIP => core.sysenter[2] = value,
        _ => return core.protection(0),
    }
    Ok(())
}

fn mov_from_control(core: &mut Core, op: &Op) -> Outcome {
    core.privileged()?;
    core.gpr[usize::from(op.a & 7)] = match op.b {
        0 => core.control.cr0,
        2 => core.control.cr2,
        3 => core.control.cr3,
        4 => core.control.cr4,
        _ => return ud2(core, op),
    };
    Ok(())
}

fn mov_to_control(core: &mut Core, op: &Op) -> Outcome {
    core.privileged()?;
    let value = core.gpr[usize::from(op.b & 7)];
    match op.a {
        // Bit 4 says that there is an x87, and cannot be cleared.
        0 if value & CR0_PG != 0 && value & CR0_PE == 0 => return core.protection(0),
        0 if value & CR0_PE == 0 => return core.undefined(),
        0 => core.control.cr0 = value & 0xe005_003f | 0x10,
        2 => core.control.cr2 = value,
        3 => core.control.cr3 = value,
        4 if value & !0x7ff != 0 => return core.protection(0),
        // Entries of 8 bytes: this processor says in `cpuid` that it has none.
        4 if value & 0x20 != 0 => return core.protection(0),
        4 => core.control.cr4 = value,
        _ => return ud2(core, op),
    }
    if op.a != 2 {
        core.flush();
    }
    core.leave_block(op)
}

fn mov_from_debug(core: &mut Core, op: &Op) -> Outcome {
    core.privileged()?;
    core.gpr[usize::from(op.a & 7)] = core.control.dr[usize::from(op.b & 7)];
    Ok(())
}

fn mov_to_debug(core: &mut Core, op: &Op) -> Outcome {
    core.privileged()?;
    core.control.dr[usize::from(op.a & 7)] = core.gpr[usize::from(op.b & 7)];
    Ok(())
}

fn clts(core: &mut Core, op: &Op) -> Outcome {
    core.privileged()?;
    core.control.cr0 &= !CR0_TS;
    core.leave_block(op)
}

fn invlpg(core: &mut Core, op: &Op) -> Outcome {
    core.privileged()?;
    core.invalidate(core.address(op));
    core.leave_block(op)
}

/// Caches are not modelled.
fn write_back_caches(core: &mut Core, _: &Op) -> Outcome {
    core.privileged()
}

/// Reads a segment register. A 32-bit register gets a zero upper half.
fn mov_from_segment<D: super::operand::Place, W: Width>(core: &mut Core, op: &Op) -> Outcome {
    let selector = core.segments[usize::from(op.b % 6)].selector;
    D::set(core, op, W::cut(selector.into()))
}

fn mov_to_segment<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let selector = S::get::<u16>(core, op)?;
    load(core, op, selector)
}

fn pop_segment(core: &mut Core, op: &Op) -> Outcome {
    let top = core.gpr[ESP];
    let selector = core.read::<u32>(top)? as u16;
    core.gpr[ESP] = top.wrapping_add(4);
    load(core, op, selector).inspect_err(|exit| {
        if *exit == Exit::Fault {
            core.gpr[ESP] = top;
        }
    })
}

fn load(core: &mut Core, op: &Op, selector: u16) -> Outcome {
    let register = SegmentRegister::ALL[usize::from(op.a % 6)];
    if register == SegmentRegister::Cs {
        return ud2(core, op);
    }
    core.load_segment(register, selector)?;
    core.shadow = register == SegmentRegister::Ss;
    core.leave_block(op)
}
