//! Drivers in ring 0: loaded on demand, called by programs, with memory and threads of their own; and what a program
//! may not do.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kernel_support;

use kernel_support::{Arg, CODE, Code, DATA, TestHost, code};
use std::borrow::Cow;
use vatlas_images::kernel_dump::KernelDump;
use vatlas_machine::files::GivenFile;
use vatlas_machine::memory::{PageFile, PageFileError, PageFileStore};
use vatlas_machine::nt::{BareProgram, BugCheck, Configuration, ProcessIndex, System, SystemStop, UserEntries};
use vatlas_space::Pfn;

/// Places in the data of a program.
const HANDLE: u32 = DATA;
const STATUS_BLOCK: u32 = DATA + 0x10;
const ATTRIBUTES: u32 = DATA + 0x20;
const NAME: u32 = DATA + 0x40;
const TEXT: u32 = DATA + 0x50;
const RESULT: u32 = DATA + 0x200;
const BUFFER: u32 = DATA + 0x300;
/// `jmp` to itself.
const STAY: &[u8] = &[0xeb, 0xfe];
/// Adds to the counter.
const COUNTER_ADD: u32 = 0x22_2000;

const SYSTEM_FILES: [(&str, &[u8]); 5] = [
    ("WINDOWS\\system32\\ntoskrnl.exe", include_bytes!("../../../guest/bin/ntoskrnl.exe")),
    ("WINDOWS\\system32\\hal.dll", include_bytes!("../../../guest/bin/hal.dll")),
    ("WINDOWS\\system32\\drivers\\counter.sys", include_bytes!("../../../fixtures/machine/drivers/counter.sys")),
    ("WINDOWS\\system32\\drivers\\trouble.sys", include_bytes!("../../../fixtures/machine/drivers/trouble.sys")),
    ("WINDOWS\\system32\\drivers\\worker.sys", include_bytes!("../../../fixtures/machine/drivers/worker.sys")),
];

/// A page file in memory.
#[derive(Default)]
struct Pages(Vec<[u8; 4096]>);

impl PageFileStore for Pages {
    fn grow(&mut self, pages: u32) -> Result<(), PageFileError> {
        self.0.resize(pages as usize, [0; 4096]);
        Ok(())
    }

    fn read(&self, page: u32, bytes: &mut [u8; 4096]) -> Result<(), PageFileError> {
        *bytes = self.0[page as usize];
        Ok(())
    }

    fn write(&mut self, page: u32, bytes: &[u8; 4096]) -> Result<(), PageFileError> {
        self.0[page as usize] = *bytes;
        Ok(())
    }
}

fn configuration(frames: u32, processors: usize) -> Configuration {
    let given = SYSTEM_FILES.map(|(path, bytes)| GivenFile { path: path.to_owned(), bytes: Cow::Borrowed(bytes) });
    Configuration { frames, processors, instructions_per_unit: 1, given: given.to_vec(), ..Configuration::default() }
}

fn system(configuration: Configuration) -> System {
    System::new(configuration, Box::new(TestHost::default())).unwrap()
}

/// The data of a program that names something: `OBJECT_ATTRIBUTES` and the name.
fn data(name: &str) -> Vec<u8> {
    let text: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut bytes = vec![0; 0x2000];
    let mut put = |at: u32, words: &[u32]| {
        let at = (at - DATA) as usize;
        bytes[at..at + 4 * words.len()]
            .copy_from_slice(words.iter().map(|w| w.to_le_bytes()).collect::<Vec<_>>().as_flattened());
    };
    put(ATTRIBUTES, &[0x18, 0, NAME, 0x40, 0, 0]);
    put(NAME, &[text.len() as u32 | (text.len() as u32 + 2) << 16, TEXT]);
    let at = (TEXT - DATA) as usize;
    bytes[at..at + text.len()].copy_from_slice(&text);
    bytes
}

/// Starts a program of machine code whose data name something.
fn start(system: &mut System, name: &str, threads: &[Code]) -> ProcessIndex {
    let mut pieces = vec![(DATA, data(name))];
    let places = (0..).map(|number| CODE + 0x1_0000 * number);
    pieces.extend(places.clone().zip(threads.iter().map(|code| code.bytes.clone())));
    let starts = places.take(threads.len()).collect();
    let program = BareProgram { name: "test.exe".into(), pieces, threads: starts, entries: UserEntries::default() };
    system.start_bare(&program).unwrap()
}

fn get(system: &System, process: ProcessIndex, at: u32) -> u32 {
    let mut bytes = [0; 4];
    assert_eq!(system.read_resident(process, at, &mut bytes), 4, "{at:x}");
    u32::from_le_bytes(bytes)
}

