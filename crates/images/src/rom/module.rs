//! A module of the table of contents: `TOCentry`, `e32_rom`, `o32_rom`.
//!
//! ```text
//! TOCentry  20  0 attributes   4 FILETIME   c size   10 name   14 e32   18 o32   1c first byte
//! e32_rom   6c  0 u16 sections   2 u16 flags   4 entry   8 base   c u16 u16 subsystem version   10 stack
//!               14 size   18 rva, size of section 14   20 nine directories   68 u16 subsystem
//!           70  the same with a time stamp at 20 (CE 5 and later)
//! o32_rom   18  0 size   4 rva   8 bytes in ROM   c their address   10 address at run time   14 flags
//! ```

use super::reader::Reader;
use scroll::{Endian, Pread};
use vatlas_space::{Rva, Va};

/// Bytes of the records.
pub(super) const TOC_ENTRY: u64 = 0x20;
const E32: u64 = 0x70;
const O32: u64 = 0x18;

/// Sections of a module, at most; linkers write a dozen.
const MOST_SECTIONS: u16 = 256;

/// `IMAGE_SCN_COMPRESSED` of ROM images: the section's bytes are packed.
pub const COMPRESSED: u32 = 0x2000;

/// The directories of `e32_rom`, in its order: exports, imports, resources, exceptions (functions), security, fixups,
/// debug, machine description, machine-specific. Their numbers in a PE header are the same but for the last.
pub const DIRECTORIES: [&str; 9] = ["EXP", "IMP", "RES", "EXC", "SEC", "FIX", "DEB", "IMD", "MSP"];

/// Which of the two forms an `e32_rom` has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum E32Form {
    /// 0x6c bytes, up to CE 4.2 and Windows Mobile 2003.
    Short,
    /// 0x70 bytes, with a time stamp, from CE 5 on.
    Long,
}

/// `e32_rom`: what is left of a PE header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct E32 {
    /// Which form it has.
    pub form: E32Form,
    /// `e32_objcnt`: sections.
    pub sections: u16,
    /// `e32_imageflags`: `IMAGE_FILE_*`.
    pub flags: u16,
    /// `e32_entryrva`.
    pub entry: Rva,
    /// `e32_vbase`: the base that the code was fixed up for.
    pub base: Va,
    /// `e32_subsysmajor`, `e32_subsysminor`: the version of the system that it was built for.
    pub version: (u16, u16),
    /// `e32_stackmax`: bytes that are reserved for a stack.
    pub stack: u32,
    /// `e32_vsize`: bytes of the image.
    pub size: u32,
    /// `e32_sect14rva`, `e32_sect14size`: the COM+ header.
    pub com: (Rva, u32),
    /// `e32_timestamp`: the linker's time stamp; `None` in the short form.
    pub time_date_stamp: Option<u32>,
    /// `e32_unit`: the directories, in the order of [`DIRECTORIES`].
    pub directories: [(Rva, u32); 9],
    /// `e32_subsys`: 9 for Windows CE.
    pub subsystem: u16,
}

impl E32 {
    /// Reads one in a form; `None` when there are too few bytes.
    pub fn read(bytes: &[u8], form: E32Form) -> Option<Self> {
        let word = |at: usize| bytes.pread_with::<u32>(at, Endian::Little).ok();
        let half = |at: usize| bytes.pread_with::<u16>(at, Endian::Little).ok();
        let (time_date_stamp, units) = match form {
            E32Form::Short => (None, 0x20),
            E32Form::Long => (Some(word(0x20)?), 0x24),
        };
        let mut directories = [(Rva(0), 0); 9];
        for (index, directory) in directories.iter_mut().enumerate() {
            *directory = (Rva(word(units + 8 * index)?), word(units + 8 * index + 4)?);
        }
        Some(Self {
            form,
            sections: half(0)?,
            flags: half(2)?,
            entry: Rva(word(4)?),
            base: Va(word(8)?.into()),
            version: (half(0xc)?, half(0xe)?),
            stack: word(0x10)?,
            size: word(0x14)?,
            com: (Rva(word(0x18)?), word(0x1c)?),
            time_date_stamp,
            directories,
            subsystem: half(units + 72)?,
        })
    }

    /// How well the numbers fit together: directories within the image, a subsystem that exists.
    fn score(&self) -> u32 {
        let fits = |(rva, size): &(Rva, u32)| {
            *size == 0 || rva.0 != 0 && rva.checked_add(*size).is_some_and(|end| end.0 <= self.size)
        };
        // SEC and what follows DEB are places of other kinds, and are not looked at.
        let loaded = [0, 1, 2, 3, 5, 6].iter().all(|index| fits(&self.directories[*index]));
        u32::from(loaded) + 2 * u32::from(self.subsystem == 9) + u32::from((1..=14).contains(&self.subsystem))
    }
}

