//! Texts: characters in a row, up to their end or to a limit.

use super::{Bytes, Place, ValueReader};
use vatlas_symbols::types::BasicKind;

/// Characters, and how they end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// The characters.
    pub characters: String,
    /// Bytes of one unit: 1, 2 or 4.
    pub unit: u8,
    /// How it ends.
    pub end: TextEnd,
}

/// How a text ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TextEnd {
    /// With a zero.
    Zero,
    /// Nowhere: the array is full.
    Full,
    /// It goes on; so much was asked for.
    Limit,
    /// The next character is not at hand.
    Missing(String),
}

/// Bytes of a unit of a character type; `None` of a type that is none.
pub(super) const fn unit(kind: BasicKind) -> Option<u8> {
    match kind {
        BasicKind::Char | BasicKind::Char8 => Some(1),
        BasicKind::Char16 => Some(2),
        BasicKind::Char32 => Some(4),
        _ => None,
    }
}

impl ValueReader<'_> {
    /// The text at a place: up to a zero, to `count` units or to the limit. `None` when not even the first unit is at
    /// hand.
    pub fn text(&self, place: &Place, unit: u8, count: Option<u64>) -> Option<Text> {
        let limit = self.limits.characters as u64;
        let units = count.unwrap_or(u64::MAX).min(limit);
        let bytes = self.bytes(place, units.saturating_mul(unit.into()));
        let mut found = units_of(&bytes, unit.into());
        if found.is_empty() && units > 0 {
            return None;
        }
        let end = match found.iter().position(|unit| *unit == 0) {
            Some(zero) => {
                found.truncate(zero);
                TextEnd::Zero
            }
            None if (found.len() as u64) < units => TextEnd::Missing(bytes.reason.unwrap_or_default()),
            None if count.is_some_and(|count| count <= limit) => TextEnd::Full,
            None => TextEnd::Limit,
        };
        Some(Text { characters: decode(&found, unit), unit, end })
    }
}

/// Whole units from the front, as far as their bytes are at hand.
fn units_of(bytes: &Bytes, size: usize) -> Vec<u32> {
    let whole = bytes.bytes.chunks_exact(size.max(1));
    let unit =
        |chunk: &[Option<u8>]| chunk.iter().rev().try_fold(0, |unit: u32, byte| Some(unit << 8 | u32::from((*byte)?)));
    whole.map_while(unit).collect()
}

/// Bytes are read as UTF-8 where they are that, up to a character that is cut off, else as Latin-1.
fn decode(units: &[u32], size: u8) -> String {
    match size {
        1 => bytes_as_text(units.iter().map(|unit| *unit as u8).collect()),
        2 => String::from_utf16_lossy(&units.iter().map(|unit| *unit as u16).collect::<Vec<_>>()),
        _ => units.iter().map(|unit| char::from_u32(*unit).unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
    }
}

fn bytes_as_text(mut bytes: Vec<u8>) -> String {
    if let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

/// The text in quotes as C writes it, with what follows when it does not end here: `L"Hel"...`.
pub fn quoted(text: &Text) -> String {
    let prefix = match text.unit {
        2 => "L",
        4 => "U",
        _ => "",
    };
    let inner: String = text.characters.chars().map(|character| escape(character, '"')).collect();
    match &text.end {
        TextEnd::Zero | TextEnd::Full => format!("{prefix}\"{inner}\""),
        TextEnd::Limit => format!("{prefix}\"{inner}\"..."),
        TextEnd::Missing(reason) if inner.is_empty() => format!("??? ({reason})"),
        TextEnd::Missing(reason) => format!("{prefix}\"{inner}\"??? ({reason})"),
    }
}

/// A character as it stands between quotes.
pub(super) fn escape(character: char, quote: char) -> String {
    match character {
        '\0' => "\\0".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\\' => "\\\\".to_owned(),
        other if other == quote => format!("\\{other}"),
        other if other.is_control() => format!("\\x{:02x}", u32::from(other)),
        other => other.to_string(),
    }
}
