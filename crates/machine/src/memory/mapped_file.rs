//! Pages of data files go back to their files: the mapped-page writer, flushes, and programs that read and write the
//! same file by calls.

use crate::memory::control_area::AreaKind;
use crate::memory::frames::FrameRecord;
use crate::memory::pages::frame_of;
use crate::memory::section::FileIdentity;
use crate::memory::{ControlAreaIndex, FrameState, Memory, NtStatus, PageFileError, RULES, SpaceIndex, Vad};
use crate::ram::{FRAME_BYTES, Ram};
use std::ops::RangeInclusive;
use vatlas_rules::nt::pte::{NtPte, PteHome, decode_pte};
use vatlas_space::{Pa, PageTableEntry, Pfn, Va};

impl Memory {
    /// The control area of the data file that a frame belongs to.
    pub(crate) fn data_file_of(&self, record: &FrameRecord) -> Option<ControlAreaIndex> {
        let NtPte::Subsection { at, .. } = decode_pte(record.original.into(), PteHome::Prototype, &RULES) else {
            return None;
        };
        let index = self.area_of_subsection(at).filter(|_| record.is_prototype)?;
        self.area(index).filter(|area| area.kind == AreaKind::Data).map(|_| index)
    }

    /// Writes a frame to the data file that it is a page of. What is behind the end of the file is not written.
    pub(crate) fn write_file_page(
        &mut self,
        ram: &Ram,
        index: ControlAreaIndex,
        frame: Pfn,
    ) -> Result<(), PageFileError> {
        let mut bytes = [0; FRAME_BYTES];
        ram.read(Pa(frame.0 << 12), &mut bytes);
        let at = self.frames.record(ram, frame).entry;
        let lost = PageFileError(NtStatus::DEVICE_DATA_ERROR);
        let area = self.areas.get_mut(&index).ok_or(lost)?;
        let (offset, count) = area.file_range(area.page_of(at)).ok_or(lost)?;
        let file = area.file.get_mut().ok_or(lost)?;
        let count = count.min(usize::try_from(file.size().saturating_sub(offset)).unwrap_or(count));
        file.write(offset, &bytes[..count]).map_err(PageFileError)?;
        self.counters.file_page_outs += 1;
        Ok(())
    }

    /// Writes a page of a data file when it was changed; its frame is clean then.
    fn flush_prototype(&mut self, ram: &mut Ram, index: ControlAreaIndex, at: Va) -> Result<(), NtStatus> {
        let (frame, is_waiting) = match self.prototype_form(ram, at) {
            NtPte::Valid(entry) => (frame_of(entry), false),
            NtPte::Transition { frame, .. } => (frame, true),
            _ => return Ok(()),
        };
        if !self.frames.record(ram, frame).is_modified {
            return Ok(());
        }
        if let Err(error) = self.write_file_page(ram, index, frame) {
            self.counters.failed_writes += 1;
            return Err(error.0);
        }
        if is_waiting {
            self.frames.unlink(ram, frame);
            self.frames.push(ram, frame, FrameState::Standby);
        } else {
            self.frames.update(ram, frame, |record| record.is_modified = false);
        }
        Ok(())
    }

    /// Writes pages of a data file that were changed. All are tried.
    fn flush_pages(
        &mut self,
        ram: &mut Ram,
        index: ControlAreaIndex,
        pages: RangeInclusive<u32>,
    ) -> Result<(), NtStatus> {
        let Some(area) = self.area(index).filter(|area| area.kind == AreaKind::Data) else { return Ok(()) };
        let first = area.prototypes.0;
        let mut result = Ok(());
        for page in pages {
            result = self.flush_prototype(ram, index, Va(first + u64::from(page) * 4)).and(result);
        }
        result
    }

    /// Writes all pages of a data file that were changed and that no process maps now as changed.
    pub(crate) fn flush_area(&mut self, ram: &mut Ram, index: ControlAreaIndex) -> Result<(), NtStatus> {
        let pages = self.area(index).map_or(0, |area| area.pages);
        if pages == 0 { Ok(()) } else { self.flush_pages(ram, index, 0..=pages - 1) }
    }

