//! What the kernel costs a program: a page of zeroes, a switch of threads, a system call and back.
//!
//! Each benchmark runs a real system. Its program never ends; an iteration is an exact count of its instructions, so
//! every iteration has the same events, which are counted before and said to criterion as elements.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

#[path = "../tests/kernel_support/mod.rs"]
mod kernel_support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kernel_support::{Arg, CODE, Code, DATA, TestHost, code};
use std::time::{Duration, Instant};
use vatlas_machine::nt::services::service_by_name;
use vatlas_machine::nt::{BareProgram, Configuration, Report, System, SystemStop, UserEntries};

/// Pages that are touched in an iteration: 4 MB.
const PAGES: u32 = 1024;
/// Rounds of the other programs in an iteration.
const ROUNDS: u64 = 10_000;
/// `KiFastSystemCall` of the programs: `mov edx, esp; sysenter`, and where it comes back, `ret`.
const FAST_CALL: u32 = CODE + 0x8000;
const FAST_CALL_BYTES: [u8; 5] = [0x89, 0xe2, 0x0f, 0x34, 0xc3];
/// Where the programs keep the base and the size of their memory.
const BASE: u32 = DATA;
const SIZE: u32 = DATA + 4;

/// A system of 32 MB and one processor; each code is a thread of its program.
fn system(threads: &[Code]) -> System {
    let mut system = System::new(Configuration::default(), Box::new(TestHost::default())).unwrap();
    let starts = (0..).map(|number| CODE + 0x1000 * number);
    let mut program = vec![0; 0x8000 + FAST_CALL_BYTES.len()];
    for (at, code) in starts.clone().zip(threads) {
        let at = (at - CODE) as usize;
        program[at..at + code.bytes.len()].copy_from_slice(&code.bytes);
    }
    program[0x8000..].copy_from_slice(&FAST_CALL_BYTES);
    let entries = UserEntries { system_call: FAST_CALL, system_call_return: FAST_CALL + 4, ..UserEntries::default() };
    let pieces = vec![(CODE, program), (DATA, vec![0; 0x1000])];
    let threads = starts.take(threads.len()).collect();
    system.start_bare(&BareProgram { name: "bench.exe".into(), pieces, threads, entries }).unwrap();
    system
}

/// A program that calls a service again and again as through ntdll, and the instructions of a round.
fn endless_calls(service: &str) -> (Code, u64) {
    let service = service_by_name(service).unwrap();
    let code = code(|code| {
        let start = code.bytes.len();
        // push 0, for each argument; call stub; jmp start
        for _ in 0..service.arguments {
            code.raw(&[0x6a, 0]);
        }
        code.raw(&[0xe8, 2, 0, 0, 0]);
        let back = start.wrapping_sub(code.bytes.len() + 2);
        code.raw(&[0xeb, back as u8]);
        // stub: mov eax, number; mov edx, 7FFE0300h; call [edx]; ret 4 * arguments
        code.raw(&[0xb8]).raw(&u32::from(service.number).to_le_bytes());
        code.raw(&[0xba, 0x00, 0x03, 0xfe, 0x7f, 0xff, 0x12, 0xc2, 4 * service.arguments, 0]);
    });
    (code, 9 + u64::from(service.arguments))
}

/// A program that commits memory, writes to each page and gives it back, again and again.
fn endless_touches() -> Code {
    code(|code| {
        let start = code.bytes.len();
        code.store(BASE, 0).store(SIZE, PAGES << 12);
        let (process, commit) = (Arg::N(u32::MAX), Arg::N(0x3000));
        code.call("NtAllocateVirtualMemory", &[process, Arg::N(BASE), Arg::N(0), Arg::N(SIZE), commit, Arg::N(4)]);
        // mov edx, [BASE]; mov ecx, PAGES; again: mov [edx], eax; add edx, 1000h; dec ecx; jnz again
        code.raw(&[0x8b, 0x15]).raw(&BASE.to_le_bytes()).raw(&[0xb9]).raw(&PAGES.to_le_bytes());
        code.raw(&[0x89, 0x02, 0x81, 0xc2, 0, 0x10, 0, 0, 0x49, 0x75, 0xf5]);
        code.store(SIZE, 0);
        code.call("NtFreeVirtualMemory", &[process, Arg::N(BASE), Arg::N(SIZE), Arg::N(0x8000)]);
        let back = start as i32 - (code.bytes.len() as i32 + 5);
        code.raw(&[0xe9]).raw(&back.to_le_bytes());
    })
}
/// Instructions of [`endless_touches`] before the first write, of all writes, and from there to the next first write.
const BEFORE_TOUCHES: u64 = 2 + 10 + 2;
const TOUCHES: u64 = 4 * PAGES as u64;
const BETWEEN_TOUCHES: u64 = 1 + 8 + 1 + BEFORE_TOUCHES;

fn run(system: &mut System, budget: u64) {
    assert_eq!(system.run(budget), SystemStop::Budget, "{:?}", system.report());
}

/// How often something happens in so many instructions.
fn count(system: &mut System, budget: u64, what: fn(&Report) -> u64) -> u64 {
    let before = what(&system.report());
    run(system, budget);
    what(&system.report()) - before
}

fn demand_zero(criterion: &mut Criterion) {
    let mut system = system(&[endless_touches()]);
    run(&mut system, BEFORE_TOUCHES);
    let faults = count(&mut system, TOUCHES, |report| report.memory.demand_zero);
    assert_eq!(faults, u64::from(PAGES));
    let touch = |iterations: u64| {
        let mut time = Duration::ZERO;
        for _ in 0..iterations {
            run(&mut system, BETWEEN_TOUCHES);
            let start = Instant::now();
            run(&mut system, TOUCHES);
            time += start.elapsed();
        }
        time
    };
    bench(criterion, "demand_zero", faults, touch);
}

/// Threads that call a service, so many instructions of all of them; `what` counts the events.
fn calls(criterion: &mut Criterion, name: &str, (threads, service): (usize, &str), what: fn(&Report) -> u64) {
    let (code, instructions) = endless_calls(service);
    let mut system = system(&vec![code; threads]);
    let budget = ROUNDS * instructions;
    run(&mut system, budget);
    let events = count(&mut system, budget, what);
    assert!(events.abs_diff(ROUNDS) <= 1, "{events} of {ROUNDS}");
    let again = |iterations: u64| {
        let start = Instant::now();
        (0..iterations).for_each(|_| run(&mut system, budget));
        start.elapsed()
    };
    bench(criterion, name, events, again);
}

fn bench(criterion: &mut Criterion, name: &str, events: u64, mut measure: impl FnMut(u64) -> Duration) {
    let mut group = criterion.benchmark_group("kernel");
    group.throughput(Throughput::Elements(events));
    group.bench_function(name, |bencher| bencher.iter_custom(&mut measure));
    group.finish();
}

fn kernel(criterion: &mut Criterion) {
    demand_zero(criterion);
    // With a second thread of the same priority each call is a switch.
    calls(criterion, "thread_switch", (2, "NtYieldExecution"), |report| report.context_switches);
    // A handle that is not open.
    calls(criterion, "system_call", (1, "NtClose"), |report| report.system_calls);
}

criterion_group!(benches, kernel);
criterion_main!(benches);
