//! The strip: an address space as a band, once at a true scale and once with the long gaps left out.

use crate::{
    map::MapEntry,
    picture::{
        cells::{Cell, Picture},
        scale::Scale,
    },
};
use vatlas_space::VaRange;

/// A band in two forms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Strip {
    width: usize,
    overview: Picture,
    detail: Picture,
}

/// A row of cells and the addresses from its first to its last cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row<'a> {
    /// Its addresses.
    pub range: VaRange,
    /// Number of its first cell in the picture that it is a row of.
    pub first_cell: usize,
    /// Its cells.
    pub cells: &'a [Cell],
}

impl Strip {
    /// The strip of `range`: an overview of `width` cells and a detail of `rows` rows of as many.
    pub fn new(entries: &[MapEntry], range: VaRange, width: usize, rows: usize) -> Self {
        let width = width.max(1);
        let detail = Scale::compressed(entries, range, width * rows.max(1));
        Self {
            width,
            overview: Picture::new(entries, Scale::linear(range, width)),
            detail: Picture::new(entries, detail),
        }
    }

    /// The whole range, every cell the same number of bytes.
    pub fn overview(&self) -> &Picture {
        &self.overview
    }

    /// What is in use, long gaps left out; all its rows in one line.
    pub fn detail(&self) -> &Picture {
        &self.detail
    }

    /// The rows of the detail, lowest addresses first.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let scale = self.detail.scale();
        self.detail.cells().chunks(self.width).enumerate().map(move |(index, cells)| {
            let first_cell = index * self.width;
            let first = scale.cell_range(first_cell);
            let last = scale.cell_range(first_cell + cells.len() - 1);
            Row { range: VaRange::new(first.first(), last.last()).unwrap_or(first), first_cell, cells }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::sample;

    #[test]
    fn rows_follow_each_other() {
        let strip = Strip::new(&sample::clusters64(), sample::user64(), 64, 5);
        let rows: Vec<Row<'_>> = strip.rows().collect();
        assert_eq!(rows.len(), 5);
        assert_eq!(strip.overview().cells().len(), 64);
        assert!(rows.iter().all(|row| row.cells.len() == 64));
        assert_eq!(rows[0].range.first(), sample::user64().first());
        assert_eq!(rows[4].range.last(), sample::user64().last());
        for pair in rows.windows(2) {
            assert_eq!(pair[0].range.next(), Some(pair[1].range.first()));
        }
    }

    #[test]
    fn no_width_and_no_rows_give_one_cell() {
        let strip = Strip::new(&[], sample::all32(), 0, 0);
        assert_eq!((strip.overview().cells().len(), strip.rows().count()), (1, 1));
    }
}
