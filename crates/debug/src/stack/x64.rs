//! x64: `.pdata`, then CFI, then what the code and the stack tell.
//!
//! "x64 exception handling" of Microsoft's documentation: every function that calls or saves has a `RUNTIME_FUNCTION`
//! (begin, end, unwind information); one without is a leaf, whose return address is on top of the stack.

mod epilogue;
mod unwind_info;

use super::{
    cfi,
    frame::{FoundBy, ReturnCheck, StackEnd, Trust},
    instructions::{in_body, in_transition, is_kept},
    register_file::x86_number::{BP, DI, SI},
    step::{Attempt, Caller, Cursor, Method, frame_pointer, leaf_of_bad_jump, pop_return_address, scan},
    surroundings::{Directory, Surroundings},
};
use unwind_info::{Fault, Unwound};
use vatlas_space::{Machine, Module, Rva, Va};

/// Best first.
pub(super) const METHODS: [Method; 7] = [unwind_data, leaf_of_bad_jump, cfi, in_transition, in_body, chain, search];

/// Bytes of a `RUNTIME_FUNCTION`.
const ENTRY: u32 = 12;

/// A `RUNTIME_FUNCTION`: addresses relative to the image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct RuntimeFunction {
    begin: u32,
    end: u32,
    unwind: u32,
}

fn unwind_data(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let Some((module, rva)) = around.module_at(cursor.lookup_va()) else { return Attempt::NotHere };
    let Some(directory) = around.exception_directory(module) else {
        around.has_no_unwind_data(module);
        return Attempt::NotHere;
    };
    let entry = match find(around, module.range.first(), directory, rva) {
        Ok(Some(entry)) => entry,
        Ok(None) => return leaf(around, cursor, directory),
        Err(Unreadable) => {
            around.has_no_unwind_data(module);
            return Attempt::NotHere;
        }
    };
    match unwind_function(around, cursor, module, entry) {
        Ok(unwound) => Attempt::Caller(Box::new(Caller {
            is_interrupted: unwound.is_interrupted,
            ..Caller::new(unwound.registers, FoundBy::UnwindData, Trust::Exact, Some(unwound.place))
        })),
        Err(Fault::Stack(va)) => Attempt::End(StackEnd::NotCaptured(va)),
        Err(Fault::Data) => {
            around.has_no_unwind_data(module);
            Attempt::NotHere
        }
        Err(Fault::Register) => Attempt::NotHere,
    }
}

/// A function without an entry calls nobody; one that did call is none. An image without any table at all was not made
/// by a compiler that keeps the rule.
fn leaf(around: &Surroundings, cursor: &Cursor, (_, size): Directory) -> Attempt {
    if !cursor.is_exact_pc {
        return Attempt::NotHere;
    }
    let is_told = size != 0;
    let trust = if is_told { Trust::Exact } else { Trust::Likely };
    let caller = pop_return_address(around, &cursor.registers, FoundBy::LeafReturn, trust);
    Attempt::from(caller.map(|caller| Caller { is_told, ..caller }))
}

fn unwind_function(
    around: &Surroundings,
    cursor: &Cursor,
    module: &Module,
    entry: RuntimeFunction,
) -> Result<Unwound, Fault> {
    let base = module.range.first();
    if cursor.is_exact_pc {
        let frame = unwind_info::frame_register(around, base, entry)?;
        if let Some(unwound) = epilogue::unwind(around, &cursor.registers, base, entry, frame)? {
            return Ok(unwound);
        }
    }
    unwind_info::unwind(around, &cursor.registers, base, entry)
}

/// Some part of a function table cannot be read.
struct Unreadable;

/// The entry of a function table that holds an address.
fn find(
    around: &Surroundings,
    base: Va,
    (table, size): Directory,
    rva: Rva,
) -> Result<Option<RuntimeFunction>, Unreadable> {
    let read = |number: u32| {
        let at = u64::from(table.0) + u64::from(number) * u64::from(ENTRY);
        base.checked_add(at).and_then(|va| read_entry(around, va)).ok_or(Unreadable)
    };
    let (mut low, mut high) = (0, size / ENTRY);
    while low < high {
        let middle = low + (high - low) / 2;
        let entry = read(middle)?;
        if rva.0 < entry.begin {
            high = middle;
        } else if rva.0 >= entry.end {
            low = middle + 1;
        } else {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

fn read_entry(around: &Surroundings, va: Va) -> Option<RuntimeFunction> {
    let mut bytes = [0; ENTRY as usize];
    around.space().read_exact(va, &mut bytes).ok()?;
    let field = |index: usize| bytes.get(4 * index..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    Some(RuntimeFunction { begin: field(0)?, end: field(1)?, unwind: field(2)? })
}

/// Other systems than Windows do not preserve `rsi` and `rdi`.
fn cfi(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let is_windows = around.is_windows();
    cfi::caller(around, cursor, |number| is_kept(Machine::X64, number) && (is_windows || !matches!(number, SI | DI)))
}

/// Most code of Windows uses `rbp` for anything; compilers that make code at run time use it for frames. Where the code
/// before the return address cannot be read, the chain must at least go on. Other systems keep the chain.
fn chain(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let caller = frame_pointer(around, cursor, BP).filter(|caller| {
        let next = Va(caller.registers.get(BP).unwrap_or_default());
        let goes_on = next >= caller.registers.sp() && next.is_aligned(8) && cursor.may_be_stack(next);
        goes_on
            || !around.is_windows()
            || around.check_return(Machine::X64, caller.registers.pc) != ReturnCheck::NotCaptured
    });
    Attempt::from(caller)
}

fn search(around: &Surroundings, cursor: &Cursor) -> Attempt {
    scan(around, cursor, cursor.registers.sp(), BP)
}
