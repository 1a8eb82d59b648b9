//! Exchanges and the instructions that other processors see as one.

use crate::cpu::core::{Core, EAX, EBX, ECX, EDX};
use crate::cpu::exit::Outcome;
use crate::cpu::flags::{Flags, ZF};
use crate::cpu::op::{Handler, Op};
use crate::cpu::operand::{Kind, Place, Shape, Source, by_two};
use crate::cpu::width::Width;
use iced_x86::{Instruction, Mnemonic};

/// Register and register, or memory and register: the second operand is always a register.
fn xchg<W: Width, D: Place, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let second = W::register(core, op.b);
    let first = D::update(core, op, |_, first: W| (second, first))?;
    W::set_register(core, op.b, first);
    Ok(())
}

fn xadd<W: Width, D: Place, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let second = S::get::<W>(core, op)?;
    let first = D::update(core, op, |core, first: W| {
        let total = u64::from(first.wide()) + u64::from(second.wide());
        core.flags = W::arithmetic(first.wide(), second.wide(), total);
        // Into the register first: when both are the same one, the sum remains.
        W::set_register(core, op.b, first);
        (W::cut(total as u32), first)
    });
    first.map(|_| ())
}

/// The place is written in either case, with what it held when the comparison fails.
fn cmpxchg<W: Width, D: Place, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let new = S::get::<W>(core, op)?;
    let old = D::update(core, op, |core, old: W| {
        let accumulator = W::register(core, 0);
        let difference = u64::from(accumulator.wide()).wrapping_sub(u64::from(old.wide()));
        core.flags = W::arithmetic(accumulator.wide(), old.wide(), difference);
        (if accumulator == old { new } else { old }, old)
    })?;
    if !core.flags.zero() {
        W::set_register(core, 0, old);
    }
    Ok(())
}

fn cmpxchg8b(core: &mut Core, op: &Op) -> Outcome {
    let at = core.address(op);
    let join = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
    let wanted = join(core.gpr[EDX], core.gpr[EAX]);
    let new = join(core.gpr[ECX], core.gpr[EBX]);
    let old = core.update(at, |_, old: u64| (if old == wanted { new } else { old }, old))?;
    let word = core.flags.word() & !ZF;
    core.flags = Flags::from_word(if old == wanted { word | ZF } else { word });
    if old != wanted {
        core.gpr[EAX] = old as u32;
        core.gpr[EDX] = (old >> 32) as u32;
    }
    Ok(())
}

pub(super) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    match instruction.mnemonic() {
        // The decoder may name the memory operand second.
        Mnemonic::Xchg if shape.second == Kind::Memory => None,
        Mnemonic::Xchg => by_two!(shape, xchg),
        Mnemonic::Xadd => by_two!(shape, xadd),
        Mnemonic::Cmpxchg => by_two!(shape, cmpxchg),
        Mnemonic::Cmpxchg8b => Some(cmpxchg8b),
        _ => None,
    }
}
