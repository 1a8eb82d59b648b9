//! Files that are open: one node for all opens of a file, with sharing, deletion and sections.

use crate::files::Files;
use crate::files::access::ShareAccess;
use crate::files::host::{Metadata, StoreFile};
use crate::files::lock::Locks;
use crate::files::name::key;
use crate::files::object::{DELETE_ON_CLOSE, FileNumber, FileObject};
use crate::files::section::SectionUse;
use crate::files::status;
use crate::memory::{FileIdentity, NtStatus};
use std::collections::BTreeMap;

/// A file or folder that a file object or a section refers to.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Node {
    /// Spelled as the store or the giver does.
    pub(crate) path: Vec<String>,
    pub(crate) is_folder: bool,
    /// Given by the machine's owner, not of the store.
    pub(crate) is_given: bool,
    /// Open in the store, and whether for writing.
    stored: Option<(StoreFile, bool)>,
    pub(crate) share: ShareAccess,
    /// File objects with a handle.
    opens: u32,
    /// File objects and sections.
    references: u32,
    pub(crate) image_sections: u32,
    data_sections: u32,
    pub(crate) is_delete_pending: bool,
    pub(crate) locks: Locks,
    /// `FileInternalInformation`: stays when the file is renamed while it is open.
    pub(crate) index: u64,
}

/// All nodes.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Nodes {
    nodes: BTreeMap<FileIdentity, Node>,
    by_key: BTreeMap<String, FileIdentity>,
    next: u64,
}

