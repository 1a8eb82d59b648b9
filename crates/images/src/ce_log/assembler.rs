//! Puts crashes together from lines: several may be open at once, and other output may come between.

use super::{
    LogItem,
    fields::{self, is_known},
    heading::{self, Found, Heading},
    letters::{Letter, find, place, trimmed, words},
    listing::Listing,
    notes,
    pending::Pending,
    prefix::strip,
};
use std::collections::VecDeque;
use vatlas_space::{CrashForm, DebuggerPrefix, Problem};

/// Crashes that may be open at once.
const MOST_OPEN: usize = 4;

/// So many foreign lines may stand between the lines of a crash.
const MOST_FOREIGN: u32 = 8;

/// What is not decided yet.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    open: VecDeque<Pending>,
    /// The front of a heading in which the last line broke off.
    carry: Vec<Letter>,
    listing: Listing,
}

impl Assembler {
    /// Whether the next line matters whatever is in it.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty() || !self.carry.is_empty() || self.listing.is_open()
    }

    /// Takes a line.
    pub fn row(&mut self, row: &[Letter], items: &mut Vec<LogItem>) {
        let (prefix, body) = strip(row);
        if let Some(note) = notes::read(body) {
            // It says how the crashes before it went on, so it comes after them.
            self.settle(items);
            items.push(note);
            return;
        }
        if self.listing.row(body, items) {
            return;
        }
        if !self.carry.is_empty() {
            return self.after_carry(prefix, body, items);
        }
        self.body(prefix, body, items);
    }

    /// The line before broke off inside of a heading.
    fn after_carry(&mut self, prefix: Option<DebuggerPrefix>, body: &[Letter], items: &mut Vec<LogItem>) {
        let carry = std::mem::take(&mut self.carry);
        let mut joined = carry.clone();
        joined.extend_from_slice(body);
        if matches!(heading::find(&joined, 0), Found::Heading(heading) if heading.start < carry.len()) {
            return self.body(prefix, &joined, items);
        }
        broken_off(&carry, items);
        self.body(prefix, body, items);
    }

    fn body(&mut self, prefix: Option<DebuggerPrefix>, body: &[Letter], items: &mut Vec<LogItem>) {
        let mut at = 0;
        while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
            match heading::find(body, at) {
                Found::Nothing => return self.feed(prefix, rest, items),
                Found::Begun(start) => {
                    self.feed(prefix, body.get(at..start).unwrap_or_default(), items);
                    self.carry = body.get(start..).unwrap_or_default().to_vec();
                    return;
                }
                Found::Heading(heading) => {
                    self.feed(prefix, body.get(at..heading.start).unwrap_or_default(), items);
                    let end = match heading::find(body, heading.fields + 1) {
                        Found::Heading(next) => next.start,
                        Found::Begun(next) => next,
                        Found::Nothing => body.len(),
                    };
                    self.begin(prefix, &heading, body.get(..end).unwrap_or_default(), items);
                    // The next heading stands behind this one; the letters before it are used.
                    at = end.max(heading.fields);
                }
            }
        }
    }

    /// Opens a crash. Those before it that have their second line are over.
    fn begin(&mut self, prefix: Option<DebuggerPrefix>, heading: &Heading, row: &[Letter], items: &mut Vec<LogItem>) {
        self.close_where(Pending::has_body, items);
        while self.open.len() >= MOST_OPEN {
            self.close_at(0, items);
        }
        let mut pending = Pending::new(heading, prefix, row);
        pending.absorb(&fields::read(row, heading.fields), row);
        self.open.push_back(pending);
        self.close_where(Pending::is_over, items);
    }

    /// Takes a piece of a line without any heading.
    fn feed(&mut self, prefix: Option<DebuggerPrefix>, row: &[Letter], items: &mut Vec<LogItem>) {
        let row = trimmed(row);
        if row.is_empty() {
            return;
        }
        if !self.join(prefix, row) && !self.absorb(prefix, row) {
            self.foreign(items);
        }
        self.close_where(Pending::is_over, items);
    }

    /// Crashes in the order in which a line is offered to them: first those that the same thread printed.
    fn order(&self, prefix: Option<DebuggerPrefix>) -> Vec<usize> {
        let is_same = |at: &usize| match (prefix, self.open.get(*at).and_then(|pending| pending.text.prefix)) {
            (Some(line), Some(own)) => line.thread == own.thread,
            _ => false,
        };
        let (mut same, other): (Vec<usize>, Vec<usize>) = (0..self.open.len()).partition(is_same);
        same.extend(other);
        same
    }

    fn join(&mut self, prefix: Option<DebuggerPrefix>, row: &[Letter]) -> bool {
        let order = self.order(prefix);
        order.into_iter().any(|at| self.open.get_mut(at).is_some_and(|pending| pending.join(row)))
    }

    fn absorb(&mut self, prefix: Option<DebuggerPrefix>, row: &[Letter]) -> bool {
        let found = fields::read(row, 0);
        let known: Vec<&str> =
            found.tokens.iter().map(|token| token.field.name.as_str()).filter(|name| is_known(name)).collect();
        let Some(first) = known.first() else {
            let front =
                self.order(prefix).first().copied().filter(|_| found.tail == Some(0) && found.tokens.is_empty());
            if let Some(pending) = front.and_then(|at| self.open.get_mut(at)) {
                pending.keep_front(row);
            }
            return false;
        };
        let fits = |at: &usize| self.open.get(*at).is_some_and(|pending| pending.lacks(first));
        if let Some(at) = self.order(prefix).into_iter().find(fits) {
            let waiting = self.open.iter().filter(|pending| !pending.has_body()).count();
            if let Some(pending) = self.open.get_mut(at) {
                if waiting > 1 && prefix.is_none() {
                    pending.doubt();
                }
                pending.absorb(&found, row);
            }
            return true;
        }
        let has = |name: &str| known.contains(&name);
        if !(has("PC") && ["RA", "BVA", "AKY"].into_iter().any(has)) {
            return false;
        }
        let mut pending = Pending::headless(prefix, row);
        pending.absorb(&found, row);
        self.open.push_back(pending);
        true
    }

    /// A line of something else: what is ready need not wait longer, what waits long will not be completed.
    fn foreign(&mut self, items: &mut Vec<LogItem>) {
        self.open.iter_mut().for_each(|pending| pending.idle += 1);
        self.close_where(|pending| pending.is_ready() && pending.text.form != CrashForm::Ce5, items);
        self.close_where(|pending| pending.idle > MOST_FOREIGN, items);
    }

    /// Gives out what has all it needs.
    pub fn settle(&mut self, items: &mut Vec<LogItem>) {
        self.close_where(Pending::is_ready, items);
        self.listing.close(items);
    }

    /// Gives out everything.
    pub fn finish(&mut self, items: &mut Vec<LogItem>) {
        if !self.carry.is_empty() {
            broken_off(&std::mem::take(&mut self.carry), items);
        }
        self.close_where(|_| true, items);
        self.listing.close(items);
    }

    fn close_where(&mut self, condition: impl Fn(&Pending) -> bool, items: &mut Vec<LogItem>) {
        let mut at = 0;
        while let Some(pending) = self.open.get(at) {
            if condition(pending) {
                self.close_at(at, items);
            } else {
                at += 1;
            }
        }
    }

    fn close_at(&mut self, at: usize, items: &mut Vec<LogItem>) {
        if let Some(pending) = self.open.remove(at) {
            pending.close(items);
        }
    }
}

/// Says that a heading was not completed, where no other text ends so.
fn broken_off(carry: &[Letter], items: &mut Vec<LogItem>) {
    if find(carry, "(").is_some() || find(carry, ": T").is_some() {
        let cause = "the heading of a crash breaks off";
        items.push(LogItem::Problem(Problem::damage(words(place(carry)), cause)));
    }
}
