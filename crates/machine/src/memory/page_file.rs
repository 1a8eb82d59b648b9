//! Page files: up to 16, each a store that the owner gives, its size, and which of its pages are taken.
//!
//! Page 0 of a page file is never used: offset 0 of file 0 in an entry means demand zero.

use crate::memory::NtStatus;
use crate::ram::FRAME_BYTES;
use std::fmt;

/// Most page files there can be: four bits of an entry.
pub const MOST_PAGE_FILES: usize = 16;
/// Most pages of a page file: twenty bits of an entry.
const MOST_PAGES: u32 = 1 << 20;

/// Why a store failed: `STATUS_DISK_FULL`, `STATUS_DEVICE_DATA_ERROR` or what else the owner found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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

/// A page file.
pub struct PageFile {
    pub(crate) store: Box<dyn PageFileStore>,
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
        Ok(Self { store, size, maximum, taken, used: 0, next: 1 })
    }

    /// Pages that can hold something now.
    pub const fn capacity(&self) -> u32 {
        self.size.saturating_sub(1)
    }

    /// Pages that hold something.
    pub const fn used(&self) -> u32 {
        self.used
    }

    /// Reads a page, for whoever looks at the machine from outside.
    ///
    /// # Errors
    /// What the store says.
    pub fn read(&self, page: u32, bytes: &mut [u8; FRAME_BYTES]) -> Result<(), PageFileError> {
        self.store.read(page, bytes)
    }

    /// Grows by `pages`, or up to the maximum. The new pages; 0 when the host has no room.
    pub(crate) fn grow(&mut self, pages: u32) -> u32 {
        let size = self.size.saturating_add(pages).min(self.maximum);
        let before = self.capacity();
        if size == self.size || self.store.grow(size).is_err() {
            return 0;
        }
        self.size = size;
        self.capacity() - before
    }

    /// Takes a free page, next fit; `None` when all are taken.
    pub(crate) fn take(&mut self) -> Option<u32> {
        if self.used >= self.capacity() {
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
