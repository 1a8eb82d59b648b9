//! A stopped Windows CE device as a target: slots, threads, modules and memory as a debugger sees them.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use std::rc::Rc;
use vatlas_machine::ce::{Configuration, Device};
use vatlas_machine::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, Host, StoreError};
use vatlas_space::{AddressSpace, Process, ProcessIndex, RegionKind, RegionState, Rva, Store, Target, Va, VaRange};
use vatlas_targets::{CeMachineTarget, ce_machine_target};

const DEMO: &[u8] = include_bytes!("../../../fixtures/ce/demo.bin");

struct NoHost;

impl Console for NoHost {
    fn kind(&mut self, _: ConsoleEnd) -> ConsoleKind {
        ConsoleKind::Character
    }

    fn read(&mut self, _: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        Ok(ConsoleInput::End)
    }

    fn write(&mut self, _: ConsoleEnd, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Host for NoHost {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        None
    }

    fn console(&mut self) -> &mut dyn Console {
        self
    }
}

/// The demonstration, stopped while another process than helloworld.exe runs.
fn demo() -> CeMachineTarget {
    let configuration = Configuration { instructions_per_tick: 1000, ..Configuration::default() };
    let mut device = Device::boot(DEMO, configuration, Box::new(NoHost)).unwrap();
    device.run(3_000_000);
    while device.current_process() == 8 {
        device.run(100_000);
    }
    ce_machine_target(&Rc::new(device), "the demonstration")
}

fn process<'t>(target: &'t CeMachineTarget, name: &str) -> (ProcessIndex, &'t Process, &'t dyn AddressSpace) {
    let found = target.processes().iter().position(|process| process.name.as_deref() == Some(name)).unwrap();
    let index = ProcessIndex(found);
    (index, &target.processes()[found], target.space(index).unwrap())
}

#[test]
fn processes_have_their_slots() {
    let target = demo();
    let names: Vec<&str> = target.processes().iter().filter_map(|process| process.name.as_deref()).collect();
    assert_eq!(names[..5], ["NK.EXE", "filesys.exe", "device.exe", "gwes.exe", "shell.exe"]);
    let homes: Vec<(u8, u64)> =
        target.processes().iter().filter_map(|process| process.home.map(|home| (home.number, home.base.0))).collect();
    assert_eq!(homes[0], (0, 0xc200_0000));
    for (number, base) in &homes[1..] {
        assert_eq!(*base, (u64::from(*number) + 1) << 25);
    }
    let (index, hello, _) = process(&target, "helloworld.exe");
    assert_eq!((hello.home.unwrap().number, hello.home.unwrap().access_key), (8, 0x100));
    let ce = target.ce().unwrap();
    assert!(ce.current_process.is_some() && ce.current_process != Some(index));
    let current = &target.processes()[ce.current_process.unwrap().0];
    assert!(current.thread(ce.current_thread.unwrap()).is_some());
}

#[test]
fn the_founding_example() {
    let target = demo();
    let (_, _, hello) = process(&target, "helloworld.exe");
    let (_, _, shell) = process(&target, "shell.exe");
    assert_eq!(hello.read_u32(Va(0x0001_2345)), Ok(72));
    assert_eq!(hello.read_u32(Va(0x1201_2345)), Ok(72));
    assert_eq!(shell.read_u32(Va(0x1201_2345)), Ok(72));
    assert_ne!(shell.read_u32(Va(0x0001_2345)), Ok(72));
    let alias = hello.alias_at(Va(0x0001_2345)).unwrap();
    assert_eq!((alias.of, alias.range.size()), (Va(0x1200_0000), 0x0200_0000));
    // Windows: the same byte a third and a fourth time.
    let Store::Frame(pa) = hello.backing(Va(0x0001_2345)).store else { panic!("in memory") };
    let page = Va(hello.backing(Va(0x0001_2345)).range.first().0);
    let at = pa.0 + (0x0001_2345 - page.0);
    assert_eq!(shell.read_u32(Va(0x8000_0000 + at)), Ok(72));
    assert_eq!(shell.read_u32(Va(0xa000_0000 + at)), Ok(72));
}

#[test]
fn modules_are_where_they_run() {
    let target = demo();
    let (index, hello, _) = process(&target, "helloworld.exe");
    let names: Vec<&str> = hello.modules.iter().map(|module| module.name()).collect();
    assert_eq!(
        names,
        ["helloworld.exe", "coredll.dll", "nk.exe"].map(|name| { if name == "nk.exe" { "NK.EXE" } else { name } })
    );
    let exe = &hello.modules[0];
    assert_eq!(exe.range.first(), Va(0x1_0000));
    let core = &hello.modules[1];
    assert_eq!(core.range.first().0 >> 25, 1);
    let data = core.data.unwrap();
    assert!(data.first().0 > 0x0100_0000 && data.last().0 < 0x0200_0000, "{data:?}");
    let sections = target.sections(index, core).unwrap();
    let writable: Vec<VaRange> =
        sections.sections.iter().filter(|section| section.writable).map(|section| section.range).collect();
    assert!(!writable.is_empty() && writable.iter().all(|range| data.contains(range.first())), "{writable:?}");
    // A place of the data section leads there and back.
    let rva = target.rva_of(core, data.first()).unwrap();
    assert_eq!(target.va_of(core, rva), Some(data.first()));
    assert_eq!(target.va_of(exe, Rva(0x2345)), Some(Va(0x1_2345)));
    assert!(target.image_file(core).unwrap().starts_with(b"MZ"));
}

#[test]
fn threads_know_where_they_are() {
    let target = demo();
    let (_, hello, space) = process(&target, "helloworld.exe");
    let [thread] = hello.threads.as_slice() else { panic!("one thread") };
    let side = &thread.sides[0];
    let ce = thread.ce.unwrap();
    assert_eq!((ce.owner, ce.current, ce.access_mask), (hello.id, hello.id, 0x101));
    let (base, limit) = (side.stack.base.unwrap(), side.stack.limit.unwrap());
    let registers = side.registers.as_ref().unwrap();
    assert!(limit <= registers.sp && registers.sp < base, "{side:?}");
    assert_eq!(base.0 >> 25, 9);
    assert!(space.read_u32(registers.sp).is_ok());
    let region = space.region(registers.sp);
    assert_eq!((region.state, region.kind), (RegionState::Committed, Some(RegionKind::Private)));
    assert!(space.region(side.stack.reserve.unwrap()).state == RegionState::Reserved);
}

#[test]
fn regions_cover_the_whole_space_without_gaps() {
    let target = demo();
    let (_, _, hello) = process(&target, "helloworld.exe");
    let mut next = Va(0);
    let mut count = 0;
    for region in hello.regions_from(Va(0)) {
        assert_eq!(region.range.first(), next, "{region:?}");
        let backing = hello.backing(region.range.first());
        assert!(backing.range.contains(region.range.first()), "{region:?} {backing:?}");
        let mut byte = [0];
        let read = hello.read_within(region.range.first(), &mut byte);
        assert_eq!(read.is_ok(), region.state == RegionState::Committed, "{region:?} {read:?}");
        next = region.range.next().unwrap();
        count += 1;
    }
    assert_eq!(next, Va(0x1_0000_0000));
    assert!((20..2000).contains(&count), "{count}");
}
