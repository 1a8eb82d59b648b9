//! Differences by examples; a target does not differ from itself; swapping the targets swaps the answer.

use super::*;
use crate::{
    testing::{TestTarget, range},
    usage::{StackPart, Usage},
};
use proptest::prelude::*;
use std::ops::ControlFlow;
use vatlas_space::{
    LayoutName, Machine, OsFamily, PointerWidth, ProcessId, ProcessIndex, Protection, RegionKind, RegionState, Section,
    SectionTable, Source, ThreadId, Va,
};

fn regions(a: &TestTarget, b: &TestTarget) -> (Vec<RegionChange>, RegionTotals) {
    let mut all = Vec::new();
    let mut found = |change: &RegionChange| {
        all.push(change.clone());
        ControlFlow::Continue(())
    };
    let totals = diff_regions(&a.index(), &b.index(), &mut found);
    assert_eq!(totals.changes, all.len() as u64);
    (all, totals)
}

/// First and last address of each range, and how many bytes differ in it.
fn memory(a: &TestTarget, b: &TestTarget) -> (Vec<(u64, u64, u64)>, MemoryTotals) {
    let mut all = Vec::new();
    let mut found = |change: &MemoryChange<'_>| {
        all.push((change.range.first().0, change.range.last().0, change.differing));
        ControlFlow::Continue(())
    };
    let totals = diff_memory(&a.index(), &b.index(), &mut found, &mut |_| {});
    assert_eq!(totals.changes, all.len() as u64);
    assert_eq!(totals.compared, totals.equal + totals.differing);
    (all, totals)
}

fn bare() -> TestTarget {
    TestTarget::new(PointerWidth::Bits32).rest_is_free()
}

/// The remarks about two targets, one text.
fn check_identity(a: &TestTarget, b: &TestTarget, expected: &[&str]) {
    let remarks = identity((a, ProcessIndex(0)), (b, ProcessIndex(0)));
    let remarks: Vec<_> = remarks.iter().map(|remark| format!("{}: {}", remark.place, remark.cause)).collect();
    assert_eq!(remarks, expected);
}

#[test]
fn what_the_targets_are() {
    let xp = || bare().called("App.exe").host(OsFamily::Windows, [5, 1, 2600], Machine::X86).taken_at(100);
    check_identity(&xp(), &xp().called("app.EXE").taken_at(200), &[]);
    let mut other = TestTarget::new(PointerWidth::Bits64)
        .called("other.exe")
        .layout(LayoutName::Nt64)
        .host(OsFamily::Linux, [6, 1, 0], Machine::X64)
        .taken_at(50);
    other.process().id = Some(ProcessId(101));
    let expected = [
        "operating system: Windows in A, Linux in B",
        "processor: x86 in A, x64 in B",
        "system version: 5.1.2600 in A, 6.1.0 in B",
        "bits of a pointer: 32 in A, 64 in B",
        "process name: App.exe in A, other.exe in B",
        "process id: 100 in A, 101 in B",
        "order: B was taken before A",
    ];
    check_identity(&xp(), &other, &expected);
    let (mut early, mut late) = (xp(), xp());
    (early.process().create_time, late.process().create_time) = (Some(10), Some(20));
    check_identity(&early, &late, &["process start: 1970-01-01T00:00:10Z in A, 1970-01-01T00:00:20Z in B"]);
}

