//! Places in the slot layouts of Windows CE: slot, offset, half, and what the offset suggests.

use super::{
    Confidence::{Certain, Likely, Possible, Unlikely},
    LikelyKind, Place, PlaceFacts,
};
use crate::{
    area::AreaKind,
    ce::{
        api_call,
        kdata::{self, KDATA_ARM, KDATA_OTHER},
        slot::{self, Half, ProcessNumber, Slot},
    },
    statement::Support::{self, Choice, Documented, Founding, Observed, PublicSource},
};
use vatlas_space::{LayoutName, Machine, Va};

/// Where an address lies in its slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotFacts {
    /// The slot, 0 to 127.
    pub slot: Slot,
    /// Bytes from the start of the slot.
    pub offset: u32,
    /// Number of the 64 KB block in the slot, 0 to 511.
    pub block: u16,
    /// Number of the 4 KB page in the block, 0 to 15.
    pub page: u8,
    /// Half of the slot; `None` outside slot 0 and the process slots, where the halves mean nothing.
    pub half: Option<Half>,
    /// The process that lives in the slot (slots 2 to 32).
    pub process: Option<ProcessNumber>,
    /// Name of that process, when the list says so.
    pub process_name: Option<String>,
}

/// No memory below this offset in a slot (documented).
const FIRST_OFFSET: u32 = 0x1_0000;

/// EXEs are taken to be smaller than this when their size is not known: it separates all published examples.
const USUAL_EXE_END: u32 = 0x40_0000;

/// DLLs are expected from here on when the lower bound of DLL space is not known: the upper half of the slot.
const USUAL_DLL_LOW: u32 = 0x100_0000;

/// The lowest writable data of a ROM DLL that was seen.
const ROM_DATA_SEEN: u32 = 0x1ee_6000;

pub(super) fn add(place: &mut Place, facts: &PlaceFacts) {
    let Some(slot) = slot::slot_of(place.va) else { return };
    let halves_count = slot == Slot::ZERO || slot.process().is_some();
    place.slot = Some(SlotFacts {
        slot,
        offset: slot::offset_of(place.va),
        block: slot::block_of(place.va),
        page: slot::page_of(place.va),
        half: halves_count.then(|| slot::half_of(place.va)),
        process: slot.process(),
        process_name: facts.list.process_in(slot).map(|process| process.name.clone()),
    });
    match place.area.kind {
        AreaKind::NullPartition => add_null(place),
        AreaKind::KernelData => add_kdata(place, facts.machine),
        AreaKind::CurrentProcess | AreaKind::ProcessSlot => add_process_memory(place, slot, facts),
        AreaKind::RomDllCode => add_slot_1(place, facts),
        AreaKind::SharedArea | AreaKind::SharedDlls | AreaKind::ResourceDlls => add_shared(place),
        AreaKind::ApiCalls => add_api_call(place, facts.machine),
        _ => add_kernel(place),
    }
}

fn add_null(place: &mut Place) {
    let offset = u64::from(slot::offset_of(place.va));
    place.null_offset = Some(offset);
    place.guess(
        LikelyKind::NullPointer,
        Certain,
        "the lowest 64 KB of a slot are never allocated, so this is a null pointer plus the offset of a member",
        &[Documented],
    );
    if place.slot.as_ref().is_some_and(|facts| facts.process.is_some()) {
        place.remark(
            format!("NULL + {offset:X} in the process of this slot"),
            "a fault through a null pointer is reported with the base of the process's slot added",
            &[Observed],
        );
    }
}

fn add_kdata(place: &mut Place, machine: Option<Machine>) {
    let on_arm_side = place.va >= KDATA_ARM;
    let is_arm = machine.map(|machine| machine == Machine::Arm);
    if is_arm.is_some_and(|arm| arm != on_arm_side) {
        if on_arm_side {
            add_kernel(place);
        } else {
            add_null(place);
        }
        return;
    }
    if place.choice.name != LayoutName::Ce3 {
        place.kdata = kdata::field_at(if on_arm_side { KDATA_ARM } else { KDATA_OTHER }, place.va);
    }
    if let Some(field) = &place.kdata {
        let offset = if field.offset == 0 { String::new() } else { format!(" + {:X}", field.offset) };
        let meaning = if field.meaning.is_empty() { String::new() } else { format!(": {}", field.meaning) };
        let text = format!("field {}{offset}{meaning}", field.name);
        place.remark(
            text,
            "the page is laid out like this on CE .NET 4.2 to 5.x for ARM, as published",
            &[PublicSource, Observed],
        );
    }
    let confidence = if is_arm.is_some() { Certain } else { Possible };
    place.guess(LikelyKind::SystemStructure, confidence, "the KData page is here", &[PublicSource]);
    if !on_arm_side && is_arm.is_none() {
        place.null_offset = Some(place.va.0);
        place.guess(LikelyKind::NullPointer, Possible, "on ARM nothing is here", &[Documented]);
    }
}

