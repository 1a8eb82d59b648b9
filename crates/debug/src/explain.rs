//! The whole answer about one address, with the steps that led to it.

use crate::{
    ce_place::{CePlace, ce_place},
    location::Location,
    looks::{Look, is_executable, looks},
    symbol_provider::{NoSymbols, SymbolProvider},
    symbolize::{SymbolAnswer, Symbolizer},
    system_page::{SystemPage, system_page},
    usage::Usage,
    usage_index::UsageIndex,
};
use std::collections::BTreeMap;
use vatlas_rules::{AreaKind, ListedProcess, ModuleList, Place, PlaceFacts, ce::slot::slot_of, place_in, value_look};
use vatlas_space::{
    Backing, FileOffset, Machine, Module, Pa, PointerWidth, Process, Region, RegionState, Register, Rva, Severity,
    Source, Step, Store, StreamEntry, Target, ThreadId, UnloadedModule, Va, VaRange,
};

/// Where an address lies in a loaded image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModulePlace {
    /// The module.
    pub module: Module,
    /// Bytes from its base.
    pub offset: u64,
    /// Section and bytes from its front, where the sections are known.
    pub section: Option<(String, u64)>,
}

/// A register that holds the address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegisterHolder {
    /// Whose register.
    pub thread: ThreadId,
    /// Which side of a WOW64 thread, or the only one.
    pub machine: Machine,
    /// Its name.
    pub register: &'static str,
    /// Whether it is the state at the exception rather than that of the thread list.
    pub at_exception: bool,
}

/// What lies next to an address that nobody uses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Neighbour {
    /// Its addresses.
    pub range: VaRange,
    /// Its use.
    pub usage: Usage,
    /// Bytes between it and the address.
    pub distance: u64,
    /// Whether it lies below the address.
    pub is_below: bool,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The address.
    pub va: Va,
    /// Bits of the process's pointers.
    pub width: PointerWidth,
    /// What the layout says, where there is one.
    pub place: Option<Place>,
    /// The region around it.
    pub region: Region,
    /// What holds its bytes.
    pub backing: Backing,
    /// What it is used for.
    pub usage: Usage,
    /// The addresses around it that have the same use.
    pub usage_range: VaRange,
    /// Where it lies in a loaded image.
    pub module: Option<ModulePlace>,
    /// What Windows CE with slots says of it.
    pub ce: Option<CePlace>,
    /// What a whole system knows of its page.
    pub system: Option<SystemPage>,
    /// What the module's symbols say, where there are any.
    pub symbol: Option<SymbolAnswer>,
    /// Names of the other addresses in this answer: where pointers point, what is called.
    pub names: BTreeMap<Va, String>,
    /// Images that were here earlier, latest last; only where none is now.
    pub unloaded: Vec<UnloadedModule>,
    /// What the bytes there look like.
    pub looks: Vec<Look>,
    /// How many bytes could be looked at.
    pub looked_at: usize,
    /// Registers that hold exactly this address.
    pub holders: Vec<RegisterHolder>,
    /// What lies next to it, when nobody uses it.
    pub neighbours: Vec<Neighbour>,
    /// What the number itself looks like, when it looks like something other than an address.
    pub number: Vec<String>,
    /// What is not known, and why.
    pub unknown: Vec<String>,
    /// How all this was found, in order.
    pub steps: Vec<Step>,
}

/// Names of the instruction pointer.
const PROGRAM_COUNTERS: [&str; 3] = ["eip", "rip", "pc"];

/// Registers that hold no addresses.
const NO_ADDRESSES: [&str; 8] = ["efl", "cpsr", "cs", "ss", "ds", "es", "fs", "gs"];

/// Explains an address of the process that `index` is of, without symbols.
pub fn explain(target: &dyn Target, index: &UsageIndex<'_>, location: &Location) -> Explanation {
    explain_named(target, index, location, &NoSymbols)
}

