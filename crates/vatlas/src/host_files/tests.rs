//! A granted folder under a machine's files: what the host keeps, and that nothing leads out.

use crate::host::GrantedHost;
use crate::host_files::HostFolder;
use crate::host_files::names::is_allowed;
use crate::host_files::times::{nt_time, system_time};
use vatlas_machine::NtStatus;
use vatlas_machine::files::status::{
    ACCESS_DENIED, NOT_SUPPORTED, OBJECT_NAME_INVALID, OBJECT_NAME_NOT_FOUND, OBJECT_PATH_NOT_FOUND,
};
use vatlas_machine::files::{CreateRequest, DirectoryQuery, FileHandle, Files, NtTime, ObjectName};

/// `C:\` of a machine over a new folder of the host.
fn granted() -> (tempfile::TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    let host = GrantedHost::new(Some(HostFolder::new(folder.path()).unwrap()));
    let files = Files::new(Box::new(host), Vec::new(), NtTime(1)).unwrap();
    (folder, files)
}

fn create(files: &mut Files, name: &str, disposition: u32, options: u32) -> Result<FileHandle, NtStatus> {
    let name: Vec<u16> = format!("\\??\\C:\\{name}").encode_utf16().collect();
    let access = 0xc011_0000;
    let request = CreateRequest { access, attributes: 0, share: 7, disposition, options };
    let made = files.create(ObjectName { root: None, name: &name }, &request)?;
    Ok(FileHandle { file: made.file, granted: made.granted })
}

#[test]
fn files_of_the_host_are_made_read_and_written() {
    let (folder, mut files) = granted();
    let sub = create(&mut files, "Sub", 2, 0x21).unwrap();
    files.close(sub.file);
    let opened = create(&mut files, "sub\\File.txt", 2, 0x60).unwrap();
    files.write(opened, None, b"hello").unwrap();
    files.write(opened, Some(7), b"!").unwrap();
    assert_eq!(std::fs::read(folder.path().join("Sub/File.txt")).unwrap(), b"hello\0\0!");
    assert_eq!(files.read(opened, Some(3), 100).unwrap().bytes, b"lo\0\0!");
    files.set_information(opened, 20, &2_i64.to_le_bytes(), None).unwrap();
    files.flush(opened).unwrap();
    let new: Vec<u8> = "new".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rename = [&[0; 8][..], &6_u32.to_le_bytes(), &new].concat();
    files.set_information(opened, 10, &rename, None).unwrap();
    files.write(opened, Some(-1), b"+").unwrap();
    assert_eq!(std::fs::read(folder.path().join("Sub/new")).unwrap(), b"he+");
    files.set_information(opened, 13, &[1], None).unwrap();
    files.close(opened.file);
    assert!(!folder.path().join("Sub/new").exists());
    let sub = create(&mut files, "SUB", 1, 0x1021).unwrap();
    files.close(sub.file);
    assert!(!folder.path().join("Sub").exists());
}

#[test]
fn times_and_rights_are_those_of_the_host() {
    let (folder, mut files) = granted();
    let opened = create(&mut files, "f", 2, 0x60).unwrap();
    let written = 127_360_944_000_000_000_i64;
    let basic = |written: i64, attributes: u32| {
        [&[0; 16][..], &written.to_le_bytes(), &[0; 8], &attributes.to_le_bytes(), &[0; 4]].concat()
    };
    files.set_information(opened, 4, &basic(written, 0x21), None).unwrap();
    let metadata = std::fs::metadata(folder.path().join("f")).unwrap();
    assert_eq!(nt_time(metadata.modified().unwrap()), NtTime(written));
    assert!(metadata.permissions().readonly());
    let now = files.query_information(opened, 4, 40).unwrap().bytes;
    assert_eq!((&now[16..24], now[32]), (&written.to_le_bytes()[..], 0x21));
    files.write(opened, None, b"still open for writing").unwrap();
    files.set_information(opened, 4, &basic(0, 0x80), None).unwrap();
    assert!(!std::fs::metadata(folder.path().join("f")).unwrap().permissions().readonly());
    assert_eq!(files.set_information(opened, 4, &basic(0, 0x2), None), Err(NOT_SUPPORTED));
    assert!(files.query_volume(opened, 3, 24).unwrap().bytes[..8] != [0; 8]);
}

