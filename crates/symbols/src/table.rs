//! Symbols and lines of text formats and small tables, sorted by address and searched by halves.

use crate::{
    symbol::{Frame, SourceLine, Symbol, SymbolKind},
    symbol_file::{Origin, SymbolFile},
};
use std::{cmp::Reverse, collections::BinaryHeap, ops::ControlFlow, sync::Arc};
use vatlas_images::pe::PeHeaders;
use vatlas_space::{Machine, Problem, Rva, Va};

/// A symbol's row; the name lies in the arena.
#[derive(Clone, Copy, Debug)]
struct SymbolRow {
    rva: u32,
    /// Zero where not told.
    size: u32,
    name: (u32, u32),
    kind: SymbolKind,
}

/// A line's row: `size` bytes of code from `rva` on.
#[derive(Clone, Copy, Debug)]
struct LineRow {
    rva: u32,
    size: u32,
    file: u32,
    line: u32,
}

/// A piece of a function that the compiler put into another one.
#[derive(Clone, Copy, Debug)]
struct InlineRow {
    rva: u32,
    size: u32,
    /// 0 for a piece that lies in the function itself.
    depth: u32,
    function: (u32, u32),
    call_file: u32,
    call_line: u32,
}

/// Collects rows in any order.
#[derive(Debug, Default)]
pub struct TableBuilder {
    names: String,
    files: Vec<Arc<str>>,
    symbols: Vec<SymbolRow>,
    lines: Vec<LineRow>,
    inlines: Vec<InlineRow>,
}

impl TableBuilder {
    /// Keeps a text; `None` when four gigabytes of them are full.
    fn keep(&mut self, text: &str) -> Option<(u32, u32)> {
        let start = u32::try_from(self.names.len()).ok()?;
        let end = u32::try_from(self.names.len() + text.len()).ok()?;
        self.names.push_str(text);
        Some((start, end))
    }

    /// Adds a symbol; a size of zero stands for "not told".
    pub fn symbol(&mut self, rva: Rva, size: u32, name: &str, kind: SymbolKind) {
        if let Some(name) = self.keep(name) {
            self.symbols.push(SymbolRow { rva: rva.0, size, name, kind });
        }
    }

    /// Adds a source file and gives its number.
    pub fn file(&mut self, name: &str) -> u32 {
        self.files.push(name.into());
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds a line: `size` bytes of code from `rva` on.
    pub fn line(&mut self, rva: Rva, size: u32, file: u32, line: u32) {
        self.lines.push(LineRow { rva: rva.0, size, file, line });
    }

    /// Adds a piece of `function` that was put into another function, called from `call_line` of `call_file`. Depth
    /// 0 lies in the function itself, depth 1 in a piece of depth 0, and so on.
    pub fn inline(&mut self, rva: Rva, size: u32, depth: u32, function: &str, call: (u32, u32)) {
        if let Some(function) = self.keep(function) {
            let (call_file, call_line) = call;
            self.inlines.push(InlineRow { rva: rva.0, size, depth, function, call_file, call_line });
        }
    }

    /// Sorts everything.
    pub fn build(mut self, origin: Origin) -> SymbolTable {
        self.symbols.sort_by_key(|row| (row.rva, row.kind));
        self.lines.sort_by_key(|row| row.rva);
        self.inlines.sort_by_key(|row| (row.depth, row.rva));
        SymbolTable {
            origin,
            machine: None,
            image_base: None,
            problems: Vec::new(),
            names: self.names,
            files: self.files,
            covers: covers(&self.symbols),
            symbols: self.symbols,
            lines: self.lines,
            inlines: self.inlines,
        }
    }
}

/// The symbol of known size that covers every address from `rva` up to the next cover.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cover {
    rva: u64,
    row: Option<usize>,
}

/// Cuts the sized symbols of a sorted list so that none overlaps another: where several cover an address, the one that
/// begins last has it, and of those the best kind.
fn covers(symbols: &[SymbolRow]) -> Vec<Cover> {
    let sized = || symbols.iter().enumerate().filter(|(_, row)| row.size != 0);
    let end = |row: &SymbolRow| u64::from(row.rva) + u64::from(row.size);
    let mut points: Vec<u64> = sized().flat_map(|(_, row)| [row.rva.into(), end(row)]).collect();
    points.sort_unstable();
    points.dedup();
    let mut covers: Vec<Cover> = Vec::with_capacity(points.len());
    let mut open = BinaryHeap::new();
    let mut later = sized().peekable();
    for point in points {
        while let Some((index, row)) = later.next_if(|(_, row)| u64::from(row.rva) == point) {
            open.push((row.rva, Reverse(index), end(row)));
        }
        while open.peek().is_some_and(|(_, _, end)| *end <= point) {
            open.pop();
        }
        let row = open.peek().map(|(_, Reverse(index), _)| *index);
        if covers.last().is_none_or(|last| last.row != row) {
            covers.push(Cover { rva: point, row });
        }
    }
    covers
}

