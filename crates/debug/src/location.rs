//! Addresses by name: `crash`, `pc`, `sp`, registers, `module+0x123`, `sp-8`, plain hexadecimal.
//!
//! ```text
//! location := base (('+' | '-') number)*
//! base     := 'crash' | 'pc' | 'sp' | ['@'] register | module ['!' symbol] | hexadecimal address
//! number   := '0x' hexadecimal | hexadecimal
//! ```
//! Names come before hexadecimal digits: write `0x` before an address that reads like a name. A module is
//! found without regard to case, with or without its extension. Of a WOW64 thread the native registers come first;
//! those of the 32-bit side are known by their own names.

mod symbol;

use crate::{
    crash::{Crash, crash, is_in, registers},
    process_choice::process_of_thread,
    symbolize::Symbolizer,
};
use vatlas_rules::{AddressError, parse_address};
use vatlas_space::{LayoutName, Process, Registers, Severity, Source, Step, Target, ThreadId, Va};

/// An address that a text names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// The address.
    pub va: Va,
    /// How the text led to it; empty for a plain address.
    pub steps: Vec<Step>,
    /// What is odd about the text.
    pub warning: Option<String>,
}

/// Why a text names no address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LocationError {
    /// The text cannot be understood: wrong usage. Corrections, best first.
    Text {
        /// What is wrong.
        message: String,
        /// What can be written instead, when nothing near was found.
        hint: Option<&'static str>,
        /// What was probably meant.
        corrections: Vec<(String, String)>,
    },
    /// The text is clear, but this target has no such thing.
    Absent {
        /// What is missing.
        message: String,
        /// What can be asked instead.
        hint: Option<&'static str>,
        /// What was probably meant.
        corrections: Vec<(String, String)>,
    },
}

impl LocationError {
    fn absent(message: impl Into<String>) -> Self {
        Self::Absent { message: message.into(), hint: None, corrections: Vec::new() }
    }
}

impl std::fmt::Display for LocationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text { message, .. } | Self::Absent { message, .. } => f.write_str(message),
        }
    }
}

impl std::error::Error for LocationError {}

/// Finds the address that `text` names in a process, without symbols. Registers are those of `thread`, or of the crash,
/// or of the first thread.
///
/// # Errors
/// [`LocationError`].
pub fn locate(
    target: &dyn Target,
    process: &Process,
    thread: Option<ThreadId>,
    text: &str,
) -> Result<Location, LocationError> {
    locate_named(target, process, thread, text, None)
}

/// As [`locate`], with the names of symbols.
///
/// # Errors
/// [`LocationError`].
pub fn locate_named(
    target: &dyn Target,
    process: &Process,
    thread: Option<ThreadId>,
    text: &str,
    names: Option<&Symbolizer<'_>>,
) -> Result<Location, LocationError> {
    let text = text.trim();
    // A module's name may itself hold a sign: the longest base that means something wins.
    let cuts = text.char_indices().filter(|(_, letter)| matches!(letter, '+' | '-')).map(|(index, _)| index);
    let mut cuts: Vec<usize> = cuts.filter(|index| *index > 0).collect();
    cuts.push(text.len());
    let mut last_error = None;
    for cut in cuts.iter().rev() {
        let (head, tail) = text.split_at(*cut);
        match base(target, process, thread, head, names) {
            Ok(location) => return offset(location, tail, text),
            Err(error) => last_error = Some(prefer(last_error, error)),
        }
    }
    Err(last_error.unwrap_or(LocationError::absent(format!("'{text}' names no address"))))
}

/// Of two errors the one that tells more: an absent thing was at least understood.
fn prefer(earlier: Option<LocationError>, later: LocationError) -> LocationError {
    match (earlier, later) {
        (Some(absent @ LocationError::Absent { .. }), LocationError::Text { .. }) => absent,
        (_, later) => later,
    }
}

