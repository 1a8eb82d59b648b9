//! The Hilbert square of an address space: a picture whose line of cells is folded along the curve.

use crate::{
    map::MapEntry,
    picture::{
        cells::{Cell, Picture},
        hilbert,
        scale::Scale,
    },
};
use vatlas_space::{PointerWidth, Va, VaRange};

/// Order at which a cell of a 4 GB square is a page: 4^10 pages of 4 KB.
pub const PAGE_ORDER: u32 = 10;

/// A square picture of 2^order by 2^order cells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Square {
    order: u32,
    picture: Picture,
}

/// The scale of a square: exact and linear over the 4 GB when the range lies inside them, so that the cells of
/// order 5, 8 and 10 are directory entries (4 MB), allocation units (64 KB) and pages; compressed otherwise.
/// Orders above 12 count as 12.
pub fn square_scale(entries: &[MapEntry], range: VaRange, order: u32) -> Scale {
    let cells = hilbert::steps(order.min(12)) as usize;
    match VaRange::new(Va::ZERO, PointerWidth::Bits32.last()) {
        Some(all32) if all32.encloses(range) => Scale::linear(all32, cells),
        _ => Scale::compressed(entries, range, cells),
    }
}

impl Square {
    /// The square of an order on its [`square_scale`].
    pub fn new(entries: &[MapEntry], range: VaRange, order: u32) -> Self {
        let order = order.min(12);
        Self { order, picture: Picture::new(entries, square_scale(entries, range, order)) }
    }

    /// Its order: an edge has 2^order cells.
    pub fn order(&self) -> u32 {
        self.order
    }

    /// Cells along an edge.
    pub fn edge(&self) -> u32 {
        hilbert::edge(self.order)
    }

    /// The cells in the order of their addresses.
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// The number, in the order of addresses, of the cell in a column and a row.
    pub fn index(&self, x: u32, y: u32) -> usize {
        hilbert::step(self.order, x, y) as usize
    }

    /// The cell in a column and a row.
    pub fn cell(&self, x: u32, y: u32) -> &Cell {
        &self.picture.cells()[self.index(x, y)]
    }

    /// Lowest address of each quadrant: top left, top right, bottom right, bottom left.
    pub fn quadrants(&self) -> [Va; 4] {
        let quarter = self.picture.cells().len() / 4;
        [0, 1, 2, 3].map(|quadrant| self.picture.scale().cell_range(quadrant * quarter).first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::sample;

    #[test]
    fn a_32_bit_square_shows_all_4_gb() {
        let square = Square::new(&sample::small32(), VaRange::sized(Va(0x1_0000), 0x1_0000).unwrap(), 8);
        assert_eq!(square.quadrants(), [0, 0x4000_0000, 0x8000_0000, 0xc000_0000].map(Va));
        assert_eq!(square.picture().scale().bytes_per_cell(), 0x1_0000);
        assert_eq!(square.edge(), 256);
    }

    #[test]
    fn a_finer_square_refines_a_coarser_one() {
        let entries = sample::small32();
        let [coarse, fine] = [5, 8].map(|order| Square::new(&entries, sample::all32(), order));
        for (x, y) in (0..32).flat_map(|x| (0..32).map(move |y| (x, y))) {
            let inside = (0..64).map(|n| fine.cell(x * 8 + n % 8, y * 8 + n / 8).committed);
            assert_eq!(coarse.cell(x, y).committed, inside.sum::<u64>(), "cell ({x}, {y})");
        }
    }

    #[test]
    fn a_64_bit_square_is_compressed() {
        let square = Square::new(&sample::clusters64(), sample::user64(), 6);
        let used = square.picture().cells().iter().filter(|cell| cell.committed > 0).count();
        assert!(used > 2000, "{used} of 4096 cells in use");
    }
}
