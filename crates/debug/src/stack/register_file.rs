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
const ARM: [&str; 15] = ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr"];

/// Names by number, the number of the stack pointer, the name of the instruction pointer.
const fn table(machine: Machine) -> Option<(&'static [&'static str], usize, &'static str)> {
    match machine {
        Machine::X86 => Some((&X86, x86_number::SP, "eip")),
        Machine::X64 => Some((&X64, x86_number::SP, "rip")),
        Machine::Arm64 => Some((&ARM64, arm64_number::SP, "pc")),
        Machine::Arm => Some((&ARM, 13, "pc")),
        Machine::Mips | Machine::Other(_) => None,
    }
}

/// Registers by number. Instruction pointer and stack pointer are always known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RegisterFile {
    pub machine: Machine,
    pub pc: Va,
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
        Some(Self { machine: registers.machine, pc: registers.pc, sp, values })
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
