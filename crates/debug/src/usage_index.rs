//! Who uses an address: looked up in the modules, stacks, environment blocks and heaps of one process.

use crate::{
    api_calls::{RememberedCall, api_call, remembered_calls},
    heaps::{self, HeapProof},
    image_index::ImageIndex,
    process_choice::owner_of,
    usage::{StackPart, Usage},
};
use std::cell::OnceCell;
use vatlas_rules::{AreaKind, Layout, Owner, ce::api_call::ApiCall, layout};
use vatlas_space::{
    AddressSpace, LayoutName, Machine, Module, OsFamily, PointerWidth, Process, ProcessIndex, Region, RegionKind,
    RegionState, SectionTable, Side, Source, Step, Target, ThreadId, Va, VaRange, disjoint,
};

/// `KUSER_SHARED_DATA` lies here on every Windows NT.
const SHARED_USER_DATA: Va = Va(0x7ffe_0000);
const PAGE: u64 = 0x1000;

/// The answer for one address: its use, the addresses around it with the same one, and what says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Located {
    /// The use.
    pub usage: Usage,
    /// The whole run of this use around the address.
    pub range: VaRange,
    /// The finding.
    pub step: Step,
}

/// What a fixed range is for, before the parts of a stack are told apart.
#[derive(Clone)]
enum Claim {
    Environment(Usage),
    Stack { thread: ThreadId, machine: Machine, sp: Option<Va> },
}

#[derive(Clone)]
struct Span {
    range: VaRange,
    claim: Claim,
    step: Step,
}

/// An index over one process, made once and asked often.
pub struct UsageIndex<'t> {
    target: &'t dyn Target,
    index: ProcessIndex,
    process: &'t Process,
    space: &'t dyn AddressSpace,
    spans: Vec<Span>,
    images: ImageIndex<'t>,
    heaps: OnceCell<Vec<Va>>,
    layout: OnceCell<Option<Layout>>,
}

impl<'t> UsageIndex<'t> {
    /// Indexes a process of a target; `None` when there is no such process.
    pub fn new(target: &'t dyn Target, index: ProcessIndex) -> Option<Self> {
        let process = target.processes().get(index.0)?;
        let space = target.space(index)?;
        let images = ImageIndex::new(&process.modules, process.home);
        let spans =
            disjoint(&spans(target, process, space), |span| span.range, |span, range| Span { range, ..span.clone() });
        Some(Self { target, index, process, space, spans, images, heaps: OnceCell::new(), layout: OnceCell::new() })
    }

