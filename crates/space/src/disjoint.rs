//! Overlapping claims on addresses, cut so that the earlier one wins.

use crate::{address::Va, range::VaRange};
use std::{cmp::Reverse, collections::BinaryHeap};

/// Cuts `items` so that none overlaps another; an item keeps what no earlier item has. Sorted by address.
///
/// At most `2 n` pieces, in the order of `n log n` steps however the items overlap: lists in damaged files may claim
/// anything.
pub fn disjoint<T>(items: &[T], range: impl Fn(&T) -> VaRange, cut: impl Fn(&T, VaRange) -> T) -> Vec<T> {
    let claims: Vec<VaRange> = items.iter().map(range).collect();
    pieces(&claims).into_iter().map(|(piece, owner)| cut(&items[owner], piece)).collect()
}

/// Sweeps upwards: every address belongs to the first of the claims that have begun and not yet ended.
fn pieces(claims: &[VaRange]) -> Vec<(VaRange, usize)> {
    let mut starts: Vec<usize> = (0..claims.len()).collect();
    starts.sort_by_key(|index| claims[*index].first());
    let mut starts = starts.into_iter().peekable();
    let mut begun: BinaryHeap<Reverse<usize>> = BinaryHeap::new();
    let mut pieces: Vec<(VaRange, usize)> = Vec::new();
    let mut at = Va::ZERO;
    loop {
        while begun.peek().is_some_and(|first| claims[first.0].last() < at) {
            begun.pop();
        }
        if begun.is_empty() {
            let Some(next) = starts.peek() else { break };
            at = at.max(claims[*next].first());
        }
        while let Some(start) = starts.next_if(|index| claims[*index].first() <= at) {
            begun.push(Reverse(start));
        }
        let Some(&Reverse(owner)) = begun.peek() else { break };
        let next_start = starts.peek().and_then(|next| claims[*next].first().checked_sub(1));
        let last = next_start.map_or(claims[owner].last(), |next| next.min(claims[owner].last()));
        add(&mut pieces, at, last, owner);
        match last.checked_add(1) {
            Some(next) => at = next,
            None => break,
        }
    }
    pieces
}

/// Adds a piece, joined with the one before when that is of the same owner and adjoins.
fn add(pieces: &mut Vec<(VaRange, usize)>, first: Va, last: Va, owner: usize) {
    let adjoining = pieces.last_mut().filter(|(piece, before)| *before == owner && piece.next() == Some(first));
    let whole = VaRange::new(adjoining.as_ref().map_or(first, |(piece, _)| piece.first()), last);
    match (adjoining, whole) {
        (Some(before), Some(whole)) => before.0 = whole,
        (None, Some(whole)) => pieces.push((whole, owner)),
        (_, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Va;

    fn range(first: u64, last: u64) -> VaRange {
        VaRange::new(Va(first), Va(last)).unwrap()
    }

    fn check(input: &[(u64, u64)], expected: &[(u64, u64)]) {
        let items: Vec<_> = input.iter().map(|&(first, last)| range(first, last)).collect();
        let result = disjoint(&items, |range| *range, |_, range| range);
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

    /// Few addresses, many claims: what the rule says for each address by itself.
    fn check_by_address(claims: &[(u64, u64)]) {
        let claims: Vec<_> = claims.iter().map(|&(first, size)| range(first, first + size)).collect();
        let owned = pieces(&claims);
        for va in 0..70 {
            let expected = claims.iter().position(|claim| claim.contains(Va(va)));
            let found: Vec<_> = owned.iter().filter(|(piece, _)| piece.contains(Va(va))).collect();
            assert_eq!(found.iter().map(|(_, owner)| *owner).collect::<Vec<_>>(), Vec::from_iter(expected), "{va}");
        }
        assert!(owned.is_sorted_by(|(a, _), (b, _)| a.last() < b.first()));
        assert!(owned.windows(2).all(|pair| pair[0].1 != pair[1].1 || pair[0].0.next() != Some(pair[1].0.first())));
        assert!(owned.len() <= 2 * claims.len(), "{} pieces of {} claims", owned.len(), claims.len());
    }

    #[test]
    fn every_address_belongs_to_the_first_that_claims_it() {
        let mut number: u64 = 1;
        let mut below = |end: u64| {
            // Knuth's MMIX generator: any numbers will do.
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (number >> 33) % end
        };
        for _ in 0..3000 {
            let count = below(12);
            check_by_address(&(0..count).map(|_| (below(50), below(20))).collect::<Vec<_>>());
        }
    }

    #[test]
    fn many_claims_on_the_same_addresses_are_no_burden() {
        // With a step for each pair of claims this would take 10^10 steps.
        let small = (0..100_000).map(|index| range(index * 16, index * 16 + 7));
        let wide = (0..100_000).map(|index| range(index, 2_000_000 - index));
        let owned = pieces(&small.chain(wide).collect::<Vec<_>>());
        assert_eq!(owned.len(), 200_000);
    }
}
