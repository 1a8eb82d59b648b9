//! The cells of a picture: what dominates the addresses of each, and what else is in them.

use crate::{
    map::MapEntry,
    picture::scale::{Scale, covered},
    usage::{StackPart, Usage, UsageKind},
};
use vatlas_space::{RegionState, VaRange};

/// Kind and state together: what decides the look of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sort {
    /// What it is used for.
    pub kind: UsageKind,
    /// Whether there is anything behind it.
    pub state: RegionState,
}

impl Sort {
    /// The sort of a row; addresses without a row are not known.
    pub const fn of(entry: Option<&MapEntry>) -> Self {
        match entry {
            Some(entry) => Self { kind: entry.usage.kind(), state: entry.region.state },
            None => Self { kind: UsageKind::Unknown, state: RegionState::Unknown },
        }
    }

    /// Whether somebody uses it; such a part beats any amount of free or unknown addresses in its cell.
    pub const fn is_used(self) -> bool {
        !matches!(self.kind, UsageKind::Free | UsageKind::Unknown)
            || matches!(self.state, RegionState::Committed | RegionState::Reserved)
    }
}

/// One cell of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    /// The dominating kind and, inside this kind, the dominating state; by bytes, used before unused.
    pub sort: Sort,
    /// Whether the dominating row is a guard page.
    pub guard: bool,
    /// The row with most bytes of the dominating sort; `None` where no row covers the cell.
    pub entry: Option<usize>,
    /// How many rows the cell touches.
    pub rows: usize,
    /// Bytes that are committed.
    pub committed: u64,
    /// Bytes that are reserved only.
    pub reserved: u64,
    /// Bytes that are free.
    pub free: u64,
    /// Bytes of unknown state.
    pub unknown: u64,
    /// Bytes that the target holds; in proportion where it holds a part of a row only.
    pub captured: u64,
}

/// A line of cells over a scale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    scale: Scale,
    cells: Vec<Cell>,
}

impl Picture {
    /// The picture of rows, sorted and without overlap, on a scale.
    pub fn new(entries: &[MapEntry], scale: Scale) -> Self {
        let rows = covered(entries, scale.range());
        let mut begin = 0;
        let cells = (0..scale.cells()).map(|index| {
            let range = scale.cell_range(index);
            while rows.get(begin).is_some_and(|(row, _)| row.last() < range.first()) {
                begin += 1;
            }
            let count = rows[begin..].iter().take_while(|(row, _)| row.first() <= range.last()).count();
            cell(entries, range, &rows[begin..begin + count])
        });
        Self { cells: cells.collect(), scale }
    }

    /// The cells, lowest address first.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Which addresses the cells stand for.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }
}

/// Whether a row is a guard page, by its protection or because its stack says so.
pub fn is_guard(entry: &MapEntry) -> bool {
    entry.region.protection.is_some_and(|protection| protection.is_guard())
        || matches!(entry.usage, Usage::Stack { part: StackPart::Guard, .. })
}

/// A part of a row inside a cell.
type Row = (VaRange, Option<usize>);

fn cell(entries: &[MapEntry], range: VaRange, rows: &[Row]) -> Cell {
    let part = |row: &Row| row.0.intersection(range).map_or(0, VaRange::size);
    let entry = |row: &Row| row.1.map(|index| &entries[index]);
    let mut bytes = Tally::default();
    let mut captured = 0;
    for row in rows {
        bytes.add(Sort::of(entry(row)), part(row));
        captured += entry(row).map_or(0, |entry| captured_part(entry, part(row)));
    }
    let sort = bytes.dominating();
    // The first of equals wins, so that the picture does not depend on how the rows were cut.
    let best = rows.iter().rev().filter(|row| Sort::of(entry(row)) == sort).max_by_key(|row| part(row));
    Cell {
        sort,
        guard: best.and_then(entry).is_some_and(is_guard),
        entry: best.and_then(|row| row.1),
        rows: rows.len(),
        committed: bytes.of_state(RegionState::Committed),
        reserved: bytes.of_state(RegionState::Reserved),
        free: bytes.of_state(RegionState::Free),
        unknown: bytes.of_state(RegionState::Unknown),
        captured,
    }
}

/// captured bytes of the part = captured bytes of the row * part / row
fn captured_part(entry: &MapEntry, part: u64) -> u64 {
    let share = u128::from(entry.captured) * u128::from(part) / u128::from(entry.range.size());
    u64::try_from(share).unwrap_or(u64::MAX).min(part)
}

const STATES: [RegionState; 4] =
    [RegionState::Committed, RegionState::Reserved, RegionState::Free, RegionState::Unknown];

/// Bytes by kind and state.
#[derive(Default)]
struct Tally([[u64; STATES.len()]; UsageKind::ALL.len()]);

impl Tally {
    fn add(&mut self, sort: Sort, bytes: u64) {
        let sum = &mut self.0[sort.kind as usize][sort.state as usize];
        *sum = sum.saturating_add(bytes);
    }

    fn get(&self, kind: UsageKind, state: RegionState) -> u64 {
        self.0[kind as usize][state as usize]
    }

    fn of_state(&self, state: RegionState) -> u64 {
        UsageKind::ALL.iter().fold(0, |sum, &kind| sum.saturating_add(self.get(kind, state)))
    }

