//! Runs the program in a folder, with an environment of its own.

use assert_cmd::Command;
use std::{path::Path, process::Output};

/// What colours, widths and the places of symbols could depend on.
const VARIABLES: [&str; 10] = [
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "TERM",
    "COLUMNS",
    "LINES",
    "_NT_SYMBOL_PATH",
    "_NT_ALT_SYMBOL_PATH",
    "DBGHELP_HOMEDIR",
];

/// The program, to be run in a folder, not yet told what to do.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("vatlas").expect("the program");
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.env("HOME", folder).env("XDG_CACHE_HOME", folder.join("cache"));
    command.current_dir(folder);
    command
}

/// Runs a command line in a folder.
pub fn vatlas(folder: &Path, line: &str) -> Output {
    program(folder).args(words(line)).output().expect("it runs")
}

/// The words of a command line; single quotes keep blanks together.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text on standard output")
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text on standard error")
}
