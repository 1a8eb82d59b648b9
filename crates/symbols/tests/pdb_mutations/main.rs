//! Damaged PDBs: whatever is done to a good one, nothing panics, loops or takes much memory.
//!
//! Every damaged file is made from a fixture and a seed, and every question is asked about it. `VATLAS_MUTATIONS=20`
//! makes twenty times as many. A failure names the fixture and the seed.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use vatlas_fixtures::{
    c11::{C11, C11Range},
    codeview::{Record, end, old_procedure, procedure},
    meter::{Meter, measure},
    pdb::{Pdb, PdbModule, PdbSection},
    random::Random,
};
use vatlas_space::Rva;
use vatlas_symbols::{
    PdbFile, SymbolFile, TypeId,
    type_text::{declaration, size_of},
};

#[global_allocator]
static METER: Meter = Meter;

const X86: &[u8] = include_bytes!("../../../../fixtures/symbols/counters/counters-x86.pdb");
const X64: &[u8] = include_bytes!("../../../../fixtures/symbols/counters/counters-x64.pdb");

/// Damaged files made from each fixture.
const FILES: u64 = 10_000;
/// No file of some kilobytes is worth more.
const MOST_MEMORY: usize = 64 << 20;
/// Values that sizes, counts and offsets do not like.
const NASTY: [u32; 10] = [0, 1, 2, 0x7f, 0xff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, u32::MAX];

/// Blocks of a file that hold something: most of the fixtures is hash tables and zeros.
fn interesting(bytes: &[u8]) -> Vec<usize> {
    let words = bytes.chunks_exact(4).enumerate();
    words.filter(|(_, word)| *word != [0; 4]).map(|(index, _)| index * 4).collect()
}

/// One to eight changes: a bit, a byte, a nasty word, a word from elsewhere, bytes moved, an end cut off.
fn damaged(bytes: &[u8], places: &[usize], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(8) {
        let at = places[random.below(places.len())] + random.below(4);
        let at = at.min(bytes.len().saturating_sub(4));
        if bytes.len() < 64 {
            break;
        }
        match random.below(12) {
            0..=3 => bytes[at] ^= 1 << random.below(8),
            4 | 5 => bytes[at] = random.below(256) as u8,
            6..=8 => bytes[at..at + 4].copy_from_slice(&NASTY[random.below(NASTY.len())].to_le_bytes()),
            9 => {
                let from = random.below(bytes.len() - 4);
                bytes.copy_within(from..from + 4, at);
            }
            10 => {
                let length = random.below(64).min(bytes.len() - at);
                let from = random.below(bytes.len() - length);
                bytes.copy_within(from..from + length, at);
            }
            _ => {
                if random.one_in(8) {
                    bytes.truncate(at);
                }
            }
        }
    }
    bytes
}