/// Explains an address of the process that `index` is of, and names what has a name.
pub fn explain_named(
    target: &dyn Target,
    index: &UsageIndex<'_>,
    location: &Location,
    symbols: &dyn SymbolProvider,
) -> Explanation {
    let va = location.va;
    let process = index.process();
    let region = index.space().region(va);
    let backing = index.space().backing(va);
    let located = index.in_region(va, &region);
    let machine = machine_at(target, index, va);
    let holders = holders(target, index, va);
    let is_code =
        is_executable(index, va, &region) || holders.iter().any(|holder| PROGRAM_COUNTERS.contains(&holder.register));
    let (looks, looked_at) = looks(index, va, machine, is_code);
    let facts = place_facts(target, index, machine);
    let place = index.layout().map(|layout| place_in(layout, va, &facts));
    let place = place.filter(|place| index.is_established(place.area.kind)).map(|place| forms(index, place));
    let mut explanation = Explanation {
        va,
        width: process.width,
        module: module_place(index, va),
        ce: place.as_ref().and_then(|place| ce_place(target, index.process_index(), place)),
        system: system_page(target, index.process_index(), va),
        symbol: None,
        names: BTreeMap::new(),
        unloaded: unloaded(index, va),
        holders,
        neighbours: neighbours(index, &region, va),
        number: number(va, process.width),
        unknown: Vec::new(),
        steps: location.steps.clone(),
        usage: located.usage,
        usage_range: located.range,
        place,
        region,
        backing,
        looks,
        looked_at,
    };
    add_steps(target, &mut explanation, located.step);
    add_names(&mut explanation, &Symbolizer::new(symbols, target, process));
    add_unknown(target, index, &mut explanation);
    explanation
}

/// What is known of the device besides the address: on Windows CE which process lives in which slot.
fn place_facts(target: &dyn Target, index: &UsageIndex<'_>, machine: Machine) -> PlaceFacts {
    let slot = |process: &Process| process.home.and_then(|home| slot_of(home.base));
    let listed = target.processes().iter().filter_map(|process| {
        let slot = slot(process).filter(|slot| slot.process().is_some())?;
        Some(ListedProcess { name: process.name.clone().unwrap_or_default(), slot })
    });
    let list = ModuleList { processes: listed.collect(), ..ModuleList::default() };
    PlaceFacts { list, process: slot(index.process()), machine: Some(machine) }
}

/// The place without the page-table entries of a processor whose tables no rule here describes.
fn forms(index: &UsageIndex<'_>, mut place: Place) -> Place {
    if !index.is_established(AreaKind::PageTables) {
        place.other_forms.retain(|form| form.form.is_same_byte());
    }
    place
}

/// The processor that runs the code at `va`: x86 in the lower half of a WOW64 process.
fn machine_at(target: &dyn Target, index: &UsageIndex<'_>, va: Va) -> Machine {
    let native = target.host().map_or(Machine::Other(0), |host| host.machine);
    let emulated = index.process().threads.iter().find_map(|thread| thread.sides.get(1)).map(|side| side.machine);
    // The 64-bit system DLLs of a WOW64 process may lie low too; their path tells them.
    let is_system64 = index.module_at(va).is_some_and(|module| {
        let path = module.path.to_ascii_lowercase();
        path.contains("\\system32\\") || path.contains("\\sysnative\\")
    });
    match emulated {
        Some(machine) if va <= PointerWidth::Bits32.last() && !is_system64 => machine,
        _ => native,
    }
}

/// Text or a fill pattern that was taken for a pointer.
fn number(va: Va, width: PointerWidth) -> Vec<String> {
    let text = value_look::text_in(va, width).map(|text| {
        format!("its bytes in memory order read as the text {text:?}: perhaps data that was taken for a pointer")
    });
    let pattern = value_look::fill_pattern(va, width).map(|(meaning, above)| match above {
        0 => format!("a value that memory is filled with: {meaning}"),
        above => format!("{above:#x} above a value that memory is filled with: {meaning}"),
    });
    text.into_iter().chain(pattern).collect()
}

fn module_place(index: &UsageIndex<'_>, va: Va) -> Option<ModulePlace> {
    let (module, offset) = index.module_offset(va)?;
    let va = index.own_form(va);
    let section = index.sections_at(va).and_then(|table| {
        let section = table.sections.iter().find(|section| section.range.contains(va))?;
        Some((section.name.clone(), section.range.offset_of(va)?))
    });
    Some(ModulePlace { offset, section, module: module.clone() })
}

