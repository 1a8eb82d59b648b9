//! The rest of an epilogue, run instruction by instruction to its return.

use super::{decoder, displacement, is_bp, is_immediate, is_kept, is_register, is_sp, is_without_effect};
use crate::stack::{
    frame::{FoundBy, Trust},
    register_file::{RegisterFile, x86_number},
    step::{Caller, Cursor},
    surroundings::Surroundings,
};
use iced_x86::{Instruction, Mnemonic, OpKind, Register};
use vatlas_space::{Machine, Va};

/// Bytes of an epilogue that are run.
const EPILOGUE: usize = 64;

/// Runs straight on to a return; `None` when anything else than taking down a frame comes first.
pub(super) fn run_to_return(around: &Surroundings, cursor: &Cursor) -> Option<Caller> {
    let machine = cursor.registers.machine;
    let word = cursor.registers.width().bytes() as u64;
    let mut after = cursor.registers.clone();
    if !cursor.is_exact_pc {
        // What a 32-bit function took off the stack when it returned must be known.
        let popped = if machine == Machine::X64 { 0 } else { cursor.callee_popped? };
        after.set_sp(after.sp().checked_add(popped.into())?);
    }
    let mut bytes = [0; EPILOGUE];
    let count = around.space().read_available(after.pc, &mut bytes);
    let mut is_first = true;
    for instruction in decoder(machine, &bytes[..count], cursor.registers.pc) {
        if instruction.mnemonic() == Mnemonic::Ret {
            let place = after.sp();
            after.pc = around.pointer(place, after.width())?;
            after.set_sp(place.checked_add(word)?);
            after.keep(|number| is_kept(machine, number));
            let mut caller = Caller::new(after, FoundBy::Prologue, Trust::Exact, Some(place));
            let popped = if instruction.op_count() == 0 { 0 } else { u32::from(instruction.immediate16()) };
            caller.popped = Some(popped);
            caller.parameters = Some(popped).filter(|popped| *popped != 0);
            // Code that faults on its way may never have meant to return from here.
            caller.is_told = is_first || !cursor.is_exact_pc;
            return Some(caller);
        }
        take_down(around, &mut after, &instruction)?;
        is_first = false;
    }
    None
}

/// The effect of an instruction of an epilogue; `None` for any other.
fn take_down(around: &Surroundings, registers: &mut RegisterFile, instruction: &Instruction) -> Option<()> {
    let word = registers.width().bytes() as u64;
    let read = |va: Va| around.pointer(va, registers.width()).map(|value| value.0);
    let (sp, bp) = (registers.sp(), registers.get(x86_number::BP).map(Va));
    match instruction.mnemonic() {
        Mnemonic::Pop if instruction.op_kind(0) == OpKind::Register => {
            let register = instruction.op0_register();
            if is_sp(register) || register.size() as u64 != word {
                return None;
            }
            let value = read(sp)?;
            registers.set(register.number(), Some(value));
            registers.set_sp(sp.checked_add(word)?);
        }
        Mnemonic::Leave => {
            let value = read(bp?)?;
            registers.set(x86_number::BP, Some(value));
            registers.set_sp(bp?.checked_add(word)?);
        }
        Mnemonic::Add if is_register(instruction, 0, is_sp) && is_immediate(instruction) => {
            registers.set_sp(Va(sp.0.checked_add_signed(instruction.immediate(1) as i64)?));
        }
        Mnemonic::Mov if is_register(instruction, 0, is_sp) && is_register(instruction, 1, is_bp) => {
            registers.set_sp(bp?);
        }
        Mnemonic::Lea if is_register(instruction, 0, is_sp) => {
            let base = if is_bp(instruction.memory_base()) { bp? } else { sp };
            if instruction.memory_index() != Register::None
                || !(is_bp(instruction.memory_base()) || is_sp(instruction.memory_base()))
            {
                return None;
            }
            registers.set_sp(Va(base.0.checked_add_signed(displacement(instruction))?));
        }
        _ if is_without_effect(instruction) => {}
        _ => return None,
    }
    Some(())
}
