//! Callers of x86 and x64 functions, read in the code that builds and takes down their frames.
//!
//! ```text
//! push ebp                 saves ebp one word below the return address
//! mov ebp, esp             from now on ebp leads there, whatever happens to esp
//! sub esp, 20h
//! push esi
//! ...                      the body: pushes and calls of its own, not followed
//! pop esi ; leave ; ret    run from here: the return address is where ret finds it
//! ```

mod epilogue;
mod sweep;

use super::{
    register_file::x86_number,
    step::{Attempt, Cursor},
    surroundings::Surroundings,
};
use epilogue::run_to_return;
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use sweep::Sweep;
use vatlas_space::{Machine, Va};

/// The caller of a frame that is not built yet, or is taken down already: exact, because every instruction between
/// `pc` and the end, or between the beginning and `pc`, was followed.
pub(super) fn in_transition(around: &Surroundings, cursor: &Cursor) -> Attempt {
    Attempt::from(run_to_return(around, cursor).or_else(|| {
        let start = around.function_start(cursor.lookup_va()).filter(|_| cursor.is_exact_pc)?;
        Sweep::to(around, cursor, start)?.caller_of_prologue()
    }))
}

/// The caller of a frame whose prologue was read, from somewhere in its body.
pub(super) fn in_body(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let caller = || {
        let start = around.function_start(cursor.lookup_va())?;
        Sweep::to(around, cursor, start)?.caller_of_body()
    };
    Attempt::from(caller())
}

fn decoder<'b>(machine: Machine, bytes: &'b [u8], ip: Va) -> Decoder<'b> {
    Decoder::with_ip(if machine == Machine::X86 { 32 } else { 64 }, bytes, ip.0, DecoderOptions::NONE)
}

fn is_sp(register: Register) -> bool {
    matches!(register, Register::ESP | Register::RSP)
}

fn is_bp(register: Register) -> bool {
    matches!(register, Register::EBP | Register::RBP)
}

/// Whether a register is one that calls preserve, of full size.
fn is_preserved(register: Register) -> bool {
    use x86_number::{BP, BX, DI, R12, SI};
    let number = register.number();
    register.is_gpr() && register.size() >= 4 && (matches!(number, BX | BP | SI | DI) || number >= R12)
}

/// Whether an instruction only computes something in a register that calls do not preserve.
fn is_without_effect(instruction: &Instruction) -> bool {
    let first = || instruction.op_kind(0) == OpKind::Register && instruction.op0_register().is_gpr();
    match instruction.mnemonic() {
        Mnemonic::Nop | Mnemonic::Test | Mnemonic::Cmp | Mnemonic::Endbr64 | Mnemonic::Endbr32 => true,
        Mnemonic::Mov if first() && instruction.op_kind(1) == OpKind::Register => {
            // `mov edi, edi` makes room for a patch.
            instruction.op0_register() == instruction.op1_register() || is_volatile(instruction.op0_register())
        }
        Mnemonic::Mov | Mnemonic::Lea | Mnemonic::Xor | Mnemonic::Movzx | Mnemonic::Or if first() => {
            is_volatile(instruction.op0_register())
        }
        _ => false,
    }
}

fn is_volatile(register: Register) -> bool {
    let full = register.full_register();
    !is_preserved(full) && !is_sp(full)
}

/// Whether calls preserve the register of this number, on Windows.
pub(super) fn is_kept(machine: Machine, number: usize) -> bool {
    use x86_number::{BP, BX, DI, R12, SI};
    matches!(number, BX | BP | SI | DI) || machine == Machine::X64 && number >= R12
}

fn is_register(instruction: &Instruction, operand: u32, is_it: impl Fn(Register) -> bool) -> bool {
    instruction.op_count() > operand
        && instruction.op_kind(operand) == OpKind::Register
        && is_it(instruction.op_register(operand))
}

fn is_immediate(instruction: &Instruction) -> bool {
    matches!(
        instruction.op_kind(1),
        OpKind::Immediate8
            | OpKind::Immediate32
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32to64
    )
}

/// The displacement of a memory operand with its sign.
fn displacement(instruction: &Instruction) -> i64 {
    match instruction.memory_displ_size() {
        8 => instruction.memory_displacement64() as i64,
        _ => i64::from(instruction.memory_displacement64() as u32 as i32),
    }
}
