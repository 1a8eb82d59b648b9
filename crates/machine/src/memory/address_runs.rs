//! Runs of page numbers that are free: which addresses of a region of the kernel half can be given out.

use std::collections::BTreeMap;

/// Free pages of a region, as runs that do not touch each other.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct AddressRuns {
    free: BTreeMap<u32, u32>,
}

impl AddressRuns {
    /// All pages from `first` up to, without, `end` are free.
    pub(crate) fn new(first: u32, end: u32) -> Self {
        Self { free: BTreeMap::from([(first, end.saturating_sub(first))]) }
    }

    /// Takes `count` pages, first fit; the first of them.
    pub(crate) fn take(&mut self, count: u32) -> Option<u32> {
        let (first, room) = self.free.iter().find(|(_, room)| **room >= count).map(|(first, room)| (*first, *room))?;
        self.free.remove(&first);
        if room > count {
            self.free.insert(first + count, room - count);
        }
        Some(first)
    }

    /// Gives pages back that were taken.
    pub(crate) fn give(&mut self, mut first: u32, mut count: u32) {
        if let Some(behind) = self.free.remove(&(first + count)) {
            count += behind;
        }
        if let Some((before, room)) = self.free.range(..first).next_back().map(|(first, room)| (*first, *room))
            && before + room == first
        {
            (first, count) = (before, room + count);
        }
        self.free.insert(first, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_come_together_again() {
        let mut runs = AddressRuns::new(100, 110);
        assert_eq!((runs.take(4), runs.take(4), runs.take(4)), (Some(100), Some(104), None));
        assert_eq!(runs.take(2), Some(108));
        runs.give(104, 4);
        assert_eq!(runs.take(3), Some(104));
        runs.give(108, 2);
        runs.give(100, 4);
        runs.give(104, 3);
        assert_eq!(runs.take(10), Some(100));
    }
}
