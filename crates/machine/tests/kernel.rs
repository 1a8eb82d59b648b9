//! The way into the kernel and back, through tables in guest memory as NT has them.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::{Bench, PROGRAM, STACK_TOP};
use vatlas_machine::cpu::{DescriptorTable, Engine, HostTraps};
use vatlas_machine::{Computer, Event, Exception, Ram, Registers, Segment};
use vatlas_space::{Pa, PageTableEntry};

const GDT: u32 = 0x10_0000;
const IDT: u32 = 0x10_1000;
const TSS: u32 = 0x10_2000;
/// Where handlers are: one every 16 bytes.
const HANDLERS: u32 = 0x10_3000;
const KERNEL_STACK: u32 = 0x10_5000;

/// Base and limit, access byte, flags, in the form of a descriptor.
fn descriptor(base: u32, limit: u32, access: u8, flags: u8) -> [u8; 8] {
    let [l0, l1, l2, _] = limit.to_le_bytes();
    let [b0, b1, b2, b3] = base.to_le_bytes();
    [l0, l1, b0, b1, b2, access, flags << 4 | l2 & 15, b3]
}

/// A program in user mode under tables with NT's selectors. `vmcall` is what every handler begins with.
fn start(program: &[u8]) -> Bench {
    let mut bench = Bench::new(program);
    let ram = &mut bench.board.ram;
    let teb = descriptor(0x20_0000, 0xfff, 0xf3, 4);
    let tss = descriptor(TSS, 0x20ab, 0x89, 0);
    let flat = |access| descriptor(0, 0xf_ffff, access, 0xc);
    let gdt = [[0; 8], flat(0x9b), flat(0x93), flat(0xfb), flat(0xf3), tss, [0; 8], teb];
    for (number, entry) in (0..).zip(gdt) {
        ram.write(Bench::pa(GDT + 8 * number), &entry);
    }
    for vector in 0..=255_u32 {
        // 2Eh and 3 are open to programs; 20h is a trap gate.
        let kind = match vector {
            0x2e | 3 => 0xee,
            0x20 => 0x8f,
            _ => 0x8e,
        };
        let handler = HANDLERS + 16 * vector;
        ram.write_u32(Bench::pa(IDT + 8 * vector), 0x0008_0000 | handler & 0xffff);
        ram.write_u32(Bench::pa(IDT + 8 * vector + 4), handler & 0xffff_0000 | kind << 8);
        // vmcall; iretd
        ram.write(Bench::pa(handler), &[0x0f, 0x01, 0xc1, 0xcf]);
    }
    ram.write_u32(Bench::pa(TSS + 4), KERNEL_STACK);
    ram.write_u32(Bench::pa(TSS + 8), 0x10);
    for page in (GDT..KERNEL_STACK).step_by(0x1000) {
        bench.set_entry(page, PageTableEntry(Bench::pa(page).0 | 3));
    }
    let mut registers = bench.engine.registers();
    registers.gdt = DescriptorTable { base: GDT, limit: 0x3f };
    registers.idt = DescriptorTable { base: IDT, limit: 0x7ff };
    registers.tss = Segment { selector: 0x28, base: TSS, limit: 0x20ab, access: 0x8b };
    registers.sysenter = [8, KERNEL_STACK, HANDLERS];
    bench.engine.set_registers(&registers);
    *bench.engine.traps() = HostTraps::default();
    bench
}

/// The double words on top of the stack.
fn stack<const N: usize>(bench: &Bench) -> [u32; N] {
    let top = bench.engine.registers().gpr[4];
    std::array::from_fn(|at| bench.board.ram.read_u32(Bench::pa(top + 4 * at as u32)).unwrap())
}

/// Runs until the handler's `vmcall`; in which handler that is.
#[track_caller]
fn vector(bench: &mut Bench) -> u32 {
    let run = bench.engine.run(&mut bench.board, 100);
    assert_eq!(run.event, Some(Event::HostCall), "{:?}", bench.engine.registers());
    (bench.engine.registers().eip - HANDLERS) / 16
}

#[test]
fn a_system_call_by_interrupt_and_back() {
    // int 2Eh; inc eax
    let mut bench = start(&[0xcd, 0x2e, 0x40]);
    let before = bench.engine.registers();
    assert_eq!(vector(&mut bench), 0x2e);
    let inside = bench.engine.registers();
    assert_eq!((inside.ring(), inside.gpr[4], inside.eflags & 0x200), (0, KERNEL_STACK - 20, 0));
    assert_eq!(stack(&bench), [PROGRAM + 2, 0x1b, before.eflags, STACK_TOP, 0x23]);
    let run = bench.engine.run(&mut bench.board, 2);
    let after = bench.engine.registers();
    assert_eq!((run.executed, run.event), (2, None));
    assert_eq!((after.ring(), after.eip, after.gpr[4], after.gpr[0]), (3, PROGRAM + 3, STACK_TOP, 1));
    assert_eq!(after.eflags & 0x200, 0x200);
}

