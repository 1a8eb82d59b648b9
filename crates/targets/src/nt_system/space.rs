//! The address space of a process of a whole system, and the kernel half that all share.

use super::{
    NtRoots,
    memory::{KernelMemory, PAGE, Reader},
    pages::Owner,
};
use std::{cell::OnceCell, rc::Rc};
use vatlas_space::{
    AddressSpace, Backing, FileOffset, Pa, Page, PageHome, Pfn, PointerWidth, Protection, ReadFault, Region,
    RegionState, Source, Store, Va, VaRange, Vad,
};

/// Bytes that a page table maps.
const TABLE: u64 = 1 << 22;

/// An address space: page tables, descriptors, prototype entries, and what they lead to.
pub struct NtSpace<M: ?Sized> {
    pub(super) memory: Rc<M>,
    pub(super) roots: NtRoots,
    pub(super) owner: Owner,
    vads: OnceCell<Vec<Vad>>,
}

/// What regions are told apart by.
#[derive(PartialEq, Eq)]
struct Traits {
    state: RegionState,
    protection: Option<Protection>,
}

impl<M: KernelMemory + ?Sized> NtSpace<M> {
    pub(super) fn new(memory: Rc<M>, roots: NtRoots, owner: Owner) -> Self {
        Self { memory, roots, owner, vads: OnceCell::new() }
    }

    pub(super) fn reader(&self) -> Reader<'_, M> {
        Reader { memory: &*self.memory, roots: &self.roots }
    }

    /// The descriptors in order of address.
    pub(super) fn vads(&self) -> &[Vad] {
        self.vads.get_or_init(|| self.reader().vads(self.owner.vads))
    }

    /// All about the page of an address, with the steps.
    pub(super) fn page(&self, va: Va) -> Page {
        self.reader().page(&self.owner, va)
    }

    /// Where valid entries of the user half lead to a frame.
    pub(super) fn mapped_at(&self, wanted: Pfn) -> impl Iterator<Item = Va> + '_ {
        let leads_to = move |va: &Va| {
            let walk = self.reader().walk(self.owner.directory, *va);
            walk.mapping().is_some_and(|mapping| mapping.pa.0 / PAGE == wanted.0)
        };
        self.vads().iter().flat_map(|vad| self.mapped_pages(vad.range)).filter(leads_to)
    }

    /// The page directory.
    pub(super) const fn directory(&self) -> Pa {
        self.owner.directory
    }

    /// The last address of programs.
    pub(super) const fn owner_highest_user(&self) -> Va {
        self.owner.highest_user
    }

    /// Pages of the user half with a valid entry.
    pub(super) fn resident_pages(&self) -> u64 {
        let is_mapped = |va: &Va| self.reader().walk(self.owner.directory, *va).mapping().is_some();
        self.vads().iter().flat_map(|vad| self.mapped_pages(vad.range)).filter(is_mapped).count() as u64
    }

    /// The pages of a range whose page tables are there.
    fn mapped_pages(&self, range: VaRange) -> impl Iterator<Item = Va> + '_ {
        let mut next = Some(range.first().align_down(PAGE));
        std::iter::from_fn(move || {
            loop {
                let at = next.filter(|at| *at <= range.last())?;
                let has_table = self.reader().walk(self.owner.directory, at).steps().len() == 2;
                let step = if has_table { PAGE } else { TABLE - at.0 % TABLE };
                next = at.checked_add(step);
                if has_table {
                    return Some(at);
                }
            }
        })
    }

    fn quiet_page(&self, va: Va) -> Page {
        self.reader().page_within(&self.owner, va, self.vad_at(va).ok().cloned(), false)
    }

    /// The descriptor around an address, or the hole between descriptors.
    fn vad_at(&self, va: Va) -> Result<&Vad, VaRange> {
        let vads = self.vads();
        let below = vads.partition_point(|vad| vad.range.first() <= va);
        if let Some(vad) = below.checked_sub(1).and_then(|place| vads.get(place)).filter(|vad| vad.range.contains(va)) {
            return Ok(vad);
        }
        let user = VaRange::new(Va(0), self.owner.highest_user);
        let (first, last) = match user.filter(|user| user.contains(va)) {
            Some(user) => (user.first(), user.last()),
            None => (self.owner.highest_user.checked_add(1).unwrap_or(va), self.range().last()),
        };
        let before = below.checked_sub(1).and_then(|place| vads.get(place)?.range.next());
        let after = vads.get(below).and_then(|vad| vad.range.first().checked_sub(1));
        let first = before.map_or(first, |before| before.max(first));
        let last = after.map_or(last, |after| after.min(last));
        Err(VaRange::new(first, last).unwrap_or(self.range()))
    }

    /// The pages around `va` within `bounds` of which each goes on from the one before.
    fn around(&self, va: Va, bounds: VaRange, goes_on: &dyn Fn(&Page, &Page) -> bool) -> VaRange {
        let start = va.align_down(PAGE);
        let last = self.farthest(start, bounds, goes_on, &|at| at.checked_add(PAGE));
        let first = self.farthest(start, bounds, &|near, far| goes_on(far, near), &|at| at.checked_sub(PAGE));
        let last = Va(last.align_down(PAGE).0 + (PAGE - 1)).min(bounds.last());
        VaRange::new(first.max(bounds.first()), last).unwrap_or(bounds)
    }

    /// The last page in one direction that goes on. A page without a table stands for all of its table.
    fn farthest(
        &self,
        start: Va,
        bounds: VaRange,
        goes_on: &dyn Fn(&Page, &Page) -> bool,
        next: &dyn Fn(Va) -> Option<Va>,
    ) -> Va {
        let mut at = start;
        let mut page = self.quiet_page(at);
        loop {
            let Some(candidate) = next(at).filter(|va| bounds.contains(*va)) else { return at };
            // All addresses without a table agree, except views, whose prototype entries differ.
            let is_empty = page.walk.steps().len() < 2 && page.walk.mapping().is_none() && page.prototype.is_none();
            let same_table = |va: Va| va.0 / TABLE == at.0 / TABLE;
            if is_empty && same_table(candidate) {
                let is_up = candidate > at;
                let table = at.align_down(TABLE);
                at = if is_up { Va(table.0 + (TABLE - PAGE)).min(bounds.last()) } else { table.max(bounds.first()) };
                at = at.align_down(PAGE).max(bounds.first());
                continue;
            }
            let further = self.quiet_page(candidate);
            if !goes_on(&page, &further) {
                return at;
            }
            (at, page) = (candidate, further);
        }
    }

    fn traits(page: &Page) -> Traits {
        let state = match page.home {
            PageHome::Reserved => RegionState::Reserved,
            PageHome::Free => RegionState::Free,
            PageHome::Unknown => RegionState::Unknown,
            _ => RegionState::Committed,
        };
        let protection = page.protection.filter(|_| state == RegionState::Committed);
        Traits { state, protection }
    }

    fn store(page: &Page, va: Va) -> Store {
        let within = va.0 % PAGE;
        match &page.home {
            PageHome::Frame(pfn) | PageHome::FrameOfOthers(pfn) | PageHome::Transition(pfn) => {
                Store::Frame(page.walk.mapping().map_or(Pa((pfn.0 << 12) + within), |mapping| mapping.pa))
            }
            PageHome::PageFile { file, page } => {
                Store::PageFile { file: *file, offset: FileOffset(u64::from(*page) * PAGE + within) }
            }
            PageHome::DemandZero | PageHome::File { offset: None, .. } => Store::Zero,
            PageHome::File { name, offset: Some(offset) } => {
                let name = name.clone().unwrap_or_else(|| "a file".to_owned());
                Store::ImageFile { name, offset: FileOffset(offset + within) }
            }
            PageHome::Reserved => Store::Reserved,
            PageHome::Free => Store::Free,
            PageHome::Unknown => Store::Unknown,
        }
    }

    fn bounds(&self, va: Va) -> VaRange {
        self.vad_at(va).map_or_else(|hole| hole, |vad| vad.range)
    }
}

