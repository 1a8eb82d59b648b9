//! Regions that two targets do not agree on: both maps are swept side by side, address by address.

use crate::{
    map::{MapEntry, map},
    usage::Usage,
    usage_index::UsageIndex,
};
use std::ops::ControlFlow;
use vatlas_space::{Protection, RegionKind, RegionState, Va, VaRange};

/// What one target says of a range.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegionFacts {
    /// In use or not.
    pub state: RegionState,
    /// Kind of memory.
    pub kind: Option<RegionKind>,
    /// Protection now.
    pub protection: Option<Protection>,
    /// The allocation that it is part of.
    pub allocation_base: Option<Va>,
    /// Its use.
    pub usage: Usage,
}

impl RegionFacts {
    fn of(entry: &MapEntry) -> Self {
        let region = &entry.region;
        Self {
            state: region.state,
            kind: region.kind,
            protection: region.protection,
            allocation_base: region.allocation_base,
            usage: entry.usage.clone(),
        }
    }
}

/// In what a range that both use differs. What only one tells does not count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct RegionAspects {
    /// Reserved in one, committed in the other.
    pub state: bool,
    /// Protection.
    pub protection: bool,
    /// Kind of memory.
    pub kind: bool,
    /// Use.
    pub usage: bool,
}

/// What happened to a range.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RegionDifference {
    /// Free in A, in use in B.
    Added,
    /// In use in A, free in B.
    Removed,
    /// In use in both, but not in the same way.
    Changed(RegionAspects),
}

/// A range on which the two do not agree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegionChange {
    /// The addresses.
    pub range: VaRange,
    /// What happened.
    pub difference: RegionDifference,
    /// What A says.
    pub a: RegionFacts,
    /// What B says.
    pub b: RegionFacts,
}

/// All of it in bytes, of the addresses that both spaces have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RegionTotals {
    /// Changes reported.
    pub changes: u64,
    /// Free in A, in use in B.
    pub added: u64,
    /// In use in A, free in B.
    pub removed: u64,
    /// In use in both, but not in the same way.
    pub changed: u64,
    /// Nothing differs.
    pub same: u64,
    /// One of the two does not say whether the addresses are in use.
    pub not_comparable: u64,
    /// Whether the caller stopped, so that there may be more.
    pub stopped: bool,
}

/// Compares two maps. `found` sees each change, in order of address, and may stop.
pub fn diff_regions(
    a: &UsageIndex<'_>,
    b: &UsageIndex<'_>,
    found: &mut dyn FnMut(&RegionChange) -> ControlFlow<()>,
) -> RegionTotals {
    let mut sweep = Sweep { open: None, totals: RegionTotals::default(), found };
    if sweep.run(&map(a), &map(b)).is_break() {
        sweep.totals.stopped = true;
    }
    sweep.totals
}

struct Sweep<'f> {
    /// The change that the next range may still continue.
    open: Option<RegionChange>,
    totals: RegionTotals,
    found: &'f mut dyn FnMut(&RegionChange) -> ControlFlow<()>,
}

impl Sweep<'_> {
    fn run(&mut self, a: &[MapEntry], b: &[MapEntry]) -> ControlFlow<()> {
        let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
        while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
            if let Some(range) = one.range.intersection(other.range) {
                self.compare(range, one, other)?;
            }
            if one.range.last() <= other.range.last() {
                left.next()
            } else {
                right.next()
            };
        }
        self.flush()
    }

    fn compare(&mut self, range: VaRange, one: &MapEntry, other: &MapEntry) -> ControlFlow<()> {
        let difference = match (one.region.state, other.region.state) {
            (RegionState::Unknown, _) | (_, RegionState::Unknown) => {
                add(&mut self.totals.not_comparable, range);
                return ControlFlow::Continue(());
            }
            (RegionState::Free, RegionState::Free) => None,
            (RegionState::Free, _) => Some(RegionDifference::Added),
            (_, RegionState::Free) => Some(RegionDifference::Removed),
            _ => Some(aspects(one, other))
                .filter(|aspects| *aspects != RegionAspects::default())
                .map(RegionDifference::Changed),
        };
        add(
            match difference {
                None => &mut self.totals.same,
                Some(RegionDifference::Added) => &mut self.totals.added,
                Some(RegionDifference::Removed) => &mut self.totals.removed,
                Some(RegionDifference::Changed(_)) => &mut self.totals.changed,
            },
            range,
        );
        let Some(difference) = difference else { return ControlFlow::Continue(()) };
        self.push(RegionChange { range, difference, a: RegionFacts::of(one), b: RegionFacts::of(other) })
    }

    /// Joins a change to the one before when they adjoin and tell the same.
    fn push(&mut self, change: RegionChange) -> ControlFlow<()> {
        let continued = self.open.as_mut().filter(|open| {
            open.range.next() == Some(change.range.first())
                && (open.difference, &open.a, &open.b) == (change.difference, &change.a, &change.b)
        });
        match continued {
            Some(open) => {
                open.range = VaRange::new(open.range.first(), change.range.last()).unwrap_or(open.range);
                ControlFlow::Continue(())
            }
            None => {
                self.flush()?;
                self.open = Some(change);
                ControlFlow::Continue(())
            }
        }
    }

    fn flush(&mut self) -> ControlFlow<()> {
        let Some(change) = self.open.take() else { return ControlFlow::Continue(()) };
        self.totals.changes += 1;
        (self.found)(&change)
    }
}

fn add(total: &mut u64, range: VaRange) {
    *total = total.saturating_add(range.size());
}

fn aspects(one: &MapEntry, other: &MapEntry) -> RegionAspects {
    let (a, b) = (&one.region, &other.region);
    RegionAspects {
        state: a.state != b.state,
        protection: a.protection.zip(b.protection).is_some_and(|(a, b)| a != b),
        kind: a.kind.zip(b.kind).is_some_and(|(a, b)| a != b),
        usage: !is_same_use(&one.usage, &other.usage),
    }
}

/// Whether two uses are the same thing, as far as both are known.
fn is_same_use(one: &Usage, other: &Usage) -> bool {
    match (one, other) {
        (Usage::Unknown, _) | (_, Usage::Unknown) => true,
        // The sections of an image are known only where its header is at hand.
        (Usage::Image { module, section }, Usage::Image { module: other, section: other_section }) => {
            module.to_lowercase() == other.to_lowercase()
                && section.as_ref().zip(other_section.as_ref()).is_none_or(|(one, other)| one == other)
        }
        // Which part of a stack is in use follows from the stack pointer: a move of the thread.
        (Usage::Stack { thread, machine, .. }, Usage::Stack { thread: other, machine: other_machine, .. }) => {
            (thread, machine) == (other, other_machine)
        }
        // A heap is proven by captured bytes; without them the same memory is private and no more is known.
        (Usage::Heap { .. }, Usage::Private) | (Usage::Private, Usage::Heap { .. }) => true,
        _ => one == other,
    }
}
