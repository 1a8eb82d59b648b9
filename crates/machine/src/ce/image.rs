//! A program or DLL as the loader has it: its bytes at their places in the image, fixed up, and where its sections go.

use super::error::CeError;
use super::memory::PAGE;
use super::processor;
use std::collections::BTreeMap;
use std::sync::Arc;
use vatlas_images::pe_load::PeLoad;
use vatlas_images::rom::{Packed, RomImage, RomModule, RomSection};
use vatlas_space::Rva;

/// `IMAGE_SCN_MEM_WRITE`.
const WRITE: u32 = 0x8000_0000;
/// `IMAGE_SCN_MEM_SHARED`.
const SHARED: u32 = 0x1000_0000;
/// `IMAGE_SCN_MEM_EXECUTE` or code.
const CODE: u32 = 0x2000_0020;
/// Bytes of an image: a slot.
const MOST_BYTES: u32 = 0x0200_0000;
/// Imports and exports that are read.
const MOST_NAMES: u32 = 0x1_0000;

/// Numbers of the directories in `e32_rom`, which up to 6 are those of PE.
pub(crate) const EXPORTS: usize = 0;
pub(crate) const IMPORTS: usize = 1;
pub(crate) const RESOURCES: usize = 2;
const FIXUPS: usize = 5;

/// A section.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct ImageSection {
    pub rva: u32,
    pub size: u32,
    /// Bytes in ROM or file.
    pub packed_size: u32,
    /// Where they are in ROM; 0 for a file.
    pub data: u32,
    /// Address at run time, in slot-0 form.
    pub real: u32,
    pub flags: u32,
}

impl ImageSection {
    pub(crate) const fn is_writable(&self) -> bool {
        self.flags & WRITE != 0
    }

    pub(crate) const fn is_code(&self) -> bool {
        self.flags & CODE != 0
    }

    /// Whether each process has its own bytes.
    pub(crate) const fn is_private(&self) -> bool {
        self.flags & WRITE != 0 && self.flags & SHARED == 0
    }
}

/// Where an image came from.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum ImageSource {
    /// A module of the ROM: address of its TOCentry.
    Rom(u32),
    /// A file: its version in the object store, 0 for one of the ROM.
    File(u64),
}

/// An import: where the address goes, and what it is of.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Import {
    pub dll: String,
    pub cells: Vec<(u32, Symbol)>,
}

/// What is imported or exported.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Symbol {
    Name(String),
    Ordinal(u16),
}

/// What an export leads to.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Target {
    Rva(u32),
    Forward(String),
}

/// An image.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Image {
    /// File name.
    pub name: String,
    /// Path.
    pub path: String,
    pub source: ImageSource,
    /// Bytes of the whole image; sections of ROM DLLs are at their places in it, not at run-time ones.
    pub bytes: Arc<Vec<u8>>,
    /// Base at run time, in slot-0 form.
    pub base: u32,
    pub size: u32,
    pub entry: u32,
    pub stack: u32,
    pub flags: u16,
    pub subsystem: u16,
    pub version: (u16, u16),
    pub stamp: u32,
    pub directories: [(u32, u32); 9],
    pub sections: Vec<ImageSection>,
    /// Pages that all users share, by place in the image: their frames.
    pub shared: BTreeMap<u32, u32>,
    /// Pages that differ from what the ROM has: they cannot run in place.
    pub changed: std::collections::BTreeSet<u32>,
    pub exports: Arc<BTreeMap<Symbol, Target>>,
}

impl Image {
    /// From a module of the ROM.
    pub(crate) fn from_rom(rom: &RomImage, file: &[u8], module: &RomModule, entry: u32) -> Result<Self, CeError> {
        let e32 = module.e32.as_ref().ok_or(CeError::BAD_EXE_FORMAT)?;
        if e32.size > MOST_BYTES {
            return Err(CeError::BAD_EXE_FORMAT);
        }
        let mut bytes = vec![0; e32.size as usize];
        for section in &module.sections {
            let contents = contents(rom, file, section);
            let start = section.rva.0 as usize;
            let end = start.saturating_add(contents.len().min(section.size as usize)).min(bytes.len());
            if let Some(place) = bytes.get_mut(start..end) {
                place.copy_from_slice(&contents[..place.len()]);
            }
        }
        let sections = module.sections.iter().map(|section| ImageSection {
            rva: section.rva.0,
            size: section.size,
            packed_size: section.packed_size,
            data: section.data.0 as u32,
            real: section.real.0 as u32,
            flags: section.flags,
        });
        let mut image = Self {
            name: module.name.clone(),
            path: format!("\\Windows\\{}", module.name),
            source: ImageSource::Rom(entry),
            bytes: Arc::new(bytes),
            base: e32.base.0 as u32,
            size: e32.size,
            entry: e32.entry.0,
            stack: e32.stack,
            flags: e32.flags,
            subsystem: e32.subsystem,
            version: e32.version,
            stamp: e32.time_date_stamp.unwrap_or(0),
            directories: e32.directories.map(|(rva, size)| (rva.0, size)),
            sections: sections.collect(),
            shared: BTreeMap::new(),
            changed: std::collections::BTreeSet::new(),
            exports: Arc::default(),
        };
        image.exports = Arc::new(image.read_exports());
        Ok(image)
    }

