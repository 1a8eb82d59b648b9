//! The PDB's own stream: its identity, the streams that have names, and how it was linked.

use super::reader::Reader;
use vatlas_space::Guid;

/// Number of the stream.
pub(super) const STREAM: u16 = 1;
/// The last version without a GUID: Visual C++ 6.
const VC98: u32 = 19_970_604;
/// Feature code of `/DEBUG:FASTLINK` (`MinimalDebugInfo`: "MINI").
const MINIMAL_DEBUG_INFO: u32 = 0x494e_494d;

/// What the stream says.
#[derive(Debug)]
pub(super) struct Info {
    pub(super) signature: u32,
    pub(super) age: u32,
    /// Absent up to Visual C++ 6.
    pub(super) guid: Option<Guid>,
    /// Number of the stream `/names`, which has the names of source files.
    pub(super) names: Option<u16>,
    /// Whether the debug information stayed in the object files.
    pub(super) is_fastlink: bool,
}

impl Info {
    pub(super) fn read(stream: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(stream);
        let version = reader.u32()?;
        let (signature, age) = (reader.u32()?, reader.u32()?);
        let guid = if version > VC98 { Some(guid(&mut reader)?) } else { None };
        let mut info = Self { signature, age, guid, names: None, is_fastlink: false };
        // Without its names a PDB still has an identity.
        let _ = info.read_names(&mut reader);
        Some(info)
    }

    /// The map of names: its texts, a closed hash table of (offset in the texts, stream), then feature codes.
    ///
    /// The table: u32 entries, u32 buckets, two bit vectors (u32 words, words) of used and of deleted buckets.
    fn read_names(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let length = reader.u32()?;
        let texts = reader.take(length as usize)?;
        let entries = reader.u32()?;
        reader.skip(4)?;
        for _ in 0..2 {
            let words = reader.u32()? as usize;
            reader.skip(words.checked_mul(4)?)?;
        }
        for _ in 0..entries {
            let (text, stream) = (reader.u32()?, reader.u32()?);
            if Reader::from(texts, text as usize).text() == b"/names" {
                self.names = u16::try_from(stream).ok();
            }
        }
        while let Some(feature) = reader.u32() {
            self.is_fastlink |= feature == MINIMAL_DEBUG_INFO;
        }
        Some(())
    }
}

fn guid(reader: &mut Reader<'_>) -> Option<Guid> {
    let (data1, data2, data3) = (reader.u32()?, reader.u16()?, reader.u16()?);
    Some(Guid { data1, data2, data3, data4: reader.take(8)?.try_into().ok()? })
}
