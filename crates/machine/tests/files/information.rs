//! Information classes as bytes, set and queried.

use crate::support::{
    NOW, READ, READ_WRITE, SHARE_ALL, contents, create, files, handle, make, open, open_folder, request, units,
};
use vatlas_machine::NtStatus;
use vatlas_machine::files::status::{
    ACCESS_DENIED, BUFFER_OVERFLOW, CANNOT_DELETE, DELETE_PENDING, DIRECTORY_NOT_EMPTY, INFO_LENGTH_MISMATCH,
    INVALID_DEVICE_REQUEST, INVALID_INFO_CLASS, INVALID_PARAMETER, NOT_SAME_DEVICE, OBJECT_NAME_COLLISION,
    OBJECT_NAME_INVALID, OBJECT_NAME_NOT_FOUND, OBJECT_PATH_NOT_FOUND, SUCCESS,
};
use vatlas_machine::files::{FileHandle, Files, NtTime, ObjectName};

fn le(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn named(text: &str) -> Vec<u8> {
    units(text).into_iter().flat_map(u16::to_le_bytes).collect()
}

/// A file `d\file` of 5000 bytes, written one second after the volume was made.
fn prepared() -> (Files, FileHandle) {
    let mut files = files();
    open_folder(&mut files, "d");
    files.set_time(NtTime(NOW.0 + 10_000_000));
    make(&mut files, "d\\File", &[1; 5000]);
    let opened = open(&mut files, "D\\FILE");
    (files, opened)
}

#[test]
fn classes_of_a_file() {
    let (mut files, opened) = prepared();
    let granted = opened.granted.to_le_bytes();
    files.set_information(opened, 14, &7_i64.to_le_bytes(), None).unwrap();
    let then = (NOW.0 + 10_000_000).to_le_bytes();
    let basic = le(&[&then, &then, &then, &then, &0x20_u32.to_le_bytes(), &[0; 4]]);
    let sizes = le(&[&8192_u64.to_le_bytes(), &5000_u64.to_le_bytes()]);
    let standard = le(&[&sizes, &1_u32.to_le_bytes(), &[0, 0, 0, 0]]);
    let internal = files.query_information(opened, 6, 8).unwrap().bytes;
    let name = le(&[&14_u32.to_le_bytes(), &named("\\d\\File")]);
    let position = 7_u64.to_le_bytes();
    let mode = 0x20_u32.to_le_bytes();
    let all = le(&[&basic, &standard, &internal, &[0; 4], &granted, &position, &mode, &[0; 4], &name]);
    let network = le(&[&then, &then, &then, &then, &sizes, &0x20_u32.to_le_bytes(), &[0; 4]]);
    let mut check = |class: u32, expected: &[u8]| {
        let answer = files.query_information(opened, class, 1000).unwrap();
        assert_eq!((answer.status, answer.bytes), (SUCCESS, expected.to_vec()), "class {class}");
    };
    check(4, &basic);
    check(5, &standard);
    check(7, &[0; 4]);
    check(8, &granted);
    check(9, &name);
    check(14, &position);
    check(16, &mode);
    check(17, &[0; 4]);
    check(18, &all);
    check(34, &network);
    check(35, &le(&[&0x20_u32.to_le_bytes(), &[0; 4]]));
}

#[test]
fn lengths_and_classes() {
    let (mut files, opened) = prepared();
    let mut check = |class: u32, length: u32, expected: Result<(NtStatus, usize), NtStatus>| {
        let result = files.query_information(opened, class, length);
        assert_eq!(result.map(|answer| (answer.status, answer.bytes.len())), expected, "class {class} {length}");
    };
    let sizes = [(4, 40), (5, 24), (6, 8), (7, 4), (8, 4), (14, 8), (16, 4), (17, 4), (34, 56), (35, 8)];
    for (class, size) in sizes {
        check(class, size, Ok((SUCCESS, size as usize)));
        check(class, size - 1, Err(INFO_LENGTH_MISMATCH));
    }
    check(9, 7, Err(INFO_LENGTH_MISMATCH));
    check(9, 8, Ok((BUFFER_OVERFLOW, 8)));
    check(9, 18, Ok((SUCCESS, 18)));
    check(18, 103, Err(INFO_LENGTH_MISMATCH));
    check(18, 104, Ok((BUFFER_OVERFLOW, 104)));
    check(18, 114, Ok((SUCCESS, 114)));
    check(21, 100, Err(OBJECT_NAME_NOT_FOUND));
    check(23, 8, Err(INVALID_PARAMETER));
    for class in [0, 1, 3, 12, 13, 20, 1000] {
        check(class, 1000, Err(INVALID_INFO_CLASS));
    }
    let weak = FileHandle { granted: 1, ..opened };
    assert_eq!(files.query_information(weak, 4, 40).unwrap_err(), ACCESS_DENIED);
    assert_eq!(files.query_information(weak, 5, 24).unwrap().status, SUCCESS);
}

#[test]
fn classes_of_a_folder_and_devices() {
    let (mut files, _) = prepared();
    let folder = open_folder(&mut files, "d");
    let standard = files.query_information(folder, 5, 24).unwrap().bytes;
    assert_eq!(standard, le(&[&[0; 16], &1_u32.to_le_bytes(), &[0, 1, 0, 0]]));
    assert_eq!(files.query_information(folder, 35, 8).unwrap().bytes[..4], 0x10_u32.to_le_bytes());
    let root = open_folder(&mut files, "");
    assert_eq!(files.query_information(root, 9, 100).unwrap().bytes, le(&[&2_u32.to_le_bytes(), &named("\\")]));
    let nul = handle(create(&mut files, "\\??\\NUL", &request(READ, SHARE_ALL, 1, 0)).unwrap());
    assert_eq!(files.query_information(nul, 5, 24).unwrap().bytes, le(&[&[0; 16], &1_u32.to_le_bytes(), &[0; 4]]));
    let console = handle(create(&mut files, "\\??\\CONIN$", &request(READ, SHARE_ALL, 1, 0)).unwrap());
    assert_eq!(files.query_information(console, 5, 24).unwrap_err(), INVALID_DEVICE_REQUEST);
}

#[test]
fn attributes_by_name() {
    let (mut files, opened) = prepared();
    let mut check = |name: &str, expected: Result<u32, NtStatus>| {
        let name = units(&format!("\\??\\C:\\{name}"));
        let basic = files.query_attributes(ObjectName { root: None, name: &name }, false);
        assert_eq!(basic.map(|bytes| u32::from_le_bytes(bytes[32..36].try_into().unwrap())), expected);
        let full = files.query_attributes(ObjectName { root: None, name: &name }, true);
        assert_eq!(full.map(|bytes| u32::from_le_bytes(bytes[48..52].try_into().unwrap())), expected);
    };
    check("d\\file", Ok(0x20));
    check("d", Ok(0x10));
    check("d\\", Ok(0x10));
    check("d\\file\\", Err(OBJECT_NAME_INVALID));
    check("d\\none", Err(OBJECT_NAME_NOT_FOUND));
    check("none\\file", Err(OBJECT_PATH_NOT_FOUND));
    files.set_information(opened, 13, &[1], None).unwrap();
    let name = units("\\??\\C:\\d\\file");
    assert_eq!(files.query_attributes(ObjectName { root: None, name: &name }, false), Err(DELETE_PENDING));
}

#[test]
fn times_and_attributes_are_set() {
    let (mut files, opened) = prepared();
    let basic = |times: [i64; 4], attributes: u32| {
        let times: Vec<u8> = times.into_iter().flat_map(i64::to_le_bytes).collect();
        le(&[&times, &attributes.to_le_bytes(), &[0; 4]])
    };
    let before = (NOW.0 + 10_000_000).to_le_bytes();
    files.set_information(opened, 4, &basic([1000, 0, 3000, -1], 0x80), None).unwrap();
    let now = files.query_information(opened, 4, 40).unwrap().bytes;
    let expected = le(&[&1000_i64.to_le_bytes(), &before, &3000_i64.to_le_bytes(), &before, &[0x80, 0, 0, 0], &[0; 4]]);
    assert_eq!(now, expected);
    let mut check = |bytes: &[u8], expected: Result<(), NtStatus>| {
        assert_eq!(files.set_information(opened, 4, bytes, None), expected, "{bytes:?}");
    };
    check(&basic([0; 4], 0x10), Err(INVALID_PARAMETER));
    check(&basic([-2, 0, 0, 0], 0), Err(INVALID_PARAMETER));
    check(&basic([0, 0, 0, -9], 0), Err(INVALID_PARAMETER));
    check(&basic([0; 4], 0)[..39], Err(INFO_LENGTH_MISMATCH));
    check(&basic([0; 4], 3), Ok(()));
    assert_eq!(files.query_information(opened, 35, 8).unwrap().bytes[..4], [3, 0, 0, 0]);
    assert_eq!(files.set_information(opened, 13, &[1], None), Err(CANNOT_DELETE));
    let weak = FileHandle { granted: 3, ..opened };
    assert_eq!(files.set_information(weak, 4, &basic([0; 4], 0), None), Err(ACCESS_DENIED));
    let given = handle(create(&mut files, "program.exe", &request(READ, SHARE_ALL, 1, 0)).unwrap());
    let given = FileHandle { granted: 0x1f_01ff, ..given };
    assert_eq!(files.set_information(given, 4, &basic([0; 4], 3), None), Err(ACCESS_DENIED));
    assert_eq!(files.set_information(given, 13, &[1], None), Err(ACCESS_DENIED));
    assert_eq!(files.set_information(given, 20, &[0; 8], None), Err(ACCESS_DENIED));
}

#[test]
fn lengths_are_set() {
    let check = |class: u32, length: i64, expected: Result<usize, NtStatus>| {
        let mut files = files();
        make(&mut files, "f", b"0123456789");
        let opened = open(&mut files, "f");
        let result = files.set_information(opened, class, &length.to_le_bytes(), None);
        let result = result.map(|()| contents(&mut files, "f").map_or(0, |bytes| bytes.len()));
        assert_eq!(result, expected, "class {class} {length}");
    };
    check(20, 4, Ok(4));
    check(20, 0, Ok(0));
    check(20, 20, Ok(20));
    check(20, -1, Err(INVALID_PARAMETER));
    check(19, 4, Ok(4));
    check(19, 20, Ok(10));
    check(19, -1, Err(INVALID_PARAMETER));
    check(14, -1, Err(INVALID_PARAMETER));
    check(16, 0x20, Ok(10));
    check(16, 0x40, Err(INVALID_PARAMETER));
    check(11, 0, Err(INVALID_INFO_CLASS));
    check(10, 0, Err(INFO_LENGTH_MISMATCH));
}

#[test]
fn deletion() {
    let mut files = files();
    make(&mut files, "f", b"x");
    let opened = open(&mut files, "f");
    files.set_information(opened, 13, &[1], None).unwrap();
    let standard = files.query_information(opened, 5, 24).unwrap().bytes;
    assert_eq!(standard[16..22], [0, 0, 0, 0, 1, 0]);
    assert_eq!(contents(&mut files, "f"), Err(DELETE_PENDING));
    files.set_information(opened, 13, &[0], None).unwrap();
    assert_eq!(contents(&mut files, "f").unwrap(), b"x");
    files.set_information(opened, 13, &[1], None).unwrap();
    assert_eq!(files.read(opened, Some(0), 1).unwrap().bytes, b"x");
    files.close(opened.file);
    assert_eq!(contents(&mut files, "f"), Err(OBJECT_NAME_NOT_FOUND));
    let folder = open_folder(&mut files, "d");
    make(&mut files, "d\\f", b"x");
    assert_eq!(files.set_information(folder, 13, &[1], None), Err(DIRECTORY_NOT_EMPTY));
    let inner = open(&mut files, "d\\f");
    files.set_information(inner, 13, &[1], None).unwrap();
    files.close(inner.file);
    files.set_information(folder, 13, &[1], None).unwrap();
    files.close(folder.file);
    assert_eq!(contents(&mut files, "d\\f"), Err(OBJECT_PATH_NOT_FOUND));
    let root = open_folder(&mut files, "");
    assert_eq!(files.set_information(root, 13, &[1], None), Err(CANNOT_DELETE));
}

fn rename_bytes(replaces: bool, name: &str) -> Vec<u8> {
    let name = named(name);
    let length = u32::try_from(name.len()).unwrap();
    let mut bytes = le(&[&[u8::from(replaces), 0, 0, 0], &[0; 4], &length.to_le_bytes(), &name]);
    bytes.resize(bytes.len().max(16), 0);
    bytes
}

#[test]
fn renaming() {
    let check = |from: &str, to: &str, replaces: bool, expected: Result<&str, NtStatus>| {
        let mut files = files();
        open_folder(&mut files, "d");
        open_folder(&mut files, "empty");
        for name in ["f", "g", "d\\inner", "held"] {
            make(&mut files, name, name.as_bytes());
        }
        open(&mut files, "held");
        let options = if from == "d" || from == "empty" { 0x21 } else { 0x60 };
        let opened = handle(create(&mut files, from, &request(READ_WRITE, SHARE_ALL, 1, options)).unwrap());
        let result = files.set_information(opened, 10, &rename_bytes(replaces, to), None);
        assert_eq!(result, expected.map(|_| ()), "{from} {to}");
        let Ok(new) = expected else { return };
        let name = files.query_information(opened, 9, 100).unwrap().bytes;
        assert_eq!(name[4..], named(&format!("\\{new}")), "{from} {to}");
        files.close(opened.file);
        assert!(create(&mut files, new, &request(READ, SHARE_ALL, 1, 0)).is_ok(), "{new}");
    };
    check("f", "new", false, Ok("new"));
    check("f", "F", false, Ok("F"));
    check("f", "\\??\\C:\\D\\new", false, Ok("d\\new"));
    check("d\\inner", "new", false, Ok("d\\new"));
    check("empty", "\\??\\C:\\d\\moved", false, Ok("d\\moved"));
    check("d", "e", false, Ok("e"));
    check("f", "g", true, Ok("g"));
    check("f", "g", false, Err(OBJECT_NAME_COLLISION));
    check("f", "held", true, Err(ACCESS_DENIED));
    check("f", "empty", true, Err(ACCESS_DENIED));
    check("empty", "g", true, Err(ACCESS_DENIED));
    check("d", "\\??\\C:\\d\\x", false, Err(INVALID_PARAMETER));
    check("f", "\\??\\C:\\none\\x", false, Err(OBJECT_PATH_NOT_FOUND));
    check("f", "\\??\\X:\\x", false, Err(OBJECT_PATH_NOT_FOUND));
    check("f", "\\??\\PIPE\\x", false, Err(NOT_SAME_DEVICE));
    check("f", "d\\x", false, Err(OBJECT_NAME_INVALID));
    check("f", "", false, Err(INVALID_PARAMETER));
    check("f", "a*", false, Err(OBJECT_NAME_INVALID));
    check("f", "\\??\\C:\\windows\\system32\\x", false, Err(ACCESS_DENIED));
    check("f", "program.exe", true, Err(ACCESS_DENIED));
}

#[test]
fn what_is_open_inside_holds_a_folder() {
    let mut files = files();
    let folder = open_folder(&mut files, "d");
    let inner = open(&mut files, "d\\f");
    files.write(inner, None, b"kept").unwrap();
    let bytes = rename_bytes(false, "e");
    assert_eq!(files.set_information(folder, 10, &bytes, None), Err(ACCESS_DENIED));
    let root = open_folder(&mut files, "");
    files.set_information(inner, 10, &rename_bytes(false, "moved"), Some(root.file)).unwrap();
    files.write(inner, None, b" on").unwrap();
    files.set_information(folder, 10, &bytes, None).unwrap();
    assert_eq!(contents(&mut files, "moved").unwrap(), b"kept on");
}

#[test]
fn volume_classes() {
    let (mut files, opened) = prepared();
    let mut check = |class: u32, expected: &[u8]| {
        assert_eq!(files.query_volume(opened, class, 100).unwrap().bytes, expected, "class {class}");
    };
    check(1, &le(&[&NOW.0.to_le_bytes(), b"LTAV", &[0; 6]]));
    // 256 MiB less two entries and 5000 bytes, in whole clusters.
    let (total, free) = (65536_u64.to_le_bytes(), 65534_u64.to_le_bytes());
    let units = le(&[&8_u32.to_le_bytes(), &512_u32.to_le_bytes()]);
    check(3, &le(&[&total, &free, &units]));
    check(4, &[7, 0, 0, 0, 0x20, 0, 0, 0]);
    check(5, &le(&[&6_u32.to_le_bytes(), &255_u32.to_le_bytes(), &8_u32.to_le_bytes(), &named("NTFS")]));
    check(7, &le(&[&total, &free, &free, &units]));
    for (class, size) in [(1, 24), (3, 24), (4, 8), (5, 16), (7, 32)] {
        assert_eq!(files.query_volume(opened, class, size - 1).unwrap_err(), INFO_LENGTH_MISMATCH);
    }
    assert_eq!(files.query_volume(opened, 5, 16).unwrap().status, BUFFER_OVERFLOW);
    assert_eq!(files.query_volume(opened, 2, 100).unwrap_err(), INVALID_INFO_CLASS);
    for (name, kind) in [("\\??\\NUL", 0x15), ("\\??\\CONOUT$", 0x50), ("\\??\\PIPE\\", 0x11), ("\\??\\C:", 7)] {
        let opened = handle(create(&mut files, name, &request(READ, SHARE_ALL, 1, 0)).unwrap());
        assert_eq!(files.query_volume(opened, 4, 8).unwrap().bytes[0], kind, "{name}");
    }
}
