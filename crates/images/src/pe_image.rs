//! What an image file tells about the memory of the loaded image: its read-only bytes, relocated.
//!
//! Only bytes that the loader leaves as they are in the file, or changes by base relocations alone, are told.
//! Import addresses and the two control-flow-guard pointers are written at load time though their section is
//! read-only; they are left out.

use crate::pe::{PeHeaders, PeSection};
use object::pe::{IMAGE_DIRECTORY_ENTRY_BASERELOC, IMAGE_DIRECTORY_ENTRY_IAT, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG};
use scroll::{Endian, Pread};
use vatlas_space::{FileOffset, Machine, PointerWidth, Problem, Rva};

/// An image file as a source of memory.
#[derive(Debug)]
pub struct PeImage {
    /// Its headers.
    pub headers: PeHeaders,
    written_by_loader: Vec<(u32, u32)>,
    /// Sorted by page; `None` when the file does not hold the table that the headers name.
    relocations: Option<Vec<RelocationBlock>>,
}

/// A block for every page of 4 GB.
const MOST_BLOCKS: usize = 1 << 20;

/// A block of the base-relocation table: entries for the 4096 bytes from `page` on.
#[derive(Clone, Copy, Debug)]
struct RelocationBlock {
    page: u32,
    /// The entries in the file, first byte and count of bytes.
    entries: (usize, usize),
}

/// Addresses, first and last, whose bytes follow one another in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileExtent {
    /// First address.
    pub first: Rva,
    /// Last address, included.
    pub last: Rva,
    /// Where the first byte is in the file.
    pub offset: FileOffset,
}

impl PeImage {
    /// Reads the headers of a whole image file.
    ///
    /// # Errors
    /// As [`PeHeaders::read`].
    pub fn read(file: &[u8]) -> Result<Self, Problem> {
        let headers = PeHeaders::read(file)?;
        let mut image = Self { headers, written_by_loader: Vec::new(), relocations: None };
        image.written_by_loader = image.find_written_by_loader(file);
        image.relocations = image.find_relocations(file);
        Ok(image)
    }

    /// The extent around `rva` whose memory the file tells; `None` for writable sections and for what the
    /// loader writes.
    pub fn extent(&self, rva: Rva) -> Option<FileExtent> {
        let whole = self.readable_extent(rva)?;
        if self.written_by_loader.iter().any(|&(first, last)| (first..=last).contains(&rva.0)) {
            return None;
        }
        let below = self.written_by_loader.iter().filter(|(_, last)| *last < rva.0).map(|(_, last)| last + 1).max();
        let above = self.written_by_loader.iter().filter(|(first, _)| *first > rva.0).map(|(first, _)| first - 1).min();
        let first = below.unwrap_or(0).max(whole.first.0);
        Some(FileExtent {
            first: Rva(first),
            last: Rva(above.unwrap_or(u32::MAX).min(whole.last.0)),
            offset: FileOffset(whole.offset.0 + u64::from(first - whole.first.0)),
        })
    }

    /// Copies memory from `rva` on, as it is when the image is loaded at `base`, up to the end of the extent;
    /// `None` when the file does not tell it.
    pub fn read_loaded(&self, file: &[u8], base: u64, rva: Rva, buffer: &mut [u8]) -> Option<usize> {
        let extent = self.extent(rva)?;
        let start = usize::try_from(extent.offset.0).ok()? + (rva.0 - extent.first.0) as usize;
        let count = buffer.len().min((extent.last.0 - rva.0) as usize + 1);
        let source = file.get(start..start + count)?;
        buffer[..count].copy_from_slice(source);
        let delta = base.wrapping_sub(self.headers.image_base);
        if delta != 0 {
            self.relocate(file, delta, rva, &mut buffer[..count])?;
        }
        Some(count)
    }

    fn readable_extent(&self, rva: Rva) -> Option<FileExtent> {
        if rva.0 < self.headers.size_of_headers {
            return Some(FileExtent {
                first: Rva(0),
                last: Rva(self.headers.size_of_headers - 1),
                offset: FileOffset(0),
            });
        }
        let section = self.headers.section_at(rva).filter(|section| !section.writable)?;
        let size = section.file_size.min(section.virtual_size);
        let last = section.rva.checked_add(size.checked_sub(1)?)?;
        (rva <= last).then_some(FileExtent { first: section.rva, last, offset: section.file_offset })
    }

