//! String instructions. A repeated one advances its registers element by element, so that a fault leaves them exactly
//! at the element that faulted, and the instruction goes on from there.
//!
//! A long repetition is done in pieces of at most [`PIECE`] elements: the instruction then starts again with what is
//! left, as after an interrupt. It counts as one instruction each time.

use crate::cpu::core::{Core, EAX, ECX, EDI, ESI};
use crate::cpu::exit::{Exit, Outcome, Trap};
use crate::cpu::flags::DF;
use crate::cpu::op::{Handler, Op};
use crate::cpu::width::Width;
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

/// Elements of a repetition that are done at once.
pub(crate) const PIECE: u32 = 4096;

/// One element of a string instruction. Registers advance after nothing can fail any more.
trait Element {
    /// Whether ZF ends a `repe` or `repne`.
    const COMPARES: bool = false;
    fn one<W: Width>(core: &mut Core, op: &Op, step: u32) -> Outcome;
    /// Does up to `count` elements at once, going up, when that is simple; returns how many.
    fn many<W: Width>(_: &mut Core, _: &Op, _: u32) -> u32 {
        0
    }
}

impl Core {
    /// Base of the source's segment: 0, or that of FS or GS, whose number is in the op.
    fn source_base(&self, op: &Op) -> u32 {
        match op.b {
            4 | 5 => self.segments[usize::from(op.b)].base,
            _ => 0,
        }
    }
}

struct Movs;
impl Element for Movs {
    fn one<W: Width>(core: &mut Core, op: &Op, step: u32) -> Outcome {
        let from = core.source_base(op).wrapping_add(core.gpr[ESI]);
        let value: W = core.read(from)?;
        core.write(core.gpr[EDI], value)?;
        core.gpr[ESI] = core.gpr[ESI].wrapping_add(step);
        core.gpr[EDI] = core.gpr[EDI].wrapping_add(step);
        Ok(())
    }

    fn many<W: Width>(core: &mut Core, op: &Op, count: u32) -> u32 {
        let (from, to) = (core.source_base(op).wrapping_add(core.gpr[ESI]), core.gpr[EDI]);
        let room = (0x1000 - (from & 0xfff)).min(0x1000 - (to & 0xfff)) / W::BYTES;
        let count = count.min(room);
        let bytes = count * W::BYTES;
        let (Some(from), Some(to)) = (core.tlb.read.find(from, 1), core.tlb.write.find(to, 1)) else { return 0 };
        // Overlapping upwards copies repeat a pattern: left to the single elements.
        if from < to && to - from < bytes || core.ram.copy(from, to, bytes).is_none() {
            return 0;
        }
        core.gpr[ESI] = core.gpr[ESI].wrapping_add(bytes);
        core.gpr[EDI] = core.gpr[EDI].wrapping_add(bytes);
        count
    }
}

struct Stos;
impl Element for Stos {
    fn one<W: Width>(core: &mut Core, _: &Op, step: u32) -> Outcome {
        let value = W::register(core, 0);
        core.write(core.gpr[EDI], value)?;
        core.gpr[EDI] = core.gpr[EDI].wrapping_add(step);
        Ok(())
    }

    fn many<W: Width>(core: &mut Core, _: &Op, count: u32) -> u32 {
        let to = core.gpr[EDI];
        let count = count.min((0x1000 - (to & 0xfff)) / W::BYTES);
        let value = W::register(core, 0);
        let Some(pa) = core.tlb.write.find(to, 1) else { return 0 };
        let Some(place) = core.ram.slice_mut(pa, count * W::BYTES) else { return 0 };
        place.chunks_exact_mut(W::BYTES as usize).for_each(|chunk| value.to_front(chunk));
        core.gpr[EDI] = core.gpr[EDI].wrapping_add(count * W::BYTES);
        count
    }
}

struct Lods;
impl Element for Lods {
    fn one<W: Width>(core: &mut Core, op: &Op, step: u32) -> Outcome {
        let from = core.source_base(op).wrapping_add(core.gpr[ESI]);
        let value: W = core.read(from)?;
        W::set_register(core, 0, value);
        core.gpr[ESI] = core.gpr[ESI].wrapping_add(step);
        Ok(())
    }
}

fn set_difference<W: Width>(core: &mut Core, a: W, b: W) {
    core.flags = W::arithmetic(a.wide(), b.wide(), u64::from(a.wide()).wrapping_sub(b.wide().into()));
}

