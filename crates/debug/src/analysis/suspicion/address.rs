//! The bad address: null, nobody's, the kernel's, not allowed, not aligned, not an address at all.

use super::{Certainty, NULL_PARTITION, Scene, Suspicion, SuspicionKind};
use crate::{
    analysis::{InstructionOperand, is_x86_family, member::members_of_null},
    crash::FaultAddress,
    usage::{StackPart, Usage},
};
use vatlas_rules::{Access, Owner};
use vatlas_space::{Machine, RegionState, Source, Va};

/// `STATUS_DATATYPE_MISALIGNMENT`
const DATATYPE_MISALIGNMENT: u32 = 0x8000_0002;

pub(super) fn facts(scene: &Scene<'_, '_>) -> Vec<Suspicion> {
    let hidden = non_canonical(scene).or_else(|| misaligned(scene));
    if let Some(fact) = hidden {
        // For both x86 reports no address, or 0, or all ones: what was reported means nothing.
        return vec![fact];
    }
    let Some(va) = scene.fault_va().filter(|_| scene.is_memory_fault()) else { return Vec::new() };
    let all_ones = scene.width.last();
    if va == all_ones && scene.registers.is_some_and(|registers| is_x86_family(registers.machine)) {
        return Vec::new();
    }
    null(scene, va).or_else(|| kernel(scene, va)).or_else(|| memory(scene, va)).into_iter().collect()
}

/// Bits 63 to 47 of an x64 address are all equal.
pub(super) fn is_canonical(va: Va) -> bool {
    matches!((va.0 as i64) >> 47, 0 | -1)
}

/// The memory operands of the instruction that failed.
fn operands<'s>(scene: &'s Scene<'_, '_>) -> impl Iterator<Item = &'s InstructionOperand> {
    let operands = scene.instruction.map(|instruction| instruction.operands.as_slice()).unwrap_or_default();
    operands.iter().filter(|operand| operand.is_memory)
}

/// Where a memory operand's value comes from: `rcx is 0000000000000000`.
fn registers_words(scene: &Scene<'_, '_>, operand: &InstructionOperand) -> String {
    let held: Vec<_> =
        operand.registers.iter().map(|(name, value)| format!("{name} is {}", scene.text(Va(*value)))).collect();
    held.join(", ")
}

fn non_canonical(scene: &Scene<'_, '_>) -> Option<Suspicion> {
    if scene.registers?.machine != Machine::X64 || !scene.is_memory_fault() {
        return None;
    }
    let of_operand = operands(scene).find(|operand| operand.va.is_some_and(|va| !is_canonical(va)));
    let reported = || scene.fault_va().filter(|va| !is_canonical(*va));
    let va = of_operand.and_then(|operand| operand.va).or_else(reported)?;
    let reason = format!("{} is no address: bits 63 to 47 of an address are all equal", scene.text(va));
    let fact = Suspicion::new(SuspicionKind::NonCanonical, Certainty::Certain, reason);
    let instead = scene.fault_va().filter(|reported| *reported != va && of_operand.is_some());
    let fact = match instead {
        Some(reported) => fact.because(
            format!(
                "the record names {} instead: the processor reports no address for this fault",
                scene.text(reported)
            ),
            Source::Stream("ExceptionStream"),
        ),
        None => fact,
    };
    let fact = match of_operand.is_some_and(|operand| operand.is_written) {
        true if scene.crash?.access == Some(Access::Read) => fact.because(
            "the instruction writes there; the record says read for every fault of this kind",
            Source::Memory(scene.registers?.pc),
        ),
        _ => fact,
    };
    Some(match of_operand {
        Some(operand) => fact.because(
            format!("the operand {}: {}", operand.text, registers_words(scene, operand)),
            scene.registers_source(),
        ),
        None => fact.because("the record names it", Source::Stream("ExceptionStream")),
    })
}

