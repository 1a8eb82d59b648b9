//! `vatlas completions SHELL`: scripts for shells, made from the table that is the command line.

use crate::{
    cli::Cli,
    failure::{Exit, Failure},
    output::Output,
};
use clap::CommandFactory;
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  vatlas completions bash > ~/.local/share/bash-completion/completions/vatlas
  vatlas completions zsh > ~/.zfunc/_vatlas";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the completion script.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "vatlas", &mut script);
    output.text(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
