//! A device under control: events, breakpoints in one process's slot 0, watched bytes, and the way back through time.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod ce_support;

use ce_support::{DEMO, boot, device};
use vatlas_machine::ce::{Configuration, Device};
use vatlas_machine::control::{Controlled, Recorder, step};
use vatlas_space::Va;
use vatlas_space::control::{
    CodePlace, DataPlace, EventKind, EventMask, Judge, Occurrence, Reach, RunEnd, Stops, What,
};

fn always(_: &dyn vatlas_space::control::Moment, _: &Occurrence) -> bool {
    true
}

fn demo() -> Device {
    boot(DEMO, Configuration { instructions_per_tick: 1000, ..Configuration::default() })
}

fn handle(device: &Device, name: &str) -> u32 {
    device.process_views().into_iter().find(|process| process.name == name).unwrap().handle
}

/// All that a run stops for within so many instructions.
fn occurrences(device: &mut Device, stops: &Stops, budget: u64) -> Vec<Occurrence> {
    device.set_stops(stops);
    let end = device.instructions() + budget;
    let mut found = Vec::new();
    while device.instructions() < end {
        match device.run_judged(end - device.instructions(), &mut always) {
            RunEnd::Stopped => found.extend(device.take_occurrences()),
            _ => break,
        }
        assert!(found.len() < 20_000, "{:?}", &found[19_980..]);
    }
    device.set_stops(&Stops::default());
    found
}

fn all_events() -> Stops {
    Stops { events: EventKind::ALL.into_iter().collect::<EventMask>(), ..Stops::default() }
}

#[test]
fn being_looked_at_changes_nothing() {
    let mut watched = demo();
    let found = occurrences(&mut watched, &all_events(), 200_000);
    let mut alone = demo();
    alone.run(200_000);
    watched.run(0);
    assert_eq!(watched.state_hash(), alone.state_hash());
    let has = |kind: EventKind| {
        found.iter().any(|occurrence| matches!(occurrence, Occurrence::Kernel(event) if event.what.kind() == kind))
    };
    for kind in [
        EventKind::ProcessStart,
        EventKind::ThreadStart,
        EventKind::ModuleLoad,
        EventKind::SystemCall,
        EventKind::PageFault,
        EventKind::ContextSwitch,
        EventKind::DebugOutput,
    ] {
        assert!(has(kind), "{kind:?}");
    }
}

#[test]
fn exceptions_and_ends_are_told() {
    let mut device = device(&["null.exe"]);
    device.start_program("null.exe", "").unwrap();
    let found = occurrences(&mut device, &all_events(), 2_000_000);
    let whats: Vec<&What> = found
        .iter()
        .filter_map(|found| if let Occurrence::Kernel(event) = found { Some(&event.what) } else { None })
        .collect();
    let chances: Vec<bool> = whats
        .iter()
        .filter_map(
            |what| if let What::Exception { code: 0xc000_0005, is_first, .. } = what { Some(*is_first) } else { None },
        )
        .collect();
    assert_eq!(chances, [true, false]);
    assert!(
        whats
            .iter()
            .any(|what| matches!(what, What::ProcessEnd { name, status: 0xc000_0005, .. } if name == "null.exe"))
    );
    assert!(whats.iter().any(|what| matches!(what, What::ThreadEnd { status: 0xc000_0005, .. })));
}

#[test]
fn a_breakpoint_at_an_address_of_slot_0_is_one_of_its_process() {
    let mut device = demo();
    device.run(1_000_000);
    let clock = handle(&device, "clock.exe");
    let index = device.process_view(7).unwrap().threads[0];
    while device.current_process() != 7 {
        device.run(1000);
    }
    let pc = device.thread_view(index).unwrap().pc;
    assert!(pc < 0x0200_0000, "{pc:08x}");
    let place = |process| CodePlace { number: 1, va: Va(pc.into()), process: Some(process), thread: None };
    let stops = |process| Stops { code: vec![place(process)], ..Stops::default() };
    let found = occurrences(&mut device, &stops(clock), 20_000);
    assert!(found.len() > 1, "{found:?}");
    // The same address means other code in other processes.
    let other = handle(&device, "battery.exe");
    let elsewhere = occurrences(&mut device, &stops(other), 20_000);
    assert!(elsewhere.iter().all(|_| device.process_view(5).is_some()) && elsewhere.len() < found.len());
}

#[test]
fn watched_bytes_tell_who_wrote() {
    let mut device = demo();
    device.run(1_000_000);
    let clock = handle(&device, "clock.exe");
    let index = device.process_view(7).unwrap().threads[0];
    let stack = device.thread_view(index).unwrap().general[4];
    let place = DataPlace {
        number: 5,
        va: Va(u64::from(stack & !0xfff)),
        length: 0x1000,
        reads: false,
        writes: true,
        process: clock,
        reach: Reach::Process,
    };
    let found = occurrences(&mut device, &Stops { data: vec![place], ..Stops::default() }, 20_000);
    let writes = found
        .iter()
        .filter(|occurrence| matches!(occurrence, Occurrence::Data(touch) if touch.is_write && touch.number == 5));
    assert!(writes.count() > 0, "{found:?}");
}

#[test]
fn a_step_is_one_instruction_of_its_thread() {
    let mut device = demo();
    device.run(500_000);
    let thread = device.thread_view(device.process_view(7).unwrap().threads[0]).unwrap().handle;
    for _ in 0..50 {
        let before = device.executed_by(thread).unwrap();
        let judge: &mut Judge<'_> = &mut always;
        assert_eq!(step(&mut device, thread, 10_000_000, judge), RunEnd::Budget);
        assert_eq!(device.executed_by(thread), Some(before + 1));
    }
}

#[test]
fn the_past_comes_back() {
    let mut device = demo();
    let mut recorder = Recorder::new(&mut device);
    let mut moments = Vec::new();
    for _ in 0..6 {
        recorder.run(&mut device, 70_000, &mut always);
        device.run_judged(0, &mut always);
        moments.push((device.position(), device.state_hash()));
    }
    let last = device.state_hash();
    for (position, hash) in moments.iter().rev() {
        recorder.go_to(&mut device, *position);
        assert_eq!((device.position(), device.state_hash()), (*position, *hash));
    }
    recorder.run(&mut device, 5 * 70_000, &mut always);
    assert_eq!(device.state_hash(), last);
}
