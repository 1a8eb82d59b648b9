//! Where a run stops, what is then asked and written, and how the command ends.

use super::{report, then};
use crate::{
    commands::minidump::write_crash,
    failure::{Exit, Failure},
    output::Output,
    safe_write::{write_safely, write_with},
};
use std::{
    path::{Path, PathBuf},
    rc::Rc,
};
use vatlas_machine::nt::{System, SystemStop};

/// How far a machine runs, and what follows.
#[derive(clap::Args, Debug)]
pub struct StopArgs {
    /// Stop after so many instructions and fail; K, M and G count thousands
    #[arg(long, value_name = "COUNT", value_parser = count)]
    budget: Option<u64>,
    /// Stop there, and ask the questions of --then
    #[arg(long, value_name = "COUNT", value_parser = count, conflicts_with = "budget")]
    stop_at: Option<u64>,
    /// A question to the stopped machine: a command without its FILE; may be given several times
    #[arg(long, value_name = "COMMAND")]
    pub(super) then: Vec<String>,
    /// Say at the end what the machine did
    #[arg(long)]
    pub(super) report: bool,
    /// Write the whole state of the stopped machine to a file: 'vatlas resume' goes on with it
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// Write a full kernel dump of the stopped machine, as a 32-bit Windows does at a bug check
    #[arg(long, value_name = "FILE")]
    kernel_dump: Option<PathBuf>,
    /// Write a Windows minidump of the process that ended with an unhandled exception
    #[arg(long, value_name = "FILE")]
    minidump: Option<PathBuf>,
}

/// The same, with questions that were read before the machine starts.
pub struct Plan<'a> {
    args: &'a StopArgs,
    questions: Vec<then::Question>,
}

impl StopArgs {
    /// Reads the questions.
    ///
    /// # Errors
    /// One is no command, or none that is asked of a target.
    pub fn plan(&self) -> Result<Plan<'_>, Failure> {
        Ok(Plan { args: self, questions: then::parse(&self.then)? })
    }

    /// Instructions after which the machine stops.
    pub(super) fn end(&self) -> Option<u64> {
        self.stop_at.or(self.budget)
    }

    /// Whether to stop there is what was asked for, and no failure.
    pub(super) const fn is_stop(&self) -> bool {
        self.stop_at.is_some()
    }

    /// Where the state of the stopped machine is to be written.
    pub(super) fn snapshot(&self) -> Option<&Path> {
        self.snapshot.as_deref()
    }

    /// An option that a machine with Windows CE does not have.
    pub(super) fn nt_only(&self) -> Option<&'static str> {
        let given = [("--kernel-dump", self.kernel_dump.is_some()), ("--minidump", self.minidump.is_some())];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(option, _)| option)
    }
}

impl Plan<'_> {
    /// Runs a machine and does what is asked for when it stops. Counts are counted from the start of the machine.
    ///
    /// # Errors
    /// The machine does not come to an end; a file cannot be written; what a question ends in.
    pub fn run(&self, mut system: System, name: &str, output: &mut Output) -> Result<Exit, Failure> {
        let args = self.args;
        let end = args.stop_at.or(args.budget);
        let left = end.map_or(u64::MAX, |end| end.saturating_sub(system.instructions()));
        if args.minidump.is_some() {
            system.keep_crashes(true);
        }
        let stop = system.run(left);
        if args.report {
            report::show(&system, &stop, output);
        }
        if let Some(path) = &args.minidump {
            system = write_crash(system, name, path, output)?;
        }
        if let Some(path) = &args.snapshot {
            write_safely(path, &system.snapshot(name)?)?;
        }
        if let Some(path) = &args.kernel_dump {
            write_with(path, |file| system.write_kernel_dump(&mut |bytes| file.write_all(bytes)))?;
        }
        let system = Rc::new(system);
        let exit = then::ask(&self.questions, &system, name, output)?;
        ended(args, &system, &stop, output).map(|end| end.max(exit))
    }
}

/// How the run ended is how the command ends.
fn ended(args: &StopArgs, system: &System, stop: &SystemStop, output: &Output) -> Result<Exit, Failure> {
    let report = system.report();
    for missing in &report.missing {
        output.remark(&format!("warning: {missing}"));
    }
    for error in &report.hard_errors {
        output.remark(&format!("warning: {error}"));
    }
    for unsupported in &report.unsupported {
        output.remark(&format!("warning: {unsupported}"));
    }
    for text in system.debug_text() {
        output.remark(&format!("driver: {}", text.trim_end()));
    }
    for crash in &report.crashes {
        output.remark(&format!("error: {crash}"));
    }
    match stop {
        SystemStop::Exited { status } => Ok(Exit::Program(*status)),
        SystemStop::Budget if args.stop_at.is_some() => Ok(Exit::Done),
        SystemStop::Budget => Err(Failure::could_not("the budget of instructions is used up; the program still runs")),
        SystemStop::Deadlock => Err(Failure::could_not("every thread waits for something that nobody will bring")),
        SystemStop::NeedsInput => Err(Failure::could_not("the program waits for input that does not come")),
        SystemStop::BugCheck(check) => {
            check.to_string().lines().for_each(|line| output.remark(line));
            Err(Failure::could_not(format!("the kernel stopped the system: bug check {:#x}", check.code)))
        }
        SystemStop::Broken(what) => Err(Failure::could_not(format!("the machine stopped: {what}"))),
    }
}

/// A count of instructions: `250000`, `2M`.
fn count(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 1_000),
        Some((at, 'M' | 'm')) => (&text[..at], 1_000_000),
        Some((at, 'G' | 'g')) => (&text[..at], 1_000_000_000),
        _ => (text, 1),
    };
    let number: Option<u64> = digits.replace(['_', '\''], "").parse().ok();
    number.and_then(|number| number.checked_mul(unit)).ok_or_else(|| "a count is written 250000, 40K or 2M".to_owned())
}
