//! Modules and files of a ROM image written into a folder. Names come from the image, so only their last component
//! counts, and nothing that is there already is written over.

use super::Shown;
use crate::{
    failure::Failure,
    open::{not_written, words},
};
use std::{
    collections::{HashMap, HashSet},
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};
use vatlas_images::rom::rebuild;
use vatlas_space::Problem;

/// A file that was written.
pub struct Extracted {
    /// Its name in the image.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its bytes.
    pub size: usize,
}

/// Writes everything that is wanted; what could not be unpacked is added to the problems.
///
/// # Errors
/// The folder cannot be made, or a file cannot be written.
pub fn extract(shown: &mut Shown<'_>, folder: &Path) -> Result<Vec<Extracted>, Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::could_not(format!("{}: {}", folder.display(), words(&error))))?;
    let mut problems = Vec::new();
    let mut target = Target { folder, taken: HashSet::new(), numbers: HashMap::new(), written: Vec::new() };
    let (image, file) = (&shown.image, shown.file());
    for (region, module) in image.modules().filter(|(_, module)| shown.is_wanted(&module.name)) {
        match rebuild(image, file, region, module) {
            Ok(rebuilt) => {
                problems.extend(rebuilt.problems);
                target.put(&module.name, &rebuilt.bytes)?;
            }
            Err(problem) => problems.push(problem),
        }
    }
    for entry in image.files().filter(|entry| shown.is_wanted(&entry.name)) {
        let (contents, damage) = image.file_contents(file, entry);
        problems.extend::<Vec<Problem>>(damage);
        target.put(&entry.name, &contents)?;
    }
    let written = target.written;
    shown.problems.extend(problems);
    Ok(written)
}

struct Target<'a> {
    folder: &'a Path,
    /// Names in small letters: not every file system tells them from capitals.
    taken: HashSet<String>,
    /// The next number for a name that is there already.
    numbers: HashMap<String, u32>,
    written: Vec<Extracted>,
}

impl Target<'_> {
    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.folder.join(self.free(&plain(name)));
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(bytes));
        written.map_err(|error| not_written(&path, &error))?;
        self.written.push(Extracted { name: name.to_owned(), path, size: bytes.len() });
        Ok(())
    }

    /// A name that no other file of this image has: the regions of an image may hold files of one name.
    fn free(&mut self, name: &str) -> String {
        let mut free = name.to_owned();
        let number = self.numbers.entry(name.to_lowercase()).or_insert(2);
        while !self.taken.insert(free.to_lowercase()) {
            free = format!("{number} {name}");
            *number += 1;
        }
        free
    }
}

/// The last component of a name, without what file systems refuse or take for something else.
fn plain(name: &str) -> String {
    let last = name.rsplit(['\\', '/', ':']).next().unwrap_or_default();
    let is_bad = |letter: char| letter.is_control() || "<>\"|?*".contains(letter);
    let clean: String = last.chars().map(|letter| if is_bad(letter) { '_' } else { letter }).collect();
    let clean = clean.trim_end_matches(['.', ' ']).trim_start();
    if clean.is_empty() { "unnamed".to_owned() } else { clean.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_folder() {
        let check = |name: &str, expected: &str| assert_eq!(plain(name), expected);
        check("coredll.dll", "coredll.dll");
        check("..\\..\\windows\\evil.dll", "evil.dll");
        check("/etc/passwd", "passwd");
        check("c:boot.ini", "boot.ini");
        check("..", "unnamed");
        check("", "unnamed");
        check("a\u{1b}[2J?.txt", "a_[2J_.txt");
    }

    #[test]
    fn equal_names_are_numbered() {
        let mut target =
            Target { folder: Path::new("."), taken: HashSet::new(), numbers: HashMap::new(), written: Vec::new() };
        assert_eq!(target.free("a.dll"), "a.dll");
        assert_eq!(target.free("A.DLL"), "2 A.DLL");
        assert_eq!(target.free("a.dll"), "3 a.dll");
    }
}
