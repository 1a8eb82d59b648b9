//! Rows of a fixed count of words, read where they lie.

use std::{marker::PhantomData, ops::Range};

/// A row.
pub(crate) trait Row: Sized {
    /// How many words of 32 bits it has.
    const WORDS: usize;

    /// The words, so many.
    fn words(&self) -> impl AsRef<[u32]>;

    /// A row of words; numbers that mean nothing are the row's own business.
    fn of(words: RowWords<'_>) -> Self;
}

/// The words of a row.
#[derive(Clone, Copy)]
pub(crate) struct RowWords<'b>(&'b [u8]);

impl RowWords<'_> {
    /// A word by its number; zero behind the end.
    pub(crate) fn get(self, index: usize) -> u32 {
        let bytes = self.0.get(index * 4..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    /// Two words that are the place of a text.
    pub(crate) fn text(self, index: usize) -> (u32, u32) {
        (self.get(index), self.get(index + 1))
    }
}

/// Rows one behind the other.
pub(crate) fn bytes_of<R: Row>(rows: &[R]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * R::WORDS * 4);
    for row in rows {
        bytes.extend(row.words().as_ref().iter().flat_map(|word| word.to_le_bytes()));
    }
    bytes
}

/// The rows of a section, or some of them.
pub(crate) struct Rows<'b, R> {
    bytes: &'b [u8],
    row: PhantomData<R>,
}

impl<R> Clone for Rows<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Rows<'_, R> {}

impl<'b, R: Row> Rows<'b, R> {
    const SIZE: usize = R::WORDS * 4;

    /// The rows in bytes; what is left over at the end is none.
    pub(crate) fn of(bytes: &'b [u8]) -> Self {
        Self { bytes, row: PhantomData }
    }

    /// How many.
    pub(crate) fn len(self) -> usize {
        self.bytes.len() / Self::SIZE
    }

    /// A row by its number.
    pub(crate) fn get(self, index: usize) -> Option<R> {
        let start = index.checked_mul(Self::SIZE)?;
        Some(R::of(RowWords(self.bytes.get(start..start.checked_add(Self::SIZE)?)?)))
    }

    /// Some of them; none where the range is not within.
    pub(crate) fn slice(self, range: Range<usize>) -> Self {
        let bytes = || {
            let (start, end) = (range.start.checked_mul(Self::SIZE)?, range.end.checked_mul(Self::SIZE)?);
            self.bytes.get(start..end)
        };
        Self::of(bytes().unwrap_or_default())
    }

    /// All behind so many.
    pub(crate) fn after(self, count: usize) -> Self {
        self.slice(count..self.len())
    }

    /// In order.
    pub(crate) fn iter(self) -> impl Iterator<Item = R> + 'b {
        self.bytes.chunks_exact(Self::SIZE).map(|bytes| R::of(RowWords(bytes)))
    }

    /// How many rows at the front fit, where those that fit come first.
    pub(crate) fn partition_point(self, fits: impl Fn(&R) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle).is_some_and(|row| fits(&row)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The last row at the front that fits.
    pub(crate) fn last_that(self, fits: impl Fn(&R) -> bool) -> Option<R> {
        self.get(self.partition_point(fits).checked_sub(1)?)
    }
}
