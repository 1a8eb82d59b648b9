//! The questions about addresses, names and lines.

use super::{
    Datum, DwarfFile,
    look::{Look, Place},
    names::{self, FunctionNames},
    table::{FunctionRow, RowKind, UnitTable},
    type_ids,
    types::TypeReader,
};
use crate::{
    cfi::UnwindRow,
    symbol::{Frame, SourceLine, Symbol, SymbolKind},
    symbol_file::{Origin, SymbolFile},
    types::{Type, TypeId, Types},
    variable::{Constant, Variable},
};
use gimli::constants as dw;
use std::ops::ControlFlow;
use vatlas_space::{Machine, Problem, Rva, Va};

impl DwarfFile {
    fn names<'s>(&'s self, look: &Look<'s>, unit: usize, function: &'s FunctionRow) -> &'s FunctionNames {
        function.names.get_or_init(|| self.read_names(look, Place { unit, offset: function.offset as usize }))
    }

    fn read_names<'s>(&'s self, look: &Look<'s>, place: Place) -> FunctionNames {
        let tables = |index| self.table(look, index);
        look.die(place).map_or_else(FunctionNames::unknown, |die| names::names(look, &tables, &die))
    }

    /// The symbol of one piece of a function. GCC calls all but the first `.cold`.
    fn function_symbol(names: &FunctionNames, function: &FunctionRow, start: u32, end: u32) -> Symbol {
        let name = match start == function.entry {
            true => names.symbol.clone(),
            false => format!("{}.cold", names.symbol).into(),
        };
        Symbol { rva: Rva(start), size: Some(end - start), name, kind: SymbolKind::Function }
    }

    fn code_symbol<'s>(&'s self, look: &Look<'s>, rva: u32) -> Option<Symbol> {
        let (unit, table, function) = self.function_at(look, rva)?;
        let (start, end) = table.map.range_at(rva)?;
        Some(Self::function_symbol(self.names(look, unit, function), function, start, end))
    }

    /// Variables of all units, by address; of several at one address the first.
    pub(super) fn data<'s>(&'s self, look: &Look<'s>) -> &'s [Datum] {
        self.data.get_or_init(|| {
            let mut data = Vec::new();
            for unit in 0..self.units.rows.len() {
                let rows = self.table(look, unit).map_or(&[][..], |table| &table.data);
                data.extend(rows.iter().map(|row| {
                    let place = Place { unit, offset: row.offset as usize };
                    Datum { rva: row.rva, size: self.size_of_variable(look, place).unwrap_or(0), place }
                }));
            }
            data.sort_by_key(|datum| (datum.rva, datum.place));
            data.dedup_by_key(|datum| datum.rva);
            data
        })
    }

    fn size_of_variable<'s>(&'s self, look: &Look<'s>, place: Place) -> Option<u32> {
        let tables = |index| self.table(look, index);
        let definition = |place| self.definition(look, place);
        let types = TypeReader { look, tables: &tables, definition: &definition };
        let size = types.size(look.type_place(&look.die(place)?)?)?;
        u32::try_from(size).ok()
    }

    fn data_symbol<'s>(&'s self, look: &Look<'s>, datum: Datum) -> Symbol {
        let name = self.read_names(look, datum.place).symbol;
        Symbol { rva: Rva(datum.rva), size: (datum.size != 0).then_some(datum.size), name, kind: SymbolKind::Data }
    }

    /// The variable at or below an address, if it covers that or its size is not told.
    fn datum_at<'s>(&'s self, look: &Look<'s>, rva: u32) -> Option<Datum> {
        let data = self.data(look);
        let datum = data[..data.partition_point(|datum| datum.rva <= rva)].last()?;
        (datum.size == 0 || rva - datum.rva < datum.size).then_some(*datum)
    }

    /// Names of the functions that were put into one another at an address, innermost first, with file and line of
    /// the calls.
    pub(super) fn inlined_at<'s>(&'s self, look: &Look<'s>, rva: u32) -> Vec<super::body::Inlined<'s>> {
        let Some((unit, _, function)) = self.function_at(look, rva) else { return Vec::new() };
        self.body(look, unit, function).at(rva)
    }

    fn visit_unit<'s>(
        &'s self,
        look: &Look<'s>,
        unit: usize,
        table: &UnitTable,
        visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // The names of the function that was visited last: its pieces often follow one another.
        let mut last: Option<(u32, FunctionNames)> = None;
        for (start, end, index) in table.map.ranges() {
            let Some(function) = table.functions.get(index as usize) else { continue };
            look.again();
            let known = last.take().filter(|(known, _)| *known == index).map(|(_, names)| names);
            let place = Place { unit, offset: function.offset as usize };
            let names = known.unwrap_or_else(|| self.read_names(look, place));
            visitor(&Self::function_symbol(&names, function, start, end))?;
            last = Some((index, names));
        }
        ControlFlow::Continue(())
    }

    fn try_visit(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) -> ControlFlow<()> {
        let look = self.look();
        for unit in 0..self.units.rows.len() {
            if let Some(table) = self.table(&look, unit) {
                self.visit_unit(&look, unit, table, visitor)?;
            }
        }
        for datum in self.data(&look) {
            look.again();
            visitor(&self.data_symbol(&look, *datum))?;
        }
        ControlFlow::Continue(())
    }

    fn try_visit_constants(&self, visitor: &mut dyn FnMut(&Constant) -> ControlFlow<()>) -> ControlFlow<()> {
        let look = self.look();
        for unit in 0..self.units.rows.len() {
            let Some(table) = self.table(&look, unit) else { continue };
            for offset in &table.constants {
                look.again();
                if let Some(constant) = self.constant(&look, Place { unit, offset: *offset as usize }) {
                    visitor(&constant)?;
                }
            }
            for row in table.rows.iter().filter(|row| row.kind == RowKind::Enumeration && !row.is_declaration) {
                look.again();
                let id = type_ids::id(&self.units, Place { unit, offset: row.offset as usize }, 0);
                let Ok(Type::Enumeration(enumeration)) = self.get(id) else { continue };
                for value in enumeration.values {
                    visitor(&Constant { name: value.name, type_id: Some(id), value: value.value })?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn constant<'s>(&'s self, look: &Look<'s>, place: Place) -> Option<Constant> {
        let die = look.die(place)?;
        let types = TypeReader { look, tables: &|_| None, definition: &|_| None };
        let type_place = look.type_place(&die);
        let value = die.value(dw::DW_AT_const_value)?;
        let value = super::location::constant_of_attribute(look, &die.unit, value, types.shape(type_place))?;
        let name = self.read_names(look, place).plain.to_string();
        Some(Constant { name, type_id: type_place.map(|place| types.id(place)), value })
    }
}

impl SymbolFile for DwarfFile {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn image_base(&self) -> Option<Va> {
        Some(Va(self.image.base))
    }

    fn machine(&self) -> Option<Machine> {
        Some(self.image.machine)
    }

    fn symbol_at(&self, rva: Rva) -> Option<Symbol> {
        let look = self.look();
        if self.image.is_code(rva.0) {
            return self.code_symbol(&look, rva.0);
        }
        self.datum_at(&look, rva.0).map(|datum| self.data_symbol(&look, datum))
    }

    fn frames_at(&self, rva: Rva) -> Vec<Frame> {
        let look = self.look();
        let Some((unit, _, function)) = self.function_at(&look, rva.0) else { return Vec::new() };
        let lines = self.lines_of_unit(&look, unit);
        let mut line = lines.as_ref().and_then(|lines| lines.at(rva.0));
        let mut frames = Vec::new();
        for piece in self.body(&look, unit, function).at(rva.0) {
            let call = lines.as_ref().and_then(|lines| lines.source_line(piece.call_file, piece.call_line));
            let line = std::mem::replace(&mut line, call);
            frames.push(Frame { function: piece.name.clone(), line, is_inline: true });
        }
        let function = self.names(&look, unit, function).plain.clone();
        frames.push(Frame { function, line, is_inline: false });
        frames
    }

    fn visit(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) {
        let _ = self.try_visit(visitor);
    }

    fn lines_of(&self, function: &Symbol) -> Vec<(Rva, u32, SourceLine)> {
        let look = self.look();
        let Some((unit, table, _)) = self.function_at(&look, function.rva.0) else { return Vec::new() };
        let told = function.size.and_then(|size| function.rva.0.checked_add(size));
        let end = told.or_else(|| table.map.range_at(function.rva.0).map(|(_, end)| end));
        let lines = self.lines_of_unit(&look, unit).zip(end);
        lines.map(|(lines, end)| lines.within(function.rva.0, end)).unwrap_or_default()
    }

    fn types(&self) -> Option<&dyn Types> {
        self.has_names().then_some(self)
    }

    fn type_of(&self, symbol: &Symbol) -> Option<TypeId> {
        let look = self.look();
        if let Some((unit, _, function)) = self.function_at(&look, symbol.rva.0) {
            return Some(type_ids::id(&self.units, Place { unit, offset: function.offset as usize }, 0));
        }
        let datum = self.datum_at(&look, symbol.rva.0).filter(|datum| datum.rva == symbol.rva.0)?;
        let place = look.type_place(&look.die(datum.place)?)?;
        Some(type_ids::id(&self.units, place, 0))
    }

    fn variables_at(&self, rva: Rva) -> Vec<Variable> {
        let look = self.look();
        let Some((unit, _, function)) = self.function_at(&look, rva.0) else { return Vec::new() };
        let die = look.die(Place { unit, offset: function.offset as usize });
        die.map(|die| super::variables::variables(self, &look, &die, rva.0)).unwrap_or_default()
    }

    fn visit_constants(&self, visitor: &mut dyn FnMut(&Constant) -> ControlFlow<()>) {
        let _ = self.try_visit_constants(visitor);
    }

    fn unwind_row_at(&self, rva: Rva) -> Option<UnwindRow> {
        self.frame_row(&self.look(), rva.0)
    }
}