    /// The process that is indexed.
    pub fn process(&self) -> &'t Process {
        self.process
    }

    /// Its address space.
    pub fn space(&self) -> &'t dyn AddressSpace {
        self.space
    }

    /// Its place in the target.
    pub fn process_index(&self) -> ProcessIndex {
        self.index
    }

    /// The rules that the process's addresses follow.
    pub fn layout(&self) -> Option<&Layout> {
        self.layout.get_or_init(|| self.process.layout.map(layout)).as_ref()
    }

    /// Whether the layout's statements hold for this kind of area. The user half is the same on every processor; where
    /// the kernel of NT has its page tables, caches and pools is established for x86 and x64 alone.
    pub fn is_established(&self, kind: AreaKind) -> bool {
        let machine = self.target.host().map(|host| host.machine);
        let is_described = matches!(machine, None | Some(Machine::X86 | Machine::X64));
        is_described || kind.owner() != Owner::Kernel || !self.process.layout.is_some_and(|layout| is_nt(layout.name))
    }

    /// Whether the process's list of heaps could be read.
    pub fn heap_list_is_known(&self) -> bool {
        !self.heaps().is_empty()
    }

    /// The use of `va`. Always an answer, if only "free" or "not known".
    pub fn at(&self, va: Va) -> Located {
        self.in_region(va, &self.space.region(va))
    }

    /// As [`Self::at`], for a caller who has the region already.
    pub fn in_region(&self, va: Va, region: &Region) -> Located {
        self.span(va, region)
            .or_else(|| self.span_in_slot(va, region))
            .or_else(|| self.image(va))
            .or_else(|| self.heap(va, region))
            .or_else(|| self.kernel_data(va, region))
            .or_else(|| self.layout_area(va, region))
            .or_else(|| self.in_other_slot(va, region))
            .or_else(|| self.beside_image(region))
            .unwrap_or_else(|| by_region(region))
    }

    /// The last address before another stack, environment block or module begins above `va`.
    pub(crate) fn next_use_after(&self, va: Va) -> Option<Va> {
        let span = self.spans.partition_point(|span| span.range.first() <= va);
        let span = self.spans.get(span).map(|span| span.range.first());
        span.into_iter().chain(self.images.next_after(va)).min()?.checked_sub(1)
    }

    /// The module that holds `va`.
    pub fn module_at(&self, va: Va) -> Option<&'t Module> {
        self.images.module_at(va)
    }

    /// The module that holds `va`, and the bytes from its base to there. On Windows CE up to 5.x both forms of an address
    /// give the same.
    pub fn module_offset(&self, va: Va) -> Option<(&'t Module, u64)> {
        let module = self.images.module_at(va)?;
        let offset = module.range.offset_of(va).or_else(|| module.range.offset_of(self.process.own_form(va)))?;
        Some((module, offset))
    }

    /// The API call that an address stands for, on Windows CE for ARM.
    pub fn api_call(&self, va: Va) -> Option<ApiCall> {
        api_call(self.process, self.target.host().map(|host| host.machine), va)
    }

    /// API calls that a stack remembers, lowest address first.
    pub fn remembered_calls(&self, stack: VaRange) -> Vec<RememberedCall> {
        remembered_calls(self.process, self.target.host().map(|host| host.machine), self.space, stack)
    }

    /// The address as the tables of modules have it: see [`Process::own_form`].
    pub fn own_form(&self, va: Va) -> Va {
        self.process.own_form(va)
    }

    /// The sections of the module that holds `va`, where they are known.
    pub fn sections_at(&self, va: Va) -> Option<&SectionTable> {
        self.images.sections_at(va, &|module| self.target.sections(self.index, module))
    }

    fn span(&self, va: Va, region: &Region) -> Option<Located> {
        let index = self.spans.partition_point(|span| span.range.last() < va);
        let span = self.spans.get(index).filter(|span| span.range.contains(va))?;
        let (usage, range) = match &span.claim {
            Claim::Environment(usage) => (usage.clone(), span.range),
            Claim::Stack { thread, machine, sp } => {
                let (part, range) = stack_part(va, *sp, span.range, region);
                (Usage::Stack { thread: *thread, machine: *machine, part }, range)
            }
        };
        Some(Located { usage, range, step: span.step.clone() })
    }

    /// Stacks have addresses in the slot of their process; one of slot 0 may mean the same byte.
    fn span_in_slot(&self, va: Va, region: &Region) -> Option<Located> {
        let home = self.process.home?;
        let in_slot = home.slot_form(va);
        let moved = in_slot.0.checked_sub(va.0).filter(|moved| *moved != 0)?;
        let up = |va: Va| va.checked_add(moved);
        let there =
            Region { range: VaRange::new(up(region.range.first())?, up(region.range.last())?)?, ..region.clone() };
        let located = self.span(in_slot, &there)?;
        let range = located.range.intersection(home.range())?;
        let range = VaRange::new(home.slot_zero_form(range.first()), home.slot_zero_form(range.last()))?;
        Some(Located { range, ..located })
    }

    fn image(&self, va: Va) -> Option<Located> {
        let part = self.images.part_at(va, &|module| self.target.sections(self.index, module))?;
        let module = part.module;
        let finding =
            format!("{} is loaded at {} ({:#x} bytes)", module.name(), module.range.first(), module.range.size());
        let usage = Usage::Image { module: module.name().to_owned(), section: part.name.map(str::to_owned) };
        Some(Located { usage, range: part.range, step: Step::new(finding, part.source) })
    }

    fn heap(&self, va: Va, region: &Region) -> Option<Located> {
        if !matches!(region.kind, None | Some(RegionKind::Private)) || region.state == RegionState::Free {
            return None;
        }
        let HeapProof { heap, range, step } = heaps::prove(self.space, self.process.width, va, region, self.heaps())
            .or_else(|| self.heap32(va, region))?;
        Some(Located { usage: Usage::Heap { heap }, range, step })
    }

    /// The area of the layout, where the target lists no region: all that can be said of the kernel's half.
    fn layout_area(&self, va: Va, region: &Region) -> Option<Located> {
        // Captured memory of the kernel's half belongs to its area: no list of Windows CE says more.
        let is_untold = region.kind.is_none() && self.process.home.is_some();
        if region.state != RegionState::Unknown && !is_untold {
            return None;
        }
        let layout = self.layout()?;
        let area = layout.area_at(va).filter(|area| self.is_established(area.kind))?;
        let range = area.range.intersection(region.range)?;
        if is_untold && matches!(area.kind.owner(), Owner::Process | Owner::EveryProcess | Owner::NotEstablished) {
            return self.slot_of_another(va).map(|other| Located { range, ..other });
        }
        let usage = match area.kind.owner() {
            Owner::Kernel | Owner::Nobody => Usage::System { area: area.name.to_string() },
            // A span covers the process's own view; this is the one in the kernel's half.
            Owner::EveryProcess if area.kind == AreaKind::SharedUserData => {
                Usage::System { area: area.name.to_string() }
            }
            Owner::Process | Owner::EveryProcess | Owner::NotEstablished => {
                return Some(Located { range, ..by_region(region) });
            }
        };
        let step =
            Step::new(format!("{} is '{}': {}", area.range, area.name, area.purpose), Source::Layout(layout.name));
        Some(Located { usage, range, step })
    }

    /// The page in the process's slot that shows it the kernel's data, which the layout has in slot 0 alone.
    fn kernel_data(&self, va: Va, region: &Region) -> Option<Located> {
        let is_page = region.kind.is_none() && region.state == RegionState::Committed && region.range.size() == PAGE;
        let own = self.process.home.filter(|_| is_page)?.slot_zero_form(va);
        let layout = self.layout().filter(|_| own != va)?;
        let is_shown = |range: VaRange| range.first().align_down(PAGE) == own.align_down(PAGE);
        let area = layout.areas.iter().find(|area| area.kind == AreaKind::KernelData && is_shown(area.range))?;
        let usage = Usage::System { area: area.name.to_string() };
        let step = Step::new(
            format!("{} is '{}' in slot 0: {}", area.range, area.name, area.purpose),
            Source::Layout(layout.name),
        );
        Some(Located { usage, range: region.range, step })
    }

    /// The slot of another process of Windows CE: what is there is that process's business.
    fn slot_of_another(&self, va: Va) -> Option<Located> {
        let other = owner_of(self.target, va).filter(|owner| *owner != self.index)?;
        let (process, range) = (self.target.processes().get(other.0)?, VaRange::new(va, va)?);
        let (home, name) = (process.home?, process.name.as_deref().unwrap_or("another process"));
        let module = process.module_offset(va).map(|(module, offset)| format!("{}+{offset:#x} in ", module.name()));
        let usage = Usage::System { area: format!("{}slot {}: {name}", module.unwrap_or_default(), home.slot()) };
        let finding = format!("{} is the slot of {name}", home.range());
        Some(Located { usage, range, step: Step::new(finding, Source::Stream("ProcessListStream")) })
    }

    /// A region in the slot of another process of Windows CE, where the target tells regions apart: what of whom it is.
    fn in_other_slot(&self, va: Va, region: &Region) -> Option<Located> {
        let kind = region.kind.filter(|_| self.process.home.is_some())?;
        let other = owner_of(self.target, va).filter(|owner| *owner != self.index)?;
        let process = self.target.processes().get(other.0)?;
        let (home, name) = (process.home?, process.name.as_deref().unwrap_or("another process"));
        let images = ImageIndex::new(&process.modules, process.home);
        let part = images.part_at(va, &|module| self.target.sections(other, module));
        let stacks = process.threads.iter().flat_map(|thread| &thread.sides).map(|side| &side.stack);
        let stack = stacks
            .filter_map(|stack| VaRange::new(stack.reserve.or(stack.limit)?, stack.base?.checked_sub(1)?))
            .find(|stack| stack.contains(va));
        let range = part.as_ref().map(|part| part.range).or(stack).unwrap_or(region.range);
        let what = match (part, stack, kind) {
            (Some(part), ..) => format!("{} {}", part.module.name(), part.name.unwrap_or("image")),
            (_, Some(_), _) => "stack".to_owned(),
            (.., RegionKind::Image) => "kept for images".to_owned(),
            (.., RegionKind::Mapped) => "mapped".to_owned(),
            (.., RegionKind::Private) => "private data".to_owned(),
        };
        let usage = Usage::System { area: format!("slot {}: {name}, {what}", home.slot()) };
        let step = Step::new(format!("{} is the slot of {name}", home.range()), Source::Deduced("its base address"));
        Some(Located { usage, range: range.intersection(region.range)?, step })
    }

    /// Reserved addresses of images on Windows CE that no image has: the rest of the 64 KB that it begins in, or room that
    /// DLLs of the ROM have in every process.
    fn beside_image(&self, region: &Region) -> Option<Located> {
        let is_rest = region.state == RegionState::Reserved && region.kind == Some(RegionKind::Image);
        self.process.home.filter(|_| is_rest)?;
        let owner = region.allocation_base.and_then(|base| self.images.module_at(base));
        let (area, finding) = match owner.map(Module::name) {
            Some(name) => (format!("kept for {name}"), format!("{name} was given whole blocks of 64 KB")),
            None => ("kept for DLLs".to_owned(), "no module that is loaded here has these addresses".to_owned()),
        };
        let step = Step::new(finding, region.source.clone());
        Some(Located { usage: Usage::System { area }, range: region.range, step })
    }

    /// Heaps of the 32-bit side of a WOW64 process.
    fn heap32(&self, va: Va, region: &Region) -> Option<HeapProof> {
        self.process.peb32?;
        heaps::prove(self.space, PointerWidth::Bits32, va, region, self.heaps())
    }

    /// The heaps that both environment blocks list, sorted.
    fn heaps(&self) -> &[Va] {
        self.heaps.get_or_init(|| {
            let native = self.process.peb.map(|peb| heaps::listed(self.space, self.process.width, peb));
            let emulated = self.process.peb32.map(|peb| heaps::listed(self.space, PointerWidth::Bits32, peb));
            let mut heaps: Vec<Va> = native.into_iter().chain(emulated).flatten().collect();
            heaps.sort_unstable();
            heaps
        })
    }
}

