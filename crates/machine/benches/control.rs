//! What control costs: a loop that works in memory, with nothing, with breakpoints that are not hit, with its past kept;
//! the way back; a condition that never holds.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use vatlas_machine::control::{Controlled, Recorder};
use vatlas_machine::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, Host, StoreError};
use vatlas_machine::nt::{BareProgram, Configuration, System, UserEntries};
use vatlas_space::Va;
use vatlas_space::control::{CodePlace, DataPlace, EventKind, EventMask, Judge, Reach, RunEnd, Stops};

const CODE: u32 = 0x0040_0000;
const DATA: u32 = 0x0050_0000;
/// Instructions of one measurement.
const WORK: u64 = 2_000_000;
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

/// A loop over 64 KB: load, change, store, count; it counts its rounds apart, once in 16,384 steps.
///
/// ```text
/// outer: mov esi, DATA; mov ecx, 4000h
/// inner: mov eax, [esi]; lea eax, [eax+eax*4+1]; mov [esi], eax; add esi, 4; dec ecx; jnz inner
///        inc dword [DATA + 20000h]; jmp outer
/// ```
fn system() -> System {
    let mut code = vec![0xbe];
    code.extend(DATA.to_le_bytes());
    code.extend([0xb9, 0, 0x40, 0, 0]);
    code.extend([0x8b, 0x06, 0x8d, 0x44, 0x80, 0x01, 0x89, 0x06, 0x83, 0xc6, 0x04, 0x49, 0x75, 0xf2]);
    code.extend([0xff, 0x05]);
    code.extend((DATA + 0x2_0000).to_le_bytes());
    code.extend([0xeb, 0xde]);
    let configuration = Configuration { frames: 8192, ..Configuration::default() };
    let mut system = System::new(configuration, Box::new(NoHost)).unwrap();
    let pieces = vec![(CODE, code), (DATA, vec![0; 0x4_0000])];
    let program = BareProgram { name: "loop.exe".into(), pieces, threads: vec![CODE], entries: UserEntries::default() };
    system.start_bare(&program).unwrap();
    system.run(WORK);
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

fn forwards(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("control");
    group.throughput(Throughput::Elements(WORK)).sample_size(30);
    let mut plain = system();
    group.bench_function("plain", |bencher| bencher.iter(|| plain.run(black_box(WORK))));
    let mut run = |name: &str, stops: &dyn Fn(&System) -> Stops| {
        let mut system = system();
        let stops = stops(&system);
        system.set_stops(&stops);
        group.bench_with_input(BenchmarkId::from_parameter(name), &(), |bencher, ()| {
            bencher.iter(|| assert_eq!(system.run_judged(black_box(WORK), &mut never), RunEnd::Budget));
        });
    };
    run("controlled", &|_| Stops { events: EventMask::NONE.with(EventKind::DebugOutput), ..Stops::default() });
    // In the same page of code, behind the loop.
    run("100_code_breakpoints", &|_| Stops {
        code: (0..100).map(|number| code(number, CODE + 0x40 + 4 * number)).collect(),
        ..Stops::default()
    });
    run("4_data_breakpoints", &|system| Stops {
        data: (0..4).map(|number| data(system, number, DATA + 0x3_0000 + 0x1000 * number)).collect(),
        ..Stops::default()
    });
    let mut kept = system();
    let mut recorder = Recorder::new(&mut kept);
    recorder.set_limit(64 << 20);
    group.bench_function("history", |bencher| {
        bencher.iter(|| assert_eq!(recorder.run(&mut kept, black_box(WORK), &mut never), RunEnd::Budget));
    });
    group.finish();
}

fn backwards(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("control_back");
    group.sample_size(10);
    let mut system = system();
    let mut recorder = Recorder::new(&mut system);
    recorder.set_limit(64 << 20);
    // The last store to a place that only the first round of the loop changes is as far back as can be.
    let judge: &mut Judge<'_> = &mut never;
    assert_eq!(recorder.run(&mut system, 2 * FAR, judge), RunEnd::Budget);
    let size = recorder.size();
    println!("history of {} instructions: {} states, {} KB", 2 * FAR, size.states, size.bytes >> 10);
    let end = system.position();
    group.bench_function("first_step", |bencher| {
        bencher.iter_batched(
            || (),
            |()| {
                recorder.step_back(&mut system, 0);
            },
            criterion::BatchSize::PerIteration,
        );
    });
    let counted = Stops { code: vec![code(1, CODE + 0x18)], ..Stops::default() };
    group.bench_function("continue_50M", |bencher| {
        bencher.iter(|| {
            assert!(recorder.go_to(&mut system, end));
            system.set_stops(&counted);
            let first = end.instructions - FAR;
            let (stop, _) = recorder.run_back(&mut system, &mut |moment, _| moment.position().instructions < first);
            assert_eq!(stop, RunEnd::Stopped);
        });
    });
    group.finish();
}

/// The breakpoint at the beginning of the inner loop: each of its rounds asks.
fn conditions(criterion: &mut Criterion) {
    const ASKED: u64 = 100_000;
    let mut group = criterion.benchmark_group("control_condition");
    group.throughput(Throughput::Elements(ASKED)).sample_size(20);
    let mut system = system();
    system.set_stops(&Stops { code: vec![code(1, CODE + 10)], ..Stops::default() });
    let mut asked = 0_u64;
    group.bench_function("asked", |bencher| {
        bencher.iter(|| {
            let goal = asked + ASKED;
            let judge: &mut Judge<'_> = &mut |moment, _| {
                asked += 1;
                let mut bytes = [0; 4];
                let is_read = moment.read(None, Va(moment.register(6).into()), &mut bytes);
                is_read && u32::from_le_bytes(bytes) == 0x1234_5678 && moment.register(0) == 7 || asked >= goal
            };
            assert_eq!(system.run_judged(u64::MAX >> 1, judge), RunEnd::Stopped);
        });
    });
    group.finish();
}

criterion_group!(benches, forwards, backwards, conditions);
criterion_main!(benches);
