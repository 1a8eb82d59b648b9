//! Exceptions as Windows CE prints them: by name, and by the number of the processor's vector.
//!
//! Names and numbers as they stand in real logs of ARM and x86 devices; the meaning of a vector is the processor's own.

use vatlas_space::Machine;

/// What the processor, or the program, did.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CeException {
    /// A load or store failed.
    DataAccess,
    /// An instruction could not be fetched.
    InstructionFetch,
    /// An instruction that the processor does not know.
    UndefinedInstruction,
    /// A division by zero.
    DivideByZero,
    /// A breakpoint instruction.
    Breakpoint,
    /// A program raised it: `RaiseException`, a C++ or .NET exception.
    Raised,
    /// None of these.
    Other,
}

impl CeException {
    /// A sentence for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::DataAccess => "a load or store failed",
            Self::InstructionFetch => "an instruction could not be fetched: the program counter led nowhere",
            Self::UndefinedInstruction => "the processor does not know the instruction",
            Self::DivideByZero => "a division by zero",
            Self::Breakpoint => "a breakpoint instruction was reached",
            Self::Raised => "a program raised the exception itself; no access failed",
            Self::Other => "an exception of a kind that is not known here",
        }
    }

    /// A word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DataAccess => "data-access",
            Self::InstructionFetch => "instruction-fetch",
            Self::UndefinedInstruction => "undefined-instruction",
            Self::DivideByZero => "divide-by-zero",
            Self::Breakpoint => "breakpoint",
            Self::Raised => "raised",
            Self::Other => "other",
        }
    }

    /// Whether the bad address (BVA) is the address of a failed access.
    pub const fn has_bad_address(self) -> bool {
        matches!(self, Self::DataAccess | Self::InstructionFetch)
    }
}

/// The exception by its printed name, else by its number on a processor.
pub fn ce_exception(name: Option<&str>, number: Option<i64>, machine: Option<Machine>) -> CeException {
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let has = |part: &str| name.contains(part);
    if has("raise") || number == Some(-1) {
        CeException::Raised
    } else if has("prefetch") {
        CeException::InstructionFetch
    } else if has("data abort") || has("access violation") || has("page fault") {
        CeException::DataAccess
    } else if has("undefined instruction") || has("illegal instruction") {
        CeException::UndefinedInstruction
    } else if has("divide") {
        CeException::DivideByZero
    } else if has("breakpoint") {
        CeException::Breakpoint
    } else {
        by_number(number, machine)
    }
}

/// ARM: 1 undefined instruction, 3 prefetch abort, 4 data abort. x86: 0 division, 3 breakpoint, 6 invalid opcode, 14
/// page fault. One number may mean two things, so the processor must be known.
fn by_number(number: Option<i64>, machine: Option<Machine>) -> CeException {
    match (machine, number) {
        (Some(Machine::Arm), Some(1)) | (Some(Machine::X86), Some(6)) => CeException::UndefinedInstruction,
        (Some(Machine::Arm), Some(3)) => CeException::InstructionFetch,
        (Some(Machine::Arm), Some(4)) | (Some(Machine::X86), Some(14)) => CeException::DataAccess,
        (Some(Machine::X86), Some(0)) => CeException::DivideByZero,
        (Some(Machine::X86), Some(3)) => CeException::Breakpoint,
        _ => CeException::Other,
    }
}

/// The processor that a printed name or number shows: only ARM has aborts, only x86 has a vector 14.
pub fn machine_of_exception(name: Option<&str>, number: Option<i64>) -> Option<Machine> {
    let name = name.unwrap_or_default().to_ascii_lowercase();
    match number {
        _ if name.contains("abort") => Some(Machine::Arm),
        Some(14) => Some(Machine::X86),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CeException::*;

    fn check(name: &str, number: Option<i64>, machine: Option<Machine>, expected: CeException) {
        assert_eq!(ce_exception(Some(name), number, machine), expected, "{name} {number:?}");
    }

    #[test]
    fn names_and_numbers() {
        check("Data Abort", Some(4), None, DataAccess);
        check("Prefetch Abort", Some(3), None, InstructionFetch);
        check("Raised Exception", Some(-1), None, Raised);
        check("RaiseException", None, None, Raised);
        check("Access Violation", Some(14), None, DataAccess);
        check("Exception 003", Some(3), None, Other);
        check("Exception 003", Some(3), Some(Machine::Arm), InstructionFetch);
        check("Exception 003", Some(3), Some(Machine::X86), Breakpoint);
        check("Something Else", None, None, Other);
    }

    #[test]
    fn processors() {
        assert_eq!(machine_of_exception(Some("Data Abort"), None), Some(Machine::Arm));
        assert_eq!(machine_of_exception(Some("Access Violation"), Some(14)), Some(Machine::X86));
        assert_eq!(machine_of_exception(Some("RaiseException"), Some(-1)), None);
    }
}
