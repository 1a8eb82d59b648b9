//! What this program gives to a machine: a granted folder, if any, and its own standard streams.

use crate::host_console::HostConsole;
use crate::host_files::HostFolder;
use vatlas_machine::files::{Console, FileStore, Host};

/// The host of a machine.
pub struct GrantedHost {
    files: Option<HostFolder>,
    console: HostConsole,
}

impl GrantedHost {
    /// A host with this folder, and the streams of this process as character devices.
    pub fn new(files: Option<HostFolder>) -> Self {
        Self { files, console: HostConsole::of_process() }
    }

    /// The same with another console.
    pub fn with_console(self, console: HostConsole) -> Self {
        Self { console, ..self }
    }
}

impl Host for GrantedHost {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        self.files.as_mut().map(|files| files as &mut dyn FileStore)
    }

    fn console(&mut self) -> &mut dyn Console {
        &mut self.console
    }
}
