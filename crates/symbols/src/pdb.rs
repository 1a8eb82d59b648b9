//! Program databases, PDB 7.0 and 2.0: opened at once, read module by module when an address asks for one.
//!
//! The multi-stream file is `pdb2`'s business. What lies in the streams is read here, because a damaged stream is to
//! cost its own answers and nothing else: `pdb2` adds and slices with the numbers it finds.

mod addresses;
mod c13;
mod contributions;
mod dbi;
mod globals;
mod ids;
mod info;
mod inlinee_names;
mod inlines;
mod lines;
mod module;
mod open;
mod reader;
mod records;
mod streams;

#[cfg(test)]
mod tests;

use crate::{
    symbol::{Frame, SourceLine, Symbol, SymbolKind},
    symbol_file::{Origin, SymbolFile},
};
use addresses::{AddressMap, Linked};
use c13::C13;
use contributions::{Contribution, Contributions};
use globals::Globals;
use ids::{Ids, Items};
use inlinee_names::InlineeNames;
use lines::LineRow;
use module::{Context, Damage, InlineeName, ModuleTable, Procedure};
use std::{
    borrow::Cow,
    fmt,
    ops::ControlFlow,
    sync::{Mutex, OnceLock, PoisonError},
};
use streams::{StreamBytes, Streams};
use vatlas_space::{Machine, Problem, Rva};

pub use streams::SharedBytes;

/// A program database. What was read of it is kept.
pub struct PdbFile {
    origin: Origin,
    problems: Vec<Problem>,
    streams: Streams,
    addresses: AddressMap,
    dbi: Option<(dbi::Header, StreamBytes)>,
    modules: Vec<dbi::Module>,
    /// Number of the stream with the names of source files.
    names_stream: u16,
    contributions: OnceLock<Contributions>,
    tables: Vec<OnceLock<Box<ModuleTable>>>,
    globals: OnceLock<Globals>,
    names: OnceLock<Option<StreamBytes>>,
    ids: OnceLock<Ids>,
    inlinee_names: InlineeNames,
    later_problems: Mutex<Vec<Problem>>,
}

impl fmt::Debug for PdbFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PdbFile({}, {} modules)", self.origin.file, self.modules.len())
    }
}

