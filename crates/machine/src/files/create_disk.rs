//! A file or folder of the volume is opened or made: kind, access, sharing, in this order.

use crate::files::Files;
use crate::files::access::{
    CHANGES_DATA, DELETE, FILE_APPEND_DATA, FILE_EXECUTE, FILE_READ_DATA, FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA,
};
use crate::files::create::{CreateRequest, Created, DIRECTORY_FILE, FILE_CREATE, FILE_OPEN, FILE_OVERWRITE, grant};
use crate::files::host::{
    FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_SYSTEM, Metadata,
    MetadataChange, StoreError,
};
use crate::files::lookup::{Found, Lookup};
use crate::files::name::DiskName;
use crate::files::object::{DELETE_ON_CLOSE, Device};
use crate::files::status;
use crate::memory::{FileIdentity, NtStatus};

const NON_DIRECTORY_FILE: u32 = 0x40;
const OPEN_BY_FILE_ID: u32 = 0x2000;
/// Attributes that a file keeps from its creation: read-only, hidden, system, archive, temporary, offline, not indexed.
const KEPT_ATTRIBUTES: u32 = 0x3127;

impl Files {
    /// Opens or makes what a path of the volume names.
    pub(crate) fn create_on_disk(
        &mut self,
        name: &DiskName,
        request: &CreateRequest,
        access: u32,
    ) -> Result<Created, NtStatus> {
        if request.options & DIRECTORY_FILE != 0 && request.options & NON_DIRECTORY_FILE != 0 {
            return Err(status::INVALID_PARAMETER);
        }
        if request.options & OPEN_BY_FILE_ID != 0 {
            return Err(status::NOT_SUPPORTED);
        }
        let lookup = self.lookup(&name.names)?;
        if self.nodes.find(&lookup.path).is_some_and(|node| node.is_delete_pending) {
            return Err(status::DELETE_PENDING);
        }
        match lookup.found {
            Some(found) => self.open_existing(&lookup.path, found, name.is_folder, request, access),
            None => self.make(lookup, name.is_folder, request, access),
        }
    }

    /// The name does not exist.
    fn make(
        &mut self,
        lookup: Lookup,
        is_folder_name: bool,
        request: &CreateRequest,
        access: u32,
    ) -> Result<Created, NtStatus> {
        let is_folder = request.options & DIRECTORY_FILE != 0;
        if matches!(request.disposition, FILE_OPEN | FILE_OVERWRITE) {
            return Err(status::OBJECT_NAME_NOT_FOUND);
        }
        if is_folder_name && !is_folder {
            return Err(status::OBJECT_NAME_INVALID);
        }
        let is_read_only = request.attributes & FILE_ATTRIBUTE_READONLY != 0;
        if is_read_only && !is_folder && request.options & DELETE_ON_CLOSE != 0 {
            return Err(status::CANNOT_DELETE);
        }
        let (_, folder) = lookup.path.split_last().ok_or(status::OBJECT_NAME_INVALID)?;
        self.check_folder(folder)?;
        let path = lookup.path;
        if is_folder {
            self.store().create_folder(&path)?;
        } else {
            self.store().create_file(&path)?;
        }
        let identity = self.nodes.acquire(path.clone(), is_folder, false);
        let granted = grant(access, 0);
        let opened = self.open_node(identity, request, granted);
        if let Err(status) = opened.and_then(|()| self.set_first_attributes(&path, is_folder, request.attributes)) {
            self.release_node(identity);
            return Err(status);
        }
        Ok(self.created(Device::Disk(identity), request, granted, 2))
    }

    /// Attributes that a store cannot keep are left out when a file is made, as on a file system without them.
    fn set_first_attributes(&mut self, path: &[String], is_folder: bool, attributes: u32) -> Result<(), NtStatus> {
        let usual = if is_folder { 0 } else { FILE_ATTRIBUTE_ARCHIVE };
        let attributes = attributes & KEPT_ATTRIBUTES | usual;
        if attributes == usual {
            return Ok(());
        }
        let change = |attributes| MetadataChange { attributes: Some(attributes), ..MetadataChange::default() };
        match self.store().change(path, &change(attributes)) {
            Err(StoreError::Unsupported) if attributes & FILE_ATTRIBUTE_READONLY != 0 => {
                Ok(self.store().change(path, &change(usual | FILE_ATTRIBUTE_READONLY))?)
            }
            Err(StoreError::Unsupported) => Ok(()),
            result => Ok(result?),
        }
    }

