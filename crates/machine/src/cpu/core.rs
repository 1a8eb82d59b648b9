//! The state that operations work on: registers, translation buffers, memory.

use super::call_record::CallRecord;
use super::exit::{Exit, Outcome, Trap};
use super::flags::{ARITHMETIC, Flags, VM};
use super::integer::PIECE;
use super::op::Op;
use super::registers::{CR0_PG, Control, DescriptorTable, Fpu, Registers, Segment, SegmentRegister};
use super::tlb::Tlb;
use super::{Event, Exception, HostTraps};
use crate::ram::Ram;

/// EAX in [`Core::gpr`].
pub(crate) const EAX: usize = 0;
/// ECX.
pub(crate) const ECX: usize = 1;
/// EDX.
pub(crate) const EDX: usize = 2;
/// EBX.
pub(crate) const EBX: usize = 3;
/// ESP.
pub(crate) const ESP: usize = 4;
/// EBP.
pub(crate) const EBP: usize = 5;
/// ESI.
pub(crate) const ESI: usize = 6;
/// EDI.
pub(crate) const EDI: usize = 7;
/// A register that is always 0: base or index of an address that has none.
pub(crate) const NOTHING: u8 = 8;
/// A register that holds a linear address computed by an operation before, for addresses that are not simply flat.
pub(crate) const LINEAR: u8 = 9;

/// Registers, translations and memory of the processor that runs.
#[derive(Debug)]
pub(crate) struct Core {
    /// The eight registers, then [`NOTHING`] and [`LINEAR`], and no others. With 256 places every number is a place.
    pub gpr: [u32; 256],
    pub flags: Flags,
    /// EFLAGS without the arithmetic flags.
    pub system_flags: u32,
    /// While a block runs: not yet true. Set by operations that leave a block.
    pub eip: u32,
    /// Linear address of the block that runs; operations count from here.
    pub block: u32,
    /// Translations of the privilege that runs, and of the other one.
    pub tlb: Box<Tlb>,
    pub other_tlb: Box<Tlb>,
    pub ram: Ram,
    /// Translations changed so that code may be elsewhere.
    pub code_moved: bool,
    /// The one instruction that runs may write to decoded bytes.
    pub may_write_code: bool,
    pub trap: Trap,
    pub segments: [Segment; 6],
    pub ldt: Segment,
    pub tss: Segment,
    pub gdt: DescriptorTable,
    pub idt: DescriptorTable,
    pub control: Control,
    pub sysenter: [u32; 3],
    pub fpu: Fpu,
    /// Instructions since the start; while a block runs, at its start.
    pub executed: u64,
    /// What to add to that for the time-stamp counter.
    pub tsc_offset: u64,
    /// Walks of page tables, for whoever asks what a flush costs; no part of the state.
    pub table_walks: u64,
    /// Translations are those of user mode.
    pub is_user: bool,
    pub traps: HostTraps,
    /// Interrupts are held back for one instruction: after `sti`, `mov ss` and `pop ss`.
    pub shadow: bool,
    pub write_epoch: u64,
    /// Calls and returns are written down.
    pub calls: Option<Box<CallRecord>>,
    /// Elements of a repetition that are left of the piece that was begun.
    pub piece: u32,
    /// Breakpoints are passed while so many instructions were executed: the one that is next was reported already, or
    /// was begun.
    pub passing: u64,
}

impl Core {
    pub fn new() -> Self {
        let mut core = Self {
            gpr: [0; 256],
            flags: Flags::logic(1),
            system_flags: 2,
            eip: 0,
            block: 0,
            tlb: Box::default(),
            other_tlb: Box::default(),
            ram: Ram::default(),
            code_moved: false,
            may_write_code: false,
            trap: Trap::None,
            segments: [Segment::default(); 6],
            ldt: Segment::default(),
            tss: Segment::default(),
            gdt: DescriptorTable::default(),
            idt: DescriptorTable::default(),
            control: Control::default(),
            sysenter: [0; 3],
            fpu: Fpu::default(),
            executed: 0,
            tsc_offset: 0,
            table_walks: 0,
            is_user: false,
            traps: HostTraps::default(),
            shadow: false,
            write_epoch: 0,
            calls: None,
            piece: PIECE,
            passing: u64::MAX,
        };
        core.load(&Registers::flat());
        core
    }

    /// The registers as plain data. EIP must be true.
    pub fn registers(&self) -> Registers {
        let mut gpr = [0; 8];
        gpr.copy_from_slice(&self.gpr[..8]);
        Registers {
            gpr,
            eip: self.eip,
            eflags: self.eflags(),
            segments: self.segments,
            ldt: self.ldt,
            tss: self.tss,
            gdt: self.gdt,
            idt: self.idt,
            control: self.control,
            sysenter: self.sysenter,
            tsc: self.executed.wrapping_add(self.tsc_offset),
            fpu: self.fpu,
        }
    }

