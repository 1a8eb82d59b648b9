//! Everything that a user can ask about a target, asked of a damaged one; what must hold of every answer.

use crate::counted::Counted;
use std::ops::ControlFlow;
use vatlas_debug::{
    crash::crash,
    diff::{diff_memory, diff_modules, diff_regions, diff_threads, identity},
    explain::explain,
    location::{Location, locate},
    map::{MapEntry, map, summary},
    picture::{square::Square, strip::Strip},
    refs::{Around, Pointee, RefsOptions, references},
    search::{Pattern, SearchOptions, search},
    usage_index::UsageIndex,
};
use vatlas_fixtures::random::Random;
use vatlas_space::{ProcessIndex, Store, Target, Va};

/// Names of addresses, as people type them.
const NAMES: [&str; 12] = [
    "crash",
    "pc",
    "sp",
    "sp-8",
    "@eax",
    "$rsp+10",
    "greeter.exe+0x1000",
    "ntdll",
    "helpers+ffffffff-1",
    "0x7ffe0000",
    "ffffffffffffffff",
    "no such thing",
];

/// Patterns of every sort.
const PATTERNS: [&str; 10] = [
    "4d 5a",
    "?? 00 0? ff",
    "\"Hello\"",
    "i\"grüß\"",
    "u32:0xfeeffeee",
    "u64:1",
    "ptr:401000",
    "->400000..500000",
    "->ntdll",
    "->0..=ffffffff",
];

/// What was seen, so that a run can be told from one in which every question failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    pub rows: usize,
    pub explained: usize,
    pub matches: u64,
    pub from_images: usize,
}

impl Seen {
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.explained += other.explained;
        self.matches += other.matches;
        self.from_images += other.from_images;
    }
}

/// Asks about every process of `target`, compares it with `other`, and checks the answers. The questions that read all
/// memory are asked one time in `memory`: they cost more than all others.
pub fn ask(target: &dyn Target, other: &dyn Target, memory: usize, random: &mut Random) -> Seen {
    let target = &Counted::new(target);
    let mut seen = Seen::default();
    ask_target(target);
    // One past the end is a question too.
    for index in 0..=target.processes().len() {
        let Some(index) = UsageIndex::new(target, ProcessIndex(index)) else { continue };
        ask_process(target, &index);
        let rows = ask_map(&index);
        seen.rows += rows.len();
        for location in locations(target, &index, &rows, random) {
            let explanation = explain(target, &index, &location);
            assert!(explanation.usage_range.contains(location.va), "{} {}", location.va, explanation.usage_range);
            seen.explained += 1;
        }
        seen.from_images += read(&index, &rows, random);
        if random.one_in(memory) {
            seen.matches += ask_memory(target, &index, random);
            compare(target, &index, other);
        }
    }
    seen
}

fn ask_target(target: &dyn Target) {
    assert_eq!(target.kind().format, "minidump");
    let (_, remarks) = target.handles(ProcessIndex(0));
    for problem in target.problems().iter().chain(&remarks) {
        let text = problem.to_string();
        assert!(!problem.place.is_empty() && !problem.cause.is_empty(), "a problem needs place and cause: '{text}'");
    }
    if let Some(crash) = crash(target) {
        assert!(!crash.sentence.is_empty() && !crash.steps.is_empty());
    }
}

fn ask_process(target: &dyn Target, index: &UsageIndex<'_>) {
    for module in &index.process().modules {
        assert!(index.module_at(module.range.first()).is_some(), "{} is not found", module.range);
        let table = target.sections(index.process_index(), module);
        for section in table.into_iter().flat_map(|table| table.sections) {
            assert!(module.range.encloses(section.range), "{} {}", module.range, section.range);
        }
    }
    for thread in &index.process().threads {
        target.wide_registers(index.process_index(), thread.id);
    }
}

/// The map covers the space without a gap or an overlap, and its rows are not more than what was claimed.
fn ask_map(index: &UsageIndex<'_>) -> Vec<MapEntry> {
    let rows = map(index);
    let mut next = Some(index.space().range().first());
    for row in &rows {
        assert_eq!(Some(row.range.first()), next, "a gap or an overlap before the row {}", row.range);
        assert!(row.region.range.encloses(row.range), "{} {}", row.region.range, row.range);
        assert!(row.captured <= row.range.size());
        next = row.range.next();
    }
    assert!(next.is_none_or(|next| next > index.space().range().last()), "the map ends at {next:?}");
    assert!(rows.len() <= 8 * claims(index), "{} rows from {} claims", rows.len(), claims(index));
    let summary = summary(&rows);
    assert!(summary.kinds.iter().map(|kind| kind.rows).sum::<usize>() == rows.len());
    let (strip, square) =
        (Strip::new(&rows, index.space().range(), 16, 4), Square::new(&rows, index.space().range(), 3));
    assert_eq!((strip.rows().count(), square.picture().cells().len()), (4, 64));
    rows
}