#[test]
fn a_page_fault_has_an_error_code_and_cr2() {
    // mov [edx], eax
    let mut bench = start(&[0x89, 0x02]);
    let mut registers = bench.engine.registers();
    registers.gpr[2] = 0x0100_0004;
    bench.engine.set_registers(&registers);
    assert_eq!(vector(&mut bench), 14);
    let resume = 1 << 16;
    assert_eq!(stack(&bench), [6, PROGRAM, 0x1b, registers.eflags | resume, STACK_TOP, 0x23]);
    assert_eq!(bench.engine.registers().control.cr2, 0x0100_0004);
}

/// What a program may not do: bytes, vector, error code.
#[track_caller]
fn check_refused(program: &[u8], expected: (u32, Option<u32>)) {
    let mut bench = start(program);
    assert_eq!(vector(&mut bench), expected.0);
    let [first, second] = stack(&bench);
    match expected.1 {
        Some(error) => assert_eq!((first, second), (error, PROGRAM)),
        None => assert_eq!(first, PROGRAM),
    }
}

#[test]
fn what_a_program_may_not_do() {
    check_refused(&[0xf4], (13, Some(0))); // hlt
    check_refused(&[0xfa], (13, Some(0))); // cli
    check_refused(&[0xe4, 0x60], (13, Some(0))); // in al, 60h
    check_refused(&[0x0f, 0x20, 0xd8], (13, Some(0))); // mov eax, cr3
    check_refused(&[0x0f, 0x01, 0x3a], (13, Some(0))); // invlpg [edx]
    check_refused(&[0x0f, 0x32], (13, Some(0))); // rdmsr
    check_refused(&[0x0f, 0x01, 0xc1], (6, None)); // vmcall
    check_refused(&[0xcd, 0x30], (13, Some(0x30 * 8 + 2))); // int 30h, which is not open
    check_refused(&[0xa1, 0x00, 0x00, 0x10, 0x00], (14, Some(5))); // mov eax, [GDT]
}

#[test]
fn sysenter_and_sysexit() {
    // mov edx, esp; sysenter. The handler: mov ecx, edx; mov edx, PROGRAM + 20h; sysexit
    let mut bench = start(&[0x89, 0xe2, 0x0f, 0x34]);
    let handler = [0x89, 0xd1, 0xba, 0x20, 0x10, 0x40, 0x00, 0x0f, 0x35];
    bench.board.ram.write(Bench::pa(HANDLERS), &handler);
    bench.engine.run(&mut bench.board, 2);
    let inside = bench.engine.registers();
    assert_eq!((inside.ring(), inside.eip, inside.gpr[4]), (0, HANDLERS, KERNEL_STACK));
    assert_eq!((inside.segments[1].selector, inside.segments[2].selector, inside.eflags & 0x200), (8, 0x10, 0));
    bench.engine.run(&mut bench.board, 3);
    let after = bench.engine.registers();
    assert_eq!((after.ring(), after.eip, after.gpr[4]), (3, PROGRAM + 0x20, STACK_TOP));
    assert_eq!((after.segments[1].selector, after.segments[2].selector), (0x1b, 0x23));
}

#[test]
fn fs_is_loaded_from_the_descriptor_table() {
    // mov ax, 3Bh; mov fs, ax; mov eax, fs:[18h]
    let mut bench = start(&[0x66, 0xb8, 0x3b, 0, 0x8e, 0xe0, 0x64, 0xa1, 0x18, 0, 0, 0]);
    bench.board.ram.write_u32(Bench::pa(0x20_0018), 0x20_0000);
    let run = bench.engine.run(&mut bench.board, 3);
    assert_eq!((run.executed, run.event), (3, None));
    assert_eq!(bench.engine.registers().gpr[0], 0x20_0000);
    assert_eq!(bench.engine.registers().segments[4].base, 0x20_0000);
}

