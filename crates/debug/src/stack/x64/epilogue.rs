//! Epilogues of x64: recognized in the code, because version 1 of the unwind data does not describe them.
//!
//! "Epilog code": `add rsp, n` or `lea rsp, [frame register + n]`, then pops of 8 bytes, then `ret` or a jump that
//! leaves the function. An exception that stops inside one finds part of the frame gone.

use super::{
    RuntimeFunction, find,
    unwind_info::{Fault, Unwound, forget_volatile, is_chained},
};
use crate::stack::{register_file::RegisterFile, surroundings::Surroundings};
use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};
use vatlas_space::{Rva, Va};

/// Bytes that hold any epilogue: sixteen pops, an addition, a jump.
const LONGEST: usize = 64;

/// Runs the rest of an epilogue from `pc`; `None` when the instructions there are none.
pub(super) fn unwind(
    around: &Surroundings,
    registers: &RegisterFile,
    base: Va,
    entry: RuntimeFunction,
    frame: Option<(usize, u64)>,
) -> Result<Option<Unwound>, Fault> {
    let mut bytes = [0; LONGEST];
    let count = around.space().read_available(registers.pc, &mut bytes);
    let decoder = Decoder::with_ip(64, &bytes[..count], registers.pc.0, DecoderOptions::NONE);
    let mut after = registers.clone();
    let mut restored = Vec::new();
    for (number, instruction) in decoder.into_iter().enumerate() {
        if number == 0
            && let Some(sp) = set_stack_pointer(&instruction, &after, frame)
        {
            after.set_sp(sp);
        } else if let Some(register) = popped(&instruction) {
            restored.push((register, after.sp()));
            let Some(sp) = after.sp().checked_add(8) else { return Ok(None) };
            after.set_sp(sp);
        } else if is_return(&instruction) || is_tail_call(around, &instruction, base, entry) {
            return finish(around, after, &restored).map(Some);
        } else {
            return Ok(None);
        }
    }
    Ok(None)
}

fn finish(around: &Surroundings, mut after: RegisterFile, restored: &[(usize, Va)]) -> Result<Unwound, Fault> {
    let read = |va: Va| around.pointer(va, after.width()).ok_or(Fault::Stack(va));
    let place = after.sp();
    let pc = read(place)?;
    let values: Result<Vec<_>, Fault> = restored.iter().map(|(register, va)| Ok((*register, read(*va)?.0))).collect();
    for (register, value) in values? {
        after.set(register, Some(value));
    }
    after.pc = pc;
    after.set_sp(place.checked_add(8).ok_or(Fault::Data)?);
    forget_volatile(&mut after);
    Ok(Unwound { registers: after, place, is_interrupted: false })
}

/// `add rsp, n`, `lea rsp, [frame register + n]`: the new stack pointer.
fn set_stack_pointer(instruction: &Instruction, registers: &RegisterFile, frame: Option<(usize, u64)>) -> Option<Va> {
    if instruction.op_count() == 0
        || instruction.op_kind(0) != OpKind::Register
        || instruction.op0_register() != Register::RSP
    {
        return None;
    }
    match instruction.code() {
        Code::Add_rm64_imm8 | Code::Add_rm64_imm32 => registers.sp().checked_add(instruction.immediate(1)),
        Code::Lea_r64_m => {
            let (frame, _) = frame?;
            let is_frame = instruction.memory_index() == Register::None
                && instruction.memory_base().is_gpr64()
                && instruction.memory_base().number() == frame;
            is_frame
                .then(|| registers.get(frame))
                .flatten()
                .map(|value| Va(value.wrapping_add(instruction.memory_displacement64())))
        }
        _ => None,
    }
}

/// The register of a pop of 8 bytes, never the stack pointer.
fn popped(instruction: &Instruction) -> Option<usize> {
    (instruction.code() == Code::Pop_r64 && instruction.op0_register() != Register::RSP)
        .then(|| instruction.op0_register().number())
}

fn is_return(instruction: &Instruction) -> bool {
    matches!(instruction.mnemonic(), Mnemonic::Ret)
}

/// Whether a jump leaves the function for good. One to a piece of the same function, or into the middle of another, is
/// none.
fn is_tail_call(around: &Surroundings, instruction: &Instruction, base: Va, entry: RuntimeFunction) -> bool {
    match instruction.flow_control() {
        FlowControl::IndirectBranch => {
            // `jmp [rip + n]` to an import, or `rex.w jmp rax`: the form that the documentation demands.
            instruction.is_ip_rel_memory_operand()
                || (instruction.op_kind(0) == OpKind::Register && instruction.len() == 3)
        }
        FlowControl::UnconditionalBranch => {
            let target = Va(instruction.near_branch_target()).offset_from(base).and_then(|rva| u32::try_from(rva).ok());
            let Some(target) = target else { return true };
            let is_own = (entry.begin..entry.end).contains(&target);
            !is_own && !is_chained(around, base, entry) && is_function_start(around, base, Rva(target))
        }
        _ => false,
    }
}

fn is_function_start(around: &Surroundings, base: Va, target: Rva) -> bool {
    let Some(va) = base.checked_add(target.0.into()) else { return false };
    let directory = around.module_at(va).and_then(|(module, _)| around.exception_directory(module));
    match directory.map(|directory| find(around, base, directory, target)) {
        Some(Ok(Some(entry))) => entry.begin == target.0 && !is_chained(around, base, entry),
        // A leaf has no entry.
        _ => true,
    }
}
