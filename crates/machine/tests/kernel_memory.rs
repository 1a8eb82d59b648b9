//! The kernel half: pools, kernel stacks, the shared user page; stacks of threads; memory that nobody may change.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/system.rs"]
mod system;

use system::{BOTH, COMMIT, PAGE, RESERVE, System};
use vatlas_machine::memory::{AddressLimits, PoolKind, SHARED_USER_ALIAS, UserStack};
use vatlas_machine::{FaultAccess, FaultException, NtStatus, Ram, Resolution, SpaceIndex};
use vatlas_space::{Pa, Pfn, Va};

const RW: u32 = 4;

/// A byte of the kernel half as a processor in ring 0 finds it.
fn through(system: &System, space: SpaceIndex, va: Va) -> Option<Pa> {
    system.memory.walk(&system.ram, space, va).mapping().map(|mapping| {
        assert!(!mapping.is_user);
        mapping.pa
    })
}

#[test]
fn pool_blocks_have_headers_and_come_together_again() {
    let mut system = System::new(512, (64, 64));
    let before = (system.memory.kernel_pages(), system.memory.commit().charged());
    let mut allocate =
        |kind, tag: &[u8; 4], bytes| system.memory.pool_allocate(&mut system.ram, kind, *tag, bytes).unwrap();
    let process = allocate(PoolKind::NonPaged, b"Proc", 0x260);
    let thread = allocate(PoolKind::NonPaged, b"Thre", 0x258);
    let name = allocate(PoolKind::Paged, b"ObNm", 20);
    let big = allocate(PoolKind::Paged, b"MmSt", 0x5001);
    assert_eq!((process, thread), (Va(0x8300_0008), Va(0x8300_0270)));
    assert_eq!((name.0 & 0xfff, big.0 & 0xfff), (8, 0));
    assert!(name.0 >= 0xe100_0000);
    let word = |at: u64| system.memory.read_kernel_u32(&system.ram, Va(at)).unwrap();
    // Sizes in units of 8 bytes: (260h + 8) / 8 = 4Dh for the first, with its header.
    assert_eq!((word(process.0 - 8), word(process.0 - 4)), (0x0a4d_0000, u32::from_le_bytes(*b"Proc")));
    assert_eq!((word(thread.0 - 8), word(thread.0 - 4)), (0x0a4c_004d, u32::from_le_bytes(*b"Thre")));
    assert_eq!(through(&system, system.space, process), system.memory.kernel_address(&system.ram, process));
    assert!(system.memory.write_kernel(&mut system.ram, Va(big.0 + 0xffe), b"across"));
    let mut bytes = [0; 6];
    assert!(system.memory.read_kernel(&system.ram, Va(big.0 + 0xffe), &mut bytes));
    assert_eq!(&bytes, b"across");
    assert!(!system.memory.read_kernel(&system.ram, Va(big.0 + 0x5ffe), &mut bytes), "behind the last page");
    system.check();
    for block in [thread, process, name, big] {
        system.memory.pool_free(&mut system.ram, block);
        system.memory.pool_free(&mut system.ram, block);
    }
    let again = system.memory.pool_allocate(&mut system.ram, PoolKind::NonPaged, *b"Even", 0x260).unwrap();
    assert_eq!(again, process);
    let mut bytes = [0xff; 0x260];
    assert!(system.memory.read_kernel(&system.ram, again, &mut bytes) && bytes == [0; 0x260], "zeroes");
    // Only the page table of paged pool is left.
    assert_eq!((system.memory.kernel_pages(), system.memory.commit().charged()), (before.0 + 1, before.1 + 1));
    system.check();
}

#[test]
fn a_pool_that_cannot_grow_leaves_everything() {
    let mut system = System::new(64, (16, 16));
    let before = system.memory.commit().charged();
    let result = system.memory.pool_allocate(&mut system.ram, PoolKind::Paged, *b"Big ", 0x10_0000);
    assert_eq!(result, Err(NtStatus::INSUFFICIENT_RESOURCES), "some frames are never the kernel's");
    assert_eq!(system.memory.commit().charged(), before + 1);
    let huge = system.memory.pool_allocate(&mut system.ram, PoolKind::NonPaged, *b"Huge", u32::MAX);
    assert_eq!(huge.unwrap_err().win32_error(), Some(1450));
    system.check();
}

