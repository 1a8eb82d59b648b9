//! The console: lines of a terminal, bytes of everything else.

use crate::support::{NOW, Script, TestHost, handle};
use std::cell::RefCell;
use std::rc::Rc;
use vatlas_machine::NtStatus;
use vatlas_machine::files::status::{
    BUFFER_TOO_SMALL, END_OF_FILE, INVALID_DEVICE_REQUEST, INVALID_PARAMETER, PENDING, SUCCESS,
};
use vatlas_machine::files::{ConsoleEnd, ConsoleKind, Files};

fn console(kind: ConsoleKind, input: &[&str]) -> (Files, Rc<RefCell<Script>>) {
    let input = input.iter().map(|part| part.as_bytes().to_vec()).collect();
    let script = Rc::new(RefCell::new(Script { kind, input, ..Script::default() }));
    let host = TestHost { script: Rc::clone(&script), store: None };
    (Files::new(Box::new(host), Vec::new(), NOW).unwrap(), script)
}

#[test]
fn reads() {
    let check = |kind: ConsoleKind, input: &[&str], lengths: &[u32], expected: &[Result<&str, NtStatus>]| {
        let (mut files, _) = console(kind, input);
        let opened = handle(files.open_console(ConsoleEnd::Input));
        let read = |length: &u32| match files.read(opened, None, *length) {
            Ok(answer) if answer.status == PENDING => Err(PENDING),
            Ok(answer) => Ok(String::from_utf8(answer.bytes).unwrap()),
            Err(status) => Err(status),
        };
        let results: Vec<_> = lengths.iter().map(read).collect();
        let expected: Vec<_> = expected.iter().map(|result| result.map(str::to_owned)).collect();
        assert_eq!(results, expected, "{input:?}");
    };
    let (terminal, pipe) = (ConsoleKind::Terminal, ConsoleKind::Pipe);
    check(terminal, &["one\ntwo\n"], &[100, 100, 100], &[Ok("one\r\n"), Ok("two\r\n"), Err(END_OF_FILE)]);
    check(terminal, &["o", "ne\n"], &[2, 1, 100, 0], &[Ok("on"), Ok("e"), Ok("\r\n"), Ok("")]);
    check(terminal, &["one\r\n"], &[100], &[Ok("one\r\n")]);
    check(terminal, &["one"], &[100, 100], &[Ok("one"), Err(END_OF_FILE)]);
    check(terminal, &["\u{1a}x\nnext\n"], &[100, 100], &[Err(END_OF_FILE), Ok("next\r\n")]);
    check(terminal, &["", "x\n"], &[100, 100], &[Err(PENDING), Ok("x\r\n")]);
    check(terminal, &["a", "", "b\n"], &[100, 100], &[Err(PENDING), Ok("ab\r\n")]);
    check(pipe, &["one\ntwo", "three"], &[5, 100, 100, 100], &[Ok("one\nt"), Ok("wo"), Ok("three"), Err(END_OF_FILE)]);
    check(pipe, &["", "x"], &[1, 1, 0], &[Err(PENDING), Ok("x"), Ok("")]);
    check(ConsoleKind::Character, &["\u{1a}\n"], &[9], &[Ok("\u{1a}\n")]);
}

const GET_MODE: u32 = 0x50_0004;
const SET_MODE: u32 = 0x50_0008;

fn mode(files: &mut Files, end: ConsoleEnd) -> Result<u32, NtStatus> {
    let opened = handle(files.open_console(end));
    let answer = files.control(opened, GET_MODE, &[], 4)?;
    Ok(u32::from_le_bytes(answer.bytes[..].try_into().unwrap()))
}

