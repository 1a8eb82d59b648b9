//! Reading and writing guest memory: one comparison when the translation is known, else the long way.
//!
//! Past the end of physical memory nothing answers: reads give ones, writes are lost, as on a bus.

use super::core::{Core, ESP};
use super::exit::{Exit, Outcome, Trap};
use super::mmu::Access;
use crate::ram::Word;

/// Longest word.
const MOST: usize = 16;

impl Core {
    /// Reads a word when its translation is known.
    #[inline(always)]
    pub fn read_quick<W: Word>(&self, va: u32) -> Option<W> {
        self.tlb.read.find(va, W::BYTES).and_then(|pa| self.ram.get(pa))
    }

    /// Writes a word when its translation is known; whether it did.
    #[inline(always)]
    pub fn write_quick<W: Word>(&mut self, va: u32, value: W) -> bool {
        self.tlb.write.find(va, W::BYTES).is_some_and(|pa| self.ram.put(pa, value).is_some())
    }

    /// Reads a word.
    #[inline(always)]
    pub fn read<W: Word>(&mut self, va: u32) -> Outcome<W> {
        match self.read_quick(va) {
            Some(value) => Ok(value),
            None => self.read_slowly(va),
        }
    }

    /// Writes a word.
    #[inline(always)]
    pub fn write<W: Word>(&mut self, va: u32, value: W) -> Outcome {
        if self.write_quick(va, value) { Ok(()) } else { self.write_slowly(va, value) }
    }

    /// Reads a word, changes it and writes it back; a fault is that of the write, before anything changed.
    #[inline(always)]
    pub fn update<W: Word, R>(&mut self, va: u32, change: impl FnOnce(&mut Self, W) -> (W, R)) -> Outcome<R> {
        if let Some(pa) = self.tlb.write.find(va, W::BYTES)
            && let Some(old) = self.ram.get(pa)
        {
            let (new, result) = change(self, old);
            // The address was good a moment ago.
            let _ = self.ram.put(pa, new);
            return Ok(result);
        }
        self.probe_write(va, W::BYTES)?;
        let old = self.read_slowly(va)?;
        let (new, result) = change(self, old);
        self.write_slowly(va, new)?;
        Ok(result)
    }

    #[cold]
    #[inline(never)]
    fn read_slowly<W: Word>(&mut self, va: u32) -> Outcome<W> {
        let mut bytes = [0; MOST];
        let size = W::BYTES as usize;
        let first = (0x1000 - (va & 0xfff)).min(W::BYTES) as usize;
        let pa = self.translate_readable(va)?;
        self.fetch(pa, &mut bytes[..first]);
        if first < size {
            let pa = self.translate_readable(va.wrapping_add(first as u32))?;
            self.fetch(pa, &mut bytes[first..size]);
        }
        Ok(W::from_front(&bytes))
    }

    /// As `translate`, but through the buffer when it knows.
    fn translate_readable(&mut self, va: u32) -> Outcome<u32> {
        match self.tlb.read.find(va, 1) {
            Some(pa) => Ok(pa),
            None => self.translate(va, Access::Read),
        }
    }

    fn fetch(&self, pa: u32, bytes: &mut [u8]) {
        if !self.ram.read(vatlas_space::Pa(pa.into()), bytes) {
            bytes.fill(0xff);
        }
    }

    #[cold]
    #[inline(never)]
    fn write_slowly<W: Word>(&mut self, va: u32, value: W) -> Outcome {
        let mut bytes = [0; MOST];
        value.to_front(&mut bytes);
        let size = W::BYTES as usize;
        let first = (0x1000 - (va & 0xfff)).min(W::BYTES) as usize;
        let pa = self.translate(va, Access::Write)?;
        let second =
            if first < size { Some(self.translate(va.wrapping_add(first as u32), Access::Write)?) } else { None };
        self.check_code(pa, first as u32)?;
        if let Some(pa) = second {
            self.check_code(pa, (size - first) as u32)?;
            self.store(pa, &bytes[first..size]);
        }
        self.store(pa, &bytes[..first]);
        Ok(())
    }

    /// Whether a write of `length` bytes at `va` would succeed; raises its fault when not.
    pub fn probe_write(&mut self, va: u32, length: u32) -> Outcome {
        let first = (0x1000 - (va & 0xfff)).min(length);
        let pa = self.translate(va, Access::Write)?;
        self.check_code(pa, first)?;
        if first < length {
            let pa = self.translate(va.wrapping_add(first), Access::Write)?;
            self.check_code(pa, length - first)?;
        }
        Ok(())
    }

    /// A write to decoded bytes is done by its instruction alone; afterwards they are decoded anew.
    fn check_code(&mut self, pa: u32, length: u32) -> Outcome {
        if !self.may_write_code && self.ram.has_code(pa >> 12) && self.ram.is_code(pa, length) {
            self.trap = Trap::CodeWrite;
            return Err(Exit::Fault);
        }
        Ok(())
    }

    fn store(&mut self, pa: u32, bytes: &[u8]) {
        let length = bytes.len() as u32;
        if self.ram.has_code(pa >> 12) && self.ram.is_code(pa, length) {
            self.ram.note_stale(pa >> 12);
        }
        if let Some(place) = self.ram.slice_mut(pa, length) {
            place.copy_from_slice(bytes);
        }
    }

    /// Pushes a double word.
    #[inline(always)]
    pub fn push(&mut self, value: u32) -> Outcome {
        let top = self.gpr[ESP].wrapping_sub(4);
        self.write(top, value)?;
        self.gpr[ESP] = top;
        Ok(())
    }

    /// Pops a double word.
    #[inline(always)]
    pub fn pop(&mut self) -> Outcome<u32> {
        let value = self.read(self.gpr[ESP])?;
        self.gpr[ESP] = self.gpr[ESP].wrapping_add(4);
        Ok(value)
    }
}