    /// The name exists.
    fn open_existing(
        &mut self,
        path: &[String],
        found: Found,
        is_folder_name: bool,
        request: &CreateRequest,
        access: u32,
    ) -> Result<Created, NtStatus> {
        check_kind(&found.metadata, is_folder_name, request)?;
        let denied = self.denied(path, &found);
        if request.overwrites() && (found.is_given || hides(&found.metadata, request)) {
            return Err(status::ACCESS_DENIED);
        }
        let is_read_only = found.metadata.attributes & FILE_ATTRIBUTE_READONLY != 0 && !found.metadata.is_folder;
        if access & denied != 0 || request.overwrites() && is_read_only {
            return Err(status::ACCESS_DENIED);
        }
        if request.options & DELETE_ON_CLOSE != 0 && (is_read_only || path.is_empty()) {
            return Err(status::CANNOT_DELETE);
        }
        let granted = grant(access, denied);
        let identity = self.nodes.acquire(path.to_vec(), found.metadata.is_folder, found.is_given);
        let opened = self.open_checked(identity, path, request, granted);
        if let Err(status) = opened {
            self.release_node(identity);
            return Err(status);
        }
        let information = if !request.overwrites() {
            FILE_OPEN
        } else if request.disposition == 0 {
            0
        } else {
            3
        };
        Ok(self.created(Device::Disk(identity), request, granted, information))
    }

    fn open_checked(
        &mut self,
        identity: FileIdentity,
        path: &[String],
        request: &CreateRequest,
        granted: u32,
    ) -> Result<(), NtStatus> {
        let node = self.nodes.get(identity)?;
        node.share.check(request.shared_access(granted), request.share)?;
        if node.image_sections > 0 && request.shared_access(granted) & FILE_WRITE_DATA != 0 {
            return Err(status::SHARING_VIOLATION);
        }
        if request.options & DELETE_ON_CLOSE != 0 {
            node.check_delete()?;
        }
        if request.overwrites() {
            if node.is_mapped() {
                return Err(status::USER_MAPPED_FILE);
            }
            let file = self.open_data(identity, true)?;
            self.store().set_length(file, 0)?;
            self.set_first_attributes(path, false, request.attributes)?;
        }
        self.open_node(identity, request, granted)
    }

    /// Opens the data where the access needs it, and counts the open.
    fn open_node(&mut self, identity: FileIdentity, request: &CreateRequest, granted: u32) -> Result<(), NtStatus> {
        let node = self.nodes.get(identity)?;
        let is_data = granted & (FILE_READ_DATA | FILE_EXECUTE | FILE_WRITE_DATA | FILE_APPEND_DATA) != 0;
        if is_data && !node.is_folder && !node.is_given {
            self.open_data(identity, granted & (FILE_WRITE_DATA | FILE_APPEND_DATA) != 0)?;
        }
        self.nodes.get_mut(identity)?.open(granted, request.share);
        Ok(())
    }

    /// Access that a file or folder cannot have: writing of a read-only file, any change of a given one, deletion
    /// and new names where given files lie.
    fn denied(&self, path: &[String], found: &Found) -> u32 {
        let is_given_folder = found.metadata.is_folder && self.check_folder(path).is_err();
        if found.is_given || is_given_folder {
            return CHANGES_DATA | FILE_WRITE_ATTRIBUTES | DELETE;
        }
        let is_read_only = found.metadata.attributes & FILE_ATTRIBUTE_READONLY != 0;
        if is_read_only && !found.metadata.is_folder { CHANGES_DATA } else { 0 }
    }
}

/// Whether what exists is what was asked for.
fn check_kind(metadata: &Metadata, is_folder_name: bool, request: &CreateRequest) -> Result<(), NtStatus> {
    let wants_folder = request.options & DIRECTORY_FILE != 0;
    if request.disposition == FILE_CREATE {
        return Err(status::OBJECT_NAME_COLLISION);
    }
    if metadata.is_folder {
        return match request.options & NON_DIRECTORY_FILE != 0 {
            true => Err(status::FILE_IS_A_DIRECTORY),
            false if request.overwrites() => Err(status::OBJECT_NAME_COLLISION),
            false => Ok(()),
        };
    }
    match (wants_folder, is_folder_name) {
        (true, _) => Err(status::NOT_A_DIRECTORY),
        (false, true) => Err(status::OBJECT_NAME_INVALID),
        (false, false) => Ok(()),
    }
}

/// A hidden or system file is overwritten only by a request that says hidden or system too.
const fn hides(metadata: &Metadata, request: &CreateRequest) -> bool {
    metadata.attributes & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM) & !request.attributes != 0
}
