//! Page faults: slots that come in, pages that are filled on first touch, stacks that grow, and what is left for
//! programs.

use super::error::CeError;
use super::memory::PAGE;
use super::object::{ExceptionRecord, ImageIndex, ThreadIndex};
use super::processor::{GUARD, HIDDEN, ON_DEMAND, OWNED, PRESENT, USER, WRITABLE};
use super::region::RegionKind;
use super::space::{SLOT, opens, slot_of};
use crate::ce::Device;
use crate::cpu::Exception;
use vatlas_rules::ce::api_call::BASE_CE5;
use vatlas_rules::ce::api_sets::API_RETURN;
use vatlas_space::Pa;

/// `STATUS_ACCESS_VIOLATION`.
pub(crate) const ACCESS_VIOLATION: u32 = 0xc000_0005;
const GUARD_PAGE_VIOLATION: u32 = 0x8000_0001;
const STACK_OVERFLOW: u32 = 0xc000_00fd;
/// Pages at the low end of a stack that stay free: those that CE keeps for overflow handling.
const OVERFLOW_PAGES: u32 = 1;

impl Device {
    /// A page fault of the thread that runs.
    pub(crate) fn page_fault(&mut self, thread: ThreadIndex, exception: &Exception) {
        let address = exception.address.map_or(0, |va| va.0 as u32);
        let error = exception.error.unwrap_or(0);
        let pc = self.computer.processors[0].user_state().1;
        if address == pc && (API_RETURN.0 as u32..=BASE_CE5.0 as u32).contains(&address) {
            return self.api_call(thread, address);
        }
        self.state.counters.page_faults += 1;
        let it = self.thread(thread);
        let (key, current) = (it.key, it.current);
        let slot = slot_of(address);
        if error & Exception::PRESENT == 0 && self.enter_slot(slot, key) {
            return;
        }
        let mapped = self.mapped_for(current, address);
        let is_own = slot_of(mapped) == slot_of(self.process_base(current));
        let is_open = is_own || opens(key, slot_of(mapped));
        let is_write = error & Exception::WRITE != 0;
        let record = |code| ExceptionRecord {
            code,
            address: pc,
            count: 2,
            parameters: {
                let mut parameters = [0; 15];
                (parameters[0], parameters[1]) = (u32::from(is_write), self.reported(current, address));
                parameters
            },
            ..ExceptionRecord::default()
        };
        let mut failed = record(ACCESS_VIOLATION);
        if error & Exception::PRESENT == 0 && is_open {
            let (guard, overflow) = (record(GUARD_PAGE_VIOLATION), record(STACK_OVERFLOW));
            match self.fill_page(mapped, is_write) {
                Ok(()) => return,
                Err(CeError::TOO_MANY_POSTS) => failed = guard,
                Err(CeError::OUT_OF_MEMORY) => failed = overflow,
                Err(_) => {}
            }
        }
        self.raise(thread, failed);
    }

    /// A fault's address as devices report it: in slot form (`wince.md` 2.6).
    fn reported(&self, process: u8, address: u32) -> u32 {
        if address < SLOT { address | self.process_base(process) } else { address }
    }

    fn enter_slot(&mut self, slot: u32, key: u32) -> bool {
        self.state.space.enter(&mut self.computer.board.ram, slot, key)
    }

    /// Makes a page present that is to be filled on first touch. `TOO_MANY_POSTS` stands for a guard page that was
    /// touched, `OUT_OF_MEMORY` for the end of a stack.
    pub(crate) fn fill_page(&mut self, mapped: u32, is_write: bool) -> Result<(), CeError> {
        let page = mapped & !(PAGE - 1);
        let entry = self.entry(page);
        if entry & PRESENT != 0 {
            return Err(CeError::INVALID_ADDRESS);
        }
        if entry & GUARD != 0 {
            self.set_entry(page, entry & !(GUARD | HIDDEN) | PRESENT);
            return Err(CeError::TOO_MANY_POSTS);
        }
        if entry & ON_DEMAND != 0 {
            if is_write && entry & WRITABLE == 0 {
                return Err(CeError::INVALID_ADDRESS);
            }
            return self.fill_from_image(page, entry);
        }
        match self.region(page) {
            Some(region) if entry == 0 && region.kind == RegionKind::Stack => self.grow_stack(page, region.base),
            _ => Err(CeError::INVALID_ADDRESS),
        }
    }

