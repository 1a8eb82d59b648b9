//! A program whose console is a terminal, as the host says, and the same program without one.
#![allow(clippy::unwrap_used, reason = "a test")]

mod guest_support;

use guest_support::{Guest, Machine, TestConsole, TestHost, given};
use vatlas_machine::files::ConsoleKind;
use vatlas_machine::nt::SystemStop;

fn check(kind: ConsoleKind, input: &str, expected: &str) {
    let host = TestHost::default();
    let is_closed = true;
    *host.0.borrow_mut() = TestConsole { input: input.into(), is_closed, kind, ..TestConsole::default() };
    let programs = given("fixtures/machine/programs", "");
    let mut guest = Guest::on(host.clone(), programs, Machine::default(), ("console.exe", ""));
    assert_eq!(guest.run(50), SystemStop::Exited { status: 0 }, "{:?}", guest.system.report());
    let output = String::from_utf8(host.0.borrow().output.clone()).unwrap();
    assert_eq!(output.replace("\r\n", "\n"), expected);
}

#[test]
fn a_terminal_is_a_console() {
    let expected = "input: mode 1f7, type 2
output: mode 3, type 2
read 1: 6f 6e 65 0d 0a
input to 4: 87
input to 1: 0
output to 1: 0
input: mode 1, type 2
error: mode 1, type 2
read 1: 74 77 6f 0d
";
    check(ConsoleKind::Terminal, "one\ntwo\n", expected);
}

#[test]
fn what_is_no_terminal_is_none() {
    let expected = "input: error 6, type 2
output: error 6, type 2
read 1: 6f 6e 65 0a
input to 4: 6
input to 1: 6
output to 1: 6
input: error 6, type 2
error: error 6, type 2
read 1:
";
    check(ConsoleKind::Character, "one\n", expected);
}
