//! Call-frame information: DWARF, and `STACK CFI` of Breakpad. One rule for every processor.

use super::{
    frame::{FoundBy, StackEnd, Trust},
    register_file::RegisterFile,
    step::{Attempt, Caller, Cursor},
    surroundings::Surroundings,
};
use vatlas_space::Va;
use vatlas_symbols::{
    cfi::{CfaRule, CfiExpression, RegisterRule, UnwindRow},
    variable::RegisterName,
};

/// The caller, by the row that holds at a frame's address. `is_kept` tells the registers that calls preserve: those
/// that a row does not name are still the caller's.
pub(super) fn caller(around: &Surroundings, cursor: &Cursor, is_kept: impl Fn(usize) -> bool) -> Attempt {
    let Some((symbols, rva)) = around.symbols_at(cursor.lookup_va()) else { return Attempt::NotHere };
    let row = symbols.files().iter().find_map(|file| file.unwind_row_at(rva));
    let Some(row) = row else { return Attempt::NotHere };
    if row.rule(&row.return_address) == Some(&RegisterRule::Undefined) {
        // DWARF 5, 6.4.4: that is how the outermost function is marked.
        return Attempt::End(StackEnd::Bottom);
    }
    Attempt::from(Frame { around, registers: &cursor.registers, row: &row }.caller(is_kept))
}

struct Frame<'f, 'a, 't> {
    around: &'f Surroundings<'a, 't>,
    registers: &'f RegisterFile,
    row: &'f UnwindRow,
}

impl Frame<'_, '_, '_> {
    fn caller(&self, is_kept: impl Fn(usize) -> bool) -> Option<Caller> {
        let cfa = self.cfa()?;
        let mut caller = self.registers.clone();
        caller.keep(is_kept);
        caller.set_sp(Va(cfa));
        for (name, rule) in &self.row.registers {
            if let Some(number) = self.registers.number(&name.0) {
                let value = self.value(name, rule, cfa);
                caller.set(number, value);
            }
        }
        let rule = self.row.rule(&self.row.return_address);
        let pc = match rule {
            Some(rule) => self.value(&self.row.return_address, rule, cfa),
            None => self.register(&self.row.return_address),
        };
        caller.set_target(pc?);
        let place = match rule {
            Some(RegisterRule::AtCfa(offset)) => Some(Va(self.cut(cfa.wrapping_add_signed(*offset)))),
            Some(RegisterRule::At(expression)) => self.evaluate(expression, Some(cfa)).map(Va),
            _ => None,
        };
        let caller = Caller::new(caller, FoundBy::Cfi, Trust::Exact, place);
        Some(Caller { is_interrupted: self.row.is_interrupted, ..caller })
    }

    fn cfa(&self) -> Option<u64> {
        match &self.row.cfa {
            CfaRule::Register { register, offset } => {
                Some(self.cut(self.register(register)?.wrapping_add_signed(*offset)))
            }
            CfaRule::Expression(expression) => self.evaluate(expression, None),
            CfaRule::Unknown(_) => None,
        }
    }

    /// The value of a register of the caller; `None` when it is lost.
    fn value(&self, name: &RegisterName, rule: &RegisterRule, cfa: u64) -> Option<u64> {
        match rule {
            RegisterRule::Undefined | RegisterRule::Unknown(_) => None,
            RegisterRule::Same => self.register(name),
            RegisterRule::AtCfa(offset) => self.memory(cfa.wrapping_add_signed(*offset)),
            RegisterRule::Cfa(offset) => Some(self.cut(cfa.wrapping_add_signed(*offset))),
            RegisterRule::Register(other) => self.register(other),
            RegisterRule::At(expression) => self.memory(self.evaluate(expression, Some(cfa))?),
            RegisterRule::Value(expression) => self.evaluate(expression, Some(cfa)),
        }
    }

    fn evaluate(&self, expression: &CfiExpression, cfa: Option<u64>) -> Option<u64> {
        let value = expression.evaluate(cfa, &|name| self.register(name), &|address| self.memory(address))?;
        Some(self.cut(value))
    }

    fn register(&self, name: &RegisterName) -> Option<u64> {
        match self.registers.number(&name.0) {
            Some(number) => self.registers.get(number),
            None => self.registers.is_pc(&name.0).then_some(self.registers.pc.0),
        }
    }

    fn memory(&self, address: u64) -> Option<u64> {
        self.around.pointer(Va(self.cut(address)), self.registers.width()).map(|value| value.0)
    }

    /// A number as wide as a pointer.
    fn cut(&self, number: u64) -> u64 {
        number & self.registers.width().last().0
    }
}
