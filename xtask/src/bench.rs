//! The benchmark table: what the release build needs beside its goals and beside the peers that are installed.
//!
//! A row is one function below; it measures ours and, where there is one, a peer at the same work.

mod peers;
mod process;
mod table;

use peers::Peer;
use process::Run;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use table::{Measured, Quantity, Row};

/// Builds the release program, measures every row, and prints the table.
///
/// # Errors
/// When the program does not build or the table cannot be measured at all. A row that fails says so in the table.
pub fn run(root: &Path) -> Result<(), String> {
    let bench = Bench { root: root.to_path_buf(), program: build(root)?, stackwalk: Peer::find("minidump-stackwalk") };
    println!("{}\n", conditions(&bench.stackwalk));
    print!("{}", table::render(&bench.rows()));
    Ok(())
}

/// What the rows share.
struct Bench {
    root: PathBuf,
    program: PathBuf,
    stackwalk: Peer,
}

impl Bench {
    fn rows(&self) -> Vec<Row> {
        vec![self.start(), self.explain_time(), self.explain_memory()]
    }

    /// The floor under every whole-process row.
    fn start(&self) -> Row {
        Row {
            what: "start and say the version, whole process",
            goal: None,
            ours: self.time(&["--version"]),
            peer: self.stackwalk.measure(|peer| peer.arguments(["--version"]).median_time()),
        }
    }

    fn explain_time(&self) -> Row {
        Row {
            what: "open and explain the crash of demo.dmp, whole process",
            goal: Some(Quantity::Time(Duration::from_millis(1))),
            ours: self.time(&["explain", DEMO, "crash"]),
            peer: self.stackwalk.measure(|peer| peer.arguments([DEMO]).inside(&self.root).median_time()),
        }
    }

    fn explain_memory(&self) -> Row {
        Row {
            what: "open and explain the crash of demo.dmp, peak resident memory",
            goal: Some(Quantity::Bytes(20 << 20)),
            ours: self.run(&["explain", DEMO, "crash"]).peak_memory().into(),
            peer: self.stackwalk.measure(|peer| peer.arguments([DEMO]).inside(&self.root).peak_memory()),
        }
    }

    fn time(&self, arguments: &[&str]) -> Measured {
        self.run(arguments).median_time().into()
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::new(&self.program).arguments(arguments).inside(&self.root)
    }
}

/// The dump that the project made itself, from the repository's root.
const DEMO: &str = "fixtures/minidump/demo.dmp";

fn build(root: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--release", "--package", "vatlas"]).current_dir(root).status();
    match built {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("bench: the release build failed: {status}")),
        Err(cause) => return Err(format!("bench: cargo could not be started: {cause}")),
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    Ok(target.join("release").join(format!("vatlas{}", std::env::consts::EXE_SUFFIX)))
}

/// Numbers mean nothing without the machine that gave them.
fn conditions(stackwalk: &Peer) -> String {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let (system, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
    let runs = process::RUNS;
    format!(
        "{system} {architecture}, {processors} processors; times are medians of {runs} runs after {} to warm up\npeer: {stackwalk}",
        process::WARM_UP
    )
}
