//! `NtReadFile` and `NtWriteFile`: offsets, the position, the end.

use crate::support::{
    NOW, READ, READ_WRITE, SHARE_ALL, TestHost, contents, create, files, handle, make, open, open_folder, request,
};
use vatlas_machine::NtStatus;
use vatlas_machine::files::status::{
    ACCESS_DENIED, DISK_FULL, END_OF_FILE, INVALID_DEVICE_REQUEST, INVALID_HANDLE, INVALID_PARAMETER,
};
use vatlas_machine::files::{FileHandle, Files, MemoryStore};

#[test]
fn reads() {
    let check = |position: i64, offset: Option<i64>, length: u32, expected: Result<&[u8], NtStatus>, after: u64| {
        let mut files = files();
        make(&mut files, "f", b"0123456789");
        let handle = open(&mut files, "f");
        files.set_information(handle, 14, &position.to_le_bytes(), None).unwrap();
        let result = files.read(handle, offset, length).map(|answer| answer.bytes);
        assert_eq!(result, expected.map(<[u8]>::to_vec), "{position} {offset:?} {length}");
        let now = files.query_information(handle, 14, 8).unwrap().bytes;
        assert_eq!(now, after.to_le_bytes(), "{position} {offset:?} {length}");
    };
    check(0, None, 4, Ok(b"0123"), 4);
    check(4, None, 100, Ok(b"456789"), 10);
    check(4, Some(-2), 1, Ok(b"4"), 5);
    check(4, Some(8), 1, Ok(b"8"), 9);
    check(10, None, 1, Err(END_OF_FILE), 10);
    check(3, Some(i64::MAX), 1, Err(END_OF_FILE), 3);
    check(3, Some(100), 0, Ok(b""), 3);
    check(3, Some(-1), 1, Err(INVALID_PARAMETER), 3);
    check(3, Some(-3), 1, Err(INVALID_PARAMETER), 3);
    check(0, None, u32::MAX, Ok(b"0123456789"), 10);
}

#[test]
fn writes() {
    let check = |position: i64, offset: Option<i64>, bytes: &[u8], expected: Result<&[u8], NtStatus>, after: u64| {
        let mut files = files();
        make(&mut files, "f", b"0123");
        let handle = open(&mut files, "f");
        files.set_information(handle, 14, &position.to_le_bytes(), None).unwrap();
        let result = files.write(handle, offset, bytes);
        let now = files.query_information(handle, 14, 8).unwrap().bytes;
        assert_eq!(now, after.to_le_bytes(), "{position} {offset:?}");
        let result = result.map(|_| contents(&mut files, "f").unwrap());
        assert_eq!(result, expected.map(<[u8]>::to_vec), "{position} {offset:?}");
    };
    check(0, None, b"ab", Ok(b"ab23"), 2);
    check(4, None, b"ab", Ok(b"0123ab"), 6);
    check(0, Some(-1), b"ab", Ok(b"0123ab"), 6);
    check(1, Some(-2), b"ab", Ok(b"0ab3"), 3);
    check(0, Some(6), b"ab", Ok(b"0123\0\0ab"), 8);
    check(0, Some(6), b"", Ok(b"0123"), 0);
    check(0, Some(-3), b"ab", Err(INVALID_PARAMETER), 0);
    check(0, Some(i64::MAX), b"ab", Err(INVALID_PARAMETER), 0);
    check(0, Some(1 << 40), b"ab", Err(DISK_FULL), 0);
}

#[test]
fn a_handle_does_what_it_may() {
    let mut files = files();
    make(&mut files, "f", b"0123");
    let opened = open(&mut files, "f");
    let with = |granted| FileHandle { granted, ..opened };
    assert_eq!(files.read(with(2), Some(0), 1).unwrap_err(), ACCESS_DENIED);
    assert_eq!(files.write(with(1), Some(0), b"x").unwrap_err(), ACCESS_DENIED);
    assert_eq!(files.write(with(4), Some(0), b"x").unwrap().bytes, 1);
    assert_eq!(contents(&mut files, "f").unwrap(), b"0123x");
    assert_eq!(files.flush(with(1)).unwrap_err(), ACCESS_DENIED);
    assert_eq!(files.flush(opened), Ok(()));
    files.close(opened.file);
    assert_eq!(files.read(opened, Some(0), 1).unwrap_err(), INVALID_HANDLE);
}

#[test]
fn asynchronous_objects_have_no_position() {
    let mut files = files();
    make(&mut files, "f", b"0123");
    let opened = handle(create(&mut files, "f", &request(READ_WRITE, SHARE_ALL, 1, 0x40)).unwrap());
    assert_eq!(files.read(opened, None, 1).unwrap_err(), INVALID_PARAMETER);
    assert_eq!(files.read(opened, Some(-2), 1).unwrap_err(), INVALID_PARAMETER);
    assert_eq!(files.read(opened, Some(1), 2).unwrap().bytes, b"12");
    assert_eq!(files.query_information(opened, 14, 8).unwrap().bytes, [0; 8]);
}

#[test]
fn unbuffered_transfers_are_sectors() {
    let mut files = files();
    make(&mut files, "f", &[7; 700]);
    let opened = handle(create(&mut files, "f", &request(READ_WRITE, SHARE_ALL, 1, 0x68)).unwrap());
    assert_eq!(files.read(opened, Some(0), 100).unwrap_err(), INVALID_PARAMETER);
    assert_eq!(files.read(opened, Some(100), 512).unwrap_err(), INVALID_PARAMETER);
    assert_eq!(files.read(opened, Some(512), 512).unwrap().bytes.len(), 188);
    assert_eq!(files.write(opened, Some(0), &[0; 100]).unwrap_err(), INVALID_PARAMETER);
}

#[test]
fn what_is_no_file() {
    let mut files = files();
    let folder = open_folder(&mut files, "d");
    assert_eq!(files.read(folder, Some(0), 1).unwrap_err(), INVALID_DEVICE_REQUEST);
    let nul = handle(create(&mut files, "\\??\\NUL", &request(READ_WRITE, SHARE_ALL, 1, 0x20)).unwrap());
    assert_eq!(files.read(nul, None, 1).unwrap_err(), END_OF_FILE);
    assert_eq!(files.write(nul, None, b"gone").unwrap().bytes, 4);
    let volume = handle(create(&mut files, "\\??\\C:", &request(READ, SHARE_ALL, 1, 0)).unwrap());
    assert_eq!(files.read(volume, Some(0), 512).unwrap_err(), INVALID_DEVICE_REQUEST);
    assert_eq!(contents(&mut files, "program.exe").unwrap(), b"MZ");
}

#[test]
fn a_full_volume_keeps_what_it_has() {
    let host = TestHost { store: Some(MemoryStore::new(2000, NOW)), ..TestHost::default() };
    let mut files = Files::new(Box::new(host), Vec::new(), NOW).unwrap();
    let opened = open(&mut files, "f");
    files.write(opened, None, &[1; 1000]).unwrap();
    assert_eq!(files.write(opened, None, &[2; 1000]).unwrap_err(), DISK_FULL);
    assert_eq!(contents(&mut files, "f").unwrap(), [1; 1000]);
    assert_eq!(files.set_information(opened, 20, &5000_i64.to_le_bytes(), None).unwrap_err(), DISK_FULL);
    assert_eq!(files.set_information(opened, 19, &5000_i64.to_le_bytes(), None).unwrap_err(), DISK_FULL);
    files.set_information(opened, 20, &10_i64.to_le_bytes(), None).unwrap();
    assert_eq!(files.write(opened, Some(0), &[3; 1200]).unwrap().bytes, 1200);
}
