//! What is this file? Told from its content, never from its name.

use std::fmt;
use vatlas_space::Problem;

/// A format that vatlas can tell from others, whether or not it can open it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    /// A minidump of one process.
    Minidump,
    /// A minidump in big-endian order.
    BigEndianMinidump,
    /// A 32-bit Windows kernel dump.
    KernelDump32,
    /// A 64-bit Windows kernel dump.
    KernelDump64,
    /// A Windows CE dump: context, system or complete.
    CeDump,
    /// A Windows CE ROM image in `.bin` records.
    RomBin,
    /// A Windows CE ROM image as raw memory.
    RomRaw,
    /// A snapshot of the machine.
    Snapshot,
    /// An ELF core file.
    ElfCore,
    /// Another ELF file.
    Elf,
    /// A PE image.
    Pe,
    /// A program database.
    Pdb,
    /// An archive or a compressed file.
    Compressed,
    /// Plain text.
    Text,
    /// Nothing in it at all.
    Empty,
    /// None of these.
    Unknown,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minidump => "a minidump",
            Self::BigEndianMinidump => "a big-endian minidump",
            Self::KernelDump32 => "a 32-bit Windows kernel dump",
            Self::KernelDump64 => "a 64-bit Windows kernel dump",
            Self::CeDump => "a Windows CE dump (.kdmp)",
            Self::RomBin => "a Windows CE ROM image (.bin)",
            Self::RomRaw => "a Windows CE ROM image (.nb0)",
            Self::Snapshot => "a snapshot of the machine",
            Self::ElfCore => "an ELF core file",
            Self::Elf => "an ELF file",
            Self::Pe => "a PE image (EXE, DLL or driver)",
            Self::Pdb => "a program database (.pdb)",
            Self::Compressed => "an archive or compressed file",
            Self::Text => "a text",
            Self::Empty => "an empty file",
            Self::Unknown => "of no format that vatlas knows",
        })
    }
}

/// Signatures at the front of a file.
const SIGNATURES: [(&[u8], Format); 20] = [
    (b"MDMP", Format::Minidump),
    (b"PMDM", Format::BigEndianMinidump),
    (b"PAGEDUMP", Format::KernelDump32),
    (b"PAGEDU64", Format::KernelDump64),
    (b"CEDX", Format::CeDump),
    (b"CEDS", Format::CeDump),
    (b"CEDC", Format::CeDump),
    (b"B000FF\n", Format::RomBin),
    (b"VATLSNAP", Format::Snapshot),
    (b"MZ", Format::Pe),
    (b"Microsoft C/C++ MSF 7.00", Format::Pdb),
    (b"Microsoft C/C++ program database", Format::Pdb),
    (b"\x1f\x8b", Format::Compressed),
    (b"PK\x03\x04", Format::Compressed),
    (b"BZh", Format::Compressed),
    (b"\xfd7zXZ\0", Format::Compressed),
    (b"7z\xbc\xaf\x27\x1c", Format::Compressed),
    (b"MSCF", Format::Compressed),
    (b"\x28\xb5\x2f\xfd", Format::Compressed),
    (b"Rar!\x1a\x07", Format::Compressed),
];

/// `ECEC` stands 0x40 bytes into every region of a Windows CE ROM image. A dump of a flash may have a boot loader in
/// front of it, of some pages.
const ROM_MARK: (usize, &[u8]) = (0x40, b"ECEC");
const ROM_PAGE: usize = 0x1000;
const MOST_PAGES_BEFORE_ROM: usize = 512;

/// Bytes at the front of a file that decide whether it is text.
const TEXT_SAMPLE: usize = 512;

