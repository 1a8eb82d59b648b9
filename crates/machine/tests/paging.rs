//! Pages that go to a page file and come back, disks that fail, guard pages, what is committed, and a program that
//! faults its own pages in.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/system.rs"]
mod system;

use system::{BOTH, COMMIT, PAGE, RESERVE, System};
use vatlas_machine::cpu::{Board, Engine, Interpreter, Registers};
use vatlas_machine::memory::FrameState;
use vatlas_machine::{Event, FaultAccess, HostTraps, NtStatus, Ram, Resolution};
use vatlas_space::Va;

const BASE: u64 = 0x1000_0000;
const RW: u32 = 4;
const MB: u32 = 1 << 20;

/// The contents of a page, different for each.
fn pattern(page: u64) -> Vec<u8> {
    (0..PAGE).map(|byte| (page.wrapping_mul(0x9e37_79b9) >> (byte % 24)) as u8 ^ byte as u8).collect()
}

#[test]
fn a_hundred_megabytes_through_sixteen() {
    let mut system = System::new(4096, (65536, 65536));
    system.allocate(BASE, 100 * MB, BOTH, RW).unwrap();
    let pages = u64::from(100 * MB) / PAGE;
    (0..pages).for_each(|page| system.write(BASE + page * PAGE, &pattern(page)).unwrap());
    for page in 0..pages {
        assert!(system.read(BASE + page * PAGE, 4096).unwrap() == pattern(page), "page {page}");
    }
    let counters = system.memory.counters();
    assert_eq!(counters.demand_zero, pages);
    assert!(counters.page_ins > 20_000 && counters.page_outs > 20_000, "{counters:?}");
    system.check();
    system.memory.delete_space(&mut system.ram, system.space);
    // One page of nonpaged pool and its table stay.
    assert_eq!((system.memory.commit().charged(), system.memory.kernel_pages()), (2, 2));
    assert_eq!(system.memory.page_files()[0].used(), 0);
    assert_eq!(system.memory.frames().count(FrameState::Free), system.memory.frames().usable() - 2);
}

#[test]
fn a_full_commit_can_all_be_used() {
    let mut system = System::new(256, (128, 192));
    let limit = system.memory.commit().limit();
    // The directory, a table, and a page of pool with its table are charged too.
    let count = limit + 64 - 4;
    system.allocate(BASE, count << 12, BOTH, RW).unwrap();
    assert_eq!(system.memory.commit().limit(), limit + 64, "the page file has grown");
    assert_eq!(system.memory.commit().charged(), limit + 64);
    (0..u64::from(count)).for_each(|page| system.write(BASE + page * PAGE, &pattern(page)).unwrap());
    for kind in [BOTH, COMMIT] {
        assert_eq!(system.allocate(0, 1, kind, RW), Err(NtStatus::COMMITMENT_LIMIT));
    }
    let (base, _) = system.allocate(0, MB, RESERVE, RW).unwrap();
    assert_eq!(system.allocate(base, 1, COMMIT, RW), Err(NtStatus::COMMITMENT_LIMIT));
    for page in 0..u64::from(count) {
        assert!(system.read(BASE + page * PAGE, 4096).unwrap() == pattern(page), "page {page}");
    }
    system.check();
}

#[test]
fn locked_pages_leave_room_for_the_others() {
    let mut system = System::new(256, (128, 128));
    let count = system.memory.commit().limit() - 4;
    system.allocate(BASE, count << 12, BOTH, RW).unwrap();
    (0..u64::from(count)).for_each(|page| system.write(BASE + page * PAGE, &pattern(page)).unwrap());
    // These come from the page file, and would keep their places there if locking did not give them up.
    (0..42).for_each(|page| system.lock(BASE + page * PAGE, 1).unwrap());
    for page in (0..u64::from(count)).rev() {
        assert!(system.read(BASE + page * PAGE, 4096).unwrap() == pattern(page), "page {page}");
    }
    assert_eq!(system.memory.space(system.space).working_set().locked, 42);
    system.check();
}

