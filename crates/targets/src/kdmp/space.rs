//! The view that one process has of memory: its own slot at two places, and what all processes share.
//!
//! ```text
//! slot 0     the process's own slot once more: what is read there is read in its slot
//! slot 1     code of ROM DLLs, the same for all
//! 2 to 32    processes; those of others hold their memory too, but it is theirs
//! 42000000   shared areas and the kernel's half, the same for all
//! ```

use super::{processes::slot, regions};
use crate::{
    image_files::{FileBytes, ImageFile, ImageFiles},
    loaded_images::LoadedImages,
    section_table::section_table,
};
use std::rc::Rc;
use vatlas_images::{kdmp::CapturedMemory, pe::PeHeaders};
use vatlas_rules::ce::slot::SLOT_SIZE;
use vatlas_space::{
    AddressSpace, Alias, Backing, FileOffset, Module, PointerWidth, Process, ReadFault, Region, RegionKind,
    RegionState, Rva, Section, SectionTable, SlotHome, Source, Store, Va, VaRange, disjoint,
};

/// Bytes of a module's front that hold its headers, as far as a reader looks.
const HEADERS: usize = 0x1000;

/// The memory that the dump holds, sorted and disjoint.
pub(super) struct Captured {
    memory: Vec<CapturedMemory>,
    bytes: FileBytes,
}

impl Captured {
    /// Sorts the memory of a dump; of two ranges that overlap the first wins.
    pub fn new(memory: &[CapturedMemory], bytes: FileBytes) -> Self {
        let cut = |memory: &CapturedMemory, range: VaRange| CapturedMemory {
            range,
            offset: FileOffset(memory.offset.0.saturating_add(range.first().0 - memory.range.first().0)),
        };
        Self { memory: disjoint(memory, |memory| memory.range, cut), bytes }
    }

    /// All ranges, in order.
    pub fn ranges(&self) -> impl Iterator<Item = VaRange> {
        self.memory.iter().map(|memory| memory.range)
    }

    /// The word at an address, as it stands in the dump.
    pub fn word(&self, va: Va) -> Option<u32> {
        let mut word = [0; 4];
        (self.read(va, &mut word)? == 4).then(|| u32::from_le_bytes(word))
    }

    fn at(&self, va: Va) -> Option<&CapturedMemory> {
        let index = self.memory.partition_point(|memory| memory.range.last() < va);
        self.memory.get(index).filter(|memory| memory.range.contains(va))
    }

    /// The addresses around `va` that are not captured, within `limit`.
    fn gap(&self, va: Va, limit: VaRange) -> VaRange {
        let index = self.memory.partition_point(|memory| memory.range.last() < va);
        let below = index.checked_sub(1).and_then(|below| self.memory[below].range.next());
        let above = self.memory.get(index).and_then(|above| above.range.first().checked_sub(1));
        let first = below.map_or(limit.first(), |below| below.max(limit.first()));
        let last = above.map_or(limit.last(), |above| above.min(limit.last()));
        VaRange::new(first, last).unwrap_or(limit)
    }

    /// Copies bytes from `va` on up to the end of the captured range; `None` when it is not captured.
    fn read(&self, va: Va, buffer: &mut [u8]) -> Option<usize> {
        let memory = self.at(va)?;
        let skipped = memory.range.offset_of(va)?;
        let start = usize::try_from(memory.offset.0.checked_add(skipped)?).ok()?;
        let left = usize::try_from(memory.range.size() - skipped).unwrap_or(usize::MAX);
        let source = (*self.bytes).as_ref().get(start..)?;
        let count = buffer.len().min(left).min(source.len());
        buffer[..count].copy_from_slice(&source[..count]);
        (count > 0).then_some(count)
    }
}

/// The user's image files, for all processes.
#[derive(Clone)]
pub(super) struct SharedImages(Rc<dyn ImageFiles>);

impl SharedImages {
    pub fn new(images: Box<dyn ImageFiles>) -> Self {
        Self(images.into())
    }
}

impl ImageFiles for SharedImages {
    fn candidates(&self, module: &Module) -> Vec<ImageFile> {
        self.0.candidates(module)
    }
}

/// One process's view of memory.
pub(super) struct KdmpSpace {
    home: Option<SlotHome>,
    /// Slots of all other processes.
    others: Vec<VaRange>,
    memory: Rc<Captured>,
    regions: Vec<Region>,
    images: LoadedImages,
}