/// Asks everything; whether there was an answer.
fn ask(bytes: Vec<u8>) -> bool {
    let Ok(pdb) = PdbFile::open("damaged.pdb", Arc::new(bytes)) else { return false };
    let mut answers = 0_usize;
    let fixed = [0, 0xfff, 0x1000, 0x1016, 0x1020, 0x1031, 0x1050, 0x1090, 0x2008, 0x3000, 0x3048, u32::MAX];
    for rva in fixed {
        answers += usize::from(pdb.symbol_at(Rva(rva)).is_some()) + pdb.frames_at(Rva(rva)).len();
        answers += pdb.variables_at(Rva(rva)).len() + usize::from(pdb.frame_rule_at(Rva(rva)).is_some());
    }
    let mut left = 2000;
    pdb.visit_line_records(&mut |record| {
        answers += record.file.len();
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let mut left = 200;
    pdb.visit_constants(&mut |constant| {
        answers += constant.name.len();
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let mut left = 2000;
    pdb.visit(&mut |symbol| {
        let lines = pdb.lines_of(symbol);
        answers += lines.len() + usize::from(pdb.type_of(symbol).is_some());
        for (rva, _, _) in lines.iter().take(20) {
            answers += pdb.frames_at(*rva).len();
        }
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    answers += ask_types(&pdb) + pdb.later_problems().len();
    answers > 0
}

/// Asks for every type, its text and its size, and for every name.
fn ask_types(pdb: &PdbFile) -> usize {
    let Some(types) = pdb.types() else { return 0 };
    let mut answers = 0;
    for number in 0xff0..0x1080 {
        let id = TypeId(number);
        answers += usize::from(types.get(id).is_ok()) + usize::from(size_of(types, id).is_some());
        answers += declaration(types, id, "x").len();
    }
    types.visit_names(&mut |name, _| {
        answers += usize::from(types.find(name).is_some());
        ControlFlow::Continue(())
    });
    answers
}

fn check(name: &str, bytes: &[u8]) {
    let times: u64 = std::env::var("VATLAS_MUTATIONS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let places = interesting(bytes);
    // The header and the directory decide about everything behind them.
    let header: Vec<usize> = (32..64).step_by(4).chain(places.iter().rev().take(60).copied()).collect();
    let (mut failed, mut answered) = (Vec::new(), 0);
    for seed in 0..FILES * times {
        let mut random = Random::new(seed);
        let places = if random.one_in(5) { &header } else { &places };
        let file = damaged(bytes, places, &mut random);
        let (outcome, memory) = measure(|| catch_unwind(AssertUnwindSafe(|| ask(file))));
        answered += u64::from(outcome.as_ref().is_ok_and(|answered| *answered));
        if outcome.is_err() || memory.peak > MOST_MEMORY || memory.largest > MOST_MEMORY {
            failed.push((seed, memory));
        }
    }
    assert!(failed.is_empty(), "{name}: seeds that panicked or took more than {MOST_MEMORY} bytes: {failed:?}");
    assert!(answered > FILES * times / 4, "{name}: only {answered} damaged files still answered");
    assert!(answered < FILES * times, "{name}: no damage was noticed");
}

/// Lines in the C11 form of two files.
fn c11() -> C11 {
    let range = |first, lines: &[(u32, u16)]| C11Range { section: 1, first, last: first + 0x1f, lines: lines.to_vec() };
    C11::default()
        .file("first.c", vec![range(0, &[(0, 10), (4, 11), (0x18, 12)]), range(0x20, &[(0x20, 20), (0x2c, 22)])])
        .file("second.c", vec![range(0x40, &[(0x40, 31), (0x50, 30)])])
}

/// A PDB of one module with lines in the C11 form, variables of all kinds, and rules for frames.
fn old_and_rare(procedure: WriteProcedure, c11: Vec<u8>) -> Pdb {
    let named = |kind, fields: &[u32], name: &str| Record::new(kind).u32s(fields).name(name).bytes();
    let block = Record::new(0x1103).u32s(&[0, 0, 0x10, 0x10]).u16s(&[1]).name("").bytes();
    let range = Record::new(0x1141).u16s(&[23, 0]).u32s(&[0x10]).u16s(&[1, 0x10, 4, 4]).bytes();
    let part = Record::new(0x1143).u16s(&[18, 0]).u32s(&[4, 0x10]).u16s(&[1, 0x20]).bytes();
    let symbols = [
        procedure(0x1000, (1, 0, 0x40), "first"),
        named(0x110b, &[8, 0x74], "argument"),
        Record::new(0x1111).u32s(&[16, 0x74]).u16s(&[21]).name("relative").bytes(),
        Record::new(0x110a).u32s(&[0x76]).u8s(&[2, 19, 17]).name("wide").bytes(),
        block,
        Record::new(0x113e).u32s(&[0x74]).u16s(&[1]).name("moving").bytes(),
        range,
        part,
        end(),
        Record::new(0x110c).u32s(&[0x74, 0x90]).u16s(&[1]).name("kept").bytes(),
        Record::new(0x1107).u32s(&[0x74]).u16s(&[0x8004, 7, 0]).name("seven").bytes(),
        Record::new(0x1012).u32s(&[8, 0, 0, 0, 0]).u16s(&[0]).u32s(&[0x2_8000]).bytes(),
        end(),
        procedure(0x1000, (1, 0x40, 0x20), "second"),
        end(),
    ];
    let pieces = vec![(1, 0, 0x40), (1, 0x40, 0x20)];
    let module = PdbModule { name: "a.obj".to_owned(), symbols: symbols.concat(), c11, c13: Vec::new(), pieces };
    let sections = vec![PdbSection { name: ".text", rva: 0x1000, size: 0x200 }];
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    Pdb {
        machine: 0x14c,
        sections,
        modules: vec![module],
        names: vec!["$T0 $ebp =".to_owned()],
        fpo: words(&[0x1000, 0x40, 3, 0x0a05_0002]),
        frame_data: words(&[0x1008, 0x20, 16, 8, 24, 1, 0x4_0006, 1]),
        omap: vec![(0x1000, 0x1000), (0x1030, 0x1040), (0x1050, 0x1030), (0x1060, 0x1060)],
        ..Pdb::default()
    }
}

/// Writes a function's record.
type WriteProcedure = fn(u32, (u16, u32, u32), &str) -> Vec<u8>;

#[test]
fn c11_of_pdb_7() {
    check("C11 in PDB 7.0", &old_and_rare(procedure, c11().zero_terminated()).version_7());
}

#[test]
fn c11_of_pdb_2() {
    check("C11 in PDB 2.0", &old_and_rare(old_procedure, c11().counted()).version_2());
}

#[test]
fn x86() {
    check("counters-x86.pdb", X86);
}

#[test]
fn x64() {
    check("counters-x64.pdb", X64);
}
