//! A Breakpad symbol file that was read: its table of names and lines, and its rules for leaving frames.

use super::{stack_cfi::CfiRules, stack_win::FrameRules};
use crate::{
    cfi::UnwindRow,
    symbol::{Frame, SourceLine, Symbol},
    symbol_file::{Origin, SymbolFile},
    table::SymbolTable,
    variable::FrameRule,
};
use std::ops::ControlFlow;
use vatlas_space::{Machine, Problem, Rva, Va};

/// Names, lines and frame rules of a Breakpad symbol file.
#[derive(Debug)]
pub struct BreakpadFile {
    pub(super) table: SymbolTable,
    pub(super) frame_rules: FrameRules,
    pub(super) cfi_rules: CfiRules,
}

impl BreakpadFile {
    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.table.line_count()
    }
}

impl SymbolFile for BreakpadFile {
    fn origin(&self) -> &Origin {
        self.table.origin()
    }

    fn problems(&self) -> &[Problem] {
        self.table.problems()
    }

    fn machine(&self) -> Option<Machine> {
        self.table.machine()
    }

    fn image_base(&self) -> Option<Va> {
        self.table.image_base()
    }

    fn symbol_at(&self, rva: Rva) -> Option<Symbol> {
        self.table.symbol_at(rva)
    }

    fn frames_at(&self, rva: Rva) -> Vec<Frame> {
        self.table.frames_at(rva)
    }

    fn visit(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) {
        self.table.visit(visitor);
    }

    fn lines_of(&self, function: &Symbol) -> Vec<(Rva, u32, SourceLine)> {
        self.table.lines_of(function)
    }

    fn unwind_row_at(&self, rva: Rva) -> Option<UnwindRow> {
        self.cfi_rules.at(rva, self.machine())
    }

    fn frame_rule_at(&self, rva: Rva) -> Option<FrameRule> {
        self.frame_rules.at(rva).cloned()
    }
}
