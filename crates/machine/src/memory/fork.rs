//! A copy of an address space, for a process that is made without an image: `MiCloneProcessAddressSpace`.
//!
//! ```text
//! private memory            copied, page by page
//! view with ViewShare       the same section at the same address; pages that were copied on write are copied
//! view with ViewUnmap       left out
//! ```
//!
//! NT shares private pages of both until one of them writes. Here they are copied at once (our choice): what the
//! programs see is the same, but for the memory that it takes.

use crate::memory::allocate::is_write_copy;
use crate::memory::entries::{demand_zero, tables_of};
use crate::memory::{FrameState, Memory, NtStatus, RULES, SpaceIndex, Vad};
use crate::ram::{FRAME_BYTES, Ram};
use vatlas_rules::nt::pte::{DECOMMITTED, MmProtection, NtPte, PteHome, decode_pte};
use vatlas_space::{Pa, Pfn, Va};

/// From which space to which.
type Between = (SpaceIndex, SpaceIndex);

impl Memory {
    /// Makes a copy of an address space.
    ///
    /// # Errors
    /// What making an address space, the commit limit, the pools or reading a page file end in. Nothing is left then.
    pub fn fork_space(&mut self, ram: &mut Ram, from: SpaceIndex) -> Result<SpaceIndex, NtStatus> {
        let limits = self.space(from).limits();
        let to = self.create_space(ram, limits)?;
        let is_inherited = |vad: &&Vad| vad.view.is_none_or(|view| view.is_inherited);
        let vads: Vec<Vad> = self.space(from).vads().iter().filter(is_inherited).copied().collect();
        let copied = vads.iter().try_for_each(|vad| self.fork_vad(ram, (from, to), vad));
        match copied {
            Ok(()) => Ok(to),
            Err(status) => {
                self.delete_space(ram, to);
                Err(status)
            }
        }
    }

    fn fork_vad(&mut self, ram: &mut Ram, between: Between, vad: &Vad) -> Result<(), NtStatus> {
        let to = between.1;
        let pages = vad.pages();
        let is_counted = vad.is_committed || vad.view.is_some();
        let commit = match vad.view {
            Some(_) => self.fresh_view_commit(vad),
            None if vad.is_committed => vad.last - vad.first + 1,
            None => 0,
        };
        if is_counted {
            self.charge(commit + self.uncharged_tables(to, &pages))?;
            self.mark_tables(to, &pages);
            self.count_committed(to, &pages, 1);
        }
        self.insert_charged(ram, to, Vad { commit, node: Va(0), ..*vad })?;
        self.spaces[to.0].has_watch |= vad.is_watched;
        if let Some(view) = vad.view {
            self.update_area(ram, view.area, |area| area.views += 1);
        }
        for page in pages.clone() {
            if self.entry(ram, between.0, page) != 0 {
                self.fork_page(ram, between, vad, page)?;
            }
        }
        tables_of(&pages).for_each(|table| self.settle_table(ram, to, table));
        Ok(())
    }

    /// A page that has an entry of its own.
    fn fork_page(&mut self, ram: &mut Ram, between: Between, vad: &Vad, page: u32) -> Result<(), NtStatus> {
        let (from, to) = between;
        let protection = self.protection_of(ram, from, vad, page);
        match (vad.view, protection) {
            (None, None) => self.fork_decommitted(ram, to, vad, page),
            (None, Some(protection)) => {
                self.fork_commit(ram, to, vad, page)?;
                self.copy_page(ram, between, page, protection)
            }
            (Some(_), None) => Ok(()),
            (Some(_), Some(protection)) if self.is_private(ram, from, vad, page) => {
                self.fork_private_copy(ram, between, vad, (page, protection))
            }
            (Some(_), Some(protection)) if self.protection_of(ram, to, vad, page) != Some(protection) => {
                let own = self.space(to).vads().find(page).unwrap_or(*vad);
                self.protect_view(ram, to, (&own, &(page..=page)), protection)
            }
            (Some(_), Some(_)) => Ok(()),
        }
    }