#[test]
fn regions_added_removed_and_changed() {
    let a = bare().private(0x1_0000, 0x3000).private(0x5_0000, 0x1000).reserved(0x6_0000, 0x1_0000);
    let b = bare()
        .private(0x1_0000, 0x1000)
        .region(
            0x1_1000,
            0x2000,
            RegionState::Committed,
            Some(RegionKind::Private),
            Some(Protection::EXECUTE_READWRITE),
        )
        .private(0x6_0000, 0x1000)
        .reserved(0x6_1000, 0xf000)
        .module("late.dll", 0x40_0000, 0x1000);
    let (changes, totals) = regions(&a, &b);
    let aspects = RegionAspects::default();
    let expected = [
        (range(0x1_1000, 0x2000), RegionDifference::Changed(RegionAspects { protection: true, ..aspects })),
        (range(0x5_0000, 0x1000), RegionDifference::Removed),
        (range(0x6_0000, 0x1000), RegionDifference::Changed(RegionAspects { state: true, ..aspects })),
        (range(0x40_0000, 0x1000), RegionDifference::Added),
    ];
    let found: Vec<_> = changes.iter().map(|change| (change.range, change.difference)).collect();
    assert_eq!(found, expected);
    assert_eq!(changes[0].b.protection, Some(Protection::EXECUTE_READWRITE));
    assert_eq!(changes[3].b.usage, Usage::Image { module: "late.dll".to_owned(), section: None });
    assert_eq!((totals.added, totals.removed, totals.changed, totals.not_comparable), (0x1000, 0x1000, 0x3000, 0));
    assert_eq!(totals.same, (1 << 32) - 0x5000);
}

#[test]
fn what_one_does_not_tell_is_no_difference() {
    let a = bare().private(0x1_0000, 0x1000).private(0x2_0000, 0x1000);
    let b = TestTarget::new(PointerWidth::Bits32).region(0x1_0000, 0x1000, RegionState::Committed, None, None);
    let (changes, totals) = regions(&a, &b);
    assert_eq!(changes, []);
    assert_eq!((totals.same, totals.not_comparable), (0x1000, (1 << 32) - 0x1000));

    let section = |name: &str, rva: u64| Section {
        name: name.to_owned(),
        range: range(0x40_0000 + rva, 0x1000),
        executable: false,
        writable: false,
        file: None,
    };
    let sections = vec![section(".text", 0x1000), section(".data", 0x2000)];
    let table = SectionTable { header_size: 0x1000, sections, source: Source::Nothing };
    let a = bare().module("app.exe", 0x40_0000, 0x3000);
    let b = bare().module("APP.EXE", 0x40_0000, 0x3000).sections(0x40_0000, table);
    assert_eq!(regions(&a, &b).0, []);
}

#[test]
fn another_use_is_a_change_but_a_deeper_stack_is_none() {
    let stack = |id, sp| {
        bare()
            .private(0x1_0000, 0x8000)
            .private(0x2_0000, 0x1000)
            .thread(id, Machine::X86, &[("pc", 0x40_0000), ("sp", sp)])
            .stack(0x1_0000, 0x8000, 0x2_0000)
    };
    assert_eq!(regions(&stack(1, 0x1_4000), &stack(1, 0x1_2000)).0, []);
    let (changes, totals) = regions(&stack(1, 0x1_4000), &stack(2, 0x1_4000));
    let uses = RegionDifference::Changed(RegionAspects { usage: true, ..RegionAspects::default() });
    assert!(changes.iter().all(|change| change.difference == uses), "{changes:#?}");
    assert_eq!((changes.len(), totals.changed), (3, 0x9000));
    let used = Usage::Stack { thread: ThreadId(2), machine: Machine::X86, part: StackPart::Used };
    assert_eq!(changes[1].b.usage, used);
}

