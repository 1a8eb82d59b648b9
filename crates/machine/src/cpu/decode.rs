//! From bytes to operations, once for each block.
//!
//! A block goes on behind a conditional jump, which leaves it only when it is taken; a comparison and the jump that
//! follows it become one operation. It ends with any other instruction that leaves it, at the end of its page, or after
//! [`BLOCK_INSTRUCTIONS`]. An instruction that crosses the end of its page is a block of its own.

use super::core::{Core, LINEAR, NOTHING};
use super::exit::Outcome;
use super::mmu::Access;
use super::op::{Handler, Op};
use super::operand::{Shape, operand_bits};
use super::registers::SegmentRegister;
use super::segments::linear;
use super::{integer, sse, system, x87};
use iced_x86::{Decoder, DecoderError, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};

/// Most instructions in a block.
pub(crate) const BLOCK_INSTRUCTIONS: u32 = 32;
/// Bytes of the longest instruction.
const LONGEST: usize = 15;

/// A decoded block.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub ops: Vec<Op>,
    /// Instructions in it.
    pub count: u32,
    /// Frame in which the only instruction ends, when that is not the one where it starts.
    pub second: Option<u32>,
    /// Calls and returns are written down, which quick handlers do not do.
    is_recorded: bool,
    /// The instruction before, when it may become one with a jump.
    comparison: Option<(Mnemonic, Shape)>,
}

/// Decodes the block at `eip`, whose physical address is `pa`, with at most `most` instructions.
pub(crate) fn decode(core: &mut Core, eip: u32, pa: u32, most: u32) -> Outcome<Decoded> {
    let bytes = core.ram.rest_of_frame(pa);
    let mut block = Decoded { is_recorded: core.calls.is_some(), ..Decoded::default() };
    let mut decoder = Decoder::with_ip(32, bytes, 0, DecoderOptions::NONE);
    while decoder.can_decode() && block.count < most {
        let at = decoder.position();
        let instruction = decoder.decode();
        let is_cut = instruction.is_invalid() && decoder.last_error() == DecoderError::NoMoreBytes;
        if is_cut || block.count > 0 && starts_block(&instruction) {
            break;
        }
        if block.push(&instruction, at as u16) {
            break;
        }
    }
    if block.count == 0 {
        return decode_across(core, eip, pa);
    }
    let end = block.ops.last().map_or(0, |op| op.at() + u32::from(op.length));
    core.ram.note_code(pa, end);
    Ok(block)
}

/// Decodes an instruction that ends in the next page. Where no memory answers, bytes are FF, which is no instruction.
fn decode_across(core: &mut Core, eip: u32, pa: u32) -> Outcome<Decoded> {
    let mut bytes = [0xff; LONGEST];
    let first = (0x1000 - (pa as usize & 0xfff)).min(LONGEST);
    let rest = core.ram.rest_of_frame(pa);
    if rest.len() >= first {
        bytes[..first].copy_from_slice(&rest[..first]);
    }
    let next = eip.wrapping_add(first as u32);
    let second = core.translate(next, Access::Execute)?;
    let rest = core.ram.rest_of_frame(second);
    if let Some(rest) = rest.get(..LONGEST - first) {
        bytes[first..].copy_from_slice(rest);
    }
    let mut block = Decoded { is_recorded: core.calls.is_some(), ..Decoded::default() };
    let instruction = Decoder::with_ip(32, &bytes, 0, DecoderOptions::NONE).decode();
    block.push(&instruction, 0);
    core.ram.note_code(pa, first as u32);
    let length = block.ops.last().map_or(0, |op| usize::from(op.length));
    if length > first {
        core.ram.note_code(second, (length - first) as u32);
        block.second = Some(second >> 12);
    }
    Ok(block)
}

/// What an instruction at `eip` is called, for a report.
pub(crate) fn name_at(core: &mut Core, eip: u32) -> String {
    let mut bytes = [0xff; LONGEST];
    for (offset, byte) in (0..).zip(&mut bytes) {
        match core.read(eip.wrapping_add(offset)) {
            Ok(value) => *byte = value,
            Err(_) => break,
        }
    }
    let instruction = Decoder::with_ip(32, &bytes, 0, DecoderOptions::NONE).decode();
    if instruction.is_invalid() {
        let [a, b, c, d, ..] = bytes;
        return format!("with the bytes {a:02x} {b:02x} {c:02x} {d:02x}");
    }
    format!("{:?} ({:?})", instruction.mnemonic(), instruction.code()).to_lowercase()
}

/// Instructions whose handlers read the count of instructions.
fn starts_block(instruction: &Instruction) -> bool {
    matches!(instruction.mnemonic(), Mnemonic::Rdtsc | Mnemonic::Rdmsr | Mnemonic::Wrmsr)
}

impl Decoded {
    /// Adds an instruction; whether it ends the block.
    fn push(&mut self, instruction: &Instruction, at: u16) -> bool {
        let shape = Shape::of(instruction);
        let of_system = if instruction.is_invalid() { None } else { system::bind(instruction, shape) };
        let handler = if instruction.is_invalid() { None } else { of_system.or_else(|| bind(instruction, shape)) };
        let length = instruction.len().clamp(1, LONGEST) as u8;
        let number = self.count as u16;
        self.count += 1;
        let Some(run) = handler else {
            self.ops.push(Op { length, ..Op::new(system::undefined) }.placed(at, number));
            return true;
        };
        let mut op = Op { length, ..Op::new(run) }.placed(at, number);
        set_operands(&mut op, instruction);
        if let Some(before) = address_before(instruction, length) {
            self.ops.push(before.placed(at, number));
            (op.base, op.index, op.displacement) = (LINEAR, NOTHING, 0);
            op.scale &= 0xf0;
        }
        let is_recorded = self.is_recorded && matches!(instruction.mnemonic(), Mnemonic::Call | Mnemonic::Ret);
        if of_system.is_none()
            && !is_recorded
            && let Some(chain) = integer::quick(instruction, shape, &op)
        {
            op.chain = chain;
        }
        if instruction.is_jcc_short_or_near() && self.fuse(&op) {
            return false;
        }
        self.ops.push(op);
        let compares = matches!(instruction.mnemonic(), Mnemonic::Cmp | Mnemonic::Test);
        self.comparison = compares.then(|| (instruction.mnemonic(), shape));
        !matches!(instruction.flow_control(), FlowControl::Next | FlowControl::ConditionalBranch)
    }
}

