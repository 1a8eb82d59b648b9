//! A linked PE file on its way into a ROM: what `e32_rom` keeps of its header, its sections, its base relocations.

use crate::rom::module::{E32, E32Form};
use scroll::{Endian, Pread};
use vatlas_space::{Problem, Rva, Va};

const OPTIONAL_HEADER: usize = 24;
const DIRECTORIES: usize = OPTIONAL_HEADER + 96;
const SECTION: usize = 40;
const PE32: u16 = 0x10b;
const MOST_SECTIONS: usize = 96;
const PAGE: u32 = 0x1000;
/// `IMAGE_SCN_MEM_DISCARDABLE`.
const DISCARDABLE: u32 = 0x0200_0000;
/// Numbers of the directories for base relocations and for .NET.
const FIX: usize = 5;
const COM: usize = 14;
/// `IMAGE_REL_BASED_ABSOLUTE` and `IMAGE_REL_BASED_HIGHLOW`.
const PADDING: u16 = 0;
const WORD: u16 = 3;

/// A section of a linked file.
#[derive(Clone, Debug)]
pub(super) struct LinkedSection {
    pub rva: Rva,
    /// Bytes at run time.
    pub size: u32,
    pub flags: u32,
    /// Bytes of the file, no more than there are at run time.
    pub bytes: Vec<u8>,
    /// Where it will be at run time.
    pub real: Va,
}

impl LinkedSection {
    pub fn is_writable(&self) -> bool {
        self.flags & 0x8000_0000 != 0
    }

    /// Whether it runs elsewhere than in the image of this base: variables of a ROM DLL and of the kernel.
    pub fn is_apart(&self, base: Va) -> bool {
        self.real.0 != base.0 + u64::from(self.rva.0)
    }

    /// The bytes without the zeros at their end, which the loader makes.
    pub fn used(&self) -> &[u8] {
        let used = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        &self.bytes[..used]
    }

    fn holds(&self, rva: u32) -> bool {
        rva.checked_sub(self.rva.0).is_some_and(|offset| offset < self.size)
    }
}

/// A linked file.
#[derive(Clone, Debug)]
pub(super) struct Linked {
    pub e32: E32,
    pub sections: Vec<LinkedSection>,
    /// Places of words that hold addresses; `None` when the file can run at its base only.
    relocations: Option<Vec<u32>>,
    name: String,
}

impl Linked {
    /// Reads a PE file.
    ///
    /// # Errors
    /// It is no PE32 file, or its relocations are of a kind that cannot be applied.
    pub fn read(name: &str, file: &[u8], form: E32Form) -> Result<Self, Problem> {
        let damage = |cause: &str| Problem::damage(name, cause);
        let word = |at: usize| file.pread_with::<u32>(at, Endian::Little).ok();
        let half = |at: usize| file.pread_with::<u16>(at, Endian::Little).ok();
        let pe = word(0x3c).filter(|_| file.starts_with(b"MZ")).map(|at| at as usize);
        let pe = pe.filter(|pe| file.get(*pe..).is_some_and(|rest| rest.starts_with(b"PE\0\0")));
        let pe = pe.ok_or_else(|| damage("this is no PE file"))?;
        let header = |at: usize| word(pe.checked_add(at)?);
        let small = |at: usize| half(pe.checked_add(at)?);
        if small(OPTIONAL_HEADER) != Some(PE32) {
            return Err(damage("the file is no PE32 file"));
        }
        let mut directories = [(Rva(0), 0); 16];
        for (number, directory) in directories.iter_mut().enumerate() {
            let at = DIRECTORIES + 8 * number;
            *directory = (Rva(header(at).unwrap_or(0)), header(at + 4).unwrap_or(0));
        }
        let optional = |at: usize| header(OPTIONAL_HEADER + at).ok_or_else(|| damage("the header is cut off"));
        let e32 = E32 {
            form,
            sections: 0,
            flags: small(22).unwrap_or(0),
            entry: Rva(optional(16)?),
            base: Va(optional(28)?.into()),
            version: (small(OPTIONAL_HEADER + 48).unwrap_or(0), small(OPTIONAL_HEADER + 50).unwrap_or(0)),
            stack: optional(72)?,
            size: optional(56)?,
            com: directories[COM],
            time_date_stamp: (form == E32Form::Long).then(|| header(8).unwrap_or(0)),
            directories: std::array::from_fn(|number| directories[number]),
            subsystem: small(OPTIONAL_HEADER + 68).unwrap_or(0),
        };
        let table = pe + OPTIONAL_HEADER + usize::from(small(20).unwrap_or(0));
        let count = usize::from(small(6).unwrap_or(0)).min(MOST_SECTIONS);
        let sections = (0..count).map(|number| section(file, table + SECTION * number, e32.base));
        let sections =
            sections.collect::<Option<Vec<_>>>().ok_or_else(|| damage("the table of sections is cut off"))?;
        let mut linked = Self { e32, sections, relocations: None, name: name.to_owned() };
        linked.relocations = linked.read_relocations()?;
        linked.drop_discardable();
        Ok(linked)
    }

