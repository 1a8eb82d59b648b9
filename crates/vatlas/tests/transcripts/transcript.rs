//! Transcripts: the files in `texts` hold what is typed and exactly what comes back. With `VATLAS_BLESS=1` they are
//! written anew; the difference is for a person to read.
//!
//! ```text
//! # why this is here
//! $ vatlas info crash.dmp
//! lines of standard output
//! 2> lines of standard error
//! exit 0
//! ```

use crate::{
    run::{stderr, stdout, vatlas},
    world::world,
};
use std::path::{Path, PathBuf};

const PROMPT: &str = "$ vatlas ";

fn texts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/texts")
}

/// Remarks, prompts and what separates them stay; everything below a prompt is made again.
fn again(text: &str) -> String {
    let folder = world();
    let mut result = String::new();
    let mut is_answer = false;
    for line in text.lines() {
        if let Some(command) = line.strip_prefix(PROMPT) {
            result += &format!("{line}\n{}", answer(folder.path(), command));
            is_answer = true;
        } else if !is_answer {
            result += &format!("{line}\n");
        } else if line.starts_with("exit ") {
            is_answer = false;
        }
    }
    result
}

fn answer(folder: &Path, command: &str) -> String {
    let output = vatlas(folder, command);
    let errors: String =
        stderr(&output).lines().map(|line| format!("2> {line}").trim_end().to_owned() + "\n").collect();
    let code = output.status.code().expect("an exit code");
    // The store of imported files is named by its whole path.
    let root = folder.display().to_string();
    format!("{}{errors}exit {code}\n", stdout(&output)).replace(&root, "WORLD")
}

fn check(name: &str) {
    let path = texts().join(format!("{name}.txt"));
    let expected = std::fs::read_to_string(&path).expect("a transcript");
    let found = again(&expected);
    if std::env::var_os("VATLAS_BLESS").is_some() {
        std::fs::write(&path, found).expect("a written transcript");
        return;
    }
    let lines = || expected.lines().zip(found.lines()).enumerate();
    if let Some((number, (expected, found))) = lines().find(|(_, (expected, found))| expected != found) {
        panic!(
            "{name}.txt line {}:\nexpected {expected}\nfound    {found}\n(VATLAS_BLESS=1 writes it anew)",
            number + 1
        );
    }
    assert_eq!(expected, found, "{name}.txt");
}

macro_rules! transcripts {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_text_is_read() {
            let names = std::fs::read_dir(texts()).expect("the texts").flatten();
            let mut found: Vec<_> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            found.sort();
            assert_eq!(found, [$(concat!(stringify!($name), ".txt")),*]);
        }
    };
}

transcripts!(
    analyze, damaged, debug, demo, diff, explain, foreign, info, kdmp, locations, log, lookup, map, memory, modules,
    open, pictures, read, refs, rom, search, stack, symbols, systems, threads, types, usage, watch
);
