//! Each process has a mapping of its own, each processor the one of what it runs, and a system call changes none.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kernel_support;

use kernel_support::Arg::N;
use kernel_support::{Code, TestHost, code};
use vatlas_machine::nt::{BareProgram, Configuration, ProcessIndex, System, SystemStop, UserEntries};
use vatlas_space::Va;

const CODE: u32 = 0x0040_0000;
/// What EDX points at, and where sums go.
const VALUE: u32 = 0x0050_0000;
const SUM: u32 = 0x0050_0004;

/// A program whose word at [`VALUE`] is `value`.
fn start(system: &mut System, code: &Code, value: u32) -> ProcessIndex {
    let mut data = value.to_le_bytes().to_vec();
    data.resize(0x1000, 0);
    let program = BareProgram {
        name: format!("process{value}.exe"),
        pieces: vec![(CODE, code.bytes.clone()), (VALUE, data)],
        threads: vec![CODE],
        entries: UserEntries::default(),
    };
    system.start_bare(&program).unwrap()
}

fn system(processors: usize) -> System {
    let configuration =
        Configuration { frames: 2048, processors, instructions_per_unit: 1, ..Configuration::default() };
    System::new(configuration, Box::new(TestHost::default())).unwrap()
}

/// `mov edx, VALUE; again: mov eax, [edx]; push eax; add [SUM], eax; pop eax; jmp again`.
fn adds() -> Code {
    code(|c| {
        c.raw(&[0xba]).raw(&VALUE.to_le_bytes()).raw(&[0x8b, 0x02, 0x50, 0x01, 0x05]).raw(&SUM.to_le_bytes());
        c.raw(&[0x58, 0xeb, 0xf4]);
    })
}

fn get(system: &System, process: ProcessIndex, va: u32) -> u32 {
    let mut bytes = [0; 4];
    assert_eq!(system.read_resident(process, va, &mut bytes), 4);
    u32::from_le_bytes(bytes)
}

/// A double word of the kernel's half.
fn word(system: &System, va: u32) -> u32 {
    let pa = system.memory().kernel_address(system.ram(), Va(va.into())).unwrap();
    system.ram().read_u32(pa).unwrap()
}

/// CR3 of a processor, as its task-state segment has it, and the process of its current thread.
fn mapping_of(system: &System, processor: u32) -> (u32, u32) {
    let region = if processor == 0 { 0xffdf_f000 } else { 0xf773_7000 + 0x8000 * processor };
    let tss = word(system, region + 0x40);
    let thread = word(system, region + 0x124);
    (word(system, tss + 0x1c), word(system, thread + 0x220))
}

/// `DirectoryTableBase` of an `EPROCESS`.
fn directory(system: &System, process: u32) -> u32 {
    word(system, process + 0x18)
}

#[test]
fn one_address_is_another_byte_in_each_process() {
    let mut system = system(1);
    let processes = [3, 5].map(|value| start(&mut system, &adds(), value));
    // Turns of 6 ticks; each one loads CR3.
    assert_eq!(system.run(20_000_000), SystemStop::Budget);
    let sums = processes.map(|process| get(&system, process, SUM));
    assert!(sums[0] > 0 && sums[0] % 3 == 0 && sums[1] > 0 && sums[1] % 5 == 0, "{sums:?}");
    let frames = processes.map(|process| {
        let space = system.memory().spaces().nth(1 + usize::from(process == processes[1])).unwrap();
        system.memory().walk(system.ram(), space, Va(VALUE.into())).mapping().unwrap().pa
    });
    assert_ne!(frames[0], frames[1]);
    assert!(system.report().context_switches > 10);
}

#[test]
fn each_processor_has_the_mapping_of_what_it_runs() {
    let mut system = system(2);
    let processes = [3, 5].map(|value| start(&mut system, &adds(), value));
    assert_eq!(system.run(3_000_000), SystemStop::Budget);
    let mappings = [0, 1].map(|processor| mapping_of(&system, processor));
    for (cr3, process) in mappings {
        assert_eq!(cr3, directory(&system, process));
    }
    assert_ne!(mappings[0].0, mappings[1].0);
    // Both ran all the time: neither waited for the other's mapping.
    let sums = processes.map(|process| get(&system, process, SUM));
    let rounds = [sums[0] / 3, sums[1] / 5];
    assert!((299_900..=300_000).contains(&rounds[0]) && rounds[0].abs_diff(rounds[1]) < 10, "{rounds:?}");
}

#[test]
fn a_system_call_changes_no_mapping() {
    let mut system = system(1);
    let calls = code(|c| {
        c.repeat(10_000, |c| {
            c.call("NtQuerySystemTime", &[N(SUM)]);
        });
        c.raw(&[0xeb, 0xfe]);
    });
    start(&mut system, &calls, 1);
    assert_eq!(system.run(1), SystemStop::Budget);
    let before = mapping_of(&system, 0);
    assert_eq!(system.run(500_000), SystemStop::Budget);
    let report = system.report();
    assert_eq!((report.system_calls, report.context_switches), (10_000, 1));
    assert_eq!(mapping_of(&system, 0), before);
    // The kernel's half is the same table in every directory, but for the self-map and what it maps.
    let own = directory(&system, before.1);
    let first = system.memory().spaces().next().unwrap();
    let other = system.memory().space(first).cr3();
    let entry = |cr3: u32, number: u32| system.ram().read_u32(vatlas_space::Pa(u64::from(cr3 + 4 * number))).unwrap();
    for number in (512..1024).filter(|number| *number != 0x300) {
        assert_eq!(entry(own, number), entry(other, number), "{number:x}");
    }
    assert_ne!(own, other);
}

#[test]
fn an_ended_process_leaves_no_mapping_behind() {
    let mut system = system(2);
    let child = code(|c| {
        c.exit(0);
    });
    start(&mut system, &adds(), 1);
    let ended = start(&mut system, &child, 2);
    assert_eq!(system.run(100_000), SystemStop::Budget);
    assert!(system.report().processes[1].is_gone);
    assert_eq!(system.read_resident(ended, VALUE, &mut [0; 4]), 0);
    let kernel = system.memory().space(system.memory().spaces().next().unwrap()).cr3();
    let mappings = [0, 1].map(|processor| mapping_of(&system, processor).0);
    assert!(mappings.contains(&kernel), "the idle processor has the kernel's: {mappings:x?}");
}
