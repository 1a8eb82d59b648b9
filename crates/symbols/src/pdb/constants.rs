//! Constants: records of values that are nowhere in memory.

use super::{
    PdbFile,
    records::{self, RawRecord, Records, TypeIndex},
    types::numbers::number,
};
use crate::{types::ConstantValue, variable::Constant};
use std::{collections::HashSet, ops::ControlFlow};

/// The record of a constant.
pub(super) struct ConstantRecord<'a> {
    pub(super) name: &'a [u8],
    pub(super) type_index: TypeIndex,
    pub(super) value: ConstantValue,
    /// All that it says.
    bytes: &'a [u8],
}

/// Reads the record of a constant; `None` for another one. Type, value, name; of managed code without the type.
pub(super) fn read<'a>(raw: &RawRecord<'a>) -> Option<ConstantRecord<'a>> {
    let mut reader = raw.fields;
    let type_index = match raw.kind {
        // S_CONSTANT_16t, S_CONSTANT_ST, S_CONSTANT, S_MANCONSTANT
        0x0003 => u32::from(reader.u16()?).into(),
        0x1002 | 0x1107 => reader.u32()?.into(),
        0x112d => {
            reader.skip(4)?;
            TypeIndex::default()
        }
        _ => return None,
    };
    let value = number(&mut reader)?;
    let name = records::name(&mut reader, raw.kind)?;
    let length = raw.fields.rest().len() - reader.rest().len();
    Some(ConstantRecord { name, type_index, value, bytes: raw.fields.rest().get(..length)? })
}

/// Who is handed the constants.
type Visitor<'a> = dyn FnMut(&Constant) -> ControlFlow<()> + 'a;

impl PdbFile {
    /// The global constants, then those of modules; each once, though every module that uses one may have it.
    pub(super) fn visit_all_constants(&self, visitor: &mut Visitor<'_>) -> ControlFlow<()> {
        let mut seen = HashSet::new();
        for raw in Records::new(self.globals().records(), 0) {
            self.visit_constant(None, &raw, &mut seen, visitor)?;
        }
        for (index, module) in self.modules.iter().enumerate() {
            let Some(stream) = self.stream(module.stream, "module") else { continue };
            let symbols = stream.get(..module.symbols_size as usize).unwrap_or(&stream);
            for raw in Records::new(symbols, 4) {
                self.visit_constant(Some(index), &raw, &mut seen, visitor)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn visit_constant(
        &self,
        module: Option<usize>,
        raw: &RawRecord<'_>,
        seen: &mut HashSet<Box<[u8]>>,
        visitor: &mut Visitor<'_>,
    ) -> ControlFlow<()> {
        let Some(record) = read(raw).filter(|record| !seen.contains(record.bytes)) else {
            return ControlFlow::Continue(());
        };
        seen.insert(record.bytes.into());
        let name = String::from_utf8_lossy(record.name).into_owned();
        visitor(&Constant { name, type_id: self.type_id(module, record.type_index), value: record.value })
    }
}