    /// From a PE file.
    pub(crate) fn from_file(path: &str, file: &[u8], version: u64) -> Result<Self, CeError> {
        let pe = PeLoad::read(file).map_err(|_| CeError::BAD_EXE_FORMAT)?;
        if pe.machine != processor::MACHINE || !pe.is_32_bit || pe.size_of_image > MOST_BYTES {
            return Err(CeError::BAD_EXE_FORMAT);
        }
        let mut bytes = vec![0; pe.size_of_image as usize];
        copy(&mut bytes, 0, file.get(..pe.size_of_headers.min(pe.size_of_image) as usize).unwrap_or_default());
        let mut sections = Vec::with_capacity(pe.sections.len());
        for section in &pe.sections {
            let size = if section.virtual_size == 0 { section.file_size } else { section.virtual_size };
            let start = usize::try_from(section.file_offset.0).unwrap_or(usize::MAX);
            let held = section.file_size.min(size) as usize;
            let contents = file.get(start..).unwrap_or_default();
            copy(&mut bytes, section.rva.0, &contents[..held.min(contents.len())]);
            let real = (pe.image_base as u32).wrapping_add(section.rva.0);
            let (rva, flags) = (section.rva.0, section.characteristics);
            sections.push(ImageSection { rva, size, packed_size: held as u32, data: 0, real, flags });
        }
        let headers = vatlas_images::pe::PeHeaders::read(file).map_err(|_| CeError::BAD_EXE_FORMAT)?;
        let directory = |number| headers.directory(number).map_or((0, 0), |(rva, size): (Rva, u32)| (rva.0, size));
        let mut directories = [(0, 0); 9];
        (0..7).for_each(|number| directories[number] = directory(number));
        let name = path.rsplit('\\').next().unwrap_or(path).to_owned();
        let mut image = Self {
            name,
            path: path.to_owned(),
            source: ImageSource::File(version),
            bytes: Arc::new(bytes),
            base: pe.image_base as u32,
            size: pe.size_of_image,
            entry: pe.entry_point.0,
            stack: pe.stack_reserve.try_into().unwrap_or(0),
            flags: pe.characteristics,
            subsystem: pe.subsystem,
            version: pe.subsystem_version,
            stamp: headers.time_date_stamp,
            directories,
            sections,
            shared: BTreeMap::new(),
            changed: std::collections::BTreeSet::new(),
            exports: Arc::default(),
        };
        image.exports = Arc::new(image.read_exports());
        Ok(image)
    }

