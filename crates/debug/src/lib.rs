//! The debugger's questions: explain, map, search, references, difference. Plain data out.
//!
//! Nothing here opens a file, prints, or knows whether the target is a dump or the machine.

pub mod analysis;
pub mod api_calls;
pub mod ce_crash;
pub mod ce_place;
pub mod control;
pub mod crash;
pub mod diff;
pub mod disassembly;
pub mod explain;
mod heaps;
mod image_index;
pub mod listing;
pub mod location;
pub mod looks;
pub mod map;
pub mod objects;
pub mod picture;
pub mod process_choice;
pub mod refs;
pub mod search;
pub mod sharing;
pub mod stack;
pub mod symbol_provider;
pub mod symbolize;
pub mod system_page;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_types;
pub mod type_layout;
pub mod usage;
pub mod usage_index;
pub mod value;
pub mod watch;