fn unloaded(index: &UsageIndex<'_>, va: Va) -> Vec<UnloadedModule> {
    if index.module_at(va).is_some() {
        return Vec::new();
    }
    index.process().unloaded.iter().filter(|module| module.range.contains(va)).cloned().collect()
}

fn holders(target: &dyn Target, index: &UsageIndex<'_>, va: Va) -> Vec<RegisterHolder> {
    let exception = target.exception().filter(|exception| {
        let threads = &index.process().threads;
        threads.is_empty() || threads.iter().any(|thread| thread.id == exception.thread)
    });
    let at_exception = exception.and_then(|exception| Some((exception.thread, exception.registers.as_ref()?, true)));
    let of_threads =
        index.process().threads.iter().flat_map(|thread| {
            thread.sides.iter().filter_map(|side| Some((thread.id, side.registers.as_ref()?, false)))
        });
    // The exception's registers stand for those of its thread on the same side.
    let replaced =
        |thread, machine| at_exception.is_some_and(|(id, registers, _)| id == thread && registers.machine == machine);
    let of_threads = of_threads.filter(|(thread, registers, _)| !replaced(*thread, registers.machine));
    at_exception
        .into_iter()
        .chain(of_threads)
        .flat_map(|(thread, registers, at_exception)| {
            let machine = registers.machine;
            let is_held = move |register: &&Register| register.value == va.0 && !NO_ADDRESSES.contains(&register.name);
            let holding = registers.general.iter().filter(is_held);
            holding.map(move |register| RegisterHolder { thread, machine, register: register.name, at_exception })
        })
        .collect()
}

/// The used ranges on both sides of an unused one.
fn neighbours(index: &UsageIndex<'_>, region: &Region, va: Va) -> Vec<Neighbour> {
    if !matches!(region.state, RegionState::Free | RegionState::Unknown) {
        return Vec::new();
    }
    let look = |at: Option<Va>, is_below: bool| {
        let at = at?;
        let located = index.at(at);
        if matches!(located.usage, Usage::Free | Usage::Unknown | Usage::System { .. }) {
            return None;
        }
        let distance = if is_below { va.0 - at.0 } else { at.0 - va.0 };
        Some(Neighbour { range: located.range, usage: located.usage, distance, is_below })
    };
    let below = look(region.range.first().checked_sub(1), true);
    let above = look(region.range.next(), false);
    below.into_iter().chain(above).collect()
}

/// Names of the address, and of those that its bytes lead to.
fn add_names(explanation: &mut Explanation, symbolizer: &Symbolizer<'_>) {
    explanation.symbol = symbolizer.at(explanation.va);
    explanation.steps.extend(explanation.symbol.iter().flat_map(|symbol| symbol.steps.iter().cloned()));
    let mentioned = explanation.looks.iter().flat_map(|look| match look {
        Look::Code { instructions } => instructions.iter().filter_map(|instruction| instruction.goes_to).collect(),
        Look::Pointer { to, .. } => vec![*to],
        Look::CodePointers { first, .. } => first.iter().map(|(to, _)| *to).collect(),
        _ => Vec::new(),
    });
    let named = mentioned.filter_map(|va| Some((va, symbolizer.text(va)?)));
    explanation.names = named.collect();
}

fn add_steps(target: &dyn Target, explanation: &mut Explanation, usage: Step) {
    let is_image_file = target.kind().format == "PE";
    let file = explanation.module.as_ref().map(|place| place.module.name().to_owned()).unwrap_or_default();
    let va = explanation.va;
    let mut steps = Vec::new();
    if let Some(place) = &explanation.place {
        let area = &place.area;
        steps.push(Step::new(
            format!("{va} lies in the area '{}' ({}): {}", area.name, area.range, area.purpose),
            Source::Layout(place.choice.name),
        ));
    }
    let region = &explanation.region;
    let kind = region.kind.map(|kind| format!(", {kind}")).unwrap_or_default();
    let protection = region.protection.map(|protection| format!(", {protection}")).unwrap_or_default();
    steps.push(Step::new(
        format!("the region {} is {}{kind}{protection}", region.range, region.state),
        region.source.clone(),
    ));
    // What the area is for was said above.
    if !matches!(explanation.usage, Usage::System { .. }) {
        steps.push(usage);
    }
    let held = match &explanation.backing.store {
        Store::Captured(_) if is_image_file => Source::ImageFile { name: file },
        Store::ImageFile { name, .. } | Store::OnDemand { name, .. } => Source::ImageFile { name: name.clone() },
        Store::Captured(_) if target.kind().format == "rom" => Source::Stream("ROM image"),
        Store::Captured(_) => Source::Stream("memory list"),
        _ => region.source.clone(),
    };
    steps.push(Step::new(format!("its bytes: {}", store_at(&explanation.backing, va)), held));
    steps.extend(explanation.system.iter().flat_map(|system| system.page.steps.iter().cloned()));
    explanation.steps.extend(steps);
}

