//! Names of inlined functions: records of the id stream (IPI), and of the types (TPI) that they are members of.

use super::{reader::Reader, streams::StreamBytes};

/// Number of the type stream.
pub(super) const TYPES: u16 = 2;
/// Number of the id stream.
pub(super) const IDS: u16 = 4;

const LF_FUNC_ID: u16 = 0x1601;
const LF_MFUNC_ID: u16 = 0x1602;
const LF_STRING_ID: u16 = 0x1605;
const LF_CLASS: u16 = 0x1504;
const LF_STRUCTURE: u16 = 0x1505;
const LF_UNION: u16 = 0x1506;
const LF_ENUM: u16 = 0x1507;
const LF_INTERFACE: u16 = 0x1519;

/// The records of a type or id stream, by number.
pub(super) struct Items {
    stream: StreamBytes,
    first: u32,
    offsets: Vec<u32>,
}

impl Items {
    /// u32 version, u32 size of the header, u32 first number, u32 number past the last; then {u16 length, bytes}.
    pub(super) fn new(stream: StreamBytes) -> Option<Self> {
        let mut reader = Reader::new(&stream);
        reader.skip(4)?;
        let (header, first) = (reader.u32()?, reader.u32()?);
        let mut records = Reader::from(&stream, header as usize);
        let mut offsets = Vec::new();
        while let Some(at) = u32::try_from(records.at()).ok().filter(|_| !records.is_at_end()) {
            let Some(()) = records.u16().and_then(|length| records.skip(length.into())) else { break };
            offsets.push(at);
        }
        Some(Self { stream, first, offsets })
    }

    /// Kind of a record, and the rest of it.
    fn get(&self, number: u32) -> Option<(u16, Reader<'_>)> {
        let offset = *self.offsets.get(number.checked_sub(self.first)? as usize)?;
        let mut reader = Reader::from(&self.stream, offset as usize);
        let length = reader.u16()?;
        let mut record = Reader::new(reader.take(length.into())?);
        Some((record.u16()?, record))
    }
}

/// Both streams.
pub(super) struct Ids {
    pub(super) ids: Option<Items>,
    pub(super) types: Option<Items>,
}

impl Ids {
    /// Name of a function with the class or namespace that it is in.
    pub(super) fn function(&self, id: u32) -> Option<String> {
        let (kind, mut record) = self.ids.as_ref()?.get(id)?;
        let (parent, _type) = (record.u32()?, record.u32()?);
        let parent = match kind {
            LF_FUNC_ID => self.text(parent),
            LF_MFUNC_ID => self.class(parent),
            _ => return None,
        };
        let name = String::from_utf8_lossy(record.text());
        Some(parent.map_or_else(|| name.to_string(), |parent| format!("{parent}::{name}")))
    }

    fn text(&self, id: u32) -> Option<String> {
        let (kind, mut record) = self.ids.as_ref()?.get(id)?;
        record.skip(4)?;
        (kind == LF_STRING_ID).then(|| String::from_utf8_lossy(record.text()).to_string())
    }

    fn class(&self, number: u32) -> Option<String> {
        let (kind, mut record) = self.types.as_ref()?.get(number)?;
        match kind {
            // members, flags, u32 fields, base, table; size; name
            LF_CLASS | LF_STRUCTURE | LF_INTERFACE => record.skip(16)?,
            // members, flags, u32 fields; size; name
            LF_UNION => record.skip(8)?,
            // members, flags, u32 type, fields; name
            LF_ENUM => record.skip(12)?,
            _ => return None,
        }
        if kind != LF_ENUM {
            skip_number(&mut record)?;
        }
        Some(String::from_utf8_lossy(record.text()).to_string())
    }
}

/// A number below 0x8000, or a kind and a longer one.
fn skip_number(record: &mut Reader<'_>) -> Option<()> {
    match record.u16()? {
        0..=0x7fff => Some(()),
        0x8000 => record.skip(1),
        0x8001 | 0x8002 => record.skip(2),
        0x8003 | 0x8004 => record.skip(4),
        0x8009 | 0x800a => record.skip(8),
        _ => None,
    }
}
