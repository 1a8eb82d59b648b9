//! `VirtualAlloc` and its relatives: pages of regions come and go.
//!
//! Reservations are rounded down to 64 KB; `MEM_RESERVE` alone without an address of 2 MB and more goes to the shared
//! area (`wince.md` 2.5). There is no page file: what is committed is in RAM, at once.

use super::error::CeError;
use super::memory::{PAGE, WINDOW};
use super::processor::{ACCESSED, DIRTY, GUARD, HIDDEN, ON_DEMAND, OWNED, PRESENT, UNCACHED, USER, WRITABLE};
use super::region::{BLOCK, Region, RegionKind, shared_range, whole_blocks};
use super::space::{SLOT, slot_of};
use crate::ce::Device;
use vatlas_space::Pa;

/// `MEM_COMMIT`.
pub(crate) const COMMIT: u32 = 0x1000;
/// `MEM_RESERVE`.
pub(crate) const RESERVE: u32 = 0x2000;
/// `MEM_DECOMMIT`.
const DECOMMIT: u32 = 0x4000;
/// `MEM_RELEASE`.
const RELEASE: u32 = 0x8000;
/// `MEM_TOP_DOWN`.
const TOP_DOWN: u32 = 0x10_0000;
const NO_ACCESS: u32 = 0x01;
const READ_ONLY: u32 = 0x02;
/// `PAGE_READWRITE`.
pub(crate) const READ_WRITE: u32 = 0x04;
const EXECUTE: u32 = 0x10;
const EXECUTE_READ: u32 = 0x20;
const EXECUTE_READ_WRITE: u32 = 0x40;
const GUARD_PAGE: u32 = 0x100;
const NO_CACHE: u32 = 0x200;
const PHYSICAL: u32 = 0x400;
/// Reservations from here on go to the shared area.
const LARGE: u32 = 0x20_0000;

/// The bits of an entry for `PAGE_*`: those of a page that is there, or of a hidden one.
fn entry_bits(protection: u32) -> Result<u32, CeError> {
    let access = match protection & 0xff {
        NO_ACCESS => HIDDEN,
        READ_ONLY | EXECUTE | EXECUTE_READ => PRESENT | USER,
        READ_WRITE | EXECUTE_READ_WRITE => PRESENT | USER | WRITABLE,
        _ => return Err(CeError::INVALID_PARAMETER),
    };
    let uncached = if protection & NO_CACHE != 0 { UNCACHED } else { 0 };
    // A guard page is not there until it was touched; its rights wait in the other bits.
    if protection & GUARD_PAGE != 0 {
        return Ok(access & !PRESENT | uncached | GUARD | HIDDEN);
    }
    Ok(access | uncached)
}

/// `PAGE_*` of an entry.
fn protection_of(entry: u32, is_code: bool) -> u32 {
    let is_open = entry & (PRESENT | GUARD | ON_DEMAND) != 0;
    let access = match (is_open, entry & WRITABLE != 0, is_code) {
        (false, ..) => NO_ACCESS,
        (true, true, false) => READ_WRITE,
        (true, true, true) => EXECUTE_READ_WRITE,
        (true, false, false) => READ_ONLY,
        (true, false, true) => EXECUTE_READ,
    };
    access | if entry & GUARD != 0 { GUARD_PAGE } else { 0 } | if entry & UNCACHED != 0 { NO_CACHE } else { 0 }
}

/// What `VirtualQuery` tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PageRun {
    pub base: u32,
    pub region: u32,
    pub size: u32,
    pub state: u32,
    pub protection: u32,
    pub kind: u32,
}

impl Device {
    /// The page-table entry of a mapped address; 0 where there is no table.
    #[inline]
    pub(crate) fn entry(&self, mapped: u32) -> u32 {
        let ram = &self.computer.board.ram;
        self.state.space.entry(ram, mapped).and_then(|at| ram.read_u32(at)).unwrap_or(0)
    }

    /// Sets the page-table entry of a mapped address that has a table.
    pub(crate) fn set_entry(&mut self, mapped: u32, entry: u32) {
        let ram = &mut self.computer.board.ram;
        if let Some(at) = self.state.space.entry(ram, mapped) {
            ram.write_u32(at, entry);
        }
    }

