//! Symbols and lines of text formats and small tables, sorted by address and searched by halves. A table is bytes, so it
//! can be kept and opened again without reading the text.

mod build;
pub(crate) mod rows;

pub use build::TableBuilder;

use crate::{
    breakpad::{cfi_row_at, frame_rule_at},
    cfi::UnwindRow,
    index_bytes::{IndexBytes, Section, facts::Facts, rows::Rows},
    pdb::SharedBytes,
    symbol::{Frame, SourceLine, Symbol, SymbolKind},
    symbol_file::{Origin, SymbolFile},
    variable::FrameRule,
};
use rows::{Cover, FileRow, InlineRow, LineRow, SymbolRow};
use std::{
    ops::ControlFlow,
    sync::{Arc, OnceLock},
};
use vatlas_images::pe::PeHeaders;
use vatlas_space::{Machine, Problem, Rva, Va};

/// A sorted table of symbols, lines and inlined pieces.
#[derive(Debug)]
pub struct SymbolTable {
    facts: Facts,
    index: IndexBytes,
    /// Names of source files, shared by the answers once one has asked.
    files: Vec<OnceLock<Arc<str>>>,
}

impl SymbolTable {
    fn new(facts: Facts, index: IndexBytes) -> Self {
        let count = index.rows::<FileRow>(Section::Files).len();
        Self { facts, files: std::iter::repeat_with(OnceLock::new).take(count).collect(), index }
    }

    /// The table as bytes, for [`SymbolTable::open`]; `key` says what it was made of. `None` where it cannot be kept.
    pub fn write(&self, key: &[u8]) -> Option<Vec<u8>> {
        Some(self.index.write(key, &self.facts.write()?))
    }

    /// Opens what [`SymbolTable::write`] made with the same key, for a file that is called `file` today. `None` for
    /// other bytes, and for damaged ones: whoever keeps tables makes them again.
    pub fn open(file: &str, bytes: SharedBytes, key: &[u8]) -> Option<Self> {
        let index = IndexBytes::open(bytes, key)?;
        Some(Self::new(Facts::read(index.section(Section::Facts), file)?, index))
    }

    /// The same table with what could not be read of its file.
    #[must_use]
    pub fn with_problems(mut self, problems: Vec<Problem>) -> Self {
        self.facts.problems = problems;
        self
    }

    /// The same table with the processor of the program.
    #[must_use]
    pub fn with_machine(mut self, machine: Option<Machine>) -> Self {
        self.facts.machine = machine;
        self
    }

    /// The same table with where the linker expected the image.
    #[must_use]
    pub(crate) fn with_image_base(mut self, base: Option<Va>) -> Self {
        self.facts.image_base = base;
        self
    }

    /// The same table with what the headers of its image say.
    #[must_use]
    pub(crate) fn of_image(self, headers: &PeHeaders) -> Self {
        self.with_machine(Some(headers.machine)).with_image_base(Some(Va(headers.image_base)))
    }

    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.lines().len()
    }

    /// How many symbols there are.
    pub fn len(&self) -> usize {
        self.symbols().len()
    }

    /// Whether there is no symbol.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn symbols(&self) -> Rows<'_, SymbolRow> {
        self.index.rows(Section::Symbols)
    }

    fn lines(&self) -> Rows<'_, LineRow> {
        self.index.rows(Section::Lines)
    }

    fn symbol(&self, row: &SymbolRow) -> Symbol {
        Symbol {
            rva: Rva(row.rva),
            size: (row.size != 0).then_some(row.size),
            name: self.index.text(row.name).into(),
            kind: row.kind,
        }
    }

    fn source_line(&self, file: u32, line: u32) -> Option<SourceLine> {
        let name = self.files.get(file as usize)?;
        let row: FileRow = self.index.rows(Section::Files).get(file as usize)?;
        let file = name.get_or_init(|| self.index.text(row.0).into());
        Some(SourceLine { file: file.clone(), line })
    }

    /// The address after a symbol: by its size, else where the next function begins.
    fn end_of(&self, symbol: &Symbol) -> u32 {
        if let Some(size) = symbol.size {
            return symbol.rva.0.saturating_add(size);
        }
        let symbols = self.symbols();
        let mut later = symbols.after(symbols.partition_point(|row| row.rva <= symbol.rva.0)).iter();
        later.find(|row| row.kind == SymbolKind::Function).map_or(u32::MAX, |row| row.rva)
    }

    fn line_at(&self, rva: Rva) -> Option<SourceLine> {
        let row = self.lines().last_that(|row| row.rva <= rva.0)?;
        (rva.0.checked_sub(row.rva)? < row.size).then(|| self.source_line(row.file, row.line))?
    }

    /// Pieces that cover `rva`, innermost first.
    fn inlines_at(&self, rva: Rva) -> Vec<InlineRow> {
        let mut found = Vec::new();
        let mut rest: Rows<'_, InlineRow> = self.index.rows(Section::Inlines);
        while let Some(first) = rest.get(0) {
            // At least one, so that rows that are not sorted come to an end too.
            let count = rest.partition_point(|row| row.depth == first.depth).max(1);
            let nearest = rest.slice(0..count).last_that(|row| row.rva <= rva.0);
            let covers = |row: &InlineRow| rva.0.checked_sub(row.rva).is_some_and(|offset| offset < row.size);
            found.extend(nearest.filter(covers));
            rest = rest.after(count);
        }
        found.reverse();
        found
    }
}

