//! The address space of a dumped process.

use super::{
    environment::Environment,
    extents::{captured, committed, deduced_regions},
};
use crate::{
    image_files::{FileBytes, ImageFiles},
    loaded_images::LoadedImages,
    section_table::section_table,
};
use vatlas_images::{
    minidump::{CapturedMemory, Minidump},
    pe::PeHeaders,
};
use vatlas_space::{
    AddressSpace, Backing, FileOffset, Module, PointerWidth, Protection, ReadFault, Region, RegionKind, RegionState,
    SectionTable, Source, StackExtent, Store, Va, VaRange, disjoint,
};

/// Pages on every processor that writes minidumps.
const PAGE: u64 = 0x1000;
/// Bytes of a module's front that hold its headers, as far as a reader looks.
const HEADERS: usize = 0x1000;

/// One process's memory: what the dump captured, what it says of regions, and what image files add.
pub(super) struct MinidumpSpace {
    bytes: FileBytes,
    range: VaRange,
    captured: Vec<CapturedMemory>,
    regions: Vec<Region>,
    /// Whether the dump lists all regions. What a damaged list does not tell is deduced, as without a list.
    all_are_listed: bool,
    images: LoadedImages,
}

impl MinidumpSpace {
    /// Indexes the memory of `dump`; takes its region list.
    pub fn new(bytes: FileBytes, dump: &mut Minidump, width: PointerWidth, images: Box<dyn ImageFiles>) -> Self {
        let file_size = (*bytes).as_ref().len() as u64;
        let captured = captured(dump, file_size);
        let mut regions = dump.memory_info.take().unwrap_or_default();
        if !dump.memory_info_is_whole {
            regions.extend(deduced_regions(dump, &captured));
            regions = cut(&regions);
        }
        Self {
            range: VaRange::new(Va::ZERO, width.last()).unwrap_or_else(|| unreachable!("zero is the lowest address")),
            regions,
            all_are_listed: dump.memory_info_is_whole,
            images: LoadedImages::new(images, &dump.modules),
            captured,
            bytes,
        }
    }

    /// Adds what TEBs tell of stacks, where no stream lists the regions. It goes before what is deduced from less.
    pub fn add_environment(&mut self, dump: &Minidump, environment: &Environment) {
        if self.all_are_listed {
            return;
        }
        let sides = environment.threads.iter().flat_map(|thread| &thread.sides);
        let stacks = sides.clone().flat_map(|side| stack_regions(&side.stack));
        let tebs = sides.filter_map(|side| {
            let region =
                committed(VaRange::sized(side.teb?.align_down(PAGE), PAGE)?, Source::Stream("ThreadListStream"));
            Some(Region { kind: Some(RegionKind::Private), ..region })
        });
        let named = dump.threads.iter().filter_map(|thread| {
            let region = committed(thread.stack?, Source::Stream("ThreadListStream"));
            Some(Region { kind: Some(RegionKind::Private), ..region })
        });
        let known: Vec<Region> = stacks.chain(tebs).chain(named).collect();
        let is_listed = |region: &Region| region.source == Source::Stream("MemoryInfoListStream");
        let (listed, deduced): (Vec<_>, Vec<_>) = std::mem::take(&mut self.regions).into_iter().partition(is_listed);
        self.regions = cut(&[listed, known, deduced].concat());
    }

    /// The sections of a module, from its header in memory or from its image file.
    pub fn sections(&self, module: &Module) -> Option<SectionTable> {
        let mut front = [0; HEADERS];
        let base = module.range.first();
        let read = (self as &dyn AddressSpace).read_available(base, &mut front);
        let captured = self.captured_at(base).is_some();
        let headers = PeHeaders::read(&front[..read]).ok().filter(|_| captured);
        if let Some(headers) = headers {
            return Some(section_table(module, &headers, Source::ImageHeader { module: module.name().to_owned() }));
        }
        let image = self.images.at_base(base)?;
        Some(section_table(module, &image.image.headers, Source::ImageFile { name: image.name.clone() }))
    }

    fn captured_at(&self, va: Va) -> Option<&CapturedMemory> {
        let index = self.captured.partition_point(|memory| memory.range.last() < va);
        self.captured.get(index).filter(|memory| memory.range.contains(va))
    }

    /// The stretch around `va` between two captured extents.
    fn uncaptured_around(&self, va: Va) -> VaRange {
        let index = self.captured.partition_point(|memory| memory.range.last() < va);
        let below = index.checked_sub(1).map(|below| self.captured[below].range);
        self.gap(va, below, self.captured.get(index).map(|memory| memory.range))
    }

