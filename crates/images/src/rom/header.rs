//! `ROMHDR`, the table of contents' front, and what makes bytes look like one.

use scroll::{Endian, Pread};
use vatlas_space::{Problem, Va};

/// Bytes of a `ROMHDR`.
pub const SIZE: u64 = 0x54;

/// `ROMHDR` as it stands in the image, field by field (IDA SDK `wince.hpp`; "ROMHDR" of the Windows CE documentation).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RomHeader {
    /// `dllfirst`: lowest DLL address; from CE 4 on two ranges are packed into this and the next.
    pub dll_first: u32,
    /// `dlllast`: the end of the DLL addresses.
    pub dll_last: u32,
    /// `physfirst`: first address of the image.
    pub phys_first: u32,
    /// `physlast`: the address behind the image.
    pub phys_last: u32,
    /// `nummods`: modules.
    pub modules: u32,
    /// `ulRAMStart`: first address of RAM.
    pub ram_start: u32,
    /// `ulRAMFree`: first address of RAM that the image leaves free.
    pub ram_free: u32,
    /// `ulRAMEnd`: the address behind RAM.
    pub ram_end: u32,
    /// `ulCopyEntries`: entries of the copy table.
    pub copy_entries: u32,
    /// `ulCopyOffset`: address of the copy table.
    pub copy_offset: u32,
    /// `ulProfileLen`: bytes of profiling symbols.
    pub profile_length: u32,
    /// `ulProfileOffset`: their address.
    pub profile_offset: u32,
    /// `numfiles`: files.
    pub files: u32,
    /// `ulKernelFlags`: ROMFLAGS.
    pub kernel_flags: u32,
    /// `ulFSRamPercent`: 4 KB blocks of each MB for the object store, a byte for each of four ranges of RAM.
    pub object_store_share: u32,
    /// `ulDrivglobStart`: address of the memory that drivers share.
    pub driver_globals: u32,
    /// `ulDrivglobLen`: its bytes.
    pub driver_globals_length: u32,
    /// `usCPUType`: `IMAGE_FILE_MACHINE_*`.
    pub cpu: u16,
    /// `usMiscFlags`.
    pub misc_flags: u16,
    /// `pExtensions`: address of the first extension; 0 for none.
    pub extensions: u32,
    /// `ulTrackingStart`: address of the kernel's tracking memory.
    pub tracking: u32,
    /// `ulTrackingLen`: its bytes.
    pub tracking_length: u32,
}

/// More modules and files than these are taken for damage.
pub(super) const MOST_MODULES: u32 = 10_000;
pub(super) const MOST_FILES: u32 = 50_000;

/// An image of more bytes does not fit into the cached half of physical memory.
const MOST_BYTES: u32 = 0x2000_0000;

/// Processors that Windows CE ran on: x86, MIPS in its forms, SH, ARM, PowerPC.
const PROCESSORS: [u16; 17] = [
    0x14c, 0x162, 0x166, 0x168, 0x169, 0x266, 0x366, 0x466, 0x1a2, 0x1a3, 0x1a6, 0x1a8, 0x1c0, 0x1c2, 0x1c4, 0x1f0,
    0x1f1,
];

impl RomHeader {
    /// Reads one; `None` when there are too few bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..SIZE as usize)?;
        let word = |at: usize| bytes.pread_with::<u32>(at, Endian::Little).unwrap_or(0);
        let half = |at: usize| bytes.pread_with::<u16>(at, Endian::Little).unwrap_or(0);
        Some(Self {
            dll_first: word(0x00),
            dll_last: word(0x04),
            phys_first: word(0x08),
            phys_last: word(0x0c),
            modules: word(0x10),
            ram_start: word(0x14),
            ram_free: word(0x18),
            ram_end: word(0x1c),
            copy_entries: word(0x20),
            copy_offset: word(0x24),
            profile_length: word(0x28),
            profile_offset: word(0x2c),
            files: word(0x30),
            kernel_flags: word(0x34),
            object_store_share: word(0x38),
            driver_globals: word(0x3c),
            driver_globals_length: word(0x40),
            cpu: half(0x44),
            misc_flags: half(0x46),
            extensions: word(0x48),
            tracking: word(0x4c),
            tracking_length: word(0x50),
        })
    }

    /// Bytes of the image by the header; an image may end with the addresses, and `physlast` be 0.
    pub fn image_size(&self) -> u32 {
        self.phys_last.wrapping_sub(self.phys_first)
    }

    /// Whether the numbers can be those of a table of contents.
    pub fn is_plausible(&self) -> bool {
        self.dll_first <= self.dll_last
            && (1..=MOST_BYTES).contains(&self.image_size())
            && self.modules <= MOST_MODULES
            && self.files <= MOST_FILES
            && self.modules + self.files > 0
            && PROCESSORS.contains(&self.cpu)
    }

    /// What is odd about the numbers.
    pub(super) fn problems(&self, at: Va) -> Vec<Problem> {
        let place = format!("ROM image: ROMHDR at {at}");
        let mut problems = Vec::new();
        let mut odd = |is_odd: bool, cause: String| {
            if is_odd {
                problems.push(Problem::damage(place.clone(), cause));
            }
        };
        let (first, last) = (self.phys_first, self.phys_last);
        odd(
            !(1..=MOST_BYTES).contains(&self.image_size()),
            format!("says that the image is from {first:#010x} to {last:#010x}"),
        );
        odd(self.modules > MOST_MODULES, format!("says {} modules; {MOST_MODULES} are the most", self.modules));
        odd(self.files > MOST_FILES, format!("says {} files; {MOST_FILES} are the most", self.files));
        let is_ordered = self.ram_start <= self.ram_free && self.ram_free <= self.ram_end;
        odd(!is_ordered, "the bounds of RAM are not in order".to_owned());
        problems
    }
}

/// Words for the bits of `ulKernelFlags`: ROMFLAGS of Config.bib.
pub fn kernel_flags(flags: u32) -> Vec<&'static str> {
    const WORDS: [(u32, &str); 5] = [
        (0x01, "no demand paging"),
        (0x02, "threads run in user mode unless they ask"),
        (0x10, "only modules in ROM are trusted"),
        (0x20, "x86: the software TLB is not flushed"),
        (0x40, "the base addresses of DLLs are kept"),
    ];
    WORDS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, word)| *word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_kernel_has_them() {
        let bytes: Vec<u8> = (0..21_u32).flat_map(|word| (word * 4).to_le_bytes()).collect();
        let header = RomHeader::read(&bytes).unwrap();
        assert_eq!((header.modules, header.copy_offset, header.files), (0x10, 0x24, 0x30));
        assert_eq!((header.cpu, header.extensions, header.tracking_length), (0x44, 0x48, 0x50));
        assert_eq!(RomHeader::read(&bytes[..0x53]), None);
    }

    #[test]
    fn flags_in_words() {
        assert_eq!(
            kernel_flags(0x13),
            ["no demand paging", "threads run in user mode unless they ask", "only modules in ROM are trusted"]
        );
    }
}
