//! Shared pages: the prototype entry is the page's truth, entries of processes only map it.
//!
//! ```text
//! prototype entry   subsection (in the file) | demand zero | page file -> valid (in a frame, mapped by `shares` entries)
//!                   valid -> transition when the last entry lets go -> its original form when the frame is taken
//! entry             zero | prototype | prototype by descriptor -> valid -> one of the two when it is trimmed
//! ```

use crate::memory::control_area::AreaKind;
use crate::memory::entries::{demand_zero, protection_in};
use crate::memory::frames::FrameRecord;
use crate::memory::pages::frame_of;
use crate::memory::{
    ControlAreaIndex, FrameState, Memory, NtStatus, PageFileError, RULES, SpaceIndex, WorkingSetEntry,
};
use crate::ram::{FRAME_BYTES, Ram};
use vatlas_rules::nt::pte::{
    COPY_ON_WRITE, MmProtection, NtPte, PROTOTYPE, PteHome, SOFTWARE_WRITE, decode_pte, encode_pte,
};
use vatlas_space::{Pa, PageTableEntry, Pfn, Va};

/// How a shared page came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// It was in memory, for another process.
    Present,
    /// It was on the standby or modified list.
    Transition,
    /// Zeroes.
    Zero,
    /// From a page file.
    PageFile,
    /// From the file of the section.
    File,
}

/// What write-copy memory becomes once it is private.
pub(crate) const fn private_protection(protection: MmProtection) -> MmProtection {
    if protection.0 & 5 == 5 { MmProtection(protection.0 & !1) } else { protection }
}

/// A valid entry of a shared page. Write-copy memory is never writable to the processor; other memory when it was
/// written through this entry.
fn valid_entry(frame: Pfn, protection: MmProtection, is_dirty: bool) -> u32 {
    let mut entry = PageTableEntry::VALID | PageTableEntry::USER | PageTableEntry::ACCESSED | PROTOTYPE;
    if protection.0 & 5 == 5 {
        entry |= COPY_ON_WRITE;
    } else if protection.is_writable() {
        entry |= SOFTWARE_WRITE | if is_dirty { PageTableEntry::WRITE | PageTableEntry::DIRTY } else { 0 };
    }
    (frame.0 as u32) << 12 | entry as u32
}

impl Memory {
    /// A prototype entry.
    pub(crate) fn prototype_entry(&self, ram: &Ram, at: Va) -> u32 {
        self.read_kernel_u32(ram, at).unwrap_or_default()
    }

    pub(crate) fn set_prototype(&self, ram: &mut Ram, at: Va, entry: u32) {
        self.write_kernel_u32(ram, at, entry);
    }

    /// A prototype entry, decoded.
    pub(crate) fn prototype_form(&self, ram: &Ram, at: Va) -> NtPte {
        decode_pte(self.prototype_entry(ram, at).into(), PteHome::Prototype, &RULES)
    }

    /// The protection of a page of a section; `None` when it is not committed.
    pub(crate) fn prototype_protection(&self, ram: &Ram, at: Va) -> Option<MmProtection> {
        match self.prototype_form(ram, at) {
            NtPte::Valid(entry) => Some(protection_in(self.frames.record(ram, frame_of(entry)).original)),
            NtPte::DemandZero(protection)
            | NtPte::PageFile { protection, .. }
            | NtPte::Transition { protection, .. }
            | NtPte::Subsection { protection, .. } => Some(protection),
            _ => None,
        }
    }

    /// The control area of a prototype entry in subsection form.
    pub(crate) fn area_of_subsection(&self, subsection: Va) -> Option<ControlAreaIndex> {
        self.area_by_subsection.get(&subsection).copied()
    }

