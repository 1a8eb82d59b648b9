//! `vatlas run PROGRAM`: a program for 32-bit Windows on the machine, and questions to the machine when it stops.

mod report;
mod start;
mod then;

pub use start::{boot, given_system_files};

use crate::{
    failure::{Exit, Failure},
    machine_arguments::MachineArgs,
    output::Output,
};
use std::{path::PathBuf, rc::Rc};
use vatlas_machine::nt::{System, SystemStop};

const EXAMPLES: &str = "\
The program runs on an emulated computer with an NT kernel of its own. It sees its own file, the system's DLLs, the
folder of --root, and standard input and output; nothing else of this computer. The same program with the same input
does the same, instruction for instruction, on any computer.

Examples:
  vatlas run hello.exe
  vatlas run sort.exe names.txt --root data/       data/ is its C:\\, and the only folder that it sees
  vatlas run big.exe --ram 16M --pagefile 128M..256M --report
  vatlas run hello.exe --stop-at 200K --then 'explain 0x400000'
  vatlas run hello.exe --stop-at 200K --then stack --then 'map --summary'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    machine: MachineArgs,
    /// The program: an EXE for 32-bit Windows
    #[arg(value_name = "PROGRAM")]
    program: PathBuf,
    /// Its arguments; options of vatlas come before the program
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// Stop after so many instructions and fail; K, M and G count thousands
    #[arg(long, value_name = "COUNT", value_parser = count)]
    budget: Option<u64>,
    /// Stop there, and ask the questions of --then
    #[arg(long, value_name = "COUNT", value_parser = count, conflicts_with = "budget")]
    stop_at: Option<u64>,
    /// A question to the stopped machine: a command without its FILE; may be given several times
    #[arg(long, value_name = "COMMAND")]
    then: Vec<String>,
    /// Say at the end what the machine did
    #[arg(long)]
    report: bool,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let questions = then::parse(&args.then)?;
    let (mut system, name) = start::start(args)?;
    let stop = system.run(args.stop_at.or(args.budget).unwrap_or(u64::MAX));
    if args.report {
        report::show(&system, &stop, output);
    }
    let system = Rc::new(system);
    then::ask(&questions, &system, &name, output)?;
    ended(args, &system, &stop, output)
}

/// How the run ended is how the command ends.
fn ended(args: &Args, system: &System, stop: &SystemStop, output: &Output) -> Result<Exit, Failure> {
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
    for crash in &report.crashes {
        output.remark(&format!("error: {crash}"));
    }
    match stop {
        SystemStop::Exited { status } => Ok(Exit::Program(*status)),
        SystemStop::Budget if args.stop_at.is_some() => Ok(Exit::Done),
        SystemStop::Budget => Err(Failure::could_not("the budget of instructions is used up; the program still runs")),
        SystemStop::Deadlock => Err(Failure::could_not("every thread waits for something that nobody will bring")),
        SystemStop::NeedsInput => Err(Failure::could_not("the program waits for input that does not come")),
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