#[test]
fn a_disk_that_fails_loses_nothing() {
    let mut system = System::new(128, (512, 512));
    system.allocate(BASE, 256 << 12, BOTH, RW).unwrap();
    (0..40).for_each(|page| system.write(BASE + page * PAGE, &pattern(page)).unwrap());
    system.disk.borrow_mut().write_error = Some(NtStatus::DISK_FULL);
    let mut written = 40;
    let failure = loop {
        match system.write(BASE + written * PAGE, &pattern(written)) {
            Ok(()) => written += 1,
            Err(failure) => break failure,
        }
    };
    assert_eq!((failure.status, failure.cause), (NtStatus::IN_PAGE_ERROR, Some(NtStatus::DISK_FULL)));
    assert_eq!(failure.access.va, Va(BASE + written * PAGE));
    assert!(system.memory.counters().failed_writes > 0);
    system.check();
    for page in 0..written {
        assert!(system.read(BASE + page * PAGE, 4096).unwrap() == pattern(page), "page {page}");
    }
    // The disk has room again: the same write succeeds, and so does the rest.
    system.disk.borrow_mut().write_error = None;
    (written..256).for_each(|page| system.write(BASE + page * PAGE, &pattern(page)).unwrap());
    for page in 0..256 {
        assert!(system.read(BASE + page * PAGE, 4096).unwrap() == pattern(page), "page {page}");
    }
    system.check();
}

#[test]
fn a_page_that_cannot_be_read_is_an_in_page_error() {
    let mut system = System::new(128, (512, 512));
    system.allocate(BASE, 256 << 12, BOTH, RW).unwrap();
    (0..256).for_each(|page| system.write(BASE + page * PAGE, &pattern(page)).unwrap());
    system.disk.borrow_mut().read_error = Some(NtStatus::DEVICE_DATA_ERROR);
    let failure = system.read(BASE, 1).unwrap_err();
    assert_eq!((failure.status, failure.cause), (NtStatus::IN_PAGE_ERROR, Some(NtStatus::DEVICE_DATA_ERROR)));
    system.disk.borrow_mut().read_error = None;
    assert_eq!(system.read(BASE, 4096).unwrap(), pattern(0));
    system.check();
}

#[test]
fn a_page_file_grows_when_it_is_full_of_pages_that_are_in_memory_too() {
    let mut system = System::new(256, (64, 2000));
    let mut pages = 0;
    // Promised and touched a few at a time: the file is never larger than what is promised needs.
    for round in 0..100 {
        system.allocate(BASE + round * 0x1_0000, 0x1_0000, BOTH, RW).unwrap();
        (pages..pages + 16).for_each(|page| system.write(BASE + page * PAGE, &pattern(page)).unwrap());
        pages += 16;
        (0..pages).step_by(7).for_each(|page| assert!(system.read(BASE + page * PAGE, 4096).unwrap() == pattern(page)));
    }
    assert_eq!(system.memory.counters().failed_writes, 0);
    system.check();
}

#[test]
fn a_page_file_that_cannot_grow_leaves_the_limit() {
    let mut system = System::new(128, (64, 256));
    system.disk.borrow_mut().grow_error = Some(NtStatus::DISK_FULL);
    assert_eq!(system.allocate(BASE, 200 << 12, BOTH, RW), Err(NtStatus::COMMITMENT_LIMIT));
    system.disk.borrow_mut().grow_error = None;
    assert!(system.allocate(BASE, 200 << 12, BOTH, RW).is_ok());
    system.check();
}

