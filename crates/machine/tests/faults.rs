//! An instruction that faults has had no effect, says exactly what it wanted, and starts again.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::{Bench, PROGRAM, STACK_TOP};
use vatlas_machine::cpu::{Engine, Registers, Run};
use vatlas_machine::{Event, Exception};
use vatlas_space::{PageTableEntry, Va};

/// A page that tests take away.
const HOLE: u32 = 0x0020_0000;
const READ: u32 = Exception::USER;
const WRITE: u32 = Exception::USER | Exception::WRITE;

fn start(code: &[u8], prepare: impl FnOnce(&mut Registers)) -> Bench {
    let mut bench = Bench::new(code);
    let mut registers = bench.engine.registers();
    prepare(&mut registers);
    bench.engine.set_registers(&registers);
    bench
}

/// With the page at `HOLE` not there: the fault, registers as before but for what a repetition has done; after the page
/// came back, the instruction is complete.
#[track_caller]
fn check(code: &[u8], prepare: impl FnOnce(&mut Registers), address: u32, error: u32, advanced: [u32; 3]) {
    let mut bench = start(code, prepare);
    let entry = bench.board.ram.read_u32(Bench::entry_at(HOLE)).unwrap();
    bench.set_entry(HOLE, PageTableEntry(0));
    let mut expected = bench.engine.registers();
    let run = bench.engine.run(&mut bench.board, 10);
    let exception = Exception::page_fault(address, error);
    assert_eq!(run, Run { executed: 0, event: Some(Event::Exception(exception)), unsupported: Vec::new() });
    let [ecx, esi, edi] = advanced;
    expected.gpr[1] = expected.gpr[1].wrapping_sub(ecx);
    expected.gpr[6] = expected.gpr[6].wrapping_add(esi);
    expected.gpr[7] = expected.gpr[7].wrapping_add(edi);
    expected.control.cr2 = address;
    assert_eq!(bench.engine.registers(), expected);
    bench.set_entry(HOLE, PageTableEntry(entry.into()));
    let run = bench.engine.run(&mut bench.board, 1);
    assert_eq!((run.executed, run.event), (1, None));
}

#[test]
fn single_instructions() {
    let none = [0; 3];
    let at = |number: usize, value: u32| move |registers: &mut Registers| registers.gpr[number] = value;
    check(&[0x8b, 0x02], at(2, HOLE + 8), HOLE + 8, READ, none); // mov eax, [edx]
    check(&[0x89, 0x02], at(2, HOLE + 8), HOLE + 8, WRITE, none); // mov [edx], eax
    check(&[0x01, 0x02], at(2, HOLE + 8), HOLE + 8, WRITE, none); // add [edx], eax
    check(&[0x0f, 0xc1, 0x02], at(2, HOLE), HOLE, WRITE, none); // xadd [edx], eax
    check(&[0x50], at(4, HOLE + 4), HOLE, WRITE, none); // push eax
    check(&[0x60], at(4, HOLE + 0x1008), HOLE + 0xfe8, WRITE, none); // pushad
    check(&[0xe8, 0, 0, 0, 0], at(4, HOLE + 0x1000), HOLE + 0xffc, WRITE, none); // call
    check(&[0x8f, 0x02], at(2, HOLE), HOLE, WRITE, none); // pop [edx]
    check(&[0x8f, 0x04, 0x24], at(4, HOLE - 4), HOLE, WRITE, none); // pop [esp]
    check(&[0xff, 0x22], at(2, HOLE), HOLE, READ, none); // jmp [edx]
    check(&[0xdd, 0x02], at(2, HOLE), HOLE, READ, none); // fld qword [edx]
    check(&[0x0f, 0x11, 0x02], at(2, HOLE), HOLE, WRITE, none); // movups [edx], xmm0
    check(&[0x0f, 0xc7, 0x0a], at(2, HOLE), HOLE, WRITE, none); // cmpxchg8b [edx]
}

