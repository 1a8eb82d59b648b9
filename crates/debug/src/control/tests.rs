//! The session and its breakpoints on a machine of paper: moments and occurrences that are told what to be.

use super::*;
use crate::testing::TestTarget;
use crate::watch::{Condition, Scope};
use std::rc::Rc;
use vatlas_space::control::{
    Control, DataPlace, EventKind, History, HistorySize, Judge, KernelEvent, Moment, Occurrence, Position, Run, RunEnd,
    Stops, What, Who, Writer,
};
use vatlas_space::{PointerWidth, Target, ThreadId, Va};

/// A moment with these registers, and memory in which every byte is the lowest of its address.
struct Paper {
    registers: [u32; 10],
    who: Who,
}

impl Moment for Paper {
    fn who(&self) -> Who {
        self.who
    }

    fn register(&self, number: u8) -> u32 {
        self.registers[usize::from(number)]
    }

    fn read(&self, _: Option<u32>, va: Va, bytes: &mut [u8]) -> bool {
        for (offset, byte) in (0..).zip(bytes.iter_mut()) {
            *byte = (va.0 + offset) as u8;
        }
        va.0 < 0x8000_0000
    }

    fn position(&self) -> Position {
        Position::default()
    }
}

fn paper(eax: u32) -> Paper {
    Paper { registers: [eax, 0, 0, 0, 0x1000, 0, 0, 0, 0, 0], who: Who { process: 4, thread: 8, processor: 0 } }
}

/// A process without anything: conditions over registers and memory need no more.
fn nothing() -> TestTarget {
    TestTarget::new(PointerWidth::Bits32)
}

fn code(number: u32) -> Occurrence {
    Occurrence::Code { va: Va(0x40_1000), numbers: vec![number] }
}

fn at(va: u64) -> Breakpoint {
    Breakpoint::new(BreakpointKind::Code(Some(Va(va))), format!("{va:#x}"))
}

#[test]
fn hits_are_counted_and_some_are_left_out() {
    let mut points = Breakpoints::default();
    let number = points.add(Breakpoint { ignored: 2, ..at(0x40_1000) });
    let stops: Vec<bool> = (0..4).map(|_| points.judge(&paper(0), &code(number))).collect();
    assert_eq!(stops, [false, false, true, true]);
    assert_eq!(points.get(number).unwrap().hits, 4);
    assert_eq!(points.take_hit(), [number, number]);
    points.get_mut(number).unwrap().is_enabled = false;
    assert!(!points.judge(&paper(0), &code(number)));
    assert!(points.stops().code.is_empty());
}

#[test]
fn the_lowest_free_number_is_taken() {
    let mut points = Breakpoints::default();
    assert_eq!([points.add(at(1)), points.add(at(2)), points.add(at(3))], [0, 1, 2]);
    assert!(points.remove(1) && !points.remove(1));
    assert_eq!([points.add(at(4)), points.add(at(5))], [1, 3]);
}

#[test]
fn events_are_chosen_by_name_code_and_chance() {
    let who = Who { process: 4, thread: 8, processor: 0 };
    let call = |name: &str| {
        Occurrence::Kernel(KernelEvent { who, what: What::SystemCall { name: name.to_owned(), arguments: Vec::new() } })
    };
    let exception = |code, is_first| {
        let what = What::Exception { code, address: Va(0), parameters: Vec::new(), is_first };
        Occurrence::Kernel(KernelEvent { who, what })
    };
    let check = |kind, filter: Filter, occurrence: &Occurrence, expected: bool| {
        let mut points = Breakpoints::default();
        points.add(Breakpoint::new(BreakpointKind::Event(kind, filter), String::new()));
        assert_eq!(points.judge(&paper(0), occurrence), expected, "{occurrence:?}");
    };
    let named = |name: &str| Filter { name: Some(name.to_owned()), ..Filter::default() };
    check(EventKind::SystemCall, named("Nt*File"), &call("NtOpenFile"), true);
    check(EventKind::SystemCall, named("Nt*File"), &call("NtClose"), false);
    check(EventKind::SystemCallReturn, Filter::default(), &call("NtClose"), false);
    let second = Filter { code: Some(0xc000_0005), is_first: Some(false), name: None };
    check(EventKind::Exception, second.clone(), &exception(0xc000_0005, false), true);
    check(EventKind::Exception, second.clone(), &exception(0xc000_0005, true), false);
    check(EventKind::Exception, second, &exception(0xc000_0094, false), false);
}

