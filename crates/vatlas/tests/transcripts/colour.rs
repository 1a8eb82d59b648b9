//! Colour: where it is wanted, and nowhere else.

use crate::{
    run::program,
    world::{ESCAPES, world},
};

/// Runs with variables and says whether standard output and standard error have escapes.
fn escapes(line: &str, variables: &[(&str, &str)]) -> (bool, bool) {
    let folder = world();
    let mut command = program(folder.path());
    let output = command.args(line.split(' ')).envs(variables.iter().copied()).output().expect("it runs");
    (output.stdout.contains(&0x1b), output.stderr.contains(&0x1b))
}

fn check(line: &str, variables: &[(&str, &str)], expected: (bool, bool)) {
    assert_eq!(escapes(line, variables), expected, "vatlas {line}, {variables:?}");
}

#[test]
fn a_pipe_gets_none_unless_asked() {
    for line in ["map crash.dmp", "map crash.dmp --picture", "demo", "explain crash.dmp pc", "--help"] {
        check(line, &[], (false, false));
        check(line, &[("CLICOLOR_FORCE", "1")], (true, false));
        check(line, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], (false, false));
    }
}

#[test]
fn the_option_goes_before_the_environment() {
    check("map crash.dmp --color always", &[("NO_COLOR", "1")], (true, false));
    check("map crash.dmp --color never", &[("CLICOLOR_FORCE", "1")], (false, false));
    check("map half.dmp --color always", &[], (true, true));
    check("map half.dmp --color never", &[("CLICOLOR_FORCE", "1")], (false, false));
    check("info nosuch.dmp --color always", &[], (false, true));
    check("info nosuch.dmp --color never", &[("CLICOLOR_FORCE", "1")], (false, false));
}

#[test]
fn documents_have_none() {
    check("map crash.dmp --json --color always", &[("CLICOLOR_FORCE", "1")], (false, false));
    check("info nosuch.dmp --json --color always", &[("CLICOLOR_FORCE", "1")], (false, false));
    check("read crash.dmp sp 16 --color always", &[], (false, false));
}

#[test]
fn true_colour_where_the_terminal_has_it() {
    let folder = world();
    let picture = |variables: &[(&str, &str)]| {
        let mut command = program(folder.path());
        command.args(["map", "crash.dmp", "--picture", "--color", "always"]).envs(variables.iter().copied());
        String::from_utf8(command.output().expect("it runs").stdout).expect("text")
    };
    assert!(picture(&[]).contains("\u{1b}[38;5;"));
    assert!(picture(&[("COLORTERM", "truecolor")]).contains("\u{1b}[38;2;"));
}

#[test]
fn what_a_name_has_in_it_never_reaches_the_terminal() {
    let folder = world();
    for line in [
        "info hostile.dmp --streams --handles",
        "map hostile.dmp",
        "map hostile.dmp --picture",
        "modules hostile.dmp --sections",
        "threads hostile.dmp --wide",
        "explain hostile.dmp crash pc sp",
        "explain hostile.dmp nosuch",
        "explain hostile.dmp evil",
        "memory hostile.dmp sp 64 --as words",
        "modules hostile.dmp --name \u{1b}[2J",
        "info \u{1b}[2J",
        "explain hostile.dmp \u{1b}[2J",
        "man \u{1b}[2J",
    ] {
        for json in ["", " --json"] {
            let output = program(folder.path()).args(format!("{line}{json}").split(' ')).output().expect("it runs");
            let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text")).concat();
            assert!(!text.is_empty(), "vatlas {line}");
            for escape in ESCAPES {
                assert!(!text.contains(escape), "vatlas {line}{json}: {escape:?} in\n{text}");
            }
            let is_control = |character: &char| character.is_control() && *character != '\n';
            assert_eq!(text.chars().find(is_control), None, "vatlas {line}{json}");
        }
    }
}

#[test]
fn a_name_in_a_document_is_the_name() {
    let folder = world();
    let modules = crate::json::document(folder.path(), "modules hostile.dmp");
    let name = modules["answer"]["loaded"][0]["path"].as_str().expect("a path");
    assert!(ESCAPES.iter().all(|escape| name.contains(escape)), "{name:?}");
}
