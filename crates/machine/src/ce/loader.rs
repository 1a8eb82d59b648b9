//! Finding images, giving them their places, and mapping them into processes.
//!
//! ```text
//! program           at its base, 00010000 as a rule
//! DLL of the ROM    where the ROM's tool put each section: code in slot 1, data at the top of every slot
//! DLL of a file     from the lowest DLL address downwards, at one address in every process
//! resource DLL      in slot 63, downwards (CE 5), once for all
//! DLL of the kernel from C0000000 on (our choice)
//! ```
//!
//! A file hides the ROM module of its name, and is a DLL of a file: it does not get into slot 1.

use super::error::CeError;
use super::image::{Image, ImageSource, Symbol, Target};
use super::memory::{CACHED, PAGE};
use super::object::{ImageIndex, ModuleIndex, Notice, ProcessNumber, Reason};
use super::processor::{ON_DEMAND, USER, WRITABLE};
use super::region::{BLOCK, RESOURCE_SLOT, Region, RegionKind};
use super::space::{SLOT, is_process_slot, slot_of};
use crate::ce::{CeVersion, Device};

/// How deep imports may lead.
const DEEPEST: u32 = 24;
/// How often exports may lead to other DLLs.
const MOST_FORWARDS: u32 = 8;

impl Device {
    /// The image of a name or path: of the object store first, then of the ROM.
    pub(crate) fn find_image(&mut self, name: &str) -> Result<ImageIndex, CeError> {
        let path = if name.starts_with('\\') { name.to_owned() } else { format!("\\Windows\\{name}") };
        let file = name.rsplit('\\').next().unwrap_or(name);
        let stored = [path.clone(), format!("\\{name}")];
        for path in stored.iter().filter(|path| !path.starts_with("\\\\")) {
            if let Some((bytes, version)) = self.state.store.versioned(path) {
                return self.image_of_file(path, &bytes, version);
            }
        }
        let is_in_windows = !name.contains('\\') || path.to_ascii_lowercase().starts_with("\\windows\\");
        if is_in_windows && let Some(index) = self.rom_module(file)? {
            return Ok(index);
        }
        let bytes = self.rom_file(&path).ok_or(CeError::FILE_NOT_FOUND)?;
        self.image_of_file(&path, &bytes, 0)
    }

    /// The image of a file, once for each of its versions.
    fn image_of_file(&mut self, path: &str, bytes: &[u8], version: u64) -> Result<ImageIndex, CeError> {
        let known = self
            .state
            .images
            .iter()
            .position(|image| image.source == ImageSource::File(version) && image.path.eq_ignore_ascii_case(path));
        if let Some(known) = known {
            return Ok(known as ImageIndex);
        }
        let image = Image::from_file(path, bytes, version)?;
        Ok(self.add_image(image))
    }

    fn add_image(&mut self, image: Image) -> ImageIndex {
        self.state.images.push(image);
        self.state.images.len() as ImageIndex - 1
    }

    /// The module of the ROM with this name, loaded once.
    fn rom_module(&mut self, name: &str) -> Result<Option<ImageIndex>, CeError> {
        let known =
            self.state.images.iter().position(|image| !image.is_file() && image.name.eq_ignore_ascii_case(name));
        if let Some(known) = known {
            return Ok(Some(known as ImageIndex));
        }
        let rom = std::sync::Arc::clone(&self.rom);
        for region in &rom.image.regions {
            let found = region.modules.iter().position(|module| module.name.eq_ignore_ascii_case(name));
            if let Some(number) = found {
                let entry = (region.header_va.0 as u32).wrapping_add(0x54 + 0x20 * number as u32);
                let image = Image::from_rom(&rom.image, &rom.bytes, &region.modules[number], entry)?;
                return Ok(Some(self.add_image(image)));
            }
        }
        Ok(None)
    }

