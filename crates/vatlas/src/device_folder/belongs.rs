//! Which module a symbol file or an image belongs to: by name, and by what both say of the build.

use super::{
    DeviceFile,
    owner::Owner,
    sort::{Sort, SymbolSort},
};
use crate::symbol_finder::{self, content::load, names::Wanted};
use std::collections::{HashMap, HashSet};
use vatlas_images::pe::PeHeaders;
use vatlas_space::{Module, Problem};
use vatlas_symbols::{
    Identity, MapFile, SymbolFile, breakpad,
    identity::{FileIdentity, Verdict, judge, wanted_by},
};

/// So many PDBs that are called like no module are asked for their identity.
const MOST_UNNAMED: usize = 1024;
/// Bytes of a text in which it says what it belongs to.
const FRONT: usize = 4096;

/// How sure it is that a file belongs to a module; better is greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sureness {
    /// It does not, although it is called so.
    Not,
    /// By its name alone.
    Name,
    /// Both say that they are of one build.
    Identity,
}

impl Sureness {
    /// For programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Not => "other-build",
            Self::Name => "name",
            Self::Identity => "identity",
        }
    }
}

/// A file and a module.
pub struct Belonging {
    /// Number of the file that lists the module.
    pub owner: usize,
    /// The module's name.
    pub module: String,
    /// How sure.
    pub sureness: Sureness,
    /// Whether the file is called as the finder of symbols looks for it.
    pub is_named_so: bool,
    /// What is equal, what differs, or what is not told.
    pub why: String,
}

/// Which owner, which of its modules.
type ModulePlace = (usize, usize);

/// Modules by what their files are called, and by identity.
#[derive(Default)]
struct Modules {
    by_name: HashMap<String, Vec<ModulePlace>>,
    by_identity: HashMap<Identity, Vec<ModulePlace>>,
}

impl Modules {
    fn of(owners: &[Owner]) -> Self {
        let mut modules = Self::default();
        for (number, owner) in owners.iter().enumerate() {
            for (index, module) in owner.modules.iter().enumerate() {
                for name in Wanted::of(module).names {
                    modules.by_name.entry(name.to_ascii_lowercase()).or_default().push((number, index));
                }
                let stamp = Some(module.time_date_stamp).filter(|stamp| *stamp != 0).map(Identity::TimeDateStamp);
                let record = module.debug_record.as_ref().and_then(wanted_by);
                for identity in stamp.into_iter().chain(record) {
                    modules.by_identity.entry(identity).or_default().push((number, index));
                }
            }
        }
        modules
    }

    /// Modules of this very identity, when they are all of one name: a build may give several modules one time stamp.
    /// The title of a map is that of its module, which decides between several.
    fn identical(&self, owners: &[Owner], identity: Identity, title: Option<&str>) -> Vec<ModulePlace> {
        let name = |place: &ModulePlace| Some(module(owners, *place)?.name().to_ascii_lowercase());
        let is_called = |place: &&ModulePlace| match (title, name(place)) {
            (Some(title), Some(name)) => name.rsplit_once('.').map_or(&*name, |(stem, _)| stem) == title,
            _ => true,
        };
        let found: Vec<ModulePlace> =
            self.by_identity.get(&identity).into_iter().flatten().filter(is_called).copied().collect();
        let names: HashSet<_> = found.iter().filter_map(name).collect();
        if names.len() == 1 { found } else { Vec::new() }
    }
}

fn module(owners: &[Owner], (owner, index): ModulePlace) -> Option<&Module> {
    owners.get(owner)?.modules.get(index)
}