fn misaligned(scene: &Scene<'_, '_>) -> Option<Suspicion> {
    let crash = scene.crash?;
    if crash.code == DATATYPE_MISALIGNMENT && !is_foreign(scene) {
        let reason = "the address is not aligned for the size of the access";
        let fact = Suspicion::new(SuspicionKind::Misaligned, Certainty::Certain, reason);
        return Some(fact.because("the code is 80000002", Source::Stream("ExceptionStream")));
    }
    let bytes = scene.instruction?.alignment.filter(|_| scene.is_memory_fault())?;
    let operand = operands(scene).find(|operand| operand.va.is_some_and(|va| !va.is_aligned(bytes)))?;
    let va = scene.text(operand.va?);
    let reason = format!("the instruction needs an address that is a multiple of {bytes}, and {va} is none");
    let fact = Suspicion::new(SuspicionKind::Misaligned, Certainty::Certain, reason);
    let finding = format!("the operand {}: {}", operand.text, registers_words(scene, operand));
    Some(fact.because(finding, scene.registers_source()))
}

fn is_foreign(scene: &Scene<'_, '_>) -> bool {
    scene.index.process().layout.is_none()
}

/// An address in the null partition: a null pointer, or a member of a structure that is not there.
fn null(scene: &Scene<'_, '_>, va: Va) -> Option<Suspicion> {
    if va.0 >= NULL_PARTITION {
        return None;
    }
    let record = || Source::Stream("ExceptionStream");
    let named = |reason: String| Suspicion::new(SuspicionKind::NullPointer, Certainty::Certain, reason);
    let reported = format!("the bad address is {}", scene.text(va));
    if scene.is_fetch() {
        let what = if va.0 == 0 { "a null pointer" } else { "a small number" };
        return Some(named(format!("{what} was called, jumped to or returned to")).because(reported, record()));
    }
    let operand = operands(scene).find(|operand| operand.is_fault);
    if let Some(operand) = operand.filter(|operand| operand.registers.is_empty()) {
        let reason = format!(
            "the address {:#x} is written in the instruction itself: a crash on purpose, or a pointer that the \
             compiler knew to be null",
            va.0
        );
        return Some(named(reason).because(format!("the operand {} has no register", operand.text), record()));
    }
    let base =
        operand.and_then(|operand| operand.registers.iter().find(|(name, _)| Some(name) == operand.base.as_ref()));
    let Some((operand, (name, value))) = operand.zip(base) else {
        let what = if va.0 == 0 {
            "a null pointer".to_owned()
        } else {
            format!("a null pointer and an offset of {:#x}", va.0)
        };
        let fact = Suspicion::new(SuspicionKind::NullPointer, Certainty::Likely, what);
        return Some(fact.because(reported, record()));
    };
    let reason = match (*value, va.0) {
        (0, 0) => format!("{name} is null"),
        (0, offset) if operand.registers.len() == 1 => {
            format!(
                "{name} is null, and the instruction wants what lies {offset:#x} bytes above: a member of a structure that is not there"
            )
        }
        (0, offset) => format!("{name} is null, and the instruction wants an element {offset:#x} bytes above"),
        (small, _) if small < NULL_PARTITION => {
            format!("{name} is {small:#x}, a small number, perhaps a null pointer and an offset")
        }
        _ => format!("the operand {} is {:#x}", operand.text, va.0),
    };
    let fact = named(reason).because(registers_words(scene, operand), scene.registers_source());
    let member = (*value == 0 && operand.registers.len() == 1).then(|| members_of_null(scene, va.0)).flatten();
    Some(match member {
        Some(member) => fact.because(
            format!("{member} lies so; it is the only pointer among the variables that is null"),
            Source::Deduced("types and variables of the frame"),
        ),
        None => fact,
    })
}

