//! Made-up maps for the tests of drawings.

use vatlas_debug::{
    map::MapEntry,
    usage::{StackPart, Usage},
};
use vatlas_space::{Machine, Protection, Region, RegionKind, RegionState, Source, ThreadId, Va, VaRange};

use RegionState::{Committed, Free, Reserved, Unknown};

pub fn all32() -> VaRange {
    VaRange::new(Va(0), Va(0xffff_ffff)).unwrap()
}

pub fn user64() -> VaRange {
    VaRange::new(Va(0), Va(0x7fff_ffff_ffff)).unwrap()
}

/// A row in the words of tables: first address, bytes, state, protection, usage, captured share in percent.
fn row(first: u64, bytes: u64, state: RegionState, protection: u32, usage: Usage, percent: u64) -> MapEntry {
    let range = VaRange::sized(Va(first), bytes).unwrap();
    let used = matches!(state, Committed | Reserved);
    let kind = match usage {
        Usage::Image { .. } => RegionKind::Image,
        Usage::Mapped => RegionKind::Mapped,
        _ => RegionKind::Private,
    };
    let region = Region {
        range,
        state,
        kind: used.then_some(kind),
        protection: (state == Committed).then_some(Protection(protection)),
        allocation_base: used.then_some(range.first()),
        allocation_protection: used.then_some(Protection::READWRITE),
        source: Source::Stream("MemoryInfoListStream"),
    };
    MapEntry { range, region, usage, captured: bytes / 100 * percent + bytes % 100 * percent / 100 }
}

fn with_free(mut rows: Vec<MapEntry>, range: VaRange) -> Vec<MapEntry> {
    rows.sort_by_key(|row| row.range.first());
    let mut all = Vec::new();
    let mut next = range.first().0;
    for entry in rows {
        let first = entry.range.first().0;
        if first > next {
            all.push(row(next, first - next, Free, 0, Usage::Free, 0));
        }
        next = entry.range.last().0 + 1;
        all.push(entry);
    }
    if next <= range.last().0 {
        all.push(row(next, range.last().0 - next + 1, Free, 0, Usage::Free, 0));
    }
    all
}

fn stack(top: u64, thread: u32, committed: u64, machine: Machine) -> Vec<MapEntry> {
    let part = |first, bytes, state, protection, part, percent| {
        row(first, bytes, state, protection, Usage::Stack { thread: ThreadId(thread), machine, part }, percent)
    };
    let base = top - 0x10_0000;
    vec![
        part(base, 0x10_0000 - committed - 0x1000, Reserved, 0, StackPart::Reserve, 0),
        part(top - committed - 0x1000, 0x1000, Committed, 0x104, StackPart::Guard, 0),
        part(top - committed, committed, Committed, 4, StackPart::Used, 100),
    ]
}

fn image(base: u64, module: &str, text: u64, data: u64) -> Vec<MapEntry> {
    let part = |first, bytes, protection, section: &str, percent| {
        let usage = Usage::Image { module: module.into(), section: Some(section.into()) };
        row(first, bytes, Committed, protection, usage, percent)
    };
    vec![
        part(base, 0x1000, 2, "headers", 100),
        part(base + 0x1000, text, 0x20, ".text", 3),
        part(base + 0x1000 + text, data, 4, ".data", 100),
        part(base + 0x1000 + text + data, 0x4000, 2, ".rsrc", 0),
    ]
}

fn heap(base: u64, committed: u64, reserved: u64) -> Vec<MapEntry> {
    let usage = Usage::Heap { heap: Va(base) };
    vec![row(base, committed, Committed, 4, usage.clone(), 60), row(base + committed, reserved, Reserved, 0, usage, 0)]
}

