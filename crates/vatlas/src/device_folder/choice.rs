//! Which files of a folder a question is asked of, and with what beside them; several that would do are told.

use super::{
    DeviceFile, DeviceFolder,
    belongs::{Belonging, Sureness},
    log_names::LogNames,
    owner::Agreement,
    sort::Sort,
};
use crate::{failure::Failure, open::TargetArgs, symbol_args::SymbolArgs, words::counted};
use std::{path::PathBuf, rc::Rc};

/// So many listings of the compiler are named to the finder of symbols.
const MOST_LISTINGS: usize = 512;
/// So many candidates are told.
const MOST_TOLD: usize = 20;

/// What is asked, and what is used beside it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Choice {
    /// The dump, or the ROM image of a folder without dumps.
    pub target: Option<usize>,
    /// The log.
    pub log: Option<usize>,
    /// The ROM image beside the dump or the log.
    pub rom: Option<usize>,
    /// The ROM image beside the log, where that is not the one beside the dump.
    pub log_rom: Option<usize>,
    /// The module list beside the log.
    pub modules: Option<usize>,
    /// Why something was not chosen.
    pub doubts: Vec<Doubt>,
}

/// Several files of which one is needed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doubt {
    /// What they are: `dumps`.
    pub what: &'static str,
    /// Which.
    pub files: Vec<usize>,
}

/// A log with what is beside it.
pub struct ChosenLog {
    /// The log.
    pub file: PathBuf,
    /// The ROM image.
    pub rom: Option<PathBuf>,
    /// The module list.
    pub modules: Option<PathBuf>,
    /// Where symbols are.
    pub symbols: SymbolArgs,
    /// What was chosen, in words.
    pub remark: String,
}

impl DeviceFolder {
    /// Chooses.
    pub fn choice(&self) -> Choice {
        let mut choice = Choice::default();
        let dumps = self.of_sort(|sort| matches!(sort, Sort::Dump(_)));
        let roms = self.of_sort(|sort| matches!(sort, Sort::Rom(_)));
        choice.target = choice.one("dumps", &dumps);
        choice.log = choice.one("logs", &self.logs());
        let lists = self.of_sort(|sort| matches!(sort, Sort::ModuleList));
        choice.modules = choice.one("module lists", &lists);
        let beside = if dumps.is_empty() { choice.log } else { choice.target };
        choice.rom = match beside {
            Some(beside) => self.rom_of(beside, &roms, &mut choice),
            None => choice.one("ROM images", &roms),
        };
        if dumps.is_empty() {
            choice.target = choice.rom;
        }
        choice.log_rom = choice.log.and_then(|log| self.rom_of(log, &roms, &mut Choice::default()));
        choice
    }

    /// Logs with crashes; without any those with something else of a device.
    fn logs(&self) -> Vec<usize> {
        let of = |is_wanted: fn(&LogNames) -> bool| {
            self.of_sort(|sort| matches!(sort, Sort::Log(names) if is_wanted(names)))
        };
        let crashed = of(|names| names.crashes > 0);
        if crashed.is_empty() { of(|_| true) } else { crashed }
    }

    /// The ROM image that agrees best; the only one also where nothing speaks for it and nothing against.
    fn rom_of(&self, beside: usize, roms: &[usize], choice: &mut Choice) -> Option<usize> {
        let with = |rom: &usize| Some((*rom, self.agreement(beside, *rom)?));
        let known: Vec<(usize, Agreement)> =
            roms.iter().filter_map(with).filter(|(_, found)| !found.differs()).collect();
        let best = known.iter().map(|(_, found)| (found.equal, found.unknown)).max()?;
        let fitting: Vec<usize> =
            known.iter().filter(|(_, found)| (found.equal, found.unknown) == best).map(|(rom, _)| *rom).collect();
        let is_log = matches!(self.files.get(beside).map(|file| &file.sort), Some(Sort::Log(_)));
        if best == (0, 0) && !(is_log && roms.len() == 1) {
            return None;
        }
        choice.one("ROM images", &fitting)
    }

    /// What the dump, or the ROM image, is opened with.
    pub fn target_args(&self, args: &TargetArgs, choice: &Choice) -> Option<TargetArgs> {
        let taken = self.files.get(choice.target?)?;
        Some(self.with_all(args, taken, choice.rom.filter(|rom| choice.target != Some(*rom))))
    }

    fn with_all(&self, args: &TargetArgs, taken: &DeviceFile, rom: Option<usize>) -> TargetArgs {
        let images = args.images.iter().cloned().chain(self.path(rom)).collect();
        let symbols = self.symbols(&args.symbols);
        TargetArgs { file: taken.path.clone(), images, process: args.process.clone(), symbols }
    }

    fn path(&self, number: Option<usize>) -> Option<PathBuf> {
        number.and_then(|number| self.files.get(number)).map(|file| file.path.clone())
    }

    /// The options about symbols: the folder itself, and what the finder would not see in it by name.
    pub fn symbols(&self, given: &SymbolArgs) -> SymbolArgs {
        let is_renamed = |file: &&DeviceFile| matches!(file.sort, Sort::Symbols(_)) && self.is_renamed(file);
        let listings = self.files.iter().filter(|file| file.sort == Sort::Listing).take(MOST_LISTINGS);
        let mut symbols = given.clone();
        symbols.symbols.extend(self.files.iter().filter(is_renamed).chain(listings).map(|file| file.path.clone()));
        symbols.folder = Some(Rc::clone(&self.index));
        symbols
    }