trait DeviceCode {
    fn open(&mut self) -> &mut Self;
    fn control(&mut self, code: u32, input: u32, output: u32) -> &mut Self;
}

impl DeviceCode for Code {
    fn open(&mut self) -> &mut Self {
        let arguments = [HANDLE, 0xc010_0000, ATTRIBUTES, STATUS_BLOCK, 3, 0x20].map(Arg::N);
        self.call_to(RESULT, "NtOpenFile", &arguments)
    }

    fn control(&mut self, code: u32, input: u32, output: u32) -> &mut Self {
        let arguments = [0, 0, 0, STATUS_BLOCK, code, BUFFER, input, BUFFER, output].map(Arg::N);
        let all: Vec<Arg> = [Arg::At(HANDLE)].into_iter().chain(arguments).collect();
        self.call_to(RESULT + 4, "NtDeviceIoControlFile", &all)
    }
}

/// Lets programs, each of which ends in an endless loop, do what they do.
#[track_caller]
fn run(system: &mut System) {
    match system.run(3_000_000) {
        SystemStop::Budget => {}
        SystemStop::BugCheck(check) => panic!("{check}"),
        other => panic!("{other:?} {:?} {:?}", system.report(), system.threads()),
    }
}

#[test]
fn a_driver_is_loaded_on_demand_and_its_number_is_one_for_all() {
    let mut system = system(configuration(2048, 1));
    let adds = |amount| {
        code(|c| {
            c.open().store(BUFFER, amount).control(COUNTER_ADD, 4, 16).raw(STAY);
        })
    };
    let first = start(&mut system, "\\??\\counter", &[adds(5)]);
    let second = start(&mut system, "\\??\\counter", &[adds(30)]);
    run(&mut system);
    let results =
        [first, second].map(|process| [RESULT, RESULT + 4, STATUS_BLOCK + 4].map(|at| get(&system, process, at)));
    assert_eq!(results, [[0, 0, 16]; 2], "{:?}", system.debug_text());
    let [one, other] = [first, second].map(|process| [0, 4, 8, 12].map(|at| get(&system, process, BUFFER + at)));
    assert_eq!((one[0] + other[0], one[0].max(other[0])), (40 + one[0].min(other[0]) - 5, 35));
    assert_eq!(one[1], other[1], "the same address in both");
    assert!(one[1] >= 0xf100_0000 && one[2] != other[2], "{one:x?} {other:x?}");
    assert_eq!(system.debug_text(), ["counter: \\Registry\\Machine\\System\\CurrentControlSet\\Services\\counter\n"]);
}

/// A program asks the trouble driver for trouble; the system stops.
#[track_caller]
fn trouble(what: u32) -> Box<BugCheck> {
    let mut system = system(configuration(2048, 1));
    let asks = code(|c| {
        c.open().control(0x22_2000 | what << 2, 0, 0).exit(0);
    });
    start(&mut system, "\\??\\trouble", &[asks]);
    match system.run(3_000_000) {
        SystemStop::BugCheck(check) => {
            assert_eq!(system.run(1000), SystemStop::BugCheck(check.clone()), "it stays stopped");
            assert_eq!(system.bug_check(), Some(&*check));
            check
        }
        other => panic!("{what}: {other:?} {:?}", system.report()),
    }
}

#[track_caller]
fn check_trouble(what: u32, code: u32, parameters: [Option<u32>; 4], module: Option<&str>) {
    let check = trouble(what);
    assert_eq!(check.code, code, "{what}: {check}");
    for (actual, expected) in check.parameters.iter().zip(parameters) {
        assert!(expected.is_none_or(|expected| expected == *actual), "{what}: {check}");
    }
    assert_eq!(check.module.as_ref().map(|module| module.name.as_str()), module, "{what}: {check}");
}

#[test]
fn a_driver_that_fails_stops_the_system() {
    let driver = Some("trouble.sys");
    check_trouble(0, 0x8e, [Some(0xc000_0005), None, None, Some(0)], driver);
    check_trouble(1, 0x50, [Some(0xdead_0000), Some(0), None, Some(0)], driver);
    check_trouble(2, 0xd1, [None, Some(2), Some(1), None], driver);
    check_trouble(3, 0xb8, [None, Some(0), Some(0), Some(0)], driver);
    check_trouble(4, 0x7f, [Some(8), None, None, None], driver);
    check_trouble(5, 0x8e, [Some(0x8000_0003), None, None, Some(0)], driver);
    check_trouble(6, 0x8e, [Some(0xc000_0094), None, None, Some(0)], driver);
    check_trouble(7, 0xe2, [Some(1), Some(2), Some(3), Some(4)], driver);
    check_trouble(8, 0xc2, [Some(7), Some(0), None, None], driver);
    check_trouble(9, 0x4a, [None, Some(2), None, None], Some("ntoskrnl.exe"));
    check_trouble(10, 0x44, [None, Some(0), Some(0), Some(0)], Some("ntoskrnl.exe"));
    check_trouble(11, 0x7e, [Some(0xc000_0005), None, None, None], driver);
    check_trouble(12, 0xbe, [None, None, None, None], driver);
}

