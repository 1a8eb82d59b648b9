//! The console of a program that is debugged: its output goes between the debugger's own, its input is given by a command.

use crate::{draw::text::printable, host_files::HostFolder};
use std::{cell::RefCell, collections::VecDeque, rc::Rc};
use vatlas_machine::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, Host, StoreError};

/// What goes in and out.
#[derive(Debug, Default)]
pub struct Streams {
    /// What the program can read.
    pub input: VecDeque<u8>,
    /// Nothing more will come.
    pub is_closed: bool,
    /// What it wrote and nobody has seen yet.
    pub output: Vec<u8>,
    /// Whoever sits at the terminal wants to see lines while the machine runs.
    pub is_live: bool,
}

impl Streams {
    /// The whole lines that were written, where somebody wants to see them now.
    pub fn take_lines(&mut self) -> Option<Vec<u8>> {
        let end = self.output.iter().rposition(|byte| *byte == b'\n').filter(|_| self.is_live)?;
        Some(self.output.drain(..=end).collect())
    }
}

/// What a program printed, as it is shown between what the debugger says.
pub fn shown(printed: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(printed).replace('\r', "");
    text.lines().map(|line| format!("| {}", printable(line))).collect()
}

/// Streams that the host and the debugger share.
pub type SharedStreams = Rc<RefCell<Streams>>;

/// The host of a machine that is debugged.
pub struct DebugHost {
    files: Option<HostFolder>,
    streams: SharedStreams,
}

impl DebugHost {
    /// A host with this folder, and its streams.
    pub fn new(files: Option<HostFolder>) -> (Self, SharedStreams) {
        let streams = SharedStreams::default();
        (Self { files, streams: Rc::clone(&streams) }, streams)
    }
}

impl Host for DebugHost {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        self.files.as_mut().map(|files| files as &mut dyn FileStore)
    }

    fn console(&mut self) -> &mut dyn Console {
        self
    }
}

impl Console for DebugHost {
    fn kind(&mut self, _: ConsoleEnd) -> ConsoleKind {
        ConsoleKind::Character
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        let mut streams = self.streams.borrow_mut();
        let count = bytes.len().min(streams.input.len());
        if count == 0 {
            return Ok(if streams.is_closed { ConsoleInput::End } else { ConsoleInput::NotYet });
        }
        for (place, byte) in bytes.iter_mut().zip(streams.input.drain(..count)) {
            *place = byte;
        }
        Ok(ConsoleInput::Bytes(count))
    }

    fn write(&mut self, _: ConsoleEnd, bytes: &[u8]) -> Result<(), StoreError> {
        self.streams.borrow_mut().output.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_shown_while_the_machine_runs() {
        let mut streams = Streams { output: b"one\r\ntwo\nthr".to_vec(), ..Streams::default() };
        assert_eq!(streams.take_lines(), None);
        streams.is_live = true;
        assert_eq!(streams.take_lines().map(|bytes| shown(&bytes)), Some(vec!["| one".to_owned(), "| two".to_owned()]));
        assert_eq!((streams.take_lines(), streams.output), (None, b"thr".to_vec()));
    }
}