#[test]
fn times_go_back_and_forth() {
    for time in [1, 116_444_736_000_000_000, 127_360_944_000_000_001] {
        assert_eq!(system_time(NtTime(time)).map(nt_time), Some(NtTime(time)));
    }
    assert_eq!(system_time(NtTime(i64::MIN)), None);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let names =
        ["", ".", "..", "a/b", "a\\b", "/etc", "c:", "a\0", "con", "NUL.txt", "nul .txt", "COM1", "lpt9.x", "COM¹"];
    for name in names {
        assert!(!is_allowed(name), "{name}");
    }
    for name in ["console", "com", "com10", "nulls", "...a", ".hidden", "ä"] {
        assert!(is_allowed(name), "{name}");
    }
    let (_folder, mut files) = granted();
    assert_eq!(create(&mut files, "nul", 3, 0x60), Err(OBJECT_NAME_INVALID));
    assert_eq!(create(&mut files, "aux.c", 3, 0x60), Err(OBJECT_NAME_INVALID));
}

#[cfg(unix)]
#[test]
fn links_stay_inside() {
    use std::os::unix::fs::symlink;
    let (folder, mut files) = granted();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), b"secret").unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("inside")).unwrap();
    std::fs::write(at("inside/f"), b"fine").unwrap();
    symlink(outside.path(), at("folder_out")).unwrap();
    symlink(outside.path().join("secret"), at("file_out")).unwrap();
    symlink("..", at("parent")).unwrap();
    symlink("inside/../../..", at("parents")).unwrap();
    symlink("inside", at("link")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), rustix::fs::Mode::RUSR).unwrap();
    let mut check = |name: &str, expected: Result<(), NtStatus>| {
        for disposition in [1, 3] {
            let result = create(&mut files, name, disposition, 0x20).map(|opened| files.close(opened.file));
            assert_eq!(result, expected, "{name} {disposition}");
        }
    };
    for name in ["folder_out", "folder_out\\secret", "folder_out\\new", "file_out", "parent", "parents\\x", "fifo"] {
        check(name, Err(ACCESS_DENIED));
    }
    check("link\\f", Ok(()));
    check("dangling\\f", Err(OBJECT_PATH_NOT_FOUND));
    assert_eq!(create(&mut files, "dangling", 1, 0x20), Err(OBJECT_NAME_NOT_FOUND));
    assert!(create(&mut files, "dangling", 3, 0x60).is_err());
    assert!(create(&mut files, "loop", 1, 0x20).is_err());
    let root = create(&mut files, "", 1, 0x21).unwrap();
    let query = DirectoryQuery { class: 12, length: 4096, is_single: false, restarts: false, pattern: None };
    let listed = files.query_directory(root, &query).unwrap().bytes;
    let listed: String = char::decode_utf16(listed.chunks(2).map(|pair| u16::from(pair[0]))).flatten().collect();
    assert!(listed.contains("inside") && listed.contains("link"));
    assert!(!listed.contains("out") && !listed.contains("parent") && !listed.contains("fifo"));
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"secret");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn names_that_differ_in_case_only() {
    let (folder, mut files) = granted();
    std::fs::write(folder.path().join("a.txt"), b"small").unwrap();
    std::fs::write(folder.path().join("A.TXT"), b"LARGE").unwrap();
    std::fs::write(folder.path().join("bad:name"), b"").unwrap();
    let mut check = |name: &str, expected: &[u8]| {
        let opened = create(&mut files, name, 1, 0x60).unwrap();
        assert_eq!(files.read(opened, None, 9).unwrap().bytes, expected, "{name}");
        files.close(opened.file);
    };
    check("a.txt", b"small");
    check("A.TXT", b"LARGE");
    check("A.txt", b"LARGE");
}