#[test]
fn a_terminal_has_modes() {
    let check = |end: ConsoleEnd, new: u32, expected: Result<u32, NtStatus>| {
        let (mut files, _) = console(ConsoleKind::Terminal, &[]);
        let opened = handle(files.open_console(end));
        let result = files.control(opened, SET_MODE, &new.to_le_bytes(), 0).and_then(|_| mode(&mut files, end));
        assert_eq!(result, expected, "{end:?} {new:x}");
    };
    let (input, output) = (ConsoleEnd::Input, ConsoleEnd::Output);
    check(input, 0x1f7, Ok(0x1f7));
    check(input, 0, Ok(0));
    check(input, 2, Ok(2));
    check(input, 4, Err(INVALID_PARAMETER));
    check(input, 0x200, Err(INVALID_PARAMETER));
    check(output, 1, Ok(1));
    check(output, 4, Err(INVALID_PARAMETER));
    let (mut files, _) = console(ConsoleKind::Terminal, &[]);
    assert_eq!(mode(&mut files, input), Ok(0x1f7));
    let error = handle(files.open_console(ConsoleEnd::Error));
    assert_eq!(files.control(error, GET_MODE, &[], 3).unwrap_err(), BUFFER_TOO_SMALL);
    assert_eq!(files.control(error, SET_MODE, &[0; 3], 0).unwrap_err(), INVALID_PARAMETER);
    assert!(files.control(error, SET_MODE, &[1, 0, 0, 0], 0).is_ok());
    assert_eq!(mode(&mut files, output), Ok(1), "both outputs are one screen");
}

#[test]
fn what_is_no_terminal_has_no_mode() {
    for kind in [ConsoleKind::Character, ConsoleKind::Pipe] {
        let (mut files, _) = console(kind, &[]);
        assert_eq!(mode(&mut files, ConsoleEnd::Input), Err(INVALID_DEVICE_REQUEST));
    }
}

#[test]
fn without_lines_keys_come_as_they_are_typed() {
    let (mut files, _) = console(ConsoleKind::Terminal, &["one\ntwo\n", "a", "", "\n"]);
    let opened = handle(files.open_console(ConsoleEnd::Input));
    assert_eq!(files.read(opened, None, 2).unwrap().bytes, b"on");
    assert!(files.control(opened, SET_MODE, &[1, 0, 0, 0], 0).is_ok());
    let rest = [b"e\r\r".as_slice(), b"two\r", b"a"];
    rest.iter().for_each(|bytes| assert_eq!(files.read(opened, None, 100).unwrap().bytes, *bytes));
    assert_eq!(files.read(opened, None, 100).unwrap().status, PENDING);
    assert_eq!(files.read(opened, None, 100).unwrap().bytes, b"\r");
    assert_eq!(files.read(opened, None, 100).unwrap_err(), END_OF_FILE);
}

#[test]
fn a_line_without_end_comes_in_parts() {
    let (mut files, script) = console(ConsoleKind::Terminal, &[]);
    script.borrow_mut().input.extend([vec![b'x'; 70_000], b"\n".to_vec()]);
    let opened = handle(files.open_console(ConsoleEnd::Input));
    assert_eq!(files.read(opened, None, 1 << 20).unwrap().bytes.len(), 65_536);
    assert_eq!(files.read(opened, None, 1 << 20).unwrap().bytes.len(), 70_000 - 65_536 + 2);
}

#[test]
fn writes() {
    let (mut files, script) = console(ConsoleKind::Character, &[]);
    let [input, output, errors] =
        [ConsoleEnd::Input, ConsoleEnd::Output, ConsoleEnd::Error].map(|end| handle(files.open_console(end)));
    assert_eq!(files.write(output, None, b"out\r\n").unwrap().bytes, 5);
    assert_eq!(files.write(errors, Some(0), b"err").unwrap().status, SUCCESS);
    assert_eq!(files.write(input, None, b"x").unwrap_err(), INVALID_DEVICE_REQUEST);
    assert_eq!(files.read(output, None, 1).unwrap_err(), INVALID_DEVICE_REQUEST);
    assert_eq!((&script.borrow().output[..], &script.borrow().errors[..]), (&b"out\r\n"[..], &b"err"[..]));
}

#[test]
fn device_types() {
    let check = |kind: ConsoleKind, expected: u8| {
        let (mut files, _) = console(kind, &[]);
        let opened = handle(files.open_console(ConsoleEnd::Output));
        assert_eq!(files.query_volume(opened, 4, 8).unwrap().bytes[0], expected);
        assert_eq!(files.console_kind(opened), Some((ConsoleEnd::Output, kind)));
    };
    check(ConsoleKind::Terminal, 0x50);
    check(ConsoleKind::Character, 0x50);
    check(ConsoleKind::Pipe, 0x11);
}
