//! Bytes that both targets captured and that are not the same.

use crate::{
    search::{
        Coverage, Progress,
        owners::{Owner, Owners},
        sweep::{CHUNK, readable},
    },
    usage_index::{Located, UsageIndex},
};
use std::ops::ControlFlow;
use vatlas_space::{AddressSpace, Region, Va, VaRange};

/// Differences with fewer equal bytes than this between them are one.
const JOINED_WITHIN: u64 = 16;

/// A range that differs: it begins and ends with a byte that does, and has one owner in each target. It lives as
/// long as the call that reports it.
#[derive(Clone, Debug)]
pub struct MemoryChange<'a> {
    /// The addresses.
    pub range: VaRange,
    /// How many of its bytes differ.
    pub differing: u64,
    /// Its region in A and in B.
    pub regions: (&'a Region, &'a Region),
    /// Its use in A and in B.
    pub owners: (&'a Located, &'a Located),
}

/// All of it in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryTotals {
    /// What A captured and what not.
    pub coverage_a: Coverage,
    /// What B captured and what not.
    pub coverage_b: Coverage,
    /// Captured in both and compared; less than was captured in both when the caller stopped.
    pub compared: u64,
    /// Equal.
    pub equal: u64,
    /// Not equal.
    pub differing: u64,
    /// Captured in A only.
    pub only_in_a: u64,
    /// Captured in B only.
    pub only_in_b: u64,
    /// Listed as captured in both, but missing in one of the files.
    pub unreadable: u64,
    /// Ranges reported.
    pub changes: u64,
    /// Whether the caller stopped, so that there may be more.
    pub stopped: bool,
}

/// Compares the captured memory of two processes. `found` sees each range, in order of address, and may stop;
/// `progress` is called now and then.
pub fn diff_memory(
    a: &UsageIndex<'_>,
    b: &UsageIndex<'_>,
    found: &mut dyn FnMut(&MemoryChange<'_>) -> ControlFlow<()>,
    progress: &mut dyn FnMut(Progress),
) -> MemoryTotals {
    let (in_a, coverage_a) = readable(a.space(), a.space().range(), false);
    let (in_b, coverage_b) = readable(b.space(), b.space().range(), false);
    let common = intersections(&in_a, &in_b);
    let total = common.iter().fold(0_u64, |sum, range| sum.saturating_add(range.size()));
    let totals = MemoryTotals {
        coverage_a,
        coverage_b,
        only_in_a: coverage_a.readable.saturating_sub(total),
        only_in_b: coverage_b.readable.saturating_sub(total),
        ..MemoryTotals::default()
    };
    let joiner = Joiner { owners: (Owners::new(a), Owners::new(b)), open: None, changes: 0, found };
    let mut comparison = Comparison { spaces: (a.space(), b.space()), joiner, totals };
    let mut buffers = (vec![0; CHUNK], vec![0; CHUNK]);
    for range in common {
        let flow = comparison.run(range, &mut buffers, &mut |done| progress(Progress { done, total }));
        if flow.is_break() {
            comparison.totals.stopped = true;
            break;
        }
    }
    MemoryTotals { changes: comparison.joiner.changes, ..comparison.totals }
}

/// The addresses that are in both of two sorted lists.
fn intersections(a: &[VaRange], b: &[VaRange]) -> Vec<VaRange> {
    let mut common = Vec::new();
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        common.extend(one.intersection(**other));
        if one.last() <= other.last() {
            left.next()
        } else {
            right.next()
        };
    }
    common
}

struct Comparison<'i, 't, 'f> {
    spaces: (&'i dyn AddressSpace, &'i dyn AddressSpace),
    joiner: Joiner<'i, 't, 'f>,
    totals: MemoryTotals,
}