/// A name that may be the answer for an address.
struct Candidate<'a> {
    start: Linked,
    size: Option<u32>,
    kind: SymbolKind,
    name: Cow<'a, str>,
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

    fn contributions(&self) -> &Contributions {
        self.contributions.get_or_init(|| {
            let Some((header, stream)) = &self.dbi else { return Contributions::default() };
            let Some(pieces) = header.contributions(stream) else { return Contributions::default() };
            Contributions::new(pieces, &self.addresses)
        })
    }

    fn globals(&self) -> &Globals {
        self.globals.get_or_init(|| {
            let Some((header, _)) = &self.dbi else { return Globals::default() };
            let Some(stream) = self.stream(header.symbol_records, "symbol records") else { return Globals::default() };
            let globals = Globals::new(stream, &self.addresses);
            if let Some(at) = globals.damaged_at {
                let place = self.streams.place(header.symbol_records, "symbol records");
                self.note(Problem::damage(format!("{place}, offset {at:#x}"), "is no symbol record"));
            }
            globals
        })
    }

    fn ids(&self) -> &Ids {
        self.ids.get_or_init(|| Ids {
            ids: self.stream(ids::IDS, "ids").and_then(Items::new),
            types: self.stream(ids::TYPES, "types").and_then(Items::new),
        })
    }

    /// Reads a module; without its lines for lists of names.
    fn read_module(&self, index: usize, has_lines: bool) -> ModuleTable {
        let Some(module) = self.modules.get(index) else { return ModuleTable::default() };
        let Some(stream) = self.stream(module.stream, "module") else { return ModuleTable::default() };
        let name = |c13: &C13<'_>, id| self.inlinee_name(c13, id);
        let name: InlineeName<'_> = &name;
        let context = Context { addresses: &self.addresses, inlinee_name: has_lines.then_some(name) };
        let table = ModuleTable::read(module, &stream, &context);
        if let Some(damage) = table.damage {
            self.note(damage_of(damage, self.streams.place(module.stream, &format!("module {index}"))));
        }
        table
    }

    fn table(&self, index: usize) -> Option<&ModuleTable> {
        Some(self.tables.get(index)?.get_or_init(|| Box::new(self.read_module(index, true))))
    }

    /// The modules that may know an address: the one that it comes from. All, where the PDB does not tell.
    fn tables_for(&self, contribution: Option<&Contribution>) -> impl Iterator<Item = &ModuleTable> {
        let indices = match contribution {
            Some(contribution) => usize::from(contribution.module)..usize::from(contribution.module) + 1,
            None if self.contributions().is_empty() => 0..self.modules.len(),
            None => 0..0,
        };
        indices.filter_map(|index| self.table(index))
    }

    /// The function that covers an address, and its module.
    fn procedure_at(&self, linked: Linked) -> Option<(&ModuleTable, &Procedure)> {
        let contribution = self.contributions().below(linked);
        self.tables_for(contribution).find_map(|table| Some((table, table.procedure_at(linked)?)))
    }

    /// The nearest name at or below an address, the best of several; none of another section.
    fn nearest(&self, linked: Linked) -> Option<Candidate<'_>> {
        let contribution = self.contributions().below(linked);
        let mut candidates = Vec::new();
        for table in self.tables_for(contribution) {
            candidates.extend(table.procedure_below(linked).map(Candidate::from));
            candidates.extend(table.named_below(linked).map(|named| Candidate {
                start: named.start,
                size: named.size,
                kind: named.kind,
                name: Cow::from(&*named.name),
            }));
        }
        let globals = self.globals();
        candidates.extend(globals.below(linked).map(|global| Candidate {
            start: global.start,
            size: None,
            kind: global.kind(),
            name: globals.name(global).into(),
        }));
        let section = self.addresses.section_of(linked)?;
        candidates.retain(|candidate| candidate.start >= section.start);
        // The first of equals: `max_by_key` would take the last.
        let nearest = candidates.into_iter().rev().max_by_key(|candidate| candidate.start)?;
        Some(self.bounded(nearest, linked, contribution))
    }

    /// A name without a size does not reach past the piece of the image that it begins in.
    fn bounded<'a>(&self, found: Candidate<'a>, linked: Linked, below: Option<&Contribution>) -> Candidate<'a> {
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
    fn symbol(&self, found: Candidate<'_>, rva: u32, linked: Linked) -> Option<Symbol> {
        let (kind, name) = (found.kind, found.name.into_owned());
        if !self.addresses.is_moved() {
            return Some(Symbol { rva: Rva(found.start), size: found.size, name, kind });
        }
        let reach = found.size.unwrap_or_else(|| (linked - found.start).saturating_add(1));
        let pieces = self.addresses.pieces(found.start, reach);
        let own = pieces.iter().find(|piece| rva.checked_sub(piece.rva).is_some_and(|offset| offset < piece.size));
        let piece = own.or_else(|| pieces.iter().rfind(|piece| piece.rva <= rva))?;
        Some(Symbol { rva: Rva(piece.rva), size: found.size.map(|_| piece.size), name, kind })
    }

    /// Name of a source file by its offset in `/names`: a mark, a version, a length, the texts.
    fn file_name(&self, offset: u32) -> Option<String> {
        let names = self.names.get_or_init(|| self.stream(self.names_stream, "/names")).as_ref()?;
        if offset == lines::NO_FILE {
            return None;
        }
        let at = (offset as usize).checked_add(12).filter(|at| *at < names.len())?;
        Some(String::from_utf8_lossy(reader::Reader::from(names, at).text()).into_owned())
    }

    fn source_line(&self, row: &LineRow) -> Option<SourceLine> {
        Some(SourceLine { file: self.file_name(row.file)?, line: row.line })
    }

    /// Hands a symbol out for every piece of it; whether to go on.
    fn hand_out(&self, found: Candidate<'_>, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) -> ControlFlow<()> {
        let (kind, size, name) = (found.kind, found.size, found.name.into_owned());
        if !self.addresses.is_moved() {
            return visitor(&Symbol { rva: Rva(found.start), size, name, kind });
        }
        for piece in self.addresses.pieces(found.start, size.unwrap_or(1)) {
            visitor(&Symbol { rva: Rva(piece.rva), size: size.map(|_| piece.size), name: name.clone(), kind })?;
        }
        ControlFlow::Continue(())
    }

    fn visit_all(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) -> ControlFlow<()> {
        let globals = self.globals();
        for (index, known) in self.tables.iter().enumerate() {
            let read = known.get().is_none().then(|| self.read_module(index, false));
            let Some(table) = read.as_ref().or(known.get().map(|table| &**table)) else { continue };
            for procedure in &table.procedures {
                self.hand_out(procedure.into(), visitor)?;
            }
            // Variables of a file are in its module and among the global ones.
            let own = table.named.iter();
            for named in own.filter(|named| !globals.has_data(named.start, &named.name)) {
                let (start, size, kind) = (named.start, named.size, named.kind);
                self.hand_out(Candidate { start, size, kind, name: Cow::from(&*named.name) }, visitor)?;
            }
        }
        for global in globals.iter() {
            let (start, kind, name) = (global.start, global.kind(), globals.name(global).into());
            self.hand_out(Candidate { start, size: None, kind, name }, visitor)?;
        }
        ControlFlow::Continue(())
    }

    /// A row of lines, in the image's addresses, as far as it lies in `range`.
    fn row_in(&self, row: &LineRow, range: &std::ops::Range<u32>) -> Vec<(Rva, u32, SourceLine)> {
        let Some(line) = self.source_line(row) else { return Vec::new() };
        let pieces = self.addresses.pieces(row.start, row.end - row.start).into_iter();
        let cut = |piece: addresses::Piece| {
            let start = piece.rva.max(range.start);
            let end = piece.rva.saturating_add(piece.size).min(range.end);
            (start < end).then(|| (Rva(start), end - start, line.clone()))
        };
        pieces.filter_map(cut).collect()
    }
}

