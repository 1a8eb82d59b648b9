//! ARM64: `.pdata` packed and with full `.xdata`, then the chain of frame pointers, and at last a search.
//!
//! "ARM64 exception handling" of Microsoft's documentation. A `RUNTIME_FUNCTION` has the begin and either the address
//! of an `.xdata` record (flag 0) or the whole description packed into 30 bits (flags 1 and 2). Both describe the
//! prologue instruction by instruction ([`code::Code`]); a function without an entry is a leaf, whose return address is
//! in `lr`.

mod code;
mod packed;
mod xdata;

use super::{
    cfi,
    frame::{FoundBy, ReturnCheck, StackEnd, Trust},
    register_file::{
        RegisterFile,
        arm64_number::{FP, LR, X19},
    },
    step::{Attempt, Caller, Cursor, Method, frame_pointer, scan},
    surroundings::{Directory, Surroundings},
};
use code::{Code, Undone};
use vatlas_space::{Rva, Va};

/// Best first.
pub(super) const METHODS: [Method; 5] = [unwind_data, jump_to_bad_address, cfi, chain, search];

/// Bytes of a `RUNTIME_FUNCTION`.
const ENTRY: u32 = 8;
/// Addresses have 48 bits; above them a return address may carry a signature.
const SIGNATURE: u64 = 0xffff << 48;

/// The codes of a function that are still to be undone at some instruction.
struct Description {
    codes: Vec<Code>,
}

fn unwind_data(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let Some((module, rva)) = around.module_at(cursor.lookup_va()) else { return Attempt::NotHere };
    let base = module.range.first();
    let directory = around.exception_directory(module);
    let Some((directory, found)) = directory.and_then(|table| Some((table, find(around, base, table, rva)?))) else {
        around.has_no_unwind_data(module);
        return Attempt::NotHere;
    };
    let Some((begin, word)) = found else { return leaf(cursor, directory) };
    // Of a frame that called somebody the instruction behind the call counts: it has not run, the call has.
    let pc = cursor.registers.pc.offset_from(base).and_then(|rva| u32::try_from(rva).ok());
    let Some(offset) = pc.and_then(|pc| pc.checked_sub(begin)) else { return Attempt::NotHere };
    let description = match word & 3 {
        0 => xdata::description(around, base, word, offset, cursor.is_exact_pc),
        1 | 2 => packed::description(word, offset, cursor.is_exact_pc),
        _ => None,
    };
    match description {
        Some(Within::Function(description)) => undo(around, cursor, &description),
        Some(Within::Gap) => leaf(cursor, directory),
        None => {
            around.has_no_unwind_data(module);
            Attempt::NotHere
        }
    }
}

/// Whether an address belongs to the function whose entry begins last before it.
enum Within {
    Function(Description),
    Gap,
}

/// Cuts the codes of a prologue, which are in the order of undoing, to those whose instructions have run.
fn executed_of_prologue(codes: Vec<Code>, offset: u32) -> Vec<Code> {
    let instructions = codes.iter().filter(|code| code.is_instruction()).count();
    let skipped = instructions.saturating_sub(usize::try_from(offset / 4).unwrap_or(usize::MAX));
    codes.into_iter().skip(skipped).collect()
}

fn undo(around: &Surroundings, cursor: &Cursor, description: &Description) -> Attempt {
    let mut registers = cursor.registers.clone();
    let mut lr_place = None;
    let mut interrupted = None;
    for code in &description.codes {
        match code.undo(around, &mut registers, &mut lr_place) {
            Ok(Undone::Next) => {}
            Ok(Undone::Interrupted { pc, place }) => {
                interrupted = Some((pc, place));
                break;
            }
            Err(code::Fault::Stack(va)) => return Attempt::End(StackEnd::NotCaptured(va)),
            Err(code::Fault::Data) => return Attempt::NotHere,
        }
    }
    if let Some((pc, place)) = interrupted {
        registers.pc = pc;
        keep_preserved(&mut registers);
        let caller = Caller::new(registers, FoundBy::UnwindData, Trust::Exact, Some(place));
        return Attempt::Caller(Box::new(Caller { is_interrupted: true, ..caller }));
    }
    // A frame that called somebody has overwritten `lr`; without a saved one the description is wrong.
    if lr_place.is_none() && !cursor.is_exact_pc {
        return Attempt::NotHere;
    }
    Attempt::from(return_to_lr(registers, FoundBy::UnwindData, lr_place))
}

/// A function without an entry calls nobody. An image without any table at all was not made by a compiler that keeps
/// the rule.
fn leaf(cursor: &Cursor, (_, size): Directory) -> Attempt {
    if !cursor.is_exact_pc {
        return Attempt::NotHere;
    }
    let caller = return_to_lr(cursor.registers.clone(), FoundBy::LeafReturn, None);
    Attempt::from(caller.map(|caller| match size {
        0 => Caller { trust: Trust::Likely, is_told: false, ..caller },
        _ => caller,
    }))
}

/// A call of an address where no code is: `lr` is behind the call.
fn jump_to_bad_address(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let registers = &cursor.registers;
    if !cursor.is_exact_pc || around.check_return(registers.machine, registers.pc) != ReturnCheck::NotCode {
        return Attempt::NotHere;
    }
    let caller = return_to_lr(registers.clone(), FoundBy::LeafReturn, None);
    Attempt::from(caller.map(|caller| Caller { trust: Trust::Likely, is_told: false, ..caller }))
}

fn return_to_lr(mut registers: RegisterFile, found_by: FoundBy, place: Option<Va>) -> Option<Caller> {
    registers.pc = unsigned(registers.get(LR)?);
    keep_preserved(&mut registers);
    Some(Caller { is_told: true, ..Caller::new(registers, found_by, Trust::Exact, place) })
}

fn keep_preserved(registers: &mut RegisterFile) {
    registers.keep(|number| (X19..=FP).contains(&number));
}

/// A return address without the signature of pointer authentication.
fn unsigned(value: u64) -> Va {
    // User addresses have zeros there.
    Va(if value & SIGNATURE == SIGNATURE { value } else { value & !SIGNATURE })
}

/// The last entry of a function table that begins at or below an address; outer `None` when it cannot be read.
fn find(around: &Surroundings, base: Va, (table, size): Directory, rva: Rva) -> Option<Option<(u32, u32)>> {
    let field = |number: u32, field: u64| {
        let at = u64::from(table.0) + u64::from(number) * u64::from(ENTRY) + field;
        around.u32(base.checked_add(at)?)
    };
    let (mut low, mut high) = (0, size / ENTRY);
    while low < high {
        let middle = low + (high - low) / 2;
        if field(middle, 0)? <= rva.0 {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    match low.checked_sub(1) {
        Some(number) => Some(Some((field(number, 0)?, field(number, 4)?))),
        None => Some(None),
    }
}

fn cfi(around: &Surroundings, cursor: &Cursor) -> Attempt {
    cfi::caller(around, cursor, |number| (X19..=FP).contains(&number))
}

/// `[x29]` is the caller's `x29`, the return address is above it.
fn chain(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let is_chain = cursor.found_by == FoundBy::FramePointer;
    if is_chain && cursor.registers.get(FP) == Some(0) {
        return Attempt::End(StackEnd::FramePointerZero);
    }
    let caller = frame_pointer(around, cursor, FP);
    Attempt::from(caller.map(|mut caller| {
        caller.registers.pc = unsigned(caller.registers.pc.0);
        caller
    }))
}

fn search(around: &Surroundings, cursor: &Cursor) -> Attempt {
    scan(around, cursor, cursor.registers.sp(), FP)
}