    /// The kind with most bytes in use, and its state with most bytes; the earlier one of equals.
    fn dominating(&self) -> Sort {
        let used = |kind, state| if (Sort { kind, state }).is_used() { self.get(kind, state) } else { 0 };
        let of_kind = |kind| STATES.iter().fold(0_u64, |sum, &state| sum.saturating_add(used(kind, state)));
        let first_of_best = UsageKind::ALL.iter().rev().max_by_key(|&&kind| of_kind(kind));
        match first_of_best {
            Some(&kind) if of_kind(kind) > 0 => {
                let state = STATES.iter().rev().max_by_key(|&&state| used(kind, state));
                Sort { kind, state: state.copied().unwrap_or(RegionState::Unknown) }
            }
            _ if self.of_state(RegionState::Free) > self.of_state(RegionState::Unknown) => {
                self.unused(RegionState::Free)
            }
            _ => self.unused(RegionState::Unknown),
        }
    }

    fn unused(&self, state: RegionState) -> Sort {
        let free = self.get(UsageKind::Free, state) > self.get(UsageKind::Unknown, state);
        Sort { kind: if free { UsageKind::Free } else { UsageKind::Unknown }, state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::sample::{self, row};
    use vatlas_space::Va;

    fn one_cell(entries: &[MapEntry], first: u64, bytes: u64) -> Cell {
        let range = VaRange::sized(Va(first), bytes).unwrap();
        Picture::new(entries, Scale::linear(range, 1)).cells[0]
    }

    fn check(entries: &[MapEntry], kind: UsageKind, state: RegionState, entry: Option<usize>) {
        let cell = one_cell(entries, 0, 0x10_0000);
        assert_eq!((cell.sort, cell.entry), (Sort { kind, state }, entry));
        assert_eq!(cell.committed + cell.reserved + cell.free + cell.unknown, 0x10_0000, "bytes of the cell");
    }

    #[test]
    fn used_beats_free_and_bytes_decide_among_the_used() {
        use RegionState::*;
        let image = |first, bytes| row(first, bytes, Committed, Usage::Image { module: "a".into(), section: None });
        let private = |first, bytes, state| row(first, bytes, state, Usage::Private);
        let free = |first, bytes| row(first, bytes, Free, Usage::Free);
        check(&[free(0, 0xff000), image(0xff000, 0x1000)], UsageKind::Image, Committed, Some(1));
        check(&[private(0, 0x80000, Reserved), image(0x80000, 0x1000)], UsageKind::Private, Reserved, Some(0));
        check(
            &[private(0, 0x1000, Committed), image(0x1000, 0x1000), private(0x2000, 0x3000, Committed)],
            UsageKind::Private,
            Committed,
            Some(2),
        );
        check(&[free(0, 0x80000)], UsageKind::Unknown, Unknown, None);
        check(&[free(0, 0x80001)], UsageKind::Free, Free, Some(0));
        check(&[], UsageKind::Unknown, Unknown, None);
        let kernel = Usage::System { area: "kernel".into() };
        check(&[free(0, 0x80000), row(0x80000, 0x80000, Unknown, kernel)], UsageKind::System, Unknown, Some(1));
        check(&[row(0, 0x1000, Committed, Usage::Unknown)], UsageKind::Unknown, Committed, Some(0));
    }

    #[test]
    fn captured_bytes_are_shared_out_in_proportion() {
        let mut entry = row(0, 0x8000, RegionState::Committed, Usage::Private);
        entry.captured = 0x2000;
        assert_eq!(one_cell(&[entry.clone()], 0x4000, 0x4000).captured, 0x1000);
        entry.captured = u64::MAX;
        assert_eq!(one_cell(&[entry], 0x4000, 0x4000).captured, 0x4000, "never more than the cell has");
    }

    #[test]
    fn guard_pages_are_marked() {
        let cells = Picture::new(&sample::small32(), Scale::linear(sample::all32(), 1 << 20));
        let guards = cells.cells().iter().filter(|cell| cell.guard).count();
        assert_eq!(guards, 2, "one page for each thread of the sample");
    }

    #[test]
    fn every_row_is_seen_at_one_cell_a_page() {
        let entries = sample::small32();
        let picture = Picture::new(&entries, Scale::linear(sample::all32(), 1 << 20));
        for (index, entry) in entries.iter().enumerate() {
            let cell = picture.scale().cell_of(entry.range.first()).unwrap();
            assert_eq!(picture.cells()[cell].entry, Some(index), "{}", entry.range);
        }
        let committed: u64 = picture.cells().iter().map(|cell| cell.committed).sum();
        let expected = entries.iter().filter(|e| e.region.state == RegionState::Committed).map(|e| e.range.size());
        assert_eq!(committed, expected.sum::<u64>());
    }

    #[test]
    fn the_whole_64_bit_range_in_one_cell_does_not_overflow() {
        let all = VaRange::new(Va(0), Va(u64::MAX)).unwrap();
        let mut entry = row(0, 0x1000, RegionState::Committed, Usage::Private);
        entry.range = all;
        let cell = Picture::new(&[entry], Scale::linear(all, 1)).cells[0];
        assert_eq!(cell.committed, u64::MAX);
    }
}
