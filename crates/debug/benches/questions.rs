//! What questions cost when the program runs already: opening, explaining, mapping, watching, walking a stack.
//!
//! `cargo xtask bench` runs these and puts their medians beside the goals.

use criterion::{Criterion, criterion_group, criterion_main};
use std::{hint::black_box, rc::Rc, sync::Arc};
use vatlas_debug::{
    explain::explain,
    location::locate,
    map::{map, summary},
    stack::{StackEnd, USUAL_LIMIT, stack_starts, walk},
    symbol_provider::SymbolProvider,
    usage_index::UsageIndex,
    watch::{Scope, Watcher},
};
use vatlas_fixtures::{
    kdmp::{Dump, Module as CeModule, Process, System},
    minidump::{Arch, Context, Minidump, Module as NtModule, Thread, X86},
};
use vatlas_space::{Module, ProcessIndex, Target};
use vatlas_symbols::ModuleSymbols;
use vatlas_targets::{FileBytes, KdmpTarget, MinidumpTarget, NoImageFiles};

/// Regions of the large map.
const REGIONS: usize = 20_000;
/// Processes of a device with Windows CE 5, all but the kernel.
const PROCESSES: u8 = 31;
/// Frames of the deep stack.
const FRAMES: usize = 40;
/// A program with a PDB; what it is loaded at, and where its sections are in the file and behind the base.
const EXE: &[u8] = include_bytes!("../../../fixtures/symbols/counters/counters-x86.exe");
const PDB: &[u8] = include_bytes!("../../../fixtures/symbols/counters/counters-x86.pdb");
const EXE_BASE: u32 = 0x40_0000;
const TEXT: (usize, usize, u32) = (0x400, 0xd6, 0x1000);
const NAMES: (usize, usize, u32) = (0x600, 0x79, 0x2000);
const DATA: (usize, usize, u32) = (0x800, 0x40, 0x3000);

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

/// The program's symbols for every module.
struct Counters(Rc<ModuleSymbols>);

impl Counters {
    fn open() -> Self {
        let file = vatlas_symbols::open("counters.pdb", Arc::new(PDB)).expect("our own PDB opens");
        Self(Rc::new(ModuleSymbols::new(vec![file])))
    }
}

impl SymbolProvider for Counters {
    fn symbols(&self, _module: &Module) -> Rc<ModuleSymbols> {
        Rc::clone(&self.0)
    }
}

fn section((at, size, _): (usize, usize, u32)) -> Vec<u8> {
    EXE[at..at + size].to_vec()
}

/// A device on which every process has loaded the program as a DLL, with data of its own: `counters[2].value` is the
/// number of the process.
fn device() -> KdmpTarget {
    let base = 0x01e0_0000_u32;
    let module = CeModule::new("counters.dll", base, 0x5000, u32::MAX << 1);
    let mut dump = Dump::new(b"CEDC").system(System::arm()).module(module);
    for number in 1..=PROCESSES {
        let slot = (u32::from(number) + 1) << 25;
        let process = Process::new(number, &format!("process{number}.exe"), slot, 0x0100_0002 * u32::from(number));
        let mut data = section(DATA);
        for counter in data.as_chunks_mut::<12>().0.iter_mut().take(4) {
            let name = u32::from_le_bytes(*counter.first_chunk().expect("12 bytes"));
            counter[..4].copy_from_slice(&(name - EXE_BASE + base).to_le_bytes());
            counter[4] = number;
        }
        let at = |section: (usize, usize, u32)| u64::from(slot + base + section.2);
        dump = dump.process(process).memory(at(NAMES), section(NAMES)).memory(at(DATA), data);
    }
    KdmpTarget::open(Arc::new(dump.write()), Box::new(NoImageFiles)).expect("our own dump opens")
}

/// One expression in every process, by a watcher that has seen it before.
fn watch(criterion: &mut Criterion) {
    let (target, symbols) = (device(), Counters::open());
    let scopes: Vec<Scope> = (0..target.processes().len())
        .map(|process| Scope { process: ProcessIndex(process), ..Scope::default() })
        .collect();
    let watcher = Watcher::new(&target, &symbols);
    let all = || scopes.iter().map(|scope| watcher.watch("counters!counters[2]", scope));
    let texts: Vec<String> = all().map(|watched| watched.expect("it is in every process").text).collect();
    assert_eq!(texts.len(), usize::from(PROCESSES));
    for (number, text) in (1..).zip(&texts) {
        let is_own = text.contains(&format!("\"hours\", value = {number}, "));
        assert!(is_own, "{number}: {text}");
    }
    criterion.bench_function("watch_31_processes", |bencher| {
        bencher.iter(|| all().for_each(|found| drop(black_box(found))));
    });
}

/// `entry` that called itself: at every return address, behind its second call, its frame is ESI and where it returns.
fn recursion() -> MinidumpTarget {
    let (stack, top) = (0x0012_f000_u32, 0x0012_fe00_u32);
    let (inner, back) = (EXE_BASE + 0x1040, EXE_BASE + 0x1012);
    let mut bytes = vec![0; 0x1000];
    let mut at = (top - stack) as usize;
    let mut push = |word: u32| {
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        at += 4;
    };
    push(back);
    for frame in 2..=FRAMES as u32 {
        push(frame);
        push(if frame == FRAMES as u32 { 0 } else { back });
    }
    let context = Context::X86(X86 { eip: inner, esp: top, ..X86::default() });
    let dump = Minidump::new(Arch::X86)
        .module(NtModule::new(EXE_BASE.into(), 0x5000, "C:\\counters.exe"))
        .thread(Thread::new(7).teb(0x7ffd_f000).stack(stack.into(), 0x1000).context(context))
        .memory(stack.into(), bytes)
        .memory((EXE_BASE + TEXT.2).into(), section(TEXT));
    open(&(Arc::new(dump.write()) as FileBytes))
}

/// A deep stack by the rules of a PDB, with function and line of every frame.
fn stack(criterion: &mut Criterion) {
    let (target, symbols) = (recursion(), Counters::open());
    let index = UsageIndex::new(&target, ProcessIndex(0)).expect("a process");
    let starts = stack_starts(&target, index.process(), &index.process().threads[0]);
    let walked = || walk(&index, &symbols, &starts[0], USUAL_LIMIT);
    let found = walked();
    assert_eq!((found.frames.len(), &found.end), (FRAMES, &StackEnd::Bottom), "{found:#?}");
    assert!(found.frames.iter().all(|frame| frame.lookup.as_ref().is_some_and(|lookup| lookup.is_inside)));
    criterion.bench_function("stack_40_frames", |bencher| bencher.iter(|| black_box(walked())));
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

    watch(criterion);
    stack(criterion);
}

criterion_group!(benches, questions);
criterion_main!(benches);
