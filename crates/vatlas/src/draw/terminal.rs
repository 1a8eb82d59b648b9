//! Pictures in a terminal: strip and Hilbert square as half blocks in colour, or as letters without.

mod areas;
mod paint;

pub use areas::{Area, areas};
pub use paint::Colours;

use super::{palette, text};
use paint::{Line, pair};
use std::fmt::Write;
use vatlas_debug::{
    map::MapEntry,
    picture::{Cell, Picture, Sort, Square, Strip},
    usage::UsageKind,
};
use vatlas_space::{RegionState, VaRange};

/// What the terminal can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Colours, or none.
    pub colours: Colours,
    /// Columns.
    pub width: usize,
    /// Lines that the square may take; it is never smaller than 16 cells by 16.
    pub height: usize,
}

/// A cell of the picture as it is shown: its sort, and whether it is the mark of a stretch that was left out.
#[derive(Clone, Copy, PartialEq)]
struct Shown {
    sort: Sort,
    left_out: bool,
}

const MARGIN: &str = "  ";

/// Rows of the strip's detail.
const DETAIL_ROWS: usize = 4;

/// Strip, square and legend under each other.
pub fn map(entries: &[MapEntry], range: VaRange, look: Look) -> String {
    let strip = strip(entries, range, look);
    let square = square(entries, range, look);
    let legend = legend(entries, look);
    format!("{strip}\n{square}\n{legend}")
}

/// The address space as a band: first the whole of it at a true scale, then what is in use with gaps left out.
pub fn strip(entries: &[MapEntry], range: VaRange, look: Look) -> String {
    let label = text::address(range.last(), range).len();
    let width = look.width.saturating_sub(label + MARGIN.len() * 2 + 1).clamp(16, 1024);
    let strip = Strip::new(entries, range, width, DETAIL_ROWS);
    let mut out = String::new();
    let overview = strip.overview();
    let _ = writeln!(out, "the whole range, {} a column", text::size(overview.scale().bytes_per_cell()));
    band(&mut out, look, &text::address(range.first(), range), overview, 0..width);
    let detail = strip.detail();
    if detail.scale().pieces().len() > 1 {
        let _ = writeln!(
            out,
            "\nwhat is in use, {} a column, long gaps left out",
            text::size(detail.scale().bytes_per_cell())
        );
        for row in strip.rows() {
            let first = text::address(row.range.first(), range);
            band(&mut out, look, &first, detail, row.first_cell..row.first_cell + row.cells.len());
        }
    }
    out
}

/// A row of cells: letters above coloured half blocks, or letters alone.
fn band(out: &mut String, look: Look, label: &str, picture: &Picture, cells: std::ops::Range<usize>) {
    let shown: Vec<Shown> = cells.clone().map(|cell| shown(picture, cell)).collect();
    if look.colours == Colours::None {
        let letters: String = shown.iter().map(|&cell| letter(cell)).collect();
        let _ = writeln!(out, "{MARGIN}{label} {letters}");
        return;
    }
    let _ = writeln!(out, "{MARGIN}{:width$} {}", "", run_letters(&shown), width = label.len());
    let mut line = Line::new(look.colours);
    for (cell, shown) in cells.zip(shown) {
        line.push(pair(colour(shown), capture_colour(&picture.cells()[cell])));
    }
    let _ = writeln!(out, "{MARGIN}{label} {}", line.finish());
}

/// The letter of each run of cells in use, above its first cell.
fn run_letters(shown: &[Shown]) -> String {
    let mut before = None;
    let letters = shown.iter().map(|&cell| {
        let starts = before.replace(cell) != Some(cell);
        if starts && (cell.left_out || cell.sort.is_used()) { letter(cell) } else { ' ' }
    });
    letters.collect::<String>().trim_end().to_string()
}

