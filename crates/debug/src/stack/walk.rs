//! The walk: ask the processor's methods for the caller, check the answer, go on, and know when to stop.

use super::{
    arm, arm64,
    frame::{FoundBy, ReturnAddress, ReturnCheck, Stack, StackEnd, StackFrame, Trust},
    mips,
    register_file::{RegisterFile, SH_FIRST, SH_LAST},
    server_calls::{ServerCall, current_slot, server_calls},
    sh,
    start::StackStart,
    step::{Attempt, Caller, Cursor, Method},
    surroundings::Surroundings,
    x64, x86,
};
use crate::{symbol_provider::SymbolProvider, usage_index::UsageIndex};
use std::cell::OnceCell;
use vatlas_space::{Machine, RegionState, StackExtent, Va, VaRange};

/// Frames that are usually enough.
pub const USUAL_LIMIT: usize = 256;

/// Functions that threads begin with, without decoration: nobody called them.
const THREAD_STARTS: [&str; 9] = [
    "RtlUserThreadStart",
    "BaseProcessStart",
    "BaseThreadStart",
    "LdrInitializeThunk",
    "start",
    "start_thread",
    "thread_start",
    "clone",
    "clone3",
];

/// Walks a stack from its innermost frame, at most `limit` frames.
pub fn walk(index: &UsageIndex<'_>, symbols: &dyn SymbolProvider, start: &StackStart, limit: usize) -> Stack {
    let ended = |end| Stack { machine: start.machine, frames: Vec::new(), end, without_unwind_data: Vec::new() };
    let Some(registers) = &start.registers else { return ended(StackEnd::NoRegisters) };
    let methods = methods(registers.machine);
    let Some((registers, methods)) = RegisterFile::new(registers).zip(methods) else {
        return ended(StackEnd::Processor(start.machine));
    };
    let around = Surroundings::new(index, symbols);
    let called = current_slot(&around, start.machine, start.thread);
    around.enter(called.or_else(|| slot_of(registers.pc, index)));
    let mut cursor = Cursor {
        bounds: bounds(&around, &start.stack, registers.sp()),
        registers,
        is_exact_pc: true,
        callee_parameters: None,
        callee_popped: None,
        trust: Trust::Exact,
        found_by: FoundBy::Context,
        is_steady: start.is_at_exception,
        is_above_damage: false,
    };
    let mut frames = Vec::new();
    let calls = OnceCell::new();
    let mut crossed = 0;
    let end = loop {
        let mut frame = frame(&around, &cursor);
        let all = || server_calls(&around, start.machine, start.thread);
        let call = || match calls.get_or_init(all) {
            None => Beyond::Unknown,
            Some(calls) => calls.get(crossed).map_or(Beyond::Nobody, |call| Beyond::Caller(*call)),
        };
        let next = next(&around, &cursor, &frame, methods, &call);
        crossed += usize::from(matches!(&next.caller, Ok(caller) if caller.found_by == FoundBy::ServerCall));
        frame.return_address = next.return_address;
        frame.cfa = next.caller.as_ref().ok().and_then(|caller| caller.cfa());
        frames.push(frame);
        match next.caller {
            Err(end) => break end,
            Ok(_) if frames.len() >= limit.max(1) => break StackEnd::Limit(limit.max(1)),
            Ok(caller) => cursor = above(&cursor, *caller),
        }
    };
    Stack { machine: start.machine, frames, end, without_unwind_data: around.without_unwind_data() }
}

/// The slot of a process of Windows CE that an address lies in.
fn slot_of(pc: Va, index: &UsageIndex<'_>) -> Option<Va> {
    const SLOT: u64 = 0x0200_0000;
    /// Slots 0 and 1 belong to no process, nor does what is behind slot 32.
    const SLOTS: std::ops::Range<u64> = 2 * SLOT..33 * SLOT;
    let has_slots = index.process().layout.is_some_and(|layout| layout.name.has_slots());
    (has_slots && SLOTS.contains(&pc.0)).then(|| pc.align_down(SLOT))
}

/// What is behind an address that only the kernel of Windows CE knows how to return from.
enum Beyond {
    /// The kernel's records were not captured.
    Unknown,
    /// The program that called.
    Caller(ServerCall),
    /// There is no record: the thread's first function returns there.
    Nobody,
}

