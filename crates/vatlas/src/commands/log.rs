//! `vatlas log FILE|-`: the crashes in a log of Windows CE, grouped and explained.

mod document;
mod found;
mod input;
mod screen;

use crate::{
    commands::layout_name_parser,
    failure::{Exit, Failure},
    json,
    output::Output,
    symbol_args::SymbolArgs,
    symbol_finder::SymbolFinder,
};
use found::Found;
use input::Piece;
use std::path::PathBuf;
use vatlas_debug::{
    ce_crash::{CrashContext, CrashGroups},
    symbol_provider::{NoSymbols, SymbolProvider},
};
use vatlas_images::ce_log::{LogItem, LogParser};
use vatlas_rules::ModuleList;
use vatlas_space::LayoutName;

const EXAMPLES: &str = "\
The log may be what a serial port sent, with anything else between: UTF-8, Latin-1 or UTF-16, wrapped lines, prefixes of
debuggers. Exit code 4 when it holds crashes, 0 when it holds none.

Examples:
  vatlas log boot.txt
  vatlas log boot.txt --symbols maps/ --modules device.txt
  vatlas log boot.txt --json | jq '.answer.groups[].headline'
  vatlas log boot.txt --follow                     crashes as they come; Ctrl+C ends it
  cat /dev/ttyUSB0 | vatlas log - --follow         the same from a serial line

A module list (--modules) is that of 'vatlas place'; devices before CE 5 print no module, so only it can tell.";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The log; '-' reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// List of modules and processes of the device
    #[arg(long, value_name = "FILE")]
    modules: Option<PathBuf>,
    /// Whose rules addresses follow: ce3 to ce7, wm6; else the text shows it
    #[arg(long, value_name = "NAME", value_parser = layout_name_parser(), ignore_case = true)]
    layout: Option<LayoutName>,
    /// Go on when the log ends, and tell crashes as they come
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    symbols: SymbolArgs,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(layout) = args.layout.filter(|layout| !is_ce(*layout)) {
        let message = format!("--layout {layout}: crash text is of Windows CE");
        return Err(Failure::usage(message).hint("ce3, ce4, ce5, wm6, ce6 and ce7 are"));
    }
    let (list, is_list_whole) = match &args.modules {
        Some(path) => input::module_list(path, output)?,
        None => (ModuleList::default(), true),
    };
    let is_standard = args.file.as_os_str() == "-";
    let beside = Some(args.file.as_path()).filter(|_| !is_standard);
    let finder = SymbolFinder::new(&args.symbols, beside, &[])?;
    let mut log = Log { args, found: Found::new(list), finder, is_list_whole };
    input::read(&args.file, args.follow, &mut |piece| log.take(piece, output))?;
    log.answer(output)
}

fn is_ce(layout: LayoutName) -> bool {
    layout.has_slots() || matches!(layout, LayoutName::Ce6 | LayoutName::Ce7)
}

/// A log that is being read.
struct Log<'a> {
    args: &'a Args,
    found: Found,
    finder: SymbolFinder<'a>,
    is_list_whole: bool,
}

impl Log<'_> {
    /// Takes a piece; whether more is wanted.
    fn take(&mut self, piece: Piece<'_>, output: &mut Output) -> bool {
        let parser: &mut LogParser = &mut self.found.parser;
        match piece {
            Piece::Bytes(bytes) => parser.push(bytes),
            Piece::Pause => parser.settle(),
            Piece::End => parser.finish(),
        }
        for item in self.found.parser.take() {
            self.item(item, output);
        }
        if self.args.follow {
            output.flush();
        }
        !output.is_closed()
    }

    fn item(&mut self, item: LogItem, output: &mut Output) {
        let LogItem::Crash(crash) = item else { return self.found.add(item) };
        if !self.args.follow {
            // Symbols are asked once, at the end, when the processes that the log lists are known too.
            let context = context(self.args, &self.found.list, &NoSymbols);
            self.found.groups.add(&crash, &context);
            return;
        }
        let place = crash.place;
        let context = context(self.args, &self.found.list, &self.finder);
        let added = self.found.groups.add(&crash, &context);
        self.finder.warn(output);
        let Some((index, is_new)) = added else { return };
        let Some(group) = self.found.groups.groups().get(index) else { return };
        if output.json {
            let crash = document::follow(index, is_new, place, group);
            output.line(&json::line(&crash));
        } else if is_new {
            screen::group(index, group, output);
        } else {
            screen::again(index, place, group, output);
        }
    }

    fn answer(mut self, output: &mut Output) -> Result<Exit, Failure> {
        if !self.args.follow {
            let context = context(self.args, &self.found.list, &self.finder);
            self.found.groups.explain_again(&context);
            self.finder.warn(output);
            let name = self.args.file.display().to_string();
            if output.json {
                output.document(&document::whole(&name, &self.found));
            } else {
                screen::whole(&name, &self.found, output);
            }
        }
        Ok(self.exit())
    }

    fn exit(&self) -> Exit {
        let groups: &CrashGroups = &self.found.groups;
        match (groups.count(), self.found.is_damaged() || !self.is_list_whole) {
            (0, false) => Exit::Done,
            (0, true) => Exit::Partial,
            _ => Exit::CrashFound,
        }
    }
}

fn context<'a>(args: &Args, list: &'a ModuleList, symbols: &'a dyn SymbolProvider) -> CrashContext<'a> {
    CrashContext { layout: args.layout, list, symbols }
}
