//! NT's structures in guest memory, as whoever reads a dump finds them.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kernel_support;

use kernel_support::Arg::N;
use kernel_support::{Bench, Code, code};
use vatlas_machine::nt::{Configuration, System, UserEntries};
use vatlas_space::Va;

/// Reads double words of the kernel half through the page tables.
fn word(bench: &Bench, va: u32) -> u32 {
    let system = &bench.system;
    let pa = system.memory().kernel_address(system.ram(), Va(va.into())).unwrap();
    system.ram().read_u32(pa).unwrap()
}

fn spin() -> Code {
    code(|c| {
        c.raw(&[0xeb, 0xfe]);
    })
}

/// Processor control region, and the fields of it.
const PCR: u32 = 0xffdf_f000;
const PROCESS_HEAD: u32 = 0x8055_a158;

#[test]
fn processes_and_threads_are_linked() {
    let mut bench = Bench::new(&[spin(), spin()]);
    bench.run_for(1000);
    let mut ids = Vec::new();
    let mut link = word(&bench, PROCESS_HEAD);
    while link != PROCESS_HEAD {
        ids.push(word(&bench, link - 0x88 + 0x84));
        link = word(&bench, link);
    }
    assert_eq!(ids, [4, 0x100]);
    let process = word(&bench, PROCESS_HEAD + 4) - 0x88;
    assert_eq!(word(&bench, process + 0x174), u32::from_le_bytes(*b"test"));
    assert_eq!(word(&bench, process + 0x1a0), 2, "threads");
    let threads = bench.system.threads();
    let mut link = word(&bench, process + 0x190);
    for thread in &threads {
        let block = link - 0x22c;
        assert_eq!((block, word(&bench, block + 0x1f0)), (thread.object, thread.id));
        assert_eq!((word(&bench, block + 0x20), word(&bench, block + 0x220)), (thread.teb, process));
        link = word(&bench, link);
    }
    assert_eq!(link, process + 0x190);
    // The memory manager's numbers, too.
    let report = &bench.system.report().processes[0];
    assert_eq!((word(&bench, process + 0xa8), word(&bench, process + 0x20c)), (report.committed, report.working_set));
}

#[test]
fn the_processor_region_names_the_current_thread() {
    let mut bench = Bench::new(&[spin()]);
    bench.run_for(1000);
    let thread = &bench.system.threads()[0];
    assert_eq!((word(&bench, PCR + 0x1c), word(&bench, PCR + 0x20)), (PCR, PCR + 0x120));
    assert_eq!((word(&bench, PCR + 0x124), word(&bench, PCR + 0x18)), (thread.object, thread.teb));
    // The base of descriptor 38h is the TEB; the stack of ring 0 is the thread's.
    let gdt = word(&bench, PCR + 0x3c);
    let (low, high) = (word(&bench, gdt + 0x38), word(&bench, gdt + 0x3c));
    assert_eq!(low >> 16 | (high & 0xff) << 16 | high & 0xff00_0000, thread.teb);
    let tss = word(&bench, PCR + 0x40);
    let (initial, limit) = (word(&bench, thread.object + 0x18), word(&bench, thread.object + 0x1c));
    assert_eq!((initial - limit, word(&bench, tss + 4)), (0x3000, initial - 0x220));
}

#[test]
fn a_trap_frame_lies_on_the_kernel_stack() {
    let waiting = code(|c| {
        // mov esi, 1234h; then it waits for itself
        c.raw(&[0xbe, 0x34, 0x12, 0, 0]);
        c.call("NtWaitForSingleObject", &[N(0xffff_fffe), N(0), N(0)]);
    });
    let mut bench = Bench::new(&[waiting, spin()]);
    bench.run_for(1000);
    let thread = &bench.system.threads()[0];
    let frame = word(&bench, thread.object + 0x134);
    assert_eq!(frame, word(&bench, thread.object + 0x18) - 0x210 - 0x8c);
    assert_eq!((word(&bench, frame + 0x58), word(&bench, frame + 0x6c)), (0x1234, 0x1b));
    assert_eq!((word(&bench, frame + 0x68), word(&bench, frame + 0x74)), (thread.eip, thread.esp));
    assert_eq!(word(&bench, thread.object + 0x2c) >> 8 & 0xff, 5, "it waits");
}

#[test]
fn the_shared_page_tells_time_and_version() {
    let reading = code(|c| {
        // mov eax, [7ffe0000h]
        c.raw(&[0xa1, 0, 0, 0xfe, 0x7f]).raw(&spin().bytes);
    });
    let mut bench = Bench::on(2, &[reading], UserEntries { system_call: 0x1234, ..UserEntries::default() });
    bench.run_for(1_000_000);
    let shared = 0xffdf_0000;
    assert_eq!((word(&bench, shared + 0x26c), word(&bench, shared + 0x270)), (5, 1));
    assert_eq!((word(&bench, shared), word(&bench, shared + 0x300)), (6, 0x1234));
    // 2004-08-04 12:00 UTC and six ticks.
    let time = u64::from(word(&bench, shared + 0x14)) | u64::from(word(&bench, shared + 0x18)) << 32;
    assert_eq!(time - 127_360_944_000_000_000, 6 * 156_250);
    // The program reads the same frame.
    let mut bytes = [0; 4];
    assert_eq!(bench.system.read_resident(bench.process, 0x7ffe_0000, &mut bytes), 4);
    assert_eq!(u32::from_le_bytes(bytes), 6);
}

#[test]
fn with_three_gigabytes_the_kernel_begins_higher() {
    let host = kernel_support::TestHost::default();
    let configuration = Configuration { user_limit: 0xc000_0000, processors: 3, ..Configuration::default() };
    let system = System::new(configuration, Box::new(host)).unwrap();
    assert_eq!(system.memory().system_range_start(), Va(0xc000_0000));
    let word = |va: u32| {
        let pa = system.memory().kernel_address(system.ram(), Va(va.into())).unwrap();
        system.ram().read_u32(pa).unwrap()
    };
    let head = 0xc0d5_a158;
    assert_eq!(word(word(head) - 4), 4, "the system process");
    assert_eq!((word(PCR + 0x3c), word(0xf773_7000 + 0x1_0000 + 0x1c)), (0xc083_f000, 0xf774_7000));
}
