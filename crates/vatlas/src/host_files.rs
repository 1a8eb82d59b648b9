//! A folder of the host that the user grants to the machine, and nothing outside of it.
//!
//! Every path is opened below a descriptor of the folder by `cap-std`, name by name, so that neither `..` nor a
//! symbolic link leads out, also when the host changes the tree meanwhile. Names that a host would take for a device
//! are refused on all hosts.

mod names;
#[cfg(test)]
mod tests;
mod times;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata as HostMetadata, OpenOptions, Permissions};
use names::{host_path, is_allowed};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use times::{changed, nt_time, system_time};
use vatlas_machine::files::{
    FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_READONLY, FileStore, Metadata, MetadataChange, NtTime, StoreError,
    StoreFile, VolumeSpace,
};

/// A granted folder and what is open in it.
#[derive(Debug)]
pub struct HostFolder {
    root: Dir,
    open: BTreeMap<u32, File>,
    next: u32,
}

impl HostFolder {
    /// Grants a folder.
    pub fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { root: Dir::open_ambient_dir(path, ambient_authority())?, open: BTreeMap::new(), next: 0 })
    }

    fn opened(&mut self, file: StoreFile) -> Result<&mut File, StoreError> {
        self.open.get_mut(&file.0).ok_or(StoreError::Failed)
    }

    fn described(&self, path: &Path) -> Result<Metadata, StoreError> {
        let metadata = self.root.metadata(path).map_err(store_error)?;
        // A pipe or device of the host would block, or worse.
        if metadata.is_file() || metadata.is_dir() { Ok(describe(&metadata)) } else { Err(StoreError::Denied) }
    }

    fn set_times(&self, path: &Path, change: &MetadataChange) -> Result<(), StoreError> {
        let (accessed, written) = (change.accessed.map(system_time), change.written.map(system_time));
        let mut times = std::fs::FileTimes::new();
        if let Some(time) = accessed {
            times = times.set_accessed(time.ok_or(StoreError::Unsupported)?);
        }
        if let Some(time) = written {
            times = times.set_modified(time.ok_or(StoreError::Unsupported)?);
        }
        let mut options = OpenOptions::new();
        options.read(true).write(cfg!(windows));
        let file = self.root.open_with(path, &options).map_err(store_error)?;
        file.into_std().set_times(times).map_err(store_error)
    }
}

impl FileStore for HostFolder {
    fn metadata(&mut self, path: &[String]) -> Result<Metadata, StoreError> {
        self.described(&host_path(path)?)
    }

    fn list(&mut self, folder: &[String]) -> Result<Vec<(String, Metadata)>, StoreError> {
        let path = host_path(folder)?;
        let mut entries = Vec::new();
        for entry in self.root.read_dir(&path).map_err(store_error)? {
            let Ok(name) = entry.map_err(store_error)?.file_name().into_string() else { continue };
            // What leads out of the folder, or cannot be looked at, is not there.
            if let (true, Ok(metadata)) = (is_allowed(&name), self.described(&path.join(&name))) {
                entries.push((name, metadata));
            }
        }
        Ok(entries)
    }

