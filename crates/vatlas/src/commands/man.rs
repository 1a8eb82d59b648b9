//! `vatlas man [COMMAND]`: manual pages, made from the table that is the command line.

use crate::{
    cli::Cli,
    failure::{Exit, Failure},
    output::Output,
};
use clap::CommandFactory;

const EXAMPLES: &str = "\
Examples:
  vatlas man | man -l -                          read it now
  vatlas man explain > vatlas-explain.1          the page of one command";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A command; without one, the page of the program
    command: Option<String>,
}

/// Prints a manual page as roff.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let mut program = Cli::command();
    program.build();
    let command = match &args.command {
        None => program,
        Some(name) => {
            let found = program.find_subcommand(name).cloned();
            let command = found.ok_or_else(|| {
                Failure::usage(format!("there is no command '{name}'")).hint("'vatlas --help' lists them")
            })?;
            command.name(format!("vatlas-{name}")).display_name(format!("vatlas-{name}"))
        }
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::could_not(format!("manual page: {error}")))?;
    output.text(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
