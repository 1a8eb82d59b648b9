//! Code breakpoints as processors see them: addresses at which a block is neither entered nor run through.
//!
//! No byte of the guest changes. Blocks are decoded without regard to breakpoints and shared by all address spaces;
//! a processor that is about to run one cuts it in front of the next breakpoint of its own space.

use std::collections::BTreeMap;

/// The breakpoints of all processors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaks {
    /// By linear address: the page directories in which it counts; `None` for every one.
    at: BTreeMap<u32, Vec<Option<u32>>>,
}

impl Breaks {
    /// These and no others.
    pub(crate) fn set(&mut self, all: impl Iterator<Item = (u32, Option<u32>)>) {
        self.at.clear();
        for (va, directory) in all {
            self.at.entry(va).or_default().push(directory);
        }
    }

    /// Whether there are none.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Whether one is at an address, under a page directory.
    pub(crate) fn is_at(&self, va: u32, directory: u32) -> bool {
        self.at.get(&va).is_some_and(|directories| counts(directories, directory))
    }

    /// The first one behind `va`, at most `bytes` further.
    pub(crate) fn next_behind(&self, va: u32, bytes: u32, directory: u32) -> Option<u32> {
        let first = va.checked_add(1)?;
        let range = self.at.range(first..=va.saturating_add(bytes));
        range.filter(|(_, directories)| counts(directories, directory)).map(|(va, _)| *va).next()
    }
}

fn counts(directories: &[Option<u32>], directory: u32) -> bool {
    directories.iter().any(|of| of.is_none_or(|of| of == directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breakpoints_count_in_their_spaces() {
        let mut breaks = Breaks::default();
        breaks.set([(0x401000, Some(0x39000)), (0x401005, None), (u32::MAX, None)].into_iter());
        assert!(breaks.is_at(0x401000, 0x39000) && !breaks.is_at(0x401000, 0x40000) && breaks.is_at(0x401005, 1));
        assert_eq!(breaks.next_behind(0x400ff0, 0x20, 0x39000), Some(0x401000));
        assert_eq!(breaks.next_behind(0x400ff0, 0x20, 0x40000), Some(0x401005));
        assert_eq!(breaks.next_behind(0x401005, 0x20, 0x39000), None);
        assert_eq!(breaks.next_behind(u32::MAX, 8, 0), None);
        breaks.set(std::iter::empty());
        assert!(breaks.is_empty());
    }
}
