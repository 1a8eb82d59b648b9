//! What guest instructions cost: compiled C, demand paging, system calls, switches of address spaces.

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use support::Bench;

fn program(criterion: &mut Criterion, name: &str, bytes: &[u8], rounds: u32) {
    let mut bench = Bench::new(bytes);
    let (_, instructions) = bench.run_program(rounds, u64::MAX);
    let mut group = criterion.benchmark_group("processor");
    group.throughput(Throughput::Elements(instructions)).sample_size(10);
    group.bench_function(name, |bencher| bencher.iter(|| black_box(bench.run_program(rounds, u64::MAX))));
    group.bench_function(format!("{name}_in_pieces_of_1009"), |bencher| {
        bencher.iter(|| black_box(bench.run_program(rounds, 1009)));
    });
    group.finish();
}

fn processor(criterion: &mut Criterion) {
    program(criterion, "integer_c", include_bytes!("../../../fixtures/machine/work.bin"), 20);
}

criterion_group!(benches, processor);
criterion_main!(benches);
