//! What happens when a translation is not in the buffer: the walk, the rights, accessed and dirty bits.

use super::Exception;
use super::core::Core;
use super::exit::{Exit, Outcome, Trap};
use super::registers::{CR0_WP, CR4_PSE};
use crate::ram::Ram;
use vatlas_rules::walk::{X86, X86Small, walk};
use vatlas_space::{Pa, PageTableEntry, Va, Walk};

/// What an access wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    Read,
    Write,
    Execute,
}

impl Core {
    /// Walks the tables of the address space that is current, changing nothing.
    fn walk(&self, ram: &Ram, va: u32) -> Walk {
        let read = |at: Pa| ram.read_u32(at).map(u64::from);
        let (root, va) = (self.control.cr3.into(), Va(va.into()));
        if self.control.cr4 & CR4_PSE != 0 { walk::<X86>(root, va, read) } else { walk::<X86Small>(root, va, read) }
    }

    /// Physical address of a byte in memory that is not attached, changing nothing.
    pub fn look(&self, ram: &Ram, va: u32) -> Option<u64> {
        if self.has_paging() { self.walk(ram, va).mapping().map(|mapping| mapping.pa.0) } else { Some(va.into()) }
    }

    /// Physical address for an access that stays in its page; fills the translation buffer.
    #[cold]
    #[inline(never)]
    pub fn translate(&mut self, va: u32, access: Access) -> Outcome<u32> {
        let pa = if self.has_paging() { self.translate_by_tables(va, access)? } else { va };
        let frame = pa >> 12;
        match access {
            Access::Read if self.ram.has_watched_reads(frame) => {}
            Access::Read => self.tlb.read.insert(va, pa),
            Access::Execute => self.tlb.execute.insert(va, pa),
            Access::Write if self.ram.has_code(frame) || self.ram.has_watched_bytes(frame) => {
                self.ram.note_write(frame);
            }
            Access::Write => {
                self.ram.note_write(frame);
                self.tlb.write.insert(va, pa);
            }
        }
        Ok(pa)
    }

    fn translate_by_tables(&mut self, va: u32, access: Access) -> Outcome<u32> {
        self.table_walks += 1;
        let as_user = self.is_user;
        let walk = self.walk(&self.ram, va);
        let code = (u32::from(access == Access::Write) * Exception::WRITE) | (u32::from(as_user) * Exception::USER);
        let Some(mapping) = walk.mapping() else { return self.raise(Exception::page_fault(va, code)) };
        let may_write = mapping.is_writable || !as_user && self.control.cr0 & CR0_WP == 0;
        if as_user && !mapping.is_user || access == Access::Write && !may_write {
            return self.raise(Exception::page_fault(va, code | Exception::PRESENT));
        }
        self.mark(&walk, access)?;
        // A large page above 4 GB is beyond every memory of this machine, like all addresses past its end.
        Ok(u32::try_from(mapping.pa.0).unwrap_or(!0xfff | va & 0xfff))
    }

    /// Sets the accessed bits of all entries, and the dirty bit of the last one for a write.
    fn mark(&mut self, walk: &Walk, access: Access) -> Outcome {
        let last = walk.steps().len().saturating_sub(1);
        for (number, step) in walk.steps().iter().enumerate() {
            let dirty = if number == last && access == Access::Write { PageTableEntry::DIRTY } else { 0 };
            let wanted = PageTableEntry::ACCESSED | dirty;
            if !step.entry.has(wanted) {
                self.check_watched_mark(step.at)?;
                // Through `write`, so that code decoded from a page table is forgotten like any other.
                self.ram.write_u32(step.at, (step.entry.0 | wanted) as u32);
            }
        }
        Ok(())
    }

    /// An entry that somebody watches is marked by its instruction alone, as other watched bytes are written.
    fn check_watched_mark(&mut self, entry: Pa) -> Outcome {
        let Ok(pa) = u32::try_from(entry.0) else { return Ok(()) };
        if self.may_write_code || !self.is_touched(pa, pa, 4, true) {
            return Ok(());
        }
        self.trap = Trap::CodeWrite;
        Err(Exit::Fault)
    }
}
