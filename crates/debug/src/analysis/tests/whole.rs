//! The rest of the answer: headline, culprit, instruction, threads, signature, what is missing.

use super::{CODE, PC, RETURN, STACK, analysis, crashed, x86};
use crate::{
    analysis::{AnalysisLimits, Certainty, InstructionOperand, SuspicionKind, analyze},
    symbol_provider::NoSymbols,
    testing::TestTarget,
    testing_types::{TestProvider, TestSymbols, TestTypes},
};
use vatlas_space::{Machine, PointerWidth};

/// A write through `ecx`, which holds text, in `turn`, called by `main`.
fn usual() -> TestTarget {
    crashed(Machine::X86, b"\x89\x01", &x86(&[("ecx", 0x6c6c_6548), ("eax", 5)]), (0xc000_0005, &[1, 0x6c6c_6548]))
}

#[test]
fn the_headline_says_what_and_where() {
    let found = analysis(&usual());
    assert_eq!(found.headline, "access violation: write at 0x6c6c6548, in dial!turn+0x4");
    assert_eq!(found.is_failure, Some(true));
    let mut calm = usual();
    calm.no_exception();
    let found = analysis(&calm);
    assert_eq!(found.headline, "no exception was recorded; the first thread is in dial!turn+0x4");
    assert_eq!((found.is_failure, found.culprit), (None, None));
    let empty = TestTarget::new(PointerWidth::Bits32);
    let found = analysis(&empty);
    assert_eq!(found.headline, "no exception was recorded, and no thread");
    assert!(found.signature.is_empty() && found.missing.contains(&"threads: the dump lists none".to_owned()));
}

#[test]
fn the_culprit_is_the_first_frame_outside_of_the_system() {
    let found = analysis(&usual());
    assert_eq!(found.culprit.map(|culprit| (culprit.frame, culprit.is_likely)), Some((0, true)));
    let in_system = |path: &str| {
        let target = usual().module(path, 0x7c80_0000, 0x1000);
        let general = x86(&[("pc", 0x7c80_0100), ("ebp", STACK), ("eax", 5)]);
        let crash = crate::testing::registers(Machine::X86, &general);
        target.at_exception(crash)
    };
    let culprit = |path: &str| analysis(&in_system(path)).culprit.map(|culprit| culprit.frame);
    assert_eq!(culprit("C:\\WINDOWS\\system32\\kernel32.dll"), Some(1));
    assert_eq!(culprit("C:\\dial\\hand.dll"), Some(0));
    // Code of which no module is known may be the culprit's; an address that was called by mistake is not.
    let unknown = |code| {
        let target = crashed(Machine::X86, b"", &x86(&[("pc", 0x5000_0000)]), (code, &[8, 0x5000_0000]));
        analysis(&target).culprit.map(|culprit| (culprit.frame, culprit.is_likely))
    };
    assert_eq!((unknown(0xc000_001d), unknown(0xc000_0005)), (Some((1, false)), Some((1, true))));
    let requested = crashed(Machine::X86, b"\xcc", &x86(&[]), (0x0517_a7ed, &[]));
    assert_eq!(analysis(&requested).culprit, None);
}

