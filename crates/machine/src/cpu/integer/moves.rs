//! Moves, extensions, conditions as numbers, single flags.

use crate::cpu::core::{Core, EAX, EBX, EDX};
use crate::cpu::exit::Outcome;
use crate::cpu::flags::{AF, CF, DF, PF, SF, ZF};
use crate::cpu::op::{Handler, Op};
use crate::cpu::operand::{A, B, Kind, M, Place, Shape, Source, by_source, by_two, operand_bits};
use crate::cpu::width::Width;
use iced_x86::{ConditionCode, Instruction, Mnemonic};

fn mov<W: Width, D: Place, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let value = S::get::<W>(core, op)?;
    D::set(core, op, value)
}

/// Zero-extends `N` into `W`.
fn movzx<W: Width, N: Width, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let value = S::get::<N>(core, op)?;
    A::set(core, op, W::cut(value.wide()))
}

/// Sign-extends `N` into `W`.
fn movsx<W: Width, N: Width, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let value = S::get::<N>(core, op)?;
    A::set(core, op, W::cut(value.signed() as u32))
}

fn lea<W: Width>(core: &mut Core, op: &Op) -> Outcome {
    W::set_register(core, op.a, W::cut(core.address(op)));
    Ok(())
}

/// The source is read, and may fault, whether or not the condition holds.
fn cmov<W: Width, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let value = S::get::<W>(core, op)?;
    if core.flags.holds(op.extra()) {
        W::set_register(core, op.a, value);
    }
    Ok(())
}

fn setcc<D: Place>(core: &mut Core, op: &Op) -> Outcome {
    let holds = core.flags.holds(op.extra());
    D::set(core, op, u8::from(holds))
}

fn cbw(core: &mut Core, _: &Op) -> Outcome {
    let value = u8::register(core, 0).signed() as u16;
    u16::set_register(core, 0, value);
    Ok(())
}

fn cwde(core: &mut Core, _: &Op) -> Outcome {
    core.gpr[EAX] = u16::register(core, 0).signed() as u32;
    Ok(())
}

fn cwd(core: &mut Core, _: &Op) -> Outcome {
    let sign = (u16::register(core, 0).signed() >> 16) as u16;
    u16::set_register(core, 2, sign);
    Ok(())
}

fn cdq(core: &mut Core, _: &Op) -> Outcome {
    core.gpr[EDX] = (core.gpr[EAX] as i32 >> 31) as u32;
    Ok(())
}

fn lahf(core: &mut Core, _: &Op) -> Outcome {
    u8::set_register(core, 4, core.eflags() as u8);
    Ok(())
}

fn sahf(core: &mut Core, _: &Op) -> Outcome {
    let loaded = CF | PF | AF | ZF | SF;
    let word = core.eflags() & !loaded | u32::from(u8::register(core, 4)) & loaded;
    core.flags = crate::cpu::flags::Flags::from_word(word);
    Ok(())
}

fn salc(core: &mut Core, _: &Op) -> Outcome {
    let value = if core.flags.carry() { 0xff } else { 0 };
    u8::set_register(core, 0, value);
    Ok(())
}

/// `clc`, `stc`: the immediate is the new CF.
fn set_carry(core: &mut Core, op: &Op) -> Outcome {
    core.flags = core.flags.with_carry(op.extra() != 0);
    Ok(())
}

fn cmc(core: &mut Core, _: &Op) -> Outcome {
    core.flags = core.flags.with_carry(!core.flags.carry());
    Ok(())
}

fn cld(core: &mut Core, _: &Op) -> Outcome {
    core.system_flags &= !DF;
    Ok(())
}

fn std(core: &mut Core, _: &Op) -> Outcome {
    core.system_flags |= DF;
    Ok(())
}

