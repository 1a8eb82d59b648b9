//! ROM images of Windows CE (`.bin`, `.nb0`): modules and files, and where they lie in ROM and at run time.
//!
//! ```text
//! container   records with addresses (.bin), or the bytes of the ROM (.nb0)
//! ROMHDR      counts and bounds; behind it TOCentry for each module, then FILESentry for each file
//! module      e32_rom (what is left of a PE header), o32_rom for each section: bytes in ROM, address at run time
//! ```
//!
//! Reading takes the tables only: sections and files are unpacked when somebody asks for their bytes.

mod chain;
mod file;
mod find;
mod header;
pub mod lz;
pub mod lzx;
mod memory;
mod module;
pub mod packed;
mod reader;
mod rebuild;
mod records;
pub mod write;
pub mod xpress;

pub use chain::{ChainEntry, RomExtension};
pub use file::{RomCopy, RomFile};
pub use header::{RomHeader, kernel_flags};
pub use memory::{Piece, RomMemory};
pub use module::{COMPRESSED, DIRECTORIES, E32, E32Form, RomModule, RomSection};
pub use packed::{Coding, Packed};
pub use rebuild::{Rebuilt, rebuild, section_names};
pub use records::{RecordFile, SIGNATURE, check_sums};

use reader::Reader;
use std::borrow::Cow;
use vatlas_space::{FileOffset, Problem, Va};

/// What the image's file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Container {
    /// `.bin`: records.
    Records(RecordFile),
    /// `.nb0`: the bytes of the ROM.
    Raw,
}

/// A region: one table of contents and what it lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RomRegion {
    /// First address.
    pub va: Va,
    /// Whether "ECEC" stands at its front.
    pub is_marked: bool,
    /// Address of `ROMHDR`.
    pub header_va: Va,
    /// What is added to the addresses of records (`ROMOFFSET` of Config.bib, negated), or the first address of a raw
    /// image less its place in the file.
    pub moved_by: u32,
    /// The table's front.
    pub header: RomHeader,
    /// Modules in the table's order.
    pub modules: Vec<RomModule>,
    /// Files in the table's order.
    pub files: Vec<RomFile>,
    /// What the kernel copies to RAM.
    pub copies: Vec<RomCopy>,
    /// Extensions.
    pub extensions: Vec<RomExtension>,
}

/// A ROM image as far as it could be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RomImage {
    /// What the file is.
    pub container: Container,
    /// Where the bytes are, by address.
    pub memory: RomMemory,
    /// Its regions in order of address.
    pub regions: Vec<RomRegion>,
    /// Regions that the chain lists, of this file and of others.
    pub chain: Vec<ChainEntry>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl RomImage {
    /// Reads the tables of an image.
    ///
    /// # Errors
    /// No table of contents is there.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let mut problems = Vec::new();
        let (container, pieces) = match bytes.starts_with(SIGNATURE) {
            true => {
                let (records, pieces) = records::read(bytes, &mut problems);
                (Container::Records(records), pieces)
            }
            false => (Container::Raw, vec![Piece { va: Va(0), offset: FileOffset(0), size: bytes.len() as u64 }]),
        };
        let (raw, overlaps) = RomMemory::new(pieces);
        let found = find::regions(bytes, &raw, container != Container::Raw);
        if found.is_empty() {
            let cause = match problems.first() {
                Some(problem) => format!("no table of contents is there, and {}", problem.cause),
                None => "no table of contents is there".to_owned(),
            };
            return Err(Problem::damage("ROM image", cause)
                .hint("a table has modules with names behind it; the image may be packed, encrypted or cut off"));
        }
        let starts: Vec<_> = found.iter().map(|found| (found.region, found.delta)).collect();
        let (memory, moved_overlaps) = raw.moved(&starts);
        let mut reader = Reader::new(bytes, &memory);
        reader.problems = problems;
        if overlaps + moved_overlaps > 0 {
            let count = overlaps + moved_overlaps;
            reader.damage(format!("{count} pieces lie over others; of two at one address the later one counts"));
        }
        let mut chain = Vec::new();
        let mut regions: Vec<RomRegion> = Vec::new();
        for found in &found {
            let region = region(&mut reader, found);
            if chain.is_empty() {
                chain = chain::chain(&mut reader, &region.extensions);
            }
            regions.push(region);
        }
        regions.sort_by_key(|region| region.va);
        if container == Container::Raw {
            regions.iter().for_each(|region| whole(&mut reader, region));
        }
        let problems = reader.problems;
        Ok(Self { container, memory, regions, chain, problems })
    }

    /// All modules, region by region.
    pub fn modules(&self) -> impl Iterator<Item = (&RomRegion, &RomModule)> {
        self.regions.iter().flat_map(|region| region.modules.iter().map(move |module| (region, module)))
    }

    /// All files, region by region.
    pub fn files(&self) -> impl Iterator<Item = &RomFile> {
        self.regions.iter().flat_map(|region| &region.files)
    }

    /// The bytes that a section has in ROM, packed or not: fewer where the image lacks some.
    pub fn section_data<'f>(&self, file: &'f [u8], section: &RomSection) -> Cow<'f, [u8]> {
        let size = if section.is_compressed() { section.packed_size } else { section.packed_size.min(section.size) };
        self.memory.bytes(file, section.data, size.into())
    }

    /// How packed bytes are coded, from their table and first page; the rest is not looked at.
    ///
    /// # Errors
    /// The table is damaged.
    pub fn coding(&self, file: &[u8], data: Va, length: u32) -> Result<Option<Coding>, String> {
        /// The largest page that was met is smaller than its decoded bytes.
        const FIRST_PAGE: u64 = 2 * packed::PAGE as u64;
        let size = self.memory.bytes(file, data, 3);
        let size = size.iter().rev().fold(0, |size, byte| size << 8 | u64::from(*byte));
        let table = 3 * (size / packed::PAGE as u64 + 3);
        let front = self.memory.bytes(file, data, (table + FIRST_PAGE).min(length.into()));
        Ok(Packed::read_front(&front, length as usize)?.coding)
    }

    /// The table of a packed section.
    ///
    /// # Errors
    /// It is damaged.
    pub fn section_pages(&self, file: &[u8], section: &RomSection) -> Result<Packed, String> {
        Packed::read(&self.section_data(file, section))
    }

    /// The contents of a file, unpacked, with what could not be read of it; that part is zero.
    pub fn file_contents<'f>(&self, file: &'f [u8], entry: &RomFile) -> (Cow<'f, [u8]>, Vec<Problem>) {
        let data = self.memory.bytes(file, entry.data, entry.packed_size.into());
        let mut problems = Vec::new();
        let mut damage = |cause: String| problems.push(Problem::damage(format!("ROM image: {}", entry.name), cause));
        if data.len() < entry.packed_size as usize {
            damage(format!("{} of {} bytes are in the image", data.len(), entry.packed_size));
        }
        if !entry.is_compressed() {
            return (data, problems);
        }
        match Packed::read(&data) {
            Err(fault) => {
                damage(fault);
                (Cow::Borrowed(&[]), problems)
            }
            Ok(packed) => {
                if packed.size != entry.size as usize {
                    damage(format!("unpacks to {} bytes, its entry says {}", packed.size, entry.size));
                }
                let (bytes, faults) = packed.unpack(&data);
                faults.into_iter().for_each(|(page, fault)| damage(format!("page {page}: {fault}")));
                (Cow::Owned(bytes), problems)
            }
        }
    }

    /// The version of the system, as its kernel's module says that it was built for; else the newest of all modules.
    pub fn subsystem_version(&self) -> Option<(u16, u16)> {
        let versions =
            self.modules().filter_map(|(_, module)| Some((module.name.as_str(), module.e32.as_ref()?.version)));
        let versions: Vec<_> = versions.filter(|(_, version)| (1..=8).contains(&version.0)).collect();
        let of = |name: &str| versions.iter().find(|(module, _)| module.eq_ignore_ascii_case(name));
        let named = ["nk.exe", "kernel.dll", "coredll.dll"].into_iter().find_map(of);
        named.or_else(|| versions.iter().max_by_key(|(_, version)| *version)).map(|(_, version)| *version)
    }
}

