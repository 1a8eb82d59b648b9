//! The instruction that the registers are at: its operands, the registers in them, and the addresses that they give.

use super::explained;
use crate::{
    crash::Crash,
    disassembly::{Instruction, LONGEST, disassemble, disassemble_arm, register_value},
    explain::Explanation,
    symbol_provider::SymbolProvider,
    usage_index::UsageIndex,
};
use iced_x86::{
    Decoder, DecoderOptions, Formatter, InstructionInfoFactory, IntelFormatter, OpAccess, OpKind, Register as Name,
    UsedMemory,
};
use vatlas_space::{Machine, Registers, Side, Target, Va};

/// The instruction that the registers are at.
#[derive(Clone, PartialEq, Debug)]
pub struct FaultingInstruction {
    /// The instruction.
    pub instruction: Instruction,
    /// Its operands; of ARM code the registers that it names.
    pub operands: Vec<InstructionOperand>,
    /// Bytes that its memory operand must be aligned to, where the processor refuses any other.
    pub alignment: Option<u64>,
}

/// An operand, as far as registers tell.
#[derive(Clone, PartialEq, Debug)]
pub struct InstructionOperand {
    /// As in the instruction: `[ecx+8]`, `eax`.
    pub text: String,
    /// Registers in it, with their values.
    pub registers: Vec<(String, u64)>,
    /// The register that holds the address, in a memory operand that has one: base, else index.
    pub base: Option<String>,
    /// The address of a memory operand; `None` of a register, and where a part of the address is not known.
    pub va: Option<Va>,
    /// Whether it is in memory.
    pub is_memory: bool,
    /// Bytes; 0 where the instruction does not say.
    pub size: u64,
    /// Whether the instruction writes it.
    pub is_written: bool,
    /// Whether the bad address lies in it.
    pub is_fault: bool,
    /// What is at the address; `None` where it is the bad address, which is explained on its own.
    pub explanation: Option<Box<Explanation>>,
}

impl InstructionOperand {
    /// The registers that make up the address of a memory operand, and the target of a jump or call.
    pub(super) fn address_registers(&self) -> impl Iterator<Item = &(String, u64)> {
        self.registers.iter().filter(|_| self.is_memory)
    }
}

/// The instruction at the registers' address; `None` when its bytes are not at hand, or are no instruction.
pub(super) fn at(
    target: &dyn Target,
    index: &UsageIndex<'_>,
    registers: &Registers,
    side: Option<&Side>,
    crash: Option<&Crash>,
    symbols: &dyn SymbolProvider,
) -> Option<FaultingInstruction> {
    let is_arm = registers.machine == Machine::Arm;
    let pc = if is_arm { Va(registers.pc.0 & !1) } else { registers.pc };
    let mut bytes = [0; LONGEST];
    let held = index.space().read_available(pc, &mut bytes);
    // Code for ARM's longer instructions is that of Windows CE; which of the two it is, the flags say.
    let instructions = match is_arm && !is_thumb(registers) {
        true => disassemble_arm(pc, &bytes[..held], 1),
        false => disassemble(registers.machine, pc, &bytes[..held], 1),
    };
    let instruction = instructions.into_iter().next()?;
    let (mut operands, alignment) = match registers.machine {
        Machine::X86 | Machine::X64 => {
            let is_windows = index.process().layout.is_some();
            x86(registers, &bytes[..held], side.and_then(|side| side.teb).filter(|_| is_windows))
        }
        _ => (named(registers, &instruction.text), None),
    };
    let fault = crash.and_then(|crash| crash.fault).map(|fault| fault.va());
    for operand in operands.iter_mut().filter(|operand| operand.is_memory) {
        let Some(va) = operand.va else { continue };
        operand.is_fault = fault.is_some_and(|fault| fault.offset_from(va).is_some_and(|at| at < operand.size.max(1)));
        if !operand.is_fault && registers.machine.width().is_some_and(|width| va <= width.last()) {
            operand.explanation = Some(Box::new(explained(target, index, va, symbols)));
        }
    }
    Some(FaultingInstruction { instruction, operands, alignment })
}

