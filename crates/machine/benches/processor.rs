//! What guest instructions cost: compiled C, demand paging, system calls, switches of address spaces.

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use support::Bench;
use vatlas_machine::cpu::Engine;
use vatlas_space::Va;

/// A page that benchmarks take away.
const HOLE: u32 = 0x0020_0000;

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

/// `int 2Eh` to the host and back into the program.
fn system_call(criterion: &mut Criterion) {
    // again: int 2Eh; jmp again
    let mut bench = Bench::new(&[0xcd, 0x2e, 0xeb, 0xfc]);
    criterion.bench_function("processor/system_call_to_the_host", |bencher| {
        bencher.iter(|| black_box(bench.engine.run(&mut bench.board, 10)));
    });
}

/// A program that writes to [`HOLE`] again and again.
fn writer() -> Bench {
    // again: mov [edx], eax; jmp again
    let mut bench = Bench::new(&[0x89, 0x02, 0xeb, 0xfc]);
    let mut registers = bench.engine.registers();
    registers.gpr[2] = HOLE;
    bench.engine.set_registers(&registers);
    bench
}

/// A page that is not there: the fault, the entry written by the host, the instruction again.
fn page_fault(criterion: &mut Criterion) {
    let mut bench = writer();
    let (at, entry) = (Bench::entry_at(HOLE), Bench::pa(HOLE).0 as u32 | 7);
    criterion.bench_function("processor/page_fault_to_the_host", |bencher| {
        bencher.iter(|| {
            bench.board.ram.write_u32(at, 0);
            bench.engine.invalidate(Va(HOLE.into()));
            black_box(bench.engine.run(&mut bench.board, 10));
            bench.board.ram.write_u32(at, entry);
            black_box(bench.engine.run(&mut bench.board, 2));
        });
    });
}

/// All translations forgotten, as by loading CR3, and those that are missing then.
fn address_spaces(criterion: &mut Criterion) {
    let mut bench = writer();
    criterion.bench_function("processor/switch_of_address_space", |bencher| {
        bencher.iter(|| {
            bench.engine.flush();
            black_box(bench.engine.run(&mut bench.board, 2));
        });
    });
}

fn processor(criterion: &mut Criterion) {
    program(criterion, "integer_c", include_bytes!("../../../fixtures/machine/work.bin"), 20);
    program(criterion, "x87_c", include_bytes!("../../../fixtures/machine/floats-x87.bin"), 100);
    program(criterion, "sse2_c", include_bytes!("../../../fixtures/machine/floats-sse2.bin"), 100);
    system_call(criterion);
    page_fault(criterion);
    address_spaces(criterion);
}

criterion_group!(benches, processor);
criterion_main!(benches);
