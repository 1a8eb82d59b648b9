//! Numbers that are no addresses: fill patterns and text, in the bad address or in the registers that gave it.

use super::{Certainty, NULL_PARTITION, Scene, Suspicion, SuspicionKind, address::is_canonical};
use vatlas_rules::value_look;
use vatlas_space::{Machine, PointerWidth, RegionState, Source, Va};

/// A number, and where it was found.
struct Found {
    va: Va,
    what: String,
    source: Source,
}

pub(super) fn facts(scene: &Scene<'_, '_>) -> Vec<Suspicion> {
    if !scene.is_memory_fault() {
        return Vec::new();
    }
    let found: Vec<_> = candidates(scene).into_iter().filter(|found| !is_in_use(scene, found.va)).collect();
    let fill = found.iter().find_map(|found| fill(scene, found));
    let text = found.iter().find_map(|found| text(scene, found));
    fill.or(text).into_iter().collect()
}

/// Registers of the operand that failed, then the bad address, then an address that could not be executed.
fn candidates(scene: &Scene<'_, '_>) -> Vec<Found> {
    let operands = scene.instruction.map(|instruction| instruction.operands.as_slice()).unwrap_or_default();
    let is_marked = operands.iter().any(|operand| operand.is_fault);
    let failed = operands
        .iter()
        .filter(|operand| !scene.is_fetch() && (operand.is_fault || !is_marked && is_odd(scene, operand.va)));
    let mut found: Vec<_> = failed
        .flat_map(|operand| operand.address_registers())
        .map(|(name, value)| Found { va: Va(*value), what: name.clone(), source: scene.registers_source() })
        .collect();
    if let Some(va) = scene.fault_va() {
        let source = Source::Stream("ExceptionStream");
        found.push(Found { va, what: "the bad address".to_owned(), source });
    }
    found
}

/// An operand that must have failed, though the record names no address or another.
fn is_odd(scene: &Scene<'_, '_>, va: Option<Va>) -> bool {
    let is_x64 = scene.registers.is_some_and(|registers| registers.machine == Machine::X64);
    va.is_some_and(|va| is_x64 && !is_canonical(va))
}

/// Memory is there: the number is an address.
fn is_in_use(scene: &Scene<'_, '_>, va: Va) -> bool {
    let is_address = scene.width == PointerWidth::Bits32 || is_canonical(va);
    let committed = || scene.index.space().region(va).state == RegionState::Committed;
    va.0 < NULL_PARTITION || is_address && (committed() || scene.index.module_at(va).is_some())
}

fn fill(scene: &Scene<'_, '_>, found: &Found) -> Option<Suspicion> {
    let (meaning, above) = value_look::fill_pattern(found.va, scene.width)?;
    let (number, what) = (scene.text(found.va), &found.what);
    let reason = match above {
        0 => format!("{what} is {number}: {meaning}"),
        above => format!("{what} is {number}, {above:#x} above a value that memory is filled with: {meaning}"),
    };
    let fact = Suspicion::new(SuspicionKind::FillPattern, Certainty::Likely, reason);
    Some(fact.because(format!("{what} is {number}"), found.source.clone()))
}

fn text(scene: &Scene<'_, '_>, found: &Found) -> Option<Suspicion> {
    let text = value_look::text_in(found.va, scene.width)?;
    let what = &found.what;
    let reason = format!("{what} reads as the text {text:?} in memory order: data may have been taken for a pointer");
    // One of ten numbers of 32 bits reads so by chance.
    let certainty = if scene.width == PointerWidth::Bits64 { Certainty::Likely } else { Certainty::Possible };
    let fact = Suspicion::new(SuspicionKind::TextPointer, certainty, reason);
    Some(fact.because(format!("{what} is {}", scene.text(found.va)), found.source.clone()))
}
