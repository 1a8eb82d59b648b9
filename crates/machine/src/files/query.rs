//! `NtQueryInformationFile`, `NtQueryAttributesFile` and `NtQueryFullAttributesFile`: information classes as bytes.

use crate::files::Files;
use crate::files::access::FILE_READ_ATTRIBUTES;
use crate::files::create::ObjectName;
use crate::files::host::{FILE_ATTRIBUTE_NORMAL, Metadata};
use crate::files::name::Destination;
use crate::files::object::{DELETE_ON_CLOSE, Device, FileHandle, FileObject, SYNCHRONOUS};
use crate::files::raw::{Raw, text_bytes};
use crate::files::status;
use crate::files::transfer::Answer;
use crate::memory::{FileIdentity, NtStatus};

/// Bytes of a cluster, in which room on the volume is given.
pub(crate) const CLUSTER_BYTES: u64 = 4096;

pub(crate) const BASIC: u32 = 4;
const STANDARD: u32 = 5;
const INTERNAL: u32 = 6;
const EA: u32 = 7;
const ACCESS: u32 = 8;
const NAME: u32 = 9;
pub(crate) const POSITION: u32 = 14;
pub(crate) const MODE: u32 = 16;
const ALIGNMENT: u32 = 17;
const ALL: u32 = 18;
const ALTERNATE_NAME: u32 = 21;
pub(crate) const PIPE: u32 = 23;
const PIPE_LOCAL: u32 = 24;
const NETWORK_OPEN: u32 = 34;
const ATTRIBUTE_TAG: u32 = 35;

/// Class, size of its structure, access that the handle must have.
const CLASSES: [(u32, u32, u32); 15] = [
    (BASIC, 40, FILE_READ_ATTRIBUTES),
    (STANDARD, 24, 0),
    (INTERNAL, 8, 0),
    (EA, 4, 0),
    (ACCESS, 4, 0),
    (NAME, 8, 0),
    (POSITION, 8, 0),
    (MODE, 4, 0),
    (ALIGNMENT, 4, 0),
    (ALL, 104, FILE_READ_ATTRIBUTES),
    (ALTERNATE_NAME, 8, 0),
    (PIPE, 8, FILE_READ_ATTRIBUTES),
    (PIPE_LOCAL, 40, FILE_READ_ATTRIBUTES),
    (NETWORK_OPEN, 56, FILE_READ_ATTRIBUTES),
    (ATTRIBUTE_TAG, 8, FILE_READ_ATTRIBUTES),
];
/// Options that `FileModeInformation` shows: write through, sequential, unbuffered, synchronous, delete on close.
const SHOWN_OPTIONS: u32 = 0xe | SYNCHRONOUS | DELETE_ON_CLOSE;

/// What the classes are made of, for a file or a device.
struct Facts {
    metadata: Metadata,
    allocation: u64,
    links: u32,
    is_delete_pending: bool,
    index: u64,
    name: String,
}

impl Files {
    /// What `NtQueryInformationFile` writes into a buffer of `length` bytes.
    ///
    /// # Errors
    /// `INVALID_INFO_CLASS`, `INFO_LENGTH_MISMATCH`, `ACCESS_DENIED`, `INVALID_DEVICE_REQUEST`.
    pub fn query_information(&mut self, handle: FileHandle, class: u32, length: u32) -> Result<Answer, NtStatus> {
        let known = CLASSES.iter().find(|(known, ..)| *known == class);
        let &(_, size, access) = known.ok_or(status::INVALID_INFO_CLASS)?;
        if length < size {
            return Err(status::INFO_LENGTH_MISMATCH);
        }
        let object = self.object(handle, access)?.clone();
        let bytes = match class {
            ACCESS => Raw::default().u32(handle.granted),
            POSITION => Raw::default().u64(object.position),
            MODE => Raw::default().u32(object.options & SHOWN_OPTIONS),
            ALIGNMENT => Raw::default().u32(0),
            PIPE | PIPE_LOCAL => self.pipe_information(&object, class)?,
            _ => class_bytes(class, handle, &object, &self.facts(&object)?)?,
        };
        Ok(Answer::cut(bytes.0, length))
    }

    fn pipe_information(&self, object: &FileObject, class: u32) -> Result<Raw, NtStatus> {
        match object.device {
            Device::Pipe(end) if class == PIPE => self.pipes.modes(end),
            Device::Pipe(end) => self.pipes.describe(end),
            _ => Err(status::INVALID_PARAMETER),
        }
    }

