//! A volume in memory: what the guest has when no folder of the host is granted.

use crate::files::host::{
    FILE_ATTRIBUTE_ARCHIVE, FileStore, Metadata, MetadataChange, NtTime, StoreError, StoreFile, VolumeSpace,
};
use crate::files::name::fold;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a file or folder costs besides its data.
const ENTRY_BYTES: u64 = 512;
const ROOT: u32 = 0;

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Entry {
    metadata: Metadata,
    /// Shared with checkpoints until they are written.
    bytes: Arc<Vec<u8>>,
    /// Folded name, name, number of the entry.
    children: BTreeMap<String, (String, u32)>,
}

/// A tree of files in memory, with a capacity. Names keep their case and are found without it. Times are those that
/// its owner sets.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct MemoryStore {
    entries: BTreeMap<u32, Entry>,
    next: u32,
    capacity: u64,
    used: u64,
    now: NtTime,
}

impl MemoryStore {
    /// An empty volume of at most `capacity` bytes.
    pub fn new(capacity: u64, now: NtTime) -> Self {
        let mut store = Self { entries: BTreeMap::new(), next: ROOT, capacity, used: 0, now };
        store.insert(true);
        store
    }

    /// Sets the time that changes from now on bear.
    pub const fn set_time(&mut self, now: NtTime) {
        self.now = now;
    }

    /// Reads a file by its path, for somebody who looks from outside. How many bytes were there.
    pub(crate) fn look(&mut self, path: &[String], offset: u64, bytes: &mut [u8]) -> usize {
        self.entry(path).map_or(0, |entry| read_slice(&entry.bytes, offset, bytes))
    }

    fn insert(&mut self, is_folder: bool) -> u32 {
        let now = self.now;
        let attributes = if is_folder { 0 } else { FILE_ATTRIBUTE_ARCHIVE };
        let metadata =
            Metadata { is_folder, attributes, length: 0, created: now, accessed: now, written: now, changed: now };
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.entries.insert(number, Entry { metadata, ..Entry::default() });
        number
    }

    fn number(&self, path: &[String]) -> Result<u32, StoreError> {
        path.iter().try_fold(ROOT, |number, name| {
            let entry = self.entries.get(&number).ok_or(StoreError::NotFound)?;
            entry.children.get(&fold(name)).map(|(_, number)| *number).ok_or(StoreError::NotFound)
        })
    }

    fn entry(&mut self, path: &[String]) -> Result<&mut Entry, StoreError> {
        let number = self.number(path)?;
        self.entries.get_mut(&number).ok_or(StoreError::NotFound)
    }

    fn opened(&mut self, file: StoreFile) -> Result<&mut Entry, StoreError> {
        self.entries.get_mut(&file.0).ok_or(StoreError::Failed)
    }

    fn create(&mut self, path: &[String], is_folder: bool) -> Result<(), StoreError> {
        let (name, folder) = path.split_last().ok_or(StoreError::Exists)?;
        let parent = self.entry(folder)?;
        if !parent.metadata.is_folder {
            return Err(StoreError::WrongKind);
        }
        if parent.children.contains_key(&fold(name)) {
            return Err(StoreError::Exists);
        }
        self.charge(ENTRY_BYTES)?;
        let number = self.insert(is_folder);
        let now = self.now;
        let parent = self.entry(folder)?;
        parent.children.insert(fold(name), (name.clone(), number));
        (parent.metadata.written, parent.metadata.changed) = (now, now);
        Ok(())
    }

    fn charge(&mut self, bytes: u64) -> Result<(), StoreError> {
        let used = self.used.checked_add(bytes).filter(|used| *used <= self.capacity).ok_or(StoreError::Full)?;
        self.used = used;
        Ok(())
    }

    fn resize(&mut self, file: StoreFile, length: u64) -> Result<(), StoreError> {
        let before = self.opened(file)?.metadata.length;
        self.charge(length.saturating_sub(before))?;
        self.used = self.used.saturating_sub(before.saturating_sub(length));
        let now = self.now;
        let entry = self.opened(file)?;
        Arc::make_mut(&mut entry.bytes).resize(usize::try_from(length).map_err(|_| StoreError::Full)?, 0);
        entry.metadata.length = length;
        (entry.metadata.written, entry.metadata.changed) = (now, now);
        Ok(())
    }
}

impl FileStore for MemoryStore {
    fn metadata(&mut self, path: &[String]) -> Result<Metadata, StoreError> {
        Ok(self.entry(path)?.metadata)
    }

    fn find(&mut self, path: &[String]) -> Result<Option<(String, Metadata)>, StoreError> {
        let Some((name, folder)) = path.split_last() else { return Ok(Some((String::new(), self.metadata(path)?))) };
        let Ok(parent) = self.entry(folder) else { return Ok(None) };
        let Some((name, number)) = parent.children.get(&fold(name)).cloned() else { return Ok(None) };
        Ok(self.entries.get(&number).map(|entry| (name, entry.metadata)))
    }

