//! What happened: the exception in words, where it happened, and the address that was wrong.

use crate::{
    disassembly::{LONGEST, memory_operands},
    process_choice::{owner_of, process_of_thread},
};
use vatlas_rules::{Access, exception_words, signal};
use vatlas_space::{
    AddressSpace, ExceptionRecord, LayoutName, OsFamily, PointerWidth, Process, ProcessIndex, Registers, Source, Step,
    Target, ThreadId, Va,
};

/// Where the faulting address was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultAddress {
    /// In the parameters of the exception.
    Reported(Va),
    /// The processor did not report it; the registers and the instruction's operand give it.
    FromOperand(Va),
}

impl FaultAddress {
    /// The address.
    pub const fn va(self) -> Va {
        match self {
            Self::Reported(va) | Self::FromOperand(va) => va,
        }
    }
}

/// A crash in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Crash {
    /// The thread.
    pub thread: ThreadId,
    /// The code as a number.
    pub code: u32,
    /// Its name.
    pub name: String,
    /// What happened, a sentence.
    pub sentence: String,
    /// What to know besides.
    pub note: Option<String>,
    /// What the processor wanted to do.
    pub access: Option<Access>,
    /// The address that it wanted to use.
    pub fault: Option<FaultAddress>,
    /// The instruction.
    pub pc: Va,
    /// The stack pointer at that moment.
    pub sp: Option<Va>,
    /// How all this was found.
    pub steps: Vec<Step>,
}

/// The exception of a target in words; `None` when it was not taken for one.
pub fn crash(target: &dyn Target) -> Option<Crash> {
    let exception = target.exception()?;
    let registers = registers(target, exception);
    let pc = registers.map_or(exception.address, |registers| registers.pc);
    let mut crash = match target.host().map(|host| host.os) {
        Some(OsFamily::Windows | OsFamily::WindowsCe) | None => windows(target, exception, pc),
        Some(os) => foreign(exception, pc, os),
    };
    crash.sp = registers.map(|registers| registers.sp);
    crash.steps.push(Step::new(
        format!("code {:08x} in thread {}, instruction at {}", exception.code, exception.thread, pc),
        Source::Stream("ExceptionStream"),
    ));
    fault_address(target, registers, &mut crash);
    if let Some(FaultAddress::Reported(va)) = crash.fault {
        let finding = match crash.access {
            Some(access) => format!("the record says which address was wrong, {va}, and the access: {access}"),
            None => format!("the record says which address was wrong: {va}"),
        };
        crash.steps.push(Step::new(finding, Source::Stream("ExceptionStream")));
    }
    Some(crash)
}

/// Whether the exception was in this process: also where the target has no other, or no process lists its thread.
pub fn is_in(target: &dyn Target, process: &Process) -> bool {
    let Some(thread) = target.exception().map(|exception| exception.thread) else { return false };
    process.thread(thread).is_some() || process_of_thread(target, thread).is_none()
}

/// The registers of the exception, or those of its thread when it has none.
pub fn registers<'t>(target: &'t dyn Target, exception: &'t ExceptionRecord) -> Option<&'t Registers> {
    let of_thread = || target.processes().iter().find_map(|process| process.thread(exception.thread)?.registers());
    exception.registers.as_ref().or_else(of_thread)
}

fn windows(target: &dyn Target, exception: &ExceptionRecord, pc: Va) -> Crash {
    // Writers extend the addresses of 32-bit processes with their sign.
    let is_narrow =
        process_of(target, exception.thread).is_some_and(|(process, _)| process.width == PointerWidth::Bits32);
    let mask = if is_narrow { u64::from(u32::MAX) } else { u64::MAX };
    let parameters: Vec<u64> = exception.parameters.iter().map(|parameter| parameter & mask).collect();
    let reported = exception_words(exception.code, &parameters);
    let slot_null = reported.faulting_address.and_then(|va| slot_null(target, va));
    let words = match (&slot_null, parameters.as_slice()) {
        (Some(null), [kind, _, rest @ ..]) => exception_words(exception.code, &[&[*kind, null.va.0], rest].concat()),
        _ => reported,
    };
    let in_slot = slot_null.as_ref().map(|null| format!(", {}", null.finding)).unwrap_or_default();
    let layout = slot_null.as_ref().map(|null| Source::Layout(null.layout));
    let step = slot_null.as_ref().zip(layout).map(|(null, layout)| Step::new(null.reason.clone(), layout));
    Crash {
        thread: exception.thread,
        code: exception.code,
        name: words.name.into_owned(),
        sentence: words.sentence + &in_slot,
        note: words.note.map(str::to_owned),
        access: words.access,
        fault: words.faulting_address.map(FaultAddress::Reported),
        pc,
        sp: None,
        steps: step.into_iter().collect(),
    }
}