#[test]
fn a_breakpoint_of_another_thread_is_not_hit() {
    let mut points = Breakpoints::default();
    let what = What::ThreadEnd { process: 4, thread: 8, status: 0 };
    let end = Occurrence::Kernel(KernelEvent { who: paper(0).who, what });
    let kind = BreakpointKind::Event(EventKind::ThreadEnd, Filter::default());
    points.add(Breakpoint { thread: Some(12), ..Breakpoint::new(kind.clone(), String::new()) });
    assert!(!points.judge(&paper(0), &end));
    points.add(Breakpoint { thread: Some(8), ..Breakpoint::new(kind, String::new()) });
    assert!(points.judge(&paper(0), &end));
    assert_eq!(points.take_hit(), [1]);
}

/// A machine whose one thread executes an instruction for each count, at 400000h and on; 400005h is met each time.
struct Counter {
    now: u64,
    stops: Stops,
}

impl Counter {
    const LAST: u64 = 100;

    fn run_to(&mut self, end: u64, judge: &mut Judge<'_>) -> Run {
        while self.now < end.min(Self::LAST) {
            self.now += 1;
            let va = Va(0x40_0000 + self.now);
            let numbers: Vec<u32> =
                self.stops.code.iter().filter(|place| place.va == va).map(|place| place.number).collect();
            let occurrence = Occurrence::Code { va, numbers };
            let is_met = matches!(&occurrence, Occurrence::Code { numbers, .. } if !numbers.is_empty());
            if is_met && judge(&paper(self.now as u32), &occurrence) {
                return self.ended(RunEnd::Stopped, vec![occurrence]);
            }
        }
        let end = if self.now == Self::LAST { RunEnd::Exited(0) } else { RunEnd::Budget };
        self.ended(end, Vec::new())
    }

    fn ended(&self, end: RunEnd, occurrences: Vec<Occurrence>) -> Run {
        Run { end, who: self.who(), occurrences }
    }
}

impl Control for Counter {
    fn target(&mut self) -> Rc<dyn Target> {
        Rc::new(nothing())
    }

    fn position(&self) -> Position {
        Position { instructions: self.now, entry: 0 }
    }

    fn who(&self) -> Who {
        paper(0).who
    }

    fn running(&self) -> Vec<Who> {
        vec![self.who()]
    }

    fn executed_by(&self, _: ThreadId) -> Option<u64> {
        Some(self.now)
    }

    fn set_stops(&mut self, stops: &Stops) {
        self.stops = stops.clone();
    }

    fn pass_here(&mut self) {}

    fn run(&mut self, instructions: u64, judge: &mut Judge<'_>) -> Run {
        self.run_to(self.now.saturating_add(instructions), judge)
    }

    fn step(&mut self, _: ThreadId, _: u64, judge: &mut Judge<'_>) -> Run {
        self.run_to(self.now + 1, judge)
    }

    fn set_register(&mut self, _: ThreadId, _: &str, _: u32) -> bool {
        false
    }

    fn freeze(&mut self, _: ThreadId, _: bool) -> bool {
        false
    }

    fn write(&mut self, _: u32, _: Va, _: &[u8]) -> usize {
        0
    }

    fn input(&mut self, _: &[u8]) {}

    fn history(&mut self) -> Option<&mut dyn History> {
        Some(self)
    }
}

impl History for Counter {
    fn size(&self) -> HistorySize {
        let (first, last) = (Position::default(), Position { instructions: Self::LAST, entry: 0 });
        HistorySize { first, last, states: 1, bytes: 0, limit: 0 }
    }

    fn set_limit(&mut self, _: u64) {}

    fn set_interrupt(&mut self, _: Rc<dyn Fn() -> bool>) {}

    fn was_interrupted(&self) -> bool {
        false
    }

    fn fork(&mut self) -> bool {
        false
    }

    fn go_to(&mut self, position: Position) -> bool {
        self.now = position.instructions;
        true
    }

    fn run_back(&mut self, judge: &mut Judge<'_>) -> Run {
        let end = self.now;
        let mut last = None;
        self.now = 0;
        self.run_to(end.saturating_sub(1), &mut |moment, occurrence| {
            if judge(moment, occurrence) {
                last = Some((u64::from(moment.register(0)), occurrence.clone()));
            }
            false
        });
        match last {
            Some((now, occurrence)) => {
                self.now = now;
                self.ended(RunEnd::Stopped, vec![occurrence])
            }
            None => {
                self.now = 0;
                self.ended(RunEnd::HistoryBegins, Vec::new())
            }
        }
    }

