//! Names of inlined functions, also of those that another module's ids stand for.

use super::{PdbFile, c13::C13, lines::LineParts};
use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};

/// Mark of an id that another module has: the type records were not merged.
const OF_ANOTHER_MODULE: u32 = 0x8000_0000;

/// What was found out about the modules' ids.
#[derive(Debug, Default)]
pub(super) struct InlineeNames {
    /// Modules by name, in small letters.
    modules: OnceLock<HashMap<String, usize>>,
    /// What modules export.
    exports: Mutex<HashMap<usize, HashMap<u32, u32>>>,
}

impl PdbFile {
    /// The name of an inlined function; a number where no record tells it.
    pub(super) fn inlinee_name(&self, c13: &C13<'_>, id: u32) -> String {
        let own = if id & OF_ANOTHER_MODULE == 0 { Some(id) } else { self.number_of_import(c13, id) };
        let name = own.and_then(|id| self.ids().function(id));
        name.unwrap_or_else(|| format!("inlined function {id:#x}"))
    }

    /// The number that a type or id of another module has in the streams.
    pub(super) fn number_of_import(&self, c13: &C13<'_>, id: u32) -> Option<u32> {
        let (name, number) = c13.import(id)?;
        let name = self.file_name(name)?.to_lowercase();
        let modules = self.inlinee_names.modules.get_or_init(|| {
            let modules = self.modules.iter().enumerate();
            modules.map(|(index, module)| (module.name.to_lowercase(), index)).collect()
        });
        let index = *modules.get(&name)?;
        let mut exports = self.inlinee_names.exports.lock().unwrap_or_else(PoisonError::into_inner);
        exports.entry(index).or_insert_with(|| self.exports_of(index)).get(&number).copied()
    }

    fn exports_of(&self, index: usize) -> HashMap<u32, u32> {
        let Some(module) = self.modules.get(index) else { return HashMap::new() };
        let Some(stream) = self.stream(module.stream, "module") else { return HashMap::new() };
        C13::new(LineParts::of(module, &stream).c13).exports()
    }
}
