//! The stack: used up, left, or its return addresses damaged; code that has been unloaded.

use super::{Certainty, Scene, Suspicion, SuspicionKind};
use crate::{
    stack::{ReturnAddress, StackEnd, Trust},
    usage::{StackPart, Usage},
};
use vatlas_rules::value_look;
use vatlas_space::{RegionState, Source, UnloadedModule, Va};

/// `STATUS_STACK_OVERFLOW`
const STACK_OVERFLOW: u32 = 0xc000_00fd;

pub(super) fn facts(scene: &Scene<'_, '_>) -> Vec<Suspicion> {
    let overflow = overflow(scene);
    let outside = if overflow.is_none() { stack_pointer(scene) } else { None };
    overflow.into_iter().chain(outside).chain(return_addresses(scene)).chain(unloaded(scene)).collect()
}

/// The code says so, or the address that failed lies where the thread's own stack ends.
fn overflow(scene: &Scene<'_, '_>) -> Option<Suspicion> {
    let crash = scene.crash?;
    if crash.code == STACK_OVERFLOW {
        let fact = Suspicion::new(SuspicionKind::StackOverflow, Certainty::Certain, "the thread used up its stack");
        let fact = fact.because("the code is c00000fd", Source::Stream("ExceptionStream"));
        return Some(recursion(scene, fact));
    }
    let touched = scene.fault_va().filter(|_| scene.is_memory_fault())?;
    let located = scene.index.at(touched);
    let Usage::Stack { thread, part: part @ (StackPart::Guard | StackPart::Reserve), .. } = located.usage else {
        return None;
    };
    if Some(thread) != scene.thread {
        return None;
    }
    let reason = "the instruction touched the end of the thread's own stack: it is used up, or a large frame was entered without probing";
    let fact = Suspicion::new(SuspicionKind::StackOverflow, Certainty::Likely, reason);
    let finding = format!("{} is {part} of the stack of thread {thread}", scene.text(touched));
    Some(recursion(scene, fact.because(finding, located.step.source)))
}

/// Adds who called itself, where a trusted part of the stack shows it.
fn recursion(scene: &Scene<'_, '_>, fact: Suspicion) -> Suspicion {
    const SHOWN: usize = 8;
    let frames = scene.stack.map(|stack| stack.frames.as_slice()).unwrap_or_default();
    let trusted = frames.iter().take_while(|frame| frame.frame.trust >= Trust::Likely);
    let functions: Vec<_> = trusted.filter_map(|frame| frame.name.function.as_deref()).collect();
    let most = functions.iter().map(|name| (functions.iter().filter(|other| *other == name).count(), *name)).max();
    match most {
        Some((count, name)) if count >= SHOWN => {
            let finding =
                format!("{name} is on the stack {count} times in {} frames: it calls itself", functions.len());
            fact.because(finding, Source::Deduced("the stack"))
        }
        _ => fact,
    }
}

/// The stack pointer and the bounds of the TEB.
fn stack_pointer(scene: &Scene<'_, '_>) -> Option<Suspicion> {
    scene.crash?;
    let (sp, extent) = (scene.registers?.sp, scene.side?.stack);
    let (base, limit) = (extent.base?, extent.limit?);
    let lowest = extent.reserve.unwrap_or(limit);
    if lowest >= base || (lowest..=base).contains(&sp) {
        return None;
    }
    // Memory around it that is like a stack's may be that of a fiber, or of a handler with a stack of its own.
    let is_memory = scene.index.space().region(sp).state == RegionState::Committed;
    let (certainty, reason) = match is_memory {
        true => (
            Certainty::Possible,
            "the stack pointer lies outside of the thread's stack: a fiber, or a pointer that was damaged",
        ),
        false => (
            Certainty::Likely,
            "the stack pointer lies outside of the thread's stack, where no memory is known: it was damaged",
        ),
    };
    let fact = Suspicion::new(SuspicionKind::StackPointerOutside, certainty, reason);
    let bounds = format!("the stack is {} to {}", scene.text(lowest), scene.text(base));
    let fact = fact.because(format!("the stack pointer is {}", scene.text(sp)), scene.registers_source());
    Some(fact.because(bounds, Source::Deduced("the thread's TEB")))
}

