//! Damaged files: whatever is done to a good one, no reader panics, loops or takes much memory.
//!
//! More than 20,000 damaged files are made from the fixtures, each from its own seed, and every question is asked about
//! each. `VATLAS_MUTATIONS=20` makes twenty times as many. A failure names the fixture and the seed.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod counted;
mod hostile;
mod mutate;
mod questions;

use mutate::Sample;
use questions::{Seen, ask};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use vatlas_fixtures::{all, many_regions, samples};
use vatlas_fixtures::{
    meter::{Meter, measure},
    random::Random,
};
use vatlas_images::{pe::PeHeaders, pe_image::PeImage};
use vatlas_space::{Module, Rva};
use vatlas_targets::{FileBytes, Format, ImageFile, ImageFiles, MinidumpTarget, recognize, recognize::not_a_target};

#[global_allocator]
static METER: Meter = Meter;

/// Damaged files made from each dump, from each image, and from each start of another format.
const DUMPS: u64 = 2500;
const IMAGES: u64 = 2000;
const STARTS: u64 = 200;

/// No file of some kilobytes is worth more.
const MOST_MEMORY: usize = 64 << 20;

/// Image files that claim to be any module.
struct Offered(Vec<FileBytes>);

impl ImageFiles for Offered {
    fn candidates(&self, _module: &Module) -> Vec<ImageFile> {
        self.0.iter().map(|bytes| ImageFile { name: "offered".to_owned(), bytes: FileBytes::clone(bytes) }).collect()
    }
}

