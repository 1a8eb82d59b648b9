//! `NtReadFile`, `NtWriteFile` and `NtFlushBuffersFile`: offsets, the position, the end of the file.

use crate::files::Files;
use crate::files::access::{FILE_APPEND_DATA, FILE_READ_DATA, FILE_WRITE_DATA};
use crate::files::host::{ConsoleEnd, Host};
use crate::files::memory_store::read_slice;
use crate::files::name::key;
use crate::files::object::{Device, FileHandle, FileObject};
use crate::files::status;
use crate::memory::{FileIdentity, NtStatus};

/// `FILE_WRITE_TO_END_OF_FILE`.
const AT_END: i64 = -1;
/// `FILE_USE_FILE_POINTER_POSITION`: as no offset.
const AT_POSITION: i64 = -2;
const NO_INTERMEDIATE_BUFFERING: u32 = 0x8;
/// Bytes of a sector, of which unbuffered transfers are multiples.
pub(crate) const SECTOR_BYTES: u64 = 512;

/// What a call has for the guest's buffer. The bytes count in the status block is their number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// `SUCCESS`; `BUFFER_OVERFLOW` with what fits; `PENDING` when the caller must wait and ask again.
    pub status: NtStatus,
    /// At most as many bytes as were asked for.
    pub bytes: Vec<u8>,
}

impl Answer {
    pub(crate) const fn success(bytes: Vec<u8>) -> Self {
        Self { status: status::SUCCESS, bytes }
    }

    pub(crate) const fn pending() -> Self {
        Self { status: status::PENDING, bytes: Vec::new() }
    }

    /// What fits of `bytes`.
    pub(crate) fn cut(mut bytes: Vec<u8>, length: u32) -> Self {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let status = if bytes.len() > length { status::BUFFER_OVERFLOW } else { status::SUCCESS };
        bytes.truncate(length);
        Self { status, bytes }
    }
}

/// What became of bytes to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// `SUCCESS`, or `PENDING` when the rest must be offered again later.
    pub status: NtStatus,
    /// Bytes taken.
    pub bytes: u32,
    /// Where they lie in the file: the memory manager keeps views of it equal. 0 for devices.
    pub offset: u64,
}

impl Written {
    pub(crate) fn all(bytes: usize) -> Self {
        Self { status: status::SUCCESS, bytes: u32::try_from(bytes).unwrap_or(u32::MAX), offset: 0 }
    }
}

impl Files {
    /// Reads at most `length` bytes, at `offset` or the position.
    ///
    /// # Errors
    /// `END_OF_FILE` at the end of a file or of the input; `PIPE_BROKEN`; `ACCESS_DENIED` without `FILE_READ_DATA`.
    pub fn read(&mut self, handle: FileHandle, offset: Option<i64>, length: u32) -> Result<Answer, NtStatus> {
        let object = self.object(handle, FILE_READ_DATA)?;
        match object.device {
            Device::Disk(identity) => {
                let (object, place) = (object.clone(), place(object, offset, false)?);
                self.read_disk(handle, identity, &object, place.unwrap_or(object.position), length)
            }
            Device::Null => Err(status::END_OF_FILE),
            Device::Console(ConsoleEnd::Input) => self.console.read(self.host.console(), length),
            Device::Pipe(end) => self.pipes.read(end, length),
            Device::Console(_) | Device::Volume | Device::PipeFolder => Err(status::INVALID_DEVICE_REQUEST),
        }
    }

    fn read_disk(
        &mut self,
        handle: FileHandle,
        identity: FileIdentity,
        object: &FileObject,
        place: u64,
        length: u32,
    ) -> Result<Answer, NtStatus> {
        let node = self.nodes.get(identity)?;
        if node.is_folder {
            return Err(status::INVALID_DEVICE_REQUEST);
        }
        check_sectors(object, place, length)?;
        if length == 0 {
            return Ok(Answer::success(Vec::new()));
        }
        node.locks.check(handle.file, place, u64::from(length), false)?;
        let rest = self.file_length(identity)?.saturating_sub(place).min(u64::from(length));
        let mut bytes = vec![0; usize::try_from(rest).map_err(|_| status::UNSUCCESSFUL)?];
        let read = self.read_file(identity, place, &mut bytes)?;
        bytes.truncate(read);
        if bytes.is_empty() {
            return Err(status::END_OF_FILE);
        }
        self.advance(handle, place.saturating_add(read as u64))?;
        Ok(Answer::success(bytes))
    }

