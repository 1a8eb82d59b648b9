//! Made-up maps for the tests of pictures.

use crate::{
    map::MapEntry,
    usage::{StackPart, Usage},
};
use vatlas_space::{Machine, Protection, Region, RegionKind, RegionState, Source, ThreadId, Va, VaRange};

pub fn all32() -> VaRange {
    VaRange::new(Va(0), Va(0xffff_ffff)).unwrap()
}

pub fn user64() -> VaRange {
    VaRange::new(Va(0), Va(0x7fff_ffff_ffff)).unwrap()
}

pub fn row(first: u64, bytes: u64, state: RegionState, usage: Usage) -> MapEntry {
    let range = VaRange::sized(Va(first), bytes).unwrap();
    let used = matches!(state, RegionState::Committed | RegionState::Reserved);
    let kind = match usage {
        Usage::Image { .. } => RegionKind::Image,
        Usage::Mapped => RegionKind::Mapped,
        _ => RegionKind::Private,
    };
    let protection = match usage {
        Usage::Stack { part: StackPart::Guard, .. } => Protection(0x104),
        _ => Protection::READWRITE,
    };
    let region = Region {
        range,
        state,
        kind: used.then_some(kind),
        protection: (state == RegionState::Committed).then_some(protection),
        allocation_base: used.then_some(range.first()),
        allocation_protection: used.then_some(Protection::READWRITE),
        source: Source::Stream("MemoryInfoListStream"),
    };
    MapEntry { range, region, usage, captured: 0 }
}

/// Fills the gaps between rows with free ones, from zero to the end of `range`.
fn with_free(rows: Vec<MapEntry>, range: VaRange) -> Vec<MapEntry> {
    let mut all = Vec::new();
    let mut next = range.first().0;
    for entry in rows {
        let first = entry.range.first().0;
        if first > next {
            all.push(row(next, first - next, RegionState::Free, Usage::Free));
        }
        next = entry.range.last().0 + 1;
        all.push(entry);
    }
    if next <= range.last().0 {
        all.push(row(next, range.last().0 - next + 1, RegionState::Free, Usage::Free));
    }
    all
}

fn stack(first: u64, thread: u32) -> [MapEntry; 3] {
    let part = |first, bytes, state, part| {
        row(first, bytes, state, Usage::Stack { thread: ThreadId(thread), machine: Machine::X86, part })
    };
    [
        part(first, 0xf_d000, RegionState::Reserved, StackPart::Reserve),
        part(first + 0xf_d000, 0x1000, RegionState::Committed, StackPart::Guard),
        part(first + 0xf_e000, 0x2000, RegionState::Committed, StackPart::Used),
    ]
}

fn image(first: u64, bytes: u64, module: &str) -> MapEntry {
    row(first, bytes, RegionState::Committed, Usage::Image { module: module.into(), section: None })
}

pub fn small32() -> Vec<MapEntry> {
    let mut rows = vec![row(0x1_0000, 0x1_0000, RegionState::Committed, Usage::Mapped)];
    rows.extend(stack(0x3_0000, 1));
    rows.push(row(0x15_0000, 0x1_0000, RegionState::Committed, Usage::Heap { heap: Va(0x15_0000) }));
    rows.push(row(0x16_0000, 0xf_0000, RegionState::Reserved, Usage::Heap { heap: Va(0x15_0000) }));
    rows.push(image(0x40_0000, 0x2_4000, "app.exe"));
    rows.extend(stack(0x100_0000, 2));
    rows.push(image(0x7c80_0000, 0xf_6000, "kernel32.dll"));
    rows.push(row(0x7ffd_e000, 0x2000, RegionState::Committed, Usage::Peb { machine: Machine::X86 }));
    let kernel = Usage::System { area: "kernel".into() };
    rows.push(row(0x8000_0000, 0x8000_0000, RegionState::Unknown, kernel));
    with_free(rows, all32())
}

pub fn clusters64() -> Vec<MapEntry> {
    let mut rows = vec![row(0x7ffe_0000, 0x1000, RegionState::Committed, Usage::SharedUserData)];
    rows.push(row(0xa3_1200_0000, 0x10_0000, RegionState::Committed, Usage::Private));
    rows.push(row(0x1f2_3400_0000, 0x40_0000, RegionState::Committed, Usage::Private));
    rows.push(row(0x7df5_0000_0000, 0x100_0000_0000, RegionState::Reserved, Usage::Mapped));
    rows.push(image(0x7ff6_a1b2_0000, 0x8_0000, "app.exe"));
    rows.push(image(0x7ffd_3c00_0000, 0x1f_0000, "ntdll.dll"));
    with_free(rows, user64())
}

pub fn many(count: u64) -> Vec<MapEntry> {
    let used = (0..count).map(|n| row(n * 0x1_0000, 0x3000 + n % 5 * 0x1000, RegionState::Committed, Usage::Private));
    with_free(used.collect(), all32())
}
