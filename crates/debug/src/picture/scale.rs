//! A scale: which addresses a cell of a picture stands for.
//!
//! A linear scale gives every cell the same number of bytes. A compressed one leaves out long stretches
//! without committed memory and gives each of them a few cells as a mark, so that the rest can be seen.

use crate::{map::MapEntry, picture::cells::Sort};
use vatlas_space::{RegionState, Va, VaRange};

/// A run of cells with one number of bytes in each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// The addresses that the run stands for.
    pub range: VaRange,
    /// Its first cell.
    pub first_cell: usize,
    /// How many cells it has; never zero.
    pub cells: usize,
    /// Bytes that the cells would hold if the last ones were full: cells times bytes of a cell.
    pub span: u128,
    /// Whether this is the mark of a stretch that was left out.
    pub left_out: bool,
}

/// Cells and their addresses; the pieces tile both without a gap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scale {
    pieces: Vec<Piece>,
    cells: usize,
}

/// A run of rows that can be left out together, or a row that must stay.
struct Stretch {
    range: VaRange,
    quiet: bool,
}

impl Scale {
    /// The same number of bytes in every cell. No cells counts as one.
    pub fn linear(range: VaRange, cells: usize) -> Self {
        let cells = cells.max(1);
        Self { pieces: vec![Piece { range, first_cell: 0, cells, span: size(range), left_out: false }], cells }
    }

    /// The committed parts of `range`, with the long stretches between them left out.
    ///
    /// Short stretches stay as long as they take no more than half the room of what is committed; at most
    /// every eighth cell is a mark. Linear where nothing is committed, or where there are too few cells.
    pub fn compressed(entries: &[MapEntry], range: VaRange, cells: usize) -> Self {
        let stretches = stretches(entries, range);
        let left_out = left_out(&stretches, cells / 8);
        if !left_out.contains(&true) {
            return Self::linear(range, cells);
        }
        let mut runs: Vec<Stretch> = Vec::new();
        for (stretch, left_out) in stretches.iter().zip(left_out) {
            match runs.last_mut() {
                Some(run) if !run.quiet && !left_out => run.range = joined(run.range, stretch.range),
                _ => runs.push(Stretch { range: stretch.range, quiet: left_out }),
            }
        }
        Self { pieces: share_out(&runs, cells), cells }
    }

    /// The pieces, lowest address first.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// How many cells there are; never zero.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// All addresses that the scale covers.
    pub fn range(&self) -> VaRange {
        let first = self.pieces[0].range;
        joined(first, self.pieces.last().map_or(first, |piece| piece.range))
    }

    /// The addresses of a cell. Where there are more cells than bytes, several cells show the same byte.
    /// A cell past the end counts as the last one.
    pub fn cell_range(&self, cell: usize) -> VaRange {
        self.piece_of(cell).cell_range(cell)
    }

    /// The piece that a cell belongs to.
    pub fn piece_of(&self, cell: usize) -> &Piece {
        let next = self.pieces.partition_point(|piece| piece.first_cell <= cell);
        &self.pieces[next.saturating_sub(1)]
    }

    /// The (first) cell that shows an address; `None` outside the scale.
    pub fn cell_of(&self, va: Va) -> Option<usize> {
        let next = self.pieces.partition_point(|piece| piece.range.first() <= va);
        let piece = self.pieces.get(next.checked_sub(1)?)?;
        let offset = u128::from(piece.range.offset_of(va)?);
        let cell = piece.first_cell + (offset * piece.cells as u128 / piece.span) as usize;
        // Rounding can put an address one cell before the one whose range, rounded down, begins with it.
        Some(if piece.cell_range(cell).last() < va { cell + 1 } else { cell })
    }

    /// Bytes of a cell in the parts that are not left out, rounded down.
    pub fn bytes_per_cell(&self) -> u64 {
        let shown = self.pieces.iter().find(|piece| !piece.left_out).unwrap_or(&self.pieces[0]);
        u64::try_from(shown.span / shown.cells as u128).unwrap_or(u64::MAX).max(1)
    }
}

impl Piece {
    /// First address of a cell: first + floor(span * (cell - first cell) / cells).
    fn cell_range(&self, cell: usize) -> VaRange {
        let index = cell.saturating_sub(self.first_cell).min(self.cells - 1);
        let first_of = |index: usize| self.span * index as u128 / self.cells as u128;
        let highest = size(self.range) - 1;
        let first = first_of(index).min(highest);
        let last = first_of(index + 1).saturating_sub(1).clamp(first, highest);
        let base = self.range.first().0;
        VaRange::new(Va(base + first as u64), Va(base + last as u64)).unwrap_or(self.range)
    }
}

