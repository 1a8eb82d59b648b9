//! Addresses for modules in ROM: the code of DLLs from the top of slot 1 down, their variables from the top of slot 0
//! down, those of the kernel from the start of RAM up.

use super::Placement;
use vatlas_space::Va;

const PAGE: u64 = 0x1000;
/// Slot 0 ends and slot 1 begins here; modules stay above the lowest part of a slot.
const SLOT_0_END: u64 = 0x0200_0000;
const SLOT_1: u64 = 0x0200_0000;
/// The address behind slot 1.
pub(super) const SLOT_1_END: Va = Va(0x0400_0000);
const SLOT_0_LOW: u64 = 0x0100_0000;

/// What is still free.
pub(super) struct Addresses {
    slot_0: u64,
    slot_1: u64,
    ram: u64,
    ram_end: u64,
}

impl Addresses {
    pub fn new(ram: Va, ram_end: Va) -> Self {
        Self { slot_0: SLOT_0_END, slot_1: SLOT_1_END.0, ram: ram.0, ram_end: ram_end.0 }
    }

    /// The first free address of RAM.
    pub fn ram(&self) -> Va {
        Va(self.ram)
    }

    /// The lowest addresses that DLLs have in slot 0 and in slot 1.
    pub fn lowest(&self) -> (Va, Va) {
        (Va(self.slot_0), Va(self.slot_1))
    }

    /// A base for a DLL, and where it is after all: when slot 1 is full, it goes to slot 0 whole.
    pub fn dll(&mut self, placement: Placement, size: u32) -> Option<(Va, Placement)> {
        let size = u64::from(size).next_multiple_of(PAGE);
        if placement == Placement::Slot1
            && let Some(base) = self.slot_1.checked_sub(size).filter(|base| *base >= SLOT_1)
        {
            self.slot_1 = base;
            return Some((Va(base), Placement::Slot1));
        }
        Some((self.slot_0(size)?, Placement::Slot0))
    }

    /// Room for variables of a DLL in slot 0.
    pub fn variables(&mut self, size: u32) -> Option<Va> {
        self.slot_0(u64::from(size).max(1).next_multiple_of(PAGE))
    }

    /// Room for variables of the kernel in RAM.
    pub fn kernel_variables(&mut self, size: u32) -> Option<Va> {
        let start = self.ram;
        let end =
            start.checked_add(u64::from(size).max(1).next_multiple_of(PAGE)).filter(|end| *end <= self.ram_end)?;
        self.ram = end;
        Some(Va(start))
    }

    fn slot_0(&mut self, size: u64) -> Option<Va> {
        self.slot_0 = self.slot_0.checked_sub(size).filter(|base| *base >= SLOT_0_LOW)?;
        Some(Va(self.slot_0))
    }
}
