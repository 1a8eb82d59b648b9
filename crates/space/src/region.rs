//! A region: what was asked of the system for a range of addresses (a VAD, a `MEMORY_BASIC_INFORMATION`).

use crate::{address::Va, evidence::Source, protection::Protection, range::VaRange};
use std::fmt;

/// Whether addresses are in use. `Unknown` is an answer of its own: the picture does not say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RegionState {
    /// Nobody asked for these addresses.
    Free,
    /// Asked for, but nothing stands behind them.
    Reserved,
    /// Asked for, with storage behind them.
    Committed,
    /// The picture does not tell.
    Unknown,
}

impl fmt::Display for RegionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Free => "free",
            Self::Reserved => "reserved",
            Self::Committed => "committed",
            Self::Unknown => "unknown",
        })
    }
}

/// What kind of memory was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RegionKind {
    /// A view of an executable image.
    Image,
    /// A view of a data file or of a page-file section.
    Mapped,
    /// Memory of this process alone.
    Private,
}

impl fmt::Display for RegionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image",
            Self::Mapped => "mapped",
            Self::Private => "private",
        })
    }
}

/// A maximal run of addresses whose state, kind, protection and allocation agree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Region {
    /// The whole run.
    pub range: VaRange,
    /// In use or not.
    pub state: RegionState,
    /// Kind of memory; absent when free or not known.
    pub kind: Option<RegionKind>,
    /// Protection of the pages now; absent when free, reserved or not known.
    pub protection: Option<Protection>,
    /// Lowest address of the allocation that this region is part of.
    pub allocation_base: Option<Va>,
    /// Protection that the allocation was asked for with.
    pub allocation_protection: Option<Protection>,
    /// What says so.
    pub source: Source,
}

impl Region {
    /// A region of which nothing but its extent is known.
    pub fn unknown(range: VaRange, source: Source) -> Self {
        Self::bare(range, RegionState::Unknown, source)
    }

    /// A free region.
    pub fn free(range: VaRange, source: Source) -> Self {
        Self::bare(range, RegionState::Free, source)
    }

    fn bare(range: VaRange, state: RegionState, source: Source) -> Self {
        Self { range, state, kind: None, protection: None, allocation_base: None, allocation_protection: None, source }
    }
}