/// Bytes of a range; unlike [`VaRange::size`] exact for all 64 bits.
fn size(range: VaRange) -> u128 {
    u128::from(range.last().0 - range.first().0) + 1
}

fn joined(low: VaRange, high: VaRange) -> VaRange {
    VaRange::new(low.first(), high.last()).unwrap_or(low)
}

/// Rows of the map inside `range`, with a row of unknown state for the addresses that no row covers.
pub(super) fn covered(entries: &[MapEntry], range: VaRange) -> Vec<(VaRange, Option<usize>)> {
    let mut rows = Vec::new();
    let mut next = Some(range.first());
    let begin = entries.partition_point(|entry| entry.range.last() < range.first());
    for (index, entry) in entries.iter().enumerate().skip(begin) {
        let Some(rest) = next.and_then(|next| VaRange::new(next, range.last())) else { break };
        let Some(part) = entry.range.intersection(rest) else { continue };
        if let Some(hole) = part.first().checked_sub(1).and_then(|last| VaRange::new(rest.first(), last)) {
            rows.push((hole, None));
        }
        rows.push((part, Some(index)));
        next = part.next();
    }
    if let Some(rest) = next.and_then(|next| VaRange::new(next, range.last())) {
        rows.push((rest, None));
    }
    rows
}

/// Neighbours that agree in what matters here become one stretch.
fn stretches(entries: &[MapEntry], range: VaRange) -> Vec<Stretch> {
    let mut stretches: Vec<(Stretch, Sort)> = Vec::new();
    for (part, index) in covered(entries, range) {
        let sort = Sort::of(index.map(|index| &entries[index]));
        match stretches.last_mut() {
            Some((stretch, last)) if *last == sort => stretch.range = joined(stretch.range, part),
            _ => stretches.push((Stretch { range: part, quiet: sort.state != RegionState::Committed }, sort)),
        }
    }
    stretches.into_iter().map(|(stretch, _)| stretch).collect()
}

/// Which stretches are left out: the longest quiet ones, not more than `marks`.
fn left_out(stretches: &[Stretch], marks: usize) -> Vec<bool> {
    let mut left_out = vec![false; stretches.len()];
    let mut room =
        stretches.iter().filter(|stretch| !stretch.quiet).map(|stretch| size(stretch.range)).sum::<u128>() / 2;
    if room == 0 {
        return left_out;
    }
    let mut quiet: Vec<usize> = (0..stretches.len()).filter(|&index| stretches[index].quiet).collect();
    quiet.sort_by_key(|&index| stretches[index].range.size());
    let must_stay = quiet.len().saturating_sub(marks);
    for (rank, index) in quiet.into_iter().enumerate() {
        let bytes = size(stretches[index].range);
        left_out[index] = rank >= must_stay && bytes > room;
        room = room.saturating_sub(bytes);
    }
    left_out
}

/// Gives each mark a few cells and each shown run as many as it needs; cells that remain widen the marks.
fn share_out(runs: &[Stretch], cells: usize) -> Vec<Piece> {
    let marks = runs.iter().filter(|run| run.quiet).count();
    let mark_cells = (cells / 16 / marks.max(1)).clamp(1, (cells / 256).max(1));
    let step = round_step(runs, cells - marks * mark_cells);
    let needed: usize = runs.iter().filter(|run| !run.quiet).map(|run| size(run.range).div_ceil(step) as usize).sum();
    let spare = cells - marks * mark_cells - needed;
    let (mut first_cell, mut mark) = (0, 0);
    let mut pieces = Vec::with_capacity(runs.len());
    for run in runs {
        let bytes = size(run.range);
        let (cells, span) = if run.quiet {
            mark += 1;
            (mark_cells + spare * mark / marks - spare * (mark - 1) / marks, bytes)
        } else {
            let cells = bytes.div_ceil(step);
            (cells as usize, cells * step)
        };
        pieces.push(Piece { range: run.range, first_cell, cells, span, left_out: run.quiet });
        first_cell += cells;
    }
    pieces
}

