//! Unwind data of Windows on ARM: "ARM exception handling" of Microsoft's documentation. A `RUNTIME_FUNCTION` has the
//! begin and either the address of an `.xdata` record (flag 0) or the whole description packed into 30 bits (1 and 2).
//! Both describe prologue and epilogues instruction by instruction (`unwind_code.rs`); a function without an entry is a leaf.

use super::{
    is_kept, packed,
    unwind_code::{Fault, Instruction},
    xdata,
};
use crate::stack::{
    frame::{FoundBy, StackEnd, Trust},
    register_file::{RegisterFile, arm_number::LR},
    step::{Attempt, Caller, Cursor},
    surroundings::{Directory, Surroundings},
};
use vatlas_space::{Rva, Va};

/// Bytes of a `RUNTIME_FUNCTION`.
const ENTRY: u32 = 8;

/// Whether an address belongs to the function whose entry begins last before it.
pub(super) enum Within {
    /// The instructions that are still to be undone there, in the order of undoing.
    Function(Vec<Instruction>),
    /// Behind it.
    Gap,
}

pub(super) fn unwind_data(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let Some((module, rva)) = around.module_at(cursor.lookup_va()) else { return Attempt::NotHere };
    // An image without any table was not made by a compiler that keeps the rule of leaves.
    let directory = around.arm_nt_directory(module).filter(|(_, size)| *size != 0);
    let Some(directory) = directory else { return Attempt::NotHere };
    let base = module.range.first();
    let Some(found) = find(around, base, directory, rva) else {
        around.has_no_unwind_data(module);
        return Attempt::NotHere;
    };
    let Some((begin, word)) = found else { return leaf(cursor) };
    // Of a frame that called somebody the instruction behind the call counts: it has not run, the call has.
    let pc = cursor.registers.pc.offset_from(base).and_then(|rva| u32::try_from(rva).ok());
    let Some(offset) = pc.and_then(|pc| pc.checked_sub(begin)) else { return Attempt::NotHere };
    let within = match word & 3 {
        0 => xdata::at(around, base, word, offset, cursor.is_exact_pc),
        1 | 2 => packed::at(word, offset, cursor.is_exact_pc),
        _ => None,
    };
    match within {
        Some(Within::Function(instructions)) => undo(around, cursor, &instructions),
        Some(Within::Gap) => leaf(cursor),
        None => {
            around.has_no_unwind_data(module);
            Attempt::NotHere
        }
    }
}

/// The last entry of a function table that begins at or below an address; outer `None` when it cannot be read.
fn find(around: &Surroundings, base: Va, (table, size): Directory, rva: Rva) -> Option<Option<(u32, u32)>> {
    let field = |number: u32, field: u64| {
        let at = u64::from(table.0) + u64::from(number) * u64::from(ENTRY) + field;
        around.u32(base.checked_add(at)?)
    };
    // Bit 0 of the address says "Thumb".
    let begin = |number: u32| field(number, 0).map(|begin| begin & !1);
    let (mut low, mut high) = (0, size / ENTRY);
    while low < high {
        let middle = low + (high - low) / 2;
        if begin(middle)? <= rva.0 {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    match low.checked_sub(1) {
        Some(number) => Some(Some((begin(number)?, field(number, 4)?))),
        None => Some(None),
    }
}

fn undo(around: &Surroundings, cursor: &Cursor, instructions: &[Instruction]) -> Attempt {
    let mut registers = cursor.registers.clone();
    let mut lr_place = None;
    for instruction in instructions {
        match instruction.undo(around, &mut registers, &mut lr_place) {
            Ok(()) => {}
            Err(Fault::Stack(va)) => return Attempt::End(StackEnd::NotCaptured(va)),
            Err(Fault::Data) => return Attempt::NotHere,
        }
    }
    // A frame that called somebody has overwritten `lr`; without a saved one the description is wrong.
    if lr_place.is_none() && !cursor.is_exact_pc {
        return Attempt::NotHere;
    }
    Attempt::from(return_to_lr(registers, FoundBy::UnwindData, lr_place))
}

/// A function without an entry calls nobody.
fn leaf(cursor: &Cursor) -> Attempt {
    if !cursor.is_exact_pc {
        return Attempt::NotHere;
    }
    Attempt::from(return_to_lr(cursor.registers.clone(), FoundBy::LeafReturn, None))
}

fn return_to_lr(mut registers: RegisterFile, found_by: FoundBy, place: Option<Va>) -> Option<Caller> {
    registers.set_target(registers.get(LR)?);
    registers.keep(is_kept);
    Some(Caller { is_told: true, ..Caller::new(registers, found_by, Trust::Exact, place) })
}

/// Instructions of a prologue in the order of undoing, cut to those that have run `offset` bytes from its beginning.
pub(super) fn executed(instructions: Vec<Instruction>, offset: u32) -> Vec<Instruction> {
    let mut end: u32 = instructions.iter().map(|instruction| instruction.size).sum();
    let mut rest = Vec::new();
    for instruction in instructions {
        if end <= offset {
            rest.push(instruction);
        }
        end -= instruction.size;
    }
    rest
}

/// Instructions of an epilogue that have not run `done` bytes from its beginning; `None` when it has ended before.
/// `last` bytes stand for the return, which is undone by nothing.
pub(super) fn remaining(instructions: Vec<Instruction>, last: u32, done: u32) -> Option<Vec<Instruction>> {
    let size: u32 = instructions.iter().map(|instruction| instruction.size).sum();
    if done >= size + last {
        return None;
    }
    let mut begin = 0;
    let mut rest = Vec::new();
    for instruction in instructions {
        if begin >= done {
            rest.push(instruction);
        }
        begin += instruction.size;
    }
    Some(rest)
}
