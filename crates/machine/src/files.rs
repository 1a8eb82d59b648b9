//! Files, the console and pipes as NT's input/output calls see them: one call here for one system call there.
//!
//! [`Files`] holds the volume `C:`, the devices, and every file object. A handler of the kernel reads the guest's
//! arguments, calls one method, and writes bytes and status back. Handles, waiting and the guest's memory are the
//! kernel's: what must wait answers [`status::PENDING`], and [`Files::take_ready`] says when to ask again.
//! The host is reached through [`Host`]. `docs/kernel_files.md` says which rule is NT's and which is our choice.

pub mod access;
mod change;
mod console;
mod control;
mod create;
mod create_disk;
mod directory;
mod expression;
mod given;
mod host;
mod lock;
mod lookup;
mod memory_store;
mod name;
mod node;
mod object;
mod pipe;
mod pipe_calls;
mod query;
mod raw;
mod rename;
mod section;
pub mod status;
mod transfer;
mod volume;

pub use create::{CreateRequest, Created, ObjectName};
pub use directory::DirectoryQuery;
pub use expression::matches;
pub use given::GivenFile;
pub use host::{
    Console, ConsoleEnd, ConsoleInput, ConsoleKind, FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_DIRECTORY,
    FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_SYSTEM, FileStore, Host,
    Metadata, MetadataChange, NtTime, StoreError, StoreFile, VolumeSpace,
};
pub use lock::LockRange;
pub use memory_store::MemoryStore;
pub(crate) use object::DeviceKind;
pub use object::{FileHandle, FileNumber};
pub use pipe_calls::PipeRequest;
pub(crate) use section::mapped_again;
pub use section::{SectionUse, section_file};
pub use transfer::{Answer, Written};

use crate::state::RecordedHost;
use console::ConsoleDevice;
use given::GivenTree;
use node::Nodes;
use object::FileObjects;
use pipe::Pipes;
use std::fmt;
use std::sync::Arc;

/// Bytes that an in-memory volume holds at most.
const MEMORY_VOLUME_BYTES: u64 = 256 << 20;

/// The volume, the devices and all file objects. A copy of it has no host: it is a state to go back to.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Files {
    host: RecordedHost,
    /// The volume where the host grants no folder.
    memory: MemoryStore,
    given: Arc<GivenTree>,
    nodes: Nodes,
    objects: FileObjects,
    console: ConsoleDevice,
    pipes: Pipes,
    /// When the volume was made, as the guest sees it.
    made: NtTime,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} file objects of {} files", self.objects.len(), self.nodes.len())
    }
}

impl Files {
    /// The files of `host` with those given over them, at a time of the guest.
    ///
    /// # Errors
    /// `OBJECT_NAME_INVALID` when the path of a given file is none that a file can have.
    pub fn new(host: Box<dyn Host>, given: Vec<GivenFile>, now: NtTime) -> Result<Self, crate::NtStatus> {
        let given = GivenTree::new(given, now).ok_or(status::OBJECT_NAME_INVALID)?;
        let memory = MemoryStore::new(MEMORY_VOLUME_BYTES, now);
        let (nodes, objects, pipes) = (Nodes::default(), FileObjects::default(), Pipes::default());
        let (host, given) = (RecordedHost::new(host), Arc::new(given));
        Ok(Self { host, memory, given, nodes, objects, console: ConsoleDevice::default(), pipes, made: now })
    }

    /// Sets the guest's time, which changes of an in-memory volume bear. A granted folder has the host's.
    pub const fn set_time(&mut self, now: NtTime) {
        self.memory.set_time(now);
    }

    /// The host, for what is not of files: it is the owner's.
    pub fn host(&mut self) -> &mut dyn Host {
        &mut self.host
    }

    /// What records the host's answers.
    pub(crate) const fn recorder(&mut self) -> &mut RecordedHost {
        &mut self.host
    }

    /// What holds the files of the volume.
    fn store(&mut self) -> &mut dyn FileStore {
        match self.host.files() {
            Some(store) => store,
            None => &mut self.memory,
        }
    }

    /// File objects waiting for which something has changed since this was last asked: try their calls again.
    pub fn take_ready(&mut self) -> Vec<FileNumber> {
        self.pipes.take_ready()
    }
}