/// The smallest round number of bytes with which the shown runs need no more than `cells` cells, each its own;
/// `cells` is at least the number of runs. Round: at most four significant binary digits, so the rounding takes
/// less than an eighth of the cells, and addresses of cells end in zeros.
fn round_step(runs: &[Stretch], cells: usize) -> u128 {
    let shown = || runs.iter().filter(|run| !run.quiet).map(|run| size(run.range));
    let mut step = (shown().sum::<u128>() / cells as u128).max(1);
    loop {
        let unit = (1 << step.ilog2()) / 8;
        step = step.next_multiple_of(unit.max(1));
        if shown().map(|bytes| bytes.div_ceil(step)).sum::<u128>() <= cells as u128 {
            return step;
        }
        step += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::sample;

    fn tiles(scale: &Scale) {
        let mut next = (scale.range().first(), 0);
        for piece in scale.pieces() {
            assert_eq!((piece.range.first(), piece.first_cell), next);
            assert!(piece.cells > 0);
            next = (piece.range.next().unwrap_or_default(), piece.first_cell + piece.cells);
        }
        assert_eq!(next.1, scale.cells());
        for cell in 0..scale.cells() {
            let range = scale.cell_range(cell);
            assert!(scale.piece_of(cell).range.encloses(range));
            for va in [range.first(), range.last()] {
                let shown = scale.cell_of(va).unwrap();
                assert!(scale.cell_range(shown).contains(va), "{va} shown by cell {shown}, not {cell}");
            }
        }
    }

    #[test]
    fn a_linear_scale_of_4_gb_has_pages_as_cells() {
        let scale = Scale::linear(sample::all32(), 1 << 20);
        assert_eq!(scale.cell_range(0x400), VaRange::sized(Va(0x40_0000), 0x1000).unwrap());
        assert_eq!(scale.cell_of(Va(0xffff_ffff)), Some((1 << 20) - 1));
        assert_eq!(scale.bytes_per_cell(), 0x1000);
    }

    #[test]
    fn cells_tile_whatever_their_number() {
        let all64 = VaRange::new(Va(0), Va(u64::MAX)).unwrap();
        for cells in [0, 1, 2, 3, 7, 64, 100, 1000, 4096] {
            tiles(&Scale::linear(sample::all32(), cells));
            tiles(&Scale::linear(all64, cells));
            tiles(&Scale::linear(VaRange::new(Va(5), Va(6)).unwrap(), cells));
            tiles(&Scale::linear(VaRange::new(Va(0), Va(0)).unwrap(), cells));
            tiles(&Scale::compressed(&sample::small32(), sample::all32(), cells));
            tiles(&Scale::compressed(&sample::clusters64(), all64, cells));
            tiles(&Scale::compressed(&sample::many(2000), sample::all32(), cells));
        }
    }

    #[test]
    fn long_gaps_shrink_and_everything_committed_stays_in_sight() {
        let entries = sample::clusters64();
        let scale = Scale::compressed(&entries, sample::user64(), 1024);
        let marks = scale.pieces().iter().filter(|piece| piece.left_out);
        assert!((3..=128).contains(&marks.count()));
        for entry in entries.iter().filter(|entry| entry.region.state == RegionState::Committed) {
            let cell = scale.cell_of(entry.range.first()).unwrap();
            assert!(!scale.piece_of(cell).left_out, "{} is in a mark", entry.range);
        }
        let committed: u64 =
            entries.iter().filter(|e| e.region.state == RegionState::Committed).map(|e| e.range.size()).sum();
        assert!(scale.bytes_per_cell() <= committed * 2 / 1024, "too much room for what is not committed");
        assert!(scale.bytes_per_cell().trailing_zeros() >= 10, "a round number: {:#x}", scale.bytes_per_cell());
    }

    #[test]
    fn without_anything_committed_the_scale_is_linear() {
        assert_eq!(Scale::compressed(&[], sample::all32(), 64), Scale::linear(sample::all32(), 64));
        assert_eq!(Scale::compressed(&sample::small32(), sample::all32(), 7), Scale::linear(sample::all32(), 7));
    }

    #[test]
    fn outside_addresses_have_no_cell() {
        let scale = Scale::linear(VaRange::sized(Va(0x1000), 0x1000).unwrap(), 4);
        assert_eq!(scale.cell_of(Va(0xfff)), None);
        assert_eq!(scale.cell_of(Va(0x2000)), None);
        assert_eq!(scale.cell_of(Va(0x1400)), Some(1));
    }

    #[test]
    fn rows_that_overlap_or_come_in_disorder_do_no_harm() {
        let mut entries = sample::small32();
        entries.reverse();
        tiles(&Scale::compressed(&entries, sample::all32(), 100));
        let twice: Vec<MapEntry> = sample::small32().into_iter().flat_map(|entry| [entry.clone(), entry]).collect();
        tiles(&Scale::compressed(&twice, sample::all32(), 100));
    }
}
