//! A pattern: alternatives, each of a fixed length; any of them is a match.

use super::matcher::Matcher;
use std::fmt;
use vatlas_space::{PointerWidth, VaRange};

/// How a searched text is written in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TextEncoding {
    /// One byte a character; all characters are ASCII.
    Ascii,
    /// UTF-8 with characters of several bytes.
    Utf8,
    /// UTF-16, little-endian.
    Utf16,
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ascii => "ASCII",
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
        })
    }
}

/// What an alternative of a pattern is, and so what a match is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum What {
    /// Bytes, perhaps with wildcards.
    Bytes,
    /// Text.
    Text(TextEncoding),
    /// A little-endian integer of so many bytes.
    Integer(usize),
    /// A pointer of this width.
    Pointer(PointerWidth),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes => f.write_str("bytes"),
            Self::Text(encoding) => write!(f, "{encoding} text"),
            Self::Integer(bytes) => write!(f, "{}-bit integer", bytes * 8),
            Self::Pointer(width) => write!(f, "{}-bit pointer", width.bytes() * 8),
        }
    }
}

/// One of the things that a pattern stands for.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    pub what: What,
    pub matcher: Matcher,
}

impl Alternative {
    /// Integers and pointers lie at multiples of their size, unless somebody packed them.
    pub fn alignment(&self) -> u64 {
        match self.what {
            What::Bytes | What::Text(_) => 1,
            What::Integer(bytes) => bytes as u64,
            What::Pointer(width) => width.bytes() as u64,
        }
    }
}

/// What to search for. Made from text with [`Pattern::parse`](super::Pattern::parse), or directly.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Never empty; the longest first.
    alternatives: Vec<Alternative>,
}

impl Pattern {
    /// Pointers into a range: the little-endian words of each of `widths` whose value lies in it. `None` when no
    /// pointer of these widths can hold such a value.
    pub fn pointers_into(range: VaRange, widths: &[PointerWidth]) -> Option<Self> {
        let alternatives = widths.iter().filter_map(|width| {
            let (low, high) = (range.first().0, range.last().min(width.last()).0);
            let matcher = Matcher::word(width.bytes(), low, high)?;
            Some(Alternative { what: What::Pointer(*width), matcher })
        });
        Self::of(alternatives.collect())
    }

    /// `None` without an alternative.
    pub(super) fn of(mut alternatives: Vec<Alternative>) -> Option<Self> {
        alternatives.sort_by_key(|alternative| std::cmp::Reverse(alternative.matcher.length()));
        (!alternatives.is_empty()).then_some(Self { alternatives })
    }

    pub(super) fn alternatives(&self) -> &[Alternative] {
        &self.alternatives
    }

    /// What a match of this pattern can be, the longest first.
    pub fn kinds(&self) -> impl Iterator<Item = What> + '_ {
        self.alternatives.iter().map(|alternative| alternative.what)
    }

    /// Bytes of the longest alternative; at least one.
    pub fn longest(&self) -> usize {
        self.alternatives.first().map_or(1, |alternative| alternative.matcher.length())
    }
}
