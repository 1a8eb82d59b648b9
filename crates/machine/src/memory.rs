//! NT's memory manager: frames, page files, address spaces, and the calls that change them.
//!
//! The truth lies in guest memory: page directories and tables with NT's software forms, and the frame database.
//! Here are only what NT keeps in variables and lists of its own: heads of lists, bitmaps, descriptors, working sets.
//! Page faults are in [`crate::fault`]. `docs/memory_manager.md` says which rule is NT's and which is our choice.

mod address_runs;
mod allocate;
mod commit;
mod control_area;
mod copy;
mod entries;
mod fork;
mod frames;
mod free;
mod kernel_half;
mod kernel_stack;
mod lock;
mod mapped_file;
mod page_file;
mod pages;
mod pool;
mod protect;
mod prototype;
mod query;
mod reclaim;
mod section;
mod section_image;
mod shared_user;
mod space;
mod stack;
mod status;
mod system_pages;
mod vad;
mod vad_tree;
mod view;
mod working_set;
mod write_watch;

pub use allocate::{AllocationRequest, MEM_COMMIT, MEM_RESERVE, MEM_RESET, MEM_TOP_DOWN, MEM_WRITE_WATCH};
pub use commit::CommitCharge;
pub use control_area::{AreaKind, ControlArea};
pub(crate) use entries::{demand_zero, protection_in};
pub use frames::{FrameDatabase, FrameRecord, RECORD_BYTES};
pub use free::{MEM_DECOMMIT, MEM_RELEASE};
pub use kernel_stack::KernelStack;
pub use page_file::{MOST_PAGE_FILES, PageFile, PageFileError, PageFileStore};
pub(crate) use pages::is_guard;
pub use pool::PoolKind;
pub(crate) use prototype::{Arrival, private_protection};
pub use query::{MEM_FREE, MEM_IMAGE, MEM_MAPPED, MEM_PRIVATE, MemoryBasicInformation};
pub use section::{
    FileIdentity, IdentifiedFile, SEC_COMMIT, SEC_IMAGE, SEC_RESERVE, Section, SectionFile, SectionRequest,
};
pub use section_image::ImageInformation;
pub use shared_user::SHARED_USER_ALIAS;
pub(crate) use space::SHARED_USER;
pub use space::{AddressLimits, ProcessMemory};
pub use stack::UserStack;
pub use status::NtStatus;
pub use vad::{Vad, Vads, View};
pub use vatlas_space::FrameState;
pub use view::{MappedView, VIEW_SHARE, VIEW_UNMAP, ViewRequest};
pub use working_set::{WorkingSet, WorkingSetEntry};
pub use write_watch::WRITE_WATCH_FLAG_RESET;

use crate::ram::Ram;
use address_runs::AddressRuns;
use kernel_half::KernelHalf;
use pool::Pool;
use std::collections::BTreeMap;
use system_pages::SystemPages;
use vatlas_rules::nt::pte::{PteRules, PteWidth};
use vatlas_space::{Pfn, Va};

/// Frames of the commit limit that are never promised, so that a fault can always find one to trim.
const RESERVE: u32 = 16;

/// Bases of the software forms: XP's paged pool and the end of its nonpaged pool. The base of subsections is that of
/// the kernel half, so that nonpaged pool up to 88000000 can be named.
pub(crate) const RULES: PteRules = PteRules {
    width: PteWidth::NonPae,
    prototype_base: Va(0xe100_0000),
    subsection_base: Va(0x8000_0000),
    nonpaged_pool_end: Va(0xffbe_0000),
};

/// The number of an address space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub struct SpaceIndex(pub(crate) usize);

/// The number of a control area.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub struct ControlAreaIndex(pub(crate) usize);

