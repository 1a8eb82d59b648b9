//! Crash text of Windows CE in a noisy log: bytes in, crashes, memory listings and remarks out, each with its place.
//!
//! The parser is fed with bytes as they come and keeps only what is not decided yet: the end of a line, the crashes that
//! wait for their second line, the process whose memory is being listed. `docs/ce_log.md` has the forms and their sources.

mod assembler;
mod encoding;
mod fields;
mod heading;
mod letters;
mod lines;
mod listing;
mod notes;
mod pending;
mod prefix;
#[cfg(test)]
mod tests;

pub use encoding::{Encoding, text_of};
pub use listing::{BlockRow, MemoryItem, PageCount, ProcessRow};

use assembler::Assembler;
use lines::Lines;
use vatlas_space::{CrashText, LogNote, Problem, TextPlace};

/// Something found in a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogItem {
    /// A crash.
    Crash(CrashText),
    /// A line that says how a crash went on, or what system it is.
    Note(LogNote, TextPlace),
    /// A part of a memory listing (`mi`).
    Memory(MemoryItem),
    /// Something that looks like one of these and cannot be read.
    Problem(Problem),
}

/// Finds crashes in a log that comes piece by piece.
#[derive(Debug, Default)]
pub struct LogParser {
    lines: Lines,
    assembler: Assembler,
    items: Vec<LogItem>,
}

impl LogParser {
    /// A parser at the front of a log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes; what they complete can be taken with [`LogParser::take`].
    pub fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
        while let Some(row) = self.lines.next_row(!self.assembler.is_open(), false) {
            self.assembler.row(&row, &mut self.items);
        }
    }

    /// The log pauses: a crash that has all it needs is given out, though more fields could follow.
    pub fn settle(&mut self) {
        self.assembler.settle(&mut self.items);
    }

    /// The log is over.
    pub fn finish(&mut self) {
        while let Some(row) = self.lines.next_row(!self.assembler.is_open(), true) {
            self.assembler.row(&row, &mut self.items);
        }
        self.assembler.finish(&mut self.items);
    }

    /// What was found since the last call, in the order of the log.
    pub fn take(&mut self) -> Vec<LogItem> {
        std::mem::take(&mut self.items)
    }

    /// The encoding of the text, once it is known.
    pub fn encoding(&self) -> Option<Encoding> {
        self.lines.encoding()
    }

    /// Bytes that were taken so far.
    pub fn bytes(&self) -> u64 {
        self.lines.bytes()
    }
}

/// Everything in a whole log.
pub fn read(bytes: &[u8]) -> Vec<LogItem> {
    let mut parser = LogParser::new();
    parser.push(bytes);
    parser.finish();
    parser.take()
}
