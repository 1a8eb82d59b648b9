//! The demonstrations on the machine: the life of a page told as a file, two processes step by step.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use assert_cmd::Command;
use serde_json::Value;

fn demo(topic: &str, options: &[&str]) -> String {
    let output =
        Command::cargo_bin("vatlas").unwrap().env("NO_COLOR", "1").args(options).args(["demo", topic]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")
}

/// Each text is there, behind the one before.
#[track_caller]
fn check_order(text: &str, expected: &[&str]) {
    let mut rest = text;
    for words in expected {
        let at = rest.find(words).unwrap_or_else(|| panic!("'{words}' is not there, or too early:\n{text}"));
        rest = &rest[at + words.len()..];
    }
}

#[test]
fn a_page_is_told_as_a_file() {
    let text = demo("paging", &[]);
    check_order(
        &text,
        &["memory\nis the disk", "committed, and never touched", "in a frame", "in the page file", "as files"],
    );
}

#[test]
fn two_processes_are_shown_step_by_step() {
    let text = demo("nt", &[]);
    check_order(
        &text,
        &[
            "Process 256 begins",
            "Process 256 uses the code: it is read from the file into frame",
            "Process 256 writes to the global: it gets a copy of the page",
            "Process 264 begins",
            "Process 264 uses the code, and finds it in frame",
            "Process 264 writes to the global",
            "The value is 101 here and 102 there. The code is in memory once.",
            "The kernel's half is the same in both",
        ],
    );
    let document: Value = serde_json::from_str(&demo("nt", &["--json"])).unwrap();
    let last = document["answer"].as_array().unwrap().last().unwrap();
    let of = |process: usize, field: &str| last["processes"][process][field].clone();
    assert_eq!(of(0, "code"), of(1, "code"));
    assert_ne!(of(0, "global"), of(1, "global"));
    assert_ne!(of(0, "page_directory"), of(1, "page_directory"));
    assert_eq!(of(0, "kernel_page"), of(1, "kernel_page"));
    assert_eq!((of(0, "value"), of(1, "value")), (101.into(), 102.into()));
}
