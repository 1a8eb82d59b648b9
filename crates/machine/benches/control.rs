//! What control costs: a loop that works in memory, with nothing, with breakpoints that are not hit, with its past kept;
//! the way back; a condition that never holds.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::{Duration, Instant};
use vatlas_machine::ce::{self, Device};
use vatlas_machine::control::{Controlled, Recorder};
use vatlas_machine::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, Host, StoreError};
use vatlas_machine::nt::{BareProgram, Configuration, System, SystemStop, UserEntries};
use vatlas_space::Va;
use vatlas_space::control::{CodePlace, DataPlace, EventKind, EventMask, Judge, Reach, RunEnd, Stops};

const CODE: u32 = 0x0040_0000;
const DATA: u32 = 0x0050_0000;
/// Instructions of one measurement.
const WORK: u64 = 2_000_000;
/// Instructions of a past whose size is measured.
const LONG: u64 = 100_000_000;
const DEMO: &[u8] = include_bytes!("../../../fixtures/ce/demo.bin");
/// How often each way of running is timed.
const ROUNDS: usize = 100;
/// Criterion has nothing to find out where the least of many times is known.
const SHORT: Duration = Duration::from_millis(10);
/// How far back a breakpoint is looked for.
const FAR: u64 = 50_000_000;

struct NoHost;

impl Console for NoHost {
    fn kind(&mut self, _: ConsoleEnd) -> ConsoleKind {
        ConsoleKind::Character
    }
    fn read(&mut self, _: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        Ok(ConsoleInput::End)
    }
    fn write(&mut self, _: ConsoleEnd, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Host for NoHost {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        None
    }
    fn console(&mut self) -> &mut dyn Console {
        self
    }
}

/// A loop over every other double word of 64 KB: load, change, store, count; it counts its rounds apart, once in 8,192
/// steps.
///
/// ```text
/// outer: mov esi, DATA; mov ecx, 2000h
/// inner: mov eax, [esi]; lea eax, [eax+eax*4+1]; mov [esi], eax; add esi, 8; dec ecx; jnz inner
///        inc dword [DATA + 20000h]; jmp outer
/// ```
fn system() -> System {
    let mut code = vec![0xbe];
    code.extend(DATA.to_le_bytes());
    code.extend([0xb9, 0, 0x20, 0, 0]);
    code.extend([0x8b, 0x06, 0x8d, 0x44, 0x80, 0x01, 0x89, 0x06, 0x83, 0xc6, 0x08, 0x49, 0x75, 0xf2]);
    code.extend([0xff, 0x05]);
    code.extend((DATA + 0x2_0000).to_le_bytes());
    code.extend([0xeb, 0xe0]);
    let configuration = Configuration { frames: 8192, ..Configuration::default() };
    let mut system = System::new(configuration, Box::new(NoHost)).unwrap();
    let pieces = vec![(CODE, code), (DATA, vec![0; 0x4_0000])];
    let program = BareProgram { name: "loop.exe".into(), pieces, threads: vec![CODE], entries: UserEntries::default() };
    system.start_bare(&program).unwrap();
    work(&mut system);
    system
}

fn process(system: &System) -> u32 {
    system.report().processes.iter().find(|process| process.name == "loop.exe").unwrap().id
}

fn code(number: u32, va: u32) -> CodePlace {
    CodePlace { number, va: Va(va.into()), process: None, thread: None }
}

fn data(system: &System, number: u32, va: u32) -> DataPlace {
    let (reads, writes, reach) = (false, true, Reach::Aliases);
    DataPlace { number, va: Va(va.into()), length: 4, reads, writes, process: process(system), reach }
}

fn never(_: &dyn vatlas_space::control::Moment, _: &vatlas_space::control::Occurrence) -> bool {
    false
}

/// A way of running the work.
type Work<'w> = Box<dyn FnMut() + 'w>;

/// The same loop for a bench, run again and again; it never ends, so every run is the whole work.
fn under_stops(stops: &dyn Fn(&System) -> Stops) -> Work<'static> {
    let mut system = system();
    let stops = stops(&system);
    system.set_stops(&stops);
    Box::new(move || assert_eq!(system.run_judged(black_box(WORK), &mut never), RunEnd::Budget))
}

fn plain() -> Work<'static> {
    let mut system = system();
    Box::new(move || work(&mut system))
}

/// Runs the work without control.
fn work(system: &mut System) {
    let before = system.instructions();
    assert_eq!(system.run(black_box(WORK)), SystemStop::Budget, "{:?}", system.report());
    assert_eq!(system.instructions(), before + WORK);
}

fn with_history() -> Work<'static> {
    let mut kept = system();
    let mut recorder = Recorder::new(&mut kept);
    recorder.set_limit(64 << 20);
    Box::new(move || assert_eq!(recorder.run(&mut kept, black_box(WORK), &mut never), RunEnd::Budget))
}

