//! Tests of the tables of all processors.

use super::*;
use crate::image_bytes::of_file;
use vatlas_fixtures::pe::{self, Image};

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Checks the table at 0x2000 of an image that is then given another processor number.
fn check(machine: pe::Machine, number: Option<u16>, base: u64, table: &[u8], size: u32, expected: &[(u32, u32)]) {
    let image = Image::new(machine, base).section(".text", 0x6000_0020, vec![0xcc; 0x200], 0);
    let mut file = image.section(".pdata", 0x4000_0040, table.to_vec(), 0).directory(3, 0x2000, size).file();
    let header = u32::from_le_bytes(*file[0x3c..].first_chunk().unwrap()) as usize;
    if let Some(number) = number {
        file[header + 4..header + 6].copy_from_slice(&number.to_le_bytes());
    }
    let headers = PeHeaders::read(&file).unwrap();
    let functions = read(&headers, &of_file(&headers, &file));
    let functions: Vec<_> = functions.iter().map(|function| (function.begin.0, function.size)).collect();
    assert_eq!(functions, expected, "{machine:?} {number:x?}");
}

#[test]
fn functions_of_x64_without_pieces_of_others() {
    let records = [
        [0x1000, 0x1040, 0x2040],
        [0x1040, 0x1050, 0x2041], // one record stands for another
        [0x1060, 0x1070, 0x2044], // chained
        [0x1070, 0x1070, 0x2040], // empty
        [0x1080, 0x10ff, 0x9000], // unwind information out of reach
    ];
    let mut table = words(records.as_flattened());
    table.resize(0x40, 0);
    table.extend_from_slice(&[0x01, 0, 0, 0, 0x21, 0, 0, 0]);
    let base = 0x1_4000_0000;
    check(pe::Machine::Amd64, None, base, &table, 60, &[(0x1000, 0x40), (0x1080, 0x7f)]);
    check(pe::Machine::Amd64, None, base, &table, 23, &[(0x1000, 0x40)]);
    check(pe::Machine::I386, None, 0x40_0000, &table, 60, &[]);
}

#[test]
fn functions_of_arm_and_sh_on_windows_ce() {
    // The first is that of a CE 5 coredll: 0x77 instructions of 4 bytes.
    let base = 0x1000_0000;
    let table = words(&[
        0x1000_1000,
        0x4000_7704,
        0x1000_11dc,
        0x8000_1002, // 0x10 instructions of 2 bytes, with a handler
        0x1000_1200,
        0x4000_0000, // no length
        0x2000_0000,
        0x4000_7704, // outside of the image
        0x1000_2ff0,
        0x4000_7704, // ends outside of the image
        0x1000_1301,
        0x0000_0801, // Thumb
    ]);
    let expected = [(0x1000, 0x1dc), (0x11dc, 0x20), (0x1200, 0x100), (0x1300, 0x10)];
    for number in [0x1c0, 0x1c2, 0x1a2, 0x1a6] {
        check(pe::Machine::ArmNt, Some(number), base, &table, 48, &expected);
    }
    check(pe::Machine::ArmNt, Some(0x1c0), base, &table, 15, &expected[..1]);
}

#[test]
fn functions_of_mips_on_windows_ce() {
    let table = words(&[
        0x1_1000, 0x1_1040, 0, 0, 0x1_1008, //
        0x1_1041, 0x1_1061, 0, 0, 0x1_1044, // MIPS16
        0x1_1080, 0x1_1080, 0, 0, 0, // empty
        0x1_1090, 0x9_0000, 0, 0, 0, // ends outside of the image
    ]);
    check(pe::Machine::ArmNt, Some(0x166), 0x1_0000, &table, 80, &[(0x1000, 0x40), (0x1040, 0x20)]);
}

#[test]
fn functions_of_windows_on_arm() {
    let mut table = words(&[
        0x1001,
        0x10 << 2 | 1, // packed
        0x1041,
        0x2020, // a record of its own
        0x1081,
        0x10 << 2 | 2, // a piece
        0x10a1,
        0x9000, // out of reach
    ]);
    table.extend(words(&[0x1000_0018]));
    check(pe::Machine::ArmNt, None, 0x40_0000, &table, 32, &[(0x1000, 0x20), (0x1040, 0x30)]);
    let even: Vec<u8> =
        table.iter().enumerate().map(|(at, byte)| if at % 8 == 0 { byte & !1 } else { *byte }).collect();
    check(pe::Machine::Arm64, None, 0x1_4000_0000, &even, 32, &[(0x1000, 0x40), (0x1040, 0x60)]);
}
