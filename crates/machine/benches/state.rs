//! What it costs to keep the state: a checkpoint every million instructions, a snapshot of 64 MB written and read.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

#[path = "../tests/kernel_support/mod.rs"]
mod kernel_support;

use criterion::{Criterion, criterion_group, criterion_main};
use kernel_support::{Arg, CODE, DATA, TestHost, code};
use std::time::{Duration, Instant};
use vatlas_machine::memory::PageFileStore;
use vatlas_machine::nt::{BareProgram, Configuration, System, SystemStop, UserEntries};

/// Frames of 64 MB.
const FRAMES: u32 = 16_384;
/// Bytes that the program fills with numbers: most of the memory.
const FILLED: u32 = 48 << 20;
/// Instructions of a fill.
const FILL: u64 = FILLED as u64;
/// Instructions between checkpoints.
const PIECE: u64 = 1_000_000;
/// Where the program keeps the base and the size of its memory.
const BASE: u32 = DATA;
const SIZE: u32 = DATA + 4;

/// A system whose program has filled its memory with numbers, and now works on 64 pages of them without end.
fn system() -> System {
    let configuration = Configuration { frames: FRAMES, ..Configuration::default() };
    let mut system = System::new(configuration, Box::new(TestHost::default())).unwrap();
    let fill = code(|code| {
        code.store(BASE, 0).store(SIZE, FILLED);
        let (process, commit) = (Arg::N(u32::MAX), Arg::N(0x3000));
        code.call("NtAllocateVirtualMemory", &[process, Arg::N(BASE), Arg::N(0), Arg::N(SIZE), commit, Arg::N(4)]);
        // mov edx, [BASE]; mov ecx, FILLED / 4; again: mov [edx], edx; add edx, 4; dec ecx; jnz again
        code.raw(&[0x8b, 0x15]).raw(&BASE.to_le_bytes()).raw(&[0xb9]).raw(&(FILLED / 4).to_le_bytes());
        code.raw(&[0x89, 0x12, 0x83, 0xc2, 4, 0x49, 0x75, 0xf8]);
        let work = code.bytes.len();
        // mov edx, [BASE]; mov ecx, 10000h; again: add [edx], ecx; add edx, 4; dec ecx; jnz again; jmp work
        code.raw(&[0x8b, 0x15]).raw(&BASE.to_le_bytes()).raw(&[0xb9]).raw(&0x1_0000_u32.to_le_bytes());
        code.raw(&[0x01, 0x0a, 0x83, 0xc2, 4, 0x49, 0x75, 0xf8]);
        let back = work as i32 - (code.bytes.len() as i32 + 5);
        code.raw(&[0xe9]).raw(&back.to_le_bytes());
    });
    let entries = UserEntries::default();
    let pieces = vec![(CODE, fill.bytes), (DATA, vec![0; 0x1000])];
    system.start_bare(&BareProgram { name: "bench.exe".into(), pieces, threads: vec![CODE], entries }).unwrap();
    run(&mut system, FILL + PIECE);
    system
}

fn run(system: &mut System, budget: u64) {
    assert_eq!(system.run(budget), SystemStop::Budget, "{:?}", system.report());
}

fn no_store(_: usize) -> Result<Box<dyn PageFileStore>, String> {
    Err("there is no page file".to_owned())
}

fn state(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("state");
    let mut plain = system();
    group.bench_function("million", |bencher| bencher.iter(|| run(&mut plain, PIECE)));
    let mut watched = system();
    let mut kept = vec![watched.checkpoint()];
    group.bench_function("million_and_checkpoint", |bencher| {
        bencher.iter(|| {
            run(&mut watched, PIECE);
            kept.push(watched.checkpoint());
            // A history of 32.
            if kept.len() > 32 {
                kept.remove(0);
            }
        });
    });
    let then = kept[0].clone();
    group.bench_function("go_back_32_million", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut time = Duration::ZERO;
            for _ in 0..iterations {
                watched.restore(kept.last().unwrap());
                let start = Instant::now();
                watched.restore(&then);
                time += start.elapsed();
            }
            time
        });
    });
    group.bench_function("save_64_mb", |bencher| bencher.iter(|| plain.snapshot("bench").unwrap().len()));
    let bytes = plain.snapshot("bench").unwrap();
    group.bench_function("resume_64_mb", |bencher| {
        bencher.iter(|| System::resume(&bytes, Box::new(TestHost::default()), &mut no_store).unwrap().instructions());
    });
    group.finish();
}

criterion_group!(benches, state);
criterion_main!(benches);
