//! The page's data as JSON: addresses as strings, sizes as numbers, repeated text once.

use super::colour;
use crate::draw::text::{self, printable};
use serde_json::{Value, json};
use std::collections::HashMap;
use vatlas_debug::{
    map::MapEntry,
    picture::{PAGE_ORDER, Scale, hilbert, is_guard, square_scale},
    usage::UsageKind,
};
use vatlas_space::{PointerWidth, RegionKind, RegionState, VaRange};

/// States by their number in the data.
pub const STATES: [RegionState; 4] =
    [RegionState::Free, RegionState::Reserved, RegionState::Committed, RegionState::Unknown];

const TYPES: [RegionKind; 3] = [RegionKind::Image, RegionKind::Mapped, RegionKind::Private];

/// The number of a state in the data.
pub fn state_number(state: RegionState) -> usize {
    STATES.iter().position(|&other| other == state).unwrap_or(STATES.len() - 1)
}

/// Whether addresses of the range need more than 32 bits.
pub fn is_wide(range: VaRange) -> bool {
    range.last() > PointerWidth::Bits32.last()
}

/// The text of the data element; holds no character that could end the element.
pub fn json(entries: &[MapEntry], range: VaRange, band: &Scale) -> String {
    let mut usages = Words::default();
    let mut protections = Words::default();
    let rows: Vec<Value> = entries.iter().map(|entry| row(entry, range, &mut usages, &mut protections)).collect();
    let square = square_scale(entries, range, PAGE_ORDER);
    let kinds: Vec<Value> = UsageKind::ALL
        .iter()
        .map(|&kind| json!({ "word": kind.word(), "letter": kind.letter(), "colour": colour(kind) }))
        .collect();
    let data = json!({
        "digits": if is_wide(range) { 16 } else { 8 },
        "range": [text::address(range.first(), range), text::address(range.last(), range)],
        "curve": hilbert::QUARTERS,
        "kinds": kinds,
        "states": STATES.map(|state| state.to_string()),
        "types": TYPES.map(|kind| kind.to_string()),
        "usages": usages.list,
        "protections": protections.list,
        "square": scale(&square, range),
        "band": scale(band, range),
        "rows": rows,
    });
    // Inside a script element `<` could begin an end tag or a comment; in JSON it occurs in strings only.
    data.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// First, last, state, kind, type, protection, use, captured bytes, allocation base, guard.
fn row(entry: &MapEntry, range: VaRange, usages: &mut Words, protections: &mut Words) -> Value {
    let region = &entry.region;
    let kind = region.kind.and_then(|kind| TYPES.iter().position(|&other| other == kind));
    json!([
        text::address(entry.range.first(), range),
        text::address(entry.range.last(), range),
        state_number(region.state),
        entry.usage.kind() as usize,
        kind,
        region.protection.map(|protection| protections.number(&protection.to_string())),
        usages.number(&printable(&entry.usage.to_string())),
        entry.captured.min(entry.range.size()),
        region.allocation_base.map(|base| text::address(base, range)),
        u8::from(is_guard(entry)),
    ])
}

/// Pieces as first, last, first cell, cells, span, left out.
fn scale(scale: &Scale, range: VaRange) -> Value {
    let whole = if is_wide(range) { range } else { scale.range() };
    let pieces = scale.pieces().iter().map(|piece| {
        json!([
            text::address(piece.range.first(), whole),
            text::address(piece.range.last(), whole),
            piece.first_cell,
            piece.cells,
            piece.span.to_string(),
            u8::from(piece.left_out),
        ])
    });
    json!({ "cells": scale.cells(), "pieces": pieces.collect::<Vec<_>>() })
}

/// Text that occurs again and again, as numbers.
#[derive(Default)]
struct Words {
    list: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Words {
    fn number(&mut self, word: &str) -> usize {
        if let Some(&number) = self.numbers.get(word) {
            return number;
        }
        self.numbers.insert(word.to_string(), self.list.len());
        self.list.push(word.to_string());
        self.list.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::sample;

    fn data(entries: &[MapEntry], range: VaRange) -> Value {
        serde_json::from_str(&json(entries, range, &Scale::compressed(entries, range, 4096))).unwrap()
    }

    #[test]
    fn rows_speak_for_themselves() {
        let entries = sample::small32();
        let data = data(&entries, sample::all32());
        assert_eq!(data["rows"].as_array().unwrap().len(), entries.len());
        let row = data["rows"].as_array().unwrap().iter().find(|row| row[0] == "0x7c801000").unwrap();
        assert_eq!(row[1], "0x7c884fff");
        assert_eq!(data["states"][row[2].as_u64().unwrap() as usize], "committed");
        assert_eq!(data["kinds"][row[3].as_u64().unwrap() as usize]["word"], "image");
        assert_eq!(data["types"][row[4].as_u64().unwrap() as usize], "image");
        assert_eq!(data["protections"][row[5].as_u64().unwrap() as usize], "PAGE_EXECUTE_READ");
        assert_eq!(data["usages"][row[6].as_u64().unwrap() as usize], "kernel32.dll .text");
        assert!(row[7].is_u64());
        assert_eq!(row[8], "0x7c801000");
    }

    #[test]
    fn the_square_of_4_gb_has_a_cell_a_page() {
        let data = data(&sample::small32(), sample::all32());
        assert_eq!(data["square"]["cells"], 1 << 20);
        assert_eq!(data["square"]["pieces"][0][4], (1_u64 << 32).to_string());
        assert_eq!(data["curve"][0][1], serde_json::json!([1, 0, 0]));
    }

    #[test]
    fn nothing_can_end_the_element() {
        let entries = sample::hostile();
        let text = json(&entries, sample::all32(), &Scale::compressed(&entries, sample::all32(), 64));
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{1b}']));
        let usage = data(&entries, sample::all32())["usages"][1].as_str().unwrap().to_string();
        assert!(usage.starts_with("a</script><script>alert(1)</script><!--\u{fffd}[2J\"'&]]>"), "{usage}");
    }
}
