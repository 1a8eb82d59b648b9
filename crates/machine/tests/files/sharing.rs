//! Sharing: what a second open may do and must let the first do; locks.

use crate::support::{READ, READ_WRITE, SHARE_ALL, SYNC_FILE, create, files, handle, make, open, request};
use vatlas_machine::NtStatus;
use vatlas_machine::files::LockRange;
use vatlas_machine::files::status::{
    FILE_LOCK_CONFLICT, INVALID_LOCK_RANGE, LOCK_NOT_GRANTED, RANGE_NOT_LOCKED, SHARING_VIOLATION,
};

/// Read, write, delete, and attributes only.
const R: u32 = 1;
const W: u32 = 2;
const D: u32 = 0x1_0000;
const A: u32 = 0x80;

#[test]
fn a_second_open() {
    let check = |first: (u32, u32), second: (u32, u32), fits: bool| {
        let mut files = files();
        make(&mut files, "f", b"x");
        create(&mut files, "f", &request(first.0, first.1, 1, 0x40)).unwrap();
        let result = create(&mut files, "f", &request(second.0, second.1, 1, 0x40));
        assert_eq!(result.err(), (!fits).then_some(SHARING_VIOLATION), "{first:x?} {second:x?}");
    };
    check((R, 1), (R, 1), true);
    check((R, 0), (R, 1), false);
    check((R, 1), (R, 0), false);
    check((R, 1), (W, 1), false);
    check((R, 3), (W, 1), true);
    check((R, 3), (W, 2), false);
    check((W, 1), (R, 2), true);
    check((W, 1), (R, 1), false);
    check((W, 2), (W, 2), true);
    check((R, 3), (D, 7), false);
    check((R, 4), (D, 1), true);
    check((D, 1), (R, 3), false);
    check((D, 1), (R, 4), true);
    check((A, 0), (R | W | D, 0), true);
    check((R | W | D, 0), (A, 0), true);
    check((0x20, 0), (R, 7), false);
}

#[test]
fn overwriting_is_writing() {
    let check = |disposition: u32, share: u32, expected: Option<NtStatus>| {
        let mut files = files();
        make(&mut files, "f", b"x");
        create(&mut files, "f", &request(READ, share, 1, 0x40)).unwrap();
        let result = create(&mut files, "f", &request(A, SHARE_ALL, disposition, 0x40));
        assert_eq!(result.err(), expected, "{disposition} {share}");
    };
    check(5, 1, Some(SHARING_VIOLATION));
    check(5, 3, None);
    check(0, 3, Some(SHARING_VIOLATION));
    check(0, 5, None);
}

#[test]
fn sharing_ends_with_the_last_handle() {
    let mut files = files();
    let exclusive = request(READ_WRITE, 0, 3, SYNC_FILE);
    let first = create(&mut files, "f", &exclusive).unwrap();
    assert_eq!(create(&mut files, "F", &exclusive).unwrap_err(), SHARING_VIOLATION);
    files.cleanup(first.file);
    assert_eq!(files.read(handle(first), None, 1).unwrap_err(), vatlas_machine::files::status::FILE_CLOSED);
    let second = create(&mut files, "F", &exclusive).unwrap();
    files.close(first.file);
    assert_eq!(create(&mut files, "f", &exclusive).unwrap_err(), SHARING_VIOLATION);
    files.close(second.file);
}

#[test]
fn locks_keep_others_out() {
    let mut files = files();
    make(&mut files, "f", b"0123456789");
    let (one, two) = (open(&mut files, "f"), open(&mut files, "f"));
    let range = |offset, length| LockRange { offset, length, key: 0 };
    files.lock(one, range(2, 3), true).unwrap();
    files.lock(one, range(6, 2), false).unwrap();
    let mut check = |offset: i64, length: u32, reads: bool, writes: bool| {
        let conflict = |fits: bool| (!fits).then_some(FILE_LOCK_CONFLICT);
        assert_eq!(files.read(two, Some(offset), length).err(), conflict(reads), "read {offset} {length}");
        let bytes = vec![b'w'; length as usize];
        assert_eq!(files.write(two, Some(offset), &bytes).err(), conflict(writes), "write {offset} {length}");
    };
    check(0, 2, true, true);
    check(1, 2, false, false);
    check(4, 1, false, false);
    check(5, 1, true, true);
    check(5, 2, true, false);
    check(8, 2, true, true);
    assert!(files.write(one, Some(2), b"own").is_ok());
    assert_eq!(files.write(one, Some(6), b"shared").unwrap_err(), FILE_LOCK_CONFLICT);
    assert_eq!(files.lock(two, range(0, 10), false).unwrap_err(), LOCK_NOT_GRANTED);
    assert_eq!(files.lock(two, range(6, 2), false), Ok(()));
    assert_eq!(files.lock(two, range(u64::MAX, 2), false).unwrap_err(), INVALID_LOCK_RANGE);
    assert_eq!(files.unlock(two, range(2, 3)).unwrap_err(), RANGE_NOT_LOCKED);
    files.close(one.file);
    assert_eq!(files.lock(two, range(2, 3), true), Ok(()));
}
