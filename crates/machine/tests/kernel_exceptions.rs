//! What a program gets for its faults, and how it goes on.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kernel_support;

use kernel_support::Arg::N;
use kernel_support::{Bench, CODE, Code, DATA, code};
use vatlas_machine::nt::UserEntries;

const fn slot(number: u32) -> u32 {
    DATA + 4 * number
}

/// Where the second code is: the dispatcher of exceptions or APCs.
const DISPATCHER: u32 = CODE + 0x1_0000;

/// A program whose exceptions come to a dispatcher that keeps the record at slot 10 on and EIP at slot 20, moves EIP
/// by `skip` and goes on.
fn with_dispatcher(main: &Code, skip: u32) -> Bench {
    let dispatcher = code(|c| {
        c.count(slot(0));
        // mov esi, [esp]; mov edi, slot 10; mov ecx, 8; rep movsd
        c.raw(&[0x8b, 0x34, 0x24, 0xbf]).raw(&slot(10).to_le_bytes()).raw(&[0xb9, 8, 0, 0, 0, 0xf3, 0xa5]);
        // mov ebx, [esp+4]; mov eax, [ebx+B8h]; mov [slot 20], eax; add dword [ebx+B8h], skip
        c.raw(&[0x8b, 0x5c, 0x24, 4, 0x8b, 0x83, 0xb8, 0, 0, 0, 0xa3]).raw(&slot(20).to_le_bytes());
        c.raw(&[0x81, 0x83, 0xb8, 0, 0, 0]).raw(&skip.to_le_bytes());
        // mov eax, [ebx+B0h]; mov [slot 21], eax
        c.raw(&[0x8b, 0x83, 0xb0, 0, 0, 0, 0xa3]).raw(&slot(21).to_le_bytes());
        // push 0; push ebx; mov edx, esp; mov eax, NtContinue; int 2Eh
        c.raw(&[0x6a, 0, 0x53, 0x89, 0xe2, 0xb8, 0x20, 0, 0, 0, 0xcd, 0x2e]);
    });
    let entries = UserEntries { exception_dispatcher: DISPATCHER, ..UserEntries::default() };
    let mut bench = Bench::on(1, std::slice::from_ref(main), entries);
    bench.add_code(DISPATCHER, &dispatcher);
    bench
}

/// Code that is so many bytes long, its exception record and the EIP of its context. EAX is 1234h.
#[track_caller]
fn check(instruction: &[u8], expected: (u32, &[u32])) {
    let main = code(|c| {
        c.raw(&[0x31, 0xd2, 0xb8, 0x34, 0x12, 0, 0]).raw(instruction).raw(&[0xeb, 0xfe]);
    });
    let mut bench = with_dispatcher(&main, instruction.len() as u32);
    bench.run_for(5_000);
    let at = CODE + 7;
    let (code, parameters) = expected;
    assert_eq!(bench.get(slot(0)), 1, "{instruction:x?}");
    assert_eq!(bench.get(slot(10)), code, "{:x}", bench.get(slot(10)));
    assert_eq!((bench.get(slot(13)), bench.get(slot(20)), bench.get(slot(21))), (at, at, 0x1234));
    assert_eq!(bench.get(slot(14)) as usize, parameters.len());
    for (number, parameter) in (15..).zip(parameters) {
        assert_eq!(bench.get(slot(number)), *parameter, "{instruction:x?}");
    }
}

#[test]
fn every_fault_has_its_code_address_and_parameters() {
    check(&[0x8b, 0x02], (0xc000_0005, &[0, 0])); // mov eax, [edx]
    check(&[0xa3, 0x10, 0x20, 0x30, 0x60], (0xc000_0005, &[1, 0x6030_2010])); // mov [60302010h], eax
    check(&[0xa1, 0, 0, 0, 0x80], (0xc000_0005, &[0, 0x8000_0000])); // mov eax, [80000000h]
    check(&[0xcc], (0x8000_0003, &[0])); // int3
    check(&[0xf7, 0xf2], (0xc000_0094, &[])); // div edx
    check(&[0x0f, 0x0b], (0xc000_001d, &[])); // ud2
    check(&[0xf4], (0xc000_0096, &[])); // hlt
    check(&[0xfa], (0xc000_0096, &[])); // cli
    check(&[0xcd, 0x30], (0xc000_0005, &[0, u32::MAX])); // int 30h
    check(&[0x0f, 0x01, 0xc1], (0xc000_001d, &[])); // vmcall
}

#[test]
fn without_a_handler_the_process_ends_and_tells_why() {
    let mut bench = Bench::new(&[code(|c| {
        // xor edx, edx; mov [edx+8], eax
        c.raw(&[0x31, 0xd2, 0x89, 0x42, 8]);
    })]);
    assert_eq!(bench.run(), 0xc000_0005);
    let report = bench.system.report();
    assert_eq!((report.exceptions, report.access_violations), (1, 1));
    let crash = &report.crashes[0];
    assert_eq!((crash.eip, crash.record.address, &crash.record.parameters[..]), (CODE + 2, CODE + 2, &[1, 8][..]));
    let text = "test.exe: unhandled exception STATUS_ACCESS_VIOLATION (c0000005) at 00400002, writing 00000008";
    assert_eq!(crash.to_string(), text);
}

