//! From the symbol records of a module to its tables.

use super::{
    super::{
        c13::C13,
        inlines,
        records::{Place, RawRecord, Record, Records, TypeIndex},
    },
    Context, Damage, InlineRow, ModuleTable, Named, Procedure, text,
};
use crate::symbol::SymbolKind;
use std::{collections::HashMap, sync::Arc};

/// Reads the records of one module.
pub(super) struct Builder<'a> {
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
    pub(super) fn new(table: &'a mut ModuleTable, c13: &'a C13<'a>, context: &'a Context<'a>) -> Self {
        let inlinees = c13.inlinees();
        let (functions, scopes, depth, procedure) = Default::default();
        let (by_record, pieces) = Default::default();
        Self { table, c13, context, inlinees, functions, scopes, depth, procedure, by_record, pieces }
    }

    pub(super) fn read(mut self, symbols: &[u8]) {
        let mut records = Records::new(symbols, 4);
        for record in records.by_ref() {
            self.record(&record);
        }
        let (at, is_whole) = records.position();
        if !is_whole {
            self.table.damage.push(Damage::Symbols(at));
        }
        for (piece, parent) in std::mem::take(&mut self.pieces) {
            let whole = self.by_record.get(&parent).map(|&index| &self.table.procedures[index]);
            let (name, type_index) = whole.map(|whole| (whole.name.clone(), whole.type_index)).unwrap_or_default();
            let piece = &mut self.table.procedures[piece];
            (piece.name, piece.type_index, piece.whole) = (name, type_index, Some(parent));
        }
        self.table.procedures.retain(|procedure| !procedure.name.is_empty());
    }

    fn record(&mut self, raw: &RawRecord<'_>) {
        let at = raw.at;
        match raw.read() {
            Record::Procedure { place, size, type_index, name, .. } => {
                let index = self.procedure(at, place, size, type_index, name);
                self.by_record.extend(index.map(|index| (at, index)));
            }
            Record::Separated { place, size, parent } => {
                let index = self.procedure(at, place, size, TypeIndex::default(), b"");
                self.pieces.extend(index.map(|index| (index, parent)));
            }
            Record::Thunk { place, size, name } => {
                self.named(place, Some(size), SymbolKind::Label, TypeIndex::default(), name);
                self.begin(false);
            }
            Record::IncrementalThunk { place, size, target } => self.incremental_thunk(place, size, target),
            Record::Data { place, type_index, name, .. } => {
                self.named(place, None, SymbolKind::Data, type_index, name);
            }
            Record::Label { place, name } => {
                self.named(place, None, SymbolKind::Label, TypeIndex::default(), name);
            }
            Record::InlineSite { inlinee, annotations } => {
                self.inline_site(at, inlinee, annotations);
                self.begin(true);
            }
            Record::Block { .. } | Record::Scope => self.begin(false),
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
    fn procedure(&mut self, record: u32, place: Place, size: u32, type_index: TypeIndex, name: &[u8]) -> Option<usize> {
        self.scopes.clear();
        self.depth = 0;
        self.begin(false);
        self.procedure = self.context.addresses.linked(place.section, place.offset).map(|start| {
            let row = u32::try_from(self.table.inlines.len()).unwrap_or(u32::MAX);
            let (name, inlines, whole) = (text(name), (row, row), None);
            self.table.procedures.push(Procedure { start, size, name, type_index, record, whole, inlines });
            self.table.procedures.len() - 1
        });
        self.procedure
    }

    fn named(&mut self, place: Place, size: Option<u32>, kind: SymbolKind, type_index: TypeIndex, name: &[u8]) {
        if let Some(start) = self.context.addresses.linked(place.section, place.offset) {
            self.table.named.push(Named { start, size, kind, type_index, target: None, name: text(name) });
        }
    }

    fn incremental_thunk(&mut self, place: Place, size: u32, target: Place) {
        let linked = |place: Place| self.context.addresses.linked(place.section, place.offset);
        if let Some((start, target)) = linked(place).zip(linked(target)) {
            let (kind, type_index, name) = (SymbolKind::Label, TypeIndex::default(), Arc::from(""));
            self.table.named.push(Named { start, size: Some(size), kind, type_index, target: Some(target), name });
        }
    }

    /// Rows of an inlined function; its depth is the number of those around it.
    fn inline_site(&mut self, site: u32, inlinee: u32, annotations: &[u8]) {
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
        self.table.inlines.extend(rows.into_iter().map(|row| InlineRow { depth, site, function, row }));
        self.table.procedures[index].inlines.1 = u32::try_from(self.table.inlines.len()).unwrap_or(u32::MAX);
    }
}
