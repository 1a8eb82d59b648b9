//! Drivers from the command line: one number for three processes, a bug-check screen, a kernel dump, the objects of a
//! system.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use assert_cmd::Command;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/machine").join(name)
}

/// Standard output, standard error and exit code of `vatlas run` with a driver.
fn run(driver: &str, options: &[&str], program: &str, arguments: &[&str]) -> (String, String, Option<i32>) {
    let mut command = Command::cargo_bin("vatlas").unwrap();
    command.arg("run").arg("--driver").arg(fixture(driver)).args(options).arg(fixture(program)).args(arguments);
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "");
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

#[track_caller]
fn ask(arguments: &[&str], file: &Path) -> String {
    let mut command = Command::cargo_bin("vatlas").unwrap();
    let output = command.args(&arguments[..1]).arg(file).args(&arguments[1..]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Program 5: a driver loaded on demand, called from a parent and two children, its number one for all.
#[test]
fn a_driver_has_one_number_for_all_processes() {
    let (out, errors, code) = run("drivers/counter.sys", &[], "drivers/programs/count.exe", &[]);
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    let values: Vec<_> = lines.iter().map(|words| words[3]).collect();
    assert_eq!((values, code), (vec!["5", "35", "42"], Some(0)), "{out}{errors}");
    assert!(lines.iter().all(|words| words[5] == lines[0][5] && words[5].starts_with("f1")), "{out}");
    assert!(lines[0][1] != lines[1][1] && lines[1][1] != lines[2][1], "{out}");
    assert!(errors.contains("driver: counter: \\Registry\\Machine"), "{errors}");
}

#[test]
fn a_kernel_of_its_own_shows_what_it_costs() {
    let arguments = ("drivers/counter.sys", "drivers/programs/count.exe", &["5"]);
    let told = |kind: &str| {
        let options = ["--kernel-space", kind, "--report"];
        let (out, errors, code) = run(arguments.0, &options, arguments.1, arguments.2);
        assert!(out.contains("counter 5") && code == Some(0), "{out}{errors}");
        errors.lines().find(|line| line.starts_with("kernel space")).unwrap().to_owned()
    };
    let walks = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "walks").unwrap();
        words[at - 1].parse::<u64>().unwrap()
    };
    let (shared, separate) = (told("shared"), told("separate"));
    assert!(shared.contains("in every process") && separate.contains("loads of CR3"), "{shared}\n{separate}");
    assert!(walks(&separate) > walks(&shared) + 200, "{shared}\n{separate}");
}

#[test]
fn a_driver_that_fails_leaves_a_screen_and_a_dump() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("x.dmp");
    let options = ["--ram", "16M", "--kernel-dump", dump.to_str().unwrap()];
    let (_, errors, code) = run("drivers/trouble.sys", &options, "drivers/programs/ask.exe", &["2"]);
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("*** STOP: 0x000000D1 (0xE60"), "{errors}");
    assert!(errors.contains("***  trouble.sys - Address F100"), "{errors}");
    let info = ask(&["info"], &dump);
    assert!(info.contains("bug check 0xd1 DRIVER_IRQL_NOT_LESS_OR_EQUAL"), "{info}");
    let stack = ask(&["stack"], &dump);
    assert!(stack.contains("trouble.sys+0x1") && stack.contains("ntoskrnl!IofCallDriver"), "{stack}");
    let explained = ask(&["explain", "sp"], &dump);
    assert!(explained.contains("bounds of the kernel stack"), "{explained}");
    let objects = ask(&["objects", "--class", "module"], &dump);
    assert!(objects.contains("trouble.sys") && objects.contains("System (4), ask.exe (256)"), "{objects}");
}

#[test]
fn objects_are_listed_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let drawing = folder.path().join("objects.svg");
    let draw = format!("objects --svg {}", drawing.display());
    // The driver is there before the program; the program is still loading.
    let driver = fixture("drivers/counter.sys");
    let options = ["--boot-driver", driver.to_str().unwrap(), "--stop-at", "100K"];
    let options = [&options[..], &["--then", "objects", "--then", "objects --class handle", "--then", &draw]].concat();
    let (out, errors, _) = run("drivers/counter.sys", &options, "drivers/programs/count.exe", &["5"]);
    for expected in
        ["process", "ntoskrnl.exe", "\\Device\\Counter0", "\\Driver\\counter", "C:\\WINDOWS\\system32\\ntdll.dll"]
    {
        assert!(out.contains(expected), "{expected}: {out}{errors}");
    }
    let svg = std::fs::read_to_string(drawing).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("Classes of objects") && svg.contains("count.exe"), "{svg}");
}
