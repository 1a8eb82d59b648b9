//! NT's memory manager: frames, page files, address spaces, and the calls that change them.
//!
//! The truth lies in guest memory: page directories and tables with NT's software forms, and the frame database.
//! Here are only what NT keeps in variables and lists of its own: heads of lists, bitmaps, descriptors, working sets.
//! Page faults are in [`crate::fault`]. `docs/memory_manager.md` says which rule is NT's and which is our choice.

mod allocate;
mod commit;
mod copy;
mod entries;
mod frames;
mod free;
mod lock;
mod page_file;
mod pages;
mod protect;
mod query;
mod reclaim;
mod space;
mod status;
mod vad;
mod working_set;

pub use allocate::{AllocationRequest, MEM_COMMIT, MEM_RESERVE, MEM_RESET, MEM_TOP_DOWN};
pub use commit::CommitCharge;
pub(crate) use entries::demand_zero;
pub use frames::{FrameDatabase, FrameRecord, FrameState, RECORD_BYTES};
pub use free::{MEM_DECOMMIT, MEM_RELEASE};
pub use page_file::{MOST_PAGE_FILES, PageFile, PageFileError, PageFileStore};
pub(crate) use pages::is_guard;
pub use query::{MEM_FREE, MEM_PRIVATE, MemoryBasicInformation};
pub use space::{AddressLimits, ProcessMemory};
pub use status::NtStatus;
pub use vad::{Vad, Vads};
pub use working_set::{WorkingSet, WorkingSetEntry};

use crate::ram::Ram;
use vatlas_rules::nt::pte::{PteRules, PteWidth};
use vatlas_space::{Pfn, Va};

/// Frames of the commit limit that are never promised, so that a fault can always find one to trim.
const RESERVE: u32 = 16;

/// Bases of the software forms: XP's paged pool and the end of its nonpaged pool. The base of subsections is that of
/// the kernel half; nothing uses it before there are sections.
pub(crate) const RULES: PteRules = PteRules {
    width: PteWidth::NonPae,
    prototype_base: Va(0xe100_0000),
    subsection_base: Va(0x8000_0000),
    nonpaged_pool_end: Va(0xffbe_0000),
};

/// The number of an address space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SpaceIndex(pub(crate) usize);

/// What happened so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Faults that ended with a page of zeroes.
    pub demand_zero: u64,
    /// Faults that found the page on the standby or modified list.
    pub transition: u64,
    /// Pages read from page files.
    pub page_ins: u64,
    /// Pages written to page files.
    pub page_outs: u64,
    /// Writes to page files that failed.
    pub failed_writes: u64,
    /// First writes to pages that were clean.
    pub first_writes: u64,
    /// Pages taken out of working sets.
    pub trimmed: u64,
    /// Standby frames that were used for another page.
    pub repurposed: u64,
}

/// The memory manager of a computer.
#[derive(Debug)]
pub struct Memory {
    pub(crate) frames: FrameDatabase,
    pub(crate) page_files: Vec<PageFile>,
    pub(crate) commit: CommitCharge,
    pub(crate) spaces: Vec<ProcessMemory>,
    pub(crate) counters: Counters,
    kernel_half: Vec<u32>,
    is_flush_due: bool,
}

impl Memory {
    /// Takes over physical memory from frame `start` on: first the frame database, then free frames. At most
    /// [`MOST_PAGE_FILES`] page files are used.
    pub fn new(ram: &mut Ram, start: Pfn, page_files: Vec<PageFile>) -> Self {
        let frames = FrameDatabase::new(ram, start);
        let page_files: Vec<_> = page_files.into_iter().take(MOST_PAGE_FILES).collect();
        let stored: u32 = page_files.iter().map(PageFile::capacity).sum();
        let commit = CommitCharge::new(frames.usable().saturating_sub(RESERVE).saturating_add(stored));
        let counters = Counters::default();
        let (spaces, kernel_half) = (Vec::new(), vec![0; 512]);
        Self { frames, page_files, commit, spaces, counters, kernel_half, is_flush_due: false }
    }

    /// The frame database.
    pub const fn frames(&self) -> &FrameDatabase {
        &self.frames
    }

    /// The commit charge of the system.
    pub const fn commit(&self) -> &CommitCharge {
        &self.commit
    }

    /// The page files.
    pub fn page_files(&self) -> &[PageFile] {
        &self.page_files
    }

    /// What happened so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// An address space.
    pub fn space(&self, space: SpaceIndex) -> &ProcessMemory {
        &self.spaces[space.0]
    }

    /// Sets the minimum of a working set, in pages; less than 20 becomes 20.
    pub fn set_minimum_working_set(&mut self, space: SpaceIndex, pages: u32) {
        self.spaces[space.0].working_set.minimum = pages.max(20);
    }

    /// Sets the directory entry for an address of the kernel half, in all address spaces that are made from now on.
    /// The self-map cannot be set.
    pub fn set_kernel_entry(&mut self, va: Va, entry: u32) {
        let index = usize::try_from(va.0 >> 22).unwrap_or(usize::MAX);
        if let Some(place) = index.checked_sub(512).and_then(|index| self.kernel_half.get_mut(index)) {
            *place = entry;
        }
    }

    /// Whether translations must be forgotten since the last time this was asked: entries that processors may hold
    /// were changed.
    pub fn take_flush(&mut self) -> bool {
        std::mem::take(&mut self.is_flush_due)
    }

    pub(crate) const fn need_flush(&mut self) {
        self.is_flush_due = true;
    }

    /// Takes commit charge, growing page files where that helps.
    pub(crate) fn charge(&mut self, pages: u32) -> Result<(), NtStatus> {
        for file in 0..self.page_files.len() {
            let missing = self.commit.missing(pages);
            if missing == 0 {
                break;
            }
            let grown = self.page_files[file].grow(missing);
            self.commit.raise(grown);
        }
        self.commit.charge(pages)
    }
}
