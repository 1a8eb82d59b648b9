//! `NtCreateFile`: parameters, names, dispositions.

use crate::support::{
    READ, READ_WRITE, SHARE_ALL, SYNC_FILE, SYNC_FOLDER, create, files, handle, make, open, open_folder, request, units,
};
use vatlas_machine::NtStatus;
use vatlas_machine::files::status::{
    ACCESS_DENIED, CANNOT_DELETE, FILE_IS_A_DIRECTORY, INVALID_PARAMETER, NOT_A_DIRECTORY, NOT_SUPPORTED,
    OBJECT_NAME_COLLISION, OBJECT_NAME_INVALID, OBJECT_NAME_NOT_FOUND, OBJECT_PATH_NOT_FOUND, OBJECT_PATH_SYNTAX_BAD,
    OBJECT_TYPE_MISMATCH,
};
use vatlas_machine::files::{CreateRequest, Files, ObjectName};

/// A folder `d` with a file `f` in it, a file `f`, and a read-only and a hidden file.
fn prepared() -> Files {
    let mut files = files();
    open_folder(&mut files, "d");
    make(&mut files, "d\\f", b"inner");
    make(&mut files, "f", b"outer");
    for (name, attributes) in [("readonly", 1), ("hidden", 2)] {
        let request = CreateRequest { attributes, ..request(READ, SHARE_ALL, 2, SYNC_FILE) };
        let made = create(&mut files, name, &CreateRequest { access: READ | 0x10_0000, ..request }).unwrap();
        files.close(made.file);
    }
    files
}

#[test]
fn dispositions_and_kinds() {
    let check = |name: &str, (disposition, options): (u32, u32), expected: Result<u32, NtStatus>| {
        let mut files = prepared();
        let result = create(&mut files, name, &request(READ_WRITE, SHARE_ALL, disposition, options));
        assert_eq!(result.map(|made| made.information), expected, "{name} {disposition} {options:x}");
    };
    // Supersede, open, create, open if, overwrite, overwrite if.
    let file = [Ok(0), Ok(1), Err(OBJECT_NAME_COLLISION), Ok(1), Ok(3), Ok(3)];
    let missing = [Ok(2), Err(OBJECT_NAME_NOT_FOUND), Ok(2), Ok(2), Err(OBJECT_NAME_NOT_FOUND), Ok(2)];
    for disposition in 0..6 {
        check("F", (disposition, SYNC_FILE), file[disposition as usize]);
        check("D\\F", (disposition, SYNC_FILE), file[disposition as usize]);
        check("new", (disposition, SYNC_FILE), missing[disposition as usize]);
        check("none\\new", (disposition, SYNC_FILE), Err(OBJECT_PATH_NOT_FOUND));
        check("f\\new", (disposition, SYNC_FILE), Err(OBJECT_PATH_NOT_FOUND));
        let folder = if disposition == 2 { OBJECT_NAME_COLLISION } else { FILE_IS_A_DIRECTORY };
        check("d", (disposition, SYNC_FILE), Err(folder));
        check("a:b", (disposition, SYNC_FILE), Err(OBJECT_NAME_INVALID));
    }
    check("d", (1, SYNC_FOLDER), Ok(1));
    check("d\\", (1, SYNC_FOLDER), Ok(1));
    check("d", (1, 0x20), Ok(1));
    check("d", (5, 0x20), Err(OBJECT_NAME_COLLISION));
    check("", (1, SYNC_FOLDER), Ok(1));
    check("new", (2, SYNC_FOLDER), Ok(2));
    check("new\\", (2, SYNC_FOLDER), Ok(2));
    check("new\\", (2, SYNC_FILE), Err(OBJECT_NAME_INVALID));
    check("f", (1, SYNC_FOLDER), Err(NOT_A_DIRECTORY));
    check("f", (2, SYNC_FOLDER), Err(OBJECT_NAME_COLLISION));
    check("f\\", (1, SYNC_FILE), Err(OBJECT_NAME_INVALID));
    check("f", (4, SYNC_FOLDER), Err(INVALID_PARAMETER));
    check("f", (1, SYNC_FILE | 1), Err(INVALID_PARAMETER));
    check("f", (1, SYNC_FILE | 0x2000), Err(NOT_SUPPORTED));
    check("readonly", (1, SYNC_FILE), Err(ACCESS_DENIED));
    check("readonly", (5, SYNC_FILE), Err(ACCESS_DENIED));
    check("hidden", (1, SYNC_FILE), Ok(1));
    check("hidden", (5, SYNC_FILE), Err(ACCESS_DENIED));
}