/// The address space folded along the Hilbert curve, as large as the look allows.
pub fn square(entries: &[MapEntry], range: VaRange, look: Look) -> String {
    let plain = look.colours == Colours::None;
    let (columns, lines) = if plain { (look.width / 2, look.height) } else { (look.width, look.height * 2) };
    let edge = columns.saturating_sub(MARGIN.len()).min(lines).clamp(16, 256);
    let square = Square::new(entries, range, edge.ilog2());
    let scale = square.picture().scale();
    let mut out = String::new();
    let gaps = if scale.pieces().len() > 1 { ", long gaps left out" } else { "" };
    let _ = writeln!(out, "Hilbert square, {} a cell{gaps}", text::size(scale.bytes_per_cell()));
    let width = square.edge() as usize * if plain { 2 } else { 1 };
    let [top_left, top_right, bottom_right, bottom_left] = square.quadrants().map(text::short_address);
    corners(&mut out, width, &format!("{top_left} →"), &format!("{top_right} ↓"));
    for y in (0..square.edge()).step_by(if plain { 1 } else { 2 }) {
        let line = if plain { letter_line(&square, y) } else { half_block_line(&square, y, look.colours) };
        let _ = writeln!(out, "{MARGIN}{line}");
    }
    corners(&mut out, width, &format!("{bottom_left} ↑"), &format!("← {bottom_right}"));
    out
}

fn corners(out: &mut String, width: usize, left: &str, right: &str) {
    let space = width.saturating_sub(left.chars().count()).max(right.chars().count() + 1);
    let _ = writeln!(out, "{MARGIN}{left}{right:>space$}");
}

fn letter_line(square: &Square, y: u32) -> String {
    let mut line = String::new();
    for x in 0..square.edge() {
        line.push(letter(shown(square.picture(), square.index(x, y))));
        line.push(' ');
    }
    line.trim_end().to_string()
}

fn half_block_line(square: &Square, y: u32, colours: Colours) -> String {
    let mut line = Line::new(colours);
    let at = |x, y| colour(shown(square.picture(), square.index(x, y)));
    for x in 0..square.edge() {
        line.push(pair(at(x, y), at(x, y + 1)));
    }
    line.finish()
}

/// What colours and letters mean; only what occurs in the map.
pub fn legend(entries: &[MapEntry], look: Look) -> String {
    let plain = look.colours == Colours::None;
    let kinds = UsageKind::ALL.iter().filter(|&&kind| entries.iter().any(|entry| entry.usage.kind() == kind));
    let items: Vec<(String, usize)> = kinds.map(|&kind| legend_item(kind, look.colours)).collect();
    let notes: &[&str] = if plain {
        &["upper case: committed", "lower case: reserved", "~ long gap, left out"]
    } else {
        &["darker: reserved", "~ long gap, left out", "lower half of a band: captured, the lighter the more"]
    };
    let notes: Vec<(String, usize)> = notes.iter().map(|&note| (note.into(), note.len())).collect();
    wrapped(&items, look.width) + &wrapped(&notes, look.width)
}

fn legend_item(kind: UsageKind, colours: Colours) -> (String, usize) {
    let mut line = Line::new(colours);
    if colours != Colours::None {
        line.push(pair(palette::colour(kind), palette::colour(kind)));
        line.push(pair(palette::colour(kind), palette::colour(kind)));
    }
    let name = format!("{} {}", kind.letter(), kind.word());
    let swatch = if colours == Colours::None { 0 } else { 3 };
    let space = if swatch > 0 { " " } else { "" };
    let width = swatch + name.len();
    (format!("{}{space}{name}", line.finish()), width)
}

/// Items with their widths, as many on a line as fit.
fn wrapped(items: &[(String, usize)], width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for (item, columns) in items {
        if column > 0 && column + columns + 3 > width {
            out.push('\n');
            column = 0;
        }
        let space = if column == 0 { MARGIN } else { "   " };
        let _ = write!(out, "{space}{item}");
        column += space.len() + columns;
    }
    out.push('\n');
    out
}

fn shown(picture: &Picture, cell: usize) -> Shown {
    let left_out = picture.scale().piece_of(cell).left_out;
    Shown { sort: picture.cells()[cell].sort, left_out }
}

