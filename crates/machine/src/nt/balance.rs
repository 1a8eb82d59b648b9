//! What the kernel does on its own time: once a second it looks whether frames are getting few.
//!
//! NT has a thread for it, the balance set manager, that wakes once a second and lets the working-set manager trim
//! when few pages are available. Here it is done at the clock tick of each second, and takes no time of the machine;
//! how many frames are few, and how many are wanted then, are our choice.

use crate::nt::System;

/// Ticks in a second: 64 of 15.625 ms.
const TICKS: u64 = 64;
/// With fewer frames at hand working sets are trimmed.
const FEW: u32 = 128;
/// So many are at hand afterwards, if that can be had.
const ENOUGH: u32 = 256;

impl System {
    /// The tick: whether another second has begun, and then what is due.
    pub(crate) fn balance(&mut self) {
        let second = self.clock.ticks / TICKS;
        if std::mem::replace(&mut self.clock.balanced, second) != second {
            self.balance_memory();
        }
    }

    /// Trims working sets when frames are few, down to their minimum and no further, and writes modified pages until
    /// enough frames are at hand. A page that cannot be written stays where it is.
    fn balance_memory(&mut self) {
        if self.memory.frames().available() >= FEW {
            return;
        }
        let ram = &mut self.computer.board.ram;
        self.memory.balance_working_sets(ram, ENOUGH);
        let missing = ENOUGH.saturating_sub(self.memory.frames().available());
        // Why nothing could be written is told to whoever needs a frame and gets none.
        let _ = self.memory.write_modified_pages(ram, missing);
        self.obey_flush();
    }
}
