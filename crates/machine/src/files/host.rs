//! What the machine asks of its host: a granted folder and a console. Plain data in, plain data out.
//!
//! Everything outside that a guest can see of files and console comes through these traits, so that a wrapper can
//! record it and give it again.

use crate::files::name::{fold, is_valid};
use crate::files::status;
use crate::memory::NtStatus;

/// A moment, in units of 100 ns since 1601-01-01 00:00 UTC, as NT keeps it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct NtTime(pub i64);

/// A folder.
pub const FILE_ATTRIBUTE_DIRECTORY: u32 = 0x10;
/// A file that may not be written or deleted.
pub const FILE_ATTRIBUTE_READONLY: u32 = 0x1;
/// A file that casual listings leave out.
pub const FILE_ATTRIBUTE_HIDDEN: u32 = 0x2;
/// A file of the system.
pub const FILE_ATTRIBUTE_SYSTEM: u32 = 0x4;
/// A file that changed since it was last backed up.
pub const FILE_ATTRIBUTE_ARCHIVE: u32 = 0x20;
/// No other attribute.
pub const FILE_ATTRIBUTE_NORMAL: u32 = 0x80;

/// What a store knows of a file or folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Metadata {
    /// Whether it is a folder.
    pub is_folder: bool,
    /// `FILE_ATTRIBUTE_*` but for directory and normal, which follow.
    pub attributes: u32,
    /// Bytes of its data; 0 of a folder.
    pub length: u64,
    /// When it was made.
    pub created: NtTime,
    /// When it was last read.
    pub accessed: NtTime,
    /// When its data were last written.
    pub written: NtTime,
    /// When anything of it was last changed.
    pub changed: NtTime,
}

impl Metadata {
    /// The attributes as NT shows them: directory added, normal when there is no other.
    pub const fn shown_attributes(&self) -> u32 {
        let folder = if self.is_folder { FILE_ATTRIBUTE_DIRECTORY } else { 0 };
        match (self.attributes & !(FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_DIRECTORY)) | folder {
            0 => FILE_ATTRIBUTE_NORMAL,
            attributes => attributes,
        }
    }
}

/// What is to be changed of a file or folder; `None` stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MetadataChange {
    /// All attributes.
    pub attributes: Option<u32>,
    /// When it was made.
    pub created: Option<NtTime>,
    /// When it was last read.
    pub accessed: Option<NtTime>,
    /// When its data were last written.
    pub written: Option<NtTime>,
}

/// Room on the volume of a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct VolumeSpace {
    /// Bytes in all.
    pub total: u64,
    /// Bytes that can still be written.
    pub free: u64,
}

/// Why a store refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum StoreError {
    /// The name does not exist.
    NotFound,
    /// The name exists.
    Exists,
    /// A folder where a file is needed, or the other way round.
    WrongKind,
    /// The folder is not empty.
    NotEmpty,
    /// The host's rights forbid it, or the path leads out of the granted folder.
    Denied,
    /// The host cannot have such a name.
    InvalidName,
    /// Another program of the host uses it.
    InUse,
    /// No room left.
    Full,
    /// Too many files are open.
    TooMany,
    /// The host cannot do it.
    Unsupported,
    /// Nobody reads what is written.
    Closed,
    /// Reading or writing failed.
    Failed,
}

impl StoreError {
    /// The status that a guest sees.
    pub const fn status(self) -> NtStatus {
        match self {
            Self::NotFound => status::OBJECT_NAME_NOT_FOUND,
            Self::Exists => status::OBJECT_NAME_COLLISION,
            Self::WrongKind => status::OBJECT_PATH_NOT_FOUND,
            Self::NotEmpty => status::DIRECTORY_NOT_EMPTY,
            Self::Denied => status::ACCESS_DENIED,
            Self::InvalidName => status::OBJECT_NAME_INVALID,
            Self::InUse => status::SHARING_VIOLATION,
            Self::Full => status::DISK_FULL,
            Self::TooMany => status::TOO_MANY_OPENED_FILES,
            Self::Unsupported => status::NOT_SUPPORTED,
            Self::Closed => status::PIPE_CLOSING,
            Self::Failed => status::DEVICE_DATA_ERROR,
        }
    }
}

impl From<StoreError> for NtStatus {
    fn from(error: StoreError) -> Self {
        error.status()
    }
}

/// The number of a file that a store has open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub struct StoreFile(pub u32);