/// Return addresses that lead to no code, of frames that are not guesses.
fn return_addresses(scene: &Scene<'_, '_>) -> Option<Suspicion> {
    let stack = scene.stack?;
    let is_bottom = stack.end.is_bottom();
    let last = stack.frames.len().saturating_sub(1);
    let damaged = stack.frames.iter().enumerate().find_map(|(number, frame)| {
        let address = frame.frame.return_address.filter(ReturnAddress::is_damaged)?;
        let is_told = frame.frame.trust >= Trust::Likely && !(number == last && is_bottom);
        is_told.then_some((number, address))
    });
    let (number, address) = damaged?;
    let name = &stack.frames.get(number)?.name.text;
    let reason = format!("the return address of frame {number}, {name}, leads to no code: it was overwritten");
    let place = address.place.map(|place| format!(" at {}", scene.text(place))).unwrap_or_default();
    let mut fact = Suspicion::new(SuspicionKind::DamagedReturnAddress, Certainty::Likely, reason).because(
        format!("the return address is {}{place}", scene.text(address.value)),
        Source::Deduced("the stack walk"),
    );
    if let Some(text) = value_look::text_in(address.value, scene.width) {
        fact = fact.because(format!("its bytes read as the text {text:?}"), Source::Deduced("the number"));
    }
    Some(fact)
}

/// Instruction, bad address and return addresses in modules that are no longer loaded.
fn unloaded(scene: &Scene<'_, '_>) -> Vec<Suspicion> {
    let mut found: Vec<Suspicion> = Vec::new();
    if let (Some(pc), true) = (scene.registers.map(|registers| registers.pc), scene.crash.is_some()) {
        found.extend(unloaded_at(scene, pc, "the instruction", Certainty::Certain));
    }
    if let Some(va) = scene.fault_va().filter(|_| !scene.is_fetch()) {
        found.extend(unloaded_at(scene, va, "the bad address", Certainty::Likely));
    }
    let frames = scene.stack.map(|stack| stack.frames.as_slice()).unwrap_or_default();
    let trusted = frames.iter().filter(|frame| frame.frame.trust >= Trust::Likely);
    let returns = trusted.filter_map(|frame| frame.frame.return_address).map(|address| address.value);
    let end = scene.stack.and_then(|stack| match &stack.end {
        StackEnd::Damaged(address) => Some(address.value),
        _ => None,
    });
    let returns = returns.chain(end).find_map(|va| unloaded_at(scene, va, "a return address", Certainty::Likely));
    found.extend(returns.filter(|_| found.is_empty()));
    found
}

fn unloaded_at(scene: &Scene<'_, '_>, va: Va, what: &str, certainty: Certainty) -> Option<Suspicion> {
    let module: &UnloadedModule = match scene.index.module_at(va) {
        Some(_) => return None,
        None => scene.index.process().unloaded.iter().rfind(|module| module.range.contains(va))?,
    };
    let offset = module.range.offset_of(va).unwrap_or_default();
    let is_reused = scene.index.space().region(va).state == RegionState::Committed;
    let (certainty, again) = match is_reused {
        true => (Certainty::Possible, ", but other memory is there now"),
        false => (certainty, ""),
    };
    let reason = format!("{what} lies where {} was loaded before{again}", module.name());
    let fact = Suspicion::new(SuspicionKind::UnloadedModule, certainty, reason);
    let finding = format!("{} is {}+{offset:#x}, unloaded", scene.text(va), module.name());
    Some(fact.because(finding, Source::Stream("UnloadedModuleListStream")))
}