#[test]
fn kernel_stacks_have_a_page_below_that_is_not_there() {
    let mut system = System::new(512, (64, 64));
    let later = system.memory.create_space(&mut system.ram, AddressLimits::TWO_GB).unwrap();
    let stack = system.memory.create_kernel_stack(&mut system.ram).unwrap();
    let next = system.memory.create_kernel_stack(&mut system.ram).unwrap();
    assert_eq!(stack.base.0 - stack.limit.0, 0x3000);
    assert_eq!(next.limit.0, stack.base.0 + 0x1000);
    for space in [system.space, later] {
        assert!(through(&system, space, stack.limit).is_some(), "in every address space");
        assert!(through(&system, space, Va(stack.limit.0 - 1)).is_none());
    }
    assert!(system.memory.write_kernel_u32(&mut system.ram, Va(stack.base.0 - 4), 0x1234));
    system.memory.delete_kernel_stack(&mut system.ram, stack);
    assert!(through(&system, later, Va(stack.base.0 - 4)).is_none());
    assert_eq!(system.memory.create_kernel_stack(&mut system.ram).unwrap(), stack);
    system.check();
}

#[test]
fn the_frame_database_and_frames_of_the_owner_are_mapped() {
    let mut system = System::new(512, (64, 64));
    assert_eq!(system.memory.map_frame_database(&mut system.ram), Ok(Va(0x80c0_0000)));
    let record = Va(0x80c0_0000 + 24 * 300);
    assert_eq!(through(&system, system.space, record), Some(Pa(system.memory.frames().base().0 + 24 * 300)));
    system.memory.map_kernel_frame(&mut system.ram, Va(0xffdf_f000), Pfn(3)).unwrap();
    assert_eq!(through(&system, system.space, Va(0xffdf_f024)), Some(Pa(0x3024)));
    for va in [0x7ffd_f000, 0xc030_0000, 1 << 32] {
        let refused = system.memory.map_kernel_frame(&mut system.ram, Va(va), Pfn(3));
        assert_eq!(refused, Err(NtStatus::INVALID_PARAMETER), "{va:x}");
    }
    system.check();
}

