//! `VirtualAlloc` and its kin: NT's checks in NT's order, with NT's codes, and the regions they make.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/system.rs"]
mod system;

use system::{BOTH, COMMIT, PAGE, RESERVE, System};
use vatlas_machine::NtStatus;
use vatlas_machine::Ram;
use vatlas_machine::memory::{AddressLimits, AllocationRequest, MemoryBasicInformation};
use vatlas_space::{Protection, Va};

const RESET: u32 = 0x8_0000;
const TOP_DOWN: u32 = 0x10_0000;
const WATCH: u32 = 0x20_0000;
const PHYSICAL: u32 = 0x40_0000;
const LARGE: u32 = 0x2000_0000;
const DECOMMIT: u32 = 0x4000;
const RELEASE: u32 = 0x8000;
const RW: u32 = 4;

/// 4 MB and a page file of 4 MB; 8 pages reserved at 50000000, the second and third committed; 4 pages committed
/// right behind, at 50010000.
fn system() -> System {
    let mut system = System::new(1024, (1024, 1024));
    system.allocate(0x5000_0000, 0x8000, RESERVE, RW).unwrap();
    system.allocate(0x5000_1000, 0x2000, COMMIT, RW).unwrap();
    system.allocate(0x5001_0000, 0x4000, BOTH, RW).unwrap();
    system
}

#[test]
fn allocation_errors_in_order() {
    let check = |base: u64, size: u32, kind: u32, protection: u32, name: &str, last_error: u32| {
        let mut system = system();
        let status = system.allocate(base, size, kind, protection).unwrap_err();
        assert_eq!(status.name(), Some(name), "{base:x} {size:x} {kind:x} {protection:x}");
        assert_eq!(status.win32_error(), Some(last_error));
        system.check();
    };
    let kind = |kind: u32| check(0x6000_0000, 0x1000, kind, RW, "STATUS_INVALID_PARAMETER_5", 87);
    [0, 0x10, TOP_DOWN, RESET | COMMIT, RESET | TOP_DOWN, LARGE | RESERVE, LARGE | BOTH | WATCH, WATCH | COMMIT]
        .into_iter()
        .for_each(kind);
    [PHYSICAL | COMMIT, PHYSICAL | RESERVE | COMMIT].into_iter().for_each(kind);
    // Unknown bits come before a wrong protection, a wrong protection before a wrong place.
    check(0, 0x1000, 0x10, 0, "STATUS_INVALID_PARAMETER_5", 87);
    check(0x7fff_0000, 0x1000, RESERVE, 6, "STATUS_INVALID_PAGE_PROTECTION", 87);
    check(0x6000_0000, 0x1000, PHYSICAL | RESERVE, 2, "STATUS_INVALID_PARAMETER_6", 87);
    for protection in [0, 3, 0x101, 0x201, 0x401, 0x304, 0x804] {
        check(0x6000_0000, 0x1000, RESERVE, protection, "STATUS_INVALID_PAGE_PROTECTION", 87);
    }
    check(0x7ffe_0000, 0x1000, RESERVE, RW, "STATUS_INVALID_PARAMETER_2", 87);
    check(0xffff_0000, 0, RESERVE, RW, "STATUS_INVALID_PARAMETER_2", 87);
    check(0x1000, 0x1000, RESERVE, RW, "STATUS_INVALID_PARAMETER_2", 87);
    check(0x6000_0000, 0x2000_0000, RESERVE, RW, "STATUS_INVALID_PARAMETER_4", 87);
    check(0, 0x7ffe_0001, RESERVE, RW, "STATUS_INVALID_PARAMETER_4", 87);
    check(0, 0, RESERVE, RW, "STATUS_INVALID_PARAMETER_4", 87);
    check(0x6000_0000, 0x1000, LARGE | BOTH, RW, "STATUS_PRIVILEGE_NOT_HELD", 1314);
    check(0x6000_0000, 0x1000, RESERVE, 8, "STATUS_INVALID_PAGE_PROTECTION", 87);
    check(0, 0x1000, COMMIT, 0x80, "STATUS_INVALID_PAGE_PROTECTION", 87);
    check(0x5000_7000, 0x1000, RESERVE, RW, "STATUS_CONFLICTING_ADDRESSES", 487);
    check(0x5000_8000, 0x1000, RESERVE, RW, "STATUS_CONFLICTING_ADDRESSES", 487);
    check(0x4fff_0000, 0x1_0001, RESERVE, RW, "STATUS_CONFLICTING_ADDRESSES", 487);
    check(0, 0x7000_0000, RESERVE, RW, "STATUS_NO_MEMORY", 8);
    // 40000 * 40000 * 4 wraps to 7d784000, which the parameters allow and no hole holds.
    check(0, 40000_u32.wrapping_mul(40000).wrapping_mul(4), RESERVE, RW, "STATUS_NO_MEMORY", 8);
    check(0x6000_0000, 0x1000, COMMIT, RW, "STATUS_CONFLICTING_ADDRESSES", 487);
    check(0x5000_7000, 0x2000, COMMIT, RW, "STATUS_CONFLICTING_ADDRESSES", 487);
    check(0x5000_0000, 0x1000, COMMIT, 8, "STATUS_INVALID_PAGE_PROTECTION", 87);
    check(0x6000_0000, 0x100_0000, BOTH, RW, "STATUS_COMMITMENT_LIMIT", 1455);
    check(0, 0x100_0000, COMMIT, RW, "STATUS_COMMITMENT_LIMIT", 1455);
}

