//! Measures whole processes: the time from start to end, and the most memory that was resident.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// Measured runs of which the median is taken.
pub const RUNS: usize = 101;
/// Runs before them, which fill the caches of the system.
pub const WARM_UP: usize = 10;

/// A program and its arguments; what it prints is thrown away.
#[derive(Clone, Debug)]
pub struct Run {
    program: PathBuf,
    arguments: Vec<OsString>,
    folder: PathBuf,
    input: Option<PathBuf>,
}

impl Run {
    /// The program without arguments, in the present folder.
    pub fn new(program: &Path) -> Self {
        Self { program: program.to_path_buf(), arguments: Vec::new(), folder: PathBuf::from("."), input: None }
    }

    /// With these arguments.
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        self
    }

    /// Started in this folder.
    pub fn inside(mut self, folder: &Path) -> Self {
        self.folder = folder.to_path_buf();
        self
    }

    /// With this file as standard input.
    pub fn input(mut self, file: &Path) -> Self {
        self.input = Some(file.to_path_buf());
        self
    }

    /// The median time from start to end. A run that fails ends the measurement: the time of a failure means nothing.
    pub fn median_time(&self) -> Result<Duration, String> {
        self.median_of(WARM_UP, RUNS)
    }

    /// The same of fewer runs, for work that takes seconds.
    pub fn median_of(&self, warm_up: usize, runs: usize) -> Result<Duration, String> {
        for _ in 0..warm_up {
            self.once()?;
        }
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs {
            let start = Instant::now();
            self.once()?;
            times.push(start.elapsed());
        }
        times.sort_unstable();
        times.get(runs / 2).copied().ok_or_else(|| "no run".to_owned())
    }

    /// The most bytes that were resident at one moment of one run.
    ///
    /// Linux counts what the starting process had resident before the new program was loaded, so nothing smaller than
    /// this program (some 3 MB) can be seen.
    pub fn peak_memory(&self) -> Result<u64, String> {
        match self.once()? {
            0 => Err("not known on this system".to_owned()),
            bytes => Ok(bytes),
        }
    }

    fn stdin(&self) -> Result<Stdio, String> {
        let Some(file) = &self.input else { return Ok(Stdio::null()) };
        std::fs::File::open(file).map(Stdio::from).map_err(|cause| format!("{}: {cause}", file.display()))
    }

    /// Runs to the end; gives the peak of resident bytes.
    fn once(&self) -> Result<u64, String> {
        let name = self.program.file_name().unwrap_or_default().to_string_lossy();
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder).stdin(self.stdin()?).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::null()).spawn().map_err(|cause| format!("{name}: {cause}"))?;
        let end = child.wait4().map_err(|cause| format!("{name}: {cause}"))?;
        if end.status.success() { Ok(end.rusage.maxrss) } else { Err(format!("{name}: {}", end.status)) }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Run {
        Run::new(Path::new("sh")).arguments(["-c", script])
    }

    #[test]
    fn a_failure_is_no_measurement() {
        assert!(shell("exit 3").median_time().is_err_and(|cause| cause.contains("exit status: 3")));
        assert!(shell("exit 3").peak_memory().is_err());
        assert!(Run::new(Path::new("no-such-program")).median_time().is_err());
    }

    #[test]
    fn memory_that_is_used_is_seen() {
        let small = shell(":").peak_memory().expect("the shell runs");
        // More than what is counted of the starting process, which is these tests with all that they hold.
        let bytes = small + 60_000_000;
        let script = format!("x=$(head -c {bytes} /dev/zero | tr '\\0' a); :");
        let large = shell(&script).peak_memory().expect("the shell runs");
        assert!(small > 100_000, "{small}");
        assert!(large > small + 30_000_000, "{small} {large}");
    }

    #[test]
    fn a_process_starts_in_the_folder_given() {
        let run = shell("test -f manifest").inside(Path::new("no-such-folder"));
        assert!(run.median_time().is_err());
        let run = shell("test -f Cargo.toml").inside(Path::new(env!("CARGO_MANIFEST_DIR")));
        assert!(run.median_time().is_ok());
    }
}
