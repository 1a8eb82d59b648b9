//! `vatlas symbols FILE`: which symbols a dump's modules have, where they were looked for and why a file was refused;
//! of a symbol file what it holds. `vatlas symbols import` takes in files that were fetched elsewhere.

mod fetch;
mod file;
mod import;
mod modules;

use crate::{
    failure::{Exit, Failure},
    json,
    open::{Opened, TargetArgs},
    output::Output,
    symbol_args::SymbolArgs,
    words::counted,
};
use file::FileSummary;
use modules::ModuleRow;
use serde_json::json;
use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};
use vatlas_space::{Module, Problem, Target};
use vatlas_targets::{Format, ModuleFacts, ModuleTarget, recognize};

const EXAMPLES: &str = "\
Examples:
  vatlas symbols crash.dmp --symbols symbols/
  vatlas symbols crash.dmp --name greeter --trail     everywhere that was looked
  vatlas symbols crash.dmp --missing --urls > wanted  what to fetch on a computer with a network
  vatlas symbols import fetched/                      take in what was fetched
  vatlas symbols app.pdb                              what a symbol file holds
  vatlas symbols app.pdb --lines                      every record of lines in it

Nothing is ever fetched from here. This fetches what is missing:
  while read -r url path rest; do curl -fL --create-dirs -o \"fetched/$path\" \"$url\"; done < wanted";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// The dump, image or symbol file
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    /// Folder with image files (EXE, DLL) of the process, or ROM image of the device; may be given several times
    #[arg(long, value_name = "DIR")]
    images: Vec<PathBuf>,
    #[command(flatten)]
    symbols: SymbolArgs,
    /// Only modules whose name has this in it
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Show every place that was looked at and every file that was tried
    #[arg(long)]
    trail: bool,
    /// Only modules without symbols, or with those that the image exports
    #[arg(long)]
    missing: bool,
    /// Print what to fetch, one a line: address, path in a store, identity, with tabs between
    #[arg(long, requires = "missing", conflicts_with = "trail")]
    urls: bool,
    /// Of a PDB: every record of lines as it is written, one a line
    #[arg(long, conflicts_with_all = ["missing", "trail", "name"])]
    lines: bool,
}

/// What else can be done.
#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Take symbol files and images into the store of this user, each to the place that its content says
    Import(import::Args),
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(Action::Import(import)) = &args.action {
        return import::run(import, output);
    }
    let Some(file) = args.file.clone() else { return Err(Failure::usage("no file is given")) };
    let target = &TargetArgs { file, images: args.images.clone(), process: None, symbols: args.symbols.clone() };
    let own = RefCell::new(None);
    let opened = target.open_as(&ModuleFacts::default(), &|name, bytes, problem| {
        let read = FileSummary::read(&target.file);
        let summary = read.map_err(|reason| not_symbols((**bytes).as_ref(), problem, reason))?;
        *own.borrow_mut() = Some(summary);
        Ok(Box::new(ModuleTarget::of_symbols(name, &ModuleFacts::default())))
    })?;
    opened.warn(output);
    let own = own.into_inner();
    if args.lines {
        return lines_of(&target.file, output);
    }
    if let Some(summary) = own {
        return answer_file(&opened, &summary, output);
    }
    answer_modules(args, target, &opened, output)
}

/// Why a file is neither a target nor symbols: of a dump of another kind the reader of dumps knows it, of anything else
/// the reader of symbols.
fn not_symbols(bytes: &[u8], as_target: Problem, as_symbols: Problem) -> Failure {
    if !matches!(recognize(bytes), Format::Pdb | Format::Compressed | Format::Text | Format::Empty | Format::Unknown) {
        return as_target.into();
    }
    let failure = Failure::could_not(format!("{}: neither a dump nor symbols: {}", as_target.place, as_symbols.cause));
    match as_symbols.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn lines_of(path: &Path, output: &mut Output) -> Result<Exit, Failure> {
    match file::line_records(path, output)? {
        true => Ok(Exit::Done),
        false => Err(Failure::could_not(format!("{}: has no records of lines", path.display()))
            .hint("only PDBs have them; 'vatlas lines' shows the lines of a function, whatever tells them")),
    }
}

fn answer_file(opened: &Opened, summary: &FileSummary, output: &mut Output) -> Result<Exit, Failure> {
    if output.json {
        let answer = json!({ "content": summary.json(), "modules": [] });
        output.document(&json::document("symbols", opened.input(), answer));
    } else {
        summary.human(output);
    }
    Ok(summary.exit())
}

fn answer_modules(args: &Args, target: &TargetArgs, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let finder = opened.finder()?;
    output.warn(finder.environment_problems());
    let modules = wanted_modules(&*opened.target, args.name.as_deref());
    if modules.is_empty() {
        let name = args.name.as_deref().map(|name| format!(" with '{name}' in its name")).unwrap_or_default();
        return Err(Failure::could_not(format!("the dump lists no module{name}")));
    }
    let rows: Vec<_> = modules.into_iter().map(|module| ModuleRow::new(finder.found(module))).collect();
    finder.warn(output);
    let count = rows.len();
    let named = rows.iter().filter(|row| row.is_named()).count();
    let rows: Vec<_> = rows.into_iter().filter(|row| !args.missing || !row.is_named()).collect();
    let servers = fetch::servers(&finder);
    let summary = image_summary(&target.file, opened);
    if output.json {
        let modules = rows.iter().map(|row| row.json(&servers)).collect::<Vec<_>>();
        let answer = json!({ "content": summary.as_ref().map(FileSummary::json), "modules": modules });
        output.document(&json::document("symbols", opened.input(), answer));
    } else if args.urls {
        fetch::print(&rows, &servers, output);
    } else {
        if let Some(summary) = &summary {
            summary.human(output);
            output.line("");
        }
        modules::print(&rows, args.trail, output);
    }
    output.remark(&format!("symbols for {named} of {}", counted(count, "module")));
    if named < count && !args.urls && !output.json {
        let file = target.file.display();
        output.remark(&format!("'vatlas symbols {file} --missing --urls' lists what to fetch elsewhere"));
    }
    Ok(opened.exit())
}

/// What an image holds by itself.
fn image_summary(path: &Path, opened: &Opened) -> Option<FileSummary> {
    (opened.target.kind().format == "PE").then(|| FileSummary::read(path).ok()).flatten()
}

/// The modules of all processes, each build once, by name.
fn wanted_modules<'t>(target: &'t dyn Target, name: Option<&str>) -> Vec<&'t Module> {
    let name = name.map(str::to_ascii_lowercase);
    let is_wanted =
        |module: &&Module| name.as_ref().is_none_or(|name| module.name().to_ascii_lowercase().contains(&**name));
    let mut modules: Vec<&Module> = Vec::new();
    for module in target.processes().iter().flat_map(|process| &process.modules).filter(is_wanted) {
        let is_same = |known: &&Module| {
            known.path == module.path
                && known.time_date_stamp == module.time_date_stamp
                && known.range.size() == module.range.size()
        };
        if !modules.iter().any(is_same) {
            modules.push(module);
        }
    }
    modules.sort_by_key(|module| module.range.first());
    modules
}
