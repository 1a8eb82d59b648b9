//! Program databases, PDB 7.0 and 2.0: opened at once, read module by module when an address asks for one.
//!
//! The multi-stream file is `pdb2`'s business. What lies in the streams is read here, because a damaged stream is to
//! cost its own answers and nothing else: `pdb2` adds and slices with the numbers it finds.

mod addresses;
mod c11;
mod c13;
mod constants;
mod contributions;
mod dbi;
mod frame_rules;
mod globals;
mod ids;
mod info;
mod inlinee_names;
mod inlines;
mod items;
mod line_records;
mod lines;
mod listing;
mod load;
mod lookup;
mod module;
mod open;
mod reader;
mod records;
mod registers;
mod starts;
mod streams;
mod type_ids;
mod types;
mod variables;

#[cfg(test)]
mod tests;

use crate::{
    symbol::{Frame, SourceLine, Symbol},
    symbol_file::{Origin, SymbolFile},
    types::{TypeId, Types},
    variable::{Constant, FrameRule, Variable},
};
use addresses::AddressMap;
use contributions::Contributions;
use frame_rules::FrameRules;
use globals::Globals;
use ids::Ids;
use inlinee_names::InlineeNames;
use lookup::Candidate;
use module::ModuleTable;
use std::{
    fmt,
    ops::ControlFlow,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use streams::{StreamBytes, Streams};
use types::PdbTypes;
use vatlas_space::{Machine, Problem, Rva};

pub use line_records::LineRecord;
pub use streams::SharedBytes;

/// A program database. What was read of it is kept.
pub struct PdbFile {
    origin: Origin,
    problems: Vec<Problem>,
    streams: Arc<Streams>,
    head: u64,
    addresses: AddressMap,
    dbi: Option<(dbi::Header, StreamBytes)>,
    modules: Vec<dbi::Module>,
    /// Number of the stream with the names of source files.
    names_stream: u16,
    contributions: OnceLock<Contributions>,
    tables: Vec<OnceLock<Box<ModuleTable>>>,
    globals: OnceLock<Globals>,
    frame_rules: OnceLock<FrameRules>,
    names: OnceLock<Option<StreamBytes>>,
    ids: OnceLock<Ids>,
    types: OnceLock<Option<PdbTypes>>,
    inlinee_names: InlineeNames,
    later_problems: Mutex<Vec<Problem>>,
}

impl fmt::Debug for PdbFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PdbFile({}, {} modules)", self.origin.file, self.modules.len())
    }
}

impl PdbFile {
    /// What could not be read of the parts that were needed since.
    pub fn later_problems(&self) -> Vec<Problem> {
        self.later_problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, problem: Problem) {
        let mut problems = self.later_problems.lock().unwrap_or_else(PoisonError::into_inner);
        // A module that is read again, for its names only, is as damaged as before.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// The bytes of a stream; a problem where they should be there.
    fn stream(&self, number: u16, what: &str) -> Option<StreamBytes> {
        match self.streams.get(number, what) {
            Ok(stream) => stream,
            Err(problem) => {
                self.note(problem);
                None
            }
        }
    }
}

impl SymbolFile for PdbFile {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn machine(&self) -> Option<Machine> {
        let (header, _) = self.dbi.as_ref()?;
        (header.machine != 0).then(|| vatlas_images::pe::machine(header.machine))
    }

    fn head_sum(&self) -> Option<u64> {
        Some(self.head)
    }

    fn symbol_at(&self, rva: Rva) -> Option<Symbol> {
        let linked = self.addresses.to_linked(rva.0)?;
        let covering = self.procedure_at(linked).map(|(_, _, procedure)| Candidate::from(procedure));
        let found = covering.or_else(|| self.nearest(linked))?;
        self.symbol(found, rva.0, linked)
    }

    fn frames_at(&self, rva: Rva) -> Vec<Frame> {
        let Some(linked) = self.addresses.to_linked(rva.0) else { return Vec::new() };
        let found = self.procedure_at(linked);
        found.map(|(_, table, procedure)| self.frames(table, procedure, linked)).unwrap_or_default()
    }

    fn lookup(&self, rva: Rva) -> Option<(Symbol, Vec<Frame>)> {
        let linked = self.addresses.to_linked(rva.0)?;
        let Some((_, table, procedure)) = self.procedure_at(linked) else {
            return Some((self.symbol(self.nearest(linked)?, rva.0, linked)?, Vec::new()));
        };
        let symbol = self.symbol(procedure.into(), rva.0, linked)?;
        Some((symbol, self.frames(table, procedure, linked)))
    }

    fn visit(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) {
        // A break is the visitor's own wish.
        let _ = self.visit_all(visitor);
    }

    fn lines_of(&self, function: &Symbol) -> Vec<(Rva, u32, SourceLine)> {
        let linked = self.addresses.to_linked(function.rva.0);
        let found = linked.and_then(|linked| self.procedure_at(linked));
        let Some((_, table, procedure)) = found else { return Vec::new() };
        let mut rows = self.lines_of_procedure(table, procedure, function);
        rows.sort_by_key(|row| row.0);
        rows
    }

    fn visit_line_records(&self, visitor: &mut dyn FnMut(&LineRecord<'_>) -> ControlFlow<()>) {
        Self::visit_line_records(self, visitor);
    }

    fn types(&self) -> Option<&dyn Types> {
        self.pdb_types().map(|types| types as &dyn Types)
    }

    fn type_of(&self, symbol: &Symbol) -> Option<TypeId> {
        self.type_of_symbol(symbol)
    }

    fn variables_at(&self, rva: Rva) -> Vec<Variable> {
        self.variables_in_scope(rva)
    }

    fn visit_constants(&self, visitor: &mut dyn FnMut(&Constant) -> ControlFlow<()>) {
        // A break is the visitor's own wish.
        let _ = self.visit_all_constants(visitor);
    }

    fn frame_rule_at(&self, rva: Rva) -> Option<FrameRule> {
        self.frame_rule(rva.0)
    }
}
