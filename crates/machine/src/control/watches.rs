//! Watched bytes of physical memory: their frames stay out of the translation buffers, so that only accesses to those
//! frames are looked at, and all others cost nothing.

/// Bytes of a value that are kept from before a write.
pub const KEPT_BYTES: usize = 16;
/// Bytes of a frame.
const FRAME: u64 = 0x1000;
/// Touches that are kept until somebody takes them.
const MOST_TOUCHES: usize = 256;

/// Watched bytes, all in one frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WatchedBytes {
    /// A number by which the owner knows the watch.
    pub watch: u32,
    /// Where they are.
    pub pa: u32,
    /// How many.
    pub length: u32,
    /// Whether reads count.
    pub reads: bool,
    /// Whether writes count.
    pub writes: bool,
    /// Only accesses of a processor with this page directory through this page; `None` for every way.
    pub via: Option<(u32, u32)>,
}

/// The bytes whose value is told of a touch: all of a small piece, else those that were touched. Where in the piece they
/// begin, and how many they are.
pub(crate) fn told_bytes(piece: u32, at: u32, length: u32) -> (u32, usize) {
    let most = KEPT_BYTES as u32;
    if piece <= most { (0, piece as usize) } else { (at, length.min(most).min(piece.saturating_sub(at)) as usize) }
}

/// Who touched watched bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Toucher {
    /// An instruction, by this linear address.
    Instruction {
        /// The first watched byte that it touched.
        va: u32,
    },
    /// A processor that set the accessed or the dirty bit of a page-table entry.
    TableWalk,
    /// The kernel, or whatever moves memory for it.
    Kernel,
}

/// Watched bytes were touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Touch {
    /// The number of the watch.
    pub watch: u32,
    /// The first watched byte that was touched.
    pub pa: u32,
    /// How many of the watched bytes.
    pub length: u32,
    /// Whether they were written.
    pub is_write: bool,
    /// The bytes before it: of a piece of at most sixteen bytes all, of others those that were touched, from the first on.
    pub before: [u8; KEPT_BYTES],
    /// By whom.
    pub by: Toucher,
}

/// What is watched, and what touched it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watches {
    /// By address.
    pieces: Vec<WatchedBytes>,
    touches: Vec<Touch>,
}

impl Watches {
    /// These and no others; touches are forgotten.
    pub(crate) fn set(&mut self, mut pieces: Vec<WatchedBytes>) {
        pieces.sort_by_key(|piece| piece.pa);
        self.pieces = pieces;
        self.touches.clear();
    }

    pub(crate) fn pieces(&self) -> &[WatchedBytes] {
        &self.pieces
    }

    /// The pieces that an access touches. `through` is the page directory and the linear address of a processor.
    pub(crate) fn touched(
        &self,
        pa: u32,
        length: u32,
        is_write: bool,
        through: Option<(u32, u32)>,
    ) -> impl Iterator<Item = &WatchedBytes> {
        // A piece lies in one frame: none that reaches here begins further ahead.
        let first = self.pieces.partition_point(|piece| u64::from(piece.pa) + FRAME <= u64::from(pa));
        let near = self.pieces[first..].iter();
        let near = near.take_while(move |piece| u64::from(piece.pa) < u64::from(pa) + u64::from(length));
        near.filter(move |piece| {
            let counts = if is_write { piece.writes } else { piece.reads };
            let overlaps = u64::from(piece.pa) < u64::from(pa) + u64::from(length)
                && u64::from(pa) < u64::from(piece.pa) + u64::from(piece.length);
            let is_way = match (piece.via, through) {
                (Some((directory, page)), Some((cr3, va))) => directory == cr3 && page == va & !0xfff,
                _ => true,
            };
            counts && overlaps && is_way
        })
    }

    /// Keeps a touch.
    pub(crate) fn note(&mut self, touch: Touch) {
        if self.touches.len() < MOST_TOUCHES {
            self.touches.push(touch);
        }
    }

    /// What an instruction that ran alone touched: what looks like the kernel's own writes were marks in page tables. Its
    /// own accesses count when it was done; else it makes them again.
    pub(crate) fn keep_of_processor(&mut self, is_done: bool) {
        self.touches.retain_mut(|touch| {
            if touch.by == Toucher::Kernel {
                touch.by = Toucher::TableWalk;
            }
            is_done || touch.by == Toucher::TableWalk
        });
    }

    pub(crate) fn has_touches(&self) -> bool {
        !self.touches.is_empty()
    }

    pub(crate) fn take(&mut self) -> Vec<Touch> {
        std::mem::take(&mut self.touches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_watched_in_the_way_that_is_watched() {
        let whole = WatchedBytes { watch: 1, pa: 0x5010, length: 4, reads: false, writes: true, via: None };
        let one = WatchedBytes { watch: 2, reads: true, via: Some((0x39000, 0x40_3000)), ..whole };
        let mut watches = Watches::default();
        let before = WatchedBytes { watch: 3, pa: 0x4000, length: 0x1000, ..whole };
        watches.set(vec![whole, one, before]);
        let check = |pa, length, is_write, through, expected: &[u32]| {
            let found: Vec<u32> = watches.touched(pa, length, is_write, through).map(|piece| piece.watch).collect();
            assert_eq!(found, expected, "{pa:#x}");
        };
        check(0x5013, 1, true, Some((0x39000, 0x40_3013)), &[1, 2]);
        check(0x5013, 1, true, Some((0x40000, 0x40_3013)), &[1]);
        check(0x5013, 1, true, Some((0x39000, 0x50_0013)), &[1]);
        check(0x500e, 2, true, None, &[]);
        check(0x500e, 3, true, None, &[1, 2]);
        check(0x5014, 4, true, None, &[]);
        check(0x4fff, 1, true, None, &[3]);
        check(0x4fff, 0x20, true, None, &[3, 1, 2]);
        check(0x5010, 4, false, Some((0x39000, 0x40_3010)), &[2]);
        check(0xffff_fffe, 4, true, None, &[]);
    }
}
