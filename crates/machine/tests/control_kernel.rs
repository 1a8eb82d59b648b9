//! The kernel under control: what it tells, where it stops, and the way back through time.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kernel_support;

use kernel_support::{Arg, Bench, CODE, Code, DATA, code};
use vatlas_machine::control::{Controlled, Recorder, step};
use vatlas_machine::nt::System;
use vatlas_space::Va;
use vatlas_space::control::{
    CodePlace, DataPlace, EventKind, EventMask, Judge, Occurrence, Position, Reach, RunEnd, Stops, TouchedBy, What,
};

/// A thread that counts at an address, so many rounds, with a system call in each.
fn counting(at: u32, rounds: u32) -> Code {
    code(|code| {
        code.repeat(rounds, |code| {
            code.count(at).call("NtYieldExecution", &[]);
        })
        .exit_thread(7);
    })
}

fn two_threads(processors: usize) -> Bench {
    let threads = [counting(DATA, 40), counting(DATA + 0x1000, 30)];
    Bench::on(processors, &threads, vatlas_machine::nt::UserEntries::default())
}

fn always(_: &dyn vatlas_space::control::Moment, _: &Occurrence) -> bool {
    true
}

/// What a run stops for, and the moments.
fn stops(system: &mut System, stops: &Stops) -> Vec<(Position, Occurrence)> {
    system.set_stops(stops);
    let mut found = Vec::new();
    while let RunEnd::Stopped = system.run_judged(1_000_000, &mut always) {
        let position = system.position();
        found.extend(system.take_occurrences().into_iter().map(|occurrence| (position, occurrence)));
        assert!(found.len() < 10_000);
    }
    found
}

fn at(number: u32, va: u32) -> CodePlace {
    CodePlace { number, va: Va(va.into()), process: None, thread: None }
}

fn data(va: u32, reach: Reach, process: u32) -> DataPlace {
    DataPlace { number: 1, va: Va(va.into()), length: 4, reads: false, writes: true, process, reach }
}

fn id(bench: &Bench) -> u32 {
    bench.system.report().processes.iter().find(|process| process.name == "test.exe").unwrap().id
}

#[test]
fn breakpoints_stop_every_thread_once_for_each_round() {
    for processors in [1, 2, 3] {
        let mut undisturbed = two_threads(processors);
        undisturbed.run();
        let mut bench = two_threads(processors);
        // The first instruction of each round.
        let places = Stops { code: vec![at(1, CODE + 5), at(2, CODE + 0x1_0005)], ..Stops::default() };
        let found = stops(&mut bench.system, &places);
        let count = |number: u32| {
            let is_it = |occurrence: &Occurrence| matches!(occurrence, Occurrence::Code { numbers, .. } if numbers == &[number]);
            found.iter().filter(|(_, occurrence)| is_it(occurrence)).count()
        };
        assert_eq!((count(1), count(2)), (40, 30));
        assert!(
            found.iter().all(|(_, occurrence)| matches!(occurrence, Occurrence::Code { va, .. } if va.0 & 0xffff == 5))
        );
        bench.system.run(0);
        undisturbed.system.run(0);
        assert_eq!(bench.system.state_hash(), undisturbed.system.state_hash());
    }
}

#[test]
fn a_breakpoint_of_one_thread_or_process_is_none_of_others() {
    let mut bench = two_threads(1);
    let process = id(&bench);
    let thread = bench.system.who(0).thread;
    let place = |process, thread| CodePlace { process, thread, ..at(1, CODE + 5) };
    let check = |bench: &mut Bench, place, expected: usize| {
        let places = Stops { code: vec![place], ..Stops::default() };
        assert_eq!(stops(&mut bench.system, &places).len(), expected);
    };
    check(&mut bench, place(Some(process + 400), None), 0);
    let mut bench = two_threads(1);
    check(&mut bench, place(Some(process), None), 40);
    let mut bench = two_threads(1);
    check(&mut bench, place(None, Some(thread.max(1) + 4000)), 0);
}

