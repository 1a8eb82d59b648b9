//! Symbol files of a folder, found by the identity that a module's debug record has.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};
use vatlas_debug::symbol_provider::SymbolProvider;
use vatlas_space::{DebugRecord, Module};
use vatlas_symbols::{Identity, ModuleSymbols, SymbolFile, open};

/// The symbol files below a folder.
pub struct FolderSymbols {
    /// By lower-case name without extension.
    files: HashMap<String, Vec<PathBuf>>,
    opened: RefCell<HashMap<String, Rc<ModuleSymbols>>>,
}

impl FolderSymbols {
    pub fn new(folder: &Path) -> Self {
        let mut files: HashMap<String, Vec<PathBuf>> = HashMap::new();
        for path in files_below(folder) {
            if path.extension().is_some_and(|extension| extension == "sym" || extension == "pdb") {
                files.entry(stem(&path.to_string_lossy())).or_default().push(path);
            }
        }
        Self { files, opened: RefCell::default() }
    }

    fn open(&self, module: &Module) -> ModuleSymbols {
        let Some((name, identity)) = identity(module) else { return ModuleSymbols::default() };
        let paths = self.files.get(&stem(name)).into_iter().flatten();
        let files = paths.filter_map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let file: Box<dyn SymbolFile> = open(&name, Arc::new(fs::read(path).unwrap())).ok()?;
            is_same(file.origin().identity?, identity).then_some(file)
        });
        ModuleSymbols::new(files.collect())
    }
}

impl SymbolProvider for FolderSymbols {
    fn symbols(&self, module: &Module) -> Rc<ModuleSymbols> {
        if let Some(symbols) = self.opened.borrow().get(&module.path) {
            return Rc::clone(symbols);
        }
        let symbols = Rc::new(self.open(module));
        self.opened.borrow_mut().insert(module.path.clone(), Rc::clone(&symbols));
        symbols
    }
}

/// The GUID decides; linkers write a PDB again with another age.
fn is_same(one: Identity, other: Identity) -> bool {
    match (one, other) {
        (Identity::Guid { guid, .. }, Identity::Guid { guid: other, .. }) => guid == other,
        (one, other) => one == other,
    }
}

fn identity(module: &Module) -> Option<(&str, Identity)> {
    match module.debug_record.as_ref()? {
        DebugRecord::Pdb70 { guid, age, name } => Some((name, Identity::Guid { guid: *guid, age: *age })),
        DebugRecord::Pdb20 { signature, age, name } => {
            Some((name, Identity::Signature { signature: *signature, age: *age }))
        }
        _ => None,
    }
}

fn stem(path: &str) -> String {
    let name = path.rsplit(['\\', '/']).next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_ascii_lowercase()
}

/// Every file below a folder, sorted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