/// `o32_rom`: a section.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RomSection {
    /// `o32_vsize`: bytes at run time.
    pub size: u32,
    /// `o32_rva`: place in the image.
    pub rva: Rva,
    /// `o32_psize`: bytes in ROM.
    pub packed_size: u32,
    /// `o32_dataptr`: where they are in ROM.
    pub data: Va,
    /// `o32_realaddr`: where the section is at run time.
    pub real: Va,
    /// `o32_flags`: `IMAGE_SCN_*`, and [`COMPRESSED`].
    pub flags: u32,
}

impl RomSection {
    /// Whether its bytes are packed.
    pub fn is_compressed(&self) -> bool {
        self.flags & COMPRESSED != 0
    }

    /// Whether code may run in it.
    pub fn is_executable(&self) -> bool {
        self.flags & 0x2000_0020 != 0
    }

    /// Whether programs may write to it.
    pub fn is_writable(&self) -> bool {
        self.flags & 0x8000_0000 != 0
    }
}

/// A module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RomModule {
    /// File name.
    pub name: String,
    /// File attributes, and 0x800 where a section of code is packed.
    pub attributes: u32,
    /// When the file was written: 100 ns since 1601.
    pub file_time: u64,
    /// Bytes of the file that it was made from.
    pub file_size: u32,
    /// Address of its first byte in ROM.
    pub load: Va,
    /// What is left of its header; `None` when that cannot be read.
    pub e32: Option<E32>,
    /// Its sections in the order of the header.
    pub sections: Vec<RomSection>,
}

impl RomModule {
    /// Whether its name ends in `.exe`.
    pub fn is_exe(&self) -> bool {
        self.name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("exe"))
    }

    /// The address at run time of a place in the image.
    pub fn va(&self, rva: Rva) -> Option<Va> {
        let held = |section: &&RomSection| rva.offset_from(section.rva).is_some_and(|offset| offset < section.size);
        match self.sections.iter().find(held) {
            Some(section) => section.real.checked_add((rva.0 - section.rva.0).into()),
            None => self.e32.as_ref()?.base.checked_add(rva.0.into()),
        }
    }
}

/// What a module's entry says, before its header is read: both forms of the header are tried for all modules together.
pub(super) struct Entry {
    pub module: RomModule,
    pub o32: Va,
    pub header: Vec<u8>,
}

/// Reads an entry of the table of contents.
pub(super) fn entry(reader: &mut Reader<'_>, at: Va) -> Option<Entry> {
    let record = reader.memory.bytes(reader.file, at, TOC_ENTRY);
    let word = |at: usize| record.pread_with::<u32>(at, Endian::Little).ok();
    let (attributes, size, name) = (word(0)?, word(0xc)?, word(0x10)?);
    let (e32, o32, load) = (word(0x14)?, word(0x18)?, word(0x1c)?);
    let file_time = record.pread_with::<u64>(4, Endian::Little).ok()?;
    let header = reader.memory.bytes(reader.file, Va(e32.into()), E32).into_owned();
    let name = reader.text(Va(name.into()), &format!("the module's entry at {at}"));
    let load = Va(load.into());
    let module = RomModule { name, attributes, file_time, file_size: size, load, e32: None, sections: Vec::new() };
    Some(Entry { module, o32: Va(o32.into()), header })
}

/// The form in which most headers fit; a long one needs 4 more bytes, which only the last of an image may lack.
pub(super) fn form_of(headers: &[Entry]) -> E32Form {
    let score = |form| -> u64 {
        let scores = headers.iter().filter_map(|entry| Some(u64::from(E32::read(&entry.header, form)?.score())));
        scores.sum()
    };
    if score(E32Form::Long) > score(E32Form::Short) { E32Form::Long } else { E32Form::Short }
}

/// Completes a module with its header and sections.
pub(super) fn complete(reader: &mut Reader<'_>, entry: Entry, form: E32Form) -> RomModule {
    let Entry { mut module, o32, header } = entry;
    module.e32 = E32::read(&header, form);
    let Some(e32) = module.e32 else {
        reader.damage(format!("the header of {} is not in the image", module.name));
        return module;
    };
    let mut count = e32.sections;
    if count > MOST_SECTIONS {
        reader.damage(format!("{} says {count} sections; {MOST_SECTIONS} are read", module.name));
        count = MOST_SECTIONS;
    }
    let wanted = u64::from(count) * O32;
    let table = if reader.take(wanted) { reader.memory.bytes(reader.file, o32, wanted) } else { [].as_slice().into() };
    module.sections = table.chunks_exact(O32 as usize).filter_map(section).collect();
    if module.sections.len() < count.into() {
        let found = module.sections.len();
        reader.damage(format!("{} says {count} sections, {found} are in the image", module.name));
    }
    module
}

fn section(record: &[u8]) -> Option<RomSection> {
    let word = |index: usize| record.pread_with::<u32>(4 * index, Endian::Little).ok();
    Some(RomSection {
        size: word(0)?,
        rva: Rva(word(1)?),
        packed_size: word(2)?,
        data: Va(word(3)?.into()),
        real: Va(word(4)?.into()),
        flags: word(5)?,
    })
}