#[test]
fn data_breakpoints_tell_the_value_before() {
    for reach in [Reach::Process, Reach::Aliases] {
        let mut bench = two_threads(2);
        let places = Stops { data: vec![data(DATA, reach, id(&bench))], ..Stops::default() };
        let found = stops(&mut bench.system, &places);
        let values: Vec<u32> = found
            .iter()
            .map(|(_, occurrence)| match occurrence {
                Occurrence::Data(touch) => {
                    assert_eq!(touch.by, TouchedBy::Instruction(Va(DATA.into())));
                    u32::from_le_bytes(touch.before[..].try_into().unwrap())
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(values, (0..40).collect::<Vec<_>>());
    }
}

#[test]
fn what_the_kernel_writes_for_a_program_is_a_write() {
    // NtQuerySystemTime(DATA)
    let mut bench = Bench::new(&[code(|code| {
        code.call("NtQuerySystemTime", &[Arg::N(DATA)]).exit(0);
    })]);
    let places = Stops { data: vec![data(DATA, Reach::Process, id(&bench))], ..Stops::default() };
    let found = stops(&mut bench.system, &places);
    let [(_, Occurrence::Data(touch))] = &found[..] else { panic!("{found:?}") };
    assert_eq!(touch.by, TouchedBy::Kernel);
    assert!((CODE..CODE + 0x40).contains(&(touch.pc.0 as u32)), "{touch:?}");
}

#[test]
fn system_calls_stop_before_and_behind_with_arguments_and_status() {
    let mut bench = Bench::new(&[code(|code| {
        code.call("NtQuerySystemTime", &[Arg::N(DATA)]).call("NtClose", &[Arg::N(0x1234)]).exit(3);
    })]);
    let events = EventMask::NONE.with(EventKind::SystemCall).with(EventKind::SystemCallReturn);
    let found = stops(&mut bench.system, &Stops { events, ..Stops::default() });
    let words: Vec<String> = found
        .iter()
        .map(|(position, occurrence)| {
            let Occurrence::Kernel(event) = occurrence else { panic!() };
            match &event.what {
                What::SystemCall { name, arguments } => format!("{} {name} {arguments:x?}", position.entry % 2),
                What::SystemCallReturn { name, status } => format!("{} {name} = {status:x?}", position.entry % 2),
                other => panic!("{other:?}"),
            }
        })
        .collect();
    assert_eq!(
        words,
        [
            "1 NtQuerySystemTime [500000]",
            "0 NtQuerySystemTime = Some(0)",
            "1 NtClose [1234]",
            "0 NtClose = Some(c0000008)",
            "1 NtTerminateProcess [ffffffff, 3]",
            "0 NtTerminateProcess = None",
        ]
    );
}

#[test]
fn a_page_fault_is_followed_from_the_instruction_to_the_retry() {
    let mut bench = Bench::new(&[code(|code| {
        code.store(DATA + 0x800, 5).exit(0);
    })]);
    let events = EventMask::NONE.with(EventKind::PageFault).with(EventKind::PageFaultResolved);
    let found = stops(&mut bench.system, &Stops { events, ..Stops::default() });
    let words: Vec<_> = found
        .iter()
        .map(|(position, occurrence)| match occurrence {
            Occurrence::Kernel(event) => match &event.what {
                What::PageFault { va, is_write, is_present, .. } => (*position, va.0, "fault", *is_write, *is_present),
                What::PageFaultResolved { va, how } => (*position, va.0, *how, true, true),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    let moment = |entry| Position { instructions: 1, entry };
    // The push of the first argument, after the store: the stack has no page yet.
    assert_eq!(
        words,
        [
            (moment(1), 0x1_ffec, "fault", true, false),
            (moment(2), 0x1_ffec, "a page of zeroes (demand zero)", true, true)
        ]
    );
}

#[test]
fn threads_are_stepped_one_instruction_at_a_time() {
    for processors in [1, 2] {
        let mut bench = two_threads(processors);
        bench.system.run(20);
        let who = bench.system.who(0);
        let before = Controlled::executed_by(&bench.system, who.thread).unwrap();
        for count in 1..=120 {
            assert_eq!(step(&mut bench.system, who.thread, 1_000_000, &mut |_, _| false), RunEnd::Budget);
            assert_eq!(Controlled::executed_by(&bench.system, who.thread), Some(before + count));
        }
        let mut undisturbed = two_threads(processors);
        undisturbed.system.run(bench.system.instructions());
        bench.system.run(0);
        assert_eq!(bench.system.state_hash(), undisturbed.system.state_hash());
    }
}

/// Everything that a moment is.
fn state(system: &mut System) -> (Position, u64) {
    system.show();
    (system.position(), system.state_hash())
}

#[test]
fn every_moment_can_be_gone_back_to() {
    for processors in [1, 2] {
        let mut bench = two_threads(processors);
        let system = &mut bench.system;
        let mut recorder = Recorder::new(system);
        let events =
            EventMask::NONE.with(EventKind::SystemCall).with(EventKind::ContextSwitch).with(EventKind::PageFault);
        let stops = Stops { code: vec![at(1, CODE + 5)], events, ..Stops::default() };
        system.set_stops(&stops);
        let mut moments = vec![state(system)];
        while recorder.run(system, 1_000_000, &mut always) == RunEnd::Stopped {
            moments.push(state(system));
        }
        assert!(moments.len() > 100, "{}", moments.len());
        for place in (0..moments.len()).rev().chain([5, 80, 3, 100, 0, 60]) {
            assert!(recorder.go_to(system, moments[place].0), "{place}: {:?}", moments[place].0);
            assert_eq!(state(system), moments[place], "{place}");
        }
    }
}

#[test]
fn backwards_meets_what_forwards_met_in_the_other_order() {
    let mut bench = two_threads(2);
    let system = &mut bench.system;
    let mut recorder = Recorder::new(system);
    let process = system.report().processes.iter().find(|process| process.name == "test.exe").unwrap().id;
    let events = EventMask::NONE.with(EventKind::SystemCall);
    let stops = Stops { code: vec![at(1, CODE + 5)], data: vec![data(DATA + 0x1000, Reach::Aliases, process)], events };
    system.set_stops(&stops);
    let mut forwards = Vec::new();
    while recorder.run(system, 1_000_000, &mut always) == RunEnd::Stopped {
        forwards.push((system.position(), system.take_occurrences()));
    }
    assert!(forwards.len() > 100);
    let mut backwards = Vec::new();
    loop {
        match recorder.run_back(system, &mut always) {
            (RunEnd::Stopped, found) => backwards.push((system.position(), found)),
            (end, _) => {
                assert_eq!(end, RunEnd::HistoryBegins);
                break;
            }
        }
    }
    backwards.reverse();
    for (back, forth) in backwards.iter().zip(&forwards) {
        assert_eq!(back, forth);
    }
    assert_eq!(backwards.len(), forwards.len());
}

#[test]
fn who_wrote_last_and_what_was_there_before() {
    let mut bench = two_threads(1);
    let process = id(&bench);
    let system = &mut bench.system;
    let mut recorder = Recorder::new(system);
    let run: &mut Judge<'_> = &mut |_, _| false;
    assert!(matches!(recorder.run(system, 1_000_000, run), RunEnd::Exited(_)));
    let now = state(system);
    let mut before = None;
    for expected in (0..30_u32).rev() {
        let writer = recorder.last_write(system, &data(DATA + 0x1000, Reach::Process, process));
        if expected == 29 {
            assert_eq!(state(system), now);
        }
        let Some(writer) = writer else { panic!("{expected}") };
        assert_eq!(writer.touch.before, expected.to_le_bytes());
        assert_eq!(writer.after, (expected + 1).to_le_bytes());
        assert_eq!(writer.who.process, process);
        assert!(before.is_none_or(|before| writer.position < before));
        before = Some(writer.position);
        let earlier = Position { instructions: writer.position.instructions - 1, entry: 0 };
        // The moment before: whatever the kernel had done until then.
        assert_eq!(recorder.step_back_to(system, earlier.instructions), RunEnd::Stopped);
    }
    assert_eq!(recorder.last_write(system, &data(DATA + 0x1000, Reach::Process, process)), None);
}

#[test]
fn one_step_back_is_where_one_step_came_from() {
    for processors in [1, 2] {
        let mut bench = two_threads(processors);
        bench.system.run(50);
        let system = &mut bench.system;
        let mut recorder = Recorder::new(system);
        let thread = system.who(system.computer().next()).thread;
        let mut states = vec![(Controlled::executed_by(system, thread), system.computer().processors.len())];
        for _ in 0..120 {
            recorder.step(system, thread, 1_000_000, &mut |_, _| false);
            states.push((Controlled::executed_by(system, thread), processors));
        }
        for expected in states.iter().rev().skip(1) {
            recorder.step_back(system, thread);
            assert_eq!(Controlled::executed_by(system, thread), expected.0);
        }
    }
}

#[test]
fn a_change_forks_the_past() {
    let mut bench = two_threads(1);
    let process = id(&bench);
    let system = &mut bench.system;
    let mut recorder = Recorder::new(system);
    recorder.run(system, 400, &mut |_, _| false);
    let before = system.position();
    recorder.run(system, 400, &mut |_, _| false);
    recorder.go_to(system, before);
    assert!(recorder.fork(system));
    let (pa, _) = system.find(process, DATA + 0x1000).unwrap();
    system.computer_mut().board.ram.write(vatlas_space::Pa(pa.into()), &1000_u32.to_le_bytes());
    recorder.forked(system);
    assert!(matches!(recorder.run(system, 1_000_000, &mut |_, _| false), RunEnd::Exited(_)));
    let end = state(system);
    // From before the change the way forward makes it again: in one run, step by step, from the very moment, and from a
    // breakpoint that stops there.
    let run = |recorder: &mut Recorder<System>, system: &mut System| {
        assert!(matches!(recorder.run(system, 1_000_000, &mut |_, _| false), RunEnd::Exited(_)));
        assert_eq!(state(system), end);
    };
    let earlier = Position { instructions: before.instructions - 100, entry: before.entry };
    recorder.go_to(system, earlier);
    run(&mut recorder, system);
    recorder.step_back_to(system, earlier.instructions);
    let thread = system.who(system.computer().next()).thread;
    for _ in 0..150 {
        recorder.step(system, thread, 1_000_000, &mut |_, _| false);
    }
    assert!(system.position() > before);
    run(&mut recorder, system);
    assert_eq!(recorder.step_back_to(system, before.instructions), RunEnd::Stopped);
    run(&mut recorder, system);
    recorder.go_to(system, before);
    let (_, pc, _) = system.computer().processors[0].user_state();
    recorder.step_back_to(system, earlier.instructions);
    system.set_stops(&Stops { code: vec![at(1, pc)], ..Stops::default() });
    while system.position() < before {
        recorder.run(system, 1_000_000, &mut always);
    }
    assert_eq!(system.position(), before, "the breakpoint is where the change was made");
    system.set_stops(&Stops::default());
    run(&mut recorder, system);
}

#[test]
fn a_frozen_thread_waits_and_the_past_knows_it() {
    for processors in [1, 2] {
        let mut bench = two_threads(processors);
        let system = &mut bench.system;
        let mut recorder = Recorder::new(system);
        recorder.run(system, 30, &mut |_, _| false);
        let threads: Vec<u32> = system.threads().iter().map(|thread| thread.id).collect();
        let (first, second) = (threads[0], threads[1]);
        let executed = |system: &System| Controlled::executed_by(system, second);
        recorder.fork(system);
        assert!(system.freeze(second, true));
        recorder.forked(system);
        let (frozen, had) = (system.position(), executed(system));
        for _ in 0..60 {
            recorder.step(system, first, 1_000_000, &mut |_, _| false);
        }
        assert!(had.is_some() && executed(system) == had, "{processors}");
        recorder.fork(system);
        assert!(system.freeze(second, false) && !system.freeze(second, false));
        recorder.forked(system);
        let thawed = state(system);
        assert!(matches!(recorder.run(system, 1_000_000, &mut |_, _| false), RunEnd::Exited(_)));
        let end = state(system);
        recorder.step_back_to(system, frozen.instructions / 2);
        recorder.run(system, thawed.0.instructions - system.position().instructions, &mut |_, _| false);
        assert_eq!((state(system), executed(system)), (thawed, had), "{processors}");
        assert!(matches!(recorder.run(system, 1_000_000, &mut |_, _| false), RunEnd::Exited(_)));
        assert_eq!(state(system), end, "{processors}");
    }
}
