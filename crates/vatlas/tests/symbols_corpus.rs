//! Real dumps find their real symbol files, and nobody else's. Runs where `VATLAS_CORPUS` names the folder of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("VATLAS_CORPUS").map(|folder| PathBuf::from(folder).join("minidump"));
    if corpus.is_none() {
        eprintln!("skipped: VATLAS_CORPUS is not set");
    }
    corpus
}

/// Names of the modules of a dump that have symbols, with the ends of the files' paths, and how many have none.
fn check(corpus: &Path, dump: &str, symbols: Option<&str>, expected: &[(&str, &str)], missing: usize) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::cargo_bin("vatlas").unwrap();
    for variable in ["_NT_SYMBOL_PATH", "_NT_ALT_SYMBOL_PATH", "DBGHELP_HOMEDIR"] {
        command.env_remove(variable);
    }
    command.env("HOME", home.path()).env("XDG_CACHE_HOME", home.path());
    command.args(["symbols", "--json", "--quiet"]).arg(corpus.join(dump));
    if let Some(symbols) = symbols {
        command.arg("--symbols").arg(symbols.replace("CORPUS", &corpus.display().to_string()));
    }
    let document: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let modules = document["answer"]["modules"].as_array().unwrap();
    let (found, others): (Vec<_>, Vec<_>) = modules.iter().partition(|module| module["status"] == "found");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found: Vec<_> =
        found.iter().map(|module| (text(&module["module"]), text(&module["files"][0]["file"]))).collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((module, file), (expected_module, end)) in found.iter().zip(expected) {
        assert!(module == expected_module && file.ends_with(end), "{module}: {file}");
    }
    assert_eq!(others.len(), missing);
}

#[test]
fn real_dumps_find_real_symbols() {
    let Some(corpus) = corpus() else { return };
    let pdb = [("CppConsoleApplication.exe", "cpp-crash-sample-2/CppConsoleApplication.pdb")];
    check(&corpus, "kindtis/cpp-crash-sample-2/CppConsoleApplication.dmp", None, &pdb, 36);
    check(&corpus, "lldb/sigsegv.dmp", None, &[("sigsegv.exe", "lldb/sigsegv.pdb")], 3);
    let breakpad = [
        ("test_app.exe", "test_app.pdb/5A9832E5287241C1838ED98914E9B7FF1/test_app.sym"),
        ("kernel32.dll", "kernel32.pdb/BCE8785C57B44245A669896B6A19B9542/kernel32.sym"),
    ];
    for symbols in ["CORPUS/breakpad/symbols", "srv*CORPUS/breakpad/symbols", "cache*CORPUS/breakpad/symbols;srv*"] {
        check(&corpus, "breakpad/minidump2.dmp", Some(symbols), &breakpad, 11);
    }
}