#[test]
fn the_sparse_matrix() {
    let mut system = System::new(4096, (32768, 32768));
    let before = system.memory.commit().charged();
    let row = 20_000_u32 * 4;
    let (base, _) = system.allocate(0, 20_000 * row, RESERVE, RW).unwrap();
    assert_eq!(system.memory.commit().charged(), before, "a reserve costs nothing");
    for index in 0..20_000_u32 {
        let at = base + u64::from(index * row);
        system.allocate(at, 4, COMMIT, RW).unwrap();
        system.write(at, &index.to_le_bytes()).unwrap();
    }
    let process = system.memory.space(system.space);
    assert_eq!(process.committed_pages(), 20_000, "78.1 MiB");
    assert_eq!(process.charged_tables(), 382);
    for index in (0..20_000_u32).step_by(97) {
        assert_eq!(system.read(base + u64::from(index * row), 4).unwrap(), index.to_le_bytes());
    }
    system.check();
}

#[test]
fn a_page_through_all_its_states() {
    let mut system = System::new(64, (64, 64));
    system.allocate(BASE, 4 << 12, BOTH, RW).unwrap();
    assert_eq!(system.fault(BASE, false), Ok(Resolution::DemandZero));
    assert_eq!(system.entry(BASE) & 0xfff, 0x825, "valid, user, accessed; may be written, is clean");
    assert_eq!(system.fault(BASE, true), Ok(Resolution::FirstWrite));
    assert_eq!(system.entry(BASE) & 0xfff, 0x867);
    assert_eq!(system.fault(BASE, true), Ok(Resolution::Spurious));
    system.write(BASE, b"here").unwrap();
    system.trim();
    assert_eq!(system.entry(BASE) & 0xfff, 0x880, "transition");
    assert_eq!(system.memory.frames().count(FrameState::Modified), 1);
    assert_eq!(system.memory.write_modified_pages(&mut system.ram, 10), Ok(1));
    assert_eq!(system.memory.frames().count(FrameState::Standby), 1);
    assert_eq!(system.fault(BASE, false), Ok(Resolution::Transition));
    assert_eq!(system.memory.page_files()[0].used(), 1, "still clean");
    system.trim();
    // Other pages take the frame.
    system.allocate(0x2000_0000, 60 << 12, BOTH, RW).unwrap();
    (0..60).for_each(|page| system.write(0x2000_0000 + page * PAGE, &[1]).unwrap());
    assert_eq!(system.entry(BASE) & 0xfff, 0x080, "page file");
    assert_ne!(system.entry(BASE) >> 12, 0);
    assert_eq!(system.fault(BASE, true), Ok(Resolution::PageFile));
    assert_eq!(system.read(BASE, 4).unwrap(), b"here");
    system.check();
}

#[test]
fn reset_pages_are_dropped() {
    let mut system = System::new(64, (64, 64));
    system.allocate(BASE, 1, BOTH, RW).unwrap();
    system.write(BASE, b"gone").unwrap();
    system.allocate(BASE, 1, 0x8_0000, 1).unwrap();
    assert_eq!(system.read(BASE, 4).unwrap(), b"gone", "nobody needed the frame yet");
    system.trim();
    assert_eq!(system.memory.frames().count(FrameState::Standby), 1);
    system.allocate(0x2000_0000, 60 << 12, BOTH, RW).unwrap();
    (0..60).for_each(|page| system.write(0x2000_0000 + page * PAGE, &[1]).unwrap());
    assert_eq!(system.read(BASE, 4).unwrap(), [0; 4]);
    system.check();
}

#[test]
fn guard_pages_raise_once() {
    for is_write in [false, true] {
        let mut system = System::new(64, (64, 64));
        system.allocate(BASE, 2 << 12, BOTH, 0x104).unwrap();
        let failure = system.fault(BASE + 8, is_write).unwrap_err();
        assert_eq!((failure.status, failure.cause), (NtStatus::GUARD_PAGE_VIOLATION, None));
        assert_eq!(failure.access, FaultAccess { va: Va(BASE + 8), is_write, is_user: true });
        assert_eq!(system.fault(BASE + 8, is_write), Ok(Resolution::DemandZero));
        assert_eq!(system.protect(BASE, 2 << 12, 2), Ok(4));
        system.check();
    }
}

