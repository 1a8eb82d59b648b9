//! Checkpoints: whatever a program does, going back and running on gives what one run gives.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use vatlas_machine::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, GivenFile, Host, StoreError};
use vatlas_machine::memory::{PageFile, PageFileError, PageFileStore};
use vatlas_machine::nt::{Checkpoint, Configuration, Program, System, SystemStop};
use vatlas_machine::ram::FRAME_BYTES;
use vatlas_machine::state::{Container, SectionKind, SnapshotSystem, write_container};

/// Standard input that comes late, and what was written.
#[derive(Default)]
struct Streams {
    input: Vec<u8>,
    /// Reads that find nothing before the input comes.
    late: u32,
    output: Vec<u8>,
}

#[derive(Clone, Default)]
struct TestHost(Rc<RefCell<Streams>>);

impl Console for TestHost {
    fn kind(&mut self, _: ConsoleEnd) -> ConsoleKind {
        ConsoleKind::Character
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        let mut streams = self.0.borrow_mut();
        if streams.late > 0 {
            streams.late -= 1;
            return Ok(ConsoleInput::NotYet);
        }
        let count = bytes.len().min(streams.input.len()).min(5);
        bytes[..count].copy_from_slice(&streams.input[..count]);
        streams.input.drain(..count);
        Ok(if count == 0 { ConsoleInput::End } else { ConsoleInput::Bytes(count) })
    }

    fn write(&mut self, _: ConsoleEnd, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.borrow_mut().output.extend_from_slice(bytes);
        Ok(())
    }
}

impl Host for TestHost {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        None
    }

    fn console(&mut self) -> &mut dyn Console {
        self
    }
}

/// A page file that counts what is written to it.
#[derive(Default)]
struct Store {
    pages: BTreeMap<u32, [u8; FRAME_BYTES]>,
    writes: Rc<RefCell<u64>>,
}

impl PageFileStore for Store {
    fn grow(&mut self, _: u32) -> Result<(), PageFileError> {
        Ok(())
    }

    fn read(&self, page: u32, bytes: &mut [u8; FRAME_BYTES]) -> Result<(), PageFileError> {
        *bytes = self.pages.get(&page).copied().unwrap_or([0xee; FRAME_BYTES]);
        Ok(())
    }

    fn write(&mut self, page: u32, bytes: &[u8; FRAME_BYTES]) -> Result<(), PageFileError> {
        *self.writes.borrow_mut() += 1;
        self.pages.insert(page, *bytes);
        Ok(())
    }
}

struct Machine {
    system: System,
    host: TestHost,
    page_writes: Rc<RefCell<u64>>,
}

/// What a run is made of.
struct Case {
    program: &'static str,
    processors: usize,
    frames: u32,
    input: &'static str,
    late: u32,
}

const fn case(program: &'static str) -> Case {
    Case { program, processors: 1, frames: 2048, input: "", late: 0 }
}

fn start(case: &Case) -> Machine {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/machine/programs").join(case.program);
    let mut given: Vec<_> = vatlas_guest::LIBRARIES
        .iter()
        .map(|(name, bytes)| GivenFile { path: format!("WINDOWS\\system32\\{name}"), bytes: Cow::Borrowed(*bytes) })
        .collect();
    given.push(GivenFile { path: case.program.to_owned(), bytes: Cow::Owned(std::fs::read(path).unwrap()) });
    let page_writes = Rc::new(RefCell::new(0));
    let store = Store { writes: Rc::clone(&page_writes), ..Store::default() };
    let page_file = PageFile::new(Box::new(store), 4096, 65536).unwrap();
    let configuration = Configuration {
        frames: case.frames,
        processors: case.processors,
        page_files: vec![page_file],
        given,
        ..Configuration::default()
    };
    let host = TestHost::default();
    host.0.borrow_mut().input = case.input.as_bytes().to_vec();
    host.0.borrow_mut().late = case.late;
    let mut system = System::new(configuration, Box::new(host.clone())).unwrap();
    let path = format!("C:\\{}", case.program);
    system.start_program(&Program { command_line: path.clone(), path, ..Program::default() }).unwrap();
    Machine { system, host, page_writes }
}

/// Runs to the end in pieces, asking again where input is late.
fn run(system: &mut System, piece: u64, mut between: impl FnMut(&mut System)) -> SystemStop {
    let mut waits = 0;
    for _ in 0..4000 {
        match system.run(piece) {
            SystemStop::Budget => between(system),
            SystemStop::NeedsInput if waits < 50 => waits += 1,
            stop => return stop,
        }
    }
    SystemStop::Budget
}

/// A number that looks random, from a seed.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