/// A null pointer as Windows CE up to 5 reports it: with the lowest address of a slot added.
struct SlotNull {
    /// The address as the program used it.
    va: Va,
    layout: LayoutName,
    finding: String,
    reason: String,
}

/// The bottom 64 KB of a slot are never allocated, so an address there came from a null pointer.
fn slot_null(target: &dyn Target, reported: Va) -> Option<SlotNull> {
    const NULL_PARTITION: u64 = 0x1_0000;
    let process = &target.processes().get(owner_of(target, reported)?.0)?;
    let (home, layout) = (process.home.filter(|home| home.number != 0)?, process.layout?.name);
    let va = home.slot_zero_form(reported);
    let name = process.name.as_deref().unwrap_or("a process");
    let slot = home.slot();
    (va.0 < NULL_PARTITION && va != reported).then(|| SlotNull {
        va,
        layout,
        finding: format!("reported as {reported} in slot {slot}, of {name}"),
        reason: format!("{reported} is {va} with the base of slot {slot} ({name}) added, as faults are reported"),
    })
}

fn foreign(exception: &ExceptionRecord, pc: Va, os: OsFamily) -> Crash {
    let words = match os {
        OsFamily::MacOs | OsFamily::Ios => signal::mach_words(exception.code),
        _ => signal::signal_words(exception.code),
    };
    let (name, sentence) = words.unwrap_or(("", "an exception of a system whose codes are not known here"));
    let name = if name.is_empty() { format!("{:#x}", exception.code) } else { name.to_owned() };
    // SIGSEGV and SIGBUS, EXC_BAD_ACCESS: the record's address is the one that was touched.
    let is_access = matches!((os, exception.code), (OsFamily::MacOs | OsFamily::Ios, 1))
        || matches!((os, exception.code), (OsFamily::Linux | OsFamily::Android, 7 | 11));
    Crash {
        thread: exception.thread,
        code: exception.code,
        name,
        sentence: sentence.to_owned(),
        note: None,
        access: None,
        fault: is_access.then_some(FaultAddress::Reported(exception.address)),
        pc,
        sp: None,
        steps: Vec::new(),
    }
}

/// Finds an address that the processor did not report: for a non-canonical one x64 reports none at all, and Windows
/// fills in all ones.
fn fault_address(target: &dyn Target, registers: Option<&Registers>, crash: &mut Crash) {
    let Some((process, index)) = process_of(target, crash.thread) else { return };
    if process.width == PointerWidth::Bits32 {
        // Of other systems than Windows too.
        crash.fault = crash.fault.map(|fault| FaultAddress::Reported(Va(fault.va().0 & u64::from(u32::MAX))));
        return;
    }
    let not_reported = crash.fault.is_none() || crash.fault == Some(FaultAddress::Reported(Va(u64::MAX)));
    if crash.access.is_none() || !not_reported {
        return;
    }
    let (Some(registers), Some(space)) = (registers, target.space(index)) else { return };
    if let Some(va) = non_canonical_operand(registers, space) {
        crash.fault = Some(FaultAddress::FromOperand(va));
        crash.steps.push(Step::new(
            format!("the record names no address; the operand of the instruction is the non-canonical {va}"),
            Source::Memory(registers.pc),
        ));
    }
}

fn process_of(target: &dyn Target, thread: ThreadId) -> Option<(&Process, ProcessIndex)> {
    let processes = target.processes();
    let index = processes.iter().position(|process| process.thread(thread).is_some()).unwrap_or(0);
    processes.get(index).map(|process| (process, ProcessIndex(index)))
}

fn non_canonical_operand(registers: &Registers, space: &dyn AddressSpace) -> Option<Va> {
    let mut bytes = [0; LONGEST];
    let held = space.read_available(registers.pc, &mut bytes);
    let operands = memory_operands(registers, &bytes[..held]);
    operands.into_iter().map(|operand| operand.va).find(|va| !is_canonical(*va))
}

/// Bits 63 to 47 of an address of a 48-bit processor are all equal.
fn is_canonical(va: Va) -> bool {
    matches!((va.0 as i64) >> 47, 0 | -1)
}
