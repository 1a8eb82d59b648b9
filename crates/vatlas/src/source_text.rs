//! Source text: found where the compiler had it, or where the user says that it is now; read once.

use crate::failure::Failure;
use std::{
    cell::RefCell,
    collections::HashMap,
    path::{Path, PathBuf},
    rc::Rc,
};

/// Larger files are no source.
const LARGEST: u64 = 16 << 20;

/// The lines of a file, if it was found.
type Lines = Option<Rc<Vec<String>>>;

/// Where source files are.
#[derive(Debug)]
pub struct SourceText {
    /// A folder as the compiler named it, where it is now.
    moved: Vec<(String, PathBuf)>,
    /// Folders in which files are looked for by the ends of their paths.
    folders: Vec<PathBuf>,
    read: RefCell<HashMap<String, Lines>>,
}

impl SourceText {
    /// Reads the options `FOLDER` and `THEN=NOW`.
    ///
    /// # Errors
    /// A folder does not exist.
    pub fn new(maps: &[String]) -> Result<Self, Failure> {
        let (mut moved, mut folders) = (Vec::new(), Vec::new());
        for map in maps {
            let (then, now) = map.split_once('=').map_or((None, map.as_str()), |(then, now)| (Some(then), now));
            let now = PathBuf::from(now);
            if !now.is_dir() {
                return Err(Failure::could_not(format!("--source {}: no such folder", now.display())));
            }
            match then {
                Some(then) => moved.push((unified(then).trim_end_matches('/').to_owned(), now)),
                None => folders.push(now),
            }
        }
        Ok(Self { moved, folders, read: RefCell::default() })
    }

    /// The text of a line, from 1, without blanks at its end.
    pub fn line(&self, file: &str, line: u32) -> Option<String> {
        let known = self.read.borrow().get(file).cloned();
        let lines = known.unwrap_or_else(|| {
            let lines = self.candidates(file).iter().find_map(|path| lines_of(path)).map(Rc::new);
            self.read.borrow_mut().insert(file.to_owned(), lines.clone());
            lines
        });
        lines?.get((line as usize).checked_sub(1)?).cloned()
    }

    /// Where the file may be: in a folder that moved, in the user's folders under ever shorter ends of its path, where
    /// the compiler had it.
    fn candidates(&self, file: &str) -> Vec<PathBuf> {
        let wanted = unified(file);
        let in_moved = self.moved.iter().filter_map(|(then, now)| {
            let rest = strip_folder(&wanted, then)?;
            is_below(rest).then(|| now.join(rest))
        });
        let ends: Vec<&str> =
            std::iter::successors(Some(wanted.as_str()), |end| Some(end.split_once('/')?.1)).collect();
        let in_folders = self
            .folders
            .iter()
            .flat_map(|folder| ends.iter().filter(|end| is_below(end)).map(move |end| folder.join(end)));
        let original = [PathBuf::from(file)].into_iter().filter(|path| path.is_absolute());
        in_moved.chain(in_folders).chain(original).collect()
    }
}

/// Whether a path from a symbol file stays in the folder that it is joined to.
fn is_below(path: &str) -> bool {
    let strange = |part: &str| part.is_empty() || part == ".." || part.contains(':');
    !path.is_empty() && !path.split('/').any(strange)
}

/// With the separators of this system.
fn unified(path: &str) -> String {
    path.replace('\\', "/")
}

/// The rest of a path below a folder; Windows takes capital and small letters for the same.
fn strip_folder<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let (start, rest) = path.split_at_checked(folder.len())?;
    if !start.eq_ignore_ascii_case(folder) {
        return None;
    }
    rest.strip_prefix('/')
}

fn lines_of(path: &Path) -> Option<Vec<String>> {
    let metadata = std::fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).lines().map(|line| line.trim_end().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(map: &str, file: &str, expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("ui")).unwrap();
        std::fs::write(folder.path().join("ui/Window.cpp"), "one\r\ntwo  \n").unwrap();
        let map = map.replace('@', &folder.path().display().to_string());
        let sources = SourceText::new(&[map]).unwrap();
        assert_eq!(sources.line(file, 2).as_deref(), expected, "{file}");
        assert_eq!(sources.line(file, 3), None);
        assert_eq!(sources.line(file, 0), None);
    }

    #[test]
    fn files_are_found_where_they_moved() {
        check("@", r"C:\build\app\ui\Window.cpp", Some("two"));
        check(r"C:\Build\app=@", r"c:\build\app\ui\Window.cpp", Some("two"));
        check(r"C:\build\app\=@", r"c:\build\app\ui\Window.cpp", Some("two"));
        check(r"C:\build\ap=@", r"c:\build\app\ui\Window.cpp", None);
        check("@", r"C:\build\app\ui\Other.cpp", None);
        check("@/ui", r"..\..\ui\Window.cpp", Some("two"));
    }

    #[test]
    fn a_hostile_path_leads_nowhere() {
        check("/a=@/ui", "/a/../ui/Window.cpp", None);
        check("@/ui", "", None);
        assert!(SourceText::new(&["/no/such/folder".to_owned()]).is_err());
    }
}