    /// The addresses around `va` between two ranges, or the end of the space where there is none. What lies above
    /// the space is one gap of its own, whichever address of it is asked for.
    fn gap(&self, va: Va, below: Option<VaRange>, above: Option<VaRange>) -> VaRange {
        let end = self.range.next().filter(|end| *end <= va);
        let first = end.or_else(|| below.and_then(VaRange::next)).unwrap_or(Va::ZERO);
        let last = match end {
            Some(_) => Va(u64::MAX),
            None => above.and_then(|above| above.first().checked_sub(1)).unwrap_or(self.range.last()),
        };
        VaRange::new(first, last).unwrap_or(self.range)
    }
}

/// Cuts overlapping regions; the first wins.
fn cut(regions: &[Region]) -> Vec<Region> {
    disjoint(regions, |region| region.range, |region, range| Region { range, ..region.clone() })
}

/// `[reserve, guard)`, guard page, `[limit, base)` of a stack, as the rules of NT order them.
fn stack_regions(stack: &StackExtent) -> Vec<Region> {
    let private = |range: Option<VaRange>, state, protection, source: &'static str| {
        let region = Region {
            state,
            kind: Some(RegionKind::Private),
            protection,
            allocation_base: stack.reserve,
            ..Region::unknown(range?, Source::Deduced(source))
        };
        Some(region)
    };
    let (Some(base), Some(limit)) = (stack.base, stack.limit) else { return Vec::new() };
    let readwrite = Protection::READWRITE;
    let used = base.checked_sub(1).and_then(|last| VaRange::new(limit, last));
    let used = private(used, RegionState::Committed, Some(readwrite), "StackBase and StackLimit of the TEB");
    let guard = limit.checked_sub(PAGE).filter(|guard| stack.reserve.is_some_and(|reserve| reserve <= *guard));
    let reserved = stack.reserve.zip(guard).and_then(|(reserve, guard)| VaRange::new(reserve, guard.checked_sub(1)?));
    let reserved = private(reserved, RegionState::Reserved, None, "DeallocationStack and StackLimit of the TEB");
    let guard = private(
        guard.and_then(|guard| VaRange::sized(guard, PAGE)),
        RegionState::Committed,
        Some(Protection(readwrite.0 | Protection::GUARD.0)),
        "StackLimit of the TEB, below which the guard page lies",
    );
    [used, guard, reserved].into_iter().flatten().collect()
}

impl AddressSpace for MinidumpSpace {
    fn range(&self) -> VaRange {
        self.range
    }

    fn region(&self, va: Va) -> Region {
        let index = self.regions.partition_point(|region| region.range.last() < va);
        match self.regions.get(index) {
            Some(region) if region.range.contains(va) => region.clone(),
            above => {
                let below = index.checked_sub(1).map(|below| self.regions[below].range);
                Region::unknown(self.gap(va, below, above.map(|region| region.range)), Source::Nothing)
            }
        }
    }

    fn backing(&self, va: Va) -> Backing {
        if let Some(memory) = self.captured_at(va) {
            return Backing { range: memory.range, store: Store::Captured(memory.offset) };
        }
        let region = self.region(va);
        let gap = self.uncaptured_around(va);
        let range = gap.intersection(region.range).unwrap_or(gap);
        let store = match region.state {
            RegionState::Free => Store::Free,
            RegionState::Reserved => Store::Reserved,
            RegionState::Unknown => Store::Unknown,
            RegionState::Committed => Store::NotCaptured,
        };
        match self.images.extent(va) {
            Some(extent) if region.kind == Some(RegionKind::Image) => {
                let range = range.intersection(extent.range).unwrap_or(range);
                let skipped = range.first().0.saturating_sub(extent.range.first().0);
                let offset = FileOffset(extent.offset.0 + skipped);
                Backing { range, store: Store::ImageFile { name: extent.image.name.clone(), offset } }
            }
            _ => Backing { range, store },
        }
    }

    fn read_within(&self, va: Va, buffer: &mut [u8]) -> Result<usize, ReadFault> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Some(memory) = self.captured_at(va) {
            let skipped = va.0 - memory.range.first().0;
            let start = usize::try_from(memory.offset.0 + skipped).unwrap_or(usize::MAX);
            let left = usize::try_from(memory.range.size() - skipped).unwrap_or(usize::MAX);
            let source = (*self.bytes).as_ref().get(start..).unwrap_or_default();
            let count = buffer.len().min(left).min(source.len());
            if count > 0 {
                buffer[..count].copy_from_slice(&source[..count]);
                return Ok(count);
            }
        }
        let backing = self.backing(va);
        let left = usize::try_from(backing.range.last().0 - va.0).unwrap_or(usize::MAX).saturating_add(1);
        let wanted = buffer.len().min(left);
        let image = matches!(backing.store, Store::ImageFile { .. }).then(|| self.images.extent(va)).flatten();
        let read = image.and_then(|extent| extent.read(va, &mut buffer[..wanted]));
        read.ok_or(ReadFault { va, store: backing.store })
    }
}
