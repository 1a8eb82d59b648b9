//! `NtFsControlFile` for pipes: listen, disconnect, peek, and wait for an instance; `NtDeviceIoControlFile` for the
//! modes of the console.

use crate::files::Files;
use crate::files::console::{GET_MODE, SET_MODE};
use crate::files::host::{ConsoleEnd, ConsoleKind, Host};
use crate::files::name::fold;
use crate::files::object::{Device, FileHandle, FileNumber};
use crate::files::pipe::{PipeEnd, PipeState};
use crate::files::raw::{read, read_i64, read_text, read_u32};
use crate::files::status;
use crate::files::transfer::Answer;
use crate::memory::NtStatus;

const DISCONNECT: u32 = 0x11_0004;
const LISTEN: u32 = 0x11_0008;
const PEEK: u32 = 0x11_400c;
const WAIT: u32 = 0x11_0018;
/// `FILE_PIPE_WAIT_FOR_BUFFER`: Timeout 0, NameLength 8, TimeoutSpecified 12, Name 14.
const WAIT_NAME: usize = 14;

impl Files {
    /// What a control code does and answers. `PENDING`: ask again when the file object is ready.
    ///
    /// # Errors
    /// `INVALID_DEVICE_REQUEST` for a code or device without this call; `PIPE_CONNECTED` when a client was there
    /// before the server listened, and others of the pipe's state.
    pub fn control(&mut self, handle: FileHandle, code: u32, input: &[u8], length: u32) -> Result<Answer, NtStatus> {
        match (code, self.object(handle, 0)?.device) {
            (LISTEN, Device::Pipe(end)) if end.is_server => self.listen(end),
            (DISCONNECT, Device::Pipe(end)) if end.is_server => self.disconnect(end),
            (LISTEN | DISCONNECT, Device::Pipe(_)) => Err(status::ILLEGAL_FUNCTION),
            (PEEK, Device::Pipe(end)) => self.pipes.peek(end, length),
            (WAIT, Device::PipeFolder) => self.wait_for_instance(handle.file, input),
            (GET_MODE | SET_MODE, Device::Console(end)) => self.console_mode(end, code, input, length),
            _ => Err(status::INVALID_DEVICE_REQUEST),
        }
    }

    /// The mode of an end of the console, or a new one; only a terminal has any.
    fn console_mode(&mut self, end: ConsoleEnd, code: u32, input: &[u8], length: u32) -> Result<Answer, NtStatus> {
        if self.host.console().kind(end) != ConsoleKind::Terminal {
            return Err(status::INVALID_DEVICE_REQUEST);
        }
        if code == GET_MODE && length < 4 {
            return Err(status::BUFFER_TOO_SMALL);
        }
        if code == GET_MODE {
            return Ok(Answer::success(self.console.mode(end).to_le_bytes().to_vec()));
        }
        self.console.set_mode(end, read_u32(input, 0).map_err(|_| status::INVALID_PARAMETER)?)?;
        Ok(Answer::success(Vec::new()))
    }

    fn listen(&mut self, end: PipeEnd) -> Result<Answer, NtStatus> {
        let instance = self.pipes.instance(end)?;
        match instance.state {
            PipeState::Connected => Err(status::PIPE_CONNECTED),
            PipeState::Closing => Err(status::PIPE_CLOSING),
            PipeState::Listening | PipeState::Disconnected => {
                let is_new = instance.state == PipeState::Disconnected;
                instance.state = PipeState::Listening;
                let is_immediate = instance.server.is_immediate();
                if is_new {
                    self.pipes.ready.append(&mut self.pipes.waiting);
                }
                if is_immediate { Err(status::PIPE_LISTENING) } else { Ok(Answer::pending()) }
            }
        }
    }

    /// Bytes that the client has not read are lost.
    fn disconnect(&mut self, end: PipeEnd) -> Result<Answer, NtStatus> {
        let instance = self.pipes.instance(end)?;
        match instance.state {
            PipeState::Disconnected => return Err(status::PIPE_DISCONNECTED),
            PipeState::Listening => return Err(status::PIPE_LISTENING),
            PipeState::Connected | PipeState::Closing => {}
        }
        instance.state = PipeState::Disconnected;
        instance.server.empty();
        instance.client.empty();
        let client = instance.client.file.take();
        self.pipes.ready.extend(client);
        Ok(Answer::success(Vec::new()))
    }

    fn wait_for_instance(&mut self, file: FileNumber, input: &[u8]) -> Result<Answer, NtStatus> {
        let key = wanted_pipe(input)?;
        if !self.pipes.kinds.contains_key(&key) {
            return Err(status::OBJECT_NAME_NOT_FOUND);
        }
        let mut instances = self.pipes.instances.values();
        if instances.any(|instance| instance.key == key && instance.state == PipeState::Listening) {
            return Ok(Answer::success(Vec::new()));
        }
        self.pipes.waiting.push(file);
        Ok(Answer::pending())
    }

    /// How long `FSCTL_PIPE_WAIT` waits, in units of 100 ns, negative from now: what its input says, or the pipe.
    pub fn wait_timeout(&self, input: &[u8]) -> Option<i64> {
        if read::<1>(input, 12).ok()?[0] != 0 {
            return read_i64(input, 0).ok();
        }
        Some(self.pipes.kinds.get(&wanted_pipe(input).ok()?)?.timeout)
    }
}

/// The folded name in the input of a wait.
fn wanted_pipe(input: &[u8]) -> Result<String, NtStatus> {
    let name = read_text(input, WAIT_NAME, read_u32(input, 8).map_err(|_| status::INVALID_PARAMETER)?)?;
    String::from_utf16(&name).map(|name| fold(&name)).map_err(|_| status::OBJECT_NAME_INVALID)
}
