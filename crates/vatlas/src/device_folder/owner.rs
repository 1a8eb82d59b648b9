//! What lists modules, a dump, a ROM image or a log, and how two of them agree.

use super::{DeviceFile, sort::Sort};
use crate::open::map_file;
use std::collections::{HashMap, HashSet};
use vatlas_space::{Module, Target, Va, VaRange};
use vatlas_targets::NoImageFiles;

/// So many dumps and ROM images of a folder are opened.
const MOST_OPENED: usize = 32;
/// So many modules of one are looked at.
const MOST_MODULES: usize = 1 << 16;

/// A file that lists modules.
pub struct Owner {
    /// Its number in the folder.
    pub file: usize,
    /// Its modules, each once.
    pub modules: Vec<Module>,
    /// The target, of a dump or a ROM image.
    pub target: Option<Box<dyn Target>>,
}

/// Opens what lists modules; a file that cannot be opened is refused with the reason.
pub fn owners(files: &mut [DeviceFile]) -> Vec<Owner> {
    let mut owners = Vec::new();
    let mut opened = 0;
    for (number, file) in files.iter_mut().enumerate() {
        match &file.sort {
            Sort::Dump(_) | Sort::Rom(_) if opened < MOST_OPENED => {
                opened += 1;
                match open(file) {
                    Ok(target) => owners.push(Owner { file: number, modules: modules(&*target), target: Some(target) }),
                    Err(reason) => file.refused = Some(reason),
                }
            }
            Sort::Dump(_) | Sort::Rom(_) => {
                file.refused = Some(format!("{MOST_OPENED} dumps and ROM images are before it in this folder"));
            }
            Sort::Log(names) => {
                let modules = names.names.iter().filter_map(|(name, base)| named(name, *base)).collect();
                owners.push(Owner { file: number, modules, target: None });
            }
            _ => {}
        }
    }
    owners
}

fn open(file: &DeviceFile) -> Result<Box<dyn Target>, String> {
    let bytes = map_file(&file.path).map_err(|failure| failure.message().to_owned())?;
    let target = vatlas_targets::open(bytes, Box::new(NoImageFiles)).map_err(|problem| problem.to_string())?;
    if target.processes().is_empty() { Err("it holds no process".to_owned()) } else { Ok(target) }
}

/// The modules of all processes, each once.
fn modules(target: &dyn Target) -> Vec<Module> {
    let mut seen = HashSet::new();
    let all = target.processes().iter().flat_map(|process| &process.modules).take(MOST_MODULES);
    let is_new =
        |module: &&Module| seen.insert((module.name().to_ascii_lowercase(), module.range, module.time_date_stamp));
    all.filter(is_new).cloned().collect()
}

/// A module that a log names.
fn named(name: &str, base: Option<Va>) -> Option<Module> {
    Some(Module {
        path: name.to_owned(),
        range: VaRange::sized(base.unwrap_or(Va(0)), 1)?,
        data: None,
        time_date_stamp: 0,
        checksum: 0,
        version: None,
        debug_record: None,
    })
}

/// How the modules of two files agree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Agreement {
    /// Modules of one name that have one address or one time stamp.
    pub equal: usize,
    /// Modules of one name of which one file tells neither.
    pub unknown: usize,
    /// Modules of one name that differ in both.
    pub different: usize,
    /// Names of the first file.
    pub of: usize,
}

impl Agreement {
    /// Whether something speaks against one device.
    pub fn differs(&self) -> bool {
        self.different > self.equal
    }

    /// In words.
    pub fn words(&self) -> String {
        let Self { equal, unknown, different, of } = *self;
        let mut parts = Vec::new();
        if equal > 0 {
            parts.push(format!("name and address or time stamp of {equal} of {of} modules are equal"));
        }
        if unknown > 0 {
            parts.push(match equal {
                0 => format!("{unknown} of {of} names are in both"),
                _ => format!("the name of {unknown} more"),
            });
        }
        if different > 0 {
            parts.push(format!("{different} of the same name differ"));
        }
        if parts.is_empty() { "no module has a name in common".to_owned() } else { parts.join(", ") }
    }
}

/// How the modules of `of` agree with those of `with`.
pub fn agreement(of: &Owner, with: &Owner) -> Agreement {
    let mut by_name: HashMap<String, Vec<&Module>> = HashMap::new();
    for module in &with.modules {
        by_name.entry(module.name().to_ascii_lowercase()).or_default().push(module);
    }
    let mut found = Agreement::default();
    let mut seen = HashSet::new();
    for module in &of.modules {
        let name = module.name().to_ascii_lowercase();
        if !seen.insert(name.clone()) {
            continue;
        }
        found.of += 1;
        let Some(others) = by_name.get(&name) else { continue };
        match others.iter().map(|other| is_same(module, other)).max() {
            Some(Likeness::Equal) => found.equal += 1,
            Some(Likeness::Unknown) => found.unknown += 1,
            Some(Likeness::Different) => found.different += 1,
            None => {}
        }
    }
    found
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    Different,
    Unknown,
    Equal,
}

/// Whether two modules of one name are one: a ROM gives its modules their addresses, a linker its time stamp. Programs
/// of Windows CE all lie at one address, which tells nothing.
fn is_same(a: &Module, b: &Module) -> Likeness {
    const PROGRAM: Va = Va(0x1_0000);
    let stamps = [a, b].map(|module| module.time_date_stamp);
    if stamps.iter().all(|stamp| *stamp != 0) {
        return if stamps[0] == stamps[1] { Likeness::Equal } else { Likeness::Different };
    }
    let bases = [a, b].map(|module| module.range.first());
    if bases.contains(&Va(0)) || bases.contains(&PROGRAM) {
        return Likeness::Unknown;
    }
    if bases[0] == bases[1] { Likeness::Equal } else { Likeness::Different }
}
