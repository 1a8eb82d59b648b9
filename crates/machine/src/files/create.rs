//! `NtCreateFile` and `NtOpenFile`: parameters, then the name, then what it leads to.

use crate::files::Files;
use crate::files::access::{
    DELETE, FILE_ALL_ACCESS, FILE_APPEND_DATA, FILE_READ_DATA, MAXIMUM_ALLOWED, OVERWRITES, SYNCHRONIZE, map_generic,
};
use crate::files::host::ConsoleEnd;
use crate::files::name::{Destination, absolute, pipe, relative, text};
use crate::files::object::{DELETE_ON_CLOSE, Device, FileNumber, FileObject, SYNCHRONOUS};
use crate::files::status;
use crate::memory::{FileIdentity, NtStatus};

/// Replace the file if it exists.
pub const FILE_SUPERSEDE: u32 = 0;
/// Open; it must exist.
pub const FILE_OPEN: u32 = 1;
/// Make; it must not exist.
pub const FILE_CREATE: u32 = 2;
/// Open or make.
pub const FILE_OPEN_IF: u32 = 3;
/// Open and empty; it must exist.
pub const FILE_OVERWRITE: u32 = 4;
/// Open and empty, or make.
pub const FILE_OVERWRITE_IF: u32 = 5;

pub(crate) const DIRECTORY_FILE: u32 = 0x1;
const NO_INTERMEDIATE_BUFFERING: u32 = 0x8;
const COMPLETE_IF_OPLOCKED: u32 = 0x100;
const RESERVE_OPFILTER: u32 = 0x10_0000;
const VALID_OPTIONS: u32 = 0xff_ffff;
/// Options that may come with `FILE_DIRECTORY_FILE`: write through, synchronous, oplocks, remote instance, delete on
/// close, by id, backup, reparse point, free space query.
const DIRECTORY_OPTIONS: u32 = 0xa0_7533;
const VALID_ATTRIBUTES: u32 = 0x7fb7;

/// The name in an `OBJECT_ATTRIBUTES`. A `UNICODE_STRING` of an odd length is `OBJECT_NAME_INVALID` before this.
#[derive(Clone, Copy, Debug)]
pub struct ObjectName<'a> {
    /// The folder, or the pipe device, at which it begins.
    pub root: Option<FileNumber>,
    /// Its units.
    pub name: &'a [u16],
}

/// The other arguments of `NtCreateFile`; of `NtOpenFile` with the disposition `FILE_OPEN` and no attributes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreateRequest {
    /// Access that is asked for, generic rights allowed.
    pub access: u32,
    /// Attributes of a file that is made.
    pub attributes: u32,
    /// What others may do meanwhile.
    pub share: u32,
    /// One of `FILE_SUPERSEDE` to `FILE_OVERWRITE_IF`.
    pub disposition: u32,
    /// `FILE_*` options.
    pub options: u32,
}

/// A file object that was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Created {
    /// Its number.
    pub file: FileNumber,
    /// Access for the handle.
    pub granted: u32,
    /// For the status block: superseded 0, opened 1, created 2, overwritten 3.
    pub information: u32,
}

impl CreateRequest {
    /// The checks that the input/output system makes before it looks at the name.
    pub(crate) fn check(&self) -> Result<(), NtStatus> {
        let options = self.options;
        let has = |bits: u32| options & bits == bits;
        let is_folder = options & DIRECTORY_FILE != 0;
        let is_wrong = self.attributes & !VALID_ATTRIBUTES != 0
            || self.share & !7 != 0
            || self.disposition > FILE_OVERWRITE_IF
            || options & !VALID_OPTIONS != 0
            || options & SYNCHRONOUS != 0 && self.access & SYNCHRONIZE == 0
            || options & DELETE_ON_CLOSE != 0 && map_generic(self.access) & (DELETE | MAXIMUM_ALLOWED) == 0
            || has(SYNCHRONOUS)
            || has(COMPLETE_IF_OPLOCKED | RESERVE_OPFILTER)
            || has(NO_INTERMEDIATE_BUFFERING) && self.access & FILE_APPEND_DATA != 0
            || is_folder && options & !DIRECTORY_OPTIONS != 0
            || is_folder && ![FILE_OPEN, FILE_CREATE, FILE_OPEN_IF].contains(&self.disposition);
        if is_wrong { Err(status::INVALID_PARAMETER) } else { Ok(()) }
    }

