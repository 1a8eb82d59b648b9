//! MODULE structures: made, linked, filled, taken away.

use super::error::CeError;
use super::image::{Image, ImageSource};
use super::layout::{O32_BYTES, e32, info, module};
use super::memory::PAGE;
use super::object::{ImageIndex, Module, ModuleIndex};
use super::region::{BLOCK, Region, RegionKind};
use super::space::SLOT;
use crate::ce::Device;
use std::collections::BTreeMap;

/// `openexe_t.filetype`: object store.
const IN_STORE: u32 = 2;
/// `openexe_t.filetype`: ROM.
const IN_ROM: u32 = 3;

impl Device {
    /// Makes the MODULE of an image and puts it at the front of the list.
    pub(crate) fn make_module(&mut self, index: ImageIndex, flags: u16) -> Result<ModuleIndex, CeError> {
        let at = self.allocate(module::BYTES)?;
        let mut blocks = vec![(at, module::BYTES)];
        let image = self.state.images[index as usize].clone();
        let name = self.allocate_text(&image.name)?;
        blocks.push((name, super::memory::utf16(&image.name).len() as u32));
        let head = self.state.module_list;
        let (low, high) = data_range(&image);
        for (offset, value) in [
            (module::SELF, at),
            (module::NEXT, head),
            (module::NAME, name),
            (module::BASE, image.base),
            (module::START, if image.entry == 0 { 0 } else { image.address(image.entry) }),
            (module::RW_LOW, low),
            (module::RW_HIGH, high),
        ] {
            self.set_word(at + offset, value);
        }
        self.set_half(at + module::FLAGS, flags);
        self.set_byte(at + module::TRUST, 2);
        self.put_open_exe(at + module::OPEN_EXE, &image, name);
        self.put_e32(at + module::E32, &image);
        if let Some((table, bytes)) = self.make_o32(&image)? {
            self.set_word(at + module::O32, table);
            blocks.push((table, bytes));
        }
        self.state.module_list = at;
        self.set_info(info::MODULES, at);
        let it = Module {
            at,
            image: index,
            references: BTreeMap::new(),
            imports: None,
            wants_thread_notices: true,
            flags,
            blocks,
            is_kernel: false,
        };
        let free = self.state.modules.iter().position(Option::is_none);
        let place = free.unwrap_or(self.state.modules.len());
        if free.is_none() {
            self.state.modules.push(None);
        }
        self.state.modules[place] = Some(it);
        Ok(place as ModuleIndex)
    }

    /// Takes a module that nobody uses out of the list.
    pub(crate) fn remove_module(&mut self, index: ModuleIndex) {
        let Some(it) = self.state.modules.get_mut(index as usize).and_then(Option::take) else { return };
        let next = self.word(it.at + module::NEXT);
        if self.state.module_list == it.at {
            self.state.module_list = next;
            self.set_info(info::MODULES, next);
        } else {
            let places: Vec<u32> = self.state.modules.iter().flatten().map(|module| module.at).collect();
            let before = places.into_iter().find(|at| self.word(at + module::NEXT) == it.at);
            if let Some(before) = before {
                self.set_word(before + module::NEXT, next);
            }
        }
        self.give_up_image(it.image);
        self.set_word(it.at + module::SELF, 0);
        it.blocks.iter().for_each(|(at, bytes)| self.release(*at, *bytes));
    }

    /// Gives back the pages that the users of an image shared. Pages of ROM DLLs stay: slot 1 shows them.
    pub(crate) fn give_up_image(&mut self, index: ImageIndex) {
        let Some(image) = self.state.images.get_mut(index as usize) else { return };
        if !image.is_file() {
            return;
        }
        let (base, size) = (image.base, image.size.next_multiple_of(BLOCK));
        let frames: Vec<u32> = std::mem::take(&mut image.shared).into_values().collect();
        frames.into_iter().for_each(|frame| self.give_frame(frame));
        if base >= SLOT
            && let Some(region) = self.region(base).filter(|region| region.size == size)
        {
            self.free_region(&region);
        }
    }

    /// `openexe_t`.
    pub(crate) fn put_open_exe(&mut self, at: u32, image: &Image, name: u32) {
        let (first, kind) = match image.source {
            ImageSource::Rom(entry) => (entry, IN_ROM),
            ImageSource::File(_) => (0, IN_STORE),
        };
        self.set_word(at, first);
        self.set_word(at + 4, kind);
        self.set_word(at + 0xc, name);
    }

    /// `e32_lite`.
    pub(crate) fn put_e32(&mut self, at: u32, image: &Image) {
        self.set_half(at + e32::SECTIONS, image.sections.len() as u16);
        self.set_half(at + e32::VERSION, image.version.0 & 0xff | image.version.1 << 8);
        self.set_word(at + e32::STACK, image.stack);
        self.set_word(at + e32::BASE, image.base);
        self.set_word(at + e32::SIZE, image.size);
        self.set_word(at + e32::STAMP, image.stamp);
        for (number, (rva, size)) in image.directories.iter().take(7).enumerate() {
            let place = at + e32::TABLES + 8 * number as u32;
            self.set_word(place, *rva);
            self.set_word(place + 4, *size);
        }
    }

