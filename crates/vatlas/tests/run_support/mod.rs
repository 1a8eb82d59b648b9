//! Programs of `fixtures/machine/programs` on the machine, by the command `vatlas run`.

use assert_cmd::Command;
use std::path::PathBuf;
use std::process::Output;

/// A program, or a folder of programs.
pub fn program(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/machine/programs").join(name)
}

/// Options in front of the program, the program, its arguments, what it reads.
pub fn vatlas_with_input(options: &[&str], name: &str, arguments: &[&str], input: &'static str) -> Output {
    let mut command = Command::cargo_bin("vatlas").unwrap();
    command.arg("run").args(options).arg(program(name)).args(arguments);
    command.env("NO_COLOR", "1").write_stdin(input).output().unwrap()
}

/// The same for a program that reads nothing.
pub fn vatlas(options: &[&str], name: &str, arguments: &[&str]) -> Output {
    vatlas_with_input(options, name, arguments, "")
}

/// What a program prints and how it ends.
#[track_caller]
pub fn check(options: &[&str], name: &str, arguments: &[&str], expected: (&str, i32)) {
    let output = vatlas(options, name, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((printed(&output).as_str(), output.status.code()), (expected.0, Some(expected.1)), "{errors}");
}

/// Standard output with the line ends of this project's sources.
pub fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")
}

/// The number of the whole state at the end.
pub fn state(options: &[&str], name: &str, arguments: &[&str]) -> String {
    let all = [&["--report", "--json"], options].concat();
    let text = printed(&vatlas(&all, name, arguments));
    let (_, hash) = text.split_once("\"state_hash\": \"").unwrap_or_else(|| panic!("no hash in {text}"));
    hash[..16].to_owned()
}
