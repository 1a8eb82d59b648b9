//! A paragraph: a label, then words in styles, broken at blanks and indented under the first word.

use crate::output::Output;
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;
use vatlas_rules::Support;

/// Columns that a line may have at most: longer ones are hard to read.
const WIDEST: usize = 116;

/// Columns that the words get at least, however narrow the terminal is.
const NARROWEST: usize = 30;

/// A paragraph in the making.
pub struct Paragraph {
    indent: usize,
    columns: usize,
    colour: bool,
    label: String,
    lines: Vec<Vec<(Style, String)>>,
    used: usize,
}

impl Paragraph {
    /// A paragraph that begins with `label`, as wide as the terminal; `label_columns` are the columns that it takes,
    /// which differ from its length when it is painted.
    pub fn new(output: &Output, label: impl Into<String>, label_columns: usize) -> Self {
        let width = output.columns_and_lines().0.min(WIDEST);
        let columns = width.saturating_sub(label_columns).max(NARROWEST);
        let lines = vec![Vec::new()];
        Self { indent: label_columns, columns, colour: output.colour, label: label.into(), lines, used: 0 }
    }

    /// Appends words, separated at blanks.
    #[must_use]
    pub fn words(mut self, style: Style, text: &str) -> Self {
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let width = word.width();
            let blank = usize::from(self.used > 0);
            if self.used > 0 && self.used + blank + width > self.columns {
                self.lines.push(Vec::new());
                self.used = 0;
            }
            self.push(style, word);
            self.used += width;
        }
        self
    }

    /// Appends in brackets how well the statement before is supported; empty marks are left out.
    #[must_use]
    pub fn marks(self, marks: &str) -> Self {
        let style = match marks.contains(Support::Unverified.as_str()) {
            true => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            false => Style::new().dimmed(),
        };
        if marks.is_empty() { self } else { self.words(style, &format!("[{marks}]")) }
    }

    fn push(&mut self, style: Style, word: &str) {
        let follows = self.used > 0;
        self.used += usize::from(follows);
        let Some(line) = self.lines.last_mut() else { return };
        match line.last_mut() {
            Some((last, text)) if *last == style => {
                text.push(' ');
                text.push_str(word);
            }
            Some((_, text)) => {
                text.push(' ');
                line.push((style, word.to_owned()));
            }
            None => line.push((style, word.to_owned())),
        }
    }

    /// Writes it.
    pub fn write(self, output: &mut Output) {
        let indent = " ".repeat(self.indent);
        for (number, line) in self.lines.iter().enumerate() {
            let mut text = if number == 0 { self.label.clone() } else { indent.clone() };
            for (style, words) in line {
                if self.colour && *style != Style::new() {
                    text.push_str(&format!("{style}{words}{style:#}"));
                } else {
                    text.push_str(words);
                }
            }
            output.line(text.trim_end());
        }
    }
}
