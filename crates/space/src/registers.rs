//! Processor registers of a thread, as plain data.

use crate::address::{PointerWidth, Va};
use std::fmt;

/// Numbers of SuperH processors in the PE format, by which [`Machine::Other`] knows them.
const SH3: u16 = 0x1a2;
const SH3_DSP: u16 = 0x1a3;
const SH3E: u16 = 0x1a4;
const SH4: u16 = 0x1a6;

/// Processor family.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Machine {
    /// 32-bit x86.
    X86,
    /// x64 (AMD64).
    X64,
    /// 32-bit ARM.
    Arm,
    /// 64-bit ARM.
    Arm64,
    /// MIPS.
    Mips,
    /// Another one, by the file's own number.
    Other(u16),
}

impl Machine {
    /// Bits of a pointer; `None` for a processor that is not known.
    pub const fn width(self) -> Option<PointerWidth> {
        match self {
            Self::X86 | Self::Arm | Self::Mips => Some(PointerWidth::Bits32),
            Self::X64 | Self::Arm64 => Some(PointerWidth::Bits64),
            Self::Other(SH3 | SH3_DSP | SH3E | SH4) => Some(PointerWidth::Bits32),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X86 => f.write_str("x86"),
            Self::X64 => f.write_str("x64"),
            Self::Arm => f.write_str("arm"),
            Self::Arm64 => f.write_str("arm64"),
            Self::Mips => f.write_str("mips"),
            Self::Other(SH3 | SH3_DSP | SH3E) => f.write_str("sh3"),
            Self::Other(SH4) => f.write_str("sh4"),
            Self::Other(number) => write!(f, "processor {number:#x}"),
        }
    }
}

/// A general register and its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Register {
    /// Lower-case name, `eax`.
    pub name: &'static str,
    /// Value, zero-extended.
    pub value: u64,
}

/// A register wider than 64 bits: SSE, AVX, NEON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WideRegister {
    /// Lower-case name, `ymm0`.
    pub name: String,
    /// Bytes, lowest first.
    pub bytes: Vec<u8>,
}

/// The registers of one thread on one side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registers {
    /// Whose registers these are.
    pub machine: Machine,
    /// Instruction pointer.
    pub pc: Va,
    /// Stack pointer.
    pub sp: Va,
    /// General registers in the order of the processor's manuals.
    pub general: Vec<Register>,
}

impl Registers {
    /// The value of a register, by name in any case.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.general.iter().find(|register| register.name.eq_ignore_ascii_case(name)).map(|register| register.value)
    }
}
