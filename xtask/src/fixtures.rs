//! The committed fixtures and their hashes: written by their writers, and compared with what the writers make. What a
//! compiler made is kept as it is; its hash tells when it changed.

use crate::tree::Finding;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Folder of the fixtures in the repository.
const FOLDER: &str = "fixtures";
/// The list of hashes, in the form that `sha256sum --check` reads inside the folder.
const SUMS: &str = "SHA256SUMS";

/// The folders of files that compilers, emulators and `vatlas rom build` made from sources beside them.
const KEPT: [&str; 4] = ["ce", "machine", "stack", "symbols"];

/// Files by their path from the fixtures' folder.
type Files = BTreeMap<String, Vec<u8>>;

/// Writes every fixture and the list of hashes.
///
/// # Errors
/// When a file cannot be written.
pub fn write(root: &Path) -> Result<(), String> {
    let folder = root.join(FOLDER);
    for (path, bytes) in made(&folder) {
        let place = folder.join(&path);
        let parent = place.parent().unwrap_or(&folder);
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&place, &bytes));
        written.map_err(|cause| format!("{FOLDER}/{path}: {cause}"))?;
        println!("{FOLDER}/{path}: {} bytes", bytes.len());
    }
    Ok(())
}

/// Compares the committed fixtures with what their writers make.
pub fn check(root: &Path) -> Vec<Finding> {
    let folder = root.join(FOLDER);
    let made = made(&folder);
    let committed = committed(&folder, &made);
    println!("{} files", made.len());
    compare(&made, &committed)
}

/// What the writers make, and the list of hashes of that and of the files that are kept.
fn made(folder: &Path) -> Files {
    let fixtures = vatlas_fixtures::all().into_iter();
    let mut files: Files = fixtures.map(|fixture| (fixture.path.to_owned(), fixture.bytes)).collect();
    let mut listed = files.clone();
    KEPT.iter().for_each(|inside| listed.extend(kept(folder, inside)));
    let sums = sums(&listed);
    files.insert(SUMS.to_owned(), sums.into_bytes());
    files
}

/// The files of a folder and of those in it.
fn kept(folder: &Path, inside: &str) -> Files {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder.join(inside)).into_iter().flatten().flatten() {
        let Some(path) = entry.file_name().to_str().map(|name| format!("{inside}/{name}")) else { continue };
        if entry.path().is_dir() {
            files.extend(kept(folder, &path));
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            files.insert(path, bytes);
        }
    }
    files
}

fn sums(files: &Files) -> String {
    let line = |(path, bytes): (&String, &Vec<u8>)| {
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hash}  {path}\n")
    };
    files.iter().map(line).collect()
}

/// The files on the disk that the writers make, and whatever else lies in a folder where they write.
fn committed(folder: &Path, made: &Files) -> Files {
    let mut paths: BTreeSet<String> = made.keys().cloned().collect();
    let parents: BTreeSet<&str> = made.keys().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
    for parent in parents {
        let entries = std::fs::read_dir(folder.join(parent)).into_iter().flatten().flatten();
        let files = entries.map(|entry| entry.path()).filter(|place| place.is_file());
        paths.extend(files.filter_map(|place| Some(format!("{parent}/{}", place.file_name()?.to_str()?))));
    }
    let read = |path: String| Some((path.clone(), std::fs::read(folder.join(PathBuf::from(path))).ok()?));
    paths.into_iter().filter_map(read).collect()
}

fn compare(made: &Files, committed: &Files) -> Vec<Finding> {
    let paths: BTreeSet<&String> = made.keys().chain(committed.keys()).collect();
    let differs = |path: &String| match (made.get(path), committed.get(path)) {
        (None, _) => Some("no writer makes it; remove it, or write its writer".to_owned()),
        (_, None) => Some("is missing; cargo xtask fixtures writes it".to_owned()),
        (Some(made), Some(committed)) if made != committed => {
            let at = made.iter().zip(committed).take_while(|(one, other)| one == other).count();
            Some(format!("differs at byte {at:#x} from what its writer makes; cargo xtask fixtures writes it"))
        }
        _ => None,
    };
    let finding = |path: &String| Some(Finding::new(&format!("{FOLDER}/{path}"), 0, differs(path)?));
    paths.into_iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(entries: &[(&str, &str)]) -> Files {
        entries.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[track_caller]
    fn check_compare(made: &[(&str, &str)], committed: &[(&str, &str)], expected: &[&str]) {
        let found: Vec<String> = compare(&files(made), &files(committed)).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found:?} does not start with {expected:?}");
        }
    }

    #[test]
    fn committed_files_are_what_the_writers_make() {
        check_compare(&[("a/b", "one")], &[("a/b", "one")], &[]);
        check_compare(&[("a/b", "one")], &[("a/b", "onE")], &["fixtures/a/b: differs at byte 0x2"]);
        check_compare(&[("a/b", "one")], &[("a/b", "one more")], &["fixtures/a/b: differs at byte 0x3"]);
        check_compare(&[("a/b", "one")], &[], &["fixtures/a/b: is missing"]);
        check_compare(&[], &[("a/b", "one")], &["fixtures/a/b: no writer makes it"]);
    }

    #[test]
    fn hashes_are_in_the_form_of_sha256sum() {
        // FIPS 180-2 appendix B.1
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a/b\n";
        assert_eq!(sums(&files(&[("a/b", "abc")])), expected);
    }

    #[test]
    fn files_that_are_kept_are_hashed_from_all_folders() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = kept(source, "src");
        assert!(found.contains_key("src/fixtures.rs") && found.contains_key("src/tidy/text.rs"));
    }

    #[test]
    fn a_stray_file_beside_a_fixture_is_seen() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = committed(source, &files(&[("src/lib.rs", "")]));
        assert!(found.contains_key("src/lib.rs"));
        assert!(found.contains_key("src/main.rs"), "a file that no writer made");
        assert!(!found.contains_key("Cargo.toml"), "not where a writer writes");
    }
}