struct Scas;
impl Element for Scas {
    const COMPARES: bool = true;
    fn one<W: Width>(core: &mut Core, _: &Op, step: u32) -> Outcome {
        let value: W = core.read(core.gpr[EDI])?;
        let accumulator = W::register(core, EAX as u8);
        set_difference(core, accumulator, value);
        core.gpr[EDI] = core.gpr[EDI].wrapping_add(step);
        Ok(())
    }
}

struct Cmps;
impl Element for Cmps {
    const COMPARES: bool = true;
    fn one<W: Width>(core: &mut Core, op: &Op, step: u32) -> Outcome {
        let from = core.source_base(op).wrapping_add(core.gpr[ESI]);
        let first: W = core.read(from)?;
        let second: W = core.read(core.gpr[EDI])?;
        set_difference(core, first, second);
        core.gpr[ESI] = core.gpr[ESI].wrapping_add(step);
        core.gpr[EDI] = core.gpr[EDI].wrapping_add(step);
        Ok(())
    }
}

fn step<W: Width>(core: &Core) -> u32 {
    if core.system_flags & DF == 0 { W::BYTES } else { W::BYTES.wrapping_neg() }
}

fn single<W: Width, E: Element>(core: &mut Core, op: &Op) -> Outcome {
    let step = step::<W>(core);
    E::one::<W>(core, op, step)
}

/// With the prefix in the handler's bits: 1 `rep` and `repe`, 2 `repne`.
fn repeated<W: Width, E: Element>(core: &mut Core, op: &Op) -> Outcome {
    let step = step::<W>(core);
    let mut left = core.gpr[ECX].min(std::mem::replace(&mut core.piece, PIECE));
    while left > 0 {
        let goes_up = step == W::BYTES;
        let at_once = if goes_up { E::many::<W>(core, op, left) } else { 0 };
        let done = if at_once > 0 {
            at_once
        } else {
            let one = E::one::<W>(core, op, step);
            if one.is_err() && core.trap == Trap::CodeWrite {
                // Its instruction is done again alone: with what is left of this piece, so that counts do not depend on it.
                core.piece = left;
            }
            one?;
            1
        };
        core.gpr[ECX] = core.gpr[ECX].wrapping_sub(done);
        left -= done;
        if E::COMPARES && core.flags.zero() != (op.extra() == 1) {
            return Ok(());
        }
    }
    if core.gpr[ECX] == 0 {
        return Ok(());
    }
    core.eip = core.here(op);
    core.trap = Trap::None;
    core.passing = core.executed + u64::from(op.number()) + 1;
    Err(Exit::Complete)
}

macro_rules! by_width {
    ($is_repeated:expr, $bytes:expr, $element:ty) => {
        match ($is_repeated, $bytes) {
            (false, 1) => single::<u8, $element>,
            (false, 2) => single::<u16, $element>,
            (false, _) => single::<u32, $element>,
            (true, 1) => repeated::<u8, $element>,
            (true, 2) => repeated::<u16, $element>,
            (true, _) => repeated::<u32, $element>,
        }
    };
}

pub(super) fn bind(instruction: &Instruction) -> Option<Handler> {
    // 16-bit addresses are not used by 32-bit code.
    let is_narrow = (0..instruction.op_count()).any(|operand| {
        matches!(instruction.op_kind(operand), OpKind::MemorySegSI | OpKind::MemorySegDI | OpKind::MemoryESDI)
    });
    if is_narrow || instruction.segment_prefix() == Register::CS && instruction.is_invalid() {
        return None;
    }
    let is_repeated = instruction.has_rep_prefix() || instruction.has_repne_prefix();
    let bytes = instruction.memory_size().size();
    Some(match instruction.mnemonic() {
        Mnemonic::Movsb | Mnemonic::Movsw => by_width!(is_repeated, bytes, Movs),
        Mnemonic::Movsd if instruction.is_string_instruction() => by_width!(is_repeated, bytes, Movs),
        Mnemonic::Stosb | Mnemonic::Stosw | Mnemonic::Stosd => by_width!(is_repeated, bytes, Stos),
        Mnemonic::Lodsb | Mnemonic::Lodsw | Mnemonic::Lodsd => by_width!(is_repeated, bytes, Lods),
        Mnemonic::Scasb | Mnemonic::Scasw | Mnemonic::Scasd => by_width!(is_repeated, bytes, Scas),
        Mnemonic::Cmpsb | Mnemonic::Cmpsw => by_width!(is_repeated, bytes, Cmps),
        Mnemonic::Cmpsd if instruction.is_string_instruction() => by_width!(is_repeated, bytes, Cmps),
        _ => return None,
    })
}
