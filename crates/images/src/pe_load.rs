//! What a system needs of PE headers to make an image section: alignments, stack sizes, and each section with all its
//! characteristics.

use object::{
    LittleEndian as LE, pe,
    read::pe::{ImageNtHeaders, ImageOptionalHeader, optional_header_magic},
};
use vatlas_space::{FileOffset, Problem, Rva};

/// More sections than any system loads.
const MOST_SECTIONS: usize = 1024;

/// A section, as the loader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeLoadSection {
    /// Name, at most eight bytes, without the padding.
    pub name: String,
    /// `VirtualAddress`.
    pub rva: Rva,
    /// `VirtualSize`, bytes; 0 in images of some old linkers, which mean the bytes in the file.
    pub virtual_size: u32,
    /// `PointerToRawData`.
    pub file_offset: FileOffset,
    /// `SizeOfRawData`, bytes.
    pub file_size: u32,
    /// `IMAGE_SCN_*`.
    pub characteristics: u32,
}

/// The headers of an image, as the loader sees them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeLoad {
    /// `IMAGE_FILE_MACHINE_*`.
    pub machine: u16,
    /// `IMAGE_FILE_*`.
    pub characteristics: u16,
    /// Whether the optional header is that of PE32, not of PE32+.
    pub is_32_bit: bool,
    /// `AddressOfEntryPoint`.
    pub entry_point: Rva,
    /// `ImageBase`.
    pub image_base: u64,
    /// `SectionAlignment`, bytes in memory.
    pub section_alignment: u32,
    /// `FileAlignment`, bytes in the file.
    pub file_alignment: u32,
    /// `SizeOfImage`, bytes.
    pub size_of_image: u32,
    /// `SizeOfHeaders`, bytes.
    pub size_of_headers: u32,
    /// `SizeOfCode`, bytes.
    pub size_of_code: u32,
    /// `Subsystem`: 2 and 3 for Windows programs with and without windows.
    pub subsystem: u16,
    /// Major and minor version of the subsystem.
    pub subsystem_version: (u16, u16),
    /// `DllCharacteristics`.
    pub dll_characteristics: u16,
    /// `SizeOfStackReserve`, bytes.
    pub stack_reserve: u64,
    /// `SizeOfStackCommit`, bytes.
    pub stack_commit: u64,
    /// Sections in the order of the table.
    pub sections: Vec<PeLoadSection>,
}

impl PeLoad {
    /// Reads the headers at the front of `bytes`; what follows them need not be there.
    ///
    /// # Errors
    /// The bytes are no PE image, or end inside the headers.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let outcome = match optional_header_magic(bytes) {
            Ok(pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC) => read_as::<pe::ImageNtHeaders64>(bytes, false),
            Ok(_) => read_as::<pe::ImageNtHeaders32>(bytes, true),
            Err(error) => Err(error),
        };
        let headers = outcome.map_err(|error| Problem::damage("PE header", error.to_string().to_ascii_lowercase()))?;
        match headers.sections.len() {
            ..=MOST_SECTIONS => Ok(headers),
            count => Err(Problem::damage("PE header", format!("says {count} sections; {MOST_SECTIONS} are the most"))
                .hint("the header may be overwritten")),
        }
    }
}

fn read_as<Headers: ImageNtHeaders>(bytes: &[u8], is_32_bit: bool) -> object::Result<PeLoad> {
    let mut offset = pe::ImageDosHeader::parse(bytes)?.nt_headers_offset().into();
    let (headers, _) = Headers::parse(bytes, &mut offset)?;
    let file = headers.file_header();
    let optional = headers.optional_header();
    let sections = headers.sections(bytes, offset)?;
    Ok(PeLoad {
        machine: file.machine.get(LE).0,
        characteristics: file.characteristics.get(LE).0,
        is_32_bit,
        entry_point: Rva(optional.address_of_entry_point()),
        image_base: optional.image_base(),
        section_alignment: optional.section_alignment(),
        file_alignment: optional.file_alignment(),
        size_of_image: optional.size_of_image(),
        size_of_headers: optional.size_of_headers(),
        size_of_code: optional.size_of_code(),
        subsystem: optional.subsystem().0,
        subsystem_version: (optional.major_subsystem_version(), optional.minor_subsystem_version()),
        dll_characteristics: optional.dll_characteristics().0,
        stack_reserve: optional.size_of_stack_reserve(),
        stack_commit: optional.size_of_stack_commit(),
        sections: sections.iter().map(section).collect(),
    })
}

fn section(header: &pe::ImageSectionHeader) -> PeLoadSection {
    PeLoadSection {
        name: String::from_utf8_lossy(header.raw_name()).into_owned(),
        rva: Rva(header.virtual_address.get(LE)),
        virtual_size: header.virtual_size.get(LE),
        file_offset: FileOffset(header.pointer_to_raw_data.get(LE).into()),
        file_size: header.size_of_raw_data.get(LE),
        characteristics: header.characteristics.get(LE).0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_refused() {
        for bytes in [&b""[..], b"MZ", b"not an image at all, but long enough to be looked at for its header......"] {
            let problem = PeLoad::read(bytes).unwrap_err();
            assert!(problem.to_string().starts_with("PE header: "), "{problem}");
        }
    }
}