#[test]
fn the_screen_names_driver_and_offset() {
    let screen = trouble(7).to_string();
    let lines: Vec<&str> = screen.lines().filter(|line| line.starts_with("***")).collect();
    assert_eq!(lines[0], "*** STOP: 0x000000E2 (0x00000001,0x00000002,0x00000003,0x00000004)");
    assert!(lines[1].starts_with("***  trouble.sys - Address F100") && lines[1].contains("(trouble.sys+1"), "{screen}");
    assert!(screen.contains("MANUALLY_INITIATED_CRASH"), "{screen}");
}

/// A program asks the worker driver; the status, and the answer's first word.
#[track_caller]
fn ask_worker(control: u32, words: &[u32]) -> (u32, u32) {
    let mut system = system(configuration(2048, 1));
    let asks = code(|c| {
        c.open();
        for (at, word) in (BUFFER..).step_by(4).zip(words) {
            c.store(at, *word);
        }
        c.control(control, 4 * words.len() as u32, 4).raw(STAY);
    });
    let process = start(&mut system, "\\??\\worker", &[asks]);
    run(&mut system);
    assert_eq!(get(&system, process, RESULT), 0);
    (get(&system, process, RESULT + 4), get(&system, process, BUFFER))
}

#[test]
fn drivers_have_threads_locks_and_waits() {
    assert_eq!(ask_worker(0x22_2000, &[10, 20, 300]), (0, 330), "a thread of the system completes the request");
    assert_eq!(ask_worker(0x22_200c, &[7]), (0, 22), "code of a pageable section");
    assert_eq!(ask_worker(0x22_2010, &[0]), (0, 1000));
    assert_eq!(ask_worker(0x22_2018, &[0]), (0, 1));
    assert_eq!(ask_worker(0x22_201b, &[21]), (0, 42), "the program's own memory");
    let (status, milliseconds) = ask_worker(0x22_201c, &[0]);
    assert!(status == 0 && (50..=80).contains(&milliseconds), "{status:x} {milliseconds}");
    assert_eq!(ask_worker(0x22_2ffc, &[0]).0, 0xc000_0010);
}

#[test]
fn spin_locks_hold_on_several_processors() {
    let mut system = system(configuration(2048, 2));
    let spins = || {
        code(|c| {
            c.open();
            c.repeat(5, |c| {
                c.control(0x22_2010, 4, 4);
            });
            c.raw(STAY);
        })
    };
    let processes: Vec<_> = (0..3).map(|_| start(&mut system, "\\??\\worker", &[spins()])).collect();
    run(&mut system);
    run(&mut system);
    let most = processes.iter().map(|process| get(&system, *process, BUFFER)).max();
    assert_eq!(most, Some(15_000));
}

#[test]
fn paged_pool_goes_through_the_page_file() {
    let mut configuration = configuration(1024, 1);
    configuration.page_files.push(PageFile::new(Box::new(Pages::default()), 4096, 4096).unwrap());
    let mut system = system(configuration);
    let asks = code(|c| {
        c.open().store(BUFFER, 5 << 20).control(0x22_2004, 4, 4);
        c.raw(&[0xa1]).raw(&BUFFER.to_le_bytes()).raw(&[0xa3]).raw(&(RESULT + 8).to_le_bytes());
        c.control(0x22_2008, 4, 4).raw(STAY);
    });
    let process = start(&mut system, "\\??\\worker", &[asks]);
    run(&mut system);
    let results = [RESULT, RESULT + 4, RESULT + 8, BUFFER].map(|at| get(&system, process, at));
    assert_eq!(results, [0, 0, 427, 0], "427 blocks of 12 KB, and nothing wrong in them");
    let report = system.report();
    assert!(report.memory.page_outs > 200 && report.memory.page_ins > 200, "{:?}", report.memory);
}