/// What happened so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Counters {
    /// Faults that ended with a page of zeroes.
    pub demand_zero: u64,
    /// Faults that found the page on the standby or modified list.
    pub transition: u64,
    /// Pages read from page files.
    pub page_ins: u64,
    /// Pages written to page files.
    pub page_outs: u64,
    /// Writes to page files and mapped files that failed.
    pub failed_writes: u64,
    /// Writes that made a private copy of a shared page.
    pub copy_on_write: u64,
    /// Pages read from the files of images.
    pub image_page_ins: u64,
    /// Pages read from mapped data files.
    pub file_page_ins: u64,
    /// Pages written to mapped data files.
    pub file_page_outs: u64,
    /// First writes to pages that were clean.
    pub first_writes: u64,
    /// Pages taken out of working sets.
    pub trimmed: u64,
    /// Standby frames that were used for another page.
    pub repurposed: u64,
}

/// The memory manager of a computer.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Memory {
    pub(crate) frames: FrameDatabase,
    pub(crate) page_files: Vec<PageFile>,
    pub(crate) commit: CommitCharge,
    pub(crate) spaces: Vec<ProcessMemory>,
    pub(crate) counters: Counters,
    pub(crate) kernel: KernelHalf,
    pub(crate) pools: [Pool; 3],
    pub(crate) system: SystemPages,
    system_entries: AddressRuns,
    shared_user: Option<Pfn>,
    pub(crate) areas: BTreeMap<ControlAreaIndex, ControlArea>,
    /// By file, and whether it is an image.
    pub(crate) area_by_file: BTreeMap<(FileIdentity, bool), ControlAreaIndex>,
    pub(crate) area_by_subsection: BTreeMap<Va, ControlAreaIndex>,
    pub(crate) next_area: ControlAreaIndex,
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
        Self {
            frames,
            page_files,
            commit,
            spaces: Vec::new(),
            counters,
            kernel: KernelHalf::new(),
            pools: Pool::all(false),
            system: SystemPages::default(),
            system_entries: AddressRuns::new(kernel_stack::FIRST, kernel_stack::END),
            shared_user: None,
            areas: BTreeMap::new(),
            area_by_file: BTreeMap::new(),
            area_by_subsection: BTreeMap::new(),
            next_area: ControlAreaIndex(0),
            is_flush_due: false,
        }
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

    /// The address spaces that were not deleted.
    pub fn spaces(&self) -> impl Iterator<Item = SpaceIndex> {
        let alive = self.spaces.iter().enumerate().filter(|(_, space)| space.is_alive());
        alive.map(|(index, _)| SpaceIndex(index))
    }

    /// Sets the minimum of a working set, in pages; less than 20 becomes 20.
    pub fn set_minimum_working_set(&mut self, space: SpaceIndex, pages: u32) {
        self.spaces[space.0].working_set.minimum = pages.max(20);
    }

    /// Sets the maximum of a working set, in pages, and whether it holds even while memory is plentiful. A set that is
    /// larger becomes smaller when pages come into it.
    pub fn set_maximum_working_set(&mut self, space: SpaceIndex, pages: u32, is_hard: bool) {
        let set = &mut self.spaces[space.0].working_set;
        (set.maximum, set.is_hard) = (pages.max(set.minimum), is_hard);
    }

    /// Whether translations must be forgotten since the last time this was asked: entries that processors may hold
    /// were changed.
    pub fn take_flush(&mut self) -> bool {
        std::mem::take(&mut self.is_flush_due)
    }

    /// Whether there is an address space of this number.
    pub(crate) fn has_space(&self, space: SpaceIndex) -> bool {
        space.0 < self.spaces.len()
    }

    /// From now on there are checkpoints, or there are none any more.
    pub(crate) fn keep_page_files(&mut self, is_kept: bool) {
        self.page_files.iter_mut().for_each(|file| file.keep(is_kept));
    }

    /// Takes the stores of page files from the memory that this one takes the place of.
    pub(crate) fn take_stores(&mut self, from: &mut Self) {
        for (file, from) in self.page_files.iter_mut().zip(&mut from.page_files) {
            file.take_store(from);
        }
    }

    pub(crate) const fn need_flush(&mut self) {
        self.is_flush_due = true;
    }

    /// Makes the first page file that can grow larger by up to `pages`; the commit limit follows.
    pub(crate) fn grow_page_files(&mut self, pages: u32) {
        let grown = self.page_files.iter_mut().map(|file| file.grow(pages)).find(|grown| *grown > 0);
        self.commit.raise(grown.unwrap_or(0));
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
