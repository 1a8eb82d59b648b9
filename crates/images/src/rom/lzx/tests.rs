//! Tests: the worked example of the published analysis, and damage.

use super::*;

/// Nine letters; a stream of a verbatim block.
const NINE: &[u8] = &[
    0x5b, 0x80, 0x80, 0x8d, 0x00, 0x10, 0x90, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x07, 0x21, 0x9f,
    0xfa, 0xf4, 0x7d, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x84, 0x08, 0x9f, 0x32, 0xf7, 0x7d, 0x00, 0xd9,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0xff, 0x10, 0xff, 0xff, 0x00, 0xe5,
];

#[test]
fn a_verbatim_block() {
    assert_eq!(NINE.len(), 0x34);
    assert_eq!(stream(NINE, 16, 9).unwrap(), b"AAAAAAAAA");
    let header = [16, 9, NINE.len() as u32, 9].map(u32::to_le_bytes);
    let whole = [header.as_flattened(), NINE].concat();
    assert_eq!(page(&whole, 9).unwrap(), b"AAAAAAAAA");
    assert!(page(&whole, 8).is_err() && page(&whole[..whole.len() - 1], 9).is_err());
}

#[test]
fn damage() {
    let check = |input: &[u8], window, expected: &str| assert_eq!(stream(input, window, 9).unwrap_err(), expected);
    check(NINE, 14, "a window of 2^14 bytes cannot be");
    check(NINE, 22, "a window of 2^22 bytes cannot be");
    check(&[], 16, "the stream ends at 0x0 of 0x9 bytes");
    check(&[0, 0, 0, 0, 0, 0], 16, "a block of type 0 cannot be");
    check(&[0, 0x10, 9, 0], 16, "the bits are no word of the code");
}

#[test]
fn slots_follow_one_another() {
    let bases: Vec<usize> = (0..12).map(|slot| slot_base(slot).0).collect();
    assert_eq!(bases, [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]);
    assert_eq!([slot_base(36), slot_base(49)], [(0x4_0000, 17), (0x1e_0000, 17)]);
}
