//! `FileRenameInformation`: another name, or another folder of the same volume.

use crate::files::Files;
use crate::files::create::ObjectName;
use crate::files::host::FILE_ATTRIBUTE_READONLY;
use crate::files::lookup::Lookup;
use crate::files::name::{Destination, is_valid, key, text};
use crate::files::object::FileNumber;
use crate::files::raw::{read, read_text, read_u32};
use crate::files::status;
use crate::memory::{FileIdentity, NtStatus};

const BACKSLASH: u16 = b'\\' as u16;

impl Files {
    /// `FILE_RENAME_INFORMATION`: ReplaceIfExists 0, RootDirectory 4, FileNameLength 8, FileName 12.
    pub(crate) fn rename(
        &mut self,
        file: FileIdentity,
        bytes: &[u8],
        root: Option<FileNumber>,
    ) -> Result<(), NtStatus> {
        let replaces = read::<1>(bytes, 0)?[0] != 0;
        let name = read_text(bytes, 12, read_u32(bytes, 8)?)?;
        let node = self.nodes.get(file)?;
        let (from, is_given) = (node.path.clone(), node.is_given);
        let names = self.new_names(&from, &name, root)?;
        let Some((_, old_folder)) = from.split_last() else { return Err(status::INVALID_PARAMETER) };
        self.check_folder(old_folder)?;
        if is_given || self.check_folder(&from).is_err() || self.nodes.has_open_inside(&from) {
            return Err(status::ACCESS_DENIED);
        }
        let lookup = self.lookup(&names)?;
        let to = self.check_target(file, &from, lookup, &names, replaces)?;
        self.move_file(file, &from, to)
    }

    /// The new path as it was asked for: from the root of the volume, below a folder, or beside the old one.
    fn new_names(&self, from: &[String], name: &[u16], root: Option<FileNumber>) -> Result<Vec<String>, NtStatus> {
        if name.is_empty() {
            return Err(status::INVALID_PARAMETER);
        }
        if root.is_none() && name[0] != BACKSLASH {
            let name = text(name)?;
            let (_, folder) = from.split_last().ok_or(status::INVALID_PARAMETER)?;
            return if is_valid(&name) { Ok([folder, &[name]].concat()) } else { Err(status::OBJECT_NAME_INVALID) };
        }
        match self.destination(ObjectName { root, name })? {
            Destination::Disk(name) => Ok(name.names),
            _ => Err(status::NOT_SAME_DEVICE),
        }
    }

    /// Whether the new name is free, or may be taken from the file that has it; its path.
    fn check_target(
        &self,
        file: FileIdentity,
        from: &[String],
        lookup: Lookup,
        names: &[String],
        replaces: bool,
    ) -> Result<Vec<String>, NtStatus> {
        let mut to = lookup.path;
        let (Some(last), Some((_, folder))) = (names.last(), names.split_last()) else {
            return Err(status::OBJECT_NAME_COLLISION);
        };
        self.check_folder(folder)?;
        let is_same = key(from) == key(&to);
        if !is_same && key(&to).starts_with(&(key(from) + "\\")) {
            return Err(status::INVALID_PARAMETER);
        }
        if let (Some(found), false) = (lookup.found, is_same) {
            let is_kept = found.is_given
                || found.metadata.is_folder
                || found.metadata.attributes & FILE_ATTRIBUTE_READONLY != 0
                || self.nodes.find(&to).is_some()
                || self.nodes.get(file)?.is_folder;
            if !replaces {
                return Err(status::OBJECT_NAME_COLLISION);
            }
            if is_kept {
                return Err(status::ACCESS_DENIED);
            }
        }
        if let Some(place) = to.last_mut() {
            last.clone_into(place);
        }
        Ok(to)
    }

    /// The store's file is closed meanwhile: not every host renames what is open.
    fn move_file(&mut self, file: FileIdentity, from: &[String], to: Vec<String>) -> Result<(), NtStatus> {
        self.suspend_data(file)?;
        self.store().rename(from, &to)?;
        self.nodes.move_to(file, to);
        Ok(())
    }
}