    /// The image and place in it of a mapped address.
    pub(crate) fn image_at(&self, mapped: u32) -> Option<(ImageIndex, u32)> {
        let slot = slot_of(mapped);
        let in_slot = is_process_slot(slot) || mapped.wrapping_sub(self.state.kernel_base) < SLOT;
        let said = if in_slot { mapped & (SLOT - 1) } else { mapped };
        let number = if is_process_slot(slot) { slot as u8 - 1 } else { 0 };
        if in_slot && let Some(process) = self.process(number) {
            let image = &self.state.images[process.image as usize];
            if let Some(rva) = image.rva_of(said).filter(|_| said >= BLOCK) {
                return Some((process.image, rva));
            }
        }
        let modules = self.state.modules.iter().flatten();
        let modules =
            modules.filter(|module| !in_slot || module.references.get(&number).is_some_and(|count| *count > 0));
        for module in modules {
            if let Some(rva) = self.state.images[module.image as usize].rva_of(said) {
                return Some((module.image, rva));
            }
        }
        let kernel = self.state.kernel_image?;
        Some((kernel, self.state.images[kernel as usize].rva_of(said)?))
    }

    /// Marks the pages of an image's sections so that the first touch fills them; `slot` is added to those of slot 0.
    pub(crate) fn map_image(&mut self, index: ImageIndex, slot: u32, rights: u32) -> Result<(), CeError> {
        let image = &self.state.images[index as usize];
        let headers = image.sections.iter().map(|section| section.rva).min().unwrap_or(image.size).min(image.size);
        let is_file = image.is_file();
        let mut pages: Vec<(u32, u32)> = Vec::new();
        if is_file {
            pages.extend((0..headers).step_by(PAGE as usize).map(|rva| (image.base.wrapping_add(rva), 0)));
        }
        for section in &image.sections {
            let writable = if section.is_writable() { WRITABLE } else { 0 };
            let size = section.size.min(image.size);
            pages.extend(
                (0..size).step_by(PAGE as usize).map(|at| (section.real.wrapping_add(at) & !(PAGE - 1), writable)),
            );
        }
        for (said, writable) in pages {
            let mapped = if said < SLOT { said | slot } else { said };
            if said >= CACHED && rights & USER != 0 {
                continue;
            }
            self.make_tables(mapped, mapped + 1)?;
            if self.entry(mapped) == 0 {
                self.set_entry(mapped, index << 12 | ON_DEMAND | rights | writable);
                if !self.state.demand_paging {
                    self.fill_page(mapped, false)?;
                }
            }
        }
        Ok(())
    }

    /// Loads a DLL into a process; calls of entries that are due are added to `notices`.
    pub(crate) fn load_module(
        &mut self,
        process: ProcessNumber,
        name: &str,
        notices: &mut Vec<Notice>,
        depth: u32,
    ) -> Result<ModuleIndex, CeError> {
        if depth > DEEPEST {
            return Err(CeError::BAD_EXE_FORMAT);
        }
        let name = if name.contains('.') { name.to_owned() } else { format!("{name}.dll") };
        let index = match self.find_module(&name) {
            Some(index) => index,
            None => {
                let image = self.find_image(&name).map_err(|error| match error {
                    CeError::FILE_NOT_FOUND => CeError::MOD_NOT_FOUND,
                    error => error,
                })?;
                self.add_module(process, image)?
            }
        };
        self.use_module(process, index, notices, depth)?;
        Ok(index)
    }

    /// The loaded module of a name; a path must fit, too.
    pub(crate) fn find_module(&self, name: &str) -> Option<ModuleIndex> {
        let file = name.rsplit('\\').next().unwrap_or(name);
        let fits = |module: &super::object::Module| {
            let image = &self.state.images[module.image as usize];
            let path_fits = !name.contains('\\') || image.path.eq_ignore_ascii_case(name);
            !module.is_kernel && path_fits && image.name.eq_ignore_ascii_case(file)
        };
        let found = self.state.modules.iter().position(|module| module.as_ref().is_some_and(fits))?;
        Some(found as ModuleIndex)
    }

