//! Sorted, disjoint lists: captured extents, and regions pieced together where no stream lists them.

use vatlas_images::minidump::{CapturedMemory, Minidump};
use vatlas_space::{FileOffset, Region, RegionKind, RegionState, Source, VaRange, disjoint};

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
            &all,
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
    let claims: Vec<Region> = modules.chain(memory).collect();
    disjoint(&claims, |region| region.range, |region, range| Region { range, ..region.clone() })
}

/// A region that is known to be in use, and no more.
pub(super) fn committed(range: VaRange, source: Source) -> Region {
    Region { state: RegionState::Committed, ..Region::unknown(range, source) }
}
