//! Thread contexts: the general registers, in the order of the processor's manuals.

use minidump::{MinidumpContext, MinidumpRawContext, MinidumpSystemInfo};
use minidump_common::format::{CONTEXT_AMD64, CONTEXT_X86};
use scroll::{Endian, Pread};
use vatlas_space::{Machine, Register, Registers, Va};

/// Reads the context of the dump's own processor; `None` when it is too short or of another processor.
pub(super) fn registers(bytes: &[u8], system: &MinidumpSystemInfo) -> Option<Registers> {
    if let Some(registers) = windows_arm(bytes, system) {
        return Some(registers);
    }
    let context = MinidumpContext::read(bytes, Endian::Little, system, None).ok()?;
    Some(match &context.raw {
        MinidumpRawContext::X86(raw) => x86(raw),
        MinidumpRawContext::Amd64(raw) => x64(raw),
        MinidumpRawContext::Arm(raw) => arm(&raw.iregs, raw.cpsr),
        MinidumpRawContext::Arm64(raw) => arm64(&raw.iregs, raw.sp, raw.pc, raw.cpsr),
        MinidumpRawContext::OldArm64(raw) => arm64(&raw.iregs, raw.sp, raw.pc, raw.cpsr),
        _ => other(&context),
    })
}

/// Reads a 32-bit x86 `CONTEXT`, as one lies in the memory of a WOW64 thread; `None` when the bytes are too
/// few or the flags are not those of an x86 context.
pub fn x86_context(bytes: &[u8]) -> Option<Registers> {
    // The low bits choose parts, the high bits are marks of exception delivery.
    const CONTEXT_I386: u32 = 0x1_0000;
    const PROCESSOR: u32 = 0x07ff_ff80;
    let raw: CONTEXT_X86 = bytes.pread_with(0, Endian::Little).ok()?;
    (raw.context_flags & PROCESSOR == CONTEXT_I386).then(|| x86(&raw))
}

fn list(values: &[(&'static str, u64)]) -> Vec<Register> {
    values.iter().map(|&(name, value)| Register { name, value }).collect()
}

fn x86(raw: &CONTEXT_X86) -> Registers {
    let general = [
        ("eax", raw.eax),
        ("ebx", raw.ebx),
        ("ecx", raw.ecx),
        ("edx", raw.edx),
        ("esi", raw.esi),
        ("edi", raw.edi),
        ("eip", raw.eip),
        ("esp", raw.esp),
        ("ebp", raw.ebp),
        ("efl", raw.eflags),
        ("cs", raw.cs),
        ("ss", raw.ss),
        ("ds", raw.ds),
        ("es", raw.es),
        ("fs", raw.fs),
        ("gs", raw.gs),
    ];
    let general = general.iter().map(|&(name, value)| Register { name, value: value.into() }).collect();
    Registers { machine: Machine::X86, pc: Va(raw.eip.into()), sp: Va(raw.esp.into()), general }
}

fn x64(raw: &CONTEXT_AMD64) -> Registers {
    let general = list(&[
        ("rax", raw.rax),
        ("rbx", raw.rbx),
        ("rcx", raw.rcx),
        ("rdx", raw.rdx),
        ("rsi", raw.rsi),
        ("rdi", raw.rdi),
        ("rip", raw.rip),
        ("rsp", raw.rsp),
        ("rbp", raw.rbp),
        ("r8", raw.r8),
        ("r9", raw.r9),
        ("r10", raw.r10),
        ("r11", raw.r11),
        ("r12", raw.r12),
        ("r13", raw.r13),
        ("r14", raw.r14),
        ("r15", raw.r15),
        ("efl", raw.eflags.into()),
        ("cs", raw.cs.into()),
        ("ss", raw.ss.into()),
        ("ds", raw.ds.into()),
        ("es", raw.es.into()),
        ("fs", raw.fs.into()),
        ("gs", raw.gs.into()),
    ]);
    Registers { machine: Machine::X64, pc: Va(raw.rip), sp: Va(raw.rsp), general }
}

/// The `CONTEXT` of Windows on ARM (`winnt.h`: flags, R0 to R12, Sp, Lr, Pc, Cpsr, ...). The `minidump` crate knows
/// Breakpad's own ARM context only.
fn windows_arm(bytes: &[u8], system: &MinidumpSystemInfo) -> Option<Registers> {
    const PROCESSOR_ARCHITECTURE_ARM: u16 = 5;
    const CONTEXT_ARM: u32 = 0x0020_0000;
    let word = |index: usize| bytes.pread_with::<u32>(index * 4, Endian::Little).ok();
    if system.raw.processor_architecture != PROCESSOR_ARCHITECTURE_ARM || word(0)? & CONTEXT_ARM == 0 {
        return None;
    }
    let mut registers = [0; 16];
    for (index, register) in registers.iter_mut().enumerate() {
        *register = word(index + 1)?;
    }
    Some(arm(&registers, word(17)?))
}

fn arm(values: &[u32; 16], cpsr: u32) -> Registers {
    const NAMES: [&str; 16] =
        ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc"];
    let mut general: Vec<Register> =
        NAMES.iter().zip(*values).map(|(name, value)| Register { name, value: value.into() }).collect();
    general.push(Register { name: "cpsr", value: cpsr.into() });
    Registers { machine: Machine::Arm, pc: Va(values[15].into()), sp: Va(values[13].into()), general }
}

fn arm64(registers: &[u64; 31], sp: u64, pc: u64, cpsr: u32) -> Registers {
    const NAMES: [&str; 31] = [
        "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
        "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "fp", "lr",
    ];
    let mut general: Vec<Register> =
        NAMES.iter().zip(*registers).map(|(name, value)| Register { name, value }).collect();
    general.extend(list(&[("sp", sp), ("pc", pc), ("cpsr", cpsr.into())]));
    Registers { machine: Machine::Arm64, pc: Va(pc), sp: Va(sp), general }
}

/// Processors that vatlas does not know by name: whatever the `minidump` crate lists.
fn other(context: &MinidumpContext) -> Registers {
    let machine = match &context.raw {
        MinidumpRawContext::Mips(_) => Machine::Mips,
        _ => Machine::Other(0),
    };
    Registers {
        machine,
        pc: Va(context.get_instruction_pointer()),
        sp: Va(context.get_stack_pointer()),
        general: context.registers().map(|(name, value)| Register { name, value }).collect(),
    }
}
