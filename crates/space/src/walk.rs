//! A page-table walk as plain data: which entries were read, and where the walk ended.

use crate::address::Pa;
use std::fmt;

/// Steps of the longest walk there is: x64 with five levels.
pub const MAX_STEPS: usize = 5;

/// A level of a page table, named as Microsoft and Intel name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TableLevel {
    /// Page table: its entries map pages.
    Pte,
    /// Page directory.
    Pde,
    /// Page-directory pointer table.
    Ppe,
    /// Page map level 4.
    Pxe,
    /// Page map level 5.
    Pml5e,
}

impl fmt::Display for TableLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pte => "PTE",
            Self::Pde => "PDE",
            Self::Ppe => "PPE",
            Self::Pxe => "PXE",
            Self::Pml5e => "PML5E",
        })
    }
}

/// An entry of a page table as it is in physical memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct PageTableEntry(pub u64);

impl PageTableEntry {
    /// Bit 0: the processor may use the entry.
    pub const VALID: u64 = 1 << 0;
    /// Bit 1: writes are allowed.
    pub const WRITE: u64 = 1 << 1;
    /// Bit 2: user mode may use it.
    pub const USER: u64 = 1 << 2;
    /// Bit 5: set by the processor when it used the entry.
    pub const ACCESSED: u64 = 1 << 5;
    /// Bit 6: set by the processor when it wrote through the entry.
    pub const DIRTY: u64 = 1 << 6;
    /// Bit 7 above the lowest level: the entry maps a large page.
    pub const LARGE: u64 = 1 << 7;
    /// Bit 8: stays in the translation buffer when the address space changes.
    pub const GLOBAL: u64 = 1 << 8;
    /// Bit 63 of 8-byte entries: no code may run.
    pub const NO_EXECUTE: u64 = 1 << 63;

    /// Whether all bits of `mask` are set.
    pub const fn has(self, mask: u64) -> bool {
        self.0 & mask == mask
    }
}

/// One entry that the walk read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WalkStep {
    /// The level of its table.
    pub level: TableLevel,
    /// Where the entry is.
    pub at: Pa,
    /// The entry.
    pub entry: PageTableEntry,
}

/// A translation: where the byte is, and what all levels together allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// Physical address of the byte.
    pub pa: Pa,
    /// Bytes of the page: 4 KB, or 2 MB, 4 MB, 1 GB for a large page.
    pub page_size: u64,
    /// Every level allows writes.
    pub is_writable: bool,
    /// Every level allows user mode.
    pub is_user: bool,
    /// No level forbids execution.
    pub is_executable: bool,
    /// The last entry is global.
    pub is_global: bool,
}

/// Where a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WalkEnd {
    /// The address is mapped.
    Mapped(Mapping),
    /// The last step's entry is not valid for the processor; the system may know what its other bits mean.
    Invalid {
        /// The level at which the walk ended.
        level: TableLevel,
        /// The entry.
        entry: PageTableEntry,
    },
    /// The table is not in the memory that is known.
    NotCaptured {
        /// The level at which the walk ended.
        level: TableLevel,
        /// Where the entry would be.
        at: Pa,
    },
    /// The address cannot be an address of this format: its upper bits do not repeat the highest translated one.
    NotCanonical,
}

/// A walk: its steps from the root down, and its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Walk {
    steps: [WalkStep; MAX_STEPS],
    count: usize,
    /// Where it ended.
    pub end: WalkEnd,
}

impl Walk {
    /// A walk that has read nothing yet, with the end it would have.
    pub const fn new(end: WalkEnd) -> Self {
        let none = WalkStep { level: TableLevel::Pte, at: Pa(0), entry: PageTableEntry(0) };
        Self { steps: [none; MAX_STEPS], count: 0, end }
    }

    /// Adds a step; a sixth is not kept, because no format has one.
    pub const fn push(&mut self, step: WalkStep) {
        if self.count < MAX_STEPS {
            self.steps[self.count] = step;
            self.count += 1;
        }
    }

    /// The entries that were read, from the root down.
    pub fn steps(&self) -> &[WalkStep] {
        &self.steps[..self.count]
    }

    /// The translation, when the address is mapped.
    pub const fn mapping(&self) -> Option<Mapping> {
        match self.end {
            WalkEnd::Mapped(mapping) => Some(mapping),
            _ => None,
        }
    }
}
