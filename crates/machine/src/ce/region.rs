//! What is reserved: regions of whole 64 KB blocks, and the SECTION and MEMBLOCK structures that show them in guest
//! memory.
//!
//! Blocks 0 of every slot stay free. Our own index of regions is beside the structures; both say the same.

use super::error::CeError;
use super::layout::{block, kdata, kind};
use super::processor::TABLE_SHIFT;
use super::space::{OFFSET_MASK, SHARED_AREA, SLOT, slot_of};
use crate::ce::Device;

/// Bytes of a block: the granularity of reservations.
pub(crate) const BLOCK: u32 = 0x1_0000;
/// Blocks of a slot.
pub(crate) const BLOCKS: u32 = SLOT / BLOCK;
/// Bytes of a SECTION.
pub(crate) const SECTION_BYTES: u32 = 4 * BLOCKS;
/// Where resource DLLs are on CE 5.
pub(crate) const RESOURCE_SLOT: u32 = 63;

/// What a region is for; its number is `MEMBLOCK.flags` (our choice).
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[repr(u8)]
pub enum RegionKind {
    /// `VirtualAlloc`.
    Private = kind::PRIVATE,
    /// The stack of a thread.
    Stack = kind::STACK,
    /// A program or a DLL from a file.
    Image = kind::IMAGE,
    /// ROM DLLs: code in slot 1, data at the top of each slot.
    RomDlls = kind::ROM_DLLS,
    /// A reservation of 2 MB or more, or shared memory.
    Shared = kind::SHARED,
    /// A mapped file.
    View = kind::VIEW,
    /// `VirtualCopy`.
    Copy = kind::COPY,
}

/// A region.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Region {
    /// Lowest address, in the slot of its process.
    pub base: u32,
    /// Bytes, a multiple of 64 KB.
    pub size: u32,
    /// Number of the process that reserved it.
    pub process: u8,
    /// What it is for.
    pub kind: RegionKind,
}

impl Region {
    /// The address behind it.
    pub const fn end(&self) -> u32 {
        self.base + self.size
    }
}

impl Device {
    /// The region of a mapped address.
    pub(crate) fn region(&self, mapped: u32) -> Option<Region> {
        let (_, region) = self.state.regions.range(..=mapped).next_back()?;
        (mapped < region.end()).then_some(*region)
    }

    /// Whether nothing is reserved between two mapped addresses.
    pub(crate) fn is_free(&self, first: u32, end: u32) -> bool {
        let before = self.state.regions.range(..end).next_back();
        before.is_none_or(|(_, region)| region.end() <= first)
    }

    /// The lowest free place for so many bytes between two mapped addresses.
    pub(crate) fn find_free(&self, first: u32, end: u32, size: u32) -> Option<u32> {
        let mut at = self.region(first).map_or(first, |region| region.end());
        for (_, region) in self.state.regions.range(at..end) {
            if region.base.checked_sub(at).is_some_and(|gap| gap >= size) {
                break;
            }
            at = region.end();
        }
        (at.checked_add(size)? <= end).then_some(at)
    }

    /// The highest free place for so many bytes between two mapped addresses.
    pub(crate) fn find_free_from_top(&self, first: u32, end: u32, size: u32) -> Option<u32> {
        let mut top = end;
        for (_, region) in self.state.regions.range(..end).rev() {
            if region.end() <= first || top.saturating_sub(region.end().min(top)) >= size {
                break;
            }
            top = region.base.min(top);
        }
        top.checked_sub(size).filter(|at| *at >= first)
    }

    /// Reserves blocks that are free: page tables, MEMBLOCKs, the index.
    pub(crate) fn reserve(&mut self, region: Region) -> Result<(), CeError> {
        let size = region.size;
        if size == 0
            || !region.base.is_multiple_of(BLOCK)
            || !size.is_multiple_of(BLOCK)
            || region.base.checked_add(size).is_none()
        {
            return Err(CeError::INVALID_PARAMETER);
        }
        if !self.is_free(region.base, region.end()) {
            return Err(CeError::INVALID_ADDRESS);
        }
        self.make_tables(region.base, region.end())?;
        for at in (region.base..region.end()).step_by(BLOCK as usize) {
            self.make_block(&region, at)?;
        }
        self.state.regions.insert(region.base, region);
        Ok(())
    }

    /// What a region is for has changed.
    pub(crate) fn set_region_kind(&mut self, mapped: u32, kind: RegionKind) {
        let Some(base) = self.region(mapped).map(|region| region.base) else { return };
        let Some(region) = self.state.regions.get_mut(&base) else { return };
        if region.kind == kind {
            return;
        }
        region.kind = kind;
        let region = *region;
        for at in (region.base..region.end()).step_by(BLOCK as usize) {
            let Some(section) = self.section(slot_of(at)) else { continue };
            let entry = self.word(section + (at & OFFSET_MASK) / BLOCK * 4);
            self.set_byte(entry + block::FLAGS, kind as u8);
        }
    }

