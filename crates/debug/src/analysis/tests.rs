//! Crashes put together by hand: one situation each.

mod facts;
mod whole;

use super::{Analysis, AnalysisLimits, analyze};
use crate::{
    testing::{TestTarget, registers},
    testing_types::{TestProvider, TestSymbols, TestTypes},
};
use vatlas_space::{
    ExceptionRecord, LayoutName, Machine, OsFamily, PointerWidth, Protection, RegionKind, RegionState, ThreadId,
};

/// Code that every test has; its front is a call.
const CODE: u64 = 0x40_1000;
/// Behind the call.
const RETURN: u64 = CODE + 5;
/// The instruction that fails, in the function `turn`.
const PC: u64 = CODE + 0x104;
/// A page of stack; it ends with [`BASE`].
const STACK: u64 = 0x1_1000;
const BASE: u64 = 0x1_2000;
/// The guard page, and the reserve below it.
const GUARD: u64 = 0x1_0000;

/// Registers of an x86 crash at [`PC`].
fn x86(more: &[(&'static str, u64)]) -> Vec<(&'static str, u64)> {
    let mut general = vec![("pc", PC), ("sp", STACK), ("esp", STACK), ("ebp", STACK)];
    for (name, value) in more {
        general.retain(|(other, _)| other != name);
        general.push((name, *value));
    }
    general
}

/// A process of `dial.exe` with a stack of these words, that failed at the instruction `code`.
fn crashed(
    machine: Machine,
    code: &[u8],
    general: &[(&'static str, u64)],
    (number, parameters): (u32, &[u64]),
) -> TestTarget {
    let mut page = vec![0xcc; 0x1000];
    page[..5].copy_from_slice(b"\xe8\0\0\0\0");
    // push ebp; mov ebp, esp
    page[0x100..0x103].copy_from_slice(b"\x55\x8b\xec");
    page[0x104..0x104 + code.len()].copy_from_slice(code);
    let width = machine.width().unwrap();
    let layout = if width == PointerWidth::Bits32 { LayoutName::Nt32 } else { LayoutName::Nt64 };
    let mut stack = vec![0; 0x1000];
    stack[width.bytes()..width.bytes() + 4].copy_from_slice(&(RETURN as u32).to_le_bytes());
    let guard = Protection(Protection::READWRITE.0 | Protection::GUARD.0);
    TestTarget::new(width)
        .layout(layout)
        .host(OsFamily::Windows, [5, 1, 2600], machine)
        .module("C:\\dial\\dial.exe", 0x40_0000, 0x2000)
        .captured(CODE, &page)
        .region(GUARD, 0x1000, RegionState::Committed, Some(RegionKind::Private), Some(guard))
        .private(STACK, 0x1000)
        .allocated_at(STACK, GUARD)
        .captured(STACK, &stack)
        .thread(7, machine, general)
        .stack(STACK, BASE - STACK, 0x7ffd_f000)
        .exception(ExceptionRecord {
            thread: ThreadId(7),
            code: number,
            flags: 0,
            address: registers(machine, general).pc,
            parameters: parameters.to_vec(),
            registers: Some(registers(machine, general)),
        })
}

/// `main` at the front of the code, `turn` with the instruction that fails.
fn symbols() -> TestProvider {
    let mut types = TestTypes::new(4);
    let int = types.signed("int", 4);
    let inner = types.record("hand", 8, &[("length", int, 0), ("width", int, 4)]);
    let dial = types.record("dial", 16, &[("hours", int, 0), ("hand", inner, 8)]);
    let pointer = types.pointer(dial);
    let function = types.function(int, &[]);
    let ecx = vatlas_symbols::VariablePlace::Register(vatlas_symbols::variable::RegisterName("ecx".to_owned()));
    let file =
        TestSymbols::new("dial.pdb", types).function("main", 0x1000, function).function("turn", 0x1100, function);
    TestProvider::default().with("dial.exe", file.variable("now", pointer, ecx))
}

fn analysis(target: &TestTarget) -> Analysis {
    analyze(target, &target.index(), &symbols(), AnalysisLimits::default())
}
