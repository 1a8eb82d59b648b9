//! The benchmark table: what the release build needs beside its goals and beside the peers that are installed.
//!
//! A row is one function below; it measures ours and, where there is one, a peer at the same work.

mod ce;
mod control;
mod library;
mod machine;
mod peers;
mod process;
mod symbols;
mod table;

use crate::dist;
use ce::Ce;
use control::Control;
use library::Library;
use machine::Machine;
use peers::Peer;
use process::Run;
use std::path::{Path, PathBuf};
use std::time::Duration;
use symbols::Symbols;
use table::{Measured, Quantity, Row};

/// Builds the release program, measures every row, and prints the table.
///
/// # Errors
/// When the program does not build or the table cannot be measured at all. A row that fails says so in the table.
pub fn run(root: &Path) -> Result<(), String> {
    let program = dist::build(root)?;
    let bench = Bench {
        root: root.to_path_buf(),
        stackwalk: Peer::find("minidump-stackwalk"),
        library: Library::measure(root, "vatlas-debug", "questions"),
        many: many_regions(root)?,
        symbols: Symbols::measure(root, &program)?,
        machine: Machine::measure(root),
        control: Control::measure(root),
        ce: Ce::prepare(root, &program),
        program,
        largest: largest_dump(),
    };
    println!("{}\n", conditions(&bench.stackwalk));
    print!("{}", table::render(&bench.rows()));
    Ok(())
}

/// What the rows share.
struct Bench {
    root: PathBuf,
    program: PathBuf,
    stackwalk: Peer,
    library: Library,
    /// A dump with 20,000 regions.
    many: PathBuf,
    /// The largest dump of the corpus, when there is a corpus.
    largest: Option<PathBuf>,
    symbols: Symbols,
    machine: Machine,
    control: Control,
    ce: Ce,
}

impl Bench {
    fn rows(&self) -> Vec<Row> {
        let mut rows = vec![
            self.start(),
            self.explain_time(),
            self.explain_memory(),
            self.analyze_time(),
            self.library("open and explain the crash of demo.dmp, in the library", "open_and_explain", 50),
            self.library("explain one address of an open dump, in the library", "explain", 50),
            self.library("open and add up 20,000 regions, in the library", "open_and_map_20000_regions", 20_000),
            self.library("watch a structure in 31 processes, warm, in the library", "watch_31_processes", 1_000),
            self.library("a stack of 40 frames with symbols, warm, in the library", "stack_40_frames", 1_000),
            self.many_regions(),
        ];
        rows.extend(self.largest.as_ref().map(|dump| self.largest_time(dump)));
        rows.extend(self.largest.as_ref().map(|dump| self.largest_memory(dump)));
        rows.extend(self.symbols.rows());
        rows.extend(self.machine.rows());
        rows.extend(self.control.rows());
        rows.extend(self.ce.rows());
        rows
    }

    fn library(&self, what: &'static str, name: &str, micros: u64) -> Row {
        let goal = Some(Quantity::Time(Duration::from_micros(micros)));
        Row { what, goal, ours: self.library.median(name).into(), peer: Measured::Not(String::new()) }
    }

    fn many_regions(&self) -> Row {
        Row {
            what: "map --summary of 20,000 regions, whole process",
            goal: Some(Quantity::Time(Duration::from_millis(20))),
            ours: self.time(&["map", &self.many.to_string_lossy(), "--summary"]),
            peer: self.stackwalk.measure(|peer| peer.arguments([&self.many]).median_time()),
        }
    }

    fn largest_time(&self, dump: &Path) -> Row {
        Row {
            what: "open and explain sp of the largest dump of the corpus, whole process",
            goal: None,
            ours: self.time(&["explain", &dump.to_string_lossy(), "sp"]),
            peer: self.stackwalk.measure(|peer| peer.arguments([dump]).median_time()),
        }
    }

    fn largest_memory(&self, dump: &Path) -> Row {
        Row {
            what: "open and explain sp of the largest dump of the corpus, peak resident memory",
            goal: Some(Quantity::Bytes(20 << 20)),
            ours: self.run(&["explain", &dump.to_string_lossy(), "sp"]).peak_memory().into(),
            peer: self.stackwalk.measure(|peer| peer.arguments([dump]).peak_memory()),
        }
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

    fn analyze_time(&self) -> Row {
        Row {
            what: "analyze demo.dmp: crash, stacks, what is suspicious, whole process",
            goal: Some(Quantity::Time(Duration::from_millis(5))),
            ours: self.time(&["analyze", DEMO]),
            peer: self.stackwalk.measure(|peer| peer.arguments([DEMO]).inside(&self.root).median_time()),
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

/// Writes the dump with 20,000 regions below the target folder.
fn many_regions(root: &Path) -> Result<PathBuf, String> {
    let folder = root.join("target/bench");
    let file = folder.join("many-regions.dmp");
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&file, vatlas_fixtures::many_regions(20_000)))
        .map_err(|cause| format!("bench: {}: {cause}", file.display()))?;
    Ok(file)
}

/// The largest minidump below the folder that `VATLAS_CORPUS` names.
fn largest_dump() -> Option<PathBuf> {
    let mut folders = vec![PathBuf::from(std::env::var_os("VATLAS_CORPUS")?).join("minidump")];
    let mut largest: Option<(u64, PathBuf)> = None;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else { continue };
            if metadata.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "dmp") {
                largest = largest.max(Some((metadata.len(), path)));
            }
        }
    }
    largest.map(|(_, path)| path)
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
