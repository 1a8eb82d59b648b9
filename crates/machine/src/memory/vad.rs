//! Virtual address descriptors: what a process asked for, by page number.

use crate::memory::ControlAreaIndex;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use vatlas_rules::nt::pte::MmProtection;
use vatlas_space::Va;

/// Pages of 64 KB: allocations begin at multiples of it.
const GRANULARITY: u32 = 16;
/// The lowest page number of an allocation.
const LOWEST: u32 = 0x10;

/// What a view shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct View {
    /// The control area of its section.
    pub area: ControlAreaIndex,
    /// `FirstPrototypePte`: the prototype entry of the first page.
    pub prototype: Va,
    /// `ImageMap`: the view of an image section.
    pub is_image: bool,
    /// `FileOffset`: where it begins in the section, in units of 64 KB.
    pub offset: u32,
    /// `Inherit`: a child process gets the view too.
    pub is_inherited: bool,
}

/// A descriptor: `MMVAD_SHORT` of private memory, `MMVAD` of a view, `MMVAD_LONG` of what nobody may change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Vad {
    /// `StartingVpn`.
    pub first: u32,
    /// `EndingVpn`.
    pub last: u32,
    /// What the allocation was made with; of images `PAGE_EXECUTE_WRITECOPY`.
    pub protection: MmProtection,
    /// `MemCommit`: a zero entry is committed with the protection above.
    pub is_committed: bool,
    /// `NoChange`: neither protected anew nor freed.
    pub is_secured: bool,
    /// `WriteWatch`: pages that are written are remembered.
    pub is_watched: bool,
    /// `CommitCharge`: pages that are committed; of a view those that are private, or would be when written.
    pub commit: u32,
    /// Of a section; otherwise the memory is private.
    pub view: Option<View>,
    /// Where it is in guest memory.
    pub node: Va,
}

impl Vad {
    /// Its page numbers.
    pub const fn pages(&self) -> RangeInclusive<u32> {
        self.first..=self.last
    }

    /// A descriptor of private memory that is not in a tree yet.
    pub(crate) fn private(pages: &RangeInclusive<u32>, protection: MmProtection) -> Self {
        Self {
            first: *pages.start(),
            last: *pages.end(),
            protection,
            is_committed: false,
            is_secured: false,
            is_watched: false,
            commit: 0,
            view: None,
            node: Va(0),
        }
    }

    /// The prototype entry of a page of a view.
    pub(crate) fn prototype_of(&self, page: u32) -> Option<Va> {
        let view = self.view.filter(|_| self.pages().contains(&page))?;
        Some(Va(view.prototype.0 + u64::from(page - self.first) * 4))
    }
}

/// The descriptors of a process: an index of the tree in guest memory.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Vads {
    by_first: BTreeMap<u32, Vad>,
}

impl Vads {
    /// All of them by address.
    pub fn iter(&self) -> impl Iterator<Item = &Vad> {
        self.by_first.values()
    }

    /// The descriptor with a page.
    pub fn find(&self, page: u32) -> Option<Vad> {
        self.by_first.range(..=page).next_back().map(|(_, vad)| *vad).filter(|vad| vad.last >= page)
    }

    /// The first descriptor that begins at or above a page.
    pub fn next(&self, page: u32) -> Option<Vad> {
        self.by_first.range(page..).next().map(|(_, vad)| *vad)
    }

    pub(crate) fn insert(&mut self, vad: Vad) {
        self.by_first.insert(vad.first, vad);
    }

    pub(crate) fn remove(&mut self, first: u32) {
        self.by_first.remove(&first);
    }

    /// Changes one; what it is now.
    pub(crate) fn update(&mut self, first: u32, change: impl FnOnce(&mut Vad)) -> Option<Vad> {
        let vad = self.by_first.get_mut(&first)?;
        change(vad);
        Some(*vad)
    }

    /// Whether a range touches a descriptor.
    pub fn overlaps(&self, pages: &RangeInclusive<u32>) -> bool {
        self.by_first.range(..=*pages.end()).next_back().is_some_and(|(_, vad)| vad.last >= *pages.start())
    }

    /// First fit for `count` pages up to page `highest`: the lowest place, or the highest.
    pub fn hole(&self, count: u32, highest: u32, taken: &RangeInclusive<u32>, is_top_down: bool) -> Option<u32> {
        let fixed = (*taken.start(), *taken.end());
        let mut used: Vec<_> = self.iter().map(|vad| (vad.first, vad.last)).chain([fixed]).collect();
        used.sort_unstable();
        let mut found = None;
        let mut free = LOWEST;
        for (first, last) in used.into_iter().chain([(highest + 1, highest + 1)]) {
            let end = first.min(highest + 1);
            let room = end.saturating_sub(free);
            if room >= count {
                let top = (end - count) / GRANULARITY * GRANULARITY;
                found = Some(if is_top_down { top } else { free }).filter(|start| *start >= free).or(found);
                if !is_top_down {
                    break;
                }
            }
            free = free.max((last.saturating_add(1)).next_multiple_of(GRANULARITY));
        }
        found
    }
}