#[test]
fn parameters() {
    let check = |request: CreateRequest, expected: Result<(), NtStatus>| {
        let result = create(&mut prepared(), "f", &request).map(|_| ());
        assert_eq!(result, expected, "{request:x?}");
    };
    let base = request(READ_WRITE, SHARE_ALL, 1, SYNC_FILE);
    check(base, Ok(()));
    check(CreateRequest { attributes: 0x8000, ..base }, Err(INVALID_PARAMETER));
    check(CreateRequest { share: 8, ..base }, Err(INVALID_PARAMETER));
    check(CreateRequest { disposition: 6, ..base }, Err(INVALID_PARAMETER));
    check(CreateRequest { options: 0x100_0000, ..base }, Err(INVALID_PARAMETER));
    check(CreateRequest { options: 0x30, ..base }, Err(INVALID_PARAMETER));
    check(CreateRequest { access: READ, ..base }, Err(INVALID_PARAMETER));
    check(CreateRequest { access: READ, options: 0x40, ..base }, Ok(()));
    check(CreateRequest { access: 0, options: 0x40, ..base }, Err(ACCESS_DENIED));
    check(CreateRequest { access: READ, options: 0x1040, ..base }, Err(INVALID_PARAMETER));
    check(CreateRequest { access: 0x1_0000, options: 0x1040, ..base }, Ok(()));
    check(CreateRequest { access: 4, options: 0x48, ..base }, Err(INVALID_PARAMETER));
    check(CreateRequest { options: SYNC_FILE | 0x10_0100, ..base }, Err(INVALID_PARAMETER));
}

#[test]
fn names_from_the_root() {
    let check = |name: &str, expected: Result<u32, NtStatus>| {
        let mut files = prepared();
        let name = units(name);
        let result = files.create(ObjectName { root: None, name: &name }, &request(READ, SHARE_ALL, 1, 0));
        assert_eq!(result.map(|made| made.information), expected, "{}", String::from_utf16_lossy(&name));
    };
    for name in [
        "\\??\\C:\\F",
        "\\??\\c:\\d\\F",
        "\\DosDevices\\C:\\f",
        "\\GLOBAL??\\C:\\f",
        "\\Device\\HarddiskVolume1\\f",
        "\\??\\C:",
        "\\??\\NUL",
        "\\??\\CONIN$",
        "\\??\\conout$",
        "\\??\\CON",
        "\\??\\PIPE\\",
        "\\SystemRoot\\SYSTEM32",
        "\\SystemRoot\\system32\\NTDLL.dll",
        "\\??\\C:\\PROGRAM.EXE",
    ] {
        check(name, Ok(1));
    }
    check("", Err(OBJECT_PATH_SYNTAX_BAD));
    check("f", Err(OBJECT_PATH_SYNTAX_BAD));
    check("\\??\\X:\\f", Err(OBJECT_PATH_NOT_FOUND));
    check("\\??\\X:", Err(OBJECT_NAME_NOT_FOUND));
    check("\\??\\", Err(OBJECT_TYPE_MISMATCH));
    check("\\??\\PIPE\\none", Err(OBJECT_NAME_NOT_FOUND));
    for name in ["\\??\\C:\\d\\..\\f", "\\??\\C:\\.", "\\??\\C:\\\\f", "\\??\\C:\\d/f", "\\??\\C:\\f.", "\\??\\C:\\*"] {
        check(name, Err(OBJECT_NAME_INVALID));
    }
}

