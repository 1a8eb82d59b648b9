//! Names of types among the global symbols: `S_UDT`, of which C's typedefs are the only traces.

use super::{
    super::{reader::Reader, streams::StreamBytes},
    names::{NameTable, hash},
};

/// A type's other name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typedef<'a> {
    /// Offset of its symbol record.
    pub(super) at: u32,
    pub(super) target: u32,
    pub(super) name: &'a [u8],
}

/// All of them.
#[derive(Default)]
pub(super) struct Typedefs {
    records: Option<StreamBytes>,
    names: NameTable,
}

impl Typedefs {
    pub(super) fn new(records: StreamBytes) -> Self {
        let all = Symbols { reader: Reader::new(&records) };
        let names = NameTable::new(all.flatten().map(|typedef| (hash(typedef.name), typedef.at)));
        Self { records: Some(records), names }
    }

    pub(super) fn get(&self, at: u32) -> Option<Typedef<'_>> {
        Symbols { reader: Reader::from(self.records.as_ref()?, at as usize) }.next()?
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<Typedef<'_>> {
        let mut candidates = self.names.candidates(name).filter_map(|at| self.get(at));
        candidates.find(|typedef| typedef.name == name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Typedef<'_>> {
        let records = self.records.as_ref().map(|records| Symbols { reader: Reader::new(records) });
        records.into_iter().flatten().flatten()
    }
}

/// Symbol records, and of each whether it is such a name.
struct Symbols<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for Symbols<'a> {
    type Item = Option<Typedef<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = u32::try_from(self.reader.at()).ok()?;
        let length = self.reader.u16()?;
        let mut record = Reader::new(self.reader.take(length.into())?);
        Some(typedef(at, &mut record))
    }
}

fn typedef<'a>(at: u32, record: &mut Reader<'a>) -> Option<Typedef<'a>> {
    Some(match record.u16()? {
        // S_UDT_16t, S_UDT_ST, S_UDT
        0x0004 => Typedef { at, target: record.u16()?.into(), name: record.counted_text()? },
        0x1003 => Typedef { at, target: record.u32()?, name: record.counted_text()? },
        0x1108 => Typedef { at, target: record.u32()?, name: record.text() },
        _ => return None,
    })
}
