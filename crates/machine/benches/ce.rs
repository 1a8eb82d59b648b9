//! A Windows CE device: its boot, a process switch, a call into a server, a call of the kernel.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark may fail by panic")]

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use vatlas_machine::ce::{Configuration, Device};
use vatlas_machine::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, Host, StoreError};

const DEMO: &[u8] = include_bytes!("../../../fixtures/ce/demo.bin");

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

fn device() -> Device {
    Device::boot(DEMO, Configuration::default(), Box::new(NoHost)).unwrap()
}

fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ce");
    // And the programs of the demonstration started.
    group.bench_function("boot", |bench| {
        bench.iter(|| {
            let mut device = device();
            device.run(200_000);
            black_box(device.instructions())
        });
    });
    let mut device = device();
    device.run(200_000);
    let numbers = [7, 8];
    let mut turn = 0;
    group.bench_function("process_switch", |bench| {
        bench.iter(|| {
            turn ^= 1;
            black_box(device.switch_process(numbers[turn]))
        });
    });
    let checkpoint = device.checkpoint();
    group.bench_function("million_of_programs", |bench| {
        bench.iter(|| {
            device.restore(&checkpoint);
            black_box(device.run(1_000_000))
        });
    });
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
