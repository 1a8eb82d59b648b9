//! Calls of programs: memory, threads, waits, files, servers, exceptions. The programs check themselves.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod ce_support;

use ce_support::{check_program, device, run_program};
use vatlas_images::ce_log::{LogItem, LogParser};
use vatlas_machine::ce::{RegionKind, Stop};

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
fn ce4_mapped_files_are_in_the_shared_area() {
    let mut device = check_program("mapping.exe", &[]);
    // What was written through the view is in the file, and nothing of the mapping is left.
    assert!(device.file("\\map.txt").unwrap().starts_with(b"Written by view"));
    assert!(device.regions().all(|region| region.kind != RegionKind::View));
    let before = device.report().committed_pages;
    run_program(&mut device, "mapping.exe", "");
    assert_eq!(device.report().committed_pages, before);
}

#[test]
fn the_registry_is_kept_by_filesys() {
    let mut device = check_program("registry.exe", &[]);
    // The process before left a key open: it is closed by now.
    let output = run_program(&mut device, "registry.exe", "");
    assert!(output.contains(", 0 failed"), "{output}");
}

#[test]
fn a_thread_that_waits_in_a_server_does_not_keep_its_process() {
    let mut device = device(&["stuck.exe", "echo.dll"]);
    for _ in 0..3 {
        let number = device.start_program("stuck.exe", "").unwrap();
        let stop = device.run(20_000_000);
        assert_eq!(stop, Stop::Ended { name: "stuck.exe".to_owned(), code: 0 }, "{}", device.take_output());
        assert!(device.process_view(number).is_none());
        let of_driver = device.process_views().into_iter().find(|process| process.name == "device.exe").unwrap();
        assert_eq!(of_driver.threads.len(), 1);
    }
}

#[test]
fn servers_are_told_of_processes_that_end() {
    let mut device = device(&["teller.exe", "null.exe"]);
    device.start_program("teller.exe", "").unwrap();
    device.run(1_000_000);
    let output = run_program(&mut device, "null.exe", "");
    let told: Vec<&str> = output.lines().filter(|line| line.starts_with("teller: ")).collect();
    // DLL_PROCESS_EXITING before the end, DLL_PROCESS_DETACH behind it.
    assert_eq!(told, ["teller: 4 of process 1, 1", "teller: 0 of process 1, 1"], "{output}");
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

/// An export of coredll jumps to the address of its call, and has the ordinal that programs of devices import it by.
#[track_caller]
fn check_export(name: &str, ordinal: u32, address: Option<u32>) {
    use vatlas_images::{exports, image_bytes::of_file, pe::PeHeaders};
    let file = ce_support::SYSTEM.iter().find(|(name, _)| *name == "coredll.dll").unwrap().1;
    let headers = PeHeaders::read(file).unwrap();
    let exports = exports::read(&headers, &of_file(&headers, file)).unwrap();
    let found = exports.exports.iter().find(|export| export.name.as_deref() == Some(name)).unwrap();
    assert_eq!(found.ordinal, ordinal, "{name}");
    let Some(address) = address else { return };
    let exports::ExportTarget::Address(rva) = found.target else { panic!("{name}") };
    let mut code = [0; 7];
    assert_eq!(of_file(&headers, file)(rva, &mut code), 7);
    // mov eax, address; jmp eax
    let expected = [&[0xb8], address.to_le_bytes().as_slice(), &[0xff, 0xe0]].concat();
    assert_eq!(code.to_vec(), expected, "{name}");
}

#[test]
fn exports_jump_to_the_documented_addresses() {
    // Set 0: methods 3, 4, 5, 99, 108, 170; set 20: methods 9 and 23. These are what public code knows.
    check_export("VirtualAlloc", 524, Some(0xf000_fff4));
    check_export("VirtualFree", 525, Some(0xf000_fff0));
    check_export("VirtualProtect", 526, Some(0xf000_ffec));
    check_export("KernelIoControl", 557, Some(0xf000_fe74));
    check_export("CreateFileW", 168, Some(0xf000_afdc));
    check_export("RegOpenKeyExW", 461, Some(0xf000_afa4));
    // Ordinals of other exports that every import list of a device's program shows.
    for (name, ordinal) in [
        ("CreateThread", 492),
        ("Sleep", 496),
        ("GetLastError", 516),
        ("LoadLibraryW", 528),
        ("GetProcAddressW", 530),
        ("OutputDebugStringW", 541),
        ("CloseHandle", 553),
        ("wsprintfW", 56),
        ("memcpy", 1044),
        ("MessageBoxW", 858),
    ] {
        check_export(name, ordinal, None);
    }
    let mut device = device(&[]);
    for (name, address) in [("SetKMode", 0xf000_fe50_u32), ("KernelLibIoControl", 0xf000_fd58)] {
        let at = device.exported("coredll.dll", name).unwrap();
        assert_eq!(device.look_word(1, at + 1), Some(address), "{name}");
    }
    device.take_output();
}