/// A number for a path that is the same in every run: 64-bit FNV-1a of the folded path.
pub(crate) fn index_of(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

impl Nodes {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node of a path, when the file is open.
    pub(crate) fn find(&self, names: &[String]) -> Option<&Node> {
        self.by_key.get(&key(names)).and_then(|identity| self.nodes.get(identity))
    }

    pub(crate) fn get(&self, identity: FileIdentity) -> Result<&Node, NtStatus> {
        self.nodes.get(&identity).ok_or(status::INVALID_HANDLE)
    }

    pub(crate) fn get_mut(&mut self, identity: FileIdentity) -> Result<&mut Node, NtStatus> {
        self.nodes.get_mut(&identity).ok_or(status::INVALID_HANDLE)
    }

    /// The node of a path with one more reference.
    pub(crate) fn acquire(&mut self, path: Vec<String>, is_folder: bool, is_given: bool) -> FileIdentity {
        let key = key(&path);
        if let Some(identity) = self.by_key.get(&key)
            && let Some(node) = self.nodes.get_mut(identity)
        {
            node.references = node.references.saturating_add(1);
            return *identity;
        }
        let identity = FileIdentity(self.next);
        self.next = self.next.wrapping_add(1);
        let index = index_of(&key);
        let (share, locks) = (ShareAccess::default(), Locks::default());
        let (stored, opens, references, image_sections, data_sections) = (None, 0, 1, 0, 0);
        let is_delete_pending = false;
        #[rustfmt::skip]
        let node = Node { path, is_folder, is_given, stored, share, opens, references, image_sections, data_sections,
            is_delete_pending, locks, index };
        self.by_key.insert(key, identity);
        self.nodes.insert(identity, node);
        identity
    }

    /// Whether another file inside a folder is open.
    pub(crate) fn has_open_inside(&self, folder: &[String]) -> bool {
        let prefix = key(folder) + "\\";
        self.by_key.range(prefix.clone()..).next().is_some_and(|(key, _)| key.starts_with(&prefix))
    }

    /// Gives a node another path.
    pub(crate) fn move_to(&mut self, identity: FileIdentity, path: Vec<String>) {
        if let Some(node) = self.nodes.get_mut(&identity) {
            self.by_key.remove(&key(&node.path));
            self.by_key.insert(key(&path), identity);
            node.path = path;
        }
    }
}

impl Node {
    pub(crate) const fn is_mapped(&self) -> bool {
        self.image_sections > 0 || self.data_sections > 0
    }

    /// Whether it can be deleted: no program or view of it is mapped.
    pub(crate) const fn check_delete(&self) -> Result<(), NtStatus> {
        if self.is_mapped() || self.path.is_empty() { Err(status::CANNOT_DELETE) } else { Ok(()) }
    }

    /// Counts an open that was checked.
    pub(crate) fn open(&mut self, access: u32, share: u32) {
        self.opens = self.opens.saturating_add(1);
        self.share.add(access, share);
    }

    /// Counts a section, which is a reference too.
    pub(crate) const fn retain(&mut self, as_what: SectionUse) {
        self.references = self.references.saturating_add(1);
        let count = self.sections(as_what);
        *count = count.saturating_add(1);
    }

    /// How many sections map it as a program, or as data.
    pub(crate) const fn sections(&mut self, as_what: SectionUse) -> &mut u32 {
        match as_what {
            SectionUse::Image => &mut self.image_sections,
            SectionUse::Data => &mut self.data_sections,
        }
    }
}

impl Files {
    /// What the store or the giver knows of a node now.
    pub(crate) fn node_metadata(&mut self, identity: FileIdentity) -> Result<Metadata, NtStatus> {
        let node = self.nodes.get(identity)?;
        if node.is_given {
            return self.given.metadata(&key(&node.path)).ok_or(status::OBJECT_NAME_NOT_FOUND);
        }
        let path = node.path.clone();
        Ok(self.store().metadata(&path)?)
    }

    /// Sees to it that the data of a node can be reached; the file in the store.
    pub(crate) fn open_data(&mut self, identity: FileIdentity, is_writable: bool) -> Result<StoreFile, NtStatus> {
        let node = self.nodes.get(identity)?;
        let before = node.stored;
        match before {
            Some((file, was_writable)) if was_writable || !is_writable => return Ok(file),
            _ => {}
        }
        let path = node.path.clone();
        let file = self.store().open(&path, is_writable)?;
        if let Some((file, _)) = before {
            self.store().close(file);
        }
        self.nodes.get_mut(identity)?.stored = Some((file, is_writable));
        Ok(file)
    }

    /// Closes the data of a node in the store; it is opened again when it is needed.
    pub(crate) fn suspend_data(&mut self, identity: FileIdentity) -> Result<(), NtStatus> {
        let stored = self.nodes.get_mut(identity)?.stored.take();
        self.close_data(stored);
        Ok(())
    }

    /// An open ends.
    pub(crate) fn end_open(&mut self, identity: FileIdentity, file: FileNumber, object: &FileObject) {
        if let Ok(node) = self.nodes.get_mut(identity) {
            node.opens = node.opens.saturating_sub(1);
            node.share.remove(object.access, object.share);
            node.locks.remove_owner(file);
            node.is_delete_pending |= object.options & DELETE_ON_CLOSE != 0;
        }
        self.delete_if_due(identity);
    }

    /// Drops a reference; the node goes with the last.
    pub(crate) fn release_node(&mut self, identity: FileIdentity) {
        self.delete_if_due(identity);
        let Ok(node) = self.nodes.get_mut(identity) else { return };
        node.references = node.references.saturating_sub(1);
        if node.references > 0 {
            return;
        }
        if let Some(node) = self.nodes.nodes.remove(&identity) {
            let key = key(&node.path);
            if self.nodes.by_key.get(&key) == Some(&identity) {
                self.nodes.by_key.remove(&key);
            }
            self.close_data(node.stored);
        }
    }

    fn close_data(&mut self, stored: Option<(StoreFile, bool)>) {
        if let Some((file, _)) = stored {
            self.store().close(file);
        }
    }

    /// Deletes a file whose deletion is pending when nobody has it open or mapped any more. A folder that is not
    /// empty stays, as on NT.
    fn delete_if_due(&mut self, identity: FileIdentity) {
        let Ok(node) = self.nodes.get_mut(identity) else { return };
        if !node.is_delete_pending || node.opens > 0 || node.is_mapped() || node.is_given {
            return;
        }
        node.is_delete_pending = false;
        let (path, stored) = (node.path.clone(), node.stored.take());
        self.nodes.by_key.remove(&key(&path));
        self.close_data(stored);
        // Nobody is left to be told that the host refuses.
        let _ = self.store().remove(&path);
    }
}