    /// Sets all registers.
    pub fn load(&mut self, registers: &Registers) {
        let old = self.control;
        self.gpr[..8].copy_from_slice(&registers.gpr);
        self.set_eflags(registers.eflags);
        self.eip = registers.eip;
        self.set_code_segment(registers.segments[SegmentRegister::Cs as usize]);
        self.segments = registers.segments;
        (self.ldt, self.tss, self.gdt, self.idt) = (registers.ldt, registers.tss, registers.gdt, registers.idt);
        self.control = registers.control;
        self.sysenter = registers.sysenter;
        self.tsc_offset = registers.tsc.wrapping_sub(self.executed);
        self.fpu = registers.fpu;
        self.shadow = false;
        let new = self.control;
        if (old.cr0, old.cr3, old.cr4) != (new.cr0, new.cr3, new.cr4) {
            self.flush();
        }
    }

    pub fn eflags(&self) -> u32 {
        self.flags.word() | self.system_flags
    }

    /// Sets EFLAGS, without virtual-8086 mode, which this processor does not have.
    pub fn set_eflags(&mut self, word: u32) {
        self.flags = Flags::from_word(word);
        self.system_flags = word & !(ARITHMETIC | VM) & 0x003f_7fff & !0x28 | 2;
    }

    /// The privilege: 0 to 3.
    #[inline(always)]
    pub fn ring(&self) -> u8 {
        (self.segments[SegmentRegister::Cs as usize].selector & 3) as u8
    }

    /// Loads CS, and with it the privilege.
    pub fn set_code_segment(&mut self, segment: Segment) {
        self.segments[SegmentRegister::Cs as usize] = segment;
        self.set_user(self.ring() == 3);
    }

    /// Chooses the translations of user mode or of the kernel.
    pub fn set_user(&mut self, is_user: bool) {
        if self.is_user != is_user {
            std::mem::swap(&mut self.tlb, &mut self.other_tlb);
            self.is_user = is_user;
        }
    }

    pub fn has_paging(&self) -> bool {
        self.control.cr0 & CR0_PG != 0
    }

    /// Forgets all translations.
    pub fn flush(&mut self) {
        self.tlb.clear();
        self.other_tlb.clear();
        self.code_moved = true;
    }

    /// Forgets the translation of one page.
    pub fn invalidate(&mut self, va: u32) {
        self.tlb.remove(va);
        self.other_tlb.remove(va);
        self.code_moved = true;
    }

    /// Linear address of the instruction.
    #[inline(always)]
    pub fn here(&self, op: &Op) -> u32 {
        self.block.wrapping_add(op.at())
    }

    /// Linear address of the next instruction.
    #[inline(always)]
    pub fn after(&self, op: &Op) -> u32 {
        self.block.wrapping_add(op.at() + u32::from(op.length))
    }

    /// Linear address of the operand in memory. Addresses through FS or GS, and 16-bit ones, were computed before.
    #[inline(always)]
    pub fn address(&self, op: &Op) -> u32 {
        let base = self.gpr[usize::from(op.base)];
        let index = self.gpr[usize::from(op.index)];
        base.wrapping_add(index << (op.scale & 3)).wrapping_add(op.displacement)
    }

    /// The same for an operand without an index.
    #[inline(always)]
    pub fn near_address(&self, op: &Op) -> u32 {
        self.gpr[usize::from(op.base)].wrapping_add(op.displacement)
    }

    /// The instruction raises an exception.
    #[cold]
    pub fn raise<T>(&mut self, exception: Exception) -> Outcome<T> {
        self.trap = Trap::Exception(exception);
        Err(Exit::Fault)
    }

    /// The instruction raises #GP(`error`).
    #[cold]
    pub fn protection<T>(&mut self, error: u32) -> Outcome<T> {
        self.raise(Exception::with_error(super::GENERAL_PROTECTION, error))
    }

    /// The instruction may run in ring 0 only.
    #[inline(always)]
    pub fn privileged(&mut self) -> Outcome {
        if self.ring() == 0 { Ok(()) } else { self.protection(0) }
    }

    /// The instruction is complete and the host must act.
    #[cold]
    pub fn stop(&mut self, op: &Op, event: Event) -> Outcome {
        self.eip = self.after(op);
        self.trap = Trap::Event(event);
        Err(Exit::Complete)
    }

    /// The instruction is complete, and what follows must be looked up anew.
    pub fn leave_block(&mut self, op: &Op) -> Outcome {
        self.eip = self.after(op);
        self.trap = Trap::None;
        Err(Exit::Complete)
    }

    /// The instruction is not known.
    #[cold]
    pub fn undefined(&mut self) -> Outcome {
        self.trap = Trap::Undefined;
        Err(Exit::Fault)
    }
}
