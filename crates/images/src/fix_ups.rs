//! Which pages of an image hold addresses that change with the place of the image: those of its base relocations.
//!
//! ```text
//! relocation block   page, bytes of the block, then entries of 16 bits: type:4 | offset:12
//! ```
//!
//! Format: the PE/COFF specification.

use crate::image_bytes::{ReadImage, read_whole};
use std::collections::BTreeMap;
use vatlas_space::Rva;

/// Longest table that is read: more than any image of 32 bits has.
const LONGEST: u32 = 16 << 20;
const PAGE: u32 = 0x1000;
/// Bytes that an entry of each type changes; 0 for padding.
const fn width(kind: u16) -> u32 {
    match kind {
        0 => 0,
        1 | 2 | 4 => 2,
        10 => 8,
        _ => 4,
    }
}

/// The pages that a loader writes when the image is not where it was linked for, and how many places in each. A place
/// that reaches over the end of its page counts for the next one, too. Pages are counted from the front of the image.
///
/// A table that is cut short, or damaged, gives what could be read.
pub fn fixed_pages(read: ReadImage, directory: (Rva, u32)) -> BTreeMap<u32, u32> {
    let (at, bytes) = directory;
    let mut table = vec![0; bytes.min(LONGEST) as usize];
    let length = read_whole(read, at, &mut table);
    let mut pages = BTreeMap::new();
    let mut rest = &table[..length];
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let [page, size] =
            [&head[..4], &head[4..]].map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        let Some(block) = usize::try_from(size).ok().filter(|size| *size >= 8).and_then(|size| rest.get(8..size))
        else {
            break;
        };
        for entry in block.as_chunks().0 {
            let entry = u16::from_le_bytes(*entry);
            let width = width(entry >> 12);
            if width == 0 {
                continue;
            }
            let first = page.saturating_add(u32::from(entry & 0xfff));
            let last = first.saturating_add(width - 1);
            for page in first / PAGE..=last / PAGE {
                *pages.entry(page).or_insert(0) += 1;
            }
        }
        rest = &rest[8 + block.len()..];
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table at 100h, and what it gives.
    #[track_caller]
    fn check(table: &[u8], expected: &[(u32, u32)]) {
        let read = |rva: Rva, buffer: &mut [u8]| {
            let from = table.get(rva.0 as usize - 0x100..).unwrap_or_default();
            let count = from.len().min(buffer.len());
            buffer[..count].copy_from_slice(&from[..count]);
            count
        };
        let pages = fixed_pages(&read, (Rva(0x100), table.len() as u32));
        assert_eq!(pages, expected.iter().copied().collect());
    }

    #[test]
    fn pages_of_a_table() {
        // Page 2000h: offsets 10h and FFEh, which reaches into page 3; padding. Page 5000h: offset 0.
        let table = [
            0, 0x20, 0, 0, 16, 0, 0, 0, 0x10, 0x30, 0xfe, 0x3f, 0, 0, 0, 0, //
            0, 0x50, 0, 0, 10, 0, 0, 0, 0, 0x30,
        ];
        check(&table, &[(2, 2), (3, 1), (5, 1)]);
        check(&table[..20], &[(2, 2), (3, 1)]);
        check(&[0, 0x20, 0, 0, 4, 0, 0, 0], &[]);
        check(&[0xff, 0xff, 0xff, 0xff, 10, 0, 0, 0, 0xff, 0x3f], &[(0xf_ffff, 1)]);
        check(&[], &[]);
    }
}