#[test]
fn accesses_across_two_pages() {
    let none = [0; 3];
    let at = |value: u32| move |registers: &mut Registers| registers.gpr[2] = value;
    check(&[0x89, 0x02], at(HOLE - 2), HOLE, WRITE, none);
    check(&[0x89, 0x02], at(HOLE + 0xffe), HOLE + 0xffe, WRITE, none);
    check(&[0x8b, 0x02], at(HOLE - 1), HOLE, READ, none);
}

#[test]
fn a_store_across_two_pages_writes_nothing_when_it_faults() {
    let mut bench = start(&[0x89, 0x02], |registers| registers.gpr[..3].copy_from_slice(&[0x1122_3344, 0, HOLE - 2]));
    bench.set_entry(HOLE, PageTableEntry(0));
    bench.engine.run(&mut bench.board, 1);
    assert_eq!(bench.board.ram.read_u32(Bench::pa(HOLE - 4)), Some(0));
}

#[test]
fn repetitions_stop_at_the_element_that_faults() {
    let copy = |from: u32, to: u32| {
        move |registers: &mut Registers| {
            (registers.gpr[1], registers.gpr[6], registers.gpr[7]) = (64, from, to);
        }
    };
    check(&[0xf3, 0xa5], copy(0x10_0000, HOLE - 40), HOLE, WRITE, [10, 40, 40]); // rep movsd
    check(&[0xf3, 0xa5], copy(HOLE - 8, 0x10_0000), HOLE, READ, [2, 8, 8]);
    check(&[0xf3, 0xa4], copy(0x10_0000, HOLE - 3), HOLE, WRITE, [3, 3, 3]); // rep movsb
    check(&[0xf3, 0xab], copy(0, HOLE - 16), HOLE, WRITE, [4, 0, 16]); // rep stosd
}

#[test]
fn fetching_faults_at_the_first_byte_that_is_missing() {
    let mut bench = start(&[], |registers| registers.eip = HOLE - 2);
    assert!(bench.board.ram.write(Bench::pa(HOLE - 2), &[0xb8, 1, 2, 3, 4]));
    bench.set_entry(HOLE, PageTableEntry(0));
    let run = bench.engine.run(&mut bench.board, 1);
    assert_eq!(run.event, Some(Event::Exception(Exception::page_fault(HOLE, Exception::USER))));
    assert_eq!(bench.engine.registers().eip, HOLE - 2);
    bench.set_entry(HOLE, PageTableEntry((Bench::pa(HOLE).0) | 7));
    bench.engine.run(&mut bench.board, 1);
    assert_eq!(bench.engine.registers().gpr[0], 0x0403_0201);
}

/// The error code of an access with these entry bits, and the bits afterwards.
#[track_caller]
fn check_rights(entry_bits: u64, code: &[u8], expected: Option<u32>, bits_after: u64) {
    let mut bench = start(code, |registers| registers.gpr[2] = HOLE);
    bench.set_entry(HOLE, PageTableEntry(Bench::pa(HOLE).0 | entry_bits));
    let run = bench.engine.run(&mut bench.board, 1);
    let error = match run.event {
        Some(Event::Exception(exception)) => exception.error,
        _ => None,
    };
    assert_eq!(error, expected);
    assert_eq!(bench.board.ram.read_u32(Bench::entry_at(HOLE)).map(|entry| entry & 0xfff), Some(bits_after as u32));
}

#[test]
fn rights_and_the_bits_that_the_processor_sets() {
    let (read, write) = (&[0x8b, 0x02], &[0x89, 0x02]);
    check_rights(7, read, None, 0x27);
    check_rights(7, write, None, 0x67);
    check_rights(5, read, None, 0x25);
    check_rights(5, write, Some(WRITE | Exception::PRESENT), 5);
    check_rights(3, read, Some(READ | Exception::PRESENT), 3);
    check_rights(3, write, Some(WRITE | Exception::PRESENT), 3);
    check_rights(6, read, Some(READ), 6);
}

