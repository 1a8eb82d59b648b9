//! The files of the repository, read once: what git tracks, and what it would track if it were added.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One file of the repository.
#[derive(Clone, Debug)]
pub struct File {
    /// Path from the repository's root, with `/` between its parts on every host.
    pub path: String,
    /// The whole content.
    pub bytes: Vec<u8>,
}

impl File {
    /// The content as text; `None` when it is binary, which is to say not UTF-8 or with a NUL in it.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok().filter(|text| !text.contains('\0'))
    }

    /// Whether the name ends in `.` and this extension.
    pub fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }
}

/// Something that breaks a rule, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path from the repository's root.
    pub path: String,
    /// Line from 1; 0 when the whole file is meant.
    pub line: usize,
    /// Which rule, and what to do about it.
    pub what: String,
}

impl Finding {
    /// A finding about one line, or about the whole file when `line` is 0.
    pub fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// The repository's root: the folder above this package.
pub fn root() -> PathBuf {
    // cargo names the package's present place; the place at compile time is wrong once the checkout has moved.
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    package.parent().map_or_else(|| package.clone(), Path::to_path_buf)
}

/// Reads every file that git tracks or would track. A tracked file that was deleted is left out.
///
/// # Errors
/// When git cannot be run here, or a file cannot be read.
pub fn read(root: &Path) -> Result<Vec<File>, String> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|cause| format!("git ls-files: {cause}; the gates take the list of files from git"))?;
    if !listing.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&listing.stderr).trim()));
    }
    let mut paths: Vec<_> = listing.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().filter_map(|name| read_one(root, &String::from_utf8_lossy(name)).transpose()).collect()
}

fn read_one(root: &Path, path: &str) -> Result<Option<File>, String> {
    let place = root.join(path);
    if !place.is_file() {
        return Ok(None);
    }
    let bytes = std::fs::read(&place).map_err(|cause| format!("{path}: {cause}"))?;
    Ok(Some(File { path: path.to_owned(), bytes }))
}
