//! What one module says: its functions, places, lines and inlined functions, sorted by address.

mod build;

use super::{
    addresses::{AddressMap, Linked},
    c11::{C11, NameForm},
    c13::C13,
    contributions::Contributions,
    dbi,
    lines::{self, FileName, LineParts, LineRow},
    records::TypeIndex,
    starts::Starts,
};
use crate::symbol::SymbolKind;
use build::Builder;
use std::{collections::HashMap, sync::Arc};

/// Signatures of a module's symbols: Visual C++ up to 4, 5 and 6, later. The kind of a record tells its layout.
const SIGNATURES: [u32; 3] = [1, 2, 4];

/// A function, or a piece of it that was put elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Procedure {
    pub(super) start: Linked,
    pub(super) size: u32,
    pub(super) name: Arc<str>,
    pub(super) type_index: TypeIndex,
    /// Offset of its record.
    pub(super) record: u32,
    /// Offset of the record of the function that it is a piece of.
    pub(super) whole: Option<u32>,
    /// Which rows of [`ModuleTable::inlines`] lie in it.
    inlines: (u32, u32),
}

/// Something else with a name: a variable, a label, a thunk.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) start: Linked,
    /// Known of thunks only.
    pub(super) size: Option<u32>,
    pub(super) kind: SymbolKind,
    /// Of a variable.
    pub(super) type_index: TypeIndex,
    /// Where a thunk of incremental linking jumps; its name is made from the target's.
    pub(super) target: Option<Linked>,
    pub(super) name: Arc<str>,
}

/// Code of an inlined function.
#[derive(Clone, Copy, Debug)]
pub(super) struct InlineRow {
    /// 0 in the function itself, 1 in what was inlined there, and so on.
    depth: u32,
    /// Offset of the record that begins its scope.
    site: u32,
    /// Place in [`ModuleTable::functions`].
    pub(super) function: u32,
    pub(super) row: LineRow,
}

/// The tables of a module; empty for one without symbols.
#[derive(Debug, Default)]
pub(super) struct ModuleTable {
    pub(super) procedures: Vec<Procedure>,
    procedure_starts: Starts,
    pub(super) named: Vec<Named>,
    pub(super) lines: Vec<LineRow>,
    line_starts: Starts,
    inlines: Vec<InlineRow>,
    /// Names of inlined functions.
    pub(super) functions: Vec<Arc<str>>,
    /// Names of the source files of its lines.
    pub(super) files: Vec<Arc<str>>,
    /// What could not be read.
    pub(super) damage: Vec<Damage>,
}

/// What of a module could not be read, and where in its stream that is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Damage {
    Signature(u32),
    Symbols(usize),
    Lines(usize),
}

/// Gives the name of an inlined function by its id in a module.
pub(super) type InlineeName<'a> = &'a dyn Fn(&C13<'_>, u32) -> String;

/// What reading a module takes.
pub(super) struct Context<'a> {
    pub(super) addresses: &'a AddressMap,
    pub(super) contributions: &'a Contributions,
    /// How names of files are written in lines of the C11 form.
    pub(super) name_form: NameForm,
    /// `None` leaves lines and inlined functions out.
    pub(super) inlinee_name: Option<InlineeName<'a>>,
}

impl ModuleTable {
    pub(super) fn read(module: &dbi::Module, stream: &[u8], context: &Context<'_>) -> Self {
        let mut table = Self::default();
        let parts = if context.inlinee_name.is_some() { LineParts::of(module, stream) } else { LineParts::default() };
        let c13 = C13::new(parts.c13);
        table.read_lines(&parts, &c13, context);
        let symbols = stream.get(..module.symbols_size as usize).unwrap_or(stream);
        if module.symbols_size != 0 {
            let signature = symbols.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            if SIGNATURES.contains(&signature) {
                Builder::new(&mut table, &c13, context).read(symbols);
            } else {
                table.damage.push(Damage::Signature(signature));
            }
        }
        table.sort();
        table
    }

    fn read_lines(&mut self, parts: &LineParts<'_>, c13: &C13<'_>, context: &Context<'_>) {
        let c11 = C11::read(parts.c11, context.name_form);
        let (rows, c13_damage) = lines::read(c13, &c11, context.addresses, context.contributions);
        self.lines = rows;
        self.files = c11.files.iter().map(|name| text(name)).collect();
        let damages =
            [c11.damaged_at.map(|at| parts.c11_at + at), c13_damage.map(|at| parts.c13_at + at), parts.cut_off_at];
        self.damage.extend(damages.into_iter().flatten().map(Damage::Lines));
    }