/// The methods of a processor, best first.
const fn methods(machine: Machine) -> Option<&'static [Method]> {
    match machine {
        Machine::X64 => Some(&x64::METHODS),
        Machine::X86 => Some(&x86::METHODS),
        Machine::Arm64 => Some(&arm64::METHODS),
        Machine::Arm => Some(&arm::METHODS),
        Machine::Mips => Some(&mips::METHODS),
        Machine::Other(SH_FIRST..=SH_LAST) => Some(&sh::METHODS),
        Machine::Other(_) => None,
    }
}

/// The addresses that stack pointers of a walk from `sp` may have, as far as anybody tells.
fn bounds(around: &Surroundings, stack: &StackExtent, sp: Va) -> Option<VaRange> {
    let told = stack.base.and_then(|base| VaRange::new(stack.reserve.or(stack.limit)?, base.checked_sub(1)?));
    let region = || {
        let region = around.space().region(sp);
        (region.state == RegionState::Committed).then_some(region.range)
    };
    told.into_iter().chain(stack.captured).find(|range| range.contains(sp)).or_else(region)
}

/// The cursor of the caller of a frame.
fn above(callee: &Cursor, caller: Caller) -> Cursor {
    Cursor {
        registers: caller.registers,
        is_exact_pc: caller.is_interrupted,
        callee_parameters: caller.parameters,
        callee_popped: caller.popped,
        trust: callee.trust.min(caller.trust),
        found_by: caller.found_by,
        is_steady: true,
        bounds: callee.bounds,
        is_above_damage: false,
    }
}

/// The frame of a cursor, as far as it is known without its caller.
fn frame(around: &Surroundings, cursor: &Cursor) -> StackFrame {
    let symbols = around.symbols_at(cursor.lookup_va());
    StackFrame {
        pc: around.shown(cursor.registers.pc),
        sp: cursor.registers.sp(),
        registers: cursor.registers.registers(),
        cfa: None,
        found_by: cursor.found_by,
        trust: cursor.trust,
        is_exact_pc: cursor.is_exact_pc,
        module: around.place(cursor.registers.pc),
        lookup: symbols.and_then(|(symbols, rva)| symbols.lookup(rva)),
        return_address: None,
    }
}

/// The caller itself; where only the kernel knows how to return to it, what the kernel's record says.
fn across_server_call(around: &Surroundings, mut caller: Box<Caller>, beyond: &dyn Fn() -> Beyond) -> Crossed {
    if return_address(around, &caller).check != ReturnCheck::ServerReturn {
        return Crossed::Caller(caller);
    }
    let is_x86 = caller.registers.machine == Machine::X86;
    match beyond() {
        Beyond::Caller(call) => {
            around.enter(call.slot);
            caller.registers.set_target(call.return_address.into());
            // On x86 the record counts from the return address where the call itself pushed one.
            if let Some(sp) = call.sp.filter(|sp| !is_x86 || caller.place != Some(*sp)) {
                caller.registers.set_sp(sp);
            }
            caller.place = Some(call.place);
            caller.found_by = FoundBy::ServerCall;
            caller.trust = caller.trust.min(Trust::Likely);
            caller.is_told = false;
            Crossed::Caller(caller)
        }
        // Our own kernel makes a thread's first function return there; of devices it is not known.
        Beyond::Nobody if is_x86 => Crossed::Bottom(return_address(around, &caller)),
        Beyond::Nobody | Beyond::Unknown => Crossed::Caller(caller),
    }
}

enum Crossed {
    Caller(Box<Caller>),
    Bottom(ReturnAddress),
}

/// Where the frame returns to that a caller was found for.
fn return_address(around: &Surroundings, caller: &Caller) -> ReturnAddress {
    let value = caller.registers.target();
    ReturnAddress { place: caller.place, value, check: around.check_return(caller.registers.machine, value) }
}

/// What follows a frame.
struct Next {
    caller: Result<Box<Caller>, StackEnd>,
    return_address: Option<ReturnAddress>,
}