    /// The table of `o32_lite`: its place and bytes.
    pub(crate) fn make_o32(&mut self, image: &Image) -> Result<Option<(u32, u32)>, CeError> {
        let count = image.sections.len().min((PAGE / O32_BYTES) as usize);
        if count == 0 {
            return Ok(None);
        }
        let bytes = O32_BYTES * count as u32;
        let table = self.allocate(bytes)?;
        for (number, section) in image.sections.iter().take(count).enumerate() {
            let access = if section.is_writable() { 4 } else { 2 };
            let words =
                [section.size, section.rva, section.real, access, section.flags, section.packed_size, section.data];
            let place = table + O32_BYTES * number as u32;
            words.iter().zip(0..).for_each(|(word, index)| self.set_word(place + 4 * index, *word));
        }
        Ok(Some((table, bytes)))
    }

    /// Loads a DLL into the kernel's half: an installable interrupt service routine. The second is whether it was not
    /// there before, so that its entry is due.
    pub(crate) fn load_kernel_module(&mut self, name: &str) -> Result<(ModuleIndex, bool), CeError> {
        let image = self.find_image(name)?;
        let path = self.state.images[image as usize].path.clone();
        let known = self.state.modules.iter().position(|module| {
            module
                .as_ref()
                .is_some_and(|module| module.is_kernel && self.state.images[module.image as usize].path == path)
        });
        if let Some(known) = known {
            return Ok((known as ModuleIndex, false));
        }
        let it = &self.state.images[image as usize];
        let in_place = it.base >= super::memory::CACHED;
        let size = it.size.next_multiple_of(BLOCK);
        if !in_place {
            let base = self.state.kernel_dll_next;
            let mut moved = it.clone();
            moved.relocate(base)?;
            // Another one than that of programs, which may load it, too.
            moved.source = ImageSource::File(u64::MAX);
            self.state.images.push(moved);
            let index = self.state.images.len() as ImageIndex - 1;
            self.state.kernel_dll_next = base + size;
            self.make_tables(base, base + size)?;
            self.bind_kernel(index)?;
            self.map_image(index, 0, 0)?;
            for page in (base..base + size).step_by(PAGE as usize) {
                if self.entry(page) != 0 {
                    self.fill_page(page, false)?;
                }
            }
            return Ok((self.add_kernel_module(index)?, true));
        }
        Ok((self.add_kernel_module(image)?, true))
    }

    fn add_kernel_module(&mut self, image: ImageIndex) -> Result<ModuleIndex, CeError> {
        const KERNEL: u16 = 1 << 15;
        let index = self.make_module(image, KERNEL)?;
        if let Some(Some(module)) = self.state.modules.get_mut(index as usize) {
            module.is_kernel = true;
            module.imports = Some(Vec::new());
            module.references.insert(0, 1);
        }
        self.show_references(index, 0);
        Ok(index)
    }

    fn bind_kernel(&mut self, image: ImageIndex) -> Result<(), CeError> {
        // What runs in the kernel's half may import nothing but what is there already.
        for import in self.state.images[image as usize].imports() {
            let kernel = self.state.kernel_image.filter(|_| import.dll.eq_ignore_ascii_case("nk.exe"));
            let from = match kernel {
                Some(kernel) => kernel,
                None => {
                    let module = self.find_module(&import.dll).ok_or(CeError::MOD_NOT_FOUND)?;
                    self.module_image(module).ok_or(CeError::MOD_NOT_FOUND)?
                }
            };
            for (cell, symbol) in import.cells {
                let address = self.export(from, &symbol, 0).ok_or(CeError::PROC_NOT_FOUND)?;
                self.state.images[image as usize].set_word(cell, address);
            }
        }
        Ok(())
    }

    /// The region at the top of every slot where ROM DLLs have their data, CE 3 their code, too.
    pub(crate) fn rom_dll_region(&self, number: u8) -> Option<Region> {
        let low = self.state.rom_dll_low;
        let size = SLOT.checked_sub(low).filter(|size| *size > 0)?;
        let base = self.process_base(number) + low;
        Some(Region { base, size, process: number, kind: RegionKind::RomDlls })
    }
}

/// The addresses of what a ROM DLL writes, when that is apart from its code.
fn data_range(image: &Image) -> (u32, u32) {
    let is_apart = |section: &&super::image::ImageSection| {
        section.real.wrapping_sub(image.base) != section.rva && section.is_writable()
    };
    let apart = image.sections.iter().filter(is_apart);
    let ends = apart.map(|section| (section.real, section.real.saturating_add(section.size)));
    ends.fold((u32::MAX, 0), |(low, high), (first, end)| (low.min(first), high.max(end)))
}
