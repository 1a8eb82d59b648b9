//! Truncated dumps: what is there is shown, what is missing is named, and more of the file never shows less.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{collections::BTreeSet, sync::Arc};
use vatlas_space::{Problem, ProcessIndex, RegionKind, RegionState, Severity, Source, Store, Target, Va};
use vatlas_targets::{MinidumpTarget, NoImageFiles};

/// Bytes of a minidump's header; without them nothing can be told.
const HEADER: usize = 32;
const DIRECTORY_ENTRY: usize = 12;
/// Cuts lie so far apart, besides those at the ends of streams.
const STEP: usize = 97;

/// Streams that are read, by their numbers. A cut through any other is no loss.
const READ: [u32; 12] = [3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16];

/// A stream of an undamaged dump.
struct Stream {
    number: u32,
    first: usize,
    end: usize,
}

fn streams(bytes: &[u8]) -> Vec<Stream> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let entries = (0..word(8) as usize).map(|index| word(12) as usize + index * DIRECTORY_ENTRY);
    let stream = |at: usize| {
        let first = word(at + 8) as usize;
        Stream { number: word(at), first, end: first + word(at + 4) as usize }
    };
    entries.map(stream).collect()
}

/// How much a target shows. More bytes of the file never make a number smaller.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Shown {
    streams: usize,
    modules: usize,
    named_modules: usize,
    unloaded: usize,
    threads: usize,
    registers: usize,
    handles: usize,
    captured: u64,
    known: u64,
    has_exception: usize,
    has_host: usize,
}

impl Shown {
    fn of(target: &dyn Target) -> Self {
        let process = &target.processes()[0];
        let space = target.space(ProcessIndex(0)).unwrap();
        let backings = space.backings_in(space.range());
        let captured = backings.filter(|backing| matches!(backing.store, Store::Captured(_)));
        let known = space.regions_from(Va::ZERO).filter(|region| region.state != RegionState::Unknown);
        Self {
            streams: target.kind().streams.len(),
            modules: process.modules.len(),
            named_modules: process.modules.iter().filter(|module| !module.path.is_empty()).count(),
            unloaded: process.unloaded.len(),
            threads: process.threads.len(),
            registers: process.threads.iter().filter(|thread| thread.registers().is_some()).count(),
            handles: target.handles(ProcessIndex(0)).0.len(),
            captured: captured.map(|backing| backing.range.size()).sum(),
            known: known.map(|region| region.range.size()).sum(),
            has_exception: usize::from(target.exception().is_some()),
            has_host: usize::from(target.host().is_some()),
        }
    }

    fn numbers(&self) -> [u64; 11] {
        let counts = [
            self.streams,
            self.modules,
            self.named_modules,
            self.unloaded,
            self.threads,
            self.registers,
            self.handles,
            self.has_exception,
            self.has_host,
        ];
        let mut numbers = [self.captured; 11];
        numbers[1] = self.known;
        numbers[2..].copy_from_slice(&counts.map(|count| count as u64));
        numbers
    }
}

fn open(bytes: &[u8]) -> Result<MinidumpTarget, Problem> {
    MinidumpTarget::open(Arc::new(bytes.to_vec()), Box::new(NoImageFiles))
}

/// Where to cut: every so many bytes, and at both ends of header, directory and streams, one less and one more.
fn cuts(bytes: &[u8], streams: &[Stream]) -> BTreeSet<usize> {
    let directory = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let ends = streams.iter().flat_map(|stream| [stream.first, stream.end]);
    let ends = ends.chain([HEADER, directory, directory + streams.len() * DIRECTORY_ENTRY, bytes.len()]);
    let around = ends.flat_map(|end| [end.saturating_sub(1), end, end + 1]);
    (0..bytes.len()).step_by(STEP).chain(around).filter(|cut| *cut <= bytes.len()).collect()
}

