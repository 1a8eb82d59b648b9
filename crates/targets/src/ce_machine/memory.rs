//! Memory of a device: physical bytes, and the way from an address to them through the system's own structures.

use vatlas_rules::ce::slot::{SLOT_SIZE, Slot};
use vatlas_rules::ce::structures::{block, entry, info, kdata};
use vatlas_rules::walk::{X86, walk};
use vatlas_space::{LayoutName, Pa, PageTableEntry, Rva, Va};

/// Bytes of a page.
pub(super) const PAGE: u64 = 0x1000;
/// Bytes of a block.
pub(super) const BLOCK: u64 = 0x1_0000;
/// The statically mapped windows: cached and uncached.
pub(super) const WINDOWS: std::ops::Range<u64> = 0x8000_0000..0xc000_0000;
const WINDOW: u64 = 0x2000_0000;
/// Where KData is in its page.
const KDATA_IN_PAGE: u64 = 0x800;

/// What a device gives.
pub trait CeMemory {
    /// Reads physical memory; `false`, and nothing read, past its end.
    fn read_physical(&self, at: Pa, buffer: &mut [u8]) -> bool;
    /// The bytes of a page that the first touch will fill, where that is known.
    fn page_on_demand(&self, _mapped: Va) -> Option<Vec<u8>> {
        None
    }
    /// The image that such a page comes from, and where the page is in it.
    fn home_on_demand(&self, _mapped: Va) -> Option<(String, Rva)> {
        None
    }
    /// The file of a module that memory does not show whole, by name.
    fn image_file(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }
}

/// Where the reader begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CeRoots {
    /// KData in the cached window.
    pub kdata: Va,
    /// The page directory.
    pub directory: Pa,
    /// The rules of its version.
    pub layout: LayoutName,
}

impl CeRoots {
    /// The slot of NK.EXE: slot 1 up to CE 3, then one of the kernel's half.
    pub(super) fn kernel_slot(&self) -> u8 {
        if self.layout == LayoutName::Ce3 { Slot::ONE.number() } else { Slot::NK.number() }
    }
}

/// The address of a field.
pub(super) fn field(at: Va, offset: u32) -> Option<Va> {
    at.checked_add(offset.into())
}

/// What is behind a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Behind {
    /// Nobody asked for it.
    Free,
    /// Asked for, nothing behind it.
    Reserved,
    /// In a frame.
    Frame(Pa),
    /// Filled on first touch.
    OnDemand,
    /// Committed, not to be touched now: its frame.
    Hidden(Pa),
}

/// A page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Page {
    pub behind: Behind,
    pub is_writable: bool,
    pub is_guard: bool,
    /// First address of the region, and what it is for.
    pub region: Option<(Va, u8)>,
}

impl Page {
    const FREE: Self = Self { behind: Behind::Free, is_writable: false, is_guard: false, region: None };
}

/// Memory with the roots: everything that reading structures needs.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a, M: ?Sized> {
    pub memory: &'a M,
    pub roots: CeRoots,
}

