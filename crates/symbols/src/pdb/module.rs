//! What one module says: its functions, places, lines and inlined functions, sorted by address.

use super::{
    addresses::{AddressMap, Linked},
    c13::C13,
    dbi, inlines,
    lines::{self, LineRow},
    records::{Place, Record, Records},
};
use crate::symbol::SymbolKind;
use std::collections::HashMap;

/// Signatures of a module's symbols: Visual C++ up to 4, 5 and 6, later. The kind of a record tells its layout.
const SIGNATURES: [u32; 3] = [1, 2, 4];

/// A function, or a piece of it that was put elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Procedure {
    pub(super) start: Linked,
    pub(super) size: u32,
    pub(super) name: Box<str>,
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
    pub(super) name: Box<str>,
}

/// Code of an inlined function.
#[derive(Clone, Copy, Debug)]
pub(super) struct InlineRow {
    /// 0 in the function itself, 1 in what was inlined there, and so on.
    depth: u32,
    /// Place in [`ModuleTable::functions`].
    function: u32,
    pub(super) row: LineRow,
}

/// The tables of a module; empty for one without symbols.
#[derive(Debug, Default)]
pub(super) struct ModuleTable {
    pub(super) procedures: Vec<Procedure>,
    pub(super) named: Vec<Named>,
    pub(super) lines: Vec<LineRow>,
    inlines: Vec<InlineRow>,
    /// Names of inlined functions.
    functions: Vec<Box<str>>,
    /// Where in the stream the symbols, and whether the lines, could not be read.
    pub(super) damage: Option<Damage>,
}

/// What of a module could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Damage {
    Signature(u32),
    Symbols(usize),
    Lines,
}

/// Gives the name of an inlined function by its id in a module.
pub(super) type InlineeName<'a> = &'a dyn Fn(&C13<'_>, u32) -> String;

/// What reading a module takes.
pub(super) struct Context<'a> {
    pub(super) addresses: &'a AddressMap,
    /// `None` leaves lines and inlined functions out.
    pub(super) inlinee_name: Option<InlineeName<'a>>,
}

impl ModuleTable {
    pub(super) fn read(module: &dbi::Module, stream: &[u8], context: &Context<'_>) -> Self {
        let mut table = Self::default();
        let c13_bytes = if context.inlinee_name.is_some() { lines::c13_part(module, stream) } else { Some(&[][..]) };
        let c13 = C13::new(c13_bytes.unwrap_or_default());
        let (rows, is_whole) = lines::read(&c13, context.addresses);
        table.lines = rows;
        if !is_whole || c13_bytes.is_none() {
            table.damage = Some(Damage::Lines);
        }
        let symbols = stream.get(..module.symbols_size as usize).unwrap_or(stream);
        if module.symbols_size != 0 {
            let signature = symbols.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            if SIGNATURES.contains(&signature) {
                Builder::new(&mut table, &c13, context).read(symbols);
            } else {
                table.damage = Some(Damage::Signature(signature));
            }
        }
        table.sort();
        table
    }

    fn sort(&mut self) {
        self.procedures.sort_by_key(|procedure| procedure.start);
        self.named.sort_by_key(|named| (named.start, named.kind));
        for procedure in &self.procedures {
            let (first, end) = procedure.inlines;
            if let Some(rows) = self.inlines.get_mut(first as usize..end as usize) {
                rows.sort_by_key(|row| (row.depth, row.row.start));
            }
        }
    }

    /// The function that covers an address.
    pub(super) fn procedure_at(&self, linked: Linked) -> Option<&Procedure> {
        let nearest = self.procedure_below(linked)?;
        let same = self.procedures[..].partition_point(|procedure| procedure.start < nearest.start);
        let same = self.procedures[same..].iter().take_while(|procedure| procedure.start == nearest.start);
        same.into_iter().find(|procedure| linked - procedure.start < procedure.size)
    }

    /// The last function that begins at or below an address.
    pub(super) fn procedure_below(&self, linked: Linked) -> Option<&Procedure> {
        let end = self.procedures.partition_point(|procedure| procedure.start <= linked);
        self.procedures[..end].last()
    }

    /// The nearest of the other names at or below an address, the best of several.
    pub(super) fn named_below(&self, linked: Linked) -> Option<&Named> {
        let end = self.named.partition_point(|named| named.start <= linked);
        let start = self.named[..end].last()?.start;
        self.named[..end].get(self.named[..end].partition_point(|named| named.start < start))
    }

    /// The inlined functions at an address of a function, innermost first: name, and the line in each.
    pub(super) fn inlines_at(&self, procedure: &Procedure, linked: Linked) -> Vec<(&str, LineRow)> {
        let (first, end) = procedure.inlines;
        let mut rest = self.inlines.get(first as usize..end as usize).unwrap_or_default();
        let mut found = Vec::new();
        while let Some(first) = rest.first() {
            let (of_depth, deeper) = rest.split_at(rest.partition_point(|row| row.depth == first.depth));
            let index = of_depth.partition_point(|row| row.row.start <= linked);
            let row = of_depth[..index].last().filter(|row| row.row.covers(linked));
            found.extend(row.and_then(|row| Some((&**self.functions.get(row.function as usize)?, row.row))));
            rest = deeper;
        }
        found.reverse();
        found
    }
}