#[test]
fn programs_may_not_do_what_ring_0_may() {
    for (what, instruction) in [
        ("hlt", &[0xf4][..]),
        ("cli", &[0xfa]),
        ("in", &[0xec]),
        ("mov cr3", &[0x0f, 0x22, 0xd8]),
        ("mov from cr0", &[0x0f, 0x20, 0xc0]),
        ("wrmsr", &[0x0f, 0x30]),
        ("lgdt", &[0x0f, 0x01, 0x10]),
        ("invlpg", &[0x0f, 0x01, 0x38]),
    ] {
        check_exception(what, instruction, 0xc000_0096);
    }
    check_exception("vmcall", &[0x0f, 0x01, 0xc1], 0xc000_001d);
    check_exception("read the kernel", &[0xa1, 0x00, 0x70, 0x4d, 0x80], 0xc000_0005);
    check_exception("write the pool", &[0xa3, 0x00, 0x00, 0x00, 0x83], 0xc000_0005);
    check_exception("call the kernel", &[0xb8, 0x00, 0x80, 0x4d, 0x80, 0xff, 0xd0], 0xc000_0005);
    check_exception("an interrupt gate", &[0xcd, 0x30], 0xc000_0005);
}

#[track_caller]
fn check_exception(what: &str, instruction: &[u8], expected: u32) {
    let mut system = system(configuration(2048, 1));
    start(
        &mut system,
        "",
        &[code(|c| {
            c.raw(instruction).exit(0);
        })],
    );
    assert_eq!(system.run(100_000), SystemStop::Exited { status: expected }, "{what}");
}

#[test]
fn a_driver_goes_when_nobody_has_it_open() {
    let key = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\counter";
    let mut system = system(configuration(2048, 1));
    let asks = code(|c| {
        c.call_to(RESULT, "NtLoadDriver", &[Arg::N(NAME)]);
        c.call_to(RESULT + 4, "NtLoadDriver", &[Arg::N(NAME)]);
        c.call_to(RESULT + 8, "NtUnloadDriver", &[Arg::N(NAME)]);
        c.call_to(RESULT + 12, "NtUnloadDriver", &[Arg::N(NAME)]).raw(STAY);
    });
    let process = start(&mut system, key, &[asks]);
    run(&mut system);
    let results = [0, 4, 8, 12].map(|at| get(&system, process, RESULT + at));
    assert_eq!(results, [0, 0xc000_010e, 0, 0xc000_0034]);
    assert_eq!(system.debug_text().last().map(String::as_str), Some("counter: gone with 0\n"));
}

/// The same number of a driver, whichever way the kernel has its addresses; loads of CR3 and walks of tables.
fn count_by(has_separate_kernel: bool) -> (u32, u64, u64) {
    let configuration = Configuration { has_separate_kernel, ..configuration(2048, 1) };
    let mut system = system(configuration);
    let asks = code(|c| {
        c.open().store(BUFFER, 3);
        c.repeat(100, |c| {
            c.control(COUNTER_ADD, 4, 16);
        });
        c.raw(STAY);
    });
    let process = start(&mut system, "\\??\\counter", &[asks]);
    run(&mut system);
    let report = system.report();
    assert_eq!(get(&system, process, RESULT + 4), 0);
    (get(&system, process, BUFFER + 8), report.kernel_space_switches, report.table_walks)
}

#[test]
fn a_kernel_with_a_space_of_its_own_costs_two_loads_of_cr3_a_call() {
    let (process, loads, walks) = count_by(false);
    assert_eq!((process, loads), (0x100, 0));
    let (process, more_loads, more_walks) = count_by(true);
    assert_eq!((process, more_loads), (0x100, 2 * 101));
    assert!(more_walks > walks + 400, "{walks} {more_walks}");
}

#[test]
fn a_dump_has_what_the_machine_has() {
    let mut system = system(configuration(1024, 1));
    let asks = code(|c| {
        c.open().control(0x22_2000, 0, 0).exit(0);
    });
    start(&mut system, "\\??\\trouble", &[asks]);
    let stop = system.run(3_000_000);
    assert!(matches!(stop, SystemStop::BugCheck(_)), "{stop:?}");
    let mut bytes = Vec::new();
    system
        .write_kernel_dump::<()>(&mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })
        .unwrap();
    let dump = KernelDump::read(&bytes).unwrap();
    assert_eq!(dump.bug_check.0, 0x8e);
    assert_eq!(dump.exception.0, 0xc000_0005);
    assert_eq!((dump.pages(), dump.problems.len()), (1023, 0));
    let roots = system.debugger_roots();
    assert_eq!((dump.process_list, Some(dump.module_list)), (roots.process_list, roots.module_list));
    for page in 1..1024 {
        let at = dump.page_offset(Pfn(page)).unwrap() as usize;
        let frame = system.ram().frame(Pfn(page));
        assert_eq!(bytes[at..at + 4096], frame.map_or(vec![0; 4096], |frame| frame.to_vec()), "{page:x}");
    }
}
