//! The map of an address space: every region, in order, with what it is used for.

use crate::{
    usage::{Usage, UsageKind},
    usage_index::UsageIndex,
};
use vatlas_space::{Alias, Region, RegionState, Source, Store, Va, VaRange};

/// A row of the map: a region, or the part of one that has one use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapEntry {
    /// The addresses of this row; inside `region.range`.
    pub range: VaRange,
    /// The region that the row is (part of).
    pub region: Region,
    /// What it is used for.
    pub usage: Usage,
    /// How many of its bytes the target holds.
    pub captured: u64,
}

/// Which rows of a map are wanted; an absent criterion lets every row through.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MapFilter {
    /// Only rows of these sorts of use.
    pub kinds: Vec<UsageKind>,
    /// Only rows in these states.
    pub states: Vec<RegionState>,
    /// Only the row that holds this address.
    pub at: Option<Va>,
}

impl MapFilter {
    /// Whether a row is wanted.
    pub fn accepts(&self, entry: &MapEntry) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&entry.usage.kind()))
            && (self.states.is_empty() || self.states.contains(&entry.region.state))
            && self.at.is_none_or(|va| entry.range.contains(va))
    }
}

/// All rows of a process's map, in order of address and without a gap.
pub fn map(index: &UsageIndex<'_>) -> Vec<MapEntry> {
    let space = index.space();
    let mut entries = Vec::new();
    let mut at = Some(space.range().first());
    while let Some(va) = at.filter(|va| *va <= space.range().last()) {
        if let Some(alias) = space.alias_at(va) {
            at = alias.range.next();
            entries.push(alias_entry(index, &alias));
            continue;
        }
        let region = space.region(va);
        at = region.range.next();
        let mut next = Some(region.range.first());
        while let Some(first) = next.filter(|first| *first <= region.range.last()) {
            let entry = entry(index, &region, first);
            next = entry.range.next();
            entries.push(entry);
        }
    }
    entries
}

/// One row for addresses that show the bytes of others: those have rows of their own.
fn alias_entry(index: &UsageIndex<'_>, alias: &Alias) -> MapEntry {
    let source = index.layout().map_or(Source::Nothing, |layout| Source::Layout(layout.name));
    let area = format!("the same bytes as from {} on", alias.of);
    let region = Region::unknown(alias.range, source);
    MapEntry { range: alias.range, region, usage: Usage::System { area }, captured: 0 }
}

/// The row of `first` in its region: up to where the use changes.
fn entry(index: &UsageIndex<'_>, region: &Region, first: Va) -> MapEntry {
    let located = index.in_region(first, region);
    let end = located.range.last().min(region.range.last());
    let end = index.next_use_after(first).map_or(end, |next| end.min(next));
    let range = VaRange::new(first, end).unwrap_or(region.range);
    let captured = match region.state {
        RegionState::Free => 0,
        _ => captured(index, range),
    };
    MapEntry { range, region: region.clone(), usage: located.usage, captured }
}

fn captured(index: &UsageIndex<'_>, range: VaRange) -> u64 {
    let backings = index.space().backings_in(range);
    backings.filter(|backing| matches!(backing.store, Store::Captured(_))).map(|backing| backing.range.size()).sum()
}

/// Totals of one sort of use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KindTotal {
    /// The sort.
    pub kind: UsageKind,
    /// Rows of it.
    pub rows: usize,
    /// All their bytes.
    pub size: u64,
    /// Committed bytes among them.
    pub committed: u64,
    /// Reserved bytes among them.
    pub reserved: u64,
    /// Bytes that the target holds.
    pub captured: u64,
    /// The largest row, in bytes.
    pub largest: u64,
}

/// Totals of a map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapSummary {
    /// One row for each sort that occurs, in the order of [`UsageKind::ALL`].
    pub kinds: Vec<KindTotal>,
    /// Bytes by state: free, reserved, committed, unknown.
    pub states: Vec<(RegionState, u64)>,
    /// The largest free block: the most that one allocation could get.
    pub largest_free: Option<VaRange>,
}

/// Adds a map up.
pub fn summary(entries: &[MapEntry]) -> MapSummary {
    let states = [RegionState::Committed, RegionState::Reserved, RegionState::Free, RegionState::Unknown];
    let of = |state| entries.iter().filter(move |entry| entry.region.state == state).map(|entry| entry.range.size());
    let free = entries.iter().filter(|entry| entry.region.state == RegionState::Free);
    MapSummary {
        kinds: UsageKind::ALL.into_iter().filter_map(|kind| kind_total(entries, kind)).collect(),
        states: states.into_iter().map(|state| (state, of(state).fold(0, u64::saturating_add))).collect(),
        largest_free: free.map(|entry| entry.region.range).max_by_key(|range| range.size()),
    }
}

fn kind_total(entries: &[MapEntry], kind: UsageKind) -> Option<KindTotal> {
    let mut total = KindTotal { kind, rows: 0, size: 0, committed: 0, reserved: 0, captured: 0, largest: 0 };
    for entry in entries.iter().filter(|entry| entry.usage.kind() == kind) {
        let size = entry.range.size();
        total.rows += 1;
        total.size = total.size.saturating_add(size);
        total.captured = total.captured.saturating_add(entry.captured);
        total.largest = total.largest.max(size);
        match entry.region.state {
            RegionState::Committed => total.committed = total.committed.saturating_add(size),
            RegionState::Reserved => total.reserved = total.reserved.saturating_add(size),
            RegionState::Free | RegionState::Unknown => {}
        }
    }
    (total.rows > 0).then_some(total)
}