#[test]
fn zero_bits_bound_the_address() {
    let mut system = system();
    let mut request =
        AllocationRequest { base: Va(0), zero_bits: 22, size: 1, kind: RESERVE, protection: Protection::READWRITE };
    let status = system.memory.allocate(&mut system.ram, system.space, &request).unwrap_err();
    assert_eq!(status, NtStatus::INVALID_PARAMETER_3);
    (request.zero_bits, request.kind) = (4, RESERVE | TOP_DOWN);
    let (base, _) = system.memory.allocate(&mut system.ram, system.space, &request).unwrap();
    assert_eq!(base, Va(0x0fff_0000));
}

#[test]
fn reserves_are_rounded() {
    let check = |base: u64, size: u32, expected: u32| {
        let mut system = System::new(256, (16, 16));
        let (at, bytes) = system.allocate(base, size, RESERVE, RW).unwrap();
        assert_eq!((at, bytes), (base & !0xffff, expected), "{base:x} {size:x}");
    };
    check(0x5000_0000, 1, 0x1000);
    check(0x5000_8000, 1, 0x9000);
    check(0x5000_0010, 0x1000, 0x2000);
    check(0x5001_0000, 0x2000, 0x2000);
    check(0x5000_ffff, 0x3000, 0x13000);
    check(0x5000_1010, 0x7000, 0x9000);
    check(0x5000_1010, 0xc000, 0xe000);
}

#[test]
fn holes_are_found_from_both_ends() {
    let mut system = System::new(256, (16, 16));
    let mut next = |kind, size| system.allocate(0, size, RESERVE | kind, RW).unwrap().0;
    assert_eq!(next(0, 0x1_1000), 0x1_0000);
    assert_eq!(next(0, 1), 0x3_0000);
    assert_eq!(next(TOP_DOWN, 1), 0x7ffd_0000);
    assert_eq!(next(TOP_DOWN, 0x1_1000), 0x7ffb_0000);
    assert_eq!(system.free(0x1_0000, 0, RELEASE), Ok((0x1_0000, 0x1_1000)));
    assert_eq!(system.allocate(0, 0x2_0000, RESERVE, RW).unwrap().0, 0x1_0000);
    let rest = system.allocate(0, 0x7ff7_0000, RESERVE, RW);
    assert_eq!(rest, Ok((0x4_0000, 0x7ff7_0000)));
    assert_eq!(system.allocate(0, 1, RESERVE, RW), Err(NtStatus::NO_MEMORY));
}

