//! What processes cost: a switch from one to another; a whole life of one, from CreateProcess to its last handle; the
//! memory of the host that an idle one keeps.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

#[path = "../tests/guest_support/mod.rs"]
mod guest_support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use guest_support::{Guest, Machine, TestHost};
use std::time::{Duration, Instant};
use vatlas_fixtures::meter::Meter;
use vatlas_machine::nt::services::service_by_name;
use vatlas_machine::nt::{BareProgram, Configuration, Report, System, SystemStop, UserEntries};

#[global_allocator]
static METER: Meter = Meter;

const CODE: u32 = 0x0040_0000;
/// Instructions of an iteration.
const SWITCHING: u64 = 10_000;
const LIVING: u64 = 4_000_000;
const RUNS: usize = 100;
/// Iterations in which events are counted.
const LONG: u32 = 20;
/// Criterion has nothing to find out.
const SHORT: Duration = Duration::from_millis(10);

fn run(system: &mut System, budget: u64) {
    assert_eq!(system.run(budget), SystemStop::Budget, "{:?}", system.report());
}

/// Two processes that give way to each other: `again: mov eax, NtYieldExecution; mov edx, esp; int 2Eh; jmp again`.
fn switching() -> System {
    let number = service_by_name("NtYieldExecution").unwrap().number;
    let [low, high] = number.to_le_bytes();
    let code = vec![0xb8, low, high, 0, 0, 0x89, 0xe2, 0xcd, 0x2e, 0xeb, 0xf5];
    let mut system = System::new(Configuration::default(), Box::new(TestHost::default())).unwrap();
    for name in ["one.exe", "other.exe"] {
        let pieces = vec![(CODE, code.clone())];
        let entries = UserEntries::default();
        system.start_bare(&BareProgram { name: name.into(), pieces, threads: vec![CODE], entries }).unwrap();
    }
    system
}

fn lives(report: &Report) -> u64 {
    report.services.iter().find(|(name, _)| *name == "NtCreateProcessEx").map_or(0, |(_, count)| *count)
}

/// The least time of an event in many short runs, so that what else the computer does counts for little; how many events
/// a run has is the mean of a long one.
fn bench(criterion: &mut Criterion, name: &str, (mut system, budget): (System, u64), what: fn(&Report) -> u64) {
    run(&mut system, budget);
    let before = what(&system.report());
    (0..LONG).for_each(|_| run(&mut system, budget));
    let events = (what(&system.report()) - before) as f64 / f64::from(LONG);
    let runs = (0..RUNS).map(|_| {
        let start = Instant::now();
        run(&mut system, budget);
        start.elapsed().div_f64(events)
    });
    let least = runs.min().unwrap_or_default().max(Duration::from_nanos(1));
    let mut group = criterion.benchmark_group("processes");
    group.throughput(Throughput::Elements(1)).sample_size(10).warm_up_time(SHORT).measurement_time(SHORT);
    group.bench_function(name, |bencher| bencher.iter_custom(|iterations| least.mul_f64(iterations as f64)));
    group.finish();
}

/// The bytes beside physical memory that an idle process takes; said to criterion as elements.
fn idle(criterion: &mut Criterion) {
    let mut guest = Guest::new(Machine { megabytes: 128, ..Machine::default() }, "instances.exe", "2");
    let bytes = guest.bytes_of_idle_processes(16) / 16;
    let mut group = criterion.benchmark_group("processes");
    group.throughput(Throughput::Elements(bytes as u64)).sample_size(10);
    // The time has no meaning but that of having a row.
    group.bench_function("idle_memory", |bencher| bencher.iter(|| guest.run(1)));
    group.finish();
}

fn processes(criterion: &mut Criterion) {
    bench(criterion, "switch", (switching(), SWITCHING), |report| report.context_switches);
    let guest = Guest::new(Machine::default(), "children.exe", "100000000");
    bench(criterion, "life", (guest.system, LIVING), lives);
}

criterion_group!(benches, processes, idle);
criterion_main!(benches);