/// Every stream that is cut is named by a problem, which says what is wrong with it.
fn check_problems(name: &str, cut: usize, target: &dyn Target, streams: &[Stream]) {
    let (_, of_handles) = target.handles(ProcessIndex(0));
    let problems: Vec<_> = target.problems().iter().chain(&of_handles).collect();
    assert!(problems.iter().all(|problem| !problem.place.is_empty() && !problem.cause.is_empty()));
    let is_named = |place: &str| {
        problems.iter().any(|problem| problem.severity == Severity::Damage && problem.place.contains(place))
    };
    let listed = target.kind().streams.len();
    assert!(listed == streams.len() || is_named("directory"), "{name} cut at {cut:#x}: {problems:#?}");
    for stream in streams[..listed].iter().filter(|stream| stream.end > cut && READ.contains(&stream.number)) {
        let place = format!("stream {} ", stream.number);
        assert!(is_named(&place), "{name} cut at {cut:#x}: no word of {place}in {problems:#?}");
    }
}

fn check(name: &str, bytes: &[u8]) {
    let streams = streams(bytes);
    let mut before = Shown::default();
    for cut in cuts(bytes, &streams) {
        let target = match open(&bytes[..cut]) {
            Ok(target) => target,
            Err(problem) => {
                assert!(cut < HEADER, "{name} cut at {cut:#x}: {problem}");
                assert!(problem.place == "minidump: header" && problem.hint.is_some(), "{problem}");
                continue;
            }
        };
        assert!(cut >= HEADER, "{name} cut at {cut:#x} has no header, and opens");
        check_problems(name, cut, &target, &streams);
        let shown = Shown::of(&target);
        let is_less = before.numbers().iter().zip(shown.numbers()).any(|(before, now)| now < *before);
        assert!(!is_less, "{name}: {cut:#x} bytes show less than fewer bytes: {before:?}, then {shown:?}");
        before = shown;
    }
    let whole = open(bytes).unwrap();
    assert_eq!(before, Shown::of(&whole), "{name}");
    assert_eq!(whole.problems(), [], "{name} is undamaged");
}

#[test]
fn dumps_cut_anywhere_show_what_they_have() {
    let dumps = vatlas_fixtures::all().into_iter().filter(|fixture| fixture.path.ends_with(".dmp"));
    let dumps = dumps.map(|fixture| (fixture.path, fixture.bytes));
    for (name, bytes) in dumps.chain([("many regions", vatlas_fixtures::many_regions(100))]) {
        check(name, &bytes);
    }
}

/// A dump whose memory comes last, as a full dump's does: all but memory is shown, and its place is known.
#[test]
fn a_dump_without_its_memory_still_shows_its_modules() {
    let fixture = vatlas_fixtures::all().into_iter().find(|fixture| fixture.path == "minidump/x64.dmp").unwrap();
    let streams = streams(&fixture.bytes);
    let list = streams.iter().find(|stream| stream.number == 9).expect("a full dump has a Memory64List");
    let (whole, cut) = (open(&fixture.bytes).unwrap(), open(&fixture.bytes[..list.end]).unwrap());
    let (all, kept) = (Shown::of(&whole), Shown::of(&cut));
    assert!(all.captured > 0 && kept.captured == 0, "{kept:?}");
    assert_eq!(Shown { captured: all.captured, ..kept }, all);
    assert_eq!(whole.processes()[0].modules, cut.processes()[0].modules);
    let hint = cut.problems().iter().find_map(|problem| problem.hint.as_deref());
    assert_eq!(hint, Some("the file may be truncated"));
}

/// What a cut region list does not tell any more is deduced, as in a dump without one.
#[test]
fn a_dump_cut_in_its_region_list_still_knows_its_images() {
    let fixture = vatlas_fixtures::all().into_iter().find(|fixture| fixture.path == "minidump/x64.dmp").unwrap();
    let list = streams(&fixture.bytes).into_iter().find(|stream| stream.number == 16).expect("a region list");
    for cut in [list.first, list.first + 8, list.first + 16 + 2 * 48 + 5] {
        let target = open(&fixture.bytes[..cut]).unwrap();
        let space = target.space(ProcessIndex(0)).unwrap();
        let modules = &target.processes()[0].modules;
        assert!(!modules.is_empty());
        for module in modules {
            let region = space.region(module.range.first());
            let expected = (RegionState::Committed, Some(RegionKind::Image), Source::Stream("ModuleListStream"));
            assert_eq!((region.state, region.kind, region.source), expected, "{} cut at {cut:#x}", module.path);
        }
    }
}
