//! Suspicious facts: each in a crash of its own, and none where nothing is odd.

use super::{CODE, GUARD, PC, STACK, analysis, crashed, x86};
use crate::{
    analysis::{
        Certainty::{self, Certain, Likely, Possible},
        SuspicionKind::{self, *},
    },
    testing::{TestTarget, range},
};
use vatlas_space::{Machine, OsFamily, Protection, RegionKind, RegionState, UnloadedModule};

const VIOLATION: u32 = 0xc000_0005;
const READ: u64 = 0;
const WRITE: u64 = 1;
const EXECUTE: u64 = 8;
/// `mov eax, [ecx+8]`
const LOAD: &[u8] = b"\x8b\x41\x08";
/// `mov [ecx], eax`
const STORE: &[u8] = b"\x89\x01";

/// What is found, with parts of the reasons and of what they rest on.
fn check(target: &TestTarget, expected: &[(SuspicionKind, Certainty, &str)]) {
    let analysis = analysis(target);
    let found: Vec<_> = analysis.suspicions.iter().map(|fact| (fact.kind, fact.certainty)).collect();
    let kinds: Vec<_> = expected.iter().map(|(kind, certainty, _)| (*kind, *certainty)).collect();
    assert_eq!(found, kinds, "{:#?}", analysis.suspicions);
    for (fact, (_, _, part)) in analysis.suspicions.iter().zip(expected) {
        let evidence: Vec<_> = fact.evidence.iter().map(|step| step.finding.as_str()).collect();
        let text = format!("{}; {}", fact.reason, evidence.join("; "));
        assert!(text.contains(part), "{part}\n{text}");
        assert!(!fact.evidence.is_empty(), "{text}");
    }
}

/// An access violation of 32-bit code whose `ecx` is the value.
fn violation(code: &[u8], access: u64, address: u64, ecx: u64) -> TestTarget {
    crashed(Machine::X86, code, &x86(&[("ecx", ecx), ("eax", 5)]), (VIOLATION, &[access, address]))
}

#[test]
fn null_pointers() {
    check(
        &violation(LOAD, READ, 8, 0),
        &[(NullPointer, Certain, "ecx is null, and the instruction wants what lies 0x8")],
    );
    check(&violation(LOAD, READ, 8, 0), &[(NullPointer, Certain, "now->hand lies so")]);
    check(&violation(b"\x8b\x41\x0c", READ, 12, 0), &[(NullPointer, Certain, "now->hand.width lies so")]);
    check(&violation(STORE, WRITE, 0, 0), &[(NullPointer, Certain, "ecx is null")]);
    check(&violation(STORE, WRITE, 0x24, 0x24), &[(NullPointer, Certain, "ecx is 0x24, a small number")]);
    // mov dword ptr [0x45], 5
    let literal = b"\xc7\x05\x45\0\0\0\x05\0\0\0";
    check(&violation(literal, WRITE, 0x45, 1), &[(NullPointer, Certain, "written in the instruction itself")]);
    // The instruction is not at hand: the bad address is all that is known.
    check(&violation(b"\xff\xff", READ, 0x30, 0), &[(NullPointer, Likely, "an offset of 0x30")]);
    let called = crashed(Machine::X86, b"", &x86(&[("pc", 0)]), (VIOLATION, &[EXECUTE, 0]));
    check(&called, &[(NullPointer, Certain, "a null pointer was called")]);
}

#[test]
fn fill_patterns() {
    for (value, part) in [
        (0xfeee_feee, "freed block"),
        (0xdddd_dddd, "freed block"),
        (0xcdcd_cdcd, "fresh block"),
        (0xbaad_f00d, "fresh block"),
        (0xabab_abab, "behind a block"),
        (0xcccc_cccc, "local variables"),
        (0xfdfd_fdfd, "around a block"),
    ] {
        let kernel = (KernelAddress, Certain, "belongs to the kernel");
        check(&violation(LOAD, READ, value + 8, value), &[kernel, (FillPattern, Likely, part)]);
    }
    let member = violation(b"\xff\xff", READ, 0xfeee_fef6, 0);
    check(&member, &[(KernelAddress, Certain, ""), (FillPattern, Likely, "0x8 above a value")]);
    let x64 = [("pc", PC), ("sp", STACK), ("rcx", 0xdddd_dddd_dddd_dddd)];
    let target = crashed(Machine::X64, b"\x48\x8b\x01", &x64, (VIOLATION, &[READ, u64::MAX]));
    check(&target, &[(NonCanonical, Certain, "rcx is 0xdddd"), (FillPattern, Likely, "rcx is 0xdddddddddddddddd: ")]);
}