#[test]
fn an_interrupt_waits_for_the_flag_and_for_sti() {
    let mut bench = start(&[0x40, 0x40, 0x40]);
    bench.engine.interrupt(0x31);
    assert_eq!(vector(&mut bench), 0x31);
    assert_eq!(stack::<1>(&bench), [PROGRAM]);
    // In the handler interrupts are off; sti lets one more instruction run.
    bench.board.ram.write(Bench::pa(HANDLERS + 0x310), &[0x0f, 0x01, 0xc1, 0xfb, 0x40, 0x40]);
    bench.engine.interrupt(0x32);
    assert_eq!(bench.engine.run(&mut bench.board, 1).event, None);
    assert_eq!(vector(&mut bench), 0x32);
    assert_eq!(stack::<1>(&bench), [HANDLERS + 0x315]);
}

#[test]
fn a_fault_on_the_kernel_stack_is_a_double_fault_and_then_the_end() {
    let mut bench = start(&[0x89, 0x02]);
    let mut registers = bench.engine.registers();
    registers.gpr[2] = 0x0100_0004;
    bench.engine.set_registers(&registers);
    bench.set_entry(KERNEL_STACK - 4, PageTableEntry(0));
    let run = bench.engine.run(&mut bench.board, 10);
    assert_eq!(run.event, Some(Event::Shutdown));
    // The host may take the double fault.
    bench.engine.traps().vectors[8] = true;
    let run = bench.engine.run(&mut bench.board, 10);
    assert_eq!(run.event, Some(Event::Exception(Exception::with_error(8, 0))));
    let after = bench.engine.registers();
    assert_eq!((after.eip, after.ring(), after.gpr[4]), (PROGRAM, 3, STACK_TOP));
}

#[test]
fn single_steps() {
    // inc eax; jmp +0; inc eax
    let mut bench = start(&[0x40, 0xeb, 0, 0x40]);
    let mut registers = bench.engine.registers();
    registers.eflags |= 0x100;
    bench.engine.set_registers(&registers);
    for eip in [PROGRAM + 1, PROGRAM + 3, PROGRAM + 4] {
        assert_eq!(vector(&mut bench), 1);
        let [back, _, flags] = stack(&bench);
        assert_eq!((back, flags & 0x100), (eip, 0x100));
        // iretd
        assert_eq!(bench.engine.run(&mut bench.board, 1).event, None);
    }
}

#[test]
fn ports_and_halts_are_events() {
    // in al, dx; out 60h, ax; hlt
    let mut bench = start(&[]);
    bench.board.ram.write(Bench::pa(HANDLERS), &[0xec, 0x66, 0xe7, 0x60, 0xf4]);
    let mut registers = bench.engine.registers();
    registers.segments[1] = Segment::flat(8, 0x9b);
    (registers.eip, registers.gpr[0], registers.gpr[2]) = (HANDLERS, 0x1234, 0x3f8);
    bench.engine.set_registers(&registers);
    let mut next = || bench.engine.run(&mut bench.board, 10).event;
    assert_eq!(next(), Some(Event::PortRead { port: 0x3f8, bytes: 1 }));
    assert_eq!(next(), Some(Event::PortWrite { port: 0x60, bytes: 2, value: 0x1234 }));
    assert_eq!(next(), Some(Event::Halted));
    assert_eq!(bench.engine.registers().eip, HANDLERS + 5);
}

#[test]
fn rdtsc_counts_instructions() {
    // inc ecx; inc ecx; rdtsc; mov ebx, eax; inc ecx; rdtsc
    let mut bench = start(&[0x41, 0x41, 0x0f, 0x31, 0x89, 0xc3, 0x41, 0x0f, 0x31]);
    bench.engine.run(&mut bench.board, 6);
    let registers = bench.engine.registers();
    assert_eq!((registers.gpr[3], registers.gpr[0], registers.tsc), (2, 5, 6));
}

#[test]
fn processors_take_turns_and_the_same_turns_every_time() {
    // again: lock inc dword [8000h]; add eax, [8000h]; jmp again
    let code = [0xf0, 0xff, 0x05, 0, 0x80, 0, 0, 0x03, 0x05, 0, 0x80, 0, 0, 0xeb, 0xf1];
    let run = |piece: u64| {
        let mut ram = Ram::new(16);
        ram.write(Pa(0x1000), &code);
        let mut computer = Computer::new(ram, 3);
        for processor in &mut computer.processors {
            processor.set_registers(&Registers { eip: 0x1000, ..Registers::flat() });
        }
        let mut executed = 0;
        while executed < 200_000 {
            executed += computer.run(piece.min(200_000 - executed)).run.executed;
        }
        let eax: Vec<u32> = computer.processors.iter().map(|processor| processor.registers().gpr[0]).collect();
        (computer.board.ram.read_u32(Pa(0x8000)), eax)
    };
    let whole = run(u64::MAX);
    assert_eq!(whole.0, Some(66_668));
    assert_eq!(run(777), whole);
    assert_eq!(run(1), whole);
}
