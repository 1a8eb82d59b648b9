//! What names and lines cost: a warm lookup with its inlined functions and line, the first answer of a large PDB, and an
//! index of every name. The same lookups by `pdb-addr2line`, in the same run.
//!
//! `cargo xtask bench` runs these and puts their medians beside the goals. With `VATLAS_CORPUS` the PDBs are real ones;
//! without it only our own small one is asked.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::{
    hint::black_box,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};
use vatlas_space::Rva;
use vatlas_symbols::{PdbFile, SymbolFile, SymbolKind};

/// Addresses that are asked one after another.
const ADDRESSES: usize = 1000;

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/symbols/counters/counters-x64.pdb")
}

fn corpus() -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("VATLAS_CORPUS")?).join("nt-pe-pdb"))
}

fn read(path: &Path) -> Arc<Vec<u8>> {
    Arc::new(std::fs::read(path).expect("a PDB"))
}

fn open(bytes: &Arc<Vec<u8>>) -> PdbFile {
    PdbFile::open("bench.pdb", bytes.clone()).expect("a PDB that opens")
}

/// Addresses spread over the functions of a PDB, in an order that is none.
fn addresses(file: &PdbFile) -> Vec<Rva> {
    let mut functions = Vec::new();
    file.visit(&mut |symbol| {
        let size = symbol.size.filter(|size| *size > 0 && symbol.kind == SymbolKind::Function);
        functions.extend(size.map(|size| (symbol.rva, size)));
        ControlFlow::Continue(())
    });
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    (0..ADDRESSES)
        .map(|_| {
            let (rva, size) = functions[next() % functions.len()];
            Rva(rva.0 + next() as u32 % size)
        })
        .collect()
}

fn warm(criterion: &mut Criterion) {
    let path = corpus().map_or_else(own, |corpus| corpus.join("llvm-symbolizer/test-columns.pdb"));
    let bytes = read(&path);
    let file = open(&bytes);
    let addresses = addresses(&file);
    let mut group = criterion.benchmark_group("lookup");
    group.throughput(Throughput::Elements(ADDRESSES as u64));
    group.bench_function("warm_1000", |bencher| {
        bencher.iter(|| {
            for rva in &addresses {
                black_box(file.lookup(*rva));
            }
        });
    });
    let peer = pdb_addr2line::pdb::PDB::open(std::io::Cursor::new(bytes.as_slice())).expect("a PDB");
    let peer = pdb_addr2line::ContextPdbData::try_from_pdb(peer).expect("a context");
    let peer = peer.make_context().expect("a context");
    group.bench_function("warm_1000_peer", |bencher| {
        bencher.iter(|| {
            for rva in &addresses {
                black_box(peer.find_frames(rva.0).expect("frames"));
            }
        });
    });
    group.finish();
    criterion.bench_function("first_answer", |bencher| {
        bencher.iter(|| {
            let file = open(&bytes);
            black_box(file.lookup(addresses[0]));
        });
    });
}

/// Every name of every PDB of the corpus.
fn index(criterion: &mut Criterion) {
    let mut files = vec![read(&own())];
    if let Some(corpus) = corpus() {
        files = pdbs(&corpus).iter().map(|path| read(path)).collect();
        files.retain(|bytes| PdbFile::open("bench.pdb", bytes.clone()).is_ok());
    }
    let size: usize = files.iter().map(|bytes| bytes.len()).sum();
    let mut group = criterion.benchmark_group("index");
    group.throughput(Throughput::Bytes(size as u64));
    group.bench_function("all_names", |bencher| {
        bencher.iter(|| {
            for bytes in &files {
                let mut count = 0;
                open(bytes).visit(&mut |symbol| {
                    count += symbol.name.len();
                    ControlFlow::Continue(())
                });
                black_box(count);
            }
        });
    });
    group.finish();
}

fn pdbs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "pdb"));
    files.chain(folders.iter().flat_map(|folder| pdbs(folder))).collect()
}

criterion_group!(benches, warm, index);
criterion_main!(benches);
