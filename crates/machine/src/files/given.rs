//! Files that the machine's owner gives: the system's DLLs and the program, read only, over what the volume holds.

use crate::files::host::{FILE_ATTRIBUTE_ARCHIVE, Metadata, NtTime};
use crate::files::name::{fold, is_valid, key};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A file given by the machine's owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GivenFile {
    /// Where it lies on `C:`, without the drive: `WINDOWS\system32\ntdll.dll`.
    pub path: String,
    /// What it holds.
    pub bytes: Cow<'static, [u8]>,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct GivenEntry {
    name: String,
    /// `None`: a folder on the way to a file.
    bytes: Option<Cow<'static, [u8]>>,
}

/// The given files and the folders they lie in. The root is not one of these folders: what a guest may do there is
/// the volume's business.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct GivenTree {
    /// By folded path.
    entries: BTreeMap<String, GivenEntry>,
    time: NtTime,
}

impl GivenTree {
    /// The tree of `files`; of two at one path the later counts. `None` when a path is none that a file may have.
    pub(crate) fn new(files: Vec<GivenFile>, time: NtTime) -> Option<Self> {
        let mut entries = BTreeMap::new();
        for file in files {
            let names: Vec<_> = file.path.split('\\').map(str::to_owned).collect();
            if !names.iter().all(|name| is_valid(name)) {
                return None;
            }
            for depth in 1..names.len() {
                let name = names[depth - 1].clone();
                entries.entry(key(&names[..depth])).or_insert(GivenEntry { name, bytes: None });
            }
            let name = names.last().cloned()?;
            entries.insert(key(&names), GivenEntry { name, bytes: Some(file.bytes) });
        }
        Some(Self { entries, time })
    }

    /// What is known of a given file or folder.
    pub(crate) fn metadata(&self, key: &str) -> Option<Metadata> {
        self.entries.get(key).map(|entry| self.describe(entry))
    }

    fn describe(&self, entry: &GivenEntry) -> Metadata {
        let attributes = if entry.bytes.is_some() { FILE_ATTRIBUTE_ARCHIVE } else { 0 };
        let length = entry.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let time = self.time;
        let is_folder = entry.bytes.is_none();
        Metadata { is_folder, attributes, length, created: time, accessed: time, written: time, changed: time }
    }

    /// The name as it was given.
    pub(crate) fn name(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(|entry| entry.name.as_str())
    }

    /// The bytes of a given file.
    pub(crate) fn bytes(&self, key: &str) -> Option<&[u8]> {
        self.entries.get(key).and_then(|entry| entry.bytes.as_deref())
    }

    /// The given entries of a folder.
    pub(crate) fn list(&self, folder: &str) -> impl Iterator<Item = (String, Metadata)> {
        let prefix = if folder.is_empty() { String::new() } else { fold(folder) + "\\" };
        let inside = self.entries.range(prefix.clone()..).take_while({
            let prefix = prefix.clone();
            move |(key, _)| key.starts_with(&prefix)
        });
        let direct = inside.filter(move |(key, _)| !key[prefix.len()..].contains('\\'));
        direct.map(|(_, entry)| (entry.name.clone(), self.describe(entry)))
    }
}