#[test]
fn numbers_that_are_addresses_are_not_odd() {
    // Memory is there: perhaps another thread has just allocated it.
    check(&violation(STORE, WRITE, 0x6c6c_6548, 0x6c6c_6548).private(0x6c6c_6000, 0x1000), &[]);
    check(&violation(STORE, WRITE, 0x1234_5678, 0x1234_5678), &[]);
    check(&crashed(Machine::X86, STORE, &x86(&[("ecx", 0xfeee_feee)]), (0xc000_0094, &[])), &[]);
}

#[test]
fn text() {
    let hello = violation(STORE, WRITE, 0x6c6c_6548, 0x6c6c_6548);
    check(&hello, &[(TextPointer, Possible, "ecx reads as the text \"Hell\"")]);
    let x64 = [("pc", PC), ("sp", STACK), ("rcx", 0x0072_6574_6970_754a)];
    let target = crashed(Machine::X64, b"\x48\x8b\x01", &x64, (VIOLATION, &[READ, u64::MAX]));
    check(&target, &[(NonCanonical, Certain, ""), (TextPointer, Likely, "\"Jupiter\"")]);
}

#[test]
fn addresses_that_the_processor_refuses() {
    // Linux reports 0 for a non-canonical address.
    let x64 = [("pc", PC), ("sp", STACK), ("rcx", 0x8000_0000_0000_0000)];
    let mut linux =
        crashed(Machine::X64, b"\x48\x8b\x01", &x64, (11, &[])).host(OsFamily::Linux, [5, 0, 0], Machine::X64);
    linux.process().layout = None;
    check(&linux, &[(NonCanonical, Certain, "rcx is 0x8000000000000000")]);
    // movaps xmm0, [ecx]
    let address = STACK + 4;
    let moved = crashed(Machine::X86, b"\x0f\x28\x01", &x86(&[("ecx", address)]), (VIOLATION, &[READ, 0xffff_ffff]));
    check(&moved, &[(Misaligned, Certain, "a multiple of 16")]);
    // movups takes any address: all ones say nothing.
    let moved = crashed(Machine::X86, b"\x0f\x10\x01", &x86(&[("ecx", address)]), (VIOLATION, &[READ, 0xffff_ffff]));
    check(&moved, &[]);
    let code = crashed(Machine::X86, STORE, &x86(&[("ecx", address)]), (0x8000_0002, &[]));
    check(&code, &[(Misaligned, Certain, "80000002")]);
}

#[test]
fn memory_that_nobody_uses() {
    let free = || violation(STORE, WRITE, 0x20_0010, 0x20_0010).rest_is_free();
    check(&free(), &[(Unmapped, Certain, "never allocated, or has been freed")]);
    check(&free().private(0x1f_0000, 0x1_0000), &[(Unmapped, Certain, "0x11 bytes above")]);
    let reserved = violation(STORE, WRITE, 0x20_0010, 0x20_0010).reserved(0x20_0000, 0x1000);
    check(&reserved, &[(Unmapped, Certain, "decommitted")]);
    check(&violation(STORE, WRITE, 0x20_0010, 0x20_0010), &[]);
    check(&violation(STORE, WRITE, 0x8010_0000, 0x8010_0000), &[(KernelAddress, Certain, "belongs to the kernel")]);
}

#[test]
fn memory_that_does_not_allow_the_access() {
    let at = |access, protection| {
        let target = violation(STORE, access, 0x20_0010, 0x20_0010);
        target.region(0x20_0000, 0x1000, RegionState::Committed, Some(RegionKind::Private), Some(protection))
    };
    check(&at(WRITE, Protection::READONLY), &[(NotAllowed, Certain, "was written, but may not be")]);
    check(&at(READ, Protection::NOACCESS), &[(NotAllowed, Certain, "was read, but may not be")]);
    check(&at(WRITE, Protection::READWRITE), &[]);
    check(
        &at(WRITE, Protection(Protection::READWRITE.0 | Protection::GUARD.0)),
        &[(NotAllowed, Certain, "guard page")],
    );
    let data = STACK + 0x20;
    let executed = crashed(Machine::X86, b"", &x86(&[("pc", data)]), (VIOLATION, &[EXECUTE, data]));
    check(&executed, &[(ExecutionOfData, Certain, "stack of thread 7, in use was executed")]);
}

