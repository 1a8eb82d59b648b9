//! The picture of a layout: which area of an address space is where, and how large.

use super::{Look, MARGIN};
use crate::draw::{
    palette,
    terminal::paint::{Colours, Line, badge, pair},
    text,
};
use std::fmt::Write;
use vatlas_space::{PointerWidth, Va, VaRange};

/// A named part of an address space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Area<'a> {
    /// Its addresses.
    pub range: VaRange,
    /// The letter that stands for it.
    pub letter: char,
    /// Number of its colour; any number will do, neighbours should differ.
    pub tint: usize,
    /// Its name.
    pub name: &'a str,
}

/// The areas, sorted by address: as a true map when all lie in the first 4 GB, else one line for each with a bar
/// as long as the logarithm of its size.
pub fn areas(areas: &[Area<'_>], look: Look) -> String {
    let highest = areas.iter().map(|area| area.range.last()).max().unwrap_or_default();
    if highest <= PointerWidth::Bits32.last() { folded(areas, look) } else { listed(areas, look) }
}

/// 4 GB in lines of 128 MB, or of 256 MB where there are too few lines; names beside the line they begin in.
fn folded(areas: &[Area<'_>], look: Look) -> String {
    let plain = look.colours == Colours::None;
    let lines: u64 = if look.height >= 32 { 32 } else { 16 };
    let columns: u64 = if look.width >= 100 { 64 } else { 32 };
    let line_bytes = (1 << 32) / lines;
    let pixel_rows = if plain { 1 } else { 2 };
    let pixel = line_bytes / pixel_rows / columns;
    let letters = letters(areas);
    let mut out = format!("{} a line, {} a cell\n", text::size(line_bytes), text::size(pixel));
    for line_start in (0..lines).map(|line| line * line_bytes) {
        let at = |row: u64, column: u64| area_at(areas, line_start + (row * columns + column) * pixel, pixel);
        let mut line = Line::new(look.colours);
        line.text(&format!("{MARGIN}{} ", Va(line_start)));
        for column in 0..columns {
            if plain {
                line.text(at(0, column).map_or(' ', |index| letters[index]).encode_utf8(&mut [0; 4]));
            } else {
                let tint = |row| at(row, column).map_or(palette::GROUND, |index| palette::tint(areas[index].tint));
                line.push(pair(tint(0), tint(1)));
            }
        }
        let room = look.width.saturating_sub(MARGIN.len() + 11 + columns as usize);
        names(&mut line, areas, (line_start, line_start + line_bytes - 1), room);
        let _ = writeln!(out, "{}", line.finish().trim_end());
    }
    out
}

/// Letters and names of the areas that begin in a line, as far as there is room; then how many more there are.
fn names(line: &mut Line, areas: &[Area<'_>], (first, last): (u64, u64), mut room: usize) {
    let begins = |area: &&Area<'_>| (first..=last).contains(&area.range.first().0);
    let mut left = areas.iter().filter(begins).count();
    for (rank, area) in areas.iter().filter(begins).enumerate() {
        let more = if left > 1 { format!("  +{}", left - 1) } else { String::new() };
        let name = text::printable(area.name);
        let fits = room.saturating_sub(4 + more.len());
        let shortened = name.chars().count() > fits;
        if shortened && rank > 0 {
            line.text(&format!("  +{left}"));
            return;
        }
        line.text("  ");
        label(line, area);
        line.text(" ");
        line.text(&name.chars().take(fits).collect::<String>());
        if shortened {
            line.text(&more);
            return;
        }
        room -= 4 + name.chars().count();
        left -= 1;
    }
}

/// One line for each area.
fn listed(areas: &[Area<'_>], look: Look) -> String {
    let columns = if look.width >= 100 { 32 } else { 16 };
    let mut out = String::from("bars grow with the logarithm of the size: not to scale\n");
    for area in areas {
        let size = area.range.size();
        let bits = 64 - size.saturating_sub(1).leading_zeros() as usize;
        let filled = (bits * columns).div_ceil(64).max(1);
        let mut line = Line::new(look.colours);
        line.text(&format!("{MARGIN}{} ", area.range.first().text(PointerWidth::Bits64)));
        for column in 0..columns {
            match (look.colours, column < filled) {
                (Colours::None, true) => line.text(area.letter.encode_utf8(&mut [0; 4])),
                (Colours::None, false) => line.text("."),
                (_, filled) => {
                    let colour = if filled { palette::tint(area.tint) } else { palette::GROUND };
                    line.push(pair(colour, palette::GROUND));
                }
            }
        }
        line.text(&format!(" {:>10}  ", text::size(size)));
        label(&mut line, area);
        let room = look.width.saturating_sub(MARGIN.len() + 19 + columns + 15);
        let name: String = text::printable(area.name).chars().take(room).collect();
        line.text(&format!(" {name}"));
        let _ = writeln!(out, "{}", line.finish().trim_end());
    }
    out
}

fn label(line: &mut Line, area: &Area<'_>) {
    line.push(badge(area.letter, palette::tint(area.tint)));
}

/// The smallest area that has addresses in a cell, so that none is lost.
fn area_at(areas: &[Area<'_>], first: u64, bytes: u64) -> Option<usize> {
    let cell = VaRange::sized(Va(first), bytes)?;
    let begin = areas.partition_point(|area| area.range.last() < cell.first());
    let end = begin + areas[begin..].iter().take_while(|area| area.range.first() <= cell.last()).count();
    (begin..end).min_by_key(|&index| areas[index].range.size())
}

/// The letters of the areas; every other one small where neighbours have the same, so that borders show.
fn letters(areas: &[Area<'_>]) -> Vec<char> {
    let mut letters: Vec<char> = Vec::with_capacity(areas.len());
    for area in areas {
        let small = letters.last() == Some(&area.letter);
        letters.push(if small { area.letter.to_ascii_lowercase() } else { area.letter });
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { colours: Colours::None, width: 80, height: 40 };

    fn area(first: u64, last: u64, letter: char, name: &str) -> Area<'_> {
        Area { range: VaRange::new(Va(first), Va(last)).unwrap(), letter, tint: letter as usize, name }
    }

    #[test]
    fn a_32_bit_layout_is_a_true_map() {
        let layout = [
            area(0, 0xffff, 'N', "no access"),
            area(0x1_0000, 0x7fff_ffff, 'U', "user space"),
            area(0x8000_0000, 0xffff_ffff, 'K', "kernel\u{1b}[2J"),
        ];
        let text = areas(&layout, PLAIN);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 33);
        assert_eq!(lines[0], "128 MB a line, 4 MB a cell");
        let first = format!("  0x00000000 N{}  N no access  U user space", "U".repeat(31));
        assert_eq!(lines[1], first);
        assert_eq!(lines[2], format!("  0x08000000 {}", "U".repeat(32)));
        assert_eq!(lines[17], format!("  0x80000000 {}  K kernel\u{fffd}[2J", "K".repeat(32)));
    }

    #[test]
    fn slots_are_counted_when_their_names_do_not_fit() {
        let name = "process slot with a long name";
        let layout: Vec<Area<'_>> = (0..64).map(|n| area(n << 25, (n << 25) + 0x1ff_ffff, 'S', name)).collect();
        let text = areas(&layout, PLAIN);
        assert!(text.lines().nth(1).unwrap().ends_with("  S process slot with a long na  +3"), "{text}");
        let layout: Vec<Area<'_>> = layout.iter().map(|area| Area { name: "slot", ..*area }).collect();
        let text = areas(&layout, PLAIN) + &areas(&layout, Look { width: 70, ..PLAIN });
        assert!(text.contains("SSSSSSSSssssssssSSSSSSSSssssssss  S slot  S slot  S slot  S slot\n"), "{text}");
        assert!(text.contains("ssssssss  S slot  S slot  +2\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn a_64_bit_layout_is_a_list_of_bars() {
        let layout = [
            area(0, 0x7fff_ffff_ffff, 'U', "user space"),
            area(0x8000_0000_0000, 0xffff_7fff_ffff_ffff, 'N', "no address"),
            area(0xffff_8000_0000_0000, u64::MAX, 'K', "kernel space"),
        ];
        let text = areas(&layout, PLAIN);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "  0x0000000000000000 UUUUUUUUUUUU....     128 TB  U user space");
        assert_eq!(lines[2], "  0x0000800000000000 NNNNNNNNNNNNNNNN    15.9 EB  N no address");
        assert!(areas(&layout, Look { colours: Colours::True, ..PLAIN }).contains('▀'));
    }

    #[test]
    fn nothing_gives_an_empty_map() {
        assert!(areas(&[], PLAIN).contains("0x00000000"));
    }
}
