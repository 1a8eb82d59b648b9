//! Numbers that DWARF gives to registers, by the processors' ABI documents.
//!
//! x86: System V ABI i386 supplement, table 2.14, which GCC and clang use for Windows too. x64: its x86-64 supplement,
//! figure 3.36. ARM: "DWARF for the Arm Architecture" (IHI 0040); ARM64: that for the 64-bit architecture (IHI 0057).

use crate::variable::RegisterName;
use vatlas_space::Machine;

const X86: [&str; 10] = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "efl"];
const X64: [&str; 17] = [
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip",
];

/// The name of a register.
pub(super) fn name(machine: Machine, number: u16) -> RegisterName {
    let known = match machine {
        Machine::X86 => X86.get(usize::from(number)).map(|name| (*name).to_owned()).or_else(|| match number {
            11..=18 => Some(format!("st{}", number - 11)),
            21..=28 => Some(format!("xmm{}", number - 21)),
            29..=36 => Some(format!("mm{}", number - 29)),
            _ => None,
        }),
        Machine::X64 => X64.get(usize::from(number)).map(|name| (*name).to_owned()).or_else(|| match number {
            17..=32 => Some(format!("xmm{}", number - 17)),
            33..=40 => Some(format!("st{}", number - 33)),
            41..=48 => Some(format!("mm{}", number - 41)),
            _ => None,
        }),
        Machine::Arm => match number {
            0..=12 => Some(format!("r{number}")),
            13 => Some("sp".to_owned()),
            14 => Some("lr".to_owned()),
            15 => Some("pc".to_owned()),
            64..=95 => Some(format!("s{}", number - 64)),
            256..=287 => Some(format!("d{}", number - 256)),
            _ => None,
        },
        Machine::Arm64 => match number {
            0..=28 => Some(format!("x{number}")),
            29 => Some("fp".to_owned()),
            30 => Some("lr".to_owned()),
            31 => Some("sp".to_owned()),
            32 => Some("pc".to_owned()),
            64..=95 => Some(format!("v{}", number - 64)),
            _ => None,
        },
        Machine::Mips | Machine::Other(_) => None,
    };
    RegisterName(known.unwrap_or_else(|| format!("DWARF register {number}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_have_the_names_of_the_dumps() {
        let check = |machine, number, expected: &str| assert_eq!(name(machine, number).0, expected);
        check(Machine::X86, 4, "esp");
        check(Machine::X86, 8, "eip");
        check(Machine::X86, 21, "xmm0");
        check(Machine::X64, 1, "rdx");
        check(Machine::X64, 7, "rsp");
        check(Machine::X64, 16, "rip");
        check(Machine::X64, 32, "xmm15");
        check(Machine::Arm, 11, "r11");
        check(Machine::Arm, 13, "sp");
        check(Machine::Arm64, 29, "fp");
        check(Machine::Arm64, 0, "x0");
        check(Machine::X86, 10, "DWARF register 10");
        check(Machine::Other(0x1a6), 3, "DWARF register 3");
    }
}