    fn grow_stack(&mut self, page: u32, base: u32) -> Result<(), CeError> {
        if page < base + OVERFLOW_PAGES * PAGE {
            return Err(CeError::OUT_OF_MEMORY);
        }
        self.commit(page, PAGE, super::virtual_memory::READ_WRITE)?;
        let owner = self.state.threads.iter().position(|thread| thread.stack_base == base && thread.stack_size > 0);
        if let Some(owner) = owner {
            self.show_stack(owner as ThreadIndex, page);
        }
        Ok(())
    }

    /// Fills a page of an image: from ROM in place, from a page that others have, or with a copy of its own.
    fn fill_from_image(&mut self, page: u32, entry: u32) -> Result<(), CeError> {
        let rights = entry & (USER | WRITABLE);
        let (index, rva) = self.image_page(page, entry).ok_or(CeError::INVALID_ADDRESS)?;
        let is_private =
            self.state.images[index as usize].section(rva).is_some_and(super::image::ImageSection::is_private);
        if is_private {
            let frame = self.copy_of_page(index, rva)?;
            self.state.committed += 1;
            self.set_entry(page, frame | rights | PRESENT | OWNED);
            return Ok(());
        }
        let frame = match self.rom_frame(index, rva) {
            Some(frame) => frame,
            None => self.shared_page(index, rva)?,
        };
        self.set_entry(page, frame | rights | PRESENT);
        Ok(())
    }

    /// The image of an entry that is filled on first touch, and the place of the page in it.
    pub(crate) fn image_page(&self, page: u32, entry: u32) -> Option<(ImageIndex, u32)> {
        let index = entry >> 12;
        let image = self.state.images.get(index as usize)?;
        Some((index, image.rva_of(self.said_in_image(page, image.base))?))
    }

    /// An address of a page in the form in which images know their places.
    fn said_in_image(&self, page: u32, base: u32) -> u32 {
        let is_slot_form =
            super::space::is_process_slot(slot_of(page)) || page.wrapping_sub(self.state.kernel_base) < SLOT;
        if is_slot_form && base < super::memory::CACHED { page & (SLOT - 1) } else { page }
    }

    /// The frame of ROM that has a page as it is, so that it can run in place.
    pub(crate) fn rom_frame(&self, index: ImageIndex, rva: u32) -> Option<u32> {
        let image = self.state.images.get(index as usize)?;
        let section = image.section(rva)?;
        let offset = rva - section.rva;
        let at = section.data.checked_add(offset)?;
        let is_plain = section.data >= super::memory::CACHED
            && section.flags & vatlas_images::rom::COMPRESSED == 0
            && at.is_multiple_of(PAGE)
            && offset < section.packed_size
            && !image.changed.contains(&rva);
        is_plain.then_some(at & 0x1fff_ffff)
    }

    fn shared_page(&mut self, index: ImageIndex, rva: u32) -> Result<u32, CeError> {
        if let Some(frame) = self.state.images.get(index as usize).and_then(|image| image.shared.get(&rva)) {
            return Ok(*frame);
        }
        let frame = self.copy_of_page(index, rva)?;
        self.state.committed += 1;
        self.state.images[index as usize].shared.insert(rva, frame);
        Ok(frame)
    }

    fn copy_of_page(&mut self, index: ImageIndex, rva: u32) -> Result<u32, CeError> {
        let frame = self.state.frames.take(&mut self.computer.board.ram)?;
        let bytes = &self.state.images[index as usize].bytes;
        let start = (rva as usize).min(bytes.len());
        let end = (start + PAGE as usize).min(bytes.len());
        self.computer.board.ram.write(Pa(frame.into()), &bytes[start..end]);
        self.state.counters.filled_pages += 1;
        Ok(frame)
    }

    /// Whether a mapped address is in code of an image.
    pub(crate) fn is_code(&self, mapped: u32) -> bool {
        let Some((index, rva)) = self.image_at(mapped) else { return false };
        self.state.images[index as usize].section(rva).is_some_and(super::image::ImageSection::is_code)
    }
}
