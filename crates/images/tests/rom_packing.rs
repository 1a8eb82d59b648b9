//! The codings of ROM images: whatever the independent packers pack is unpacked again, and a decoder of somebody
//! else's agrees.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use vatlas_fixtures::rom::{
    container, lz as pack_lz,
    lzx::{self as pack_lzx, Block},
    xpress as pack_xpress,
};
use vatlas_images::rom::{Coding, Packed, lz, lzx, xpress};

const MIXES: [&[Block]; 6] = [
    &[Block::Verbatim],
    &[Block::Aligned],
    &[Block::Stored],
    &[Block::Verbatim, Block::Aligned, Block::Verbatim],
    &[Block::Stored, Block::Aligned, Block::Stored, Block::Verbatim],
    &[Block::Aligned, Block::Stored, Block::Stored, Block::Aligned, Block::Aligned],
];

/// Bytes with repetitions at all distances, and calls.
fn page() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..40),
        (any::<u8>(), 1..600_usize).prop_map(|(byte, count)| vec![byte; count]),
        prop::collection::vec(0..4_u8, 1..200),
        any::<[u8; 2]>().prop_map(|[low, high]| vec![0xe8, low, high, 0, 0, 0x90]),
        any::<[u8; 2]>().prop_map(|[low, high]| vec![0xe8, low, high, 0xff, 0xff, 0x90]),
    ];
    let pieces = prop::collection::vec((piece, any::<prop::sample::Index>(), 0..300_usize), 1..24);
    pieces.prop_map(|pieces| {
        let mut page: Vec<u8> = Vec::new();
        for (piece, from, count) in pieces {
            page.extend(piece);
            let from = from.index(page.len());
            page.extend_from_within(from..(from + count).min(page.len()));
        }
        page.truncate(0x1000);
        page
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lz_pages(page in page()) {
        prop_assert_eq!(lz::page(&pack_lz::page(&page), page.len()).unwrap(), page);
    }

    #[test]
    fn xpress_pages(page in page()) {
        let packed = pack_xpress::page(&page);
        prop_assert!(xpress::fits(&packed, page.len()));
        prop_assert_eq!(xpress::page(&packed, page.len()).unwrap(), page.as_slice());
        // Such a page is not taken for one of the other codings.
        prop_assert!(!lzx::has_header(&packed, page.len()));
    }

    #[test]
    fn lzx_pages(page in page(), mix in 0..MIXES.len()) {
        let packed = pack_lzx::page(&page, MIXES[mix]);
        prop_assert!(lzx::has_header(&packed, page.len()));
        prop_assert_eq!(lzx::page(&packed, page.len()).unwrap(), page.as_slice());
        // Without translation, as the other decoder counts calls from the front of a whole cabinet.
        let stream = pack_lzx::stream(&page, MIXES[mix], false);
        let mut other = lzxd::Lzxd::new(lzxd::WindowSize::KB64);
        prop_assert_eq!(other.decompress_next(&stream, page.len()).unwrap(), page.as_slice());
        prop_assert_eq!(lzx::stream(&stream, 16, page.len()).unwrap(), page);
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..600), size in 0..0x1000_usize) {
        let page = lz::page(&bytes, size);
        prop_assert!(page.is_ok_and(|page| page.len() == size) || size > 0);
        let page = xpress::page(&bytes, size);
        prop_assert!(page.is_ok_and(|page| page.len() == size) || size > 0);
        for window in 15..22 {
            let page = lzx::stream(&bytes, window, size);
            prop_assert!(page.is_ok_and(|page| page.len() == size) || size > 0);
        }
        if let Ok(packed) = Packed::read(&bytes) {
            let (unpacked, _) = packed.unpack(&bytes);
            prop_assert_eq!(unpacked.len(), packed.size);
        }
    }

    #[test]
    fn changed_pages_are_refused_or_read(page in page(), mix in 0..MIXES.len(), at in any::<prop::sample::Index>(), bit in 0..8) {
        let mut packed = pack_lzx::page(&page, MIXES[mix]);
        let at = at.index(packed.len());
        packed[at] ^= 1_u8 << bit;
        let size = page.len();
        prop_assert!(lzx::page(&packed, size).map_or(true, |page| page.len() == size));
    }
}

#[test]
fn containers_of_whole_pages() {
    for size in [0, 1, 0xfff, 0x1000, 0x1001, 0x2000, 0x3456] {
        let bytes: Vec<u8> = (0..size).map(|at| (at / 7) as u8).collect();
        for (coding, packed) in [
            (Coding::Lz, container(&bytes, pack_lz::page)),
            (Coding::Xpress, container(&bytes, pack_xpress::page)),
            (Coding::Lzx, container(&bytes, |page| pack_lzx::page(page, &[Block::Aligned]))),
        ] {
            let table = Packed::read(&packed).unwrap();
            assert_eq!((table.size, table.coding), (size, (size > 0).then_some(coding)));
            assert_eq!(table.unpack(&packed), (bytes.clone(), Vec::new()));
        }
    }
}
