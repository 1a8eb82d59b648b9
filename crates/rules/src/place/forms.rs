//! Other addresses of the same byte, and of the page-table entries that map it.

use super::{Place, PlaceFacts};
use crate::{
    area::AreaKind,
    ce::slot::{Slot, mapped, zero_based},
    nt::{self_map::self_map, user_half::SHARED_USER_DATA},
    statement::Support::{self, Arithmetic, Documented, Founding, Unverified},
};
use std::borrow::Cow;
use vatlas_space::{LayoutName, Va};

/// What sort of other address it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// Windows CE: the slot-0 form.
    SlotZero,
    /// Windows CE: the form in a process's own slot.
    InSlot(Slot),
    /// The same physical memory through the cache.
    Cached,
    /// The same physical memory past the cache.
    Uncached,
    /// The shared page as user code sees it.
    SharedDataForUser,
    /// The shared page as the kernel sees it.
    SharedDataForKernel,
    /// The page-table entry that maps the address.
    Pte,
    /// The page-directory entry that maps the page table.
    Pde,
}

impl Form {
    /// A stable word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SlotZero => "slot-0 form",
            Self::InSlot(_) => "slot form",
            Self::Cached => "cached twin",
            Self::Uncached => "uncached twin",
            Self::SharedDataForUser => "user view",
            Self::SharedDataForKernel => "kernel view",
            Self::Pte => "PTE",
            Self::Pde => "PDE",
        }
    }

    /// Whether this is the same byte; the entries that map it are other bytes.
    pub const fn is_same_byte(self) -> bool {
        !matches!(self, Self::Pte | Self::Pde)
    }
}

/// Another address that belongs to the one asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OtherForm {
    /// What sort it is.
    pub form: Form,
    /// The address.
    pub va: Va,
    /// When it is the same byte, and why.
    pub because: Cow<'static, str>,
    /// How well that is supported.
    pub support: &'static [Support],
}

/// The uncached mapping lies this much above the cached one (documented).
const UNCACHED_OFFSET: u64 = 0x2000_0000;

pub(super) fn add(place: &mut Place, facts: &PlaceFacts) {
    match place.area.kind {
        AreaKind::CurrentProcess => add_slot_forms(place, facts),
        AreaKind::ProcessSlot => add_slot_zero(place, facts),
        AreaKind::PhysicalCached => add_twin(place, Form::Uncached),
        AreaKind::PhysicalUncached => add_twin(place, Form::Cached),
        _ => {}
    }
    if place.area.kind == AreaKind::SharedUserData {
        add_shared_data(place);
    }
    add_entries(place);
}

fn push(place: &mut Place, form: Form, va: Va, because: impl Into<Cow<'static, str>>, support: &'static [Support]) {
    place.other_forms.push(OtherForm { form, va, because: because.into(), support });
}

fn add_slot_forms(place: &mut Place, facts: &PlaceFacts) {
    let va = place.va;
    if let Some(slot) = facts.process {
        let because = format!("while the process in slot {slot} runs, slot 0 shows its memory");
        push(place, Form::InSlot(slot), mapped(va, slot), because, &[Founding]);
        return;
    }
    for slot in Slot::of_processes() {
        let name = facts.list.process_in(slot).map(|process| format!(" ({})", process.name)).unwrap_or_default();
        let because = format!("if the process in slot {slot}{name} is the one that runs");
        push(place, Form::InSlot(slot), mapped(va, slot), because, &[Founding]);
    }
}

fn add_slot_zero(place: &mut Place, facts: &PlaceFacts) {
    let va = place.va;
    let because = match facts.list.process_in(Slot::new((va.0 >> 25) as u8).unwrap_or(Slot::ZERO)) {
        Some(process) => format!("while {} runs, slot 0 shows its memory", process.name),
        None => "while the process of this slot runs, slot 0 shows its memory".to_owned(),
    };
    push(place, Form::SlotZero, zero_based(va), because, &[Founding]);
}

fn add_twin(place: &mut Place, form: Form) {
    let va = match form {
        Form::Uncached => place.va.checked_add(UNCACHED_OFFSET),
        _ => place.va.checked_sub(UNCACHED_OFFSET),
    };
    let Some(va) = va else { return };
    let because = match place.choice.name {
        LayoutName::Ce7 => "physical memory is mapped twice, 20000000 apart (cached only on Compact 2013)",
        _ => "physical memory is mapped twice, 20000000 apart",
    };
    push(place, form, va, because, &[Documented]);
}

fn add_shared_data(place: &mut Place) {
    let kernel = match place.choice.name {
        LayoutName::Wow64 | LayoutName::Nt64 => 0xffff_f780_0000_0000,
        _ => 0xffdf_0000,
    };
    let offset = place.va.0 & 0xfff;
    let because = "one physical page, seen read-only by processes and writable by the kernel";
    if place.va.0 < kernel {
        push(place, Form::SharedDataForKernel, Va(kernel + offset), because, &[Unverified]);
    } else {
        push(place, Form::SharedDataForUser, Va(SHARED_USER_DATA + offset), because, &[Unverified]);
    }
}

fn add_entries(place: &mut Place) {
    let Some(map) = self_map(place.choice.name).filter(|_| place.area.kind != AreaKind::NonCanonical) else { return };
    let va = place.va;
    let random = place.choice.name.width().bytes() == 8;
    let (pte, pde): (&'static str, &'static str) = if random {
        (
            "its page-table entry, seen through the self-map; before Windows 10 1607 only, later its place is random",
            "its page-directory entry, seen through the self-map; before Windows 10 1607 only, later its place is random",
        )
    } else {
        (
            "its page-table entry, seen through the self-map, in kernel mode",
            "its page-directory entry, seen through the self-map, in kernel mode",
        )
    };
    let support: &'static [Support] = if random { &[Unverified] } else { &[Documented, Arithmetic] };
    push(place, Form::Pte, map.pte_va(va), pte, support);
    push(place, Form::Pde, map.pde_va(va), pde, support);
}
