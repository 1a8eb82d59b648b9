//! A symbol, a line, a frame: plain data. Texts are shared with the file that they come from, so that an answer copies
//! none.

use std::{fmt, sync::Arc};
use vatlas_space::Rva;

/// What a symbol stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SymbolKind {
    /// A function, with debug information or flagged as one.
    Function,
    /// A variable.
    Data,
    /// A label, thunk or import stub.
    Label,
    /// A function by the name that the linker published, which is decorated.
    PublicFunction,
    /// A name that the linker published; code or data is not told.
    Public,
    /// A name of the export table.
    Export,
}

impl fmt::Display for SymbolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Function => "function",
            Self::Data => "data",
            Self::Label => "label",
            Self::PublicFunction => "public function",
            Self::Public => "public",
            Self::Export => "export",
        })
    }
}

/// A name for an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// Its first address.
    pub rva: Rva,
    /// Its bytes; `None` where the file does not tell.
    pub size: Option<u32>,
    /// The name as the file has it, decorated if it is there.
    pub name: Arc<str>,
    /// What it stands for.
    pub kind: SymbolKind,
}

impl Symbol {
    /// Bytes from the symbol's first address to `rva`; `None` below it, and past its end where that is known.
    pub fn offset_of(&self, rva: Rva) -> Option<u32> {
        let offset = rva.offset_from(self.rva)?;
        self.size.is_none_or(|size| offset < size.max(1)).then_some(offset)
    }
}

/// A line of a source file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceLine {
    /// The file as the compiler named it.
    pub file: Arc<str>,
    /// The line, from 1; 0 where the compiler made up code of no line.
    pub line: u32,
}

/// A function that was running at an address: the outermost one, or one that the compiler put inside another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Name of the function.
    pub function: Arc<str>,
    /// The line in it, where known.
    pub line: Option<SourceLine>,
    /// Whether it was put inside the next frame of the list.
    pub is_inline: bool,
}
