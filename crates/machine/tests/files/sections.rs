//! Files as sections see them: identity, pages, and what a mapped file forbids.

use crate::support::{
    READ, READ_WRITE, SHARE_ALL, SYNC_FILE, contents, create, files, make, open, open_folder, request,
};
use std::cell::RefCell;
use std::rc::Rc;
use vatlas_machine::files::status::{
    ACCESS_DENIED, CANNOT_DELETE, DELETE_PENDING, INVALID_FILE_FOR_SECTION, OBJECT_NAME_NOT_FOUND, SHARING_VIOLATION,
    USER_MAPPED_FILE,
};
use vatlas_machine::files::{Files, SectionUse, section_file};

fn shared() -> Rc<RefCell<Files>> {
    Rc::new(RefCell::new(files()))
}

#[test]
fn one_identity_for_all_opens_of_a_file() {
    let mut files = files();
    make(&mut files, "f", b"x");
    make(&mut files, "g", b"x");
    let (one, two, other) = (open(&mut files, "f"), open(&mut files, "F"), open(&mut files, "g"));
    let identity = files.identity(one.file).unwrap();
    assert_eq!(files.identity(two.file), Ok(identity));
    assert_ne!(files.identity(other.file), Ok(identity));
    assert_eq!(files.path_of(identity).as_deref(), Some("\\f"));
    let folder = open_folder(&mut files, "d");
    assert_eq!(files.identity(folder.file), Err(INVALID_FILE_FOR_SECTION));
}

#[test]
fn pages_outlive_handles() {
    let files = shared();
    make(&mut files.borrow_mut(), "f", b"0123456789");
    let opened = open(&mut files.borrow_mut(), "f");
    let (identity, mut mapped) = section_file(&files, opened.file, SectionUse::Data).unwrap();
    assert_eq!(files.borrow().identity(opened.file), Ok(identity));
    files.borrow_mut().close(opened.file);
    let mut bytes = [b'-'; 6];
    assert_eq!(mapped.size(), 10);
    assert_eq!(mapped.read(8, &mut bytes), Ok(2));
    assert_eq!(&bytes, b"89----");
    mapped.write(0, b"ab").unwrap();
    mapped.extend(12).unwrap();
    mapped.extend(3).unwrap();
    assert_eq!(contents(&mut files.borrow_mut(), "f").unwrap(), b"ab23456789\0\0");
    drop(mapped);
    assert_eq!(format!("{:?}", files.borrow()), "0 file objects of 0 files");
}

#[test]
fn a_mapped_file_is_not_cut_or_deleted() {
    let files = shared();
    make(&mut files.borrow_mut(), "f", b"0123456789");
    let opened = open(&mut files.borrow_mut(), "f");
    let set = |class: u32, bytes: &[u8]| files.borrow_mut().set_information(opened, class, bytes, None);
    let (_, mapped) = section_file(&files, opened.file, SectionUse::Data).unwrap();
    assert_eq!(set(20, &4_i64.to_le_bytes()), Err(USER_MAPPED_FILE));
    assert_eq!(set(20, &14_i64.to_le_bytes()), Ok(()));
    assert_eq!(set(13, &[1]), Err(CANNOT_DELETE));
    let overwrite = create(&mut files.borrow_mut(), "f", &request(READ_WRITE, SHARE_ALL, 5, SYNC_FILE));
    assert_eq!(overwrite.unwrap_err(), USER_MAPPED_FILE);
    drop(mapped);
    assert_eq!(set(20, &4_i64.to_le_bytes()), Ok(()));
}

#[test]
fn a_running_program_is_not_written() {
    let files = shared();
    let opens = |access: u32, options: u32| {
        create(&mut files.borrow_mut(), "p.exe", &request(access, SHARE_ALL, 1, options)).map(|made| made.file)
    };
    make(&mut files.borrow_mut(), "p.exe", b"MZ");
    let writer = open(&mut files.borrow_mut(), "p.exe");
    let mapped = |file| section_file(&files, file, SectionUse::Image).map(|(_, mapped)| mapped);
    assert_eq!(mapped(writer.file).err(), Some(SHARING_VIOLATION));
    files.borrow_mut().close(writer.file);
    let image = mapped(opens(READ, 0).unwrap()).unwrap();
    assert_eq!(opens(2, 0), Err(SHARING_VIOLATION));
    assert_eq!(opens(0x1_0000, 0x1000), Err(CANNOT_DELETE));
    assert!(opens(READ, 0).is_ok());
    drop(image);
    assert!(opens(2, 0).is_ok());
}

#[test]
fn deletion_waits_for_the_last_section() {
    let files = shared();
    make(&mut files.borrow_mut(), "f", b"x");
    let opened = create(&mut files.borrow_mut(), "f", &request(READ | 0x1_0000, SHARE_ALL, 1, 0x1000)).unwrap();
    let (_, mapped) = section_file(&files, opened.file, SectionUse::Data).unwrap();
    files.borrow_mut().close(opened.file);
    assert_eq!(contents(&mut files.borrow_mut(), "f"), Err(DELETE_PENDING));
    assert_eq!(mapped.read(0, &mut [0]), Ok(1));
    drop(mapped);
    assert_eq!(contents(&mut files.borrow_mut(), "f"), Err(OBJECT_NAME_NOT_FOUND));
}

#[test]
fn given_files_can_be_mapped() {
    let files = shared();
    let opened = create(&mut files.borrow_mut(), "windows\\system32\\ntdll.dll", &request(READ, 1, 1, 0)).unwrap();
    let (_, mut mapped) = section_file(&files, opened.file, SectionUse::Image).unwrap();
    files.borrow_mut().close(opened.file);
    let mut bytes = [0; 8];
    assert_eq!((mapped.size(), mapped.read(1, &mut bytes)), (5, Ok(4)));
    assert_eq!(&bytes[..4], b"tdll");
    assert_eq!(mapped.write(0, b"x"), Err(ACCESS_DENIED));
}
