//! Lines of a log that comes in pieces. Those in which nothing can begin are passed over without being decoded.

use super::{
    encoding::{Encoding, SAMPLE},
    letters::Letter,
};
use memchr::{memchr, memchr_iter, memmem, memrchr};

/// A longer line is taken in pieces.
const LONGEST: usize = 1 << 14;

/// Something of which every heading, every second line, every listing and every remark has at least one.
const NEEDLES: [&str; 9] =
    ["hread", "xception", "Abort", "BVA=", "Memory usage", "Page size=", "Slot base", "Booting Windows", "PROC:"];

/// The bytes that are not used yet, and where they are.
#[derive(Debug)]
pub(super) struct Lines {
    encoding: Option<Encoding>,
    buffer: Vec<u8>,
    /// First byte of the buffer that is not used.
    at: usize,
    /// Place of that byte: in the log, line, column.
    offset: u64,
    line: u64,
    column: u32,
    finders: [memmem::Finder<'static>; NEEDLES.len()],
    /// Where in the buffer each needle stands next, at or behind the place that was asked for last.
    next: [Option<usize>; NEEDLES.len()],
    /// Bytes of the buffer that were searched for needles.
    searched: usize,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            encoding: None,
            buffer: Vec::new(),
            at: 0,
            offset: 0,
            line: 1,
            column: 1,
            finders: NEEDLES.map(memmem::Finder::new),
            next: [None; NEEDLES.len()],
            searched: 0,
        }
    }
}

impl Lines {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.searched = 0;
        self.buffer.extend_from_slice(bytes);
    }

    pub fn encoding(&self) -> Option<Encoding> {
        self.encoding
    }

    pub fn bytes(&self) -> u64 {
        self.offset + (self.buffer.len() - self.at) as u64
    }

    /// The next line. With `may_skip` lines without any needle are passed over; at the end the last one needs no break.
    pub fn next_row(&mut self, may_skip: bool, is_end: bool) -> Option<Vec<Letter>> {
        let encoding = self.decide(is_end)?;
        if may_skip && encoding == Encoding::Bytes {
            self.skip(is_end);
        }
        let rest = self.buffer.get(self.at..)?;
        let unit = encoding.unit();
        let (size, has_break) = match line_break(rest, encoding) {
            Some(size) if size <= LONGEST => (size, true),
            Some(_) => (LONGEST, false),
            None if rest.len() > LONGEST => (LONGEST, false),
            None if is_end && !rest.is_empty() => (rest.len(), false),
            None => return None,
        };
        let mut letters = encoding.letters(rest.get(..size)?, self.line, self.column, self.offset);
        while letters.last().is_some_and(|letter| letter.char == '\r') {
            letters.pop();
        }
        let used = if has_break { size + unit } else { size };
        self.at += used;
        self.offset += used as u64;
        if has_break {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column = self.column.saturating_add((size / unit) as u32);
        }
        Some(letters)
    }

    /// Decides about the encoding when enough bytes are there.
    fn decide(&mut self, is_end: bool) -> Option<Encoding> {
        if self.encoding.is_none() {
            let front = self.buffer.get(..SAMPLE).unwrap_or(&self.buffer);
            // A whole line of a live log is enough too.
            let is_enough = front.len() == SAMPLE || is_end || (front.len() >= 32 && front.contains(&b'\n'));
            if !is_enough {
                return None;
            }
            let (encoding, mark) = Encoding::of(front);
            self.encoding = Some(encoding);
            (self.at, self.offset) = (mark, mark as u64);
        }
        self.encoding
    }

    /// Passes over whole lines without any needle.
    fn skip(&mut self, is_end: bool) {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let whole = match memrchr(b'\n', rest) {
            _ if is_end => self.buffer.len(),
            Some(last) => self.at + last + 1,
            None => return,
        };
        let candidate = self.candidate(whole).unwrap_or(whole);
        let passed = self.buffer.get(self.at..candidate).unwrap_or_default();
        let size = match memrchr(b'\n', passed) {
            _ if candidate == whole => passed.len(),
            Some(last) => last + 1,
            None => return,
        };
        let passed = passed.get(..size).unwrap_or_default();
        let breaks = memchr_iter(b'\n', passed).count() as u64;
        if breaks > 0 {
            (self.line, self.column) = (self.line + breaks, 1);
        }
        self.at += size;
        self.offset += size as u64;
    }

    /// Where the next needle stands, before `end`.
    fn candidate(&mut self, end: usize) -> Option<usize> {
        let is_fresh = self.searched != self.buffer.len();
        for (finder, next) in self.finders.iter().zip(&mut self.next) {
            if is_fresh || next.is_some_and(|next| next < self.at) {
                *next = finder.find(self.buffer.get(self.at..)?).map(|found| self.at + found);
            }
        }
        self.searched = self.buffer.len();
        self.next.iter().flatten().copied().min().filter(|found| *found < end)
    }
}

/// Bytes before the next line break.
fn line_break(bytes: &[u8], encoding: Encoding) -> Option<usize> {
    let wanted: [u8; 2] = match encoding {
        Encoding::Bytes => return memchr(b'\n', bytes),
        Encoding::Utf16Le => [b'\n', 0],
        Encoding::Utf16Be => [0, b'\n'],
    };
    let (pairs, _) = bytes.as_chunks::<2>();
    Some(2 * pairs.iter().position(|pair| *pair == wanted)?)
}
