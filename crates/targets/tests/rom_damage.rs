//! Damaged ROM images: nothing panics, runs away or takes much memory, and every address still has an answer.
//!
//! `VATLAS_MUTATIONS=20` makes twenty times as many. A failure names the fixture and the seed.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use vatlas_fixtures::{
    meter::{Meter, measure},
    random::Random,
    rom,
};
use vatlas_images::rom::{RomImage, check_sums};
use vatlas_space::{ProcessIndex, Target, Va};
use vatlas_targets::RomTarget;

#[global_allocator]
static METER: Meter = Meter;

const IMAGES: u64 = 400;
const MOST_MEMORY: usize = 128 << 20;
const MOST_REGIONS: usize = 100_000;

/// Changes some words, mostly in the tables behind the data, and sometimes cuts the end off.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    const WORDS: [u32; 9] = [0, 1, 4, 0x1000, 0x7fff_ffff, 0x8000_0000, 0x8010_0040, 0xffff_fffc, u32::MAX];
    for _ in 0..=random.below(6) {
        let from = if random.one_in(3) { 0 } else { bytes.len().saturating_sub(0x2000) };
        let at = from + random.below(bytes.len().saturating_sub(from + 4)) / 4 * 4;
        let word = match random.below(3) {
            0 => random.number() as u32,
            1 => random.pick(&WORDS),
            _ => u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) ^ 1 << random.below(32),
        };
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    if random.one_in(5) {
        bytes.truncate(random.below(bytes.len()));
    }
}

fn ask(bytes: Vec<u8>) {
    check_sums(&bytes);
    if let Ok(image) = RomImage::read(&bytes) {
        image.files().take(8).for_each(|file| assert!(image.file_contents(&bytes, file).0.len() <= 1 << 24));
    }
    let Ok(target) = RomTarget::open(Arc::new(bytes)) else { return };
    for (number, process) in target.processes().iter().enumerate().take(3) {
        let space = target.space(ProcessIndex(number)).unwrap();
        let mut next = Va(0);
        for region in space.regions_from(Va(0)).take(MOST_REGIONS) {
            assert_eq!(region.range.first(), next);
            assert!(space.backing(region.range.last()).range.contains(region.range.last()));
            let mut buffer = [0; 16];
            assert_eq!(
                space.read_within(next, &mut buffer).is_ok(),
                space.backing(next).store.is_readable() && space.read_available(next, &mut buffer) > 0
            );
            next = Va(region.range.last().0 + 1);
        }
        assert_eq!(next, Va(1 << 32));
        for module in process.modules.iter().take(8) {
            target.sections(ProcessIndex(number), module);
            target.image_file(module);
        }
    }
}

#[test]
fn damaged_images() {
    let times = std::env::var("VATLAS_MUTATIONS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    for fixture in rom::all().into_iter().filter(|fixture| !fixture.path.ends_with(".map")) {
        let mut failed = Vec::new();
        for seed in 0..IMAGES * times {
            let mut bytes = fixture.bytes.clone();
            damage(&mut bytes, &mut Random::new(seed));
            let (outcome, memory) = measure(|| catch_unwind(AssertUnwindSafe(|| ask(bytes))));
            if outcome.is_err() || memory.peak > MOST_MEMORY {
                failed.push((seed, memory));
            }
        }
        assert!(failed.is_empty(), "{}: {:?}", fixture.path, &failed[..failed.len().min(20)]);
    }
}

/// Records of a byte each and sections that all name them: the time must not grow with their product.
#[test]
fn thousands_of_records_and_sections() {
    let written = rom::ce5_arm().write();
    let mut file = b"B000FF\n".to_vec();
    let words = |file: &mut Vec<u8>, words: &[u32]| {
        words.iter().for_each(|word| file.extend_from_slice(&word.to_le_bytes()));
    };
    words(&mut file, &[0x8010_0000, written.bytes.len() as u32]);
    for (at, byte) in (0x8010_0000..).zip(&written.bytes) {
        words(&mut file, &[at, 1, (*byte).into()]);
        file.push(*byte);
    }
    words(&mut file, &[0, 0x8010_1000, 0]);
    let target = RomTarget::open(Arc::new(file)).unwrap();
    assert_eq!(target.problems(), []);
    let space = target.space(ProcessIndex(0)).unwrap();
    let mut bytes = [0; 8];
    space.read_exact(Va(0x01f9_21f0), &mut bytes).unwrap();
    assert_eq!(bytes, *b"fixture!");
}