fn base(
    target: &dyn Target,
    process: &Process,
    thread: Option<ThreadId>,
    text: &str,
    names: Option<&Symbolizer<'_>>,
) -> Result<Location, LocationError> {
    let wanted = text.trim();
    if let (Some(names), true) = (names, wanted.contains('!')) {
        return symbol::locate(names, process, wanted);
    }
    let lower = wanted.to_ascii_lowercase();
    match lower.as_str() {
        "crash" => return crash_location(target, process),
        "pc" | "sp" => return frame_register(target, process, thread, &lower),
        _ => {}
    }
    if let Some(location) = register(target, process, thread, &lower) {
        return location;
    }
    if let Some(module) = process.modules.iter().find(|module| is_called(module.name(), &lower)) {
        let step = Step::new(
            format!("{} is loaded at {}", module.name(), module.range.first()),
            Source::Stream("ModuleListStream"),
        );
        return Ok(Location { va: module.range.first(), steps: vec![step], warning: None });
    }
    let layout = if process.width.bytes() == 4 { LayoutName::Nt32 } else { LayoutName::Nt64 };
    match parse_address(wanted, layout) {
        Ok(parsed) => Ok(Location { va: parsed.va, steps: Vec::new(), warning: parsed.warning }),
        Err(error) => Err(no_address(process, wanted, error)),
    }
}

/// What is wrong with a text that is neither a name nor an address. Whoever shows it lists the corrections, so the
/// message does not repeat the best.
fn no_address(process: &Process, wanted: &str, mut error: AddressError) -> LocationError {
    let fixes = std::mem::take(&mut error.corrections);
    if wanted.starts_with(|letter: char| letter.is_ascii_digit()) {
        let corrections = fixes.into_iter().map(|fix| (fix.text, fix.reason)).collect();
        return LocationError::Text { message: error.to_string(), hint: None, corrections };
    }
    let corrections = near(process, wanted);
    let hint = corrections.is_empty().then_some(NAMES);
    // Nothing but a module's name has a dot in it.
    if corrections.is_empty() && wanted.contains('.') {
        return LocationError::Absent {
            message: format!("there is no module '{wanted}' in this process"),
            hint,
            corrections,
        };
    }
    let message = format!("'{wanted}' is no address, no register and no module of this process");
    LocationError::Text { message, hint, corrections }
}

const NAMES: &str = "'vatlas modules' lists the modules; crash, pc, sp and registers are names too";

/// Modules whose name is part of the text, or has it in it.
fn near(process: &Process, wanted: &str) -> Vec<(String, String)> {
    const SHORTEST: usize = 3;
    if wanted.len() < SHORTEST {
        return Vec::new();
    }
    let wanted = wanted.to_ascii_lowercase();
    let is_near = |name: &&str| {
        let name = name.to_ascii_lowercase();
        let stem = name.split('.').next().unwrap_or_default();
        name.contains(&wanted) || (stem.len() >= SHORTEST && wanted.contains(stem))
    };
    let names = process.modules.iter().map(|module| module.name()).filter(is_near);
    names.map(|name| (name.to_owned(), "a module of this process".to_owned())).collect()
}

fn is_called(name: &str, wanted: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == wanted || name.rsplit_once('.').is_some_and(|(stem, _)| stem == wanted)
}

fn crash_location(target: &dyn Target, process: &Process) -> Result<Location, LocationError> {
    let crash: Crash = crash(target).ok_or_else(|| no_crash(target))?;
    let mut steps = crash.steps;
    let va = crash.fault.map_or(crash.pc, |fault| fault.va());
    let owner = process_of_thread(target, crash.thread).and_then(|owner| target.processes().get(owner.0));
    // In the view of another process an address of slot 0 is another byte.
    let home = owner.and_then(|owner| owner.home).filter(|_| !is_in(target, process));
    let va = home.map_or(va, |home| home.slot_form(va));
    if crash.fault.is_none() {
        steps.push(Step::new(
            "the exception is not about an address; this is the instruction",
            Source::Stream("ExceptionStream"),
        ));
    }
    Ok(Location { va, steps, warning: None })
}

/// Why `crash` names nothing: a stream that cannot be read is not one that is absent.
fn no_crash(target: &dyn Target) -> LocationError {
    let is_damaged = target
        .problems()
        .iter()
        .any(|problem| problem.severity == Severity::Damage && problem.place.contains("ExceptionStream"));
    let why = if is_damaged { "the exception cannot be read" } else { "no exception was recorded" };
    LocationError::Absent {
        message: format!("'crash' is not known: {why}"),
        hint: Some("pc and sp of a thread are known without one; so are all addresses"),
        corrections: Vec::new(),
    }
}