#[test]
fn stacks_that_are_used_up() {
    check(&crashed(Machine::X86, STORE, &x86(&[]), (0xc000_00fd, &[])), &[(StackOverflow, Certain, "c00000fd")]);
    // push eax
    let general = x86(&[("sp", STACK), ("esp", STACK)]);
    let touched = crashed(Machine::X86, b"\x50", &general, (VIOLATION, &[WRITE, STACK - 4]));
    check(&with_reserve(touched), &[(StackOverflow, Likely, "guard page of the stack of thread 7")]);
}

/// The TEB says where the stack begins.
fn with_reserve(mut target: TestTarget) -> TestTarget {
    target.process().threads[0].sides[0].stack.reserve = Some(vatlas_space::Va(GUARD));
    target
}

#[test]
fn stack_pointers_elsewhere() {
    let lost = |sp| crashed(Machine::X86, b"\x0f\x0b", &x86(&[("sp", sp), ("esp", sp)]), (0xc000_001d, &[]));
    check(&lost(0x5000_0000), &[(StackPointerOutside, Likely, "where no memory is known")]);
    check(&lost(0x5000_0800).private(0x5000_0000, 0x1000), &[(StackPointerOutside, Possible, "a fiber")]);
    check(&lost(STACK), &[]);
    check(&lost(STACK + 0x1000), &[]);
}

#[test]
fn return_addresses_that_were_overwritten() {
    let target = |word: u32| {
        let mut target = crashed(Machine::X86, b"\x0f\x0b", &x86(&[]), (0xc000_001d, &[]));
        target.process().layout = Some(vatlas_space::LayoutChoice::usual(vatlas_space::LayoutName::Nt32));
        target.overwritten(STACK + 4, &word.to_le_bytes())
    };
    check(&target(0x4141_4141), &[(DamagedReturnAddress, Likely, "the text \"AAAA\"")]);
    check(&target(CODE as u32 + 5), &[]);
}

#[test]
fn modules_that_are_gone() {
    let gone = |mut target: TestTarget| {
        let range = range(0x1000_0000, 0x1_0000);
        let path = "C:\\dial\\gone.dll".to_owned();
        target.process().unloaded.push(UnloadedModule { path, range, time_date_stamp: 0, checksum: 0 });
        target
    };
    let inside = 0x1000_1234;
    let code = crashed(Machine::X86, b"", &x86(&[("pc", inside)]), (VIOLATION, &[EXECUTE, inside]));
    check(&gone(code).rest_is_free(), &[(UnloadedModule, Certain, "the instruction lies where gone.dll was loaded")]);
    let data = violation(STORE, WRITE, inside, inside);
    check(&gone(data), &[(UnloadedModule, Likely, "gone.dll+0x1234")]);
    let reused = violation(STORE, WRITE, inside, inside).private(0x1000_0000, 0x1_0000);
    check(&gone(reused), &[(UnloadedModule, Possible, "other memory is there now")]);
    let caller = crashed(Machine::X86, b"\x0f\x0b", &x86(&[]), (0xc000_001d, &[]));
    let caller = caller.overwritten(STACK + 4, &(inside as u32).to_le_bytes());
    check(&gone(caller), &[(DamagedReturnAddress, Likely, ""), (UnloadedModule, Likely, "a return address")]);
}

#[test]
fn programs_that_stop_themselves() {
    let code = |code: u32, parameters: &[u64]| crashed(Machine::X86, b"\xcc", &x86(&[]), (code, parameters));
    check(&code(0x8000_0003, &[]), &[(Breakpoint, Certain, "an assertion, __debugbreak, or a debugger")]);
    let removed = crashed(Machine::X86, b"\x90\x90", &x86(&[("pc", PC + 1)]), (0x8000_0003, &[]));
    check(&removed, &[(Breakpoint, Certain, "no breakpoint instruction is there")]);
    check(&code(0xc000_0409, &[7]), &[(StoppedItself, Certain, "fail fast")]);
    check(&code(0xc000_0409, &[2]), &[(CorruptionFound, Certain, "a buffer on the stack was overrun")]);
    check(&code(0xc000_0374, &[]), &[(CorruptionFound, Certain, "the heap found its own data damaged")]);
    check(&code(0xe06d_7363, &[]), &[(StoppedItself, Certain, "a C++ exception was thrown")]);
    check(&code(0x4000_0015, &[]), &[(StoppedItself, Certain, "abort")]);
    // Written on request: whatever the registers hold, nothing failed.
    check(&code(0x0517_a7ed, &[]), &[]);
    // The same number is another thing on another system.
    let linux = code(6, &[]).host(OsFamily::Linux, [5, 0, 0], Machine::X86);
    check(&linux, &[(StoppedItself, Certain, "abort was called")]);
}
