//! `vatlas debug TARGET`: a debugger's command line on the machine; on a picture whatever needs no control.

mod addresses;
mod completion;
mod console;
mod debugger;
mod dump;
mod edit;
mod look;
mod motions;
mod open;
mod points;
mod prompt;
mod source_lines;
mod stacks;
mod stops;
mod table;
mod views;
mod words;

use crate::{
    failure::{Exit, Failure},
    machine_arguments::MachineArgs,
    output::Output,
    symbol_args::SymbolArgs,
};
use std::path::PathBuf;

const EXAMPLES: &str = "\
A program (EXE for 32-bit Windows or Windows CE), a ROM image of Windows CE, a system in a file or a snapshot runs on
the machine under control: forwards, backwards, with breakpoints on code, data and whatever its kernel does. A dump has
no control; whatever only looks works on it, too.
'help' lists the commands: WinDbg's words and plain ones.

Examples:
  vatlas debug app.exe                                    then: bp main, g, k, dv, p, g-, help
  vatlas debug app.exe --batch -c 'bp app!work; g; k; dv'
  vatlas debug app.exe --script session.txt
  vatlas debug panel.bin                                  a device with Windows CE
  vatlas debug crash.dmp -c k -c lm";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    machine: MachineArgs,
    /// The program, ROM image or snapshot; or a dump to look at
    #[arg(value_name = "TARGET", required_unless_present = "system")]
    target: Option<PathBuf>,
    /// The whole system in a file: memory, processors, page files, programs, drivers, files
    #[arg(long, value_name = "FILE.toml", conflicts_with_all = ["MachineArgs", "target"])]
    system: Option<PathBuf>,
    /// Arguments of the program; options of vatlas come before the program
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// Commands to begin with, with ';' between; may be given several times
    #[arg(long = "command", short = 'c', value_name = "COMMANDS")]
    commands: Vec<String>,
    /// File with commands to begin with, one a line; '#' begins a remark
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// End after these commands instead of asking for more
    #[arg(long)]
    batch: bool,
    /// Begin before the first instruction of the loader instead of at the program's entry
    #[arg(long)]
    first_instruction: bool,
    /// Memory for the past, in MB; 0 keeps none
    #[arg(long, value_name = "MB", default_value = "256")]
    history: u64,
    /// Folder with image files (EXE, DLL) of the process; may be given several times
    #[arg(long, value_name = "DIR")]
    images: Vec<PathBuf>,
    /// Where source files are: FOLDER, or THEN=NOW for a folder that moved; may be given several times
    #[arg(long, value_name = "FOLDER")]
    source: Vec<String>,
    #[command(flatten)]
    symbols: SymbolArgs,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let lines = first_lines(args)?;
    output.remark_once();
    let mut debugger = open::open(args)?;
    if !args.batch {
        prompt::listen(&debugger);
    }
    debugger.greet(output);
    for line in &lines {
        debugger.echo(line, output);
        debugger.run_line(line, output);
        if debugger.is_over() {
            break;
        }
    }
    if !args.batch && !debugger.is_over() {
        prompt::ask(&mut debugger, args.symbols.no_cache, output)?;
    }
    Ok(debugger.exit())
}

/// The commands to begin with: those of the script, then those of the command line.
fn first_lines(args: &Args) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    if let Some(path) = &args.script {
        lines.extend(script_lines(path)?);
    }
    for commands in &args.commands {
        lines.extend(words::commands(commands).into_iter().map(str::to_owned));
    }
    Ok(lines)
}

/// The commands of a file: one a line, or with `;` between; without remarks.
fn script_lines(path: &std::path::Path) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::could_not(format!("{}: {}", path.display(), crate::open::words(&error))))?;
    let used = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(used.map(str::to_owned).collect())
}
