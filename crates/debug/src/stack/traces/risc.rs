//! Traces of ARM, Thumb, MIPS and SH: `fixtures/stack/trace_ce.py` makes them.

use super::{Sources, Trace, check_damaged, run_from};
use crate::stack::{FoundBy, Trust};
use vatlas_space::Machine;

const THUMB_NT: &str = include_str!("../../../../../fixtures/stack/thumb-nt.trace");
const ARM: &str = include_str!("../../../../../fixtures/stack/arm.trace");
const ARM_FP: &str = include_str!("../../../../../fixtures/stack/arm-fp.trace");
const THUMB: &str = include_str!("../../../../../fixtures/stack/thumb.trace");
const MIPS: &str = include_str!("../../../../../fixtures/stack/mips.trace");
const SH: &str = include_str!("../../../../../fixtures/stack/sh.trace");

fn trace(machine: Machine, sources: Sources) -> Trace {
    Trace { sources, ..Trace::new(machine) }
}

fn all() -> [(&'static str, Machine, &'static str); 5] {
    [
        ("arm", Machine::Arm, ARM),
        ("arm-fp", Machine::Arm, ARM_FP),
        ("thumb", Machine::Arm, THUMB),
        ("mips", Machine::Mips, MIPS),
        ("sh", Machine::Other(0x1a6), SH),
    ]
}

fn preserved(machine: Machine) -> Vec<usize> {
    match machine {
        Machine::Arm => (4..=11).collect(),
        Machine::Mips => (16..24).chain([28, 30]).collect(),
        _ => (8..=14).collect(),
    }
}

#[test]
fn unwind_data_of_windows_on_arm_are_right_at_every_instruction() {
    let trace = trace(Machine::Arm, Sources::All);
    let (states, wrong) = run_from(trace, THUMB_NT, &preserved(Machine::Arm), 1, |stack, _| {
        let is_told = |found_by| matches!(found_by, FoundBy::Context | FoundBy::UnwindData | FoundBy::LeafReturn);
        assert!(stack.frames.iter().all(|frame| is_told(frame.found_by) && frame.trust == Trust::Exact), "{stack:#?}");
    });
    assert!(states > 500, "{states} states");
    // What `__chkstk` returns in r4 no caller had there.
    let chkstk = wrong.iter().filter(|wrong| wrong.contains(": r4 ")).count();
    assert!(chkstk <= 2 && wrong.len() == chkstk, "{wrong:?}");
}

/// Walks from every state, or from every third; the truth must hold for every exact frame. Tells the states, those from which frames were
/// found that are not exact, and what was wrong.
fn check(name: &str, machine: Machine, text: &str, sources: Sources) -> (usize, usize, Vec<String>) {
    let mut inexact = 0;
    let stride = if sources == Sources::All { 1 } else { 3 };
    let (states, wrong) = run_from(trace(machine, sources), text, &preserved(machine), stride, |stack, trace| {
        let exact = stack.frames.iter().skip(1).take_while(|frame| frame.trust == Trust::Exact);
        for (frame, caller) in exact.zip(trace.callers.iter().rev()) {
            assert_eq!((frame.pc.0, frame.sp.0), (caller.pc, caller.sp), "{name} {stack:#?}");
        }
        inexact += usize::from(stack.frames.iter().any(|frame| frame.trust != Trust::Exact));
    });
    assert!(states > 500 / stride, "{name}: {states} states");
    (states, inexact, wrong)
}

/// Exact but for code that only a table leads to, in the frames and in those that they call.
#[test]
fn function_tables_of_windows_ce_name_functions_whose_code_is_followed() {
    for (name, machine, text) in all() {
        let (states, inexact, wrong) = check(name, machine, text, Sources::All);
        assert_eq!(wrong, Vec::<String>::new(), "{name}");
        assert!(inexact * 3 < states, "{name}: {inexact} of {states}");
    }
}

#[test]
fn symbols_name_functions_whose_code_is_followed() {
    for (name, machine, text) in all() {
        let (states, inexact, wrong) = check(name, machine, text, Sources::Symbols);
        assert_eq!(wrong, Vec::<String>::new(), "{name}");
        assert!(inexact * 3 < states, "{name}: {inexact} of {states}");
    }
}

/// Without any name the beginnings of functions are searched for.
#[test]
fn prologues_are_found_in_the_code() {
    for (name, machine, text) in all() {
        let (_, _, wrong) = check(name, machine, text, Sources::Nothing);
        assert_eq!(wrong, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn damaged_code_and_tables_end_every_walk() {
    for (_, machine, text) in all() {
        check_damaged(trace(machine, Sources::All), text, 200);
        check_damaged(trace(machine, Sources::Nothing), text, 60);
    }
    check_damaged(trace(Machine::Arm, Sources::All), THUMB_NT, 500);
}
