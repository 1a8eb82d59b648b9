//! Where an answer comes from, the steps that led to it, and what could not be read.

use crate::{address::Va, layout_name::LayoutName};
use std::fmt;

/// What a statement rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// The rules of an operating system's layout.
    Layout(LayoutName),
    /// A stream or table of the file, by its documented name.
    Stream(&'static str),
    /// The section table of a module's header.
    ImageHeader {
        /// Name of the module.
        module: String,
    },
    /// An image file given by the user.
    ImageFile {
        /// Name of the file.
        name: String,
    },
    /// A symbol file.
    SymbolFile {
        /// Name of the file, and what it is.
        name: String,
    },
    /// Memory that was read at an address.
    Memory(Va),
    /// Something that the user said.
    User,
    /// A conclusion from other facts, named.
    Deduced(&'static str),
    /// Nothing says it: the absence of any statement.
    Nothing,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout(name) => write!(f, "layout {name}"),
            Self::Stream(name) => f.write_str(name),
            Self::ImageHeader { module } => write!(f, "header of {module}"),
            Self::ImageFile { name } => write!(f, "image file {name}"),
            Self::SymbolFile { name } => f.write_str(name),
            Self::Memory(va) => write!(f, "memory at {va}"),
            Self::User => f.write_str("as given"),
            Self::Deduced(from) => write!(f, "deduced from {from}"),
            Self::Nothing => f.write_str("nothing says so"),
        }
    }
}

/// One step of a derivation: what was found, and what says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The finding, a phrase for people.
    pub finding: String,
    /// What it rests on.
    pub source: Source,
}

impl Step {
    /// A step.
    pub fn new(finding: impl Into<String>, source: Source) -> Self {
        Self { finding: finding.into(), source }
    }
}

/// How much a problem takes away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Worth knowing; nothing is missing.
    Note,
    /// Part of the file could not be read: answers may be partial.
    Damage,
}

/// Something that a reader could not read, or that is odd: place, cause and hint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where: format and stream or field, `minidump: stream 5 (MemoryListStream)`.
    pub place: String,
    /// What is wrong there.
    pub cause: String,
    /// What to think or do about it.
    pub hint: Option<String>,
    /// Whether anything is missing because of it.
    pub severity: Severity,
}

impl Problem {
    /// A problem that leaves something unread.
    pub fn damage(place: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { place: place.into(), cause: cause.into(), hint: None, severity: Severity::Damage }
    }

    /// A remark: nothing is missing.
    pub fn note(place: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { place: place.into(), cause: cause.into(), hint: None, severity: Severity::Note }
    }

    /// The same problem with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}
