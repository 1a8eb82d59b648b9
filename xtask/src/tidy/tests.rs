//! Every rule of the tidy gate, shown to hold and shown to fail.

use super::*;

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
}

/// The findings of one file in an otherwise complete tree, one a line.
#[track_caller]
fn check_file(path: &str, text: &str, expected: &[&str]) {
    let mut files: Vec<File> = REQUIRED.iter().map(|name| file(name, "")).collect();
    files.push(file(path, text));
    let found: Vec<String> = check(&files).findings.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{found:?} does not contain {expected:?}");
    }
}

/// A source file with a good opening.
#[track_caller]
fn check_source(path: &str, body: &str, expected: &[&str]) {
    check_file(path, &format!("//! A good opening sentence.\n{body}"), expected);
}

const LIBRARY: &str = "crates/rules/src/a.rs";
const PROGRAM: &str = "crates/vatlas/src/a.rs";

#[test]
fn a_file_opens_with_a_sentence() {
    check_file(LIBRARY, "//! Says its one idea.\n", &[]);
    check_file(LIBRARY, "//! Says its one idea\n//! on two lines.\n//!\n//! And more\n", &[]);
    check_file(LIBRARY, "fn a() {}\n", &["a.rs:1: the file does not start"]);
    check_file(LIBRARY, "\n//! Says its one idea.\n", &["does not start"]);
    check_file(LIBRARY, "//! stub\n", &["is no sentence"]);
    check_file(LIBRARY, "//! Says its one idea\n", &["is no sentence"]);
    check_file(LIBRARY, "//! Broken source is told.\nfn {\n", &["a.rs:2: does not parse"]);
}

#[test]
fn functions_are_short() {
    let function = |lines: usize| format!("fn a() {{\n{}}}\n", "    b();\n".repeat(lines - 2));
    let short = "fn c() {}\n".repeat(10);
    check_source(LIBRARY, &format!("{}{short}", function(70)), &[]);
    check_source(LIBRARY, &format!("{}{short}", function(71)), &["a.rs:2: fn a has 71 lines"]);
    let method = format!("struct S;\nimpl S {{\n{}}}\n{short}", function(71));
    check_source(LIBRARY, &method, &["a.rs:4: fn a has 71 lines"]);
    let default = format!("trait T {{\n{}}}\n{short}", function(71));
    check_source(LIBRARY, &default, &["a.rs:3: fn a has 71 lines"]);
}

#[test]
fn one_flat_match_may_be_long() {
    let matching = |arm: &str, rest: &str| {
        format!("fn a() {{\n{rest}match b {{\n{}}}\n}}\n{}", arm.repeat(90), "fn c() {}\n".repeat(10))
    };
    check_source(LIBRARY, &matching("1 => 2,\n", "let b = 1;\n"), &[]);
    check_source(LIBRARY, &matching("1 => 2,\n", &"c();\n".repeat(20)), &["fn a has"]);
    check_source(LIBRARY, &matching("1 => {\nc();\nc();\nc();\nc();\nc();\n}\n", ""), &["fn a has"]);
}

#[test]
fn nine_of_ten_functions_are_usual() {
    let tree = |usual: usize| format!("fn a() {{\n{}}}\n{}", "    b();\n".repeat(34), "fn c() {}\n".repeat(usual));
    check_source(LIBRARY, &tree(9), &[]);
    check_source(LIBRARY, &tree(8), &["1 of 9 functions have more than 35 lines"]);
}

#[test]
fn files_are_short_unless_they_are_tables() {
    let lines = |number: usize| "const A: u8 = 0;\n".repeat(number);
    check_source(LIBRARY, &lines(799), &[]);
    check_source(LIBRARY, &lines(800), &["801 lines, 800 are allowed"]);
    check_file(LIBRARY, &format!("//! The names of codes. This file is a table.\n{}", lines(800)), &[]);
    check_file(LIBRARY, &format!("//! Walks a page table.\n{}", lines(800)), &["801 lines"]);
}

#[test]
fn tests_and_examples_are_not_ignored() {
    check_source(LIBRARY, "#[test]\n#[ignore]\nfn a() {}\n", &["a.rs:3: an ignored test"]);
    check_source(LIBRARY, "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n", &["ignored test"]);
    check_source(LIBRARY, "#[test]\n#[cfg_attr(windows, ignore)]\nfn a() {}\n", &["ignored test"]);
    check_source(LIBRARY, "#[cfg_attr(windows, inline)]\nfn a() {}\n", &[]);
    check_source(LIBRARY, "/// ```ignore\n/// a\n/// ```\nfn a() {}\n", &["a.rs:2: an ignored example"]);
    check_source(LIBRARY, "/// ```text\n/// ignore\n/// ```\nfn a() {}\n", &[]);
}

