//! Methods that ARM, MIPS and SH have in common: their functions are followed instruction by instruction.

use super::{
    ce_functions::{CeEntry, CeFunction, find},
    code_flow::{ByFlow, CodeSet, Function, by_flow, by_prologue, run_to_return},
    frame::{FoundBy, ReturnCheck, Trust},
    step::{Attempt, Caller, Cursor},
    surroundings::Surroundings,
};
use vatlas_space::Va;

/// Bytes of a function whose end nobody tells.
const UNKNOWN_SIZE: u64 = 0x1_0000;

/// A call of an address where no code is: the link register leads behind the call.
pub(super) fn jump_to_bad_address(around: &Surroundings, cursor: &Cursor, code: &CodeSet) -> Attempt {
    let registers = &cursor.registers;
    if !cursor.is_exact_pc || around.check_return(registers.machine, registers.target()).is_code() {
        return Attempt::NotHere;
    }
    let caller = return_to_link(cursor, code, Trust::Likely);
    Attempt::from(caller.map(|caller| Caller { is_told: false, ..caller }))
}

/// The caller of a function that has neither moved the stack pointer nor called anybody.
fn return_to_link(cursor: &Cursor, code: &CodeSet, trust: Trust) -> Option<Caller> {
    let mut registers = cursor.registers.clone();
    registers.set_target(cursor.registers.get(code.link.into())?);
    registers.keep(code.is_kept);
    Some(Caller { is_told: true, ..Caller::new(registers, FoundBy::LeafReturn, trust, None) })
}

/// The function table names the function, its code says the rest.
pub(super) fn unwind_data(
    around: &Surroundings,
    cursor: &Cursor,
    code_of: impl FnOnce(&CeFunction) -> &'static CodeSet,
) -> Attempt {
    let function = match find(around, cursor.registers.machine, cursor.lookup_va()) {
        CeEntry::Function(function) => function,
        CeEntry::Leaf if cursor.is_exact_pc => {
            let code = code_of(&CeFunction::NOWHERE);
            return Attempt::from(return_to_link(cursor, code, Trust::Exact));
        }
        CeEntry::Leaf | CeEntry::NoTable => return Attempt::NotHere,
    };
    let code = code_of(&function);
    let whole = Function { begin: function.begin, end: function.end, is_known: true };
    let less = match by_flow(around, cursor, code, whole, FoundBy::UnwindData) {
        ByFlow::Reached(found) => return found,
        ByFlow::NotReached(less) => less,
    };
    if let Some(caller) = run_to_return(around, cursor, code).filter(|_| cursor.is_exact_pc) {
        return Attempt::Caller(Box::new(caller));
    }
    if matches!(less, Attempt::Caller(_)) || cursor.registers.pc < function.prologue_end {
        return less;
    }
    by_prologue(around, cursor, code, (function.begin, function.prologue_end), FoundBy::UnwindData)
}

/// A frame that is being taken down, or was never built: the code runs straight on to the return.
pub(super) fn transition(around: &Surroundings, cursor: &Cursor, code: &CodeSet) -> Attempt {
    // Behind the last call of a function another one begins.
    let goes_on = || around.function_start(cursor.lookup_va()) == around.function_start(cursor.registers.pc);
    if !cursor.is_exact_pc && !goes_on() {
        return Attempt::NotHere;
    }
    let caller = run_to_return(around, cursor, code);
    Attempt::from(caller.map(|caller| match cursor.is_exact_pc {
        true => caller,
        // A call that does not return may be followed by anything.
        false => Caller { trust: Trust::Likely, is_told: false, ..caller },
    }))
}

/// A symbol tells where the function begins.
pub(super) fn by_symbol(around: &Surroundings, cursor: &Cursor, code: &CodeSet) -> Attempt {
    let Some((begin, has_size)) = around.function_start(cursor.lookup_va()) else { return Attempt::NotHere };
    let end = around.function_end(cursor.lookup_va()).unwrap_or(Va(begin.0.saturating_add(UNKNOWN_SIZE)));
    let function = Function { begin, end, is_known: has_size };
    by_flow(around, cursor, code, function, FoundBy::Prologue).into()
}

/// The top function may not have stored its return address yet; whether it has, nobody says.
pub(super) fn link_register(around: &Surroundings, cursor: &Cursor, code: &CodeSet) -> Attempt {
    let caller = return_to_link(cursor, code, Trust::Guess).filter(|_| cursor.is_exact_pc);
    let is_call = |caller: &Caller| {
        let check = around.check_return(caller.registers.machine, caller.registers.target());
        matches!(check, ReturnCheck::AfterCall | ReturnCheck::NotCaptured)
    };
    Attempt::from(caller.filter(is_call).map(|caller| Caller { is_told: false, ..caller }))
}

impl CeFunction {
    const NOWHERE: Self = Self { begin: Va(0), end: Va(0), prologue_end: Va(0), is_short: false };
}

impl ReturnCheck {
    /// Whether code is there, as far as anybody can say.
    const fn is_code(self) -> bool {
        !matches!(self, Self::NotCode | Self::Zero | Self::ServerReturn)
    }
}
