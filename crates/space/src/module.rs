//! Modules: executable images that are, or were, loaded in a process.

use crate::{address::FileOffset, evidence::Source, range::VaRange};
use std::fmt;

/// A 128-bit identity, in the field order of Windows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Guid {
    /// First field.
    pub data1: u32,
    /// Second field.
    pub data2: u16,
    /// Third field.
    pub data3: u16,
    /// Last eight bytes.
    pub data4: [u8; 8],
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:04x}-{:04x}-", self.data1, self.data2, self.data3)?;
        for (index, byte) in self.data4.iter().enumerate() {
            if index == 2 {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// The record in an image that says which symbol file belongs to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DebugRecord {
    /// `RSDS`: PDB 7.0.
    Pdb70 {
        /// Identity of the program database.
        guid: Guid,
        /// How often it was written since.
        age: u32,
        /// File name as the linker wrote it.
        name: String,
    },
    /// `NB10`: PDB 2.0.
    Pdb20 {
        /// Time stamp that identifies the database.
        signature: u32,
        /// How often it was written since.
        age: u32,
        /// File name as the linker wrote it.
        name: String,
    },
    /// The build id of an ELF image.
    ElfBuildId(Vec<u8>),
    /// A record of another kind: its first four bytes as a little-endian number, and its size in bytes.
    Other {
        /// First four bytes.
        signature: u32,
        /// Size in bytes.
        size: usize,
    },
}

/// `a.b.c.d`, the file version of a version resource.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileVersion(pub [u16; 4]);

impl fmt::Display for FileVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

/// A loaded image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Module {
    /// Path as the system knew it.
    pub path: String,
    /// Addresses from the base on for `SizeOfImage` bytes.
    pub range: VaRange,
    /// Writable data that lie apart from the image: a ROM DLL of Windows CE up to 5.x has them in the process's slot.
    pub data: Option<VaRange>,
    /// `TimeDateStamp` of the image header: seconds since 1970, or a hash in reproducible builds.
    pub time_date_stamp: u32,
    /// `CheckSum` of the image header.
    pub checksum: u32,
    /// File version, where a version resource was captured.
    pub version: Option<FileVersion>,
    /// Which symbol file belongs to it.
    pub debug_record: Option<DebugRecord>,
}

impl Module {
    /// The last component of the path.
    pub fn name(&self) -> &str {
        base_name(&self.path)
    }
}

/// An image that was loaded earlier. Several may have been at one address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnloadedModule {
    /// Path or name as the system kept it.
    pub path: String,
    /// Where it was.
    pub range: VaRange,
    /// `TimeDateStamp` of the image header.
    pub time_date_stamp: u32,
    /// `CheckSum` of the image header.
    pub checksum: u32,
}

impl UnloadedModule {
    /// The last component of the path.
    pub fn name(&self) -> &str {
        base_name(&self.path)
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

/// A section of a loaded image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Name, `.text`.
    pub name: String,
    /// Where it is loaded.
    pub range: VaRange,
    /// Whether code may run in it.
    pub executable: bool,
    /// Whether it may be written.
    pub writable: bool,
    /// Its bytes in the image file, when it has any: offset and count.
    pub file: Option<(FileOffset, u64)>,
}

/// The sections of one module, and what told them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SectionTable {
    /// Size of the headers in front of the first section, in bytes.
    pub header_size: u64,
    /// Sections in the order of the header.
    pub sections: Vec<Section>,
    /// Header in memory, or image file.
    pub source: Source,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_paths() {
        assert_eq!(base_name(r"C:\WINDOWS\system32\ntdll.dll"), "ntdll.dll");
        assert_eq!(base_name("/lib/libc.so.6"), "libc.so.6");
        assert_eq!(base_name("nk.exe"), "nk.exe");
        assert_eq!(base_name(""), "");
    }

    #[test]
    fn guid_text() {
        let guid = Guid {
            data1: 0x1026_bb8e,
            data2: 0x05ec,
            data3: 0x4fd3,
            data4: [0xa3, 0x0f, 0x7e, 0xa6, 0x9d, 0xd5, 0xd4, 0xe3],
        };
        assert_eq!(guid.to_string(), "1026bb8e-05ec-4fd3-a30f-7ea69dd5d4e3");
    }
}
