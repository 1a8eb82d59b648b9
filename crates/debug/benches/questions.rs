//! What questions cost when the program runs already: opening, explaining, mapping, searching.
//!
//! `cargo xtask bench` runs these and puts their medians beside the goals.

use criterion::{Criterion, criterion_group, criterion_main};
use std::{hint::black_box, sync::Arc};
use vatlas_debug::{
    explain::explain,
    location::locate,
    map::{map, summary},
    usage_index::UsageIndex,
};
use vatlas_space::{ProcessIndex, Target};
use vatlas_targets::{FileBytes, MinidumpTarget, NoImageFiles};

/// Regions of the large map.
const REGIONS: usize = 20_000;

fn open(bytes: &FileBytes) -> MinidumpTarget {
    MinidumpTarget::open(FileBytes::clone(bytes), Box::new(NoImageFiles)).expect("our own dump opens")
}

fn fixture(path: &str) -> FileBytes {
    let fixture = vatlas_fixtures::all().into_iter().find(|fixture| fixture.path == path).expect("a fixture");
    Arc::new(fixture.bytes)
}

fn explain_crash(target: &dyn Target) {
    let index = UsageIndex::new(target, ProcessIndex(0)).expect("a process");
    let location = locate(target, index.process(), None, "crash").expect("a crash");
    black_box(explain(target, &index, &location));
}

fn questions(criterion: &mut Criterion) {
    let demo = fixture("minidump/demo.dmp");
    criterion.bench_function("open_and_explain", |bencher| bencher.iter(|| explain_crash(&open(&demo))));

    let target = open(&demo);
    let index = UsageIndex::new(&target, ProcessIndex(0)).expect("a process");
    let location = locate(&target, index.process(), None, "crash").expect("a crash");
    criterion.bench_function("explain", |bencher| bencher.iter(|| black_box(explain(&target, &index, &location))));

    let many: FileBytes = Arc::new(vatlas_fixtures::many_regions(REGIONS));
    criterion.bench_function("open_and_map_20000_regions", |bencher| {
        bencher.iter(|| {
            let target = open(&many);
            let index = UsageIndex::new(&target, ProcessIndex(0)).expect("a process");
            black_box(summary(&map(&index)));
        });
    });
}

criterion_group!(benches, questions);
criterion_main!(benches);
