//! Types by name: a table of hashes, because a name itself is in its record.

use std::hash::{DefaultHasher, Hasher as _};

/// Hashes of names and what has them: numbers of types, offsets of symbols. Of equal names the earlier come first.
#[derive(Debug, Default)]
pub(super) struct NameTable {
    rows: Vec<(u32, u32)>,
}

impl NameTable {
    pub(super) fn new(names: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut rows: Vec<_> = names.collect();
        rows.sort_unstable();
        Self { rows }
    }

    /// Whatever may have this name: names must still be compared.
    pub(super) fn candidates(&self, name: &[u8]) -> impl Iterator<Item = u32> {
        let hash = hash(name);
        let first = self.rows.partition_point(|row| row.0 < hash);
        self.rows[first..].iter().take_while(move |row| row.0 == hash).map(|row| row.1)
    }
}

pub(super) fn hash(name: &[u8]) -> u32 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name);
    // One half is as good as the other.
    hasher.finish() as u32
}
