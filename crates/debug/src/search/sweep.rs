//! Every readable byte of an address space, in chunks, with nothing read across a hole.

use vatlas_space::{AddressSpace, Store, Va, VaRange};

/// Bytes read at a time: few enough for the processor's cache, enough to be worth a call.
pub(crate) const CHUNK: usize = 64 << 10;

/// What can be read of some addresses, and how much cannot, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// Extents that can be read.
    pub extents: usize,
    /// Their bytes.
    pub readable: u64,
    /// Bytes that were in memory when the picture was taken, but are not in it.
    pub not_captured: u64,
    /// Bytes that only an image file holds and that were left out.
    pub in_image_files: u64,
    /// Bytes of which the picture does not say whether they were in use.
    pub unknown: u64,
}

/// Runs of readable addresses in order: adjoining extents are one run, wherever their bytes lie.
pub(crate) fn readable(space: &dyn AddressSpace, within: VaRange, image_files: bool) -> (Vec<VaRange>, Coverage) {
    let mut runs: Vec<VaRange> = Vec::new();
    let mut coverage = Coverage::default();
    for backing in space.backings_in(within) {
        if space.alias_at(backing.range.first()).is_some_and(|alias| !alias.range.encloses(within)) {
            // The same bytes come again at the addresses where they belong.
            continue;
        }
        let size = backing.range.size();
        let left_out = match backing.store {
            Store::Captured(_) | Store::Frame(_) | Store::PageFile { .. } | Store::OnDemand { .. } => None,
            Store::ImageFile { .. } if image_files => None,
            Store::ImageFile { .. } => Some(&mut coverage.in_image_files),
            Store::NotCaptured => Some(&mut coverage.not_captured),
            Store::Unknown => Some(&mut coverage.unknown),
            // Zeroes that nobody has made yet are not looked through: there may be gigabytes of them.
            Store::Reserved | Store::Free | Store::Zero => continue,
        };
        if let Some(count) = left_out {
            *count = count.saturating_add(size);
            continue;
        }
        coverage.extents += 1;
        coverage.readable = coverage.readable.saturating_add(size);
        match runs.last_mut().filter(|run| run.next() == Some(backing.range.first())) {
            Some(run) => *run = VaRange::new(run.first(), backing.range.last()).unwrap_or(*run),
            None => runs.push(backing.range),
        }
    }
    (runs, coverage)
}

/// A piece of a run.
pub(crate) struct Chunk<'b> {
    /// Address of the first byte.
    pub va: Va,
    /// The bytes; those of the end of the chunk before are repeated at the front.
    pub bytes: &'b [u8],
    /// How many of the bytes are not repeated.
    pub fresh: usize,
    /// Whether the bytes behind this chunk cannot be read, so that it repeats nothing in a next one.
    pub is_last: bool,
}

/// Reads runs, chunk by chunk.
pub(crate) struct Chunks<'s> {
    space: &'s dyn AddressSpace,
    next: Option<Va>,
    last: Va,
    overlap: usize,
    buffer: Vec<u8>,
    /// Bytes in the buffer, of which the last `overlap` are kept for the next chunk.
    filled: usize,
    was_last: bool,
    /// Bytes that should have been readable and were not.
    pub unreadable: u64,
}

impl<'s> Chunks<'s> {
    /// Reads no run yet; each chunk will begin with the last `overlap` bytes of the one before.
    pub fn new(space: &'s dyn AddressSpace, overlap: usize) -> Self {
        let buffer = vec![0; overlap + CHUNK];
        Self { space, next: None, last: Va::ZERO, overlap, buffer, filled: 0, was_last: true, unreadable: 0 }
    }

    /// Goes to the front of a run.
    pub fn start(&mut self, run: VaRange) {
        (self.next, self.last, self.was_last) = (Some(run.first()), run.last(), true);
    }

    /// The next chunk; `None` at the end of the run.
    pub fn next(&mut self) -> Option<Chunk<'_>> {
        loop {
            let kept = if self.was_last { 0 } else { self.filled.min(self.overlap) };
            let at = self.next.filter(|at| *at <= self.last)?;
            self.buffer.copy_within(self.filled - kept..self.filled, 0);
            let left = (self.last.0 - at.0).saturating_add(1);
            let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let read = self.space.read_available(at, &mut self.buffer[kept..kept + wanted]);
            self.filled = kept + read;
            self.next = at.checked_add(read as u64);
            self.was_last = read as u64 == left;
            if read < wanted {
                self.skip_unreadable();
            }
            if self.filled > 0 {
                let va = Va(at.0 - kept as u64);
                return Some(Chunk { va, bytes: &self.buffer[..self.filled], fresh: read, is_last: self.was_last });
            }
        }
    }

    /// Steps over the rest of an extent that holds less than it claims: the file is cut off, say.
    fn skip_unreadable(&mut self) {
        self.was_last = true;
        let Some(at) = self.next else { return };
        let end = self.space.backing(at).range.last().clamp(at, self.last);
        self.unreadable = self.unreadable.saturating_add((end.0 - at.0).saturating_add(1));
        self.next = end.checked_add(1);
    }
}
