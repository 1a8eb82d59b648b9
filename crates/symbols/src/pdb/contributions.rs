//! Which module every piece of the image comes from.

use super::{
    addresses::{AddressMap, Linked},
    dbi,
    starts::Starts,
};

/// A piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contribution {
    pub(super) start: Linked,
    pub(super) end: Linked,
    pub(super) module: u16,
}

/// The pieces by address.
#[derive(Debug, Default)]
pub(super) struct Contributions {
    starts: Starts,
    pieces: Vec<Contribution>,
}

impl Contributions {
    pub(super) fn new(pieces: impl Iterator<Item = dbi::Contribution>, addresses: &AddressMap) -> Self {
        let piece = |piece: dbi::Contribution| {
            let start = addresses.linked(piece.section, piece.offset)?;
            let end = start.checked_add(piece.size)?;
            (start < end).then_some(Contribution { start, end, module: piece.module })
        };
        let mut pieces: Vec<_> = pieces.filter_map(piece).collect();
        pieces.sort_unstable_by_key(|piece| piece.start);
        Self { starts: Starts::new(pieces.iter().map(|piece| piece.start)), pieces }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The last piece that begins at or below an address; it may end below it.
    pub(super) fn below(&self, linked: Linked) -> Option<&Contribution> {
        self.pieces.get(self.starts.below(linked)?)
    }
}