    fn step_back(&mut self, _: ThreadId) -> Run {
        self.now = self.now.saturating_sub(1);
        self.ended(RunEnd::Stopped, Vec::new())
    }

    fn last_write(&mut self, _: &DataPlace) -> Option<Writer> {
        None
    }
}

fn session() -> Session {
    Session::new(Box::new(Counter { now: 0, stops: Stops::default() }), Rc::new(|| false))
}

#[test]
fn a_session_goes_to_breakpoints_and_back_without_counting_twice() {
    let mut session = session();
    for va in [0x40_0005, 0x40_0014] {
        session.breakpoints.add(at(va));
    }
    let (first, second) = (session.go(), session.go());
    assert_eq!((first.hit, second.hit), (vec![0], vec![1]));
    assert_eq!(session.go().end, RunEnd::Exited(0));
    assert_eq!((session.go_back().hit, session.go_back().hit), (vec![1], vec![0]));
    assert_eq!(session.go_back().end, RunEnd::HistoryBegins);
    assert_eq!(session.breakpoints.all().iter().map(|point| point.hits).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_motion_that_was_cut_short_goes_on_to_its_goal() {
    struct NoLines;
    impl Lines for NoLines {
        fn line(&self, _: &mut Session, _: Va) -> Option<LineOf> {
            None
        }
    }
    let mut session = session();
    session.breakpoints.add(at(0x40_0010));
    let stop = session.go_to(Va(0x40_0030), None);
    assert_eq!((stop.hit, stop.is_at_goal), (vec![0], false));
    let stop = session.resume(&NoLines);
    assert_eq!((stop.hit.len(), stop.is_at_goal, session.control().position().instructions), (0, true, 0x30));
    session.begin();
    let stop = session.run_for(5);
    assert_eq!((stop.is_at_goal, session.control().position().instructions), (true, 0x35));
    // Nothing is left of a motion that is over.
    session.resume(&NoLines);
    assert_eq!(session.control().position().instructions, 0x35);
}

#[test]
fn a_breakpoint_for_once_is_told_and_gone() {
    let mut session = session();
    session.breakpoints.add(Breakpoint { is_once: true, ..at(0x40_0005) });
    let stop = session.go();
    assert_eq!((stop.hit, stop.breakpoints.len()), (vec![0], 1));
    assert!(session.breakpoints.all().is_empty());
    assert_eq!(session.go_to(Va(0x40_0032), None).end, RunEnd::Stopped);
    assert_eq!(session.control().position().instructions, 0x32);
}

#[test]
fn whoever_breaks_in_is_heard() {
    let mut session = Session::new(Box::new(Counter { now: 0, stops: Stops::default() }), Rc::new(|| true));
    assert!(session.go().is_interrupted);
    assert_eq!(session.run_for(3).end, RunEnd::Exited(0));
}

#[test]
fn conditions_are_compiled_and_asked() {
    let target = nothing();
    let scope = Scope::default();
    let check = |text: &str, eax: u32, expected: Option<bool>| {
        let condition = Condition::compile(&target, &crate::symbol_provider::NoSymbols, text, &scope).unwrap();
        assert!(condition.is_compiled(), "{text}");
        assert_eq!(condition.holds(&paper(eax)), expected, "{text}");
    };
    check("eax == 5", 5, Some(true));
    check("eax == 5", 6, Some(false));
    check("@eax > 3 && al < 0x10", 7, Some(true));
    check("(int)eax < 0", 0xffff_ffff, Some(true));
    check("eax < 0", 0xffff_ffff, Some(false));
    check("(BY eax) == 0x34", 0x1234, Some(true));
    check("(DW eax) == 0x37363534", 0x1234, Some(true));
    check("*(unsigned char *)(eax + 1) == 0x35", 0x1234, Some(true));
    check("((unsigned short *)eax)[2] == 0x3938", 0x1234, Some(true));
    check("eax ? 0 : 1", 0, Some(true));
    check("(BY eax) == 1", 0x8000_0000, None);
    check("eax != 0 || (BY eax) == 1", 0x8000_0000, Some(true));
    check("esp == 0x1000", 0, Some(true));
    assert!(Condition::compile(&target, &crate::symbol_provider::NoSymbols, "1 +", &scope).is_err());
}