    /// What a process changed through a view becomes a property of the frames: the entries are clean.
    fn collect_dirty(&mut self, ram: &mut Ram, space: SpaceIndex, pages: RangeInclusive<u32>) {
        for page in pages {
            if let NtPte::Valid(entry) = self.form(ram, space, page)
                && entry.has(PageTableEntry::DIRTY)
                && self.frames.record(ram, frame_of(entry)).is_prototype
            {
                self.frames.update(ram, frame_of(entry), |record| record.is_modified = true);
                let clean = entry.0 & !(PageTableEntry::DIRTY | PageTableEntry::WRITE);
                self.set_entry(ram, space, page, clean as u32);
            }
        }
    }

    /// `NtFlushVirtualMemory`: writes what was changed through a view of a data file; size 0 for all from the base
    /// on. The range.
    ///
    /// # Errors
    /// `STATUS_NOT_MAPPED_VIEW` where no view is, `STATUS_INVALID_PARAMETER_2` for a range past it; what writing ended
    /// in.
    pub fn flush_view(
        &mut self,
        ram: &mut Ram,
        space: SpaceIndex,
        (base, size): (Va, u32),
    ) -> Result<(Va, u32), NtStatus> {
        let first = u32::try_from(base.0 >> 12).map_err(|_| NtStatus::INVALID_PARAMETER_2)?;
        let vad = self.space(space).vads().find(first).ok_or(NtStatus::NOT_MAPPED_VIEW)?;
        let view = vad.view.filter(|view| !view.is_image).ok_or(NtStatus::NOT_MAPPED_VIEW)?;
        let last = match size {
            0 => vad.last,
            _ => ((base.0 + u64::from(size) - 1) >> 12) as u32,
        };
        if last > vad.last {
            return Err(NtStatus::INVALID_PARAMETER_2);
        }
        self.collect_dirty(ram, space, first..=last);
        let start = self.area(view.area).map_or(0, |area| area.page_of(view.prototype));
        self.flush_pages(ram, view.area, start + (first - vad.first)..=start + (last - vad.first))?;
        Ok((Va(u64::from(first) << 12), (last - first + 1) << 12))
    }

    /// Views of a control area: space and descriptor.
    fn views_of(&self, index: ControlAreaIndex) -> Vec<(SpaceIndex, Vad)> {
        let is_view = |vad: &&Vad| vad.view.is_some_and(|view| view.area == index);
        let spaces = self.spaces.iter().enumerate();
        spaces
            .flat_map(|(space, process)| process.vads.iter().filter(is_view).map(move |vad| (SpaceIndex(space), *vad)))
            .collect()
    }

    /// Before a program reads a file by a call: writes what views changed, so that it sees it.
    ///
    /// # Errors
    /// What writing ended in.
    pub fn flush_file(&mut self, ram: &mut Ram, file: FileIdentity) -> Result<(), NtStatus> {
        let Some(index) = self.area_by_file.get(&(file, false)).copied() else { return Ok(()) };
        for (space, vad) in self.views_of(index) {
            self.collect_dirty(ram, space, vad.pages());
        }
        self.flush_area(ram, index)
    }

    /// After a program wrote a file by a call: pages of the file that are in memory get the bytes too.
    pub fn file_written(&mut self, ram: &mut Ram, file: FileIdentity, offset: u64, bytes: &[u8]) {
        let Some(area) = self.area_by_file.get(&(file, false)).and_then(|index| self.area(*index)) else { return };
        let (first, size) = (area.prototypes.0, u64::from(area.pages) << 12);
        let mut done = 0;
        while done < bytes.len() && offset.saturating_add(done as u64) < size {
            let at = offset + done as u64;
            let end = bytes.len().min(done + FRAME_BYTES - (at as usize & (FRAME_BYTES - 1)));
            let frame = match self.prototype_form(ram, Va(first + (at >> 12) * 4)) {
                NtPte::Valid(entry) => Some(frame_of(entry)),
                NtPte::Transition { frame, .. } => Some(frame),
                _ => None,
            };
            if let Some(frame) = frame {
                ram.write(Pa(frame.0 << 12 | at & 0xfff), &bytes[done..end]);
            }
            done = end;
        }
    }

    /// Control areas that nobody uses and that could not be written are tried again.
    pub(crate) fn retire_unused_areas(&mut self, ram: &mut Ram) {
        let unused = self.areas.iter().filter(|(_, area)| area.references + area.views == 0);
        for index in unused.map(|(index, _)| *index).collect::<Vec<_>>() {
            self.retire_area(ram, index);
        }
    }
}
