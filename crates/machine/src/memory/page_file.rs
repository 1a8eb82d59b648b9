//! Page files: up to 16, each a store that the owner gives, its size, and which of its pages are taken.
//!
//! Page 0 of a page file is never used: offset 0 of file 0 in an entry means demand zero.
//!
//! While checkpoints are kept the store stays as it was at the first of them: what is written is kept here, in pages that
//! checkpoints share. When none is kept any more the pages go to the store.

use crate::memory::NtStatus;
use crate::ram::FRAME_BYTES;
use crate::state::{Live, SharedPages};
use std::fmt;
use std::sync::Arc;

/// Most page files there can be: four bits of an entry.
pub const MOST_PAGE_FILES: usize = 16;
/// Most pages of a page file: twenty bits of an entry.
const MOST_PAGES: u32 = 1 << 20;

/// Why a store failed: `STATUS_DISK_FULL`, `STATUS_DEVICE_DATA_ERROR` or what else the owner found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct PageFileError(pub NtStatus);

/// Where the pages of a page file are kept: a file of the host, or memory in tests.
pub trait PageFileStore {
    /// Makes room for `pages` pages. What was written before stays.
    fn grow(&mut self, pages: u32) -> Result<(), PageFileError>;
    /// Reads a page that was written before.
    fn read(&self, page: u32, bytes: &mut [u8; FRAME_BYTES]) -> Result<(), PageFileError>;
    /// Writes a page. After an error the page on the store is taken to be lost, the one in memory is kept.
    fn write(&mut self, page: u32, bytes: &[u8; FRAME_BYTES]) -> Result<(), PageFileError>;
}

/// The store, and what it is to a machine that can go back.
struct Store {
    store: Box<dyn PageFileStore>,
    /// Checkpoints are kept: the store is not written.
    is_kept: bool,
    /// The sizes to which it was asked to grow and what it answered, so that a run from a checkpoint on hears the same.
    answers: Vec<(u32, bool)>,
}

/// A page file.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct PageFile {
    store: Live<Store>,
    /// What was written and is not in the store.
    #[serde(skip)]
    written: SharedPages,
    /// How often the store was asked to grow since there are checkpoints.
    asked: usize,
    /// Pages that it has now.
    pub(crate) size: u32,
    /// Pages to which it may grow.
    maximum: u32,
    taken: Vec<u64>,
    used: u32,
    /// Where the next search begins.
    next: u32,
}

impl fmt::Debug for PageFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page file of {} to {} pages, {} used", self.size, self.maximum, self.used)
    }
}

const LOST: PageFileError = PageFileError(NtStatus::DEVICE_DATA_ERROR);

impl PageFile {
    /// A page file of `size` pages that may grow to `maximum`.
    ///
    /// # Errors
    /// What the store says when it cannot have the size.
    pub fn new(mut store: Box<dyn PageFileStore>, size: u32, maximum: u32) -> Result<Self, PageFileError> {
        let maximum = maximum.max(size).min(MOST_PAGES);
        let size = size.min(maximum);
        store.grow(size)?;
        let taken = vec![0; maximum.div_ceil(64) as usize];
        let store = Live::new(Store { store, is_kept: false, answers: Vec::new() });
        Ok(Self { store, written: SharedPages::default(), asked: 0, size, maximum, taken, used: 0, next: 1 })
    }

    /// Pages that can hold something now.
    pub const fn capacity(&self) -> u32 {
        self.size.saturating_sub(1)
    }

    /// Pages that hold something.
    pub const fn used(&self) -> u32 {
        self.used
    }

    /// Whether every page holds something.
    pub(crate) const fn is_full(&self) -> bool {
        self.used >= self.capacity()
    }

    /// Pages that it has now, and to which it may grow.
    pub const fn limits(&self) -> (u32, u32) {
        (self.size, self.maximum)
    }

    /// Reads a page.
    ///
    /// # Errors
    /// What the store says.
    pub fn read(&self, page: u32, bytes: &mut [u8; FRAME_BYTES]) -> Result<(), PageFileError> {
        if let Some(written) = self.written.get(page as usize) {
            bytes.copy_from_slice(&written[..]);
            return Ok(());
        }
        self.store.get().ok_or(LOST)?.store.read(page, bytes)
    }