    /// Brings a shared page into a frame, which no entry may map yet.
    pub(crate) fn bring_in(&mut self, ram: &mut Ram, at: Va) -> Result<(Pfn, Arrival), PageFileError> {
        let entry = self.prototype_entry(ram, at);
        let (frame, original, arrival) = match decode_pte(entry.into(), PteHome::Prototype, &RULES) {
            NtPte::Valid(entry) => return Ok((frame_of(entry), Arrival::Present)),
            NtPte::Transition { frame, .. } => {
                self.frames.unlink(ram, frame);
                self.counters.transition += 1;
                (frame, self.frames.record(ram, frame).original, Arrival::Transition)
            }
            NtPte::PageFile { file, page, .. } => (self.read_page_file(ram, (file, page))?, entry, Arrival::PageFile),
            NtPte::Subsection { at: subsection, .. } => {
                (self.read_file_page(ram, subsection, at)?, entry, Arrival::File)
            }
            _ => {
                self.counters.demand_zero += 1;
                (self.obtain_frame(ram)?, entry, Arrival::Zero)
            }
        };
        self.make_valid(ram, at, frame, (original, arrival));
        Ok((frame, arrival))
    }

    /// The prototype entry becomes valid; its table counts the frame.
    fn make_valid(&mut self, ram: &mut Ram, at: Va, frame: Pfn, (original, arrival): (u32, Arrival)) {
        let table = self.kernel_address(ram, at).map_or(Pfn(0), |pa| Pfn(pa.0 >> 12));
        if arrival != Arrival::Transition {
            self.frames.update(ram, table, |record| record.shares += 1);
        }
        let was_modified = arrival == Arrival::Transition && self.frames.record(ram, frame).is_modified;
        let record = FrameRecord {
            link: 0,
            entry: at,
            shares: 0,
            state: FrameState::Active,
            is_modified: was_modified,
            is_prototype: true,
            references: 1,
            original,
            table,
        };
        self.frames.set(ram, frame, &record);
        let bits = PageTableEntry::VALID | PageTableEntry::ACCESSED;
        self.set_prototype(ram, at, (frame.0 as u32) << 12 | bits as u32);
    }

    /// Reads a page of the file of a section into a fresh frame.
    fn read_file_page(&mut self, ram: &mut Ram, subsection: Va, at: Va) -> Result<Pfn, PageFileError> {
        let lost = PageFileError(NtStatus::DEVICE_DATA_ERROR);
        let index = self.area_of_subsection(subsection).ok_or(lost)?;
        let frame = self.obtain_frame(ram)?;
        let mut bytes = [0; FRAME_BYTES];
        let page = self.area(index).map_or(0, |area| area.page_of(at));
        let read = self.area(index).map_or(Err(lost.0), |area| area.read_page(page, &mut bytes));
        if let Err(status) = read {
            self.frames.push(ram, frame, FrameState::Free);
            return Err(PageFileError(status));
        }
        ram.write(Pa(frame.0 << 12), &bytes);
        match self.area(index).map(|area| area.kind) {
            Some(AreaKind::Image) => self.counters.image_page_ins += 1,
            _ => self.counters.file_page_ins += 1,
        }
        Ok(frame)
    }

    /// Maps a shared page that is in a frame. `protection` is that of the prototype entry when it is `None`.
    pub(crate) fn map_shared(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        page: u32,
        frame: Pfn,
        (protection, is_dirty): (Option<MmProtection>, bool),
    ) {
        let Some(table) = self.table(ram, space, page >> 10) else { return };
        let record = self.frames.record(ram, frame);
        let member = WorkingSetEntry { page, frame, is_locked: false, is_shared: true, protection };
        self.spaces[space.0].working_set.add(member);
        self.frames.update(ram, frame, |record| record.shares += 1);
        self.frames.update(ram, table, |record| record.shares += 1);
        let allowed = protection.unwrap_or(protection_in(record.original));
        self.set_entry(ram, space, page, valid_entry(frame, allowed, is_dirty));
        if is_dirty {
            self.release_backing(ram, frame);
        }
    }

    /// The software protection with which a process maps a shared page, if that is not the page's own.
    pub(crate) fn own_protection(&self, space: SpaceIndex, page: u32) -> Option<MmProtection> {
        self.space(space).working_set.shared(page).and_then(|member| member.protection)
    }

