//! Instructions as text, for the processors whose dumps there are.

mod mips;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Formatter, IntelFormatter, OpAccess, OpKind};
use vatlas_space::{Machine, Registers, Va};
use yaxpeax_arch::{Decoder as _, LengthedInstruction, U8Reader};

/// The longest instruction of any processor here, in bytes.
pub const LONGEST: usize = 16;

/// One instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instruction {
    /// Its address.
    pub va: Va,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Mnemonic and operands.
    pub text: String,
    /// Where a direct jump or call goes.
    pub goes_to: Option<Va>,
}

/// Disassembles up to `most` instructions of `bytes`, which begin at `va`. Ends at the first bytes that are no
/// instruction; empty for a processor without a disassembler.
pub fn disassemble(machine: Machine, va: Va, bytes: &[u8], most: usize) -> Vec<Instruction> {
    match machine {
        Machine::X86 => x86(32, va, bytes, most),
        Machine::X64 => x86(64, va, bytes, most),
        // Windows on ARM runs Thumb-2 code only.
        Machine::Arm => {
            let decoder = yaxpeax_arm::armv7::InstDecoder::default_thumb();
            arm(va, bytes, most, |reader| {
                let instruction = decoder.decode(reader).ok()?;
                Some((instruction.len().to_const() as usize, instruction.to_string()))
            })
        }
        Machine::Arm64 => {
            let decoder = yaxpeax_arm::armv8::a64::InstDecoder::default();
            arm(va, bytes, most, |reader| Some((4, decoder.decode(reader).ok()?.to_string())))
        }
        Machine::Mips => mips::disassemble(va, bytes, most),
        Machine::Other(_) => Vec::new(),
    }
}

/// As [`disassemble`], for 32-bit ARM code of 4-byte instructions: that of Windows CE.
pub fn disassemble_arm(va: Va, bytes: &[u8], most: usize) -> Vec<Instruction> {
    let decoder = yaxpeax_arm::armv7::InstDecoder::default();
    let mut instructions = arm(va, bytes, most, |reader| Some((4, decoder.decode(reader).ok()?.to_string())));
    for instruction in &mut instructions {
        let word = instruction.bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        instruction.goes_to = word.and_then(|word| arm_branch(instruction.va, word));
    }
    instructions
}

/// Where `B` and `BL` go: 24 bits with a sign, in words, from two instructions ahead.
fn arm_branch(va: Va, word: u32) -> Option<Va> {
    const KIND: u32 = 0x0e00_0000;
    const BRANCH: u32 = 0x0a00_0000;
    let is_branch = word & KIND == BRANCH && word >> 28 != 0xf;
    let distance = (word << 8).cast_signed() >> 6;
    is_branch.then(|| Va(u64::from((va.0 as u32).wrapping_add(8).wrapping_add_signed(distance))))
}

fn x86(bits: u32, va: Va, bytes: &[u8], most: usize) -> Vec<Instruction> {
    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_hex_prefix("0x");
    formatter.options_mut().set_hex_suffix("");
    formatter.options_mut().set_uppercase_hex(false);
    formatter.options_mut().set_space_after_operand_separator(true);
    let mut decoder = Decoder::with_ip(bits, bytes, va.0, DecoderOptions::NONE);
    let mut instructions = Vec::new();
    while decoder.can_decode() && instructions.len() < most {
        let start = decoder.position();
        let instruction = decoder.decode();
        if instruction.is_invalid() {
            break;
        }
        let mut text = String::new();
        formatter.format(&instruction, &mut text);
        let direct = matches!(
            instruction.flow_control(),
            FlowControl::Call | FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch
        );
        instructions.push(Instruction {
            va: Va(instruction.ip()),
            bytes: bytes[start..start + instruction.len()].to_vec(),
            text,
            goes_to: direct.then(|| Va(instruction.near_branch_target())),
        });
    }
    instructions
}

fn arm(
    va: Va,
    bytes: &[u8],
    most: usize,
    mut decode: impl FnMut(&mut U8Reader<'_>) -> Option<(usize, String)>,
) -> Vec<Instruction> {
    let mut instructions = Vec::new();
    let mut at = 0;
    while at < bytes.len() && instructions.len() < most {
        let Some((length, text)) = decode(&mut U8Reader::new(&bytes[at..])) else { break };
        let Some(own) = bytes.get(at..at + length).filter(|own| !own.is_empty()) else { break };
        instructions.push(Instruction {
            va: Va(va.0.wrapping_add(at as u64)),
            bytes: own.to_vec(),
            text,
            goes_to: None,
        });
        at += length;
    }
    instructions
}

/// A memory operand of an instruction, with the address that its registers give.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemoryOperand {
    /// Effective address.
    pub va: Va,
    /// Whether the instruction writes there.
    pub is_written: bool,
}

/// The memory operands of the x86 or x64 instruction at the front of `bytes`, computed from `registers`. This is
/// how an address is found that the processor does not report (a non-canonical one).
pub fn memory_operands(registers: &Registers, bytes: &[u8]) -> Vec<MemoryOperand> {
    let bits = match registers.machine {
        Machine::X86 => 32,
        Machine::X64 => 64,
        _ => return Vec::new(),
    };
    let instruction = Decoder::with_ip(bits, bytes, registers.pc.0, DecoderOptions::NONE).decode();
    if instruction.is_invalid() {
        return Vec::new();
    }
    let mut factory = iced_x86::InstructionInfoFactory::new();
    let info = factory.info(&instruction);
    let mut operands = Vec::new();
    for index in 0..instruction.op_count() {
        if !is_memory(instruction.op_kind(index)) {
            continue;
        }
        let value = |register: iced_x86::Register, _, _| register_value(registers, register);
        if let Some(va) = instruction.virtual_address(index, 0, value) {
            let access = info.op_access(index);
            let is_written =
                matches!(access, OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite);
            operands.push(MemoryOperand { va: Va(va), is_written });
        }
    }
    operands
}