#[test]
fn accesses_that_nothing_allows() {
    let mut system = System::new(64, (64, 64));
    system.allocate(BASE, 4 << 12, RESERVE, RW).unwrap();
    system.allocate(BASE, 1 << 12, COMMIT, 2).unwrap();
    system.read(BASE, 1).unwrap();
    for (va, is_write) in [(0, false), (BASE, true), (BASE + PAGE, false), (0x7fff_0000, false), (0xc000_0000, false)] {
        let failure = system.fault(va, is_write).unwrap_err();
        assert_eq!(failure.status, NtStatus::ACCESS_VIOLATION, "{va:x}");
    }
    system.check();
}

#[test]
fn the_directory_maps_itself() {
    let mut system = System::new(64, (64, 64));
    system.allocate(0x0012_0000, 0x10000, BOTH, RW).unwrap();
    system.write(0x0012_f980, b"stack").unwrap();
    let through = |va: u64| {
        let pa = system.memory.walk(&system.ram, system.space, Va(va)).mapping().unwrap();
        assert!(!pa.is_user, "only the kernel sees tables");
        system.ram.read_u32(pa.pa).unwrap()
    };
    assert_eq!(through(0xc000_04bc), system.entry(0x0012_f980));
    assert_eq!(through(0xc030_0c00) & !0xfff, system.memory.space(system.space).cr3());
}

#[test]
fn a_program_faults_its_own_pages_in() {
    // again: mov [edi], ecx; add edi, 1000h; dec ecx; jnz again; int 2eh
    let code = [0x89, 0x0f, 0x81, 0xc7, 0, 0x10, 0, 0, 0x49, 0x75, 0xf5, 0xcd, 0x2e];
    let mut system = System::new(128, (1024, 1024));
    system.allocate(0x0040_0000, 0x1000, BOTH, RW).unwrap();
    system.write(0x0040_0000, &code).unwrap();
    system.protect(0x0040_0000, 0x1000, 0x20).unwrap();
    system.allocate(BASE, 300 << 12, BOTH, RW).unwrap();
    let mut board = Board::new(std::mem::replace(&mut system.ram, Ram::new(0)));
    let mut engine = Interpreter::new();
    let mut registers = Registers::flat_user();
    registers.control.cr3 = system.memory.space(system.space).cr3();
    registers.control.cr0 |= 1 << 31;
    (registers.eip, registers.gpr[1], registers.gpr[7]) = (0x0040_0000, 301, BASE as u32);
    engine.set_registers(&registers);
    *engine.traps() = HostTraps::all();
    let failure = loop {
        let Some(Event::Exception(exception)) = engine.run(&mut board, 1_000_000).event else { panic!("no fault") };
        let access = FaultAccess::from_exception(&exception).unwrap();
        match system.memory.fault(&mut board.ram, system.space, access) {
            Ok(_) if system.memory.take_flush() => engine.flush(),
            Ok(_) => {}
            Err(failure) => break failure,
        }
    };
    // The page behind the last one is the violation, at the instruction that wrote.
    assert_eq!(failure.status, NtStatus::ACCESS_VIOLATION);
    assert_eq!((failure.access.va, failure.access.is_write), (Va(BASE + 300 * PAGE), true));
    assert_eq!((engine.registers().eip, engine.registers().gpr[1]), (0x0040_0000, 1));
    // The processor wrote 300 pages through fewer than 128 frames; the handler maps the missing page, and it ends.
    std::mem::swap(&mut system.ram, &mut board.ram);
    system.allocate(BASE + 0x13_0000, 1, BOTH, RW).unwrap();
    for page in 0..300 {
        assert_eq!(system.read(BASE + page * PAGE, 4).unwrap(), (301 - page as u32).to_le_bytes());
    }
    assert!(system.memory.counters().page_outs > 150);
    system.check();
}

