//! The command line: options that every command has, styles, and what happens when it is wrong.

use crate::{
    commands::Command,
    failure::{Exit, Failure},
};
use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use clap::{Args, FromArgMatches, Parser, ValueEnum, builder::Styles, error::ErrorKind};
use std::process::ExitCode;

const ABOUT: &str = "An atlas of virtual addresses.\n\n\
    Give it a dump and an address: it says what the address is, whose, what is stored there, and why. \
    Without a dump, 'place' and 'slots' say what an address means on Windows CE and Windows NT.";

const EXAMPLES: &str = "\
Examples:
  vatlas demo                              a dump of our own, explained, and what to try next
  vatlas place 0x03123456 --layout ce5     what an address means before any file is opened
  vatlas analyze crash.dmp                 what happened, where, why, and what is odd
  vatlas explain crash.dmp crash           everything about the address that went wrong
  vatlas map crash.dmp --summary           who uses how much of the address space
  vatlas lookup app.map 0x11008            which function and line an address is

Exit codes: 0 done, 1 could not or nothing found, 2 wrong usage, 3 answered in part (damaged file, missing bytes),
4 a log holds crashes.";

/// The whole command line.
#[derive(Parser, Debug)]
#[command(name = "vatlas", version, about = ABOUT, after_help = EXAMPLES, styles = STYLES, max_term_width = 110)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the command line of this process.
    ///
    /// # Errors
    /// It is wrong, or asks for help or the version.
    pub fn of_process() -> Result<Self, clap::Error> {
        Self::of_one_command().map_or_else(Self::try_parse, Ok)
    }

    /// The same with only the named command built, which takes a quarter of the time; `None` when anything is unusual,
    /// so that help and mistakes are answered from the whole table.
    fn of_one_command() -> Option<Self> {
        let name = std::env::args_os().nth(1)?.into_string().ok()?;
        let line = Global::augment_args(clap::Command::new("vatlas")).disable_help_subcommand(true);
        let line = line.subcommand(Command::alone(&name)?);
        Self::from_arg_matches(&line.try_get_matches_from(std::env::args_os()).ok()?).ok()
    }
}

/// When to use colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Colour {
    /// On a terminal only, and never with NO_COLOR.
    Auto,
    /// In files and pipes too.
    Always,
    /// Not even on a terminal.
    Never,
}

const HEADING: &str = "Options of every command";

/// Options of every command.
#[derive(Args, Debug)]
pub struct Global {
    /// Answer with one JSON document instead of text
    #[arg(long, global = true, help_heading = HEADING)]
    pub json: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", alias = "colour", help_heading = HEADING)]
    pub color: Colour,
    /// No remarks and no progress on standard error
    #[arg(long, short, global = true, help_heading = HEADING)]
    pub quiet: bool,
}

impl Global {
    /// The choice in the words of the stream library, which knows `NO_COLOR` and terminals.
    pub fn colour_choice(&self) -> ColorChoice {
        match self.color {
            Colour::Auto => ColorChoice::Auto,
            Colour::Always => ColorChoice::Always,
            Colour::Never => ColorChoice::Never,
        }
    }
}

const STYLES: Styles = Styles::styled()
    .header(Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green))))
    .usage(Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green))))
    .literal(Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan))))
    .placeholder(Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan))));

/// Prints help, version or what is wrong with the command line.
pub fn report(error: &clap::Error) -> ExitCode {
    let is_answer = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if wants_json && !is_answer {
        let failure = usage(error);
        failure.report(&Global { json: true, color: Colour::Never, quiet: false });
        return failure.exit.code();
    }
    // A closed stream leaves nobody to tell.
    let _ = error.print();
    if is_answer { Exit::Done.code() } else { Exit::Usage.code() }
}

/// The same as a failure: the first paragraph says what is wrong, a tip what to type instead.
fn usage(error: &clap::Error) -> Failure {
    if matches!(error.kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand) {
        return Failure::usage("no command is given").hint("'vatlas --help' lists the commands");
    }
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let message: Vec<_> = first.trim_start_matches("error: ").lines().map(str::trim).collect();
    let failure = Failure::usage(message.join(" "));
    match text.lines().find_map(|line| line.trim_start().strip_prefix("tip: ")) {
        Some(tip) => failure.hint(tip),
        None => failure.hint("'vatlas help COMMAND' shows how it is used"),
    }
}
