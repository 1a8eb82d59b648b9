//! The address space of a process: its page directory in guest memory, its descriptors and its working set.

use crate::memory::frames::FrameRecord;
use crate::memory::{FrameState, Memory, NtStatus, SpaceIndex, Vads, WorkingSet};
use crate::ram::Ram;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use vatlas_space::{Pa, Pfn, Va};

/// Directory entry of the self-map at C0000000.
const SELF_MAP: u32 = 0x300;
/// A directory entry that is valid, writable, accessed and dirty; the kernel's.
const KERNEL_TABLE: u32 = 0x63;

/// Which user addresses a process may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct AddressLimits {
    /// `MmHighestUserAddress`.
    pub highest_user: Va,
    /// No descriptor ends above it.
    pub highest_vad: Va,
}

impl AddressLimits {
    /// 2 GB for the process.
    pub const TWO_GB: Self = Self { highest_user: Va(0x7ffe_ffff), highest_vad: Va(0x7ffd_ffff) };
    /// 3 GB, for large-address-aware images on a system started with `/3GB`.
    pub const THREE_GB: Self = Self { highest_user: Va(0xbffe_ffff), highest_vad: Va(0xbffd_ffff) };

    /// `/userva`: so many megabytes for a large-address-aware image, 2048 to 3072; others become the nearest of them.
    pub fn user_megabytes(megabytes: u32) -> Self {
        let end = u64::from(megabytes.clamp(2048, 3072)) << 20;
        Self { highest_user: Va(end - 0x1_0001), highest_vad: Va(end - 0x2_0001) }
    }
}

/// Page numbers of the shared user page and of the hole behind it, which nobody can allocate.
pub(crate) const SHARED_USER: RangeInclusive<u32> = 0x7ffe0..=0x7ffef;

/// What is counted for one page table: for 4 MB of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct TableUse {
    /// Entries that are not zero.
    pub used: u16,
    /// Committed pages.
    pub committed: u16,
    /// The table is in the commit charge, whether it is there or not.
    pub is_charged: bool,
}

/// The memory of one process.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct ProcessMemory {
    pub(crate) directory: Pfn,
    pub(crate) limits: AddressLimits,
    pub(crate) vads: Vads,
    pub(crate) working_set: WorkingSet,
    pub(crate) tables: Vec<TableUse>,
    pub(crate) vad_root: Va,
    pub(crate) root_cell: Option<Va>,
    /// Some descriptor has, or had, write watch.
    pub(crate) has_watch: bool,
    /// Pages of descriptors with write watch that were written.
    pub(crate) written: BTreeSet<u32>,
    is_deleted: bool,
}

impl ProcessMemory {
    /// The frame of its page directory.
    pub const fn directory(&self) -> Pfn {
        self.directory
    }

    /// The value for CR3.
    pub const fn cr3(&self) -> u32 {
        (self.directory.0 as u32) << 12
    }

    /// Whether it was not deleted yet.
    pub const fn is_alive(&self) -> bool {
        !self.is_deleted
    }

    /// Its limits.
    pub const fn limits(&self) -> AddressLimits {
        self.limits
    }

    /// What it asked for.
    pub const fn vads(&self) -> &Vads {
        &self.vads
    }

    /// `VadRoot`: the descriptor on top of the tree in guest memory; 0 when there is none.
    pub const fn vad_root(&self) -> Va {
        self.vad_root
    }

    /// Its working set.
    pub const fn working_set(&self) -> &WorkingSet {
        &self.working_set
    }

    /// Pages in the commit charge, without page tables: committed private memory, and of views what is private or
    /// would be when it is written.
    pub fn committed_pages(&self) -> u32 {
        self.vads.iter().map(|vad| vad.commit).sum()
    }

    /// Page tables in the commit charge, built or not.
    pub fn charged_tables(&self) -> u32 {
        self.tables.iter().map(|table| u32::from(table.is_charged)).sum()
    }
}

impl Memory {
    /// Makes an empty address space: a page directory with the kernel half and the self-map. Charges its page.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` when the kernel half begins below the limits; `STATUS_COMMITMENT_LIMIT`;
    /// `STATUS_NO_MEMORY` when there is no frame.
    pub fn create_space(&mut self, ram: &mut Ram, limits: AddressLimits) -> Result<SpaceIndex, NtStatus> {
        if limits.highest_user >= self.system_range_start() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        self.prepare_pool(ram)?;
        self.charge(1)?;
        let Ok(directory) = self.obtain_frame(ram) else {
            self.commit.release(1);
            return Err(NtStatus::NO_MEMORY);
        };
        let mapped = (directory.0 as u32) << 12 | KERNEL_TABLE;
        let has_kernel = !self.kernel.is_separate || self.spaces.is_empty();
        for (index, entry) in (512..).zip(&self.kernel.directory) {
            let own = if has_kernel { *entry } else { 0 };
            let entry = if index == SELF_MAP { mapped } else { own };
            ram.write_u32(Pa((directory.0 << 12) + u64::from(index) * 4), entry);
        }
        let record = FrameRecord {
            entry: Va(0xc030_0c00),
            shares: 1,
            references: 1,
            state: FrameState::Active,
            table: directory,
            ..FrameRecord::default()
        };
        self.frames.set(ram, directory, &record);
        let fresh = ProcessMemory {
            directory,
            limits,
            vads: Vads::default(),
            working_set: WorkingSet::default(),
            tables: vec![TableUse::default(); 1024],
            vad_root: Va(0),
            root_cell: None,
            has_watch: false,
            written: BTreeSet::new(),
            is_deleted: false,
        };
        let place = self.spaces.iter().position(|space| space.is_deleted);
        match place.and_then(|place| self.spaces.get_mut(place)) {
            Some(deleted) => *deleted = fresh,
            None => self.spaces.push(fresh),
        }
        Ok(SpaceIndex(place.unwrap_or(self.spaces.len() - 1)))
    }

    /// Gives everything back that an address space has. It has no user addresses any more, and its number is used
    /// again for the next one that is made.
    pub fn delete_space(&mut self, ram: &mut Ram, space: SpaceIndex) {
        let vads: Vec<_> = self.spaces[space.0].vads.iter().copied().collect();
        for vad in vads {
            match vad.view {
                Some(_) => self.remove_view(ram, space, vad.first),
                None => self.remove_vad(ram, space, &vad),
            }
        }
        self.unmap_shared_user(ram, space);
        let process = &mut self.spaces[space.0];
        if !process.is_deleted {
            process.is_deleted = true;
            process.limits = AddressLimits { highest_user: Va(0), highest_vad: Va(0) };
            let directory = process.directory;
            self.frames.push(ram, directory, FrameState::Free);
            self.commit.release(1);
            self.need_flush();
        }
    }
}