    /// Writes bytes, at `offset`, the position, or the end.
    ///
    /// # Errors
    /// `DISK_FULL`; `PIPE_CLOSING`; `ACCESS_DENIED` without `FILE_WRITE_DATA` or `FILE_APPEND_DATA`.
    pub fn write(&mut self, handle: FileHandle, offset: Option<i64>, bytes: &[u8]) -> Result<Written, NtStatus> {
        let object = self.object(handle, FILE_WRITE_DATA | FILE_APPEND_DATA)?;
        match object.device {
            Device::Disk(identity) => {
                let (object, place) = (object.clone(), place(object, offset, true)?);
                let place = if handle.granted & FILE_WRITE_DATA == 0 { None } else { place };
                self.write_disk(handle, identity, &object, place, bytes)
            }
            Device::Null => Ok(Written::all(bytes.len())),
            Device::Console(end @ (ConsoleEnd::Output | ConsoleEnd::Error)) => {
                self.host.console().write(end, bytes)?;
                Ok(Written::all(bytes.len()))
            }
            Device::Pipe(end) => self.pipes.write(end, bytes),
            Device::Console(_) | Device::Volume | Device::PipeFolder => Err(status::INVALID_DEVICE_REQUEST),
        }
    }

    fn write_disk(
        &mut self,
        handle: FileHandle,
        identity: FileIdentity,
        object: &FileObject,
        place: Option<u64>,
        bytes: &[u8],
    ) -> Result<Written, NtStatus> {
        if self.nodes.get(identity)?.is_folder {
            return Err(status::INVALID_DEVICE_REQUEST);
        }
        let place = match place {
            Some(place) => place,
            None => self.file_length(identity)?,
        };
        let length = u32::try_from(bytes.len()).map_err(|_| status::INVALID_PARAMETER)?;
        check_sectors(object, place, length)?;
        // The end must fit into a signed number.
        let end = place.checked_add(u64::from(length)).filter(|end| i64::try_from(*end).is_ok());
        let end = end.ok_or(status::INVALID_PARAMETER)?;
        if !bytes.is_empty() {
            self.nodes.get(identity)?.locks.check(handle.file, place, u64::from(length), true)?;
            self.write_file(identity, place, bytes)?;
            self.advance(handle, end)?;
        }
        Ok(Written { offset: place, ..Written::all(bytes.len()) })
    }

    /// A synchronous file object keeps its position.
    fn advance(&mut self, handle: FileHandle, position: u64) -> Result<(), NtStatus> {
        let object = self.objects.get_mut(handle.file)?;
        if object.is_synchronous() {
            object.position = position;
        }
        Ok(())
    }

    /// Sees to it that what was written outlasts the host's power. What can only be read has nothing to flush, and is
    /// refused as on NT.
    pub fn flush(&mut self, handle: FileHandle) -> Result<(), NtStatus> {
        match self.object(handle, FILE_WRITE_DATA | FILE_APPEND_DATA)?.device {
            Device::Disk(identity) if !self.nodes.get(identity)?.is_folder => {
                let file = self.open_data(identity, true)?;
                Ok(self.store().flush(file)?)
            }
            _ => Ok(()),
        }
    }

    /// Bytes of a file now.
    pub(crate) fn file_length(&mut self, identity: FileIdentity) -> Result<u64, NtStatus> {
        let node = self.nodes.get(identity)?;
        if node.is_given {
            return Ok(self.given.bytes(&key(&node.path)).map_or(0, |bytes| bytes.len() as u64));
        }
        let file = self.open_data(identity, false)?;
        Ok(self.store().length(file)?)
    }

    /// Fills a buffer; fewer bytes only at the end.
    pub(crate) fn read_file(&mut self, file: FileIdentity, offset: u64, bytes: &mut [u8]) -> Result<usize, NtStatus> {
        let node = self.nodes.get(file)?;
        if node.is_given {
            return Ok(read_slice(self.given.bytes(&key(&node.path)).unwrap_or_default(), offset, bytes));
        }
        let file = self.open_data(file, false)?;
        Ok(self.store().read(file, offset, bytes)?)
    }

    pub(crate) fn write_file(&mut self, file: FileIdentity, offset: u64, bytes: &[u8]) -> Result<(), NtStatus> {
        if self.nodes.get(file)?.is_given {
            return Err(status::ACCESS_DENIED);
        }
        let file = self.open_data(file, true)?;
        Ok(self.store().write(file, offset, bytes)?)
    }
}

/// Where a transfer begins; `None` is the end of the file, which only a write may ask for.
fn place(object: &FileObject, offset: Option<i64>, is_write: bool) -> Result<Option<u64>, NtStatus> {
    match offset {
        None | Some(AT_POSITION) if object.is_synchronous() => Ok(Some(object.position)),
        Some(AT_END) if is_write => Ok(None),
        Some(offset) => u64::try_from(offset).map(Some).map_err(|_| status::INVALID_PARAMETER),
        None => Err(status::INVALID_PARAMETER),
    }
}

/// Transfers past the cache are whole sectors.
const fn check_sectors(object: &FileObject, place: u64, length: u32) -> Result<(), NtStatus> {
    let is_whole = place.is_multiple_of(SECTOR_BYTES) && (length as u64).is_multiple_of(SECTOR_BYTES);
    if object.options & NO_INTERMEDIATE_BUFFERING != 0 && !is_whole {
        return Err(status::INVALID_PARAMETER);
    }
    Ok(())
}
