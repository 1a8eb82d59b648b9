//! Maps of the GNU linker (`-Wl,-Map`), as mingw and cegcc write them.
//!
//! After lists of archives and of thrown-away pieces comes the memory map. The column says what a line is; a name that
//! is too long stands alone, and its numbers follow on the next line:
//!
//! ```text
//! Linker script and memory map
//!
//!                 0x00400000                        __image_base__ = 0x400000
//! .text           0x00401000     0x1a00
//!  *(.text)
//!  .text          0x004015b0      0x160 app.o
//!                 0x004015b0                work(int, int)
//!  .text$_ZN1AC1Ev
//!                 0x00402920       0x12 app.o
//!  *fill*         0x00401718        0x8
//! OUTPUT(app.exe pei-i386)
//! ```
//!
//! `RVA = address - __image_base__`. Only names that other objects can see are in a map: what lies in front of the
//! first one of an object is named by the object, as the linker's messages do: `app.o(.text)`.

mod read;

use crate::{
    symbol::{Frame, SourceLine, Symbol},
    symbol_file::{Origin, SymbolFile},
    table::SymbolTable,
};
use std::ops::ControlFlow;
use vatlas_space::{Machine, Problem, Rva, Va};

/// Bytes at the front in which a heading is looked for; the list of archives may be before it.
const HEAD: usize = 1 << 16;

/// A section of the image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputSection {
    /// Its name.
    pub name: String,
    /// Where it is loaded.
    pub rva: Rva,
    /// Its bytes.
    pub size: u32,
}

/// What one object gave to a section of the image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InputSection {
    /// Name in the object, `.text$work`.
    pub name: String,
    /// The object: a file, or `archive.a(member.o)`.
    pub object: String,
    /// Where it is loaded.
    pub rva: Rva,
    /// Its bytes, at least one.
    pub size: u32,
}

/// A map of the GNU linker.
#[derive(Debug)]
pub struct GnuMap {
    /// The symbols.
    pub table: SymbolTable,
    /// Where the linker expected the image; `None` when the map does not say, and then it has no addresses.
    pub base: Option<Va>,
    /// Name of the image, where the map tells it.
    pub image: Option<String>,
    /// Sections of the image, in the order of the map; those of debug information are left out.
    pub sections: Vec<OutputSection>,
    /// What the objects gave to them, by address.
    pub inputs: Vec<InputSection>,
}

impl GnuMap {
    /// Reads a map called `file`. What cannot be read is a problem of it; the rest is kept.
    pub fn read(file: &str, bytes: &[u8]) -> Self {
        read::read(file, bytes)
    }

    /// Whether the text has a heading of such a map.
    pub fn is_map(bytes: &[u8]) -> bool {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]);
        head.lines().any(|line| matches!(line, read::MEMORY | read::MAP) || line.starts_with(read::ARCHIVES))
    }
}

impl SymbolFile for GnuMap {
    fn origin(&self) -> &Origin {
        self.table.origin()
    }

    fn problems(&self) -> &[Problem] {
        self.table.problems()
    }

    fn machine(&self) -> Option<Machine> {
        self.table.machine()
    }

    fn table(&self) -> Option<&SymbolTable> {
        Some(&self.table)
    }

    fn image_base(&self) -> Option<Va> {
        self.table.image_base()
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

    fn lines_of(&self, function: &Symbol) -> Vec<(Rva, u32, SourceLine)> {
        self.table.lines_of(function)
    }
}

#[cfg(test)]
mod tests;
