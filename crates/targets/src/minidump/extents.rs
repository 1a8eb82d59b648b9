//! Sorted, disjoint lists: captured extents, and regions pieced together where no stream lists them.

use vatlas_images::minidump::{CapturedMemory, Minidump};
use vatlas_space::{FileOffset, Region, RegionKind, RegionState, Source, VaRange};

/// Captured memory in order of address, without overlaps (the entry that comes first in the dump wins), with
/// neighbours joined whose bytes follow one another in the file too.
pub(super) fn captured(dump: &Minidump, file_size: u64) -> Vec<CapturedMemory> {
    let stacks = dump.threads.iter().filter_map(|thread| {
        let (range, offset) = thread.stack.zip(thread.stack_offset)?;
        let there = file_size.checked_sub(offset.0)?.min(range.size());
        Some(CapturedMemory { range: VaRange::sized(range.first(), there)?, offset })
    });
    let mut all: Vec<CapturedMemory> = dump.memory.iter().copied().chain(stacks).collect();
    if !all.is_sorted_by(|a, b| a.range.last() < b.range.first()) {
        all = disjoint(
            all,
            |memory| memory.range,
            |memory, range| CapturedMemory {
                range,
                offset: FileOffset(memory.offset.0 + (range.first().0 - memory.range.first().0)),
            },
        );
    }
    all.dedup_by(|later, earlier| {
        let adjoins = earlier.range.next() == Some(later.range.first())
            && earlier.offset.0 + earlier.range.size() == later.offset.0;
        if let (true, Some(joined)) = (adjoins, VaRange::new(earlier.range.first(), later.range.last())) {
            earlier.range = joined;
        }
        adjoins
    });
    all
}

/// Regions of a dump without `MemoryInfoListStream`: modules, stacks and captured memory are in use, and
/// nothing is known of the rest.
pub(super) fn deduced_regions(dump: &Minidump, captured: &[CapturedMemory]) -> Vec<Region> {
    let modules = dump.modules.iter().map(|module| Region {
        kind: Some(RegionKind::Image),
        allocation_base: Some(module.range.first()),
        ..committed(module.range, Source::Stream("ModuleListStream"))
    });
    let memory = captured.iter().map(|memory| committed(memory.range, Source::Deduced("being captured")));
    disjoint(modules.chain(memory).collect(), |region| region.range, |region, range| Region { range, ..region.clone() })
}

/// A region that is known to be in use, and no more.
pub(super) fn committed(range: VaRange, source: Source) -> Region {
    Region { state: RegionState::Committed, ..Region::unknown(range, source) }
}

/// Cuts `items` so that none overlaps another; an item keeps what no earlier item has. Sorted by address.
pub(super) fn disjoint<T>(items: Vec<T>, range: impl Fn(&T) -> VaRange, cut: impl Fn(&T, VaRange) -> T) -> Vec<T> {
    let mut placed: std::collections::BTreeMap<u64, T> = std::collections::BTreeMap::new();
    for item in items {
        for free in gaps(&placed, range(&item), &range) {
            placed.insert(free.first().0, cut(&item, free));
        }
    }
    placed.into_values().collect()
}

/// The parts of `wanted` that nothing placed covers.
fn gaps<T>(
    placed: &std::collections::BTreeMap<u64, T>,
    wanted: VaRange,
    range: &impl Fn(&T) -> VaRange,
) -> Vec<VaRange> {
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
    use vatlas_space::Va;

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