    fn list(&mut self, folder: &[String]) -> Result<Vec<(String, Metadata)>, StoreError> {
        let children: Vec<_> = self.entry(folder)?.children.values().cloned().collect();
        let known = |(name, number)| Some((name, self.entries.get(&number)?.metadata));
        Ok(children.into_iter().filter_map(known).collect())
    }

    fn create_file(&mut self, path: &[String]) -> Result<(), StoreError> {
        self.create(path, false)
    }

    fn create_folder(&mut self, path: &[String]) -> Result<(), StoreError> {
        self.create(path, true)
    }

    fn remove(&mut self, path: &[String]) -> Result<(), StoreError> {
        let (name, folder) = path.split_last().ok_or(StoreError::Denied)?;
        let number = self.number(path)?;
        let entry = self.entry(path)?;
        if !entry.children.is_empty() {
            return Err(StoreError::NotEmpty);
        }
        let freed = ENTRY_BYTES.saturating_add(entry.metadata.length);
        self.entry(folder)?.children.remove(&fold(name));
        self.entries.remove(&number);
        self.used = self.used.saturating_sub(freed);
        Ok(())
    }

    fn rename(&mut self, from: &[String], to: &[String]) -> Result<(), StoreError> {
        let (Some((old, old_folder)), Some((new, new_folder))) = (from.split_last(), to.split_last()) else {
            return Err(StoreError::Denied);
        };
        let number = self.number(from)?;
        let is_inside = to.len() > from.len() && to.iter().zip(from).all(|(to, from)| fold(to) == fold(from));
        if is_inside || !self.entry(new_folder)?.metadata.is_folder {
            return Err(StoreError::WrongKind);
        }
        match self.number(to) {
            Ok(target) if target != number => self.remove(to)?,
            _ => {}
        }
        self.entry(old_folder)?.children.remove(&fold(old));
        self.entry(new_folder)?.children.insert(fold(new), (new.clone(), number));
        let now = self.now;
        self.entry(to)?.metadata.changed = now;
        Ok(())
    }

    fn change(&mut self, path: &[String], change: &MetadataChange) -> Result<(), StoreError> {
        let now = self.now;
        let metadata = &mut self.entry(path)?.metadata;
        metadata.attributes = change.attributes.unwrap_or(metadata.attributes);
        metadata.created = change.created.unwrap_or(metadata.created);
        metadata.accessed = change.accessed.unwrap_or(metadata.accessed);
        metadata.written = change.written.unwrap_or(metadata.written);
        metadata.changed = now;
        Ok(())
    }

    fn open(&mut self, path: &[String], _is_writable: bool) -> Result<StoreFile, StoreError> {
        if self.entry(path)?.metadata.is_folder {
            return Err(StoreError::WrongKind);
        }
        self.number(path).map(StoreFile)
    }

    fn close(&mut self, _file: StoreFile) {}

    fn length(&mut self, file: StoreFile) -> Result<u64, StoreError> {
        Ok(self.opened(file)?.metadata.length)
    }

    fn read(&mut self, file: StoreFile, offset: u64, bytes: &mut [u8]) -> Result<usize, StoreError> {
        Ok(read_slice(&self.opened(file)?.bytes, offset, bytes))
    }

    fn write(&mut self, file: StoreFile, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let end = offset.checked_add(bytes.len() as u64).ok_or(StoreError::Full)?;
        let length = self.opened(file)?.metadata.length.max(end);
        self.resize(file, length)?;
        let place = usize::try_from(offset).map_err(|_| StoreError::Full)?;
        let target = Arc::make_mut(&mut self.opened(file)?.bytes);
        if let Some(target) = target.get_mut(place..).and_then(|rest| rest.get_mut(..bytes.len())) {
            target.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn set_length(&mut self, file: StoreFile, length: u64) -> Result<(), StoreError> {
        self.resize(file, length)
    }

    fn flush(&mut self, _file: StoreFile) -> Result<(), StoreError> {
        Ok(())
    }

    fn space(&mut self) -> Result<VolumeSpace, StoreError> {
        Ok(VolumeSpace { total: self.capacity, free: self.capacity.saturating_sub(self.used) })
    }
}

/// Copies what of `from` lies at `offset` and fits; the number of bytes.
pub(crate) fn read_slice(from: &[u8], offset: u64, bytes: &mut [u8]) -> usize {
    let rest = usize::try_from(offset).ok().and_then(|offset| from.get(offset..)).unwrap_or_default();
    let length = rest.len().min(bytes.len());
    bytes[..length].copy_from_slice(&rest[..length]);
    length
}