    /// Gives a DLL its place and makes its MODULE.
    fn add_module(&mut self, process: ProcessNumber, image: ImageIndex) -> Result<ModuleIndex, CeError> {
        let it = &self.state.images[image as usize];
        if !it.is_dll() {
            return Err(CeError::BAD_EXE_FORMAT);
        }
        let is_resource = it.is_resource_only() && self.state.version == CeVersion::Ce5;
        if it.is_file() {
            let size = it.size.checked_next_multiple_of(BLOCK).ok_or(CeError::BAD_EXE_FORMAT)?;
            let base = match is_resource {
                true => self.find_free_from_top(RESOURCE_SLOT * SLOT, (RESOURCE_SLOT + 1) * SLOT, size),
                false => self.place_for_dll(process, size),
            };
            let base = base.ok_or(CeError::NOT_ENOUGH_MEMORY)?;
            self.state.images[image as usize].relocate(base)?;
            if is_resource {
                self.reserve(Region { base, size, process: 0, kind: RegionKind::Image })?;
                self.map_image(image, 0, USER)?;
            }
        }
        let index = self.make_module(image, if is_resource { 3 } else { 0 })?;
        self.find_lowest_dll();
        Ok(index)
    }

    /// The highest address at which no DLL of a file is, if it is free in this process.
    fn place_for_dll(&self, process: ProcessNumber, size: u32) -> Option<u32> {
        let images = self.state.modules.iter().flatten().filter(|module| !module.is_kernel);
        let images = images.map(|module| &self.state.images[module.image as usize]);
        let files = images.filter(|image| image.is_file() && image.base < SLOT);
        let mut taken: Vec<(u32, u32)> = files.map(|image| (image.base, image.base + image.size)).collect();
        taken.sort_unstable_by(|one, other| other.cmp(one));
        let mut top = self.state.rom_dll_low;
        for (base, end) in taken {
            if top.saturating_sub(end.next_multiple_of(BLOCK)) >= size {
                break;
            }
            top = top.min(base);
        }
        let base = top.checked_sub(size).filter(|base| *base >= BLOCK)?;
        let slot = self.process_base(process);
        self.is_free(slot + base, slot + base + size).then_some(base)
    }

    /// Where DLLs begin: allocations of programs stay below.
    pub(crate) fn find_lowest_dll(&mut self) {
        let images = self.state.modules.iter().flatten().map(|module| &self.state.images[module.image as usize]);
        let files = images.filter(|image| image.is_file() && image.base < SLOT);
        self.state.dll_low = files.map(|image| image.base).min().unwrap_or(SLOT).min(self.state.rom_dll_low);
    }

    /// Counts a use of a module by a process; the first one maps it, and loads what it imports.
    fn use_module(
        &mut self,
        process: ProcessNumber,
        index: ModuleIndex,
        notices: &mut Vec<Notice>,
        depth: u32,
    ) -> Result<(), CeError> {
        let Some(Some(module)) = self.state.modules.get_mut(index as usize) else { return Err(CeError::MOD_NOT_FOUND) };
        let count = module.references.entry(process).or_insert(0);
        *count = count.saturating_add(1);
        let (is_first, image) = (*count == 1, module.image);
        self.show_references(index, process);
        if !is_first {
            return Ok(());
        }
        let done = self.map_module(process, image).and_then(|()| self.load_imports(process, index, notices, depth));
        if let Err(error) = done {
            self.drop_module(process, index);
            return Err(error);
        }
        if let Some(process) = self.process_mut(process) {
            process.modules.push(index);
        }
        notices.push(Notice { module: index, reason: Reason::ProcessAttach });
        self.tell_module(process, index, true);
        Ok(())
    }

    fn map_module(&mut self, process: ProcessNumber, index: ImageIndex) -> Result<(), CeError> {
        let slot = self.process_base(process);
        let image = &self.state.images[index as usize];
        let (is_file, base, size) = (image.is_file(), image.base, image.size.next_multiple_of(BLOCK));
        if is_file && base >= SLOT {
            // It is mapped for everybody already.
            return Ok(());
        }
        if is_file {
            let region = Region { base: slot + base, size, process, kind: RegionKind::Image };
            self.reserve(region).map_err(|_| CeError::NOT_ENOUGH_MEMORY)?;
        }
        self.map_image(index, slot, USER)
    }

