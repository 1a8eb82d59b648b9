//! The global symbols: variables, and the names that the linker published, sorted by address.

use super::{
    addresses::{AddressMap, Linked},
    records::{Record, Records, TypeIndex, record_at},
    streams::StreamBytes,
};
use crate::symbol::SymbolKind;

/// A global symbol; the name stays in the stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Global {
    pub(super) start: Linked,
    rank: Rank,
    at: u32,
}

/// Which of several names of an address is the best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Rank {
    Data,
    Label,
    PublicFunction,
    Public,
}

/// All of them.
#[derive(Default)]
pub(super) struct Globals {
    records: Option<StreamBytes>,
    rows: Vec<Global>,
    /// Where the stream could not be read any further.
    pub(super) damaged_at: Option<usize>,
}

impl Globals {
    pub(super) fn new(stream: StreamBytes, addresses: &AddressMap) -> Self {
        let mut records = Records::new(&stream, 0);
        let mut rows = Vec::new();
        for raw in records.by_ref() {
            let at = raw.at;
            let (place, rank) = match raw.read() {
                Record::Data { place, .. } => (place, Rank::Data),
                Record::Label { place, .. } => (place, Rank::Label),
                Record::Public { place, is_function: true, .. } => (place, Rank::PublicFunction),
                Record::Public { place, .. } => (place, Rank::Public),
                _ => continue,
            };
            let start = addresses.linked(place.section, place.offset);
            rows.extend(start.map(|start| Global { start, rank, at }));
        }
        let (at, is_whole) = records.position();
        rows.sort_unstable();
        Self { records: Some(stream), rows, damaged_at: (!is_whole).then_some(at) }
    }

    /// The nearest at or below an address, the best of several.
    pub(super) fn below(&self, linked: Linked) -> Option<&Global> {
        let end = self.rows.partition_point(|row| row.start <= linked);
        let start = self.rows[..end].last()?.start;
        self.rows.get(self.rows[..end].partition_point(|row| row.start < start))
    }

    /// All, by address.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Global> {
        self.rows.iter()
    }

    /// Names and types of the variables that begin at an address.
    pub(super) fn data_from(&self, start: Linked) -> impl Iterator<Item = (&[u8], TypeIndex)> {
        let first = self.rows.partition_point(|row| row.start < start);
        let rows = self.rows[first..].iter().take_while(move |row| row.start == start && row.rank == Rank::Data);
        rows.filter_map(|row| match record_at(self.records.as_ref()?, row.at) {
            Some(Record::Data { name, type_index, .. }) => Some((name, type_index)),
            _ => None,
        })
    }

    /// Whether a variable with this name begins at an address.
    pub(super) fn has_data(&self, start: Linked, name: &str) -> bool {
        self.data_from(start).any(|(known, _)| String::from_utf8_lossy(known) == name)
    }

    /// The stream.
    pub(super) fn records(&self) -> &[u8] {
        self.records.as_ref().map_or(&[], |records| records)
    }

    /// A symbol's name, and the type of a variable.
    pub(super) fn name_and_type(&self, global: &Global) -> (String, TypeIndex) {
        let text = |name| String::from_utf8_lossy(name).into();
        match self.records.as_ref().and_then(|records| record_at(records, global.at)) {
            Some(Record::Data { name, type_index, .. }) => (text(name), type_index),
            Some(Record::Label { name, .. } | Record::Public { name, .. }) => (text(name), TypeIndex::default()),
            _ => (String::new(), TypeIndex::default()),
        }
    }
}

impl Global {
    pub(super) fn kind(&self) -> SymbolKind {
        match self.rank {
            Rank::Data => SymbolKind::Data,
            Rank::Label => SymbolKind::Label,
            Rank::PublicFunction => SymbolKind::PublicFunction,
            Rank::Public => SymbolKind::Public,
        }
    }
}
