//! Calls of programs: memory, threads, waits, files, servers, exceptions. The programs check themselves.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod ce_support;

use ce_support::{check_program, device, run_program};
use vatlas_images::ce_log::{LogItem, LogParser};

#[test]
fn virtual_alloc_and_the_shared_area() {
    let device = check_program("valloc.exe", &[]);
    assert!(device.report().fewest_free_pages > 0);
}

#[test]
fn heaps() {
    check_program("heap.exe", &[]);
}

#[test]
fn threads_and_waits() {
    let device = check_program("threads.exe", &[]);
    let counters = device.report().counters;
    assert!(counters.threads_created > 0 && counters.critical_waits > 0, "{counters:?}");
}

#[test]
fn owners_inherit_priorities() {
    let device = check_program("inherit.exe", &[]);
    assert!(device.report().counters.inherited_priorities > 0);
}

#[test]
fn files_go_through_the_server() {
    let device = check_program("files.exe", &[]);
    assert!(device.report().counters.server_calls > 20);
}

#[test]
fn pointers_and_processes_of_calls_into_servers() {
    check_program("pointers.exe", &["echo.dll"]);
}

#[test]
fn exceptions_are_handled() {
    let device = check_program("except.exe", &[]);
    assert!(device.report().counters.exceptions > 0);
    assert_eq!(device.report().crashes, []);
}

/// The text of a crash, as the reader of device logs reads it.
fn check_crash(program: &str, code: u32, offset: u32, bad: impl Fn(u32) -> bool) {
    let mut device = device(&[program]);
    let text = run_program(&mut device, program, "");
    let report = device.report();
    let crash = report.crashes.first().unwrap();
    assert_eq!((crash.record.code, crash.process.as_str(), crash.text.as_str()), (code, program, text.as_str()));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("Data Abort: Thread=8") && lines[0].ends_with(&format!("'{program}'")), "{text}");
    assert!(lines[1].contains(&format!("({program}+0x{offset:08x}) RA=")), "{text}");
    assert!(lines[1].starts_with("AKY=00000021 PC=0001"), "{text}");
    let address = u32::from_str_radix(lines[1].rsplit_once("BVA=").unwrap().1, 16).unwrap();
    assert!(bad(address), "{text}");
    let mut parser = LogParser::new();
    parser.push(text.as_bytes());
    parser.finish();
    let read: Vec<LogItem> = parser.take();
    assert_eq!(read.iter().filter(|item| matches!(item, LogItem::Crash(_))).count(), 1, "{read:?}");
}

#[test]
fn unhandled_faults_print_the_devices_text() {
    check_crash("null.exe", 0xc000_0005, 0x10c9, |address| address == 0x0c00_0000);
    check_crash("overflow.exe", 0xc000_00fd, 0x10f1, |address| (0x0c02_0000..0x0c02_1000).contains(&address));
}
