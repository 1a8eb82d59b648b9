//! What would have to be at hand to say more.

use super::{Analysis, SuspicionKind, suspicion::NULL_PARTITION};
use crate::{
    stack::{StackEnd, Trust},
    usage_index::UsageIndex,
};
use vatlas_space::{RegionState, Severity, Store, Target};
use vatlas_symbols::FileKind;

/// Sentences, the most useful first.
pub(super) fn missing(target: &dyn Target, index: &UsageIndex<'_>, analysis: &Analysis) -> Vec<String> {
    let mut missing = Vec::new();
    missing.extend(symbols(analysis));
    missing.extend(instruction(index, analysis));
    missing.extend(stack(index, analysis));
    missing.extend(fault(analysis));
    if index.process().layout.is_none() {
        let system = target.host().map_or("an unknown system".to_owned(), |host| host.os.to_string());
        missing.push(format!("the rules of {system}: what its addresses are for is not known here"));
    }
    let damaged = target.problems().iter().filter(|problem| problem.severity == Severity::Damage).count();
    if damaged > 0 {
        let parts = if damaged == 1 { "part" } else { "parts" };
        missing.push(format!("{damaged} {parts} of the file could not be read: 'vatlas info' lists them"));
    }
    missing
}

/// Modules on the crashing stack that have no symbols, but at most an export table.
fn symbols(analysis: &Analysis) -> Option<String> {
    let frames = analysis.stack.as_ref()?.frames.iter();
    let has_symbols = |frame: &super::AnalyzedFrame| {
        frame.frame.lookup.as_ref().is_some_and(|lookup| lookup.origin.kind < FileKind::Exports)
    };
    let mut names: Vec<&str> =
        frames.filter(|frame| !has_symbols(frame)).filter_map(|frame| frame.name.module.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    let names = (!names.is_empty()).then(|| names.join(", "))?;
    Some(format!("symbols of {names}: 'vatlas symbols' says where they were looked for"))
}

fn instruction(index: &UsageIndex<'_>, analysis: &Analysis) -> Option<String> {
    let stack = analysis.stack.as_ref()?;
    if analysis.instruction.is_some() {
        return None;
    }
    let pc = stack.frames.first()?.frame.pc;
    let module = index.module_at(pc);
    match (index.space().backing(pc).store, module) {
        (Store::NotCaptured | Store::Unknown, Some(module)) => {
            let name = module.name();
            Some(format!(
                "the instruction at {pc}: it is not in the dump; --images with the folder of {name} may add it"
            ))
        }
        (Store::NotCaptured, None) => Some(format!("the instruction at {pc}: it was not captured")),
        _ => None,
    }
}

fn stack(index: &UsageIndex<'_>, analysis: &Analysis) -> Vec<String> {
    let mut missing = Vec::new();
    let Some(stack) = &analysis.stack else {
        let is_empty = index.process().threads.is_empty();
        let why = if is_empty { "threads: the dump lists none" } else { "the thread: its registers were not captured" };
        missing.push(why.to_owned());
        return missing;
    };
    if !stack.without_unwind_data.is_empty() {
        let names = stack.without_unwind_data.join(", ");
        missing.push(format!("unwind data of {names}: with their image files (--images) frames are exact"));
    }
    match &stack.end {
        StackEnd::NoRegisters => missing.push("the registers of the thread: they were not captured".to_owned()),
        StackEnd::NotCaptured(va) => missing.push(format!("the stack at {va}: it was not captured")),
        StackEnd::Processor(machine) => missing.push(format!("rules for the stacks of {machine}")),
        _ => {}
    }
    let guesses = stack.frames.iter().filter(|frame| frame.frame.trust == Trust::Guess).count();
    if guesses > 0 && stack.without_unwind_data.is_empty() {
        let frames = if guesses == 1 { "frame is a guess" } else { "frames are guesses" };
        missing.push(format!("{guesses} {frames}: symbols or image files of their modules would tell"));
    }
    missing
}

fn fault(analysis: &Analysis) -> Option<String> {
    let fault = analysis.fault.as_ref()?;
    let can_be = !analysis.suspicions.iter().any(|suspicion| suspicion.kind == SuspicionKind::NonCanonical);
    let is_null = fault.va.0 < NULL_PARTITION;
    let is_unknown = fault.region.state == RegionState::Unknown && fault.module.is_none();
    let is_missing = is_unknown && can_be && !is_null;
    let va = fault.va.text(analysis.width);
    is_missing.then(|| format!("the state of the memory at {va}: the dump does not list its regions there"))
}