    /// A word of the image.
    pub(crate) fn word(&self, rva: u32) -> Option<u32> {
        self.bytes.get(rva as usize..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    fn half(&self, rva: u32) -> Option<u16> {
        self.bytes.get(rva as usize..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
    }

    /// A text that ends with a zero.
    fn text(&self, rva: u32) -> Option<String> {
        const LONGEST: usize = 512;
        let bytes = self.bytes.get(rva as usize..)?;
        let bytes = &bytes[..bytes.len().min(LONGEST)];
        let end = bytes.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }

    /// Writes a word that the loader decides: an import, a moved address.
    pub(crate) fn set_word(&mut self, rva: u32, value: u32) {
        let bytes = Arc::make_mut(&mut self.bytes);
        let Some(place) = bytes.get_mut(rva as usize..).and_then(<[u8]>::first_chunk_mut::<4>) else { return };
        if *place != value.to_le_bytes() {
            *place = value.to_le_bytes();
            self.changed.extend([rva / PAGE * PAGE, (rva + 3) / PAGE * PAGE]);
        }
    }

    /// The section of a place.
    pub(crate) fn section(&self, rva: u32) -> Option<&ImageSection> {
        self.sections.iter().find(|section| {
            rva.checked_sub(section.rva).is_some_and(|offset| offset < section.size.next_multiple_of(PAGE))
        })
    }

    /// Address at run time, in slot-0 form.
    pub(crate) fn address(&self, rva: u32) -> u32 {
        match self.section(rva) {
            Some(section) => section.real.wrapping_add(rva - section.rva),
            None => self.base.wrapping_add(rva),
        }
    }

    /// The place of a run-time address, in slot-0 form.
    pub(crate) fn rva_of(&self, address: u32) -> Option<u32> {
        let inside = |section: &&ImageSection| {
            address.checked_sub(section.real).is_some_and(|offset| offset < section.size.next_multiple_of(PAGE))
        };
        if let Some(section) = self.sections.iter().find(inside) {
            return Some(section.rva + (address - section.real));
        }
        address.checked_sub(self.base).filter(|offset| *offset < self.size && self.section(*offset).is_none())
    }

    /// Moves the image of a file to another base.
    pub(crate) fn relocate(&mut self, base: u32) -> Result<(), CeError> {
        const RELOCS_STRIPPED: u16 = 1;
        const HIGH_LOW: u16 = 3;
        let delta = base.wrapping_sub(self.base);
        if delta == 0 {
            return Ok(());
        }
        let (start, size) = self.directories[FIXUPS];
        if size == 0 && self.flags & RELOCS_STRIPPED != 0 {
            return Err(CeError::BAD_EXE_FORMAT);
        }
        let end = start.saturating_add(size).min(self.size);
        let mut at = start;
        while at < end.saturating_sub(8) {
            let (Some(page), Some(length)) = (self.word(at), self.word(at + 4)) else { break };
            if length < 8 || length > end - at {
                break;
            }
            for entry in (at + 8..at + length - length % 2).step_by(2) {
                let Some(fixup) = self.half(entry) else { break };
                let place = page.wrapping_add(u32::from(fixup & 0xfff));
                if fixup >> 12 == HIGH_LOW
                    && let Some(old) = self.word(place)
                {
                    self.set_word(place, old.wrapping_add(delta));
                }
            }
            at += length;
        }
        self.sections.iter_mut().for_each(|section| section.real = section.real.wrapping_add(delta));
        self.base = base;
        Ok(())
    }

    /// What the image wants of other DLLs.
    pub(crate) fn imports(&self) -> Vec<Import> {
        let (mut at, size) = self.directories[IMPORTS];
        let mut imports = Vec::new();
        if size == 0 {
            return imports;
        }
        while let (Some(names), Some(name), Some(cells)) = (self.word(at), self.word(at + 12), self.word(at + 16)) {
            if name == 0 || cells == 0 || imports.len() >= 256 {
                break;
            }
            let Some(dll) = self.text(name) else { break };
            let lookup = if names == 0 { cells } else { names };
            imports.push(Import { dll, cells: self.cells(lookup, cells) });
            at = at.saturating_add(20);
        }
        imports
    }

    fn cells(&self, lookup: u32, cells: u32) -> Vec<(u32, Symbol)> {
        const BY_ORDINAL: u32 = 1 << 31;
        let mut found = Vec::new();
        for number in 0..MOST_NAMES {
            let place = lookup.saturating_add(4 * number);
            let symbol = match self.word(place) {
                None | Some(0) => break,
                Some(entry) if entry & BY_ORDINAL != 0 => Symbol::Ordinal(entry as u16),
                Some(entry) => match self.text(entry.saturating_add(2)) {
                    Some(name) => Symbol::Name(name),
                    None => break,
                },
            };
            found.push((cells.saturating_add(4 * number), symbol));
        }
        found
    }

    fn read_exports(&self) -> BTreeMap<Symbol, Target> {
        let mut exports = BTreeMap::new();
        let (start, size) = self.directories[EXPORTS];
        let field = |offset: u32| self.word(start.saturating_add(offset)).unwrap_or(0);
        if size == 0 {
            return exports;
        }
        let (base, count, names) = (field(16), field(20).min(MOST_NAMES), field(24).min(MOST_NAMES));
        let (functions, name_table, ordinals) = (field(28), field(32), field(36));
        let target = |index: u32| {
            let rva = self.word(functions.saturating_add(4 * index)).filter(|rva| *rva != 0)?;
            match rva.checked_sub(start).is_some_and(|offset| offset < size) {
                true => Some(Target::Forward(self.text(rva)?)),
                false => Some(Target::Rva(rva)),
            }
        };
        for index in 0..count {
            let (Some(target), Ok(ordinal)) = (target(index), u16::try_from(base.saturating_add(index))) else {
                continue;
            };
            exports.insert(Symbol::Ordinal(ordinal), target);
        }
        for number in 0..names {
            let name = self.word(name_table.saturating_add(4 * number)).and_then(|rva| self.text(rva));
            let index = self.half(ordinals.saturating_add(2 * number)).filter(|index| u32::from(*index) < count);
            if let (Some(name), Some(target)) = (name, index.and_then(|index| target(index.into()))) {
                exports.insert(Symbol::Name(name), target);
            }
        }
        exports
    }

    /// Whether it is from a file.
    pub(crate) const fn is_file(&self) -> bool {
        matches!(self.source, ImageSource::File(_))
    }

    /// Whether it has no code: a DLL of resources.
    pub(crate) fn is_resource_only(&self) -> bool {
        self.entry == 0 && !self.sections.iter().any(ImageSection::is_code)
    }

    /// Whether it is a DLL.
    pub(crate) const fn is_dll(&self) -> bool {
        self.flags & 0x2000 != 0
    }
}

fn copy(bytes: &mut [u8], rva: u32, contents: &[u8]) {
    let start = rva as usize;
    let end = start.saturating_add(contents.len()).min(bytes.len());
    if let Some(place) = bytes.get_mut(start..end) {
        place.copy_from_slice(&contents[..place.len()]);
    }
}

/// What a ROM section holds at run time before anything writes to it.
fn contents(rom: &RomImage, file: &[u8], section: &RomSection) -> Vec<u8> {
    let data = rom.section_data(file, section);
    if !section.is_compressed() {
        return data.into_owned();
    }
    Packed::read(&data).map_or_else(|_| Vec::new(), |packed| packed.unpack(&data).0)
}
