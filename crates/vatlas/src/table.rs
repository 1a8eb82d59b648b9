//! Aligned tables for people: a header, columns to the left or to the right, colour by cell.

use crate::draw::text::printable;
use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// Which side a column's texts lean on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Words, addresses.
    Left,
    /// Numbers.
    Right,
}

/// A text in a table.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A text in a style. What a terminal would act on is replaced.
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: printable(&text.into()).into_owned(), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

/// A table.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(&'static str, Side)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(columns: &[(&'static str, Side)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a row; cells beyond the last column are not shown.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// The text: two blanks between columns, no blanks at the ends of lines. Columns without any text are left
    /// out; of a table without rows nothing is left.
    pub fn render(&self, colour: bool) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let widths: Vec<usize> = (0..self.columns.len()).map(|column| self.width(column)).collect();
        let mut text = String::new();
        let header: Vec<Cell> =
            self.columns.iter().map(|(title, _)| Cell::styled(*title, Style::new().bold())).collect();
        for row in std::iter::once(&header).chain(&self.rows) {
            self.line(&mut text, row, &widths, colour);
        }
        text
    }

    /// Columns that a column needs; zero when no row has a text in it.
    fn width(&self, column: usize) -> usize {
        let widest = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width()).max();
        match widest.unwrap_or(0) {
            0 => 0,
            widest => widest.max(self.columns[column].0.width()),
        }
    }

    fn line(&self, text: &mut String, row: &[Cell], widths: &[usize], colour: bool) {
        let start = text.len();
        for (index, ((_, side), width)) in self.columns.iter().zip(widths).enumerate() {
            if *width == 0 {
                continue;
            }
            let Some(cell) = row.get(index) else { continue };
            if text.len() > start {
                text.push_str("  ");
            }
            let padding = " ".repeat(width.saturating_sub(cell.text.width()));
            if *side == Side::Right {
                text.push_str(&padding);
            }
            if colour && cell.style != Style::new() {
                text.push_str(&format!("{}{}{:#}", cell.style, cell.text, cell.style));
            } else {
                text.push_str(&cell.text);
            }
            if *side == Side::Left {
                text.push_str(&padding);
            }
        }
        text.truncate(text.trim_end_matches(' ').len().max(start));
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut table = Table::new(&[("NAME", Side::Left), ("SIZE", Side::Right), ("NOTE", Side::Left)]);
        table.row(["a".into(), "64 KB".into(), "".into()]);
        table.row(["longer".into(), "1 KB".into(), "".into()]);
        assert_eq!(table.render(false), "NAME     SIZE\na       64 KB\nlonger   1 KB\n");
    }

    #[test]
    fn no_rows_no_text() {
        assert_eq!(Table::new(&[("NAME", Side::Left)]).render(false), "");
    }

    #[test]
    fn a_hostile_name_does_not_reach_the_terminal() {
        let mut table = Table::new(&[("NAME", Side::Left)]);
        table.row(["\u{1b}[2Jx".into()]);
        assert!(!table.render(true).contains("\u{1b}[2J"));
    }
}