fn xlat(core: &mut Core, op: &Op) -> Outcome {
    // The segment, if not flat, has gone into the base that an operation before computed.
    let at = core.address(op).wrapping_add(core.gpr[EBX]).wrapping_add(core.gpr[EAX] & 0xff);
    let value: u8 = core.read(at)?;
    u8::set_register(core, 0, value);
    Ok(())
}

/// Instructions without an effect here: memory is in order, and hints are hints.
fn nothing(_: &mut Core, _: &Op) -> Outcome {
    Ok(())
}

fn extension(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    let from = operand_bits(instruction, 1);
    let is_signed = instruction.mnemonic() == Mnemonic::Movsx;
    Some(match (is_signed, shape.width, from, shape.second) {
        (false, 32, 8, Kind::Register) => movzx::<u32, u8, B>,
        (false, 32, 8, _) => movzx::<u32, u8, M>,
        (false, 32, _, Kind::Register) => movzx::<u32, u16, B>,
        (false, 32, _, _) => movzx::<u32, u16, M>,
        (false, _, 8, Kind::Register) => movzx::<u16, u8, B>,
        (false, _, 8, _) => movzx::<u16, u8, M>,
        (false, _, _, Kind::Register) => movzx::<u16, u16, B>,
        (false, _, _, _) => movzx::<u16, u16, M>,
        (true, 32, 8, Kind::Register) => movsx::<u32, u8, B>,
        (true, 32, 8, _) => movsx::<u32, u8, M>,
        (true, 32, _, Kind::Register) => movsx::<u32, u16, B>,
        (true, 32, _, _) => movsx::<u32, u16, M>,
        (true, _, 8, Kind::Register) => movsx::<u16, u8, B>,
        (true, _, 8, _) => movsx::<u16, u8, M>,
        (true, _, _, Kind::Register) => movsx::<u16, u16, B>,
        (true, _, _, _) => movsx::<u16, u16, M>,
    })
}

/// `setcc` and `cmovcc`.
fn is_conditional(instruction: &Instruction) -> bool {
    instruction.condition_code() != ConditionCode::None
        && !instruction.is_jcc_short_or_near()
        && !matches!(instruction.mnemonic(), Mnemonic::Loope | Mnemonic::Loopne)
}

fn conditional(shape: Shape) -> Option<Handler> {
    if shape.second == Kind::None {
        return by_source!(shape.first, A, setcc);
    }
    Some(match (shape.width, shape.second) {
        (16, Kind::Register) => cmov::<u16, B>,
        (16, _) => cmov::<u16, M>,
        (32, Kind::Register) => cmov::<u32, B>,
        (32, _) => cmov::<u32, M>,
        _ => return None,
    })
}

pub(super) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    if is_conditional(instruction) {
        return conditional(shape);
    }
    Some(match instruction.mnemonic() {
        Mnemonic::Mov => return by_two!(shape, mov),
        Mnemonic::Movzx | Mnemonic::Movsx => return extension(instruction, shape),
        Mnemonic::Lea if shape.width == 16 => lea::<u16>,
        Mnemonic::Lea => lea::<u32>,
        Mnemonic::Cbw => cbw,
        Mnemonic::Cwde => cwde,
        Mnemonic::Cwd => cwd,
        Mnemonic::Cdq => cdq,
        Mnemonic::Lahf => lahf,
        Mnemonic::Sahf => sahf,
        Mnemonic::Salc => salc,
        Mnemonic::Clc | Mnemonic::Stc => set_carry,
        Mnemonic::Cmc => cmc,
        Mnemonic::Cld => cld,
        Mnemonic::Std => std,
        Mnemonic::Xlatb => xlat,
        Mnemonic::Nop | Mnemonic::Pause | Mnemonic::Lfence | Mnemonic::Mfence | Mnemonic::Sfence => nothing,
        Mnemonic::Prefetchnta | Mnemonic::Prefetcht0 | Mnemonic::Prefetcht1 | Mnemonic::Prefetcht2 => nothing,
        Mnemonic::Prefetchw | Mnemonic::Clflush => nothing,
        _ => return None,
    })
}