fn ways() -> Vec<(&'static str, Work<'static>)> {
    vec![
        ("plain", plain()),
        (
            "controlled",
            under_stops(&|_| Stops { events: EventMask::NONE.with(EventKind::DebugOutput), ..Stops::default() }),
        ),
        // In the same page of code, behind the loop.
        (
            "100_code_breakpoints",
            under_stops(&|_| Stops {
                code: (0..100).map(|number| code(number, CODE + 0x40 + 4 * number)).collect(),
                ..Stops::default()
            }),
        ),
        (
            "4_data_breakpoints",
            under_stops(&|system| Stops {
                data: (0..4).map(|number| data(system, number, DATA + 0x3_0000 + 0x1000 * number)).collect(),
                ..Stops::default()
            }),
        ),
        // In the pages that the loop writes, between the bytes that it writes.
        (
            "4_data_breakpoints_near",
            under_stops(&|system| Stops {
                data: (0..4).map(|number| data(system, number, DATA + 0x1000 * number + 4)).collect(),
                ..Stops::default()
            }),
        ),
        ("history", with_history()),
    ]
}

/// The ways in turn, so that what else the computer does meets all of them alike; the least time of each is kept.
///
/// Criterion measures one after the other, and a row that may cost a few percent more than another one drowns in what
/// changed meanwhile.
fn forwards(criterion: &mut Criterion) {
    let mut ways = ways();
    let mut least = vec![Duration::MAX; ways.len()];
    for _ in 0..ROUNDS {
        for ((_, work), least) in ways.iter_mut().zip(&mut least) {
            let start = Instant::now();
            work();
            *least = (*least).min(start.elapsed());
        }
    }
    for ((name, _), time) in ways.iter().zip(&least) {
        println!("{name}: {:.3} of plain", time.as_secs_f64() / least[0].as_secs_f64());
        say(criterion, ("control", name), *time, WORK);
    }
}

/// The least time of several runs.
fn least(times: usize, mut work: impl FnMut()) -> Duration {
    let times = (0..times).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

/// Tells criterion a time that is known, and how much was done in it.
fn say(criterion: &mut Criterion, (group, name): (&str, &str), time: Duration, elements: u64) {
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(elements)).sample_size(10).warm_up_time(SHORT).measurement_time(SHORT);
    group.bench_function(name, |bencher| bencher.iter_custom(|iterations| time.mul_f64(iterations as f64)));
    group.finish();
}

fn backwards(criterion: &mut Criterion) {
    let mut system = system();
    let mut recorder = Recorder::new(&mut system);
    recorder.set_limit(64 << 20);
    // The last store to a place that only the first round of the loop changes is as far back as can be.
    let judge: &mut Judge<'_> = &mut never;
    assert_eq!(recorder.run(&mut system, 2 * FAR, judge), RunEnd::Budget);
    let size = recorder.size();
    println!("history of {} instructions: {} states, {} KB", 2 * FAR, size.states, size.bytes >> 10);
    let end = system.position();
    // Each is as far behind a kept state as the first one, less one instruction.
    let step = least(100, || assert_eq!(recorder.step_back(&mut system, 0), RunEnd::Stopped));
    assert_eq!(system.position().instructions, end.instructions - 100);
    say(criterion, ("control_back", "step"), step, 1);
    let counted = Stops { code: vec![code(1, CODE + 0x18)], ..Stops::default() };
    let back = least(10, || {
        assert!(recorder.go_to(&mut system, end));
        system.set_stops(&counted);
        let first = end.instructions - FAR;
        let (stop, _) = recorder.run_back(&mut system, &mut |moment, _| moment.position().instructions < first);
        assert_eq!(stop, RunEnd::Stopped);
    });
    say(criterion, ("control_back", "continue_50M"), back, 1);
}

/// The breakpoint at the beginning of the inner loop: each of its rounds asks.
fn conditions(criterion: &mut Criterion) {
    const ASKED: u64 = 100_000;
    let mut system = system();
    system.set_stops(&Stops { code: vec![code(1, CODE + 10)], ..Stops::default() });
    let mut asked = 0_u64;
    let time = least(20, || {
        let goal = asked + ASKED;
        let judge: &mut Judge<'_> = &mut |moment, _| {
            asked += 1;
            let mut bytes = [0; 4];
            let is_read = moment.read(None, Va(moment.register(6).into()), &mut bytes);
            is_read && u32::from_le_bytes(bytes) == 0x1234_5678 && moment.register(0) == 7 || asked >= goal
        };
        assert_eq!(system.run_judged(u64::MAX >> 1, judge), RunEnd::Stopped);
    });
    say(criterion, ("control_condition", "asked"), time, ASKED);
}

/// The device of the demonstration with and without its past kept, and what the past takes: the elements of the row.
fn demonstration(criterion: &mut Criterion) {
    let device = || Device::boot(DEMO, ce::Configuration::default(), Box::new(NoHost)).unwrap();
    let (mut plain, mut least) = (Duration::MAX, Duration::MAX);
    let mut bytes = 0;
    for _ in 0..5 {
        let mut alone = device();
        let start = Instant::now();
        assert_eq!(alone.run_judged(LONG, &mut never), RunEnd::Budget);
        plain = plain.min(start.elapsed());
        let mut kept = device();
        let mut recorder = Recorder::new(&mut kept);
        let start = Instant::now();
        assert_eq!(recorder.run(&mut kept, LONG, &mut never), RunEnd::Budget);
        least = least.min(start.elapsed());
        bytes = recorder.size().bytes;
    }
    println!("demonstration: {:.3} of plain, {} KB", least.as_secs_f64() / plain.as_secs_f64(), bytes >> 10);
    say(criterion, ("control_demo", "plain"), plain, bytes);
    say(criterion, ("control_demo", "history"), least, bytes);
}

criterion_group!(benches, forwards, backwards, conditions, demonstration);
criterion_main!(benches);
