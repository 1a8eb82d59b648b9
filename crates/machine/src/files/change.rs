//! `NtSetInformationFile`: times and attributes, position, length, deletion.

use crate::files::Files;
use crate::files::access::{DELETE, FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA};
use crate::files::host::{FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_READONLY, MetadataChange, NtTime, StoreError};
use crate::files::object::{Device, FileHandle, FileNumber};
use crate::files::query::{BASIC, MODE, PIPE, POSITION};
use crate::files::raw::{read, read_i64, read_u32};
use crate::files::status;
use crate::memory::{FileIdentity, NtStatus};

const RENAME: u32 = 10;
const DISPOSITION: u32 = 13;
const ALLOCATION: u32 = 19;
const END_OF_FILE: u32 = 20;

/// Class, size of its structure, access that the handle must have.
const CLASSES: [(u32, usize, u32); 8] = [
    (BASIC, 40, FILE_WRITE_ATTRIBUTES),
    (RENAME, 16, DELETE),
    (DISPOSITION, 1, DELETE),
    (POSITION, 8, 0),
    (MODE, 4, 0),
    (ALLOCATION, 8, FILE_WRITE_DATA),
    (END_OF_FILE, 8, FILE_WRITE_DATA),
    (PIPE, 8, FILE_WRITE_ATTRIBUTES),
];
/// What `FileModeInformation` changes: write through and sequential.
const CHANGED_OPTIONS: u32 = 0x6;
/// What it may name besides: synchronous.
const NAMED_OPTIONS: u32 = 0x36;
const FILE_ATTRIBUTE_TEMPORARY: u32 = 0x100;
/// Attributes that can be set: read-only, hidden, system, archive, temporary, offline, not indexed.
const SET_ATTRIBUTES: u32 = 0x3127;

impl Files {
    /// Does what `NtSetInformationFile` was given. `root` is the file object of the handle in the second field of
    /// `FILE_RENAME_INFORMATION`; with other classes it is not looked at.
    ///
    /// # Errors
    /// `INVALID_INFO_CLASS`, `INFO_LENGTH_MISMATCH`, `ACCESS_DENIED`, and those of the class.
    pub fn set_information(
        &mut self,
        handle: FileHandle,
        class: u32,
        bytes: &[u8],
        root: Option<FileNumber>,
    ) -> Result<(), NtStatus> {
        let known = CLASSES.iter().find(|(known, ..)| *known == class);
        let &(_, size, access) = known.ok_or(status::INVALID_INFO_CLASS)?;
        if bytes.len() < size {
            return Err(status::INFO_LENGTH_MISMATCH);
        }
        let device = self.object(handle, access)?.device;
        match (class, device) {
            (POSITION, _) => self.set_position(handle, bytes),
            (MODE, _) => self.set_mode(handle, bytes),
            (PIPE, Device::Pipe(end)) => self.pipes.set_modes(end, read_u32(bytes, 0)?, read_u32(bytes, 4)?),
            (BASIC, Device::Disk(file)) => self.set_basic(file, bytes),
            (RENAME, Device::Disk(file)) => self.rename(file, bytes, root),
            (DISPOSITION, Device::Disk(file)) => self.set_disposition(file, read::<1>(bytes, 0)?[0] != 0),
            (ALLOCATION, Device::Disk(file)) => self.set_allocation(file, read_i64(bytes, 0)?),
            (END_OF_FILE, Device::Disk(file)) => self.set_end(file, read_i64(bytes, 0)?),
            _ => Err(status::INVALID_DEVICE_REQUEST),
        }
    }

    fn set_position(&mut self, handle: FileHandle, bytes: &[u8]) -> Result<(), NtStatus> {
        let position = u64::try_from(read_i64(bytes, 0)?).map_err(|_| status::INVALID_PARAMETER)?;
        self.objects.get_mut(handle.file)?.position = position;
        Ok(())
    }

    fn set_mode(&mut self, handle: FileHandle, bytes: &[u8]) -> Result<(), NtStatus> {
        let mode = read_u32(bytes, 0)?;
        if mode & !NAMED_OPTIONS != 0 {
            return Err(status::INVALID_PARAMETER);
        }
        let object = self.objects.get_mut(handle.file)?;
        object.options = object.options & !CHANGED_OPTIONS | mode & CHANGED_OPTIONS;
        Ok(())
    }

