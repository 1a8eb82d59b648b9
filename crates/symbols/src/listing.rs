//! Listings of Microsoft's compilers (`cl /FAcs`, `.cod`): which line each piece of a function's code comes from.
//!
//! A listing knows functions by name and code by its offset in them, and no address: it tells lines for the symbols of
//! other files. Comments with a number and a colon are lines of the source, rows that begin with a number of five
//! digits are code:
//!
//! ```text
//! ; File c:\src\app.c
//!   00000             |draw| PROC                ARM, SH; `_draw PROC` on x86; `.ent draw` on MIPS
//! ; 628  :     total += *next++;
//!   000e8 e5d23000     ldrb        r3, [r2]
//!                      ENDP  ; |draw|            `_draw ENDP`; `.end draw`
//! ```
//!
//! Without `/Gy` the first column counts from the start of the section; here it counts from the start of the function.

mod read;

use crate::{
    name::Name,
    symbol::{Frame, SourceLine, Symbol},
    symbol_file::{Origin, SymbolFile},
};
use std::{collections::HashMap, ops::ControlFlow, sync::Arc};
use vatlas_space::{Machine, Problem, Rva};

/// Bytes at the front in which the marks of a listing are looked for.
const HEAD: usize = 1 << 16;

/// Code of one line in a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Row {
    /// Bytes from the start of the function.
    offset: u32,
    line: u32,
    /// Number of the file.
    file: usize,
    /// Number of the text of the line, if the listing has it.
    text: Option<usize>,
}

/// A function of the listing.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Function {
    /// As the linker sees it.
    name: String,
    /// Bytes of its code.
    size: u32,
    rows: Vec<Row>,
}

/// A line that a listing tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedLine {
    /// File and line.
    pub line: SourceLine,
    /// The line itself, where the listing was made with the source (`/FAs`).
    pub text: Option<String>,
}

/// A listing.
#[derive(Debug)]
pub struct Listing {
    origin: Origin,
    problems: Vec<Problem>,
    machine: Option<Machine>,
    functions: Vec<Function>,
    files: Vec<Arc<str>>,
    texts: Vec<String>,
    /// Numbers of functions by decorated name; several have one name where the compiler was run several times.
    by_name: HashMap<String, Vec<usize>>,
    /// By name without decoration.
    by_plain: HashMap<String, Vec<usize>>,
}

impl Listing {
    /// Reads a listing called `file`. What cannot be read is a problem of it; the rest is kept.
    pub fn read(file: &str, bytes: &[u8]) -> Self {
        read::read(file, bytes)
    }

    /// Whether the text has the marks of a listing: functions, and lines of a source as comments.
    pub fn is_listing(bytes: &[u8]) -> bool {
        read::is_listing(&bytes[..bytes.len().min(HEAD)])
    }

    /// The line of the code at `offset` bytes from the start of a function, by the function's decorated or plain name.
    /// `None` where the name stands for several functions, and behind the function's end.
    pub fn line_at(&self, function: &str, offset: u32) -> Option<ListedLine> {
        let function = self.function(function)?;
        let row = function.rows[..function.rows.partition_point(|row| row.offset <= offset)].last()?;
        if offset >= function.size {
            return None;
        }
        Some(ListedLine { line: self.source_line(row), text: row.text.and_then(|text| self.texts.get(text).cloned()) })
    }

    /// Bytes of a function's code.
    pub fn size_of(&self, function: &str) -> Option<u32> {
        self.function(function).map(|function| function.size)
    }

    /// The lines of a function: offset and size of the code, and the line.
    pub fn lines_in(&self, function: &str) -> Vec<(u32, u32, SourceLine)> {
        let Some(function) = self.function(function) else { return Vec::new() };
        let ends = function.rows.iter().skip(1).map(|row| row.offset).chain([function.size]);
        let rows = function.rows.iter().zip(ends);
        rows.map(|(row, end)| (row.offset, end.saturating_sub(row.offset), self.source_line(row))).collect()
    }

    /// Decorated names of the functions, in the order of the listing.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.iter().map(|function| function.name.as_str())
    }

    fn function(&self, name: &str) -> Option<&Function> {
        let numbers = self.by_name.get(name).or_else(|| self.by_plain.get(name))?;
        match numbers[..] {
            [number] => self.functions.get(number),
            _ => None,
        }
    }

    fn source_line(&self, row: &Row) -> SourceLine {
        SourceLine { file: self.files.get(row.file).cloned().unwrap_or_default(), line: row.line }
    }
}

/// The name without decoration, for a listing of a processor.
fn plain(name: &str, machine: Option<Machine>) -> String {
    Name::read(name, machine.unwrap_or(Machine::Other(0))).plain
}

impl SymbolFile for Listing {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn machine(&self) -> Option<Machine> {
        self.machine
    }

    /// Nothing: a listing has no addresses.
    fn symbol_at(&self, _rva: Rva) -> Option<Symbol> {
        None
    }

    fn frames_at(&self, _rva: Rva) -> Vec<Frame> {
        Vec::new()
    }

    fn visit(&self, _visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) {}

    /// The lines of another file's symbol, by its name.
    fn lines_of(&self, function: &Symbol) -> Vec<(Rva, u32, SourceLine)> {
        let lines = self.lines_in(&function.name).into_iter();
        lines.filter_map(|(offset, size, line)| Some((function.rva.checked_add(offset)?, size, line))).collect()
    }

    fn listing(&self) -> Option<&Listing> {
        Some(self)
    }
}

#[cfg(test)]
mod tests;
