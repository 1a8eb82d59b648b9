//! The places where symbols may be, in order: options, the dump's folder, image folders, symbol paths, imports.

use super::{
    content::{Content, load},
    environment::Environment,
    folder::{FolderIndex, Folders, readable},
    names::Wanted,
    store::SymbolStore,
    trail::Candidate,
};
use crate::{failure::Failure, index_cache::IndexCache, symbol_args::SymbolArgs};
use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
    rc::Rc,
};
use vatlas_space::{Module, Problem};
use vatlas_symbols::{
    identity::{FileIdentity, Verdict, judge},
    store_key::pdb_name,
    symbol_path::{Element, PathStyle, Store, SymbolPath, is_symbol_path, local_path, parse},
};

/// A place where symbols may be.
pub struct Place {
    /// What it is, in words.
    pub what: String,
    kind: Kind,
}

enum Kind {
    /// A file that the user named.
    File { path: PathBuf, identity: OnceCell<Option<FileIdentity>>, cache: IndexCache },
    /// A folder with the folders in it.
    Folder { index: Rc<FolderIndex>, store: SymbolStore },
    /// A folder of a symbol path, in which only some folders are looked at.
    Element { index: FolderIndex, store: SymbolStore },
    /// A symbol store.
    Store(SymbolStore),
    /// The folder that the module was loaded from, and the one where its linker put the PDB: on the same computer, or
    /// on one with the same folders.
    Own(Folders),
}

/// The places of a finder, and what its symbol paths have in them beside.
#[derive(Default)]
pub struct Places {
    /// In order.
    pub list: Vec<Place>,
    /// Addresses of servers, each once.
    pub servers: Vec<String>,
    /// What cannot be searched of the paths in options.
    pub problems: Vec<Problem>,
    /// What cannot be searched of the paths in the environment.
    pub environment_problems: Vec<Problem>,
    folders: Folders,
}

impl Places {
    /// The places of options, a dump, folders of images, and an environment. Nothing is listed or opened yet.
    ///
    /// # Errors
    /// A path of `--symbols` leads nowhere.
    pub fn new(
        args: &SymbolArgs,
        dump: Option<&Path>,
        images: &[PathBuf],
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let mut places = Self::default();
        for path in &args.symbols {
            places.add_option(path, environment)?;
        }
        if let Some(index) = &args.folder {
            let folder = index.folder().to_owned();
            let (what, store) = (format!("the folder {}", folder.display()), places.store(folder));
            places.add(what, Kind::Folder { index: Rc::clone(index), store });
        }
        if let Some(dump) = dump {
            let folder = dump.parent().unwrap_or(Path::new(""));
            let what = format!("beside {}", dump.file_name().unwrap_or_default().to_string_lossy());
            places.add(what, places.element(folder.to_owned()));
        }
        places.add("the folder of the module".to_owned(), Kind::Own(places.folders.clone()));
        for folder in images {
            places.add(format!("--images {}", folder.display()), places.deep(folder.clone()));
        }
        for (name, text) in &environment.paths {
            let path = parse(name, text, PathStyle::HERE);
            places.environment_problems.extend(path.problems.iter().cloned());
            places.add_path(name, &path, environment);
        }
        if let Some(imports) = &environment.imports {
            places.add(format!("imported into {}", imports.display()), Kind::Store(places.store(imports.clone())));
        }
        Ok(places)
    }

    fn add(&mut self, what: String, kind: Kind) {
        self.list.push(Place { what, kind });
    }

    fn store(&self, root: PathBuf) -> SymbolStore {
        SymbolStore::new(root, &self.folders)
    }

    fn deep(&self, folder: PathBuf) -> Kind {
        let index = FolderIndex::deep(folder.clone()).among(&self.folders);
        Kind::Folder { index: Rc::new(index), store: self.store(folder) }
    }

    fn element(&self, folder: PathBuf) -> Kind {
        let store = self.store(readable(&folder).to_owned());
        Kind::Element { index: FolderIndex::shallow(folder).among(&self.folders), store }
    }

    fn add_option(&mut self, path: &Path, environment: &Environment) -> Result<(), Failure> {
        let what = || format!("--symbols {}", path.display());
        if path.is_dir() {
            self.add(what(), self.deep(path.to_owned()));
            return Ok(());
        }
        if path.is_file() {
            self.add(
                what(),
                Kind::File { path: path.to_owned(), identity: OnceCell::new(), cache: environment.index_cache.clone() },
            );
            return Ok(());
        }
        match path.to_str().filter(|text| is_symbol_path(text)) {
            Some(text) => {
                let path = parse("--symbols", text, PathStyle::HERE);
                self.problems.extend(path.problems.iter().cloned());
                self.add_path("--symbols", &path, environment);
                Ok(())
            }
            None => Err(Failure::could_not(format!("{}: no such file or folder", what()))
                .hint("a symbol file, a folder, or a symbol path like srv*STORE")),
        }
    }

