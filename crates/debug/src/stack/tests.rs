//! Stacks put together by hand: one situation each.

mod ce;
mod x86_code;

use super::{FoundBy, ReturnCheck, Stack, StackEnd, Trust, stack_starts, walk};
use crate::{symbol_provider::SymbolProvider, testing::TestTarget};
use std::{ops::ControlFlow, rc::Rc};
use vatlas_space::{Machine, Module, PointerWidth, Problem, ProcessIndex, Rva, Target};
use vatlas_symbols::{
    FileKind, Frame, FrameRule, ModuleSymbols, Origin, SourceLine, Symbol, SymbolFile, SymbolKind,
    cfi::{CfaRule, RegisterRule, UnwindRow},
    variable::{FrameKind, RegisterName},
};

/// Code that every test has: calls that end at known addresses, and functions.
const CODE: u64 = 0x40_1000;
/// Behind `call` at the front of [`CODE`].
const RETURN: u64 = CODE + 5;
/// Behind another one.
const OTHER: u64 = CODE + 0x15;
const STACK: u64 = 0x1_0000;

/// Symbols of one file, made for a test.
#[derive(Clone)]
struct Symbols {
    names: Vec<(u32, u32, &'static str)>,
    rule: Option<FrameRule>,
    row: Option<UnwindRow>,
    origin: Origin,
}

impl Symbols {
    fn new(names: &[(u32, u32, &'static str)]) -> Self {
        let origin = Origin { file: "test.pdb".into(), kind: FileKind::Pdb, identity: None };
        Self { names: names.to_vec(), rule: None, row: None, origin }
    }
}

impl SymbolFile for Symbols {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn problems(&self) -> &[Problem] {
        &[]
    }

    fn symbol_at(&self, rva: Rva) -> Option<Symbol> {
        let held = |(start, size, _): &&(u32, u32, &str)| rva.0 >= *start && rva.0 - start < *size;
        let (start, size, name) = *self.names.iter().find(held)?;
        Some(Symbol { rva: Rva(start), size: Some(size), name: name.into(), kind: SymbolKind::Function })
    }

    fn frames_at(&self, _rva: Rva) -> Vec<Frame> {
        Vec::new()
    }

    fn visit(&self, _visitor: &mut dyn FnMut(&Symbol) -> ControlFlow<()>) {}

    fn lines_of(&self, _function: &Symbol) -> Vec<(Rva, u32, SourceLine)> {
        Vec::new()
    }

    fn frame_rule_at(&self, rva: Rva) -> Option<FrameRule> {
        self.rule.clone().filter(|rule| rva >= rule.start && rva.0 - rule.start.0 < rule.size)
    }

    fn unwind_row_at(&self, rva: Rva) -> Option<UnwindRow> {
        self.row.clone().filter(|row| rva >= row.start && rva.0 - row.start.0 < row.size)
    }
}

impl SymbolProvider for Symbols {
    fn symbols(&self, _module: &Module) -> Rc<ModuleSymbols> {
        Rc::new(ModuleSymbols::new(vec![Box::new(self.clone())]))
    }
}

/// A page of code: calls at the front, `more` at 0x100, breakpoints elsewhere.
fn code(more: &[u8]) -> Vec<u8> {
    let mut code = vec![0xcc; 0x1000];
    code[..5].copy_from_slice(b"\xe8\0\0\0\0");
    code[0x10..0x15].copy_from_slice(b"\xe8\0\0\0\0");
    code[0x100..0x100 + more.len()].copy_from_slice(more);
    code
}

/// A process with [`CODE`] and a stack of these words.
fn target(machine: Machine, more: &[u8], words: &[u64], general: &[(&'static str, u64)]) -> TestTarget {
    let width = machine.width().unwrap();
    let mut stack = vec![0; 0x1000];
    for (index, word) in words.iter().enumerate() {
        let bytes = width.bytes();
        stack[index * bytes..(index + 1) * bytes].copy_from_slice(&word.to_le_bytes()[..bytes]);
    }
    TestTarget::new(width)
        .module("app.exe", 0x40_0000, 0x2000)
        .captured(CODE, &code(more))
        .private(STACK, 0x1000)
        .captured(STACK, &stack)
        .access_violation(7, general[0].1, machine, general)
        .thread(7, machine, general)
        .stack(STACK, 0x1000, 0x2_0000)
}

fn stack(target: &TestTarget, symbols: &dyn SymbolProvider) -> Stack {
    let index = target.index();
    let starts = stack_starts(target, index.process(), &index.process().threads[0]);
    walk(&index, symbols, &starts[0], 20)
}

/// Addresses and ways of the frames.
fn frames(stack: &Stack) -> Vec<(u64, FoundBy)> {
    stack.frames.iter().map(|frame| (frame.pc.0, frame.found_by)).collect()
}

fn x86(pc: u64, sp: u64, bp: u64) -> [(&'static str, u64); 4] {
    [("pc", pc), ("sp", sp), ("ebp", bp), ("esi", 0x51)]
}

#[test]
fn frame_pointers_lead_to_the_bottom() {
    let words = [STACK + 8, RETURN, STACK + 16, OTHER, 0, 0];
    let target = target(Machine::X86, &[], &words, &x86(CODE + 0x200, STACK, STACK));
    let stack = stack(&target, &Symbols::new(&[]));
    let chain = FoundBy::FramePointer;
    assert_eq!(frames(&stack), [(CODE + 0x200, FoundBy::Context), (RETURN, chain), (OTHER, chain)]);
    assert_eq!((stack.end, stack.frames[2].trust), (StackEnd::Bottom, Trust::Likely));
    assert!(stack.frames[0].is_exact_pc && !stack.frames[1].is_exact_pc);
    assert_eq!(stack.frames[0].cfa.unwrap().0, STACK + 8);
}

#[test]
fn a_chain_that_leads_back_ends_the_walk() {
    let words = [STACK, RETURN, STACK, RETURN];
    let target = target(Machine::X86, &[], &words, &x86(CODE + 0x200, STACK, STACK));
    let stack = stack(&target, &Symbols::new(&[]));
    assert!(stack.frames.len() <= 4, "{stack:#?}");
    assert!(!stack.end.is_bottom(), "{}", stack.end);
}

#[test]
fn as_many_frames_as_are_asked_for() {
    let words: Vec<u64> = (0..200).flat_map(|number| [STACK + 8 * (number + 1), RETURN]).collect();
    let target = target(Machine::X86, &[], &words, &x86(CODE + 0x200, STACK, STACK));
    let stack = stack(&target, &Symbols::new(&[]));
    assert_eq!((stack.frames.len(), stack.end), (20, StackEnd::Limit(20)));
}

#[test]
fn a_call_through_a_null_pointer_has_a_caller() {
    let words = [RETURN, 0, STACK + 16, 0, 0, OTHER, 0, 0];
    let target = target(Machine::X86, &[], &words, &x86(0, STACK, STACK + 16));
    let stack = stack(&target, &Symbols::new(&[]));
    assert_eq!(
        frames(&stack)[..3],
        [(0, FoundBy::Context), (RETURN, FoundBy::LeafReturn), (OTHER, FoundBy::FramePointer)]
    );
}

#[test]
fn a_system_call_stub_and_its_caller_have_no_frame() {
    // `ret` behind the system call; a stub that returns with 8 bytes of arguments.
    let words = [CODE + 0x104, RETURN, 1, 2, STACK + 0x20, 0, 0, 0, STACK + 0x28, OTHER, 0, 0];
    let target = target(Machine::X86, b"\xc3\xcc\xff\x12\xc2\x08\x00", &words, &x86(CODE + 0x100, STACK, STACK + 0x20));
    let stack = stack(&target, &Symbols::new(&[]));
    let expected = [
        (CODE + 0x100, FoundBy::Context),
        (CODE + 0x104, FoundBy::Prologue),
        (RETURN, FoundBy::Prologue),
        (OTHER, FoundBy::FramePointer),
    ];
    assert_eq!(frames(&stack), expected);
    assert_eq!(stack.frames[2].trust, Trust::Exact);
}

#[test]
fn an_overwritten_return_address_is_told() {
    // push ebp; mov ebp, esp; nop; in the body
    let symbols = Symbols::new(&[(0x1100, 0x20, "victim"), (0x1000, 0x20, "caller")]);
    let words = [0x4141_4141, 0x4141_4141, 0, OTHER, 0, 0];
    let target = target(Machine::X86, b"\x55\x8b\xec\x90\x90\x90", &words, &x86(CODE + 0x104, STACK, STACK));
    let stack = stack(&target, &symbols);
    let address = stack.frames[0].return_address.unwrap();
    assert_eq!((address.place.unwrap().0, address.value.0), (STACK + 4, 0x4141_4141));
    assert!(address.is_damaged() && address.check == ReturnCheck::NotCode);
    assert_eq!(frames(&stack)[1], (OTHER, FoundBy::Scan));
    assert_eq!(stack.frames[1].trust, Trust::Guess);
}

#[test]
fn return_addresses_in_data_are_none() {
    // Into the stack itself, and to where no call ends.
    let words = [STACK + 8, STACK, STACK + 16, CODE + 0x300, 0, OTHER, 0];
    let target = target(Machine::X86, &[], &words, &x86(CODE + 0x200, STACK, STACK));
    let stack = stack(&target, &Symbols::new(&[]));
    assert_eq!(frames(&stack)[1], (OTHER, FoundBy::Scan));
}

/// A rule for the code at 0x1100, with 8 bytes of locals and 4 of saved registers.
fn rule(kind: FrameKind, program: Option<&str>) -> FrameRule {
    FrameRule {
        start: Rva(0x1100),
        size: 0x20,
        kind,
        locals_size: 8,
        parameters_size: 4,
        saved_size: 4,
        prologue_size: 0,
        max_stack: None,
        has_seh: false,
        has_cpp_eh: false,
        is_function_start: true,
        uses_ebp: false,
        program: program.map(str::to_owned),
    }
}

#[test]
fn sizes_of_fpo_data() {
    // saved, 8 bytes of locals, return address, the argument, and a frame with ebp
    let words = [0x51, 0, 0, RETURN, 0x99, STACK + 0x20, 0, 0, 0, 0];
    let target = target(Machine::X86, &[0x90; 16], &words, &x86(CODE + 0x108, STACK, STACK + 0x20));
    let symbols = Symbols { rule: Some(rule(FrameKind::Fpo, None)), ..Symbols::new(&[]) };
    let stack = stack(&target, &symbols);
    assert_eq!(frames(&stack)[1], (RETURN, FoundBy::Fpo));
    assert_eq!(stack.frames[1].registers.get("ebp"), Some(STACK + 0x20));
    assert_eq!(stack.frames[1].sp.0, STACK + 16);
}

#[test]
fn programs_of_frame_data() {
    let words = [0x51, 0, 0, RETURN, 0x99, 0, 0];
    let target = target(Machine::X86, &[0x90; 16], &words, &x86(CODE + 0x108, STACK, 0x1234));
    let program = "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + = $ebx $T0 12 - ^ =";
    let symbols = Symbols { rule: Some(rule(FrameKind::Standard, Some(program))), ..Symbols::new(&[]) };
    let stack = stack(&target, &symbols);
    assert_eq!(frames(&stack)[1], (RETURN, FoundBy::FrameData));
    let registers = &stack.frames[1].registers;
    assert_eq!([registers.get("ebx"), registers.get("ebp"), registers.get("esi")], [Some(0x51), Some(0x1234), None]);
    // Sizes do not count what was pushed since: the search goes on.
    let words = [0x77, 0x51, 0, 0x1234, RETURN, 0x99, 0, 0];
    let deeper = self::target(Machine::X86, &[0x90; 16], &words, &x86(CODE + 0x108, STACK, 0x1234));
    let stack = self::stack(&deeper, &symbols);
    assert_eq!(frames(&stack)[1..], [(RETURN, FoundBy::FrameData)], "{stack:#?}");
}

#[test]
fn rows_of_call_frame_information() {
    let register = |name: &str| RegisterName(name.to_owned());
    let row = UnwindRow {
        start: Rva(0x1100),
        size: 0x20,
        cfa: CfaRule::Register { register: register("rsp"), offset: 0x18 },
        return_address: register("rip"),
        registers: vec![(register("rip"), RegisterRule::AtCfa(-8)), (register("rbx"), RegisterRule::AtCfa(-16))],
        is_interrupted: false,
    };
    let words = [1, 0xb, RETURN, 0, 0];
    let general = [("pc", CODE + 0x108), ("sp", STACK), ("rbx", 1), ("rbp", 5), ("rsi", 6)];
    let target = target(Machine::X64, &[0x90; 16], &words, &general);
    let symbols = Symbols { row: Some(row.clone()), ..Symbols::new(&[]) };
    let stack = stack(&target, &symbols);
    assert_eq!(frames(&stack)[1], (RETURN, FoundBy::Cfi));
    let registers = &stack.frames[1].registers;
    // No system is named: registers that only Windows preserves are not known.
    assert_eq!(["rbx", "rbp", "rsi"].map(|name| registers.get(name)), [Some(0xb), Some(5), None]);
    assert_eq!(stack.frames[1].sp.0, STACK + 0x18);
    let outermost = UnwindRow { registers: vec![(register("rip"), RegisterRule::Undefined)], ..row };
    let symbols = Symbols { row: Some(outermost), ..Symbols::new(&[]) };
    assert_eq!(self::stack(&target, &symbols).end, StackEnd::Bottom);
}

#[test]
fn threads_start_somewhere() {
    // In a part of the module that was not captured.
    let symbols = Symbols::new(&[(0x800, 0x20, "_BaseThreadStart@8")]);
    let target = target(Machine::X86, &[], &[1, RETURN, OTHER, 0], &x86(0x40_0810, STACK, 0));
    let stack = stack(&target, &symbols);
    assert_eq!(stack.frames.len(), 1, "{stack:#?}");
    assert_eq!(stack.end, StackEnd::ThreadStart("_BaseThreadStart@8".to_owned()));
}

#[test]
fn without_registers_or_rules_there_is_no_stack() {
    let other = Machine::Other(0x1f0);
    let target = TestTarget::new(PointerWidth::Bits32).thread(7, other, &[("pc", 1)]);
    assert_eq!(stack(&target, &Symbols::new(&[])).end, StackEnd::Processor(other));
    let mut bare = TestTarget::new(PointerWidth::Bits32).thread(7, Machine::X86, &[("pc", 1)]);
    bare.process().threads[0].sides[0].registers = None;
    assert_eq!(stack(&bare, &Symbols::new(&[])).end, StackEnd::NoRegisters);
}

#[test]
fn emulated_code_has_its_registers_in_the_64_bit_context() {
    let general = [("pc", 0x40_1200), ("sp", 0x1_0000), ("rbp", 0xffff_ffff_0001_0000), ("cs", 0x23)];
    let target = TestTarget::new(PointerWidth::Bits64)
        .access_violation(7, 0x40_1200, Machine::X64, &general)
        .thread(7, Machine::X64, &[("pc", 1), ("sp", 2)])
        .side(Machine::X86, &[("pc", 3), ("sp", 4)]);
    let process = &target.processes()[ProcessIndex(0).0];
    let starts = stack_starts(&target, process, &process.threads[0]);
    assert_eq!(starts.iter().map(|start| start.is_at_exception).collect::<Vec<_>>(), [false, true]);
    let registers = starts[1].registers.as_ref().unwrap();
    assert_eq!((registers.pc.0, registers.get("ebp")), (0x40_1200, Some(0x1_0000)));
}

/// The first page of an x64 image: headers, a function table for 0x1100 to 0x1140 and 0x1140 to 0x1180, and their
/// unwind information at 0x300 and 0x380.
fn x64_headers(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut page = vec![0; 0x1000];
    let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(0x3c, &0x40_u32.to_le_bytes());
    put(0x40, b"PE\0\0");
    put(0x58, &0x20b_u32.to_le_bytes());
    put(0x58 + 108, &16_u32.to_le_bytes());
    put(0x58 + 112 + 24, &0x200_u32.to_le_bytes());
    put(0x58 + 112 + 28, &24_u32.to_le_bytes());
    for (index, number) in [0x1100, 0x1140, 0x300, 0x1140, 0x1180, 0x380_u32].into_iter().enumerate() {
        put(0x200 + 4 * index, &number.to_le_bytes());
    }
    put(0x300, first);
    put(0x380, second);
    page
}

fn check_x64(unwind: [&[u8]; 2], pc: u64, words: &[u64], expected: &[(u64, FoundBy)]) -> Stack {
    let general = [("pc", pc), ("sp", STACK), ("rbx", 1), ("rbp", 5)];
    let target = target(Machine::X64, &[0x90; 0x100], words, &general);
    let target = target.captured(0x40_0000, &x64_headers(unwind[0], unwind[1]));
    let stack = stack(&target, &Symbols::new(&[]));
    assert_eq!(frames(&stack), expected, "{stack:#?}");
    assert_eq!(stack.without_unwind_data, Vec::<String>::new());
    stack
}

#[test]
fn unwind_information_of_version_2_lists_epilogues_too() {
    // One epilogue of one byte, at the end, and a filler; sub rsp, 40.
    let unwind: &[u8] = &[2, 4, 3, 0, 1, 0x16, 0, 0, 4, 0x42];
    let expected = [(CODE + 0x110, FoundBy::Context), (RETURN, FoundBy::UnwindData)];
    let stack = check_x64([unwind, &[]], CODE + 0x110, &[1, 2, 3, 4, 5, RETURN, 0], &expected);
    assert_eq!(stack.frames[1].sp.0, STACK + 48);
    // Before the instruction has run.
    let stack = check_x64([unwind, &[]], CODE + 0x103, &[RETURN, 0], &[(CODE + 0x103, FoundBy::Context), expected[1]]);
    assert_eq!(stack.frames[1].sp.0, STACK + 8);
}

#[test]
fn what_the_processor_pushed_leads_to_code_that_was_interrupted() {
    // An error code, rip, cs, flags, rsp, ss.
    let words = [0x10, OTHER, 0x33, 0, STACK + 0x40, 0x2b, 0, 0, 0];
    let expected = [(CODE + 0x110, FoundBy::Context), (OTHER, FoundBy::UnwindData)];
    let stack = check_x64([&[1, 0, 1, 0, 0, 0x1a], &[]], CODE + 0x110, &words, &expected);
    assert!(stack.frames[1].is_exact_pc && stack.frames[1].sp.0 == STACK + 0x40);
}

#[test]
fn pieces_of_a_function_are_undone_with_the_whole() {
    // mov [rsp+16], rbx in a piece whose parent has sub rsp, 40.
    let piece: &[u8] = &[0x21, 5, 2, 0, 5, 0x34, 2, 0, 0, 0x11, 0, 0, 0x40, 0x11, 0, 0, 0, 3, 0, 0];
    let whole: &[u8] = &[1, 4, 1, 0, 4, 0x42];
    let expected = [(CODE + 0x150, FoundBy::Context), (RETURN, FoundBy::UnwindData)];
    let stack = check_x64([whole, piece], CODE + 0x150, &[1, 2, 0xb, 4, 5, RETURN, 0], &expected);
    assert_eq!(stack.frames[1].registers.get("rbx"), Some(0xb));
}

#[test]
fn epilogues_are_found_in_the_code() {
    // sub rsp, 40 ... add rsp, 40; pop rbx; ret
    let unwind: &[u8] = &[1, 5, 2, 0, 5, 0x42, 1, 0x30];
    let check = |code: &[u8], words: &[u64], place: u64| {
        let general = [("pc", CODE + 0x110), ("sp", STACK), ("rbx", 1), ("rbp", 5)];
        let mut bytes = vec![0x90; 0x10];
        bytes.extend_from_slice(code);
        let target = target(Machine::X64, &bytes, words, &general);
        let target = target.captured(0x40_0000, &x64_headers(unwind, &[]));
        let stack = stack(&target, &Symbols::new(&[]));
        assert_eq!(frames(&stack)[1..], [(RETURN, FoundBy::UnwindData)], "{code:02x?}");
        assert_eq!(stack.frames[0].return_address.unwrap().place.unwrap().0, STACK + place);
    };
    check(b"\x48\x83\xc4\x28\x5b\xc3", &[1, 2, 3, 4, 5, 0xb, RETURN, 0], 48);
    check(b"\x5b\xc3", &[0xb, RETURN, 0], 8);
    check(b"\xc3", &[RETURN, 0], 0);
    check(b"\xf3\xc3", &[RETURN, 0], 0);
    check(b"\x48\xff\xe0", &[RETURN, 0], 0); // rex.w jmp rax
    check(b"\xe9\xeb\xfe\xff\xff", &[RETURN, 0], 0); // to the front of the page: another function
    // Inside the function: no epilogue.
    check(b"\xeb\x02\x90\x90", &[1, 2, 3, 4, 5, 0xb, RETURN, 0], 48);
}
