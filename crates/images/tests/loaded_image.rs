//! The memory of a loaded image, told from its file: relocated words, whole and cut, and what the loader writes.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use vatlas_fixtures::all;
use vatlas_images::pe_image::PeImage;
use vatlas_space::Rva;

const DELTA: u64 = 0x0123_0000;

fn fixture(path: &str) -> Vec<u8> {
    all().into_iter().find(|fixture| fixture.path == path).expect("a fixture of this name").bytes
}

/// The bytes from `rva` on to the end of the extent.
fn extent(image: &PeImage, file: &[u8], base: u64, rva: u32) -> Vec<u8> {
    let last = image.extent(Rva(rva)).expect("the file tells this address").last.0;
    let mut bytes = vec![0; (last - rva) as usize + 1];
    assert_eq!(image.read_loaded(file, base, Rva(rva), &mut bytes), Some(bytes.len()));
    bytes
}

/// The addresses of the words that the image's base-relocation table names, in the extent around `rva`.
fn check_relocated(path: &str, rva: u32, expected: &[u32]) {
    let file = fixture(path);
    let image = PeImage::read(&file).unwrap();
    let base = image.headers.image_base;
    let (own, moved) = (extent(&image, &file, base, rva), extent(&image, &file, base + DELTA, rva));
    let word = |bytes: &[u8], at: u32| u32::from_le_bytes(bytes[(at - rva) as usize..][..4].try_into().unwrap());
    let mut patched = own.clone();
    for &at in expected {
        assert_eq!(word(&moved, at), word(&own, at) + DELTA as u32, "{path}: the word at {at:#x}");
        patched[(at - rva) as usize..][..4].copy_from_slice(&word(&moved, at).to_le_bytes());
    }
    assert_eq!(patched, moved, "{path}: something else was changed");
    // Cut anywhere, also inside a word, the bytes are the same.
    for (start, length) in (0..own.len()).flat_map(|start| [1, 2, 3, 5].map(|length| (start, length))) {
        let mut part = [0; 5];
        let read = image.read_loaded(&file, base + DELTA, Rva(rva + start as u32), &mut part[..length]).unwrap();
        assert_eq!(part[..read], moved[start..start + read], "{path}: {length} bytes at {start:#x}");
    }
}

#[test]
fn relocated_words_and_nothing_else_follow_the_base() {
    check_relocated("images/helpers.dll", 0x1000, &[0x1006]);
    check_relocated("images/helpers.dll", 0x2000, &[]);
}

#[test]
fn writable_sections_and_import_addresses_are_not_told() {
    let file = fixture("images/greeter.exe");
    let image = PeImage::read(&file).unwrap();
    assert_eq!(image.extent(Rva(0x3000)), None, "variables");
    assert_eq!(image.extent(Rva(0x2000)), None, "import addresses");
    assert_eq!(image.extent(Rva(u32::MAX)), None);
}

#[test]
fn a_header_with_impossible_sections_is_refused() {
    let mut file = fixture("images/greeter.exe");
    let header = u32::from_le_bytes(file[0x3c..0x40].try_into().unwrap()) as usize;
    file[header + 6..header + 8].copy_from_slice(&1025_u16.to_le_bytes());
    file.resize(file.len() + 1025 * 40, 0);
    let problem = PeImage::read(&file).unwrap_err().to_string();
    assert!(problem.contains("1025 sections"), "{problem}");
}