    pub(crate) const fn overwrites(&self) -> bool {
        matches!(self.disposition, FILE_SUPERSEDE | FILE_OVERWRITE | FILE_OVERWRITE_IF)
    }

    /// What sharing is checked with: overwriting counts as writing, superseding as deleting.
    pub(crate) const fn shared_access(&self, granted: u32) -> u32 {
        match self.disposition {
            FILE_SUPERSEDE => granted | DELETE,
            FILE_OVERWRITE | FILE_OVERWRITE_IF => granted | OVERWRITES,
            _ => granted,
        }
    }
}

impl Files {
    /// Opens or makes what a name leads to.
    ///
    /// # Errors
    /// The status codes of `NtCreateFile`, as `docs/kernel_files.md` lists them.
    pub fn create(&mut self, name: ObjectName<'_>, request: &CreateRequest) -> Result<Created, NtStatus> {
        request.check()?;
        let access = map_generic(request.access);
        if access == 0 {
            return Err(status::ACCESS_DENIED);
        }
        let device = match self.destination(name)? {
            Destination::Disk(name) => return self.create_on_disk(&name, request, access),
            Destination::Pipe(name) => return self.open_pipe(&name, request, access),
            Destination::Volume => Device::Volume,
            Destination::Null => Device::Null,
            Destination::Console if access & FILE_READ_DATA != 0 => Device::Console(ConsoleEnd::Input),
            Destination::Console => Device::Console(ConsoleEnd::Output),
            Destination::ConsoleInput => Device::Console(ConsoleEnd::Input),
            Destination::ConsoleOutput => Device::Console(ConsoleEnd::Output),
            Destination::PipeFolder => Device::PipeFolder,
        };
        if request.options & DIRECTORY_FILE != 0 && device != Device::PipeFolder {
            return Err(status::NOT_A_DIRECTORY);
        }
        Ok(self.created(device, request, grant(access, 0), FILE_OPEN))
    }

    /// A file object for an end of the console: a standard handle of the first process.
    pub fn open_console(&mut self, end: ConsoleEnd) -> Created {
        let (disposition, options, share) = (FILE_OPEN, SYNCHRONOUS & 0x20, 3);
        let request = CreateRequest { access: FILE_ALL_ACCESS, attributes: 0, share, disposition, options };
        self.created(Device::Console(end), &request, FILE_ALL_ACCESS, FILE_OPEN)
    }

    /// What a name leads to.
    pub(crate) fn destination(&self, name: ObjectName<'_>) -> Result<Destination, NtStatus> {
        let text = text(name.name)?;
        let Some(root) = name.root else { return absolute(&text) };
        match self.objects.get(root)?.device {
            Device::Disk(identity) => self.below(identity, &text),
            Device::PipeFolder => Ok(pipe(&text)),
            _ => Err(status::OBJECT_NAME_INVALID),
        }
    }

    /// A name below an open folder; an empty one is the folder, or file, itself.
    fn below(&self, identity: FileIdentity, text: &str) -> Result<Destination, NtStatus> {
        let node = self.nodes.get(identity)?;
        if text.starts_with('\\') {
            return Err(status::INVALID_PARAMETER);
        }
        let mut name = relative(text)?;
        if !node.is_folder && !name.names.is_empty() {
            return Err(status::OBJECT_PATH_NOT_FOUND);
        }
        name.names.splice(0..0, node.path.iter().cloned());
        Ok(Destination::Disk(name))
    }

    /// Makes the file object.
    pub(crate) fn created(
        &mut self,
        device: Device,
        request: &CreateRequest,
        granted: u32,
        information: u32,
    ) -> Created {
        let object = FileObject::new(device, granted, request.share, request.options);
        Created { file: self.objects.insert(object), granted, information }
    }
}

/// The access of the handle: what was asked, or all that is not denied.
pub(crate) const fn grant(access: u32, denied: u32) -> u32 {
    if access & MAXIMUM_ALLOWED == 0 { access } else { (access | FILE_ALL_ACCESS) & !MAXIMUM_ALLOWED & !denied }
}
