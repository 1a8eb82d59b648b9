//! Copies between the kernel and a program's memory, as a system service makes them.

use crate::fault::{FaultAccess, FaultException};
use crate::memory::{Memory, SpaceIndex};
use crate::ram::{FRAME_BYTES, Ram};
use vatlas_space::Va;

impl Memory {
    /// Reads user memory; pages come in as they are needed.
    ///
    /// # Errors
    /// The exception that the program would get; bytes before it are in `buffer`.
    pub fn read_user(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        va: Va,
        buffer: &mut [u8],
    ) -> Result<(), FaultException> {
        let mut done = 0;
        while done < buffer.len() {
            let access = FaultAccess { va: Va(va.0.wrapping_add(done as u64)), is_write: false, is_user: true };
            let pa = self.translate(ram, space, access)?;
            let end = buffer.len().min(done + rest_of_page(access.va));
            ram.read(pa, &mut buffer[done..end]);
            done = end;
        }
        Ok(())
    }

    /// Writes user memory; pages come in as they are needed.
    ///
    /// # Errors
    /// The exception that the program would get; bytes before it are written.
    pub fn write_user(&mut self, ram: &mut Ram, space: SpaceIndex, va: Va, bytes: &[u8]) -> Result<(), FaultException> {
        let mut done = 0;
        while done < bytes.len() {
            let access = FaultAccess { va: Va(va.0.wrapping_add(done as u64)), is_write: true, is_user: true };
            let pa = self.translate(ram, space, access)?;
            let end = bytes.len().min(done + rest_of_page(access.va));
            ram.write(pa, &bytes[done..end]);
            done = end;
        }
        Ok(())
    }
}

const fn rest_of_page(va: Va) -> usize {
    FRAME_BYTES - (va.0 as usize & (FRAME_BYTES - 1))
}
