//! The frame database: one `MMPFN` of 24 bytes for each frame, in guest memory, and the lists that run through it.
//!
//! ```text
//! +0  u1   next frame of the list, or index in the working set      +C  u3   flags; state in bits 8..10
//! +4  PteAddress, in the self-map                                   +E  ReferenceCount
//! +8  u2   frame before it in the list, or ShareCount               +10 OriginalPte      +14 u4   frame of the table
//! ```
//!
//! The heads of the lists are variables of NT's kernel; here they are in Rust.

use crate::ram::{FRAME_BYTES, Ram};
use vatlas_rules::nt::structures::{FRAME_MODIFIED, FRAME_PROTOTYPE};
use vatlas_space::{FrameState, Pa, Pfn, Va};

/// Bytes of a record.
pub const RECORD_BYTES: u32 = 24;
/// No frame: the end of a list.
const END: u32 = u32::MAX;

/// A record of the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FrameRecord {
    /// u1: next frame of its list, or its index in the working set.
    pub link: u32,
    /// Address of its page-table entry in the self-map.
    pub entry: Va,
    /// u2: the frame before it in its list, or its share count. A page table is shared by each entry that has a frame.
    pub shares: u32,
    /// Where it is.
    pub state: FrameState,
    /// Whether the contents are nowhere else, while it is in no working set; of a shared page, also while it is.
    pub is_modified: bool,
    /// `PrototypePte`: the page is shared, `entry` is its prototype entry, `shares` counts the entries that map it.
    pub is_prototype: bool,
    /// Reference count.
    pub references: u16,
    /// `OriginalPte`: what the entry becomes when the frame is used for something else.
    pub original: u32,
    /// The frame of the page table with its entry.
    pub table: Pfn,
}

impl FrameRecord {
    fn decode(bytes: [u8; 24]) -> Self {
        let word = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_le_bytes(*b));
        let flags = word(0xc);
        Self {
            link: word(0),
            entry: Va(word(4).into()),
            shares: word(8),
            state: FrameState::of_number((flags >> 8 & 7) as u8),
            is_modified: flags as u16 & FRAME_MODIFIED != 0,
            is_prototype: flags as u16 & FRAME_PROTOTYPE != 0,
            references: (flags >> 16) as u16,
            original: word(0x10),
            table: Pfn((word(0x14) & 0x03ff_ffff).into()),
        }
    }

    fn encode(&self) -> [u8; 24] {
        let bits =
            if self.is_prototype { FRAME_PROTOTYPE } else { 0 } | if self.is_modified { FRAME_MODIFIED } else { 0 };
        let flags = (self.state as u32) << 8 | u32::from(bits) | u32::from(self.references) << 16;
        let words = [self.link, self.entry.0 as u32, self.shares, flags, self.original, self.table.0 as u32];
        let mut bytes = [0; 24];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// A frame that the system uses, once.
    pub(crate) fn system() -> Self {
        Self { state: FrameState::Active, shares: 1, references: 1, ..Self::default() }
    }

    /// Physical address of its page-table entry, or of its prototype entry.
    pub fn entry_at(&self) -> Pa {
        Pa(self.table.0 << 12 | (self.entry.0 & 0xfff))
    }
}

#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct List {
    head: u32,
    tail: u32,
    count: u32,
}

/// The database. Frames below [`Self::first`] belong to the owner and to the database itself.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct FrameDatabase {
    base: Pa,
    first: u32,
    frames: u32,
    lists: [List; 4],
}

impl FrameDatabase {
    /// Writes the database into the frames from `start` on; all frames behind it become free.
    pub fn new(ram: &mut Ram, start: Pfn) -> Self {
        let frames = ram.frames();
        let start = u32::try_from(start.0).map_or(frames, |start| start.min(frames));
        let own = (u64::from(frames) * u64::from(RECORD_BYTES)).div_ceil(FRAME_BYTES as u64) as u32;
        let first = start.saturating_add(own).min(frames);
        let list = List { head: END, tail: END, count: 0 };
        let mut database = Self { base: Pa(u64::from(start) << 12), first, frames, lists: [list; 4] };
        let system = FrameRecord::system();
        (0..first).for_each(|frame| database.set(ram, Pfn(frame.into()), &system));
        (first..frames).for_each(|frame| database.push(ram, Pfn(frame.into()), FrameState::Free));
        database
    }