impl Decoded {
    /// Makes one operation of the comparison that came before and this jump; whether that was possible.
    fn fuse(&mut self, jump: &Op) -> bool {
        let (Some((mnemonic, shape)), Some(last)) = (self.comparison.take(), self.ops.last_mut()) else { return false };
        let Some(fused) = integer::fused(mnemonic, shape, last, jump.extra()) else { return false };
        if fused.has_target_in_displacement {
            last.displacement = jump.immediate;
        } else {
            last.immediate = jump.immediate;
        }
        last.fuse((fused.chain, fused.run), jump);
        true
    }
}

fn bind(instruction: &Instruction, shape: Shape) -> Option<Handler> {
    integer::bind(instruction, shape)
        .or_else(|| x87::bind(instruction, shape))
        .or_else(|| sse::bind(instruction, shape))
}

fn number(register: Register) -> u8 {
    if register == Register::None { NOTHING } else { register.number() as u8 }
}

fn set_operands(op: &mut Op, instruction: &Instruction) {
    let mut immediates = 0;
    for operand in 0..instruction.op_count() {
        match instruction.op_kind(operand) {
            OpKind::Register if operand == 0 => op.a = number(instruction.op_register(operand)),
            OpKind::Register if operand == 1 => op.b = number(instruction.op_register(operand)),
            OpKind::Memory => set_address(op, instruction),
            OpKind::NearBranch32 | OpKind::NearBranch16 => op.immediate = instruction.near_branch32(),
            OpKind::Register => {}
            _ => {
                if let Ok(value) = instruction.try_immediate(operand) {
                    if immediates == 0 {
                        op.immediate = value as u32;
                    } else {
                        op.b = value as u8;
                    }
                    immediates += 1;
                }
            }
        }
    }
    set_extra(op, instruction);
}

fn set_address(op: &mut Op, instruction: &Instruction) {
    op.base = number(instruction.memory_base());
    op.index = number(instruction.memory_index());
    op.scale = instruction.memory_index_scale().trailing_zeros() as u8;
    op.displacement = instruction.memory_displacement32();
}

/// What handlers want besides their operands.
fn set_extra(op: &mut Op, instruction: &Instruction) {
    let condition = integer::condition(instruction.condition_code());
    let extra = match instruction.mnemonic() {
        Mnemonic::Loope | Mnemonic::Stc => 1,
        Mnemonic::Loopne => 2,
        Mnemonic::Loop | Mnemonic::Clc => 0,
        Mnemonic::In | Mnemonic::Out => u8::from((0..2).any(|at| instruction.op_kind(at) == OpKind::Immediate8)),
        _ if instruction.has_repne_prefix() => 2,
        _ if instruction.has_rep_prefix() => 1,
        mnemonic => x87::condition(mnemonic).unwrap_or(condition),
    };
    op.scale = op.scale & 15 | extra << 4;
    match instruction.mnemonic() {
        Mnemonic::Int3 => op.immediate = 3,
        Mnemonic::In => op.b = (operand_bits(instruction, 0) / 8) as u8,
        Mnemonic::Out => op.b = (operand_bits(instruction, 1) / 8) as u8,
        Mnemonic::Xlatb => (op.base, op.index) = (NOTHING, NOTHING),
        _ if instruction.is_string_instruction() => op.b = instruction.segment_prefix().number_or_none(),
        _ => {}
    }
}

/// The number of a segment prefix.
trait SegmentNumber {
    fn number_or_none(self) -> u8;
}

impl SegmentNumber for Register {
    fn number_or_none(self) -> u8 {
        if self == Self::None { 0xff } else { self.number() as u8 }
    }
}

/// The operation that computes an address in FS or GS, or a 16-bit one.
fn address_before(instruction: &Instruction, length: u8) -> Option<Op> {
    let has_memory = (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory);
    if !has_memory {
        return None;
    }
    let segment = match instruction.memory_segment() {
        _ if matches!(instruction.mnemonic(), Mnemonic::Lea | Mnemonic::Invlpg) => 0xff,
        Register::FS => SegmentRegister::Fs as u8,
        Register::GS => SegmentRegister::Gs as u8,
        _ => 0xff,
    };
    let (base, index) = (instruction.memory_base(), instruction.memory_index());
    let is_16_bit = match (base, index) {
        (Register::None, Register::None) => instruction.memory_displ_size() == 2,
        (Register::None, index) => index.size() == 2,
        (base, _) => base.size() == 2,
    };
    if segment == 0xff && !is_16_bit {
        return None;
    }
    let bytes = instruction.memory_size().size().min(255) as u8;
    let mut op = Op { length, a: segment, b: bytes, ..Op::new(linear) };
    set_address(&mut op, instruction);
    op.scale |= u8::from(is_16_bit) << 4;
    Some(op)
}
