//! Pages by number, cheap to copy: what did not change is shared between the copies.
//!
//! Two levels, so that a copy costs one reference count for 64 pages, and a change one page and 64 reference counts.

use crate::ram::FRAME_BYTES;
use std::sync::Arc;

/// The bytes of a page.
pub type Page = [u8; FRAME_BYTES];

/// Pages of a chunk.
pub(crate) const CHUNK: usize = 64;

type Chunk = [Option<Arc<Page>>; CHUNK];

/// Pages by number. A page that was never set is not there.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedPages {
    chunks: Vec<Option<Arc<Chunk>>>,
}

impl SharedPages {
    /// A page, if it was set.
    pub(crate) fn get(&self, number: usize) -> Option<&Arc<Page>> {
        self.chunks.get(number / CHUNK)?.as_ref()?[number % CHUNK].as_ref()
    }

    /// Sets a page, or takes it away.
    pub(crate) fn set(&mut self, number: usize, page: Option<Arc<Page>>) {
        let chunk = number / CHUNK;
        if chunk >= self.chunks.len() {
            if page.is_none() {
                return;
            }
            self.chunks.resize(chunk + 1, None);
        }
        let chunk = self.chunks[chunk].get_or_insert_with(|| Arc::new([const { None }; CHUNK]));
        Arc::make_mut(chunk)[number % CHUNK] = page;
    }

    /// All pages that are there, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Arc<Page>)> {
        let chunks = self.chunks.iter().enumerate().filter_map(|(number, chunk)| Some((number, chunk.as_ref()?)));
        chunks.flat_map(|(number, chunk)| {
            let pages = chunk.iter().enumerate();
            pages.filter_map(move |(place, page)| Some((number * CHUNK + place, page.as_ref()?)))
        })
    }

    /// Whether a run of pages is certainly the same in both: they share the chunk.
    pub(crate) fn shares_chunk(&self, other: &Self, number: usize) -> bool {
        self.chunk(number / CHUNK).map(Arc::as_ptr) == other.chunk(number / CHUNK).map(Arc::as_ptr)
    }

    fn chunk(&self, number: usize) -> Option<&Arc<Chunk>> {
        self.chunks.get(number)?.as_ref()
    }

    /// How many of its pages the other one does not share.
    pub(crate) fn count_beyond(&self, other: Option<&Self>) -> usize {
        let Some(other) = other else { return self.iter().count() };
        let own = (0..self.chunks.len()).filter(|number| !self.shares_chunk(other, number * CHUNK));
        let pages = own.flat_map(|number| number * CHUNK..(number + 1) * CHUNK);
        let is_own = |number: &usize| match (self.get(*number), other.get(*number)) {
            (Some(one), Some(two)) => !Arc::ptr_eq(one, two),
            (one, _) => one.is_some(),
        };
        pages.filter(is_own).count()
    }

    /// Pages that both have at the same number and share.
    #[cfg(test)]
    pub(crate) fn shared_with(&self, other: &Self) -> usize {
        self.iter().filter(|(number, page)| other.get(*number).is_some_and(|also| Arc::ptr_eq(page, also))).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_what_did_not_change() {
        let mut pages = SharedPages::default();
        for number in [0, 1, 63, 64, 1000] {
            pages.set(number, Some(Arc::new([number as u8; FRAME_BYTES])));
        }
        let copy = pages.clone();
        pages.set(63, Some(Arc::new([9; FRAME_BYTES])));
        pages.set(64, None);
        pages.set(5000, None);
        assert_eq!(copy.shared_with(&pages), 3);
        assert_eq!(copy.get(63).map(|page| page[0]), Some(63));
        assert_eq!(
            pages.iter().map(|(number, page)| (number, page[0])).collect::<Vec<_>>(),
            [(0, 0), (1, 1), (63, 9), (1000, 232)]
        );
        assert!(copy.shares_chunk(&pages, 1000) && !copy.shares_chunk(&pages, 0) && !copy.shares_chunk(&pages, 64));
        assert!(pages.get(70_000).is_none());
        assert_eq!((pages.count_beyond(Some(&copy)), copy.count_beyond(Some(&pages))), (1, 2));
        assert_eq!((pages.count_beyond(None), copy.count_beyond(Some(&copy))), (4, 0));
    }
}
