//! The view that a process has of the one address space: slot 0 is its own slot, everything else is the same for all.
//!
//! ```text
//! slot 0        read in the process's slot
//! 1 to 63, NK   by SECTION and MEMBLOCK
//! 80000000      the static windows, then what the page directory leads to
//! ```

use super::memory::{BLOCK, Behind, CeMemory, CeRoots, PAGE, Page, Reader, WINDOWS};
use std::rc::Rc;
use vatlas_rules::ce::slot::SLOT_SIZE;
use vatlas_rules::ce::structures::kind;
use vatlas_space::{
    AddressSpace, Alias, Backing, Pa, PointerWidth, Protection, ReadFault, Region, RegionKind, RegionState, SlotHome,
    Source, Store, Va, VaRange,
};

/// Bytes of a window that can be read at once.
const WINDOW: u64 = 0x2000_0000;
const ALL: VaRange = match VaRange::new(Va::ZERO, PointerWidth::Bits32.last()) {
    Some(all) => all,
    None => unreachable!(),
};
/// Slot 0.
const SLOT_ZERO: VaRange = match VaRange::sized(Va::ZERO, SLOT_SIZE) {
    Some(slot) => slot,
    None => unreachable!(),
};

/// One process's view of memory.
pub struct CeSpace<M: CeMemory + ?Sized> {
    memory: Rc<M>,
    roots: CeRoots,
    home: Option<SlotHome>,
}

/// What regions are told apart by.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Traits {
    state: RegionState,
    is_writable: bool,
    is_guard: bool,
    is_hidden: bool,
    region: Option<(Va, u8)>,
}

impl Traits {
    fn of(page: &Page) -> Self {
        let state = match page.behind {
            Behind::Free => RegionState::Free,
            Behind::Reserved => RegionState::Reserved,
            _ => RegionState::Committed,
        };
        let is_hidden = matches!(page.behind, Behind::Hidden(_));
        Self { state, is_writable: page.is_writable, is_guard: page.is_guard, is_hidden, region: page.region }
    }

    fn protection(self) -> Option<Protection> {
        let access = match self {
            _ if self.state != RegionState::Committed => return None,
            _ if self.is_hidden && !self.is_guard => Protection::NOACCESS,
            _ if self.is_writable => Protection::READWRITE,
            _ => Protection::READONLY,
        };
        Some(if self.is_guard { Protection(access.0 | Protection::GUARD.0) } else { access })
    }

    fn kind(self) -> Option<RegionKind> {
        Some(match self.region?.1 {
            kind::IMAGE | kind::ROM_DLLS => RegionKind::Image,
            kind::VIEW | kind::COPY => RegionKind::Mapped,
            _ => RegionKind::Private,
        })
    }
}

impl<M: CeMemory + ?Sized> CeSpace<M> {
    pub(super) fn new(memory: &Rc<M>, roots: CeRoots, home: Option<SlotHome>) -> Self {
        Self { memory: Rc::clone(memory), roots, home }
    }

