//! The records of a type or id stream, by number: a header, then `{u16 length, bytes}` one after another.

use super::{reader::Reader, streams::StreamBytes};

/// Number of the type stream (TPI).
pub(super) const TYPES: u16 = 2;
/// Number of the id stream (IPI).
pub(super) const IDS: u16 = 4;

/// The first versions whose header tells its own size, and before it those with 32-bit numbers (`impv50`,
/// `impv50Interim` of Microsoft's published PDB sources).
const V50: u32 = 19_961_031;
const V50_INTERIM: u32 = 19_960_307;

/// The records.
pub(super) struct Items {
    stream: StreamBytes,
    first: u32,
    offsets: Vec<u32>,
    /// Where the stream could not be read any further.
    pub(super) damaged_at: Option<u32>,
}

/// A record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    /// `LF_*`
    pub(super) kind: u16,
    /// What is behind the kind.
    pub(super) record: Reader<'a>,
}

impl Items {
    pub(super) fn new(stream: StreamBytes) -> Option<Self> {
        let (header_size, first) = header(&stream)?;
        let mut records = Reader::from(&stream, header_size as usize);
        let mut offsets = Vec::new();
        while let Some(at) = u32::try_from(records.at()).ok().filter(|_| !records.is_at_end()) {
            let Some(()) = records.u16().and_then(|length| records.skip(length.into())) else {
                return Some(Self { first, offsets, damaged_at: Some(at), stream });
            };
            offsets.push(at);
        }
        Some(Self { stream, first, offsets, damaged_at: None })
    }

    /// The numbers that have a record.
    pub(super) fn numbers(&self) -> std::ops::Range<u32> {
        // No stream has 4 GB, and a record at least two bytes.
        self.first..self.first.saturating_add(u32::try_from(self.offsets.len()).unwrap_or(u32::MAX))
    }

    /// Offset of a record.
    pub(super) fn offset(&self, number: u32) -> Option<u32> {
        self.offsets.get(number.checked_sub(self.first)? as usize).copied()
    }

    pub(super) fn get(&self, number: u32) -> Option<Item<'_>> {
        let at = self.offset(number)?;
        let mut reader = Reader::from(&self.stream, at as usize);
        let length = reader.u16()?;
        let mut record = Reader::new(reader.take(length.into())?);
        Some(Item { kind: record.u16()?, record })
    }
}

/// Size of the header, and number of the first record.
///
/// ```text
/// today       u32 version, u32 size of the header, u32 first number, u32 number past the last, ...
/// interim     u32 version, u32 first, u32 past the last, u32 bytes, u16 stream of hashes, padding
/// before      u32 version, u16 first, u16 past the last, u32 bytes, u16 stream of hashes, padding
/// ```
fn header(stream: &[u8]) -> Option<(u32, u32)> {
    let mut reader = Reader::new(stream);
    match reader.u32()? {
        V50.. => Some((reader.u32()?, reader.u32()?)),
        V50_INTERIM.. => Some((20, reader.u32()?)),
        _ => Some((16, reader.u16()?.into())),
    }
}
