//! The effect of one x86 instruction on what is known, and where it leads.

use super::state::{State, Value};
use crate::stack::register_file::x86_number::{AX, BP, SP};
use iced_x86::{
    FlowControl, Instruction, InstructionInfoFactory, InstructionInfoOptions, Mnemonic, OpAccess, OpKind, Register,
};

/// Numbers of `ecx` and `edx`, which calls do not preserve either.
const CX: usize = 1;
const DX: usize = 2;

/// Where an instruction leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    /// To the next one.
    Next,
    /// To an address.
    Jump(u32),
    /// To an address or to the next one.
    Branch(u32),
    /// To a function, where known, and back.
    Call(Option<u32>),
    /// To where a word of a table leads, which begins at an address.
    Table(u32),
    /// To the return address on top of the stack, of which and of so many bytes more the stack is rid then.
    Return(u32),
    /// Nobody knows, or nowhere.
    End,
}

/// Reads the words that were in memory when the way began.
pub(super) type Memory<'m> = dyn Fn(u32) -> Option<u32> + 'm;

/// Follows an instruction. A call leaves the stack as it was before it.
pub(super) fn apply(state: &mut State, instruction: &Instruction, memory: &Memory) -> Flow {
    let here = instruction.near_branch_target() as u32;
    match instruction.flow_control() {
        FlowControl::Next => straight(state, instruction, memory),
        FlowControl::UnconditionalBranch => return Flow::Jump(here),
        FlowControl::ConditionalBranch => return Flow::Branch(here),
        FlowControl::Call if instruction.mnemonic() == Mnemonic::Sysenter => {}
        FlowControl::Call => return Flow::Call(Some(here)),
        FlowControl::IndirectCall => return Flow::Call(target(state, instruction, memory)),
        FlowControl::IndirectBranch => return jump(state, instruction, memory),
        FlowControl::Return => return Flow::Return(popped(instruction)),
        FlowControl::Interrupt if instruction.mnemonic() == Mnemonic::Int3 => return Flow::End,
        FlowControl::Interrupt => forget_results(state),
        FlowControl::XbeginXabortXend | FlowControl::Exception => return Flow::End,
    }
    Flow::Next
}

fn popped(instruction: &Instruction) -> u32 {
    if instruction.op_count() == 0 { 0 } else { instruction.immediate16().into() }
}

/// The registers that calls do not preserve.
pub(super) fn forget_results(state: &mut State) {
    for register in [AX, CX, DX] {
        state.set(register, Value::Unknown);
    }
}

fn jump(state: &State, instruction: &Instruction, memory: &Memory) -> Flow {
    let is_table = instruction.op_kind(0) == OpKind::Memory
        && instruction.memory_index() != Register::None
        && instruction.memory_index_scale() == 4
        && instruction.memory_base() == Register::None;
    if is_table {
        return Flow::Table(instruction.memory_displacement32());
    }
    target(state, instruction, memory).map_or(Flow::End, Flow::Jump)
}

/// Where a jump or call through a register or a word leads.
fn target(state: &State, instruction: &Instruction, memory: &Memory) -> Option<u32> {
    match instruction.op_kind(0) {
        OpKind::Register => full(instruction.op0_register()).and_then(|number| state.get(number).number()),
        OpKind::Memory => load(state, instruction, memory).number(),
        _ => None,
    }
}

/// The number of a general register of full size.
fn full(register: Register) -> Option<usize> {
    register.is_gpr32().then(|| register.number())
}

/// The address of a memory operand.
fn address(state: &State, instruction: &Instruction) -> Option<u32> {
    if matches!(instruction.memory_segment(), Register::FS | Register::GS) {
        return None;
    }
    let register = |register: Register| match register {
        Register::None => Some(0),
        register => state.get(full(register)?).number(),
    };
    let index = register(instruction.memory_index())?.wrapping_mul(instruction.memory_index_scale());
    Some(register(instruction.memory_base())?.wrapping_add(index).wrapping_add(instruction.memory_displacement32()))
}

fn load(state: &State, instruction: &Instruction, memory: &Memory) -> Value {
    let Some(address) = address(state, instruction) else { return Value::Unknown };
    word(state, address, memory)
}

/// The word at an address: as it was stored on the way, else as it was before.
pub(super) fn word(state: &State, address: u32, memory: &Memory) -> Value {
    state.stored(address).unwrap_or_else(|| memory(address).map_or(Value::Unknown, Value::Number))
}

/// The value of an operand of 32 bits.
fn operand(state: &State, instruction: &Instruction, number: u32, memory: &Memory) -> Value {
    match instruction.op_kind(number) {
        OpKind::Register => full(instruction.op_register(number)).map_or(Value::Unknown, |number| state.get(number)),
        OpKind::Memory if instruction.memory_size().size() == 4 => load(state, instruction, memory),
        OpKind::Immediate8 | OpKind::Immediate32 | OpKind::Immediate8to32 => {
            Value::Number(instruction.immediate(number) as u32)
        }
        _ => Value::Unknown,
    }
}

/// Puts a value where the first operand is.
fn put(state: &mut State, instruction: &Instruction, value: Value) {
    match instruction.op_kind(0) {
        OpKind::Register => {
            if let Some(number) = full(instruction.op0_register()) {
                state.set(number, value);
            }
        }
        OpKind::Memory => {
            if let Some(address) = address(state, instruction) {
                state.store(address, value);
            }
        }
        _ => {}
    }
}

