//! `vatlas open DIR`: what in a folder belongs to one device, what does not and why, and the answer of all of it.

mod document;
mod screen;

use crate::{
    commands::{analyze, log},
    device_folder::{Choice, DeviceFolder, Use, log_of},
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    symbol_args::SymbolArgs,
};
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
A folder may be given to every command in place of a dump: it is asked of the dump there, or of the ROM image, with the
images, symbols and ROM image that belong to it; 'vatlas log' takes the log. This command shows what that means.

Examples:
  vatlas open field/
  vatlas open field/ --list           only what belongs to what
  vatlas explain field/ crash         any question about the dump in it
  vatlas log field/                   the log, with the ROM image and maps
  vatlas open field/ --json | jq -r '.answer.files[] | [.use, .file, .why] | @tsv'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Only say what belongs to what
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    symbols: SymbolArgs,
}

/// Unused files that are shown, at the most.
const MOST_UNUSED: usize = 100;

/// What is shown.
struct Shown<'a> {
    folder: &'a DeviceFolder,
    choice: &'a Choice,
    /// Number, use and reason of each file that is shown.
    rows: Vec<(usize, Use, String)>,
    /// Unused files that are not.
    left_out: usize,
    /// Command lines that ask what is there, without the program's name.
    commands: Vec<Vec<String>>,
}

impl<'a> Shown<'a> {
    fn of(folder: &'a DeviceFolder, choice: &'a Choice) -> Self {
        let uses = (0..folder.files.len()).map(|number| {
            let (used, why) = folder.use_of(number, choice);
            (number, used, why)
        });
        let (mut rows, unused): (Vec<_>, Vec<_>) = uses.partition(|(_, used, _)| *used != Use::No);
        rows.sort_by_key(|(number, used, _)| (*used, *number));
        let left_out = unused.len().saturating_sub(MOST_UNUSED);
        rows.extend(unused.into_iter().take(MOST_UNUSED));
        Self { folder, choice, rows, left_out, commands: commands(folder, choice) }
    }
}

fn commands(folder: &DeviceFolder, choice: &Choice) -> Vec<Vec<String>> {
    let line = |command: &str| vec![command.to_owned(), folder.folder.display().to_string()];
    let is_dump = choice.target.is_some() && choice.target != choice.rom;
    let mut lines = Vec::new();
    if is_dump {
        lines.push(line("analyze"));
    }
    if choice.log.is_some() {
        lines.push(line("log"));
    }
    if choice.target.is_some() && !is_dump {
        lines.push(line("info"));
    }
    lines
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let folder = DeviceFolder::read(&args.folder)?;
    let choice = folder.choice();
    let shown = Shown::of(&folder, &choice);
    if output.json {
        let input = json!({ "folder": args.folder.display().to_string() });
        output.document(&json::document("open", input, document::whole(&shown)));
    } else {
        screen::whole(&shown, output);
    }
    if folder.files.is_empty() {
        let message = format!("{}: nothing of a device is in this folder", args.folder.display());
        return Err(Failure::could_not(message));
    }
    let exit = if folder.is_cut { Exit::Partial } else { Exit::Done };
    if output.json || args.list {
        return Ok(exit);
    }
    Ok(exit.max(answers(args, &folder, &choice, output)?))
}

/// What the dump and the log tell. One that cannot be asked does not keep the other from telling.
fn answers(args: &Args, folder: &DeviceFolder, choice: &Choice, output: &mut Output) -> Result<Exit, Failure> {
    let mut results = Vec::new();
    let path = folder.folder.display();
    let args_of_dump = TargetArgs::in_folder(&args.folder, &args.symbols);
    if let Some(target) = folder.target_args(&args_of_dump, choice).filter(|_| choice.target != choice.rom) {
        screen::asked(&format!("vatlas analyze {path}"), output);
        results.push(analyze::run_of(target, output));
    }
    if choice.log.is_some() {
        screen::asked(&format!("vatlas log {path}"), output);
        results.push(log_of(folder, &args.symbols).and_then(|found| log::run_found(found, output)));
    }
    let mut exit = Exit::Done;
    let mut failure = None;
    for result in results {
        match result {
            Ok(found) => exit = exit.max(found),
            Err(found) => failure = failure.or(Some(found)),
        }
    }
    failure.map_or(Ok(exit), Err)
}