#[test]
fn nothing_is_unfinished() {
    for (name, path) in UNFINISHED.iter().zip([LIBRARY, PROGRAM, "xtask/src/a.rs"]) {
        check_source(
            path,
            &format!("fn a() {{\n    {name}!();\n}}\n"),
            &[&format!("a.rs:3: {name}! is for unfinished")],
        );
    }
    check_source(PROGRAM, "fn a() {\n    vec![std::todo!()];\n}\n", &["todo!"]);
    check_source(PROGRAM, "#[cfg(test)]\nmod tests {\n    fn a() { todo!() }\n}\n", &["todo!"]);
    check_source(PROGRAM, "// todo!()\nconst A: &str = \"todo!()\";\n", &[]);
}

#[test]
fn only_the_program_prints() {
    for name in PRINTING {
        let body = format!("fn a() {{\n    {name}!(\"b\");\n}}\n");
        check_source(LIBRARY, &body, &[&format!("a.rs:3: {name}!: only the program")]);
        check_source("fixtures/src/a.rs", &body, &["only the program"]);
        check_source(PROGRAM, &body, &[]);
        check_source("crates/rules/tests/a.rs", &body, &[]);
        check_source("crates/rules/src/b/tests.rs", &body, &[]);
        check_source(LIBRARY, &format!("#[cfg(test)]\nmod tests {{\n{body}}}\n"), &[]);
    }
    check_source(LIBRARY, "fn a() {\n    if_some!(b, println!(\"c\"));\n}\n", &["println!"]);
    check_source(LIBRARY, "fn a() {\n    let _ = write!(std::io::stdout(), \"c\");\n}\n", &["std::io::stdout"]);
    check_source(LIBRARY, "#[test]\nfn a() {\n    println!(\"skipped\");\n}\n", &[]);
}

#[test]
fn only_the_program_reaches_the_world() {
    check_source(LIBRARY, "use std::fs;\n", &["a.rs:2: std::fs: only the program"]);
    check_source(LIBRARY, "use std::fs::File;\n", &["std::fs::File"]);
    check_source(LIBRARY, "use std::{io, net::{self, TcpStream}};\n", &["std::net", "std::net::TcpStream"]);
    check_source(LIBRARY, "fn a() {\n    ::std::thread::spawn(b);\n}\n", &["a.rs:3: std::thread::spawn"]);
    check_source(LIBRARY, "use std::time::{Duration, Instant as Moment};\n", &["std::time::Instant"]);
    check_source(LIBRARY, "fn a(b: std::time::SystemTime) {}\n", &["std::time::SystemTime"]);
    check_source(LIBRARY, "use std::time;\nfn a() {\n    time::Instant::now();\n}\n", &["a.rs:4: time::Instant"]);
    check_source(LIBRARY, "fn a() {\n    format!(\"{:?}\", std::env::args());\n}\n", &["std::env::args"]);
    check_source(LIBRARY, "use std::time::Duration;\nuse std::io::Read;\nuse std::fsx;\n", &[]);
    check_source(LIBRARY, "#[cfg(test)]\nuse std::fs;\n", &[]);
    check_source(LIBRARY, "#[cfg(not(test))]\nuse std::fs;\n", &["std::fs"]);
    check_source(PROGRAM, "use std::fs;\n", &[]);
}

#[test]
fn no_file_names_a_machine() {
    for folder in ["work", "root", "tmp", "home"] {
        check_file(
            "docs.toml",
            &format!("path = \"/{folder}/a\"\n"),
            &[&format!("docs.toml:1: a path below /{folder}")],
        );
        check_file("docs.toml", &format!("a/{folder}/b, ../{folder}/c, ~/{folder}/d, /a{folder}/\n"), &[]);
    }
    let mut binary = file("fixtures/a.dmp", "\0");
    binary.bytes.extend(["/", "tmp", "/a"].concat().bytes());
    assert!(text::check(&binary).is_empty());
}

#[test]
fn lines_have_no_stray_white_space() {
    check_source(LIBRARY, "fn a() {} \n", &["a.rs:2: white space"]);
    check_source(LIBRARY, "fn a() {\n\tb();\n}\n", &["a.rs:3: a tab"]);
    check_file("README.md", "a\tb\n", &["README.md:1: a tab"]);
    check_file("README.md", "a  \n", &["README.md:1: white space"]);
    check_file("a.txt", "a\tb \n", &[]);
}

#[test]
fn every_document_is_linked() {
    let document = file("docs/slots.md", "");
    let linked = |text: &str| text::check_links(&[document.clone(), file("README.md", text)], &ENTRANCES).len();
    assert_eq!(linked("See [slots](docs/slots.md)."), 0);
    assert_eq!(linked("See [slots](docs/slots.md#ce-5)."), 0);
    assert_eq!(linked("See docs/slots.md."), 1);
    assert_eq!(linked(""), 1);
}

#[test]
fn the_files_that_people_look_for_exist() {
    let files: Vec<File> = REQUIRED[1..].iter().map(|name| file(name, "")).collect();
    let found = check(&files).findings;
    assert_eq!(found, [Finding::new(REQUIRED[0], 0, "is missing")]);
}
