//! What Windows CE adds to an address: whose slot it is, its other form, the field of the kernel data page, the API call.

use crate::process_choice::owner_of;
use std::collections::HashSet;
use vatlas_rules::{
    Place,
    ce::{
        api_call::ApiCall,
        kdata::{self, KDATA_SIZE, KDataField},
        slot::{self, Slot},
    },
};
use vatlas_space::{AddressSpace, Process, ProcessIndex, SlotHome, Target, ThreadId, Va};

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CePlace {
    /// Whose slot it is; of slot 0 that of the process that is asked.
    pub owner: Option<SlotOwner>,
    /// Bytes from the front of the slot.
    pub offset: u32,
    /// The slot-0 form of an address in a process's slot.
    pub slot_zero: Option<Va>,
    /// The slot form of an address of slot 0.
    pub slot_form: Option<Va>,
    /// Bytes above a null pointer.
    pub null_offset: Option<u64>,
    /// Threads of other processes that may touch it, by their access masks.
    pub visitors: Vec<ThreadId>,
    /// The field of the kernel data page, and its value.
    pub kdata: Option<(KDataField, Option<u32>)>,
    /// The API call that the address stands for.
    pub api_call: Option<ApiCall>,
}

/// The process that a slot belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotOwner {
    /// The process.
    pub process: ProcessIndex,
    /// Its name.
    pub name: String,
    /// Its slot.
    pub home: SlotHome,
}

/// What Windows CE with slots says of an address that a layout has placed; `None` for processes without a slot.
pub(crate) fn ce_place(target: &dyn Target, process: ProcessIndex, place: &Place) -> Option<CePlace> {
    let asked = target.processes().get(process.0)?;
    let home = asked.home?;
    let (va, slot) = (place.va, slot::slot_of(place.va)?);
    let is_private = slot == Slot::ZERO || slot.process().is_some() || slot == Slot::NK;
    let owner = if slot == Slot::ZERO { Some(process) } else { owner_of(target, va) };
    let owner = owner.filter(|_| is_private).and_then(|index| slot_owner(target, index));
    let kdata = place.kdata.clone().map(|field| {
        let value = va.checked_sub(field.offset).and_then(|first| target.space(process)?.read_u32(first).ok());
        (field, value)
    });
    Some(CePlace {
        offset: slot::offset_of(va),
        slot_zero: owner.as_ref().map(|owner| owner.home.slot_zero_form(va)).filter(|form| *form != va),
        slot_form: Some(home.slot_form(va)).filter(|form| *form != va && kdata.is_none()),
        null_offset: place.null_offset.filter(|_| kdata.is_none()),
        visitors: owner.as_ref().map(|owner| visitors(target, owner)).unwrap_or_default(),
        owner: owner.filter(|_| kdata.is_none()),
        kdata,
        api_call: place.api_call,
    })
}

fn slot_owner(target: &dyn Target, process: ProcessIndex) -> Option<SlotOwner> {
    let found = target.processes().get(process.0)?;
    Some(SlotOwner { process, name: found.name.clone().unwrap_or_default(), home: found.home? })
}

/// Threads of other processes whose access masks have the owner's bit: they are in a call into it, as a rule.
fn visitors(target: &dyn Target, owner: &SlotOwner) -> Vec<ThreadId> {
    if owner.home.number == 0 {
        // The kernel's bit is set in most masks.
        return Vec::new();
    }
    let others = target.processes().iter().enumerate().filter(|(index, _)| *index != owner.process.0);
    let threads = others.flat_map(|(_, process)| &process.threads);
    let may = threads.filter(|thread| thread.ce.is_some_and(|ce| ce.access_mask & owner.home.access_key != 0));
    may.map(|thread| thread.id).collect()
}

/// A word of the kernel data page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KDataWord {
    /// Its address.
    pub va: Va,
    /// Its field.
    pub field: KDataField,
    /// Its value.
    pub value: u32,
    /// What the value is, where the target tells: the name of a process, a slot.
    pub is: Option<String>,
}

/// The captured words of the kernel data page that have a name, without empty entries of arrays.
pub fn kdata_words(target: &dyn Target) -> Vec<KDataWord> {
    let Some(base) = target.ce().and_then(|ce| ce.kdata) else { return Vec::new() };
    let Some(space) = target.space(target.current()) else { return Vec::new() };
    let unused = unused_section(target).unwrap_or(0);
    let words = (0..KDATA_SIZE / 4).filter_map(|index| {
        let va = base.checked_add(index * 4)?;
        let field = kdata::field_at(base, va)?;
        let value = space.read_u32(va).ok()?;
        let is_entry = field.name.ends_with(']');
        let is_empty = value == 0 || (field.name.starts_with("aSections") && value == unused);
        (!is_entry || !is_empty).then(|| KDataWord { va, is: value_words(target, space, &field, value), field, value })
    });
    words.collect()
}

