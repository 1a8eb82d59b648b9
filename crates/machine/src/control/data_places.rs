//! Watched addresses of processes, and where in physical memory they are now.

use super::watches::{KEPT_BYTES, Touch, Toucher, WatchedBytes, told_bytes};
use vatlas_space::Va;
use vatlas_space::control::{DataPlace, DataTouch, Reach, TouchedBy};

/// Bytes of a page.
const PAGE: u32 = 0x1000;
/// Most pages of all places together.
const MOST_PIECES: usize = 1 << 16;

/// A part of a place that lies in one page.
#[derive(Clone, Debug)]
struct Piece {
    /// Which of the places.
    place: usize,
    /// Where in the place it begins.
    offset: u32,
    /// Its linear address; of a physical place nothing.
    va: u32,
    length: u32,
    /// Where it is now, and the page directory of its process.
    now: Option<(u32, u32)>,
    /// Its first bytes when they were seen last.
    seen: Option<[u8; KEPT_BYTES]>,
}

/// All watched addresses.
#[derive(Debug, Default)]
pub(crate) struct DataPlaces {
    places: Vec<DataPlace>,
    pieces: Vec<Piece>,
}

/// Where a linear address of a process is, and its page directory.
pub(super) type Find<'a> = &'a dyn Fn(u32, u32) -> Option<(u32, u32)>;
/// Reads physical memory.
pub(super) type Read<'a> = &'a dyn Fn(u32, &mut [u8]) -> bool;

impl DataPlaces {
    pub(super) fn set(&mut self, places: &[DataPlace]) {
        self.places = places.to_vec();
        self.pieces.clear();
        for (number, place) in places.iter().enumerate() {
            self.cut(number, place);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Cuts a place at the ends of pages.
    fn cut(&mut self, place: usize, of: &DataPlace) {
        let Ok(first) = u32::try_from(of.va.0) else { return };
        let mut offset = 0;
        while offset < of.length && self.pieces.len() < MOST_PIECES {
            let Some(va) = first.checked_add(offset) else { break };
            let length = (PAGE - va % PAGE).min(of.length - offset);
            self.pieces.push(Piece { place, offset, va, length, now: None, seen: None });
            offset += length;
        }
    }

    /// Forgets where they are: the machine is at another moment.
    pub(super) fn forget(&mut self) {
        for piece in &mut self.pieces {
            (piece.now, piece.seen) = (None, None);
        }
    }

    /// Finds where they are now. What processors have to watch, when that changed; and touches without a write, where
    /// another page with other contents came.
    pub(super) fn refresh(&mut self, find: Find<'_>, read: Read<'_>) -> (Option<Vec<WatchedBytes>>, Vec<Touch>) {
        let (mut is_changed, mut touches) = (false, Vec::new());
        for (number, piece) in self.pieces.iter_mut().enumerate() {
            let place = &self.places[piece.place];
            let now = match place.reach {
                Reach::Physical => Some((piece.va, 0)),
                Reach::Process | Reach::Aliases => find(place.process, piece.va),
            };
            if now == piece.now {
                continue;
            }
            is_changed = true;
            piece.now = now;
            let Some((pa, _)) = now else { continue };
            let bytes = contents(piece, pa, read);
            let before = std::mem::replace(&mut piece.seen, bytes);
            if place.reach == Reach::Aliases
                && place.writes
                && let (Some(before), Some(_)) = (before.filter(|before| Some(*before) != bytes), bytes)
            {
                let (watch, length) = (number as u32, piece.length);
                touches.push(Touch { watch, pa, length, is_write: true, before, by: Toucher::Kernel });
            }
        }
        (is_changed.then(|| self.watched()), touches)
    }

    fn watched(&self) -> Vec<WatchedBytes> {
        let watched = |(number, piece): (usize, &Piece)| {
            let (pa, directory) = piece.now?;
            let place = &self.places[piece.place];
            let via = (place.reach == Reach::Process).then_some((directory, piece.va & !(PAGE - 1)));
            let (reads, writes) = (place.reads, place.writes);
            Some(WatchedBytes { watch: number as u32, pa, length: piece.length, reads, writes, via })
        };
        self.pieces.iter().enumerate().filter_map(watched).collect()
    }

    /// The process whose accesses count, where not all do.
    pub(super) fn process(&self, touch: &Touch) -> Option<u32> {
        let place = &self.places[self.pieces.get(touch.watch as usize)?.place];
        (place.reach == Reach::Process).then_some(place.process)
    }

    /// What a touch means for the places; `None` for one that was watched before.
    pub(super) fn touched(&mut self, touch: &Touch, is_mapping: bool, pc: u32, read: Read<'_>) -> Option<DataTouch> {
        let piece = self.pieces.get_mut(touch.watch as usize)?;
        let place = &self.places[piece.place];
        let (pa, _) = piece.now?;
        piece.seen = contents(piece, pa, read);
        let by = match touch.by {
            _ if is_mapping => TouchedBy::Mapping,
            Toucher::Instruction { va } => TouchedBy::Instruction(Va(va.into())),
            Toucher::TableWalk => TouchedBy::TableWalk,
            Toucher::Kernel => TouchedBy::Kernel,
        };
        let at = touch.pa.saturating_sub(pa);
        let (told_from, count) = told_bytes(piece.length, at, touch.length);
        Some(DataTouch {
            number: place.number,
            offset: piece.offset + at,
            length: touch.length,
            is_write: touch.is_write,
            told_from: piece.offset + told_from,
            before: touch.before[..count].to_vec(),
            by,
            pc: Va(pc.into()),
        })
    }
}

fn contents(piece: &Piece, pa: u32, read: Read<'_>) -> Option<[u8; KEPT_BYTES]> {
    let mut bytes = [0; KEPT_BYTES];
    read(pa, &mut bytes[..(piece.length as usize).min(KEPT_BYTES)]).then_some(bytes)
}
