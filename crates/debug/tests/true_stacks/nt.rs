//! Programs of Windows NT, run by the machine and stopped.

use crate::{
    classes::class_of,
    compare::{Random, difference},
    host::Nobody,
    programs::{Program, Symbols},
    table::Table,
};
use std::rc::Rc;
use vatlas_debug::{
    stack::{USUAL_LIMIT, stack_starts, walk},
    usage_index::UsageIndex,
};
use vatlas_guest::LIBRARIES;
use vatlas_machine::{
    files::GivenFile,
    nt::{Configuration, Program as Started, System, SystemStop},
};
use vatlas_space::{ProcessIndex, Registers, Target, Va};
use vatlas_targets::machine::machine_target;

/// Instructions that no program executes.
const PLENTY: u64 = 1_000_000_000;

/// A system that is about to run a program.
fn start(program: &Program) -> System {
    let library = |(name, bytes): &(&str, &'static [u8])| GivenFile {
        path: format!("WINDOWS\\system32\\{name}"),
        bytes: (*bytes).into(),
    };
    let mut given: Vec<GivenFile> = LIBRARIES.iter().map(library).collect();
    given.push(GivenFile { path: program.file.to_owned(), bytes: program.read(program.file).into() });
    let mut system = System::new(Configuration { given, ..Configuration::default() }, Box::new(Nobody)).unwrap();
    let path = format!("C:\\{}", program.file);
    let started = Started { path, command_line: program.file.to_owned(), ..Started::default() };
    system.start_program(&started).unwrap();
    system
}

/// Walks the stack of the running thread and compares; nothing when no thread runs.
fn compare(system: System, program: &Program, symbols: &Symbols, table: &mut Table) -> System {
    let Some((registers, calls)) = system.open_calls(0) else { return system };
    let system = Rc::new(system);
    {
        let target = machine_target(&system, program.file);
        // The program's process: the last one that was started.
        let index = UsageIndex::new(&target, ProcessIndex(target.processes().len() - 1)).unwrap();
        let threads = index.process().threads.iter();
        let mut starts = threads.flat_map(|thread| stack_starts(&target, index.process(), thread));
        let is_running = |pc: Va, sp: Va| (pc.0, sp.0) == (registers.eip.into(), registers.general[4].into());
        let is_it = |registers: &Registers| is_running(registers.pc, registers.sp);
        let start = starts.find(|start| start.registers.as_ref().is_some_and(is_it));
        let class = class_of(index.space(), registers.eip, &calls);
        let difference = match start {
            Some(start) => difference(&walk(&index, symbols, &start, USUAL_LIMIT), &calls, |va| va),
            None => Some("no thread has these registers".to_owned()),
        };
        table.note(program, class, difference);
    }
    Rc::try_unwrap(system).unwrap_or_else(|_| panic!("the target is gone"))
}

/// Stops a program so many times.
pub fn check(program: &Program, stops: usize, table: &mut Table) {
    let mut whole = start(program);
    let end = whole.run(PLENTY);
    assert!(matches!(end, SystemStop::Exited { .. }), "{}: {end:?} {:?}", program.file, whole.report());
    let symbols = Symbols::of(program);
    let mut system = start(program);
    system.record_calls();
    for place in Random::of(program.file).places(stops, whole.instructions()) {
        assert_eq!(system.run(place - system.instructions()), SystemStop::Budget);
        system = compare(system, program, &symbols, table);
    }
}
