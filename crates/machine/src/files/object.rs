//! File objects: what a handle of a file, console or pipe leads to.

use crate::files::Files;
use crate::files::directory::Listing;
use crate::files::host::ConsoleEnd;
use crate::files::pipe::PipeEnd;
use crate::files::status;
use crate::memory::{FileIdentity, NtStatus};
use std::collections::BTreeMap;

/// The number of a file object: the body of the kernel's object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, serde::Serialize, serde::Deserialize)]
pub struct FileNumber(pub u32);

/// A handle of a file object: the object, and the access that this handle has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct FileHandle {
    /// The file object.
    pub file: FileNumber,
    /// Access granted to the handle.
    pub granted: u32,
}

/// What stands behind a file object.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Device {
    Disk(FileIdentity),
    Volume,
    Null,
    Console(ConsoleEnd),
    Pipe(PipeEnd),
    PipeFolder,
}

/// A file object.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct FileObject {
    pub(crate) device: Device,
    /// Access and sharing as counted in the file.
    pub(crate) access: u32,
    pub(crate) share: u32,
    /// `FILE_*` options of its creation.
    pub(crate) options: u32,
    pub(crate) position: u64,
    pub(crate) listing: Option<Listing>,
    /// The last handle is closed.
    pub(crate) is_cleaned_up: bool,
}

/// `FILE_SYNCHRONOUS_IO_ALERT` and `FILE_SYNCHRONOUS_IO_NONALERT`.
pub(crate) const SYNCHRONOUS: u32 = 0x30;
pub(crate) const DELETE_ON_CLOSE: u32 = 0x1000;

impl FileObject {
    pub(crate) const fn new(device: Device, access: u32, share: u32, options: u32) -> Self {
        Self { device, access, share, options, position: 0, listing: None, is_cleaned_up: false }
    }

    /// Whether calls on it wait and keep a position.
    pub(crate) const fn is_synchronous(&self) -> bool {
        self.options & SYNCHRONOUS != 0
    }
}

/// All file objects.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct FileObjects {
    objects: BTreeMap<FileNumber, FileObject>,
    next: u32,
}

impl FileObjects {
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    pub(crate) fn insert(&mut self, object: FileObject) -> FileNumber {
        while self.objects.contains_key(&FileNumber(self.next)) {
            self.next = self.next.wrapping_add(1);
        }
        let number = FileNumber(self.next);
        self.next = self.next.wrapping_add(1);
        self.objects.insert(number, object);
        number
    }

    pub(crate) fn get(&self, number: FileNumber) -> Result<&FileObject, NtStatus> {
        self.objects.get(&number).ok_or(status::INVALID_HANDLE)
    }

    pub(crate) fn get_mut(&mut self, number: FileNumber) -> Result<&mut FileObject, NtStatus> {
        self.objects.get_mut(&number).ok_or(status::INVALID_HANDLE)
    }
}

/// What kind of device is behind a file object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DeviceKind {
    Volume,
    Null,
    Console,
    Pipes,
}

impl Files {
    /// The device of a file object, and the name that the file has there: `\\folder\\file`, empty for the device itself.
    pub(crate) fn device_name(&self, file: FileNumber) -> Option<(DeviceKind, String)> {
        Some(match self.objects.get(file).ok()?.device {
            Device::Disk(identity) => (DeviceKind::Volume, self.path_of(identity)?),
            Device::Volume => (DeviceKind::Volume, String::new()),
            Device::Null => (DeviceKind::Null, String::new()),
            Device::Console(end) => (DeviceKind::Console, format!("\\{end:?}")),
            Device::Pipe(end) => {
                let (name, ..) = self.pipes.facts(end).ok()?;
                (DeviceKind::Pipes, format!("\\{name}"))
            }
            Device::PipeFolder => (DeviceKind::Pipes, "\\".to_owned()),
        })
    }

    /// The last handle of a file object is closed: its share of the file ends, a file to be deleted on close is
    /// deleted when this was its last open, the other end of a pipe is told.
    pub fn cleanup(&mut self, file: FileNumber) {
        let Ok(object) = self.objects.get_mut(file) else { return };
        if std::mem::replace(&mut object.is_cleaned_up, true) {
            return;
        }
        let object = object.clone();
        match object.device {
            Device::Disk(identity) => self.end_open(identity, file, &object),
            Device::Pipe(end) => self.pipes.close(end),
            _ => {}
        }
    }

    /// The last reference of a file object is gone, sections included.
    pub fn close(&mut self, file: FileNumber) {
        self.cleanup(file);
        if let Some(object) = self.objects.objects.remove(&file)
            && let Device::Disk(identity) = object.device
        {
            self.release_node(identity);
        }
    }

    /// Whether calls on the object wait until they are done: it was created with `FILE_SYNCHRONOUS_IO_*`.
    pub fn is_synchronous(&self, file: FileNumber) -> bool {
        self.objects.get(file).is_ok_and(FileObject::is_synchronous)
    }

    /// The file object of a handle with at least one of the rights in `wanted`; any when that is 0.
    pub(crate) fn object(&self, handle: FileHandle, wanted: u32) -> Result<&FileObject, NtStatus> {
        let object = self.objects.get(handle.file)?;
        if object.is_cleaned_up {
            return Err(status::FILE_CLOSED);
        }
        if wanted != 0 && handle.granted & wanted == 0 {
            return Err(status::ACCESS_DENIED);
        }
        Ok(object)
    }
}