#[test]
fn a_stack_that_cannot_take_the_exception_ends_the_process() {
    let main = code(|c| {
        // mov esp, 30000000h; int3
        c.raw(&[0xbc, 0, 0, 0, 0x30, 0xcc]);
    });
    let mut bench = with_dispatcher(&main, 1);
    assert_eq!(bench.run(), 0x8000_0003);
}

#[test]
fn raised_exceptions_come_back_at_the_second_chance() {
    let main = code(|c| {
        c.store(slot(30), 0xe000_0001).store(slot(33), 0x1234_5678).store(slot(34), 1).store(slot(35), 99);
        c.store(slot(100), 0x1_003f);
        c.call("NtGetContextThread", &[N(0xffff_fffe), N(slot(100))]);
        c.call_to(slot(1), "NtRaiseException", &[N(slot(30)), N(slot(100)), N(0)]);
    });
    let mut bench = with_dispatcher(&main, 0);
    assert_eq!(bench.run(), 0xe000_0001);
    assert_eq!(bench.system.report().crashes[0].record.parameters, [99]);
}

#[test]
fn apcs_run_in_alertable_waits_only() {
    // The dispatcher: pop eax; call eax (takes three arguments); mov ebx, esp; push 1; push ebx; NtContinue.
    let dispatcher = code(|c| {
        c.raw(&[0x58, 0xff, 0xd0, 0x89, 0xe3, 0x6a, 1, 0x53, 0x89, 0xe2, 0xb8, 0x20, 0, 0, 0, 0xcd, 0x2e]);
    });
    // The routine: mov eax, [esp+4]; add [slot 0], eax; ret 12
    let routine = code(|c| {
        c.raw(&[0x8b, 0x44, 0x24, 4, 0x01, 0x05]).raw(&slot(0).to_le_bytes()).raw(&[0xc2, 12, 0]);
    });
    let (dispatcher_at, routine_at) = (CODE + 0x1_0000, CODE + 0x2_0000);
    let main = code(|c| {
        c.store(slot(8), (-1_000_000_i32) as u32).store(slot(9), u32::MAX);
        for value in [5, 6] {
            c.call("NtQueueApcThread", &[N(0xffff_fffe), N(routine_at), N(value), N(0), N(0)]);
        }
        c.call_to(slot(1), "NtDelayExecution", &[N(0), N(slot(8))]);
        c.raw(&[0xa1]).raw(&slot(0).to_le_bytes()).raw(&[0xa3]).raw(&slot(2).to_le_bytes());
        c.call_to(slot(3), "NtDelayExecution", &[N(1), N(slot(8))]);
        c.call_to(slot(4), "NtDelayExecution", &[N(1), N(slot(8))]);
        c.call("NtQueueApcThread", &[N(0xffff_fffe), N(routine_at), N(100), N(0), N(0)]);
        c.call_to(slot(5), "NtTestAlert", &[]).raw(&[0xeb, 0xfe]);
    });
    let entries = UserEntries { apc_dispatcher: dispatcher_at, ..UserEntries::default() };
    let mut bench = Bench::on(1, &[main], entries);
    bench.add_code(dispatcher_at, &dispatcher);
    bench.add_code(routine_at, &routine);
    bench.run_for(5_000);
    assert_eq!([0, 1, 2, 3, 4, 5].map(|number| bench.get(slot(number))), [111, 0, 0, 0xc0, 0, 0]);
}

#[test]
fn bad_pointers_of_calls_are_statuses() {
    let main = code(|c| {
        c.call_to(slot(0), "NtCreateEvent", &[N(0x10), N(0), N(0), N(0), N(0)]);
        c.call_to(slot(1), "NtCreateEvent", &[N(0x8055_a000), N(0), N(0), N(0), N(0)]);
        c.call_to(slot(2), "NtQuerySystemTime", &[N(0xffff_fffc)]);
        c.call_to(slot(3), "NtCreateEvent", &[N(slot(8)), N(0), N(0x7ffe_0000), N(0), N(0)]);
        // The arguments themselves: mov edx, 10h; mov eax, NtCreateEvent; int 2Eh; mov [slot 4], eax
        c.raw(&[0xba, 0x10, 0, 0, 0, 0xb8, 0x23, 0, 0, 0, 0xcd, 0x2e, 0xa3]).raw(&slot(4).to_le_bytes());
        // No such service, and one that is not here.
        c.raw(&[0xb8, 0, 0x10, 0, 0, 0xcd, 0x2e, 0xa3]).raw(&slot(5).to_le_bytes());
        c.call_to(slot(6), "NtShutdownSystem", &[N(0)]).raw(&[0xeb, 0xfe]);
    });
    let mut bench = Bench::new(&[main]);
    bench.run_for(5_000);
    let violation = 0xc000_0005;
    let results = [0, 1, 2, 3, 4, 5, 6].map(|number| bench.get(slot(number)));
    let invalid = 0xc000_000d;
    assert_eq!(
        results,
        [violation, violation, violation, invalid, violation, 0xc000_001c, 0xc000_0002],
        "{results:x?}"
    );
    let missing = &bench.system.report().missing;
    assert_eq!(missing.len(), 1);
    assert_eq!((missing[0].name.as_str(), missing[0].count), ("NtShutdownSystem", 1));
}
