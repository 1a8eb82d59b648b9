//! Interrupts and exceptions as the processor delivers them, and the way back.
//!
//! ```text
//! to an inner ring:  SS:ESP from the TSS; push SS, ESP, EFLAGS, CS, EIP [, error code]
//! in the same ring:                       push          EFLAGS, CS, EIP [, error code]
//! then clear TF, NT, RF, VM, and IF for an interrupt gate
//! ```

use super::core::{Core, ESP};
use super::exit::{Exit, Outcome, Trap};
use super::flags::{IF, IOPL, NT, RF, TF, VM};
use super::registers::SegmentRegister;
use super::{
    BREAKPOINT, DEBUG, DOUBLE_FAULT, Event, Exception, INVALID_TSS, OVERFLOW, PAGE_FAULT, SEGMENT_NOT_PRESENT,
};

/// Type of a 32-bit interrupt gate.
const INTERRUPT_GATE: u32 = 0xe;
/// Type of a 32-bit trap gate.
const TRAP_GATE: u32 = 0xf;
/// Bit of an error code that names a vector instead of a selector.
const IN_IDT: u32 = 2;
/// Bit of an error code: the event came from outside the program.
const EXTERNAL: u32 = 1;

/// Why a vector is delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    Exception(Exception),
    /// `int n` at this address: the gate must be open to the program.
    Software {
        vector: u8,
        at: u32,
    },
    External(u8),
}

impl Cause {
    const fn vector(self) -> u8 {
        match self {
            Self::Exception(exception) => exception.vector,
            Self::Software { vector, .. } | Self::External(vector) => vector,
        }
    }

    const fn is_external(self) -> u32 {
        match self {
            Self::Software { .. } => 0,
            Self::Exception(_) | Self::External(_) => EXTERNAL,
        }
    }

    /// What the host is told when it wants this vector.
    const fn event(self) -> Event {
        match self {
            Self::Exception(exception) => Event::Exception(exception),
            Self::Software { vector: vector @ (BREAKPOINT | OVERFLOW), .. } => {
                Event::Exception(Exception::plain(vector))
            }
            Self::Software { vector, .. } | Self::External(vector) => Event::Interrupt(vector),
        }
    }
}

/// Exceptions that make a double fault of one that comes while another of them is delivered.
const fn contributes(vector: u8) -> bool {
    matches!(vector, 0 | INVALID_TSS..=PAGE_FAULT)
}

impl Core {
    /// Delivers, with EIP being what shall be pushed. Returns what the host must know first.
    pub fn deliver(&mut self, cause: Cause) -> Option<Event> {
        let mut cause = cause;
        // A fault on the way is delivered instead; a third one ends the processor.
        for _ in 0..3 {
            if let Cause::Exception(Exception { address: Some(va), .. }) = cause {
                self.control.cr2 = va.0 as u32;
            }
            if self.traps.vectors[usize::from(cause.vector())] {
                return Some(cause.event());
            }
            let saved = (self.gpr[ESP], self.segments, self.is_user);
            if self.enter_gate(cause).is_ok() {
                return None;
            }
            (self.gpr[ESP], self.segments) = (saved.0, saved.1);
            self.set_user(saved.2);
            if let Cause::Software { at, .. } = cause {
                // The instruction that asked for it has faulted.
                self.eip = at;
            }
            let Trap::Exception(second) = self.trap else { return Some(Event::Shutdown) };
            let is_double = match cause {
                Cause::Exception(Exception { vector: DOUBLE_FAULT, .. }) => return Some(Event::Shutdown),
                Cause::Exception(Exception { vector: PAGE_FAULT, .. }) => contributes(second.vector),
                Cause::Exception(first) => {
                    contributes(first.vector) && contributes(second.vector) && second.vector != PAGE_FAULT
                }
                _ => false,
            };
            cause = Cause::Exception(if is_double { Exception::with_error(DOUBLE_FAULT, 0) } else { second });
        }
        Some(Event::Shutdown)
    }

    fn enter_gate(&mut self, cause: Cause) -> Outcome {
        let vector = u32::from(cause.vector());
        let error = (vector * 8) | IN_IDT | cause.is_external();
        if vector * 8 + 7 > self.idt.limit.into() {
            return self.protection(error);
        }
        let at = self.idt.base.wrapping_add(vector * 8);
        let (low, high) = self.as_kernel(|core| Ok((core.read::<u32>(at)?, core.read::<u32>(at.wrapping_add(4))?)))?;
        let kind = high >> 8 & 0x1f;
        let is_open = !matches!(cause, Cause::Software { .. }) || (high >> 13 & 3) as u8 >= self.ring();
        if kind != INTERRUPT_GATE && kind != TRAP_GATE || !is_open {
            return self.protection(error);
        }
        if high & 0x8000 == 0 {
            return self.raise(Exception::with_error(SEGMENT_NOT_PRESENT, error));
        }
        let target = low & 0xffff | high & 0xffff_0000;
        self.enter_code((low >> 16) as u16, target, cause)?;
        let cleared = TF | NT | RF | VM | if kind == INTERRUPT_GATE { IF } else { 0 };
        self.system_flags &= !cleared;
        Ok(())
    }