/// The store of a backing, with the file offset of `va` instead of that of the first byte.
fn store_at(backing: &Backing, va: Va) -> Store {
    let skipped = backing.range.offset_of(va).unwrap_or(0);
    match &backing.store {
        Store::Captured(offset) => Store::Captured(FileOffset(offset.0 + skipped)),
        Store::ImageFile { name, offset } => {
            Store::ImageFile { name: name.clone(), offset: FileOffset(offset.0 + skipped) }
        }
        Store::OnDemand { name, rva } => {
            Store::OnDemand { name: name.clone(), rva: Rva(rva.0.saturating_add(skipped as u32)) }
        }
        Store::Frame(pa) => Store::Frame(Pa(pa.0 + skipped)),
        Store::PageFile { file, offset } => Store::PageFile { file: *file, offset: FileOffset(offset.0 + skipped) },
        other => other.clone(),
    }
}

fn add_unknown(target: &dyn Target, index: &UsageIndex<'_>, explanation: &mut Explanation) {
    let mut unknown = Vec::new();
    if explanation.place.is_none() {
        let why = match (index.layout(), target.host()) {
            (Some(layout), Some(host)) => format!("layout {} does not say it for {}", layout.name, host.machine),
            (None, Some(host)) => format!("vatlas has no layout for {}", host.os),
            (_, None) => "the system is not known".to_owned(),
        };
        unknown.push(format!("what the area is for: {why}"));
    }
    // No memory can be where the processor accepts no address: nothing is missing.
    let can_be = explanation.place.as_ref().is_none_or(|place| place.area.kind != AreaKind::NonCanonical);
    if explanation.region.state == RegionState::Unknown && can_be {
        unknown.push(
            "state, protection and type: the target does not list its regions here, and nothing else tells".to_owned(),
        );
    } else if explanation.region.state == RegionState::Committed && explanation.region.protection.is_none() {
        let is_listed = |stream: &StreamEntry| stream.name == Some("MemoryInfoListStream");
        let has_list = target.kind().streams.iter().any(is_listed);
        let why = match has_list {
            true => "the dump's MemoryInfoListStream does not tell it",
            false if target.ce().is_some() => "dumps of Windows CE do not tell it",
            false => "the dump has no MemoryInfoListStream",
        };
        unknown.push(format!("the protection: {why}"));
    }
    match explanation.backing.store {
        Store::NotCaptured => unknown.push(match &explanation.module {
            Some(place) => format!(
                "the bytes: they were in memory but are not in the dump; --images with the folder of {} may add them",
                place.module.name()
            ),
            None => "the bytes: they were in memory but are not in the dump".to_owned(),
        }),
        Store::Unknown if can_be && explanation.ce.as_ref().is_none_or(|ce| ce.api_call.is_none()) => {
            unknown.push("the bytes: they are not in the dump".to_owned());
        }
        _ => {}
    }
    if explanation.module.is_some() && index.sections_at(explanation.va).is_none() {
        unknown.push("the section: the module's header is not in the dump".to_owned());
    }
    if explanation.usage == Usage::Private && index.process().peb.is_some() && !index.heap_list_is_known() {
        unknown.push("whether it is a heap: the process's list of heaps is not in the dump".to_owned());
    }
    let damaged = target.problems().iter().filter(|problem| problem.severity == Severity::Damage).count();
    if damaged > 0 {
        let parts = if damaged == 1 { "part" } else { "parts" };
        unknown
            .push(format!("what {damaged} unreadable {parts} of the file would have said ('vatlas info' lists them)"));
    }
    explanation.unknown = unknown;
}
