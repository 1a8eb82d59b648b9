//! A host without files; what is written is lost.

use vatlas_machine::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, FileStore, Host, StoreError};

pub struct Nobody;

impl Console for Nobody {
    fn kind(&mut self, _: ConsoleEnd) -> ConsoleKind {
        ConsoleKind::Character
    }

    fn read(&mut self, _: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        Ok(ConsoleInput::End)
    }

    fn write(&mut self, _: ConsoleEnd, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Host for Nobody {
    fn files(&mut self) -> Option<&mut dyn FileStore> {
        None
    }

    fn console(&mut self) -> &mut dyn Console {
        self
    }
}