    fn create_file(&mut self, path: &[String]) -> Result<(), StoreError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        self.root.open_with(host_path(path)?, &options).map(drop).map_err(store_error)
    }

    fn create_folder(&mut self, path: &[String]) -> Result<(), StoreError> {
        self.root.create_dir(host_path(path)?).map_err(store_error)
    }

    fn remove(&mut self, path: &[String]) -> Result<(), StoreError> {
        let path = host_path(path)?;
        let metadata = self.root.symlink_metadata(&path).map_err(store_error)?;
        if metadata.is_dir() { self.root.remove_dir(&path) } else { self.root.remove_file(&path) }.map_err(store_error)
    }

    fn rename(&mut self, from: &[String], to: &[String]) -> Result<(), StoreError> {
        self.root.rename(host_path(from)?, &self.root, host_path(to)?).map_err(store_error)
    }

    fn change(&mut self, path: &[String], change: &MetadataChange) -> Result<(), StoreError> {
        let path = host_path(path)?;
        let is_kept = |attributes: u32| attributes & !(FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_ARCHIVE) == 0;
        if change.created.is_some() || !change.attributes.is_none_or(is_kept) {
            return Err(StoreError::Unsupported);
        }
        if change.accessed.is_some() || change.written.is_some() {
            self.set_times(&path, change)?;
        }
        if let Some(attributes) = change.attributes {
            let before = self.root.metadata(&path).map_err(store_error)?.permissions();
            let after = with_read_only(before, attributes & FILE_ATTRIBUTE_READONLY != 0);
            self.root.set_permissions(&path, after).map_err(store_error)?;
        }
        Ok(())
    }

    fn open(&mut self, path: &[String], is_writable: bool) -> Result<StoreFile, StoreError> {
        let path = host_path(path)?;
        if self.described(&path)?.is_folder {
            return Err(StoreError::WrongKind);
        }
        let mut options = OpenOptions::new();
        options.read(true).write(is_writable);
        let file = self.root.open_with(path, &options).map_err(store_error)?;
        while self.open.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        self.open.insert(self.next, file);
        Ok(StoreFile(self.next))
    }

    fn close(&mut self, file: StoreFile) {
        self.open.remove(&file.0);
    }

    fn length(&mut self, file: StoreFile) -> Result<u64, StoreError> {
        Ok(self.opened(file)?.metadata().map_err(store_error)?.len())
    }

    fn read(&mut self, file: StoreFile, offset: u64, bytes: &mut [u8]) -> Result<usize, StoreError> {
        let file = self.opened(file)?;
        file.seek(SeekFrom::Start(offset)).map_err(store_error)?;
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match file.read(rest) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(store_error(error)),
            }
        }
        Ok(done)
    }

    fn write(&mut self, file: StoreFile, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let file = self.opened(file)?;
        file.seek(SeekFrom::Start(offset)).and_then(|_| file.write_all(bytes)).map_err(store_error)
    }

    fn set_length(&mut self, file: StoreFile, length: u64) -> Result<(), StoreError> {
        self.opened(file)?.set_len(length).map_err(store_error)
    }

    fn flush(&mut self, file: StoreFile) -> Result<(), StoreError> {
        self.opened(file)?.sync_all().map_err(store_error)
    }

    #[cfg(unix)]
    fn space(&mut self) -> Result<VolumeSpace, StoreError> {
        let found = rustix::fs::fstatvfs(&self.root).map_err(|error| store_error(error.into()))?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(VolumeSpace { total: bytes(found.f_blocks), free: bytes(found.f_bavail) })
    }

    #[cfg(not(unix))]
    fn space(&mut self) -> Result<VolumeSpace, StoreError> {
        Err(StoreError::Unsupported)
    }
}

fn describe(metadata: &HostMetadata) -> Metadata {
    let is_folder = metadata.is_dir();
    let archive = if is_folder { 0 } else { FILE_ATTRIBUTE_ARCHIVE };
    let read_only = if metadata.permissions().readonly() { FILE_ATTRIBUTE_READONLY } else { 0 };
    let written = metadata.modified().map_or_else(|_| NtTime::default(), |time| nt_time(time.into_std()));
    let or_written =
        |time: io::Result<cap_std::time::SystemTime>| time.map_or(written, |time| nt_time(time.into_std()));
    let (created, accessed) = (or_written(metadata.created()), or_written(metadata.accessed()));
    let length = if is_folder { 0 } else { metadata.len() };
    let changed = changed(metadata).unwrap_or(written);
    Metadata { is_folder, attributes: archive | read_only, length, created, accessed, written, changed }
}

/// Rights with or without writing. Nobody but the owner gets it back.
#[cfg(unix)]
fn with_read_only(mut rights: Permissions, is_read_only: bool) -> Permissions {
    use cap_std::fs::PermissionsExt;
    let mode = rights.mode();
    rights.set_mode(if is_read_only { mode & !0o222 } else { mode | 0o200 });
    rights
}

#[cfg(not(unix))]
fn with_read_only(mut rights: Permissions, is_read_only: bool) -> Permissions {
    rights.set_readonly(is_read_only);
    rights
}

/// What an error of the host is for the machine.
#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub fn store_error(error: io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::NotFound => StoreError::NotFound,
        ErrorKind::AlreadyExists => StoreError::Exists,
        ErrorKind::NotADirectory | ErrorKind::IsADirectory => StoreError::WrongKind,
        ErrorKind::DirectoryNotEmpty => StoreError::NotEmpty,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::Denied,
        ErrorKind::InvalidFilename => StoreError::InvalidName,
        ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy => StoreError::InUse,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => StoreError::Full,
        ErrorKind::Unsupported => StoreError::Unsupported,
        ErrorKind::BrokenPipe => StoreError::Closed,
        // EMFILE and ENFILE have no kind of their own.
        _ if cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24)) => StoreError::TooMany,
        _ => StoreError::Failed,
    }
}