    /// A process lets a shared page go: out of the working set, one entry less. The entry is the caller's business.
    /// When it was the last, the page goes to the standby or the modified list.
    pub(crate) fn unmap_shared(&mut self, ram: &mut Ram, space: SpaceIndex, page: u32) {
        let NtPte::Valid(entry) = self.form(ram, space, page) else { return };
        let frame = frame_of(entry);
        self.leave_working_set(ram, space, page);
        if let Some(table) = self.table(ram, space, page >> 10) {
            self.frames.update(ram, table, |record| record.shares = record.shares.saturating_sub(1));
        }
        self.frames.update(ram, frame, |record| {
            record.shares = record.shares.saturating_sub(1);
            record.is_modified |= entry.has(PageTableEntry::DIRTY);
        });
        let record = self.frames.record(ram, frame);
        if record.shares == 0 {
            let state = if record.is_modified { FrameState::Modified } else { FrameState::Standby };
            self.frames.push(ram, frame, state);
            let form = NtPte::Transition { frame, protection: protection_in(record.original) };
            ram.write_u32(record.entry_at(), encode_pte(form, &RULES).unwrap_or_default());
        }
    }

    /// Trims a shared page: its entry says where the prototype entry is, or that the descriptor knows and with which
    /// protection it was mapped.
    pub(crate) fn trim_shared(&mut self, ram: &mut Ram, space: SpaceIndex, page: u32) {
        let NtPte::Valid(entry) = self.form(ram, space, page) else { return };
        let form = match self.own_protection(space, page) {
            Some(protection) => NtPte::PrototypeByVad(protection),
            None => {
                let at = self.frames.record(ram, frame_of(entry)).entry;
                NtPte::Prototype { at, is_read_only: false }
            }
        };
        self.unmap_shared(ram, space, page);
        self.set_entry(ram, space, page, encode_pte(form, &RULES).unwrap_or_default());
        self.counters.trimmed += 1;
    }

    /// Gives a page, which is or would be shared, another protection in one process.
    pub(crate) fn protect_shared(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        page: u32,
        (at, protection): (Va, MmProtection),
    ) {
        let is_touchable = protection.is_readable() && protection.0 & 0x18 != MmProtection::GUARD;
        if let (NtPte::Valid(entry), true) = (self.form(ram, space, page), is_touchable) {
            let is_dirty = entry.has(PageTableEntry::DIRTY);
            let frame = frame_of(entry);
            self.frames.update(ram, frame, |record| record.is_modified |= is_dirty);
            self.spaces[space.0].working_set.protect_shared(page, protection);
            return self.set_entry(ram, space, page, valid_entry(frame, protection, is_dirty));
        }
        self.trim_shared(ram, space, page);
        let form = match self.prototype_protection(ram, at) {
            Some(own) if own == protection => NtPte::Prototype { at, is_read_only: false },
            _ => NtPte::PrototypeByVad(protection),
        };
        self.set_entry(ram, space, page, encode_pte(form, &RULES).unwrap_or_default());
    }

    /// Gives back what holds a page of a section that nobody maps.
    pub(crate) fn drop_prototype(&mut self, ram: &mut Ram, at: Va) {
        let entry = self.prototype_entry(ram, at);
        match decode_pte(entry.into(), PteHome::Prototype, &RULES) {
            NtPte::Transition { frame, .. } => {
                let record = self.frames.record(ram, frame);
                self.frames.unlink(ram, frame);
                self.release_slot(record.original, PteHome::Prototype);
                self.frames.update(ram, record.table, |table| table.shares = table.shares.saturating_sub(1));
                self.frames.push(ram, frame, FrameState::Free);
            }
            NtPte::PageFile { .. } => self.release_slot(entry, PteHome::Prototype),
            _ => {}
        }
        self.set_prototype(ram, at, 0);
    }

    /// What a dirty page of a section becomes when its frame is taken, before it is written: a page of a data file
    /// stays in the file, all others are the page file's.
    pub(crate) fn dirty_original(&self, original: u32) -> u32 {
        if let NtPte::Subsection { at, .. } = decode_pte(original.into(), PteHome::Prototype, &RULES)
            && let Some(area) = self.area_of_subsection(at).and_then(|area| self.area(area))
            && area.kind == AreaKind::Data
        {
            return original;
        }
        demand_zero(protection_in(original))
    }
}
