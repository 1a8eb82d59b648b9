//! The Hilbert curve: a line of 4^n steps that fills a square of 2^n by 2^n cells and keeps neighbours together.
//!
//! The first quadrant of a square is at the top left, then top right, bottom right, bottom left; the same
//! at every order, so the cell of a coarser order is the square that the finer cells of its addresses fill.

/// Highest order whose step numbers fit in 64 bits.
pub const MAX_ORDER: u32 = 31;

/// For each orientation and each quarter of the way: column, row, orientation of the curve inside.
///
/// Orientation 0 is upright, 1 mirrored on the main diagonal, 2 on the other diagonal, 3 turned by 180 degrees.
pub const QUARTERS: [[(u32, u32, usize); 4]; 4] = [
    [(0, 0, 1), (1, 0, 0), (1, 1, 0), (0, 1, 2)],
    [(0, 0, 0), (0, 1, 1), (1, 1, 1), (1, 0, 3)],
    [(1, 1, 3), (1, 0, 2), (0, 0, 2), (0, 1, 0)],
    [(1, 1, 2), (0, 1, 3), (0, 0, 3), (1, 0, 1)],
];

/// How many steps the curve of an order has: 4^order. Orders above [`MAX_ORDER`] count as that one.
pub const fn steps(order: u32) -> u64 {
    1 << (2 * if order > MAX_ORDER { MAX_ORDER } else { order })
}

/// How many cells an edge of the square has: 2^order. Orders above [`MAX_ORDER`] count as that one.
pub const fn edge(order: u32) -> u32 {
    1 << if order > MAX_ORDER { MAX_ORDER } else { order }
}

/// Column and row of a step; only the lowest 2 x `order` bits of `step` count.
pub fn position(order: u32, step: u64) -> (u32, u32) {
    let (mut x, mut y, mut orientation) = (0, 0, 0);
    for level in (0..order.min(MAX_ORDER)).rev() {
        let quarter = (step >> (2 * level)) as usize & 3;
        let (right, down, inside) = QUARTERS[orientation][quarter];
        x = x << 1 | right;
        y = y << 1 | down;
        orientation = inside;
    }
    (x, y)
}

/// The step of a cell; the inverse of [`position`]. Only the lowest `order` bits of column and row count.
pub fn step(order: u32, x: u32, y: u32) -> u64 {
    let (mut step, mut orientation) = (0, 0);
    for level in (0..order.min(MAX_ORDER)).rev() {
        let wanted = (x >> level & 1, y >> level & 1);
        let quarters = QUARTERS[orientation];
        let quarter = quarters.iter().position(|&(right, down, _)| (right, down) == wanted).unwrap_or_default();
        step = step << 2 | quarter as u64;
        orientation = quarters[quarter].2;
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrants_go_clockwise_from_the_top_left() {
        for order in 1..=MAX_ORDER {
            let half = edge(order) / 2;
            let quadrant = |step| {
                let (x, y) = position(order, step);
                (x / half, y / half)
            };
            let quarter = steps(order) / 4;
            assert_eq!([0, 1, 2, 3].map(|n| quadrant(n * quarter)), [(0, 0), (1, 0), (1, 1), (0, 1)]);
        }
    }

    #[test]
    fn every_cell_is_met_once_and_neighbours_touch() {
        for order in 0..=8 {
            let mut met = vec![false; steps(order) as usize];
            let mut before = None;
            for n in 0..steps(order) {
                let (x, y) = position(order, n);
                assert_eq!(step(order, x, y), n);
                let cell = &mut met[(y * edge(order) + x) as usize];
                assert!(!*cell, "order {order}: step {n} meets ({x}, {y}) again");
                *cell = true;
                if let Some((left_x, left_y)) = before.replace((x, y)) {
                    assert_eq!(x.abs_diff(left_x) + y.abs_diff(left_y), 1, "order {order}: jump to step {n}");
                }
            }
        }
    }

    #[test]
    fn pages_units_and_directory_entries_nest() {
        for page in (0..steps(10)).step_by(7).chain([steps(10) - 1]) {
            let (x, y) = position(10, page);
            assert_eq!(position(8, page >> 4), (x >> 2, y >> 2), "64 KB unit of page {page:#x}");
            assert_eq!(position(5, page >> 10), (x >> 5, y >> 5), "directory entry of page {page:#x}");
        }
    }

    #[test]
    fn the_user_half_of_4_gb_is_the_upper_one() {
        for page in (0..steps(10)).step_by(101) {
            assert_eq!(position(10, page).1 < 512, page < 0x80000);
        }
    }

    #[test]
    fn large_orders_stay_exact() {
        for n in [0, 1, 0x1234_5678_9abc_def0 & (steps(31) - 1), steps(31) - 1] {
            let (x, y) = position(31, n);
            assert_eq!(step(31, x, y), n);
            assert_eq!(position(40, n), (x, y), "orders above the highest are the highest");
        }
    }
}
