//! What the headers of an image tell, read where a process has it.

use std::collections::BTreeMap;
use vatlas_debug::sharing::{ImageFacts, ImageSection};
use vatlas_images::{fix_ups::fixed_pages, pe::PeHeaders};
use vatlas_space::{ProcessIndex, Rva, Target, Va};

const HEADERS: usize = 4096;
const PAGE: u32 = 4096;
/// `IMAGE_DIRECTORY_ENTRY_BASERELOC`.
const RELOCATIONS: usize = 5;

/// Reads them; nothing where no headers are.
pub fn read(target: &dyn Target, process: ProcessIndex, base: Va) -> Option<ImageFacts> {
    let space = target.space(process)?;
    let mut bytes = vec![0; HEADERS];
    let count = space.read_available(base, &mut bytes);
    let headers = PeHeaders::read(&bytes[..count]).ok()?;
    let image =
        |rva: Rva, buffer: &mut [u8]| base.checked_add(rva.0.into()).map_or(0, |va| space.read_available(va, buffer));
    let table = headers.directory(RELOCATIONS).filter(|(_, bytes)| *bytes > 0);
    let fixed = table.map_or_else(BTreeMap::new, |table| fixed_pages(&image, table));
    let sections = headers.sections.iter().map(|section| ImageSection {
        name: section.name.clone(),
        first: section.rva.0 / PAGE,
        pages: section.virtual_size.max(section.file_size).div_ceil(PAGE),
        is_writable: section.writable,
    });
    Some(ImageFacts { preferred: Some(Va(headers.image_base)), fixed, sections: sections.collect() })
}
