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
    meter::{Meter, measure},
    random::Random,
};
use vatlas_space::Rva;
use vatlas_symbols::{PdbFile, SymbolFile};

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
    }
    let mut left = 2000;
    pdb.visit(&mut |symbol| {
        let lines = pdb.lines_of(symbol);
        answers += lines.len();
        for (rva, _, _) in lines.iter().take(20) {
            answers += pdb.frames_at(*rva).len();
        }
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    answers += pdb.later_problems().len();
    answers > 0
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

#[test]
fn x86() {
    check("counters-x86.pdb", X86);
}

#[test]
fn x64() {
    check("counters-x64.pdb", X64);
}
