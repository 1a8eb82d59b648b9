//! The command line describes itself: help, examples that run, completions, manual pages.

use crate::{
    run::{stderr, stdout, vatlas, words},
    world::world,
};
use std::path::Path;

/// The commands that `vatlas --help` lists.
pub fn commands(folder: &Path) -> Vec<String> {
    let help = stdout(&vatlas(folder, "--help"));
    let section = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list");
    let names = section.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The help of a command.
pub fn help(folder: &Path, command: &str) -> String {
    stdout(&vatlas(folder, &format!("help {command}")))
}

/// The long options that a command has.
pub fn options(folder: &Path, command: &str) -> Vec<String> {
    let text = help(folder, command);
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with('-'));
    let options = lines.filter_map(|line| line.split([' ', ',']).find(|word| word.starts_with("--")));
    options.filter(|option| *option != "--help" && *option != "--version").map(str::to_owned).collect()
}

/// The long options of a command and of its own commands.
pub fn options_of_all(folder: &Path, command: &str) -> Vec<String> {
    let text = help(folder, command);
    let names = subcommands(&text).map(|name| format!("{command} {name}"));
    let of_subcommands = names.flat_map(|command| options(folder, &command));
    options(folder, command).into_iter().chain(of_subcommands).collect()
}

#[test]
fn every_command_has_help_with_examples() {
    let folder = world();
    let commands = commands(folder.path());
    assert!(commands.len() >= 10, "{commands:?}");
    for command in &commands {
        let help = help(folder.path(), command);
        assert!(help.contains(&format!("Usage: vatlas {command}")), "{help}");
        assert!(help.contains("\nExamples:\n"), "{command}: {help}");
    }
}

/// The commands of a command: `list`, `build`.
fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    let list = help.split("\nCommands:\n").nth(1).unwrap_or_default().split("\n\n").next().unwrap_or_default();
    let lines = list.lines().filter_map(|line| line.strip_prefix("  "));
    lines.filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty() && *name != "help")
}

/// The commands of the examples, without what the shell does with them and without the remark beside them.
fn examples(help: &str) -> Vec<String> {
    let lines = help.lines().filter_map(|line| line.strip_prefix("  vatlas "));
    let lines = lines.map(|line| line.split("  ").next().unwrap_or_default());
    lines.map(|line| line.split([';', '|', '>']).next().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn the_examples_run() {
    let folder = world();
    let mut count = 0;
    for command in commands(folder.path()) {
        for example in examples(&help(folder.path(), &command)) {
            let needs = |word: &String| {
                [".dmp", ".txt", ".pdb", ".map", ".exe", ".bin", ".toml", ".vsnap"]
                    .iter()
                    .any(|end| word.ends_with(end))
            };
            let is_there =
                |word: &String| !needs(word) || folder.path().join(word).exists() || example.contains("demo");
            if !words(&example).iter().all(is_there) {
                continue;
            }
            let output = vatlas(folder.path(), &example);
            assert!(matches!(output.status.code(), Some(0 | 3)), "vatlas {example}: {}", stderr(&output));
            count += 1;
        }
    }
    assert!(count >= 30, "{count}");
}

#[test]
fn what_the_demo_proposes_runs() {
    let folder = world();
    for (demo, count) in [("demo", 6), ("demo dump", 8)] {
        let text = stdout(&vatlas(folder.path(), demo));
        let proposals = text.split("what to try next\n").nth(1).expect("proposals");
        let commands = examples(proposals);
        assert!(commands.len() >= count, "{proposals}");
        for command in commands {
            let output = vatlas(folder.path(), &command);
            assert_eq!(output.status.code(), Some(0), "vatlas {command}: {}", stderr(&output));
        }
    }
}

#[test]
fn completions_know_every_command() {
    let folder = world();
    let commands = commands(folder.path());
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = vatlas(folder.path(), &format!("completions {shell}"));
        let script = stdout(&output);
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{shell}");
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell}: {command}");
        }
        if ["bash", "fish", "zsh"].contains(&shell) {
            assert!(script.contains("environment"), "{shell}: the kinds of 'map --kind'");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = world();
    let page = stdout(&vatlas(folder.path(), "man"));
    assert!(page.contains(".TH vatlas 1"), "{page}");
    for command in commands(folder.path()) {
        assert!(page.contains(&format!("vatlas\\-{command}(1)")), "{command}");
        let output = vatlas(folder.path(), &format!("man {command}"));
        let page = stdout(&output);
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{command}");
        assert!(page.contains(&format!(".TH vatlas-{command} 1")), "{command}: {page:.200}");
        for option in options(folder.path(), &command) {
            assert!(page.contains(&option.replace('-', "\\-")), "{command} {option}");
        }
    }
}

#[test]
fn help_and_version_are_no_failures() {
    let folder = world();
    for line in ["--help", "-h", "help map", "map --help", "--version", "--help --json"] {
        let output = vatlas(folder.path(), line);
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "vatlas {line}");
        assert!(!output.stdout.is_empty());
    }
    let nothing = vatlas(folder.path(), "");
    assert_eq!((nothing.status.code(), nothing.stdout.is_empty()), (Some(2), true));
}