impl<M: CeMemory + ?Sized> Reader<'_, M> {
    /// Physical address of a kernel address.
    pub fn physical(&self, va: Va) -> Option<Pa> {
        match va.0 {
            at if WINDOWS.contains(&at) => Some(Pa(at % WINDOW)),
            _ => {
                let read = |at: Pa| self.physical_word(at).map(u64::from);
                walk::<X86>(self.roots.directory.0, va, read).mapping().map(|mapping| mapping.pa)
            }
        }
    }

    fn physical_word(&self, at: Pa) -> Option<u32> {
        let mut bytes = [0; 4];
        self.memory.read_physical(at, &mut bytes).then(|| u32::from_le_bytes(bytes))
    }

    /// A word at a kernel address.
    pub fn word(&self, va: Va) -> Option<u32> {
        self.physical_word(self.physical(va)?)
    }

    /// 16 bits at a kernel address.
    pub fn half(&self, va: Va) -> Option<u16> {
        let mut bytes = [0; 2];
        self.memory.read_physical(self.physical(va)?, &mut bytes).then(|| u16::from_le_bytes(bytes))
    }

    /// A word of a structure.
    pub fn field(&self, at: Va, offset: u32) -> Option<u32> {
        self.word(field(at, offset)?)
    }

    /// A word of system information.
    pub fn info(&self, index: u32) -> Option<u32> {
        self.field(self.roots.kdata, kdata::INFO + 4 * index)
    }

    /// A UTF-16 text at a kernel address.
    pub fn text(&self, at: Va) -> String {
        const LONGEST: u64 = 260;
        let units = (0..LONGEST).map_while(|unit| self.half(at.checked_add(2 * unit)?).filter(|unit| *unit != 0));
        char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    /// The SECTION of a slot.
    fn section(&self, slot: u8) -> Option<Va> {
        let at = match slot {
            0..64 => self.field(self.roots.kdata, kdata::SECTIONS + 4 * u32::from(slot))?,
            _ if slot == self.roots.kernel_slot() => self.info(info::NK_SECTION)?,
            _ => return None,
        };
        (at != 0).then_some(Va(at.into()))
    }

    /// The MEMBLOCK of a mapped address.
    fn block(&self, mapped: Va) -> Option<Va> {
        let slot = u8::try_from(mapped.0 / SLOT_SIZE).ok()?;
        let index = (mapped.0 % SLOT_SIZE / BLOCK) as u32;
        let at = self.field(self.section(slot)?, 4 * index)?;
        (at > 1).then_some(Va(at.into()))
    }

    /// Whether a block is free as a whole.
    pub fn is_free_block(&self, mapped: Va) -> bool {
        let is_kdata_block = mapped.0 % SLOT_SIZE / BLOCK == 0;
        !is_kdata_block && self.block(mapped).is_none()
    }

    /// The page of a mapped address below the kernel's half, or in the slot of NK.EXE.
    pub fn page(&self, mapped: Va) -> Page {
        if mapped.0 % SLOT_SIZE / PAGE == u64::from(kdata::PAGE) / PAGE && self.has_kdata(mapped) {
            let frame = Pa((self.roots.kdata.0 - KDATA_IN_PAGE) % WINDOW);
            return Page { behind: Behind::Frame(frame), region: None, ..Page::FREE };
        }
        self.block(mapped).and_then(|block| self.page_of(mapped, block)).unwrap_or(Page::FREE)
    }

    /// Whether somebody lives in the slot of an address, and sees KData there.
    fn has_kdata(&self, mapped: Va) -> bool {
        let slot = mapped.0 / SLOT_SIZE;
        let is_home = (2..33).contains(&slot) || slot == u64::from(self.roots.kernel_slot());
        let own = u8::try_from(slot).ok().and_then(|slot| self.section(slot));
        // Slots that nobody has share one empty SECTION with the last slot but those of the kernel's half.
        is_home && own.is_some() && (slot >= 64 || own != self.empty_section())
    }

    /// The SECTION that slots share which nobody uses: that of slot 1 to 63 which most have.
    fn empty_section(&self) -> Option<Va> {
        let mut all: Vec<Va> = (1..64).filter_map(|slot| self.section(slot)).collect();
        all.sort_unstable();
        let runs = all.chunk_by(|one, other| one == other);
        runs.filter(|run| run.len() > 1).max_by_key(|run| run.len()).and_then(|run| run.first().copied())
    }

    fn page_of(&self, mapped: Va, block: Va) -> Option<Page> {
        let (key, pages) = (self.field(block, block::FLAGS & !3)?, self.field(block, block::PAGES)?);
        let (kind, first) = ((key >> 8) as u8, (key >> 16) as u16);
        let number = mapped.0 % BLOCK / PAGE;
        let found = PageTableEntry(self.word(Va(u64::from(pages) + 4 * number))?.into());
        let bits = found.0 as u32;
        let frame = Pa(u64::from(bits & !0xfff));
        let behind = match bits {
            0 => Behind::Reserved,
            _ if found.has(PageTableEntry::VALID) => Behind::Frame(frame),
            _ if bits & entry::ON_DEMAND != 0 => Behind::OnDemand,
            _ => Behind::Hidden(frame),
        };
        let base = Va(mapped.0 - mapped.0 % SLOT_SIZE + u64::from(first) * BLOCK);
        let is_writable = found.has(PageTableEntry::WRITE);
        Some(Page { behind, is_writable, is_guard: bits & entry::GUARD != 0, region: Some((base, kind)) })
    }
}