#[test]
fn a_page_that_was_read_becomes_dirty_at_its_first_write() {
    // mov eax, [edx]; mov [edx], eax
    let mut bench = start(&[0x8b, 0x02, 0x89, 0x02], |registers| registers.gpr[2] = HOLE);
    bench.engine.run(&mut bench.board, 1);
    assert_eq!(bench.board.ram.read_u32(Bench::entry_at(HOLE)).unwrap() & 0x60, 0x20);
    bench.engine.run(&mut bench.board, 1);
    assert_eq!(bench.board.ram.read_u32(Bench::entry_at(HOLE)).unwrap() & 0x60, 0x60);
}

#[test]
fn fs_has_a_base_and_a_limit() {
    // mov eax, fs:[edx + 4]
    let mut bench = start(&[0x64, 0x8b, 0x42, 0x04], |registers| {
        registers.segments[4] = vatlas_machine::Segment { selector: 0x3b, base: HOLE, limit: 0xfff, access: 0xf3 };
    });
    bench.board.ram.write_u32(Bench::pa(HOLE + 4), 77);
    let run = bench.engine.run(&mut bench.board, 1);
    assert_eq!((run.event, run.executed, bench.engine.registers().gpr[0]), (None, 1, 77));
    let mut registers = bench.engine.registers();
    (registers.eip, registers.gpr[2]) = (PROGRAM, 0xff9);
    bench.engine.set_registers(&registers);
    let run = bench.engine.run(&mut bench.board, 1);
    assert_eq!(run.event, Some(Event::Exception(Exception::with_error(13, 0))));
}

#[test]
fn an_instruction_that_is_not_there_is_named() {
    // vaddps ymm0, ymm0, ymm1
    let mut bench = start(&[0xc5, 0xfc, 0x58, 0xc1], |_| {});
    let run = bench.engine.run(&mut bench.board, 1);
    assert_eq!(run.event, Some(Event::Exception(Exception::plain(6))));
    assert_eq!(run.unsupported.len(), 1);
    assert_eq!(run.unsupported[0].at, Va(PROGRAM.into()));
    assert!(run.unsupported[0].to_string().contains("vaddps"), "{}", run.unsupported[0]);
    // ud2 is there: it does what it should.
    let mut bench = start(&[0x0f, 0x0b], |_| {});
    assert_eq!(bench.engine.run(&mut bench.board, 1).unsupported, []);
}

#[test]
fn division_errors() {
    let mut bench = start(&[0xf7, 0xf1], |registers| registers.gpr[..3].copy_from_slice(&[1, 0, 0]));
    let before = bench.engine.registers();
    let run = bench.engine.run(&mut bench.board, 1);
    assert_eq!(run.event, Some(Event::Exception(Exception::plain(0))));
    assert_eq!(bench.engine.registers(), before);
}

#[test]
fn any_budget_is_exact() {
    // again: dec ecx; push ecx; pop eax; cmp ecx, eax; jne again; test ecx, ecx; jnz again; int 2eh
    let code = [0x49, 0x51, 0x58, 0x39, 0xc1, 0x75, 0xf9, 0x85, 0xc9, 0x75, 0xf5, 0xcd, 0x2e];
    let mut whole = start(&code, |registers| registers.gpr[1] = 10);
    assert_eq!(whole.engine.run(&mut whole.board, u64::MAX).executed, 71);
    for budget in 0..71 {
        let mut bench = start(&code, |registers| registers.gpr[1] = 10);
        let run = bench.engine.run(&mut bench.board, budget);
        assert_eq!((run.executed, run.event), (budget, None));
        let rest = bench.engine.run(&mut bench.board, u64::MAX);
        assert_eq!((rest.executed, rest.event), (71 - budget, Some(Event::Interrupt(0x2e))));
        assert_eq!(bench.engine.registers(), whole.engine.registers());
    }
    assert_eq!(whole.engine.registers().gpr[4], STACK_TOP);
}
