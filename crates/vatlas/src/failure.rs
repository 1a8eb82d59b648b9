//! How a command ends: the exit codes, and failures with their message, hint and corrections.

use crate::{cli::Global, draw::text::printable};
use anstyle::{AnsiColor, Style};
use serde_json::json;
use std::{io::Write, process::ExitCode};
use vatlas_space::Problem;

/// Exit codes; `docs/cli.md` promises them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Exit {
    /// Everything that was asked was answered.
    Done,
    /// Could not, or nothing was found.
    CouldNot,
    /// The command line is wrong.
    Usage,
    /// Answered in part: the file is damaged, or bytes are missing.
    Partial,
    /// A log holds crashes.
    CrashFound,
    /// A program on the machine ended with this status.
    Program(u32),
}

impl Exit {
    /// For the operating system.
    pub fn code(self) -> ExitCode {
        ExitCode::from(self.number())
    }

    /// Its number. Of a program's status the operating system has room for the lowest eight bits; one that is not zero
    /// stays not zero.
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::CouldNot => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::CrashFound => 4,
            Self::Program(0) => 0,
            Self::Program(status) if status & 0xff == 0 => 255,
            Self::Program(status) => (status & 0xff) as u8,
        }
    }
}

/// A command could not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    message: String,
    hint: Option<String>,
    corrections: Vec<(String, String)>,
}

impl Failure {
    /// Could not: exit code 1.
    pub fn could_not(message: impl Into<String>) -> Self {
        Self { exit: Exit::CouldNot, message: message.into(), hint: None, corrections: Vec::new() }
    }

    /// Wrong usage: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::could_not(message) }
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same failure with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure with what was probably meant, best first: text and reason.
    pub fn corrections(mut self, corrections: Vec<(String, String)>) -> Self {
        self.corrections = corrections;
        self
    }

    /// Prints it on standard error, as text or as one JSON object.
    pub fn report(&self, global: &Global) {
        let mut stderr = anstream::AutoStream::new(std::io::stderr(), global.colour_choice());
        let text = if global.json { self.json() } else { self.human() };
        // Nothing is left to be told when standard error is closed.
        let _ = stderr.write_all(text.as_bytes());
    }

    fn json(&self) -> String {
        let corrections: Vec<_> =
            self.corrections.iter().map(|(text, reason)| json!({ "text": text, "reason": reason })).collect();
        let error = json!({
            "message": self.message, "hint": self.hint, "corrections": corrections, "exit": self.exit.number(),
        });
        format!("{}\n", crate::json::line(&json!({ "schema": crate::json::SCHEMA, "error": error })))
    }

    /// As text without colours.
    pub fn plain(&self) -> String {
        anstream::adapter::strip_str(&self.human()).to_string()
    }

    fn human(&self) -> String {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let cyan = Style::new().fg_color(Some(AnsiColor::Cyan.into()));
        let mut text = format!("{red}error:{red:#} {}\n", printable(&self.message));
        if let Some(hint) = &self.hint {
            text += &format!("  {cyan}hint:{cyan:#} {}\n", printable(hint));
        }
        if !self.corrections.is_empty() {
            text += "  perhaps you meant:\n";
        }
        for (correction, reason) in &self.corrections {
            text += &format!("    {cyan}{}{cyan:#}  {}\n", printable(correction), printable(reason));
        }
        text
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let failure = Self::could_not(format!("{}: {}", problem.place, problem.cause));
        match problem.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
