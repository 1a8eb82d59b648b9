//! `NtQueryVirtualMemory`: `MEMORY_BASIC_INFORMATION`, to the field.

use crate::memory::space::SHARED_USER;
use crate::memory::{MEM_COMMIT, MEM_RESERVE, Memory, NtStatus, SpaceIndex, Vad};
use crate::ram::Ram;
use vatlas_rules::nt::pte::MmProtection;
use vatlas_space::{Protection, Va};

/// State: nothing is allocated.
pub const MEM_FREE: u32 = 0x1_0000;
/// Type: private memory.
pub const MEM_PRIVATE: u32 = 0x2_0000;
/// Type: a view of a data file or of the page file; private copies in it too.
pub const MEM_MAPPED: u32 = 0x4_0000;
/// Type: a view of an image; private copies in it too.
pub const MEM_IMAGE: u32 = 0x100_0000;

/// `MEMORY_BASIC_INFORMATION`, 28 bytes in a 32-bit process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryBasicInformation {
    /// The page that was asked for.
    pub base_address: Va,
    /// Where its allocation begins; 0 when it is free.
    pub allocation_base: Va,
    /// What the allocation was made with; 0 when it is free.
    pub allocation_protect: Protection,
    /// Bytes from `base_address` on that are equal in the fields below.
    pub region_size: u32,
    /// `MEM_COMMIT`, `MEM_RESERVE` or `MEM_FREE`.
    pub state: u32,
    /// Of committed pages; `PAGE_NOACCESS` for free ones, 0 for reserved ones.
    pub protect: Protection,
    /// `MEM_PRIVATE`, `MEM_MAPPED`, `MEM_IMAGE`, or 0 when it is free.
    pub kind: u32,
}

impl MemoryBasicInformation {
    /// As the guest sees it.
    pub fn to_bytes(&self) -> [u8; 28] {
        let words = [
            self.base_address.0 as u32,
            self.allocation_base.0 as u32,
            self.allocation_protect.0,
            self.region_size,
            self.state,
            self.protect.0,
            self.kind,
        ];
        let mut bytes = [0; 28];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

impl Memory {
    /// What a process has at an address, and how far from there on.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` above the highest user address.
    pub fn query(&self, ram: &Ram, space: SpaceIndex, va: Va) -> Result<MemoryBasicInformation, NtStatus> {
        let process = self.space(space);
        if va.0 > process.limits().highest_user.0 {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let page = (va.0 >> 12) as u32;
        if SHARED_USER.contains(&page) {
            return Ok(shared_user(page));
        }
        Ok(match process.vads().find(page) {
            Some(vad) => self.allocated(ram, space, &vad, page),
            None => self.unallocated(space, page),
        })
    }

    fn unallocated(&self, space: SpaceIndex, page: u32) -> MemoryBasicInformation {
        let process = self.space(space);
        let hole = Some(*SHARED_USER.start()).filter(|hole| *hole > page);
        let top = (process.limits().highest_vad.0 >> 12) as u32 + 1;
        let next = process.vads().next(page).map(|vad| vad.first);
        let end = [hole, next, Some(top).filter(|top| *top > page)].into_iter().flatten().min();
        // Behind the last page that can be allocated, to the end of what can be asked.
        let end = end.unwrap_or((process.limits().highest_user.0 >> 12) as u32 + 1);
        MemoryBasicInformation {
            base_address: Va(u64::from(page) << 12),
            allocation_base: Va(0),
            allocation_protect: Protection(0),
            region_size: (end - page) << 12,
            state: MEM_FREE,
            protect: Protection::NOACCESS,
            kind: 0,
        }
    }

    fn allocated(&self, ram: &Ram, space: SpaceIndex, vad: &Vad, page: u32) -> MemoryBasicInformation {
        let protection = self.protection_of(ram, space, vad, page);
        let is_equal = |other: &u32| self.protection_of(ram, space, vad, *other) == protection;
        let pages = (page..=vad.last).take_while(is_equal).count();
        MemoryBasicInformation {
            base_address: Va(u64::from(page) << 12),
            allocation_base: Va(u64::from(vad.first) << 12),
            allocation_protect: vad.protection.protection(),
            region_size: (pages as u32) << 12,
            state: if protection.is_some() { MEM_COMMIT } else { MEM_RESERVE },
            protect: protection.map_or(Protection(0), MmProtection::protection),
            kind: match vad.view {
                None => MEM_PRIVATE,
                Some(view) if view.is_image => MEM_IMAGE,
                Some(_) => MEM_MAPPED,
            },
        }
    }
}

/// The shared user page, and the hole behind it.
fn shared_user(page: u32) -> MemoryBasicInformation {
    let (first, last) = (*SHARED_USER.start(), *SHARED_USER.end());
    let is_page = page == first;
    MemoryBasicInformation {
        base_address: Va(u64::from(page) << 12),
        allocation_base: Va(u64::from(first) << 12),
        allocation_protect: Protection::READONLY,
        region_size: if is_page { 0x1000 } else { (last + 1 - page) << 12 },
        state: if is_page { MEM_COMMIT } else { MEM_RESERVE },
        protect: if is_page { Protection::READONLY } else { Protection::NOACCESS },
        kind: MEM_PRIVATE,
    }
}
