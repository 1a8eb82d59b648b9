//! `NtCreateSection`, `NtMapViewOfSection` and what other calls say of views: NT's checks with NT's codes.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/files.rs"]
mod files;
#[path = "support/system.rs"]
mod system;

use files::{TestFile, program, view};
use system::{BOTH, COMMIT, System};
use vatlas_machine::NtStatus;
use vatlas_machine::memory::{SEC_COMMIT, SEC_IMAGE, SEC_RESERVE, ViewRequest};
use vatlas_space::{Protection, Va};

const RW: u32 = 4;
const READ: u32 = 2;
const TOP_DOWN: u32 = 0x10_0000;
const RESET: u32 = 0x8_0000;

#[track_caller]
fn check_error<T: std::fmt::Debug>(result: Result<T, NtStatus>, expected: (&str, u32)) {
    let status = result.unwrap_err();
    assert_eq!((status.name(), status.win32_error()), (Some(expected.0), Some(expected.1)));
}

#[test]
fn creating() {
    let file = |bytes: &[u8]| Some(TestFile::new(1, bytes.to_vec()));
    let check = |file: Option<TestFile>, size: u64, protection: u32, attributes: u32, expected: (&str, u32)| {
        let mut system = System::new(256, (64, 64));
        let before = system.memory.commit().charged();
        check_error(system.section(file.as_ref(), (size, protection, attributes)), expected);
        assert!(system.memory.commit().charged() <= before + 1, "at most a table of the pool");
        system.check();
    };
    for attributes in [0, 1, SEC_COMMIT | SEC_RESERVE, SEC_IMAGE | SEC_COMMIT, SEC_IMAGE | 0x1000_0000, 0x2000_0000] {
        check(None, 0x1000, RW, attributes, ("STATUS_INVALID_PARAMETER_6", 87));
    }
    for protection in [0, 1, 6, 0x104, 0x204, 0x101] {
        check(None, 0x1000, protection, SEC_COMMIT, ("STATUS_INVALID_PAGE_PROTECTION", 87));
    }
    check(None, 0, READ, SEC_IMAGE, ("STATUS_INVALID_FILE_FOR_SECTION", 193));
    check(None, 0, RW, SEC_COMMIT, ("STATUS_INVALID_PARAMETER_4", 87));
    check(None, 1 << 33, RW, SEC_RESERVE, ("STATUS_SECTION_TOO_BIG", 8));
    check(None, 0x100_0000, RW, SEC_COMMIT, ("STATUS_COMMITMENT_LIMIT", 1455));
    check(None, 1 << 32, RW, SEC_RESERVE, ("STATUS_INSUFFICIENT_RESOURCES", 1450));
    check(file(b""), 0, RW, SEC_COMMIT, ("STATUS_MAPPED_FILE_SIZE_ZERO", 1006));
    check(file(b"12"), 3, READ, SEC_COMMIT, ("STATUS_SECTION_TOO_BIG", 8));
    check(file(b"12"), 3, 8, SEC_COMMIT, ("STATUS_SECTION_TOO_BIG", 8));
    check(file(b"not a program"), 0, READ, SEC_IMAGE, ("STATUS_INVALID_IMAGE_NOT_MZ", 193));
    check(file(&[b"MZ".as_slice(), &[0; 100]].concat()), 0, READ, SEC_IMAGE, ("STATUS_INVALID_IMAGE_PROTECT", 193));
    let whole = program();
    check(file(&whole[..0x1a0]), 0, READ, SEC_IMAGE, ("STATUS_INVALID_IMAGE_FORMAT", 193));
    check(file(&whole[..0x600]), 0, READ, SEC_IMAGE, ("STATUS_INVALID_IMAGE_FORMAT", 193));
}

#[test]
fn a_section_makes_its_file_longer() {
    let mut system = System::new(256, (64, 64));
    let file = TestFile::new(1, vec![7; 0x800]);
    let section = system.section(Some(&file), (0x2800, RW, SEC_COMMIT)).unwrap();
    assert_eq!(file.contents.borrow().bytes.len(), 0x2800);
    let base = system.map(&section, &view(0, RW)).unwrap().base.0;
    system.write(base + 0x27fc, b"last").unwrap();
    assert_eq!(system.read(base + 0x7ff, 2).unwrap(), [7, 0]);
    // Longer in the last page, which is there; a longer array of entries must wait until nobody uses it.
    let longer = system.section(Some(&file), (0x3000, RW, SEC_COMMIT)).unwrap();
    check_error(system.section(Some(&file), (0x3001, RW, SEC_COMMIT)), ("STATUS_USER_MAPPED_FILE", 1224));
    system.unmap(base).unwrap();
    system.memory.close_section(&mut system.ram, section);
    system.memory.close_section(&mut system.ram, longer);
    let section = system.section(Some(&file), (0x5000, RW, SEC_COMMIT)).unwrap();
    let base = system.map(&section, &view(0, RW)).unwrap().base.0;
    assert_eq!(system.read(base + 0x27fc, 5).unwrap(), b"last\0");
    system.check();
}

