//! Which module an address belongs to, by the lists that the guest's own loader keeps in the process.

use crate::nt::System;
use crate::nt::process::ProcessIndex;
use vatlas_rules::nt::structures::{ldr, peb};

/// Modules that are looked at, so that a list that never ends does end.
const MOST: usize = 512;

impl System {
    /// Name of the module at an address, and the offset in it.
    pub(crate) fn module_at(&mut self, process: ProcessIndex, va: u32) -> Option<(String, u32)> {
        let (space, block) = (self.processes[process.0].space, self.processes[process.0].peb);
        if block == 0 {
            return None;
        }
        let lists = self.read_u32(space, block + peb::LDR).ok().filter(|lists| *lists != 0)?;
        let head = lists.wrapping_add(ldr::IN_LOAD_ORDER_HEAD);
        let mut entry = self.read_u32(space, head).ok()?;
        for _ in 0..MOST {
            if entry == head || entry == 0 {
                break;
            }
            let base = self.read_u32(space, entry.wrapping_add(ldr::DLL_BASE)).ok()?;
            let size = self.read_u32(space, entry.wrapping_add(ldr::SIZE_OF_IMAGE)).ok()?;
            let offset = va.wrapping_sub(base);
            if offset < size {
                let name = self.read_unicode_string(space, entry.wrapping_add(ldr::BASE_DLL_NAME)).ok()?;
                return Some((name, offset));
            }
            entry = self.read_u32(space, entry).ok()?;
        }
        None
    }
}
