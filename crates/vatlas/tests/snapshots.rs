//! Snapshots on the command line: written, resumed, asked, refused when damaged; minidumps made of them; systems in a file.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/machine/programs").join(name)
}

fn vatlas(folder: &Path, arguments: &[&str]) -> Output {
    Command::cargo_bin("vatlas").unwrap().current_dir(folder).args(arguments).output().unwrap()
}

#[track_caller]
fn text(output: &Output) -> String {
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{errors}");
    out.into_owned()
}

#[track_caller]
fn answer(folder: &Path, arguments: &[&str]) -> Value {
    let all: Vec<&str> = ["--json"].iter().chain(arguments).copied().collect();
    serde_json::from_str::<Value>(&text(&vatlas(folder, &all))).unwrap()["answer"].clone()
}

/// A folder with a snapshot of a program, taken after so many instructions.
fn taken(name: &str, at: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = program(name);
    let run = ["run", path.to_str().unwrap(), "--pagefile", "8M", "--stop-at", at, "--snapshot", "x.vsnap"];
    // Options stand before the program.
    let order = [0, 2, 3, 4, 5, 6, 7, 1].map(|place: usize| run[place]);
    text(&vatlas(folder.path(), &order));
    folder
}

#[test]
fn a_resumed_program_ends_as_it_would_have() {
    let folder = taken("threads.exe", "300K");
    let path = program("threads.exe");
    let whole = vatlas(folder.path(), &["run", "--pagefile", "8M", "--report", "--json", path.to_str().unwrap()]);
    let rest = vatlas(folder.path(), &["resume", "x.vsnap", "--report", "--json"]);
    let hash = |output: &Output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, hash) = text.split_once("\"state_hash\": \"").unwrap_or_else(|| panic!("no hash in {text}"));
        hash[..16].to_owned()
    };
    assert_eq!(hash(&whole), hash(&rest));
    assert_eq!(whole.status.code(), rest.status.code());
}

#[test]
fn every_question_is_answered_from_a_snapshot() {
    let folder = taken("threads.exe", "300K");
    let folder = folder.path();
    for (question, expected) in [
        ("info x.vsnap", "the machine, stopped after 300000 instructions; it runs threads.exe"),
        ("processes x.vsnap", "threads.exe"),
        ("modules x.vsnap", "kernel32.dll"),
        ("threads x.vsnap", "0x00"),
        ("stack x.vsnap", "end:"),
        ("explain x.vsnap sp", "stack of thread"),
        ("map x.vsnap --summary", "committed"),
        ("memory x.vsnap 0x400000 2", "4d 5a"),
        ("watch x.vsnap eip", "eip"),
        ("vad x.vsnap", "in the commit charge"),
        ("pte x.vsnap 0x400000", "PTE"),
        ("pte x.vsnap 0x7ffe0000", "in frame"),
        ("frames x.vsnap --state active --limit 3", "active"),
        ("sharing x.vsnap --image kernel32.dll --no-picture", "kernel32.dll"),
    ] {
        let arguments: Vec<&str> = question.split_whitespace().collect();
        let told = text(&vatlas(folder, &arguments));
        assert!(told.contains(expected), "{question}:\n{told}");
    }
}

/// What the lines of a part of the account add up to, and its total.
fn sums(part: &Value) -> (i64, i64, bool) {
    let lines = part["lines"].as_array().unwrap();
    let sum = lines.iter().map(|line| line["pages"].as_i64().unwrap()).sum();
    let is_open = lines.iter().any(|line| line["what"] == "not accounted for");
    (sum, part["total"].as_i64().unwrap(), is_open)
}

#[test]
fn frames_and_commit_charge_are_accounted_to_the_page() {
    for (name, at) in [("threads.exe", "300K"), ("paging.exe", "1M"), ("library.exe", "2M")] {
        let folder = taken(name, at);
        let account = answer(folder.path(), &["frames", "x.vsnap", "--summary"]);
        for part in ["states", "in_use", "commit"] {
            let (sum, total, is_open) = sums(&account[part]);
            assert_eq!((sum, is_open), (total, false), "{name}, {part}: {account}");
            assert!(total > 0, "{name}, {part}");
        }
        let active = account["states"]["lines"].as_array().unwrap().iter().find(|line| line["what"] == "active");
        assert_eq!(active.unwrap()["pages"], account["in_use"]["total"], "{name}");
        // The descriptors of the process say the same as its line in the account.
        let vads = answer(folder.path(), &["vad", "x.vsnap"]);
        let committed: i64 = vads.as_array().unwrap().iter().filter_map(|vad| vad["commit"].as_i64()).sum();
        let line = format!("{name} (256): memory");
        let lines = account["commit"]["lines"].as_array().unwrap();
        let charged = lines.iter().find(|known| known["what"] == line.as_str()).unwrap();
        assert_eq!(charged["pages"].as_i64(), Some(committed), "{name}");
    }
}

