//! The console of a program that is debugged: its output goes between the debugger's own, its input is given by a command.

use crate::host_files::HostFolder;
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
