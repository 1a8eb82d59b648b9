//! A statement: what a rule says, why, and how well it is supported.

use std::{borrow::Cow, fmt};
use vatlas_space::{Source, Step};

/// How well a rule is supported: the kind of evidence that was found for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Support {
    /// The founding text of the project: S. Loh, *Windows CE Virtual Memory Layout for Debugging* (2005), or
    /// *Practical Foundations of Debugging*, chapter 9.
    Founding,
    /// Microsoft documentation, a blog of a Microsoft engineer, or a published book.
    Documented,
    /// Seen in real dumps, executables or debug output.
    Observed,
    /// The public source of an open tool.
    PublicSource,
    /// An independent re-implementation of the system does it so.
    Reimplementation,
    /// A page of the community.
    Community,
    /// Follows by arithmetic from the layout.
    Arithmetic,
    /// A choice of this program, where no source gives a number.
    Choice,
    /// Plausible, but no source confirmed it: check before relying on it.
    Unverified,
}

impl Support {
    /// One or two words for a table or for a program.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Founding => "founding text",
            Self::Documented => "documented",
            Self::Observed => "observed",
            Self::PublicSource => "public source",
            Self::Reimplementation => "re-implementation",
            Self::Community => "community",
            Self::Arithmetic => "arithmetic",
            Self::Choice => "choice of this program",
            Self::Unverified => "unverified",
        }
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The marks of a statement as one phrase, `founding text, documented`; empty when there are none.
pub fn support_text(support: &[Support]) -> String {
    support.iter().map(|mark| mark.as_str()).collect::<Vec<_>>().join(", ")
}

/// A sentence about an address, with its reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// What holds.
    pub text: Cow<'static, str>,
    /// Why it holds, or how one sees it.
    pub because: Cow<'static, str>,
    /// What says so.
    pub source: Source,
    /// How well the rule behind it is supported.
    pub support: &'static [Support],
}

impl Statement {
    /// The statement as a step of an explanation: text, reason and marks in one phrase.
    pub fn step(&self) -> Step {
        let mut finding = self.text.to_string();
        if !self.because.is_empty() {
            finding = format!("{finding}, because {}", self.because);
        }
        if !self.support.is_empty() {
            finding = format!("{finding} ({})", support_text(self.support));
        }
        Step::new(finding, self.source.clone())
    }
}
