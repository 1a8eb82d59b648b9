//! What was tried to find the symbols of a module, and why each candidate was taken or refused.

use std::path::PathBuf;

/// A file that may belong to a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Candidate {
    /// To be opened.
    File(PathBuf),
    /// Not to be opened, for this reason.
    Refused(PathBuf, String),
}

/// Where was looked, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trail {
    /// The names that were looked for.
    pub names: Vec<String>,
    /// The places, with what was there.
    pub steps: Vec<Step>,
    /// Places that were not looked at, because enough was found.
    pub left_out: Vec<String>,
}

/// A place, and the candidates in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The place in words.
    pub place: String,
    /// The candidates; none when nothing there has one of the names.
    pub attempts: Vec<Attempt>,
}

/// A candidate, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// The file.
    pub path: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a candidate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is used; what says that it belongs to the module.
    Used(String),
    /// It is used although that cannot be checked; why.
    Unchecked(String),
    /// It is used although it belongs to another build, because the user insists; what differs.
    Forced(String),
    /// It is not used; why.
    Refused(String),
    /// It cannot be read, or holds no symbols; why.
    Unreadable(String),
    /// It belongs to the module, but has no name in it.
    Nameless,
    /// It belongs to the module, but something better is used; what.
    NotNeeded(String),
    /// Named by the user for another module.
    Foreign,
}

impl Outcome {
    /// One word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Used(_) => "used",
            Self::Unchecked(_) => "unchecked",
            Self::Forced(_) => "forced",
            Self::Refused(_) => "refused",
            Self::Unreadable(_) => "unreadable",
            Self::Nameless => "nameless",
            Self::NotNeeded(_) => "not needed",
            Self::Foreign => "of another module",
        }
    }

    /// Why.
    pub fn reason(&self) -> &str {
        match self {
            Self::Used(why)
            | Self::Unchecked(why)
            | Self::Forced(why)
            | Self::Refused(why)
            | Self::Unreadable(why)
            | Self::NotNeeded(why) => why,
            Self::Nameless => "it belongs to the module, but names nothing",
            Self::Foreign => "neither its name nor its identity is that of this module",
        }
    }
}

impl Trail {
    /// Every candidate, with its place.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.steps.iter().flat_map(|step| &step.attempts)
    }

    /// Candidates that could have been the answer and were not.
    pub fn refusals(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts().filter(|attempt| matches!(attempt.outcome, Outcome::Refused(_) | Outcome::Unreadable(_)))
    }
}