/// The registers to ask: of the thread, of the crash, of the first thread that has any; and whose they are.
fn asked<'t>(
    target: &'t dyn Target,
    process: &'t Process,
    thread: Option<ThreadId>,
) -> Option<(&'t Registers, String)> {
    if let Some(id) = thread {
        return process.thread(id)?.registers().map(|registers| (registers, format!("of thread {id}")));
    }
    let of_crash = target.exception().and_then(|exception| {
        let is_own = process.threads.is_empty() || process.thread(exception.thread).is_some();
        is_own.then_some(())?;
        Some((registers(target, exception)?, format!("of thread {} at the exception", exception.thread)))
    });
    of_crash.or_else(|| {
        let thread = process.threads.iter().find(|thread| thread.registers().is_some())?;
        let why =
            if target.exception().is_some() { "the exception was elsewhere" } else { "no exception was recorded" };
        Some((thread.registers()?, format!("of thread {}, the first one; {why}", thread.id)))
    })
}

fn frame_register(
    target: &dyn Target,
    process: &Process,
    thread: Option<ThreadId>,
    name: &str,
) -> Result<Location, LocationError> {
    let (registers, whose) = asked(target, process, thread)
        .ok_or_else(|| LocationError::absent(format!("'{name}' is not known: no registers were captured")))?;
    let (va, long) = if name == "pc" { (registers.pc, "instruction pointer") } else { (registers.sp, "stack pointer") };
    let step = Step::new(format!("{va} is the {long} {whose}"), Source::Stream("thread context"));
    Ok(Location { va, steps: vec![step], warning: None })
}

/// `None` when the word is no register of this processor.
fn register(
    target: &dyn Target,
    process: &Process,
    thread: Option<ThreadId>,
    word: &str,
) -> Option<Result<Location, LocationError>> {
    let explicit = word.strip_prefix('@').or_else(|| word.strip_prefix('$'));
    let name = explicit.unwrap_or(word);
    let found = asked(target, process, thread);
    let native = found.and_then(|(registers, whose)| Some((registers.get(name)?, whose)));
    match native.or_else(|| emulated_register(target, process, thread, name)) {
        Some((value, whose)) => {
            let step = Step::new(format!("{name} {whose} holds {}", Va(value)), Source::Stream("thread context"));
            Some(Ok(Location { va: Va(value), steps: vec![step], warning: None }))
        }
        _ if explicit.is_some() => {
            Some(Err(LocationError::absent(format!("'{word}' is no register that was captured"))))
        }
        _ => None,
    }
}

/// A register of the 32-bit side of a WOW64 thread: of `thread`, of the crash, or of the first thread.
fn emulated_register(
    target: &dyn Target,
    process: &Process,
    thread: Option<ThreadId>,
    name: &str,
) -> Option<(u64, String)> {
    let of_crash = || target.exception().map(|exception| exception.thread);
    let thread = match thread.or_else(of_crash) {
        Some(id) => process.thread(id)?,
        None => process.threads.first()?,
    };
    let registers = thread.sides.get(1)?.registers.as_ref()?;
    Some((registers.get(name)?, format!("of the {} side of thread {}", registers.machine, thread.id)))
}

/// Applies `+0x10-8` to a base.
fn offset(mut location: Location, tail: &str, whole: &str) -> Result<Location, LocationError> {
    let mut rest = tail;
    while let Some(sign) = rest.chars().next() {
        let end = rest[1..].find(['+', '-']).map_or(rest.len(), |index| index + 1);
        let digits = rest[1..end].trim();
        let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(digits);
        let number = u64::from_str_radix(digits, 16).map_err(|_| LocationError::Text {
            message: format!("'{whole}': '{}' is no hexadecimal number", rest[1..end].trim()),
            hint: None,
            corrections: Vec::new(),
        })?;
        let moved = if sign == '+' { location.va.checked_add(number) } else { location.va.checked_sub(number) };
        location.va = moved.ok_or_else(|| LocationError::absent(format!("'{whole}' leaves the address space")))?;
        rest = &rest[end..];
    }
    Ok(location)
}
