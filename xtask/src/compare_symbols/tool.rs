//! Other programs: where they are, which version, and what they print.

use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Versions of LLVM that a system may have beside each other.
const LLVM_VERSIONS: std::ops::RangeInclusive<u32> = 11..=23;

/// A program that is installed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tool {
    name: &'static str,
    place: PathBuf,
    version: Option<String>,
}

impl Tool {
    /// Every version of a program along `PATH`: under its name, or with the version of LLVM behind it.
    pub fn find(names: &[&'static str]) -> Vec<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let mut found: Vec<Self> = Vec::new();
        for &name in names {
            let with_versions = LLVM_VERSIONS.filter(|_| name.starts_with("llvm-"));
            let files =
                std::iter::once(name.to_owned()).chain(with_versions.map(|version| format!("{name}-{version}")));
            for file in files {
                let file = format!("{file}{}", std::env::consts::EXE_SUFFIX);
                let place = folders.iter().map(|folder| folder.join(&file)).find(|place| place.is_file());
                let tool = place.map(|place| Self { name, version: version(&place), place });
                found.extend(tool.filter(|tool| !found.iter().any(|known| known.version == tool.version)));
            }
        }
        found
    }

    /// Its output; what it complains about does not matter, and how it ends neither: some end with a complaint about
    /// another file of the system.
    ///
    /// # Errors
    /// It cannot be started, or prints no text.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S], input: &str) -> Result<String, String> {
        let in_tool = |cause: std::io::Error| format!("{}: {cause}", self.place.display());
        let mut command = Command::new(&self.place);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(in_tool)?;
        let pipe = child.stdin.take();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || pipe.map(|mut pipe| pipe.write_all(input.as_bytes())));
        let output = child.wait_with_output().map_err(in_tool)?;
        // A program that does not read all of its input says so by its answers.
        drop(writer.join());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The first word with a dot in it that begins with a digit, of what a program says about its version.
fn version(place: &PathBuf) -> Option<String> {
    let output = Command::new(place).arg("--version").stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_version = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.');
    text.split_whitespace().find(is_version).map(str::to_owned)
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{} {version}", self.name),
            None => f.write_str(self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_with_its_version() {
        let found = Tool::find(&["cargo", "no-such-program"]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].to_string().starts_with("cargo 1."), "{}", found[0]);
        assert!(found[0].run(&["--version"], "not read").is_ok_and(|text| text.starts_with("cargo ")));
    }
}
