//! Which modules of the user's list contain an address, in any form that the slot rule allows.

use super::{Confidence, Likely, LikelyKind, Place, PlaceFacts};
use crate::{
    area::{AreaKind, Owner},
    ce::slot::{Slot, slot_of, zero_based},
    module_list::ListedModule,
};
use vatlas_space::{Source, VaRange};

/// Which part of a module it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Part {
    /// The image, from its base on.
    Image,
    /// Writable data that lie apart from the image.
    Data,
}

/// A module of the list that contains the address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedHit {
    /// Name of the module.
    pub module: String,
    /// Image or data.
    pub part: Part,
    /// Bytes from the start of the part.
    pub offset: u64,
    /// What must hold for it; `None` when the address alone decides.
    pub condition: Option<String>,
}

/// How a range of the list relates to an address.
enum Match {
    Always(u64),
    If(u64, String),
}

pub(super) fn add(place: &mut Place, facts: &PlaceFacts) {
    for module in &facts.list.modules {
        for (part, range) in [(Part::Image, Some(module.image)), (Part::Data, module.data)] {
            let found = range.and_then(|range| relate(place, module, range, facts));
            let (offset, condition) = match found {
                Some(Match::Always(offset)) => (offset, None),
                Some(Match::If(offset, condition)) => (offset, Some(condition)),
                None => continue,
            };
            let hit = ListedHit { module: module.name.clone(), part, offset, condition };
            place.likely.push(likely(place, module, &hit));
            place.listed.push(hit);
        }
    }
}

fn relate(place: &Place, module: &ListedModule, range: VaRange, facts: &PlaceFacts) -> Option<Match> {
    let owner = if place.choice.name.has_slots() { slot_of(range.first())? } else { Slot::NK };
    if owner != Slot::ZERO && owner.process().is_none() {
        return range.offset_of(place.va).map(Match::Always);
    }
    // The list may write either form; the slot-0 form is what both have in common.
    let slot = slot_of(place.va).filter(|slot| *slot == Slot::ZERO || slot.process().is_some())?;
    let offset = zero_range(range)?.offset_of(zero_based(place.va))?;
    let lives_in = if owner == Slot::ZERO {
        module.process.as_deref().and_then(|name| facts.list.slot_of(name))
    } else {
        Some(owner)
    };
    let looked_at = if slot == Slot::ZERO { facts.process } else { Some(slot) };
    match (lives_in, looked_at) {
        (Some(home), Some(here)) => (home == here).then_some(Match::Always(offset)),
        (Some(home), None) => Some(Match::If(offset, format!("if the process in slot {home} is the one that runs"))),
        (None, _) => Some(unbound(module, offset)),
    }
}

/// A range in slot-0 form whose process the list does not tell.
fn unbound(module: &ListedModule, offset: u64) -> Match {
    match &module.process {
        Some(process) => Match::If(offset, format!("if this is process {process}")),
        None if module.is_exe() => Match::If(offset, format!("if this is the process of {}", module.name)),
        // A DLL keeps its addresses free in every process, so nothing else can be here.
        None => Match::Always(offset),
    }
}

/// The range in slot-0 form; `None` when it does not stay in one slot.
fn zero_range(range: VaRange) -> Option<VaRange> {
    let same = slot_of(range.first())? == slot_of(range.last())?;
    if same { VaRange::new(zero_based(range.first()), zero_based(range.last())) } else { None }
}

fn likely(place: &Place, module: &ListedModule, hit: &ListedHit) -> Likely {
    let offset = hit.offset;
    let place_in_module = match hit.part {
        Part::Image => format!("{} + {offset:X}", module.name),
        Part::Data => format!("data of {} + {offset:X}", module.name),
    };
    let (confidence, because) = match &hit.condition {
        None => (Confidence::Certain, format!("{place_in_module}, as the module list says")),
        Some(condition) => (Confidence::Possible, format!("{place_in_module}, as the module list says, {condition}")),
    };
    Likely {
        kind: kind(place.area.kind, module, hit.part),
        confidence,
        because: because.into(),
        source: Source::User,
        support: &[],
    }
}

fn kind(area: AreaKind, module: &ListedModule, part: Part) -> LikelyKind {
    match (area, part) {
        (_, Part::Data) => LikelyKind::RomDllData,
        (AreaKind::RomDllCode, _) => LikelyKind::RomDllCode,
        (AreaKind::ResourceDlls, _) => LikelyKind::ResourceDll,
        _ if area.owner() == Owner::Kernel => LikelyKind::Kernel,
        _ if module.is_exe() => LikelyKind::ExeCodeOrData,
        _ => LikelyKind::Dll,
    }
}
