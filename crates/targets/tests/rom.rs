//! A ROM image as a target: processes, modules with their two ranges, memory at run-time addresses, image files.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use vatlas_fixtures::rom;
use vatlas_images::{exports, image_bytes::of_file, pe::PeHeaders};
use vatlas_space::{
    LayoutName, Module, Process, ProcessIndex, Protection, RegionState, Severity, Store, Target, Va, VaRange,
};
use vatlas_targets::{ImageFiles, NoImageFiles, RomFiles, RomTarget, open};

fn target(bytes: Vec<u8>) -> RomTarget {
    RomTarget::open(Arc::new(bytes)).unwrap()
}

fn ce5() -> RomTarget {
    target(rom::ce5_arm().write().bytes)
}

fn range(first: u64, size: u64) -> VaRange {
    VaRange::sized(Va(first), size).unwrap()
}

fn names(process: &Process) -> Vec<&str> {
    process.modules.iter().map(Module::name).collect()
}

/// Bytes at an address of a process, as far as they are there.
fn bytes(target: &RomTarget, process: usize, va: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let read = target.space(ProcessIndex(process)).unwrap().read_available(Va(va), &mut bytes);
    bytes.truncate(read);
    bytes
}

#[test]
fn programs_are_processes_and_all_have_the_dlls() {
    let target = ce5();
    let processes = target.processes();
    assert_eq!(processes.len(), 2);
    assert_eq!((processes[0].name.as_deref(), processes[1].name.as_deref()), (Some("nk.exe"), Some("shop.exe")));
    assert_eq!(names(&processes[0]), ["nk.exe", "coredll.dll", "net.dll", "video.dll"]);
    assert_eq!(names(&processes[1]), ["shop.exe", "nk.exe", "coredll.dll", "net.dll", "video.dll"]);
    assert_eq!(processes[0].layout.unwrap().name, LayoutName::Ce5);
    let coredll = &processes[0].modules[1];
    assert_eq!((coredll.range, coredll.data), (range(0x03f6_0000, 0x5000), Some(range(0x01ff_c000, 0x80))));
    assert_eq!(coredll.time_date_stamp, 0x4223_1df6);
    let host = target.host().unwrap();
    assert_eq!((host.machine.to_string().as_str(), host.version), ("arm", [5, 0, 0]));
    assert_eq!(target.problems(), []);
}

#[test]
fn versions_give_layouts() {
    let old = target(rom::ce3_mips().write().bytes);
    assert_eq!(old.processes()[0].layout.unwrap().name, LayoutName::Ce3);
    let coredll = &old.processes()[0].modules[1];
    assert_eq!((coredll.range.first(), coredll.data), (Va(0x01fa_0000), None));
    assert_eq!(target(rom::two_regions()).processes().len(), 2);
}

#[test]
fn memory_is_where_it_is_at_run_time() {
    let target = ce5();
    let enter = 0xe92d_4010_u32.to_le_bytes();
    // Code in slot 1, and the same bytes in ROM.
    assert_eq!(bytes(&target, 0, 0x03f6_1100, 4), enter);
    assert_eq!(bytes(&target, 0, 0x8010_1000, 4), enter);
    // Variables of a ROM DLL, and of the kernel as they are copied.
    assert_eq!(bytes(&target, 0, 0x01ff_c000, 3), [1, 2, 3]);
    assert_eq!(bytes(&target, 0, 0x8200_0000, 3), [1, 2, 3]);
    // Behind the bytes that ROM has of a section.
    assert_eq!(bytes(&target, 0, 0x01ff_c01f, 8), [0x20]);
    // A packed DLL, across its pages, and a program, which only its own process has.
    assert_eq!(bytes(&target, 0, 0x01f9_1000, 4), enter);
    assert_eq!(bytes(&target, 0, 0x01f9_21f0, 8), *b"fixture!");
    assert_eq!(bytes(&target, 1, 0x0001_1000, 4), enter);
    assert_eq!(bytes(&target, 0, 0x0001_1000, 4), [0; 0]);
    let space = target.space(ProcessIndex(0)).unwrap();
    let code = space.region(Va(0x03f6_1104));
    assert_eq!((code.state, code.protection), (RegionState::Committed, Some(Protection::EXECUTE_READ)));
    assert!(matches!(space.backing(Va(0x03f6_1100)).store, Store::Captured(_)));
    assert!(matches!(space.backing(Va(0x01f9_1000)).store, Store::ImageFile { .. }));
    assert_eq!(space.backing(Va(0x01ff_c020)).store, Store::NotCaptured);
    assert_eq!(space.region(Va(0x8300_0000)).state, RegionState::Unknown);
}

/// Regions and extents cover all addresses, one after another, and hold the address that was asked.
#[test]
fn all_addresses_have_an_answer() {
    for bytes in [rom::ce5_arm().write().bytes, rom::ce3_mips().write().bytes, rom::two_regions()] {
        let target = target(bytes);
        for process in 0..target.processes().len() {
            let space = target.space(ProcessIndex(process)).unwrap();
            let mut next = Va(0);
            for region in space.regions_from(Va(0)) {
                assert_eq!(region.range.first(), next);
                for va in [region.range.first(), region.range.last()] {
                    assert_eq!(space.region(va), region);
                    assert!(space.backing(va).range.contains(va));
                }
                next = Va(region.range.last().0 + 1);
            }
            assert_eq!(next, Va(1 << 32));
            assert!(space.region(Va(u64::MAX)).range.contains(Va(u64::MAX)));
        }
    }
}

#[test]
fn sections_and_image_files() {
    let target = ce5();
    for module in &target.processes()[1].modules {
        let table = target.sections(ProcessIndex(1), module).unwrap();
        let names: Vec<_> = table.sections.iter().map(|section| section.name.as_str()).collect();
        assert_eq!(names, [".text", ".rdata", ".pdata", ".data"], "{}", module.name());
        let file = target.image_file(module).unwrap();
        let headers = PeHeaders::read(&file).unwrap();
        assert_eq!(headers.image_base, module.range.first().0);
        let names = exports::read(&headers, &of_file(&headers, &file)).unwrap().exports;
        assert!(!names.is_empty());
    }
    let bytes = Arc::new(rom::ce5_arm().write().bytes);
    let files = RomFiles::open("nk.bin", bytes).unwrap();
    let wanted = Module { path: "\\Windows\\COREDLL.dll".to_owned(), ..target.processes()[0].modules[1].clone() };
    let found: Vec<_> = files.candidates(&wanted).into_iter().map(|file| file.name).collect();
    assert_eq!(found, ["coredll.dll in nk.bin"]);
}

#[test]
fn a_damaged_packed_page_is_a_hole() {
    let written = rom::ce5_arm().write();
    let (_, _, data, _, _) = written.sections.iter().find(|section| section.0 == "video.dll").unwrap();
    let mut bytes = written.bytes.clone();
    let at = (data - 0x8010_0000) as usize + 6;
    bytes[at] = 99;
    let target = target(bytes);
    let space = target.space(ProcessIndex(0)).unwrap();
    assert_eq!(space.read_within(Va(0x01f9_1000), &mut [0; 4]).unwrap_err().store, Store::NotCaptured);
}

#[test]
fn images_are_opened_by_their_content() {
    for fixture in rom::all().into_iter().filter(|fixture| !fixture.path.ends_with(".map")) {
        let target = open(Arc::new(fixture.bytes), Box::new(NoImageFiles)).unwrap();
        assert_eq!(target.kind().format, "rom");
        assert!(target.problems().iter().all(|problem| problem.severity == Severity::Note), "{}", fixture.path);
    }
}
