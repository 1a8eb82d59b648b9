//! The program, or a check in it, ended the process: breakpoints, assertions, fail fast, uncaught exceptions.

use super::{Certainty, Scene, Suspicion, SuspicionKind};
use crate::stack::Trust;
use vatlas_space::{OsFamily, Source};
use vatlas_symbols::FileKind;

/// Codes of Windows that a program raises itself, and what that means.
const STOPPED: &[(u32, &str)] = &[
    (0x4000_0015, "abort was called, or an unhandled error of the C run-time library"),
    (0xc000_0409, "fail fast: the process ended itself without asking any handler"),
    (0xc000_0417, "the C run-time library was given a parameter that cannot be"),
    (0xc000_0420, "an assertion failed"),
    (0xc000_0602, "RaiseFailFastException was called"),
    (
        0xe06d_7363,
        "a C++ exception was thrown, and the dump written for it: nobody caught it, or somebody wants to know",
    ),
    (0xe043_4352, "a .NET exception was raised"),
    (0xe043_4f4d, "a .NET exception was raised"),
    (0x0eed_fade, "a Delphi exception was raised"),
];

/// Codes of breakpoints, of native code and of 32-bit code under WOW64.
const BREAKPOINTS: [u32; 2] = [0x8000_0003, 0x4000_001f];

/// Functions that run while an exception that nobody handled is reported.
const HANDLERS: [&str; 5] =
    ["UnhandledExceptionFilter", "RtlReportException", "WerpReportFault", "BasepReportFault", "WerReportHang"];

/// Checks that notice damage done before.
const CORRUPTION: &[(u32, &str)] =
    &[(0xc000_0374, "the heap found its own data damaged: something wrote past a block, or freed one twice, before")];

/// Subcodes of `__fastfail` by which a check reports damaged memory (`winnt.h`, `FAST_FAIL_*`).
const FAST_FAIL_CORRUPTION: &[(u64, &str)] = &[
    (0, "a stack cookie was overwritten: a buffer on the stack was overrun"),
    (2, "a stack cookie was overwritten: a buffer on the stack was overrun"),
    (1, "a table of virtual functions is not the one that the object was made with"),
    (3, "the links of a list do not fit: an entry was removed twice, or overwritten"),
    (10, "a call through a pointer went to no function that may be called so (control flow guard)"),
    (50, "the heap found its own data damaged"),
];

const FAST_FAIL: u32 = 0xc000_0409;

pub(super) fn facts(scene: &Scene<'_, '_>) -> Vec<Suspicion> {
    let Some(crash) = scene.crash else { return handles_exception(scene).into_iter().collect() };
    let record = Source::Stream("ExceptionStream");
    let code = format!("the code is {:08x}, {}", crash.code, crash.name);
    let fact =
        |kind, reason: &str| Suspicion::new(kind, Certainty::Certain, reason).because(code.clone(), record.clone());
    if !is_windows(scene) {
        let is_abort = crash.name == "SIGABRT";
        return is_abort.then(|| fact(SuspicionKind::StoppedItself, "abort was called")).into_iter().collect();
    }
    let named = |table: &[(u32, &'static str)]| table.iter().find(|row| row.0 == crash.code).map(|row| row.1);
    let subcode = scene.target.exception().and_then(|exception| exception.parameters.first().copied());
    let subcode = subcode.filter(|_| crash.code == FAST_FAIL);
    let checked = subcode.and_then(|subcode| FAST_FAIL_CORRUPTION.iter().find(|row| row.0 == subcode));
    let checked = checked.map(|(subcode, reason)| {
        fact(SuspicionKind::CorruptionFound, reason)
            .because(format!("the subcode of __fastfail is {subcode}"), record.clone())
    });
    if BREAKPOINTS.contains(&crash.code) {
        let reason = match is_at_breakpoint(scene) {
            Some(false) => {
                "a breakpoint was reported, but no breakpoint instruction is there: a debugger has taken it away, or the \
                 exception was raised by software"
            }
            _ => "a breakpoint instruction was executed: an assertion, __debugbreak, or a debugger that broke in",
        };
        return vec![fact(SuspicionKind::Breakpoint, reason)];
    }
    let stopped = named(STOPPED).map(|reason| fact(SuspicionKind::StoppedItself, reason));
    let corrupted = named(CORRUPTION).map(|reason| fact(SuspicionKind::CorruptionFound, reason));
    checked.or(stopped).into_iter().chain(corrupted).collect()
}

/// Whether a breakpoint instruction is at the registers' address or ends there; `None` where its bytes are not at hand.
fn is_at_breakpoint(scene: &Scene<'_, '_>) -> Option<bool> {
    let instruction = &scene.instruction?.instruction;
    let mut before = [0];
    let has_before =
        instruction.va.checked_sub(1).is_some_and(|va| scene.index.space().read_exact(va, &mut before).is_ok());
    let names = ["int3", "int 3", "int 0x3", "int 0x2d", "brk", "bkpt", "udf"];
    let is_here = names.iter().any(|name| instruction.text.starts_with(name));
    Some(is_here || !has_before || before == [0xcc])
}

/// The thread waits in the code that reports an exception, though the target does not say which one.
fn handles_exception(scene: &Scene<'_, '_>) -> Option<Suspicion> {
    if scene.target.exception().is_some() {
        return None;
    }
    let mut frames = scene.stack?.frames.iter().filter(|frame| frame.frame.trust >= Trust::Likely);
    let (frame, name) = frames.find_map(|frame| {
        let name = frame.name.function.as_deref().filter(|name| HANDLERS.contains(name))?;
        Some((frame, name))
    })?;
    // An export table does not say where a function ends: the address may be in another one, without a name.
    let is_sure = frame.frame.lookup.as_ref().is_some_and(|lookup| lookup.origin.kind < FileKind::Exports);
    let certainty = if is_sure { Certainty::Likely } else { Certainty::Possible };
    let reason = "the thread is in the code that reports an unhandled exception, which the dump does not record";
    let fact = Suspicion::new(SuspicionKind::HandlesException, certainty, reason);
    Some(fact.because(format!("{name} is on its stack"), Source::Deduced("the stack walk")))
}

fn is_windows(scene: &Scene<'_, '_>) -> bool {
    let os = scene.target.host().map(|host| host.os);
    matches!(os, Some(OsFamily::Windows | OsFamily::WindowsCe) | None)
}