    /// Goes to a handler: the stack, what is pushed, CS:EIP.
    fn enter_code(&mut self, selector: u16, target: u32, cause: Cause) -> Outcome {
        let descriptor = self.descriptor(selector)?;
        let (ring, new_ring) = (self.ring(), descriptor.dpl());
        if new_ring > ring {
            return self.protection((selector & !3).into());
        }
        let code = self.code_segment(selector, new_ring)?;
        let old_stack = (self.segments[SegmentRegister::Ss as usize].selector, self.gpr[ESP]);
        let old_code = self.segments[SegmentRegister::Cs as usize].selector;
        let is_fault = matches!(cause, Cause::Exception(exception) if exception.vector != DEBUG);
        let flags = self.eflags() | if is_fault { RF } else { 0 };
        let eip = self.eip;
        if new_ring < ring {
            self.load_stack_from_tss(new_ring)?;
        }
        self.set_code_segment(code);
        if new_ring < ring {
            self.push(old_stack.0.into())?;
            self.push(old_stack.1)?;
        }
        self.push(flags)?;
        self.push(old_code.into())?;
        self.push(eip)?;
        if let Cause::Exception(Exception { error: Some(error), .. }) = cause {
            self.push(error)?;
        }
        self.eip = target;
        Ok(())
    }

    fn load_stack_from_tss(&mut self, ring: u8) -> Outcome {
        let offset = u32::from(ring) * 8 + 4;
        if self.tss.access == 0 || offset + 5 > self.tss.limit {
            let error = self.tss.selector & !3;
            return self.raise(Exception::with_error(INVALID_TSS, error.into()));
        }
        let at = self.tss.base.wrapping_add(offset);
        let (esp, selector) =
            self.as_kernel(|core| Ok((core.read::<u32>(at)?, core.read::<u16>(at.wrapping_add(4))?)))?;
        let stack = self.stack_segment(selector, ring, true)?;
        self.segments[SegmentRegister::Ss as usize] = stack;
        self.gpr[ESP] = esp;
        Ok(())
    }

    /// `iretd`. Everything is read and checked before anything changes.
    pub fn interrupt_return(&mut self) -> Outcome {
        let top = self.gpr[ESP];
        let eip: u32 = self.read(top)?;
        let selector = self.read::<u32>(top.wrapping_add(4))? as u16;
        let flags: u32 = self.read(top.wrapping_add(8))?;
        let (ring, new_ring) = (self.ring(), (selector & 3) as u8);
        if new_ring < ring {
            return self.protection((selector & !3).into());
        }
        let code = self.code_segment(selector, new_ring)?;
        let stack = if new_ring > ring {
            let esp: u32 = self.read(top.wrapping_add(12))?;
            let selector = self.read::<u32>(top.wrapping_add(16))? as u16;
            Some((esp, self.stack_segment(selector, new_ring, false)?))
        } else {
            None
        };
        let mut kept = VM;
        if ring != 0 {
            kept |= IOPL;
            if u32::from(ring) > (self.system_flags & IOPL) >> 12 {
                kept |= IF;
            }
        }
        self.set_eflags(self.eflags() & kept | flags & !kept);
        self.set_code_segment(code);
        match stack {
            Some((esp, segment)) => {
                self.gpr[ESP] = esp;
                self.segments[SegmentRegister::Ss as usize] = segment;
                self.drop_inner_segments(new_ring);
            }
            None => self.gpr[ESP] = top.wrapping_add(12),
        }
        self.eip = eip;
        self.trap = Trap::None;
        Err(Exit::Complete)
    }

    /// A return to an outer ring leaves no data segment of the inner one loaded.
    fn drop_inner_segments(&mut self, ring: u8) {
        for register in [SegmentRegister::Es, SegmentRegister::Ds, SegmentRegister::Fs, SegmentRegister::Gs] {
            let segment = &mut self.segments[register as usize];
            if segment.access != 0 && segment.dpl() < ring {
                *segment = super::registers::Segment::default();
            }
        }
    }
}
