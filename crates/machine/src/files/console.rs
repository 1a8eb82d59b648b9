//! The console as a device: lines from a terminal, bytes from everything else.
//!
//! A terminal has modes, those of `SetConsoleMode`. XP keeps them in CSRSS; here two controls of the device, which are
//! our own, read and set them. With `ENABLE_LINE_INPUT` off bytes come as they are typed, and the end of a line is CR
//! alone. The host's terminal shows what is typed on it, and moves its cursor, whatever the other modes say.

use crate::files::host::{Console, ConsoleEnd, ConsoleInput, ConsoleKind};
use crate::files::status;
use crate::files::transfer::Answer;
use crate::memory::NtStatus;
use std::collections::VecDeque;

/// Most bytes asked of the host at once, and of a line without an end.
const MOST_BYTES: usize = 1 << 16;
/// `CTL_CODE(FILE_DEVICE_CONSOLE, 1, METHOD_BUFFERED, FILE_ANY_ACCESS)`: the mode, 4 bytes.
pub(crate) const GET_MODE: u32 = 0x50_0004;
/// `CTL_CODE(FILE_DEVICE_CONSOLE, 2, METHOD_BUFFERED, FILE_ANY_ACCESS)`: the new mode, 4 bytes.
pub(crate) const SET_MODE: u32 = 0x50_0008;
/// `ENABLE_LINE_INPUT`.
const LINE_INPUT: u32 = 2;
/// `ENABLE_ECHO_INPUT`: only together with lines.
const ECHO_INPUT: u32 = 4;
/// All modes of an input up to `ENABLE_EXTENDED_FLAGS` and the one behind it.
const INPUT_MODES: u32 = 0x1ff;
/// A new input has them all except `ENABLE_WINDOW_INPUT` (documented).
const NEW_INPUT: u32 = INPUT_MODES & !8;
/// `ENABLE_PROCESSED_OUTPUT` and `ENABLE_WRAP_AT_EOL_OUTPUT`; a new output has both.
const OUTPUT_MODES: u32 = 3;
/// Control-Z: at the beginning of a line it is the end of the input.
const CONTROL_Z: u8 = 0x1a;

/// The modes of a terminal, and what came from it and was not yet given.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct ConsoleDevice {
    /// Of the input, and of the screen that both outputs are.
    modes: (u32, u32),
    /// Bytes of lines not yet looked at.
    arrived: VecDeque<u8>,
    /// The rest of a line that a read has begun.
    line: VecDeque<u8>,
    is_at_end: bool,
}

impl Default for ConsoleDevice {
    fn default() -> Self {
        let (arrived, line) = (VecDeque::new(), VecDeque::new());
        Self { modes: (NEW_INPUT, OUTPUT_MODES), arrived, line, is_at_end: false }
    }
}

impl ConsoleDevice {
    /// `GetConsoleMode` of an end that is a terminal.
    pub(crate) fn mode(&self, end: ConsoleEnd) -> u32 {
        if end == ConsoleEnd::Input { self.modes.0 } else { self.modes.1 }
    }

    /// `SetConsoleMode` of an end that is a terminal.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` for a mode that there is not, and for echo without lines.
    pub(crate) fn set_mode(&mut self, end: ConsoleEnd, mode: u32) -> Result<(), NtStatus> {
        let is_input = end == ConsoleEnd::Input;
        let all = if is_input { INPUT_MODES } else { OUTPUT_MODES };
        if mode & !all != 0 || is_input && mode & (ECHO_INPUT | LINE_INPUT) == ECHO_INPUT {
            return Err(status::INVALID_PARAMETER);
        }
        let place = if is_input { &mut self.modes.0 } else { &mut self.modes.1 };
        *place = mode;
        Ok(())
    }

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
        if self.modes.0 & LINE_INPUT == 0 {
            return self.read_keys(console, length);
        }
        if self.line.is_empty() && !self.next_line(console)? {
            return Ok(Answer::pending());
        }
        let taken: Vec<_> = self.line.drain(..length.min(self.line.len())).collect();
        if taken.is_empty() { Err(status::END_OF_FILE) } else { Ok(Answer::success(taken)) }
    }

    /// What was typed so far, first the rest of a line that was begun.
    fn read_keys(&mut self, console: &mut dyn Console, length: usize) -> Result<Answer, NtStatus> {
        if self.line.is_empty() && self.arrived.is_empty() {
            match ask(console, length)? {
                Some(bytes) if bytes.is_empty() => return Err(status::END_OF_FILE),
                Some(bytes) => self.arrived.extend(bytes),
                None => return Ok(Answer::pending()),
            }
        }
        let queue = if self.line.is_empty() { &mut self.arrived } else { &mut self.line };
        let taken = queue.drain(..length.min(queue.len()));
        Ok(Answer::success(taken.map(|byte| if byte == b'\n' { b'\r' } else { byte }).collect()))
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
