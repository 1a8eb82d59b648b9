//! `vatlas minidump FILE`: a process of a machine, a snapshot or a kernel dump as an ordinary Windows minidump.

use crate::{
    failure::{Exit, Failure},
    open::TargetArgs,
    output::Output,
    process_choice::title,
    safe_write::write_with,
};
use std::path::{Path, PathBuf};
use vatlas_machine::nt::System;
use vatlas_space::{ProcessIndex, Target};
use vatlas_targets::{machine_target, process_dump};

const EXAMPLES: &str = "\
The minidump holds all memory of the process, its regions, threads with registers, modules, handles, and the exception
that it did not handle. Debuggers for Windows open it like one of their own.

Examples:
  vatlas minidump big.vsnap --process big.exe -o big.dmp
  vatlas run crash.exe --minidump crash.dmp                 when the program does not handle an exception
  lldb -c big.dmp";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// The minidump to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    write(&*opened.target, opened.process, &args.output, output)?;
    Ok(opened.exit())
}

/// Writes the minidump of a process.
///
/// # Errors
/// The target is of another system, or the file cannot be written.
pub fn write(target: &dyn Target, process: ProcessIndex, path: &Path, output: &Output) -> Result<(), Failure> {
    process_dump::check_process_dump(target)?;
    let facts = target.processes().get(process.0).ok_or_else(|| Failure::could_not("there is no such process"))?;
    write_with(path, |out| process_dump::write_process_dump(target, process, out))?;
    output.remark(&format!("{}: minidump of {}", path.display(), title(target, facts)));
    Ok(())
}

/// Writes the minidump of the process that did not handle an exception, as it was then. The system goes on from where
/// it is.
///
/// # Errors
/// As [`write()`].
pub fn write_crash(mut system: System, name: &str, path: &Path, output: &Output) -> Result<System, Failure> {
    let Some(crash) = system.take_crash() else {
        output.remark("no minidump was written: no process ended with an exception that it did not handle");
        return Ok(system);
    };
    let now = system.checkpoint();
    system.restore(&crash);
    let system = std::rc::Rc::new(system);
    let target = machine_target(&system, name);
    let written = write(&target, target.current(), path, output);
    drop(target);
    let system = std::rc::Rc::into_inner(system);
    let mut system = system.ok_or_else(|| Failure::could_not("the machine is still being looked at"))?;
    system.restore(&now);
    written.map(|()| system)
}