    /// Writes a page.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) fn write(&mut self, page: u32, bytes: &[u8; FRAME_BYTES]) -> Result<(), PageFileError> {
        let store = self.store.get_mut().ok_or(LOST)?;
        if store.is_kept {
            self.written.set(page as usize, Some(Arc::new(*bytes)));
            return Ok(());
        }
        store.store.write(page, bytes)?;
        self.written.set(page as usize, None);
        Ok(())
    }

    /// Grows by `pages`, or up to the maximum. The new pages; 0 when the host has no room.
    pub(crate) fn grow(&mut self, pages: u32) -> u32 {
        let size = self.size.saturating_add(pages).min(self.maximum);
        let before = self.capacity();
        if size == self.size || !self.ask_to_grow(size) {
            return 0;
        }
        self.size = size;
        self.capacity() - before
    }

    fn ask_to_grow(&mut self, size: u32) -> bool {
        let Some(store) = self.store.get_mut() else { return false };
        if !store.is_kept {
            return store.store.grow(size).is_ok();
        }
        let number = self.asked;
        self.asked += 1;
        if let Some((_, answer)) = store.answers.get(number).filter(|(asked, _)| *asked == size) {
            return *answer;
        }
        let answer = store.store.grow(size).is_ok();
        store.answers.truncate(number);
        store.answers.push((size, answer));
        answer
    }

    /// From now on the store stays as it is, because there are checkpoints; or no longer: what was kept is written.
    pub(crate) fn keep(&mut self, is_kept: bool) {
        let Some(store) = self.store.get_mut().filter(|store| store.is_kept != is_kept) else { return };
        store.is_kept = is_kept;
        store.answers.clear();
        self.asked = 0;
        if !is_kept {
            self.settle();
        }
    }

    /// Writes what was kept to the store. A page that it does not take stays here.
    fn settle(&mut self) {
        let Some(store) = self.store.get_mut() else { return };
        let mut rest = SharedPages::default();
        let taken = &self.taken;
        let is_taken = |page: usize| taken.get(page / 64).is_some_and(|word| word >> (page % 64) & 1 != 0);
        for (page, bytes) in self.written.iter().filter(|(page, _)| is_taken(*page)) {
            if u32::try_from(page).is_ok_and(|page| store.store.write(page, bytes).is_err()) {
                rest.set(page, Some(Arc::clone(bytes)));
            }
        }
        self.written = rest;
    }

    /// Takes the store of the page file that this one takes the place of.
    pub(crate) fn take_store(&mut self, from: &mut Self) {
        self.store = std::mem::take(&mut from.store);
    }

    /// The pages that hold something, by number.
    pub(crate) fn taken_pages(&self) -> impl Iterator<Item = u32> {
        (1..self.size).filter(|page| self.is_taken(*page))
    }

    /// A page that held something when a snapshot was written.
    pub(crate) fn put_back(&mut self, page: u32, bytes: &[u8; FRAME_BYTES]) {
        self.written.set(page as usize, Some(Arc::new(*bytes)));
    }

    /// Whether sizes and marks of a snapshot fit together.
    pub(crate) fn is_sound(&self) -> bool {
        let marks = self.maximum.div_ceil(64) as usize;
        let used: u32 = self.taken.iter().map(|word| word.count_ones()).sum();
        let is_in_size = self.size <= self.maximum && self.maximum <= MOST_PAGES && self.next <= self.size.max(1);
        is_in_size && self.taken.len() == marks && used == self.used && self.taken_pages().count() as u32 == used
    }

    /// Gives a page file of a snapshot its store, which has nothing yet.
    ///
    /// # Errors
    /// What the store says when it cannot have the size.
    pub(crate) fn set_store(&mut self, mut store: Box<dyn PageFileStore>) -> Result<(), PageFileError> {
        store.grow(self.size)?;
        self.asked = 0;
        self.store = Live::new(Store { store, is_kept: false, answers: Vec::new() });
        self.settle();
        Ok(())
    }

    /// Takes a free page, next fit; `None` when all are taken.
    pub(crate) fn take(&mut self) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        let page = (self.next..self.size).chain(1..self.next.min(self.size)).find(|page| !self.is_taken(*page))?;
        self.next = page + 1;
        self.used += 1;
        self.taken[page as usize / 64] |= 1 << (page % 64);
        Some(page)
    }

    fn is_taken(&self, page: u32) -> bool {
        self.taken.get(page as usize / 64).is_some_and(|word| word >> (page % 64) & 1 != 0)
    }

    /// Gives a page back.
    pub(crate) fn release(&mut self, page: u32) {
        if self.is_taken(page) {
            self.taken[page as usize / 64] &= !(1 << (page % 64));
            self.used -= 1;
        }
    }
}