#[test]
fn three_gigabytes_have_a_hole_at_the_shared_page() {
    let mut system = System::on(Ram::new(256), (16, 16), AddressLimits::THREE_GB);
    assert_eq!(system.allocate(0x7ffd_0000, 0x3_0000, RESERVE, RW), Err(NtStatus::CONFLICTING_ADDRESSES));
    assert_eq!(system.allocate(0, 0x7ffd_0000, RESERVE, RW).unwrap().0, 0x1_0000);
    assert_eq!(system.allocate(0, 0x1000, RESERVE, RW).unwrap().0, 0x7fff_0000);
    assert_eq!(system.allocate(0, 0x1000, RESERVE | TOP_DOWN, RW).unwrap().0, 0xbffd_0000);
}

#[test]
fn freeing() {
    let check = |base: u64, size: u32, kind: u32, expected: Result<(u64, u32), (&str, u32)>| {
        let mut system = system();
        let result = system.free(base, size, kind);
        let result = result.map_err(|status| (status.name().unwrap(), status.win32_error().unwrap()));
        assert_eq!(result, expected, "{base:x} {size:x} {kind:x}");
        system.check();
    };
    check(0x5000_0000, 0, 0, Err(("STATUS_INVALID_PARAMETER_4", 87)));
    check(0x5000_0000, 0, RELEASE | DECOMMIT, Err(("STATUS_INVALID_PARAMETER_4", 87)));
    check(0x7fff_0000, 0, RELEASE, Err(("STATUS_INVALID_PARAMETER_2", 87)));
    check(0x5000_0000, 0xffff_ffff, RELEASE, Err(("STATUS_INVALID_PARAMETER_3", 87)));
    check(0x6000_0000, 0, RELEASE, Err(("STATUS_MEMORY_NOT_ALLOCATED", 487)));
    check(0x5000_1000, 0, RELEASE, Err(("STATUS_FREE_VM_NOT_AT_BASE", 487)));
    check(0x5000_1000, 0, DECOMMIT, Err(("STATUS_FREE_VM_NOT_AT_BASE", 487)));
    check(0x5000_0000, 0x9000, DECOMMIT, Err(("STATUS_UNABLE_TO_FREE_VM", 87)));
    check(0x5000_0fff, 0, RELEASE, Ok((0x5000_0000, 0x8000)));
    check(0x5000_0000, 0, DECOMMIT, Ok((0x5000_0000, 0x8000)));
    check(0x5000_5000, 0x1000, DECOMMIT, Ok((0x5000_5000, 0x1000)));
    check(0x5001_1000, 0x1001, DECOMMIT, Ok((0x5001_1000, 0x2000)));
    check(0x5001_1000, 0x1000, RELEASE, Ok((0x5001_1000, 0x1000)));
}

