//! Addresses by name: `crash`, `pc`, `sp`, registers, `module+0x123`, `sp-8`, plain hexadecimal.
//!
//! ```text
//! location := base (('+' | '-') number)*
//! base     := 'crash' | 'pc' | 'sp' | ['@'] register | module | hexadecimal address
//! number   := '0x' hexadecimal | hexadecimal
//! ```
//! Names come before hexadecimal digits: write `0x` before an address that reads like a name. A module is
//! found without regard to case, with or without its extension.

use crate::crash::{Crash, crash, registers};
use vatlas_rules::parse_address;
use vatlas_space::{LayoutName, Process, Registers, Source, Step, Target, ThreadId, Va};

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
        /// What was probably meant.
        corrections: Vec<(String, String)>,
    },
    /// The text is clear, but this target has no such thing.
    Absent(String),
}

impl std::fmt::Display for LocationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text { message, .. } | Self::Absent(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for LocationError {}

/// Finds the address that `text` names in a process. Registers are those of `thread`, or of the crash, or of
/// the first thread.
///
/// # Errors
/// [`LocationError`].
pub fn locate(
    target: &dyn Target,
    process: &Process,
    thread: Option<ThreadId>,
    text: &str,
) -> Result<Location, LocationError> {
    let text = text.trim();
    // A module's name may itself hold a sign: the longest base that means something wins.
    let cuts = text.char_indices().filter(|(_, letter)| matches!(letter, '+' | '-')).map(|(index, _)| index);
    let mut cuts: Vec<usize> = cuts.filter(|index| *index > 0).collect();
    cuts.push(text.len());
    let mut last_error = None;
    for cut in cuts.iter().rev() {
        let (head, tail) = text.split_at(*cut);
        match base(target, process, thread, head) {
            Ok(location) => return offset(location, tail, text),
            Err(error) => last_error = Some(prefer(last_error, error)),
        }
    }
    Err(last_error.unwrap_or(LocationError::Absent(format!("'{text}' names no address"))))
}

/// Of two errors the one that tells more: an absent thing was at least understood.
fn prefer(earlier: Option<LocationError>, later: LocationError) -> LocationError {
    match (earlier, later) {
        (Some(LocationError::Absent(text)), LocationError::Text { .. }) => LocationError::Absent(text),
        (_, later) => later,
    }
}

fn base(
    target: &dyn Target,
    process: &Process,
    thread: Option<ThreadId>,
    text: &str,
) -> Result<Location, LocationError> {
    let wanted = text.trim();
    let lower = wanted.to_ascii_lowercase();
    match lower.as_str() {
        "crash" => return crash_location(target),
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
        Err(error) => Err(LocationError::Text {
            message: not_an_address(process, wanted, &error),
            corrections: error.corrections.iter().map(|fix| (fix.text.clone(), fix.reason.to_string())).collect(),
        }),
    }
}

fn not_an_address(process: &Process, wanted: &str, error: &vatlas_rules::AddressError) -> String {
    if wanted.starts_with(|letter: char| letter.is_ascii_digit()) {
        return error.to_string();
    }
    let near = process.modules.iter().map(|module| module.name()).find(|name| {
        let name = name.to_ascii_lowercase();
        wanted.len() >= 3 && name.contains(&wanted.to_ascii_lowercase())
    });
    let hint = near.map_or_else(
        || "'vatlas modules' lists the modules; crash, pc, sp and registers are names too".to_owned(),
        |name| format!("meant perhaps {name}?"),
    );
    format!("'{wanted}' is no address, no register and no module of this process; {hint}")
}

fn is_called(name: &str, wanted: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == wanted || name.rsplit_once('.').is_some_and(|(stem, _)| stem == wanted)
}

fn crash_location(target: &dyn Target) -> Result<Location, LocationError> {
    let crash: Crash = crash(target)
        .ok_or_else(|| LocationError::Absent("there is no crash: no exception was recorded".to_owned()))?;
    let mut steps = crash.steps;
    let va = crash.fault.map_or(crash.pc, |fault| fault.va());
    if crash.fault.is_none() {
        steps.push(Step::new(
            "the exception is not about an address; this is the instruction",
            Source::Stream("ExceptionStream"),
        ));
    }
    Ok(Location { va, steps, warning: None })
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
        Some((registers(target, exception)?, format!("of thread {} at the exception", exception.thread)))
    });
    of_crash.or_else(|| {
        let thread = process.threads.iter().find(|thread| thread.registers().is_some())?;
        Some((thread.registers()?, format!("of thread {}, the first one; no exception was recorded", thread.id)))
    })
}

fn frame_register(
    target: &dyn Target,
    process: &Process,
    thread: Option<ThreadId>,
    name: &str,
) -> Result<Location, LocationError> {
    let (registers, whose) = asked(target, process, thread)
        .ok_or_else(|| LocationError::Absent(format!("'{name}' is not known: no registers were captured")))?;
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
    let value = found.as_ref().and_then(|(registers, _)| registers.get(name));
    match (value, found) {
        (Some(value), Some((_, whose))) => {
            let step = Step::new(format!("{name} {whose} holds {}", Va(value)), Source::Stream("thread context"));
            Some(Ok(Location { va: Va(value), steps: vec![step], warning: None }))
        }
        _ if explicit.is_some() => {
            Some(Err(LocationError::Absent(format!("'{word}' is no register that was captured"))))
        }
        _ => None,
    }
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
            corrections: Vec::new(),
        })?;
        let moved = if sign == '+' { location.va.checked_add(number) } else { location.va.checked_sub(number) };
        location.va = moved.ok_or_else(|| LocationError::Absent(format!("'{whole}' leaves the address space")))?;
        rest = &rest[end..];
    }
    Ok(location)
}