/// Runs `question` for every seed, counts its memory, and names the seeds that failed.
fn for_seeds(name: &str, seeds: u64, question: impl Fn(&mut Random)) {
    let times = std::env::var("VATLAS_MUTATIONS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let mut failed = Vec::new();
    for seed in 0..seeds * times {
        let (outcome, memory) = measure(|| catch_unwind(AssertUnwindSafe(|| question(&mut Random::new(seed)))));
        if outcome.is_err() || memory.peak > MOST_MEMORY || memory.largest > MOST_MEMORY {
            failed.push((seed, memory));
        }
        if failed.len() == 20 {
            break;
        }
    }
    assert!(failed.is_empty(), "{name}: seeds that panicked or took more than {MOST_MEMORY} bytes: {failed:?}");
}

fn images() -> Vec<Sample> {
    let files = all().into_iter().filter(|fixture| fixture.path.starts_with("images/"));
    files.map(|fixture| Sample::other(fixture.path, fixture.bytes)).collect()
}

fn dump(path: &str) -> Sample {
    let fixture = all().into_iter().find(|fixture| fixture.path == path).expect("a fixture of this name");
    Sample::minidump(path, fixture.bytes)
}

fn open(bytes: Vec<u8>, images: Vec<FileBytes>) -> Option<MinidumpTarget> {
    MinidumpTarget::open(Arc::new(bytes), Box::new(Offered(images))).ok()
}

/// Damages a dump, and sometimes the image files that are offered with it, and asks everything.
fn check_dump(sample: &Sample) -> Seen {
    let images = images();
    let good = open(sample.bytes.clone(), Vec::new()).expect("an undamaged fixture opens");
    let seen = std::cell::Cell::new(Seen::default());
    for_seeds(&sample.name, DUMPS, |random| {
        let offered = images.iter().map(|image| -> FileBytes {
            Arc::new(if random.one_in(2) { image.bytes.clone() } else { image.damaged(random) })
        });
        let offered = offered.collect();
        let Some(target) = open(sample.damaged(random), offered) else { return };
        let mut all = seen.get();
        all.add(ask(&target, &good, 4, random));
        seen.set(all);
    });
    let seen = seen.get();
    assert!(seen.rows > 0 && seen.explained > 0 && seen.matches > 0, "{}: {seen:?}", sample.name);
    seen
}

#[test]
fn demo() {
    let seen = check_dump(&dump("minidump/demo.dmp"));
    assert!(seen.from_images > 0, "no image file was ever read: {seen:?}");
}

#[test]
fn no_memory_info() {
    check_dump(&dump("minidump/no-memory-info.dmp"));
}

#[test]
fn x64() {
    check_dump(&dump("minidump/x64.dmp"));
}

#[test]
fn wow64() {
    check_dump(&dump("minidump/wow64.dmp"));
}

#[test]
fn arm64() {
    check_dump(&dump("minidump/arm64.dmp"));
}

#[test]
fn arm() {
    check_dump(&dump("minidump/arm.dmp"));
}

#[test]
fn large_address_aware() {
    check_dump(&dump("minidump/large-address-aware.dmp"));
}

#[test]
fn many() {
    check_dump(&Sample::minidump("many_regions(100)", many_regions(100)));
}

/// Every fixture has its test above.
#[test]
fn no_dump_is_left_out() {
    let dumps = all().into_iter().filter(|fixture| fixture.path.ends_with(".dmp")).count();
    assert_eq!(dumps, 7);
    assert!((dumps as u64 + 1) * DUMPS >= 20_000);
}

#[test]
fn images_of_programs() {
    for sample in images() {
        let read = std::cell::Cell::new(0);
        for_seeds(&sample.name, IMAGES, |random| {
            let file = sample.damaged(random);
            recognize(&file);
            // Loaded headers are cut anywhere.
            let _ = PeHeaders::read(&file[..random.below(file.len() + 1)]);
            read.set(read.get() + read_loaded(&file, random));
        });
        assert!(read.get() > 0, "{}: nothing was ever read", sample.name);
    }
}

/// Whether files of a format can be opened as a target.
fn is_opened(format: Format) -> bool {
    matches!(
        format,
        Format::Minidump | Format::CeDump | Format::RomBin | Format::RomRaw | Format::KernelDump32 | Format::Snapshot
    )
}

/// Reads some of the image at its own base and at another one; returns how many bytes.
fn read_loaded(file: &[u8], random: &mut Random) -> usize {
    let Ok(image) = PeImage::read(file) else { return 0 };
    let mut buffer = [0; 0x1234];
    let mut read = 0;
    for _ in 0..8 {
        let anything = random.number() as u32;
        let rva = random.pick(&[0, 0x10, 0x1000, 0x1ffe, 0x2000, 0x3004, u32::MAX, anything]);
        let base = random.pick(&[image.headers.image_base, 0, 0x7ff6_0000_0000, u64::MAX - 0xffff]);
        if let Some(extent) = image.extent(Rva(rva)) {
            assert!(extent.first.0 <= rva && rva <= extent.last.0, "{rva:#x} {extent:?}");
        }
        let length = random.below(buffer.len());
        read += image.read_loaded(file, base, Rva(rva), &mut buffer[..length]).unwrap_or(0);
    }
    read
}

#[test]
fn starts_of_every_format() {
    let starts = [
        ("kernel dump 32", samples::kernel_dump_32()),
        ("kernel dump 64", samples::kernel_dump_64()),
        ("CE dump", samples::ce_dump(b"CEDC")),
        ("ROM records", samples::rom_records()),
        ("ROM bytes", samples::rom_bytes()),
        ("ELF core", samples::elf_core()),
        ("ELF", samples::elf_shared()),
        ("PE", samples::pe_file()),
        ("gzip", samples::gzip()),
        ("zip", samples::zip()),
        ("text", samples::text_log()),
    ];
    for (name, bytes) in starts {
        let sample = Sample::other(name, bytes);
        for_seeds(name, STARTS, |random| {
            let file: FileBytes = Arc::new(sample.damaged(random));
            let format = recognize((*file).as_ref());
            match vatlas_targets::open(FileBytes::clone(&file), Box::new(Offered(vec![file]))) {
                Ok(target) => {
                    let expected = match format {
                        Format::CeDump => "kdmp",
                        Format::RomBin | Format::RomRaw => "rom",
                        Format::KernelDump32 => "kernel dump",
                        Format::Snapshot => "machine",
                        format => {
                            assert_eq!(format, Format::Minidump);
                            "minidump"
                        }
                    };
                    assert_eq!(target.kind().format, expected);
                }
                Err(problem) if is_opened(format) => assert!(!problem.cause.is_empty()),
                Err(problem) => assert_eq!(problem, not_a_target(format)),
            }
        });
    }
}
