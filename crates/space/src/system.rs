//! What only a whole system knows of an address: the entry that maps its page, the frame, who shares it, the
//! descriptor, the commit charge.

use crate::{
    address::{Pfn, Va},
    evidence::Step,
    protection::Protection,
    range::VaRange,
    region::RegionKind,
    target::ProcessIndex,
    walk::Walk,
};
use std::fmt;

/// Where a page is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PageHome {
    /// In a frame, and the process's entry leads there.
    Frame(Pfn),
    /// In a frame; this process's entry does not lead there yet. The next touch finds it without reading a disk.
    FrameOfOthers(Pfn),
    /// On the standby or the modified list.
    Transition(Pfn),
    /// In a page file.
    PageFile {
        /// Number of the page file.
        file: u8,
        /// Place in it, in pages.
        page: u32,
    },
    /// Nowhere: a page of zeroes is made at the first touch.
    DemandZero,
    /// In a file that is mapped: an image or a data file.
    File {
        /// Name of the file, where it is known.
        name: Option<String>,
        /// Place of the page's first byte; `None` for a page of an image that is not in its file, which is zeroes.
        offset: Option<u64>,
    },
    /// Reserved, or committed once and given back.
    Reserved,
    /// Nobody asked for it.
    Free,
    /// The entry cannot be read.
    Unknown,
}

impl fmt::Display for PageHome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(pfn) => write!(f, "in frame {:#x}", pfn.0),
            Self::FrameOfOthers(pfn) => write!(f, "in frame {:#x}, not mapped by this process yet", pfn.0),
            Self::Transition(pfn) => write!(f, "in frame {:#x}, in transition", pfn.0),
            Self::PageFile { file, page } => write!(f, "in page file {file} at page {page:#x}"),
            Self::DemandZero => f.write_str("zero on demand"),
            Self::File { name, offset: Some(offset) } => {
                write!(f, "in {} at offset {offset:#x}", name.as_deref().unwrap_or("a file"))
            }
            Self::File { offset: None, .. } => f.write_str("zeroes, by its image's section table"),
            Self::Reserved => f.write_str("reserved"),
            Self::Free => f.write_str("free"),
            Self::Unknown => f.write_str("not known"),
        }
    }
}

/// The lists and states of frames, by NT's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum FrameState {
    /// Free, and full of zeroes.
    Zeroed,
    /// Free.
    Free,
    /// Taken out of working sets, the same as its copy on disk.
    Standby,
    /// Taken out of working sets, to be written first.
    Modified,
    /// The same, and not to be written now.
    ModifiedNoWrite,
    /// Not to be used.
    #[default]
    Bad,
    /// In a working set, or the system's own.
    Active,
    /// Being read or written.
    Transition,
}

impl FrameState {
    /// By NT's number (`PageLocation`, three bits).
    pub const fn of_number(number: u8) -> Self {
        match number & 7 {
            0 => Self::Zeroed,
            1 => Self::Free,
            2 => Self::Standby,
            3 => Self::Modified,
            4 => Self::ModifiedNoWrite,
            5 => Self::Bad,
            6 => Self::Active,
            _ => Self::Transition,
        }
    }
}

impl fmt::Display for FrameState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zeroed => "zeroed",
            Self::Free => "free",
            Self::Standby => "standby",
            Self::Modified => "modified",
            Self::ModifiedNoWrite => "modified, no write",
            Self::Bad => "bad",
            Self::Active => "active",
            Self::Transition => "transition",
        })
    }
}

/// A frame as the frame database has it (`MMPFN`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Its number.
    pub pfn: Pfn,
    /// Its state.
    pub state: FrameState,
    /// How many working sets have it; of a page table how many pages it maps.
    pub share_count: u32,
    /// How many uses keep it from moving.
    pub reference_count: u16,
    /// Address of the entry that it belongs to: in a page table, or a prototype entry.
    pub entry: Va,
    /// What goes back into that entry when the frame is used for something else.
    pub original: u64,
    /// Whether its content was changed since it was read.
    pub is_modified: bool,
    /// Whether it belongs to a prototype entry: several processes can have it.
    pub is_shared: bool,
}

