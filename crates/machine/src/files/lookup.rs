//! A path on the volume found without regard to case: given files first, then the store.

use crate::files::Files;
use crate::files::host::{Metadata, StoreError};
use crate::files::name::{fold, is_valid, key};
use crate::files::status;
use crate::memory::NtStatus;
use std::collections::BTreeMap;

/// What exists at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) metadata: Metadata,
    /// Given by the machine's owner, not of the store.
    pub(crate) is_given: bool,
}

/// The end of a search.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Lookup {
    /// The path as it is spelled; the last name as it was asked for when nothing is there.
    pub(crate) path: Vec<String>,
    pub(crate) found: Option<Found>,
}

impl Files {
    /// Finds a path. An error when a name before the last does not exist or is no folder.
    pub(crate) fn lookup(&mut self, names: &[String]) -> Result<Lookup, NtStatus> {
        let mut path: Vec<String> = Vec::with_capacity(names.len());
        let mut found = Found { metadata: self.store().metadata(&[])?, is_given: false };
        for (index, name) in names.iter().enumerate() {
            if !found.metadata.is_folder {
                return Err(status::OBJECT_PATH_NOT_FOUND);
            }
            path.push(name.clone());
            match self.child(&mut path)? {
                Some(child) => found = child,
                None if index + 1 == names.len() => return Ok(Lookup { path, found: None }),
                None => return Err(status::OBJECT_PATH_NOT_FOUND),
            }
        }
        Ok(Lookup { path, found: Some(found) })
    }

    /// Finds the last name of a path and spells it right. The store's folder is used where both have one, so that its
    /// own files stay in sight.
    fn child(&mut self, path: &mut [String]) -> Result<Option<Found>, NtStatus> {
        let key = key(path);
        let given = self.given.metadata(&key);
        if given.is_none_or(|given| given.is_folder) {
            match self.stored_child(path)? {
                Some(metadata) if given.is_none() || metadata.is_folder => {
                    return Ok(Some(Found { metadata, is_given: false }));
                }
                _ => {}
            }
        }
        if let (Some(name), Some(last)) = (self.given.name(&key), path.last_mut()) {
            name.clone_into(last);
        }
        Ok(given.map(|metadata| Found { metadata, is_given: true }))
    }

    fn stored_child(&mut self, path: &mut [String]) -> Result<Option<Metadata>, NtStatus> {
        let found = self.store().find(path)?;
        Ok(found.map(|(name, metadata)| {
            if let Some(last) = path.last_mut() {
                *last = name;
            }
            metadata
        }))
    }

    /// Whether names may be made, removed and renamed in a folder: not where given files lie, but for the root.
    pub(crate) fn check_folder(&self, folder: &[String]) -> Result<(), NtStatus> {
        if self.given.metadata(&key(folder)).is_some() { Err(status::ACCESS_DENIED) } else { Ok(()) }
    }

    /// All entries of a folder by name, given ones over those of the store.
    pub(crate) fn entries(&mut self, folder: &[String]) -> Result<Vec<(String, Metadata)>, NtStatus> {
        let given: Vec<_> = self.given.list(&folder.join("\\")).collect();
        let stored = match self.store().list(folder) {
            Err(StoreError::NotFound | StoreError::WrongKind) if !given.is_empty() => Vec::new(),
            stored => stored?,
        };
        let mut stored: Vec<_> = stored.into_iter().filter(|(name, _)| is_valid(name)).collect();
        stored.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut entries = BTreeMap::new();
        for (name, metadata) in given.into_iter().chain(stored) {
            let folded: Vec<u16> = fold(&name).encode_utf16().collect();
            entries.entry(folded).or_insert((name, metadata));
        }
        Ok(entries.into_values().collect())
    }
}
