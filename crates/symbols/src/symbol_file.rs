//! A symbol file: what every kind of one can be asked.

use crate::{
    cfi::UnwindRow,
    listing::Listing,
    msvc_map::Absolute,
    pdb::LineRecord,
    symbol::{Frame, Symbol},
    table::SymbolTable,
    types::{TypeId, Types},
    variable::{Constant, FrameRule, Variable},
};
use std::{fmt, ops::ControlFlow, sync::Arc};
use vatlas_space::{Guid, Machine, Problem, Rva, Va};

/// The kinds of symbol files, best first: the order in which answers are preferred.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FileKind {
    /// A program database, PDB 7.0 or 2.0.
    Pdb,
    /// DWARF debug information of an image.
    Dwarf,
    /// A Breakpad symbol file.
    Breakpad,
    /// A linker map of Microsoft's linker.
    MsvcMap,
    /// A linker map of the GNU linker.
    GnuMap,
    /// A listing of the compiler.
    Listing,
    /// The COFF symbol table of an image.
    Coff,
    /// The export table of an image.
    Exports,
    /// The function table of an image: where functions are, without names.
    FunctionTable,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pdb => "PDB",
            Self::Breakpad => "Breakpad symbols",
            Self::Dwarf => "DWARF",
            Self::MsvcMap => "linker map",
            Self::GnuMap => "GNU linker map",
            Self::Listing => "listing",
            Self::Coff => "COFF symbols",
            Self::Exports => "export table",
            Self::FunctionTable => "function table",
        })
    }
}

/// Which build of a module a symbol file belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Identity {
    /// GUID and age of a PDB 7.0.
    Guid {
        /// The GUID.
        guid: Guid,
        /// How often it was written since.
        age: u32,
    },
    /// Signature and age of a PDB 2.0.
    Signature {
        /// The time stamp that identifies it.
        signature: u32,
        /// How often it was written since.
        age: u32,
    },
    /// `TimeDateStamp` of the image that was linked.
    TimeDateStamp(u32),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guid { guid, age } => write!(f, "{guid} age {age}"),
            Self::Signature { signature, age } => write!(f, "{signature:08x} age {age}"),
            Self::TimeDateStamp(stamp) => write!(f, "time stamp {stamp:08x}"),
        }
    }
}

/// Where an answer comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Name of the file.
    pub file: Arc<str>,
    /// What it is.
    pub kind: FileKind,
    /// Which build it belongs to, where it says so.
    pub identity: Option<Identity>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.file, self.kind)
    }
}

/// Names and lines of one module from one file.
pub trait SymbolFile {
    /// Where its answers come from.
    fn origin(&self) -> &Origin;

    /// What could not be read of the file, and what is odd; told when it was opened.
    fn problems(&self) -> &[Problem];

    /// The symbol that `rva` belongs to: the one that covers it or, where sizes are not told, the nearest below.
    /// Of several at one address the best name.
    fn symbol_at(&self, rva: Rva) -> Option<Symbol>;

    /// The functions that run at `rva`, innermost first; empty without debug information there.
    fn frames_at(&self, rva: Rva) -> Vec<Frame>;

    /// Both at once, for files that find both in one place.
    fn lookup(&self, rva: Rva) -> Option<(Symbol, Vec<Frame>)> {
        let symbol = self.symbol_at(rva)?;
        Some((symbol, self.frames_at(rva)))
    }

    /// Every symbol, in any order, until the visitor breaks.
    fn visit(&self, visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>);

    /// Address and size of the code of every line, with file and line, in order of address: for listings.
    fn lines_of(&self, function: &Symbol) -> Vec<(Rva, u32, crate::symbol::SourceLine)>;

    /// Where the linker expected the image, for files whose own addresses count from there.
    fn image_base(&self) -> Option<Va> {
        None
    }

    /// Where the module begins to run, where a linker map tells.
    fn entry(&self) -> Option<Rva> {
        None
    }

    /// Names that are no addresses, of a linker map.
    fn absolutes(&self) -> &[Absolute] {
        &[]
    }

    /// The processor of the program, where the file tells.
    fn machine(&self) -> Option<Machine> {
        None
    }

    /// The table that all answers of this file come from, where it is one: it can be kept as bytes, and opened again
    /// without reading the file.
    fn table(&self) -> Option<&SymbolTable> {
        None
    }

    /// A sum over the head of a file whose names are worth an index: it tells copies of one identity apart. `None` where
    /// an identity says nothing about the content.
    fn head_sum(&self) -> Option<u64> {
        None
    }

    /// The listing that this file is: it has lines for the symbols of other files, and no addresses.
    fn listing(&self) -> Option<&Listing> {
        None
    }

    /// Every record of lines as it is written, in the order of the file, until the visitor breaks: nothing is left out,
    /// sorted or put together. Files without such records have none.
    fn visit_line_records(&self, _visitor: &mut dyn FnMut(&LineRecord<'_>) -> ControlFlow<()>) {}

    /// The types of the program; `None` without any.
    fn types(&self) -> Option<&dyn Types> {
        None
    }

    /// The type of a variable or function of this file.
    fn type_of(&self, _symbol: &Symbol) -> Option<TypeId> {
        None
    }

    /// Variables in scope at an address of code, innermost scope first, parameters of each function before its locals.
    fn variables_at(&self, _rva: Rva) -> Vec<Variable> {
        Vec::new()
    }

    /// Every constant, until the visitor breaks.
    fn visit_constants(&self, _visitor: &mut dyn FnMut(&Constant) -> ControlFlow<()>) {}

    /// The rules of call-frame information (DWARF, `STACK CFI` of Breakpad) that hold at an address.
    fn unwind_row_at(&self, _rva: Rva) -> Option<UnwindRow> {
        None
    }

    /// How to leave the frame of the x86 function at an address; the narrowest rule of several.
    fn frame_rule_at(&self, _rva: Rva) -> Option<FrameRule> {
        None
    }
}
