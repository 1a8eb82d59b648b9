//! The console as a device: lines from a terminal, bytes from everything else.

use crate::files::host::{Console, ConsoleEnd, ConsoleInput, ConsoleKind};
use crate::files::status;
use crate::files::transfer::Answer;
use crate::memory::NtStatus;
use std::collections::VecDeque;

/// Most bytes asked of the host at once, and of a line without an end.
const MOST_BYTES: usize = 1 << 16;
/// Control-Z: at the beginning of a line it is the end of the input.
const CONTROL_Z: u8 = 0x1a;

/// What came from a terminal and was not yet given.
#[derive(Debug, Default)]
pub(crate) struct ConsoleDevice {
    /// Bytes of lines not yet looked at.
    arrived: VecDeque<u8>,
    /// The rest of a line that a read has begun.
    line: VecDeque<u8>,
    is_at_end: bool,
}

impl ConsoleDevice {
    /// A read of standard input: from a terminal at most one line, which ends in CR LF; else what has come.
    pub(crate) fn read(&mut self, console: &mut dyn Console, length: u32) -> Result<Answer, NtStatus> {
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(MOST_BYTES);
        if length == 0 {
            return Ok(Answer::success(Vec::new()));
        }
        if console.kind(ConsoleEnd::Input) != ConsoleKind::Terminal {
            return match ask(console, length)? {
                Some(bytes) if bytes.is_empty() => Err(status::END_OF_FILE),
                Some(bytes) => Ok(Answer::success(bytes)),
                None => Ok(Answer::pending()),
            };
        }
        if self.line.is_empty() && !self.next_line(console)? {
            return Ok(Answer::pending());
        }
        let taken: Vec<_> = self.line.drain(..length.min(self.line.len())).collect();
        if taken.is_empty() { Err(status::END_OF_FILE) } else { Ok(Answer::success(taken)) }
    }

    /// Whether a line, or the end, has come.
    fn next_line(&mut self, console: &mut dyn Console) -> Result<bool, NtStatus> {
        loop {
            let end = self.arrived.iter().position(|&byte| byte == b'\n');
            let length = match end {
                Some(end) => end,
                None if self.is_at_end || self.arrived.len() >= MOST_BYTES => self.arrived.len(),
                None => match ask(console, MOST_BYTES)? {
                    Some(bytes) => {
                        self.is_at_end = bytes.is_empty();
                        self.arrived.extend(bytes);
                        continue;
                    }
                    None => return Ok(false),
                },
            };
            self.take_line(length, end.is_some());
            // The next read asks again: a terminal goes on after its end.
            self.is_at_end = false;
            return Ok(true);
        }
    }

    fn take_line(&mut self, length: usize, has_end: bool) {
        let mut line: VecDeque<u8> = self.arrived.drain(..length).collect();
        if has_end {
            self.arrived.pop_front();
            if line.back() == Some(&b'\r') {
                line.pop_back();
            }
        }
        if line.front() == Some(&CONTROL_Z) {
            return;
        }
        line.extend(if has_end { b"\r\n".as_slice() } else { b"" });
        self.line = line;
    }
}

/// Bytes of the host: none at the end, `None` when nothing has come yet.
fn ask(console: &mut dyn Console, length: usize) -> Result<Option<Vec<u8>>, NtStatus> {
    let mut bytes = vec![0; length];
    match console.read(&mut bytes)? {
        ConsoleInput::Bytes(count) => bytes.truncate(count),
        ConsoleInput::End => bytes.clear(),
        ConsoleInput::NotYet => return Ok(None),
    }
    Ok(Some(bytes))
}
