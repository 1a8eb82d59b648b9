//! Lines that are no crash but say how one went on, or what system it is.

use super::{
    LogItem,
    letters::{Letter, after, find, hexadecimal, place, run, text, trimmed},
};
use vatlas_space::LogNote;

/// The remark in a line, wherever in it.
pub(super) fn read(row: &[Letter]) -> Option<LogItem> {
    let note = boot(row).or_else(|| terminating(row)).or_else(|| secondary(row)).or_else(|| not_handled(row))?;
    Some(LogItem::Note(note, place(trimmed(row))))
}

fn boot(row: &[Letter]) -> Option<LogNote> {
    let rest = after(row, "Booting Windows CE version ")?;
    let size = run(rest, |char| char.is_ascii_digit() || char == '.');
    let version = text(rest.get(..size)?);
    let processor = after(rest, "for (").unwrap_or_default();
    let size = run(processor, |char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | ' '));
    let processor = text(trimmed(processor.get(..size)?));
    (!version.is_empty() && processor.len() < 40).then_some(LogNote::Boot { version, processor })
}

fn terminating(row: &[Letter]) -> Option<LogNote> {
    let (thread, ..) = hexadecimal(after(row, "Terminating thread ")?, 8)?;
    Some(LogNote::TerminatingThread { thread: thread as u32 })
}

fn secondary(row: &[Letter]) -> Option<LogNote> {
    let number = |rest: Option<&[Letter]>| Some(hexadecimal(rest?, 8)?.0 as u32);
    let process = number(after(row, "Secondary thread in proc "))?;
    let code = number(after(row, "Exception code = "))?;
    let address = number(after(row, "Exception Address = "))?;
    Some(LogNote::SecondaryThread { process, code, address })
}

fn not_handled(row: &[Letter]) -> Option<LogNote> {
    find(row, "URtlDispatchException: returning failure").map(|_| LogNote::NotHandled)
}
