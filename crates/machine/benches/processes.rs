//! What processes cost: a switch from one to another, and a whole life of one, from CreateProcess to its last handle.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

#[path = "../tests/guest_support/mod.rs"]
mod guest_support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use guest_support::{Guest, Machine, TestHost};
use std::time::{Duration, Instant};
use vatlas_machine::nt::services::service_by_name;
use vatlas_machine::nt::{BareProgram, Configuration, Report, System, SystemStop, UserEntries};

const CODE: u32 = 0x0040_0000;
/// Instructions of an iteration.
const SWITCHING: u64 = 100_000;
const LIVING: u64 = 20_000_000;

fn run(system: &mut System, budget: u64) {
    assert_eq!(system.run(budget), SystemStop::Budget, "{:?}", system.report());
}

/// How often something happens in so many instructions.
fn count(system: &mut System, budget: u64, what: fn(&Report) -> u64) -> u64 {
    let before = what(&system.report());
    run(system, budget);
    what(&system.report()) - before
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

fn bench(criterion: &mut Criterion, name: &str, (mut system, budget): (System, u64), what: fn(&Report) -> u64) {
    run(&mut system, budget);
    let events = count(&mut system, budget, what);
    let mut group = criterion.benchmark_group("processes");
    group.throughput(Throughput::Elements(events));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let start = Instant::now();
            (0..iterations).for_each(|_| run(&mut system, budget));
            start.elapsed().max(Duration::from_nanos(1))
        });
    });
    group.finish();
}

fn processes(criterion: &mut Criterion) {
    bench(criterion, "switch", (switching(), SWITCHING), |report| report.context_switches);
    let guest = Guest::new(Machine::default(), "children.exe", "100000000");
    bench(criterion, "life", (guest.system, LIVING), lives);
}

criterion_group!(benches, processes);
criterion_main!(benches);
