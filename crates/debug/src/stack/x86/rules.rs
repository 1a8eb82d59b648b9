//! FPO and FrameData: what the compiler wrote down about the frame of an x86 function.
//!
//! With `FPO_DATA` (sizes alone) the frame is, from the stack pointer up: arguments of the function that was called,
//! registers that were saved, local variables, return address. FrameData have a program instead ([`super::program`]).

use super::program::{Environment, run};
use crate::stack::{
    frame::{FoundBy, ReturnCheck, Trust},
    register_file::{RegisterFile, x86_number},
    step::{Attempt, Caller, Cursor},
    surroundings::Surroundings,
};
use vatlas_space::{Machine, Va};
use vatlas_symbols::{FrameRule, variable::FrameKind};

/// Words above the place where a return address should be that are looked at when it is not there.
const SEARCHED: u32 = 16;

/// The caller, by the rule of a symbol file.
pub(super) fn by_rule(around: &Surroundings, cursor: &Cursor) -> Attempt {
    let Some((symbols, rva)) = around.symbols_at(cursor.lookup_va()) else { return Attempt::NotHere };
    let Some(rule) = symbols.files().iter().find_map(|file| file.frame_rule_at(rva)) else { return Attempt::NotHere };
    let caller = match (&rule.program, rule.kind) {
        (Some(program), _) => by_program(around, cursor, &rule, program),
        (None, FrameKind::Fpo) => by_sizes(around, cursor, &rule),
        // With a frame pointer; or built by an interrupt, which user code never is.
        (None, FrameKind::Standard | FrameKind::Trap | FrameKind::Tss) => None,
    };
    Attempt::from(caller.map(|caller| Caller { parameters: Some(rule.parameters_size), ..caller }))
}

fn by_program(around: &Surroundings, cursor: &Cursor, rule: &FrameRule, program: &str) -> Option<Caller> {
    let frame = Frame { around, cursor, rule };
    let assigned = run(program, &frame)?;
    let value = |name: &str| assigned.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let mut caller = cursor.registers.clone();
    caller.pc = Va(value("$eip")?.into());
    let sp = Va(value("$esp")?.into());
    // What a program does not mention was not saved, so that it is still the caller's; older compilers do not mention
    // all that they save, though, so only the frame pointer is believed.
    caller.keep(|number| number == x86_number::BP);
    for (name, number) in REGISTERS {
        if let Some(value) = value(name) {
            caller.set(number, Some(value.into()));
        }
    }
    caller.set_sp(sp);
    Some(Caller::new(caller, FoundBy::FrameData, Trust::Exact, sp.checked_sub(4)))
}

const REGISTERS: [(&str, usize); 4] =
    [("$ebp", x86_number::BP), ("$ebx", x86_number::BX), ("$esi", x86_number::SI), ("$edi", x86_number::DI)];

/// The caller by sizes alone. Where `ebp` was saved among the registers is not told: compilers push `ebx` first, then
/// `ebp`, then `esi` and `edi`, each only if it is used.
fn by_sizes(around: &Surroundings, cursor: &Cursor, rule: &FrameRule) -> Option<Caller> {
    let frame = Frame { around, cursor, rule };
    let place = Va(frame.return_place()?.into());
    let mut caller = cursor.registers.clone();
    caller.pc = around.pointer(place, caller.width())?;
    caller.keep(|number| number == x86_number::BP || rule.saved_size == 0 && is_preserved(number));
    if rule.uses_ebp {
        let saved = frame.saved_ebp();
        caller.set(x86_number::BP, saved);
    }
    caller.set_sp(place.checked_add(4)?);
    Some(Caller::new(caller, FoundBy::Fpo, Trust::Exact, Some(place)))
}

fn is_preserved(number: usize) -> bool {
    REGISTERS.iter().any(|(_, preserved)| *preserved == number)
}

struct Frame<'f, 'a, 't> {
    around: &'f Surroundings<'a, 't>,
    cursor: &'f Cursor,
    rule: &'f FrameRule,
}

impl Frame<'_, '_, '_> {
    /// Where the return address is by the sizes: above the arguments of the function that was called, saved registers
    /// and local variables.
    fn search_start(&self) -> Option<u32> {
        let sp = u32::try_from(self.cursor.registers.sp().0).ok()?;
        sp.checked_add(self.cursor.callee_parameters.unwrap_or(0))?
            .checked_add(self.rule.saved_size)?
            .checked_add(self.rule.locals_size)
    }

    /// The same, or the nearest place above where a return address is, when none is there: sizes do not count what
    /// the function pushed since.
    fn return_place(&self) -> Option<u32> {
        let start = self.search_start()?;
        let places = (0..SEARCHED).map_while(|number| start.checked_add(number * 4));
        let mut places = places.filter(|place| self.cursor.may_be_stack(Va((*place).into())));
        let is_return = |place: &u32| {
            let value = self.word(*place);
            let check = value.map(|value| self.around.check_return(Machine::X86, Va(value.into())));
            let is_first = *place == start;
            match check {
                Some(ReturnCheck::AfterCall) => true,
                Some(ReturnCheck::NotCaptured | ReturnCheck::Zero) => is_first,
                _ => false,
            }
        };
        Some(places.find(is_return).unwrap_or(start))
    }

    /// `ebp` as it was saved: among two words or more the second from the top, behind `ebx`; alone the only one.
    fn saved_ebp(&self) -> Option<u64> {
        let skipped = if self.rule.saved_size >= 8 { 8 } else { 4 };
        let sp = self.cursor.registers.sp().0 + u64::from(self.cursor.callee_parameters.unwrap_or(0));
        let place = sp.checked_add(self.rule.saved_size.checked_sub(skipped)?.into())?;
        self.around.pointer(Va(place), self.cursor.registers.width()).map(|value| value.0)
    }
}

impl Environment for Frame<'_, '_, '_> {
    fn word(&self, address: u32) -> Option<u32> {
        self.around.u32(Va(address.into()))
    }

    fn value(&self, name: &str) -> Option<u32> {
        let register = |registers: &RegisterFile| {
            let name = name.strip_prefix('$')?;
            match name {
                "eip" => Some(registers.pc.0),
                _ => registers.get(registers.number(name)?),
            }
        };
        match name {
            ".cbLocals" => Some(self.rule.locals_size),
            ".cbSavedRegs" => Some(self.rule.saved_size),
            ".cbParams" => Some(self.rule.parameters_size),
            ".cbCalleeParams" => Some(self.cursor.callee_parameters.unwrap_or(0)),
            ".raSearchStart" => self.search_start(),
            ".raSearch" => self.return_place(),
            _ => register(&self.cursor.registers).and_then(|value| u32::try_from(value).ok()),
        }
    }
}
