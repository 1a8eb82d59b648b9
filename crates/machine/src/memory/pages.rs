//! One page of a process: put into its working set, taken out, protected anew, dropped.

use crate::memory::entries::{demand_zero, protection_in, with_protection};
use crate::memory::frames::FrameRecord;
use crate::memory::prototype::private_protection;
use crate::memory::{FrameState, Memory, RULES, SpaceIndex, Vad, WorkingSetEntry};
use crate::ram::Ram;
use vatlas_rules::nt::pte::{MmProtection, NtPte, PteHome, SOFTWARE_WRITE, decode_pte, encode_pte};
use vatlas_space::{PageTableEntry, Pfn, Va};

const DIRTY: u32 = PageTableEntry::DIRTY as u32;
const WRITE: u32 = PageTableEntry::WRITE as u32;

/// A valid entry of a user page. Bit 11 says that it may be written, bit 1 only when it was: the first write to a
/// clean page faults, as on a multiprocessor kernel.
fn valid_entry(frame: Pfn, protection: MmProtection, is_dirty: bool) -> u32 {
    let mut entry = PageTableEntry::VALID | PageTableEntry::USER | PageTableEntry::ACCESSED;
    if is_dirty {
        entry |= PageTableEntry::DIRTY;
    }
    if protection.is_writable() {
        entry |= SOFTWARE_WRITE | if is_dirty { PageTableEntry::WRITE } else { 0 };
    }
    (frame.0 as u32) << 12 | entry as u32
}

/// The frame of a valid entry.
pub(crate) const fn frame_of(entry: PageTableEntry) -> Pfn {
    Pfn((entry.0 & 0xffff_f000) >> 12)
}

impl Memory {
    /// Maps a page, whose table is there, to a frame that is in no list. `original` is what the entry becomes when
    /// the frame is taken away while the page is clean.
    pub(crate) fn map_page(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        page: u32,
        frame: Pfn,
        (original, is_dirty): (u32, bool),
    ) {
        let Some(table) = self.table(ram, space, page >> 10) else { return };
        let had_frame = matches!(self.form(ram, space, page), NtPte::Transition { .. });
        let member = WorkingSetEntry { page, frame, is_locked: false, is_shared: false, protection: None };
        let record = FrameRecord {
            link: self.spaces[space.0].working_set.add(member),
            entry: Va(u64::from(0xc000_0000 + page * 4)),
            shares: 1,
            state: FrameState::Active,
            is_modified: false,
            is_prototype: false,
            references: 1,
            original,
            table,
        };
        self.frames.set(ram, frame, &record);
        if !had_frame {
            self.frames.update(ram, table, |record| record.shares += 1);
        }
        let entry = self.hold_writes(space, page, valid_entry(frame, protection_in(original), is_dirty));
        self.set_entry(ram, space, page, entry);
        if is_dirty {
            self.release_backing(ram, frame);
        }
    }

    /// A page becomes dirty: its place in a page file is free for others.
    pub(crate) fn release_backing(&mut self, ram: &mut Ram, frame: Pfn) {
        let FrameRecord { original, is_prototype, .. } = self.frames.record(ram, frame);
        let home = if is_prototype { PteHome::Prototype } else { PteHome::PageTable };
        self.release_slot(original, home);
        let dirty = if is_prototype { self.dirty_original(original) } else { demand_zero(protection_in(original)) };
        self.frames.update(ram, frame, |record| record.original = dirty);
    }

    /// Gives the page-file page of an entry back, if it is in one.
    pub(crate) fn release_slot(&mut self, entry: u32, home: PteHome) {
        if let NtPte::PageFile { file, page, .. } = decode_pte(entry.into(), home, &RULES)
            && let Some(file) = self.page_files.get_mut(usize::from(file))
        {
            file.release(page);
        }
    }

    /// Marks a mapped page as written.
    pub(crate) fn make_dirty(&mut self, ram: &mut Ram, space: SpaceIndex, page: u32, is_writable: bool) {
        let entry = self.entry(ram, space, page);
        let bits = if is_writable { DIRTY | WRITE } else { DIRTY };
        if is_writable {
            self.note_write(space, page);
        }
        self.set_entry(ram, space, page, entry | bits | PageTableEntry::ACCESSED as u32);
        self.release_backing(ram, Pfn((entry >> 12).into()));
    }

