//! Fuzz target: the reader of ROM images, both codings, and the files made of modules.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vatlas_images::{
    pe::PeHeaders,
    rom::{Packed, RomImage, check_sums, lz, lzx, rebuild},
};

fuzz_target!(|bytes: &[u8]| {
    unpack(bytes);
    let Ok(image) = RomImage::read(bytes) else { return };
    check_sums(bytes);
    for piece in image.memory.pieces() {
        assert!(piece.offset.0 + piece.size <= bytes.len() as u64 && piece.size > 0);
    }
    // Damaged tables may name the same bytes thousands of times.
    for (region, module) in image.modules().take(16) {
        if let Ok(rebuilt) = rebuild(&image, bytes, region, module) {
            let _ = PeHeaders::read(&rebuilt.bytes);
        }
    }
    for file in image.files().take(16) {
        image.file_contents(bytes, file);
    }
});

/// The input as packed bytes, and as a page of each coding.
fn unpack(bytes: &[u8]) {
    if let Ok(packed) = Packed::read(bytes) {
        for page in 0..packed.pages().min(64) {
            let unpacked = packed.page(bytes, page);
            assert!(unpacked.is_err() || unpacked.is_ok_and(|unpacked| unpacked.len() == packed.page_size(page)));
        }
    }
    let (size, page) = bytes
        .split_last_chunk::<2>()
        .map_or((0, bytes), |(page, size)| (usize::from(u16::from_le_bytes(*size)) % 0x1001, page));
    let _ = lz::page(page, size);
    let _ = lzx::page(page, size);
    for window in 15..22 {
        assert!(lzx::stream(page, window, size).map_or(true, |unpacked| unpacked.len() == size));
    }
}