/// All addresses of a 32-bit space.
const ALL: VaRange = match VaRange::new(Va::ZERO, PointerWidth::Bits32.last()) {
    Some(all) => all,
    None => unreachable!(),
};

/// Slot 0.
const SLOT_ZERO: VaRange = match VaRange::sized(Va::ZERO, SLOT_SIZE) {
    Some(slot) => slot,
    None => unreachable!(),
};

impl KdmpSpace {
    /// The view of `process`, one of `all`.
    pub fn new(process: &Process, all: &[Process], memory: &Rc<Captured>, images: &SharedImages) -> Self {
        let own = slot(process);
        let others = all.iter().filter_map(slot).filter(|slot| process.home.is_some() && Some(*slot) != own);
        let mut others: Vec<VaRange> = others.map(|slot| slot.range()).collect();
        others.sort_by_key(|range| range.first());
        Self {
            home: process.home,
            others,
            regions: regions::regions(process, memory),
            memory: Rc::clone(memory),
            images: LoadedImages::new(Box::new(images.clone()), &process.modules),
        }
    }

    /// The sections of a module, from its header in memory or from its image file.
    pub fn sections(&self, module: &Module) -> Option<SectionTable> {
        let table = match self.captured_headers(module) {
            Some(headers) => section_table(module, &headers, Source::ImageHeader { module: module.name().to_owned() }),
            None => {
                let image = self.images.at_base(module.range.first())?;
                section_table(module, &image.image.headers, Source::ImageFile { name: image.name.clone() })
            }
        };
        Some(with_data_apart(table, module))
    }

    /// The place in a module's image of its only writable section.
    pub fn data_section(&self, module: &Module) -> Option<Rva> {
        let captured = self.captured_headers(module);
        let headers = captured.as_ref().or_else(|| Some(&self.images.at_base(module.range.first())?.image.headers))?;
        let mut writable = headers.sections.iter().filter(|section| section.writable);
        let only = writable.next()?;
        writable.next().is_none().then_some(only.rva)
    }

    /// The headers of a module, where the dump itself holds them.
    fn captured_headers(&self, module: &Module) -> Option<PeHeaders> {
        let mut front = [0; HEADERS];
        let base = module.range.first();
        let is_captured = matches!(self.backing(base).store, Store::Captured(_));
        let read = (self as &dyn AddressSpace).read_available(base, &mut front);
        PeHeaders::read(&front[..read]).ok().filter(|_| is_captured)
    }

    /// The part of the space that is asked as one: slot 0, the slot of another process, or everything else.
    fn limit(&self, va: Va) -> VaRange {
        if self.home.is_some() && SLOT_ZERO.contains(va) {
            return SLOT_ZERO;
        }
        let index = self.others.partition_point(|slot| slot.last() < va);
        if let Some(slot) = self.others.get(index).filter(|slot| slot.contains(va)) {
            return *slot;
        }
        // Beside the slots of others, and never into slot 0.
        let below = index.checked_sub(1).and_then(|below| self.others[below].next());
        let first = below.or(self.home.and(SLOT_ZERO.next())).unwrap_or(Va::ZERO);
        let last = self.others.get(index).and_then(|above| above.first().checked_sub(1)).unwrap_or(ALL.last());
        VaRange::new(first, last).unwrap_or(ALL)
    }

    /// The slot form of an address of slot 0, unless the dump itself holds it in slot-0 form (KData on other processors
    /// than ARM).
    fn real(&self, va: Va) -> Va {
        match self.home {
            Some(home) if SLOT_ZERO.contains(va) && self.memory.at(va).is_none() => home.slot_form(va),
            _ => va,
        }
    }

    fn region_at(&self, va: Va) -> Region {
        let limit = self.limit(va);
        if self.others.contains(&limit) {
            return Region::unknown(limit, Source::Nothing);
        }
        let index = self.regions.partition_point(|region| region.range.last() < va);
        match self.regions.get(index) {
            Some(region) if region.range.contains(va) => region.clone(),
            above => {
                let below = index.checked_sub(1).and_then(|below| self.regions[below].range.next());
                let above = above.and_then(|above| above.range.first().checked_sub(1));
                let first = below.map_or(limit.first(), |below| below.max(limit.first()));
                let last = above.map_or(limit.last(), |above| above.min(limit.last()));
                Region::unknown(VaRange::new(first, last).unwrap_or(limit), Source::Nothing)
            }
        }
    }

