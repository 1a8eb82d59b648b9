//! Which encoding a log is in, and its lines as letters.

use super::letters::Letter;
use std::fmt;

/// How characters are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// One byte and more: UTF-8, and in lines that are none, Windows-1252's quotes in Latin-1.
    Bytes,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes",
            Self::Utf16Le => "UTF-16 LE",
            Self::Utf16Be => "UTF-16 BE",
        })
    }
}

/// So many bytes decide, unless the log is shorter.
pub(super) const SAMPLE: usize = 512;

impl Encoding {
    /// The encoding that the front of a log shows, and the bytes of its byte order mark.
    pub(super) fn of(front: &[u8]) -> (Self, usize) {
        match front {
            [0xff, 0xfe, ..] => return (Self::Utf16Le, 2),
            [0xfe, 0xff, ..] => return (Self::Utf16Be, 2),
            [0xef, 0xbb, 0xbf, ..] => return (Self::Bytes, 3),
            _ => {}
        }
        // Western text in UTF-16 has a zero in every pair, always on the same side.
        let (pairs, _) = front.as_chunks::<2>();
        let count = |high: usize| pairs.iter().filter(|pair| pair[high] == 0 && pair[1 - high] != 0).count();
        let (little, big) = (count(1), count(0));
        if little > big && little * 4 > pairs.len() * 3 {
            (Self::Utf16Le, 0)
        } else if big > little && big * 4 > pairs.len() * 3 {
            (Self::Utf16Be, 0)
        } else {
            (Self::Bytes, 0)
        }
    }

    /// Bytes of a line break.
    pub(super) const fn unit(self) -> usize {
        match self {
            Self::Bytes => 1,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    /// The letters of a piece of a line that begins at byte `first` in `column`. NULs, which dropped serial bytes leave,
    /// are left out but counted.
    pub(super) fn letters(self, bytes: &[u8], line: u64, column: u32, first: u64) -> Vec<Letter> {
        let mut letters = Vec::new();
        let mut place = (column, first);
        let mut add = |char: char, size: usize| {
            let (column, first) = place;
            if char != '\0' {
                letters.push(Letter { char, line, column, first, size: size as u8 });
            }
            place = (column.saturating_add(1), first + size as u64);
        };
        match self {
            Self::Bytes => match std::str::from_utf8(bytes) {
                Ok(text) => text.chars().for_each(|char| add(char, char.len_utf8())),
                Err(_) => bytes.iter().for_each(|byte| add(latin(*byte), 1)),
            },
            Self::Utf16Le | Self::Utf16Be => {
                let (pairs, _) = bytes.as_chunks::<2>();
                let little = self == Self::Utf16Le;
                let unit = |pair: &[u8; 2]| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
                for char in char::decode_utf16(pairs.iter().map(unit)) {
                    let char = char.unwrap_or(char::REPLACEMENT_CHARACTER);
                    add(char, 2 * char.len_utf16());
                }
            }
        }
        letters
    }
}

/// A byte of Latin-1, with the quotes that Windows-1252 has in it.
fn latin(byte: u8) -> char {
    match byte {
        0x91 => '\u{2018}',
        0x92 => '\u{2019}',
        0x93 => '\u{201c}',
        0x94 => '\u{201d}',
        byte => char::from(byte),
    }
}

/// A whole text in the encoding that its front shows.
pub fn text_of(bytes: &[u8]) -> String {
    let (encoding, mark) = Encoding::of(bytes.get(..SAMPLE).unwrap_or(bytes));
    let letters = encoding.letters(bytes.get(mark..).unwrap_or_default(), 1, 1, 0);
    letters.iter().map(|letter| letter.char).collect()
}
