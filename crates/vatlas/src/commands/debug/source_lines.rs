//! Lines of source for steps: the lines of each function that is met, read once a motion.

use super::look::Options;
use crate::open_machine::with_machine;
use std::cell::RefCell;
use vatlas_debug::{
    control::{LineOf, Lines, Session},
    listing::{function_at, listing},
    symbolize::Symbolizer,
};
use vatlas_space::{ThreadId, Va, VaRange};

/// The lines of one function, or that a range has none.
struct Known {
    range: VaRange,
    /// First address, bytes, line.
    rows: Vec<(Va, u32, LineOf)>,
}

/// Lines that were read.
pub struct SourceLines<'a> {
    options: &'a Options,
    name: &'a str,
    known: RefCell<Vec<Known>>,
}

impl<'a> SourceLines<'a> {
    /// Nothing is read yet.
    pub fn new(options: &'a Options, name: &'a str) -> Self {
        Self { options, name, known: RefCell::default() }
    }

    /// Reads the lines of the function around an address.
    fn read(&self, session: &mut Session, thread: Option<ThreadId>, va: Va) -> Option<Known> {
        let target = session.control().target();
        with_machine(&target, self.name, || {
            let opened = self.options.opened().ok()?;
            let has_thread = |process: &&vatlas_space::Process| thread.is_some_and(|id| process.thread(id).is_some());
            let process = opened.target.processes().iter().find(has_thread)?;
            let finder = opened.finder().ok()?;
            let names = Symbolizer::new(&finder, &*opened.target, process);
            let function = function_at(&names, va)?;
            let listing = listing(&names, &function, None);
            let mut rows = Vec::new();
            let mut last = function.va;
            for piece in &listing.pieces {
                last = Va(piece.va.0 + u64::from(piece.size.max(1)) - 1);
                if let Some(line) = &piece.line {
                    let function = piece.inlined.clone().unwrap_or_else(|| function.name.plain.clone());
                    let (file, line) = (line.file.to_string(), line.line);
                    rows.push((piece.va, piece.size, LineOf { file, line, function, is_start: false }));
                }
            }
            Some(Known { range: VaRange::new(function.va, last.max(va))?, rows })
        })
    }
}

impl Lines for SourceLines<'_> {
    fn line(&self, session: &mut Session, va: Va) -> Option<LineOf> {
        let find = |known: &[Known]| {
            let of = known.iter().find(|known| known.range.contains(va))?;
            let row = of.rows.iter().find(|(first, size, _)| va >= *first && va.0 < first.0 + u64::from(*size));
            Some(row.map(|(first, _, line)| LineOf { is_start: *first == va, ..line.clone() }))
        };
        if let Some(answer) = find(&self.known.borrow()) {
            return answer;
        }
        let thread = session.chosen_thread();
        let known = self.read(session, thread, va);
        let none = || VaRange::new(va, va).map(|range| Known { range, rows: Vec::new() });
        self.known.borrow_mut().extend(known.or_else(none));
        find(&self.known.borrow()).flatten()
    }
}
