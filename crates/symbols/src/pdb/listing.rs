//! Everything that a PDB lists: symbols, and the lines of a function.

use super::{
    PdbFile, addresses,
    lines::LineRow,
    lookup::Candidate,
    module::{ModuleTable, Procedure},
};
use crate::symbol::{SourceLine, Symbol};
use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};
use vatlas_space::Rva;

impl PdbFile {
    /// Hands a symbol out for every piece of it; whether to go on.
    pub(super) fn hand_out(
        &self,
        found: Candidate,
        visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (kind, size, name) = (found.kind, found.size, found.name);
        if !self.addresses.is_moved() {
            return visitor(&Symbol { rva: Rva(found.start), size, name, kind });
        }
        for piece in self.addresses.pieces(found.start, size.unwrap_or(1)) {
            visitor(&Symbol { rva: Rva(piece.rva), size: size.map(|_| piece.size), name: Arc::clone(&name), kind })?;
        }
        ControlFlow::Continue(())
    }

    pub(super) fn visit_all(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) -> ControlFlow<()> {
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
                self.hand_out(self.named(index, table, named), visitor)?;
            }
        }
        for global in globals.iter() {
            self.hand_out(self.global(global), visitor)?;
        }
        ControlFlow::Continue(())
    }

    /// The lines of the part of a function that a symbol stands for, in any order.
    pub(super) fn lines_of_procedure(
        &self,
        table: &ModuleTable,
        procedure: &Procedure,
        part: &Symbol,
    ) -> Vec<(Rva, u32, SourceLine)> {
        let range = part.rva.0..part.rva.0.saturating_add(part.size.unwrap_or(0));
        let end = procedure.start.saturating_add(procedure.size);
        let first = table.lines.partition_point(|row| row.end <= procedure.start);
        let rows = table.lines[first..].iter().take_while(|row| row.start < end);
        rows.flat_map(|row| self.row_in(table, row, &range)).collect()
    }

    /// A row of lines, in the image's addresses, as far as it lies in `range`.
    fn row_in(&self, table: &ModuleTable, row: &LineRow, range: &Range<u32>) -> Vec<(Rva, u32, SourceLine)> {
        let Some(line) = Self::source_line(table, row) else { return Vec::new() };
        let pieces = self.addresses.pieces(row.start, row.end - row.start).into_iter();
        let cut = |piece: addresses::Piece| {
            let start = piece.rva.max(range.start);
            let end = piece.rva.saturating_add(piece.size).min(range.end);
            (start < end).then(|| (Rva(start), end - start, line.clone()))
        };
        pieces.filter_map(cut).collect()
    }
}
