//! A file as the memory manager sees it: an identity, a length, bytes to read and write.

use crate::files::Files;
use crate::files::memory_store::read_slice;
use crate::files::name::key;
use crate::files::object::{Device, FileNumber};
use crate::files::status;
use crate::memory::{FileIdentity, IdentifiedFile, NtStatus, SectionFile};
use std::cell::RefCell;
use std::rc::Rc;

/// What a section maps a file as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum SectionUse {
    /// A program: nobody can open it for writing meanwhile.
    Image,
    /// Data: it cannot be cut meanwhile.
    Data,
}

/// A file that a section maps. It stays although all handles are closed, until this is dropped.
struct MappedFile {
    files: Rc<RefCell<Files>>,
    identity: FileIdentity,
    as_what: SectionUse,
}

impl SectionFile for MappedFile {
    fn size(&self) -> u64 {
        self.files.borrow_mut().file_length(self.identity).unwrap_or(0)
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<usize, NtStatus> {
        self.files.borrow_mut().read_file(self.identity, offset, bytes)
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), NtStatus> {
        self.files.borrow_mut().write_file(self.identity, offset, bytes)
    }

    fn extend(&mut self, size: u64) -> Result<(), NtStatus> {
        let mut files = self.files.borrow_mut();
        if files.file_length(self.identity)? < size { files.cut_file(self.identity, size) } else { Ok(()) }
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        if let Ok(mut files) = self.files.try_borrow_mut() {
            files.release(self.identity, self.as_what);
        }
    }
}

/// The file behind a file object for `NtCreateSection`.
///
/// # Errors
/// `INVALID_FILE_FOR_SECTION` when it is a folder or no file of the volume; `SHARING_VIOLATION` for a program that
/// somebody may write.
pub fn section_file(
    files: &Rc<RefCell<Files>>,
    file: FileNumber,
    as_what: SectionUse,
) -> Result<IdentifiedFile, NtStatus> {
    let identity = files.borrow().identity(file)?;
    files.borrow_mut().retain(identity, as_what)?;
    Ok((identity, Box::new(MappedFile { files: Rc::clone(files), identity, as_what })))
}

/// The file of a section that went back with the whole system: the counts of its users went back, too.
pub(crate) fn mapped_again(files: &Rc<RefCell<Files>>, identity: FileIdentity, is_image: bool) -> Box<dyn SectionFile> {
    let as_what = if is_image { SectionUse::Image } else { SectionUse::Data };
    Box::new(MappedFile { files: Rc::clone(files), identity, as_what })
}

impl Files {
    /// The file behind a file object: equal for all opens of one file, and never used again for another.
    ///
    /// # Errors
    /// `INVALID_FILE_FOR_SECTION` when it is a folder or no file of the volume.
    pub fn identity(&self, file: FileNumber) -> Result<FileIdentity, NtStatus> {
        match self.objects.get(file)?.device {
            Device::Disk(identity) if !self.nodes.get(identity)?.is_folder => Ok(identity),
            _ => Err(status::INVALID_FILE_FOR_SECTION),
        }
    }

    /// The path of an open file from the root of its volume, `\folder\file`.
    pub fn path_of(&self, file: FileIdentity) -> Option<String> {
        self.nodes.get(file).ok().map(|node| format!("\\{}", node.path.join("\\")))
    }

    /// Reads a file for somebody who looks from outside: nothing of it is recorded, and no file stays open. How many bytes
    /// were there.
    pub(crate) fn look(&mut self, file: FileIdentity, offset: u64, bytes: &mut [u8]) -> usize {
        let Ok(node) = self.nodes.get(file) else { return 0 };
        if node.is_given {
            return read_slice(self.given.bytes(&key(&node.path)).unwrap_or_default(), offset, bytes);
        }
        let path = node.path.clone();
        match self.host.look(&path, offset, bytes) {
            Some(count) => count,
            None => self.memory.look(&path, offset, bytes),
        }
    }

    fn retain(&mut self, file: FileIdentity, as_what: SectionUse) -> Result<(), NtStatus> {
        let node = self.nodes.get_mut(file)?;
        if as_what == SectionUse::Image && node.share.is_written() {
            return Err(status::SHARING_VIOLATION);
        }
        node.retain(as_what);
        Ok(())
    }

    fn release(&mut self, file: FileIdentity, as_what: SectionUse) {
        if let Ok(node) = self.nodes.get_mut(file) {
            let count = node.sections(as_what);
            *count = count.saturating_sub(1);
            self.release_node(file);
        }
    }
}
