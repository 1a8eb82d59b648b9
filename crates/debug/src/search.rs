//! Search: every place in memory that matches a pattern, and what was not searched.
//!
//! Nothing is collected: matches go to the caller one by one, in order of address, and the caller may stop. Where
//! alternatives of a pattern match at the same address, the longest is reported. Matches may overlap.

mod grammar;
mod matcher;
pub(crate) mod owners;
mod pattern;
pub(crate) mod sweep;
#[cfg(test)]
mod tests;

pub use grammar::{Names, PatternError, module_ranges, pointer_widths};
pub use pattern::{Pattern, TextEncoding, What};
pub use sweep::Coverage;

use crate::usage_index::{Located, UsageIndex};
use matcher::StartAt;
use owners::Owners;
use std::ops::ControlFlow;
use sweep::{Chunk, Chunks};
use vatlas_space::{Region, Va, VaRange};

/// Where and how to search.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SearchOptions {
    /// Only these addresses; all when absent.
    pub within: Option<VaRange>,
    /// Only integers and pointers that lie at a multiple of their size.
    pub aligned_only: bool,
    /// Also the bytes that only image files hold.
    pub image_files: bool,
}

/// A place that matches. It lives as long as the call that reports it.
#[derive(Clone, Debug)]
pub struct Match<'a> {
    /// Address of the first byte.
    pub va: Va,
    /// Number of bytes.
    pub length: usize,
    /// Which alternative of the pattern it is.
    pub what: What,
    /// The number that stands there, when the alternative is an integer or a pointer.
    pub value: Option<u64>,
    /// Whether it lies at a multiple of its size; bytes and text always do.
    pub is_aligned: bool,
    /// The region of the first byte.
    pub region: &'a Region,
    /// The use of the first byte, and what says so.
    pub owner: &'a Located,
}

/// How far a sweep through memory is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Bytes done.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// What a search did and did not do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SearchSummary {
    /// What could be searched and what could not.
    pub coverage: Coverage,
    /// Bytes that were read: `coverage.readable`, unless the caller stopped or bytes were unreadable.
    pub searched: u64,
    /// Bytes that the picture claims to hold and does not.
    pub unreadable: u64,
    /// Matches reported.
    pub matches: u64,
    /// Whether the caller stopped, so that there may be more.
    pub stopped: bool,
}

/// Searches the captured memory of a process. `found` sees each match and may stop the search; `progress` is
/// called now and then.
pub fn search(
    index: &UsageIndex<'_>,
    pattern: &Pattern,
    options: &SearchOptions,
    found: &mut dyn FnMut(&Match<'_>) -> ControlFlow<()>,
    progress: &mut dyn FnMut(Progress),
) -> SearchSummary {
    let space = index.space();
    let within = options.within.map_or(Some(space.range()), |within| within.intersection(space.range()));
    let Some(within) = within else { return SearchSummary::default() };
    let (runs, coverage) = sweep::readable(space, within, options.image_files);
    let mut summary = SearchSummary { coverage, ..SearchSummary::default() };
    let mut scan = Scan { pattern, aligned_only: options.aligned_only, owners: Owners::new(index), found, matches: 0 };
    let mut chunks = Chunks::new(space, pattern.longest() - 1);
    'sweep: for run in &runs {
        chunks.start(*run);
        while let Some(chunk) = chunks.next() {
            summary.searched = summary.searched.saturating_add(chunk.fresh as u64);
            if scan.chunk(&chunk).is_break() {
                summary.stopped = true;
                break 'sweep;
            }
            progress(Progress { done: summary.searched, total: coverage.readable });
        }
    }
    (summary.matches, summary.unreadable) = (scan.matches, chunks.unreadable);
    summary
}

struct Scan<'a, 'i, 't> {
    pattern: &'a Pattern,
    aligned_only: bool,
    owners: Owners<'i, 't>,
    found: &'a mut dyn FnMut(&Match<'_>) -> ControlFlow<()>,
    matches: u64,
}

impl Scan<'_, '_, '_> {
    /// Reports the matches that begin in a chunk, except in the bytes that the next chunk repeats: there the
    /// longest alternative may not lie whole in this one.
    fn chunk(&mut self, chunk: &Chunk<'_>) -> ControlFlow<()> {
        let repeated = if chunk.is_last { 0 } else { self.pattern.longest() - 1 };
        let limit = chunk.bytes.len().saturating_sub(repeated);
        let alternatives = self.pattern.alternatives();
        let find = |alternative: usize, index: usize| {
            let alternative = &alternatives[alternative];
            let alignment = if self.aligned_only { alternative.alignment() } else { 1 };
            alternative.matcher.find(chunk.bytes, StartAt { index, base: chunk.va, alignment })
        };
        let mut next: Vec<Option<usize>> = (0..alternatives.len()).map(|alternative| find(alternative, 0)).collect();
        while let Some(at) = next.iter().flatten().copied().min().filter(|at| *at < limit) {
            let mut longest = None;
            for (alternative, place) in next.iter_mut().enumerate().filter(|(_, place)| **place == Some(at)) {
                longest = longest.or(Some(alternative));
                *place = find(alternative, at + 1);
            }
            let Some(alternative) = longest else { break };
            self.matches += 1;
            report(&alternatives[alternative], chunk, at, &mut self.owners, self.found)?;
        }
        ControlFlow::Continue(())
    }
}

fn report(
    alternative: &pattern::Alternative,
    chunk: &Chunk<'_>,
    at: usize,
    owners: &mut Owners<'_, '_>,
    found: &mut dyn FnMut(&Match<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let va = Va(chunk.va.0 + at as u64);
    let length = alternative.matcher.length();
    let value = match alternative.what {
        What::Integer(_) | What::Pointer(_) => {
            let bytes = &chunk.bytes[at..at + length];
            Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
        }
        What::Bytes | What::Text(_) => None,
    };
    let owner = owners.at(va);
    found(&Match {
        va,
        length,
        what: alternative.what,
        value,
        is_aligned: va.is_aligned(alternative.alignment()),
        region: &owner.region,
        owner: &owner.located,
    })
}
