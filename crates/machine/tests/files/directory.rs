//! `NtQueryDirectoryFile`: entries in order, patterns, buffers that are too short.

use crate::support::{NOW, READ, SHARE_ALL, contents, create, files, handle, make, open, open_folder, request, units};
use vatlas_machine::NtStatus;
use vatlas_machine::files::status::{
    ACCESS_DENIED, BUFFER_OVERFLOW, INFO_LENGTH_MISMATCH, INVALID_DEVICE_REQUEST, INVALID_INFO_CLASS,
    INVALID_PARAMETER, NO_MORE_FILES, NO_SUCH_FILE, OBJECT_NAME_INVALID, SUCCESS,
};
use vatlas_machine::files::{DirectoryQuery, FileHandle, Files};

fn prepared() -> (Files, FileHandle) {
    let mut files = files();
    let folder = open_folder(&mut files, "d");
    for name in ["d\\b.TXT", "d\\a.txt", "d\\Readme", "d\\a.b.c"] {
        make(&mut files, name, b"xyz");
    }
    (files, folder)
}

const fn query(class: u32, length: u32, pattern: Option<&[u16]>) -> DirectoryQuery<'_> {
    DirectoryQuery { class, length, is_single: false, restarts: false, pattern }
}

/// Names in a buffer of the names class, by its chain.
fn names(bytes: &[u8]) -> Vec<String> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (mut at, mut names) = (0, Vec::new());
    loop {
        assert_eq!(at % 8, 0);
        let name =
            bytes[at + 12..at + 12 + number(at + 8)].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        names.push(String::from_utf16(&name.collect::<Vec<_>>()).unwrap());
        match number(at) {
            0 => return names,
            next => at += next,
        }
    }
}

#[test]
fn patterns() {
    let check = |pattern: &str, expected: &[&str]| {
        let (mut files, folder) = prepared();
        let pattern = units(pattern);
        let result = files.query_directory(folder, &query(12, 4096, Some(&pattern)));
        if expected.is_empty() {
            assert_eq!(result, Err(NO_SUCH_FILE));
        } else {
            assert_eq!(names(&result.unwrap().bytes), expected);
            assert_eq!(files.query_directory(folder, &query(12, 4096, None)), Err(NO_MORE_FILES));
        }
    };
    let all = [".", "..", "a.b.c", "a.txt", "b.TXT", "Readme"];
    check("*", &all);
    check("", &all);
    check("*.txt", &["a.txt", "b.TXT"]);
    check("README", &["Readme"]);
    check("?.???", &["a.b.c", "a.txt", "b.TXT"]);
    check(">.>>>", &[".", "a.txt", "b.TXT"]);
    check("<.c", &["a.b.c"]);
    check("*.*", &[".", "..", "a.b.c", "a.txt", "b.TXT"]);
    check("none", &[]);
}

#[test]
fn entries_one_by_one_and_again() {
    let (mut files, folder) = prepared();
    let pattern = units("a*");
    let single = DirectoryQuery { is_single: true, ..query(12, 4096, Some(&pattern)) };
    assert_eq!(names(&files.query_directory(folder, &single).unwrap().bytes), ["a.b.c"]);
    make(&mut files, "d\\a.new", b"");
    let other = units("b*");
    let next = DirectoryQuery { pattern: Some(&other), ..single };
    assert_eq!(names(&files.query_directory(folder, &next).unwrap().bytes), ["a.txt"]);
    assert_eq!(files.query_directory(folder, &next), Err(NO_MORE_FILES));
    let again = DirectoryQuery { restarts: true, is_single: false, ..next };
    assert_eq!(names(&files.query_directory(folder, &again).unwrap().bytes), ["a.b.c", "a.new", "a.txt"]);
}

