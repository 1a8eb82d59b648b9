//! A working set: the pages of a process that are mapped, and the hand of the clock that looks for pages to trim.

use std::collections::BTreeMap;
use vatlas_rules::nt::pte::MmProtection;
use vatlas_space::Pfn;

/// NT's default minimum, in pages.
pub const DEFAULT_MINIMUM: u32 = 50;
/// NT's default maximum, in pages.
pub const DEFAULT_MAXIMUM: u32 = 345;

/// A page in a working set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct WorkingSetEntry {
    /// Its page number.
    pub page: u32,
    /// Its frame, whose record has this entry's index unless the page is shared.
    pub frame: Pfn,
    /// Locked by `VirtualLock`.
    pub is_locked: bool,
    /// The page is shared: the frame's record does not have this entry's index.
    pub is_shared: bool,
    /// Of a shared page: with which protection this process maps it, when that is not the page's own.
    pub protection: Option<MmProtection>,
}

/// The working set of a process.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct WorkingSet {
    pub(crate) entries: Vec<WorkingSetEntry>,
    /// Where shared pages are in it, by page number.
    shared: BTreeMap<u32, u32>,
    pub(crate) hand: usize,
    /// Pages that are locked.
    pub locked: u32,
    /// Most pages it had.
    pub peak: u32,
    /// Minimum size; `VirtualLock` locks at most 8 pages less.
    pub minimum: u32,
    /// Maximum size. A set may grow over it while memory is plentiful, unless the limit is hard.
    pub maximum: u32,
    /// The maximum holds always.
    pub is_hard: bool,
}

impl Default for WorkingSet {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            shared: BTreeMap::new(),
            hand: 0,
            locked: 0,
            peak: 0,
            minimum: DEFAULT_MINIMUM,
            maximum: DEFAULT_MAXIMUM,
            is_hard: false,
        }
    }
}

impl WorkingSet {
    /// Pages in it.
    pub fn size(&self) -> u32 {
        self.entries.len() as u32
    }

    /// The pages; a frame's record says which of them it is.
    pub fn members(&self) -> &[WorkingSetEntry] {
        &self.entries
    }

    /// Adds a page; its index.
    pub(crate) fn add(&mut self, entry: WorkingSetEntry) -> u32 {
        let index = self.size();
        if entry.is_shared {
            self.shared.insert(entry.page, index);
        }
        self.entries.push(entry);
        self.peak = self.peak.max(self.size());
        index
    }

    /// The index of a shared page.
    pub(crate) fn shared_index(&self, page: u32) -> Option<u32> {
        self.shared.get(&page).copied()
    }

    /// A shared page.
    pub(crate) fn shared(&self, page: u32) -> Option<&WorkingSetEntry> {
        self.entries.get(self.shared_index(page)? as usize)
    }

    /// A shared page is mapped with another protection.
    pub(crate) fn protect_shared(&mut self, page: u32, protection: MmProtection) {
        let index = self.shared_index(page);
        if let Some(entry) = index.and_then(|index| self.entries.get_mut(index as usize)) {
            entry.protection = Some(protection);
        }
    }

    /// Removes an entry; the private page that has its index now.
    pub(crate) fn remove(&mut self, index: u32) -> Option<WorkingSetEntry> {
        let place = index as usize;
        if place >= self.entries.len() {
            return None;
        }
        let gone = self.entries.swap_remove(place);
        self.locked -= u32::from(gone.is_locked);
        if gone.is_shared {
            self.shared.remove(&gone.page);
        }
        let moved = *self.entries.get(place)?;
        if moved.is_shared {
            self.shared.insert(moved.page, index);
        }
        Some(moved).filter(|moved| !moved.is_shared)
    }
}