    /// Import addresses and the pointers to the control-flow-guard functions (load configuration, documented
    /// in the PE specification: 32-bit at 0x48 and 0x4c, 64-bit at 0x70 and 0x78).
    fn find_written_by_loader(&self, file: &[u8]) -> Vec<(u32, u32)> {
        let imports = self
            .headers
            .directory(IMAGE_DIRECTORY_ENTRY_IAT)
            .and_then(|(rva, size)| Some((rva.0, rva.0.checked_add(size - 1)?)));
        let width = self.headers.machine.width().unwrap_or(PointerWidth::Bits32);
        let fields: [u32; 2] = if width == PointerWidth::Bits64 { [0x70, 0x78] } else { [0x48, 0x4c] };
        let config = self.headers.directory(IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG);
        let guards = fields.into_iter().filter_map(|field| {
            let (rva, size) = config?;
            if field + width.bytes() as u32 > size {
                return None;
            }
            let pointer = self.file_bytes(file, rva.checked_add(field)?, width.bytes())?;
            let slot = width.pointer(pointer)?.0.checked_sub(self.headers.image_base)?;
            let slot = u32::try_from(slot).ok()?;
            Some((slot, slot.checked_add(width.bytes() as u32 - 1)?))
        });
        imports.into_iter().chain(guards).collect()
    }

    /// Blocks of the table: page, size in bytes with these two words, entries of two bytes. What follows a block of
    /// an impossible size is no table any more.
    fn find_relocations(&self, file: &[u8]) -> Option<Vec<RelocationBlock>> {
        let Some((table, size)) = self.headers.directory(IMAGE_DIRECTORY_ENTRY_BASERELOC) else {
            return Some(Vec::new());
        };
        let start = self.file_offset(table)?;
        let end = start.checked_add(size as usize).filter(|end| *end <= file.len())?;
        let word = |at: usize| file.pread_with::<u32>(at, Endian::Little).ok();
        let mut blocks = Vec::new();
        let mut at = start;
        while at + 8 <= end {
            let (page, size) = word(at).zip(word(at + 4))?;
            if size < 8 {
                break;
            }
            if blocks.len() == MOST_BLOCKS {
                return None;
            }
            let next = at.saturating_add(size as usize);
            blocks.push(RelocationBlock { page, entries: (at + 8, next.min(end) - at - 8) });
            at = next;
        }
        blocks.sort_by_key(|block| block.page);
        Some(blocks)
    }

    /// Bytes of the file at an address, without any change.
    fn file_bytes<'f>(&self, file: &'f [u8], rva: Rva, count: usize) -> Option<&'f [u8]> {
        let start = self.file_offset(rva)?;
        file.get(start..start.checked_add(count)?)
    }

    /// Where the byte at an address is in the file.
    fn file_offset(&self, rva: Rva) -> Option<usize> {
        let in_section = |section: &PeSection| {
            let offset = rva.offset_from(section.rva).filter(|offset| *offset < section.file_size)?;
            Some(section.file_offset.0 + u64::from(offset))
        };
        usize::try_from(self.headers.sections.iter().find_map(in_section)?).ok()
    }

    /// Applies the base relocations that touch `buffer`. `None` when one of them is of a kind that is not
    /// known here: then nothing is told rather than something wrong.
    fn relocate(&self, file: &[u8], delta: u64, rva: Rva, buffer: &mut [u8]) -> Option<()> {
        if self.headers.machine == Machine::Arm {
            return None;
        }
        let blocks = self.relocations.as_ref()?;
        // The last entry of a block may touch 7 bytes behind its page.
        let first = blocks.partition_point(|block| u64::from(block.page) + 0x1007 < u64::from(rva.0));
        let end = u64::from(rva.0) + buffer.len() as u64;
        for block in blocks[first..].iter().take_while(|block| u64::from(block.page) < end) {
            let (start, size) = block.entries;
            self.relocate_page(file, delta, block.page, file.get(start..start + size)?, rva, buffer)?;
        }
        Some(())
    }

    fn relocate_page(
        &self,
        file: &[u8],
        delta: u64,
        page: u32,
        entries: &[u8],
        rva: Rva,
        buffer: &mut [u8],
    ) -> Option<()> {
        for entry in entries.chunks_exact(2) {
            let entry = u16::from_le_bytes([entry[0], entry[1]]);
            let target = Rva(page.checked_add(u32::from(entry & 0xfff))?);
            // IMAGE_REL_BASED_ABSOLUTE pads; HIGHLOW adds to 4 bytes, DIR64 to 8.
            let width = match entry >> 12 {
                0 => continue,
                3 => 4,
                10 => 8,
                _ => return None,
            };
            let original = self.file_bytes(file, target, width)?;
            let mut value = [0; 8];
            value[..width].copy_from_slice(original);
            let relocated = u64::from_le_bytes(value).wrapping_add(delta).to_le_bytes();
            for (index, byte) in relocated[..width].iter().enumerate() {
                let offset = (u64::from(target.0) + index as u64).checked_sub(u64::from(rva.0));
                if let Some(slot) = offset.and_then(|offset| buffer.get_mut(usize::try_from(offset).ok()?)) {
                    *slot = *byte;
                }
            }
        }
        Some(())
    }
}
