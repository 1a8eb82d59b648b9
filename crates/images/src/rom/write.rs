//! Makes a ROM image of linked modules and files, as the CE machine boots it: modules are given their addresses and fixed
//! up, sections are laid out page by page, the tables stand behind.
//!
//! ```text
//! 00       first word, left to the boot loader; 40 "ECEC", address and offset of ROMHDR
//! 1000     sections of modules, from page to page; those of the kernel at the place that their base gives them
//!          names, e32_rom, o32_rom; files; copies
//! end      ROMHDR, TOCentry, FILESentry, from a page on
//! ```

mod addresses;
mod linked;
mod pack;

use super::{
    COMPRESSED,
    module::{E32, E32Form},
    packed::Coding,
};
use addresses::Addresses;
use linked::Linked;
use vatlas_space::{Problem, Va};

const PAGE: usize = 0x1000;
/// `FILE_ATTRIBUTE_COMPRESSED` beside "read only, hidden, system".
const PLAIN: u32 = 7;
const PACKED: u32 = 0x807;
/// Bytes of an image, at most.
const MOST_BYTES: usize = 0x2000_0000;

/// Where a module runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// Where it lies in ROM, its variables in RAM: the kernel.
    Kernel,
    /// Its code in slot 1, its variables in slot 0: a ROM DLL of CE 4 and 5.
    Slot1,
    /// At one address of every slot: other DLLs, all of them on CE 3.
    Slot0,
    /// At the base that it was linked for: a program.
    Program,
}

/// A module to be put into a ROM.
#[derive(Clone, Debug)]
pub struct RomModuleSource {
    /// File name.
    pub name: String,
    /// The linked PE file.
    pub file: Vec<u8>,
    /// Where it is to run. A packed DLL does not run in slot 1: its code is unpacked to RAM.
    pub placement: Placement,
    /// Whether its sections are packed where that makes them smaller.
    pub is_packed: bool,
}

/// A file to be put into a ROM.
#[derive(Clone, Debug)]
pub struct RomFileSource {
    /// File name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it is packed where that makes it smaller.
    pub is_packed: bool,
}

/// What a ROM image is made of.
#[derive(Clone, Debug)]
pub struct RomSource {
    /// First address of the ROM, on a page.
    pub base: Va,
    /// Processor, `IMAGE_FILE_MACHINE_*`.
    pub cpu: u16,
    /// RAM: its first address and the one behind it.
    pub ram: (Va, Va),
    /// `ulKernelFlags`.
    pub kernel_flags: u32,
    /// The form of headers: short up to CE 4, long from CE 5 on.
    pub form: E32Form,
    /// The version that the headers of all modules name; `None`: the one that each was linked for.
    pub version: Option<(u16, u16)>,
    /// When everything was written: 100 ns since 1601.
    pub file_time: u64,
    /// Modules, the kernel first.
    pub modules: Vec<RomModuleSource>,
    /// Files.
    pub files: Vec<RomFileSource>,
}

/// Where a module went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacedModule {
    /// File name.
    pub name: String,
    /// Its base at run time.
    pub base: Va,
    /// Where it runs: slot 0 when slot 1 was full.
    pub placement: Placement,
    /// Its entry point at run time.
    pub entry: Va,
    /// Bytes from its base to the end of its last section, as linked.
    pub size: u32,
    /// Where its first section with variables is, if it has one apart from the image.
    pub variables: Option<Va>,
}

/// A ROM image that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrittenRom {
    /// First address.
    pub base: Va,
    /// The bytes from there on: the file `.nb0`.
    pub bytes: Vec<u8>,
    /// Where modules went, in their order.
    pub modules: Vec<PlacedModule>,
}

impl WrittenRom {
    /// The same as records: the file `.bin`, which starts at the entry point of the first module.
    pub fn records(&self) -> Vec<u8> {
        const RECORD: usize = 0x1_0000;
        let mut file = super::SIGNATURE.to_vec();
        let word = |file: &mut Vec<u8>, value: u32| file.extend_from_slice(&value.to_le_bytes());
        word(&mut file, self.base.0 as u32);
        word(&mut file, self.bytes.len() as u32);
        for (number, record) in self.bytes.chunks(RECORD).enumerate() {
            word(&mut file, (self.base.0 as u32).wrapping_add((number * RECORD) as u32));
            word(&mut file, record.len() as u32);
            word(&mut file, record.iter().fold(0, |sum: u32, byte| sum.wrapping_add((*byte).into())));
            file.extend_from_slice(record);
        }
        let entry = self.modules.first().map_or(self.base, |module| module.entry);
        [0, entry.0 as u32, 0].into_iter().for_each(|value| word(&mut file, value));
        file
    }
}

