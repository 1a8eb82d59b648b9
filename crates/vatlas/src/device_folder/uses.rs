//! What becomes of each file of a folder, and why.

use super::{
    DeviceFile, DeviceFolder,
    belongs::{Belonging, Sureness},
    choice::Choice,
    owner::Agreement,
    sort::Sort,
};
use std::collections::HashSet;

/// What becomes of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Use {
    /// Questions are asked of it.
    Asked,
    /// It is used, and both sides say that they belong together.
    Sure,
    /// It is used by its name alone, or because nothing speaks against it.
    Unchecked,
    /// It is not used.
    No,
}

impl Use {
    /// For people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Sure => "yes",
            Self::Unchecked => "unchecked",
            Self::No => "no",
        }
    }
}

impl DeviceFolder {
    /// Numbers of the files whose modules count: those that are asked, and the ROM image beside them.
    fn asked(choice: &Choice) -> Vec<usize> {
        [choice.target, choice.rom, choice.log, choice.log_rom].into_iter().flatten().collect()
    }

    /// What becomes of a file, and why.
    pub fn use_of(&self, number: usize, choice: &Choice) -> (Use, String) {
        let Some(file) = self.files.get(number) else { return (Use::No, String::new()) };
        if let Some(reason) = &file.refused {
            return (Use::No, reason.clone());
        }
        match &file.sort {
            Sort::Dump(_) | Sort::Rom(_) | Sort::Log(_) => self.use_of_owner(number, choice),
            Sort::ModuleList => match choice.modules == Some(number) && choice.log.is_some() {
                true => (Use::Unchecked, "the only module list".to_owned()),
                false if choice.log.is_none() => (Use::No, "only a log needs it, and none is asked".to_owned()),
                false => (Use::No, "there are several".to_owned()),
            },
            Sort::Listing => self.use_of_listing(choice),
            _ => self.use_by_module(file, &Self::asked(choice)),
        }
    }

    fn use_of_owner(&self, number: usize, choice: &Choice) -> (Use, String) {
        let is_dump = choice.target != choice.rom;
        let described = || self.files.get(number).map(|file| self.description(file)).unwrap_or_default();
        if is_dump && choice.target == Some(number) {
            return (Use::Asked, described());
        }
        if choice.log == Some(number) {
            return (Use::Asked, self.use_of_log(number, choice.target.filter(|_| is_dump)));
        }
        let dump = choice.target.filter(|_| is_dump && choice.rom == Some(number));
        let beside = dump.or(choice.log.filter(|_| choice.log_rom == Some(number)));
        let told = |with: usize| Some((self.agreement(with, number)?, self.name(self.files.get(with)?)));
        if let Some((found, name)) = beside.and_then(told) {
            let words = format!("{name}: {}", found.words());
            return match found {
                Agreement { equal: 1.., .. } => (Use::Sure, words),
                Agreement { unknown: 1.., .. } => (Use::Unchecked, words),
                _ => (Use::Unchecked, format!("{words}; nothing speaks against it")),
            };
        }
        if choice.target == Some(number) {
            return (Use::Asked, described());
        }
        if choice.doubts.iter().any(|doubt| doubt.files.contains(&number)) {
            return (Use::No, "there are several; name one of them".to_owned());
        }
        let main = choice.target.filter(|_| is_dump).or(choice.log).and_then(told);
        (
            Use::No,
            main.map_or_else(
                || "another one is asked".to_owned(),
                |(found, name)| format!("{name}: {}", found.words()),
            ),
        )
    }

    fn use_of_log(&self, log: usize, dump: Option<usize>) -> String {
        let description = self.files.get(log).map(|file| self.description(file)).unwrap_or_default();
        let words = description.trim_start_matches("log: ");
        let dump = dump.and_then(|dump| Some((self.agreement(log, dump)?, self.name(self.files.get(dump)?))));
        match dump {
            None => words.to_owned(),
            Some((found, name)) if found.equal + found.unknown == 0 => {
                format!("{words}; {name}: {}, it may be of another device", found.words())
            }
            Some((found, name)) => format!("{words}; {name}: {}", found.words()),
        }
    }

    /// Listings tell lines for functions of maps and PDBs.
    fn use_of_listing(&self, choice: &Choice) -> (Use, String) {
        let has_symbols = self.has_symbols.get_or_init(|| {
            let asked = Self::asked(choice);
            let mut symbols = self.files.iter().filter(|file| matches!(file.sort, Sort::Symbols(_)));
            symbols.any(|file| self.use_by_module(file, &asked).0 < Use::No)
        });
        match has_symbols {
            true => (
                Use::Unchecked,
                "lines of the functions that a map or PDB names, where names and sizes agree".to_owned(),
            ),
            false => (Use::No, "there is no map or PDB in use whose functions it could have lines for".to_owned()),
        }
    }

    fn use_by_module(&self, file: &DeviceFile, asked: &[usize]) -> (Use, String) {
        let told = |belonging: &Belonging| format!("{}: {}", belonging.module, belonging.why);
        let of = |sureness: Sureness| {
            let mut asked = file.belongs.iter().filter(|belonging| asked.contains(&belonging.owner));
            asked.find(|belonging| belonging.sureness == sureness)
        };
        // A log knows names alone: what a dump or a ROM image says of another build goes before that.
        if let Some(found) = of(Sureness::Identity) {
            let may_be_needless = !found.is_named_so && matches!(file.sort, Sort::Symbols(_));
            let named = if may_be_needless { self.named_file(found) } else { None };
            return match named {
                Some(named) => (Use::No, format!("{}; {} is used", told(found), self.name(named))),
                None => (Use::Sure, told(found)),
            };
        }
        if let Some(found) = of(Sureness::Not) {
            return (Use::No, told(found));
        }
        match (of(Sureness::Name), file.belongs.first()) {
            (Some(found), _) => (Use::Unchecked, told(found)),
            (None, Some(other)) => (Use::No, format!("of another file: {}", told(other))),
            (None, None) => (Use::No, "no module is called so, and none is of its build".to_owned()),
        }
    }

    /// Modules of what is asked, each name once, and those for which no file with symbols is used.
    pub fn modules_without_symbols(&self, choice: &Choice) -> (usize, Vec<String>) {
        let asked = Self::asked(choice);
        let symbols = self.files.iter().filter(|file| matches!(file.sort, Sort::Symbols(_)));
        let usable = |belonging: &&Belonging| belonging.sureness > Sureness::Not && asked.contains(&belonging.owner);
        let used = symbols.flat_map(|file| file.belongs.iter().filter(usable));
        let named: HashSet<String> = used.map(|belonging| belonging.module.to_ascii_lowercase()).collect();
        let mut seen = HashSet::new();
        let all = self.owners.iter().filter(|owner| asked.contains(&owner.file)).flat_map(|owner| &owner.modules);
        let mut without = Vec::new();
        for module in all {
            let name = module.name().to_ascii_lowercase();
            if seen.insert(name.clone()) && !named.contains(&name) {
                without.push(module.name().to_owned());
            }
        }
        (seen.len(), without)
    }
}