impl SymbolFile for SymbolTable {
    fn origin(&self) -> &Origin {
        &self.facts.origin
    }

    fn problems(&self) -> &[Problem] {
        &self.facts.problems
    }

    fn table(&self) -> Option<&SymbolTable> {
        Some(self)
    }

    fn machine(&self) -> Option<Machine> {
        self.facts.machine
    }

    fn image_base(&self) -> Option<Va> {
        self.facts.image_base
    }

    fn symbol_at(&self, rva: Rva) -> Option<Symbol> {
        let symbols = self.symbols();
        let cover = self.index.rows::<Cover>(Section::Covers).last_that(|cover| cover.rva <= rva.0);
        if let Some(row) = cover.and_then(|cover| symbols.get(cover.row? as usize)) {
            return Some(self.symbol(&row));
        }
        let below = symbols.slice(0..symbols.partition_point(|row| row.rva <= rva.0));
        let nearest = below.get(below.len().checked_sub(1)?)?.rva;
        // Several names of one address are sorted by kind: the best comes first.
        let rows = below.after(below.partition_point(|row| row.rva < nearest));
        let row = rows.iter().find(|row| row.size == 0).or_else(|| rows.get(0));
        row.map(|row| self.symbol(&row))
    }

    fn frames_at(&self, rva: Rva) -> Vec<Frame> {
        let symbol = self.symbol_at(rva).filter(|symbol| symbol.offset_of(rva).is_some());
        let Some(function) = symbol.filter(|symbol| symbol.kind == SymbolKind::Function) else { return Vec::new() };
        let mut line = self.line_at(rva);
        let mut frames = Vec::new();
        for piece in self.inlines_at(rva) {
            let call = self.source_line(piece.call_file, piece.call_line);
            let line = std::mem::replace(&mut line, call);
            frames.push(Frame { function: self.index.text(piece.function).into(), line, is_inline: true });
        }
        if line.is_some() || !frames.is_empty() {
            frames.push(Frame { function: function.name, line, is_inline: false });
        }
        frames
    }

    fn visit(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) {
        for row in self.symbols().iter() {
            if visitor(&self.symbol(&row)).is_break() {
                return;
            }
        }
    }

    fn lines_of(&self, function: &Symbol) -> Vec<(Rva, u32, SourceLine)> {
        let end = self.end_of(function);
        let lines = self.lines();
        let rows = lines.after(lines.partition_point(|row| row.rva < function.rva.0)).iter();
        let rows = rows.take_while(|row| row.rva < end);
        rows.filter_map(|row| Some((Rva(row.rva), row.size, self.source_line(row.file, row.line)?))).collect()
    }

    fn unwind_row_at(&self, rva: Rva) -> Option<UnwindRow> {
        cfi_row_at(&self.index, rva, self.facts.machine)
    }

