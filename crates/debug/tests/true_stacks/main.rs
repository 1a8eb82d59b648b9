//! Walked stacks beside true ones: the machine writes down every call and return of a program, the program is stopped
//! at random instructions, and the walk must find exactly the return addresses that are on the stack.
//!
//! `VATLAS_STOPS` says how many stops there are, of all programs together; `cargo xtask true-stacks` makes 10,000 and
//! prints the table of `docs/unwinding.md`.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod classes;
mod programs;
mod table;

use classes::{Class, class_of};
use programs::{PROGRAMS, Program, Symbols};
use std::rc::Rc;
use table::Table;
use vatlas_debug::stack::{Stack, USUAL_LIMIT, stack_starts, walk};
use vatlas_debug::usage_index::UsageIndex;
use vatlas_machine::cpu::OpenCall;
use vatlas_machine::nt::{System, SystemStop};
use vatlas_space::{ProcessIndex, Registers, Target, Va};
use vatlas_targets::machine::machine_target;

/// Stops of an ordinary test run.
const USUAL_STOPS: usize = 330;
/// Shares of true stacks below which something broke, with and without symbols. What is reached is in
/// `docs/unwinding.md`.
const LEAST: (f64, f64) = (0.96, 0.60);
/// Instructions that no program executes.
const PLENTY: u64 = 1_000_000_000;

/// Random numbers, the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }
}

/// How a walk differs from the truth: at which frame, and how that one was found.
fn difference(stack: &Stack, calls: &[OpenCall]) -> Option<String> {
    let walked: Vec<Va> = stack.frames.iter().skip(1).map(|frame| frame.pc).collect();
    let truth: Vec<Va> = calls.iter().map(|call| Va(call.back.into())).collect();
    if walked == truth {
        return None;
    }
    let same = walked.iter().zip(&truth).take_while(|(one, other)| one == other).count();
    let callee = stack.frames.get(same).map_or_else(String::new, |frame| {
        let module = frame.module.as_ref().map(|module| format!("{}+{:x}", module.name, module.rva.0));
        let symbol = frame.lookup.as_ref().map_or_else(String::new, |lookup| lookup.symbol.name.to_string());
        format!("{} {symbol}", module.unwrap_or_else(|| frame.pc.to_string()))
    });
    let found =
        stack.frames.get(same + 1).map_or_else(|| format!("{:?}", stack.end), |frame| frame.found_by.to_string());
    let expected = truth.get(same).map_or("the bottom".to_owned(), |va| format!("{:x}", va.0));
    Some(format!("caller of {callee} by {found}, is {expected}"))
}

/// Walks the stack of the running thread and compares; nothing when no thread runs.
fn compare(system: System, program: &Program, symbols: &Symbols, table: &mut Table) -> System {
    let Some((registers, calls)) = system.open_calls(0) else { return system };
    let system = Rc::new(system);
    {
        let target = machine_target(&system, program.file);
        let index = UsageIndex::new(&target, ProcessIndex(process_of(&target))).unwrap();
        let threads = index.process().threads.iter();
        let mut starts = threads.flat_map(|thread| stack_starts(&target, index.process(), thread));
        let is_running = |pc: Va, sp: Va| (pc.0, sp.0) == (registers.eip.into(), registers.general[4].into());
        let is_it = |registers: &Registers| is_running(registers.pc, registers.sp);
        let start = starts.find(|start| start.registers.as_ref().is_some_and(is_it));
        let class = class_of(index.space(), registers.eip, &calls);
        let difference = match start {
            Some(start) => difference(&walk(&index, symbols, &start, USUAL_LIMIT), &calls),
            None => Some("no thread has these registers".to_owned()),
        };
        table.note(program, class, difference);
    }
    Rc::try_unwrap(system).unwrap_or_else(|_| panic!("the target is gone"))
}

/// The program's process: the last one that was started.
fn process_of(target: &dyn Target) -> usize {
    target.processes().len() - 1
}

fn check(program: &Program, stops: usize, table: &mut Table) {
    let mut whole = program.start();
    let end = whole.run(PLENTY);
    assert!(matches!(end, SystemStop::Exited { .. }), "{}: {end:?} {:?}", program.file, whole.report());
    let mut random = Random(0x7661_746c_6173_0000 | program.file.len() as u64);
    let mut places: Vec<u64> = (0..stops).map(|_| random.below(whole.instructions())).collect();
    places.sort_unstable();
    let symbols = Symbols::of(program);
    let mut system = program.start();
    system.record_calls();
    for place in places {
        assert_eq!(system.run(place - system.instructions()), SystemStop::Budget);
        system = compare(system, program, &symbols, table);
    }
}

#[test]
fn walked_stacks_are_true() {
    let stops = std::env::var("VATLAS_STOPS").map_or(USUAL_STOPS, |stops| stops.parse().unwrap());
    let mut table = Table::default();
    PROGRAMS.iter().for_each(|program| check(program, stops / PROGRAMS.len(), &mut table));
    println!("{table}");
    let (with, without) = (table.share(true), table.share(false));
    assert!(with >= LEAST.0 && without >= LEAST.1, "{with:.4} with symbols, {without:.4} without\n{table}");
    assert!(table.stops(Class::Body) > 0);
}
