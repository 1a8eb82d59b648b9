//! A kernel dump of the machine says what the machine itself says.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../machine/tests/kernel_support/mod.rs"]
mod kernel_support;

use kernel_support::{Arg, CODE, DATA, TestHost, code};
use std::borrow::Cow;
use std::{rc::Rc, sync::Arc};
use vatlas_machine::files::GivenFile;
use vatlas_machine::nt::{BareProgram, Configuration, System, SystemStop, UserEntries};
use vatlas_space::{AddressSpace, FrameState, Pfn, ProcessIndex, Target, Va};
use vatlas_targets::{FileBytes, NoImageFiles, machine_target, open};

const FILES: [(&str, &[u8]); 3] = [
    ("WINDOWS\\system32\\ntoskrnl.exe", include_bytes!("../../../guest/bin/ntoskrnl.exe")),
    ("WINDOWS\\system32\\hal.dll", include_bytes!("../../../guest/bin/hal.dll")),
    ("WINDOWS\\system32\\drivers\\trouble.sys", include_bytes!("../../../fixtures/machine/drivers/trouble.sys")),
];

/// A machine whose driver wrote to address 4.
fn stopped() -> System {
    let given = FILES.map(|(path, bytes)| GivenFile { path: path.to_owned(), bytes: Cow::Borrowed(bytes) });
    let configuration = Configuration { frames: 1024, given: given.to_vec(), ..Configuration::default() };
    let mut system = System::new(configuration, Box::new(TestHost::default())).unwrap();
    let name: Vec<u8> = "\\??\\trouble".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = name.len() as u32;
    let words = [0x18, 0, DATA + 0x20, 0x40, 0, 0, 0, 0, length | length << 16, DATA + 0x40];
    let mut data = words.map(u32::to_le_bytes).as_flattened().to_vec();
    data.resize(0x40, 0);
    data.extend(name);
    data.resize(0x1000, 0);
    let asks = code(|c| {
        c.call("NtOpenFile", &[DATA + 0x100, 0xc010_0000, DATA, DATA + 0x110, 3, 0x20].map(Arg::N));
        let rest = [0, 0, 0, DATA + 0x110, 0x22_2000, 0, 0, 0, 0].map(Arg::N);
        let all: Vec<Arg> = [Arg::At(DATA + 0x100)].into_iter().chain(rest).collect();
        c.call("NtDeviceIoControlFile", &all).exit(0);
    });
    let program = BareProgram {
        name: "test.exe".into(),
        pieces: vec![(DATA, data), (CODE, asks.bytes)],
        threads: vec![CODE],
        entries: UserEntries::default(),
    };
    system.start_bare(&program).unwrap();
    let stop = system.run(1_000_000);
    assert!(matches!(stop, SystemStop::BugCheck(_)), "{stop:?}");
    system
}

fn dumped(system: &System) -> Box<dyn Target> {
    let mut bytes = Vec::new();
    system
        .write_kernel_dump::<()>(&mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })
        .unwrap();
    let bytes: FileBytes = Arc::new(bytes);
    open(bytes, Box::new(NoImageFiles)).unwrap()
}

#[test]
fn processes_modules_and_frames_are_the_same() {
    let system = Rc::new(stopped());
    let (dump, machine) = (dumped(&system), machine_target(&system, "test.exe"));
    let facts = |target: &dyn Target| -> Vec<_> {
        let process = |process: &vatlas_space::Process| {
            (process.id, process.name.clone(), process.threads.len(), process.modules.clone(), process.peb)
        };
        target.processes().iter().map(process).collect()
    };
    assert_eq!(facts(&*dump), facts(&machine));
    let names: Vec<&str> = dump.processes()[1].modules.iter().map(vatlas_space::Module::name).collect();
    assert_eq!(names, ["ntoskrnl.exe", "hal.dll", "trouble.sys"]);
    let (dumped, live) = (dump.system().unwrap(), machine.system().unwrap());
    for page in (1..1024).map(Pfn) {
        assert_eq!(dumped.frame(page), live.frame(page), "{page:?}");
    }
    assert!((1..1024).any(|page| dumped.frame(Pfn(page)).is_some_and(|frame| frame.state == FrameState::Active)));
    for process in [0, 1].map(ProcessIndex) {
        assert_eq!(dumped.vads(process), live.vads(process));
    }
}

#[test]
fn the_thread_that_stopped_the_system_is_in_the_driver() {
    let system = Rc::new(stopped());
    let dump = dumped(&system);
    let exception = dump.exception().unwrap();
    assert_eq!((exception.code, dump.current()), (0xc000_0005, ProcessIndex(1)));
    let process = &dump.processes()[1];
    let side = &process.thread(exception.thread).unwrap().sides[0];
    let registers = side.registers.as_ref().unwrap();
    let driver = process.modules.iter().find(|module| module.name() == "trouble.sys").unwrap();
    assert!(driver.range.contains(registers.pc), "{registers:?}");
    let (limit, base) = (side.stack.limit.unwrap(), side.stack.base.unwrap());
    assert!(limit <= registers.sp && registers.sp < base && limit.0 >= 0xeb00_0000);
    assert!(dump.kind().description.contains("KERNEL_MODE_EXCEPTION_NOT_HANDLED"), "{}", dump.kind().description);
}

#[test]
fn memory_reads_alike_and_what_is_not_there_is_not_invented() {
    let system = Rc::new(stopped());
    let (dump, machine) = (dumped(&system), machine_target(&system, "test.exe"));
    let (dumped, live): (&dyn AddressSpace, _) =
        (dump.space(ProcessIndex(1)).unwrap(), machine.space(ProcessIndex(1)).unwrap());
    for va in [0x0040_0000, 0x0050_0000, 0x7ffe_0000, 0x804d_7000, 0x80c0_0000, 0x8300_0000, 0xf100_0000, 0xffdf_f000] {
        let mut both = [[0; 256]; 2];
        let counts = [dumped.read_available(Va(va), &mut both[0]), live.read_available(Va(va), &mut both[1])];
        assert_eq!((counts[0], both[0]), (counts[1], both[1]), "{va:x}");
    }
    assert!(dumped.read_u32(Va(0x2000_0000)).is_err());
}