    /// A page that is reserved although its descriptor says committed.
    fn fork_decommitted(&mut self, ram: &mut Ram, to: SpaceIndex, vad: &Vad, page: u32) -> Result<(), NtStatus> {
        if !vad.is_committed {
            return Ok(());
        }
        self.build_tables(ram, to, &(page..=page)).map_err(|_| NtStatus::NO_MEMORY)?;
        self.set_entry(ram, to, page, DECOMMITTED as u32);
        self.count_committed(to, &(page..=page), -1);
        self.commit.release(1);
        self.update_vad(ram, to, vad.first, |vad| vad.commit = vad.commit.saturating_sub(1));
        Ok(())
    }

    /// A page that is committed although its descriptor says reserved.
    fn fork_commit(&mut self, ram: &mut Ram, to: SpaceIndex, vad: &Vad, page: u32) -> Result<(), NtStatus> {
        let pages = page..=page;
        let fresh = u32::from(!vad.is_committed);
        self.charge(fresh + self.uncharged_tables(to, &pages))?;
        self.mark_tables(to, &pages);
        if self.build_tables(ram, to, &pages).is_err() {
            self.commit.release(fresh);
            self.settle_table(ram, to, page >> 10);
            return Err(NtStatus::NO_MEMORY);
        }
        self.set_entry(ram, to, page, demand_zero(MmProtection::READWRITE));
        if fresh > 0 {
            self.count_committed(to, &pages, 1);
            self.update_vad(ram, to, vad.first, |vad| vad.commit += 1);
        }
        Ok(())
    }

    /// A page of a view that a write made private.
    fn fork_private_copy(
        &mut self,
        ram: &mut Ram,
        between: Between,
        vad: &Vad,
        (page, protection): (u32, MmProtection),
    ) -> Result<(), NtStatus> {
        let (to, pages) = (between.1, page..=page);
        let own = self.space(to).vads().find(page).unwrap_or(*vad);
        if !self.protection_of(ram, to, &own, page).is_some_and(is_write_copy) {
            self.protect_view(ram, to, (&own, &pages), MmProtection::EXECUTE_WRITECOPY)?;
        }
        self.build_tables(ram, to, &pages).map_err(|_| NtStatus::NO_MEMORY)?;
        self.copy_page(ram, between, page, protection)
    }

    /// The contents of a private page, into a page of its own in the other space, whose table is there.
    fn copy_page(
        &mut self,
        ram: &mut Ram,
        (from, to): Between,
        page: u32,
        protection: MmProtection,
    ) -> Result<(), NtStatus> {
        let Some(copy) = self.copy_of(ram, from, page)? else {
            let Some(vad) = self.space(to).vads().find(page) else { return Ok(()) };
            self.protect_page(ram, to, &vad, page, protection);
            return Ok(());
        };
        self.drop_page(ram, to, page);
        self.set_entry(ram, to, page, 0);
        if self.build_tables(ram, to, &(page..=page)).is_err() {
            self.frames.push(ram, copy, FrameState::Free);
            return Err(NtStatus::NO_MEMORY);
        }
        self.map_page(ram, to, page, copy, (demand_zero(MmProtection::READWRITE), true));
        if let Some(vad) = self.space(to).vads().find(page) {
            self.protect_page(ram, to, &vad, page, protection);
        }
        Ok(())
    }

    /// A fresh frame with the contents of a private page; none when it was never touched.
    fn copy_of(&mut self, ram: &mut Ram, space: SpaceIndex, page: u32) -> Result<Option<Pfn>, NtStatus> {
        let entry = self.entry(ram, space, page);
        if let NtPte::PageFile { file, page, .. } = decode_pte(entry.into(), PteHome::PageTable, &RULES) {
            return self.read_page_file(ram, (file, page)).map(Some).map_err(|error| error.0);
        }
        if !matches!(self.form(ram, space, page), NtPte::Valid(_) | NtPte::Transition { .. }) {
            return Ok(None);
        }
        let copy = self.obtain_frame(ram).map_err(|error| error.0)?;
        // The frame for the copy may have been that of the page.
        let frame = match self.form(ram, space, page) {
            NtPte::Valid(entry) => Pfn((entry.0 & 0xffff_f000) >> 12),
            NtPte::Transition { frame, .. } => frame,
            _ => {
                self.frames.push(ram, copy, FrameState::Free);
                return self.copy_of(ram, space, page);
            }
        };
        let mut bytes = [0; FRAME_BYTES];
        ram.read(Pa(frame.0 << 12), &mut bytes);
        ram.write(Pa(copy.0 << 12), &bytes);
        Ok(Some(copy))
    }
}
