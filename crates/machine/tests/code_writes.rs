//! Code that changes is what runs, whoever changed it.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::{Bench, PROGRAM};
use vatlas_machine::cpu::Engine;
use vatlas_space::PageTableEntry;

fn eax_after(bench: &mut Bench, instructions: u64) -> u32 {
    let mut registers = bench.engine.registers();
    registers.eip = PROGRAM;
    bench.engine.set_registers(&registers);
    let run = bench.engine.run(&mut bench.board, instructions);
    assert_eq!((run.executed, run.event), (instructions, None));
    bench.engine.registers().gpr[0]
}

#[test]
fn an_instruction_changes_the_next_one_of_its_block() {
    // mov byte [PROGRAM + 8], 5; mov eax, 1
    let mut bench = Bench::new(&[0xc6, 0x05, 0x08, 0x10, 0x40, 0, 5, 0xb8, 1, 0, 0, 0]);
    assert_eq!(eax_after(&mut bench, 2), 5);
    assert_eq!(eax_after(&mut bench, 2), 5);
}

#[test]
fn an_instruction_changes_itself() {
    // inc eax; mov byte [PROGRAM], 48h (dec eax); again, ten times
    let mut bench = Bench::new(&[0x40, 0xc6, 0x05, 0x00, 0x10, 0x40, 0, 0x48, 0xeb, 0xf6]);
    assert_eq!(eax_after(&mut bench, 3 * 10), 1_u32.wrapping_sub(9));
}

#[test]
fn the_host_changes_code() {
    let mut bench = Bench::new(&[0xb8, 1, 0, 0, 0]);
    assert_eq!(eax_after(&mut bench, 1), 1);
    bench.board.ram.write(Bench::pa(PROGRAM + 1), &[9]);
    assert_eq!(eax_after(&mut bench, 1), 9);
}

#[test]
fn code_is_changed_through_another_address() {
    // mov byte [500001h], 7; jmp to the next page: mov eax, 1 at PROGRAM + 1000h, which is also at 500000h
    let mut bench = Bench::new(&[0xc6, 0x05, 0x01, 0x00, 0x50, 0, 7, 0xe9, 0xf4, 0x0f, 0, 0]);
    bench.board.ram.write(Bench::pa(PROGRAM + 0x1000), &[0xb8, 1, 0, 0, 0]);
    bench.set_entry(0x50_0000, PageTableEntry(Bench::pa(PROGRAM + 0x1000).0 | 7));
    assert_eq!(eax_after(&mut bench, 3), 7);
    bench.board.ram.write(Bench::pa(PROGRAM + 6), &[8]);
    assert_eq!(eax_after(&mut bench, 3), 8);
}

#[test]
fn another_page_under_the_same_address() {
    let mut bench = Bench::new(&[0xb8, 1, 0, 0, 0]);
    bench.board.ram.write(Bench::pa(0x30_0000), &[0xb8, 2, 0, 0, 0]);
    assert_eq!(eax_after(&mut bench, 1), 1);
    bench.set_entry(PROGRAM, PageTableEntry(Bench::pa(0x30_0000).0 | 7));
    assert_eq!(eax_after(&mut bench, 1), 2);
    bench.set_entry(PROGRAM, PageTableEntry(Bench::pa(PROGRAM).0 | 7));
    assert_eq!(eax_after(&mut bench, 1), 1);
}

#[test]
fn an_instruction_whose_second_half_is_in_another_frame() {
    let mut bench = Bench::new(&[]);
    let at = PROGRAM + 0xffe;
    bench.board.ram.write(Bench::pa(at), &[0xb8, 1, 0, 0, 0]);
    bench.board.ram.write(Bench::pa(0x30_0000), &[0, 0, 3]);
    let run = |bench: &mut Bench| {
        let mut registers = bench.engine.registers();
        registers.eip = at;
        bench.engine.set_registers(&registers);
        bench.engine.run(&mut bench.board, 1);
        bench.engine.registers().gpr[0]
    };
    assert_eq!(run(&mut bench), 1);
    bench.set_entry(PROGRAM + 0x1000, PageTableEntry(Bench::pa(0x30_0000).0 | 7));
    assert_eq!(run(&mut bench), 0x0300_0001);
    bench.board.ram.write(Bench::pa(0x30_0002), &[4]);
    assert_eq!(run(&mut bench), 0x0400_0001);
}

#[test]
fn data_beside_code_does_not_disturb_it() {
    // inc dword [PROGRAM + 100h]; jmp back
    let mut bench = Bench::new(&[0xff, 0x05, 0x00, 0x11, 0x40, 0, 0xeb, 0xf8]);
    eax_after(&mut bench, 2000);
    assert_eq!(bench.board.ram.read_u32(Bench::pa(PROGRAM + 0x100)), Some(1000));
}

#[test]
fn a_snapshot_is_what_was() {
    // inc dword [300000h]; jmp back
    let mut bench = Bench::new(&[0xff, 0x05, 0x00, 0x00, 0x30, 0, 0xeb, 0xf8]);
    eax_after(&mut bench, 200);
    let (memory, registers) = (bench.board.ram.snapshot(), bench.engine.registers());
    bench.engine.run(&mut bench.board, 200);
    let later = (bench.engine.registers(), bench.board.ram.read_u32(Bench::pa(0x30_0000)));
    assert_eq!(later.1, Some(200));
    bench.board.ram.restore(&memory);
    bench.engine.set_registers(&registers);
    assert_eq!(bench.board.ram.read_u32(Bench::pa(0x30_0000)), Some(100));
    bench.engine.run(&mut bench.board, 200);
    assert_eq!((bench.engine.registers(), bench.board.ram.read_u32(Bench::pa(0x30_0000))), later);
}
