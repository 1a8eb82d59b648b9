//! Sorted addresses on their own: a search among them touches a fraction of the memory that the whole rows take.

use super::addresses::Linked;

/// The addresses at which the rows of a table begin, in its order.
#[derive(Debug, Default)]
pub(super) struct Starts(Vec<Linked>);

impl Starts {
    pub(super) fn new(starts: impl Iterator<Item = Linked>) -> Self {
        Self(starts.collect())
    }

    /// The last row that begins at or below an address.
    pub(super) fn below(&self, linked: Linked) -> Option<usize> {
        self.0.partition_point(|start| *start <= linked).checked_sub(1)
    }

    /// The first of the rows that begin where the row at `index` does.
    pub(super) fn first_of(&self, index: usize) -> usize {
        let start = self.0.get(index);
        let mut first = index;
        while first > 0 && self.0.get(first - 1) == start {
            first -= 1;
        }
        first
    }
}