    /// Makes pages of nothing zero pages.
    pub(crate) fn commit(&mut self, mapped: u32, size: u32, protection: u32) -> Result<(), CeError> {
        let bits = entry_bits(protection)?;
        let pages: Vec<u32> = (0..size / PAGE).map(|page| mapped + page * PAGE).collect();
        let missing = pages.iter().filter(|page| self.entry(**page) == 0).count();
        if missing as u64 > u64::from(self.state.frames.free()) {
            return Err(CeError::NOT_ENOUGH_MEMORY);
        }
        for page in pages {
            match self.entry(page) {
                0 => {
                    let frame = self.state.frames.take(&mut self.computer.board.ram)?;
                    self.set_entry(page, frame | bits | OWNED);
                    self.state.committed += 1;
                }
                old => self.set_entry(page, old & (!0xfff | OWNED | ON_DEMAND) | bits),
            }
        }
        self.flush();
        Ok(())
    }

    /// Gives a frame back, unless somebody else shows it.
    pub(crate) fn give_frame(&mut self, frame: u32) {
        match self.state.shown_again.get_mut(&frame) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) => {
                self.state.shown_again.remove(&frame);
            }
            None => {
                self.state.frames.give(frame);
                self.state.committed -= 1;
            }
        }
    }

    /// Takes pages away.
    pub(crate) fn decommit(&mut self, mapped: u32, size: u32) {
        for page in (mapped..mapped + size).step_by(PAGE as usize) {
            let entry = self.entry(page);
            if entry & OWNED != 0 {
                self.give_frame(entry & !0xfff);
            }
            if entry != 0 {
                self.set_entry(page, 0);
            }
        }
        self.flush();
    }

    /// Takes a region away with its pages.
    pub(crate) fn free_region(&mut self, region: &Region) {
        self.decommit(region.base, region.size);
        self.forget(region);
    }

    /// `VirtualAlloc` for a process: the address as that process says it.
    pub(crate) fn virtual_allocate(
        &mut self,
        process: u8,
        (address, size): (u32, u32),
        kind: u32,
        protection: u32,
    ) -> Result<u32, CeError> {
        entry_bits(protection)?;
        if size == 0 || kind & (COMMIT | RESERVE) == 0 || kind & !(COMMIT | RESERVE | TOP_DOWN) != 0 {
            return Err(CeError::INVALID_PARAMETER);
        }
        let mapped = self.mapped_for(process, address);
        let end = mapped.checked_add(size).and_then(|end| end.checked_next_multiple_of(PAGE));
        let end = end.ok_or(CeError::INVALID_PARAMETER)?;
        let base = if address == 0 || kind & RESERVE != 0 {
            let end_block = if address == 0 { size } else { end - (mapped & !(BLOCK - 1)) };
            let size = whole_blocks(end_block).ok_or(CeError::NOT_ENOUGH_MEMORY)?;
            let wanted = (address != 0).then_some(mapped & !(BLOCK - 1));
            self.reserve_for(process, wanted, size, kind)?
        } else {
            mapped & !(PAGE - 1)
        };
        if kind & COMMIT != 0 {
            let first = if address == 0 { base } else { mapped & !(PAGE - 1) };
            let length = if address == 0 { size.next_multiple_of(PAGE) } else { end - first };
            let made = self.check_own(process, first, length).and_then(|()| self.commit(first, length, protection));
            if let Err(error) = made {
                // A reservation that this call made goes with it.
                if let Some(region) = self.region(base).filter(|_| address == 0 || kind & RESERVE != 0) {
                    self.free_region(&region);
                }
                return Err(error);
            }
        }
        Ok(self.said_by(process, base))
    }

    fn reserve_for(&mut self, process: u8, wanted: Option<u32>, size: u32, kind: u32) -> Result<u32, CeError> {
        let is_large = wanted.is_none() && kind & COMMIT == 0 && size >= LARGE;
        let (first, end) = if is_large { shared_range() } else { self.private_range(process) };
        let found = match wanted {
            Some(base) if base >= first && base.checked_add(size).is_some_and(|last| last <= end) => Some(base),
            Some(base) if slot_of(base) >= slot_of(shared_range().0) && base < shared_range().1 => Some(base),
            Some(_) => return Err(CeError::INVALID_ADDRESS),
            None if kind & TOP_DOWN != 0 => self.find_free_from_top(first, end, size),
            None => self.find_free(first, end, size),
        };
        let base = found.ok_or(CeError::NOT_ENOUGH_MEMORY)?;
        let kind = if base >= shared_range().0 { RegionKind::Shared } else { RegionKind::Private };
        self.reserve(Region { base, size, process, kind })?;
        Ok(base)
    }

    /// Whether a range lies in one region that the process may change.
    fn check_range(&self, process: u8, first: u32, length: u32) -> Result<(), CeError> {
        let region = self.region(first).ok_or(CeError::INVALID_ADDRESS)?;
        let is_inside = first.checked_add(length).is_some_and(|end| end <= region.end());
        let is_own = region.process == process || region.kind == RegionKind::Shared || process == 0;
        if is_inside && is_own { Ok(()) } else { Err(CeError::INVALID_ADDRESS) }
    }

    /// Whether a range lies in one region whose pages the process may commit and give back.
    fn check_own(&self, process: u8, first: u32, length: u32) -> Result<(), CeError> {
        let kind = self.region(first).map(|region| region.kind);
        let is_own = kind.is_some_and(|kind| {
            matches!(kind, RegionKind::Private | RegionKind::Shared | RegionKind::Stack | RegionKind::Copy)
        });
        if is_own { self.check_range(process, first, length) } else { Err(CeError::INVALID_ADDRESS) }
    }

    /// Whether a page must stay as it is for others: code of an image that all its users share. There is no copy on
    /// write.
    fn is_shared_code(&self, page: u32) -> bool {
        let region = self.region(page).map(|region| region.kind);
        if !matches!(region, Some(RegionKind::Image | RegionKind::RomDlls)) {
            return false;
        }
        let section = self.image_at(page).and_then(|(image, rva)| self.state.images[image as usize].section(rva));
        !section.is_some_and(super::image::ImageSection::is_private)
    }

    /// `VirtualFree` for a process.
    pub(crate) fn virtual_free(&mut self, process: u8, address: u32, size: u32, kind: u32) -> Result<(), CeError> {
        let mapped = self.mapped_for(process, address);
        match kind {
            RELEASE => {
                let region = self.region(mapped).filter(|region| region.base == mapped && size == 0);
                let region = region.ok_or(CeError::INVALID_PARAMETER)?;
                self.check_range(process, mapped, region.size)?;
                if !matches!(region.kind, RegionKind::Private | RegionKind::Shared | RegionKind::Copy) {
                    return Err(CeError::INVALID_PARAMETER);
                }
                self.free_region(&region);
                Ok(())
            }
            DECOMMIT => {
                let first = mapped & !(PAGE - 1);
                let end = mapped.checked_add(size).and_then(|end| end.checked_next_multiple_of(PAGE));
                let length = end.ok_or(CeError::INVALID_PARAMETER)? - first;
                self.check_own(process, first, length)?;
                self.decommit(first, length);
                Ok(())
            }
            _ => Err(CeError::INVALID_PARAMETER),
        }
    }

    /// `VirtualProtect` for a process: the protection of the first page before.
    pub(crate) fn virtual_protect(
        &mut self,
        process: u8,
        address: u32,
        size: u32,
        protection: u32,
    ) -> Result<u32, CeError> {
        let bits = entry_bits(protection)?;
        let mapped = self.mapped_for(process, address);
        let first = mapped & !(PAGE - 1);
        let end = mapped.checked_add(size).and_then(|end| end.checked_next_multiple_of(PAGE));
        let end = end.filter(|_| size != 0).ok_or(CeError::INVALID_PARAMETER)?;
        self.check_range(process, first, end - first)?;
        if (first..end).step_by(PAGE as usize).any(|page| self.entry(page) == 0) {
            return Err(CeError::INVALID_PARAMETER);
        }
        if bits & WRITABLE != 0 && (first..end).step_by(PAGE as usize).any(|page| self.is_shared_code(page)) {
            return Err(CeError::ACCESS_DENIED);
        }
        let old = protection_of(self.entry(first), self.is_code(first));
        for page in (first..end).step_by(PAGE as usize) {
            let entry = self.entry(page);
            let kept = entry & (!0xfff | OWNED | ACCESSED | DIRTY);
            let new = if entry & ON_DEMAND != 0 { kept | ON_DEMAND | bits & !(PRESENT | HIDDEN) } else { kept | bits };
            self.set_entry(page, new);
        }
        self.flush();
        Ok(old)
    }

    /// `VirtualQuery` for a process.
    pub(crate) fn virtual_query(&self, process: u8, address: u32) -> PageRun {
        const PRIVATE: u32 = 0x2_0000;
        const IMAGE: u32 = 0x100_0000;
        const MAPPED: u32 = 0x4_0000;
        let mapped = self.mapped_for(process, address) & !(PAGE - 1);
        let Some(region) = self.region(mapped) else {
            let slot_end = (slot_of(mapped) + 1).saturating_mul(SLOT);
            let next = self.state.regions.range(mapped..slot_end).next().map_or(slot_end, |(_, region)| region.base);
            let size = next - mapped;
            return PageRun { base: mapped, region: 0, size, state: 0x1_0000, protection: NO_ACCESS, kind: 0 };
        };
        let look = |page: u32| {
            let entry = self.entry(page);
            (entry == 0, protection_of(entry, self.is_code(page)))
        };
        let first = look(mapped);
        let pages = (mapped..region.end()).step_by(PAGE as usize).take_while(|page| look(*page) == first).count();
        let kind = match region.kind {
            RegionKind::Image | RegionKind::RomDlls => IMAGE,
            RegionKind::View | RegionKind::Copy => MAPPED,
            _ => PRIVATE,
        };
        let state = if first.0 { RESERVE } else { COMMIT };
        let protection = if first.0 { 0 } else { first.1 };
        PageRun { base: mapped, region: region.base, size: pages as u32 * PAGE, state, protection, kind }
    }

    /// `VirtualCopy`: pages of another place show in a reserved region, too.
    pub(crate) fn virtual_copy(
        &mut self,
        process: u8,
        (to, from): (u32, u32),
        size: u32,
        protection: u32,
    ) -> Result<(), CeError> {
        let bits = entry_bits(protection & !PHYSICAL)?;
        let target = self.mapped_for(process, to);
        let size = size.checked_next_multiple_of(PAGE).filter(|size| *size > 0).ok_or(CeError::INVALID_PARAMETER)?;
        if !target.is_multiple_of(PAGE) {
            return Err(CeError::INVALID_PARAMETER);
        }
        self.check_own(process, target, size)?;
        for offset in (0..size).step_by(PAGE as usize) {
            let frame = match protection & PHYSICAL != 0 {
                // Shifted right by 8, so that addresses above 4 GB could be said.
                true => from.checked_shl(8).and_then(|at| at.checked_add(offset)),
                false => self.frame_for_copy(process, from, offset),
            };
            let frame = frame.filter(|frame| frame.is_multiple_of(PAGE)).ok_or(CeError::INVALID_PARAMETER)?;
            self.decommit(target + offset, PAGE);
            let owned = if protection & PHYSICAL == 0 { self.show_again(process, from, offset) } else { 0 };
            self.set_entry(target + offset, frame | bits | owned);
        }
        self.set_region_kind(target, RegionKind::Copy);
        self.flush();
        Ok(())
    }

    /// Counts that the frame of a page of a program shows at one place more.
    fn show_again(&mut self, process: u8, from: u32, offset: u32) -> u32 {
        let entry = self.mapped_for(process, from).checked_add(offset).map_or(0, |page| self.entry(page));
        if entry & OWNED == 0 {
            return 0;
        }
        *self.state.shown_again.entry(entry & !0xfff).or_insert(0) += 1;
        OWNED
    }

    fn frame_for_copy(&self, process: u8, from: u32, offset: u32) -> Option<u32> {
        let mapped = self.mapped_for(process, from).checked_add(offset)?;
        match mapped {
            super::memory::CACHED..0xc000_0000 => Some(mapped & (WINDOW - 1)),
            _ => Some(self.entry(mapped)).filter(|entry| entry & PRESENT != 0).map(|entry| entry & !0xfff),
        }
    }

    /// The slot form of an address that a process says.
    pub(crate) fn mapped_for(&self, process: u8, address: u32) -> u32 {
        if address < SLOT { address | self.process_base(process) } else { address }
    }

    /// An address as the process that has it in its slot says it.
    pub(crate) fn said_by(&self, process: u8, mapped: u32) -> u32 {
        let base = self.process_base(process);
        if mapped.wrapping_sub(base) < SLOT { mapped - base } else { mapped }
    }

    /// Physical address of a mapped one whose page is there.
    pub(crate) fn physical_of(&self, mapped: u32) -> Option<Pa> {
        if (super::memory::CACHED..0xc000_0000).contains(&mapped) {
            return Some(super::memory::physical(mapped));
        }
        let entry = self.entry(mapped);
        (entry & PRESENT != 0).then(|| Pa(u64::from(entry & !0xfff | mapped & 0xfff)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protections_come_back() {
        for protection in [NO_ACCESS, READ_ONLY, READ_WRITE, READ_WRITE | GUARD_PAGE, READ_ONLY | NO_CACHE] {
            assert_eq!(protection_of(entry_bits(protection).unwrap(), false), protection, "{protection:x}");
        }
        assert_eq!(protection_of(entry_bits(EXECUTE_READ_WRITE).unwrap(), true), EXECUTE_READ_WRITE);
        assert_eq!(entry_bits(0), Err(CeError::INVALID_PARAMETER));
    }
}
