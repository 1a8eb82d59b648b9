//! What a table was made of: the file as its entry in the file system and some of its blocks say.

use std::{
    fs::Metadata,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use vatlas_symbols::index_bytes::checksum;

/// Blocks that are looked at, spread over the file; the first has the identity in it, the last the end.
const BLOCKS: usize = 16;
const BLOCK: usize = 4096;

/// A file by its entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    path: PathBuf,
    entry: Entry,
}

/// What the file system says.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    size: u64,
    /// Nanoseconds since 1970 of the last change of the content.
    changed: u128,
    /// Seconds and nanoseconds of the last change of the entry, device, number; elsewhere than on Unix the creation.
    numbers: [u64; 4],
}

impl Entry {
    fn of(metadata: &Metadata) -> Option<Self> {
        let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        Some(Self { size: metadata.len(), changed, numbers: numbers(metadata)? })
    }

    fn text(&self) -> String {
        format!("{} {} {:?}", self.size, self.changed, self.numbers)
    }
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems may not tell")]
fn numbers(metadata: &Metadata) -> Option<[u64; 4]> {
    use std::os::unix::fs::MetadataExt;
    let times = [metadata.ctime(), metadata.ctime_nsec()].map(|number| number as u64);
    Some([times[0], times[1], metadata.dev(), metadata.ino()])
}

#[cfg(not(unix))]
fn numbers(metadata: &Metadata) -> Option<[u64; 4]> {
    let created = metadata.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some([created.as_secs(), created.subsec_nanos().into(), 0, 0])
}

impl Source {
    /// A file; `None` where the file system does not tell enough.
    pub fn of(path: &Path) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        let metadata = std::fs::metadata(&path).ok().filter(Metadata::is_file)?;
        Some(Self { entry: Entry::of(&metadata)?, path })
    }

    /// The name of its table's file. The path alone is in it: a table of an older state is written over.
    pub fn file_name(&self) -> String {
        format!("{:016x}.index", checksum(self.path.as_os_str().as_encoded_bytes()))
    }

    /// Everything that must be as it was, with the file's content.
    pub fn key(&self, content: &[u8]) -> Vec<u8> {
        let entry = self.entry.text();
        let text = format!("{}\n{entry}\n{:016x}\n", program(), checksum(&blocks(content)));
        [text.as_bytes(), self.path.as_os_str().as_encoded_bytes()].concat()
    }

    /// Whether the last change is long enough ago that another one would have another time.
    pub fn is_settled(&self, now: SystemTime, after: Duration) -> bool {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let entry = Duration::new(self.entry.numbers[0], 0).as_nanos();
        since.as_nanos() >= self.entry.changed.max(entry).saturating_add(after.as_nanos())
    }
}

/// The program: another build of it may read the same text in another way.
pub fn program() -> String {
    let entry = std::env::current_exe().and_then(std::fs::metadata).ok().and_then(|metadata| Entry::of(&metadata));
    format!("{} {}", env!("CARGO_PKG_VERSION"), entry.map(|entry| entry.text()).unwrap_or_default())
}

/// Blocks of the content from its first to its last byte, at equal distances; all of a small one.
fn blocks(content: &[u8]) -> Vec<u8> {
    let Some(last) = content.len().checked_sub(BLOCK).filter(|last| *last > BLOCK * BLOCKS) else {
        return content.to_vec();
    };
    let starts = (0..BLOCKS).map(|number| last / (BLOCKS - 1) * number).take(BLOCKS - 1).chain([last]);
    starts.filter_map(|start| content.get(start..start + BLOCK)).flatten().copied().collect()
}
