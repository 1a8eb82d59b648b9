//! What a process of a ROM image sees: sections at their run-time addresses, RAM as the kernel fills it, the ROM.

use super::{
    Rom,
    contents::{Extent, Part, What, extents},
    module::ModulePlace,
};
use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    rc::Rc,
};
use vatlas_images::rom::{Packed, packed::PAGE};
use vatlas_space::{
    AddressSpace, Backing, FileOffset, Protection, ReadFault, Region, RegionKind, RegionState, Source, Store, Va,
    VaRange,
};

/// Unpacked pages that are kept.
const MOST_PAGES: usize = 4096;

/// A page of a packed section; `None` where it is damaged.
type Page = Option<Rc<[u8]>>;

/// A section by its module's region, its module, and its number.
type SectionKey = (usize, usize, usize);

/// The bytes of a packed section, and their table.
type PackedSection = Rc<(Vec<u8>, Packed)>;

pub(super) struct RomSpace {
    rom: Rc<Rom>,
    system: Rc<[ModulePlace]>,
    own: Option<ModulePlace>,
    extents: OnceCell<Vec<Extent>>,
    pages: RefCell<HashMap<(SectionKey, usize), Page>>,
    /// The section that was read last.
    last: RefCell<Option<(SectionKey, PackedSection)>>,
}

impl RomSpace {
    pub fn new(rom: Rc<Rom>, system: Rc<[ModulePlace]>, own: Option<ModulePlace>) -> Self {
        Self { rom, system, own, extents: OnceCell::new(), pages: RefCell::default(), last: RefCell::default() }
    }

    fn extents(&self) -> &[Extent] {
        self.extents.get_or_init(|| extents(&self.rom, self.own.into_iter().chain(self.system.iter().copied())))
    }

    /// The extent that holds `va`, or the gap around it.
    fn around(&self, va: Va) -> Result<&Extent, VaRange> {
        let extents = self.extents();
        let next = extents.partition_point(|extent| extent.range.last() < va);
        match extents.get(next) {
            Some(extent) if extent.range.contains(va) => Ok(extent),
            above => {
                let below = next.checked_sub(1).and_then(|below| extents.get(below));
                let first = below.and_then(|extent| extent.range.next()).unwrap_or(Va::ZERO);
                let end = if va <= self.range().last() { self.range().last() } else { Va(u64::MAX) };
                let first = if va <= self.range().last() { first } else { Va(self.range().last().0 + 1) };
                let last = above.and_then(|extent| extent.range.first().checked_sub(1)).unwrap_or(end);
                Err(VaRange::new(first, last).unwrap_or(self.range()))
            }
        }
    }

    fn packed(&self, key: SectionKey) -> Option<PackedSection> {
        if let Some((_, section)) = self.last.borrow().as_ref().filter(|(last, _)| *last == key) {
            return Some(Rc::clone(section));
        }
        let (region, module, section) = key;
        let section = ModulePlace { region, module }.of(&self.rom.image)?.sections.get(section)?;
        let data = self.rom.image.section_data(self.rom.file(), section).into_owned();
        let table = Packed::read(&data).ok()?;
        let section = Rc::new((data, table));
        *self.last.borrow_mut() = Some((key, Rc::clone(&section)));
        Some(section)
    }

    /// A page of a packed section, unpacked once.
    fn page(&self, place: ModulePlace, section: usize, page: usize) -> Page {
        let key = (place.region, place.module, section);
        if let Some(known) = self.pages.borrow().get(&(key, page)) {
            return known.clone();
        }
        let unpacked = self.packed(key).and_then(|packed| packed.1.page(&packed.0, page).ok().map(Rc::from));
        let mut pages = self.pages.borrow_mut();
        if pages.len() >= MOST_PAGES {
            pages.clear();
        }
        pages.insert((key, page), unpacked.clone());
        unpacked
    }

