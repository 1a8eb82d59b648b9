//! Selectors and descriptors, as far as NT uses them: flat code, data and stack, bases in FS and GS, one task-state
//! segment. Code, data or stack segments that are not flat are refused, since no address would be right any more.

use super::core::Core;
use super::exit::Outcome;
use super::op::Op;
use super::registers::{Segment, SegmentRegister};
use super::{Exception, INVALID_TSS, SEGMENT_NOT_PRESENT, STACK_FAULT};

/// Bit of a descriptor's access byte: the segment is present.
pub(crate) const PRESENT: u8 = 0x80;
/// Bit: code or data, not a system segment.
pub(crate) const IS_MEMORY: u8 = 0x10;
/// Bit: code.
pub(crate) const IS_CODE: u8 = 0x08;
/// Bit: data that may be written, or code that may be read.
pub(crate) const IS_OPEN: u8 = 0x02;

impl Segment {
    /// The privilege that the descriptor names.
    pub(crate) const fn dpl(&self) -> u8 {
        self.access >> 5 & 3
    }

    const fn has(&self, bits: u8) -> bool {
        self.access & bits == bits
    }

    /// From the two halves of a descriptor (Intel manual volume 3, 3.4.5).
    const fn from_descriptor(selector: u16, low: u32, high: u32) -> Self {
        let limit = low & 0xffff | high & 0xf_0000;
        let limit = if high & 1 << 23 != 0 { limit << 12 | 0xfff } else { limit };
        let base = low >> 16 | (high & 0xff) << 16 | high & 0xff00_0000;
        Self { selector, base, limit, access: (high >> 8) as u8 }
    }
}

impl Core {
    /// Does something with the rights of the kernel: reads of descriptor tables, pushes on the kernel stack.
    pub fn as_kernel<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        let was_user = self.is_user;
        self.set_user(false);
        let result = what(self);
        self.set_user(was_user);
        result
    }

    /// Reads a descriptor. A selector past the end of its table is #GP with the selector.
    pub fn descriptor(&mut self, selector: u16) -> Outcome<Segment> {
        let (base, limit) = match selector & 4 {
            0 => (self.gdt.base, u32::from(self.gdt.limit)),
            _ => (self.ldt.base, self.ldt.limit),
        };
        let offset = u32::from(selector & !7);
        if offset + 7 > limit || selector & 4 != 0 && self.ldt.access == 0 {
            return self.protection((selector & !3).into());
        }
        let at = base.wrapping_add(offset);
        let (low, high) = self.as_kernel(|core| Ok((core.read(at)?, core.read(at.wrapping_add(4))?)))?;
        Ok(Segment::from_descriptor(selector, low, high))
    }

    /// Loads ES, SS, DS, FS or GS.
    pub fn load_segment(&mut self, register: SegmentRegister, selector: u16) -> Outcome {
        let segment = if register == SegmentRegister::Ss {
            self.stack_segment(selector, self.ring(), false)?
        } else {
            self.data_segment(register, selector)?
        };
        self.segments[register as usize] = segment;
        Ok(())
    }

    fn data_segment(&mut self, register: SegmentRegister, selector: u16) -> Outcome<Segment> {
        if selector & !3 == 0 {
            return Ok(Segment { selector, ..Segment::default() });
        }
        let segment = self.descriptor(selector)?;
        let error = u32::from(selector & !3);
        let is_readable = segment.has(IS_MEMORY) && (!segment.has(IS_CODE) || segment.has(IS_OPEN));
        let privilege = self.ring().max((selector & 3) as u8);
        if !is_readable || segment.dpl() < privilege && !segment.has(IS_CODE | 4) {
            return self.protection(error);
        }
        if !segment.has(PRESENT) {
            return self.raise(Exception::with_error(SEGMENT_NOT_PRESENT, error));
        }
        let has_base = matches!(register, SegmentRegister::Fs | SegmentRegister::Gs);
        if !has_base && !segment.is_flat() {
            return self.undefined_segment();
        }
        Ok(segment)
    }

    /// A stack segment for a privilege. Errors while a task-state segment is read are #TS.
    pub fn stack_segment(&mut self, selector: u16, ring: u8, from_tss: bool) -> Outcome<Segment> {
        let error = u32::from(selector & !3);
        let vector = if from_tss { INVALID_TSS } else { super::GENERAL_PROTECTION };
        if error == 0 {
            return self.raise(Exception::with_error(vector, error));
        }
        let segment = self.descriptor(selector)?;
        let is_stack = segment.has(IS_MEMORY | IS_OPEN) && !segment.has(IS_CODE);
        if (selector & 3) as u8 != ring || segment.dpl() != ring || !is_stack {
            return self.raise(Exception::with_error(vector, error));
        }
        if !segment.has(PRESENT) {
            return self.raise(Exception::with_error(STACK_FAULT, error));
        }
        if segment.is_flat() { Ok(segment) } else { self.undefined_segment() }
    }

    /// A code segment to go to with privilege `ring`.
    pub fn code_segment(&mut self, selector: u16, ring: u8) -> Outcome<Segment> {
        let error = u32::from(selector & !3);
        if error == 0 {
            return self.protection(0);
        }
        let mut segment = self.descriptor(selector)?;
        if !segment.has(IS_MEMORY | IS_CODE) || segment.dpl() != ring {
            return self.protection(error);
        }
        if !segment.has(PRESENT) {
            return self.raise(Exception::with_error(SEGMENT_NOT_PRESENT, error));
        }
        segment.selector = selector & !3 | u16::from(ring);
        if segment.is_flat() { Ok(segment) } else { self.undefined_segment() }
    }

    fn undefined_segment<T>(&mut self) -> Outcome<T> {
        self.trap = super::exit::Trap::Undefined;
        Err(super::exit::Exit::Fault)
    }
}

/// Computes the linear address of an operand in FS or GS, or of a 16-bit address, for the operation that follows.
/// The segment is in `a` (above 5: none), the bytes that are used in `b`; the handler's bits say 16-bit.
pub(crate) fn linear(core: &mut Core, op: &Op) -> Outcome {
    let mut offset = core.address(op);
    if op.extra() != 0 {
        offset &= 0xffff;
    }
    if let Some(segment) = core.segments.get(usize::from(op.a)).copied() {
        let last = offset.checked_add(u32::from(op.b.max(1)) - 1);
        if segment.access == 0 || last.is_none_or(|last| last > segment.limit) {
            return core.protection(0);
        }
        offset = offset.wrapping_add(segment.base);
    }
    core.gpr[usize::from(super::core::LINEAR)] = offset;
    Ok(())
}