/// A raw image has all bytes that its header says; records leave out what is empty.
fn whole(reader: &mut Reader<'_>, region: &RomRegion) {
    let size = u64::from(region.header.image_size());
    let held = reader.memory.held(Va(region.header.phys_first.into()), size);
    if held < size && region.header.phys_first == region.va.0 as u32 {
        let cause = format!("the region at {} has {held:#x} of {size:#x} bytes", region.va);
        reader.problem(Problem::damage("ROM image", cause).hint("the file may be truncated"));
    }
}

fn region(reader: &mut Reader<'_>, found: &find::Found) -> RomRegion {
    let moved = |va: Va| Va((va.0 as u32).wrapping_add(found.delta).into());
    let (va, header_va, header) = (moved(found.region), moved(found.at), found.header);
    header.problems(header_va).into_iter().for_each(|problem| reader.problem(problem));
    let extensions = chain::extensions(reader, header.extensions);
    let (modules, files) = contents(reader, header_va, &header);
    let copies = file::copies(reader, header.copy_offset, header.copy_entries);
    let (is_marked, moved_by) = (found.is_marked, found.delta);
    RomRegion { va, is_marked, header_va, moved_by, header, modules, files, copies, extensions }
}

/// The entries behind the header, as many as the image has.
fn contents(reader: &mut Reader<'_>, header_va: Va, header: &RomHeader) -> (Vec<RomModule>, Vec<RomFile>) {
    let first = Va(header_va.0 + header::SIZE);
    let modules = table(reader, first, module::TOC_ENTRY, header.modules.min(header::MOST_MODULES), "modules");
    let entries: Vec<_> = modules.into_iter().filter_map(|at| module::entry(reader, at)).collect();
    let form = module::form_of(&entries);
    let modules = entries.into_iter().map(|entry| module::complete(reader, entry, form)).collect();
    let first = Va(first.0 + u64::from(header.modules) * module::TOC_ENTRY);
    let files = table(reader, first, file::FILES_ENTRY, header.files.min(header::MOST_FILES), "files");
    (modules, files.into_iter().filter_map(|at| file::file(reader, at)).collect())
}

/// Where the entries of a table are, as far as the image has them.
fn table(reader: &mut Reader<'_>, first: Va, size: u64, count: u32, what: &str) -> Vec<Va> {
    let wanted = u64::from(count) * size;
    let held = if reader.take(wanted) { reader.memory.held(first, wanted) / size } else { 0 };
    if held < u64::from(count) {
        reader.damage(format!("the table says {count} {what}, {held} are in the image"));
    }
    (0..held).map(|index| Va(first.0 + index * size)).collect()
}

#[cfg(test)]
mod tests;
