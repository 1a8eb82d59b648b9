//! The kernel half of all address spaces: its page tables, which every directory names, and access to what they map.
//!
//! ```text
//! 80C00000  frame database            E1000000  paged pool           C0000000  page tables of the space (self-map)
//! 83000000  nonpaged pool             EB000000  kernel stacks        FFDF0000  shared user page, writable
//! ```
//!
//! On a system that leaves 3 GB to programs the frame database is at C0C00000 and nonpaged pool at F8000000.
//!
//! What drivers have of paged pool, and their pageable sections, are in [`super::system_pages`]; all else stays in
//! memory. Tables of the kernel half are never given back.

use crate::memory::frames::FrameRecord;
use crate::memory::pool::Pool;
use crate::memory::{FrameState, Memory, NtStatus, RECORD_BYTES};
use crate::ram::{FRAME_BYTES, Ram};
use vatlas_space::{Pa, PageTableEntry, Pfn, Va};

/// `MmPfnDatabase`, from the start of the kernel half.
const FRAME_DATABASE: u64 = 0xc0_0000;
/// Frames that are left for pages which can be taken away, whatever the kernel wants.
const PAGEABLE: u32 = 32;
/// The first directory entry of the kernel half.
const FIRST_TABLE: u64 = 512;
/// The directory entry of the self-map, which is each space's own.
const SELF_MAP: u64 = 0x300;
/// A directory entry that is valid, writable, accessed and dirty; the kernel's.
const KERNEL_TABLE: u32 = 0x63;
/// The same for a page, and global.
const KERNEL_PAGE: u32 = 0x163;

/// What the kernel half has.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct KernelHalf {
    /// Directory entries 512 to 1023.
    pub directory: Vec<u32>,
    /// Page tables and pages in the commit charge.
    pub charged: u32,
    /// `MmSystemRangeStart`.
    pub start: Va,
    /// Only the first address space has the kernel half.
    pub is_separate: bool,
}

impl KernelHalf {
    pub(crate) fn new() -> Self {
        Self { directory: vec![0; 512], charged: 0, start: Va(0x8000_0000), is_separate: false }
    }

    /// The place among the kernel's directory entries; none for user addresses and the self-map.
    fn index(&self, va: Va) -> Option<usize> {
        let is_kernel = va >= self.start && va.0 <= u64::from(u32::MAX) && va.0 >> 22 != SELF_MAP;
        usize::try_from((va.0 >> 22).checked_sub(FIRST_TABLE).filter(|_| is_kernel)?).ok()
    }
}

impl Memory {
    /// Pages and page tables of the kernel half that are in the commit charge.
    pub const fn kernel_pages(&self) -> u32 {
        self.kernel.charged
    }

    /// `MmSystemRangeStart`: 80000000, or C0000000 where programs may have 3 GB.
    pub const fn system_range_start(&self) -> Va {
        self.kernel.start
    }

    /// Leaves 3 GB to programs, as `/3GB` does. Before anything else is asked of the kernel half.
    pub fn start_with_three_gigabytes(&mut self) {
        if self.kernel.charged == 0 && self.spaces.is_empty() {
            self.kernel.start = Va(0xc000_0000);
            self.pools = Pool::all(true);
        }
    }

    /// Whether only the first address space has the kernel half; before any is made. Our arrangement, to measure what
    /// NT's saves.
    pub fn set_separate_kernel(&mut self, is_separate: bool) {
        if self.spaces.is_empty() {
            self.kernel.is_separate = is_separate;
        }
    }

    /// Whether only the first address space has the kernel half.
    pub const fn has_separate_kernel(&self) -> bool {
        self.kernel.is_separate
    }

    /// Sets the directory entry for an address of the kernel half, in all address spaces. The self-map cannot be set.
    pub fn set_kernel_entry(&mut self, ram: &mut Ram, va: Va, entry: u32) {
        let Some(index) = self.kernel.index(va) else { return };
        self.kernel.directory[index] = entry;
        let at = (index as u64 + FIRST_TABLE) * 4;
        let having = if self.kernel.is_separate { 1 } else { self.spaces.len() };
        for space in self.spaces.iter().take(having).filter(|space| space.is_alive()) {
            ram.write_u32(Pa((space.directory.0 << 12) + at), entry);
        }
        self.need_flush();
    }

