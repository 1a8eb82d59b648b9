//! References of a small process with two sides, by examples.

use super::*;
use crate::testing::{TestTarget, range};
use vatlas_space::{PointerWidth, RegionState};

/// Every reference in one line: place, value, offset, exact or not.
fn check(target: &TestTarget, pointee: &Pointee, options: &RefsOptions, expected: &[&str]) -> RefsSummary {
    let mut lines = Vec::new();
    let mut found = |reference: &Reference<'_>| {
        let place = match &reference.place {
            Place::Register { thread, machine, name, at_exception } => {
                format!("{thread} {machine} {name}{}", if *at_exception { " at the exception" } else { "" })
            }
            Place::Memory { va, length, is_aligned, owner, .. } => {
                format!("{:x}/{length} {}{}", va.0, owner.usage, if *is_aligned { "" } else { " unaligned" })
            }
        };
        let exact = if pointee.is_exact(reference.value) { " exact" } else { "" };
        lines.push(format!("{place} -> +{:x}{exact}", pointee.offset(reference.value).unwrap()));
        ControlFlow::Continue(())
    };
    let summary = references(target, &target.index(), pointee, options, &mut found, &mut |_| {});
    assert_eq!(lines, expected);
    assert_eq!(summary.in_registers + summary.memory.matches, lines.len() as u64);
    summary
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A process whose memory from 0x1_0000 on is pointed at from everywhere.
fn process() -> TestTarget {
    TestTarget::new(PointerWidth::Bits32)
        .private(0x1_0000, 0x1000)
        .region(0x1_1000, 0x1000, RegionState::Committed, None, None)
        .allocated_at(0x1_1000, 0x1_0000)
        .private(0x2_0000, 0x1000)
        .module("app.exe", 0x40_0000, 0x1000)
        .captured(0x2_0000, &words(&[0x1_0010, 0, 0x1_0ffc, 0x1_1000]))
        .captured(0x40_0002, &words(&[0x1_0010, 0x1_2000]))
        .thread(7, Machine::X86, &[("eax", 0x1_0010), ("esi", 0x1_0800), ("cs", 0x1_0010)])
        .thread(8, Machine::X86, &[("eax", 0)])
        .access_violation(7, 0x40_0000, Machine::X86, &[("eax", 0x1_0010), ("ebx", 0x1_0010)])
}

#[test]
fn an_address_alone() {
    let target = process();
    let pointee = Pointee::around(&target.index(), Va(0x1_0010), Around::Address);
    let aligned =
        ["7 x86 eax -> +0 exact", "7 x86 ebx at the exception -> +0 exact", "20000/4 private data -> +0 exact"];
    let summary = check(&target, &pointee, &RefsOptions::default(), &aligned);
    assert_eq!((summary.threads, summary.in_registers, summary.memory.matches), (2, 2, 1));
    let mut all = aligned.to_vec();
    all.push("400002/4 app.exe unaligned -> +0 exact");
    check(&target, &pointee, &RefsOptions { unaligned: true, image_files: false }, &all);
}

#[test]
fn what_lies_around_an_address() {
    let target = process();
    let index = target.index();
    let around = |around| Pointee::around(&index, Va(0x1_0010), around);
    assert_eq!(around(Around::Region).range, range(0x1_0000, 0x1000));
    assert_eq!(around(Around::Allocation).range, range(0x1_0000, 0x2000));
    assert_eq!(around(Around::Usage).range, range(0x1_0000, 0x1000));
    let inner = process().private(0x3_0000, 0x4000).thread(9, Machine::X86, &[]).stack(0x3_2000, 0x1000, 0x3_1000);
    let row = |va| Pointee::around(&inner.index(), Va(va), Around::Usage).range;
    assert_eq!((row(0x3_0800), row(0x3_1800)), (range(0x3_0000, 0x1000), range(0x3_1000, 0x1000)));
    assert_eq!((row(0x3_2800), row(0x3_3800)), (range(0x3_2000, 0x1000), range(0x3_3000, 0x1000)));
    let nowhere = Pointee::around(&index, Va(0x50_0000), Around::Allocation);
    assert!(nowhere.range.contains(Va(0x50_0000)) && nowhere.step.finding.contains("no allocation is known"));
    let expected = [
        "7 x86 eax -> +10 exact",
        "7 x86 esi -> +800",
        "7 x86 ebx at the exception -> +10 exact",
        "20000/4 private data -> +10 exact",
        "20008/4 private data -> +ffc",
        "2000c/4 private data -> +1000",
    ];
    check(&target, &around(Around::Allocation), &RefsOptions::default(), &expected);
    check(&target, &Pointee::range(range(0x1_0800, 1)), &RefsOptions::default(), &["7 x86 esi -> +0 exact"]);
}

#[test]
fn both_sides_of_a_wow64_process() {
    let target = TestTarget::new(PointerWidth::Bits64)
        .captured(0x2_0000, &words(&[0x1_0010, 0, 0x1_0010, 0x1_0010]))
        .thread(7, Machine::X64, &[("rcx", 0x1_0010)])
        .side(Machine::X86, &[("ecx", 0x1_0010)]);
    let pointee = Pointee::around(&target.index(), Va(0x1_0010), Around::Address);
    let expected = [
        "7 x64 rcx -> +0 exact",
        "7 x86 ecx -> +0 exact",
        "20000/8 not known -> +0 exact",
        "20008/4 not known -> +0 exact",
        "2000c/4 not known -> +0 exact",
    ];
    check(&target, &pointee, &RefsOptions::default(), &expected);
}

#[test]
fn the_first_reference_may_be_enough() {
    let target = process();
    let pointee = Pointee::around(&target.index(), Va(0x1_0010), Around::Address);
    let mut count = 0;
    let mut found = |_: &Reference<'_>| {
        count += 1;
        ControlFlow::Break(())
    };
    let options = RefsOptions::default();
    let summary = references(&target, &target.index(), &pointee, &options, &mut found, &mut |_| {});
    assert!(count == 1 && summary.memory.stopped && summary.memory.searched == 0, "{summary:?}");
}