/// Asks the methods one after the other. The first return address that a compiler's own data give, but that leads
/// nowhere, is kept: it was overwritten.
fn next(
    around: &Surroundings,
    cursor: &Cursor,
    frame: &StackFrame,
    methods: &[Method],
    beyond: &dyn Fn() -> Beyond,
) -> Next {
    let slot = around.slot();
    let mut cursor = cursor.clone();
    let mut failure = None;
    let mut damaged = None;
    for method in methods {
        let caller = match method(around, &cursor) {
            Attempt::NotHere => continue,
            Attempt::End(end) => return Next { caller: Err(end), return_address: damaged },
            Attempt::Caller(caller) => match across_server_call(around, caller, beyond) {
                Crossed::Caller(caller) => caller,
                Crossed::Bottom(address) => {
                    return Next { caller: Err(StackEnd::Bottom), return_address: Some(address) };
                }
            },
        };
        if caller.found_by == FoundBy::Scan
            && let Some(name) = thread_start(frame)
        {
            return Next { caller: Err(StackEnd::ThreadStart(name)), return_address: damaged };
        }
        let address = return_address(around, &caller);
        match judge(&cursor, &caller, address) {
            Judgement::Believed(trust) => {
                let caller = Box::new(Caller { trust, ..*caller });
                return Next { caller: Ok(caller), return_address: Some(damaged.unwrap_or(address)) };
            }
            Judgement::Bottom => {
                return Next { caller: Err(StackEnd::Bottom), return_address: Some(damaged.unwrap_or(address)) };
            }
            Judgement::Rejected(end) => {
                if matches!(end, StackEnd::Damaged(_)) && damaged.is_none() {
                    damaged = Some(address);
                    if let Some(above) = caller.cfa() {
                        cursor.is_above_damage = true;
                        cursor.registers.set_sp(above);
                    }
                }
                failure = failure.or(Some(end));
            }
            Judgement::NotHere => {}
        }
        around.restore(slot);
    }
    let end = damaged.map(StackEnd::Damaged).or(failure).unwrap_or(StackEnd::NothingFound);
    Next { caller: Err(end), return_address: damaged }
}

enum Judgement {
    Believed(Trust),
    Bottom,
    Rejected(StackEnd),
    NotHere,
}

/// Whether an answer can be true.
fn judge(cursor: &Cursor, caller: &Caller, address: ReturnAddress) -> Judgement {
    let (sp, next) = (cursor.registers.sp(), caller.registers.sp());
    // A function that has not touched its stack, and whose return address is in a register, is alone in this.
    let is_same = caller.place.is_none() || caller.found_by == FoundBy::ServerCall;
    let is_upward = next > sp || next == sp && is_same && cursor.is_exact_pc;
    let is_told = caller.is_told && cursor.is_steady;
    match address.check {
        _ if !is_upward => Judgement::Rejected(StackEnd::NotUpward { sp, caller: next }),
        ReturnCheck::Zero if is_told || is_chain(cursor, caller) => Judgement::Bottom,
        ReturnCheck::Zero if cursor.is_steady && caller.found_by != FoundBy::LeafReturn => {
            Judgement::Rejected(StackEnd::Bottom)
        }
        ReturnCheck::NotCode if is_told => Judgement::Rejected(StackEnd::Damaged(address)),
        ReturnCheck::ServerReturn => Judgement::Rejected(StackEnd::Damaged(address)),
        ReturnCheck::NotCode | ReturnCheck::Zero => Judgement::NotHere,
        _ if caller.found_by != FoundBy::ServerCall
            && cursor.bounds.is_some_and(|bounds| caller.place.is_some_and(|place| !bounds.contains(place))) =>
        {
            Judgement::Rejected(StackEnd::LeftStack(next))
        }
        ReturnCheck::NoCall if caller.is_told || caller.is_interrupted => {
            Judgement::Believed(if caller.is_interrupted { caller.trust } else { caller.trust.min(Trust::Likely) })
        }
        ReturnCheck::NoCall => Judgement::NotHere,
        ReturnCheck::NotCaptured if caller.found_by == FoundBy::LeafReturn => {
            Judgement::Believed(caller.trust.min(Trust::Likely))
        }
        ReturnCheck::AfterCall | ReturnCheck::NotCaptured => Judgement::Believed(caller.trust),
    }
}

/// Whether a frame pointer leads on from a frame that was found by one, or whose own is known for certain.
fn is_chain(cursor: &Cursor, caller: &Caller) -> bool {
    let is_kept = match caller.registers.machine {
        Machine::X86 => !matches!(cursor.found_by, FoundBy::Context | FoundBy::Scan | FoundBy::LeafReturn),
        _ => cursor.found_by == FoundBy::FramePointer,
    };
    caller.found_by == FoundBy::FramePointer && is_kept
}

/// The name of a frame's function, if threads begin with it.
fn thread_start(frame: &StackFrame) -> Option<String> {
    let lookup = frame.lookup.as_ref().filter(|lookup| lookup.is_inside)?;
    let name = lookup.symbol.name.split('@').next().unwrap_or_default().trim_start_matches('_');
    THREAD_STARTS.contains(&name).then(|| lookup.symbol.name.to_string())
}