/// The environment blocks and stacks that the process's threads name.
fn spans(target: &dyn Target, process: &Process, space: &dyn AddressSpace) -> Vec<Span> {
    let shared = process.layout.filter(|layout| is_nt(layout.name)).and_then(|layout| {
        let usage = Usage::SharedUserData;
        let step = Step::new("the kernel maps the shared user page here in every process", Source::Layout(layout.name));
        Some(Span { range: VaRange::sized(SHARED_USER_DATA, PAGE)?, claim: Claim::Environment(usage), step })
    });
    let emulated = process.threads.iter().flat_map(|thread| thread.sides.get(1)).map(|side| side.machine).next();
    let native = process.threads.iter().flat_map(|thread| thread.sides.first()).map(|side| side.machine).next();
    let pebs = [(process.peb, native), (process.peb32, emulated)].into_iter().filter_map(|(peb, machine)| {
        let claim = Claim::Environment(Usage::Peb { machine: machine? });
        let step = Step::new("the threads' TEBs point at the PEB here", Source::Memory(peb?));
        Some(Span { range: VaRange::sized(peb?, PAGE)?, claim, step })
    });
    let sides = || process.threads.iter().flat_map(|thread| thread.sides.iter().map(move |side| (thread.id, side)));
    // Writers on other systems put the thread's local storage in the field of the TEB.
    let has_tebs = target.host().is_none_or(|host| matches!(host.os, OsFamily::Windows | OsFamily::WindowsCe));
    let tebs = sides().filter(|_| has_tebs).filter_map(|(thread, side)| teb(thread, side));
    let stacks = sides().filter_map(|(thread, side)| stack(thread, side, space));
    shared.into_iter().chain(pebs).chain(tebs).chain(stacks).collect()
}