    fn backing_at(&self, va: Va) -> Backing {
        if let Some(memory) = self.memory.at(va) {
            return Backing { range: memory.range, store: Store::Captured(memory.offset) };
        }
        let region = self.region_at(va);
        let range = self.memory.gap(va, region.range);
        let image = self.home.map_or(va, |home| home.slot_zero_form(va));
        match self.images.extent(image) {
            Some(extent) if region.kind == Some(RegionKind::Image) => {
                // The image file knows its addresses in slot-0 form.
                let moved = va.0 - image.0;
                let at = |edge: Va| Va(edge.0.saturating_add(moved));
                let own = VaRange::new(at(extent.range.first()), at(extent.range.last())).unwrap_or(range);
                let range = range.intersection(own).unwrap_or(range);
                let offset = FileOffset(extent.offset.0.saturating_add(range.first().0.saturating_sub(own.first().0)));
                Backing { range, store: Store::ImageFile { name: extent.image.name.clone(), offset } }
            }
            _ => Backing { range, store: store(region.state) },
        }
    }
}

fn store(state: RegionState) -> Store {
    match state {
        RegionState::Free => Store::Free,
        RegionState::Reserved => Store::Reserved,
        RegionState::Unknown => Store::Unknown,
        RegionState::Committed => Store::NotCaptured,
    }
}

/// The only writable section of a ROM DLL lies apart from the image; of several nobody knows which is where.
fn with_data_apart(mut table: SectionTable, module: &Module) -> SectionTable {
    let Some(data) = module.data else { return table };
    let mut writable: Vec<&mut Section> = table.sections.iter_mut().filter(|section| section.writable).collect();
    match writable.as_mut_slice() {
        [section] => section.range = data,
        _ => table.sections.retain(|section| !section.writable),
    }
    table
}

/// A range of the process's slot as slot 0 has it.
fn shifted(range: VaRange, home: SlotHome) -> Option<VaRange> {
    let range = range.intersection(home.range())?;
    VaRange::new(home.slot_zero_form(range.first()), home.slot_zero_form(range.last()))
}

impl AddressSpace for KdmpSpace {
    fn range(&self) -> VaRange {
        ALL
    }

    fn region(&self, va: Va) -> Region {
        if !ALL.contains(va) {
            let above = VaRange::new(Va(ALL.last().0 + 1), Va(u64::MAX)).unwrap_or(ALL);
            return Region::unknown(above, Source::Nothing);
        }
        let real = self.real(va);
        let region = self.region_at(real);
        match self.home.filter(|_| real != va).and_then(|home| shifted(region.range, home)) {
            Some(range) => Region { range, allocation_base: None, ..region },
            None => region,
        }
    }

    fn backing(&self, va: Va) -> Backing {
        if !ALL.contains(va) {
            return Backing { range: self.region(va).range, store: Store::Unknown };
        }
        let real = self.real(va);
        let backing = self.backing_at(real);
        let Some(range) = self.home.filter(|_| real != va).and_then(|home| shifted(backing.range, home)) else {
            return backing;
        };
        // A range that begins below the slot begins in it here.
        let skipped =
            self.home.map_or(0, |home| home.slot_form(range.first()).0.saturating_sub(backing.range.first().0));
        let store = match backing.store {
            Store::Captured(offset) => Store::Captured(FileOffset(offset.0.saturating_add(skipped))),
            Store::ImageFile { name, offset } => {
                Store::ImageFile { name, offset: FileOffset(offset.0.saturating_add(skipped)) }
            }
            other => other,
        };
        Backing { range, store }
    }

    fn alias_at(&self, va: Va) -> Option<Alias> {
        let home = self.home.filter(|_| SLOT_ZERO.contains(va) && self.memory.at(va).is_none())?;
        Some(Alias { range: self.memory.gap(va, SLOT_ZERO), of: home.range().first() })
    }

    fn read_within(&self, va: Va, buffer: &mut [u8]) -> Result<usize, ReadFault> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let real = self.real(va);
        if let Some(count) = self.memory.read(real, buffer) {
            return Ok(count);
        }
        let backing = self.backing_at(real);
        let left = usize::try_from(backing.range.last().0.saturating_sub(real.0)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left.saturating_add(1));
        let own = self.home.map_or(real, |home| home.slot_zero_form(real));
        let image = matches!(backing.store, Store::ImageFile { .. }).then(|| self.images.extent(own)).flatten();
        let read = image.and_then(|extent| extent.read(own, &mut buffer[..wanted]));
        read.ok_or(ReadFault { va, store: backing.store })
    }
}