#[test]
fn the_shared_user_page_is_read_everywhere_and_written_by_the_kernel() {
    let mut system = System::on(Ram::new(512), (64, 64), AddressLimits::THREE_GB);
    let other = system.memory.create_space(&mut system.ram, AddressLimits::TWO_GB).unwrap();
    system.memory.shared_user_page(&mut system.ram).unwrap();
    assert!(system.memory.write_kernel_u32(&mut system.ram, Va(SHARED_USER_ALIAS.0 + 0x300), 0x7c90_e4f0));
    for space in [system.space, other] {
        system.switch_to(space);
        assert_eq!(system.read(0x7ffe_0300, 4).unwrap(), 0x7c90_e4f0_u32.to_le_bytes());
        assert_eq!(system.entry(0x7ffe_0000) & 0xfff, 0x025, "valid, user, accessed, read only");
        assert_eq!(system.write(0x7ffe_0300, &[1]).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
        assert_eq!(system.read(0x7ffe_1000, 1).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
        let _ = system.unlock(0x7ffe_0000, 0x1000);
        assert_eq!(system.entry(0x7ffe_0000) & 1, 1, "it is in no working set");
        system.check();
    }
    let charged = system.memory.commit().charged();
    system.memory.delete_space(&mut system.ram, other);
    assert_eq!(system.memory.commit().charged(), charged - 2, "the directory and a table");
    system.check();
}

#[test]
fn memory_for_the_peb_and_tebs() {
    let mut system = System::new(512, (64, 64));
    let mut next = |va: Option<u64>| system.memory.allocate_secured(&mut system.ram, system.space, va.map(Va), 1);
    assert_eq!(next(Some(0x7ffd_f000)), Ok(Va(0x7ffd_f000)));
    assert_eq!(next(None), Ok(Va(0x7ffd_e000)));
    assert_eq!(next(None), Ok(Va(0x7ffd_d000)));
    assert_eq!(next(Some(0x7ffd_d000)), Err(NtStatus::CONFLICTING_ADDRESSES));
    assert_eq!(next(Some(0x7ffe_0000)), Err(NtStatus::CONFLICTING_ADDRESSES));
    system.write(0x7ffd_e018, b"self").unwrap();
    assert_eq!(system.protect(0x7ffd_e000, 0x1000, 2), Err(NtStatus::INVALID_PAGE_PROTECTION));
    assert_eq!(system.free(0x7ffd_e000, 0, 0x8000), Err(NtStatus::INVALID_PAGE_PROTECTION));
    let vad = system.memory.space(system.space).vads().find(0x7ffde).unwrap();
    assert_eq!((vad.commit, vad.is_secured), (1, true));
    let mut words = [0; 0x38];
    assert!(system.memory.read_kernel(&system.ram, Va(vad.node.0 - 4), &mut words));
    assert_eq!(&words[..4], b"Vadl");
    assert_eq!(words[0x2c..0x34], [0x7ffd_e000_u32.to_le_bytes(), 0x7ffd_efff_u32.to_le_bytes()].concat());
    system.check();
}

#[test]
fn the_root_of_descriptors_is_where_the_kernel_says() {
    let mut system = System::new(512, (64, 64));
    let process = system.memory.pool_allocate(&mut system.ram, PoolKind::NonPaged, *b"Proc", 0x260).unwrap();
    let cell = Va(process.0 + 0x11c);
    system.memory.set_vad_root(&mut system.ram, system.space, cell);
    for at in 1..200_u64 {
        system.allocate(at * 0x1_0000, 1, RESERVE, RW).unwrap();
        let root = system.memory.read_kernel_u32(&system.ram, cell).unwrap();
        assert_eq!(Va(root.into()), system.memory.space(system.space).vad_root());
    }
    system.check();
    for at in (1..200_u64).filter(|at| at % 3 > 0) {
        system.free(at * 0x1_0000, 0, 0x8000).unwrap();
        system.check();
    }
    system.memory.delete_space(&mut system.ram, system.space);
    assert_eq!(system.memory.read_kernel_u32(&system.ram, cell), Some(0));
}

/// A stack from 30000 to 130000 with one page and a guard page below.
fn with_stack() -> (System, UserStack) {
    let mut system = System::new(512, (256, 256));
    system.allocate(0x3_0000, 0x10_0000, RESERVE, RW).unwrap();
    system.allocate(0x12_e000, 0x2000, COMMIT, RW).unwrap();
    system.protect(0x12_e000, 0x1000, 0x104).unwrap();
    (system, UserStack { deallocation: Va(0x3_0000), limit: Va(0x12_f000), base: Va(0x13_0000) })
}

fn push(system: &mut System, stack: &mut UserStack, va: u64) -> Result<Resolution, FaultException> {
    let access = FaultAccess { va: Va(va), is_write: true, is_user: true };
    let fault = system.memory.fault(&mut system.ram, system.space, access);
    fault.or_else(|failure| system.memory.grow_stack(&mut system.ram, system.space, failure, stack))
}

#[test]
fn a_stack_grows_to_its_end() {
    let (mut system, mut stack) = with_stack();
    let mut at = 0x12_effc;
    let charged = system.memory.commit().charged();
    while at >= 0x3_3000 {
        assert_eq!(push(&mut system, &mut stack, at), Ok(Resolution::StackGrowth), "{at:x}");
        assert_eq!(stack.limit, Va(at & !0xfff));
        assert_eq!(system.memory.query(&system.ram, system.space, Va(stack.limit.0 - 1)).unwrap().protect.0, 0x104);
        system.write(at, &[1; 4]).unwrap();
        at -= PAGE;
    }
    assert_eq!(system.memory.commit().charged(), charged + 0xfc);
    // The guard page at 32000 cannot move down any more: 30000 is never committed.
    let failure = push(&mut system, &mut stack, 0x3_2ffc).unwrap_err();
    assert_eq!((failure.status, failure.access.va), (NtStatus::STACK_OVERFLOW, Va(0x3_2ffc)));
    assert_eq!(stack.limit, Va(0x3_2000));
    system.write(0x3_2ffc, &[1; 4]).unwrap();
    assert_eq!(push(&mut system, &mut stack, 0x3_1ffc).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
    system.check();
}

#[test]
fn what_is_not_the_own_guard_page_is_an_exception() {
    let (mut system, mut stack) = with_stack();
    assert_eq!(push(&mut system, &mut stack, 0x12_cffc).unwrap_err().status, NtStatus::ACCESS_VIOLATION, "below it");
    let mut other = UserStack { deallocation: Va(0x20_0000), limit: Va(0x2f_f000), base: Va(0x30_0000) };
    assert_eq!(push(&mut system, &mut other, 0x12_effc).unwrap_err().status, NtStatus::GUARD_PAGE_VIOLATION);
    system.allocate(0x50_0000, 0x1000, BOTH, 0x104).unwrap();
    assert_eq!(push(&mut system, &mut stack, 0x50_0000).unwrap_err().status, NtStatus::GUARD_PAGE_VIOLATION);
    assert_eq!(stack.limit, Va(0x12_f000));
    system.check();
}

#[test]
fn without_commit_a_stack_overflows() {
    let (mut system, mut stack) = with_stack();
    let commit = system.memory.commit();
    let rest = commit.limit() - commit.charged() - 1;
    system.allocate(0x1000_0000, rest << 12, BOTH, RW).unwrap();
    assert_eq!(push(&mut system, &mut stack, 0x12_effc).unwrap_err().status, NtStatus::STACK_OVERFLOW);
    system.check();
}

#[test]
fn a_service_that_writes_to_a_guard_page_grows_the_stack() {
    let (mut system, mut stack) = with_stack();
    let failure = system.write(0x12_effe, &[1; 4]).unwrap_err();
    assert_eq!(failure.status, NtStatus::GUARD_PAGE_VIOLATION);
    let grown = system.memory.grow_stack(&mut system.ram, system.space, failure, &mut stack);
    assert_eq!(grown, Ok(Resolution::StackGrowth));
    system.write(0x12_effe, &[1; 4]).unwrap();
    system.check();
}

#[test]
fn three_gigabytes_for_programs_that_can() {
    let mut system = System::on(Ram::new(512), (64, 64), AddressLimits::THREE_GB);
    assert_eq!(system.memory.system_range_start(), Va(0xc000_0000));
    let two = system.memory.create_space(&mut system.ram, AddressLimits::TWO_GB).unwrap();
    system.allocate(0xa000_0000, 0x1_0000, BOTH, RW).unwrap();
    system.write(0xa000_8000, b"high").unwrap();
    assert_eq!(system.read(0xa000_8000, 4).unwrap(), b"high");
    assert_eq!(system.allocate(0xbffe_0000, 0x1000, BOTH, RW), Err(NtStatus::INVALID_PARAMETER_2));
    assert_eq!(system.memory.map_frame_database(&mut system.ram), Ok(Va(0xc0c0_0000)));
    let block = system.memory.pool_allocate(&mut system.ram, PoolKind::NonPaged, *b"Test", 8).unwrap();
    assert!(block.0 >= 0xf800_0000);
    let refused = system.memory.map_kernel_frame(&mut system.ram, Va(0x8055_a000), Pfn(3));
    assert_eq!(refused, Err(NtStatus::INVALID_PARAMETER), "it belongs to programs");
    system.check();
    system.switch_to(two);
    assert_eq!(system.allocate(0xa000_0000, 0x1000, BOTH, RW), Err(NtStatus::INVALID_PARAMETER_2));
    assert_eq!(system.read(0xa000_8000, 1).unwrap_err().status, NtStatus::ACCESS_VIOLATION);
    let mut small = System::new(512, (64, 64));
    let limits = AddressLimits::THREE_GB;
    assert_eq!(small.memory.create_space(&mut small.ram, limits), Err(NtStatus::INVALID_PARAMETER));
    let limits = AddressLimits::user_megabytes;
    assert_eq!([limits(2048), limits(0)], [AddressLimits::TWO_GB; 2]);
    assert_eq!([limits(3072), limits(9999)], [AddressLimits::THREE_GB; 2]);
    assert_eq!(limits(2900).highest_user, Va(0xb53e_ffff));
}