    fn add_path(&mut self, name: &str, path: &SymbolPath, environment: &Environment) {
        for server in path.servers() {
            if !self.servers.iter().any(|known| known == server) {
                self.servers.push(server.to_owned());
            }
        }
        for part in &path.elements {
            match part {
                Element::Folder(folder) => {
                    let folder = environment.path(folder);
                    self.add(format!("{name} {}", folder.display()), self.element(folder));
                }
                Element::Stores(stores) => stores.iter().for_each(|store| self.add_store(name, store, environment)),
            }
        }
    }

    fn add_store(&mut self, name: &str, store: &Store, environment: &Environment) {
        let folder = match store {
            Store::Usual => environment.usual_store.clone(),
            Store::Folder(folder) => Some(environment.path(folder)),
            Store::Http(_) => None,
        };
        if let Some(folder) = folder {
            self.add(format!("{name} srv*{}", folder.display()), Kind::Store(self.store(folder)));
        }
    }
}

impl Place {
    /// The files here that may belong to a module; `None` when the place means nothing for it.
    pub fn candidates(&self, wanted: &Wanted<'_>) -> Option<Vec<Candidate>> {
        match &self.kind {
            Kind::File { path, identity, cache } => {
                is_for(path, identity, cache, wanted).then(|| vec![Candidate::File(path.clone())])
            }
            Kind::Folder { index, store } => {
                // Of a store by identity first: there are many files of one name in it.
                let mut found = in_store(store, wanted);
                found.extend(in_index(index, wanted));
                if index.is_cut() {
                    let reason = "there are too many files in this folder; not all were looked at".to_owned();
                    found.push(Candidate::Refused(index.folder().to_owned(), reason));
                }
                Some(found)
            }
            Kind::Element { index, store } => {
                let mut found = in_documented_folders(index, wanted);
                found.extend(in_index(index, wanted));
                found.extend(in_store(store, wanted));
                Some(found)
            }
            Kind::Store(store) => Some(in_store(store, wanted)),
            Kind::Own(folders) => own_folders(folders, wanted),
        }
    }

    /// The file that the user named.
    pub fn named_file(&self) -> Option<&Path> {
        match &self.kind {
            Kind::File { path, .. } => Some(path),
            _ => None,
        }
    }
}

/// A file that the user named is for the modules whose name or identity it has.
fn is_for(path: &Path, identity: &OnceCell<Option<FileIdentity>>, cache: &IndexCache, wanted: &Wanted<'_>) -> bool {
    if path.file_name().is_some_and(|name| wanted.fits(&name.to_string_lossy())) {
        return true;
    }
    let read = || Some(Content::read_cached("", path, &load(path).ok()?.0, cache).ok()?.identity);
    let identity = identity.get_or_init(read);
    identity.is_some_and(|found| matches!(judge(wanted.module, &found), Verdict::Match(_)))
}

fn in_store(store: &SymbolStore, wanted: &Wanted<'_>) -> Vec<Candidate> {
    wanted.keys.iter().flat_map(|key| store.find(key)).collect()
}

fn in_index(index: &FolderIndex, wanted: &Wanted<'_>) -> Vec<Candidate> {
    let paths = wanted.names.iter().flat_map(|name| index.paths(name));
    paths.cloned().map(Candidate::File).collect()
}

/// `symbols\ext` and `ext` of a folder, where `ext` is that of the image.
fn in_documented_folders(index: &FolderIndex, wanted: &Wanted<'_>) -> Vec<Candidate> {
    let extension = wanted.module.name().rsplit_once('.').map(|(_, extension)| extension);
    let is_word = |text: &&str| !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric());
    let Some(extension) = extension.filter(is_word) else { return Vec::new() };
    let (folder, folders) = (readable(index.folder()), index.among_folders());
    let symbols = folders.children(folder, "symbols");
    let symbols = symbols.into_iter().flat_map(|symbols| folders.children(&symbols, extension));
    let reached = symbols.chain(folders.children(folder, extension)).filter(|folder| folder.is_dir());
    let named = |folder: PathBuf| wanted.names.iter().flat_map(move |name| folders.children(&folder, name));
    reached.flat_map(named).map(Candidate::File).collect()
}

/// The folders that a dump names, where they are on this computer.
fn own_folders(among: &Folders, wanted: &Wanted<'_>) -> Option<Vec<Candidate>> {
    let module: &Module = wanted.module;
    let record = module.debug_record.as_ref().and_then(pdb_name);
    let mut folders: Vec<PathBuf> = Vec::new();
    for path in [Some(&*module.path), record].into_iter().flatten() {
        let local = local_path(path, PathStyle::HERE).ok().map(PathBuf::from);
        let folder = local.filter(|path| path.is_absolute()).and_then(|path| path.parent().map(Path::to_owned));
        folders.extend(folder.filter(|folder| folder.is_dir() && !folders.contains(folder)));
    }
    let named =
        |folder: &PathBuf| wanted.names.iter().flat_map(|name| among.children(folder, name)).collect::<Vec<_>>();
    let found: Vec<_> = folders.iter().flat_map(named).map(Candidate::File).collect();
    (!folders.is_empty()).then_some(found)
}
