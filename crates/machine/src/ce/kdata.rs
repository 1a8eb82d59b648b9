//! KData: what the kernel shows of itself in the page that every process sees at 5000 (the data at 5800).

use super::layout::{info, kdata};
use super::object::ThreadIndex;
use super::processor::{FS_DESCRIPTOR, PRESENT, THREAD_BLOCK_BYTES, USER, thread_descriptor};
use super::space::slot_of;
use crate::ce::Device;

impl Device {
    /// Writes a word of system information.
    pub(crate) fn set_info(&mut self, index: u32, value: u32) {
        self.set_word(self.state.kdata + kdata::INFO + 4 * index, value);
    }

    /// Shows KData in a slot.
    pub(crate) fn map_kdata(&mut self, base: u32) -> Result<(), super::CeError> {
        let page = base + kdata::PAGE;
        self.make_tables(page, page + 1)?;
        let frame = self.state.kdata & 0x1fff_f000;
        self.set_entry(page, frame | PRESENT | USER);
        Ok(())
    }

    /// Shows which thread and process run.
    pub(crate) fn show_current(&mut self, index: ThreadIndex) {
        let thread = self.thread(index);
        let (at, handle, tls, current) = (thread.at, thread.handle, thread.tls, thread.current);
        let (process, process_handle) = self.process(current).map_or((0, 0), |process| (process.at, process.handle));
        let base = self.state.kdata;
        self.set_word(base + kdata::TLS, tls);
        self.set_word(base + kdata::THREAD, handle);
        self.set_word(base + kdata::PROCESS, process_handle);
        self.set_word(base + kdata::CURRENT_PROCESS, process);
        self.set_word(base + kdata::CURRENT_THREAD, at);
        let section = self.section(slot_of(self.process_base(current))).unwrap_or(self.state.empty_section);
        self.set_word(base + kdata::SECTIONS, section);
        let descriptor = thread_descriptor(tls.wrapping_sub(THREAD_BLOCK_BYTES));
        self.put(self.state.gdt + FS_DESCRIPTOR, &descriptor);
    }

    /// Shows how much memory there is.
    pub(crate) fn show_memory(&mut self) {
        let (free, fewest) = (self.state.frames.free(), self.state.frames.fewest);
        let system = self.state.heap.pages + self.state.table_pages;
        let low = self.state.dll_low;
        for (index, value) in
            [(info::FREE_PAGES, free), (info::FEWEST_FREE, fewest), (info::SYSTEM_PAGES, system), (info::DLL_LOW, low)]
        {
            self.set_info(index, value);
        }
    }
}