fn is_nt(layout: LayoutName) -> bool {
    use LayoutName::{Nt32, Nt32Pae, Nt32ThreeGb, Nt64, Wow64};
    matches!(layout, Nt32 | Nt32Pae | Nt32ThreeGb | Nt64 | Wow64)
}

/// A 32-bit TEB fills one page, a 64-bit one (0x1838 bytes) two.
fn teb(thread: ThreadId, side: &Side) -> Option<Span> {
    let size = match side.machine.width() {
        Some(PointerWidth::Bits64) => 2 * PAGE,
        _ => PAGE,
    };
    let usage = Usage::Teb { thread, machine: side.machine };
    let step = Step::new(format!("thread {thread} names this as its TEB"), Source::Stream("ThreadListStream"));
    Some(Span { range: VaRange::sized(side.teb?, size)?, claim: Claim::Environment(usage), step })
}

/// The stack from the lowest reserved address to the base; without a TEB, the allocation that the stack
/// pointer lies in; without that, what was captured of it.
fn stack(thread: ThreadId, side: &Side, space: &dyn AddressSpace) -> Option<Span> {
    let sp = side.registers.as_ref().map(|registers| registers.sp);
    let extent = &side.stack;
    let by_teb = extent.base.and_then(|base| {
        let range = VaRange::new(extent.reserve.or(extent.limit)?, base.checked_sub(1)?)?;
        // The lowest page of a program's stack is never committed; a kernel stack is there as a whole.
        let is_kernel = extent.limit.is_some() && extent.limit == extent.reserve;
        let step = match side.teb {
            _ if is_kernel => {
                Step::new(format!("bounds of the kernel stack of thread {thread}"), Source::Deduced("its ETHREAD"))
            }
            Some(teb) => Step::new(format!("stack bounds in the TEB of thread {thread}"), Source::Memory(teb)),
            None => Step::new(format!("stack bounds of thread {thread}"), Source::Stream("ThreadListStream")),
        };
        Some((range, step))
    });
    let by_region = || {
        let top = extent.captured.map(VaRange::last).or(sp)?;
        let region = space.region(top);
        let holds_stack = region.state == RegionState::Committed && region.kind == Some(RegionKind::Private);
        let range = VaRange::new(region.allocation_base.filter(|_| holds_stack)?, region.range.last())?;
        let finding = format!("the stack pointer of thread {thread} lies in this allocation");
        Some((range, Step::new(finding, Source::Stream("ThreadListStream"))))
    };
    let by_capture = || {
        let finding = format!("named as the stack memory of thread {thread}");
        Some((extent.captured?, Step::new(finding, Source::Stream("ThreadListStream"))))
    };
    let (range, step) = by_teb.or_else(by_region).or_else(by_capture)?;
    Some(Span { range, claim: Claim::Stack { thread, machine: side.machine, sp }, step })
}

