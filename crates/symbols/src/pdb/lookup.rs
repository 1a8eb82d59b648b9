//! Which name an address belongs to: the function that covers it, or else the nearest name below it.

use super::{
    PdbFile,
    addresses::Linked,
    contributions::Contribution,
    globals::Global,
    module::{ModuleTable, Named, Procedure},
    records::TypeIndex,
};
use crate::symbol::{Frame, Symbol, SymbolKind};
use std::sync::Arc;
use vatlas_space::Rva;

/// A name that may be the answer for an address.
pub(super) struct Candidate {
    pub(super) start: Linked,
    pub(super) size: Option<u32>,
    pub(super) kind: SymbolKind,
    pub(super) name: Arc<str>,
}

impl From<&Procedure> for Candidate {
    fn from(procedure: &Procedure) -> Self {
        let size = Some(procedure.size);
        Self { start: procedure.start, size, kind: SymbolKind::Function, name: Arc::clone(&procedure.name) }
    }
}

impl PdbFile {
    /// The modules that may know an address: the one that it comes from. All, where the PDB does not tell.
    pub(super) fn tables_for(
        &self,
        contribution: Option<&Contribution>,
    ) -> impl Iterator<Item = (usize, &ModuleTable)> {
        let indices = match contribution {
            Some(contribution) => usize::from(contribution.module)..usize::from(contribution.module) + 1,
            None if self.contributions().is_empty() => 0..self.modules.len(),
            None => 0..0,
        };
        indices.filter_map(|index| Some((index, self.table(index)?)))
    }

    /// The function that covers an address, and its module: number, tables.
    pub(super) fn procedure_at(&self, linked: Linked) -> Option<(usize, &ModuleTable, &Procedure)> {
        let contribution = self.contributions().below(linked);
        self.tables_for(contribution).find_map(|(module, table)| Some((module, table, table.procedure_at(linked)?)))
    }

    /// The functions and lines at an address of a function, innermost first; none without lines.
    pub(super) fn frames(&self, table: &ModuleTable, procedure: &Procedure, linked: Linked) -> Vec<Frame> {
        let inlines = table.inline_rows_at(procedure, linked);
        let line = table.line_at(linked).and_then(|row| Self::source_line(table, row));
        let mut frames = Vec::with_capacity(inlines.len() + 1);
        for inline in inlines {
            let Some(function) = table.functions.get(inline.function as usize) else { continue };
            let line = Self::source_line(table, &inline.row);
            frames.push(Frame { function: Arc::clone(function), line, is_inline: true });
        }
        if line.is_some() || !frames.is_empty() {
            frames.push(Frame { function: Arc::clone(&procedure.name), line, is_inline: false });
        }
        frames
    }

    /// The nearest name at or below an address, the best of several; none of another section.
    pub(super) fn nearest(&self, linked: Linked) -> Option<Candidate> {
        let contribution = self.contributions().below(linked);
        let mut candidates = Vec::new();
        for (module, table) in self.tables_for(contribution) {
            candidates.extend(table.procedure_below(linked).map(Candidate::from));
            candidates.extend(table.named_below(linked).map(|named| self.named(module, table, named)));
        }
        candidates.extend(self.globals().below(linked).map(|global| self.global(global)));
        let section = self.addresses.section_of(linked)?;
        candidates.retain(|candidate| candidate.start >= section.start);
        // The first of equals: `max_by_key` would take the last.
        let nearest = candidates.into_iter().rev().max_by_key(|candidate| candidate.start)?;
        Some(self.bounded(nearest, linked, contribution))
    }

    /// A name of a module that is no function's.
    pub(super) fn named(&self, module: usize, table: &ModuleTable, named: &Named) -> Candidate {
        let name = match named.target {
            Some(target) => self.name_of_thunk(table, named.start, target).into(),
            None => Arc::clone(&named.name),
        };
        let size = named.size.or_else(|| self.size_of(Some(module), named.type_index));
        Candidate { start: named.start, size, kind: named.kind, name }
    }

    /// A global name.
    pub(super) fn global(&self, global: &Global) -> Candidate {
        let (name, type_index) = self.globals().name_and_type(global);
        Candidate { start: global.start, size: self.size_of(None, type_index), kind: global.kind(), name: name.into() }
    }

    /// Bytes of a variable by its type; `None` for one without a type, and of a type without a size.
    fn size_of(&self, module: Option<usize>, index: TypeIndex) -> Option<u32> {
        if index == TypeIndex::default() {
            return None;
        }
        let number = u32::try_from(self.type_id(module, index)?.0).ok()?;
        let size = u32::try_from(self.pdb_types()?.size_of(number)?).ok()?;
        (size != 0).then_some(size)
    }

    /// The name that debuggers show for a thunk of incremental linking: `@ILT+5(name)`, with the distance from the
    /// first thunk.
    fn name_of_thunk(&self, table: &ModuleTable, start: Linked, target: Linked) -> String {
        let first = table.named.iter().find(|named| named.target.is_some()).map_or(start, |named| named.start);
        let contribution = self.contributions().below(target);
        let mut tables = self.tables_for(contribution);
        let procedure = tables.find_map(|(_, table)| table.procedures_from(target).next());
        let public = || self.globals().below(target).filter(|global| global.start == target);
        let name = match procedure {
            Some(procedure) => procedure.name.to_string(),
            None => public().map_or_else(|| format!("{target:#x}"), |global| self.globals().name_and_type(global).0),
        };
        format!("@ILT+{}({name})", start - first)
    }

    /// A name without a size does not reach past the piece of the image that it begins in.
    pub(super) fn bounded(&self, found: Candidate, linked: Linked, below: Option<&Contribution>) -> Candidate {
        let is_past = below.is_some_and(|below| found.start < below.start || linked >= below.end);
        if found.size.is_some() || !is_past {
            return found;
        }
        let own = self.contributions().below(found.start).map(|own| own.end);
        let end = own.filter(|end| *end > found.start && *end <= linked).unwrap_or(found.start + 1);
        Candidate { size: Some(end - found.start), ..found }
    }

    /// A candidate in the image's addresses. A function that was moved in pieces has a symbol for each piece; this
    /// is the one of `rva`.
    pub(super) fn symbol(&self, found: Candidate, rva: u32, linked: Linked) -> Option<Symbol> {
        let (kind, name) = (found.kind, found.name);
        if !self.addresses.is_moved() {
            return Some(Symbol { rva: Rva(found.start), size: found.size, name, kind });
        }
        let reach = found.size.unwrap_or_else(|| (linked - found.start).saturating_add(1));
        let pieces = self.addresses.pieces(found.start, reach);
        let own = pieces.iter().find(|piece| rva.checked_sub(piece.rva).is_some_and(|offset| offset < piece.size));
        let piece = own.or_else(|| pieces.iter().rfind(|piece| piece.rva <= rva))?;
        Some(Symbol { rva: Rva(piece.rva), size: found.size.map(|_| piece.size), name, kind })
    }
}
