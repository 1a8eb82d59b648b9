//! A whole 32-bit NT system from its physical memory: processes, descriptors, page tables, frames, as a kernel debugger
//! reads them. The machine and a kernel dump give the same [`KernelMemory`]; the reader does not know which it has.
//!
//! Everything is found from [`NtRoots`]. Lists and trees of a damaged memory may lead in circles: each is followed so
//! far and no farther.

mod accounts;
mod floats;
mod frames;
mod handles;
mod memory;
mod modules;
mod objects;
mod pages;
mod processes;
mod space;
mod target;
mod vads;

pub use memory::KernelMemory;
pub(crate) use processes::thread_of_stack;
pub use space::NtSpace;
pub use target::NtTarget;

use vatlas_rules::nt::pte::PteRules;
use vatlas_space::{Pa, Va};

/// Where the reader begins: what a kernel debugger takes from symbols.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NtRoots {
    /// Any page directory: the kernel half is the same in all.
    pub directory: Pa,
    /// `PsActiveProcessHead`.
    pub process_list: Va,
    /// `MmPfnDatabase`.
    pub frame_database: Va,
    /// Frames that it has records of.
    pub frames: u64,
    /// Bases that software forms of entries count from.
    pub rules: PteRules,
    /// `MmSystemRangeStart`: 80000000, or up to C0000000 where programs may have more than 2 GB.
    pub range_start: Va,
    /// `PsLoadedModuleList`, when the system has one.
    pub module_list: Option<Va>,
    /// What `ObpRootDirectoryObject` leads to, when that is known.
    pub root_directory: Option<Va>,
}

/// NT's time, in units of 100 ns since 1601, as seconds since 1970; `None` before that, and from 2106 on.
pub(crate) fn seconds_since_1970(time: u64) -> Option<u32> {
    const BETWEEN: u64 = 11_644_473_600;
    (time / 10_000_000).checked_sub(BETWEEN).and_then(|seconds| u32::try_from(seconds).ok())
}