    /// Forgets a region whose pages are gone.
    pub(crate) fn forget(&mut self, region: &Region) {
        for at in (region.base..region.end()).step_by(BLOCK as usize) {
            let Some(section) = self.section(slot_of(at)) else { continue };
            let place = section + (at & OFFSET_MASK) / BLOCK * 4;
            let old = self.word(place);
            self.set_word(place, 0);
            self.release(old, block::BYTES);
        }
        self.state.regions.remove(&region.base);
    }

    /// Page tables for a range.
    pub(crate) fn make_tables(&mut self, first: u32, end: u32) -> Result<(), CeError> {
        for index in first >> TABLE_SHIFT..=(end - 1) >> TABLE_SHIFT {
            let mapped = index << TABLE_SHIFT;
            let ram = &mut self.computer.board.ram;
            if self.state.space.entry(ram, mapped).is_none() {
                let frame = self.state.frames.take(ram)?;
                self.state.space.set_table(ram, mapped, frame);
                self.state.table_pages += 1;
            }
        }
        Ok(())
    }

    fn make_block(&mut self, region: &Region, at: u32) -> Result<(), CeError> {
        let section = self.section_to_write(slot_of(at))?;
        let entry = self.allocate(block::BYTES)?;
        let first = region.base.max(at & !OFFSET_MASK);
        self.set_word(entry + block::KEY, if region.process == 0 { u32::MAX } else { 1 << region.process });
        self.set_byte(entry + block::USES, 1);
        self.set_byte(entry + block::FLAGS, region.kind as u8);
        self.set_half(entry + block::FIRST, ((first & OFFSET_MASK) / BLOCK) as u16);
        let pages =
            self.state.space.entry(&self.computer.board.ram, at).map_or(0, |at| super::memory::CACHED + at.0 as u32);
        self.set_word(entry + block::PAGES, pages);
        self.set_word(section + (at & OFFSET_MASK) / BLOCK * 4, entry);
        Ok(())
    }

    /// The SECTION of a slot, when it has one of its own.
    pub(crate) fn section(&self, slot: u32) -> Option<u32> {
        let section = match slot {
            0..64 => self.word(self.state.kdata + kdata::SECTIONS + 4 * slot),
            _ if slot == slot_of(self.state.kernel_base) => self.state.kernel_section,
            _ => return None,
        };
        (section != self.state.empty_section && section != 0).then_some(section)
    }

    fn section_to_write(&mut self, slot: u32) -> Result<u32, CeError> {
        match self.section(slot) {
            Some(section) => Ok(section),
            None => self.make_section(slot),
        }
    }

    /// Gives a slot an empty SECTION of its own.
    pub(crate) fn make_section(&mut self, slot: u32) -> Result<u32, CeError> {
        let section = self.allocate(SECTION_BYTES)?;
        match slot {
            0..64 => self.set_word(self.state.kdata + kdata::SECTIONS + 4 * slot, section),
            _ => self.state.kernel_section = section,
        }
        Ok(section)
    }

    /// Takes a slot's SECTION and page tables away: nobody lives there any more.
    pub(crate) fn empty_slot(&mut self, slot: u32) {
        if let Some(section) = self.section(slot) {
            let empty = self.state.empty_section;
            self.set_word(self.state.kdata + kdata::SECTIONS + 4 * slot, empty);
            self.release(section, SECTION_BYTES);
        }
        let per_slot = SLOT >> TABLE_SHIFT;
        for index in slot * per_slot..(slot + 1) * per_slot {
            if let Some(table) = self.state.space.entry(&self.computer.board.ram, index << TABLE_SHIFT) {
                self.state.space.set_entry(&mut self.computer.board.ram, index, 0);
                self.state.frames.give(table.0 as u32);
                self.state.table_pages -= 1;
            }
        }
    }

    /// Regions of a process's own slot, from below.
    pub(crate) fn regions_of_slot(&self, slot: u32) -> Vec<Region> {
        let base = slot * SLOT;
        self.state.regions.range(base..base + SLOT).map(|(_, region)| *region).collect()
    }

    /// Where allocations of a process may go: above the lowest 64 KB, below DLLs.
    pub(crate) fn private_range(&self, process: u8) -> (u32, u32) {
        let base = self.process_base(process);
        (base + BLOCK, base + self.state.dll_low)
    }
}

/// The range of the shared area, without the slot of resource DLLs.
pub(crate) const fn shared_range() -> (u32, u32) {
    (SHARED_AREA, RESOURCE_SLOT * SLOT)
}

/// Bytes as whole blocks.
pub(crate) fn whole_blocks(size: u32) -> Option<u32> {
    size.checked_next_multiple_of(BLOCK)
}
