//! Damaged DWARF: whatever is done to good debug sections, nothing panics, loops or takes much memory.
//!
//! Every damaged file is made from a fixture and a seed, and every question is asked about it. `VATLAS_MUTATIONS=20`
//! makes twenty times as many. A failure names the fixture and the seed.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};
use vatlas_fixtures::{
    meter::{Meter, measure},
    random::Random,
};
use vatlas_space::Rva;
use vatlas_symbols::{DwarfFile, SymbolFile, TypeId};

#[global_allocator]
static METER: Meter = Meter;

const GCC_X86: &[u8] = include_bytes!("../../../../fixtures/symbols/dwarf/gcc-x86-dwarf2.exe");
const GCC_X64: &[u8] = include_bytes!("../../../../fixtures/symbols/dwarf/gcc-x64-dwarf5.exe");
const CLANG_X64: &[u8] = include_bytes!("../../../../fixtures/symbols/dwarf/clang-x64-dwarf4.exe");

/// Damaged files made from each fixture.
const FILES: u64 = 1000;
/// No file of some kilobytes is worth more.
const MOST_MEMORY: usize = 64 << 20;
/// Nor more time, on a slow machine.
const MOST_TIME: Duration = Duration::from_secs(20);
/// Values that sizes, counts and offsets do not like.
const NASTY: [u32; 10] = [0, 1, 2, 0x7f, 0xff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, u32::MAX];

/// Where the debug sections lie in a file: behind those that are loaded. The headers are damaged seldom.
fn debug_sections(bytes: &[u8]) -> (usize, usize) {
    let word = |at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
    let header = word(0x3c) + 4;
    let half = |at: usize| word(at) & 0xffff;
    let table = header + 20 + half(header + 16);
    let sections = (0..half(header + 2)).map(|index| table + 40 * index);
    let debug = sections.filter(|at| bytes[*at] == b'/' || bytes[*at..].starts_with(b".eh_fram"));
    let starts: Vec<usize> = debug.map(|at| word(at + 20)).collect();
    (*starts.iter().min().unwrap(), word(header + 8))
}

/// One to eight changes: a bit, a byte, a nasty word, a word from elsewhere, bytes moved.
fn damaged(bytes: &[u8], (start, end): (usize, usize), random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(8) {
        let at = start + random.below(end - start - 4);
        match random.below(12) {
            0..=3 => bytes[at] ^= 1 << random.below(8),
            4..=6 => bytes[at] = random.below(256) as u8,
            7 | 8 => bytes[at..at + 4].copy_from_slice(&NASTY[random.below(NASTY.len())].to_le_bytes()),
            9 => {
                let from = start + random.below(end - start - 4);
                bytes.copy_within(from..from + 4, at);
            }
            10 => {
                let length = random.below(64).min(end - at);
                let from = start + random.below(end - start - length);
                bytes.copy_within(from..from + length, at);
            }
            _ => {
                if random.one_in(8) {
                    bytes.truncate(at);
                    return bytes;
                }
            }
        }
    }
    bytes
}

fn ask_types(file: &DwarfFile) -> usize {
    let Some(types) = file.types() else { return 0 };
    let mut answers = 0;
    let mut ids: Vec<TypeId> = Vec::new();
    types.visit_names(&mut |name, id| {
        ids.push(id);
        answers += usize::from(types.find(name).is_some());
        ControlFlow::Continue(())
    });
    ids.extend((0..0x1000).step_by(7).map(TypeId));
    ids.extend([TypeId(1 << 56 | 0x100), TypeId(63 << 56 | 0x200), TypeId(1 << 55), TypeId(u64::MAX)]);
    answers + ids.into_iter().filter(|id| types.get(*id).is_ok()).count()
}

/// Asks everything; whether there was an answer.
fn ask(bytes: Vec<u8>) -> bool {
    let shared: vatlas_symbols::pdb::SharedBytes = Arc::new(bytes);
    let Ok(Some(file)) = DwarfFile::open("damaged.exe", &shared) else { return false };
    let mut answers = 0;
    let mut addresses: Vec<Rva> = [0, 0xfff, 0x2000, 0x3008, 0x6008, u32::MAX].map(Rva).to_vec();
    addresses.extend((0x1000..0x12a0).step_by(9).map(Rva));
    for rva in addresses {
        answers += usize::from(file.symbol_at(rva).is_some()) + file.frames_at(rva).len();
        answers += file.variables_at(rva).len() + usize::from(file.unwind_row_at(rva).is_some());
    }
    let mut left = 2000;
    file.visit(&mut |symbol| {
        answers += file.lines_of(symbol).len() + usize::from(file.type_of(symbol).is_some());
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    file.visit_constants(&mut |_| {
        answers += 1;
        ControlFlow::Continue(())
    });
    answers += ask_types(&file);
    answers += file.problems().len() + file.later_problems().len();
    answers > 0
}

fn check(name: &str, bytes: &[u8]) {
    let times: u64 = std::env::var("VATLAS_MUTATIONS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let sections = debug_sections(bytes);
    let (mut failed, mut answered) = (Vec::new(), 0);
    for seed in 0..FILES * times {
        let mut random = Random::new(seed);
        let places = if random.one_in(20) { (0, bytes.len()) } else { sections };
        let file = damaged(bytes, places, &mut random);
        let began = Instant::now();
        let (outcome, memory) = measure(|| catch_unwind(AssertUnwindSafe(|| ask(file))));
        answered += u64::from(outcome.as_ref().is_ok_and(|answered| *answered));
        let is_long = began.elapsed() > MOST_TIME;
        if outcome.is_err() || is_long || memory.peak > MOST_MEMORY || memory.largest > MOST_MEMORY {
            failed.push((seed, began.elapsed(), memory));
        }
    }
    assert!(failed.is_empty(), "{name}: seeds that panicked, or took too much memory or time: {failed:?}");
    assert!(answered > FILES * times / 2, "{name}: only {answered} damaged files still answered");
}

#[test]
fn gcc_x86() {
    check("gcc-x86-dwarf2.exe", GCC_X86);
}

#[test]
fn gcc_x64() {
    check("gcc-x64-dwarf5.exe", GCC_X64);
}

#[test]
fn clang_x64() {
    check("clang-x64-dwarf4.exe", CLANG_X64);
}
