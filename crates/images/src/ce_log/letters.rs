//! Letters of a log that know where they stand, so that a token put together from two lines still has a place.

use vatlas_space::{FileOffset, TextPlace};

/// A character and its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Letter {
    pub char: char,
    pub line: u64,
    pub column: u32,
    /// Its first byte in the log.
    pub first: u64,
    /// Its bytes.
    pub size: u8,
}

/// The place of a run of letters; of no letters the front of the log.
pub(super) fn place(letters: &[Letter]) -> TextPlace {
    let (Some(first), Some(last)) = (letters.first(), letters.last()) else { return TextPlace::default() };
    TextPlace {
        line: first.line,
        column: first.column,
        first: FileOffset(first.first),
        end: FileOffset(last.first + u64::from(last.size)),
    }
}

/// Where a problem is, in words.
pub(super) fn words(place: TextPlace) -> String {
    format!("log: line {}, column {}", place.line, place.column)
}

/// The letters as text.
pub(super) fn text(letters: &[Letter]) -> String {
    letters.iter().map(|letter| letter.char).collect()
}

/// The letters without blanks at their ends.
pub(super) fn trimmed(letters: &[Letter]) -> &[Letter] {
    let is_blank = |letter: &Letter| letter.char.is_whitespace();
    let Some(first) = letters.iter().position(|letter| !is_blank(letter)) else { return &[] };
    let end = letters.iter().rposition(|letter| !is_blank(letter)).map_or(first, |last| last + 1);
    letters.get(first..end).unwrap_or_default()
}

/// Whether the letters begin with a text.
pub(super) fn begins(letters: &[Letter], text: &str) -> bool {
    let mut letters = letters.iter();
    text.chars().all(|wanted| letters.next().is_some_and(|letter| letter.char == wanted))
}

/// Where a text first stands.
pub(super) fn find(letters: &[Letter], text: &str) -> Option<usize> {
    (0..letters.len()).find(|&at| letters.get(at..).is_some_and(|rest| begins(rest, text)))
}

/// What follows a text, wherever it stands.
pub(super) fn after<'l>(letters: &'l [Letter], text: &str) -> Option<&'l [Letter]> {
    letters.get(find(letters, text)? + text.chars().count()..)
}

/// Whether a character opens or closes a name: straight, or as web pages write it.
pub(super) const fn is_quote(char: char) -> bool {
    matches!(char, '\'' | '"' | '`' | '\u{b4}' | '\u{2018}'..='\u{201f}' | '\u{2032}' | '\u{2033}')
}

/// How many letters from the front on fulfil a condition.
pub(super) fn run(letters: &[Letter], condition: impl Fn(char) -> bool) -> usize {
    letters.iter().take_while(|letter| condition(letter.char)).count()
}

/// A hexadecimal number of at most `most` digits at the front, with or without `0x`: value, digits, letters used.
pub(super) fn hexadecimal(letters: &[Letter], most: usize) -> Option<(u64, usize, usize)> {
    let skipped = if begins(letters, "0x") || begins(letters, "0X") { 2 } else { 0 };
    let rest = letters.get(skipped..)?;
    let digits = run(rest, |char| char.is_ascii_hexdigit());
    if digits == 0 || digits > most {
        return None;
    }
    Some((u64::from_str_radix(&text(rest.get(..digits)?), 16).ok()?, digits, skipped + digits))
}

/// A decimal number at the front: value, letters used.
pub(super) fn decimal(letters: &[Letter]) -> Option<(u64, usize)> {
    let digits = run(letters, |char| char.is_ascii_digit());
    Some((text(letters.get(..digits)?).parse().ok()?, digits))
}
