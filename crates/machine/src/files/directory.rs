//! `NtQueryDirectoryFile`: the entries of a folder that fit a pattern, as many as a buffer holds.

use crate::files::Files;
use crate::files::access::FILE_READ_DATA;
use crate::files::expression::matches;
use crate::files::host::Metadata;
use crate::files::name::MOST_NAME_UNITS;
use crate::files::node::index_of;
use crate::files::object::{Device, FileHandle};
use crate::files::query::{allocation, times};
use crate::files::raw::{Raw, text_bytes};
use crate::files::status;
use crate::files::transfer::Answer;
use crate::memory::{FileIdentity, NtStatus};

/// What an entry of a class has besides its name.
struct Class {
    number: u32,
    /// Bytes of the structure, which a buffer must hold.
    size: u32,
    /// Where the name lies.
    name: usize,
    has_metadata: bool,
    has_ea: bool,
    has_short_name: bool,
    has_id: bool,
}

const fn class(number: u32, size: u32, name: usize, flags: [bool; 4]) -> Class {
    let [has_metadata, has_ea, has_short_name, has_id] = flags;
    Class { number, size, name, has_metadata, has_ea, has_short_name, has_id }
}

/// Directory, full, both, names, id both, id full.
const CLASSES: [Class; 6] = [
    class(1, 72, 64, [true, false, false, false]),
    class(2, 72, 68, [true, true, false, false]),
    class(3, 96, 94, [true, true, true, false]),
    class(12, 16, 12, [false, false, false, false]),
    class(37, 112, 104, [true, true, true, true]),
    class(38, 88, 80, [true, true, false, true]),
];
const ENTRY_ALIGNMENT: usize = 8;

/// The arguments of `NtQueryDirectoryFile`.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryQuery<'a> {
    /// The information class.
    pub class: u32,
    /// Bytes of the buffer.
    pub length: u32,
    /// Whether to stop after one entry.
    pub is_single: bool,
    /// Whether to begin again.
    pub restarts: bool,
    /// The pattern. That of the first call on a file object counts, all files without one.
    pub pattern: Option<&'a [u16]>,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct ListedEntry {
    name: String,
    metadata: Metadata,
    index: u64,
}

/// Entries of a folder that fit, and how far they were given.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Listing {
    pattern: Vec<u16>,
    entries: Vec<ListedEntry>,
    next: usize,
}

impl Files {
    /// Entries of a folder for a buffer, each at a multiple of 8 bytes.
    ///
    /// # Errors
    /// `NO_SUCH_FILE` when nothing fits the pattern at the first call, `NO_MORE_FILES` after the last entry.
    /// A first entry with a name that does not fit is cut: `BUFFER_OVERFLOW`.
    pub fn query_directory(&mut self, handle: FileHandle, query: &DirectoryQuery<'_>) -> Result<Answer, NtStatus> {
        let class = CLASSES.iter().find(|class| class.number == query.class).ok_or(status::INVALID_INFO_CLASS)?;
        if query.length < class.size {
            return Err(status::INFO_LENGTH_MISMATCH);
        }
        let object = self.object(handle, FILE_READ_DATA)?;
        let Device::Disk(identity) = object.device else { return Err(status::INVALID_DEVICE_REQUEST) };
        let before = object.listing.as_ref().map(|listing| listing.pattern.clone());
        let is_first = before.is_none();
        if is_first || query.restarts {
            let pattern = match before {
                Some(pattern) => pattern,
                None => pattern(query.pattern)?,
            };
            let entries = self.listed(identity, &pattern)?;
            self.objects.get_mut(handle.file)?.listing = Some(Listing { pattern, entries, next: 0 });
        }
        let listing = self.objects.get_mut(handle.file)?.listing.as_mut().ok_or(status::UNSUCCESSFUL)?;
        let answer = listing.give(class, query);
        if answer.bytes.is_empty() {
            return Err(if is_first { status::NO_SUCH_FILE } else { status::NO_MORE_FILES });
        }
        Ok(answer)
    }

    fn listed(&mut self, identity: FileIdentity, pattern: &[u16]) -> Result<Vec<ListedEntry>, NtStatus> {
        let node = self.nodes.get(identity)?;
        if !node.is_folder {
            return Err(status::INVALID_PARAMETER);
        }
        let path = node.path.clone();
        let mut entries = Vec::new();
        if let Some((_, parent)) = path.split_last() {
            for (name, names) in [(".", path.as_slice()), ("..", parent)] {
                let found = self.lookup(names)?.found.ok_or(status::OBJECT_NAME_NOT_FOUND)?;
                entries.push(ListedEntry { name: name.to_owned(), metadata: found.metadata, index: index(names) });
            }
        }
        for (name, metadata) in self.entries(&path)? {
            let index = index(&[path.as_slice(), std::slice::from_ref(&name)].concat());
            entries.push(ListedEntry { name, metadata, index });
        }
        entries.retain(|entry| matches(pattern, &entry.name.encode_utf16().collect::<Vec<_>>()));
        Ok(entries)
    }
}

fn index(names: &[String]) -> u64 {
    index_of(&crate::files::name::key(names))
}

/// The pattern of a query: everything when there is none; no path.
fn pattern(given: Option<&[u16]>) -> Result<Vec<u16>, NtStatus> {
    let pattern = given.filter(|pattern| !pattern.is_empty()).unwrap_or(&[b'*' as u16]);
    if pattern.len() > MOST_NAME_UNITS || pattern.contains(&u16::from(b'\\')) {
        return Err(status::OBJECT_NAME_INVALID);
    }
    Ok(pattern.to_vec())
}

impl Listing {
    fn give(&mut self, class: &Class, query: &DirectoryQuery<'_>) -> Answer {
        let room = usize::try_from(query.length).unwrap_or(usize::MAX);
        let (mut bytes, mut last) = (Vec::new(), 0);
        while let Some(entry) = self.entries.get(self.next) {
            let start = bytes.len().next_multiple_of(ENTRY_ALIGNMENT);
            let raw = entry_bytes(class, entry).0;
            if start == 0 && raw.len() > room {
                self.next += 1;
                return Answer::cut(raw, query.length);
            }
            if start.saturating_add(raw.len()) > room {
                break;
            }
            self.next += 1;
            if start > 0 {
                let offset = u32::try_from(start - last).unwrap_or(0);
                bytes[last..last + 4].copy_from_slice(&offset.to_le_bytes());
            }
            bytes.resize(start, 0);
            bytes.extend(raw);
            last = start;
            if query.is_single {
                break;
            }
        }
        Answer::success(bytes)
    }
}

/// An entry with a next offset of 0. There are no short names.
fn entry_bytes(class: &Class, entry: &ListedEntry) -> Raw {
    let raw = Raw::default().u32(0).u32(0);
    let metadata = &entry.metadata;
    let raw = if class.has_metadata {
        let raw = times(raw, metadata).u64(metadata.length).u64(allocation(metadata));
        raw.u32(metadata.shown_attributes())
    } else {
        raw
    };
    let raw = raw.u32(text_bytes(&entry.name));
    let raw = if class.has_ea { raw.u32(0) } else { raw };
    let raw = if class.has_short_name { raw.pad(94) } else { raw };
    let raw = if class.has_id { raw.pad(class.name - 8).u64(entry.index) } else { raw };
    raw.pad(class.name).text(&entry.name)
}
