//! Types by name, of all units: hashes of names, sorted.

use super::{
    look::Place,
    table::{RowKind, UnitTable},
};

/// A name of a type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub hash: u64,
    /// A mere declaration; sorted behind the others.
    pub is_declaration: bool,
    pub kind: RowKind,
    pub place: Place,
}

/// All names of types.
#[derive(Debug, Default)]
pub(super) struct NameIndex {
    rows: Vec<Named>,
}

impl NameIndex {
    /// From what the units declare.
    pub fn new<'t>(tables: impl Iterator<Item = (usize, &'t UnitTable)>) -> Self {
        let of_table = |(unit, table): (usize, &'t UnitTable)| {
            let types = |kind| !matches!(kind, RowKind::Namespace | RowKind::Function);
            let rows = table.rows.iter().filter(move |row| row.is_named && types(row.kind));
            rows.map(move |row| {
                let place = Place { unit, offset: row.offset as usize };
                Named { hash: row.hash, is_declaration: row.is_declaration, kind: row.kind, place }
            })
        };
        let mut rows: Vec<Named> = tables.flat_map(of_table).collect();
        rows.sort_unstable_by_key(|row| (row.hash, row.is_declaration, row.place));
        Self { rows }
    }

    /// Types whose name has a hash, those with a body first.
    pub fn with(&self, hash: u64) -> &[Named] {
        let start = self.rows.partition_point(|row| row.hash < hash);
        let rows = &self.rows[start..];
        &rows[..rows.partition_point(|row| row.hash == hash)]
    }

    /// One type for each name.
    pub fn distinct(&self) -> impl Iterator<Item = &Named> {
        let groups = self.rows.chunk_by(|one, other| one.hash == other.hash);
        groups.filter_map(|group| group.first())
    }
}
