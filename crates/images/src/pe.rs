//! PE headers: machine, identity and section table, from a file or from the memory of a loaded image.

use object::{
    LittleEndian as LE, pe,
    read::pe::{ImageNtHeaders, ImageOptionalHeader, optional_header_magic},
};
use vatlas_space::{FileOffset, Machine, Problem, Rva};

/// More sections than any linker writes (Windows XP loads 96); a count beyond is taken for damage.
const MOST_SECTIONS: usize = 1024;

/// A section as the header declares it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeSection {
    /// Name, at most eight bytes, without the padding.
    pub name: String,
    /// Where it is loaded, from the image base.
    pub rva: Rva,
    /// Bytes in memory.
    pub virtual_size: u32,
    /// Where its bytes are in the file.
    pub file_offset: FileOffset,
    /// Bytes in the file; the rest of the section is zero.
    pub file_size: u32,
    /// `IMAGE_SCN_MEM_EXECUTE`.
    pub executable: bool,
    /// `IMAGE_SCN_MEM_WRITE`.
    pub writable: bool,
}

/// The headers of an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeHeaders {
    /// Processor.
    pub machine: Machine,
    /// `TimeDateStamp`.
    pub time_date_stamp: u32,
    /// `SizeOfImage`: bytes in memory.
    pub size_of_image: u32,
    /// `SizeOfHeaders`: bytes in front of the first section.
    pub size_of_headers: u32,
    /// `ImageBase`: where the linker expected it.
    pub image_base: u64,
    /// `Subsystem`: 2 and 3 for Windows programs with and without windows, 9 for Windows CE.
    pub subsystem: u16,
    /// `IMAGE_FILE_LARGE_ADDRESS_AWARE`: a 32-bit process of it may use more than 2 GB.
    pub large_address_aware: bool,
    /// Sections in the order of the table.
    pub sections: Vec<PeSection>,
    /// Data directories by their number: address and size in bytes; zero sizes are left out.
    pub directories: Vec<(usize, Rva, u32)>,
}

impl PeHeaders {
    /// Reads the headers at the front of `bytes`; what follows them need not be there.
    ///
    /// # Errors
    /// The bytes are no PE image, or end inside the headers.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let outcome = match optional_header_magic(bytes) {
            Ok(pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC) => read_as::<pe::ImageNtHeaders64>(bytes),
            Ok(_) => read_as::<pe::ImageNtHeaders32>(bytes),
            Err(error) => Err(error),
        };
        let headers = outcome.map_err(|error| Problem::damage("PE header", error.to_string().to_ascii_lowercase()))?;
        match headers.sections.len() {
            ..=MOST_SECTIONS => Ok(headers),
            count => Err(Problem::damage("PE header", format!("says {count} sections; {MOST_SECTIONS} are the most"))
                .hint("the header may be overwritten")),
        }
    }

    /// Address and size of a data directory, by its number (`IMAGE_DIRECTORY_ENTRY_*`).
    pub fn directory(&self, number: usize) -> Option<(Rva, u32)> {
        self.directories.iter().find(|(index, _, _)| *index == number).map(|&(_, rva, size)| (rva, size))
    }

    /// The section that holds `rva`, by the larger of its two sizes.
    pub fn section_at(&self, rva: Rva) -> Option<&PeSection> {
        self.sections.iter().find(|section| {
            rva.offset_from(section.rva).is_some_and(|offset| offset < section.virtual_size.max(section.file_size))
        })
    }
}

fn read_as<Headers: ImageNtHeaders>(bytes: &[u8]) -> object::Result<PeHeaders> {
    let mut offset = pe::ImageDosHeader::parse(bytes)?.nt_headers_offset().into();
    let (headers, directories) = Headers::parse(bytes, &mut offset)?;
    let file = headers.file_header();
    let optional = headers.optional_header();
    let sections = headers.sections(bytes, offset)?;
    Ok(PeHeaders {
        machine: machine(file.machine.get(LE).0),
        time_date_stamp: file.time_date_stamp.get(LE),
        size_of_image: optional.size_of_image(),
        size_of_headers: optional.size_of_headers(),
        image_base: optional.image_base(),
        subsystem: optional.subsystem().0,
        large_address_aware: file.characteristics.get(LE).0 & pe::IMAGE_FILE_LARGE_ADDRESS_AWARE.0 != 0,
        sections: sections.iter().map(section).collect(),
        directories: directories
            .enumerate()
            .map(|(index, directory)| (index, Rva(directory.virtual_address.get(LE)), directory.size.get(LE)))
            .filter(|(_, _, size)| *size != 0)
            .collect(),
    })
}

fn section(header: &pe::ImageSectionHeader) -> PeSection {
    let characteristics = header.characteristics.get(LE).0;
    PeSection {
        name: String::from_utf8_lossy(header.raw_name()).into_owned(),
        rva: Rva(header.virtual_address.get(LE)),
        virtual_size: header.virtual_size.get(LE),
        file_offset: FileOffset(header.pointer_to_raw_data.get(LE).into()),
        file_size: header.size_of_raw_data.get(LE),
        executable: characteristics & pe::IMAGE_SCN_MEM_EXECUTE.0 != 0,
        writable: characteristics & pe::IMAGE_SCN_MEM_WRITE.0 != 0,
    }
}

/// The processor of an `IMAGE_FILE_MACHINE_*` number of the PE specification.
pub fn machine(number: u16) -> Machine {
    match number {
        0x014c => Machine::X86,
        0x8664 => Machine::X64,
        0x01c0 | 0x01c2 | 0x01c4 => Machine::Arm,
        0xaa64 => Machine::Arm64,
        0x0162 | 0x0166 | 0x0266 | 0x0366 | 0x0466 => Machine::Mips,
        other => Machine::Other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_refused() {
        for bytes in [&b""[..], b"MZ", b"not an image at all, but long enough to be looked at for its header......"] {
            let problem = PeHeaders::read(bytes).unwrap_err();
            assert!(problem.to_string().starts_with("PE header: "), "{problem}");
        }
    }
}
