//! Why an expression has no value, and where in it.

use std::fmt;

/// A piece of an expression: bytes from its front.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Span {
    /// From the front of this piece to the end of another.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end.max(self.start) }
    }
}

/// Where an expression stands is not what it is: two that are written apart are equal.
impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WatchErrorKind {
    /// It is no expression.
    Syntax,
    /// A name that means nothing here.
    Unknown,
    /// The operation has no meaning for values of these types.
    Type,
    /// The expression is right, but bytes or registers that it needs are not at hand: its value is `???`.
    Missing,
}

/// Why an expression has no value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WatchError {
    /// What sort of error.
    pub kind: WatchErrorKind,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What was probably meant, best first.
    pub suggestions: Vec<String>,
}

impl WatchError {
    pub(super) fn new(kind: WatchErrorKind, span: Span, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), span, suggestions: Vec::new() }
    }

    pub(super) fn syntax(span: Span, message: impl Into<String>) -> Self {
        Self::new(WatchErrorKind::Syntax, span, message)
    }

    pub(super) fn of_type(span: Span, message: impl Into<String>) -> Self {
        Self::new(WatchErrorKind::Type, span, message)
    }

    pub(super) fn unknown(span: Span, message: impl Into<String>) -> Self {
        Self::new(WatchErrorKind::Unknown, span, message)
    }

    pub(super) fn missing(span: Span, message: impl Into<String>) -> Self {
        Self::new(WatchErrorKind::Missing, span, message)
    }

    pub(super) fn suggest(mut self, suggestions: Vec<String>) -> Self {
        self.suggestions = suggestions;
        self
    }

    /// Column of the first character in the expression, from 1.
    pub fn column(&self, expression: &str) -> usize {
        expression.get(..self.span.start).map_or(1, |before| before.chars().count() + 1)
    }
}

impl fmt::Display for WatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for WatchError {}
