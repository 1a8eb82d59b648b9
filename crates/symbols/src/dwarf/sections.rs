//! The sections of an image that hold DWARF, and the addresses that the image has.
//!
//! Names of more than eight letters are `/4`: an offset in the string table behind the COFF symbols, in decimal.

use crate::pdb::SharedBytes;
use gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use object::{
    LittleEndian as LE, pe,
    read::pe::{ImageNtHeaders, optional_header_magic},
};
use std::ops::Range;
use vatlas_images::pe::PeHeaders;
use vatlas_space::{Machine, Problem};

/// Bytes of a section.
pub(super) type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// More than the sections that `gimli` knows.
const SECTIONS: usize = 32;

const KNOWN: [SectionId; 16] = [
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugFrame,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugLoc,
    SectionId::DebugLocLists,
    SectionId::DebugNames,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
    SectionId::DebugTypes,
    SectionId::EhFrame,
    SectionId::EhFrameHdr,
];

/// What an image says about addresses.
#[derive(Debug)]
pub(super) struct Image {
    /// Where it was linked to.
    pub base: u64,
    /// Its processor.
    pub machine: Machine,
    /// Bytes of a pointer.
    pub pointer_size: u8,
    size: u32,
    headers_size: u32,
    /// Addresses of code, by section.
    code: Vec<Range<u32>>,
}

impl Image {
    fn new(headers: &PeHeaders) -> Self {
        let end = |start: u32, size: u32| start.saturating_add(size);
        let code = headers.sections.iter().filter(|section| section.executable);
        Self {
            base: headers.image_base,
            machine: headers.machine,
            pointer_size: headers.machine.width().map_or(4, |width| width.bytes() as u8),
            size: headers.size_of_image,
            headers_size: headers.size_of_headers,
            code: code
                .map(|section| section.rva.0..end(section.rva.0, section.virtual_size.max(section.file_size)))
                .collect(),
        }
    }

    /// A linked address as one of the image. What the linker threw away has an address below the image, most often 0.
    pub fn rva(&self, va: u64) -> Option<u32> {
        let rva = u32::try_from(va.checked_sub(self.base)?).ok()?;
        (self.headers_size..self.size).contains(&rva).then_some(rva)
    }

    /// Addresses from `begin` up to `end`, which is not included, if they are some and all lie in the image.
    pub fn piece(&self, begin: u64, end: u64) -> Option<(u32, u32)> {
        let start = self.rva(begin)?;
        let end = u32::try_from(end.checked_sub(self.base)?).ok()?;
        (start < end && end <= self.size).then_some((start, end))
    }

    /// The linked address of one of the image.
    pub fn va(&self, rva: u32) -> u64 {
        self.base.wrapping_add(rva.into())
    }

    /// Whether an address lies in a section of code.
    pub fn is_code(&self, rva: u32) -> bool {
        self.code.iter().any(|range| range.contains(&rva))
    }
}

/// A section that holds DWARF.
#[derive(Clone, Debug, Default)]
struct Section {
    bytes: Range<usize>,
    rva: u32,
}

/// Where the sections lie in the file.
#[derive(Debug)]
pub(super) struct Sections {
    of: Vec<Section>,
}

impl Sections {
    /// The sections of an image file, what it says about addresses, and what is odd.
    pub fn read(file: &str, headers: &PeHeaders, bytes: &[u8]) -> (Self, Image, Vec<Problem>) {
        let mut sections = Self { of: vec![Section::default(); SECTIONS] };
        let rows = match optional_header_magic(bytes) {
            Ok(pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC) => rows::<pe::ImageNtHeaders64>(bytes),
            _ => rows::<pe::ImageNtHeaders32>(bytes),
        };
        let rows = rows.unwrap_or_default();
        let mut problems = Vec::new();
        for row in &rows {
            problems.extend(odd(file, &row.name));
            let Some(id) = KNOWN.iter().find(|id| id.name() == row.name) else { continue };
            let end = row.bytes.end.min(bytes.len());
            if end < row.bytes.end {
                let cause = format!("ends {} bytes behind the file's end", row.bytes.end - end);
                problems
                    .push(Problem::damage(format!("{file}: section {}", row.name), cause).hint("it may be truncated"));
            }
            sections.of[*id as usize] = Section { bytes: row.bytes.start.min(end)..end, rva: row.rva };
        }
        (sections, Image::new(headers), problems)
    }

    /// The bytes of a section; none where there is no such section.
    pub fn bytes<'a>(&self, file: &'a SharedBytes, id: SectionId) -> &'a [u8] {
        let file: &'a [u8] = (**file).as_ref();
        let section = self.of.get(id as usize).map(|section| section.bytes.clone());
        section.and_then(|range| file.get(range)).unwrap_or_default()
    }

    /// Where a section is loaded.
    pub fn rva(&self, id: SectionId) -> u32 {
        self.of.get(id as usize).map_or(0, |section| section.rva)
    }

    /// All sections, for `gimli`.
    pub fn dwarf<'a>(&self, file: &'a SharedBytes) -> Dwarf<Slice<'a>> {
        let slice = |id| Ok::<_, std::convert::Infallible>(EndianSlice::new(self.bytes(file, id), LittleEndian));
        let Ok(dwarf) = Dwarf::load(slice);
        dwarf
    }
}

struct Row {
    name: String,
    bytes: Range<usize>,
    rva: u32,
}

fn rows<Headers: ImageNtHeaders>(bytes: &[u8]) -> object::Result<Vec<Row>> {
    let mut offset = pe::ImageDosHeader::parse(bytes)?.nt_headers_offset().into();
    let (nt, _) = Headers::parse(bytes, &mut offset)?;
    let table = nt.sections(bytes, offset)?;
    let symbols = nt.symbols(bytes).unwrap_or_default();
    let row = |section: &pe::ImageSectionHeader| {
        let name = section.name(symbols.strings()).unwrap_or_else(|_| section.raw_name());
        // Zeros that fill the section up to the file's alignment belong to nobody.
        let (start, size) = section.pe_file_range();
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        Row {
            name: String::from_utf8_lossy(name).into_owned(),
            bytes: start..start.saturating_add(size as usize),
            rva: section.virtual_address.get(LE),
        }
    };
    Ok(table.iter().map(row).collect())
}

/// What a section says by being there.
fn odd(file: &str, name: &str) -> Option<Problem> {
    let place = format!("{file}: section {name}");
    Some(match name {
        ".gnu_debugaltlink" | ".debug_sup" => {
            Problem::damage(place, "parts of the debug information are in a supplementary file, which is not read")
                .hint("dwz made it; answers that need it are missing")
        }
        name if name.starts_with(".zdebug_") => Problem::damage(place, "is compressed and not read")
            .hint("objcopy --decompress-debug-sections makes a file that can be read"),
        name if name.starts_with(".debug_") && name.ends_with(".dwo") => {
            Problem::damage(place, "belongs to a split object (.dwo) and is not read")
        }
        name if name.starts_with('/') => Problem::damage(place, "its name is not in the table of strings")
            .hint("the table may be stripped or damaged; if this is debug information, it is not found"),
        _ => return None,
    })
}
