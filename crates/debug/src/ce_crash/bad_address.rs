//! What the bad address is: a null pointer behind a slot base, text, another process's memory, the kernel's.

use super::{ModuleAt, Owner, TEXT, va};
use vatlas_rules::{
    AreaKind, ModuleList, Place, PlaceFacts,
    area::Owner as AreaOwner,
    ce::{
        exception::CeException,
        fault_status::{FaultReason, FaultStatus},
        slot::{self, Slot},
    },
    layout::layout as rules_of,
    place_in,
    value_look::{fill_pattern, text_in},
};
use vatlas_space::{CrashText, LayoutChoice, LayoutName, Machine, PointerWidth, Source, Step, Va};

/// What a bad address is, in one word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BadKind {
    /// A null pointer, or one with the offset of a member.
    Null,
    /// Not aligned for the access.
    Misaligned,
    /// Text that was taken for a pointer.
    Text,
    /// A value that memory is filled with.
    Fill,
    /// An address of the kernel.
    Kernel,
    /// Memory of another process.
    ForeignSlot,
    /// Memory of the process itself.
    OwnMemory,
    /// Memory that all processes share.
    Shared,
    /// Something else.
    Other,
}

impl BadKind {
    /// A word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Misaligned => "misaligned",
            Self::Text => "text",
            Self::Fill => "fill-pattern",
            Self::Kernel => "kernel",
            Self::ForeignSlot => "foreign-slot",
            Self::OwnMemory => "own-memory",
            Self::Shared => "shared",
            Self::Other => "other",
        }
    }
}

/// A bad address explained.
#[derive(Clone, PartialEq, Debug)]
pub struct BadAddress {
    /// The address.
    pub va: Va,
    /// What it is.
    pub kind: BadKind,
    /// The same in words.
    pub text: String,
    /// Bytes above null, for a null pointer.
    pub null_offset: Option<u32>,
    /// The process slot that it lies in (up to CE 5).
    pub slot: Option<Slot>,
    /// The module of the ROM image that has it, for other than null pointers.
    pub module: Option<ModuleAt>,
    /// The whole answer of the layout.
    pub place: Place,
}

/// No memory below this offset in a slot.
const FIRST_OFFSET: u64 = 0x1_0000;

/// Explains BVA.
#[expect(clippy::too_many_arguments, reason = "each is one fact of the same crash; a struct would only rename them")]
pub(super) fn find(
    crash: &CrashText,
    exception: CeException,
    status: Option<FaultStatus>,
    layout: LayoutName,
    machine: Option<Machine>,
    owner: &Owner,
    list: &ModuleList,
    steps: &mut Vec<Step>,
) -> Option<BadAddress> {
    let va = va(crash.value("BVA")?);
    if !exception.has_bad_address() {
        if exception == CeException::Raised {
            let finding = format!("BVA {va} says nothing: a program raised the exception, no access failed");
            steps.push(Step::new(finding, Source::Deduced("the kind of the exception")));
        }
        return None;
    }
    let rules = rules_of(LayoutChoice::usual(layout));
    let facts = PlaceFacts { list: list.clone(), process: owner.slot, machine };
    let place = place_in(&rules, va, &facts);
    let in_slot = slot::slot_of(va).filter(|slot| layout.has_slots() && slot.process().is_some());
    let null_offset = null_offset(va, in_slot);
    let asked = Asked { va, layout, status, owner, place: &place, in_slot, null_offset };
    let (kind, text) = asked.kind();
    let source = match kind {
        BadKind::Text | BadKind::Fill => TEXT,
        BadKind::Misaligned => Source::Deduced("FSR"),
        _ => Source::Layout(layout),
    };
    steps.push(Step::new(format!("BVA {va}: {text}"), source));
    Some(BadAddress { va, kind, text, null_offset, slot: in_slot, module: None, place })
}