    /// The page table of an address of the kernel half.
    pub(crate) fn kernel_table(&self, va: Va) -> Option<Pfn> {
        let entry = PageTableEntry(self.kernel.directory[self.kernel.index(va)?].into());
        (entry.has(PageTableEntry::VALID) && !entry.has(PageTableEntry::LARGE)).then_some(Pfn(entry.0 >> 12))
    }

    pub(crate) fn kernel_entry_at(&self, va: Va) -> Option<Pa> {
        self.kernel_table(va).map(|table| Pa((table.0 << 12) + (va.0 >> 12 & 0x3ff) * 4))
    }

    /// Where an address of the kernel half is in physical memory. Not for the self-map, which is each space's own.
    pub fn kernel_address(&self, ram: &Ram, va: Va) -> Option<Pa> {
        let directory = PageTableEntry(self.kernel.directory[self.kernel.index(va)?].into());
        if directory.has(PageTableEntry::VALID) && directory.has(PageTableEntry::LARGE) {
            return Some(Pa((directory.0 & 0xffc0_0000) + (va.0 & 0x3f_ffff)));
        }
        let entry = ram.read_u32(self.kernel_entry_at(va)?)?;
        (entry & PageTableEntry::VALID as u32 != 0).then(|| Pa(u64::from(entry & !0xfff) + (va.0 & 0xfff)))
    }

    /// Takes charge for pages of the kernel half.
    fn charge_kernel(&mut self, pages: u32) -> Result<(), NtStatus> {
        self.charge(pages)?;
        self.kernel.charged += pages;
        Ok(())
    }

    fn release_kernel(&mut self, pages: u32) {
        self.commit.release(pages);
        self.kernel.charged -= pages;
    }

    /// A frame of zeroes for the kernel, charged. Some frames are never the kernel's.
    fn obtain_kernel_frame(&mut self, ram: &mut Ram) -> Result<Pfn, NtStatus> {
        if self.frames.usable().saturating_sub(self.kernel.charged) <= PAGEABLE {
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        }
        self.charge_kernel(1)?;
        self.obtain_frame(ram).map_err(|_| {
            self.release_kernel(1);
            NtStatus::INSUFFICIENT_RESOURCES
        })
    }

    pub(crate) fn build_kernel_table(&mut self, ram: &mut Ram, va: Va) -> Result<Pfn, NtStatus> {
        if self.kernel.index(va).is_none() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        if let Some(table) = self.kernel_table(va) {
            return Ok(table);
        }
        let frame = self.obtain_kernel_frame(ram)?;
        let entry = Va(0xc030_0000 + (va.0 >> 22) * 4);
        self.frames.set(ram, frame, &FrameRecord { entry, ..FrameRecord::system() });
        self.set_kernel_entry(ram, va, (frame.0 as u32) << 12 | KERNEL_TABLE);
        Ok(frame)
    }

    /// Maps a frame of the owner into the kernel half, for reading and writing in ring 0, in all address spaces.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for an address that is not of the kernel half, or of the self-map; what charging a
    /// page table ends in.
    pub fn map_kernel_frame(&mut self, ram: &mut Ram, va: Va, frame: Pfn) -> Result<(), NtStatus> {
        self.build_kernel_table(ram, va)?;
        if let Some(at) = self.kernel_entry_at(va) {
            ram.write_u32(at, (frame.0 as u32) << 12 | KERNEL_PAGE);
            self.need_flush();
        }
        Ok(())
    }

    /// `MmPfnDatabase`: where the frame database is, once it is mapped.
    pub const fn frame_database_address(&self) -> Va {
        Va(self.kernel.start.0 + FRAME_DATABASE)
    }

    /// Maps the frame database, at 80C00000 or C0C00000; where.
    ///
    /// # Errors
    /// As [`Self::map_kernel_frame`].
    pub fn map_frame_database(&mut self, ram: &mut Ram) -> Result<Va, NtStatus> {
        let base = self.frame_database_address();
        let bytes = u64::from(ram.frames()) * u64::from(RECORD_BYTES);
        for offset in (0..bytes).step_by(FRAME_BYTES) {
            let frame = Pfn((self.frames.base().0 + offset) >> 12);
            self.map_kernel_frame(ram, Va(base.0 + offset), frame)?;
        }
        Ok(base)
    }

