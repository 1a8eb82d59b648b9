//! A working set: the pages of a process that are mapped, and the hand of the clock that looks for pages to trim.

use vatlas_space::Pfn;

/// NT's default minimum, in pages.
pub const DEFAULT_MINIMUM: u32 = 50;

/// A page in a working set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkingSetEntry {
    /// Its page number.
    pub page: u32,
    /// Its frame, whose record has this entry's index.
    pub frame: Pfn,
    /// Locked by `VirtualLock`.
    pub is_locked: bool,
}

/// The working set of a process.
#[derive(Clone, Debug)]
pub struct WorkingSet {
    pub(crate) entries: Vec<WorkingSetEntry>,
    pub(crate) hand: usize,
    /// Pages that are locked.
    pub locked: u32,
    /// Most pages it had.
    pub peak: u32,
    /// Minimum size; `VirtualLock` locks at most 8 pages less.
    pub minimum: u32,
}

impl Default for WorkingSet {
    fn default() -> Self {
        Self { entries: Vec::new(), hand: 0, locked: 0, peak: 0, minimum: DEFAULT_MINIMUM }
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
    pub(crate) fn add(&mut self, page: u32, frame: Pfn) -> u32 {
        self.entries.push(WorkingSetEntry { page, frame, is_locked: false });
        self.peak = self.peak.max(self.size());
        self.size() - 1
    }

    /// Removes an entry; the one that has its index now.
    pub(crate) fn remove(&mut self, index: u32) -> Option<WorkingSetEntry> {
        let index = index as usize;
        if index >= self.entries.len() {
            return None;
        }
        let gone = self.entries.swap_remove(index);
        self.locked -= u32::from(gone.is_locked);
        self.entries.get(index).copied()
    }
}