#[test]
fn a_damaged_snapshot_is_refused_with_what_is_wrong() {
    let folder = taken("hello.exe", "100K");
    let whole = std::fs::read(folder.path().join("x.vsnap")).unwrap();
    let check = |bytes: &[u8], expected: &str| {
        std::fs::write(folder.path().join("bad.vsnap"), bytes).unwrap();
        for command in ["resume", "info"] {
            let output = vatlas(folder.path(), &[command, "bad.vsnap"]);
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains(expected) && told.contains("bad.vsnap"), "{told}");
        }
    };
    check(&whole[..whole.len() - 100], "100 bytes short");
    check(&whole[..50], "short");
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0x10;
    check(&damaged, "the checksum does not fit");
    let mut other = whole;
    other[8] = 200;
    check(&other, "version 200");
}

#[test]
fn a_granted_folder_is_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    std::fs::create_dir(&root).unwrap();
    std::fs::copy(program("hello.exe"), root.join("hello.exe")).unwrap();
    let run = ["run", "--root", "data", "--stop-at", "150K", "--snapshot", "x.vsnap", "data/hello.exe"];
    text(&vatlas(folder.path(), &run));
    let refused = vatlas(folder.path(), &["resume", "x.vsnap"]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && told.contains("--root"), "{told}");
    let whole = text(&vatlas(folder.path(), &["run", "--root", "data", "data/hello.exe"]));
    assert_eq!(text(&vatlas(folder.path(), &["resume", "x.vsnap", "--root", "data"])), whole);
    // The program's own file is open: its pages come from it.
    std::fs::remove_file(root.join("hello.exe")).unwrap();
    let refused = vatlas(folder.path(), &["resume", "x.vsnap", "--root", "data"]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && told.contains("hello.exe"), "{told}");
}

/// Threads with their stack pointers, modules with their addresses, and the region around an address.
fn facts(folder: &Path, file: &str) -> (Vec<Value>, Vec<Value>, String) {
    let threads = answer(folder, &["threads", file, "--process", "256"]);
    let modules = answer(folder, &["modules", file, "--process", "256"]);
    let below = |module: &&Value| module["range"]["first"].as_str().is_some_and(|first| first < "0x80000000");
    let modules = modules["loaded"].as_array().or(modules.as_array()).unwrap().iter().filter(below).cloned();
    let memory = text(&vatlas(folder, &["memory", file, "sp", "256", "--process", "256"]));
    (threads.as_array().cloned().unwrap_or_default(), modules.collect(), memory)
}

#[test]
fn a_minidump_says_what_the_snapshot_says() {
    let folder = taken("threads.exe", "300K");
    let folder = folder.path();
    text(&vatlas(folder, &["minidump", "x.vsnap", "--process", "threads.exe", "-o", "x.dmp"]));
    let (in_snapshot, in_dump) = (facts(folder, "x.vsnap"), facts(folder, "x.dmp"));
    let pointers = |threads: &[Value]| -> Vec<(Value, Value)> {
        threads.iter().map(|thread| (thread["id"].clone(), thread["sides"][0]["sp"].clone())).collect()
    };
    assert_eq!(pointers(&in_snapshot.0), pointers(&in_dump.0));
    let places = |modules: &[Value]| -> Vec<(Value, Value)> {
        modules.iter().map(|module| (module["path"].clone(), module["range"].clone())).collect()
    };
    assert!(!in_dump.1.is_empty());
    assert_eq!(places(&in_snapshot.1), places(&in_dump.1));
    assert_eq!(in_snapshot.2, in_dump.2, "the stack");
    let bytes = |file: &str, output: &str| {
        text(&vatlas(folder, &["read", file, "0x400000", "0x4000", "--process", "256", "-o", output]));
        std::fs::read(folder.join(output)).unwrap()
    };
    assert_eq!(bytes("x.vsnap", "one"), bytes("x.dmp", "other"));
}