    /// Maps a fresh page of zeroes into the kernel half: never paged, charged.
    ///
    /// # Errors
    /// `STATUS_COMMITMENT_LIMIT`; `STATUS_INSUFFICIENT_RESOURCES` when there is no frame; as
    /// [`Self::map_kernel_frame`]. Nothing but a page table may be left.
    pub fn allocate_kernel_page(&mut self, ram: &mut Ram, va: Va) -> Result<Pfn, NtStatus> {
        let table = self.build_kernel_table(ram, va)?;
        let frame = self.obtain_kernel_frame(ram)?;
        let entry = Va(0xc000_0000 + (va.0 >> 12) * 4);
        self.frames.set(ram, frame, &FrameRecord { entry, table, ..FrameRecord::system() });
        self.frames.update(ram, table, |record| record.shares += 1);
        self.map_kernel_frame(ram, va, frame)?;
        Ok(frame)
    }

    /// Gives a page back that [`Self::allocate_kernel_page`] gave.
    pub fn free_kernel_page(&mut self, ram: &mut Ram, va: Va) {
        let Some(at) = self.kernel_entry_at(va) else { return };
        let entry = ram.read_u32(at).unwrap_or_default();
        if entry & PageTableEntry::VALID as u32 == 0 {
            return;
        }
        let frame = Pfn(u64::from(entry >> 12));
        let table = self.frames.record(ram, frame).table;
        ram.write_u32(at, 0);
        self.frames.update(ram, table, |record| record.shares = record.shares.saturating_sub(1));
        self.frames.push(ram, frame, FrameState::Free);
        self.release_kernel(1);
        self.need_flush();
    }

    /// Fresh pages from an address on; all or none.
    pub(crate) fn allocate_kernel_pages(&mut self, ram: &mut Ram, va: Va, count: u32) -> Result<(), NtStatus> {
        for page in 0..count {
            if let Err(status) = self.allocate_kernel_page(ram, Va(va.0 + u64::from(page) * 0x1000)) {
                self.free_kernel_pages(ram, va, page);
                return Err(status);
            }
        }
        Ok(())
    }

    /// Gives pages from an address on back.
    pub(crate) fn free_kernel_pages(&mut self, ram: &mut Ram, va: Va, count: u32) {
        (0..count).for_each(|page| self.free_kernel_page(ram, Va(va.0 + u64::from(page) * 0x1000)));
    }

    /// Reads memory of the kernel half; `false` when a page is not mapped, the pages before it are read then.
    pub fn read_kernel(&self, ram: &Ram, va: Va, buffer: &mut [u8]) -> bool {
        let mut done = 0;
        while done < buffer.len() {
            let at = Va(va.0.saturating_add(done as u64));
            let end = buffer.len().min(done + FRAME_BYTES - (at.0 as usize & (FRAME_BYTES - 1)));
            let Some(pa) = self.kernel_address(ram, at) else { return false };
            if !ram.read(pa, &mut buffer[done..end]) {
                return false;
            }
            done = end;
        }
        true
    }

    /// Writes memory of the kernel half; `false` when a page is not mapped, the pages before it are written then.
    pub fn write_kernel(&self, ram: &mut Ram, va: Va, bytes: &[u8]) -> bool {
        let mut done = 0;
        while done < bytes.len() {
            let at = Va(va.0.saturating_add(done as u64));
            let end = bytes.len().min(done + FRAME_BYTES - (at.0 as usize & (FRAME_BYTES - 1)));
            let Some(pa) = self.kernel_address(ram, at) else { return false };
            if !ram.write(pa, &bytes[done..end]) {
                return false;
            }
            done = end;
        }
        true
    }

    /// Reads a double word of the kernel half.
    pub fn read_kernel_u32(&self, ram: &Ram, va: Va) -> Option<u32> {
        let mut bytes = [0; 4];
        self.read_kernel(ram, va, &mut bytes).then(|| u32::from_le_bytes(bytes))
    }

    /// Writes a double word of the kernel half; whether it is mapped.
    pub fn write_kernel_u32(&self, ram: &mut Ram, va: Va, value: u32) -> bool {
        self.write_kernel(ram, va, &value.to_le_bytes())
    }
}
