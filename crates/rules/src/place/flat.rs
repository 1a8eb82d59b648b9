//! Places in the flat layouts of Windows CE 6 and 7.

use super::{
    Confidence::{Certain, Likely, Possible},
    LikelyKind, Place, PlaceFacts,
};
use crate::{
    area::{AreaKind, Owner},
    ce::api_call,
    statement::Support::{self, Documented, PublicSource, Unverified},
};
use vatlas_space::Machine;

const TABLE: &[Support] = &[Documented];

pub(super) fn add(place: &mut Place, facts: &PlaceFacts) {
    match place.area.kind {
        AreaKind::NullPartition => {
            place.null_offset = Some(place.va.0);
            let because = "the bottom 64 KB are never allocated: a null pointer plus the offset of a member, or the \
                           kernel data that user code may read";
            place.guess(LikelyKind::NullPointer, Likely, because, TABLE);
        }
        AreaKind::User => add_user(place, facts),
        AreaKind::SharedDlls => {
            place.guess(LikelyKind::Dll, Likely, "DLLs load here, at the same address in every process", TABLE);
            place.remark("code is the same in every process, data are not", "each process has its own data", TABLE);
        }
        AreaKind::SharedArea | AreaKind::SharedHeap => {
            place.guess(LikelyKind::SharedAllocation, Likely, "kept for memory that processes share", TABLE);
            place.guess(LikelyKind::NeverSymbol, Likely, "modules do not load here", TABLE);
        }
        AreaKind::Guard => place.guess(LikelyKind::Nothing, Certain, "the guard stays unmapped", TABLE),
        AreaKind::ProcessorSpecific => add_top(place, facts.machine),
        kind => {
            debug_assert_eq!(kind.owner(), Owner::Kernel);
            place.guess(LikelyKind::Kernel, Certain, "the upper 2 GB are the kernel's", TABLE);
        }
    }
}

fn add_user(place: &mut Place, facts: &PlaceFacts) {
    place.remark(
        "which byte this is depends on the process whose memory is mapped",
        "each process has the lower 2 GB for itself, and there are no slots",
        TABLE,
    );
    if place.listed.iter().any(|hit| hit.condition.is_none()) {
        return;
    }
    let exe_end = facts.list.exe_size.map(|size| 0x1_0000 + u64::from(size));
    match exe_end {
        Some(end) if place.va.0 < end => {
            let because = format!("the EXE as given reaches from 00010000 to {end:08X}");
            place.guess(LikelyKind::ExeCodeOrData, Likely, because, TABLE);
        }
        Some(end) => {
            let because = format!("the EXE as given ends at {end:08X}, and DLLs begin at 40000000");
            place.guess(LikelyKind::HeapStackOrDynamic, Likely, because, TABLE);
        }
        None => {
            let because = "EXE, heaps and stacks fill this area from the bottom up; the EXE's size decides";
            place.guess(LikelyKind::ExeCodeOrData, Possible, because, TABLE);
            place.guess(LikelyKind::HeapStackOrDynamic, Possible, because, TABLE);
        }
    }
}

fn add_top(place: &mut Place, machine: Option<Machine>) {
    place.guess(LikelyKind::Kernel, Certain, "the upper 2 GB are the kernel's", TABLE);
    if matches!(machine, Some(other) if other != Machine::Arm) {
        return;
    }
    if let Some(call) = api_call::decode(place.va, place.choice.name) {
        place.api_call = Some(call);
        let because = format!("on ARM a jump to this address is a call of {call}; numbers of CE 5 do not hold here");
        place.guess(LikelyKind::ApiCall, Possible, because, &[PublicSource, Unverified]);
    }
}