    fn frame_rule_at(&self, rva: Rva) -> Option<FrameRule> {
        frame_rule_at(&self.index, rva)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol_file::FileKind;

    fn table(build: impl FnOnce(&mut TableBuilder)) -> SymbolTable {
        let mut builder = TableBuilder::default();
        build(&mut builder);
        builder.build(Origin { file: "test.sym".into(), kind: FileKind::Breakpad, identity: None })
    }

    #[test]
    fn the_nearest_symbol_below_answers() {
        let table = table(|builder| {
            builder.symbol(Rva(0x20), 0, "later", SymbolKind::Public);
            builder.symbol(Rva(0x10), 0, "public_of_first", SymbolKind::Public);
            builder.symbol(Rva(0x10), 8, "first", SymbolKind::Function);
        });
        let name = |rva| table.symbol_at(Rva(rva)).map(|symbol| symbol.name);
        assert_eq!(name(0xf), None);
        assert_eq!(name(0x10).as_deref(), Some("first"));
        assert_eq!(name(0x17).as_deref(), Some("first"));
        assert_eq!(name(0x18).as_deref(), Some("public_of_first"));
        assert_eq!(name(0x1000).as_deref(), Some("later"));
    }

    #[test]
    fn a_symbol_of_known_size_keeps_its_addresses() {
        let table = table(|builder| {
            builder.symbol(Rva(0x10), 0x40, "outer", SymbolKind::Function);
            builder.symbol(Rva(0x18), 0, "label", SymbolKind::Label);
            builder.symbol(Rva(0x20), 8, "inner", SymbolKind::Function);
            builder.symbol(Rva(0x20), 4, "worse", SymbolKind::Public);
            builder.symbol(Rva(0xffff_fff0), 0x100, "last", SymbolKind::Function);
        });
        let name = |rva| table.symbol_at(Rva(rva)).map(|symbol| symbol.name).unwrap();
        assert_eq!(&*name(0x19), "outer");
        assert_eq!(&*name(0x20), "inner");
        assert_eq!(&*name(0x28), "outer");
        assert_eq!(&*name(0x50), "inner", "the nearest name below, though it has ended");
        assert_eq!(&*name(u32::MAX), "last");
    }

    #[test]
    fn lines_of_a_function_of_unknown_size_end_at_the_next() {
        let table = table(|builder| {
            let file = builder.file("a.c");
            builder.symbol(Rva(0x10), 0, "first", SymbolKind::Function);
            builder.symbol(Rva(0x14), 0, "label", SymbolKind::Public);
            builder.symbol(Rva(0x20), 0, "second", SymbolKind::Function);
            [0x10, 0x14, 0x18, 0x20].iter().for_each(|rva| builder.line(Rva(*rva), 4, file, *rva));
        });
        let lines = |rva| -> Vec<u32> {
            let function = table.symbol_at(Rva(rva)).unwrap();
            table.lines_of(&function).into_iter().map(|(_, _, line)| line.line).collect()
        };
        assert_eq!(lines(0x10), [0x10, 0x14, 0x18]);
        assert_eq!(lines(0x20), [0x20]);
    }

    #[test]
    fn inlined_pieces_nest() {
        let table = table(|builder| {
            let file = builder.file("a.c");
            builder.symbol(Rva(0x100), 0x40, "outer", SymbolKind::Function);
            builder.line(Rva(0x100), 0x40, file, 7);
            builder.inline(Rva(0x110), 0x20, 0, "middle", (file, 20));
            builder.inline(Rva(0x118), 4, 1, "inner", (file, 30));
        });
        let frames = |rva| -> Vec<_> {
            let frames = table.frames_at(Rva(rva)).into_iter();
            frames.map(|frame| (frame.function, frame.line.map_or(0, |line| line.line), frame.is_inline)).collect()
        };
        let frame = |name: &str, line, inline| (name.into(), line, inline);
        assert_eq!(frames(0x104), [frame("outer", 7, false)]);
        assert_eq!(frames(0x110), [frame("middle", 7, true), frame("outer", 20, false)]);
        assert_eq!(frames(0x118), [frame("inner", 7, true), frame("middle", 30, true), frame("outer", 20, false)]);
        assert_eq!(frames(0x13f), [frame("outer", 7, false)]);
        assert_eq!(frames(0x140), []);
    }
}
