//! Registers and pseudo-registers by name.

use super::scope::{Scope, teb};
use crate::value::Integer;
use vatlas_space::{AddressSpace, Machine, PointerWidth, Process, Registers, Va};

/// A register's value, or why it has none.
pub(super) enum Found {
    /// The number, and what the register is called.
    Number(Integer, String),
    /// It exists, but its value is not at hand.
    Missing(String),
}

/// Parts of the registers of x86 and x64: name, whole register, lowest bit, bits.
const PARTS: [(&str, &str, u32, u32); 23] = [
    ("ax", "ax", 0, 16),
    ("bx", "bx", 0, 16),
    ("cx", "cx", 0, 16),
    ("dx", "dx", 0, 16),
    ("si", "si", 0, 16),
    ("di", "di", 0, 16),
    ("bp", "bp", 0, 16),
    ("al", "ax", 0, 8),
    ("bl", "bx", 0, 8),
    ("cl", "cx", 0, 8),
    ("dl", "dx", 0, 8),
    ("ah", "ax", 8, 8),
    ("bh", "bx", 8, 8),
    ("ch", "cx", 8, 8),
    ("dh", "dx", 8, 8),
    ("eax", "ax", 0, 32),
    ("ebx", "bx", 0, 32),
    ("ecx", "cx", 0, 32),
    ("edx", "dx", 0, 32),
    ("esi", "si", 0, 32),
    ("edi", "di", 0, 32),
    ("ebp", "bp", 0, 32),
    ("esp", "sp", 0, 32),
];

/// A register of x86 by the name of a part: the register without its first letter, lowest bit, bits.
pub(super) fn part_of_register(name: &str) -> Option<(&'static str, u32, u32)> {
    PARTS.iter().find(|(part, ..)| *part == name).map(|(_, of, first, bits)| (*of, *first, *bits))
}

/// A register of the processor by its plain name, or a part of one.
pub(super) fn register(registers: &Registers, name: &str) -> Option<(Integer, String)> {
    let width = if registers.machine.width() == Some(PointerWidth::Bits32) { 32 } else { 64 };
    let whole = |name: &str| Some(Integer { bits: registers.get(name)?.into(), width, is_signed: false });
    if let Some(number) = whole(name) {
        return Some((number, name.to_owned()));
    }
    match registers.machine {
        Machine::X86 | Machine::X64 => {
            let letter = if registers.machine == Machine::X86 { "e" } else { "r" };
            if let Some((_, of, first, bits)) = PARTS.iter().find(|(part, ..)| *part == name) {
                let of = format!("{letter}{of}");
                return Some((whole(&of)?.field(*first, *bits), of));
            }
            // `r8d`, `r8w`, `r8b`
            let bits = [("d", 32), ("w", 16), ("b", 8)];
            let (of, bits) = bits.iter().find_map(|(end, bits)| Some((name.strip_suffix(end)?, *bits)))?;
            of.strip_prefix('r')?.parse::<u8>().ok()?;
            Some((whole(of)?.field(0, bits), of.to_owned()))
        }
        Machine::Arm64 => {
            let of = format!("x{}", name.strip_prefix('w')?.parse::<u8>().ok()?);
            Some((whole(&of)?.field(0, 32), of))
        }
        _ => None,
    }
}

/// What stands behind `@` or `$`: a register, or a pseudo-register.
pub(super) fn marked(scope: &Scope, process: &Process, space: Option<&dyn AddressSpace>, name: &str) -> Option<Found> {
    let registers = scope.frame.as_ref().map(|frame| &frame.registers);
    if let Some((number, of)) = registers.and_then(|registers| register(registers, name)) {
        return Some(Found::Number(number, of));
    }
    let width = if narrow(scope, process) { 32 } else { 64 };
    let number = |bits: u64, what: &str| {
        Some(Found::Number(Integer { bits: bits.into(), width, is_signed: false }, what.to_owned()))
    };
    let missing = |why: &str| Some(Found::Missing(why.to_owned()));
    match (name, &scope.frame) {
        ("pc" | "ip", Some(frame)) => number(frame.registers.pc.0, "instruction pointer"),
        ("sp" | "csp", Some(frame)) => number(frame.registers.sp.0, "stack pointer"),
        ("vframe", Some(frame)) => match frame.frame_base {
            Some(base) => number(base.0, "frame base"),
            None => missing("the base of the frame was not found"),
        },
        ("pc" | "ip" | "sp" | "csp" | "vframe", None) => missing("no registers were captured"),
        ("pid" | "tpid", _) => match process.id {
            Some(id) => Some(Found::Number(Integer::new(id.0.into(), 32, false), "process id".to_owned())),
            None => missing("the target does not tell the process's id"),
        },
        ("tid", _) => match scope.thread {
            Some(id) => Some(Found::Number(Integer::new(id.0.into(), 32, false), "thread id".to_owned())),
            None => missing("no thread is chosen"),
        },
        ("tib" | "teb", _) => match teb_of(scope, process) {
            Some(teb) => number(teb.0, "thread environment block"),
            None => missing("the target does not tell where the thread's environment block is"),
        },
        ("err", _) => Some(last_error(scope, process, space)),
        ("peb", _) => process.peb.map_or_else(
            || missing("the target does not tell where it is"),
            |peb| number(peb.0, "process environment block"),
        ),
        ("clk", _) => missing("no clock runs while a picture is looked at"),
        _ => None,
    }
}

/// The thread's environment block.
pub(super) fn teb_of(scope: &Scope, process: &Process) -> Option<Va> {
    teb(process.thread(scope.thread?)?, scope.frame.as_ref().map(|frame| &frame.registers))
}

/// `TEB.LastErrorValue`: at 0x34 with pointers of 4 bytes, at 0x68 with pointers of 8.
fn last_error(scope: &Scope, process: &Process, space: Option<&dyn AddressSpace>) -> Found {
    // Windows CE keeps it beside the thread's storage, and its dumps list it.
    if let Some(thread) = scope.thread.and_then(|id| process.thread(id)?.ce) {
        let finding = "last error in the list of threads".to_owned();
        return Found::Number(Integer::new(thread.last_error.into(), 32, false), finding);
    }
    let Some(teb) = teb_of(scope, process) else {
        return Found::Missing("the target does not tell where the thread's environment block is".to_owned());
    };
    let is_narrow = narrow(scope, process);
    let at = teb.checked_add(if is_narrow { 0x34 } else { 0x68 });
    match (at, space) {
        (Some(at), Some(space)) => match space.read_u32(at) {
            Ok(code) => Found::Number(Integer::new(code.into(), 32, false), format!("LastErrorValue at {at}")),
            Err(fault) => Found::Missing(fault.to_string()),
        },
        _ => Found::Missing("the target holds no memory".to_owned()),
    }
}

/// Whether the code of the frame has pointers of 4 bytes.
pub(super) fn narrow(scope: &Scope, process: &Process) -> bool {
    let of_frame = scope.frame.as_ref().and_then(|frame| frame.registers.machine.width());
    of_frame.unwrap_or(process.width) == PointerWidth::Bits32
}

/// The plain names of registers, for suggestions.
pub(super) fn names(registers: &Registers) -> impl Iterator<Item = &'static str> + '_ {
    registers.general.iter().map(|register| register.name)
}