#[test]
fn buffers_that_are_too_short() {
    let (mut files, folder) = prepared();
    let pattern = units("*.txt");
    // Two entries of 12 + 10 bytes, the second at 24: 46 bytes.
    let mut check = |length: u32, expected: Result<&[&str], NtStatus>| {
        let query = DirectoryQuery { restarts: true, ..query(12, length, Some(&pattern)) };
        let result = files.query_directory(folder, &query).map(|answer| names(&answer.bytes));
        assert_eq!(result, expected.map(|names| names.iter().map(|&name| name.to_owned()).collect()), "{length}");
    };
    check(46, Ok(&["a.txt", "b.TXT"]));
    check(45, Ok(&["a.txt"]));
    check(22, Ok(&["a.txt"]));
    check(15, Err(INFO_LENGTH_MISMATCH));
    let cut = DirectoryQuery { restarts: true, ..query(12, 18, None) };
    let answer = files.query_directory(folder, &cut).unwrap();
    assert_eq!((answer.status, answer.bytes[8], &answer.bytes[12..]), (BUFFER_OVERFLOW, 10, &b"a\0.\0t\0"[..]));
    assert_eq!(names(&files.query_directory(folder, &query(12, 100, None)).unwrap().bytes), ["b.TXT"]);
}

#[test]
fn classes() {
    let (mut files, folder) = prepared();
    let pattern = units("b.txt");
    let time = NOW.0.to_le_bytes();
    let name: Vec<u8> = units("b.TXT").into_iter().flat_map(u16::to_le_bytes).collect();
    let head = [&[0; 8][..], &time, &time, &time, &time, &3_u64.to_le_bytes(), &4096_u64.to_le_bytes()].concat();
    let head = [&head[..], &[0x20, 0, 0, 0], &[10, 0, 0, 0]].concat();
    let opened = open(&mut files, "d\\b.txt");
    let id = files.query_information(opened, 6, 8).unwrap().bytes;
    let mut check = |class: u32, size: u32, parts: &[&[u8]]| {
        let query = |length| DirectoryQuery { restarts: true, ..query(class, length, Some(&pattern)) };
        let answer = files.query_directory(folder, &query(4096)).unwrap();
        assert_eq!((answer.status, answer.bytes), (SUCCESS, parts.concat()), "class {class}");
        assert_eq!(files.query_directory(folder, &query(size - 1)), Err(INFO_LENGTH_MISMATCH), "class {class}");
    };
    check(1, 72, &[&head, &name]);
    check(2, 72, &[&head, &[0; 4], &name]);
    check(3, 96, &[&head, &[0; 4], &[0; 26], &name]);
    check(12, 16, &[&[0; 8], &[10, 0, 0, 0], &name]);
    check(37, 112, &[&head, &[0; 4], &[0; 28], &id, &name]);
    check(38, 88, &[&head, &[0; 4], &[0; 4], &id, &name]);
}

#[test]
fn refusals() {
    let (mut files, folder) = prepared();
    let file = open(&mut files, "d\\a.txt");
    assert_eq!(files.query_directory(file, &query(12, 100, None)), Err(INVALID_PARAMETER));
    assert_eq!(files.query_directory(folder, &query(4, 100, None)), Err(INVALID_INFO_CLASS));
    let weak = FileHandle { granted: 0x80, ..folder };
    assert_eq!(files.query_directory(weak, &query(12, 100, None)), Err(ACCESS_DENIED));
    let nul = handle(create(&mut files, "\\??\\NUL", &request(READ, SHARE_ALL, 1, 0)).unwrap());
    assert_eq!(files.query_directory(nul, &query(12, 100, None)), Err(INVALID_DEVICE_REQUEST));
    let path = units("a\\b");
    assert_eq!(files.query_directory(folder, &query(12, 100, Some(&path))), Err(OBJECT_NAME_INVALID));
}

#[test]
fn given_files_are_listed_over_the_volume() {
    let check = |folder: &str, expected: &[&str]| {
        let mut files = files();
        make(&mut files, "zeta", b"");
        let opened = handle(create(&mut files, folder, &request(READ, SHARE_ALL, 1, 1)).unwrap());
        assert_eq!(names(&files.query_directory(opened, &query(12, 4096, None)).unwrap().bytes), expected);
    };
    check("", &["program.exe", "WINDOWS", "zeta"]);
    check("windows", &[".", "..", "system32"]);
    check("windows\\SYSTEM32", &[".", "..", "ntdll.dll"]);
    let mut files = files();
    assert_eq!(contents(&mut files, "WINDOWS\\system32\\NTDLL.dll").unwrap(), b"ntdll");
}