fn operands(machine: Machine, code: &[u8], general: &[(&'static str, u64)], address: u64) -> Vec<InstructionOperand> {
    let target = crashed(machine, code, general, (0xc000_0005, &[1, address]));
    analysis(&target).instruction.unwrap().operands
}

/// Text, address, whether it is the bad one.
fn check_operands(code: &[u8], address: u64, expected: &[(&str, Option<u64>, bool)]) {
    let general = x86(&[("ecx", 0x20_0000), ("eax", 0x30), ("esi", 0x20_0100), ("edi", 0x20_0200)]);
    let found = operands(Machine::X86, code, &general, address);
    let found: Vec<_> =
        found.iter().map(|operand| (operand.text.as_str(), operand.va.map(|va| va.0), operand.is_fault)).collect();
    assert_eq!(found, expected);
}

#[test]
fn operands_have_addresses() {
    check_operands(b"\x8b\x44\x81\x08", 0x20_00c8, &[("eax", None, false), ("[ecx+eax*4+8]", Some(0x20_00c8), true)]);
    // A word that begins below the bad address: its second half is bad.
    check_operands(b"\x89\x01", 0x20_0002, &[("[ecx]", Some(0x20_0000), true), ("eax", None, false)]);
    // push dword ptr [ecx]
    let push = [("dword ptr [ecx]", Some(0x20_0000), false), ("stack", Some(STACK - 4), true)];
    check_operands(b"\xff\x31", STACK - 4, &push);
    // lea uses no memory
    check_operands(b"\x8d\x41\x08", 0, &[("eax", None, false)]);
    // rep movsd
    let moved = [("[edi]", Some(0x20_0200), true), ("[esi]", Some(0x20_0100), false)];
    check_operands(b"\xf3\xa5", 0x20_0200, &moved);
    // mov eax, fs:[0x18]: Windows keeps the TEB there
    check_operands(b"\x64\xa1\x18\0\0\0", 0, &[("eax", None, false), ("fs:[0x18]", Some(0x7ffd_f018), false)]);
}

#[test]
fn registers_of_arm_code() {
    let general = [("pc", PC), ("sp", STACK), ("x0", 0), ("x1", 0x1_0000_0007)];
    // str w1, [x0, #0x10]
    let found = operands(Machine::Arm64, &0xb900_1001_u32.to_le_bytes(), &general, 0x10);
    let found: Vec<_> = found.iter().map(|operand| operand.registers.as_slice()).collect();
    assert_eq!(found, [[("w1".to_owned(), 7)], [("x0".to_owned(), 0)]]);
}

#[test]
fn equal_stacks_are_folded() {
    let waits = |pc: u64| x86(&[("pc", pc), ("ebp", STACK)]);
    let target = usual()
        .thread(8, Machine::X86, &waits(CODE + 0x110))
        .thread(9, Machine::X86, &waits(CODE + 0x118))
        .thread(10, Machine::X86, &waits(CODE + 0x20));
    let groups = analysis(&target).threads;
    let ids: Vec<Vec<u32>> = groups.iter().map(|group| group.threads.iter().map(|(id, _)| id.0).collect()).collect();
    assert_eq!(ids, [vec![8, 9], vec![10]]);
    assert_eq!(groups[0].frames[0].text, "dial!turn");
    // Without names the places are not the same.
    let groups = analyze(&target, &target.index(), &NoSymbols, AnalysisLimits::default()).threads;
    assert_eq!(groups.len(), 3);
}

#[test]
fn signatures_have_no_offsets() {
    let target = usual();
    assert_eq!(analysis(&target).signature, ["dial!turn", "dial!main"]);
    let unnamed = analyze(&target, &target.index(), &NoSymbols, AnalysisLimits::default());
    assert_eq!(unnamed.signature, ["dial!?"]);
}

#[test]
fn recursion_is_one_entry() {
    // Each frame pointer leads to the next; all return into main.
    let mut words = Vec::new();
    for depth in 1..=6_u32 {
        words.extend((STACK as u32 + 8 * depth).to_le_bytes());
        words.extend((RETURN as u32).to_le_bytes());
    }
    let target = usual().overwritten(STACK, &words);
    let found = analysis(&target);
    assert!(found.stack.unwrap().frames.len() >= 6);
    assert_eq!(found.signature, ["dial!turn", "dial!main"]);
}

#[test]
fn variables_of_the_innermost_frames() {
    let found = analysis(&usual());
    let frames = found.stack.unwrap().frames;
    assert_eq!(frames[0].locals.len(), 1);
    let value = &frames[0].locals[0];
    assert_eq!((value.name.as_str(), value.watched.value.type_name.as_str()), ("now", "struct dial *"));
}

#[test]
fn what_is_missing_is_said() {
    let check = |target: &TestTarget, expected: &[&str]| {
        let found = analyze(target, &target.index(), &NoSymbols, AnalysisLimits::default());
        assert_eq!(found.missing.len(), expected.len(), "{:#?}", found.missing);
        for (found, part) in found.missing.iter().zip(expected) {
            assert!(found.contains(part), "{part}\n{found}");
        }
    };
    check(&usual(), &["symbols of dial.exe", "the state of the memory at 0x6c6c6548"]);
    check(&usual().rest_is_free(), &["symbols of dial.exe"]);
    let mut lost = usual();
    lost.no_exception();
    lost.process().threads[0].sides[0].registers = None;
    check(&lost, &["the registers of the thread"]);
    assert_eq!(analysis(&lost).headline, "no exception was recorded, nor where the first thread was");
}

#[test]
fn an_exception_that_is_not_recorded_shows_on_the_stack() {
    let mut target = usual();
    target.no_exception();
    let mut types = TestTypes::new(4);
    let int = types.signed("int", 4);
    let function = types.function(int, &[]);
    let file = TestSymbols::new("dial.pdb", types).function("UnhandledExceptionFilter", 0x1100, function);
    let provider = TestProvider::default().with("dial.exe", file);
    let found = analyze(&target, &target.index(), &provider, AnalysisLimits::default());
    let kinds: Vec<_> = found.suspicions.iter().map(|fact| (fact.kind, fact.certainty)).collect();
    assert_eq!(kinds, [(SuspicionKind::HandlesException, Certainty::Likely)]);
    assert!(analysis(&target).suspicions.is_empty());
}