/// Tells the format of a file from its first bytes.
pub fn recognize(bytes: &[u8]) -> Format {
    if bytes.is_empty() {
        return Format::Empty;
    }
    if let Some((_, format)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return *format;
    }
    if bytes.starts_with(b"\x7fELF") {
        // e_type, a half word at 16 in the file's own byte order (EI_DATA at 5); ET_CORE is 4.
        let order = bytes.get(5).copied().unwrap_or(1);
        let kind = bytes.get(16..18).map(|pair| if order == 2 { [pair[1], pair[0]] } else { [pair[0], pair[1]] });
        return if kind == Some([4, 0]) { Format::ElfCore } else { Format::Elf };
    }
    if has_rom_mark(bytes) {
        return Format::RomRaw;
    }
    if is_text(&bytes[..bytes.len().min(TEXT_SAMPLE)]) { Format::Text } else { Format::Unknown }
}

fn has_rom_mark(bytes: &[u8]) -> bool {
    let places = (ROM_MARK.0..bytes.len()).step_by(ROM_PAGE).take(MOST_PAGES_BEFORE_ROM);
    places.into_iter().any(|at| bytes[at..].starts_with(ROM_MARK.1))
}

fn is_text(sample: &[u8]) -> bool {
    sample.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..))
}

/// The answer to a file that cannot be opened as a target.
pub fn not_a_target(format: Format) -> Problem {
    let hint = match format {
        Format::KernelDump32 => "it is of no device; ask it alone",
        Format::KernelDump64 => "64-bit kernel dumps are not supported yet; 32-bit ones and minidumps are",
        Format::CeDump => "its header is damaged; 'vatlas place' explains single addresses",
        Format::RomBin | Format::RomRaw => "'vatlas rom' lists what is in it",
        Format::Snapshot => "'vatlas resume' goes on with it",
        Format::ElfCore => "ELF cores are not supported yet; Breakpad's minidumps of Linux are",
        Format::BigEndianMinidump => "only little-endian minidumps can be read",
        Format::Pe => "give the dump, and this file's folder with --images",
        Format::Pdb => "give the dump that it belongs to",
        Format::Compressed => "unpack it first",
        Format::Text => "'vatlas log' reads crash logs of Windows CE; 'vatlas place' explains single addresses",
        Format::Empty => "the dump was not written; is the disk full?",
        Format::Elf | Format::Unknown | Format::Minidump => "a Windows minidump begins with MDMP",
    };
    let cause = match format {
        Format::Unknown | Format::KernelDump32 => format!("this is {format}"),
        _ => format!("this is {format}, not a dump that can be opened"),
    };
    Problem::damage("file", cause).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Format) {
        assert_eq!(recognize(bytes), expected, "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(20)]));
    }

    #[test]
    fn formats_are_told_by_content() {
        let mut rom = vec![0; 0x80];
        rom[0x40..0x44].copy_from_slice(b"ECEC");
        let elf = |kind: u8| [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 9], &[kind, 0]].concat();
        check(b"", Format::Empty);
        check(b"MDMP\x93\xa7", Format::Minidump);
        check(b"PMDM\0\0\xa7\x93", Format::BigEndianMinidump);
        check(b"PAGEDUMP\x0f", Format::KernelDump32);
        check(b"PAGEDU64\x0f", Format::KernelDump64);
        check(b"CEDX\x02", Format::CeDump);
        check(b"B000FF\n\0\0\0\x80", Format::RomBin);
        check(&rom, Format::RomRaw);
        check(&[vec![0xff; 0x3000], rom].concat(), Format::RomRaw);
        check(&elf(4), Format::ElfCore);
        check(&elf(3), Format::Elf);
        check(b"VATLSNAP\x01", Format::Snapshot);
        check(b"MZ\x90", Format::Pe);
        check(b"PK\x03\x04", Format::Compressed);
        check(b"Data Abort: Thread=9352cc9c\r\n", Format::Text);
        check(&[0, 1, 2, 3], Format::Unknown);
        check(b"M", Format::Text);
    }

    #[test]
    fn every_other_format_gets_a_hint() {
        for format in [Format::KernelDump64, Format::CeDump, Format::RomBin, Format::ElfCore, Format::Unknown] {
            let text = not_a_target(format).to_string();
            assert!(text.contains(&format.to_string()) && text.contains("; "), "{text}");
        }
    }
}