#[test]
fn modules() {
    let a = bare()
        .stamped_module(r"C:\same.dll", 0x10_0000, 0x1000, 1)
        .stamped_module(r"C:\moved.dll", 0x20_0000, 0x1000, 1)
        .stamped_module(r"C:\other.dll", 0x30_0000, 0x1000, 1)
        .stamped_module(r"C:\gone.dll", 0x40_0000, 0x1000, 1)
        .stamped_module(r"C:\twice.dll", 0x50_0000, 0x1000, 1)
        .stamped_module(r"C:\twice.dll", 0x60_0000, 0x1000, 1)
        .stamped_module(r"C:\unstamped.dll", 0x70_0000, 0x1000, 0);
    let b = bare()
        .stamped_module(r"C:\SAME.DLL", 0x10_0000, 0x1000, 1)
        .stamped_module(r"C:\moved.dll", 0x21_0000, 0x1000, 1)
        .stamped_module(r"D:\other.dll", 0x30_0000, 0x1000, 2)
        .stamped_module(r"C:\new.dll", 0x40_0000, 0x1000, 1)
        .stamped_module(r"C:\twice.dll", 0x60_0000, 0x1000, 1)
        .stamped_module(r"C:\unstamped.dll", 0x70_0000, 0x1000, 3);
    let (a_process, b_process) = (a.index().process(), b.index().process());
    let changes = diff_modules(a_process, b_process);
    let found: Vec<_> = changes
        .iter()
        .map(|change| {
            let word = match change {
                ModuleChange::OnlyInA(_) => "unloaded".to_owned(),
                ModuleChange::OnlyInB(_) => "loaded".to_owned(),
                ModuleChange::Changed { difference, .. } => {
                    let words = [
                        (difference.moved, "moved"),
                        (difference.other_version, "version"),
                        (difference.other_path, "path"),
                    ];
                    words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
                }
            };
            (change.module().name(), change.module().range.first().0, word)
        })
        .collect();
    let expected = [
        ("gone.dll", 0x40_0000, "unloaded".to_owned()),
        ("moved.dll", 0x20_0000, "moved".to_owned()),
        ("new.dll", 0x40_0000, "loaded".to_owned()),
        ("other.dll", 0x30_0000, "version path".to_owned()),
        ("twice.dll", 0x50_0000, "unloaded".to_owned()),
    ];
    assert_eq!(found, expected);
    assert_eq!(diff_modules(a_process, a_process), []);
}

#[test]
fn threads() {
    let thread = |target: TestTarget, id, pc, sp| target.thread(id, Machine::X86, &[("pc", pc), ("sp", sp)]);
    let a = thread(thread(thread(bare(), 1, 10, 100), 2, 20, 200), 3, 30, 300);
    let b = thread(thread(thread(bare(), 4, 40, 400), 3, 31, 300), 1, 10, 100);
    let (a, b) = (a.index().process(), b.index().process());
    let sides = vec![SideMove { machine: Machine::X86, pc: (Va(30), Va(31)), sp: (Va(300), Va(300)) }];
    let expected = [
        ThreadChange::OnlyInA(&a.threads[1]),
        ThreadChange::Moved { a: &a.threads[2], b: &b.threads[1], sides },
        ThreadChange::OnlyInB(&b.threads[0]),
    ];
    assert_eq!(diff_threads(a, b), expected);
    assert_eq!(diff_threads(a, a), []);
}

#[test]
fn near_differences_are_one() {
    let mut bytes = vec![0; 0x100];
    let a = bare().captured(0x1000, &bytes).captured(0x2000, &bytes);
    for place in [0x10, 0x20, 0x31, 0xff] {
        bytes[place] = 1;
    }
    let b = bare().captured(0x1000, &bytes).captured(0x3000, &bytes);
    let (changes, totals) = memory(&a, &b);
    // 15 equal bytes between the first two, 16 before the third.
    assert_eq!(changes, [(0x1010, 0x1020, 2), (0x1031, 0x1031, 1), (0x10ff, 0x10ff, 1)]);
    assert_eq!((totals.compared, totals.differing), (0x100, 4));
    assert_eq!((totals.only_in_a, totals.only_in_b), (0x100, 0x100));
}

#[test]
fn a_difference_ends_where_the_owner_does() {
    let target = |byte| bare().private(0x1000, 0x1000).private(0x2000, 0x1000).captured(0x1ff0, &[byte; 0x20]);
    assert_eq!(memory(&target(1), &target(2)).0, [(0x1ff0, 0x1fff, 0x10), (0x2000, 0x200f, 0x10)]);
    let other = bare().private(0x1000, 0x2000).captured(0x1ff0, &[2; 0x20]);
    assert_eq!(memory(&target(1), &other).0, [(0x1ff0, 0x1fff, 0x10), (0x2000, 0x200f, 0x10)]);
}

