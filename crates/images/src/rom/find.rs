//! Finding the tables of contents.
//!
//! ```text
//! region + 40   "ECEC"
//! region + 44   address of ROMHDR, as the kernel will see it
//! region + 48   offset of ROMHDR in the region (CE 4 and later; 0 before)
//! constant      address of ROMHDR - where it is in the container: moves every other address the same way
//! ```
//!
//! An image may hold several regions, each with its own mark. `physlast` of one tells where the next can begin, so that
//! only tables are read; what lies behind is looked through page by page. Without any mark every place is tried.

use super::{
    header::{self, RomHeader},
    memory::RomMemory,
};
use std::cell::Cell;
use vatlas_space::Va;

/// `ECEC`, little-endian.
const MARK: u32 = 0x4345_4345;
/// Where it stands in a region.
const MARK_AT: u64 = 0x40;
const PAGE: u64 = 0x1000;
/// Regions of one file, at most.
const MOST_REGIONS: usize = 64;
/// Marks without an offset for whose table the whole image is looked through, at most.
const MOST_SEARCHES: u32 = 8;

/// A table of contents that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// First address of the region, as the container has it.
    pub region: Va,
    /// Whether the mark is there.
    pub is_marked: bool,
    /// Address of ROMHDR, as the container has it.
    pub at: Va,
    /// What is added to the container's addresses.
    pub delta: u32,
    /// The table's front.
    pub header: RomHeader,
}

/// Looks for all regions.
pub(super) fn regions(file: &[u8], memory: &RomMemory, is_addressed: bool) -> Vec<Found> {
    let finder = Finder { file, memory, is_addressed, searches: Cell::new(0) };
    let marked = finder.marked();
    if marked.is_empty() { finder.unmarked().into_iter().collect() } else { marked }
}

struct Finder<'a> {
    file: &'a [u8],
    memory: &'a RomMemory,
    /// Whether the container gives addresses: that of ROMHDR may then be one of them.
    is_addressed: bool,
    searches: Cell<u32>,
}

impl Finder<'_> {
    fn word(&self, va: Va) -> Option<u32> {
        self.memory.word(self.file, va)
    }

    fn header(&self, at: Va) -> Option<RomHeader> {
        RomHeader::read(&self.memory.bytes(self.file, at, header::SIZE))
    }

    /// Goes through the pieces; behind a region that was found, at its end.
    fn marked(&self) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let mut next = Va(0);
        for piece in self.memory.pieces() {
            let end = piece.va.0 + piece.size;
            // A mark may be a record of its own, with the region's front in another record before it.
            let own = Va(piece.va.0.saturating_sub(MARK_AT));
            if own >= next && self.word(piece.va) == Some(MARK) {
                self.add(own, &mut found, &mut next);
            }
            let mut at = piece.va.max(next);
            while at.0 + MARK_AT < end && found.len() < MOST_REGIONS {
                self.add(at, &mut found, &mut next);
                at = Va((at.0 & !(PAGE - 1)) + PAGE).max(next);
            }
        }
        found
    }

    /// Adds the region at an address, if there is one, and moves on behind it.
    fn add(&self, region: Va, found: &mut Vec<Found>, next: &mut Va) {
        let Some(new) = self.at_mark(region) else { return };
        *next = Va((region.0 + u64::from(new.header.image_size()).max(1)).next_multiple_of(PAGE));
        found.push(new);
    }

    fn at_mark(&self, region: Va) -> Option<Found> {
        let field = |at: u64| self.word(region.checked_add(MARK_AT + at)?);
        let is_mark = field(0)? == MARK;
        let (va, offset) = (field(4).filter(|_| is_mark)?, field(8).unwrap_or(0));
        let given = (offset != 0).then(|| region.checked_add(offset.into())).flatten();
        // Before CE 4 the offset is 0, and only the address is known; low bits of it are those of the place.
        let plain = (offset == 0 && self.is_addressed).then_some(Va(va.into()));
        let searched = || {
            self.searches.set(self.searches.get() + 1);
            if self.searches.get() > MOST_SEARCHES {
                return None;
            }
            let first = Va(region.0 + (u64::from(va).wrapping_sub(region.0) & (PAGE - 1)));
            self.every(first, PAGE).find(|at| self.is_table(*at, va.wrapping_sub(at.0 as u32)))
        };
        let known = [given, plain].into_iter().flatten();
        let mut whole = known.clone().filter(|at| self.is_table(*at, va.wrapping_sub(at.0 as u32)));
        // The mark's own word stands also for a table whose names are damaged.
        let mut plausible = known.filter(|at| self.header(*at).is_some_and(|header| header.is_plausible()));
        let at = whole.next().or_else(|| if offset == 0 { searched() } else { None }).or_else(|| plausible.next())?;
        let header = self.header(at)?;
        Some(Found { region, is_marked: true, at, delta: va.wrapping_sub(at.0 as u32), header })
    }

    /// A table that no mark points at: every word of the image is tried, with the base that its own `physfirst` gives.
    fn unmarked(&self) -> Option<Found> {
        let first = self.memory.pieces().first()?.va;
        self.every(first, 4).find_map(|at| {
            let header = self.header(at).filter(RomHeader::is_plausible)?;
            let delta = if self.is_addressed { 0 } else { header.phys_first.wrapping_sub(first.0 as u32) };
            let is_table = header.modules > 0 && self.is_table(at, delta);
            is_table.then_some(Found { region: first, is_marked: false, at, delta, header })
        })
    }

    /// Places from `first` on, a step apart, each with a header's bytes behind it.
    fn every(&self, first: Va, step: u64) -> impl Iterator<Item = Va> + '_ {
        let pieces = self.memory.pieces().iter();
        pieces.flat_map(move |piece| {
            let from = piece.va.0.max(first.0);
            let from = from + (first.0.wrapping_sub(from) & (step - 1));
            let end = (piece.va.0 + piece.size).saturating_sub(header::SIZE - 1);
            (from..end.max(from)).step_by(step as usize).map(Va)
        })
    }

    /// Whether a header is followed by entries whose first name can be read.
    fn is_table(&self, at: Va, delta: u32) -> bool {
        let Some(header) = self.header(at).filter(RomHeader::is_plausible) else { return false };
        let name_at = if header.modules > 0 { 0x10 } else { 0x14 };
        let name = at.checked_add(header::SIZE + name_at).and_then(|field| self.word(field));
        let Some(name) = name.map(|name| Va(name.wrapping_sub(delta).into())) else { return false };
        let text = self.memory.bytes(self.file, name, 64);
        let length = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        length > 0 && text[..length].iter().all(|byte| matches!(byte, 0x20..=0x7e | 0x80..))
    }
}
