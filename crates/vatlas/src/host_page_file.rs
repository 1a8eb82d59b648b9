//! A page file of the machine on the host's disk.
//!
//! It takes room only for pages that were written. Growing asks whether the disk has room, so that the machine does
//! not promise memory that it cannot keep; a disk that fills up later fails the write, and the page stays in memory.

use crate::host_files::store_error;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use vatlas_machine::memory::{PageFileError, PageFileStore};
use vatlas_machine::ram::FRAME_BYTES;

/// A page file.
#[derive(Debug)]
pub struct HostPageFile {
    file: File,
    pages: u32,
}

impl HostPageFile {
    /// A page file that is gone when the machine is.
    pub fn temporary() -> io::Result<Self> {
        tempfile::tempfile().map(Self::of)
    }

    /// A page file at a path of the user's. What was there is lost.
    pub fn at(path: &Path) -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path).map(Self::of)
    }

    const fn of(file: File) -> Self {
        Self { file, pages: 0 }
    }

    /// Goes to a page.
    fn seek(&self, page: u32) -> io::Result<&File> {
        if page >= self.pages {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut file = &self.file;
        file.seek(SeekFrom::Start(u64::from(page) * FRAME_BYTES as u64))?;
        Ok(file)
    }
}

impl PageFileStore for HostPageFile {
    fn grow(&mut self, pages: u32) -> Result<(), PageFileError> {
        let bytes = u64::from(pages.saturating_sub(self.pages)) * FRAME_BYTES as u64;
        if free_bytes(&self.file).is_some_and(|free| free < bytes) {
            return Err(page_file_error(ErrorKind::StorageFull.into()));
        }
        if pages > self.pages {
            self.file.set_len(u64::from(pages) * FRAME_BYTES as u64).map_err(page_file_error)?;
            self.pages = pages;
        }
        Ok(())
    }

    fn read(&self, page: u32, bytes: &mut [u8; FRAME_BYTES]) -> Result<(), PageFileError> {
        self.seek(page).and_then(|mut file| file.read_exact(bytes)).map_err(page_file_error)
    }

    fn write(&mut self, page: u32, bytes: &[u8; FRAME_BYTES]) -> Result<(), PageFileError> {
        self.seek(page).and_then(|mut file| file.write_all(bytes)).map_err(page_file_error)
    }
}

fn page_file_error(error: io::Error) -> PageFileError {
    PageFileError(store_error(error).status())
}

/// Room on the disk of a file; `None` where the host does not say.
#[cfg(unix)]
fn free_bytes(file: &File) -> Option<u64> {
    let found = rustix::fs::fstatvfs(file).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_file: &File) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use vatlas_machine::NtStatus;

    #[test]
    fn pages_come_back() {
        let mut store = HostPageFile::temporary().unwrap();
        store.grow(4).unwrap();
        store.write(3, &[3; FRAME_BYTES]).unwrap();
        store.grow(1000).unwrap();
        store.grow(2).unwrap();
        store.write(999, &[9; FRAME_BYTES]).unwrap();
        let check = |page: u32, expected: u8| {
            let mut bytes = [1; FRAME_BYTES];
            store.read(page, &mut bytes).unwrap();
            assert_eq!(bytes, [expected; FRAME_BYTES]);
        };
        check(3, 3);
        check(999, 9);
        check(500, 0);
        assert_eq!(store.write(1000, &[0; FRAME_BYTES]), Err(PageFileError(NtStatus::DEVICE_DATA_ERROR)));
        assert_eq!(store.read(u32::MAX, &mut [0; FRAME_BYTES]), Err(PageFileError(NtStatus::DEVICE_DATA_ERROR)));
    }

    #[test]
    fn a_path_of_the_user() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.file");
        std::fs::write(&path, b"old").unwrap();
        let mut store = HostPageFile::at(&path).unwrap();
        store.grow(2).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [0; 2 * FRAME_BYTES]);
        assert!(HostPageFile::at(folder.path()).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let full = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        let mut store = HostPageFile { file: full, pages: 4 };
        assert_eq!(store.write(1, &[1; FRAME_BYTES]), Err(PageFileError(NtStatus::DISK_FULL)));
        // 16 TB, which hardly a disk has free; what has grown stays as it was.
        let mut store = HostPageFile::temporary().unwrap();
        store.grow(2).unwrap();
        let result = store.grow(u32::MAX);
        assert_eq!(result.err(), (store.pages == 2).then_some(PageFileError(NtStatus::DISK_FULL)));
    }
}
