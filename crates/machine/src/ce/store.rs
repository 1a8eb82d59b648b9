//! The object store: files in RAM, by path. `filesys.exe` serves it to programs; the loader looks into it.
//!
//! Its bytes are beside guest memory and count against the share of RAM that the ROM's header gives it (our choice: on
//! a device they are in `filesys.exe`).

use super::error::CeError;
use crate::ce::Device;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `FILE_ATTRIBUTE_DIRECTORY`.
pub(crate) const DIRECTORY: u32 = 0x10;
/// `FILE_ATTRIBUTE_READONLY`.
pub(crate) const READ_ONLY: u32 = 0x1;
/// `FILE_ATTRIBUTE_NORMAL`.
pub(crate) const NORMAL: u32 = 0x80;
/// `FILE_ATTRIBUTE_INROM`.
pub(crate) const IN_ROM: u32 = 0x40;
/// `FILE_ATTRIBUTE_ROMMODULE`.
pub(crate) const ROM_MODULE: u32 = 0x2000;
/// Bytes of a path.
const LONGEST_PATH: usize = 260;

/// A file or folder.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Node {
    /// The path as it was written when it was made.
    pub path: String,
    pub bytes: Arc<Vec<u8>>,
    pub attributes: u32,
    /// Made, used, written.
    pub times: [u64; 3],
    /// Another one for each change.
    pub version: u64,
}

/// What a file number stands for.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Open {
    /// A file of the store, by key.
    Stored { key: String, can_write: bool },
    /// A file of the ROM: its bytes.
    Rom { bytes: Arc<Vec<u8>>, time: u64 },
}

/// The store.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Store {
    pub nodes: BTreeMap<String, Node>,
    pub open: BTreeMap<u32, Open>,
    /// Bytes that it may have.
    pub limit: u64,
    pub version: u64,
}

/// The form in which paths are compared.
pub(crate) fn key(path: &str) -> String {
    path.trim_end_matches('\\').to_lowercase()
}

/// The folder of a path; empty for the root.
pub(crate) fn folder(key: &str) -> &str {
    key.rsplit_once('\\').map_or("", |(folder, _)| folder)
}

impl Store {
    /// The bytes of a stored file.
    pub(crate) fn bytes_of(&self, path: &str) -> Option<Arc<Vec<u8>>> {
        self.file(&key(path)).map(|node| Arc::clone(&node.bytes))
    }

    /// The bytes of a stored file and which version of it they are.
    pub(crate) fn versioned(&self, path: &str) -> Option<(Arc<Vec<u8>>, u64)> {
        self.file(&key(path)).map(|node| (Arc::clone(&node.bytes), node.version))
    }

    fn file(&self, key: &str) -> Option<&Node> {
        self.nodes.get(key).filter(|node| node.attributes & DIRECTORY == 0)
    }

    /// Bytes of all files.
    pub(crate) fn used(&self) -> u64 {
        self.nodes.values().map(|node| node.bytes.len() as u64).sum()
    }

    /// Whether a folder exists.
    pub(crate) fn is_folder(&self, key: &str) -> bool {
        key.is_empty() || key == "\\windows" || self.nodes.get(key).is_some_and(|node| node.attributes & DIRECTORY != 0)
    }

    /// Puts a file or folder into the store.
    pub(crate) fn put(&mut self, path: &str, bytes: Vec<u8>, attributes: u32, now: u64) -> Result<(), CeError> {
        let key = key(path);
        let is_path = path.starts_with('\\') && path.len() <= LONGEST_PATH && !key.is_empty();
        if !is_path || path.contains(['/', ':', '*', '?', '"', '<', '>', '|']) {
            return Err(CeError::INVALID_NAME);
        }
        if !self.is_folder(folder(&key)) {
            return Err(CeError::PATH_NOT_FOUND);
        }
        let old = self.nodes.get(&key).map_or(0, |node| node.bytes.len() as u64);
        if self.used() - old + bytes.len() as u64 > self.limit {
            return Err(CeError::DISK_FULL);
        }
        self.version += 1;
        let node =
            Node { path: path.to_owned(), bytes: Arc::new(bytes), attributes, times: [now; 3], version: self.version };
        self.nodes.insert(key, node);
        Ok(())
    }

