//! Overlapping claims on addresses, cut so that the earlier one wins.

use crate::range::VaRange;
use std::collections::BTreeMap;

/// Cuts `items` so that none overlaps another; an item keeps what no earlier item has. Sorted by address.
pub fn disjoint<T>(items: Vec<T>, range: impl Fn(&T) -> VaRange, cut: impl Fn(&T, VaRange) -> T) -> Vec<T> {
    let mut placed: BTreeMap<u64, T> = BTreeMap::new();
    for item in items {
        for free in gaps(&placed, range(&item), &range) {
            placed.insert(free.first().0, cut(&item, free));
        }
    }
    placed.into_values().collect()
}

/// The parts of `wanted` that nothing placed covers.
fn gaps<T>(placed: &BTreeMap<u64, T>, wanted: VaRange, range: &impl Fn(&T) -> VaRange) -> Vec<VaRange> {
    let before = placed.range(..wanted.first().0).next_back();
    let inside = placed.range(wanted.first().0..=wanted.last().0);
    let mut gaps = Vec::new();
    let mut next = Some(wanted.first());
    for (_, item) in before.into_iter().chain(inside) {
        let taken = range(item);
        let Some(first) = next.filter(|first| *first <= wanted.last()) else { break };
        if taken.last() < first {
            continue;
        }
        let gap = taken.first().checked_sub(1).and_then(|last| VaRange::new(first, last));
        gaps.extend(gap);
        next = taken.next();
    }
    let rest = next.and_then(|first| VaRange::new(first, wanted.last()));
    gaps.extend(rest);
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Va;

    fn range(first: u64, last: u64) -> VaRange {
        VaRange::new(Va(first), Va(last)).unwrap()
    }

    fn check(input: &[(u64, u64)], expected: &[(u64, u64)]) {
        let items = input.iter().map(|&(first, last)| range(first, last)).collect();
        let result = disjoint(items, |range| *range, |_, range| range);
        let result: Vec<_> = result.iter().map(|range| (range.first().0, range.last().0)).collect();
        assert_eq!(result, expected);
    }

    #[test]
    fn the_earlier_item_wins() {
        check(&[(10, 19), (0, 9)], &[(0, 9), (10, 19)]);
        check(&[(10, 19), (15, 29)], &[(10, 19), (20, 29)]);
        check(&[(10, 19), (0, 29)], &[(0, 9), (10, 19), (20, 29)]);
        check(&[(10, 19), (12, 15)], &[(10, 19)]);
        check(&[(10, 19), (30, 39), (0, 49)], &[(0, 9), (10, 19), (20, 29), (30, 39), (40, 49)]);
        check(&[(0, u64::MAX), (5, 6)], &[(0, u64::MAX)]);
        check(&[(5, u64::MAX), (0, u64::MAX)], &[(0, 4), (5, u64::MAX)]);
    }
}