#[test]
fn writes_are_watched() {
    let mut system = System::new(64, (512, 512));
    let (kind, size) = (BOTH | 0x20_0000, 0x8000);
    let (base, _) = system.allocate(BASE, size, kind, RW).unwrap();
    (0..8).for_each(|page| drop(system.read(base + page * PAGE, 1)));
    [2, 5, 6].iter().for_each(|page| system.write(base + page * PAGE, &[1]).unwrap());
    let written = |system: &mut System, flags: u32, most: usize| {
        let range = (Va(BASE), size);
        let found = system.memory.get_write_watch(&mut system.ram, system.space, flags, range, most).unwrap();
        found.into_iter().map(|va| (va.0 - BASE) / PAGE).collect::<Vec<_>>()
    };
    assert_eq!(written(&mut system, 0, 99), [2, 5, 6]);
    assert_eq!(written(&mut system, 1, 2), [2, 5], "and forgets these two");
    assert_eq!(written(&mut system, 0, 99), [6]);
    system.write(base + 2 * PAGE, &[2]).unwrap();
    assert_eq!(written(&mut system, 1, 99), [2, 6]);
    // Through the page file and back: what was written stays dirty, and the next write is seen.
    system.trim();
    system.allocate(0x2000_0000, 60 << 12, BOTH, RW).unwrap();
    (0..60).for_each(|page| system.write(0x2000_0000 + page * PAGE, &[1]).unwrap());
    assert_eq!(system.read(base + 2 * PAGE, 1).unwrap(), [2]);
    assert_eq!(written(&mut system, 0, 99), []);
    system.write(base + 2 * PAGE, &[3]).unwrap();
    assert_eq!(written(&mut system, 0, 99), [2]);
    let reset = |system: &mut System, va: u64, size: u32| {
        system.memory.reset_write_watch(&mut system.ram, system.space, (Va(va), size))
    };
    assert_eq!(reset(&mut system, 0x2000_0000, 0x1000), Err(NtStatus::INVALID_PARAMETER_1));
    assert_eq!(reset(&mut system, BASE, 0x9000), Err(NtStatus::INVALID_PARAMETER_1));
    assert_eq!(reset(&mut system, BASE, 0), Err(NtStatus::INVALID_PARAMETER_3));
    assert_eq!(reset(&mut system, 0x8000_0000, 0x1000), Err(NtStatus::INVALID_PARAMETER_2));
    assert_eq!(reset(&mut system, BASE, size), Ok(()));
    assert_eq!(written(&mut system, 0, 99), []);
    let flags = system.memory.get_write_watch(&mut system.ram, system.space, 2, (Va(BASE), size), 1);
    assert_eq!(flags, Err(NtStatus::INVALID_PARAMETER_2));
    system.check();
}

#[test]
fn a_working_set_has_a_maximum() {
    let mut system = System::new(1024, (64, 64));
    system.allocate(BASE, 500 << 12, BOTH, RW).unwrap();
    (0..400).for_each(|page| system.write(BASE + page * PAGE, &pattern(page)).unwrap());
    let size = |system: &System| system.memory.space(system.space).working_set().size();
    assert_eq!(size(&system), 400, "memory is plentiful");
    system.memory.set_maximum_working_set(system.space, 100, true);
    (400..500).for_each(|page| system.write(BASE + page * PAGE, &pattern(page)).unwrap());
    assert_eq!(size(&system), 100);
    system.check();
    (0..500).for_each(|page| assert!(system.read(BASE + page * PAGE, 4096).unwrap() == pattern(page)));
    assert_eq!((size(&system), system.memory.counters().page_outs), (100, 0), "trimmed, not written");
    assert_eq!(system.memory.balance_working_sets(&mut system.ram, 990), 50, "down to the minimum");
    assert_eq!(system.memory.balance_working_sets(&mut system.ram, 0), 0);
    system.check();
}
