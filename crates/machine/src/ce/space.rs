//! The one address space: a page directory, what every slot would have in it, and which slots are in it now.
//!
//! ```text
//! master     entries of all 128 slots, as if every process were open to everybody
//! directory  what the processor sees: slot 0 is a copy of the current process's 8 entries, slots of processes are
//!            there when they were touched with a key that opens them, everything else is as in the master
//! ```
//!
//! A slot comes in at the first touch that the thread's key allows, and goes when a thread with another key runs (our
//! choice: so the page tables themselves enforce keys).

use super::processor::{ENTRIES, ENTRIES_PER_SLOT, PRESENT, SLOT_BYTES, TABLE, TABLE_SHIFT};
use crate::ram::Ram;
use vatlas_rules::ce::slot::{SLOT_SHIFT, SLOT_SIZE};
use vatlas_space::Pa;

/// Lowest address of the shared area: behind the last process slot.
pub(crate) const SHARED_AREA: u32 = 0x4200_0000;
/// Offset bits of a slot.
pub(crate) const OFFSET_MASK: u32 = SLOT_SIZE as u32 - 1;
/// Bytes of a slot.
pub(crate) const SLOT: u32 = SLOT_SIZE as u32;

/// What switching costs, counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct SwitchCounts {
    /// Changes of the process in slot 0.
    pub switches: u64,
    /// Directory entries that these copied: 8 each.
    pub copied: u64,
    /// Times that a slot entered the directory because a thread touched it.
    pub entered: u64,
    /// Directory entries that were dropped since a key does not open their slot.
    pub dropped: u64,
}

/// The address space.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Space {
    /// Physical address of the page directory.
    pub directory: u32,
    /// Physical address of the page with the entries of all slots.
    pub master: u32,
    /// First address of the slot that slot 0 shows.
    pub home: u32,
    /// A bit for each slot of a process that is in the directory.
    pub open: u64,
    pub counts: SwitchCounts,
}

/// The slot of an address.
pub(crate) const fn slot_of(va: u32) -> u32 {
    va >> SLOT_SHIFT
}

/// Whether processes live in a slot.
pub(crate) const fn is_process_slot(slot: u32) -> bool {
    slot >= 2 && slot <= 32
}

impl Space {
    /// Physical address of the page-table entry of a mapped address; `None` where there is no table.
    #[inline]
    pub(crate) fn entry(&self, ram: &Ram, mapped: u32) -> Option<Pa> {
        let table = ram.read_u32(Pa(u64::from(self.master + (mapped >> TABLE_SHIFT) * 4)))?;
        (table & PRESENT != 0).then(|| Pa(u64::from((table & !0xfff) + (mapped >> 12) % ENTRIES * 4)))
    }

    /// Sets a directory entry of a mapped address, wherever it shows.
    pub(crate) fn set_table(&mut self, ram: &mut Ram, mapped: u32, frame: u32) {
        let (index, slot) = (mapped >> TABLE_SHIFT, slot_of(mapped));
        self.set_entry(ram, index, frame | TABLE);
        debug_assert_eq!(slot, index >> 3);
    }

    /// Sets an entry of the master and of the directory where it shows.
    pub(crate) fn set_entry(&mut self, ram: &mut Ram, index: u32, entry: u32) {
        let slot = index >> 3;
        ram.write_u32(Pa(u64::from(self.master + index * 4)), entry);
        if !is_process_slot(slot) || self.open >> slot & 1 != 0 {
            ram.write_u32(Pa(u64::from(self.directory + index * 4)), entry);
        }
        if slot == slot_of(self.home) {
            ram.write_u32(Pa(u64::from(self.directory + index % ENTRIES_PER_SLOT as u32 * 4)), entry);
        }
    }

    fn entries(&self, ram: &Ram, slot: u32) -> [u8; SLOT_BYTES] {
        ram.read_array(Pa(u64::from(self.master + slot * SLOT_BYTES as u32))).unwrap_or([0; SLOT_BYTES])
    }

    fn show(&self, ram: &mut Ram, slot: u32, entries: &[u8; SLOT_BYTES]) {
        ram.write_array(Pa(u64::from(self.directory + slot * SLOT_BYTES as u32)), entries);
    }