#[test]
fn bytes_that_a_file_lost_are_not_compared() {
    let a = bare().captured(0x1000, &[1; 0x30]).captured(0x1030, &[1; 0x10]);
    let b = bare().cut_off(0x1000, &[2; 0x20], 0x18).captured(0x1020, &[2; 0x20]);
    let (changes, totals) = memory(&a, &b);
    assert_eq!(changes, [(0x1000, 0x1017, 0x18), (0x1020, 0x103f, 0x20)]);
    assert_eq!((totals.unreadable, totals.compared), (0x8, 0x38));
}

#[test]
fn a_limit_stops_the_comparison() {
    let a = bare().private(0, 0x2000).captured(0, &[1; 0x100]).captured(0x1000, &[1; 0x100]);
    let b = bare().private(0, 0x1000).captured(0, &[2; 0x100]).captured(0x1000, &[2; 0x100]);
    let (a, b) = (a.index(), b.index());
    let mut stop = |_: &MemoryChange<'_>| ControlFlow::Break(());
    let totals = diff_memory(&a, &b, &mut stop, &mut |_| {});
    assert!(totals.stopped && totals.changes == 1, "{totals:?}");
    let mut stop = |_: &RegionChange| ControlFlow::Break(());
    let totals = diff_regions(&a, &b, &mut stop);
    assert!(totals.stopped && totals.changes == 1, "{totals:?}");
}

/// A target by lot: rows that lie one behind another or apart, some with bytes, some with a module or a stack.
fn target() -> impl Strategy<Value = TestTarget> {
    let row = (0_u64..3, 1_u64..4, 0..6, prop::collection::vec(prop::sample::select(vec![0_u8, 0, 0, 1]), 0..120));
    let rows = prop::collection::vec(row, 0..6);
    (rows, any::<bool>(), 0_u64..0x40).prop_map(|(rows, rest_is_free, start)| {
        let mut target = TestTarget::new(PointerWidth::Bits32);
        if rest_is_free {
            target = target.rest_is_free();
        }
        let mut next = 0x1_0000;
        for (number, (gap, pages, kind, bytes)) in (1..).zip(rows) {
            let (first, size) = (next + gap * 0x1000, pages * 0x1000);
            next = first + size;
            target = match kind {
                0 => target.private(first, size),
                1 => target.reserved(first, size),
                2 => target.module(&format!("module{pages}.dll"), first, size),
                3 => target
                    .private(first, size)
                    .thread(number, Machine::X86, &[("pc", start), ("sp", first + start)])
                    .stack(first, size, 0x7000_0000 + u64::from(number) * 0x1000),
                4 => target.region(first, size, RegionState::Committed, Some(RegionKind::Mapped), None),
                _ => target,
            };
            if !bytes.is_empty() {
                target = target.captured(first + start, &bytes);
            }
        }
        target
    })
}

fn swapped(change: RegionChange) -> RegionChange {
    let difference = match change.difference {
        RegionDifference::Added => RegionDifference::Removed,
        RegionDifference::Removed => RegionDifference::Added,
        changed @ RegionDifference::Changed(_) => changed,
    };
    RegionChange { range: change.range, difference, a: change.b, b: change.a }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_target_does_not_differ_from_itself(target in target()) {
        prop_assert_eq!(regions(&target, &target).0, []);
        let (changes, totals) = memory(&target, &target);
        prop_assert_eq!(changes, []);
        prop_assert_eq!((totals.differing, totals.only_in_a, totals.only_in_b), (0, 0, 0));
        prop_assert_eq!(totals.compared, totals.coverage_a.readable);
        let index = target.index();
        prop_assert_eq!(diff_modules(index.process(), index.process()), []);
        prop_assert_eq!(diff_threads(index.process(), index.process()), []);
        prop_assert_eq!(identity((&target, ProcessIndex(0)), (&target, ProcessIndex(0))), []);
    }

    #[test]
    fn swapping_swaps(a in target(), b in target()) {
        let (there, there_totals) = regions(&a, &b);
        let (back, back_totals) = regions(&b, &a);
        prop_assert_eq!(back.into_iter().map(swapped).collect::<Vec<_>>(), there);
        let mirrored = RegionTotals { added: back_totals.removed, removed: back_totals.added, ..back_totals };
        prop_assert_eq!(mirrored, there_totals);
        let (there, there_totals) = memory(&a, &b);
        let (back, back_totals) = memory(&b, &a);
        prop_assert_eq!(back, there);
        let mirrored = MemoryTotals {
            coverage_a: back_totals.coverage_b,
            coverage_b: back_totals.coverage_a,
            only_in_a: back_totals.only_in_b,
            only_in_b: back_totals.only_in_a,
            ..back_totals
        };
        prop_assert_eq!(mirrored, there_totals);
        swapping_swaps_lists(&a, &b);
    }

    #[test]
    fn memory_differs_where_a_naive_comparison_says(a in sparse(), b in sparse()) {
        let expected = naive(&a, &b);
        prop_assert_eq!(memory(&captured(&a), &captured(&b)).0, expected);
    }
}

