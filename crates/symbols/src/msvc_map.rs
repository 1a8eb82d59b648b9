//! Linker maps of Microsoft's linkers, from Visual C++ 6 and embedded Visual C++ on.
//!
//! Headings divide the text into blocks; the head names the module, its time stamp and its preferred base:
//!
//! ```text
//!  app
//!
//!  Timestamp is 43210fed (Fri Sep  9 08:00:00 2005)
//!
//!  Preferred load address is 00010000
//!
//!  Start         Length     Name                   Class
//!  0001:00000000 00001e3cH .text                   CODE
//!
//!   Address         Publics by Value              Rva+Base     Lib:Object
//!
//!  0001:00000038       _f                         00011038 f i a.obj
//!
//!  entry point at        0001:0000000c
//!
//!  Static symbols
//! ```
//!
//! `RVA = Rva+Base - preferred base`; `segment start = RVA - offset`, which places what is given by segment and offset
//! alone: the entry point and the line numbers.

mod lines;
mod read;
mod row;

use crate::{
    symbol::{Frame, SourceLine, Symbol, SymbolKind},
    symbol_file::{Origin, SymbolFile},
    table::SymbolTable,
};
use std::ops::ControlFlow;
use vatlas_space::{Machine, Problem, Rva, Va};

/// Bytes at the front in which the head of a map is looked for.
const HEAD: usize = 4096;

/// A place by segment, from 1, and offset in it: the linker's own form of an address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SegmentOffset {
    /// Number of the segment: the section of the image, from 1. 0 holds absolute values.
    pub segment: u16,
    /// Bytes from its start.
    pub offset: u32,
}

/// A row of the section table: a piece of a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapSection {
    /// Where it begins.
    pub start: SegmentOffset,
    /// Its bytes.
    pub size: u32,
    /// Name, `.text$mn`.
    pub name: String,
    /// `CODE` or `DATA`.
    pub class: String,
    /// Where it is loaded; `None` when no symbol lies in its segment.
    pub rva: Option<Rva>,
}

/// A name for a number that is no address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Absolute {
    /// The name.
    pub name: String,
    /// Its value.
    pub value: u64,
}

/// A linker map.
#[derive(Debug)]
pub struct MapFile {
    /// Symbols and lines.
    pub table: SymbolTable,
    /// Name of the module, without extension.
    pub module: String,
    /// Where the linker expected the image; `None` when the map does not say, and then it has no addresses.
    pub preferred_base: Option<u64>,
    /// The section table.
    pub sections: Vec<MapSection>,
    /// Where the module begins to run.
    pub entry: Option<Rva>,
    /// Names that are no addresses.
    pub absolutes: Vec<Absolute>,
}

impl MapFile {
    /// Reads a map called `file`. What cannot be read is a problem of it; the rest is kept.
    pub fn read(file: &str, bytes: &[u8]) -> Self {
        read::read(file, bytes)
    }

    /// Whether the text has the head of a map.
    pub fn is_map(bytes: &[u8]) -> bool {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]);
        let has = |start: &str| head.lines().any(|line| line.trim_start().starts_with(start));
        has(read::TIME_STAMP) && has(read::PREFERRED_BASE)
    }
}

/// A map does not name the processor, but names of C are decorated on 32-bit x86 only: `_f@8` occurs nowhere else, and
/// elsewhere most functions have no underscore in front.
fn is_x86(table: &SymbolTable) -> bool {
    let (mut is_certain, mut marked, mut all) = (false, 0, 0);
    table.visit(&mut |symbol| {
        if symbol.kind == SymbolKind::Function && !symbol.name.starts_with('?') {
            let is_marked = symbol.name.starts_with(['_', '@']);
            is_certain = is_marked && has_argument_bytes(&symbol.name);
            (marked, all) = (marked + usize::from(is_marked), all + 1);
        }
        if is_certain { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    is_certain || (all > 0 && marked * 4 > all * 3)
}

/// `_f@8`: decimal digits after the last `@`.
fn has_argument_bytes(name: &str) -> bool {
    let bytes = name.rsplit_once('@').map(|(_, bytes)| bytes);
    bytes.is_some_and(|bytes| !bytes.is_empty() && bytes.bytes().all(|byte| byte.is_ascii_digit()))
}

impl SymbolFile for MapFile {
    fn origin(&self) -> &Origin {
        self.table.origin()
    }

    fn problems(&self) -> &[Problem] {
        self.table.problems()
    }

    fn symbol_at(&self, rva: Rva) -> Option<Symbol> {
        self.table.symbol_at(rva)
    }

    fn frames_at(&self, rva: Rva) -> Vec<Frame> {
        self.table.frames_at(rva)
    }

    fn visit(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) {
        self.table.visit(visitor);
    }

    fn entry(&self) -> Option<Rva> {
        self.entry
    }

    fn absolutes(&self) -> &[Absolute] {
        &self.absolutes
    }

    fn table(&self) -> Option<&SymbolTable> {
        Some(&self.table)
    }

    fn image_base(&self) -> Option<Va> {
        self.table.image_base()
    }

    fn machine(&self) -> Option<Machine> {
        self.table.machine()
    }

    fn lines_of(&self, function: &Symbol) -> Vec<(Rva, u32, SourceLine)> {
        self.table.lines_of(function)
    }
}

#[cfg(test)]
mod tests;