/// A 32-bit process of the XP kind, kernel half included.
pub fn small32() -> Vec<MapEntry> {
    let mut rows = vec![
        row(0x1_0000, 0x1000, Committed, 4, Usage::Private, 100),
        row(0x2_0000, 0x1000, Committed, 4, Usage::Private, 100),
        row(0x25_0000, 0x1_6000, Committed, 2, Usage::Mapped, 0),
        row(0x270_0000, 0x30_0000, Committed, 2, Usage::Mapped, 0),
        row(0x0380_0000, 0x20_0000, Committed, 4, Usage::Private, 20),
        row(0x0400_0000, 0x400_0000, Reserved, 0, Usage::Private, 0),
        row(0x7ffd_e000, 0x1000, Committed, 4, Usage::Teb { thread: ThreadId(1), machine: Machine::X86 }, 100),
        row(0x7ffd_f000, 0x1000, Committed, 4, Usage::Peb { machine: Machine::X86 }, 100),
        row(0x7ffe_0000, 0x1000, Committed, 2, Usage::SharedUserData, 100),
        row(0x7ffe_1000, 0xf000, Committed, 1, Usage::System { area: "no-access area".into() }, 0),
        row(0x8000_0000, 0x8000_0000, Unknown, 0, Usage::System { area: "kernel half".into() }, 0),
    ];
    rows.extend(stack(0x13_0000, 1, 0x4000, Machine::X86));
    rows.extend(stack(0x120_0000, 2, 0x2000, Machine::X86));
    rows.extend(heap(0x14_0000, 0x8000, 0xf_8000));
    rows.extend(heap(0x90_0000, 0x30_0000, 0x10_0000));
    rows.extend(image(0x40_0000, "app.exe", 0x2_0000, 0x8000));
    rows.extend(image(0x1000_0000, "plugin.dll", 0x30_0000, 0x1_0000));
    for (base, module, text) in [
        (0x5ad7_0000, "uxtheme.dll", 0x3_0000),
        (0x76c3_0000, "wintrust.dll", 0x2_5000),
        (0x77dd_0000, "advapi32.dll", 0x7_6000),
        (0x77f6_0000, "shlwapi.dll", 0x6_6000),
        (0x7c80_0000, "kernel32.dll", 0x8_4000),
        (0x7c90_0000, "ntdll.dll", 0x7_b000),
        (0x7c9c_0000, "shell32.dll", 0x60_0000),
    ] {
        rows.extend(image(base, module, text, 0x5000));
    }
    with_free(rows, all32())
}

/// A 64-bit process: a few clusters in 128 TB, and the reserved 2 TB of control-flow guard.
pub fn clusters64() -> Vec<MapEntry> {
    let environment = Usage::Teb { thread: ThreadId(4711), machine: Machine::X64 };
    let mut rows = vec![
        row(0x7ffe_0000, 0x1000, Committed, 2, Usage::SharedUserData, 100),
        row(0xa3_1200_0000, 0x20_0000, Reserved, 0, Usage::Private, 0),
        row(0xa3_1220_0000, 0x4000, Committed, 4, environment, 100),
        row(0x1f2_3600_0000, 0x80_0000, Committed, 4, Usage::Private, 15),
        row(0x1f2_3700_0000, 0x33_0000, Committed, 2, Usage::Mapped, 0),
        row(0x7df5_0000_0000, 0x4a_0000_0000, Reserved, 0, Usage::Mapped, 0),
        row(0x7df5_0000_0000 + 0x4a_0000_0000, 0x10_0000, Committed, 2, Usage::Mapped, 0),
        row(0x7df5_0000_0000 + 0x4a_0010_0000, 0x1b5_fff0_0000, Reserved, 0, Usage::Mapped, 0),
    ];
    rows.extend(stack(0xa3_1240_0000, 4711, 0x8000, Machine::X64));
    rows.extend(stack(0xa3_1260_0000, 4712, 0x3000, Machine::X64));
    rows.extend(heap(0x1f2_3400_0000, 0x60_0000, 0x90_0000));
    rows.extend(heap(0x1f2_3500_0000, 0x1_0000, 0xf000));
    rows.extend(image(0x7ff6_a1b2_0000, "app.exe", 0x8_0000, 0x2_0000));
    for (base, module, text) in [
        (0x7ffd_2a00_0000, "ucrtbase.dll", 0xc_0000),
        (0x7ffd_2b10_0000, "KernelBase.dll", 0x12_0000),
        (0x7ffd_2c40_0000, "user32.dll", 0x9_0000),
        (0x7ffd_2cf0_0000, "kernel32.dll", 0x8_0000),
        (0x7ffd_2d80_0000, "ntdll.dll", 0x11_0000),
    ] {
        rows.extend(image(base, module, text, 0xa000));
    }
    with_free(rows, user64())
}

/// `count` rows and the free ones between them.
pub fn many(count: u64) -> Vec<MapEntry> {
    let usage = |n: u64| match n % 4 {
        0 => Usage::Image { module: format!("module{n}.dll"), section: Some(".text".into()) },
        1 => Usage::Heap { heap: Va(n * 0x2_0000) },
        2 => Usage::Mapped,
        _ => Usage::Private,
    };
    let state = |n: u64| if n.is_multiple_of(7) { Reserved } else { Committed };
    let rows = (0..count).map(|n| row(n * 0x2_0000, 0x3000 + n * n % 13 * 0x1000, state(n), 4, usage(n), n % 101));
    with_free(rows.collect(), all32())
}

/// A module whose name tries to break out of every kind of picture.
pub fn hostile() -> Vec<MapEntry> {
    let name = "a</script><script>alert(1)</script><!--\u{1b}[2J\"'&]]>\u{2028}\u{202e}\0.dll";
    with_free(image(0x40_0000, name, 0x1_0000, 0x1000), all32())
}
