//! The rows of a symbol table.

use crate::{
    index_bytes::rows::{Row, RowWords},
    symbol::{Symbol, SymbolKind},
};

const KINDS: [SymbolKind; 6] = [
    SymbolKind::Function,
    SymbolKind::Data,
    SymbolKind::Label,
    SymbolKind::PublicFunction,
    SymbolKind::Public,
    SymbolKind::Export,
];

/// A symbol's row; the name lies among the names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SymbolRow {
    pub(crate) rva: u32,
    /// Zero where not told.
    pub(crate) size: u32,
    pub(crate) name: (u32, u32),
    pub(crate) kind: SymbolKind,
}

impl SymbolRow {
    /// The row of a symbol whose name lies at a place.
    pub(crate) fn new(symbol: &Symbol, name: (u32, u32)) -> Self {
        Self { rva: symbol.rva.0, size: symbol.size.unwrap_or(0), name, kind: symbol.kind }
    }
}

impl Row for SymbolRow {
    const WORDS: usize = 5;

    fn words(&self) -> impl AsRef<[u32]> {
        // The kinds are in the order of their numbers, as a test holds.
        [self.rva, self.size, self.name.0, self.name.1, self.kind as u32]
    }

    fn of(words: RowWords<'_>) -> Self {
        let kind = KINDS.get(words.get(4) as usize).copied().unwrap_or(SymbolKind::Public);
        Self { rva: words.get(0), size: words.get(1), name: words.text(2), kind }
    }
}

/// The symbol of known size that covers every address from `rva` up to the next cover.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cover {
    pub(crate) rva: u32,
    /// Number of the symbol's row.
    pub(crate) row: Option<u32>,
}

impl Row for Cover {
    const WORDS: usize = 2;

    fn words(&self) -> impl AsRef<[u32]> {
        [self.rva, self.row.unwrap_or(u32::MAX)]
    }

    fn of(words: RowWords<'_>) -> Self {
        Self { rva: words.get(0), row: Some(words.get(1)).filter(|row| *row != u32::MAX) }
    }
}

/// A source file's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileRow(pub(crate) (u32, u32));

impl Row for FileRow {
    const WORDS: usize = 2;

    fn words(&self) -> impl AsRef<[u32]> {
        [self.0.0, self.0.1]
    }

    fn of(words: RowWords<'_>) -> Self {
        Self(words.text(0))
    }
}

/// A line's row: `size` bytes of code from `rva` on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineRow {
    pub(crate) rva: u32,
    pub(crate) size: u32,
    pub(crate) file: u32,
    pub(crate) line: u32,
}

impl Row for LineRow {
    const WORDS: usize = 4;

    fn words(&self) -> impl AsRef<[u32]> {
        [self.rva, self.size, self.file, self.line]
    }

    fn of(words: RowWords<'_>) -> Self {
        Self { rva: words.get(0), size: words.get(1), file: words.get(2), line: words.get(3) }
    }
}

/// A piece of a function that the compiler put into another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InlineRow {
    pub(crate) rva: u32,
    pub(crate) size: u32,
    /// 0 for a piece that lies in the function itself.
    pub(crate) depth: u32,
    pub(crate) function: (u32, u32),
    pub(crate) call_file: u32,
    pub(crate) call_line: u32,
}

impl Row for InlineRow {
    const WORDS: usize = 7;

    fn words(&self) -> impl AsRef<[u32]> {
        let (start, end) = self.function;
        [self.rva, self.size, self.depth, start, end, self.call_file, self.call_line]
    }

    fn of(words: RowWords<'_>) -> Self {
        Self {
            rva: words.get(0),
            size: words.get(1),
            depth: words.get(2),
            function: words.text(3),
            call_file: words.get(5),
            call_line: words.get(6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_in_the_order_of_their_numbers() {
        assert!(KINDS.iter().enumerate().all(|(number, kind)| *kind as usize == number));
    }
}
