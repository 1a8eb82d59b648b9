//! Names and lines for addresses of a module, and addresses for names, from whatever symbol files there are.
//!
//! This crate asks for files and is given bytes. An address is an [`vatlas_space::Rva`] of the module: taking off
//! the base, or reducing a slot address, is the caller's business.

pub mod breakpad;
pub mod cfi;
pub mod coff;
pub mod dwarf;
pub mod exports;
pub mod find_name;
pub mod gnu_map;
pub mod identity;
pub mod index_bytes;
pub mod listing;
pub mod module_symbols;
pub mod msvc_map;
pub mod name;
pub mod name_index;
pub mod open;
pub mod pdb;
pub mod store_key;
pub mod symbol;
pub mod symbol_file;
pub mod symbol_path;
pub mod table;
mod text_problems;
pub mod type_text;
pub mod types;
pub mod variable;

pub use dwarf::DwarfFile;
pub use find_name::{Findings, Found, NamePattern, find, suggestions};
pub use gnu_map::GnuMap;
pub use listing::Listing;
pub use module_symbols::{Lookup, ModuleSymbols};
pub use msvc_map::MapFile;
pub use name::{Convention, Name};
pub use name_index::{IndexKey, IndexStore, NamedSymbol};
pub use open::open;
pub use pdb::{LineRecord, PdbFile};
pub use symbol::{Frame, SourceLine, Symbol, SymbolKind};
pub use symbol_file::{FileKind, Identity, Origin, SymbolFile};
pub use table::{SymbolTable, TableBuilder};
pub use types::{Type, TypeId, Types};
pub use variable::{FrameRule, Variable, VariablePlace};