    /// Changes the bytes of a stored file.
    pub(crate) fn change(
        &mut self,
        key: &str,
        now: u64,
        size: usize,
        change: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), CeError> {
        let used = self.used();
        let limit = self.limit;
        let node = self.nodes.get_mut(key).ok_or(CeError::INVALID_HANDLE)?;
        if (used - node.bytes.len() as u64).saturating_add(size as u64) > limit {
            return Err(CeError::DISK_FULL);
        }
        let bytes = Arc::make_mut(&mut node.bytes);
        bytes.resize(size, 0);
        change(bytes);
        self.version += 1;
        node.version = self.version;
        node.times[2] = now;
        Ok(())
    }

    /// A number for an open file.
    pub(crate) fn add_open(&mut self, open: Open) -> u32 {
        let number = (1..).find(|number| !self.open.contains_key(number)).unwrap_or(0);
        self.open.insert(number, open);
        number
    }
}

/// What a listing says of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listed {
    pub name: String,
    pub size: u64,
    pub attributes: u32,
    pub times: [u64; 3],
}

impl Device {
    /// The unpacked bytes of a file of the ROM, which all are in `\Windows`.
    pub(crate) fn rom_file(&self, path: &str) -> Option<Vec<u8>> {
        let name = rom_name(path)?;
        let file = self.rom.image.files().find(|file| file.name.eq_ignore_ascii_case(name))?;
        let size = if file.is_compressed() { file.packed_size } else { file.size };
        let bytes = self.rom.image.memory.bytes(&self.rom.bytes, file.data, size.into());
        if !file.is_compressed() {
            return Some(bytes.into_owned());
        }
        let packed = vatlas_images::rom::Packed::read(&bytes).ok()?;
        Some(packed.unpack(&bytes).0)
    }

    /// What the ROM lists under a path: a module or a file.
    pub(crate) fn rom_entry(&self, path: &str) -> Option<Listed> {
        let name = rom_name(path)?;
        self.rom_listing().into_iter().find(|listed| listed.name.eq_ignore_ascii_case(name))
    }

    /// Everything in the ROM.
    pub(crate) fn rom_listing(&self) -> Vec<Listed> {
        let image = &self.rom.image;
        let modules = image.modules().map(|(_, module)| Listed {
            name: module.name.clone(),
            size: module.file_size.into(),
            attributes: READ_ONLY | IN_ROM | ROM_MODULE,
            times: [module.file_time; 3],
        });
        let files = image.files().map(|file| Listed {
            name: file.name.clone(),
            size: file.size.into(),
            attributes: READ_ONLY | IN_ROM,
            times: [file.file_time; 3],
        });
        modules.chain(files).collect()
    }

    /// Puts a file into the object store, as if somebody had copied it to the device.
    ///
    /// # Errors
    /// The path is no path, its folder does not exist, or there is no room.
    pub fn put_file(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), CeError> {
        let now = self.now();
        self.state.store.put(path, bytes, NORMAL, now)
    }

    /// The bytes of a file of the object store or the ROM's files.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.state.store.bytes_of(path).map(|bytes| bytes.to_vec()).or_else(|| self.rom_file(path))
    }
}

fn rom_name(path: &str) -> Option<&str> {
    const FOLDER: &str = "\\windows\\";
    let start = path.get(..FOLDER.len())?;
    start.eq_ignore_ascii_case(FOLDER).then(|| &path[FOLDER.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, size: usize, expected: Result<(), CeError>) {
        let mut store = Store { limit: 100, ..Store::default() };
        store.put("\\Temp", Vec::new(), DIRECTORY, 0).unwrap();
        store.put("\\Temp\\old.txt", vec![1; 20], NORMAL, 0).unwrap();
        assert_eq!(store.put(path, vec![0; size], NORMAL, 0), expected, "{path}");
    }

    #[test]
    fn files_need_a_folder_a_name_and_room() {
        check("\\new.txt", 80, Ok(()));
        check("\\new.txt", 81, Err(CeError::DISK_FULL));
        check("\\TEMP\\OLD.TXT", 100, Ok(()));
        check("\\Nowhere\\new.txt", 1, Err(CeError::PATH_NOT_FOUND));
        check("\\Windows\\new.txt", 1, Ok(()));
        check("new.txt", 1, Err(CeError::INVALID_NAME));
        check("\\", 1, Err(CeError::INVALID_NAME));
        check("\\a*b", 1, Err(CeError::INVALID_NAME));
    }
}
