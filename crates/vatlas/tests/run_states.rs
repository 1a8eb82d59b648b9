//! The machine ends every program in the same state on every host: the numbers of the states are committed.
//!
//! A change of the machine, of the guest's libraries or of a program changes the numbers; `VATLAS_BLESS=1` writes them
//! anew. A change of the host, of the compiler or of its optimization must not.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use assert_cmd::Command;
use std::path::{Path, PathBuf};

/// Options, and the program.
const RUNS: [(&str, &str); 8] = [
    ("", "hello.exe"),
    ("", "fault.exe"),
    ("", "overflow.exe"),
    ("", "layout.exe"),
    ("", "library.exe"),
    ("", "threads.exe"),
    ("--cpus 3", "threads.exe"),
    ("--pagefile 128M", "sparse.exe"),
];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The number of the state at the end.
fn state(options: &str, program: &str) -> String {
    let mut command = Command::cargo_bin("vatlas").unwrap();
    command.arg("run").args(options.split_whitespace()).args(["--report", "--json"]);
    let output = command.arg(here("../../fixtures/machine/programs").join(program)).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let (_, hash) = text.split_once("\"state_hash\": \"").unwrap_or_else(|| panic!("no number in {text}"));
    hash[..16].to_owned()
}

#[test]
fn states_are_those_of_every_host() {
    let line = |(options, program): (&str, &str)| format!("{}  {program} {options}", state(options, program));
    let found: String = RUNS.into_iter().map(|run| format!("{}\n", line(run).trim_end())).collect();
    let path = here("tests/run_states.txt");
    if std::env::var_os("VATLAS_BLESS").is_some() {
        std::fs::write(path, found).unwrap();
        return;
    }
    assert_eq!(found, std::fs::read_to_string(path).unwrap());
}
