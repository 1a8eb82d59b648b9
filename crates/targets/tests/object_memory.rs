//! Handle tables and objects in guest memory say what the kernel itself knows, in the machine and in a kernel dump.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../machine/tests/guest_support/mod.rs"]
mod guest_support;

use guest_support::{Guest, Machine, given};
use std::collections::BTreeMap;
use std::{rc::Rc, sync::Arc};
use vatlas_machine::nt::{System, SystemStop};
use vatlas_space::{AddressSpace, Handle, ProcessIndex, Target, Va};
use vatlas_targets::{FileBytes, NoImageFiles, machine_target, open};

/// Value, type, access, handles and references of every open handle.
type Facts = Vec<(u64, String, u32, u32, u32)>;

fn facts(handles: &[Handle]) -> Facts {
    let fact = |handle: &Handle| {
        let name = handle.type_name.clone().unwrap_or_default();
        (handle.value, name, handle.granted_access, handle.handle_count, handle.pointer_count)
    };
    handles.iter().map(fact).collect()
}

fn known(system: &System, id: u32) -> Facts {
    let open = system.open_handles(id).into_iter();
    open.map(|open| (open.value.into(), open.type_name.to_owned(), open.access, open.handles, open.references))
        .collect()
}

fn word(space: &dyn AddressSpace, at: u32) -> u32 {
    space.read_u32(Va(at.into())).unwrap()
}

/// The free entries of a table are a list without circle that leads through all of them.
#[track_caller]
fn check_free_list(space: &dyn AddressSpace, object_table: u32, open: &[Handle]) {
    let code = word(space, object_table);
    let pages: Vec<u32> = match code & 3 {
        0 => vec![code],
        1 => (0..1024).map(|n| word(space, (code & !3) + 4 * n)).take_while(|page| *page != 0).collect(),
        level => panic!("level {level}"),
    };
    let mut free = 0;
    let mut next = word(space, object_table + 0x30);
    while next != 0 {
        let at = pages[(next / 0x800) as usize] + next % 0x800 * 2;
        assert_eq!(word(space, at), 0, "handle {next:#x} is free");
        (next, free) = (word(space, at + 4), free + 1);
    }
    assert_eq!(free + open.len(), 511 * pages.len());
    assert_eq!(word(space, object_table + 0x3c), open.len() as u32);
}

/// Compares what guest memory says with what the kernel knows.
#[track_caller]
fn check(system: &Rc<System>) -> usize {
    let target = machine_target(system, "test");
    let mut count = 0;
    for (number, process) in target.processes().iter().enumerate() {
        let (handles, problems) = target.handles(ProcessIndex(number));
        assert_eq!((facts(&handles), problems), (known(system, process.id.unwrap().0), Vec::new()), "{process:?}");
        count += handles.len();
    }
    let read: BTreeMap<String, (String, u32, u32)> = target
        .system()
        .unwrap()
        .objects()
        .into_iter()
        .map(|object| (object.name, (object.type_name, object.handle_count, object.pointer_count)))
        .collect();
    for object in system.named_objects() {
        let told = read.get(&object.name).unwrap_or_else(|| panic!("{} is not in its directory", object.name));
        assert_eq!(*told, (object.type_name, object.handle_count, object.pointer_count), "{}", object.name);
    }
    count
}

#[test]
fn a_tree_of_processes_has_its_handles_in_guest_memory() {
    let machine = Machine { megabytes: 64, processors: 2, page_file: 32768 };
    let mut guest = Guest::new(machine, "tree.exe", "12");
    let mut most = 0;
    loop {
        let stop = guest.system.run(1_500_000);
        let system = Rc::new(guest.system);
        most = most.max(check(&system));
        guest.system = Rc::into_inner(system).unwrap();
        if stop != SystemStop::Budget {
            assert_eq!(stop, SystemStop::Exited { status: 0 });
            break;
        }
    }
    assert!(most > 50, "{most} handles at once");
}

fn dumped(system: &System) -> Box<dyn Target> {
    let mut bytes = Vec::new();
    let mut keep = |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok::<_, ()>(())
    };
    system.write_kernel_dump(&mut keep).unwrap();
    let bytes: FileBytes = Arc::new(bytes);
    open(bytes, Box::new(NoImageFiles)).unwrap()
}

/// Threads, mutants, events, semaphores, timers, files and sections of one process, and what its dump says of them.
#[test]
fn a_kernel_dump_lists_handles_and_named_objects() {
    let programs = given("fixtures/machine/programs", "");
    let mut guest = Guest::on(guest_support::TestHost::default(), programs, Machine::default(), ("threads.exe", ""));
    let mut kinds = std::collections::BTreeSet::new();
    for _ in 0..12 {
        if guest.system.run(40_000) != SystemStop::Budget {
            break;
        }
        let system = Rc::new(guest.system);
        check(&system);
        let (dump, machine) = (dumped(&system), machine_target(&system, "threads.exe"));
        for number in (0..machine.processes().len()).map(ProcessIndex) {
            let (told, live) = (dump.handles(number), machine.handles(number));
            assert_eq!(told, live);
            kinds.extend(told.0.iter().filter_map(|handle| handle.type_name.clone()));
            let space = dump.space(number).unwrap();
            let process = system.process_objects()[number.0];
            check_free_list(space, word(space, process + 0xc4), &told.0);
        }
        assert_eq!(dump.system().unwrap().objects(), machine.system().unwrap().objects());
        let named = |target: &dyn Target| -> Vec<_> {
            let vads = target.system().unwrap().vads(ProcessIndex(1));
            vads.into_iter().map(|vad| (vad.range, vad.file)).collect()
        };
        assert_eq!(named(&*dump), named(&machine));
        drop(machine);
        guest.system = Rc::into_inner(system).unwrap();
    }
    let expected = ["Event", "File", "Mutant", "Semaphore", "Thread"];
    assert!(expected.iter().all(|kind| kinds.contains(*kind)), "{kinds:?}");
    let system = Rc::new(guest.system);
    let objects = dumped(&system).system().unwrap().objects();
    for path in ["\\", "\\ObjectTypes\\Process", "\\Device\\HarddiskVolume1", "\\??\\C:", "\\BaseNamedObjects"] {
        assert!(objects.iter().any(|object| object.name == path), "{path}: {objects:?}");
    }
}