fn add_process_memory(place: &mut Place, slot: Slot, facts: &PlaceFacts) {
    add_whose(place, slot, facts);
    let offset = slot::offset_of(place.va);
    if offset < FIRST_OFFSET {
        add_null(place);
        return;
    }
    add_half(place);
    if !place.listed.iter().any(|hit| hit.condition.is_none()) {
        guess_by_offset(place, offset, facts);
    }
}

/// Whose memory it is: the process of the slot, or whichever runs.
fn add_whose(place: &mut Place, slot: Slot, facts: &PlaceFacts) {
    let Some(process) = slot.process() else {
        let text = match facts.process {
            Some(current) => format!("of the process that runs, taken to be the one in slot {current}"),
            None => "which byte this is depends on the process that runs".to_owned(),
        };
        place.remark(text, "slot 0 is an alias that changes with every process switch", &[Founding]);
        return;
    };
    let name = facts.list.process_in(slot).map(|listed| format!(", {}", listed.name)).unwrap_or_default();
    place.remark(
        format!("memory of process number {process}{name}, in slot {slot}, also while it does not run"),
        "process number = slot - 1, and every slot stays visible at its own address",
        &[Founding],
    );
    if !facts.list.processes.is_empty() && name.is_empty() {
        place.remark_given(format!("the list has no process in slot {slot}"), "its process lines name other slots");
    }
    place.remark(
        format!("a thread may touch it when bit {process} ({:08X}) is set in its AKY", process.access_key()),
        "the access mask of a thread opens the slots of the processes whose bits are set",
        &[Documented, Observed],
    );
}

const HALF: &[Support] = &[Founding];

fn add_half(place: &mut Place) {
    let digit = (place.va.0 >> 24) & 0xf;
    match slot::half_of(place.va) {
        Half::Lower => place.remark(
            "lower half of the slot: the side of EXE, heap and stacks",
            format!("the second hexadecimal digit, {digit:X}, is even"),
            HALF,
        ),
        Half::Upper => place.remark(
            "upper half of the slot: the side of DLLs",
            format!("the second hexadecimal digit, {digit:X}, is odd"),
            HALF,
        ),
    }
}

fn guess_by_offset(place: &mut Place, offset: u32, facts: &PlaceFacts) {
    let given_end = facts.list.exe_size.map(|size| FIRST_OFFSET.saturating_add(size));
    let given_low = facts.list.dll_low.map(slot::offset_of);
    if offset < given_end.unwrap_or(USUAL_EXE_END) {
        guess_exe(place, offset, given_end);
    } else if offset < given_low.unwrap_or(USUAL_DLL_LOW) {
        guess_dynamic(place, offset, given_end, given_low);
    } else {
        guess_dll(place, offset, given_low);
    }
}

fn guess_exe(place: &mut Place, offset: u32, given_end: Option<u32>) {
    let above = offset - FIRST_OFFSET;
    if let Some(end) = given_end {
        let because = format!("{above:X} bytes above the EXE's base 00010000, and the EXE as given ends at {end:08X}");
        place.guess(LikelyKind::ExeCodeOrData, Likely, because, &[Founding]);
        return;
    }
    let because = format!(
        "the EXE loads at 00010000, the very bottom of the slot, and this is only {above:X} bytes above; the EXE's real \
         size decides (up to 4 MB is taken for an EXE)"
    );
    place.guess(LikelyKind::ExeCodeOrData, Likely, because, &[Founding, Choice]);
    place.guess(LikelyKind::HeapStackOrDynamic, Possible, "if the EXE is smaller than that", &[Founding]);
}

fn guess_dynamic(place: &mut Place, offset: u32, given_end: Option<u32>, given_low: Option<u32>) {
    let where_from = match given_end {
        Some(end) => format!("the EXE as given ends at {end:08X}"),
        None => format!("{} into the slot is too far for most EXEs", megabytes(offset)),
    };
    let where_to = match given_low {
        Some(low) => format!("DLL space as given begins at {low:08X}"),
        None => "DLLs fill the slot from the top".to_owned(),
    };
    let because = format!("{where_from}, and {where_to}");
    place.guess(LikelyKind::HeapStackOrDynamic, Likely, because, &[Founding, Choice]);
    place.guess(LikelyKind::NeverSymbol, Likely, "heaps, stacks and VirtualAllocs have no symbols", &[Founding]);
    if given_end.is_none() {
        let because = format!("only if the EXE is larger than {}", megabytes(offset - FIRST_OFFSET));
        place.guess(LikelyKind::ExeCodeOrData, Unlikely, because, &[Founding]);
    }
}

