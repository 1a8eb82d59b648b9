//! The version of an image: `VS_FIXEDFILEINFO` in its resources, as `GetFileVersionInfo` finds it.
//!
//! ```text
//! directory 10h: +0C entries with names:16, with numbers:16; then entries of 8 bytes: number, offset (bit 31: directory)
//! type 16 (RT_VERSION) -> first name -> first language -> data entry: RVA, size
//! VS_VERSIONINFO: length:16, length of value:16, type:16, "VS_VERSION_INFO" with its end, padded to 28h; then
//! VS_FIXEDFILEINFO: FEEF04BD, structure version, version of the file (high, low), of the product, ...
//! ```

use crate::{
    image_bytes::{ReadImage, read_whole},
    pe::PeHeaders,
};
use vatlas_space::{FileVersion, Rva};

/// `IMAGE_DIRECTORY_ENTRY_RESOURCE`.
const RESOURCES: usize = 2;
/// `RT_VERSION`.
const VERSION: u32 = 16;
const IS_DIRECTORY: u32 = 1 << 31;
/// Entries of a directory that are looked at.
const MOST_ENTRIES: u32 = 4096;
/// Where the fixed part begins, and how it begins.
const FIXED: usize = 0x28;
const SIGNATURE: u32 = 0xfeef_04bd;

/// The version of the file; `None` when the image has none, or its resources cannot be read. `read` gives its memory.
pub fn of_image(headers: &PeHeaders, read: ReadImage) -> Option<FileVersion> {
    let (root, _) = headers.directory(RESOURCES)?;
    let names = entry(root, 0, read, |number| number == VERSION)?;
    let languages = entry(root, names & !IS_DIRECTORY, read, |_| true)?;
    let data = entry(root, languages & !IS_DIRECTORY, read, |_| true)?;
    if names & languages & IS_DIRECTORY == 0 || data & IS_DIRECTORY != 0 {
        return None;
    }
    let [at, size] = words(Rva(root.0.checked_add(data)?), read)?;
    let mut block = [0; FIXED + 16];
    if (size as usize) < block.len() || read_whole(read, Rva(at), &mut block) < block.len() {
        return None;
    }
    let word = |at: usize| block.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_le_bytes(*word));
    let (high, low) = (word(FIXED + 8), word(FIXED + 12));
    let version = FileVersion([(high >> 16) as u16, high as u16, (low >> 16) as u16, low as u16]);
    (word(FIXED) == SIGNATURE).then_some(version)
}

fn words<const N: usize>(at: Rva, read: ReadImage) -> Option<[u32; N]> {
    let mut words = [0; N];
    for (number, word) in (0..).zip(&mut words) {
        let mut bytes = [0; 4];
        let place = Rva(at.0.checked_add(4 * number)?);
        if read_whole(read, place, &mut bytes) < bytes.len() {
            return None;
        }
        *word = u32::from_le_bytes(bytes);
    }
    Some(words)
}

/// Where the first entry of a directory that is wanted leads to. `at` counts from the beginning of the resources.
fn entry(root: Rva, at: u32, read: ReadImage, is_wanted: impl Fn(u32) -> bool) -> Option<u32> {
    let directory = root.0.checked_add(at)?;
    let [counts] = words(Rva(directory.checked_add(0xc)?), read)?;
    let count = ((counts & 0xffff) + (counts >> 16)).min(MOST_ENTRIES);
    (0..count).find_map(|number| {
        let [name, place] = words(Rva(directory.checked_add(0x10 + 8 * number)?), read)?;
        is_wanted(name).then_some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image whose resources at 1000h have an icon and a version.
    fn image() -> Vec<u8> {
        let mut image = vec![0; 0x1200];
        let mut put = |at: usize, value: u32| image[at..at + 4].copy_from_slice(&value.to_le_bytes());
        put(0, 0x5a4d);
        put(0x3c, 0x80);
        put(0x80, 0x4550);
        put(0x84, 0x14c);
        put(0x94, 0x0102_00e0);
        put(0x98, 0x10b);
        put(0x98 + 92, 16);
        put(0x98 + 96 + 16, 0x1000);
        put(0x98 + 96 + 20, 0x200);
        // Two types, then the version's only name, its only language, its data.
        for (at, value) in [
            (0x100c, 0x2_0000),
            (0x1010, 3),
            (0x1014, IS_DIRECTORY | 0x180),
            (0x1018, VERSION),
            (0x101c, IS_DIRECTORY | 0x40),
            (0x104c, 0x1_0000),
            (0x1050, 1),
            (0x1054, IS_DIRECTORY | 0x60),
            (0x106c, 0x1_0000),
            (0x1070, 0x409),
            (0x1074, 0x80),
            (0x1080, 0x1100),
            (0x1084, 0x5c),
            (0x1100 + 0x28, SIGNATURE),
            (0x1100 + 0x30, 0x0005_0001),
            (0x1100 + 0x34, 0x0a28_157a),
        ] {
            put(at, value);
        }
        image
    }

    fn version(image: &[u8]) -> Option<FileVersion> {
        let headers = PeHeaders::read(image).ok()?;
        let read = |rva: Rva, buffer: &mut [u8]| {
            let held = image.get(rva.0 as usize..).unwrap_or_default();
            let count = held.len().min(buffer.len());
            buffer[..count].copy_from_slice(&held[..count]);
            count
        };
        of_image(&headers, &read)
    }

    #[test]
    fn the_version_is_found() {
        assert_eq!(version(&image()), Some(FileVersion([5, 1, 2600, 5498])));
    }

    #[test]
    fn no_damage_is_taken_for_a_version() {
        let whole = image();
        for at in (0x98 + 96 + 16..0x98 + 96 + 18).chain(0x100c..0x1014).chain(0x1018..0x1084).chain([0x1128]) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            assert!([None, Some(FileVersion([5, 1, 2600, 5498]))].contains(&version(&damaged)), "{at:#x}");
        }
        for length in (0..whole.len()).step_by(7) {
            version(&whole[..length]);
        }
    }
}
