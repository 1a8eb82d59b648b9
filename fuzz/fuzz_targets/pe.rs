//! Fuzz target: PE headers, and the memory of a loaded image told from its file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vatlas_images::{pe::PeHeaders, pe_image::PeImage};
use vatlas_space::Rva;

fuzz_target!(|bytes: &[u8]| {
    // The last bytes say where to read; a real file is not harmed by a few more at its end.
    let (file, place) = bytes.split_last_chunk::<4>().unwrap_or((bytes, &[0; 4]));
    let _ = PeHeaders::read(file);
    let Ok(image) = PeImage::read(file) else { return };
    let mut buffer = [0; 0x200];
    let sections = image.headers.sections.iter().map(|section| section.rva.0);
    for rva in sections.chain([0, u32::from_le_bytes(*place)]).take(100) {
        if let Some(extent) = image.extent(Rva(rva)) {
            assert!(extent.first.0 <= rva && rva <= extent.last.0, "{rva:#x} {extent:?}");
        }
        for base in [image.headers.image_base, 0x7ff6_0000_0000, u64::MAX] {
            let read = image.read_loaded(file, base, Rva(rva), &mut buffer);
            assert!(read.is_none_or(|read| read <= buffer.len()));
        }
    }
});