    fn facts(&mut self, object: &FileObject) -> Result<Facts, NtStatus> {
        let device = |length, allocation, is_delete_pending, name| Facts {
            metadata: Metadata { length, attributes: FILE_ATTRIBUTE_NORMAL, ..Metadata::default() },
            allocation,
            links: 1,
            is_delete_pending,
            index: 0,
            name,
        };
        match object.device {
            Device::Disk(identity) => self.disk_facts(identity),
            Device::Null => Ok(device(0, 0, false, String::new())),
            Device::Pipe(end) => {
                let (name, quota, available) = self.pipes.facts(end)?;
                Ok(device(u64::from(available), u64::from(quota), true, format!("\\{name}")))
            }
            Device::Console(_) | Device::Volume | Device::PipeFolder => Err(status::INVALID_DEVICE_REQUEST),
        }
    }

    fn disk_facts(&mut self, identity: FileIdentity) -> Result<Facts, NtStatus> {
        let metadata = self.node_metadata(identity)?;
        let node = self.nodes.get(identity)?;
        Ok(Facts {
            metadata,
            allocation: allocation(&metadata),
            links: u32::from(!node.is_delete_pending),
            is_delete_pending: node.is_delete_pending,
            index: node.index,
            name: format!("\\{}", node.path.join("\\")),
        })
    }

    /// What `NtQueryAttributesFile` writes, or `NtQueryFullAttributesFile`: the 40 bytes of `FILE_BASIC_INFORMATION`,
    /// or the 56 of `FILE_NETWORK_OPEN_INFORMATION`.
    ///
    /// # Errors
    /// Those of opening the file for its attributes.
    pub fn query_attributes(&mut self, name: ObjectName<'_>, is_full: bool) -> Result<Vec<u8>, NtStatus> {
        let Destination::Disk(name) = self.destination(name)? else {
            return Err(status::INVALID_DEVICE_REQUEST);
        };
        let lookup = self.lookup(&name.names)?;
        if self.nodes.find(&lookup.path).is_some_and(|node| node.is_delete_pending) {
            return Err(status::DELETE_PENDING);
        }
        let metadata = lookup.found.ok_or(status::OBJECT_NAME_NOT_FOUND)?.metadata;
        if name.is_folder && !metadata.is_folder {
            return Err(status::OBJECT_NAME_INVALID);
        }
        Ok(if is_full { network_open(&metadata, allocation(&metadata)).0 } else { basic(&metadata).0 })
    }
}

/// Bytes that a file takes on the volume: whole clusters.
pub(crate) fn allocation(metadata: &Metadata) -> u64 {
    metadata.length.checked_next_multiple_of(CLUSTER_BYTES).unwrap_or(metadata.length)
}

/// The four times of a file.
pub(crate) fn times(raw: Raw, metadata: &Metadata) -> Raw {
    raw.i64(metadata.created.0).i64(metadata.accessed.0).i64(metadata.written.0).i64(metadata.changed.0)
}

fn basic(metadata: &Metadata) -> Raw {
    times(Raw::default(), metadata).u32(metadata.shown_attributes()).u32(0)
}

fn network_open(metadata: &Metadata, allocation: u64) -> Raw {
    times(Raw::default(), metadata).u64(allocation).u64(metadata.length).u32(metadata.shown_attributes()).u32(0)
}

fn standard(raw: Raw, facts: &Facts) -> Raw {
    let raw = raw.u64(facts.allocation).u64(facts.metadata.length).u32(facts.links);
    raw.u8(u8::from(facts.is_delete_pending)).u8(u8::from(facts.metadata.is_folder)).u8(0).u8(0)
}

fn name(raw: Raw, facts: &Facts) -> Raw {
    raw.u32(text_bytes(&facts.name)).text(&facts.name)
}

/// `FILE_ALL_INFORMATION` is basic, standard, internal, EA, access, position, mode, alignment and name in a row.
fn all(handle: FileHandle, object: &FileObject, facts: &Facts) -> Raw {
    let raw = standard(basic(&facts.metadata), facts).u64(facts.index).u32(0).u32(handle.granted);
    name(raw.u64(object.position).u32(object.options & SHOWN_OPTIONS).u32(0), facts)
}

fn class_bytes(class: u32, handle: FileHandle, object: &FileObject, facts: &Facts) -> Result<Raw, NtStatus> {
    Ok(match class {
        BASIC => basic(&facts.metadata),
        STANDARD => standard(Raw::default(), facts),
        INTERNAL => Raw::default().u64(facts.index),
        EA => Raw::default().u32(0),
        NAME => name(Raw::default(), facts),
        ALL => all(handle, object, facts),
        NETWORK_OPEN => network_open(&facts.metadata, facts.allocation),
        ATTRIBUTE_TAG => Raw::default().u32(facts.metadata.shown_attributes()).u32(0),
        ALTERNATE_NAME => return Err(status::OBJECT_NAME_NOT_FOUND),
        _ => return Err(status::INVALID_PARAMETER),
    })
}
