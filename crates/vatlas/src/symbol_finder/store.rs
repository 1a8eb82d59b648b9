//! A symbol store on this computer: found by key in one tier or two, as files, packed files and pointer files.

use super::{folder::Folders, trail::Candidate};
use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
};
use vatlas_symbols::{
    store_key::{StoreKey, packed_name},
    symbol_path::{PathStyle, local_path},
};

/// A file with this name says where the file really is.
const POINTER: &str = "file.ptr";
/// A pointer file is not longer.
const LONGEST_POINTER: u64 = 4096;
/// A store with this file in its root has two tiers.
const TWO_TIER: &str = "index2.txt";

/// A symbol store.
pub struct SymbolStore {
    root: PathBuf,
    folders: Folders,
    has_two_tiers: OnceCell<bool>,
}

impl SymbolStore {
    /// The store in a folder, which need not be there.
    pub fn new(root: PathBuf, folders: &Folders) -> Self {
        Self { root, folders: folders.clone(), has_two_tiers: OnceCell::new() }
    }

    /// The files that a key leads to, packed ones and those that pointer files name too.
    pub fn find(&self, key: &StoreKey) -> Vec<Candidate> {
        let has_two_tiers = *self.has_two_tiers.get_or_init(|| !self.folders.children(&self.root, TWO_TIER).is_empty());
        let tiers: &[bool] = if has_two_tiers { &[true, false] } else { &[false] };
        tiers.iter().flat_map(|two_tier| self.find_in(&key.parts(*two_tier), key.file_name())).collect()
    }

    fn find_in(&self, parts: &[&str], name: &str) -> Vec<Candidate> {
        let folders = &parts[..parts.len().saturating_sub(1)];
        let step = |reached: Vec<PathBuf>, part: &&str| {
            reached.iter().flat_map(|folder| self.folders.children(folder, part)).collect()
        };
        let folders: Vec<PathBuf> = folders.iter().fold(vec![self.root.clone()], step);
        folders.iter().flat_map(|folder| self.files(folder, name)).collect()
    }

    fn files(&self, folder: &Path, name: &str) -> Vec<Candidate> {
        let packed = packed_name(name);
        let children = |name: &str| self.folders.children(folder, name);
        let named = [name, &packed].into_iter().flat_map(children).map(Candidate::File);
        let pointers = children(POINTER).into_iter().map(|path| follow(&path));
        named.chain(pointers).collect()
    }
}

/// Follows a pointer file, once, to a file on this computer: `PATH:`, or `MSG:` where the file was taken away.
fn follow(pointer: &Path) -> Candidate {
    let refused = |reason: String| Candidate::Refused(pointer.to_owned(), reason);
    let Some(text) = short_text(pointer) else { return refused("this pointer file cannot be read".to_owned()) };
    let text = text.trim();
    let after = |mark: &str| {
        let (start, rest) = text.split_at_checked(mark.len())?;
        start.eq_ignore_ascii_case(mark).then(|| rest.trim())
    };
    if let Some(message) = after("MSG:") {
        return refused(format!("the store says: {message}"));
    }
    let target = after("PATH:").unwrap_or(text);
    match local_path(target, PathStyle::HERE) {
        Ok(path) if Path::new(&path).is_file() => Candidate::File(path.into()),
        Ok(path) => refused(format!("it points at {path}, which is no file here")),
        Err((cause, _)) => refused(format!("it points at {target}, which {cause}")),
    }
}

/// The text of a file that is as short as a path.
fn short_text(path: &Path) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > LONGEST_POINTER {
        return None;
    }
    Some(String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.replace("ROOT", &root.path().display().to_string())).unwrap();
        }
        let key = StoreKey::of_image("app.exe", 0x49f0_0000, 0x5000).unwrap();
        let found = SymbolStore::new(root.path().to_owned(), &Folders::default()).find(&key);
        let text = found.iter().map(|candidate| match candidate {
            Candidate::File(path) => path.display().to_string(),
            Candidate::Refused(path, reason) => format!("{}: {reason}", path.display()),
        });
        let text: Vec<_> = text.map(|text| text.replace(&format!("{}/", root.path().display()), "")).collect();
        assert_eq!(text, expected);
    }

    #[test]
    fn a_key_leads_to_a_file_in_any_case() {
        check(&[("app.exe/49F000005000/app.exe", "")], &["app.exe/49F000005000/app.exe"]);
        check(&[("APP.EXE/49f000005000/App.exe", "")], &["APP.EXE/49f000005000/App.exe"]);
        check(&[("app.exe/49F000005000/app.ex_", "")], &["app.exe/49F000005000/app.ex_"]);
        check(&[("app.exe/49F000006000/app.exe", "")], &[]);
        check(&[], &[]);
    }

    #[test]
    fn a_store_may_have_two_tiers() {
        let two = "ap/app.exe/49F000005000/app.exe";
        check(&[("index2.txt", ""), (two, "")], &[two]);
        check(&[(two, "")], &[]);
        let one = "app.exe/49F000005000/app.exe";
        check(&[("index2.txt", ""), (one, "")], &[one]);
    }

    #[test]
    fn pointer_files_are_followed_once_and_not_over_a_network() {
        let pointer = "app.exe/49F000005000/file.ptr";
        check(&[(pointer, "PATH:ROOT/real.exe\r\n"), ("real.exe", "")], &["real.exe"]);
        check(&[(pointer, "ROOT/real.exe"), ("real.exe", "PATH:elsewhere")], &["real.exe"]);
        check(&[(pointer, "path: ROOT/none")], &[&format!("{pointer}: it points at none, which is no file here")]);
        check(&[(pointer, "PATH:ROOT/app.exe")], &[&format!("{pointer}: it points at app.exe, which is no file here")]);
        let network = "it points at \\\\host\\share\\app.exe, which is on another computer, which is never asked";
        check(&[(pointer, "PATH:\\\\host\\share\\app.exe")], &[&format!("{pointer}: {network}")]);
        check(&[(pointer, "MSG: withdrawn")], &[&format!("{pointer}: the store says: withdrawn")]);
        check(&[(pointer, &"x".repeat(5000))], &[&format!("{pointer}: this pointer file cannot be read")]);
    }
}