    fn reader(&self) -> Reader<'_, M> {
        Reader { memory: &*self.memory, roots: self.roots }
    }

    fn mapped(&self, va: Va) -> Va {
        self.home.map_or(va, |home| home.slot_form(va))
    }

    /// Whether blocks tell about an address; above, the page directory does.
    fn has_blocks(&self, mapped: Va) -> bool {
        mapped.0 < WINDOWS.start || mapped.0 / SLOT_SIZE == u64::from(self.roots.kernel_slot())
    }

    fn slot(mapped: Va) -> VaRange {
        VaRange::sized(mapped.align_down(SLOT_SIZE), SLOT_SIZE).unwrap_or(ALL)
    }

    /// The pages around a mapped address in its slot that agree with it.
    fn around(&self, mapped: Va, agrees: &dyn Fn(&Page, Va) -> bool) -> VaRange {
        let (slot, reader) = (Self::slot(mapped), self.reader());
        let (mut first, mut end) = (mapped.align_down(PAGE), Va(mapped.align_down(PAGE).0 + PAGE));
        while end <= slot.last() {
            let page = reader.page(end);
            if !agrees(&page, end) {
                break;
            }
            let is_block = end.0 % BLOCK == 0 && page.behind == Behind::Free && reader.is_free_block(end);
            end = Va(end.0 + if is_block { BLOCK } else { PAGE });
        }
        while first > slot.first() {
            let below = Va(first.0 - PAGE);
            let page = reader.page(below);
            if !agrees(&page, below) {
                break;
            }
            let is_block = first.0 % BLOCK == 0 && page.behind == Behind::Free && reader.is_free_block(below);
            first = Va(first.0 - if is_block { BLOCK } else { PAGE });
        }
        VaRange::new(first, Va(end.0 - 1)).unwrap_or(slot)
    }

    fn region_of(&self, mapped: Va) -> Region {
        if !self.has_blocks(mapped) {
            return self.kernel_region(mapped);
        }
        let own = Traits::of(&self.reader().page(mapped));
        let range = self.around(mapped, &|page, _| Traits::of(page) == own);
        Region {
            state: own.state,
            kind: own.kind(),
            protection: own.protection(),
            allocation_base: own.region.map(|(base, _)| base),
            ..Region::unknown(range, Source::Stream("SECTION and MEMBLOCK"))
        }
    }

    /// What the kernel's half has: the windows as far as memory reaches, pages of the directory, nothing.
    fn kernel_region(&self, va: Va) -> Region {
        let source = Source::Stream("page tables");
        if WINDOWS.contains(&va.0) {
            let first = Va(va.0 - va.0 % WINDOW);
            let end = self.end_of_memory();
            let (range, is_there) = match va.0 % WINDOW < end {
                true => (VaRange::sized(first, end), true),
                false => (VaRange::new(Va(first.0 + end), Va(first.0 + (WINDOW - 1))), false),
            };
            let range = range.unwrap_or(ALL);
            if !is_there {
                return Region::free(range, source);
            }
            let protection = Some(Protection::READWRITE);
            return Region { state: RegionState::Committed, protection, ..Region::unknown(range, source) };
        }
        let reader = self.reader();
        let is_there = |va: Va| reader.physical(va).is_some();
        let own = is_there(va);
        let limit = kernel_limit(va);
        let (mut first, mut end) = (va.align_down(PAGE), Va(va.align_down(PAGE).0 + PAGE));
        while end <= limit.last() && is_there(end) == own {
            end = Va(end.0 + PAGE);
        }
        while first > limit.first() && is_there(Va(first.0 - PAGE)) == own {
            first = Va(first.0 - PAGE);
        }
        let range = VaRange::new(first, Va(end.0 - 1)).unwrap_or(limit);
        let state = if own { RegionState::Committed } else { RegionState::Free };
        Region { state, ..Region::unknown(range, source) }
    }

    /// Bytes of physical memory: pages of 4 MB are mapped, the last of which may be empty at its end.
    fn end_of_memory(&self) -> u64 {
        let there = |at: u64| self.memory.read_physical(Pa(at), &mut [0]);
        let (mut low, mut high) = (0, WINDOW / PAGE);
        while low < high {
            let middle = (low + high) / 2;
            if there(middle * PAGE) { low = middle + 1 } else { high = middle }
        }
        low * PAGE
    }

    fn backing_of(&self, mapped: Va) -> Backing {
        if !self.has_blocks(mapped) {
            let range = self.region_of(mapped).range;
            let store = match self.reader().physical(range.first()) {
                Some(pa) if WINDOWS.contains(&mapped.0) && self.memory.read_physical(pa, &mut [0]) => Store::Frame(pa),
                Some(_) if !WINDOWS.contains(&mapped.0) => {
                    let page = VaRange::sized(mapped.align_down(PAGE), PAGE).unwrap_or(range);
                    let pa = self.reader().physical(page.first()).unwrap_or_default();
                    return Backing { range: page, store: Store::Frame(pa) };
                }
                _ => Store::Free,
            };
            return Backing { range, store };
        }
        let reader = self.reader();
        let own = reader.page(mapped);
        let start = mapped.align_down(PAGE);
        match own.behind {
            Behind::Frame(frame) => {
                let goes_on = |page: &Page, at: Va| match page.behind {
                    Behind::Frame(other) => other.0.wrapping_sub(frame.0) == at.0.wrapping_sub(start.0),
                    _ => false,
                };
                let range = self.around(mapped, &goes_on);
                Backing { range, store: Store::Frame(Pa(frame.0 - (start.0 - range.first().0))) }
            }
            Behind::OnDemand => {
                let range = VaRange::sized(start, PAGE).unwrap_or(ALL);
                Backing { range, store: self.store(&own, start) }
            }
            behind => {
                let range = self.around(mapped, &|page, _| {
                    std::mem::discriminant(&page.behind) == std::mem::discriminant(&behind) && page.region == own.region
                });
                Backing { range, store: self.store(&own, start) }
            }
        }
    }

    fn store(&self, page: &Page, mapped: Va) -> Store {
        match page.behind {
            Behind::Free => Store::Free,
            Behind::Reserved => Store::Reserved,
            Behind::Frame(pa) | Behind::Hidden(pa) => Store::Frame(pa),
            Behind::OnDemand => {
                let home = self.memory.home_on_demand(mapped);
                home.map_or(Store::NotCaptured, |(name, rva)| Store::OnDemand { name, rva })
            }
        }
    }

    /// A range of the process's slot as slot 0 has it.
    fn shifted(&self, range: VaRange) -> VaRange {
        let Some(home) = self.home else { return range };
        let inside = range.intersection(home.range()).unwrap_or(range);
        VaRange::new(home.slot_zero_form(inside.first()), home.slot_zero_form(inside.last())).unwrap_or(range)
    }
}