    fn read_packed(
        &self,
        extent: &Extent,
        place: ModulePlace,
        section: usize,
        va: Va,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let offset = usize::try_from(va.0 - extent.base.0).ok()?;
        let page = self.page(place, section, offset / PAGE)?;
        let rest = page.get(offset % PAGE..).filter(|rest| !rest.is_empty())?;
        let room = usize::try_from(extent.range.last().0 - va.0).unwrap_or(usize::MAX).saturating_add(1);
        let count = buffer.len().min(rest.len()).min(room);
        buffer[..count].copy_from_slice(&rest[..count]);
        Some(count)
    }

    fn read_stored(&self, extent: &Extent, offset: FileOffset, va: Va, buffer: &mut [u8]) -> Option<usize> {
        let at = usize::try_from(offset.0 + (va.0 - extent.base.0)).ok()?;
        let room = usize::try_from(extent.range.last().0 - va.0).unwrap_or(usize::MAX).saturating_add(1);
        let count = buffer.len().min(room);
        let source = self.rom.file().get(at..at.checked_add(count)?)?;
        buffer[..count].copy_from_slice(source);
        Some(count)
    }

    fn store(&self, extent: &Extent) -> Store {
        let skipped = extent.range.first().0 - extent.base.0;
        match extent.what {
            What::Stored { offset, .. } => Store::Captured(FileOffset(offset.0 + skipped)),
            What::Packed { place, section } => {
                let module = place.of(&self.rom.image);
                let name = module.map_or_else(String::new, |module| module.name.clone());
                let name = format!("section {section} of {name}, packed in ROM,");
                Store::ImageFile { name, offset: FileOffset(skipped) }
            }
            What::Zeros { .. } | What::Ram => Store::NotCaptured,
        }
    }
}

impl AddressSpace for RomSpace {
    fn range(&self) -> VaRange {
        VaRange::new(Va(0), Va(u32::MAX.into())).unwrap_or_else(|| unreachable!("the ends are in order"))
    }

    fn region(&self, va: Va) -> Region {
        let extent = match self.around(va) {
            Ok(extent) => extent,
            Err(gap) => return Region::unknown(gap, Source::Nothing),
        };
        let (kind, protection, source) = match extent.what {
            What::Packed { place, section } => self.of_section(place, section),
            What::Stored { of: Part::Section { place, section }, .. }
            | What::Zeros { of: Part::Section { place, section } } => self.of_section(place, section),
            What::Stored { of, .. } | What::Zeros { of } => {
                let table = if of == Part::Copy { "COPYentry" } else { "ROMHDR" };
                (Some(RegionKind::Mapped), Some(of.protection(&self.rom)), Source::Stream(table))
            }
            What::Ram => return Region::unknown(extent.range, Source::Stream("ROMHDR (RAM)")),
        };
        let range = extent.range;
        let base = Some(extent.base);
        Region {
            state: RegionState::Committed,
            kind,
            protection,
            allocation_base: base,
            allocation_protection: protection,
            ..Region::unknown(range, source)
        }
    }

    fn backing(&self, va: Va) -> Backing {
        match self.around(va) {
            Ok(extent) => Backing { range: extent.range, store: self.store(extent) },
            Err(range) => Backing { range, store: Store::Unknown },
        }
    }

    fn read_within(&self, va: Va, buffer: &mut [u8]) -> Result<usize, ReadFault> {
        let fault = || ReadFault { va, store: self.backing(va).store };
        let extent = self.around(va).map_err(|_| fault())?;
        match extent.what {
            What::Stored { offset, .. } => self.read_stored(extent, offset, va, buffer).ok_or_else(fault),
            What::Packed { place, section } => {
                self.read_packed(extent, place, section, va, buffer).ok_or(ReadFault { va, store: Store::NotCaptured })
            }
            What::Zeros { .. } | What::Ram => Err(fault()),
        }
    }
}

impl RomSpace {
    fn of_section(&self, place: ModulePlace, section: usize) -> (Option<RegionKind>, Option<Protection>, Source) {
        let name = place.of(&self.rom.image).map_or_else(String::new, |module| module.name.clone());
        let protection = Part::Section { place, section }.protection(&self.rom);
        (Some(RegionKind::Image), Some(protection), Source::ImageHeader { module: name })
    }
}