/// What a value of a field is.
fn value_words(target: &dyn Target, space: &dyn AddressSpace, field: &KDataField, value: u32) -> Option<String> {
    let name = |process: &Process| process.name.clone().unwrap_or_default();
    let by_handle = target.processes().iter().find(|process| process.id.is_some_and(|id| id.0 == value && value != 0));
    match field.name.as_str() {
        "ahSys[1]" => {
            let owner = target.processes().iter().find(|process| process.thread(ThreadId(value)).is_some())?;
            Some(format!("a thread of {}", name(owner)))
        }
        "ahSys[2]" => by_handle.map(name),
        "aSections[0]" => {
            let base = field_base(target)?;
            let same = (1..64).find(|slot| section(space, base, *slot) == Some(value))?;
            Some(format!("as slot {same}: that process runs"))
        }
        name if name.starts_with("aSections[") => {
            let slot: u8 = name.trim_start_matches("aSections[").trim_end_matches(']').parse().ok()?;
            let owner = owner_of(target, Slot::new(slot)?.base())?;
            target.processes().get(owner.0)?.name.clone()
        }
        "aInfo[15]" => Some(format!("{} minutes", value.cast_signed())),
        "aInfo[19]" => Some(format!("OEM {}, ANSI {}", value >> 16, value & 0xffff)),
        _ => None,
    }
}

fn field_base(target: &dyn Target) -> Option<Va> {
    target.ce()?.kdata
}

/// Where the block tables of slots begin in the page (`aSections`).
const SECTIONS: u64 = 0xa0;

/// The block table of a slot, 0 to 63.
fn section(space: &dyn AddressSpace, base: Va, slot: u8) -> Option<u32> {
    let va = base.checked_add(SECTIONS + 4 * u64::from(slot)).filter(|_| slot < 64)?;
    space.read_u32(va).ok()
}

/// The block table that all unused slots share: the one that most of the slots above the processes have.
fn unused_section(target: &dyn Target) -> Option<u32> {
    let (base, space) = (field_base(target)?, target.space(target.current())?);
    let all: Vec<u32> = (0..64).filter_map(|slot| section(space, base, slot)).collect();
    let count = |wanted: u32| all.iter().filter(|value| **value == wanted).count();
    all.iter().copied().max_by_key(|value| count(*value)).filter(|value| count(*value) > 2)
}

/// What is known of one slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotRow {
    /// The slot.
    pub slot: Slot,
    /// The process that lives in it; of slot 0 the one that ran.
    pub process: Option<ProcessIndex>,
    /// Its block table, as the kernel data page has it.
    pub section: Option<Va>,
    /// Whether the kernel data page says that it is used.
    pub is_used: Option<bool>,
    /// Names of the modules that lie in it, and of those whose data do.
    pub modules: Vec<String>,
    /// Bytes of it that the target holds.
    pub captured: u64,
}

/// Every slot of the user half and that of the kernel; empty for a target without slots.
pub fn slots(target: &dyn Target) -> Vec<SlotRow> {
    if target.processes().iter().all(|process| process.home.is_none()) {
        return Vec::new();
    }
    let unused = unused_section(target);
    let numbers = (0..64).chain([Slot::NK.number()]).filter_map(Slot::new);
    numbers.map(|slot| slot_row(target, slot, unused)).collect()
}

fn slot_row(target: &dyn Target, slot: Slot, unused: Option<u32>) -> SlotRow {
    let process = match slot {
        Slot::ZERO => target.ce().and_then(|ce| ce.current_process),
        slot => owner_of(target, slot.base()),
    };
    let seen_by = process.unwrap_or(target.current());
    let space = target.space(seen_by);
    let section = field_base(target).zip(space).and_then(|(base, space)| section(space, base, slot.number()));
    let captured = space.filter(|_| slot != Slot::ZERO).map_or(0, |space| captured(space, slot));
    SlotRow {
        slot,
        process,
        section: section.map(|section| Va(section.into())),
        is_used: section.filter(|_| unused.is_some()).map(|section| Some(section) != unused && section != 0),
        modules: modules(target, slot, process),
        captured,
    }
}

fn captured(space: &dyn AddressSpace, slot: Slot) -> u64 {
    let backings = space.backings_in(slot.range());
    backings.filter(|backing| backing.store.is_readable()).map(|backing| backing.range.size()).sum()
}

/// Modules of a slot: a process's own, or those that all share.
fn modules(target: &dyn Target, slot: Slot, process: Option<ProcessIndex>) -> Vec<String> {
    let lies = |process: &Process, va: Va| {
        let form = process.home.map_or(va, |home| home.slot_form(va));
        slot.range().contains(form)
    };
    let all = target.processes().iter().enumerate();
    let asked = all.filter(|(index, _)| slot.process().is_none() || process == Some(ProcessIndex(*index)));
    let mut names: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for (_, process) in asked.filter(|_| slot != Slot::ZERO) {
        for module in process.modules.iter().filter(|module| lies(process, module.range.first())) {
            if seen.insert(module.name()) {
                names.push(module.name().to_owned());
            }
        }
    }
    names
}