fn guess_dll(place: &mut Place, offset: u32, given_low: Option<u32>) {
    let because = match given_low {
        Some(low) => format!("DLL space as given begins at {low:08X}"),
        None => format!("DLLs fill the slot from the top down, and this is {} up", megabytes(offset)),
    };
    place.guess(LikelyKind::Dll, Likely, because, &[Founding]);
    if offset >= ROM_DATA_SEEN && place.choice.name != LayoutName::Ce3 {
        let because = "writable data of ROM DLLs lie at the very top; they were seen from 01EE6000 up";
        place.guess(LikelyKind::RomDllData, Possible, because, &[Observed]);
    }
    if given_low.is_none() {
        let because = "if few DLLs are loaded, heap and stacks may reach up to here";
        place.guess(LikelyKind::HeapStackOrDynamic, Possible, because, &[Founding]);
    }
}

fn add_slot_1(place: &mut Place, facts: &PlaceFacts) {
    place.guess(
        LikelyKind::RomDllCode,
        Certain,
        "slot 1 holds code of ROM DLLs and nothing else",
        &[Founding, Documented],
    );
    place.remark(
        "the same byte in every process; the DLL's globals are elsewhere, in each process's own slot",
        "slot 1 does not change when another process runs",
        &[Founding],
    );
    place.remark(
        "an odd or even second digit says nothing here",
        "the rule of the two halves is about slot 0 and the process slots",
        &[Founding],
    );
    if !facts.list.modules.is_empty() && place.listed.is_empty() {
        place.remark_given("no module of the list contains it", "none of its ranges does");
    }
}

fn add_shared(place: &mut Place) {
    match place.area.kind {
        AreaKind::ResourceDlls => {
            let because = "resource-only DLLs and .mui files load in slot 63; they have a module but no code";
            place.guess(LikelyKind::ResourceDll, Likely, because, &[Observed]);
            place.guess(LikelyKind::NeverSymbol, Likely, "a resource-only module hardly has symbols", &[Observed]);
        }
        AreaKind::SharedDlls => {
            let because = "on Windows Mobile 6.5 DLLs may load here, with code and symbols";
            place.guess(LikelyKind::Dll, Possible, because, &[Documented]);
            let because = "before Windows Mobile 6.5 this is part of the shared area";
            place.guess(LikelyKind::SharedAllocation, Possible, because, &[Founding]);
        }
        _ => {
            let because = "reservations of 2 MB and more, mapped files and the object store lie in the shared area";
            place.guess(LikelyKind::SharedAllocation, Likely, because, &[Founding, Documented]);
            let because = "modules do not load in the shared area; a module list is worth a look all the same";
            place.guess(LikelyKind::NeverSymbol, Likely, because, &[Founding]);
        }
    }
    place.remark("the same byte in every process", "only slot 0 changes with the process", &[Founding]);
}

fn add_api_call(place: &mut Place, machine: Option<Machine>) {
    let call =
        if matches!(machine, None | Some(Machine::Arm)) { api_call::decode(place.va, place.choice.name) } else { None };
    let Some(call) = call else {
        add_kernel(place);
        return;
    };
    place.api_call = Some(call);
    let confidence = if machine.is_some() { Certain } else { Likely };
    let because = format!("on ARM a jump to this address is a call of {call}");
    place.guess(LikelyKind::ApiCall, confidence, because, &[PublicSource, Observed]);
    place.remark(
        "found on a stack, it tells which call was made",
        "no memory is here, so the value has no other use",
        &[PublicSource, Observed],
    );
}

fn add_kernel(place: &mut Place) {
    if place.va < Va(0x8000_0000) {
        let because = "up to CE 3.0 the kernel runs in slot 1; one article puts ROM DLLs here instead";
        place.guess(LikelyKind::Kernel, Likely, because, &[Founding, Documented]);
        return;
    }
    place.guess(LikelyKind::Kernel, Certain, "everything above 80000000 is the kernel's", &[Founding]);
    place.remark(
        "a thread in user mode that touches it faults",
        "the kernel's half may be touched in kernel mode only",
        &[Documented, Observed],
    );
}

/// Bytes in units of 2 to the power of 20, one decimal: 5.4 MB.
fn megabytes(bytes: u32) -> String {
    format!("{:.1} MB", f64::from(bytes) / f64::from(1 << 20))
}