    /// Whether a file belongs to a module by identity alone, and none that is called so does.
    fn is_renamed(&self, file: &DeviceFile) -> bool {
        let mut sure = file.belongs.iter().filter(|belonging| belonging.sureness == Sureness::Identity);
        sure.any(|belonging| !belonging.is_named_so && self.named_file(belonging).is_none())
    }

    /// The file of a module that has its name and its identity.
    pub fn named_file(&self, of: &Belonging) -> Option<&DeviceFile> {
        self.files.iter().find(|file| {
            let is_it = |belonging: &Belonging| {
                (belonging.owner, &belonging.module, belonging.sureness) == (of.owner, &of.module, Sureness::Identity)
            };
            matches!(file.sort, Sort::Symbols(_)) && file.belongs.iter().any(|found| found.is_named_so && is_it(found))
        })
    }

    /// A file as a candidate: its path, and what it is.
    fn told(&self, number: usize) -> Option<(String, String)> {
        let file = self.files.get(number)?;
        Some((file.path.display().to_string(), self.description(file)))
    }

    /// What a file is and says of itself.
    pub fn description(&self, file: &DeviceFile) -> String {
        let number = self.files.iter().position(|other| std::ptr::eq(other, file));
        let target =
            self.owners.iter().find(|owner| Some(owner.file) == number).and_then(|owner| owner.target.as_ref());
        match (&file.sort, target) {
            (Sort::Log(names), _) => format!("log: {}", names.words()),
            (_, Some(target)) => match target.kind().taken_at {
                Some(taken) => format!("{}, taken {}", target.kind().description, crate::words::utc(taken)),
                None => target.kind().description.clone(),
            },
            (sort, None) => sort.words().to_owned(),
        }
    }

    fn remark(&self, taken: &DeviceFile, beside: &[Option<usize>]) -> String {
        let beside = beside.iter().flatten().filter_map(|number| self.files.get(*number));
        let names: Vec<String> = beside.map(|file| self.name(file)).collect();
        let with = if names.is_empty() { String::new() } else { format!(" with {}", names.join(" and ")) };
        let folder = self.folder.display();
        format!("{folder}: asking {}{with}", self.name(taken))
    }

    fn ambiguous(&self, doubt: &Doubt) -> Failure {
        let told = doubt.files.iter().filter_map(|number| self.told(*number)).take(MOST_TOLD);
        let message = format!("{}: {} {} are in this folder", self.folder.display(), doubt.files.len(), doubt.what);
        Failure::usage(message).hint("name one of them").corrections(told.collect())
    }

    fn nothing(&self, what: &str) -> Failure {
        let count = counted(self.files.len() + self.others, "file");
        let message = format!("{}: no {what} is in this folder, among {count}", self.folder.display());
        Failure::could_not(message)
    }
}

impl Choice {
    /// The only one; several are a doubt.
    fn one(&mut self, what: &'static str, files: &[usize]) -> Option<usize> {
        if let [_, _, ..] = files {
            self.doubts.push(Doubt { what, files: files.to_vec() });
        }
        match files {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// The doubt about files of a sort.
    pub fn doubt(&self, what: &str) -> Option<&Doubt> {
        self.doubts.iter().find(|doubt| doubt.what == what)
    }
}

/// What to open when a folder is given for a dump, and a remark that says so.
///
/// # Errors
/// Nothing in it can be opened, or several dumps can.
pub fn target_of(args: &TargetArgs) -> Result<(TargetArgs, String), Failure> {
    let folder = DeviceFolder::read(&args.file)?;
    let choice = folder.choice();
    let has_dumps = choice.doubt("dumps").or_else(|| choice.doubt("ROM images").filter(|_| choice.target.is_none()));
    if let Some(doubt) = has_dumps {
        return Err(folder.ambiguous(doubt));
    }
    let Some(taken) = choice.target.and_then(|number| folder.files.get(number)) else {
        let failure = folder.nothing("dump or ROM image that can be opened");
        return Err(match choice.log.is_some() || choice.doubt("logs").is_some() {
            true => failure.hint(format!("there is a log: vatlas log {}", folder.folder.display())),
            false => failure.hint(format!("'vatlas open {}' says what is there", folder.folder.display())),
        });
    };
    let rom = choice.rom.filter(|rom| choice.target != Some(*rom));
    Ok((folder.with_all(args, taken, rom), folder.remark(taken, &[rom])))
}

/// The log of a folder, with the ROM image, the module list and the symbols there.
///
/// # Errors
/// There is no log, or there are several.
pub fn log_of(folder: &DeviceFolder, symbols: &SymbolArgs) -> Result<ChosenLog, Failure> {
    let choice = folder.choice();
    if let Some(doubt) = choice.doubt("logs") {
        return Err(folder.ambiguous(doubt));
    }
    let Some(taken) = choice.log.and_then(|number| folder.files.get(number)) else {
        return Err(folder.nothing("log with a crash or a memory listing"));
    };
    let rom = choice.log_rom;
    Ok(ChosenLog {
        file: taken.path.clone(),
        rom: folder.path(rom),
        modules: folder.path(choice.modules),
        symbols: folder.symbols(symbols),
        remark: folder.remark(taken, &[rom, choice.modules]),
    })
}
