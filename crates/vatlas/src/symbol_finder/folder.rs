//! A folder of the user's, listed once, when the first name is asked for; and names in it without regard to case.

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    ffi::OsString,
    path::{Path, PathBuf},
    rc::Rc,
};

/// Folders are searched so deep.
pub const DEEPEST: usize = 8;
/// More files than this are not listed.
const MOST_FILES: usize = 500_000;
/// What the root of a symbol store has in it.
const STORE_MARKS: [&str; 3] = ["000admin", "pingme.txt", "index2.txt"];

/// Folders, each listed once: several places look for several names in the same one.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    listed: Rc<RefCell<HashMap<PathBuf, Rc<[Entry]>>>>,
}

/// What is in a folder.
#[derive(Clone, Debug)]
struct Entry {
    file_name: OsString,
    /// The same in lower case.
    name: String,
    is_folder: bool,
}

impl Folders {
    /// What is called `name` in a folder: exactly so, or else without regard to case.
    pub fn children(&self, folder: &Path, name: &str) -> Vec<PathBuf> {
        let known = self.listed.borrow().get(readable(folder)).cloned();
        let exact = folder.join(name);
        let is_exact = match &known {
            Some(entries) => entries.iter().any(|entry| entry.file_name == name),
            // A large folder is not listed for a name that is there.
            None => exact.exists(),
        };
        if is_exact {
            return vec![exact];
        }
        let lower = name.to_ascii_lowercase();
        let entries = known.unwrap_or_else(|| self.entries(folder));
        let named = entries.iter().filter(|entry| entry.name == lower);
        let mut found: Vec<_> = named.map(|entry| folder.join(&entry.file_name)).collect();
        found.sort();
        found
    }

    fn entries(&self, folder: &Path) -> Rc<[Entry]> {
        let folder = readable(folder);
        if let Some(known) = self.listed.borrow().get(folder) {
            return Rc::clone(known);
        }
        let listed: Rc<[Entry]> = entries(folder).collect();
        self.listed.borrow_mut().insert(folder.to_owned(), Rc::clone(&listed));
        listed
    }
}

/// The files of a folder by name, without regard to case.
#[derive(Debug)]
pub struct FolderIndex {
    folder: PathBuf,
    deepest: usize,
    enters_stores: bool,
    folders: Folders,
    listing: OnceCell<Listing>,
}

#[derive(Debug, Default)]
struct Listing {
    files: HashMap<String, Vec<PathBuf>>,
    count: usize,
}

impl FolderIndex {
    /// A folder with the folders in it. Those of symbol stores are not gone into: a store is asked by identity.
    pub fn deep(folder: PathBuf) -> Self {
        Self { folder, deepest: DEEPEST, enters_stores: false, folders: Folders::default(), listing: OnceCell::new() }
    }

    /// A folder with all folders in it, those of symbol stores too.
    pub fn whole(folder: PathBuf) -> Self {
        Self { enters_stores: true, ..Self::deep(folder) }
    }

    /// A folder alone.
    pub fn shallow(folder: PathBuf) -> Self {
        Self { deepest: 0, ..Self::deep(folder) }
    }

    /// The same, of which a folder that others look into, too, is not listed again.
    pub fn among(self, folders: &Folders) -> Self {
        Self { folders: folders.clone(), ..self }
    }