struct Builder<'a> {
    table: &'a mut ModuleTable,
    c13: &'a C13<'a>,
    context: &'a Context<'a>,
    inlinees: HashMap<u32, (u32, u32)>,
    /// Places of the names of inlined functions.
    functions: HashMap<u32, u32>,
    /// The scopes around the next record: whether each is an inlined function.
    scopes: Vec<bool>,
    /// How many of them are.
    depth: u32,
    /// The function around the next record.
    procedure: Option<usize>,
    /// Names of functions by the offset of their record, for their pieces elsewhere.
    by_record: HashMap<u32, usize>,
    pieces: Vec<(usize, u32)>,
}

impl<'a> Builder<'a> {
    fn new(table: &'a mut ModuleTable, c13: &'a C13<'a>, context: &'a Context<'a>) -> Self {
        let inlinees = c13.inlinees();
        let (functions, scopes, depth, procedure) = Default::default();
        let (by_record, pieces) = Default::default();
        Self { table, c13, context, inlinees, functions, scopes, depth, procedure, by_record, pieces }
    }

    fn read(mut self, symbols: &[u8]) {
        let mut records = Records::new(symbols, 4);
        for (at, record) in records.by_ref() {
            self.record(at, &record);
        }
        let (at, is_whole) = records.position();
        if !is_whole {
            self.table.damage = Some(Damage::Symbols(at));
        }
        for (piece, parent) in std::mem::take(&mut self.pieces) {
            let name = self.by_record.get(&parent).map(|&index| self.table.procedures[index].name.clone());
            self.table.procedures[piece].name = name.unwrap_or_default();
        }
        self.table.procedures.retain(|procedure| !procedure.name.is_empty());
    }

    fn record(&mut self, at: u32, record: &Record<'_>) {
        match *record {
            Record::Procedure { place, size, name } => {
                let index = self.procedure(place, size, name);
                self.by_record.extend(index.map(|index| (at, index)));
            }
            Record::Separated { place, size, parent } => {
                let index = self.procedure(place, size, b"");
                self.pieces.extend(index.map(|index| (index, parent)));
            }
            Record::Thunk { place, size, name } => {
                self.named(place, Some(size), SymbolKind::Label, name);
                self.begin(false);
            }
            Record::Data { place, name } => self.named(place, None, SymbolKind::Data, name),
            Record::Label { place, name } => self.named(place, None, SymbolKind::Label, name),
            Record::InlineSite { inlinee, annotations } => {
                self.inline_site(inlinee, annotations);
                self.begin(true);
            }
            Record::Scope => self.begin(false),
            Record::End => self.end(),
            Record::Public { .. } | Record::Other => {}
        }
    }

    fn begin(&mut self, is_inline: bool) {
        self.scopes.push(is_inline);
        self.depth += u32::from(is_inline);
    }

    fn end(&mut self) {
        self.depth -= u32::from(self.scopes.pop() == Some(true));
        if self.scopes.is_empty() {
            self.procedure = None;
        }
    }

    /// Functions do not nest; one that seems to ends the one before it.
    fn procedure(&mut self, place: Place, size: u32, name: &[u8]) -> Option<usize> {
        self.scopes.clear();
        self.depth = 0;
        self.begin(false);
        self.procedure = self.context.addresses.linked(place.section, place.offset).map(|start| {
            let row = u32::try_from(self.table.inlines.len()).unwrap_or(u32::MAX);
            self.table.procedures.push(Procedure { start, size, name: text(name), inlines: (row, row) });
            self.table.procedures.len() - 1
        });
        self.procedure
    }

    fn named(&mut self, place: Place, size: Option<u32>, kind: SymbolKind, name: &[u8]) {
        if let Some(start) = self.context.addresses.linked(place.section, place.offset) {
            self.table.named.push(Named { start, size, kind, name: text(name) });
        }
    }

    /// Rows of an inlined function; its depth is the number of those around it.
    fn inline_site(&mut self, inlinee: u32, annotations: &[u8]) {
        let (Some(name), Some(index)) = (self.context.inlinee_name, self.procedure) else { return };
        let Some(&(file, line)) = self.inlinees.get(&inlinee) else { return };
        let start = self.table.procedures[index].start;
        let rows = inlines::rows(annotations, start, file, line, self.c13);
        let depth = self.depth;
        let next = u32::try_from(self.table.functions.len()).unwrap_or(u32::MAX);
        let function = *self.functions.entry(inlinee).or_insert(next);
        if function == next {
            self.table.functions.push(name(self.c13, inlinee).into());
        }
        self.table.inlines.extend(rows.into_iter().map(|row| InlineRow { depth, function, row }));
        self.table.procedures[index].inlines.1 = u32::try_from(self.table.inlines.len()).unwrap_or(u32::MAX);
    }
}

fn text(name: &[u8]) -> Box<str> {
    String::from_utf8_lossy(name).into()
}
