//! Registers of a frame while it is unwound: by number, each known or not.

use vatlas_space::{Machine, PointerWidth, Register, Registers, Va};

/// The most registers that any processor here has in its table.
const MOST: usize = 32;

/// Numbers of x86 and x64, as instructions encode them.
pub(super) mod x86_number {
    /// `eax`, `rax`.
    pub const AX: usize = 0;
    /// `ebx`, `rbx`.
    pub const BX: usize = 3;
    /// `esp`, `rsp`.
    pub const SP: usize = 4;
    /// `ebp`, `rbp`.
    pub const BP: usize = 5;
    /// `esi`, `rsi`.
    pub const SI: usize = 6;
    /// `edi`, `rdi`.
    pub const DI: usize = 7;
    /// `r12`, the first of four that calls preserve.
    pub const R12: usize = 12;
}

/// Numbers of ARM64.
pub(super) mod arm64_number {
    /// The first register that calls preserve.
    pub const X19: usize = 19;
    /// Frame pointer, `x29`.
    pub const FP: usize = 29;
    /// Link register, `x30`.
    pub const LR: usize = 30;
    /// Stack pointer.
    pub const SP: usize = 31;
}

const X86: [&str; 8] = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
const X64: [&str; 16] =
    ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
const ARM64: [&str; 32] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
    "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "fp", "lr", "sp",
];
/// Numbers of 32-bit ARM.
pub(super) mod arm_number {
    /// The first register that calls preserve.
    pub const R4: usize = 4;
    /// Frame pointer of Windows.
    pub const R11: usize = 11;
    /// Link register.
    pub const LR: usize = 14;
}

/// Numbers of MIPS.
pub(super) mod mips_number {
    /// The first of eight that calls preserve.
    pub const S0: usize = 16;
    /// Points at global data; calls preserve it.
    pub const GP: usize = 28;
    /// Frame pointer, or a ninth register that calls preserve.
    pub const S8: usize = 30;
}

/// Numbers of SuperH.
pub(super) mod sh_number {
    /// The first register that calls preserve.
    pub const R8: usize = 8;
    /// Frame pointer.
    pub const R14: usize = 14;
}

const MIPS: [&str; 32] = [
    "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "s0", "s1", "s2",
    "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "s8", "ra",
];
const SH: [&str; 17] =
    ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "pr"];
const ARM: [&str; 15] = ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr"];

/// Names by number, the number of the stack pointer, the name of the instruction pointer.
const fn table(machine: Machine) -> Option<(&'static [&'static str], usize, &'static str)> {
    match machine {
        Machine::X86 => Some((&X86, x86_number::SP, "eip")),
        Machine::X64 => Some((&X64, x86_number::SP, "rip")),
        Machine::Arm64 => Some((&ARM64, arm64_number::SP, "pc")),
        Machine::Arm => Some((&ARM, 13, "pc")),
        Machine::Mips => Some((&MIPS, 29, "pc")),
        Machine::Other(SH_FIRST..=SH_LAST) => Some((&SH, 15, "pc")),
        Machine::Other(_) => None,
    }
}

/// Numbers of SuperH processors in the PE format, SH3 to SH4.
pub(super) const SH_FIRST: u16 = 0x1a2;
pub(super) const SH_LAST: u16 = 0x1a6;

/// Bit 5 of the status register of ARM: Thumb code runs.
const THUMB: u64 = 1 << 5;

/// Registers by number. Instruction pointer and stack pointer are always known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RegisterFile {
    pub machine: Machine,
    pub pc: Va,
    /// ARM: the code at `pc` is Thumb.
    pub is_thumb: bool,
    /// ARM: the status register, in the top frame.
    pub status: Option<u32>,
    sp: usize,
    values: [Option<u64>; MOST],
}

impl RegisterFile {
    /// The registers of a context; `None` for a processor without a table.
    pub fn new(registers: &Registers) -> Option<Self> {
        let (names, sp, _) = table(registers.machine)?;
        let mut values = [None; MOST];
        for (value, name) in values.iter_mut().zip(names) {
            *value = registers.get(name);
        }
        values[sp] = Some(registers.sp.0);
        let mut file = Self { machine: registers.machine, pc: registers.pc, is_thumb: false, status: None, sp, values };
        if file.machine == Machine::Arm {
            let status = registers.get("cpsr").or_else(|| registers.get("psr"));
            file.set_target(registers.pc.0);
            file.is_thumb |= status.is_some_and(|status| status & THUMB != 0);
            file.status = status.map(|status| status as u32);
        }
        Some(file)
    }

    /// Where a jump to a value goes on: bit 0 of an ARM address says "Thumb" and is no part of it.
    pub fn set_target(&mut self, value: u64) {
        let is_arm = self.machine == Machine::Arm;
        self.is_thumb = is_arm && value & 1 != 0;
        self.status = None;
        self.pc = Va(if is_arm { value & !1 } else { value });
    }

    /// The address as a return address has it.
    pub fn target(&self) -> Va {
        Va(self.pc.0 | u64::from(self.is_thumb))
    }

    pub fn width(&self) -> PointerWidth {
        self.machine.width().unwrap_or(PointerWidth::Bits64)
    }

    pub fn sp(&self) -> Va {
        Va(self.values[self.sp].unwrap_or_default())
    }

    pub fn set_sp(&mut self, sp: Va) {
        self.values[self.sp] = Some(sp.0);
    }

    /// A register; `None` when it is not known, or there is none of the number.
    pub fn get(&self, number: usize) -> Option<u64> {
        self.values.get(number).copied().flatten()
    }

    pub fn set(&mut self, number: usize, value: Option<u64>) {
        if number == self.sp && value.is_none() {
            return;
        }
        if let Some(register) = self.values.get_mut(number) {
            *register = value;
        }
    }

    /// Forgets every register but the stack pointer and those that `is_kept`.
    pub fn keep(&mut self, is_kept: impl Fn(usize) -> bool) {
        for (number, value) in self.values.iter_mut().enumerate() {
            if number != self.sp && !is_kept(number) {
                *value = None;
            }
        }
    }

    /// The number of a register by its name.
    pub fn number(&self, name: &str) -> Option<usize> {
        let (names, ..) = table(self.machine)?;
        names.iter().position(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether this is the name of the instruction pointer.
    pub fn is_pc(&self, name: &str) -> bool {
        table(self.machine).is_some_and(|(_, _, pc)| pc.eq_ignore_ascii_case(name))
    }

    /// The known registers as plain data.
    pub fn registers(&self) -> Registers {
        let (names, _, pc) = table(self.machine).unwrap_or((&[], 0, "pc"));
        let known = self.values.iter().zip(names);
        let mut general: Vec<_> = known.filter_map(|(value, name)| Some(Register { name, value: (*value)? })).collect();
        general.push(Register { name: pc, value: self.pc.0 });
        Registers { machine: self.machine, pc: self.pc, sp: self.sp(), general }
    }
}