fn is_memory(kind: OpKind) -> bool {
    use OpKind::{
        Memory, MemoryESDI, MemoryESEDI, MemoryESRDI, MemorySegDI, MemorySegEDI, MemorySegESI, MemorySegRDI,
        MemorySegRSI, MemorySegSI,
    };
    matches!(
        kind,
        Memory
            | MemorySegSI
            | MemorySegESI
            | MemorySegRSI
            | MemorySegDI
            | MemorySegEDI
            | MemorySegRDI
            | MemoryESDI
            | MemoryESEDI
            | MemoryESRDI
    )
}

/// The value of a register, or the base of a segment: zero, but for `fs` and `gs`, which are not known here.
pub(crate) fn register_value(registers: &Registers, register: iced_x86::Register) -> Option<u64> {
    use iced_x86::Register as R;
    match register {
        R::CS | R::DS | R::ES | R::SS => Some(0),
        R::FS | R::GS => None,
        _ => {
            let full = format!("{:?}", register.full_register()).to_ascii_lowercase();
            let name = if registers.machine == Machine::X86 { full.replacen('r', "e", 1) } else { full };
            let value = registers.get(&name)?;
            let bits = register.size() as u32 * 8;
            Some(if bits < 64 { value & ((1 << bits) - 1) } else { value })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vatlas_space::Register;

    fn check(machine: Machine, bytes: &[u8], expected: &[&str]) {
        let texts: Vec<_> = disassemble(machine, Va(0x1000), bytes, 8).into_iter().map(|line| line.text).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn instructions_of_every_processor() {
        check(Machine::X86, b"\x55\x8b\xec\x89\x08", &["push ebp", "mov ebp, esp", "mov [eax], ecx"]);
        check(Machine::X64, b"\x48\x8b\x01\xc3", &["mov rax, [rcx]", "ret"]);
        check(Machine::X86, b"\xe8\x00\x00\x00\x00", &["call 0x00001005"]);
        check(Machine::Arm64, b"\xc0\x03\x5f\xd6", &["ret"]);
        check(Machine::Arm, b"\x70\x47", &["bx lr"]);
        check(Machine::X86, b"\x0f\x0b\xff\xff", &["ud2"]);
        check(Machine::Mips, b"\xe0\xff\xbd\x27\0\0\0\0", &["addiu $sp, $sp, -0x20", "nop"]);
        check(Machine::Mips, b"\x00\x04\x00\x0c", &["jal 0x00001000"]);
        check(Machine::Mips, b"\xfe\xff\x40\x14", &["bnez $v0, 0x00000ffc"]);
        check(Machine::Other(0x1a6), b"\x09\0", &[]);
    }

    #[test]
    fn the_end_of_the_address_space_is_no_end_of_the_program() {
        for machine in [Machine::X86, Machine::X64, Machine::Arm, Machine::Arm64, Machine::Mips] {
            for va in [u64::MAX - 3, u64::MAX, 0xffff_fffd, 0x1_0000_0000] {
                disassemble(machine, Va(va), &[0x90; 32], 32);
                disassemble(machine, Va(va), b"\xe8\xff\xff\xff\x7f\xe8\0\0\0\x80", 32);
            }
        }
    }

    #[test]
    fn direct_targets_are_told() {
        let call = &disassemble(Machine::X86, Va(0x1000), b"\xe8\x10\x00\x00\x00", 1)[0];
        assert_eq!(call.goes_to, Some(Va(0x1015)));
        let indirect = &disassemble(Machine::X86, Va(0x1000), b"\xff\xd0", 1)[0];
        assert_eq!(indirect.goes_to, None);
    }

    #[test]
    fn operands_come_from_registers() {
        let general =
            vec![Register { name: "rax", value: 0xdead_beef_0000_0000 }, Register { name: "rcx", value: 0x20 }];
        let registers = Registers { machine: Machine::X64, pc: Va(0x1000), sp: Va(0), general };
        // mov rdx, [rax+rcx*4+8]
        let operands = memory_operands(&registers, b"\x48\x8b\x54\x88\x08");
        assert_eq!(operands, [MemoryOperand { va: Va(0xdead_beef_0000_0088), is_written: false }]);
        // mov [rcx], eax
        let operands = memory_operands(&registers, b"\x89\x01");
        assert_eq!(operands, [MemoryOperand { va: Va(0x20), is_written: true }]);
    }

    #[test]
    fn operands_of_32_bit_code() {
        let general = vec![Register { name: "eax", value: 0x6c6c_6548 }, Register { name: "ebx", value: 4 }];
        let registers = Registers { machine: Machine::X86, pc: Va(0x1000), sp: Va(0), general };
        // mov [eax+ebx], ecx
        let operands = memory_operands(&registers, b"\x89\x0c\x18");
        assert_eq!(operands, [MemoryOperand { va: Va(0x6c6c_654c), is_written: true }]);
    }
}
