//! The README's transcript is what the program prints.

use assert_cmd::Command;
use std::path::Path;

/// Commands of the console block, with the lines that follow each.
fn transcript(readme: &str) -> Vec<(String, String)> {
    let block = readme.split("```console\n").nth(1).expect("a console block").split("```").next().unwrap_or_default();
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ vatlas "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((_, expected))) => *expected += &format!("{line}\n"),
            (None, None) => panic!("the block does not begin with a command: {line}"),
        }
    }
    commands
}

#[test]
fn the_transcript_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md");
    let commands = transcript(&readme);
    assert!(commands.len() >= 3, "{commands:?}");
    for (command, expected) in commands {
        let output = Command::cargo_bin("vatlas")
            .expect("the program")
            .current_dir(root.join("fixtures/minidump"))
            .args(command.split(' '))
            .output()
            .expect("it runs");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(printed.trim_end(), expected.trim_end(), "vatlas {command}");
    }
}