    fn load_imports(
        &mut self,
        process: ProcessNumber,
        index: ModuleIndex,
        notices: &mut Vec<Notice>,
        depth: u32,
    ) -> Result<(), CeError> {
        let Some(Some(module)) = self.state.modules.get(index as usize) else { return Err(CeError::MOD_NOT_FOUND) };
        let (image, known) = (module.image, module.imports.clone());
        if let Some(known) = known {
            for import in known {
                self.use_module(process, import, notices, depth + 1)?;
            }
            return Ok(());
        }
        // A DLL that is imported in a circle is taken as it is.
        if let Some(Some(module)) = self.state.modules.get_mut(index as usize) {
            module.imports = Some(Vec::new());
        }
        let imports = self.bind(process, image, notices, depth)?;
        if let Some(Some(module)) = self.state.modules.get_mut(index as usize) {
            module.imports = Some(imports);
        }
        Ok(())
    }

    /// Loads what an image imports and writes the addresses into it. They are the same in every process.
    pub(crate) fn bind(
        &mut self,
        process: ProcessNumber,
        image: ImageIndex,
        notices: &mut Vec<Notice>,
        depth: u32,
    ) -> Result<Vec<ModuleIndex>, CeError> {
        let mut modules = Vec::new();
        for import in self.state.images[image as usize].imports() {
            let index = self.load_module(process, &import.dll, notices, depth + 1)?;
            modules.push(index);
            let Some(from) = self.module_image(index) else { continue };
            for (cell, symbol) in import.cells {
                match self.export(from, &symbol, 0) {
                    Some(address) => self.state.images[image as usize].set_word(cell, address),
                    None => {
                        self.note_missing(format!("{}!{symbol}", import.dll));
                        return Err(CeError::PROC_NOT_FOUND);
                    }
                }
            }
        }
        Ok(modules)
    }

    /// The run-time address of an export, in slot-0 form.
    pub(crate) fn export(&self, image: ImageIndex, symbol: &Symbol, depth: u32) -> Option<u32> {
        let image = self.state.images.get(image as usize)?;
        match image.exports.get(symbol)? {
            Target::Rva(rva) => Some(image.address(*rva)),
            Target::Forward(text) if depth < MOST_FORWARDS => {
                let (dll, name) = text.rsplit_once('.')?;
                let module = self.find_module(&format!("{dll}.dll"))?;
                let symbol = match name.strip_prefix('#').and_then(|number| number.parse().ok()) {
                    Some(ordinal) => Symbol::Ordinal(ordinal),
                    None => Symbol::Name(name.to_owned()),
                };
                self.export(self.module_image(module)?, &symbol, depth + 1)
            }
            Target::Forward(_) => None,
        }
    }

    /// Undoes one use of a module that may not even be whole; the last one unmaps it.
    pub(crate) fn drop_module(&mut self, process: ProcessNumber, index: ModuleIndex) {
        let Some(Some(module)) = self.state.modules.get_mut(index as usize) else { return };
        let Some(count) = module.references.get_mut(&process).filter(|count| **count > 0) else { return };
        *count -= 1;
        let (is_last, image, imports) = (*count == 0, module.image, module.imports.clone().unwrap_or_default());
        self.show_references(index, process);
        if !is_last {
            return;
        }
        if let Some(process) = self.process_mut(process) {
            process.modules.retain(|known| *known != index);
        }
        self.tell_module(process, index, false);
        self.unmap_module(process, image);
        for import in imports {
            self.drop_module(process, import);
        }
        let is_unused = |module: &super::object::Module| module.references.values().all(|count| *count == 0);
        if self.state.modules[index as usize].as_ref().is_some_and(is_unused) {
            self.remove_module(index);
            self.find_lowest_dll();
        }
    }

    fn unmap_module(&mut self, process: ProcessNumber, index: ImageIndex) {
        let slot = self.process_base(process);
        let image = &self.state.images[index as usize];
        if image.is_file() {
            let base = if image.base < SLOT { slot + image.base } else { return };
            if let Some(region) = self.region(base).filter(|region| region.kind == RegionKind::Image) {
                self.free_region(&region);
            }
            return;
        }
        let ranges: Vec<(u32, u32)> = image
            .sections
            .iter()
            .filter(|section| section.real < SLOT)
            .map(|section| (section.real, section.size))
            .collect();
        for (real, size) in ranges {
            let end = (real + size).next_multiple_of(PAGE);
            let first = real & !(PAGE - 1);
            self.decommit(slot + first, end - first);
        }
    }
}

impl std::fmt::Display for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ordinal(ordinal) => write!(f, "#{ordinal}"),
        }
    }
}