    /// Where the record of frame 0 is.
    pub const fn base(&self) -> Pa {
        self.base
    }

    /// The first frame behind the database.
    pub const fn first(&self) -> Pfn {
        Pfn(self.first as u64)
    }

    /// Frames that were free in the beginning.
    pub const fn usable(&self) -> u32 {
        self.frames - self.first
    }

    /// Frames of a list; 0 for states that have none.
    pub fn count(&self, state: FrameState) -> u32 {
        self.lists.get(state as usize).map_or(0, |list| list.count)
    }

    /// Frames that can be had at once: zeroed, free and standby.
    pub fn available(&self) -> u32 {
        self.lists[..3].iter().map(|list| list.count).sum()
    }

    fn at(&self, frame: Pfn) -> Option<Pa> {
        (frame.0 < u64::from(self.frames)).then(|| Pa(self.base.0 + frame.0 * u64::from(RECORD_BYTES)))
    }

    /// The record of a frame; a frame that does not exist is [`FrameState::Bad`].
    pub fn record(&self, ram: &Ram, frame: Pfn) -> FrameRecord {
        let bytes = self.at(frame).and_then(|at| ram.read_array(at));
        bytes.map_or_else(FrameRecord::default, FrameRecord::decode)
    }

    /// Writes a record.
    pub(crate) fn set(&mut self, ram: &mut Ram, frame: Pfn, record: &FrameRecord) {
        if let Some(at) = self.at(frame) {
            ram.write_array(at, &record.encode());
        }
    }

    /// Changes a record.
    pub(crate) fn update(&mut self, ram: &mut Ram, frame: Pfn, change: impl FnOnce(&mut FrameRecord)) {
        let mut record = self.record(ram, frame);
        change(&mut record);
        self.set(ram, frame, &record);
    }

    /// The first frame of a list.
    pub fn head(&self, state: FrameState) -> Option<Pfn> {
        self.lists.get(state as usize).map(|list| list.head).filter(|head| *head != END).map(|head| Pfn(head.into()))
    }

    /// Puts a frame that is in no list at the end of one. Its entry and original entry stay.
    pub(crate) fn push(&mut self, ram: &mut Ram, frame: Pfn, state: FrameState) {
        let Some(list) = self.lists.get(state as usize).copied() else { return };
        let is_modified = state == FrameState::Modified;
        self.update(ram, frame, |record| {
            (record.link, record.shares, record.references) = (END, list.tail, 0);
            (record.state, record.is_modified) = (state, is_modified);
        });
        let number = frame.0 as u32;
        if list.tail != END {
            self.update(ram, Pfn(list.tail.into()), |record| record.link = number);
        }
        let head = if list.head == END { number } else { list.head };
        self.lists[state as usize] = List { head, tail: number, count: list.count + 1 };
    }

    /// Takes a frame out of the list that it is in.
    pub(crate) fn unlink(&mut self, ram: &mut Ram, frame: Pfn) {
        let record = self.record(ram, frame);
        let Some(mut list) = self.lists.get(record.state as usize).copied() else { return };
        match record.shares {
            END => list.head = record.link,
            before => self.update(ram, Pfn(before.into()), |other| other.link = record.link),
        }
        match record.link {
            END => list.tail = record.shares,
            next => self.update(ram, Pfn(next.into()), |other| other.shares = record.shares),
        }
        list.count = list.count.saturating_sub(1);
        self.lists[record.state as usize] = list;
    }

    /// Takes the first frame of a list.
    pub(crate) fn pop(&mut self, ram: &mut Ram, state: FrameState) -> Option<Pfn> {
        let frame = self.head(state)?;
        self.unlink(ram, frame);
        Some(frame)
    }
}