    /// Puts another process into slot 0; whether translations changed.
    pub(crate) fn switch(&mut self, ram: &mut Ram, home: u32) -> bool {
        if self.home == home {
            return false;
        }
        self.home = home;
        let entries = self.entries(ram, slot_of(home));
        self.show(ram, 0, &entries);
        self.counts.switches += 1;
        self.counts.copied += ENTRIES_PER_SLOT as u64;
        true
    }

    /// Drops the slots that a key does not open; whether there were any.
    pub(crate) fn close(&mut self, ram: &mut Ram, key: u32) -> bool {
        // Process number n lives in slot n + 1.
        let mut closed = self.open & !(u64::from(key) << 1);
        let any = closed != 0;
        while closed != 0 {
            let slot = closed.trailing_zeros();
            closed &= closed - 1;
            self.show(ram, slot, &[0; SLOT_BYTES]);
            self.counts.dropped += ENTRIES_PER_SLOT as u64;
            self.open &= !(1 << slot);
        }
        any
    }

    /// A slot is empty now: it shows nowhere.
    pub(crate) fn leave(&mut self, ram: &mut Ram, slot: u32) {
        if self.open >> slot & 1 != 0 {
            self.show(ram, slot, &[0; SLOT_BYTES]);
            self.open &= !(1 << slot);
        }
        if slot_of(self.home) == slot {
            self.show(ram, 0, &[0; SLOT_BYTES]);
            self.home = 0;
        }
    }

    /// Lets a slot in that was touched with this key; `false` when it is in already or the key does not open it.
    pub(crate) fn enter(&mut self, ram: &mut Ram, slot: u32, key: u32) -> bool {
        if !is_process_slot(slot) || self.open >> slot & 1 != 0 || !opens(key, slot) {
            return false;
        }
        let entries = self.entries(ram, slot);
        self.show(ram, slot, &entries);
        self.open |= 1 << slot;
        self.counts.entered += 1;
        true
    }
}

/// Whether a key opens a slot; those that no process lives in are open to all.
pub(crate) const fn opens(key: u32, slot: u32) -> bool {
    !is_process_slot(slot) || key >> (slot - 1) & 1 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &[u32], expected_open: u64, expected_dropped: u64) {
        let mut ram = Ram::new(4);
        let mut space = Space { directory: 0x1000, master: 0x2000, home: 0x0400_0000, ..Space::default() };
        for slot in 2..=32 {
            space.set_entry(&mut ram, slot * 8, slot << 12 | PRESENT);
        }
        for key in keys {
            space.close(&mut ram, *key);
            (2..=32).for_each(|slot| {
                space.enter(&mut ram, slot, *key);
            });
        }
        assert_eq!((space.open, space.counts.dropped), (expected_open, expected_dropped));
        for slot in 2..=32_u32 {
            let shown = ram.read_u32(Pa(u64::from(0x1000 + slot * 32))).unwrap();
            assert_eq!(shown != 0, expected_open >> slot & 1 != 0, "slot {slot}");
        }
    }

    #[test]
    fn keys_decide_what_the_directory_has() {
        check(&[0b10], 0b100, 0);
        check(&[0b110, 0b10], 0b100, 8);
        check(&[u32::MAX], 0x1_ffff_fffc, 0);
        check(&[u32::MAX, 1], 0, 8 * 31);
    }

    #[test]
    fn slot_0_is_the_current_process() {
        let mut ram = Ram::new(4);
        let mut space = Space { directory: 0x1000, master: 0x2000, ..Space::default() };
        space.set_entry(&mut ram, 2 * 8, 0x5001);
        space.set_entry(&mut ram, 3 * 8 + 1, 0x6001);
        assert!(space.switch(&mut ram, 0x0400_0000) && !space.switch(&mut ram, 0x0400_0000));
        assert_eq!(ram.read_u32(Pa(0x1000)), Some(0x5001));
        assert!(space.switch(&mut ram, 0x0600_0000));
        assert_eq!((ram.read_u32(Pa(0x1000)), ram.read_u32(Pa(0x1004))), (Some(0), Some(0x6001)));
        space.set_entry(&mut ram, 3 * 8, 0x7001);
        assert_eq!((ram.read_u32(Pa(0x1000)), space.counts.copied), (Some(0x7001), 16));
    }
}
