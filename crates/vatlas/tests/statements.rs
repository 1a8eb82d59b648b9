//! Every test that `docs/statements.md` names exists, and every statement has its row.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of all functions of the sources below a folder.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("fn ")?.split(['(', '<']).next());
            found.extend(names.map(str::to_owned));
        }
    }
}

/// What stands between back quotes and is spelt as the name of a test: words in lower case, three or more.
fn tests_of(row: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| {
        let is_plain = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        is_plain && word.matches('_').count() >= 2
    };
    row.split('`').skip(1).step_by(2).filter(is_name)
}

#[test]
fn every_statement_has_a_row_and_its_tests_exist() {
    let text = std::fs::read_to_string(root().join("docs/statements.md")).unwrap();
    let mut found = BTreeSet::new();
    functions(&root().join("crates"), &mut found);
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| NT") || line.starts_with("| CE")).collect();
    for number in 1..=20 {
        assert!(rows.iter().any(|row| row.starts_with(&format!("| NT{number} "))), "NT{number} has no row");
    }
    let missing: Vec<&str> = rows.iter().flat_map(|row| tests_of(row)).filter(|name| !found.contains(*name)).collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:?}");
    // A file or folder of tests does, where one rule has many.
    let is_shown = |row: &&&str| tests_of(row).next().is_some() || row.contains("tests");
    let without: Vec<&str> = rows.iter().filter(|row| !is_shown(row)).copied().collect();
    let names: Vec<&str> = without.iter().filter_map(|row| row.split('|').nth(1)).map(str::trim).collect();
    assert!(names.is_empty(), "no test shows {names:?}");
}
