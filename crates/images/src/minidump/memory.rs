//! Captured memory (`MemoryListStream`, `Memory64ListStream`) and regions (`MemoryInfoListStream`).

use super::part::{Part, Reader, held};
use minidump_common::format::{MINIDUMP_MEMORY_DESCRIPTOR, MINIDUMP_MEMORY_DESCRIPTOR64, MINIDUMP_MEMORY_INFO};
use scroll::{Endian, Pread};
use vatlas_space::{FileOffset, Problem, Protection, Region, RegionKind, RegionState, Source, StreamEntry, VaRange};

/// Bytes of the process that the file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CapturedMemory {
    /// Their addresses.
    pub range: VaRange,
    /// Where the first of them is in the file.
    pub offset: FileOffset,
}

/// Both memory lists, the 64-bit one first, cut to what the file holds.
pub(super) fn captured(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Vec<CapturedMemory> {
    let mut memory = memory64(reader, streams);
    memory.extend(memory32(reader, streams));
    memory
}

fn memory32(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Vec<CapturedMemory> {
    let Some(part) = reader.stream(streams, 5) else { return Vec::new() };
    let records: Vec<MINIDUMP_MEMORY_DESCRIPTOR> = reader.counted_list(part);
    let mut allowance = reader.allowance();
    let mut memory = Vec::with_capacity(records.len());
    for raw in records {
        let offset = FileOffset(raw.memory.rva.into());
        let extent = extent(reader, part, raw.start_of_memory_range, raw.memory.data_size.into(), offset);
        match extent {
            Some(extent) if allowance.take(extent.range.size()) => memory.push(extent),
            Some(extent) => reader.problem(
                Problem::damage(part.place(), format!("memory at {} is left out", extent.range.first()))
                    .hint("the ranges of the list are together longer than the file, so some name the same bytes"),
            ),
            None => {}
        }
    }
    memory
}

/// Count, offset of the first byte, then descriptors whose bytes follow one another in the file.
fn memory64(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Vec<CapturedMemory> {
    let Some(part) = reader.stream(streams, 9) else { return Vec::new() };
    let Some(count) = reader.record::<u64>(part, 0) else { return Vec::new() };
    let Some(base) = reader.record::<u64>(part, 8) else { return Vec::new() };
    let records: Vec<MINIDUMP_MEMORY_DESCRIPTOR64> = reader.list(part, 16, 16, count);
    let mut memory = Vec::with_capacity(records.len());
    let mut next = FileOffset(base);
    for raw in records {
        memory.extend(extent(reader, part, raw.start_of_memory_range, raw.data_size, next));
        let Some(after) = next.checked_add(raw.data_size) else {
            reader.problem(Problem::damage(part.place(), "sizes add up to more than any file"));
            break;
        };
        next = after;
    }
    memory
}

/// One range, cut to the file; `None` when nothing of it is there.
fn extent(
    reader: &mut Reader<'_>,
    part: Part<'_>,
    start: u64,
    size: u64,
    offset: FileOffset,
) -> Option<CapturedMemory> {
    let first = reader.va(start);
    let there = held(reader.bytes, offset, size);
    if there < size {
        reader.problem(
            Problem::damage(
                part.place(),
                format!("memory at {first}: {size} bytes at file offset {offset}, of which the file holds {there}"),
            )
            .hint("the file may be truncated"),
        );
    }
    let range = reader.range(first, there);
    if range.is_none() && there > 0 {
        reader.problem(Problem::damage(part.place(), format!("memory at {first} runs past the address space")));
    }
    range.map(|range| CapturedMemory { range, offset })
}

/// The regions of a list, and whether none is missing.
pub(super) struct ListedRegions {
    pub regions: Vec<Region>,
    pub is_whole: bool,
}

/// Regions in order of address; overlapping ones are cut by the one before and reported.
pub(super) fn memory_info(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Option<ListedRegions> {
    let part = reader.stream(streams, 16)?;
    let records: Vec<MINIDUMP_MEMORY_INFO> = reader.sized_list(part, true);
    let mut regions: Vec<Region> = Vec::with_capacity(records.len());
    for raw in &records {
        match region(reader, raw) {
            Some(region) => regions.push(region),
            None => reader.problem(Problem::damage(
                part.place(),
                format!("region at {:#x} has the impossible size {:#x}", raw.base_address, raw.region_size),
            )),
        }
    }
    let claimed = part.bytes.pread_with::<u64>(8, Endian::Little).ok();
    let is_whole = !regions.is_empty() && claimed == Some(regions.len() as u64);
    regions.sort_by_key(|region| region.range.first());
    let mut overlaps = 0;
    regions.dedup_by(|later, earlier| {
        if later.range.first() > earlier.range.last() {
            return false;
        }
        overlaps += 1;
        match earlier.range.next().and_then(|first| VaRange::new(first, later.range.last())) {
            Some(rest) => {
                later.range = rest;
                false
            }
            None => true,
        }
    });
    if overlaps > 0 {
        reader.problem(Problem::damage(part.place(), format!("{overlaps} regions overlap the one before them")));
    }
    Some(ListedRegions { regions, is_whole })
}

/// `MEM_COMMIT`, `MEM_RESERVE`, `MEM_FREE`; `MEM_PRIVATE`, `MEM_MAPPED`, `MEM_IMAGE`.
fn region(reader: &Reader<'_>, raw: &MINIDUMP_MEMORY_INFO) -> Option<Region> {
    let range = reader.range(reader.va(raw.base_address), raw.region_size)?;
    let state = match raw.state {
        0x1000 => RegionState::Committed,
        0x2000 => RegionState::Reserved,
        0x1_0000 => RegionState::Free,
        _ => RegionState::Unknown,
    };
    let used = matches!(state, RegionState::Committed | RegionState::Reserved);
    let kind = match raw._type {
        0x2_0000 => Some(RegionKind::Private),
        0x4_0000 => Some(RegionKind::Mapped),
        0x100_0000 => Some(RegionKind::Image),
        _ => None,
    };
    Some(Region {
        range,
        state,
        kind: kind.filter(|_| used),
        protection: (state == RegionState::Committed).then_some(Protection(raw.protection)),
        allocation_base: used.then(|| reader.va(raw.allocation_base)),
        allocation_protection: used.then_some(Protection(raw.allocation_protection)),
        source: Source::Stream("MemoryInfoListStream"),
    })
}