    /// A time of 0 or -1 and attributes of 0 stay. The time of change follows by itself.
    fn set_basic(&mut self, file: FileIdentity, bytes: &[u8]) -> Result<(), NtStatus> {
        let node = self.nodes.get(file)?;
        let (path, is_folder, is_given) = (node.path.clone(), node.is_folder, node.is_given);
        let time = |offset| match read_i64(bytes, offset)? {
            -1 | 0 => Ok(None),
            time if time < 0 => Err(status::INVALID_PARAMETER),
            time => Ok(Some(NtTime(time))),
        };
        let (created, accessed, written) = (time(0)?, time(8)?, time(16)?);
        time(24)?;
        let attributes = read_u32(bytes, 32)?;
        let wrong = if is_folder { FILE_ATTRIBUTE_TEMPORARY } else { FILE_ATTRIBUTE_DIRECTORY };
        if attributes & wrong != 0 {
            return Err(status::INVALID_PARAMETER);
        }
        if is_given {
            return Err(status::ACCESS_DENIED);
        }
        let before = self.node_metadata(file)?.attributes & SET_ATTRIBUTES;
        let attributes = (attributes != 0).then_some(attributes & SET_ATTRIBUTES).filter(|after| *after != before);
        let change = MetadataChange { attributes, created, accessed, written };
        match self.store().change(&path, &change) {
            // A host without times of creation is like a file system without them: the others are set.
            Err(StoreError::Unsupported) if created.is_some() => {
                Ok(self.store().change(&path, &MetadataChange { created: None, ..change })?)
            }
            result => Ok(result?),
        }
    }

    fn set_disposition(&mut self, file: FileIdentity, is_delete: bool) -> Result<(), NtStatus> {
        let metadata = self.node_metadata(file)?;
        let node = self.nodes.get(file)?;
        let path = node.path.clone();
        if is_delete {
            node.check_delete()?;
            if metadata.attributes & FILE_ATTRIBUTE_READONLY != 0 {
                return Err(status::CANNOT_DELETE);
            }
            if let (Some((_, folder)), false) = (path.split_last(), node.is_given) {
                self.check_folder(folder)?;
            } else {
                return Err(status::ACCESS_DENIED);
            }
            if metadata.is_folder && !self.entries(&path)?.is_empty() {
                return Err(status::DIRECTORY_NOT_EMPTY);
            }
        }
        self.nodes.get_mut(file)?.is_delete_pending = is_delete;
        Ok(())
    }

    /// Room below the end cuts the file; more room is only looked for.
    fn set_allocation(&mut self, file: FileIdentity, bytes: i64) -> Result<(), NtStatus> {
        let length = self.changed_length(file, bytes)?;
        let before = self.file_length(file)?;
        if length < before {
            return self.cut_file(file, length);
        }
        match self.store().space() {
            Ok(space) if space.free < length - before => Err(status::DISK_FULL),
            _ => Ok(()),
        }
    }

    fn set_end(&mut self, file: FileIdentity, bytes: i64) -> Result<(), NtStatus> {
        let length = self.changed_length(file, bytes)?;
        self.cut_file(file, length)
    }

    fn changed_length(&self, file: FileIdentity, bytes: i64) -> Result<u64, NtStatus> {
        match u64::try_from(bytes) {
            Ok(length) if !self.nodes.get(file)?.is_folder => Ok(length),
            _ => Err(status::INVALID_PARAMETER),
        }
    }

    /// Sets the length of a file. What a section maps is not cut.
    pub(crate) fn cut_file(&mut self, file: FileIdentity, length: u64) -> Result<(), NtStatus> {
        let node = self.nodes.get(file)?;
        let (is_given, is_mapped) = (node.is_given, node.is_mapped());
        if is_given {
            return Err(status::ACCESS_DENIED);
        }
        if is_mapped && length < self.file_length(file)? {
            return Err(status::USER_MAPPED_FILE);
        }
        let stored = self.open_data(file, true)?;
        Ok(self.store().set_length(stored, length)?)
    }
}
