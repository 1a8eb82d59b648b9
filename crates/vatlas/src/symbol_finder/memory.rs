//! The last resort: what the loaded image itself says, read from the memory of the target.

use vatlas_images::{code_view, image_bytes::of_file, pe::PeHeaders};
use vatlas_space::{AddressSpace, DebugRecord, Module, ProcessIndex, Rva, Target};
use vatlas_symbols::{SymbolFile, open::loaded_image_tables};

/// Bytes of the headers that are read: linkers write one page, and few fill it.
const HEADERS: usize = 0x1000;

/// A module in the memory of a target, or an image file that the target holds of it.
pub struct LoadedImage<'t> {
    bytes: Bytes<'t>,
    headers: PeHeaders,
    module: Module,
}

/// Where the bytes of an image are.
enum Bytes<'t> {
    Memory(&'t dyn AddressSpace),
    /// Made by a ROM image of a module whose headers its memory does not show.
    File(Vec<u8>),
}

impl<'t> LoadedImage<'t> {
    /// Finds a module in the memory of a target; `None` where its headers are not there, or are those of another build.
    pub fn find(target: &'t dyn Target, module: &Module) -> Option<Self> {
        if let Some(file) = target.image_file(module) {
            let headers = PeHeaders::read(&file).ok()?;
            return Some(Self { bytes: Bytes::File(file), headers, module: module.clone() });
        }
        let process = target.processes().iter().position(|process| process.modules.contains(module))?;
        let space = target.space(ProcessIndex(process))?;
        let mut front = vec![0; HEADERS];
        let read = space.read_available(module.range.first(), &mut front);
        let headers = PeHeaders::read(&front[..read]).ok()?;
        let is_same = module.time_date_stamp == 0 || headers.time_date_stamp == module.time_date_stamp;
        is_same.then(|| Self { bytes: Bytes::Memory(space), headers, module: module.clone() })
    }

    /// The record that names the PDB, where the dump's own list has none.
    pub fn debug_record(&self) -> Option<DebugRecord> {
        // Places in the linker's file mean nothing in a file that was made anew.
        code_view::of_image(&self.headers, &|rva, buffer| self.read(rva, buffer), None)
    }

    /// Exports, and functions without a name.
    pub fn tables(&self) -> Vec<Box<dyn SymbolFile>> {
        let name = match self.bytes {
            Bytes::Memory(_) => format!("memory of {}", self.module.name()),
            Bytes::File(_) => format!("{} in the ROM image", self.module.name()),
        };
        let tables = loaded_image_tables(&name, &self.headers, &|rva, buffer| self.read(rva, buffer));
        tables.into_iter().map(|table| Box::new(table) as Box<dyn SymbolFile>).collect()
    }

    /// Bytes of the module, and none behind it.
    fn read(&self, rva: Rva, buffer: &mut [u8]) -> usize {
        let space = match &self.bytes {
            Bytes::Memory(space) => space,
            Bytes::File(file) => return of_file(&self.headers, file)(rva, buffer),
        };
        let Some(va) = self.module.range.first().checked_add(rva.0.into()) else { return 0 };
        if !self.module.range.contains(va) {
            return 0;
        }
        let room = usize::try_from(self.module.range.last().0 - va.0).unwrap_or(usize::MAX).saturating_add(1);
        let count = buffer.len().min(room);
        space.read_available(va, &mut buffer[..count])
    }
}