/// A sorted table of symbols, lines and inlined pieces.
#[derive(Debug)]
pub struct SymbolTable {
    origin: Origin,
    machine: Option<Machine>,
    image_base: Option<Va>,
    problems: Vec<Problem>,
    names: String,
    files: Vec<Arc<str>>,
    symbols: Vec<SymbolRow>,
    covers: Vec<Cover>,
    lines: Vec<LineRow>,
    inlines: Vec<InlineRow>,
}

impl SymbolTable {
    /// The same table with what could not be read of its file.
    #[must_use]
    pub fn with_problems(mut self, problems: Vec<Problem>) -> Self {
        self.problems = problems;
        self
    }

    /// The same table with the processor of the program.
    #[must_use]
    pub fn with_machine(mut self, machine: Option<Machine>) -> Self {
        self.machine = machine;
        self
    }

    /// The same table with what the headers of its image say.
    #[must_use]
    pub(crate) fn of_image(mut self, headers: &PeHeaders) -> Self {
        (self.machine, self.image_base) = (Some(headers.machine), Some(Va(headers.image_base)));
        self
    }

    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// How many symbols there are.
    pub fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Whether there is no symbol.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    fn text(&self, place: (u32, u32)) -> &str {
        self.names.get(place.0 as usize..place.1 as usize).unwrap_or_default()
    }

    fn symbol(&self, row: &SymbolRow) -> Symbol {
        Symbol {
            rva: Rva(row.rva),
            size: (row.size != 0).then_some(row.size),
            name: self.text(row.name).into(),
            kind: row.kind,
        }
    }

    fn source_line(&self, file: u32, line: u32) -> Option<SourceLine> {
        Some(SourceLine { file: self.files.get(file as usize)?.clone(), line })
    }

    /// The address after a symbol: by its size, else where the next function begins.
    fn end_of(&self, symbol: &Symbol) -> u32 {
        if let Some(size) = symbol.size {
            return symbol.rva.0.saturating_add(size);
        }
        let later = self.symbols.partition_point(|row| row.rva <= symbol.rva.0);
        let next = self.symbols[later..].iter().find(|row| row.kind == SymbolKind::Function);
        next.map_or(u32::MAX, |row| row.rva)
    }

    fn line_at(&self, rva: Rva) -> Option<SourceLine> {
        let index = self.lines.partition_point(|row| row.rva <= rva.0).checked_sub(1)?;
        let row = self.lines[index];
        (rva.0 - row.rva < row.size).then(|| self.source_line(row.file, row.line))?
    }

    /// Pieces that cover `rva`, innermost first.
    fn inlines_at(&self, rva: Rva) -> Vec<&InlineRow> {
        let mut found = Vec::new();
        let mut rest = self.inlines.as_slice();
        while let Some(first) = rest.first() {
            let (of_depth, deeper) = rest.split_at(rest.partition_point(|row| row.depth == first.depth));
            let index = of_depth.partition_point(|row| row.rva <= rva.0);
            let covering = of_depth[..index].last().filter(|row| rva.0 - row.rva < row.size);
            found.extend(covering);
            rest = deeper;
        }
        found.reverse();
        found
    }
}

impl SymbolFile for SymbolTable {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn machine(&self) -> Option<Machine> {
        self.machine
    }

    fn image_base(&self) -> Option<Va> {
        self.image_base
    }

    fn symbol_at(&self, rva: Rva) -> Option<Symbol> {
        let cover = self.covers.partition_point(|cover| cover.rva <= rva.0.into()).checked_sub(1);
        if let Some(row) = cover.and_then(|index| self.covers[index].row) {
            return Some(self.symbol(&self.symbols[row]));
        }
        let end = self.symbols.partition_point(|row| row.rva <= rva.0);
        let nearest = self.symbols[..end].last()?.rva;
        // Several names of one address are sorted by kind: the best comes first.
        let start = self.symbols[..end].partition_point(|row| row.rva < nearest);
        let rows = &self.symbols[start..end];
        rows.iter().find(|row| row.size == 0).or(rows.first()).map(|row| self.symbol(row))
    }

    fn frames_at(&self, rva: Rva) -> Vec<Frame> {
        let symbol = self.symbol_at(rva).filter(|symbol| symbol.offset_of(rva).is_some());
        let Some(function) = symbol.filter(|symbol| symbol.kind == SymbolKind::Function) else { return Vec::new() };
        let mut line = self.line_at(rva);
        let mut frames = Vec::new();
        for piece in self.inlines_at(rva) {
            let call = self.source_line(piece.call_file, piece.call_line);
            let line = std::mem::replace(&mut line, call);
            frames.push(Frame { function: self.text(piece.function).into(), line, is_inline: true });
        }
        if line.is_some() || !frames.is_empty() {
            frames.push(Frame { function: function.name, line, is_inline: false });
        }
        frames
    }

    fn visit(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) {
        for row in &self.symbols {
            if visitor(&self.symbol(row)).is_break() {
                return;
            }
        }
    }

    fn lines_of(&self, function: &Symbol) -> Vec<(Rva, u32, SourceLine)> {
        let end = self.end_of(function);
        let first = self.lines.partition_point(|row| row.rva < function.rva.0);
        let rows = self.lines[first..].iter().take_while(|row| row.rva < end);
        rows.filter_map(|row| Some((Rva(row.rva), row.size, self.source_line(row.file, row.line)?))).collect()
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