#[test]
fn a_release_in_the_middle_splits() {
    let mut system = system();
    system.write(0x5001_0000, b"below").unwrap();
    system.write(0x5001_3000, b"above").unwrap();
    system.free(0x5001_1000, 0x1000, RELEASE).unwrap();
    let process = system.memory.space(system.space);
    let vads: Vec<_> = process.vads().iter().map(|vad| (vad.first, vad.last, vad.commit)).collect();
    assert_eq!(vads, [(0x50000, 0x50007, 2), (0x50010, 0x50010, 1), (0x50012, 0x50013, 2)]);
    assert_eq!(system.read(0x5001_0000, 5).unwrap(), b"below");
    assert_eq!(system.read(0x5001_3000, 5).unwrap(), b"above");
    assert_eq!(system.read(0x5001_1000, 1).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
    system.check();
}

#[test]
fn protecting() {
    let check = |base: u64, size: u32, protection: u32, expected: Result<u32, (&str, u32)>| {
        let mut system = system();
        let result = system.protect(base, size, protection);
        let result = result.map_err(|status| (status.name().unwrap(), status.win32_error().unwrap()));
        assert_eq!(result, expected, "{base:x} {size:x} {protection:x}");
        system.check();
    };
    check(0x6000_0000, 0x1000, 6, Err(("STATUS_INVALID_PAGE_PROTECTION", 87)));
    check(0x8000_0000, 0x1000, 2, Err(("STATUS_INVALID_PARAMETER_2", 87)));
    check(0x6000_0000, 0, 2, Err(("STATUS_INVALID_PARAMETER_3", 87)));
    check(0x6000_0000, 0x1000, 2, Err(("STATUS_CONFLICTING_ADDRESSES", 487)));
    check(0x5001_3000, 0x2000, 2, Err(("STATUS_CONFLICTING_ADDRESSES", 487)));
    check(0x5000_1000, 0x1000, 8, Err(("STATUS_INVALID_PARAMETER_4", 87)));
    check(0x5000_0000, 0x2000, 2, Err(("STATUS_NOT_COMMITTED", 487)));
    check(0x5000_2000, 0x2000, 2, Err(("STATUS_NOT_COMMITTED", 487)));
    check(0x5000_1000, 0x1001, 2, Ok(4));
    check(0x5001_0000, 0x4000, 0x104, Ok(4));
}

#[test]
fn secured_memory_stays() {
    let mut system = system();
    assert!(system.memory.secure(&mut system.ram, system.space, Va(0x5001_0123)));
    assert!(!system.memory.secure(&mut system.ram, system.space, Va(0x6000_0000)));
    assert_eq!(system.protect(0x5001_0000, 0x1000, 2), Err(NtStatus::INVALID_PAGE_PROTECTION));
    assert_eq!(system.free(0x5001_0000, 0, RELEASE), Err(NtStatus::INVALID_PAGE_PROTECTION));
}

#[test]
fn protections_act_on_touched_and_untouched_pages() {
    for is_touched in [false, true] {
        let mut system = system();
        if is_touched {
            system.write(0x5001_0000, b"kept").unwrap();
        }
        assert_eq!(system.protect(0x5001_0000, 0x1000, 2), Ok(4));
        assert_eq!(system.write(0x5001_0000, b"x").unwrap_err().status, NtStatus::ACCESS_VIOLATION);
        let expected: &[u8] = if is_touched { b"kept" } else { &[0; 4] };
        assert_eq!(system.read(0x5001_0000, 4).unwrap(), expected);
        assert_eq!(system.protect(0x5001_0000, 0x1000, 1), Ok(2));
        assert_eq!(system.entry(0x5001_0000) & 1, 0, "a page without access leaves the working set");
        assert_eq!(system.read(0x5001_0000, 1).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
        assert_eq!(system.protect(0x5001_0000, 0x1000, 0x40), Ok(1));
        assert_eq!(system.read(0x5001_0000, 4).unwrap(), expected);
        system.write(0x5001_0000, b"new!").unwrap();
        assert_eq!(system.read(0x5001_0000, 4).unwrap(), b"new!");
        system.check();
    }
}

#[test]
fn committing_again_sets_the_protection() {
    let mut system = system();
    system.write(0x5001_0000, b"kept").unwrap();
    let charged = system.memory.commit().charged();
    system.allocate(0x5001_0000, 0x3000, COMMIT, 2).unwrap();
    assert_eq!(system.memory.commit().charged(), charged);
    assert_eq!(system.write(0x5001_0000, b"x").unwrap_err().status, NtStatus::ACCESS_VIOLATION);
    assert_eq!(system.write(0x5001_1000, b"x").unwrap_err().status, NtStatus::ACCESS_VIOLATION);
    assert_eq!(system.read(0x5001_0000, 4).unwrap(), b"kept");
    // One page is committed there already, two are new.
    system.allocate(0x5000_2000, 0x3000, COMMIT, RW).unwrap();
    assert_eq!(system.memory.commit().charged(), charged + 2);
    system.check();
}

#[test]
fn decommitted_pages_come_back_as_zeroes() {
    let mut system = system();
    system.write(0x5001_1000, b"lost").unwrap();
    system.free(0x5001_1000, 0x1000, DECOMMIT).unwrap();
    assert_eq!(system.entry(0x5001_1000), 0x200, "as nt marks it");
    assert_eq!(system.read(0x5001_1000, 1).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
    assert_eq!(system.protect(0x5001_0000, 0x4000, 2), Err(NtStatus::NOT_COMMITTED));
    system.allocate(0x5001_1000, 0x1000, COMMIT, RW).unwrap();
    assert_eq!(system.entry(0x5001_1000), 0x80);
    assert_eq!(system.read(0x5001_1000, 4).unwrap(), [0; 4]);
    system.check();
}

#[test]
fn locking() {
    let mut system = system();
    let page = PAGE as u32;
    assert_eq!(system.lock(0x5001_0000, 0), Err(NtStatus::INVALID_PARAMETER_3));
    assert_eq!(system.lock(0x6000_0000, page), Err(NtStatus::ACCESS_VIOLATION));
    assert_eq!(system.lock(0x5000_0000, page), Err(NtStatus::ACCESS_VIOLATION));
    system.protect(0x5001_0000, page, 0x104).unwrap();
    assert_eq!(system.lock(0x5001_0000, 2 * page), Err(NtStatus::GUARD_PAGE_VIOLATION));
    assert_eq!(system.lock(0x5001_0000, 2 * page), Ok(()));
    assert_eq!(system.lock(0x5001_0000, page), Ok(()));
    system.trim();
    assert_eq!(system.memory.space(system.space).working_set().size(), 2);
    assert_eq!(system.unlock(0x5001_0000, 3 * page), Err(NtStatus::NOT_LOCKED));
    assert_eq!(system.unlock(0x5001_0000, 2 * page), Ok(()));
    assert_eq!(system.unlock(0x5001_0000, page), Err(NtStatus::NOT_LOCKED));
    assert_eq!(system.entry(0x5001_0000) & 1, 0, "out of the working set");
    system.allocate(0x6000_0000, 64 * page, BOTH, RW).unwrap();
    assert_eq!(system.lock(0x6000_0000, 43 * page), Err(NtStatus::WORKING_SET_QUOTA));
    assert_eq!(system.lock(0x6000_0000, 42 * page), Ok(()));
    assert_eq!(system.lock(0x6000_0000 + 42 * PAGE, page).unwrap_err().win32_error(), Some(1453));
    system.check();
}

#[test]
fn queries() {
    let mut system = system();
    system.protect(0x5000_1000, 0x1000, 2).unwrap();
    let check = |va: u64, fields: [u32; 7]| {
        let [base, allocation, allocated_with, size, state, protect, kind] = fields;
        let information = system.memory.query(&system.ram, system.space, Va(va)).unwrap();
        let expected = MemoryBasicInformation {
            base_address: Va(base.into()),
            allocation_base: Va(allocation.into()),
            allocation_protect: Protection(allocated_with),
            region_size: size,
            state,
            protect: Protection(protect),
            kind,
        };
        assert_eq!(information, expected, "{va:x}");
        let bytes: Vec<u8> = fields.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(information.to_bytes()[..], bytes);
    };
    check(0, [0, 0, 0, 0x5000_0000, 0x1_0000, 1, 0]);
    check(0x1_2345, [0x1_2000, 0, 0, 0x4ffe_e000, 0x1_0000, 1, 0]);
    check(0x5000_0000, [0x5000_0000, 0x5000_0000, 4, 0x1000, 0x2000, 0, 0x2_0000]);
    check(0x5000_1fff, [0x5000_1000, 0x5000_0000, 4, 0x1000, 0x1000, 2, 0x2_0000]);
    check(0x5000_2000, [0x5000_2000, 0x5000_0000, 4, 0x1000, 0x1000, 4, 0x2_0000]);
    check(0x5000_4000, [0x5000_4000, 0x5000_0000, 4, 0x4000, 0x2000, 0, 0x2_0000]);
    check(0x5000_8000, [0x5000_8000, 0, 0, 0x8000, 0x1_0000, 1, 0]);
    check(0x5001_1000, [0x5001_1000, 0x5001_0000, 4, 0x3000, 0x1000, 4, 0x2_0000]);
    check(0x5001_4000, [0x5001_4000, 0, 0, 0x2ffc_c000, 0x1_0000, 1, 0]);
    check(0x7ffe_0010, [0x7ffe_0000, 0x7ffe_0000, 2, 0x1000, 0x1000, 2, 0x2_0000]);
    check(0x7ffe_1000, [0x7ffe_1000, 0x7ffe_0000, 2, 0xf000, 0x2000, 1, 0x2_0000]);
    let above = system.memory.query(&system.ram, system.space, Va(0x7fff_0000));
    assert_eq!(above.unwrap_err().win32_error(), Some(87));
}