/// Makes a ROM image.
///
/// # Errors
/// A module is no PE file, cannot be moved to where it is to run, or there is no room for it.
pub fn write(source: &RomSource) -> Result<WrittenRom, Problem> {
    let mut writer = Writer {
        source,
        bytes: vec![0; PAGE],
        addresses: Addresses::new(source.ram.0, source.ram.1),
        copies: Vec::new(),
        placed: Vec::new(),
    };
    let modules = source.modules.iter().map(|module| writer.module(module)).collect::<Result<Vec<_>, _>>()?;
    let files: Vec<[u32; 7]> = source.files.iter().map(|file| writer.file(file)).collect();
    writer.finish(&modules, &files)
}

struct Writer<'a> {
    source: &'a RomSource,
    bytes: Vec<u8>,
    addresses: Addresses,
    copies: Vec<[u32; 4]>,
    placed: Vec<PlacedModule>,
}

impl Writer<'_> {
    fn here(&self) -> u32 {
        (self.source.base.0 as u32).wrapping_add(self.bytes.len() as u32)
    }

    fn align(&mut self, unit: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(unit), 0);
    }

    /// Appends bytes and tells their address.
    fn put(&mut self, unit: usize, bytes: &[u8]) -> u32 {
        self.align(unit);
        let at = self.here();
        self.bytes.extend_from_slice(bytes);
        at
    }

    fn name(&mut self, name: &str) -> u32 {
        self.put(4, &[name.as_bytes(), &[0]].concat())
    }

    /// How the version packs: LZX from CE 5 on. Of CE 4 sources contradict each other.
    fn coding(&self) -> Coding {
        match self.source.form {
            E32Form::Short => Coding::Lz,
            E32Form::Long => Coding::Lzx,
        }
    }

    fn time(&self) -> [u32; 2] {
        [self.source.file_time as u32, (self.source.file_time >> 32) as u32]
    }

    fn module(&mut self, module: &RomModuleSource) -> Result<[u32; 8], Problem> {
        let mut linked = Linked::read(&module.name, &module.file, self.source.form)?;
        linked.e32.version = self.source.version.unwrap_or(linked.e32.version);
        let (base, placement) = self.place(module, &mut linked)?;
        if module.is_packed && placement == Placement::Kernel {
            return Err(Problem::damage(module.name.as_str(), "runs where it lies in ROM, so it cannot be packed"));
        }
        linked.fix_up(base)?;
        let mut records = Vec::new();
        let (mut first, mut is_packed) = (0, false);
        for (index, section) in linked.sections.iter().enumerate() {
            if placement == Placement::Kernel {
                let wanted = (base.0 + u64::from(section.rva.0)).wrapping_sub(self.source.base.0);
                let wanted = usize::try_from(wanted).ok().filter(|at| (self.bytes.len()..MOST_BYTES).contains(at));
                let wanted = wanted.ok_or_else(|| Problem::damage(module.name.as_str(), "its sections overlap"))?;
                self.bytes.resize(wanted, 0);
            }
            let packed = module.is_packed.then(|| pack::pack(section.used(), self.coding())).flatten();
            let held = packed.as_deref().unwrap_or(section.used());
            let data = self.put(if packed.is_some() { 4 } else { PAGE }, held);
            let real = section.real.0 as u32;
            let length = held.len() as u32;
            if placement == Placement::Kernel && section.is_writable() {
                self.copies.push([data, real, length, section.size]);
            }
            first = if index == 0 { data } else { first };
            let flags = section.flags & !COMPRESSED | if packed.is_some() { COMPRESSED } else { 0 };
            is_packed |= packed.is_some();
            let record = [section.size, section.rva.0, length, data, real, flags];
            record.into_iter().for_each(|word| records.extend(word.to_le_bytes()));
        }
        let entry = Va(base.0 + u64::from(linked.e32.entry.0));
        let variables = linked.sections.iter().find(|section| section.is_apart(base)).map(|section| section.real);
        let size = linked.e32.size;
        self.placed.push(PlacedModule { name: module.name.clone(), base, placement, entry, size, variables });
        let e32 = self.put(4, &e32_bytes(&linked.e32));
        let o32 = self.put(4, &records);
        let name = self.name(&module.name);
        let [low, high] = self.time();
        let attributes = if is_packed { PACKED } else { PLAIN };
        Ok([attributes, low, high, module.file.len() as u32, name, e32, o32, first])
    }

    /// Chooses a base, and tells every section where it will be.
    fn place(&mut self, module: &RomModuleSource, linked: &mut Linked) -> Result<(Va, Placement), Problem> {
        let no_room = |what: &str| Problem::damage(module.name.as_str(), format!("there is no room left in {what}"));
        let first = linked.sections.iter().map(|section| section.rva.0).min().unwrap_or(0);
        let (base, placement) = match module.placement {
            Placement::Program => (linked.e32.base, Placement::Program),
            Placement::Kernel => {
                self.align(PAGE);
                (Va(u64::from(self.here()).saturating_sub(first.into())), Placement::Kernel)
            }
            Placement::Slot1 if module.is_packed => {
                self.addresses.dll(Placement::Slot0, linked.e32.size).ok_or_else(|| no_room("slot 0"))?
            }
            dll => self.addresses.dll(dll, linked.e32.size).ok_or_else(|| no_room("slot 0"))?,
        };
        for section in &mut linked.sections {
            let in_image = base.checked_add(section.rva.0.into()).ok_or_else(|| no_room("the addresses"))?;
            section.real = match (placement, section.is_writable()) {
                (Placement::Kernel, true) => {
                    self.addresses.kernel_variables(section.size).ok_or_else(|| no_room("RAM"))?
                }
                (Placement::Slot1, true) => self.addresses.variables(section.size).ok_or_else(|| no_room("slot 0"))?,
                _ => in_image,
            };
        }
        Ok((base, placement))
    }

    fn file(&mut self, file: &RomFileSource) -> [u32; 7] {
        let packed = file.is_packed.then(|| pack::pack(&file.bytes, self.coding())).flatten();
        let attributes = if packed.is_some() { PACKED } else { PLAIN };
        let held = packed.as_deref().unwrap_or(&file.bytes);
        let data = self.put(4, held);
        let name = self.name(&file.name);
        let [low, high] = self.time();
        [attributes, low, high, file.bytes.len() as u32, held.len() as u32, name, data]
    }

    fn finish(mut self, modules: &[[u32; 8]], files: &[[u32; 7]]) -> Result<WrittenRom, Problem> {
        let words = |rows: &[u32]| rows.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let copies = words(self.copies.as_flattened());
        let copies_at = if copies.is_empty() { 0 } else { self.put(4, &copies) };
        self.align(PAGE);
        let table = self.here();
        let body = [words(modules.as_flattened()), words(files.as_flattened())].concat();
        let size = (super::header::SIZE as usize + body.len()).next_multiple_of(PAGE);
        if self.bytes.len().saturating_add(size) > MOST_BYTES {
            return Err(Problem::damage("ROM image", "is larger than 512 MB"));
        }
        let base = self.source.base.0 as u32;
        let end = table.wrapping_add(size as u32);
        let (slot_0, slot_1) = self.addresses.lowest();
        let (ram, ram_end) = self.source.ram;
        // Before CE 4 there is one range of DLLs.
        let (dll_first, dll_last) = match slot_1 {
            addresses::SLOT_1_END => (slot_0.0 as u32, 0x0200_0000),
            _ => (slot_1.0 as u32 & 0xffff_0000 | (slot_0.0 >> 16) as u32, 0x0400_0200),
        };
        let mut header = vec![
            dll_first,
            dll_last,
            base,
            end,
            modules.len() as u32,
            ram.0 as u32,
            self.addresses.ram().0 as u32,
            ram_end.0 as u32,
            self.copies.len() as u32,
            copies_at,
            0,
            0,
            files.len() as u32,
            self.source.kernel_flags,
            0x8080_8080,
        ];
        header.extend([0, 0, self.source.cpu.into(), 0, 0, 0]);
        self.put(PAGE, &[words(&header), body].concat());
        self.align(PAGE);
        let front = [u32::from_le_bytes(*b"ECEC"), table, table.wrapping_sub(base)];
        self.bytes[0x40..0x4c].copy_from_slice(&words(&front));
        Ok(WrittenRom { base: self.source.base, bytes: self.bytes, modules: self.placed })
    }
}

/// `e32_rom` in its form.
fn e32_bytes(e32: &E32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let half = |bytes: &mut Vec<u8>, value: u16| bytes.extend(value.to_le_bytes());
    let word = |bytes: &mut Vec<u8>, value: u32| bytes.extend(value.to_le_bytes());
    half(&mut bytes, e32.sections);
    half(&mut bytes, e32.flags);
    word(&mut bytes, e32.entry.0);
    word(&mut bytes, e32.base.0 as u32);
    half(&mut bytes, e32.version.0);
    half(&mut bytes, e32.version.1);
    [e32.stack, e32.size, e32.com.0.0, e32.com.1].into_iter().for_each(|value| word(&mut bytes, value));
    e32.time_date_stamp.into_iter().for_each(|stamp| word(&mut bytes, stamp));
    e32.directories.iter().for_each(|(rva, size)| {
        word(&mut bytes, rva.0);
        word(&mut bytes, *size);
    });
    half(&mut bytes, e32.subsystem);
    half(&mut bytes, 0);
    bytes
}

#[cfg(test)]
mod tests;
