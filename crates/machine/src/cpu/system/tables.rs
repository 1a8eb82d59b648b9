//! Descriptor-table registers, task register, machine status word.

use super::ud2;
use crate::cpu::core::Core;
use crate::cpu::exit::Outcome;
use crate::cpu::op::Op;
use crate::cpu::operand::{Place, Source};
use crate::cpu::registers::{DescriptorTable, Segment};
use crate::cpu::width::Width;
use crate::cpu::{Exception, SEGMENT_NOT_PRESENT};

/// `sgdt`, `sidt`: the table that `WHICH` names, 0 GDT, 1 IDT.
pub(super) fn store_table<const WHICH: u8>(core: &mut Core, op: &Op) -> Outcome {
    let table = if WHICH == 0 { core.gdt } else { core.idt };
    let at = core.address(op);
    core.probe_write(at, 6)?;
    core.write(at, table.limit)?;
    core.write(at.wrapping_add(2), table.base)
}

/// `lgdt`, `lidt`.
pub(super) fn load_table<const WHICH: u8>(core: &mut Core, op: &Op) -> Outcome {
    core.privileged()?;
    let at = core.address(op);
    let table = DescriptorTable { limit: core.read(at)?, base: core.read(at.wrapping_add(2))? };
    *(if WHICH == 0 { &mut core.gdt } else { &mut core.idt }) = table;
    Ok(())
}

/// `str`, `sldt`: 0 the task register, 1 the local table.
pub(super) fn store_selector<D: Place, W: Width, const WHICH: u8>(core: &mut Core, op: &Op) -> Outcome {
    let selector = if WHICH == 0 { core.tss.selector } else { core.ldt.selector };
    D::set(core, op, W::cut(selector.into()))
}

/// `ltr`, `lldt`.
pub(super) fn load_selector<S: Source, const WHICH: u8>(core: &mut Core, op: &Op) -> Outcome {
    core.privileged()?;
    let selector = S::get::<u16>(core, op)?;
    let error = u32::from(selector & !3);
    if error == 0 && WHICH == 1 {
        core.ldt = Segment { selector, ..Segment::default() };
        return Ok(());
    }
    if error == 0 || selector & 4 != 0 {
        return core.protection(error);
    }
    let mut segment = core.descriptor(selector)?;
    let wanted = if WHICH == 0 { 0x09 } else { 0x02 };
    if segment.access & 0x1f != wanted {
        return core.protection(error);
    }
    if segment.access & 0x80 == 0 {
        return core.raise(Exception::with_error(SEGMENT_NOT_PRESENT, error));
    }
    if WHICH == 1 {
        core.ldt = segment;
        return Ok(());
    }
    // The descriptor becomes a busy one.
    let at = core.gdt.base.wrapping_add(error + 5);
    segment.access |= 2;
    core.as_kernel(|core| core.write(at, segment.access))?;
    core.tss = segment;
    Ok(())
}

pub(super) fn smsw<D: Place, W: Width>(core: &mut Core, op: &Op) -> Outcome {
    let word = core.control.cr0;
    D::set(core, op, W::cut(word))
}

/// Only the four low bits, and protected mode stays.
pub(super) fn lmsw<S: Source>(core: &mut Core, op: &Op) -> Outcome {
    core.privileged()?;
    let value = u32::from(S::get::<u16>(core, op)?);
    core.control.cr0 = core.control.cr0 & !0xe | value & 0xe;
    if core.control.cr0 & 1 == 0 {
        return ud2(core, op);
    }
    core.leave_block(op)
}
