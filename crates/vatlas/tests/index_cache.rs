//! Runs of the program that share a cache of indexes give the answers of those that have none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use assert_cmd::Command;
use std::{fmt::Write as _, fs, path::Path, time::Duration};

/// A Breakpad file that is large enough for the cache, and has lines that cannot be read.
fn symbols() -> String {
    let mut text = "MODULE windows x86 00112233445566778899AABBCCDDEEFFa app.pdb\nFILE 1 c:\\src\\app.c\n".to_owned();
    for number in 0..8000 {
        let rva = 0x1000 + number * 0x20;
        writeln!(text, "FUNC {rva:x} 20 0 app::function_{number}(int)\n{rva:x} 20 {number} 1").unwrap();
    }
    text + "no record\n"
}

fn answer(home: Option<&Path>, file: &Path, more: &[&str]) -> String {
    let mut command = Command::cargo_bin("vatlas").unwrap();
    for variable in ["HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "VATLAS_NO_CACHE", "_NT_SYMBOL_PATH"] {
        command.env_remove(variable);
    }
    if let Some(home) = home {
        command.env("HOME", home).env("XDG_CACHE_HOME", home).env("LOCALAPPDATA", home);
    }
    let output =
        command.arg("lookup").arg(file).args(["0x1c48", "0x3e7ff", "0x1", "--json"]).args(more).output().unwrap();
    assert!(!output.stdout.is_empty());
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn count(home: &Path) -> usize {
    fs::read_dir(home.join("vatlas/index")).map_or(0, Iterator::count)
}

#[test]
fn runs_with_and_without_a_cache_say_the_same() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = other.path().join("app.sym");
    fs::write(&file, symbols()).unwrap();
    let plain = answer(None, &file, &[]);
    assert!(plain.contains("function_98") && plain.contains("16003"), "{plain}");
    assert_eq!(answer(Some(home.path()), &file, &[]), plain, "a file that was just written may change again");
    assert_eq!(count(home.path()), 0);
    std::thread::sleep(Duration::from_millis(3200));
    assert_eq!(answer(Some(home.path()), &file, &["--no-cache"]), plain);
    assert_eq!(count(home.path()), 0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(answer(Some(home.path()), &file, &[]), plain));
        }
    });
    assert_eq!(count(home.path()), 1);
    assert_eq!(answer(Some(home.path()), &file, &[]), plain, "from the cache");
    let table = fs::read_dir(home.path().join("vatlas/index")).unwrap().next().unwrap().unwrap().path();
    fs::write(&table, "damaged").unwrap();
    assert_eq!(answer(Some(home.path()), &file, &[]), plain);
    assert!(fs::metadata(&table).unwrap().len() > 1000, "it was made again");
    fs::write(&file, symbols().replace("function_98(", "function_89(")).unwrap();
    assert!(answer(Some(home.path()), &file, &[]).contains("function_89"), "the file changed, and its size did not");
    fs::write(other.path().join("vatlas"), "a file where the folder should be").unwrap();
    assert!(answer(Some(other.path()), &file, &[]).contains("function_89"));
}
