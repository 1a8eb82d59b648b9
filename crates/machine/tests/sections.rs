//! Sections: images, data files and the page file, shared by processes through prototype entries.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/files.rs"]
mod files;
#[path = "support/system.rs"]
mod system;

use files::{TestFile, program, view};
use system::{BOTH, COMMIT, PAGE, System};
use vatlas_machine::memory::{AddressLimits, FileIdentity, FrameState, MEM_IMAGE, MEM_MAPPED, SEC_COMMIT, SEC_RESERVE};
use vatlas_machine::{NtStatus, Resolution, SpaceIndex};
use vatlas_space::{Pfn, Va};

const RW: u32 = 4;
const READ: u32 = 2;
const WRITE_COPY: u32 = 8;
const BASE: u64 = 0x40_0000;

fn system() -> System {
    System::new(512, (512, 512))
}

fn second(system: &mut System) -> SpaceIndex {
    system.memory.create_space(&mut system.ram, AddressLimits::TWO_GB).unwrap()
}

fn frame(system: &System, va: u64) -> Pfn {
    Pfn((system.entry(va) >> 12).into())
}

/// What the query says of each run of pages from `base` on.
fn regions(system: &System, base: u64) -> Vec<(u64, u32, u32, u32)> {
    let mut found = Vec::new();
    let mut at = base;
    loop {
        let information = system.memory.query(&system.ram, system.space, Va(at)).unwrap();
        if information.allocation_base != Va(base) {
            return found;
        }
        found.push((at - base, information.region_size, information.protect.0, information.kind));
        at += u64::from(information.region_size);
    }
}