/// A part of the kernel's half above the windows that is looked at as one.
fn kernel_limit(va: Va) -> VaRange {
    VaRange::sized(va.align_down(SLOT_SIZE), SLOT_SIZE).unwrap_or(ALL)
}

impl<M: CeMemory + ?Sized> AddressSpace for CeSpace<M> {
    fn range(&self) -> VaRange {
        ALL
    }

    fn region(&self, va: Va) -> Region {
        if !ALL.contains(va) {
            let above = VaRange::new(Va(ALL.last().0 + 1), Va(u64::MAX)).unwrap_or(ALL);
            return Region::unknown(above, Source::Nothing);
        }
        let mapped = self.mapped(va);
        let region = self.region_of(mapped);
        if mapped == va {
            region
        } else {
            Region { range: self.shifted(region.range), allocation_base: None, ..region }
        }
    }

    fn backing(&self, va: Va) -> Backing {
        if !ALL.contains(va) {
            return Backing { range: self.region(va).range, store: Store::Unknown };
        }
        let mapped = self.mapped(va);
        let backing = self.backing_of(mapped);
        if mapped == va { backing } else { Backing { range: self.shifted(backing.range), ..backing } }
    }

    fn alias_at(&self, va: Va) -> Option<Alias> {
        let home = self.home.filter(|_| SLOT_ZERO.contains(va))?;
        Some(Alias { range: SLOT_ZERO, of: home.range().first() })
    }

    fn read_within(&self, va: Va, buffer: &mut [u8]) -> Result<usize, ReadFault> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let fault = |store| Err(ReadFault { va, store });
        if !ALL.contains(va) {
            return fault(Store::Unknown);
        }
        let mapped = self.mapped(va);
        let within = mapped.0 % PAGE;
        let count = buffer.len().min((PAGE - within) as usize);
        let reader = self.reader();
        let pa = match self.has_blocks(mapped) {
            false => reader.physical(mapped),
            true => match reader.page(mapped).behind {
                Behind::Frame(pa) | Behind::Hidden(pa) => Some(Pa(pa.0 + within)),
                Behind::OnDemand => {
                    let Some(page) = self.memory.page_on_demand(mapped) else { return fault(Store::NotCaptured) };
                    let part = page.get(within as usize..within as usize + count).unwrap_or_default();
                    if part.is_empty() {
                        return fault(Store::NotCaptured);
                    }
                    buffer[..part.len()].copy_from_slice(part);
                    return Ok(part.len());
                }
                Behind::Reserved => return fault(Store::Reserved),
                Behind::Free => return fault(Store::Free),
            },
        };
        match pa {
            Some(pa) if self.memory.read_physical(pa, &mut buffer[..count]) => Ok(count),
            _ => fault(Store::Free),
        }
    }
}