    /// Takes the names of source files from where all modules have them, each once. A row whose file has no name keeps
    /// its number.
    pub(super) fn share_file_names(&mut self, name: impl Fn(u32) -> Option<String>) {
        let mut known: HashMap<u32, Option<u32>> = HashMap::new();
        let files = &mut self.files;
        let rows = self.lines.iter_mut().chain(self.inlines.iter_mut().map(|inline| &mut inline.row));
        for row in rows {
            let FileName::Shared(offset) = row.file else { continue };
            let own = known.entry(offset).or_insert_with(|| {
                files.push(name(offset)?.into());
                u32::try_from(files.len() - 1).ok()
            });
            row.file = own.map_or(row.file, FileName::Own);
        }
    }

    fn sort(&mut self) {
        self.procedures.sort_by_key(|procedure| procedure.start);
        self.procedure_starts = Starts::new(self.procedures.iter().map(|procedure| procedure.start));
        self.line_starts = Starts::new(self.lines.iter().map(|row| row.start));
        self.named.sort_by_key(|named| (named.start, named.kind));
        for procedure in &self.procedures {
            let (first, end) = procedure.inlines;
            if let Some(rows) = self.inlines.get_mut(first as usize..end as usize) {
                rows.sort_by_key(|row| (row.depth, row.row.start));
            }
        }
    }

    /// The line at an address.
    pub(super) fn line_at(&self, linked: Linked) -> Option<&LineRow> {
        self.lines.get(self.line_starts.below(linked)?).filter(|row| row.covers(linked))
    }

    /// The function that covers an address.
    pub(super) fn procedure_at(&self, linked: Linked) -> Option<&Procedure> {
        let last = self.procedure_starts.below(linked)?;
        let same = self.procedures.get(self.procedure_starts.first_of(last)..=last)?;
        same.iter().find(|procedure| linked - procedure.start < procedure.size)
    }

    /// The last function that begins at or below an address.
    pub(super) fn procedure_below(&self, linked: Linked) -> Option<&Procedure> {
        self.procedures.get(self.procedure_starts.below(linked)?)
    }

    /// The nearest of the other names at or below an address, the best of several.
    pub(super) fn named_below(&self, linked: Linked) -> Option<&Named> {
        let end = self.named.partition_point(|named| named.start <= linked);
        let start = self.named[..end].last()?.start;
        self.named[..end].get(self.named[..end].partition_point(|named| named.start < start))
    }

    /// Offsets of the records of the inlined functions at an address of a function, innermost first.
    pub(super) fn inline_sites_at(&self, procedure: &Procedure, linked: Linked) -> Vec<u32> {
        self.inline_rows_at(procedure, linked).into_iter().map(|row| row.site).collect()
    }

    /// The rows of inlined functions at an address of a function, innermost first.
    pub(super) fn inline_rows_at(&self, procedure: &Procedure, linked: Linked) -> Vec<&InlineRow> {
        let (first, end) = procedure.inlines;
        let mut rest = self.inlines.get(first as usize..end as usize).unwrap_or_default();
        let mut found = Vec::new();
        while let Some(first) = rest.first() {
            let (of_depth, deeper) = rest.split_at(rest.partition_point(|row| row.depth == first.depth));
            let index = of_depth.partition_point(|row| row.row.start <= linked);
            found.extend(of_depth[..index].last().filter(|row| row.row.covers(linked)));
            rest = deeper;
        }
        found.reverse();
        found
    }

    /// The functions that begin at an address, and those of their pieces.
    pub(super) fn procedures_from(&self, start: Linked) -> impl Iterator<Item = &Procedure> {
        let first = self.procedures.partition_point(|procedure| procedure.start < start);
        self.procedures[first..].iter().take_while(move |procedure| procedure.start == start)
    }

    /// The other names that begin at an address.
    pub(super) fn named_from(&self, start: Linked) -> impl Iterator<Item = &Named> {
        let first = self.named.partition_point(|named| named.start < start);
        self.named[first..].iter().take_while(move |named| named.start == start)
    }
}

fn text(name: &[u8]) -> Arc<str> {
    String::from_utf8_lossy(name).into()
}