#[test]
fn any_bytes_are_no_image_or_one() {
    let whole = program();
    for at in 0..0x300 {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let mut system = System::new(64, (64, 64));
        let file = TestFile::new(1, bytes);
        let Ok(section) = system.section(Some(&file), (0, READ, SEC_IMAGE)) else { continue };
        if let Ok(mapped) = system.map(&section, &view(0, READ)) {
            (0..u64::from(mapped.size)).step_by(0x1000).take(16).for_each(|page| {
                let _ = system.read(mapped.base.0 + page, 1);
            });
        }
        system.check();
    }
}

#[test]
fn mapping_errors_in_order() {
    let mut system = System::new(256, (64, 64));
    let file = TestFile::new(1, vec![0; 0x2_1800]);
    let section = system.data(&file, READ);
    system.allocate(0x5000_0000, 0x1_0000, BOTH, RW).unwrap();
    let plain = view(0x6000_0000, READ);
    let mut check = |request: ViewRequest, name: &str, last_error: u32| {
        check_error(system.map(&section, &request), (name, last_error));
        system.check();
    };
    let wrong = ViewRequest { inherit: 0, kind: 1, zero_bits: 22, base: Va(0xffff_0001), ..plain };
    check(wrong, "STATUS_INVALID_PARAMETER_8", 87);
    check(ViewRequest { inherit: 3, ..plain }, "STATUS_INVALID_PARAMETER_8", 87);
    check(ViewRequest { inherit: 1, ..wrong }, "STATUS_INVALID_PARAMETER_9", 87);
    check(ViewRequest { kind: COMMIT, ..plain }, "STATUS_INVALID_PARAMETER_9", 87);
    check(ViewRequest { zero_bits: 22, ..plain }, "STATUS_INVALID_PARAMETER_4", 87);
    check(
        ViewRequest { protection: Protection(6), base: Va(0xffff_0000), ..plain },
        "STATUS_INVALID_PAGE_PROTECTION",
        87,
    );
    check(ViewRequest { base: Va(0x7ffe_0000), ..plain }, "STATUS_INVALID_PARAMETER_3", 87);
    check(ViewRequest { size: 0x2000_0000, ..plain }, "STATUS_INVALID_PARAMETER_5", 87);
    check(ViewRequest { zero_bits: 4, ..plain }, "STATUS_INVALID_PARAMETER_4", 87);
    check(ViewRequest { base: Va(0x6000_1000), ..plain }, "STATUS_MAPPED_ALIGNMENT", 1132);
    check(ViewRequest { offset: 0x1000, ..plain }, "STATUS_MAPPED_ALIGNMENT", 1132);
    check(ViewRequest { protection: Protection(RW), ..plain }, "STATUS_SECTION_PROTECTION", 87);
    check(ViewRequest { protection: Protection(0x20), ..plain }, "STATUS_SECTION_PROTECTION", 87);
    check(ViewRequest { offset: 0x3_0000, ..plain }, "STATUS_INVALID_VIEW_SIZE", 5);
    check(ViewRequest { offset: !0xffff, ..plain }, "STATUS_INVALID_VIEW_SIZE", 5);
    check(ViewRequest { size: 0x2_2001, ..plain }, "STATUS_INVALID_VIEW_SIZE", 5);
    check(ViewRequest { offset: 0x2_0000, size: 0x2001, ..plain }, "STATUS_INVALID_VIEW_SIZE", 5);
    check(ViewRequest { base: Va(0x5000_0000), ..plain }, "STATUS_CONFLICTING_ADDRESSES", 487);
    check(ViewRequest { base: Va(0x4fff_0000), ..plain }, "STATUS_CONFLICTING_ADDRESSES", 487);
    check(ViewRequest { base: Va(0), zero_bits: 16, ..plain }, "STATUS_NO_MEMORY", 8);
    let mapped = system.map(&section, &ViewRequest { size: 0x2_2000, ..plain }).unwrap();
    assert_eq!(mapped.size, 0x2_2000);
    let top = system.map(&section, &ViewRequest { base: Va(0), kind: TOP_DOWN, ..plain }).unwrap();
    assert_eq!(top.base, Va(0x7ffb_0000));
}

/// What a section of a protection allows its views: all of what it can, and nothing more.
#[test]
fn protections_of_sections_and_views() {
    let all = [1_u32, 2, 4, 8, 0x10, 0x20, 0x40, 0x80];
    let check = |section: u32, allowed: &[u32]| {
        let mut system = System::new(256, (64, 64));
        let made = system.section(None, (0x1000, section, SEC_COMMIT)).unwrap();
        let mut is_allowed = |protection: &u32| match system.map(&made, &view(0x3000_0000, *protection)) {
            Ok(mapped) => system.unmap(mapped.base.0).is_ok(),
            Err(status) => status != NtStatus::SECTION_PROTECTION,
        };
        let found: Vec<u32> = all.into_iter().filter(&mut is_allowed).collect();
        assert_eq!(found, allowed, "{section:x}");
    };
    check(2, &[1, 2, 8]);
    check(4, &[1, 2, 4, 8]);
    check(8, &[1, 2, 8]);
    check(0x10, &[1, 0x10]);
    check(0x20, &[1, 2, 8, 0x10, 0x20, 0x80]);
    check(0x40, &all);
    check(0x80, &[1, 2, 8, 0x10, 0x20, 0x80]);
}