#[test]
fn an_unhandled_exception_is_in_the_minidump() {
    let folder = tempfile::tempdir().unwrap();
    let path = program("crash.exe");
    vatlas(folder.path(), &["run", "--minidump", "c.dmp", path.to_str().unwrap()]);
    let told = text(&vatlas(folder.path(), &["info", "c.dmp"]));
    assert!(told.contains("STATUS_ACCESS_VIOLATION") && told.contains("write at 0x00000044"), "{told}");
    let told = text(&vatlas(folder.path(), &["stack", "c.dmp"]));
    assert!(told.contains("crash.exe+") && told.contains("at the exception"), "{told}");
    for (tool, arguments, expected) in [
        (
            "minidump-stackwalk",
            &["c.dmp"][..],
            &["EXCEPTION_ACCESS_VIOLATION_WRITE", "crash.exe + 0x2741", "tid: 260"][..],
        ),
        (
            "lldb-19",
            &["-b", "-c", "c.dmp", "-o", "bt", "-o", "memory read 0x400000 -c 4"],
            &["0x00402741", "4d 5a 90 00"],
        ),
    ] {
        match std::process::Command::new(tool).current_dir(folder.path()).args(arguments).output() {
            Err(_) => println!("skipped: {tool} is not installed"),
            Ok(output) => {
                let told = String::from_utf8_lossy(&output.stdout).into_owned();
                expected.iter().for_each(|expected| assert!(told.contains(expected), "{tool}:\n{told}"));
            }
        }
    }
}

#[test]
fn a_program_without_a_crash_leaves_no_minidump() {
    let folder = tempfile::tempdir().unwrap();
    let path = program("hello.exe");
    let output = vatlas(folder.path(), &["run", "--minidump", "c.dmp", path.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no minidump was written"));
    assert!(!folder.path().join("c.dmp").exists());
}

#[test]
fn a_system_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(program("hello.exe"), folder.path().join("hello.exe")).unwrap();
    std::fs::copy(program("layout.exe"), folder.path().join("layout.exe")).unwrap();
    let described = "[machine]\nram = \"16M\"\ncpus = 2\n\n[[pagefile]]\nsize = \"4M\"\n\n\
        [[program]]\nfile = \"hello.exe\"\nargs = [\"one\"]\n\n[[program]]\nfile = \"layout.exe\"\n";
    std::fs::write(folder.path().join("two.toml"), described).unwrap();
    let told = vatlas(folder.path(), &["run", "--system", "two.toml", "--stop-at", "60K", "--then", "processes"]);
    let told = text(&told);
    assert!(told.contains("hello.exe") && told.contains("layout.exe"), "{told}");
    std::fs::write(folder.path().join("bad.toml"), described.replace("cpus", "cpu")).unwrap();
    let refused = vatlas(folder.path(), &["run", "--system", "bad.toml"]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("bad.toml: line 3, cpu: there is no such key in [machine]; did you mean 'cpus'?"), "{told}");
    let refused = vatlas(folder.path(), &["run", "--system", "two.toml", "--ram", "64M"]);
    assert_eq!(refused.status.code(), Some(2));
}

/// Program 3 of many processes: 64 of them with pipes, on 2 processors, in 64 MB of RAM with a page file. A snapshot on
/// disk, in the middle, changes nothing.
#[test]
fn a_tree_of_64_processes_goes_on_from_a_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let tree = program("../processes/tree.exe");
    let machine = ["--cpus", "2", "--ram", "64M", "--pagefile", "128M"];
    let run = |more: &[&str]| {
        let program = [tree.to_str().unwrap(), "64"];
        vatlas(folder.path(), &[&["run"][..], &machine, more, &program].concat())
    };
    let hash = |output: &Output| {
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, hash) = told.split_once("\"state_hash\": \"").unwrap_or_else(|| panic!("no hash in {told}"));
        hash[..16].to_owned()
    };
    let whole = run(&["--report", "--json"]);
    text(&run(&["--stop-at", "8M", "--snapshot", "tree.vsnap"]));
    let processes = answer(folder.path(), &["processes", "tree.vsnap"]);
    assert!(processes.as_array().unwrap().len() > 30, "{processes}");
    let rest = vatlas(folder.path(), &["resume", "tree.vsnap", "--report", "--json"]);
    assert_eq!((hash(&whole), whole.status.code()), (hash(&rest), Some(0)));
    assert_eq!(rest.status.code(), Some(0));
}