/// Says of every symbol file and image which modules it belongs to.
pub fn join(files: &mut [DeviceFile], owners: &[Owner]) {
    let modules = Modules::of(owners);
    let mut unnamed = 0;
    for file in files.iter_mut().filter(|file| matches!(file.sort, Sort::Image | Sort::Symbols(_))) {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let called = modules.by_name.get(&name).map_or(&[][..], Vec::as_slice);
        if called.is_empty() {
            unnamed += 1;
        }
        if called.is_empty() && (unnamed > MOST_UNNAMED || modules.by_identity.is_empty()) {
            continue;
        }
        let identity = match identity(file) {
            Ok(identity) => identity,
            Err(reason) => {
                file.refused = Some(reason);
                continue;
            }
        };
        let mut found: Vec<Belonging> =
            called.iter().filter_map(|place| belonging(owners, *place, file, &identity, true)).collect();
        let is_sure = found.iter().any(|belonging| belonging.sureness == Sureness::Identity);
        // An image with another name is looked for by nobody.
        let may_be_renamed = !is_sure && matches!(file.sort, Sort::Symbols(_));
        if let (true, Some(known)) = (may_be_renamed, identity.identity) {
            let title = (file.sort == Sort::Symbols(SymbolSort::Map)).then(|| title(file)).flatten();
            let others = modules.identical(owners, known, title.as_deref()).into_iter();
            let others = others.filter(|place| !called.contains(place));
            let others = others.filter_map(|place| belonging(owners, place, file, &identity, false));
            found.extend(others.filter(|belonging| belonging.sureness == Sureness::Identity));
        }
        file.belongs = best(found);
    }
}

/// Of each owner the best, best first.
fn best(mut found: Vec<Belonging>) -> Vec<Belonging> {
    found.sort_by_key(|belonging| (std::cmp::Reverse(belonging.sureness), belonging.owner));
    let mut kept: Vec<Belonging> = Vec::new();
    for belonging in found {
        if !kept.iter().any(|known| known.owner == belonging.owner) {
            kept.push(belonging);
        }
    }
    kept
}

/// The name of its module that a map has in its first line, in small letters.
fn title(file: &DeviceFile) -> Option<String> {
    let (bytes, _) = load(&file.path).ok()?;
    let content: &[u8] = (*bytes).as_ref();
    let front = String::from_utf8_lossy(content.get(..content.len().min(FRONT))?).into_owned();
    let line = front.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.to_ascii_lowercase()).filter(|line| !line.contains(' '))
}

/// The identity of a file, from its front but for a PDB, whose parts lie anywhere.
fn identity(file: &DeviceFile) -> Result<FileIdentity, String> {
    let (bytes, _) = load(&file.path)?;
    let content: &[u8] = (*bytes).as_ref();
    let front = content.get(..content.len().min(FRONT)).unwrap_or_default();
    let told = |problem: Problem| problem.to_string().trim_start_matches([':', ' ']).to_owned();
    match &file.sort {
        Sort::Image => {
            let headers = PeHeaders::read(content).map_err(told)?;
            let identity = Some(Identity::TimeDateStamp(headers.time_date_stamp));
            Ok(FileIdentity { identity, size_of_image: Some(headers.size_of_image) })
        }
        Sort::Symbols(SymbolSort::Map) => Ok(MapFile::read("", front).origin().identity.into()),
        Sort::Symbols(SymbolSort::Breakpad) => Ok(breakpad::read("", front).origin().identity.into()),
        Sort::Symbols(SymbolSort::Pdb) => Ok(vatlas_symbols::open("", bytes).map_err(told)?.origin().identity.into()),
        _ => Ok(FileIdentity::default()),
    }
}

fn belonging(
    owners: &[Owner],
    place: ModulePlace,
    file: &DeviceFile,
    identity: &FileIdentity,
    is_named_so: bool,
) -> Option<Belonging> {
    let owner = owners.get(place.0)?;
    let mut module = module(owners, place)?.clone();
    // The list of a dump may have no record; the image in its memory does.
    if let (None, Some(target), Sort::Symbols(SymbolSort::Pdb)) = (&module.debug_record, &owner.target, &file.sort) {
        module.debug_record = symbol_finder::debug_record(&**target, &module);
    }
    let (sureness, why) = match (judge(&module, identity), &owner.target) {
        (Verdict::Match(why), _) => (Sureness::Identity, why),
        (Verdict::Unknown(_), None) => (Sureness::Name, "by its name; a log does not tell the build".to_owned()),
        (Verdict::Unknown(why), _) => (Sureness::Name, format!("by its name; {why}")),
        (Verdict::Mismatch(why), _) => (Sureness::Not, why),
    };
    Some(Belonging { owner: owner.file, module: module.name().to_owned(), sureness, is_named_so, why })
}