#[test]
fn an_image_is_mapped_without_being_read() {
    let mut system = system();
    let file = TestFile::new(1, program());
    let section = system.image(&file);
    let after_headers = file.reads();
    let mapped = system.map(&section, &view(0, 0x20)).unwrap();
    assert_eq!((mapped.base, mapped.size, mapped.status), (Va(BASE), 0x8000, NtStatus::SUCCESS));
    assert_eq!(file.reads(), after_headers);
    let expected =
        [(0, 0x1000, 2), (0x1000, 0x2000, 0x20), (0x3000, 0x1000, 2), (0x4000, 0x3000, 8), (0x7000, 0x1000, 4)];
    let expected: Vec<_> = expected.into_iter().map(|(at, size, protect)| (at, size, protect, MEM_IMAGE)).collect();
    assert_eq!(regions(&system, BASE), expected);
    let information = system.memory.query(&system.ram, system.space, Va(BASE)).unwrap();
    assert_eq!(information.allocation_protect.0, 0x80);
    let vad = system.memory.space(system.space).vads().find(0x400).unwrap();
    assert_eq!(vad.commit, 3, "the write-copy pages");
    assert_eq!(system.memory.area(section.control_area()).unwrap().committed(), 1, "the shared page");
    system.check();
    // Pages come by touch, with the bytes of the file and zeroes behind them.
    assert_eq!(system.fault(BASE + 0x1004, false), Ok(Resolution::File));
    assert_eq!(file.reads(), after_headers + 1);
    assert_eq!(system.memory.counters().image_page_ins, 1);
    let bytes = file.contents.borrow().bytes.clone();
    assert_eq!(system.read(BASE, 0x400).unwrap(), bytes[..0x400]);
    assert_eq!(system.read(BASE + 0x1000, 0x1800).unwrap(), bytes[0x400..0x1c00]);
    assert_eq!(system.read(BASE + 0x2800, 0x800).unwrap(), [0; 0x800]);
    assert_eq!(system.read(BASE + 0x5000, 0x1000).unwrap(), [0; 0x1000]);
    assert_eq!(system.write(BASE + 0x1000, &[0]).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
    system.check();
}

#[test]
fn code_is_shared_and_data_becomes_private_page_by_page() {
    let mut system = system();
    let file = TestFile::new(1, program());
    let (first, other) = (system.space, second(&mut system));
    let section = system.image(&file);
    system.map(&section, &view(0, 0x20)).unwrap();
    let same = system.image(&file);
    assert_eq!(same.control_area(), section.control_area(), "one file, one control area");
    let own = system.read(BASE + 0x4000, 4).unwrap();
    system.read(BASE + 0x1000, 1).unwrap();
    system.switch(other);
    system.map(&same, &view(0, 0x20)).unwrap();
    let reads = file.reads();
    assert_eq!(system.fault(BASE + 0x1000, false), Ok(Resolution::Shared));
    assert_eq!(system.fault(BASE + 0x4000, false), Ok(Resolution::Shared));
    assert_eq!(file.reads(), reads, "it was in memory");
    let code = frame(&system, BASE + 0x1000);
    assert_eq!(system.memory.frames().record(&system.ram, code).shares, 2);
    assert_eq!(system.entry(BASE + 0x4000) & 0xfff, 0x625, "copy on write, not writable");
    let shared = frame(&system, BASE + 0x4000);
    assert_eq!(system.fault(BASE + 0x4000, true), Ok(Resolution::CopyOnWrite));
    assert_eq!(system.entry(BASE + 0x4000) & 0xfff, 0x867, "private and dirty");
    assert_ne!(frame(&system, BASE + 0x4000), shared);
    system.write(BASE + 0x4000, b"mine").unwrap();
    system.write(BASE + 0x5000, b"zero").unwrap();
    system.write(BASE + 0x7000, b"ours").unwrap();
    assert_eq!(system.memory.counters().copy_on_write, 1, "a page of zeroes needs no copy");
    let regions: Vec<_> =
        regions(&system, BASE).into_iter().map(|(at, size, protect, _)| (at, size, protect)).collect();
    assert_eq!(regions[3..], [(0x4000, 0x2000, 4), (0x6000, 0x1000, 8), (0x7000, 0x1000, 4)]);
    system.check();
    system.switch(first);
    assert_eq!(frame(&system, BASE + 0x1000), code);
    assert_eq!(system.read(BASE + 0x4000, 4).unwrap(), own);
    assert_eq!(system.read(BASE + 0x5000, 4).unwrap(), [0; 4]);
    assert_eq!(system.read(BASE + 0x7000, 4).unwrap(), b"ours", "a shared section");
    system.check();
    system.memory.close_section(&mut system.ram, section);
    system.memory.close_section(&mut system.ram, same);
    system.memory.delete_space(&mut system.ram, other);
    system.check();
    assert!(system.memory.is_mapped(FileIdentity(1), true));
    system.unmap(BASE + 0x3123).unwrap();
    assert!(!system.memory.is_mapped(FileIdentity(1), true));
    system.check();
    let bytes = file.contents.borrow().bytes.clone();
    assert_eq!(bytes, program(), "an image is never written");
}

#[test]
fn an_image_whose_base_is_taken_goes_elsewhere() {
    let mut system = system();
    let file = TestFile::new(1, program());
    let section = system.image(&file);
    system.allocate(0x40_3000, 0x1000, BOTH, RW).unwrap();
    let mapped = system.map(&section, &view(0, 0x20)).unwrap();
    assert_eq!((mapped.base, mapped.status), (Va(0x1_0000), NtStatus::IMAGE_NOT_AT_BASE));
    let asked = system.map(&section, &view(0x5000_0000, 0x20)).unwrap();
    assert_eq!((asked.base, asked.status), (Va(0x5000_0000), NtStatus::IMAGE_NOT_AT_BASE));
    assert_eq!(system.map(&section, &view(0x40_0000, 0x20)), Err(NtStatus::CONFLICTING_ADDRESSES));
    // The loader patches code: only the page that it writes becomes private, and sharing is lost page by page.
    system.read(0x1_1000, 0x2000).unwrap();
    let before = system.memory.commit().charged();
    assert_eq!(system.protect(0x1_1000, 0x1000, RW), Ok(0x20));
    assert_eq!(system.memory.commit().charged(), before + 1);
    assert_eq!(regions(&system, 0x1_0000)[1], (0x1000, 0x1000, WRITE_COPY, MEM_IMAGE));
    system.write(0x1_1000, b"fixed").unwrap();
    assert_eq!(regions(&system, 0x1_0000)[1], (0x1000, 0x1000, RW, MEM_IMAGE));
    assert_eq!(system.protect(0x1_1000, 0x1000, 0x20), Ok(RW));
    assert_eq!(system.memory.commit().charged(), before + 1, "it stays private");
    assert_eq!(system.protect(0x1_2000, 0x1000, 0x40), Ok(0x20));
    assert_eq!(regions(&system, 0x1_0000)[2], (0x2000, 0x1000, 0x80, MEM_IMAGE));
    assert_eq!(system.protect(0x1_2000, 0x1000, 0x20), Ok(0x80));
    assert_eq!(system.memory.commit().charged(), before + 1);
    assert_eq!(system.read(0x1_1000, 5).unwrap(), b"fixed");
    assert_ne!(system.read(0x5000_1000, 5).unwrap(), b"fixed");
    system.check();
}

#[test]
fn image_pages_are_read_again_and_copies_come_from_the_page_file() {
    let mut system = System::new(64, (512, 512));
    let file = TestFile::new(1, program());
    let section = system.image(&file);
    system.map(&section, &view(0, 0x20)).unwrap();
    let code = system.read(BASE + 0x1000, 16).unwrap();
    system.write(BASE + 0x4000, b"private").unwrap();
    system.write(BASE + 0x7000, b"shared").unwrap();
    system.trim();
    assert_eq!(system.entry(BASE + 0x1000) & 0xc01, 0x400, "the prototype form");
    assert_eq!(system.fault(BASE + 0x1000, false), Ok(Resolution::Transition));
    system.trim();
    system.allocate(0x2000_0000, 200 << 12, BOTH, RW).unwrap();
    (0..200).for_each(|page| system.write(0x2000_0000 + page * PAGE, &[1]).unwrap());
    system.check();
    assert_eq!(system.fault(BASE + 0x1000, false), Ok(Resolution::File), "repurposed");
    assert_eq!(system.read(BASE + 0x1000, 16).unwrap(), code);
    assert_eq!(system.fault(BASE + 0x4000, false), Ok(Resolution::PageFile));
    assert_eq!(system.fault(BASE + 0x7000, false), Ok(Resolution::PageFile));
    assert_eq!(system.read(BASE + 0x4000, 7).unwrap(), b"private");
    assert_eq!(system.read(BASE + 0x7000, 6).unwrap(), b"shared");
    assert_eq!(file.contents.borrow().bytes, program());
    system.check();
}

#[test]
fn a_data_file_is_written_back() {
    let mut system = System::new(64, (512, 512));
    let contents: Vec<u8> = (0..0x5_0123_u32).map(|at| (at >> 4) as u8).collect();
    let file = TestFile::new(7, contents.clone());
    let section = system.data(&file, RW);
    let mapped = system.map(&section, &view(0, RW)).unwrap();
    assert_eq!((mapped.size, mapped.status), (0x5_1000, NtStatus::SUCCESS));
    let base = mapped.base.0;
    let charged = system.memory.commit().charged();
    assert_eq!(regions(&system, base), [(0, 0x5_1000, RW, MEM_MAPPED)]);
    assert_eq!(system.read(base, 0x5_0123).unwrap(), contents);
    assert_eq!(system.read(base + 0x5_0123, 0xedd).unwrap(), [0; 0xedd]);
    (0..0x51).for_each(|page| system.write(base + page * PAGE, &[0xee]).unwrap());
    assert_eq!(system.memory.commit().charged(), charged, "a file is its own backing");
    assert!(system.memory.counters().file_page_outs > 10, "fewer frames than pages");
    assert_eq!(system.memory.page_files()[0].used(), 0);
    system.check();
    let written = system.memory.flush_view(&mut system.ram, system.space, (Va(base), 0)).unwrap();
    assert_eq!(written, (Va(base), 0x5_1000));
    let mut expected = contents;
    expected.iter_mut().step_by(0x1000).for_each(|byte| *byte = 0xee);
    assert!(file.contents.borrow().bytes == expected);
    // Unmapping the last view of a closed section writes the rest.
    system.write(base + 0x1_0001, &[0xdd]).unwrap();
    system.memory.close_section(&mut system.ram, section);
    assert_eq!(file.contents.borrow().bytes[0x1_0001], expected[0x1_0001]);
    system.unmap(base).unwrap();
    assert_eq!(file.contents.borrow().bytes[0x1_0001], 0xdd);
    assert!(!system.memory.is_mapped(FileIdentity(7), false));
    system.check();
}

#[test]
fn a_file_that_cannot_be_written_loses_nothing() {
    let mut system = system();
    let file = TestFile::new(7, vec![1; 0x3000]);
    let section = system.data(&file, RW);
    let base = system.map(&section, &view(0, RW)).unwrap().base.0;
    system.write(base + 0x1000, b"kept").unwrap();
    file.contents.borrow_mut().write_error = Some(NtStatus::DISK_FULL);
    let flushed = system.memory.flush_view(&mut system.ram, system.space, (Va(base), 0));
    assert_eq!(flushed, Err(NtStatus::DISK_FULL));
    system.unmap(base).unwrap();
    system.memory.close_section(&mut system.ram, section);
    assert!(system.memory.is_mapped(FileIdentity(7), false), "it waits for the disk");
    system.check();
    let again = system.data(&file, RW);
    let base = system.map(&again, &view(0, RW)).unwrap().base.0;
    assert_eq!(system.read(base + 0x1000, 4).unwrap(), b"kept");
    system.unmap(base).unwrap();
    system.memory.close_section(&mut system.ram, again);
    file.contents.borrow_mut().write_error = None;
    system.memory.write_modified_pages(&mut system.ram, 10).unwrap();
    assert_eq!(file.contents.borrow().bytes[0x1000..0x1004], *b"kept");
    assert!(!system.memory.is_mapped(FileIdentity(7), false));
    system.check();
}

#[test]
fn a_page_that_cannot_be_read_is_an_in_page_error() {
    let mut system = system();
    let file = TestFile::new(7, vec![1; 0x3000]);
    let section = system.data(&file, READ);
    let base = system.map(&section, &view(0, READ)).unwrap().base.0;
    file.contents.borrow_mut().read_error = Some(NtStatus::DEVICE_DATA_ERROR);
    let failure = system.read(base, 1).unwrap_err();
    assert_eq!((failure.status, failure.cause), (NtStatus::IN_PAGE_ERROR, Some(NtStatus::DEVICE_DATA_ERROR)));
    file.contents.borrow_mut().read_error = None;
    assert_eq!(system.read(base, 1).unwrap(), [1]);
    system.check();
}

#[test]
fn calls_and_views_of_a_file_agree() {
    let mut system = system();
    let file = TestFile::new(7, vec![1; 0x3000]);
    let section = system.data(&file, RW);
    let base = system.map(&section, &view(0, RW)).unwrap().base.0;
    system.write(base + 0xffe, b"view").unwrap();
    system.memory.flush_file(&mut system.ram, FileIdentity(7)).unwrap();
    assert_eq!(file.contents.borrow().bytes[0xffe..0x1002], *b"view");
    file.contents.borrow_mut().bytes[0xffe..0x1002].copy_from_slice(b"call");
    system.memory.file_written(&mut system.ram, FileIdentity(7), 0xffe, b"call");
    assert_eq!(system.read(base + 0xffe, 4).unwrap(), b"call");
    system.memory.file_written(&mut system.ram, FileIdentity(7), u64::MAX - 1, b"far");
    system.check();
}

#[test]
fn a_private_view_of_a_file_charges_all_of_it() {
    let mut system = system();
    let file = TestFile::new(7, vec![9; 0x8000]);
    let section = system.data(&file, READ);
    let before = system.memory.commit().charged();
    let base = system.map(&section, &view(0x3000_0000, WRITE_COPY)).unwrap().base.0;
    assert_eq!(system.memory.commit().charged(), before + 8 + 1, "and a page table");
    system.write(base + 0x2000, b"copy").unwrap();
    assert_eq!(system.read(base + 0x2000, 5).unwrap(), b"copy\x09");
    assert_eq!(file.contents.borrow().bytes, vec![9; 0x8000]);
    assert_eq!(regions(&system, base)[1], (0x2000, 0x1000, RW, MEM_MAPPED));
    assert_eq!(system.protect(base, 0x1000, READ), Ok(WRITE_COPY));
    assert_eq!(system.memory.commit().charged(), before + 7 + 1);
    system.check();
    system.unmap(base).unwrap();
    assert_eq!(system.memory.commit().charged(), before);
    system.check();
}

#[test]
fn memory_of_the_page_file_is_shared() {
    let mut system = System::new(64, (512, 512));
    let other = second(&mut system);
    let before = system.memory.commit().charged();
    let section = system.section(None, (0x6_4000, RW, SEC_COMMIT)).unwrap();
    assert!(system.memory.commit().charged() >= before + 100, "charged once, when it is made");
    let base = system.map(&section, &view(0x3000_0000, RW)).unwrap().base.0;
    (0..100).for_each(|page| system.write(base + page * PAGE, &[page as u8 + 1; 8]).unwrap());
    assert!(system.memory.counters().page_outs > 40);
    system.check();
    let first = system.switch(other);
    let elsewhere = system.map(&section, &view(0x4000_0000, READ)).unwrap().base.0;
    (0..100).for_each(|page| assert_eq!(system.read(elsewhere + page * PAGE, 8).unwrap(), [page as u8 + 1; 8]));
    assert_eq!(system.write(elsewhere, &[1]).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
    assert_eq!(system.protect(elsewhere, 0x1000, RW), Err(NtStatus::SECTION_PROTECTION));
    system.check();
    system.memory.close_section(&mut system.ram, section);
    system.memory.delete_space(&mut system.ram, other);
    system.check();
    system.switch(first);
    system.unmap(base).unwrap();
    assert_eq!(system.memory.page_files()[0].used(), 0);
    assert_eq!(system.memory.areas().count(), 0);
    assert_eq!(system.memory.frames().count(FrameState::Modified), 0);
    system.check();
}

#[test]
fn a_reserved_section_is_committed_for_all_views() {
    let mut system = system();
    let other = second(&mut system);
    let section = system.section(None, (0x1_0000, RW, SEC_RESERVE)).unwrap();
    let base = system.map(&section, &view(0x3000_0000, RW)).unwrap().base.0;
    assert_eq!(regions(&system, base), [(0, 0x1_0000, 0, MEM_MAPPED)]);
    assert_eq!(system.write(base, &[1]).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
    let charged = system.memory.commit().charged();
    system.allocate(base + 0x2000, 0x2000, COMMIT, RW).unwrap();
    assert_eq!(system.memory.commit().charged(), charged + 2);
    system.allocate(base + 0x3000, 0x2000, COMMIT, RW).unwrap();
    assert_eq!(system.memory.commit().charged(), charged + 3);
    system.write(base + 0x3000, b"here").unwrap();
    assert_eq!(system.free(base, 0, 0x4000), Err(NtStatus::UNABLE_TO_DELETE_SECTION));
    assert_eq!(system.free(base, 0, 0x8000), Err(NtStatus::UNABLE_TO_DELETE_SECTION));
    system.switch(other);
    let other_base = system.map(&section, &view(0x3000_0000, RW)).unwrap().base.0;
    assert_eq!(system.read(other_base + 0x3000, 4).unwrap(), b"here");
    assert_eq!(regions(&system, other_base)[1], (0x2000, 0x3000, RW, MEM_MAPPED));
    system.check();
}

#[test]
fn a_view_can_be_a_part() {
    let mut system = system();
    let file = TestFile::new(7, (0..0x4_8000_u32).map(|at| (at >> 12) as u8).collect());
    let section = system.data(&file, READ);
    let mut request = view(0x3000_0000, READ);
    (request.offset, request.size) = (0x1_0000, 0x2345);
    let mapped = system.map(&section, &request).unwrap();
    assert_eq!((mapped.base, mapped.size), (Va(0x3000_0000), 0x3000));
    assert_eq!(system.read(0x3000_1000, 1).unwrap(), [0x11]);
    (request.offset, request.size, request.base) = (0x4_0000, 0, Va(0x4000_0000));
    assert_eq!(system.map(&section, &request).unwrap().size, 0x8000);
    assert_eq!(system.read(0x4000_7000, 1).unwrap(), [0x47]);
    system.check();
}