/// An instruction that goes on to the next one.
fn straight(state: &mut State, instruction: &Instruction, memory: &Memory) {
    let is_word = match instruction.op_kind(0) {
        OpKind::Register => instruction.op0_register().is_gpr32(),
        OpKind::Memory => instruction.memory_size().size() == 4,
        _ => true,
    };
    match instruction.mnemonic() {
        Mnemonic::Push if instruction.stack_pointer_increment() == -4 => push(state, instruction, memory),
        Mnemonic::Pop if instruction.op_kind(0) == OpKind::Register && is_word => pop(state, instruction, memory),
        Mnemonic::Leave => leave(state, memory),
        Mnemonic::Mov if is_word => {
            let value = operand(state, instruction, 1, memory);
            put(state, instruction, value);
        }
        Mnemonic::Lea if is_word => {
            let value = address(state, instruction).map_or(Value::Unknown, Value::Number);
            put(state, instruction, value);
        }
        Mnemonic::Xchg if is_word => exchange(state, instruction, memory),
        Mnemonic::Cmp => compare(state, instruction),
        Mnemonic::Test | Mnemonic::Nop => {}
        Mnemonic::Add | Mnemonic::Sub | Mnemonic::And | Mnemonic::Or | Mnemonic::Xor if is_word => {
            compute(state, instruction, memory);
        }
        _ => other(state, instruction),
    }
}

fn push(state: &mut State, instruction: &Instruction, memory: &Memory) {
    let value = operand(state, instruction, 0, memory);
    state.add_sp(4u32.wrapping_neg());
    state.pushed = state.pushed.saturating_add(4);
    if let Some(sp) = state.sp() {
        state.store(sp, value);
    }
}

fn pop(state: &mut State, instruction: &Instruction, memory: &Memory) {
    let value = state.sp().map_or(Value::Unknown, |sp| word(state, sp, memory));
    state.add_sp(4);
    put(state, instruction, value);
    state.pushed = state.pushed.saturating_sub(4);
}

fn leave(state: &mut State, memory: &Memory) {
    state.set(SP, state.get(BP));
    let value = state.sp().map_or(Value::Unknown, |sp| word(state, sp, memory));
    state.set(BP, value);
    state.add_sp(4);
}

fn exchange(state: &mut State, instruction: &Instruction, memory: &Memory) {
    let (first, second) = (operand(state, instruction, 0, memory), operand(state, instruction, 1, memory));
    put(state, instruction, second);
    if let Some(number) = full(instruction.op_register(1)) {
        state.set(number, first);
    }
}

/// `cmp reg, n` before `ja`: a table of jumps has n + 1 words.
fn compare(state: &mut State, instruction: &Instruction) {
    let is_number = matches!(instruction.op_kind(1), OpKind::Immediate8 | OpKind::Immediate32 | OpKind::Immediate8to32);
    state.compared = is_number.then(|| instruction.immediate(1) as u32);
}

fn compute(state: &mut State, instruction: &Instruction, memory: &Memory) {
    let (first, second) = (operand(state, instruction, 0, memory), operand(state, instruction, 1, memory));
    let is_same = instruction.op_kind(0) == OpKind::Register
        && instruction.op_kind(1) == OpKind::Register
        && instruction.op0_register() == instruction.op_register(1);
    let value = match (instruction.mnemonic(), first.number(), second.number()) {
        (Mnemonic::Xor | Mnemonic::Sub, ..) if is_same => Value::Number(0),
        (Mnemonic::Add, Some(first), Some(second)) => Value::Number(first.wrapping_add(second)),
        (Mnemonic::Sub, Some(first), Some(second)) => Value::Number(first.wrapping_sub(second)),
        (Mnemonic::And, Some(first), Some(second)) => Value::Number(first & second),
        (Mnemonic::Or, Some(first), Some(second)) => Value::Number(first | second),
        (Mnemonic::Xor, Some(first), Some(second)) => Value::Number(first ^ second),
        // Touches a page of the stack: `or dword ptr [esp], 0`.
        (Mnemonic::Or, _, Some(0)) => first,
        _ => Value::Unknown,
    };
    put(state, instruction, value);
    if instruction.op0_register() == Register::ESP {
        state.pushed = 0;
    }
}

/// Any other instruction: what it writes is not known afterwards.
fn other(state: &mut State, instruction: &Instruction) {
    let is_write = |access: OpAccess| {
        matches!(access, OpAccess::Write | OpAccess::ReadWrite | OpAccess::CondWrite | OpAccess::ReadCondWrite)
    };
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info_options(instruction, InstructionInfoOptions::NONE);
    let sp = state.get(SP).map(|sp| sp.wrapping_add_signed(instruction.stack_pointer_increment()));
    let hit = address(state, instruction).filter(|_| info.used_memory().iter().any(|memory| is_write(memory.access())));
    for used in info.used_registers().iter().filter(|used| is_write(used.access())) {
        let register = used.register().full_register32();
        if let Some(number) = full(register) {
            state.set(number, Value::Unknown);
        }
    }
    if let Some(address) = hit {
        let words = (instruction.memory_size().size() as u32).div_ceil(4).max(1);
        (0..words).for_each(|word| state.store(address.wrapping_add(4 * word), Value::Unknown));
    }
    if instruction.is_stack_instruction() {
        state.set(SP, sp);
    }
}