/// Bit 5 of `cpsr`; Windows on ARM runs Thumb code only, so that it is Thumb where nothing says otherwise.
fn is_thumb(registers: &Registers) -> bool {
    registers.get("cpsr").is_none_or(|flags| flags & 0x20 != 0) || registers.pc.0 & 1 != 0
}

/// Operands of x86 and x64: those that are written down, then memory that is used without (the stack of `push`).
fn x86(registers: &Registers, bytes: &[u8], teb: Option<Va>) -> (Vec<InstructionOperand>, Option<u64>) {
    let bits = if registers.machine == Machine::X86 { 32 } else { 64 };
    let instruction = Decoder::with_ip(bits, bytes, registers.pc.0, DecoderOptions::NONE).decode();
    if instruction.is_invalid() {
        return (Vec::new(), None);
    }
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info(&instruction);
    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_hex_prefix("0x");
    formatter.options_mut().set_hex_suffix("");
    formatter.options_mut().set_uppercase_hex(false);
    let value = |register| value(registers, register, teb);
    let mut operands = Vec::new();
    for number in 0..instruction.op_count() {
        // Operands that the mnemonic implies are not written down.
        let count = formatter.operand_count(&instruction);
        let mut shows = |shown: &u32| matches!(formatter.get_instruction_operand(&instruction, *shown), Ok(Some(own)) if own == number);
        let Some(shown) = (0..count).find(|shown| shows(shown)) else { continue };
        let is_written = is_write(info.op_access(number));
        let mut text = String::new();
        if formatter.format_operand(&instruction, &mut text, shown).is_err() {
            continue;
        }
        let kind = instruction.op_kind(number);
        if kind == OpKind::Register {
            operands.push(register_operand(text, instruction.op_register(number), is_written, value));
        } else if let Some(parts) = address_registers(&instruction, kind) {
            let va = instruction.virtual_address(number, 0, |register, _, _| value(register)).map(Va);
            let size = instruction.memory_size().size() as u64;
            operands.push(InstructionOperand { va, size, is_written, ..memory_operand(text, &parts, value) });
        }
    }
    operands.extend(pushed(&instruction, info.used_memory(), value));
    (operands, alignment(&instruction))
}

/// The part of the stack that `push`, `call` and their like use without naming it.
fn pushed(
    instruction: &iced_x86::Instruction,
    used: &[UsedMemory],
    value: impl Fn(Name) -> Option<u64>,
) -> Option<InstructionOperand> {
    let is_stack = |used: &&UsedMemory| matches!(used.base(), Name::RSP | Name::ESP | Name::SP);
    let used = used.iter().rfind(is_stack).filter(|_| instruction.is_stack_instruction())?;
    let va = used.virtual_address(0, |register, _, _| value(register)).map(Va);
    let (size, is_written) = (used.memory_size().size() as u64, is_write(used.access()));
    let named = memory_operand("stack".to_owned(), &[used.base()], value);
    Some(InstructionOperand { va, size, is_written, ..named })
}

/// The value of a register, and the base of the segment in which Windows keeps the TEB.
fn value(registers: &Registers, register: Name, teb: Option<Va>) -> Option<u64> {
    match (registers.machine, register) {
        (Machine::X86, Name::FS) | (Machine::X64, Name::GS) => teb.map(|teb| teb.0),
        (_, Name::RIP) => Some(registers.pc.0),
        (_, Name::EIP) => Some(registers.pc.0 & u64::from(u32::MAX)),
        _ => register_value(registers, register),
    }
}

const fn is_write(access: OpAccess) -> bool {
    matches!(access, OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite)
}

