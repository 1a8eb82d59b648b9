//! Names of inlined functions: records of the id stream (IPI), and of the types (TPI) that they are members of.

use super::{
    items::{Item, Items},
    types::declared_name,
};
use std::sync::Arc;

const LF_FUNC_ID: u16 = 0x1601;
const LF_MFUNC_ID: u16 = 0x1602;
const LF_STRING_ID: u16 = 0x1605;

/// Both streams.
pub(super) struct Ids {
    pub(super) ids: Option<Items>,
    pub(super) types: Option<Arc<Items>>,
}

impl Ids {
    /// Name of a function with the class or namespace that it is in.
    pub(super) fn function(&self, id: u32) -> Option<String> {
        let Item { kind, mut record, .. } = self.ids.as_ref()?.get(id)?;
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
        let Item { kind, mut record, .. } = self.ids.as_ref()?.get(id)?;
        record.skip(4)?;
        (kind == LF_STRING_ID).then(|| String::from_utf8_lossy(record.text()).to_string())
    }

    fn class(&self, number: u32) -> Option<String> {
        declared_name(self.types.as_ref()?, number)
    }
}