/// Things that can begin a row: regions, images, sections, sides of threads, heaps and areas of the layout.
fn claims(index: &UsageIndex<'_>) -> usize {
    let process = index.process();
    let regions = index.space().regions_from(Va::ZERO).count();
    let sections = process.modules.iter().filter_map(|module| index.sections_at(module.range.first()));
    let sides = process.threads.iter().map(|thread| thread.sides.len()).sum::<usize>();
    let areas = 64;
    regions + process.modules.len() + sections.map(|table| table.sections.len()).sum::<usize>() + sides + areas
}

/// Named addresses, both ends of some rows, the ends of the space, and anything.
fn locations(target: &dyn Target, index: &UsageIndex<'_>, rows: &[MapEntry], random: &mut Random) -> Vec<Location> {
    let plain = |va: Va| Location { va, steps: Vec::new(), warning: None };
    let mut locations: Vec<Location> =
        NAMES.iter().filter_map(|name| locate(target, index.process(), None, name).ok()).collect();
    for _ in 0..4 {
        let row = rows[random.below(rows.len())].range;
        locations.extend([row.first(), row.last()].map(plain));
        locations.push(plain(Va(random.number() >> random.below(64))));
    }
    locations.extend([Va::ZERO, index.space().range().last(), Va(u64::MAX), Va(u64::MAX - 1)].map(plain));
    locations
}

/// Reads anywhere; returns how many extents of image files gave bytes.
fn read(index: &UsageIndex<'_>, rows: &[MapEntry], random: &mut Random) -> usize {
    let mut buffer = [0; 0x1800];
    for _ in 0..4 {
        let row = rows[random.below(rows.len())].range;
        let va = Va(row.first().0.saturating_add(random.number() % row.size()));
        let length = random.below(buffer.len());
        assert!(index.space().read_available(va, &mut buffer[..length]) <= length);
    }
    index.space().read_available(Va(u64::MAX - 3), &mut buffer);
    let mut from_images = 0;
    for backing in index.space().backings_in(index.space().range()).take(1000) {
        let read = index.space().read_within(backing.range.first(), &mut buffer[..16]);
        assert!(read.is_err() || backing.store.is_readable(), "bytes of {} out of {}", backing.range, backing.store);
        from_images += usize::from(read.is_ok() && matches!(backing.store, Store::ImageFile { .. }));
    }
    from_images
}

fn ask_memory(target: &dyn Target, index: &UsageIndex<'_>, random: &mut Random) -> u64 {
    let mut matches = 0;
    let options = SearchOptions { within: None, aligned_only: random.one_in(2), image_files: random.one_in(2) };
    if let Ok(pattern) = Pattern::parse_for(random.pick(&PATTERNS), index.process()) {
        let summary = search(index, &pattern, &options, &mut |_| ControlFlow::Continue(()), &mut |_| {});
        assert!(!summary.stopped && summary.searched <= summary.coverage.readable);
        matches += summary.matches;
    }
    let around = random.pick(&[Around::Address, Around::Region, Around::Allocation, Around::Usage]);
    let anything = Va(random.number() >> 32);
    let va = random.pick(&[Va(0x40_1000), Va(0x7ffe_0000), anything, Va(u64::MAX)]);
    let pointee = Pointee::around(index, va, around);
    assert!(pointee.range.contains(va), "{va} {}", pointee.range);
    let options = RefsOptions { unaligned: random.one_in(2), image_files: random.one_in(2) };
    let found = references(target, index, &pointee, &options, &mut |_| ControlFlow::Continue(()), &mut |_| {});
    matches + found.memory.matches
}

fn compare(target: &dyn Target, index: &UsageIndex<'_>, other: &dyn Target) {
    let Some(good) = UsageIndex::new(other, ProcessIndex(0)) else { return };
    identity((target, index.process_index()), (other, ProcessIndex(0)));
    diff_modules(index.process(), good.process());
    diff_threads(index.process(), good.process());
    diff_regions(index, &good, &mut |_| ControlFlow::Continue(()));
    let totals = diff_memory(index, &good, &mut |_| ControlFlow::Continue(()), &mut |_| {});
    assert_eq!(totals.equal + totals.differing, totals.compared);
}