    /// The folders among which it is.
    pub const fn among_folders(&self) -> &Folders {
        &self.folders
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files with a name, in order of their paths.
    pub fn paths(&self, name: &str) -> &[PathBuf] {
        self.listing().files.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// Every file, in order of path.
    pub fn every_path(&self) -> Vec<&Path> {
        let mut paths: Vec<_> = self.listing().files.values().flatten().map(PathBuf::as_path).collect();
        paths.sort();
        paths
    }

    /// Whether there are more files than are listed.
    pub fn is_cut(&self) -> bool {
        self.listing().count >= MOST_FILES
    }

    fn listing(&self) -> &Listing {
        self.listing.get_or_init(|| {
            let mut listing = Listing::default();
            let mut folders = vec![(self.folder.clone(), 0)];
            while let Some((folder, depth)) = folders.pop() {
                let inner = listing.add(&folder, &self.folders.entries(&folder), self.enters_stores);
                if depth < self.deepest && listing.count < MOST_FILES {
                    folders.extend(inner.into_iter().map(|folder| (folder, depth + 1)));
                }
            }
            listing.files.values_mut().for_each(|paths| paths.sort());
            listing
        })
    }
}

impl Listing {
    /// Adds the files of a folder and gives the folders in it; not those of a symbol store unless it is to be entered.
    fn add(&mut self, folder: &Path, entries: &[Entry], enters_stores: bool) -> Vec<PathBuf> {
        let mut inner = Vec::new();
        let mut is_store = false;
        for Entry { file_name, name, is_folder } in entries {
            let path = folder.join(file_name);
            is_store |= STORE_MARKS.contains(&&**name);
            if *is_folder {
                inner.push(path);
            } else if self.count < MOST_FILES {
                self.files.entry(name.clone()).or_default().push(path);
                self.count += 1;
            }
        }
        if is_store && !enters_stores { Vec::new() } else { inner }
    }
}

/// Nothing of a folder that cannot be read. A symbolic link is no folder here: it may lead in a circle.
fn entries(folder: &Path) -> impl Iterator<Item = Entry> {
    let read = std::fs::read_dir(readable(folder)).into_iter().flatten().flatten();
    read.filter_map(|entry| {
        let file_name = entry.file_name();
        let is_folder = entry.file_type().ok()?.is_dir();
        Some(Entry { name: file_name.to_string_lossy().to_ascii_lowercase(), file_name, is_folder })
    })
}

/// The folder of a file that was named without one is `.`.
pub fn readable(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// The files in a folder that have an extension, in order, and no more than `most`.
pub fn with_extension(folder: &Path, extension: &str, most: usize) -> Vec<PathBuf> {
    let is_one = |name: &str| name.rsplit_once('.').is_some_and(|(_, found)| found == extension);
    let found = entries(folder).filter(|entry| !entry.is_folder && is_one(&entry.name));
    let mut found: Vec<_> = found.map(|entry| folder.join(entry.file_name)).collect();
    found.sort();
    found.truncate(most);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn put(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"x").unwrap();
    }

    #[test]
    fn names_are_found_in_any_case_at_any_depth() {
        let root = tempfile::tempdir().unwrap();
        for path in ["App.PDB", "a/b/app.pdb", "a/other.pdb", "1/2/3/4/5/6/7/8/app.pdb", "1/2/3/4/5/6/7/8/9/app.pdb"] {
            put(root.path(), path);
        }
        let check = |index: &FolderIndex, expected: &[&str]| {
            let found: Vec<_> =
                index.paths("app.pdb").iter().map(|path| path.strip_prefix(root.path()).unwrap().to_owned()).collect();
            assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>());
        };
        let index = FolderIndex::deep(root.path().to_owned());
        check(&index, &["1/2/3/4/5/6/7/8/app.pdb", "App.PDB", "a/b/app.pdb"]);
        assert!(index.paths("none").is_empty() && !index.is_cut());
        assert_eq!(index.every_path().len(), 4);
        check(&FolderIndex::shallow(root.path().to_owned()), &["App.PDB"]);
        assert!(FolderIndex::deep(root.path().join("none")).paths("app.pdb").is_empty());
    }

    #[test]
    fn a_symbol_store_is_not_listed() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "store/pingme.txt");
        put(root.path(), "store/app.pdb/1/app.pdb");
        put(root.path(), "plain/app.pdb");
        let index = FolderIndex::deep(root.path().to_owned());
        assert_eq!(index.paths("app.pdb"), [root.path().join("plain/app.pdb")]);
        assert_eq!(FolderIndex::whole(root.path().to_owned()).every_path().len(), 3);
    }

    #[test]
    fn a_folder_is_listed_once() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "App.pdb");
        let folders = Folders::default();
        let check = |name: &str, expected: &[&str]| {
            let expected: Vec<_> = expected.iter().map(|name| root.path().join(name)).collect();
            assert_eq!(folders.children(root.path(), name), expected, "{name}");
        };
        check("App.pdb", &["App.pdb"]);
        check("none", &[]);
        check("APP.PDB", &["App.pdb"]);
        check("App.pdb", &["App.pdb"]);
        put(root.path(), "late.pdb");
        check("late.pdb", &[]);
        assert!(FolderIndex::shallow(root.path().to_owned()).among(&folders).paths("late.pdb").is_empty());
        assert_eq!(Folders::default().children(root.path(), "Late.pdb"), [root.path().join("late.pdb")]);
    }

    #[cfg(unix)]
    #[test]
    fn a_circle_of_links_ends() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a/app.pdb");
        std::os::unix::fs::symlink(root.path(), root.path().join("a/up")).unwrap();
        let index = FolderIndex::deep(root.path().to_owned());
        assert_eq!(index.paths("app.pdb").len(), 1);
    }
}
