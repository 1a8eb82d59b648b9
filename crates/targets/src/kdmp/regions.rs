//! What the lists of a dump tell of regions: no stream of Windows CE lists them.

use super::space::Captured;
use vatlas_rules::ce::slot::{LOW_SLOTS, SLOT_SIZE, slot_of};
use vatlas_space::{
    Module, Process, Protection, Region, RegionKind, RegionState, SlotHome, Source, StackExtent, Va, VaRange, disjoint,
};

/// The bottom of every slot stays free.
const BOTTOM: u64 = 0x1_0000;
const PAGE: u64 = 0x1000;

/// The regions that a process's modules, its threads and the captured memory tell, sorted and disjoint. Addresses of
/// slot 0 are not among them: they are aliases.
pub(super) fn regions(process: &Process, captured: &Captured) -> Vec<Region> {
    let home = process.home;
    let mut regions = Vec::new();
    for module in &process.modules {
        regions.extend(module_regions(module, home));
    }
    for side in process.threads.iter().flat_map(|thread| &thread.sides) {
        regions.extend(stack_regions(&side.stack));
    }
    regions.extend(captured.ranges().filter(|range| is_seen(*range, home)).map(|range| {
        let around = pages(range);
        region(around, RegionState::Committed, None, Source::Stream("MemoryVirtualListStream"))
    }));
    if let (Some(home), Some(name)) = (home.filter(|home| home.number != 0), process.layout) {
        let bottom = VaRange::sized(home.range().first(), BOTTOM);
        regions.extend(bottom.map(|range| Region::free(range, Source::Layout(name.name))));
    }
    disjoint(&regions, |region| region.range, |region, range| Region { range, ..region.clone() })
}

/// Whether a process's regions have memory at these addresses: its own, and what all share.
fn is_seen(range: VaRange, home: Option<SlotHome>) -> bool {
    let Some(home) = home else { return true };
    match slot_of(range.first()).map(|slot| slot.number()) {
        Some(0) => false,
        Some(1) => true,
        Some(number) if number < LOW_SLOTS => u64::from(number) * SLOT_SIZE == home.base.0,
        _ => true,
    }
}

/// Whole pages: memory is committed by pages, also where a dump holds a part of one.
fn pages(range: VaRange) -> VaRange {
    let last = Va(range.last().0 | (PAGE - 1));
    VaRange::new(range.first().align_down(PAGE), last).unwrap_or(range)
}

fn region(range: VaRange, state: RegionState, kind: Option<RegionKind>, source: Source) -> Region {
    Region { state, kind, ..Region::unknown(range, source) }
}

/// The image and the data that lie apart from it, in slot form.
fn module_regions(module: &Module, home: Option<SlotHome>) -> impl Iterator<Item = Region> {
    let source = || Source::Stream("ModuleListStream");
    let image = slot_form(pages(module.range), home);
    let image = Region {
        allocation_base: Some(image.first()),
        ..region(image, RegionState::Committed, Some(RegionKind::Image), source())
    };
    let data = module.data.map(|data| {
        let data = slot_form(pages(data), home);
        Region {
            allocation_base: Some(data.first()),
            ..region(data, RegionState::Committed, Some(RegionKind::Image), source())
        }
    });
    std::iter::once(image).chain(data)
}

/// A range of slot 0 in the slot of the process; it stays in one slot.
pub(super) fn slot_form(range: VaRange, home: Option<SlotHome>) -> VaRange {
    let Some(home) = home.filter(|_| range.last().0 < SLOT_SIZE) else { return range };
    VaRange::new(home.slot_form(range.first()), home.slot_form(range.last())).unwrap_or(range)
}

/// Reserved below, committed from `StkLowBnd` on.
fn stack_regions(stack: &StackExtent) -> Vec<Region> {
    let source = || Source::Stream("ThreadListStream");
    let (Some(base), Some(limit)) = (stack.base, stack.limit) else { return Vec::new() };
    let part = |range: Option<VaRange>, state| {
        let region = region(range?, state, Some(RegionKind::Private), source());
        Some(Region { allocation_base: stack.reserve, ..region })
    };
    let used = base.checked_sub(1).and_then(|last| VaRange::new(limit, last));
    let used =
        part(used, RegionState::Committed).map(|region| Region { protection: Some(Protection::READWRITE), ..region });
    let reserved = stack.reserve.and_then(|reserve| VaRange::new(reserve, limit.checked_sub(1)?));
    used.into_iter().chain(part(reserved, RegionState::Reserved)).collect()
}