/// Whether the second of two neighbouring pages is where the first one ends.
fn continues(near: &Store, far: &Store) -> bool {
    match (near, far) {
        (Store::Frame(near), Store::Frame(far)) => near.0 + PAGE == far.0,
        (Store::PageFile { file, offset }, Store::PageFile { file: other, offset: next }) => {
            file == other && offset.0 + PAGE == next.0
        }
        (Store::ImageFile { name, offset }, Store::ImageFile { name: other, offset: next }) => {
            name == other && offset.0 + PAGE == next.0
        }
        (near, far) => near == far,
    }
}

impl<M: KernelMemory + ?Sized> AddressSpace for NtSpace<M> {
    fn range(&self) -> VaRange {
        VaRange::new(Va(0), PointerWidth::Bits32.last()).unwrap_or_else(|| unreachable!("the ends are in order"))
    }

    fn region(&self, va: Va) -> Region {
        if va > self.range().last() {
            let above = VaRange::new(Va(self.range().last().0 + 1), Va(u64::MAX));
            return Region::unknown(above.unwrap_or(self.range()), Source::Nothing);
        }
        let own = Self::traits(&self.quiet_page(va));
        let range = self.around(va, self.bounds(va), &|near, far| Self::traits(near) == Self::traits(far));
        let vad = self.vad_at(va).ok();
        let is_kernel = va > self.owner.highest_user;
        Region {
            range,
            state: own.state,
            kind: vad.map(|vad| vad.kind).filter(|_| own.state != RegionState::Free),
            protection: own.protection,
            allocation_base: vad.map(|vad| vad.range.first()),
            allocation_protection: vad.map(|vad| vad.protection),
            source: match vad {
                Some(vad) => Source::Memory(vad.at),
                None if is_kernel => Source::Stream("page tables"),
                None => Source::Stream("VADs"),
            },
        }
    }

    fn backing(&self, va: Va) -> Backing {
        if va > self.range().last() {
            return Backing { range: self.region(va).range, store: Store::Unknown };
        }
        let bounds = self.bounds(va);
        let base = |page: &Page| Self::store(page, Va(0));
        let frame_of = |page: &Page| match base(page) {
            Store::Frame(pa) => Store::Frame(Pa(pa.0 & !(PAGE - 1))),
            other => other,
        };
        let range = self.around(va, bounds, &|near, far| continues(&frame_of(near), &frame_of(far)));
        Backing { range, store: frame_of(&self.quiet_page(range.first())) }
    }

    fn read_within(&self, va: Va, buffer: &mut [u8]) -> Result<usize, ReadFault> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let page = self.quiet_page(va);
        match self.reader().read_page(&page, va, buffer) {
            0 => Err(ReadFault { va, store: Self::store(&page, va) }),
            count => Ok(count),
        }
    }
}