fn kernel(scene: &Scene<'_, '_>, va: Va) -> Option<Suspicion> {
    let area = &scene.fault?.place.as_ref()?.area;
    let layout = scene.index.layout()?;
    let owner_of = |va: Va| vatlas_rules::place_in(layout, va, &vatlas_rules::PlaceFacts::default()).area.kind.owner();
    let pc = scene.registers.map(|registers| registers.pc).filter(|_| !scene.is_fetch());
    if area.kind.owner() != Owner::Kernel || pc.is_some_and(|pc| owner_of(pc) == Owner::Kernel) {
        return None;
    }
    let reason = format!("{} belongs to the kernel ({}): a program may not use it", scene.text(va), area.name);
    let fact = Suspicion::new(SuspicionKind::KernelAddress, Certainty::Certain, reason);
    Some(fact.because(format!("the area is {}", area.range), Source::Layout(layout.name)))
}

/// What the region says: nobody's, or not allowed.
fn memory(scene: &Scene<'_, '_>, va: Va) -> Option<Suspicion> {
    let region = &scene.fault?.region;
    let is_unloaded = scene.fault.is_some_and(|fault| !fault.unloaded.is_empty());
    match region.state {
        RegionState::Free | RegionState::Reserved if !is_unloaded => unmapped(scene, va),
        RegionState::Committed => not_allowed(scene, va),
        _ => None,
    }
}

fn unmapped(scene: &Scene<'_, '_>, va: Va) -> Option<Suspicion> {
    let explained = scene.fault?;
    let region = &explained.region;
    if matches!(explained.usage, Usage::Stack { part: StackPart::Reserve, .. }) {
        return None;
    }
    let (state, meaning) = match region.state {
        RegionState::Free => ("free", "it was never allocated, or has been freed"),
        _ => ("reserved", "nothing was committed there, or it has been decommitted"),
    };
    let what = if scene.is_fetch() { "the address that was called or jumped to" } else { "the bad address" };
    let reason = format!("no memory is at {what}: {meaning}");
    let fact = Suspicion::new(SuspicionKind::Unmapped, Certainty::Certain, reason);
    let near = explained.neighbours.iter().filter(|near| near.distance < NULL_PARTITION).map(|near| {
        let side = if near.is_below { "above" } else { "below" };
        format!("{} lies {:#x} bytes {side} {}, {}", scene.text(va), near.distance, near.range, near.usage)
    });
    let source = region.source.clone();
    let fact = fact.because(format!("the region {} is {state}", region.range), source.clone());
    Some(near.fold(fact, |fact, finding| fact.because(finding, source.clone())))
}

fn not_allowed(scene: &Scene<'_, '_>, va: Va) -> Option<Suspicion> {
    let region = &scene.fault?.region;
    let protection = region.protection?;
    let crash = scene.crash?;
    let is_reported = matches!(crash.fault, Some(FaultAddress::Reported(_)));
    let access = if scene.is_fetch() { Access::Execute } else { crash.access.filter(|_| is_reported)? };
    let finding = format!("the region {} is {protection}", region.range);
    let fact = |kind, reason: String| {
        Suspicion::new(kind, Certainty::Certain, reason).because(finding.clone(), region.source.clone())
    };
    let usage = &scene.fault?.usage;
    match access {
        // A guard page of a stack is said elsewhere.
        _ if protection.is_guard() && matches!(usage, Usage::Stack { .. }) => None,
        _ if protection.is_guard() => {
            Some(fact(SuspicionKind::NotAllowed, format!("{} lies in a guard page", scene.text(va))))
        }
        Access::Execute if !protection.is_executable() => Some(fact(
            SuspicionKind::ExecutionOfData,
            format!("{usage} was executed, but may not be: a call, jump or return led into data"),
        )),
        Access::Write if !protection.is_writable() && !protection.is_copy_on_write() => {
            Some(fact(SuspicionKind::NotAllowed, format!("{usage} was written, but may not be")))
        }
        Access::Read if !protection.is_readable() => {
            Some(fact(SuspicionKind::NotAllowed, format!("{usage} was read, but may not be")))
        }
        _ => None,
    }
}
