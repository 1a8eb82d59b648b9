//! Reading and writing guest memory: one comparison when the translation is known, else the long way.
//!
//! Past the end of physical memory nothing answers: reads give ones, writes are lost, as on a bus.

use super::core::{Core, ESP};
use super::exit::{Exit, Outcome, Trap};
use super::mmu::Access;
use crate::control::Toucher;
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

    /// Reads a word, changes it and writes it back when its translation is known; whether it did.
    #[inline(always)]
    pub fn update_quick<W: Word>(&mut self, va: u32, change: impl FnOnce(&mut Self, W) -> W) -> bool {
        if let Some(pa) = self.tlb.write.find(va, W::BYTES)
            && let Some(old) = self.ram.get(pa)
        {
            let new = change(self, old);
            // The address was good a moment ago.
            return self.ram.put(pa, new).is_some();
        }
        false
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
        let mut second = None;
        if first < size {
            let at = va.wrapping_add(first as u32);
            let pa = self.translate_readable(at)?;
            self.fetch(pa, &mut bytes[first..size]);
            second = Some((pa, at));
        }
        self.check_watched_read(pa, va, first as u32)?;
        if let Some((pa, at)) = second {
            self.check_watched_read(pa, at, (size - first) as u32)?;
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
        let rest = va.wrapping_add(first as u32);
        self.check_code(pa, va, first as u32)?;
        if let Some(pa) = second {
            self.check_code(pa, rest, (size - first) as u32)?;
            self.store(pa, rest, &bytes[first..size]);
        }
        self.store(pa, va, &bytes[..first]);
        Ok(())
    }

    /// Whether a write of `length` bytes at `va` would succeed; raises its fault when not.
    pub fn probe_write(&mut self, va: u32, length: u32) -> Outcome {
        let first = (0x1000 - (va & 0xfff)).min(length);
        let pa = self.translate(va, Access::Write)?;
        self.check_code(pa, va, first)?;
        if first < length {
            let rest = va.wrapping_add(first);
            let pa = self.translate(rest, Access::Write)?;
            self.check_code(pa, rest, length - first)?;
        }
        Ok(())
    }

    /// A write to decoded bytes is done by its instruction alone; afterwards they are decoded anew. So is one to watched
    /// bytes; afterwards the host is told.
    fn check_code(&mut self, pa: u32, va: u32, length: u32) -> Outcome {
        if self.may_write_code {
            return Ok(());
        }
        let is_code = self.ram.has_code(pa >> 12) && self.ram.is_code(pa, length);
        if is_code || self.is_touched(pa, va, length, true) {
            self.trap = Trap::CodeWrite;
            return Err(Exit::Fault);
        }
        Ok(())
    }

    /// Whether an access in one page touches watched bytes.
    pub(super) fn is_touched(&self, pa: u32, va: u32, length: u32, is_write: bool) -> bool {
        self.ram.has_watched_bytes(pa >> 12) && self.ram.is_touched(pa, length, is_write, (self.control.cr3, va))
    }

    /// A read of watched bytes is done by its instruction alone, too.
    fn check_watched_read(&mut self, pa: u32, va: u32, length: u32) -> Outcome {
        if !self.is_touched(pa, va, length, false) {
            return Ok(());
        }
        if self.may_write_code {
            let through = Some((self.control.cr3, va));
            self.ram.note_touch((pa, length), false, through, Toucher::Instruction { va });
            return Ok(());
        }
        self.trap = Trap::CodeWrite;
        Err(Exit::Fault)
    }

    fn store(&mut self, pa: u32, va: u32, bytes: &[u8]) {
        let length = bytes.len() as u32;
        if self.is_touched(pa, va, length, true) {
            let through = Some((self.control.cr3, va));
            self.ram.note_touch((pa, length), true, through, Toucher::Instruction { va });
        }
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
