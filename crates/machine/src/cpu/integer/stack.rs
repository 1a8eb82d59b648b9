//! The stack: push, pop, frames, all registers, flags.

use crate::cpu::core::{Core, EBP, ESP};
use crate::cpu::exit::Outcome;
use crate::cpu::flags::{IF, IOPL, RF, VM};
use crate::cpu::op::{Handler, Op};
use crate::cpu::operand::{A, I, Kind, M, Place, Shape, Source};
use crate::cpu::width::Width;
use iced_x86::{Instruction, Mnemonic};

impl Core {
    /// Pushes an operand of any width as it is.
    #[inline(always)]
    fn push_word<W: Width>(&mut self, value: W) -> Outcome {
        let top = self.gpr[ESP].wrapping_sub(W::BYTES);
        self.write(top, value)?;
        self.gpr[ESP] = top;
        Ok(())
    }
}

fn push<W: Width, S: Source>(core: &mut Core, op: &Op) -> Outcome {
    let value = S::get::<W>(core, op)?;
    core.push_word(value)
}

/// `pop [esp + n]` counts from the new ESP; a fault of the store leaves the old one.
fn pop<W: Width, D: Place>(core: &mut Core, op: &Op) -> Outcome {
    let top = core.gpr[ESP];
    let value: W = core.read(top)?;
    core.gpr[ESP] = top.wrapping_add(W::BYTES);
    D::set(core, op, value).inspect_err(|_| core.gpr[ESP] = top)
}

/// Segment registers are pushed as double words with a zero upper half.
fn push_segment(core: &mut Core, op: &Op) -> Outcome {
    let selector = core.segments[usize::from(op.a % 6)].selector;
    core.push(selector.into())
}

fn pusha(core: &mut Core, _: &Op) -> Outcome {
    let top = core.gpr[ESP];
    core.probe_write(top.wrapping_sub(32), 32)?;
    for number in 0..8 {
        core.write(top.wrapping_sub(4 + 4 * number), core.gpr[number as usize])?;
    }
    core.gpr[ESP] = top.wrapping_sub(32);
    Ok(())
}

fn popa(core: &mut Core, _: &Op) -> Outcome {
    let top = core.gpr[ESP];
    let mut values = [0; 8];
    for (number, value) in (0..8).zip(values.iter_mut()) {
        *value = core.read(top.wrapping_add(28 - 4 * number))?;
    }
    values[ESP] = top.wrapping_add(32);
    core.gpr[..8].copy_from_slice(&values);
    Ok(())
}

/// RF and VM are pushed as 0.
fn pushf<W: Width>(core: &mut Core, _: &Op) -> Outcome {
    let word = core.eflags() & !(RF | VM);
    core.push_word(W::cut(word))
}

fn popf<W: Width>(core: &mut Core, op: &Op) -> Outcome {
    let top = core.gpr[ESP];
    let popped = core.read::<W>(top)?.wide();
    core.gpr[ESP] = top.wrapping_add(W::BYTES);
    let old = core.eflags();
    let mut kept = !W::MASK | RF | VM;
    if core.ring() != 0 {
        kept |= IOPL;
        if u32::from(core.ring()) > (old & IOPL) >> 12 {
            kept |= IF;
        }
    }
    core.set_eflags(old & kept | popped & !kept);
    // Interrupts or single steps may have become possible.
    core.leave_block(op)
}

/// `enter size, level`, the level in the handler's bits and above.
fn enter(core: &mut Core, op: &Op) -> Outcome {
    let level = u32::from(op.b & 31);
    let top = core.gpr[ESP];
    let frame = top.wrapping_sub(4);
    let bytes = if level == 0 { 4 } else { 4 * (level + 1) };
    core.probe_write(top.wrapping_sub(bytes), bytes)?;
    core.write(frame, core.gpr[EBP])?;
    for number in 1..level {
        let outer: u32 = core.read(core.gpr[EBP].wrapping_sub(4 * number))?;
        core.write(frame.wrapping_sub(4 * number), outer)?;
    }
    if level > 0 {
        core.write(frame.wrapping_sub(4 * level), frame)?;
    }
    core.gpr[EBP] = frame;
    core.gpr[ESP] = top.wrapping_sub(bytes).wrapping_sub(op.immediate);
    Ok(())
}

fn leave(core: &mut Core, _: &Op) -> Outcome {
    let frame = core.gpr[EBP];
    let outer = core.read(frame)?;
    core.gpr[EBP] = outer;
    core.gpr[ESP] = frame.wrapping_add(4);
    Ok(())
}

pub(super) fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    use iced_x86::Code;
    let is_narrow = instruction.stack_pointer_increment().unsigned_abs() == 2;
    Some(match instruction.mnemonic() {
        Mnemonic::Push if shape.first == Kind::Register && instruction.op0_register().is_segment_register() => {
            return (!is_narrow).then_some(push_segment);
        }
        Mnemonic::Pop if instruction.op0_register().is_segment_register() && shape.first == Kind::Register => {
            return None;
        }
        Mnemonic::Push => match (is_narrow, shape.first) {
            (false, Kind::Register) => push::<u32, A>,
            (false, Kind::Memory) => push::<u32, M>,
            (false, _) => push::<u32, I>,
            (true, Kind::Register) => push::<u16, A>,
            (true, Kind::Memory) => push::<u16, M>,
            (true, _) => push::<u16, I>,
        },
        Mnemonic::Pop => match (is_narrow, shape.first) {
            (false, Kind::Register) => pop::<u32, A>,
            (false, _) => pop::<u32, M>,
            (true, Kind::Register) => pop::<u16, A>,
            (true, _) => pop::<u16, M>,
        },
        Mnemonic::Pushad => pusha,
        Mnemonic::Popad => popa,
        Mnemonic::Pushfd => pushf::<u32>,
        Mnemonic::Pushf => pushf::<u16>,
        Mnemonic::Popfd => popf::<u32>,
        Mnemonic::Popf => popf::<u16>,
        Mnemonic::Enter if instruction.code() == Code::Enterd_imm16_imm8 => enter,
        Mnemonic::Leave if instruction.code() == Code::Leaved => leave,
        _ => return None,
    })
}
