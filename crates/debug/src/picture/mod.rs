//! Pictures of an address space as plain grids of cells; drawing them is the program's business.

pub mod cells;
pub mod hilbert;
pub mod scale;
pub mod square;
pub mod strip;

#[cfg(test)]
mod sample;

pub use cells::{Cell, Picture, Sort, is_guard};
pub use scale::{Piece, Scale};
pub use square::{PAGE_ORDER, Square, square_scale};
pub use strip::{Row, Strip};