/// A virtual address descriptor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vad {
    /// Address of the descriptor.
    pub at: Va,
    /// The addresses that it is for.
    pub range: VaRange,
    /// Private memory, an image, or another view.
    pub kind: RegionKind,
    /// Protection that it was made with.
    pub protection: Protection,
    /// Pages in the commit charge; `None` where it is not counted.
    pub commit: Option<u32>,
    /// Whether it was committed as a whole.
    pub is_committed: bool,
    /// Whether programs cannot change it: PEB and TEB.
    pub is_secured: bool,
    /// The control area of a view.
    pub control_area: Option<Va>,
    /// The first prototype entry of a view.
    pub first_prototype: Option<Va>,
    /// The file of a view, where it is known.
    pub file: Option<String>,
}

/// All about a page of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The walk through the page tables.
    pub walk: Walk,
    /// Where it is.
    pub home: PageHome,
    /// What may be done with it, where that is known.
    pub protection: Option<Protection>,
    /// The prototype entry that it is shared through: where, and what it holds.
    pub prototype: Option<(Va, u64)>,
    /// Its frame.
    pub frame: Option<Frame>,
    /// The descriptor around it.
    pub vad: Option<Vad>,
    /// How all this was found.
    pub steps: Vec<Step>,
}

/// The commit charge of a system, in pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Commit {
    /// Promised.
    pub charged: u64,
    /// What can be promised.
    pub limit: u64,
}

/// Whose a frame in use is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameUse {
    /// A page that one process has.
    Private(ProcessIndex),
    /// Page tables and the page directory of a process.
    PageTables(ProcessIndex),
    /// A page of an image or another section, whether one process has it or several.
    Shared,
    /// The kernel's half: pages and page tables.
    Kernel,
    /// No page table leads to it.
    Unmapped,
}

/// A part of the frames in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FramePart {
    /// Whose they are.
    pub owner: FrameUse,
    /// How many.
    pub pages: u64,
}

/// Whose a part of the commit charge is. Processes are named by their ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommitUse {
    /// Private memory of a process, and pages of views that are private or would be when written.
    Memory(u32),
    /// Page tables and the page directory of a process.
    PageTables(u32),
    /// Processes that ended and whose memory is not gone.
    Ended,
    /// Sections of the page file, and of images with pages that processes share and write.
    Sections,
    /// The kernel: pools, stacks, tables.
    Kernel,
}

/// A part of the commit charge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommitPart {
    /// Whose it is.
    pub owner: CommitUse,
    /// How many pages.
    pub pages: u64,
}

/// How many frames are in which state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FrameCounts {
    /// All of them.
    pub total: u64,
    /// By NT's number of the state.
    pub by_state: [u64; 8],
}

/// An object of a system with a name of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SystemObject {
    /// Its type: `Event`, `Device`.
    pub type_name: String,
    /// Its full path: `\Device\Null`.
    pub name: String,
    /// Open handles on it.
    pub handle_count: u32,
    /// References to it.
    pub pointer_count: u32,
}

/// A whole system: what a dump of one process does not have.
pub trait System {
    /// All about the page of an address.
    /// `None` for no process.
    fn page(&self, process: ProcessIndex, va: Va) -> Option<Page>;

    /// A frame's record; `None` past the last.
    fn frame(&self, pfn: Pfn) -> Option<Frame>;

    /// How many frames are in which state.
    fn frame_counts(&self) -> FrameCounts;

    /// Every place where a valid entry leads to a frame now, in order of process and address; at most `limit`.
    fn mapped_at(&self, pfn: Pfn, limit: usize) -> Vec<(ProcessIndex, Va)>;

    /// How many pages of the user half the processor can use now in a process: its part of physical memory.
    fn resident_pages(&self, process: ProcessIndex) -> u64;

    /// The descriptors of a process in order of address.
    fn vads(&self, process: ProcessIndex) -> Vec<Vad>;

    /// The commit charge, where it is known.
    fn commit(&self) -> Option<Commit>;

    /// Named objects of the system; empty where they are not known.
    fn objects(&self) -> Vec<SystemObject> {
        Vec::new()
    }

    /// The frames in use by owner, each counted once; empty where that is not known.
    fn frame_parts(&self) -> Vec<FramePart> {
        Vec::new()
    }

    /// The commit charge by owner; empty where that is not known.
    fn commit_parts(&self) -> Vec<CommitPart> {
        Vec::new()
    }
}