    fn read_relocations(&self) -> Result<Option<Vec<u32>>, Problem> {
        let (directory, size) = self.e32.directories[FIX];
        if size == 0 {
            return Ok(None);
        }
        let damage = |cause: &str| Problem::damage(self.name.as_str(), cause);
        let table =
            self.bytes(directory.0, size as usize).ok_or_else(|| damage("the table of relocations is cut off"))?;
        let mut places = Vec::new();
        let mut at = 0;
        while let (Ok(page), Ok(size)) =
            (table.pread_with::<u32>(at, Endian::Little), table.pread_with::<u32>(at + 4, Endian::Little))
        {
            let end = at.saturating_add(size as usize);
            let entries = table.get(at + 8..end).filter(|_| size >= 8);
            for entry in entries.ok_or_else(|| damage("a block of relocations cannot be"))?.chunks_exact(2) {
                let entry = u16::from_le_bytes([entry[0], entry[1]]);
                match entry >> 12 {
                    PADDING => {}
                    WORD => places.push(page.saturating_add(u32::from(entry & 0xfff))),
                    kind => return Err(damage(&format!("relocations of type {kind} cannot be applied"))),
                }
            }
            at = end;
        }
        Ok(Some(places))
    }

    /// A module in ROM does not move any more, and nobody reads its debug sections there: what a loader may discard is
    /// left out, unless a directory leads into it.
    fn drop_discardable(&mut self) {
        let (directory, size) = std::mem::take(&mut self.e32.directories[FIX]);
        let is_table = |section: &LinkedSection| size > 0 && section.rva == directory && !section.is_writable();
        let directories = self.e32.directories;
        let is_named =
            |section: &LinkedSection| directories.iter().any(|(rva, size)| *size > 0 && section.holds(rva.0));
        self.sections.retain(|section| !(is_table(section) || section.flags & DISCARDABLE != 0 && !is_named(section)));
        self.e32.sections = self.sections.len() as u16;
        let ends = self.sections.iter().map(|section| section.rva.0.saturating_add(section.size));
        let end = ends.max().unwrap_or(0).checked_next_multiple_of(PAGE);
        self.e32.size = end.map_or(self.e32.size, |end| end.min(self.e32.size));
    }

    fn bytes(&self, rva: u32, size: usize) -> Option<&[u8]> {
        let section = self.sections.iter().find(|section| section.holds(rva))?;
        let start = (rva - section.rva.0) as usize;
        section.bytes.get(start..start.checked_add(size)?)
    }

    /// Moves the image to a base, and every section to where it will be; words that hold addresses follow the section
    /// that they lead into.
    ///
    /// # Errors
    /// Something moves, and the file says of no word whether it holds an address.
    pub fn fix_up(&mut self, base: Va) -> Result<(), Problem> {
        let old = self.e32.base;
        let stays = |section: &LinkedSection| section.real.0 == old.0 + u64::from(section.rva.0);
        let moves = base != old || !self.sections.iter().all(stays);
        self.e32.base = base;
        let Some(places) = self.relocations.as_ref().filter(|_| moves) else {
            return match moves {
                true => Err(Problem::damage(self.name.as_str(), "has no relocations and must move")
                    .hint("link it without /FIXED")),
                false => Ok(()),
            };
        };
        let place_of = |address: u32| {
            let rva = address.wrapping_sub(old.0 as u32);
            let section = self.sections.iter().find(|section| section.holds(rva));
            let real = section.map(|section| section.real.0 + u64::from(rva - section.rva.0));
            real.unwrap_or(base.0 + u64::from(rva)) as u32
        };
        let mut changes = Vec::with_capacity(places.len());
        for place in places {
            let word = self.bytes(*place, 4).and_then(|bytes| bytes.first_chunk());
            let Some(word) = word else {
                let cause = format!("the relocation at {place:#x} is in no section");
                return Err(Problem::damage(self.name.as_str(), cause));
            };
            changes.push((*place, place_of(u32::from_le_bytes(*word))));
        }
        for (place, word) in changes {
            let section = self.sections.iter_mut().find(|section| section.holds(place));
            let bytes = section.and_then(|section| {
                let start = (place - section.rva.0) as usize;
                section.bytes.get_mut(start..start + 4)
            });
            bytes.into_iter().for_each(|bytes| bytes.copy_from_slice(&word.to_le_bytes()));
        }
        Ok(())
    }
}

fn section(file: &[u8], at: usize, base: Va) -> Option<LinkedSection> {
    let word = |offset: usize| file.pread_with::<u32>(at.checked_add(offset)?, Endian::Little).ok();
    let (virtual_size, rva, file_size, start, flags) = (word(8)?, word(12)?, word(16)?, word(20)?, word(36)?);
    let size = if virtual_size == 0 { file_size } else { virtual_size };
    let start = start as usize;
    let bytes = file.get(start..start.checked_add(file_size.min(size) as usize)?)?;
    let real = base.checked_add(rva.into())?;
    Some(LinkedSection { rva: Rva(rva), size, flags, bytes: bytes.to_vec(), real })
}