impl<'a> From<&'a Procedure> for Candidate<'a> {
    fn from(procedure: &'a Procedure) -> Self {
        let size = Some(procedure.size);
        Self { start: procedure.start, size, kind: SymbolKind::Function, name: Cow::from(&*procedure.name) }
    }
}

fn damage_of(damage: Damage, place: String) -> Problem {
    match damage {
        Damage::Signature(signature) => {
            Problem::damage(format!("{place}, offset 0x0"), format!("symbols of the unknown form {signature}"))
        }
        Damage::Symbols(at) => Problem::damage(format!("{place}, offset {at:#x}"), "is no symbol record"),
        Damage::Lines => Problem::damage(place, "the lines end too early; those before are used"),
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

    fn symbol_at(&self, rva: Rva) -> Option<Symbol> {
        let linked = self.addresses.to_linked(rva.0)?;
        let covering = self.procedure_at(linked).map(|(_, procedure)| Candidate::from(procedure));
        let found = covering.or_else(|| self.nearest(linked))?;
        self.symbol(found, rva.0, linked)
    }

    fn frames_at(&self, rva: Rva) -> Vec<Frame> {
        let linked = self.addresses.to_linked(rva.0);
        let found = linked.and_then(|linked| Some((linked, self.procedure_at(linked)?)));
        let Some((linked, (table, procedure))) = found else { return Vec::new() };
        let inlines = table.inlines_at(procedure, linked).into_iter();
        let mut frames: Vec<Frame> = inlines
            .map(|(name, row)| Frame { function: name.to_owned(), line: self.source_line(&row), is_inline: true })
            .collect();
        let line = lines::row_at(&table.lines, linked).and_then(|row| self.source_line(row));
        if line.is_some() || !frames.is_empty() {
            frames.push(Frame { function: procedure.name.to_string(), line, is_inline: false });
        }
        frames
    }

    fn visit(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) {
        // A break is the visitor's own wish.
        let _ = self.visit_all(visitor);
    }

    fn lines_of(&self, function: &Symbol) -> Vec<(Rva, u32, SourceLine)> {
        let linked = self.addresses.to_linked(function.rva.0);
        let found = linked.and_then(|linked| self.procedure_at(linked));
        let Some((table, procedure)) = found else { return Vec::new() };
        let range = function.rva.0..function.rva.0.saturating_add(function.size.unwrap_or(0));
        let end = procedure.start.saturating_add(procedure.size);
        let first = table.lines.partition_point(|row| row.end <= procedure.start);
        let rows = table.lines[first..].iter().take_while(|row| row.start < end);
        let mut rows: Vec<_> = rows.flat_map(|row| self.row_in(row, &range)).collect();
        rows.sort_by_key(|row| row.0);
        rows
    }
}