#[test]
fn names_below_a_folder() {
    let check = |root: &str, name: &str, expected: Result<(), NtStatus>| {
        let mut files = prepared();
        let root = handle(create(&mut files, root, &request(READ, SHARE_ALL, 1, 0)).unwrap());
        let name = units(name);
        let result = files.create(ObjectName { root: Some(root.file), name: &name }, &request(READ, SHARE_ALL, 1, 0));
        assert_eq!(result.map(|_| ()), expected, "{}", String::from_utf16_lossy(&name));
    };
    check("d", "F", Ok(()));
    check("", "d\\f", Ok(()));
    check("d", "", Ok(()));
    check("f", "", Ok(()));
    check("d", "none", Err(OBJECT_NAME_NOT_FOUND));
    check("d", "\\f", Err(INVALID_PARAMETER));
    check("d", "..\\f", Err(OBJECT_NAME_INVALID));
    check("f", "f", Err(OBJECT_PATH_NOT_FOUND));
}

#[test]
fn access_that_is_granted() {
    let check = |name: &str, access: u32, expected: Result<u32, NtStatus>| {
        let result = create(&mut prepared(), name, &request(access, SHARE_ALL, 1, 0x40));
        assert_eq!(result.map(|made| made.granted), expected, "{name} {access:x}");
    };
    check("f", 0x8000_0000, Ok(0x12_0089));
    check("f", 0x4000_0000, Ok(0x12_0116));
    check("f", 0x2000_0000, Ok(0x12_00a0));
    check("f", 0x1000_0000, Ok(0x1f_01ff));
    check("f", 0x200_0000, Ok(0x1f_01ff));
    check("readonly", 0x200_0000, Ok(0x1f_01ff & !0x16));
    check("readonly", 2, Err(ACCESS_DENIED));
    check("readonly", 0x1_0100, Ok(0x1_0100));
    check("program.exe", 0x8000_0000, Ok(0x12_0089));
    check("program.exe", 0x4000_0000, Err(ACCESS_DENIED));
    check("program.exe", 0x1_0000, Err(ACCESS_DENIED));
    check("program.exe", 0x200_0000, Ok(0x1e_00e9));
}

#[test]
fn nothing_changes_where_files_are_given() {
    let check = |name: &str, disposition: u32, options: u32, expected: Result<(), NtStatus>| {
        let result = create(&mut prepared(), name, &request(READ | 0x10_0000, SHARE_ALL, disposition, options));
        assert_eq!(result.map(|_| ()), expected, "{name} {disposition}");
    };
    check("windows\\system32\\NTDLL.DLL", 1, SYNC_FILE, Ok(()));
    check("windows\\system32\\ntdll.dll", 5, SYNC_FILE, Err(ACCESS_DENIED));
    check("windows\\system32\\new.dll", 2, SYNC_FILE, Err(ACCESS_DENIED));
    check("windows\\new", 2, SYNC_FOLDER, Err(ACCESS_DENIED));
    check("windows\\system32\\none.dll", 1, SYNC_FILE, Err(OBJECT_NAME_NOT_FOUND));
    check("new.dll", 2, SYNC_FILE, Ok(()));
}

#[test]
fn deletion_on_close() {
    let mut files = prepared();
    let request = request(READ | 0x1_0000, SHARE_ALL, 1, 0x1040);
    let first = handle(create(&mut files, "f", &request).unwrap());
    let second = open(&mut files, "f");
    files.close(first.file);
    let missing = |files: &mut Files| create(files, "f", &crate::support::request(READ, 7, 1, 0)).unwrap_err();
    assert_eq!(missing(&mut files), vatlas_machine::files::status::DELETE_PENDING);
    files.close(second.file);
    assert_eq!(missing(&mut files), OBJECT_NAME_NOT_FOUND);
    assert_eq!(create(&mut files, "readonly", &request).unwrap_err(), CANNOT_DELETE);
}
