//! A crash whose text is not over yet: its fields so far, and the token that the last line broke off in.

use super::{
    LogItem,
    fields::{self, Token, Tokens, is_known},
    heading::Heading,
    letters::{Letter, place, text, words},
};
use vatlas_space::{CrashField, CrashForm, CrashText, DebuggerPrefix, Problem, TextPlace};

/// No form has so many fields.
const MOST_FIELDS: usize = 64;

/// So many problems of one crash are said.
const MOST_PROBLEMS: usize = 8;

/// A crash in the making.
#[derive(Debug)]
pub(super) struct Pending {
    pub text: CrashText,
    /// What the last line ended with, when the next may go on with it.
    tail: Vec<Letter>,
    /// Whether the tail was all that its line had, so that it may be no part of the crash.
    is_tail_doubtful: bool,
    /// Lines since the last that belonged to it.
    pub idle: u32,
    problems: Vec<Problem>,
}

impl Pending {
    /// The crash that a heading begins; `row` is its line.
    pub fn new(heading: &Heading, prefix: Option<DebuggerPrefix>, row: &[Letter]) -> Self {
        let text = CrashText {
            form: heading.form,
            kind: Some(heading.kind.clone()).filter(|kind| !kind.is_empty()),
            number: heading.number,
            is_number_hex: heading.is_number_hex,
            prefix,
            fields: Vec::new(),
            place: place(row.get(heading.start..heading.fields).unwrap_or_default()),
        };
        Self { text, tail: Vec::new(), is_tail_doubtful: false, idle: 0, problems: Vec::new() }
    }

    /// Fields without a heading.
    pub fn headless(prefix: Option<DebuggerPrefix>, row: &[Letter]) -> Self {
        let text = CrashText {
            form: CrashForm::Headless,
            kind: None,
            number: None,
            is_number_hex: false,
            prefix,
            fields: Vec::new(),
            place: place(row),
        };
        Self { text, tail: Vec::new(), is_tail_doubtful: false, idle: 0, problems: Vec::new() }
    }

    /// Whether a field of this name may still come.
    pub fn lacks(&self, name: &str) -> bool {
        self.text.field(name).is_none()
    }

    /// Whether fields beyond those of the heading were read.
    pub fn has_body(&self) -> bool {
        self.text.pc().is_some() || !self.lacks("BVA")
    }

    /// Whether the crash is whole, though more may follow.
    pub fn is_ready(&self) -> bool {
        self.text.pc().is_some() && !self.lacks("BVA")
    }

    /// Whether nothing can follow.
    pub fn is_over(&self) -> bool {
        match self.text.form {
            CrashForm::Ce5 | CrashForm::Headless => !self.lacks("FSR"),
            CrashForm::Ce6 => self.is_ready() && !self.lacks("GS"),
            CrashForm::Short => true,
        }
    }

    /// Goes on with the token that the last line broke off in, when this row completes it.
    pub fn join(&mut self, row: &[Letter]) -> bool {
        if self.tail.is_empty() {
            return false;
        }
        let alone = fields::read(row, 0);
        if alone.tokens.first().is_some_and(|token| token.start == 0 && is_known(&token.field.name)) {
            return false;
        }
        let mut joined = self.tail.clone();
        joined.extend_from_slice(row);
        let found = fields::read(&joined, 0);
        let is_longer = |token: &Token| token.start == 0 && token.end > self.tail.len() && token.is_whole;
        if !found.tokens.first().is_some_and(|token| is_longer(token) && is_known(&token.field.name)) {
            return false;
        }
        (self.tail, self.is_tail_doubtful) = (Vec::new(), false);
        self.absorb(&found, &joined);
        true
    }

    /// Keeps a line that is nothing but the front of a field's name, unless a token waits already.
    pub fn keep_front(&mut self, row: &[Letter]) {
        let waits = fields::read(&self.tail, 0).tokens.first().is_none_or(|token| !token.is_whole);
        if self.tail.is_empty() || !waits {
            (self.tail, self.is_tail_doubtful) = (row.to_vec(), true);
        }
    }

    /// Takes the fields of a row.
    pub fn absorb(&mut self, found: &Tokens, row: &[Letter]) {
        self.give_up_tail();
        self.idle = 0;
        for token in &found.tokens {
            let is_tail = found.tail == Some(token.start);
            if token.is_whole || self.text.form == CrashForm::Short {
                self.set(token.field.clone());
            } else if !is_tail {
                self.unreadable(token.field.place, &token.field.name);
            }
        }
        for at in &found.unreadable {
            let name: Vec<Letter> = row.get(*at..).unwrap_or_default().iter().take(12).copied().collect();
            let name = text(&name);
            self.unreadable(place(row.get(*at..).unwrap_or_default()), name.split('=').next().unwrap_or_default());
        }
        if let Some(tail) = found.tail {
            self.tail = row.get(tail..).unwrap_or_default().to_vec();
        }
        let end = place(row).end;
        self.text.place.end = self.text.place.end.max(end);
    }

    fn set(&mut self, field: CrashField) {
        let has_room = self.text.fields.len() < MOST_FIELDS;
        let known = self.text.fields.iter_mut().find(|known| known.name == field.name);
        match known {
            Some(known) if known.place.first == field.place.first => *known = field,
            Some(_) => {}
            None if has_room => self.text.fields.push(field),
            None => {}
        }
    }

    fn unreadable(&mut self, place: TextPlace, name: &str) {
        if self.problems.len() >= MOST_PROBLEMS {
            return;
        }
        let cause = format!("{name} is cut off or is no number of eight hexadecimal digits");
        self.problems.push(Problem::damage(words(place), cause).hint("other output may have come between"));
    }

    /// The next line did not go on with the token: what there is of it is said.
    fn give_up_tail(&mut self) {
        let tail = std::mem::take(&mut self.tail);
        if std::mem::take(&mut self.is_tail_doubtful) {
            return;
        }
        let found = fields::read(&tail, 0);
        let cut = found.tokens.first().filter(|token| token.start == 0 && !token.is_whole);
        match cut {
            Some(token) => self.unreadable(token.field.place, &token.field.name),
            None if found.tokens.is_empty() && !tail.is_empty() => self.unreadable(place(&tail), &text(&tail)),
            None => {}
        }
    }

    /// Says that this crash shared lines with another one.
    pub fn doubt(&mut self) {
        let cause = "lines of two crashes are mixed; they were put together in their order";
        if self.problems.iter().all(|problem| problem.cause != cause) {
            self.problems.push(Problem::note(words(self.text.place), cause));
        }
    }

    /// Gives out the crash and what could not be read of it.
    pub fn close(mut self, items: &mut Vec<LogItem>) {
        self.give_up_tail();
        if self.text.pc().is_none() {
            let cause = "the crash has no PC: its second line is missing or cannot be read";
            self.problems.push(Problem::damage(words(self.text.place), cause));
        }
        items.push(LogItem::Crash(self.text));
        items.extend(self.problems.into_iter().map(LogItem::Problem));
    }
}
