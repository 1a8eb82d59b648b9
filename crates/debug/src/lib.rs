//! The debugger's questions: explain, map, search, references, difference. Plain data out.
//!
//! Nothing here opens a file, prints, or knows whether the target is a dump or the machine.

mod heaps;
pub mod map;
pub mod picture;
pub mod usage;
pub mod usage_index;
