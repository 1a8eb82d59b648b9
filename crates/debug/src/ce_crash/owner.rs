//! Whose crash it is: the process named, and up to CE 5 its slot, from the access key and the addresses.

use super::{TEXT, va};
use vatlas_rules::{
    ModuleList,
    ce::{
        exception::CeException,
        slot::{self, ProcessNumber, Slot},
    },
};
use vatlas_space::{CrashText, LayoutName, PrintedModule, Source, Step};

/// The process of a crash.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Owner {
    /// The process whose code ran, as printed. Up to CE 5 a thread that calls a server runs in the server.
    pub name: Option<String>,
    /// The process whose user memory was mapped (CE 6 and 7), when it is another one.
    pub vm_active: Option<String>,
    /// Its slot (up to CE 5).
    pub slot: Option<Slot>,
    /// The thread's access mask.
    pub access_key: Option<u32>,
    /// Processes that the mask opens, without the kernel.
    pub opened: Vec<ProcessNumber>,
}

/// Finds it.
pub(super) fn find(
    crash: &CrashText,
    layout: LayoutName,
    exception: CeException,
    list: &ModuleList,
    steps: &mut Vec<Step>,
) -> Owner {
    let name = crash.process().map(str::to_owned);
    let vm_active = crash
        .field("VM-active")
        .and_then(|field| field.process.clone())
        .filter(|active| name.as_ref().is_none_or(|name| !name.eq_ignore_ascii_case(active)));
    let access_key = crash.value("AKY");
    let mut owner = Owner { name, vm_active, slot: None, access_key, opened: Vec::new() };
    if let Some(active) = &owner.vm_active {
        let runs = owner.name.as_deref().unwrap_or("another process");
        steps.push(Step::new(format!("code of {runs} ran while the memory of {active} was mapped"), TEXT));
    }
    if !layout.has_slots() {
        return owner;
    }
    if let Some(mask) = access_key {
        owner.opened = slot::processes_of(mask).filter(|process| *process != ProcessNumber::KERNEL).collect();
    }
    owner.slot = the_slot(crash, layout, exception, &owner, list, steps);
    owner
}

/// The slot of the process: an address of its EXE shows it; else the only bit of the mask; else an address in one of the
/// slots that the mask opens; else the user's list.
fn the_slot(
    crash: &CrashText,
    layout: LayoutName,
    exception: CeException,
    owner: &Owner,
    list: &ModuleList,
    steps: &mut Vec<Step>,
) -> Option<Slot> {
    if let Some((slot, finding)) = by_exe(crash, owner) {
        steps.push(Step::new(finding, TEXT));
        return Some(slot);
    }
    let mask = owner.access_key.unwrap_or_default();
    let by_mask = Source::Layout(layout);
    let slots: Vec<Slot> = owner.opened.iter().filter_map(|process| process.slot()).collect();
    if let [only] = slots[..] {
        let number = only.number() - 1;
        let finding = format!(
            "AKY {mask:08x} has, beside the kernel's, only the bit of process number {number}: slot {only} at {}",
            only.base()
        );
        steps.push(Step::new(finding, by_mask));
        return Some(only);
    }
    let listed = owner.name.as_deref().and_then(|name| list.slot_of(name));
    if let Some(slot) = listed {
        steps.push(Step::new(format!("the process lives in slot {slot} at {}", slot.base()), Source::User));
        return Some(slot);
    }
    let names: &[&str] = if exception.has_bad_address() { &["BVA", "RA"] } else { &["RA"] };
    let found = names.iter().find_map(|name| {
        let slot = slot::slot_of(va(crash.value(name)?)).filter(|slot| slots.contains(slot))?;
        Some((*name, slot))
    });
    if let Some((name, slot)) = found {
        let finding = format!("of the slots that AKY {mask:08x} opens, {name} lies in slot {slot} at {}", slot.base());
        steps.push(Step::new(finding, by_mask));
        return Some(slot);
    }
    if !slots.is_empty() {
        let slots: Vec<String> = slots.iter().map(Slot::to_string).collect();
        let finding = format!(
            "AKY {mask:08x} opens slots {}: one is the process's own, the others are of servers that it calls",
            slots.join(", ")
        );
        steps.push(Step::new(finding, by_mask));
    }
    None
}

/// The slot in which PC or RA shows the process's own EXE.
fn by_exe(crash: &CrashText, owner: &Owner) -> Option<(Slot, String)> {
    let name = owner.name.as_deref()?;
    ["PC", "RA"].into_iter().find_map(|register| {
        let field = crash.field(register)?;
        let Some(PrintedModule::Inside { module, offset }) = &field.module else { return None };
        let slot = slot::slot_of(va(field.value)).filter(|slot| slot.process().is_some())?;
        let base = field.value.checked_sub(*offset)?;
        let finding = format!("{register} is {module}+{offset:#x}, so its EXE is at {base:08x}: slot {slot}");
        module.eq_ignore_ascii_case(name).then_some((slot, finding))
    })
}
