//! Whose each of many addresses is, asked in order of address: one look-up for all that lie close.

use crate::usage_index::{Located, UsageIndex};
use vatlas_space::{Region, Va, VaRange};

/// The region and the use of the addresses in a range.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// The addresses for which this holds.
    pub range: VaRange,
    /// The region that they are part of.
    pub region: Region,
    /// Their use.
    pub located: Located,
}

/// Remembers the last answer.
pub(crate) struct Owners<'i, 't> {
    index: &'i UsageIndex<'t>,
    last: Option<Owner>,
}

impl<'i, 't> Owners<'i, 't> {
    /// Asks `index`.
    pub fn new(index: &'i UsageIndex<'t>) -> Self {
        Self { index, last: None }
    }

    /// The owner of `va`.
    pub fn at(&mut self, va: Va) -> &Owner {
        let known = self.last.take().filter(|owner| owner.range.contains(va));
        self.last.insert(known.unwrap_or_else(|| look_up(self.index, va)))
    }
}

fn look_up(index: &UsageIndex<'_>, va: Va) -> Owner {
    let region = index.space().region(va);
    let located = index.in_region(va, &region);
    let end = located.range.last().min(region.range.last());
    let end = index.next_use_after(va).map_or(end, |next| end.min(next));
    let range = VaRange::new(va, end.max(va)).unwrap_or(region.range);
    Owner { range, region, located }
}

/// The whole row of the map that holds `va`: its use, up to where another one begins on either side.
pub(crate) fn row(index: &UsageIndex<'_>, va: Va) -> Owner {
    let mut row = look_up(index, index.space().region(va).range.first().min(va));
    while row.range.last() < va {
        let Some(next) = row.range.next() else { break };
        row = look_up(index, next);
    }
    row
}
