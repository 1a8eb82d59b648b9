//! A place: the whole answer of a layout for one address, before any target is opened.

mod alignment;
mod flat;
mod forms;
mod listed;
mod looks;
mod nt;
mod slots;

pub use alignment::Alignment;
pub use forms::{Form, OtherForm};
pub use listed::{ListedHit, Part};
pub use slots::SlotFacts;

use crate::{
    area::{Area, AreaKind},
    ce::{api_call::ApiCall, kdata::KDataField, slot::Slot},
    layout::{Layout, layout},
    module_list::ModuleList,
    statement::{Statement, Support},
};
use std::{borrow::Cow, cmp::Reverse, fmt};
use vatlas_space::{LayoutChoice, LayoutName, Machine, PointerWidth, Source, Va, VaRange};

/// What is known besides the address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PlaceFacts {
    /// What the user says about the device: modules, processes, limits.
    pub list: ModuleList,
    /// Windows CE with slots: the slot of the process that is looked at.
    pub process: Option<Slot>,
    /// The processor, when known: some areas of Windows CE exist on ARM only.
    pub machine: Option<Machine>,
}

/// What an address may belong to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LikelyKind {
    /// Code or a global variable of an EXE.
    ExeCodeOrData,
    /// Heap, stack or other dynamic memory: no symbol.
    HeapStackOrDynamic,
    /// Code or data of a DLL.
    Dll,
    /// Code or constant data of a ROM DLL.
    RomDllCode,
    /// Writable data of a ROM DLL.
    RomDllData,
    /// A resource-only DLL.
    ResourceDll,
    /// Memory that processes share on purpose.
    SharedAllocation,
    /// A structure that the system keeps for a process: PEB, TEB, shared page.
    SystemStructure,
    /// The kernel, a driver, or their memory.
    Kernel,
    /// An address that stands for an API call.
    ApiCall,
    /// A null pointer, possibly with the offset of a member.
    NullPointer,
    /// No memory at all: nothing can be here.
    Nothing,
    /// No symbol is to be expected.
    NeverSymbol,
}

impl LikelyKind {
    /// A phrase for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExeCodeOrData => "EXE code or global",
            Self::HeapStackOrDynamic => "heap, stack or other dynamic memory",
            Self::Dll => "DLL code or data",
            Self::RomDllCode => "ROM DLL code",
            Self::RomDllData => "ROM DLL data",
            Self::ResourceDll => "resource DLL",
            Self::SharedAllocation => "shared allocation or mapped file",
            Self::SystemStructure => "system structure",
            Self::Kernel => "kernel",
            Self::ApiCall => "API call",
            Self::NullPointer => "null pointer",
            Self::Nothing => "nothing",
            Self::NeverSymbol => "no symbol",
        }
    }
}

impl fmt::Display for LikelyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How sure a guess is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Confidence {
    /// Speaks against it, but does not exclude it.
    Unlikely,
    /// Can be.
    Possible,
    /// What one would bet on.
    Likely,
    /// Follows from the rules or from the given facts.
    Certain,
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unlikely => "unlikely",
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        })
    }
}

/// A guess about an address, with its reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Likely {
    /// What it may be.
    pub kind: LikelyKind,
    /// How sure that is.
    pub confidence: Confidence,
    /// Why.
    pub because: Cow<'static, str>,
    /// What says so.
    pub source: Source,
    /// How well the rule behind it is supported.
    pub support: &'static [Support],
}

/// The answer of a layout for one address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The address.
    pub va: Va,
    /// The layout and the user limit that were used.
    pub choice: LayoutChoice,
    /// The area of the layout.
    pub area: Area,
    /// Windows CE with slots, slots 0 to 63: slot, offset, block, page, process.
    pub slot: Option<SlotFacts>,
    /// The API call that the address stands for (Windows CE on ARM).
    pub api_call: Option<ApiCall>,
    /// The field of the KData page (Windows CE).
    pub kdata: Option<KDataField>,
    /// Bytes above a null pointer, when the address looks like one with an offset.
    pub null_offset: Option<u64>,
    /// Modules of the list that contain the address.
    pub listed: Vec<ListedHit>,
    /// What it may belong to, best first.
    pub likely: Vec<Likely>,
    /// Other addresses of the same byte, and of the entries that map it.
    pub other_forms: Vec<OtherForm>,
    /// How the address is aligned.
    pub alignment: Alignment,
    /// Everything else worth saying.
    pub remarks: Vec<Statement>,
}

impl Place {
    /// Bits of an address in this space.
    pub const fn width(&self) -> PointerWidth {
        self.choice.name.width()
    }

    fn guess(
        &mut self,
        kind: LikelyKind,
        confidence: Confidence,
        because: impl Into<Cow<'static, str>>,
        support: &'static [Support],
    ) {
        let source = Source::Layout(self.choice.name);
        self.likely.push(Likely { kind, confidence, because: because.into(), source, support });
    }

    /// A remark that rests on the user's list.
    fn remark_given(&mut self, text: impl Into<Cow<'static, str>>, because: impl Into<Cow<'static, str>>) {
        let (text, because) = (text.into(), because.into());
        self.remarks.push(Statement { text, because, source: Source::User, support: &[] });
    }

    fn remark(
        &mut self,
        text: impl Into<Cow<'static, str>>,
        because: impl Into<Cow<'static, str>>,
        support: &'static [Support],
    ) {
        let source = Source::Layout(self.choice.name);
        self.remarks.push(Statement { text: text.into(), because: because.into(), source, support });
    }
}

/// What the layout says about `va`; never fails, an address with too many bits is an answer too.
pub fn place(va: Va, choice: LayoutChoice, facts: &PlaceFacts) -> Place {
    place_in(&layout(choice), va, facts)
}

/// [`place`] in a layout that was made before.
pub fn place_in(layout: &Layout, va: Va, facts: &PlaceFacts) -> Place {
    let choice = LayoutChoice { name: layout.name, highest_user: Some(layout.highest_user) };
    let mut place = Place {
        va,
        choice,
        area: layout.area_at(va).cloned().unwrap_or_else(outside),
        slot: None,
        api_call: None,
        kdata: None,
        null_offset: None,
        listed: Vec::new(),
        likely: Vec::new(),
        other_forms: Vec::new(),
        alignment: alignment::of(va, layout.name, facts.machine),
        remarks: Vec::new(),
    };
    if place.area.kind == AreaKind::OutsideSpace {
        place.guess(LikelyKind::Nothing, Confidence::Certain, "it has more bits than an address of this space", &[]);
        return place;
    }
    listed::add(&mut place, facts);
    if layout.name.has_slots() {
        slots::add(&mut place, facts);
    } else if matches!(layout.name, LayoutName::Ce6 | LayoutName::Ce7) {
        flat::add(&mut place, facts);
    } else {
        nt::add(&mut place);
    }
    forms::add(&mut place, facts);
    looks::add(&mut place);
    // Stable, so that among equals the more telling guess, made first, stays first.
    place.likely.sort_by_key(|guess| Reverse(guess.confidence));
    place
}

/// The area of addresses with more bits than a 32-bit space has.
fn outside() -> Area {
    let (first, last) = (Va(1 << 32), PointerWidth::Bits64.last());
    Area {
        range: VaRange::new(first, last).unwrap_or_else(|| unreachable!("the ends are in order")),
        kind: AreaKind::OutsideSpace,
        name: "outside".into(),
        purpose: "no address of a 32-bit space".into(),
        holds: "nothing",
        never_holds: "memory of any kind",
        because: "a 32-bit pointer ends at FFFFFFFF".into(),
        support: &[Support::Arithmetic],
    }
}
