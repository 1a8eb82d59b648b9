//! A range of virtual addresses with inclusive ends, so that the last byte of a space can be in one.

use crate::address::Va;
use std::fmt;

/// The addresses from `first` to `last`, both included; never empty.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct VaRange {
    first: Va,
    last: Va,
}

impl VaRange {
    /// The range from `first` to `last`; `None` when `last` lies below `first`.
    pub const fn new(first: Va, last: Va) -> Option<Self> {
        if first.0 <= last.0 { Some(Self { first, last }) } else { None }
    }

    /// The range of `bytes` bytes from `first` on; `None` when it is empty or runs past the last address.
    pub const fn sized(first: Va, bytes: u64) -> Option<Self> {
        if bytes == 0 {
            return None;
        }
        match first.checked_add(bytes - 1) {
            Some(last) => Some(Self { first, last }),
            None => None,
        }
    }

    /// The lowest address.
    pub const fn first(self) -> Va {
        self.first
    }

    /// The highest address, still inside.
    pub const fn last(self) -> Va {
        self.last
    }

    /// The address after the last one; `None` at the end of the number range.
    pub const fn next(self) -> Option<Va> {
        self.last.checked_add(1)
    }

    /// How many bytes there are; the whole 64-bit range, one too many for the type, gives `u64::MAX`.
    pub const fn size(self) -> u64 {
        (self.last.0 - self.first.0).saturating_add(1)
    }

    /// Whether `va` lies inside.
    pub const fn contains(self, va: Va) -> bool {
        self.first.0 <= va.0 && va.0 <= self.last.0
    }

    /// Whether every address of `other` lies inside.
    pub const fn encloses(self, other: Self) -> bool {
        self.first.0 <= other.first.0 && other.last.0 <= self.last.0
    }

    /// The addresses that both have; `None` when there are none.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }

    /// Bytes from the first address to `va`; `None` when `va` lies outside.
    pub const fn offset_of(self, va: Va) -> Option<u64> {
        if self.contains(va) { va.offset_from(self.first) } else { None }
    }
}

impl fmt::Display for VaRange {
    /// Both ends with as many digits as the last needs: eight or sixteen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.last.0 > u64::from(u32::MAX) { 18 } else { 10 };
        write!(f, "{:#0digits$x}-{:#0digits$x}", self.first.0, self.last.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> VaRange {
        VaRange::new(Va(first), Va(last)).unwrap()
    }

    #[test]
    fn ends_are_inclusive() {
        let all = range(0, u64::MAX);
        assert!(all.contains(Va(u64::MAX)));
        assert_eq!(all.size(), u64::MAX);
        assert_eq!(all.next(), None);
        assert_eq!(range(0, 0xfff).size(), 0x1000);
        assert_eq!(VaRange::sized(Va(0xffff_f000), 0x1000), Some(range(0xffff_f000, 0xffff_ffff)));
        assert_eq!(VaRange::sized(Va(u64::MAX), 2), None);
        assert_eq!(VaRange::sized(Va(0), 0), None);
        assert_eq!(VaRange::new(Va(1), Va(0)), None);
    }

    #[test]
    fn intersections() {
        assert_eq!(range(0, 9).intersection(range(5, 20)), Some(range(5, 9)));
        assert_eq!(range(0, 9).intersection(range(10, 20)), None);
        assert!(range(0, 9).encloses(range(9, 9)));
        assert_eq!(range(4, 9).offset_of(Va(9)), Some(5));
        assert_eq!(range(4, 9).offset_of(Va(3)), None);
    }
}
