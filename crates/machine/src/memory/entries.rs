//! Page-table entries of a process in guest memory, and the page tables that hold them.

use crate::memory::allocate::is_write_copy;
use crate::memory::frames::FrameRecord;
use crate::memory::pages::frame_of;
use crate::memory::{FrameState, Memory, PageFileError, RULES, SpaceIndex, Vad};
use crate::ram::Ram;
use std::ops::RangeInclusive;
use vatlas_rules::nt::pte::{MmProtection, NtPte, PteHome, decode_pte, encode_pte};
use vatlas_space::{Pa, PageTableEntry, Pfn, Va};

/// A directory entry that is valid, writable, for user mode, accessed and dirty.
const USER_TABLE: u32 = 0x67;

/// The page tables of a range: one for 1024 pages.
pub(crate) fn tables_of(pages: &RangeInclusive<u32>) -> RangeInclusive<u32> {
    pages.start() >> 10..=pages.end() >> 10
}

/// The demand-zero form with a protection.
pub(crate) fn demand_zero(protection: MmProtection) -> u32 {
    encode_pte(NtPte::DemandZero(protection), &RULES).unwrap_or_default()
}

/// The protection in the five bits of an original or software entry.
pub(crate) const fn protection_in(entry: u32) -> MmProtection {
    MmProtection((entry >> 5 & 0x1f) as u8)
}

/// The entry with another protection in its five bits.
pub(crate) const fn with_protection(entry: u32, protection: MmProtection) -> u32 {
    entry & !(0x1f << 5) | (protection.0 as u32 & 0x1f) << 5
}

impl Memory {
    fn directory_entry(&self, space: SpaceIndex, table: u32) -> Pa {
        Pa((self.spaces[space.0].directory.0 << 12) + u64::from(table & 0x3ff) * 4)
    }

    /// The frame of a page table.
    pub(crate) fn table(&self, ram: &Ram, space: SpaceIndex, table: u32) -> Option<Pfn> {
        let entry = ram.read_u32(self.directory_entry(space, table))?;
        (entry & PageTableEntry::VALID as u32 != 0).then_some(Pfn((entry >> 12).into()))
    }

    fn entry_at(&self, ram: &Ram, space: SpaceIndex, page: u32) -> Option<Pa> {
        let table = self.table(ram, space, page >> 10)?;
        Some(Pa((table.0 << 12) + u64::from(page & 0x3ff) * 4))
    }

    /// The entry of a page; zero where there is no table.
    pub(crate) fn entry(&self, ram: &Ram, space: SpaceIndex, page: u32) -> u32 {
        self.entry_at(ram, space, page).and_then(|at| ram.read_u32(at)).unwrap_or_default()
    }

    /// The entry of a page, decoded.
    pub(crate) fn form(&self, ram: &Ram, space: SpaceIndex, page: u32) -> NtPte {
        decode_pte(self.entry(ram, space, page).into(), PteHome::PageTable, &RULES)
    }

    /// Writes an entry whose table is there. A table without entries goes away.
    pub(crate) fn set_entry(&mut self, ram: &mut Ram, space: SpaceIndex, page: u32, entry: u32) {
        let Some(at) = self.entry_at(ram, space, page) else { return };
        let before = ram.read_u32(at).unwrap_or_default();
        ram.write_u32(at, entry);
        if before & PageTableEntry::VALID as u32 != 0 {
            self.need_flush();
        }
        let used = &mut self.spaces[space.0].tables[(page >> 10) as usize].used;
        *used = *used + u16::from(entry != 0) - u16::from(before != 0);
        if *used == 0 {
            self.settle_table(ram, space, page >> 10);
        }
    }

    /// Builds the page tables of a range where they are not there. They must be in the commit charge.
    pub(crate) fn build_tables(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        pages: &RangeInclusive<u32>,
    ) -> Result<(), PageFileError> {
        for table in tables_of(pages) {
            if self.table(ram, space, table).is_some() {
                continue;
            }
            let frame = self.obtain_frame(ram)?;
            let record = FrameRecord {
                entry: Va(u64::from(0xc030_0000 + table * 4)),
                shares: 1,
                references: 1,
                state: FrameState::Active,
                table: self.spaces[space.0].directory,
                ..FrameRecord::default()
            };
            self.frames.set(ram, frame, &record);
            ram.write_u32(self.directory_entry(space, table), (frame.0 as u32) << 12 | USER_TABLE);
        }
        Ok(())
    }