    /// Where a page is in its working set; `None` for pages that are not in one.
    pub(crate) fn member(&self, ram: &Ram, space: SpaceIndex, page: u32) -> Option<u32> {
        let NtPte::Valid(entry) = self.form(ram, space, page) else { return None };
        let record = self.frames.record(ram, frame_of(entry));
        let set = &self.space(space).working_set;
        let index = if record.is_prototype { set.shared_index(page)? } else { record.link };
        set.entries.get(index as usize).filter(|member| member.page == page).map(|_| index)
    }

    /// Removes a page from the working set.
    pub(crate) fn leave_working_set(&mut self, ram: &mut Ram, space: SpaceIndex, page: u32) {
        let Some(index) = self.member(ram, space, page) else { return };
        if let Some(moved) = self.spaces[space.0].working_set.remove(index) {
            self.frames.update(ram, moved.frame, |record| record.link = index);
        }
    }

    /// Takes a page out of the working set: its entry takes the transition form, its frame goes to the standby or the
    /// modified list.
    pub(crate) fn trim_page(&mut self, ram: &mut Ram, space: SpaceIndex, page: u32) {
        let NtPte::Valid(entry) = self.form(ram, space, page) else { return };
        let frame = frame_of(entry);
        if self.member(ram, space, page).is_none() {
            return;
        }
        if self.frames.record(ram, frame).is_prototype {
            return self.trim_shared(ram, space, page);
        }
        self.leave_working_set(ram, space, page);
        let protection = protection_in(self.frames.record(ram, frame).original);
        let is_dirty = entry.has(PageTableEntry::DIRTY);
        self.frames.push(ram, frame, if is_dirty { FrameState::Modified } else { FrameState::Standby });
        let form = encode_pte(NtPte::Transition { frame, protection }, &RULES).unwrap_or_default();
        self.set_entry(ram, space, page, form);
        self.counters.trimmed += 1;
    }

    /// Gives back what holds a page: its frame or its page of a page file. The entry is the caller's business.
    pub(crate) fn drop_page(&mut self, ram: &mut Ram, space: SpaceIndex, page: u32) {
        let frame = match self.form(ram, space, page) {
            NtPte::Valid(entry) => {
                let frame = frame_of(entry);
                if self.frames.record(ram, frame).is_prototype {
                    return self.unmap_shared(ram, space, page);
                }
                self.leave_working_set(ram, space, page);
                frame
            }
            NtPte::Transition { frame, .. } => {
                self.frames.unlink(ram, frame);
                frame
            }
            NtPte::PageFile { .. } => return self.release_slot(self.entry(ram, space, page), PteHome::PageTable),
            _ => return,
        };
        let record = self.frames.record(ram, frame);
        self.release_slot(record.original, PteHome::PageTable);
        self.frames.update(ram, record.table, |table| table.shares = table.shares.saturating_sub(1));
        self.frames.push(ram, frame, FrameState::Free);
    }

    /// Gives a committed page, whose table is there, another protection. A page that nobody may touch, or whose first
    /// touch must be seen, leaves the working set.
    pub(crate) fn protect_page(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        vad: &Vad,
        page: u32,
        protection: MmProtection,
    ) {
        let mut protection = protection;
        if let Some(at) = vad.prototype_of(page) {
            if !self.is_private(ram, space, vad, page) {
                return self.protect_shared(ram, space, page, (at, protection));
            }
            protection = private_protection(protection);
        }
        if self.protection_of(ram, space, vad, page) == Some(protection) {
            return;
        }
        if is_untouchable(protection) {
            self.trim_page(ram, space, page);
        }
        let entry = self.entry(ram, space, page);
        let changed = match self.form(ram, space, page) {
            NtPte::Valid(old) => {
                let frame = frame_of(old);
                self.change_original(ram, frame, protection);
                self.hold_writes(space, page, valid_entry(frame, protection, old.has(PageTableEntry::DIRTY)))
            }
            NtPte::Transition { frame, .. } => {
                self.change_original(ram, frame, protection);
                with_protection(entry, protection)
            }
            NtPte::AskVad => demand_zero(protection),
            _ => with_protection(entry, protection),
        };
        self.set_entry(ram, space, page, changed);
    }

    fn change_original(&mut self, ram: &mut Ram, frame: Pfn, protection: MmProtection) {
        self.frames.update(ram, frame, |record| record.original = with_protection(record.original, protection));
    }
}

/// Whether a first touch raises an exception, once.
pub(crate) const fn is_guard(protection: MmProtection) -> bool {
    protection.0 & 0x18 == MmProtection::GUARD && protection.is_readable()
}

/// No access, or a guard page.
const fn is_untouchable(protection: MmProtection) -> bool {
    !protection.is_readable() || is_guard(protection)
}
