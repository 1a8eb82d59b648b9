//! What stands in front of a line: `654322 PID:c8a002a TID:c8b002a ` of a debugger, the time of a terminal program.

use super::letters::{Letter, begins, decimal, hexadecimal, run};
use vatlas_space::DebuggerPrefix;

/// The line without what stands in front of it, and what the debugger said there.
pub(super) fn strip(row: &[Letter]) -> (Option<DebuggerPrefix>, &[Letter]) {
    let row = without_time(row);
    match debugger(row) {
        Some((prefix, rest)) => (Some(prefix), rest),
        None => (None, row),
    }
}

/// `<ticks> PID:<hex> TID:<hex> `
fn debugger(row: &[Letter]) -> Option<(DebuggerPrefix, &[Letter])> {
    let row = row.get(blanks(row)..)?;
    let (ticks, used) = decimal(row)?;
    let rest = row.get(used..)?;
    let rest = rest.get(blanks(rest)..)?;
    let rest = begins(rest, "PID:").then(|| rest.get(4..)).flatten()?;
    let (process, _, used) = hexadecimal(rest, 8)?;
    let rest = rest.get(used..)?;
    let rest = rest.get(blanks(rest)..)?;
    let rest = begins(rest, "TID:").then(|| rest.get(4..)).flatten()?;
    let (thread, _, used) = hexadecimal(rest, 8)?;
    let rest = rest.get(used..)?;
    let prefix = DebuggerPrefix { ticks, process: process as u32, thread: thread as u32 };
    Some((prefix, rest.get(blanks(rest)..)?))
}

fn blanks(row: &[Letter]) -> usize {
    run(row, char::is_whitespace)
}

/// Takes away a date and a time of day, in brackets or not: `[12:34:56.789] `, `2009-05-19 10:00:00 `.
fn without_time(row: &[Letter]) -> &[Letter] {
    let is_part = |char: char| char.is_ascii_digit() || "[]:.,-/TZ ".contains(char);
    let start = blanks(row);
    let Some(rest) = row.get(start..) else { return row };
    let front = rest.get(..run(rest, is_part)).unwrap_or_default();
    // Two digits, a colon, two digits: the time of day. It must end where a word does.
    let time = front.windows(5).position(|five| {
        let mut chars = five.iter().map(|letter| letter.char);
        let is_time = |(at, char): (usize, char)| if at == 2 { char == ':' } else { char.is_ascii_digit() };
        chars.by_ref().enumerate().all(is_time)
    });
    let Some(time) = time else { return row };
    let Some(behind) = rest.get(time + 5..) else { return row };
    let more = run(behind, |char| char.is_ascii_digit() || ":.,".contains(char));
    let behind = behind.get(more..).unwrap_or_default();
    let behind = if begins(behind, "]") { behind.get(1..).unwrap_or_default() } else { behind };
    match behind.first() {
        Some(letter) if letter.char.is_whitespace() => trimmed_front(behind),
        _ => row,
    }
}

fn trimmed_front(row: &[Letter]) -> &[Letter] {
    row.get(blanks(row)..).unwrap_or_default()
}