/// Bytes above null: in slot 0 as it is, in the slot of a process behind the slot's base.
fn null_offset(va: Va, in_slot: Option<Slot>) -> Option<u32> {
    let offset = match in_slot {
        Some(slot) => va.offset_from(slot.base())?,
        None => va.0,
    };
    (offset < FIRST_OFFSET).then_some(offset as u32)
}

/// The address and what bears on it.
struct Asked<'a> {
    va: Va,
    layout: LayoutName,
    status: Option<FaultStatus>,
    owner: &'a Owner,
    place: &'a Place,
    in_slot: Option<Slot>,
    null_offset: Option<u32>,
}

impl Asked<'_> {
    fn kind(&self) -> (BadKind, String) {
        let is_alignment = self.status.is_some_and(|status| status.reason == FaultReason::Alignment);
        if is_alignment {
            let odd = if self.va.is_aligned(4) { "" } else { ": it is no multiple of 4" };
            return (BadKind::Misaligned, format!("a misaligned address{odd}, {}", self.whose()));
        }
        if let Some(offset) = self.null_offset {
            return (BadKind::Null, self.null(offset));
        }
        if let Some((meaning, above)) = fill_pattern(self.va, PointerWidth::Bits32) {
            let plus = if above == 0 { String::new() } else { format!(" + {above:#x}") };
            return (BadKind::Fill, format!("a fill pattern{plus}, {meaning}"));
        }
        let whose = self.whose();
        match text_in(self.va, PointerWidth::Bits32) {
            Some(text) => (BadKind::Text, format!("the text \"{text}\" taken for a pointer ({whose})")),
            None => (self.by_place(), whose),
        }
    }

    fn null(&self, offset: u32) -> String {
        let plus = if offset == 0 { String::new() } else { format!(" + {offset:#x}") };
        let Some(slot) = self.in_slot else { return format!("a null pointer{plus}") };
        let whose = match self.owner.slot {
            Some(own) if own == slot => "the process's own slot".to_owned(),
            Some(own) => format!("the slot of another process than the one in slot {own}"),
            None => "the slot of a process".to_owned(),
        };
        format!("a null pointer{plus}, with the base of slot {slot} in front: {whose}")
    }

    fn by_place(&self) -> BadKind {
        match (self.in_slot, self.owner.slot) {
            (Some(slot), Some(own)) if slot != own => BadKind::ForeignSlot,
            (Some(_), Some(_)) => BadKind::OwnMemory,
            _ => match (self.place.area.kind, self.place.area.kind.owner()) {
                (AreaKind::CurrentProcess | AreaKind::User, _) => BadKind::OwnMemory,
                (_, AreaOwner::Kernel) => BadKind::Kernel,
                (_, AreaOwner::EveryProcess) => BadKind::Shared,
                _ => BadKind::Other,
            },
        }
    }

    /// Whose memory it would be, by the layout.
    fn whose(&self) -> String {
        let Some(slot) = self.in_slot else {
            return match self.by_place() {
                BadKind::Kernel => format!("an address of the kernel ({})", self.place.area.name),
                _ => format!("an address of {}", self.place.area.name),
            };
        };
        let offset = slot::offset_of(self.va);
        let listed = self.place.slot.as_ref().and_then(|facts| facts.process_name.as_deref());
        let name = listed.map(|name| format!(" ({name})")).unwrap_or_default();
        let Some(own) = self.owner.slot else {
            return format!("{offset:#x} in slot {slot}{name}");
        };
        if own == slot {
            return format!("{offset:#x} in the process's own slot {slot}");
        }
        let opened = self.owner.access_key.and_then(|mask| slot::mask_opens(mask, slot));
        let key = match opened {
            Some(true) => ", which the access key opens",
            Some(false) => ", which the access key does not open",
            None => "",
        };
        let layout = self.layout;
        format!("{offset:#x} in slot {slot}{name} of another process by the rules of {layout}{key}; own is slot {own}")
    }
}
