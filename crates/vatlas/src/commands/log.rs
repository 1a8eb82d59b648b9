//! `vatlas log FILE|-`: the crashes in a log of Windows CE, grouped and explained.

mod document;
mod found;
mod input;
mod rom;
mod screen;

use crate::{
    commands::layout_name_parser,
    device_folder::{self, ChosenLog, DeviceFolder},
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
    ce_crash::{CrashContext, CrashGroups, RomModules},
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
  vatlas log boot.txt --rom nk.bin                 modules by the device's ROM image, functions that they export
  vatlas log boot.txt --rom nk.bin --symbols maps/
  vatlas log boot.txt --symbols maps/ --modules device.txt
  vatlas log boot.txt --json | jq '.answer.groups[].headline'
  vatlas log boot.txt --follow                     crashes as they come; Ctrl+C ends it
  cat /dev/ttyUSB0 | vatlas log - --follow         the same from a serial line

Devices before CE 5 print no module: the ROM image (--rom), or a module list (--modules, that of 'vatlas place') tells.";

/// Arguments.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The log, or a folder with it and other files of the device; '-' reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// ROM image of the device, .bin or .nb0: module and offset of every address, exported names
    #[arg(long, value_name = "IMAGE")]
    rom: Option<PathBuf>,
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

impl Args {
    /// The log of a folder with what else is there; what the user names goes before that.
    fn in_folder(&self, found: ChosenLog) -> Self {
        let rom = self.rom.clone().or(found.rom);
        let modules = self.modules.clone().or(found.modules);
        Self { file: found.file, rom, modules, symbols: found.symbols, ..self.clone() }
    }
}

/// Answers about the log of a folder.
pub fn run_found(found: ChosenLog, output: &mut Output) -> Result<Exit, Failure> {
    let (file, symbols) = (found.file.clone(), found.symbols.clone());
    run(&Args { file, rom: None, modules: None, layout: None, follow: false, symbols }.in_folder(found), output)
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    if args.file.as_os_str() != "-" && args.file.is_dir() {
        let found = device_folder::log_of(&DeviceFolder::read(&args.file)?, &args.symbols)?;
        output.remark(&found.remark);
        return run(&args.in_folder(found), output);
    }
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
    let rom = args.rom.as_deref().map(|path| rom::open(path, output)).transpose()?;
    let finder = SymbolFinder::new(&args.symbols, beside, &[])?;
    let finder = match &rom {
        Some(target) => finder.with_memory(target),
        None => finder,
    };
    let rom = rom.as_ref().map(rom::modules);
    let mut log = Log { args, found: Found::new(list), rom, finder, is_list_whole };
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
    rom: Option<RomModules>,
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
            let context = context(self.args, &self.found.list, self.rom.as_ref(), &NoSymbols);
            self.found.groups.add(&crash, &context);
            return;
        }
        let place = crash.place;
        let context = context(self.args, &self.found.list, self.rom.as_ref(), &self.finder);
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
            let context = context(self.args, &self.found.list, self.rom.as_ref(), &self.finder);
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

fn context<'a>(
    args: &Args,
    list: &'a ModuleList,
    rom: Option<&'a RomModules>,
    symbols: &'a dyn SymbolProvider,
) -> CrashContext<'a> {
    CrashContext { layout: args.layout, list, rom, symbols }
}