/// The registers of the address of a memory operand, base before index; `None` of any other operand, and where the
/// instruction only computes with the address.
fn address_registers(instruction: &iced_x86::Instruction, kind: OpKind) -> Option<Vec<Name>> {
    use OpKind::{
        Memory, MemoryESDI, MemoryESEDI, MemoryESRDI, MemorySegDI, MemorySegEDI, MemorySegESI, MemorySegRDI,
        MemorySegRSI, MemorySegSI,
    };
    Some(match kind {
        Memory if instruction.mnemonic() == iced_x86::Mnemonic::Lea => return None,
        Memory => vec![instruction.memory_base(), instruction.memory_index()],
        MemorySegSI => vec![Name::SI],
        MemorySegESI => vec![Name::ESI],
        MemorySegRSI => vec![Name::RSI],
        MemorySegDI | MemoryESDI => vec![Name::DI],
        MemorySegEDI | MemoryESEDI => vec![Name::EDI],
        MemorySegRDI | MemoryESRDI => vec![Name::RDI],
        _ => return None,
    })
}

fn register_name(register: Name) -> String {
    format!("{register:?}").to_ascii_lowercase()
}

fn register_operand(
    text: String,
    register: Name,
    is_written: bool,
    value: impl Fn(Name) -> Option<u64>,
) -> InstructionOperand {
    let held = value(register).filter(|_| register.is_gpr()).map(|value| (register_name(register), value));
    InstructionOperand {
        text,
        registers: held.into_iter().collect(),
        base: None,
        va: None,
        is_memory: false,
        size: register.size() as u64,
        is_written,
        is_fault: false,
        explanation: None,
    }
}

fn memory_operand(text: String, parts: &[Name], value: impl Fn(Name) -> Option<u64>) -> InstructionOperand {
    let parts = parts.iter().filter(|register| register.is_gpr());
    let held: Vec<_> = parts.filter_map(|register| Some((register_name(*register), value(*register)?))).collect();
    InstructionOperand {
        text,
        base: held.first().map(|(name, _)| name.clone()),
        registers: held,
        va: None,
        is_memory: true,
        size: 0,
        is_written: false,
        is_fault: false,
        explanation: None,
    }
}

/// Moves of 16 bytes and more whose names say "aligned": the processor refuses any other address.
fn alignment(instruction: &iced_x86::Instruction) -> Option<u64> {
    use iced_x86::Mnemonic::{
        Movapd, Movaps, Movdqa, Movntdq, Movntdqa, Movntpd, Movntps, Vmovapd, Vmovaps, Vmovdqa, Vmovdqa32, Vmovdqa64,
        Vmovntdq, Vmovntdqa, Vmovntpd, Vmovntps,
    };
    let is_aligned = matches!(
        instruction.mnemonic(),
        Movaps
            | Movapd
            | Movdqa
            | Movntdq
            | Movntdqa
            | Movntpd
            | Movntps
            | Vmovapd
            | Vmovaps
            | Vmovdqa
            | Vmovdqa32
            | Vmovdqa64
            | Vmovntdq
            | Vmovntdqa
            | Vmovntpd
            | Vmovntps
    );
    let size = instruction.memory_size().size() as u64;
    (is_aligned && size.is_power_of_two() && size >= 16).then_some(size)
}

/// The registers that the text of an instruction names, each once.
fn named(registers: &Registers, text: &str) -> Vec<InstructionOperand> {
    let operands = text.split_once(' ').map_or("", |(_, operands)| operands);
    let mut found: Vec<InstructionOperand> = Vec::new();
    for word in operands.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let is_known = found.iter().any(|operand| operand.text == word);
        let Some(value) = arm_value(registers, word).filter(|_| !is_known) else { continue };
        found.push(InstructionOperand {
            text: word.to_owned(),
            registers: vec![(word.to_owned(), value)],
            base: None,
            va: None,
            is_memory: false,
            size: 0,
            is_written: false,
            is_fault: false,
            explanation: None,
        });
    }
    found
}

/// `w3` is the lower half of `x3`; `x29` and `x30` have names.
fn arm_value(registers: &Registers, word: &str) -> Option<u64> {
    let other = match word {
        "x29" => "fp",
        "x30" => "lr",
        "r13" => "sp",
        "r14" => "lr",
        word => word,
    };
    let half = || {
        let number = word.strip_prefix('w')?;
        Some(registers.get(&format!("x{number}"))? & u64::from(u32::MAX))
    };
    registers.get(other).or_else(|| half().filter(|_| registers.machine == Machine::Arm64))
}