/// A tree of files: a granted folder of the host, or memory.
///
/// A path is the names from the root of the tree down, empty for the root itself, spelled as [`FileStore::find`] told
/// but for its last name. A store leads nowhere out of its tree.
pub trait FileStore {
    /// What is known of a file or folder.
    fn metadata(&mut self, path: &[String]) -> Result<Metadata, StoreError>;
    /// The entry at a path, however the last name is written: as it is spelled, and what is known of it. This is for
    /// stores that tell upper from lower case: a name just as it is asked for comes before others.
    fn find(&mut self, path: &[String]) -> Result<Option<(String, Metadata)>, StoreError> {
        let Some((name, folder)) = path.split_last() else {
            return self.metadata(path).map(|metadata| Some((String::new(), metadata)));
        };
        match self.metadata(path) {
            Ok(metadata) => Ok(Some((name.clone(), metadata))),
            Err(StoreError::NotFound | StoreError::WrongKind) => self.find_in_list(folder, name),
            Err(error) => Err(error),
        }
    }
    /// The entry of a folder with a name, whatever its case, found by reading the folder; the first by spelling.
    fn find_in_list(&mut self, folder: &[String], name: &str) -> Result<Option<(String, Metadata)>, StoreError> {
        let entries = match self.list(folder) {
            Ok(entries) => entries,
            Err(StoreError::NotFound | StoreError::WrongKind) => return Ok(None),
            Err(error) => return Err(error),
        };
        let wanted = fold(name);
        let equal = entries.into_iter().filter(|(name, _)| fold(name) == wanted && is_valid(name));
        Ok(equal.min_by(|(one, _), (other, _)| one.cmp(other)))
    }
    /// The entries of a folder, in any order; names that are not Unicode are left out.
    fn list(&mut self, folder: &[String]) -> Result<Vec<(String, Metadata)>, StoreError>;
    /// Makes an empty file. Fails when the name exists.
    fn create_file(&mut self, path: &[String]) -> Result<(), StoreError>;
    /// Makes a folder. Fails when the name exists.
    fn create_folder(&mut self, path: &[String]) -> Result<(), StoreError>;
    /// Removes a file or an empty folder.
    fn remove(&mut self, path: &[String]) -> Result<(), StoreError>;
    /// Renames a file or folder; a file takes the place of a file with the new name.
    fn rename(&mut self, from: &[String], to: &[String]) -> Result<(), StoreError>;
    /// Changes attributes and times. `Unsupported`, and nothing changed, when the store cannot keep one of them.
    fn change(&mut self, path: &[String], change: &MetadataChange) -> Result<(), StoreError>;
    /// Opens a file for its data.
    fn open(&mut self, path: &[String], is_writable: bool) -> Result<StoreFile, StoreError>;
    /// Forgets an open file.
    fn close(&mut self, file: StoreFile);
    /// Bytes of an open file now.
    fn length(&mut self, file: StoreFile) -> Result<u64, StoreError>;
    /// Reads from `offset` on; fewer bytes than asked only at the end.
    fn read(&mut self, file: StoreFile, offset: u64, bytes: &mut [u8]) -> Result<usize, StoreError>;
    /// Writes all bytes from `offset` on; a gap before it reads as zero.
    fn write(&mut self, file: StoreFile, offset: u64, bytes: &[u8]) -> Result<(), StoreError>;
    /// Cuts or lengthens with zeroes.
    fn set_length(&mut self, file: StoreFile, length: u64) -> Result<(), StoreError>;
    /// Sees to it that what was written outlasts the host's power.
    fn flush(&mut self, file: StoreFile) -> Result<(), StoreError>;
    /// Room on the volume.
    fn space(&mut self) -> Result<VolumeSpace, StoreError>;
}

/// The three ends of the console.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub enum ConsoleEnd {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// What the host has at an end of the console; decides `GetFileType` and `GetConsoleMode`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub enum ConsoleKind {
    /// A terminal with lines; has a console mode.
    Terminal,
    /// A character device without a console mode.
    #[default]
    Character,
    /// A pipe or file of the host, shown as a pipe.
    Pipe,
}

/// What came from standard input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum ConsoleInput {
    /// So many bytes, at least one.
    Bytes(usize),
    /// It is closed; nothing will come.
    End,
    /// Nothing has come yet; ask again later.
    NotYet,
}

/// Standard input, output and error of the guest.
pub trait Console {
    /// What is there.
    fn kind(&mut self, end: ConsoleEnd) -> ConsoleKind;
    /// Bytes of standard input; may block until some have come.
    fn read(&mut self, bytes: &mut [u8]) -> Result<ConsoleInput, StoreError>;
    /// Writes all bytes to an output.
    fn write(&mut self, end: ConsoleEnd, bytes: &[u8]) -> Result<(), StoreError>;
}

/// What a host gives to a machine.
pub trait Host {
    /// The granted folder, the guest's `C:\`; `None` when there is none.
    fn files(&mut self) -> Option<&mut dyn FileStore>;
    /// The console.
    fn console(&mut self) -> &mut dyn Console;
}