/// The kind's letter, small when reserved; a wave for a stretch that was left out.
fn letter(cell: Shown) -> char {
    match cell.sort {
        _ if cell.left_out => '~',
        Sort { kind, state: RegionState::Reserved } => kind.letter().to_ascii_lowercase(),
        Sort { kind, .. } => kind.letter(),
    }
}

fn colour(cell: Shown) -> palette::Rgb {
    let own = palette::colour(cell.sort.kind);
    match cell.sort.state {
        _ if cell.left_out => palette::LEFT_OUT,
        RegionState::Reserved => own.mixed(palette::GROUND, 45),
        _ => own,
    }
}

/// From the ground (nothing captured) to light (all that is committed).
fn capture_colour(cell: &Cell) -> palette::Rgb {
    let percent = u128::from(cell.captured) * 100 / u128::from(cell.committed.max(1));
    let percent = if cell.captured > 0 { percent.clamp(25, 100) } else { 0 };
    palette::LIGHT.mixed(palette::GROUND, percent as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::sample;

    const PLAIN: Look = Look { colours: Colours::None, width: 80, height: 40 };
    const COLOUR: Look = Look { colours: Colours::True, width: 80, height: 40 };

    /// The text without its escape sequences, which must all be `ESC [ digits and semicolons m`.
    fn without_style(text: &str) -> String {
        let mut parts = text.split('\u{1b}');
        let mut plain = parts.next().unwrap_or_default().to_string();
        for part in parts {
            let (style, rest) = part.strip_prefix('[').and_then(|part| part.split_once('m')).unwrap();
            assert!(style.chars().all(|c| c.is_ascii_digit() || c == ';'), "odd style {style:?}");
            plain.push_str(rest);
        }
        plain
    }

    #[test]
    fn letters_show_kinds_and_states() {
        let text = square(&sample::small32(), sample::all32(), PLAIN);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Hilbert square, 4 MB a cell");
        assert!(lines[1].starts_with("  0x00000000 →") && lines[1].ends_with("0x40000000 ↓"), "{}", lines[1]);
        assert_eq!(lines.len(), 1 + 1 + 32 + 1);
        assert!(lines[2].starts_with("  h I P . p p "), "first directory entries: {}", lines[2]);
        assert!(text.contains("p p"), "the reserved 64 MB");
        for line in &lines[18..34] {
            assert_eq!(line.trim(), ["K"; 32].join(" "), "the lower half is the kernel's");
        }
    }

    #[test]
    fn pictures_fit_the_width() {
        let entries = [sample::small32(), sample::clusters64(), sample::many(300), sample::hostile(), Vec::new()];
        for rows in &entries {
            for range in [sample::all32(), sample::user64()] {
                for colours in [Colours::None, Colours::Palette256, Colours::True] {
                    for width in [60, 80, 200] {
                        let text = map(rows, range, Look { colours, width, height: 30 });
                        assert_eq!(text.contains('\u{1b}'), colours != Colours::None);
                        for line in without_style(&text).lines() {
                            assert!(line.chars().count() <= width, "{} > {width}: {line}", line.chars().count());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_coloured_line_ends_plain() {
        for line in map(&sample::clusters64(), sample::user64(), COLOUR).lines() {
            if let Some(last) = line.rfind('\u{1b}') {
                assert!(line[last..].starts_with("\u{1b}[0m"), "{line:?}");
            }
        }
    }

    #[test]
    fn tiny_terminals_still_get_a_picture() {
        for colours in [Colours::None, Colours::True] {
            let text = map(&sample::small32(), sample::all32(), Look { colours, width: 0, height: 0 });
            assert!(text.contains("0x00000000 →"));
        }
    }

    #[test]
    fn a_legend_names_what_occurs() {
        let text = legend(&sample::hostile(), PLAIN);
        assert!(text.contains("I image") && text.contains(". free") && !text.contains("H heap"), "{text}");
    }
}
