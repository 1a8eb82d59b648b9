//! Memory of programs as the kernel reads and writes it for them: with the thread's own key, filling pages on the way.

use super::error::CeError;
use super::memory::{PAGE, UNCACHED_WINDOW, WINDOW};
use super::object::ThreadIndex;
use super::processor::{ACCESSED, DIRTY, PRESENT, USER, WRITABLE};
use super::space::{opens, slot_of};
use crate::ce::Device;
use vatlas_space::Pa;

/// Letters of the longest text that a program passes.
const LONGEST_TEXT: usize = 4096;

impl Device {
    /// Physical address of a byte for a thread, after its page was made present.
    pub(crate) fn touch(&mut self, thread: ThreadIndex, address: u32, is_write: bool) -> Result<Pa, CeError> {
        let it = self.thread(thread);
        let (key, in_kernel_mode, current) = (it.key, it.in_kernel_mode, it.current);
        let mapped = self.mapped_for(current, address);
        if !opens(key, slot_of(mapped)) && current != 0 && slot_of(mapped) != slot_of(self.process_base(current)) {
            return Err(CeError::INVALID_ADDRESS);
        }
        if (super::memory::CACHED..UNCACHED_WINDOW + WINDOW).contains(&mapped) {
            let at = super::memory::physical(mapped);
            let is_there = at.0 < u64::from(self.computer.board.ram.frames()) * u64::from(PAGE);
            return if in_kernel_mode && is_there { Ok(at) } else { Err(CeError::INVALID_ADDRESS) };
        }
        let mut entry = self.entry(mapped);
        if entry & PRESENT == 0 {
            self.fill_page(mapped, is_write)?;
            entry = self.entry(mapped);
        }
        let wanted = PRESENT | if is_write { WRITABLE } else { 0 } | if in_kernel_mode { 0 } else { USER };
        if entry & wanted != wanted {
            return Err(CeError::INVALID_ADDRESS);
        }
        let used = ACCESSED | if is_write { DIRTY } else { 0 };
        if entry & used != used {
            self.set_entry(mapped, entry | used);
        }
        Ok(Pa(u64::from(entry & !0xfff | mapped & 0xfff)))
    }

    /// Reads bytes of a program.
    pub(crate) fn read(&mut self, thread: ThreadIndex, address: u32, bytes: &mut [u8]) -> Result<(), CeError> {
        let mut done = 0;
        while done < bytes.len() {
            let at = address.checked_add(done as u32).ok_or(CeError::INVALID_ADDRESS)?;
            let size = ((PAGE - at % PAGE) as usize).min(bytes.len() - done);
            let pa = self.touch(thread, at, false)?;
            if !self.computer.board.ram.read(pa, &mut bytes[done..done + size]) {
                return Err(CeError::INVALID_ADDRESS);
            }
            done += size;
        }
        Ok(())
    }

    /// Writes bytes of a program.
    pub(crate) fn write(&mut self, thread: ThreadIndex, address: u32, bytes: &[u8]) -> Result<(), CeError> {
        let mut done = 0;
        while done < bytes.len() {
            let at = address.checked_add(done as u32).ok_or(CeError::INVALID_ADDRESS)?;
            let size = ((PAGE - at % PAGE) as usize).min(bytes.len() - done);
            let pa = self.touch(thread, at, true)?;
            if !self.computer.board.ram.write(pa, &bytes[done..done + size]) {
                return Err(CeError::INVALID_ADDRESS);
            }
            done += size;
        }
        Ok(())
    }

    /// Reads a word of a program.
    pub(crate) fn read_word(&mut self, thread: ThreadIndex, address: u32) -> Result<u32, CeError> {
        let mut bytes = [0; 4];
        self.read(thread, address, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Writes a word of a program.
    pub(crate) fn write_word(&mut self, thread: ThreadIndex, address: u32, value: u32) -> Result<(), CeError> {
        self.write(thread, address, &value.to_le_bytes())
    }

    /// Writes a word where a program gave an address at all.
    pub(crate) fn write_optional(&mut self, thread: ThreadIndex, address: u32, value: u32) -> Result<(), CeError> {
        if address == 0 { Ok(()) } else { self.write_word(thread, address, value) }
    }

    /// Reads a UTF-16 text that ends with a zero.
    pub(crate) fn read_text(&mut self, thread: ThreadIndex, address: u32) -> Result<String, CeError> {
        let mut units = Vec::new();
        for number in 0..LONGEST_TEXT as u32 {
            let mut unit = [0; 2];
            let at = address.checked_add(2 * number).ok_or(CeError::INVALID_ADDRESS)?;
            self.read(thread, at, &mut unit)?;
            match u16::from_le_bytes(unit) {
                0 => break,
                unit => units.push(unit),
            }
        }
        Ok(String::from_utf16_lossy(&units))
    }

    /// Reads a text of bytes that ends with a zero.
    pub(crate) fn read_narrow_text(&mut self, thread: ThreadIndex, address: u32) -> Result<String, CeError> {
        let mut bytes = Vec::new();
        for number in 0..LONGEST_TEXT as u32 {
            let mut byte = [0];
            let at = address.checked_add(number).ok_or(CeError::INVALID_ADDRESS)?;
            self.read(thread, at, &mut byte)?;
            if byte[0] == 0 {
                break;
            }
            bytes.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads a text where a program gave one.
    pub(crate) fn read_optional_text(&mut self, thread: ThreadIndex, address: u32) -> Result<String, CeError> {
        if address == 0 { Ok(String::new()) } else { self.read_text(thread, address) }
    }
}