/// Which part of a stack `va` is, and how far that part reaches.
fn stack_part(va: Va, sp: Option<Va>, stack: VaRange, region: &Region) -> (StackPart, VaRange) {
    let within = |range: Option<VaRange>| range.and_then(|range| range.intersection(stack)).unwrap_or(stack);
    let sp = sp.filter(|sp| stack.contains(*sp));
    if let Some(sp) = sp.filter(|sp| va >= *sp) {
        return (StackPart::Used, within(VaRange::new(sp, stack.last())));
    }
    let part = match region.state {
        RegionState::Reserved => StackPart::Reserve,
        _ if region.protection.is_some_and(|protection| protection.is_guard()) => StackPart::Guard,
        _ if sp.is_some() => StackPart::BelowTop,
        _ => StackPart::Committed,
    };
    let below_sp = sp.and_then(|sp| VaRange::new(stack.first(), sp.checked_sub(1)?)).unwrap_or(stack);
    (part, within(below_sp.intersection(region.range)))
}

/// The use as far as the region alone tells it.
fn by_region(region: &Region) -> Located {
    let usage = match (region.state, region.kind) {
        (RegionState::Free, _) => Usage::Free,
        (RegionState::Unknown, _) => Usage::Unknown,
        (_, Some(RegionKind::Mapped)) => Usage::Mapped,
        (_, Some(RegionKind::Private)) => Usage::Private,
        (_, Some(RegionKind::Image)) => Usage::Image { module: "an unlisted image".to_owned(), section: None },
        (_, None) => Usage::Unknown,
    };
    let finding = match &usage {
        Usage::Free => "nobody asked for these addresses".to_owned(),
        Usage::Unknown => "nothing says what these addresses are used for".to_owned(),
        _ => format!("the region is {}, and no module, stack or heap claims it", region.state),
    };
    Located { usage, range: region.range, step: Step::new(finding, region.source.clone()) }
}