/// A file view at 30000000, read and write; an image at 400000; a view of the page file at 38000000; private memory
/// at 50000000.
fn mapped() -> System {
    let mut system = System::new(512, (64, 64));
    let file = TestFile::new(1, vec![0; 0x4000]);
    let section = system.data(&file, RW);
    system.map(&section, &view(0x3000_0000, RW)).unwrap();
    let image = system.image(&TestFile::new(2, program()));
    system.map(&image, &view(0, READ)).unwrap();
    let section = system.section(None, (0x4000, RW, SEC_COMMIT)).unwrap();
    system.map(&section, &view(0x3800_0000, RW)).unwrap();
    system.allocate(0x5000_0000, 0x4000, BOTH, RW).unwrap();
    system
}

#[test]
fn unmapping() {
    let check = |va: u64, expected: Option<(&str, u32)>| {
        let mut system = mapped();
        match expected {
            Some(expected) => check_error(system.unmap(va), expected),
            None => system.unmap(va).unwrap(),
        }
        system.check();
    };
    check(0, Some(("STATUS_NOT_MAPPED_VIEW", 487)));
    check(0x5000_0000, Some(("STATUS_NOT_MAPPED_VIEW", 487)));
    check(0x3000_4000, Some(("STATUS_NOT_MAPPED_VIEW", 487)));
    check(0x8000_0000, Some(("STATUS_NOT_MAPPED_VIEW", 487)));
    check(0x3000_0000, None);
    check(0x3000_3fff, None);
    check(0x40_5000, None);
}

#[test]
fn other_calls_on_views() {
    let refuse = |call: &dyn Fn(&mut System) -> Result<(), NtStatus>, expected: (&str, u32)| {
        let mut system = mapped();
        check_error(call(&mut system), expected);
        system.check();
    };
    let allocate = |va: u64, kind: u32, protection: u32| {
        move |system: &mut System| system.allocate(va, 0x1000, kind, protection).map(|_| ())
    };
    let protect =
        |va: u64, protection: u32| move |system: &mut System| system.protect(va, 0x1000, protection).map(|_| ());
    let free = |va: u64, kind: u32| move |system: &mut System| system.free(va, 0, kind).map(|_| ());
    for va in [0x3000_0000, 0x40_1000] {
        refuse(&allocate(va, COMMIT, RW), ("STATUS_ALREADY_COMMITTED", 5));
        refuse(&allocate(va, RESET, RW), ("STATUS_USER_MAPPED_FILE", 1224));
        refuse(&allocate(va, COMMIT, 0x204), ("STATUS_INVALID_PAGE_PROTECTION", 87));
        refuse(&protect(va, 0x204), ("STATUS_INVALID_PARAMETER_4", 87));
        refuse(&protect(va, 0x404), ("STATUS_INVALID_PARAMETER_4", 87));
    }
    refuse(&protect(0x3000_0000, 0x40), ("STATUS_SECTION_PROTECTION", 87));
    for va in [0x3000_0000, 0x40_0000, 0x3800_0000] {
        refuse(&free(va, 0x8000), ("STATUS_UNABLE_TO_DELETE_SECTION", 87));
        refuse(&free(va, 0x4000), ("STATUS_UNABLE_TO_DELETE_SECTION", 87));
        refuse(&allocate(va, BOTH, RW), ("STATUS_CONFLICTING_ADDRESSES", 487));
    }
    let mut system = mapped();
    assert!(system.allocate(0x3800_1000, 0x1000, COMMIT, READ).is_ok(), "commits anew, with a protection");
    assert_eq!(system.write(0x3800_1000, &[1]).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
    assert_eq!(system.protect(0x3000_1000, 0x1000, 0x104), Ok(RW));
    assert_eq!(system.write(0x3000_1000, &[1]).unwrap_err().status, NtStatus::GUARD_PAGE_VIOLATION);
    system.write(0x3000_1000, &[1]).unwrap();
    assert_eq!(system.protect(0x40_4000, 0x1000, 1), Ok(8));
    assert_eq!(system.read(0x40_4000, 1).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
    assert_eq!(system.protect(0x40_4000, 0x1000, RW), Ok(1));
    system.write(0x40_4000, &[1]).unwrap();
    system.lock(0x3000_0000, 0x2000).unwrap();
    system.lock(0x40_4000, 0x1000).unwrap();
    system.trim();
    assert_eq!(system.memory.space(system.space).working_set().size(), 3);
    system.check();
}
