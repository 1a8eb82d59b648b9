//! The rules: how Windows NT and Windows CE turn an address into a place, before any file is opened.
//!
//! Everything here is a pure function of its arguments. This crate opens no file, prints nothing and knows
//! neither dumps nor images; whoever has those gives it addresses and facts.

pub mod address_text;
pub mod area;
pub mod ce;
pub mod layout;
pub mod module_list;
pub mod nt;
pub mod place;
pub mod signal;
pub mod statement;
pub mod value_look;
pub mod walk;

pub use address_text::{AddressError, ParsedAddress, parse_address};
pub use area::{Area, AreaKind, Owner};
pub use layout::{Layout, layout};
pub use module_list::{ListedModule, ListedProcess, ModuleList};
pub use nt::exception::{Access, ExceptionWords, exception_words};
pub use place::{Place, PlaceFacts, place, place_in};
pub use statement::{Statement, Support};
