//! The registers of one processor, as plain data.

use super::float::F80;
use std::fmt;

/// Number of a segment register, as instructions encode it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SegmentRegister {
    /// ES.
    Es,
    /// CS.
    Cs,
    /// SS.
    Ss,
    /// DS.
    Ds,
    /// FS: on NT the TEB in user mode, the KPCR in the kernel.
    Fs,
    /// GS.
    Gs,
}

impl SegmentRegister {
    /// All six, by number.
    pub const ALL: [Self; 6] = [Self::Es, Self::Cs, Self::Ss, Self::Ds, Self::Fs, Self::Gs];
}

/// A segment register with what the processor keeps of its descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Segment {
    /// The selector.
    pub selector: u16,
    /// Linear address of its first byte.
    pub base: u32,
    /// Offset of its last byte.
    pub limit: u32,
    /// Bits 8 to 15 of the descriptor's second half: type, S, DPL, P. Zero for a null selector.
    pub access: u8,
}

impl Segment {
    /// A segment of all 4 GB.
    pub const fn flat(selector: u16, access: u8) -> Self {
        Self { selector, base: 0, limit: u32::MAX, access }
    }

    /// Whether offsets are linear addresses.
    pub const fn is_flat(&self) -> bool {
        self.base == 0 && self.limit == u32::MAX && self.access != 0
    }
}

/// GDTR or IDTR.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct DescriptorTable {
    /// Linear address.
    pub base: u32,
    /// Offset of the last byte.
    pub limit: u16,
}

/// Control and debug registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Control {
    /// CR0.
    pub cr0: u32,
    /// CR2: address of the last page fault.
    pub cr2: u32,
    /// CR3: physical address of the page directory.
    pub cr3: u32,
    /// CR4.
    pub cr4: u32,
    /// DR0 to DR7. They can be read and written; breakpoints are the debugger's business.
    pub dr: [u32; 8],
}

/// CR0: protected mode.
pub(crate) const CR0_PE: u32 = 1 << 0;
/// CR0: x87 instructions raise #NM together with TS (`wait`).
pub(crate) const CR0_MP: u32 = 1 << 1;
/// CR0: no x87.
pub(crate) const CR0_EM: u32 = 1 << 2;
/// CR0: floating-point state belongs to another task.
pub(crate) const CR0_TS: u32 = 1 << 3;
/// CR0: x87 errors are exceptions.
pub(crate) const CR0_NE: u32 = 1 << 5;
/// CR0: the kernel, too, cannot write to read-only pages.
pub(crate) const CR0_WP: u32 = 1 << 16;
/// CR0: paging.
pub(crate) const CR0_PG: u32 = 1 << 31;
/// CR4: `rdtsc` in ring 0 only.
pub(crate) const CR4_TSD: u32 = 1 << 2;
/// CR4: pages of 4 MB.
pub(crate) const CR4_PSE: u32 = 1 << 4;
/// CR4: SSE instructions.
pub(crate) const CR4_OSFXSR: u32 = 1 << 9;
/// CR4: unmasked SSE exceptions are #XM.
pub(crate) const CR4_OSXMMEXCPT: u32 = 1 << 10;

/// Number of the model-specific register with the code segment of `sysenter`.
pub const SYSENTER_CS: u32 = 0x174;
/// Number of the one with its stack pointer.
pub const SYSENTER_ESP: u32 = 0x175;
/// Number of the one with its instruction pointer.
pub const SYSENTER_EIP: u32 = 0x176;

/// x87 and SSE registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Fpu {
    /// R0 to R7, in physical order.
    pub st: [F80; 8],
    /// Control word.
    pub control: u16,
    /// Status word; bits 11 to 13 are the top of the stack.
    pub status: u16,
    /// Bit n: Rn is empty.
    pub empty: u8,
    /// XMM0 to XMM7.
    pub xmm: [u128; 8],
    /// Control and status of SSE.
    pub mxcsr: u32,
    /// Address of the last x87 instruction that was not a control instruction.
    pub last_instruction: u32,
    /// Address of its operand in memory.
    pub last_operand: u32,
    /// Its 11-bit opcode.
    pub last_opcode: u16,
}

impl Default for Fpu {
    /// As after `fninit`, with MXCSR as after reset.
    fn default() -> Self {
        Self {
            st: [F80::ZERO; 8],
            control: 0x37f,
            status: 0,
            empty: 0xff,
            xmm: [0; 8],
            mxcsr: 0x1f80,
            last_instruction: 0,
            last_operand: 0,
            last_opcode: 0,
        }
    }
}

/// All registers of a processor.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Registers {
    /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
    pub gpr: [u32; 8],
    /// EIP.
    pub eip: u32,
    /// EFLAGS.
    pub eflags: u32,
    /// Segment registers, by [`SegmentRegister`]. The privilege is that of CS.
    pub segments: [Segment; 6],
    /// LDTR.
    pub ldt: Segment,
    /// TR.
    pub tss: Segment,
    /// GDTR.
    pub gdt: DescriptorTable,
    /// IDTR.
    pub idt: DescriptorTable,
    /// Control and debug registers.
    pub control: Control,
    /// The model-specific registers of `sysenter`: CS, ESP, EIP.
    pub sysenter: [u32; 3],
    /// Time-stamp counter: instructions since the start, unless the guest wrote it.
    pub tsc: u64,
    /// x87 and SSE.
    pub fpu: Fpu,
}

impl Registers {
    /// Flat segments with NT's selectors (nt.md 10.2) in ring 0, paging off, interrupts off, x87 and SSE usable.
    pub fn flat() -> Self {
        let data = Segment::flat(0x23, 0xf3);
        Self {
            gpr: [0; 8],
            eip: 0,
            eflags: 2,
            segments: [data, Segment::flat(0x08, 0x9b), Segment::flat(0x10, 0x93), data, data, Segment::default()],
            ldt: Segment::default(),
            tss: Segment::default(),
            gdt: DescriptorTable::default(),
            idt: DescriptorTable::default(),
            control: Control { cr0: CR0_PE | CR0_WP | CR0_NE | 0x10, cr4: 0x610, ..Control::default() },
            sysenter: [0; 3],
            tsc: 0,
            fpu: Fpu::default(),
        }
    }

    /// The same in ring 3 with NT's user selectors.
    pub fn flat_user() -> Self {
        let mut registers = Self::flat();
        registers.segments[SegmentRegister::Cs as usize] = Segment::flat(0x1b, 0xfb);
        registers.segments[SegmentRegister::Ss as usize] = Segment::flat(0x23, 0xf3);
        registers.eflags |= super::flags::IF;
        registers
    }

    /// The privilege: 0 is the kernel, 3 is user mode.
    pub fn ring(&self) -> u8 {
        (self.segments[SegmentRegister::Cs as usize].selector & 3) as u8
    }
}

impl fmt::Debug for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
        for (name, value) in names.iter().zip(self.gpr) {
            write!(f, "{name}={value:08x} ")?;
        }
        write!(f, "eip={:08x} efl={:08x} ring={} {:x?}", self.eip, self.eflags, self.ring(), self.control)
    }
}
