//! Standard output: text collected and written in large pieces, with or without colour.

use crate::{
    cli::Global,
    draw::{
        terminal::Colours,
        text::{printable, range, size},
    },
    json,
};
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde_json::Value;
use std::{
    cell::RefCell,
    collections::BTreeSet,
    io::{ErrorKind, IsTerminal, Write},
};
use vatlas_space::Problem;

/// Text that waits is written when there is so much of it.
const WRITE_AT: usize = 1 << 16;
/// Columns when the output is no terminal.
const USUAL_WIDTH: usize = 100;

/// Where answers go.
pub struct Output {
    /// Answer as JSON.
    pub json: bool,
    /// Whether to use colour.
    pub colour: bool,
    /// Remarks and progress are not wanted.
    pub quiet: bool,
    choice: ColorChoice,
    /// Remarks that were made, where none is to be made twice.
    made: RefCell<Option<BTreeSet<String>>>,
    waiting: String,
    broken: Option<std::io::Error>,
}

impl Output {
    /// Decides about colour: by the option, `NO_COLOR`, `CLICOLOR_FORCE` and whether this is a terminal.
    pub fn new(global: &Global) -> Self {
        let choice = match global.colour_choice() {
            ColorChoice::Auto => AutoStream::choice(&std::io::stdout()),
            chosen => chosen,
        };
        Self {
            json: global.json,
            colour: choice != ColorChoice::Never,
            quiet: global.quiet,
            choice: global.colour_choice(),
            made: RefCell::new(None),
            waiting: String::new(),
            broken: None,
        }
    }

    /// Makes no remark twice from now on: who asks again and again was told.
    pub fn remark_once(&self) {
        self.made.replace(Some(BTreeSet::new()));
    }

    /// How pictures are painted.
    pub fn colours(&self) -> Colours {
        let is_true_colour = std::env::var("COLORTERM").is_ok_and(|value| value == "truecolor" || value == "24bit");
        match self.colour {
            false => Colours::None,
            true if is_true_colour => Colours::True,
            true => Colours::Palette256,
        }
    }

    /// Columns and lines of the terminal, or usual ones.
    pub fn columns_and_lines(&self) -> (usize, usize) {
        match terminal_size::terminal_size() {
            Some((columns, lines)) if std::io::stdout().is_terminal() => (columns.0.into(), lines.0.into()),
            _ => (USUAL_WIDTH, 40),
        }
    }

    /// Adds text as it is. What comes from a file must have gone through [`printable`].
    pub fn text(&mut self, text: &str) {
        self.waiting.push_str(text);
        if self.waiting.len() >= WRITE_AT {
            self.flush();
        }
    }

    /// Adds a line.
    pub fn line(&mut self, text: &str) {
        self.text(text);
        self.text("\n");
    }

    /// Adds a heading.
    pub fn heading(&mut self, text: &str) {
        let painted = self.paint(Style::new().bold(), text);
        self.line(&painted);
    }

    /// Adds a JSON document.
    pub fn document(&mut self, document: &Value) {
        self.line(&json::text(document));
    }

    /// Text in a style, when colour is on.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Says something beside the answer, on standard error.
    pub fn remark(&self, text: &str) {
        self.remark_styled(&printable(text));
    }

    /// Warns about the problems of a file, shortly.
    pub fn warn(&self, problems: &[Problem]) {
        const SHOWN: usize = 3;
        let yellow = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
        for problem in problems.iter().take(SHOWN) {
            self.remark_styled(&format!("{yellow}warning:{yellow:#} {}", printable(&problem.to_string())));
        }
        if problems.len() > SHOWN {
            let more = problems.len() - SHOWN;
            self.remark_styled(&format!("{yellow}warning:{yellow:#} {more} more; 'vatlas info' lists them all"));
        }
    }

    fn remark_styled(&self, text: &str) {
        let is_new = self.made.borrow_mut().as_mut().is_none_or(|made| made.insert(text.to_owned()));
        if !self.quiet && is_new {
            // A closed stream leaves nobody to tell.
            let _ = writeln!(AutoStream::new(std::io::stderr(), self.choice), "{text}");
        }
    }

    /// Writes what waits. A reader that has gone away is no error.
    pub fn flush(&mut self) {
        let text = std::mem::take(&mut self.waiting);
        if self.broken.is_some() {
            return;
        }
        let mut stdout = std::io::stdout().lock();
        if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            self.broken = Some(error);
        }
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.broken.is_some()
    }

    /// Writes the rest.
    ///
    /// # Errors
    /// Standard output could not be written to; a closed pipe is not counted.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.flush();
        match self.broken {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// A range and its size, `0x00400000-0x0040ffff, 64 KB`.
pub fn sized_range(whole: vatlas_space::VaRange) -> String {
    format!("{}, {}", range(whole), size(whole.size()))
}