impl Comparison<'_, '_, '_> {
    /// Compares one range that both captured.
    fn run(
        &mut self,
        range: VaRange,
        buffers: &mut (Vec<u8>, Vec<u8>),
        progress: &mut dyn FnMut(u64),
    ) -> ControlFlow<()> {
        let mut next = Some(range.first());
        while let Some(at) = next.filter(|at| *at <= range.last()) {
            let left = (range.last().0 - at.0).saturating_add(1);
            let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let in_a = self.spaces.0.read_available(at, &mut buffers.0[..wanted]);
            let in_b = self.spaces.1.read_available(at, &mut buffers.1[..wanted]);
            let both = in_a.min(in_b);
            next = at.checked_add(both as u64);
            self.chunk(at, &buffers.0[..both], &buffers.1[..both])?;
            if both < wanted {
                self.joiner.flush()?;
                next = self.skip_unreadable(at, both as u64, range, in_a <= in_b, in_b <= in_a);
            }
            progress(self.totals.compared.saturating_add(self.totals.unreadable));
        }
        self.joiner.flush()
    }

    /// Steps over what the file of A or of B does not hold, and gives the address behind.
    fn skip_unreadable(&mut self, at: Va, read: u64, range: VaRange, a: bool, b: bool) -> Option<Va> {
        let at = at.checked_add(read)?;
        let end = |space: &dyn AddressSpace, is_cut: bool| is_cut.then(|| space.backing(at).range.last());
        let ends = [end(self.spaces.0, a), end(self.spaces.1, b)];
        let end = ends.into_iter().flatten().max().unwrap_or(at).clamp(at, range.last());
        self.totals.unreadable = self.totals.unreadable.saturating_add((end.0 - at.0).saturating_add(1));
        end.checked_add(1)
    }

    fn chunk(&mut self, va: Va, a: &[u8], b: &[u8]) -> ControlFlow<()> {
        self.totals.compared = self.totals.compared.saturating_add(a.len() as u64);
        let mut at = 0;
        while let Some(first) = next_difference(a, b, at) {
            let equal = a[first..].iter().zip(&b[first..]).position(|(a, b)| a == b);
            let end = equal.map_or(a.len(), |equal| first + equal);
            self.totals.equal += (first - at) as u64;
            self.totals.differing += (end - first) as u64;
            let address = |index: usize| Va(va.0 + index as u64);
            self.joiner.add(address(first), address(end - 1))?;
            at = end;
        }
        self.totals.equal += (a.len() - at) as u64;
        ControlFlow::Continue(())
    }
}

/// The index of the first byte from `from` on that differs. Blocks are compared whole, which is faster than bytes.
fn next_difference(a: &[u8], b: &[u8], from: usize) -> Option<usize> {
    const BLOCK: usize = 256;
    let mut at = from;
    while a.get(at..at + BLOCK).is_some_and(|block| b.get(at..at + BLOCK) == Some(block)) {
        at += BLOCK;
    }
    a.get(at..)?.iter().zip(b.get(at..)?).position(|(a, b)| a != b).map(|index| at + index)
}

/// A range that may still grow.
struct Open {
    range: VaRange,
    differing: u64,
    owners: (Owner, Owner),
    /// The last address that both owners have.
    limit: Va,
}

/// Joins runs of differing bytes that lie close and have the same owners.
struct Joiner<'i, 't, 'f> {
    owners: (Owners<'i, 't>, Owners<'i, 't>),
    open: Option<Open>,
    changes: u64,
    found: &'f mut dyn FnMut(&MemoryChange<'_>) -> ControlFlow<()>,
}

impl Joiner<'_, '_, '_> {
    /// Adds the bytes from `first` to `last`, all of which differ.
    fn add(&mut self, first: Va, last: Va) -> ControlFlow<()> {
        let mut first = first;
        loop {
            let continued =
                self.open.take_if(|open| first <= open.limit && first.0 - open.range.last().0 - 1 < JOINED_WITHIN);
            let mut open = match continued {
                Some(open) => open,
                None => {
                    self.flush()?;
                    self.begin(first)
                }
            };
            let end = last.min(open.limit);
            open.range = VaRange::new(open.range.first(), end).unwrap_or(open.range);
            open.differing += end.0 - first.0 + 1;
            self.open = Some(open);
            match end.checked_add(1).filter(|next| *next <= last) {
                Some(next) => first = next,
                None => return ControlFlow::Continue(()),
            }
        }
    }

    fn begin(&mut self, first: Va) -> Open {
        let owners = (self.owners.0.at(first).clone(), self.owners.1.at(first).clone());
        let limit = owners.0.range.last().min(owners.1.range.last());
        let range = VaRange::new(first, first).unwrap_or(owners.0.range);
        Open { range, differing: 0, owners, limit }
    }

    fn flush(&mut self) -> ControlFlow<()> {
        let Some(open) = self.open.take() else { return ControlFlow::Continue(()) };
        self.changes += 1;
        let (a, b) = &open.owners;
        (self.found)(&MemoryChange {
            range: open.range,
            differing: open.differing,
            regions: (&a.region, &b.region),
            owners: (&a.located, &b.located),
        })
    }
}