    /// Frees a page table without entries; gives its charge back when nothing is committed there either.
    pub(crate) fn settle_table(&mut self, ram: &mut Ram, space: SpaceIndex, table: u32) {
        let counted = self.spaces[space.0].tables[table as usize];
        if counted.used != 0 {
            return;
        }
        if let Some(frame) = self.table(ram, space, table) {
            ram.write_u32(self.directory_entry(space, table), 0);
            self.frames.push(ram, frame, FrameState::Free);
            self.need_flush();
        }
        if counted.committed == 0 && counted.is_charged {
            self.spaces[space.0].tables[table as usize].is_charged = false;
            self.commit.release(1);
        }
    }

    /// Page tables of a range that are not in the commit charge yet.
    pub(crate) fn uncharged_tables(&self, space: SpaceIndex, pages: &RangeInclusive<u32>) -> u32 {
        tables_of(pages).map(|table| u32::from(!self.spaces[space.0].tables[table as usize].is_charged)).sum()
    }

    /// Marks the page tables of a range as charged.
    pub(crate) fn mark_tables(&mut self, space: SpaceIndex, pages: &RangeInclusive<u32>) {
        for table in tables_of(pages) {
            self.spaces[space.0].tables[table as usize].is_charged = true;
        }
    }

    /// What a page is: its protection when it is committed.
    pub(crate) fn protection_of(&self, ram: &Ram, space: SpaceIndex, vad: &Vad, page: u32) -> Option<MmProtection> {
        match self.form(ram, space, page) {
            NtPte::AskVad => match vad.view {
                None => vad.is_committed.then_some(vad.protection),
                Some(view) => {
                    let own = self.prototype_protection(ram, vad.prototype_of(page)?)?;
                    Some(if view.is_image { own } else { vad.protection })
                }
            },
            NtPte::DemandZero(protection)
            | NtPte::PageFile { protection, .. }
            | NtPte::Transition { protection, .. }
            | NtPte::PrototypeByVad(protection) => Some(protection),
            NtPte::Prototype { at, .. } => self.prototype_protection(ram, at),
            NtPte::Valid(entry) => {
                let own = protection_in(self.frames.record(ram, frame_of(entry)).original);
                Some(self.own_protection(space, page).unwrap_or(own))
            }
            NtPte::Decommitted | NtPte::Subsection { .. } => None,
        }
    }

    /// Whether a page is not shared: of private memory, or a private copy.
    pub(crate) fn is_private(&self, ram: &Ram, space: SpaceIndex, vad: &Vad, page: u32) -> bool {
        match self.form(ram, space, page) {
            NtPte::Valid(entry) => !self.frames.record(ram, frame_of(entry)).is_prototype,
            NtPte::AskVad => vad.view.is_none(),
            NtPte::Prototype { .. } | NtPte::PrototypeByVad(_) => false,
            _ => true,
        }
    }

    /// Whether a page is in the commit charge of its descriptor: committed private memory, private copies, and pages
    /// of which a write would make one.
    pub(crate) fn is_charged(&self, ram: &Ram, space: SpaceIndex, vad: &Vad, page: u32) -> bool {
        match (vad.view, self.protection_of(ram, space, vad, page)) {
            (None, protection) => protection.is_some(),
            (Some(_), Some(protection)) => is_write_copy(protection) || self.is_private(ram, space, vad, page),
            (Some(view), None) => !view.is_image && is_write_copy(vad.protection),
        }
    }

    /// Charged pages of a range inside a descriptor.
    pub(crate) fn charged_in(&self, ram: &Ram, space: SpaceIndex, vad: &Vad, pages: RangeInclusive<u32>) -> u32 {
        pages.map(|page| u32::from(self.is_charged(ram, space, vad, page))).sum()
    }

    /// Committed pages of a range inside a descriptor.
    pub(crate) fn committed_in(&self, ram: &Ram, space: SpaceIndex, vad: &Vad, pages: RangeInclusive<u32>) -> u32 {
        pages.map(|page| u32::from(self.protection_of(ram, space, vad, page).is_some())).sum()
    }
}