/// The state at the end, and what was printed, are those of one run: with checkpoints on the way; from each of some
/// checkpoints on, in a random order; and the host is told everything once.
#[track_caller]
fn check(case: &Case) {
    let mut alone = start(case);
    let piece = u64::MAX;
    let stop = run(&mut alone.system, piece, |_| {});
    let (hash, output) = (alone.system.state_hashes(), alone.host.0.borrow().output.clone());
    let length = alone.system.instructions();

    let mut machine = start(case);
    let mut seed = length ^ case.processors as u64;
    let mut kept: Vec<(Checkpoint, [(&str, u64); 14])> = Vec::new();
    let piece = (length / 9).max(500) + next(&mut seed) % 97;
    kept.push((machine.system.checkpoint(), machine.system.state_hashes()));
    let stopped = run(&mut machine.system, piece, |system| {
        let hash = system.state_hashes();
        kept.push((system.checkpoint(), hash));
        assert_eq!(system.state_hashes(), hash, "a checkpoint changes nothing");
    });
    assert_eq!(stopped, stop, "{}", case.program);
    assert_eq!(machine.system.state_hashes(), hash, "{} with checkpoints", case.program);
    for _ in 0..4 {
        let (checkpoint, then) = &kept[next(&mut seed) as usize % kept.len()];
        machine.system.restore(checkpoint);
        assert_eq!(machine.system.state_hashes(), *then, "{} after going back", case.program);
        let piece = if next(&mut seed).is_multiple_of(2) { u64::MAX } else { piece / 2 + 13 };
        let stopped = run(&mut machine.system, piece, |_| {});
        assert_eq!(stopped, stop, "{}", case.program);
        assert_eq!(machine.system.state_hashes(), hash, "{} again from {}", case.program, checkpoint.instructions());
        assert_eq!(machine.system.instructions(), length);
    }
    assert_eq!(machine.host.0.borrow().output, output, "{}: the host is told once", case.program);
    check_snapshot(case, next(&mut seed) % length, (&stop, &hash, &output));
}

/// A system that was written to a file and read again ends as one run does.
#[track_caller]
fn check_snapshot(case: &Case, at: u64, (stop, hash, output): (&SystemStop, &[(&'static str, u64); 14], &[u8])) {
    let mut machine = start(case);
    machine.system.run(at);
    let then = machine.system.state_hashes();
    let bytes = machine.system.snapshot(case.program).unwrap();
    assert_eq!(machine.system.state_hashes(), then, "{}: writing a snapshot changes nothing", case.program);
    let Machine { system, host, .. } = machine;
    drop(system);
    let about = System::about_snapshot(&bytes).unwrap();
    assert_eq!((about.name.as_str(), about.instructions), (case.program, at));
    let mut make_store = |_| Ok(Box::new(Store::default()) as Box<dyn PageFileStore>);
    let mut system = System::resume(&bytes, Box::new(host.clone()), &mut make_store).unwrap();
    assert_eq!(system.state_hashes(), then, "{} resumed at {at}", case.program);
    assert_eq!(run(&mut system, u64::MAX, |_| {}), *stop);
    assert_eq!(system.state_hashes(), *hash, "{} resumed at {at}", case.program);
    assert_eq!(host.0.borrow().output, output);
}

#[test]
fn programs_from_any_point() {
    for program in
        ["hello.exe", "fault.exe", "overflow.exe", "layout.exe", "library.exe", "crash.exe", "service.exe", "api.exe"]
    {
        check(&case(program));
    }
}

#[test]
fn input_that_comes_late_comes_late_again() {
    for late in [0, 1, 3] {
        check(&Case { input: "first line\nsecond\nand the rest", late, ..case("lines.exe") });
    }
}

#[test]
fn threads_on_several_processors() {
    check(&case("threads.exe"));
    check(&Case { processors: 3, ..case("threads.exe") });
}

#[test]
fn page_files_are_written_when_no_checkpoint_needs_them_any_more() {
    let mut machine = start(&Case { frames: 1200, ..case("paging.exe") });
    let checkpoint = machine.system.checkpoint();
    run(&mut machine.system, u64::MAX, |_| {});
    let outs = machine.system.report().memory.page_outs;
    assert!(outs > 0, "the program pages");
    assert_eq!(*machine.page_writes.borrow(), 0, "the store is as it was at the checkpoint");
    assert!(machine.system.recorded_answers() > 0);
    let hash = machine.system.state_hash();
    drop(checkpoint);
    machine.system.run(1);
    assert_eq!((machine.system.recorded_answers(), machine.system.state_hash()), (0, hash));
}

#[test]
fn another_way_from_the_past_asks_the_host() {
    let case = Case { input: "first line\nsecond\nand the rest", ..case("lines.exe") };
    let mut machine = start(&case);
    let checkpoint = machine.system.checkpoint();
    run(&mut machine.system, u64::MAX, |_| {});
    machine.system.restore(&checkpoint);
    assert!(machine.system.is_replaying());
    machine.system.forget_future();
    assert!(!machine.system.is_replaying());
    let printed = machine.host.0.borrow().output.len();
    // The input was read before: now there is none.
    assert!(matches!(run(&mut machine.system, u64::MAX, |_| {}), SystemStop::Exited { status: 0 }));
    assert!(machine.host.0.borrow().output.len() > printed);
}

#[test]
fn a_snapshot_made_by_hand_never_ends_the_program() {
    let mut machine = start(&case("hello.exe"));
    machine.system.run(50_000);
    let bytes = machine.system.snapshot("hello.exe").unwrap();
    let container = Container::open(&bytes).unwrap();
    let kinds = [
        SectionKind::About,
        SectionKind::Computer,
        SectionKind::Kernel,
        SectionKind::Files,
        SectionKind::Memory,
        SectionKind::PageFiles,
    ];
    let whole: Vec<_> = kinds.into_iter().map(|kind| (kind, container.section(kind).unwrap())).collect();
    let (mut seed, mut refused) = (7, 0);
    for round in 0..150 {
        let mut sections = whole.clone();
        let section = &mut sections[round % 4].1;
        let at = next(&mut seed) as usize % section.len();
        match round % 3 {
            0 => section[at] = next(&mut seed) as u8,
            1 => section.truncate(at),
            _ => section.insert(at, 0xff),
        }
        refused += u32::from(System::look_at_snapshot(&write_container(SnapshotSystem::Nt, &sections)).is_err());
    }
    assert!(refused > 60, "{refused} of 150 are refused, the others are harmless");
}

#[test]
fn page_files_come_back() {
    check(&Case { frames: 1200, ..case("paging.exe") });
}
