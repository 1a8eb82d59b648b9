//! Rows about names and lines: the library beside `pdb-addr2line`, the program beside `llvm-symbolizer`.

use super::library::Library;
use super::peers::Peer;
use super::process::Run;
use super::table::{Measured, Quantity, Row};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Lookups of one pass of the library's benchmark.
const LOOKUPS: u32 = 1000;
/// Addresses that are streamed through the program.
const STREAMED: u32 = 100_000;

/// What the rows share.
pub struct Symbols {
    program: PathBuf,
    library: Library,
    symbolizer: Peer,
    /// Our own small program, with its PDB beside it under the name that it asks for.
    counters: PathBuf,
    /// A real PDB of 6 MB, and addresses of it, one a line; only with a corpus.
    large: Option<(PathBuf, PathBuf)>,
    /// Bytes of all PDBs that the index benchmark reads.
    indexed: u64,
}

impl Symbols {
    /// Runs the library's benchmarks, and makes the file of addresses.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn measure(root: &Path, program: &Path) -> Result<Self, String> {
        let corpus = std::env::var_os("VATLAS_CORPUS").map(|corpus| PathBuf::from(corpus).join("nt-pe-pdb"));
        let large = corpus.as_ref().map(|corpus| corpus.join("llvm-symbolizer/test-columns.pdb"));
        let large = match large.filter(|path| path.is_file()) {
            Some(path) => Some((path, addresses(root)?)),
            None => None,
        };
        Ok(Self {
            program: program.to_path_buf(),
            library: Library::measure(root, "vatlas-symbols", "lookups"),
            symbolizer: Peer::find("llvm-symbolizer"),
            counters: counters(root)?,
            large,
            indexed: corpus.map_or(0, |corpus| pdb_bytes(&corpus)),
        })
    }

    /// The rows.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = vec![self.warm(), self.first_answer()];
        if self.indexed > 0 {
            rows.push(self.index());
        }
        rows.push(self.small_program());
        if let Some((pdb, addresses)) = &self.large {
            rows.push(self.whole_process(pdb));
            rows.push(self.stream(pdb, addresses));
        }
        rows
    }

    fn warm(&self) -> Row {
        let each = |name| self.library.median(name).map(|time| time / LOOKUPS);
        Row {
            what: "warm lookup with inlined functions and line, in the library (peer: pdb-addr2line)",
            goal: Some(Quantity::Time(Duration::from_nanos(200))),
            ours: each("lookup/warm_1000").into(),
            peer: each("lookup/warm_1000_peer").into(),
        }
    }

    fn first_answer(&self) -> Row {
        Row {
            what: "open a PDB of 6 MB and name one address, in the library",
            goal: Some(Quantity::Time(Duration::from_millis(20))),
            ours: self.library.median("first_answer").into(),
            peer: Measured::Not(String::new()),
        }
    }

    /// The goal is a speed: 300 MB a second.
    fn index(&self) -> Row {
        Row {
            what: "every name of every PDB of the corpus, in the library",
            goal: Some(Quantity::Time(Duration::from_secs_f64(self.indexed as f64 / 300e6))),
            ours: self.library.median("index/all_names").into(),
            peer: Measured::Not(String::new()),
        }
    }

    fn whole_process(&self, pdb: &Path) -> Row {
        let ours = Run::new(&self.program).arguments([Path::new("lookup"), pdb, Path::new("0x1234")]);
        Row {
            what: "open a PDB of 6 MB and name one address, whole process",
            goal: Some(Quantity::Time(Duration::from_millis(20))),
            ours: ours.median_time().into(),
            peer: Measured::Not(String::new()),
        }
    }

    fn small_program(&self) -> Row {
        let ours = Run::new(&self.program).arguments([Path::new("lookup"), &self.counters, Path::new("0x401012")]);
        let object = format!("--obj={}", self.counters.display());
        Row {
            what: "name one address of a small program with its PDB, whole process (peer: llvm-symbolizer)",
            goal: None,
            ours: ours.median_time().into(),
            peer: self.symbolizer.measure(|peer| peer.arguments([object.as_str(), "0x401012"]).median_time()),
        }
    }

    fn stream(&self, pdb: &Path, addresses: &Path) -> Row {
        let ours = Run::new(&self.program).arguments([Path::new("lookup"), pdb, Path::new("-")]).input(addresses);
        Row {
            what: "name 100,000 addresses from a pipe, whole process",
            goal: None,
            ours: ours.median_time().into(),
            peer: Measured::Not(String::new()),
        }
    }
}

/// Copies the small program and its PDB.
fn counters(root: &Path) -> Result<PathBuf, String> {
    let (from, to) = (root.join("fixtures/symbols/counters"), root.join("target/bench/counters"));
    let copy = |source: &str, name: &str| std::fs::copy(from.join(source), to.join(name));
    std::fs::create_dir_all(&to)
        .and_then(|()| copy("counters-x86.exe", "counters.exe"))
        .and_then(|_| copy("counters-x86.pdb", "counters.pdb"))
        .map_err(|cause| format!("bench: {}: {cause}", to.display()))?;
    Ok(to.join("counters.exe"))
}

/// Writes addresses, one a line, spread over the first megabyte of an image.
fn addresses(root: &Path) -> Result<PathBuf, String> {
    let file = root.join("target/bench/addresses.txt");
    let text: String = (0..STREAMED).map(|number| format!("{:#x}\n", 0x1000 + number * 7919 % 0xf_0000)).collect();
    std::fs::write(&file, text).map_err(|cause| format!("bench: {}: {cause}", file.display()))?;
    Ok(file)
}

/// Bytes of the PDBs below a folder.
fn pdb_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.path() {
        path if path.is_dir() => pdb_bytes(&path),
        path if path.extension().is_some_and(|extension| extension == "pdb") => {
            entry.metadata().map_or(0, |metadata| metadata.len())
        }
        _ => 0,
    });
    sizes.sum()
}
