//! The difference of two targets: what they are, regions, modules, threads, memory.
//!
//! The two are called `a` and `b`; swapping them swaps every answer and changes nothing else. What one of them does
//! not tell is no difference: it is counted as not comparable.

mod identity;
mod memory;
mod modules;
mod regions;
#[cfg(test)]
mod tests;
mod threads;

pub use identity::identity;
pub use memory::{MemoryChange, MemoryTotals, diff_memory};
pub use modules::{ModuleChange, ModuleDifference, diff_modules};
pub use regions::{RegionAspects, RegionChange, RegionDifference, RegionFacts, RegionTotals, diff_regions};
pub use threads::{SideMove, ThreadChange, diff_threads};