fn swapping_swaps_lists(a: &TestTarget, b: &TestTarget) {
    let (a, b) = (a.index().process(), b.index().process());
    let threads = diff_threads(b, a).into_iter().map(|change| match change {
        ThreadChange::OnlyInA(thread) => ThreadChange::OnlyInB(thread),
        ThreadChange::OnlyInB(thread) => ThreadChange::OnlyInA(thread),
        ThreadChange::Moved { a, b, sides } => {
            let swapped =
                |side: &SideMove| SideMove { pc: (side.pc.1, side.pc.0), sp: (side.sp.1, side.sp.0), ..*side };
            ThreadChange::Moved { a: b, b: a, sides: sides.iter().map(swapped).collect() }
        }
    });
    assert_eq!(threads.collect::<Vec<_>>(), diff_threads(a, b));
    let there = diff_modules(a, b);
    let back = diff_modules(b, a);
    assert_eq!(back.len(), there.len());
    for change in back {
        let swapped = match change {
            ModuleChange::OnlyInA(module) => ModuleChange::OnlyInB(module),
            ModuleChange::OnlyInB(module) => ModuleChange::OnlyInA(module),
            ModuleChange::Changed { a, b, difference } => ModuleChange::Changed { a: b, b: a, difference },
        };
        assert!(there.contains(&swapped), "{swapped:?}");
    }
}

/// A few hundred bytes with holes.
fn sparse() -> impl Strategy<Value = Vec<Option<u8>>> {
    let byte = prop::sample::select(vec![0_u8; 40].into_iter().chain([1, 2]).collect::<Vec<_>>());
    prop::collection::vec(prop::option::weighted(0.98, byte), 1..400)
}

fn captured(bytes: &[Option<u8>]) -> TestTarget {
    let mut target = TestTarget::new(PointerWidth::Bits32);
    let mut first = 0x1000;
    for run in bytes.chunk_by(|a, b| a.is_some() == b.is_some()) {
        let known: Vec<u8> = run.iter().flatten().copied().collect();
        if !known.is_empty() {
            target = target.captured(first, &known);
        }
        first += run.len() as u64;
    }
    target
}

fn naive(a: &[Option<u8>], b: &[Option<u8>]) -> Vec<(u64, u64, u64)> {
    let mut ranges: Vec<(u64, u64, u64)> = Vec::new();
    let mut equal_since = None;
    for (va, pair) in (0x1000..).zip(a.iter().zip(b)) {
        match pair {
            (Some(a), Some(b)) if a == b => equal_since = equal_since.map(|equal: u32| equal + 1),
            (Some(_), Some(_)) => {
                match ranges.last_mut().filter(|_| equal_since.is_some_and(|equal| equal < 16)) {
                    Some(range) => (range.1, range.2) = (va, range.2 + 1),
                    None => ranges.push((va, va, 1)),
                }
                equal_since = Some(0);
            }
            _ => equal_since = None,
        }
    }
    ranges
}
