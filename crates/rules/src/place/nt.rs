//! Places in the layouts of Windows NT: what the area says, and where things usually load.

use super::{
    Confidence::{Certain, Possible},
    LikelyKind, Place,
};
use crate::{
    area::{AreaKind, Owner},
    nt::self_map::self_map,
    statement::Support::{self, Arithmetic, Documented, Founding, Reimplementation, Unverified},
};
use vatlas_space::LayoutName;

pub(super) fn add(place: &mut Place) {
    match place.area.kind {
        AreaKind::NullPartition => {
            place.null_offset = Some(place.va.0);
            let because = "nothing can be allocated below 00010000: a null pointer plus the offset of a member";
            place.guess(LikelyKind::NullPointer, Certain, because, &[Documented]);
        }
        AreaKind::User => add_user(place),
        AreaKind::User64 => {
            let because = "64-bit modules, stacks and TEBs of the process";
            place.guess(LikelyKind::SystemStructure, Possible, because, &[Documented]);
            place.remark("no 32-bit pointer reaches here", "a 32-bit pointer ends at FFFFFFFF", &[Arithmetic]);
        }
        AreaKind::SharedUserData if place.va <= place.choice.highest_user.unwrap_or_default() => {
            let because = "the page that the system shares with every process";
            place.guess(LikelyKind::SystemStructure, Certain, because, &[Documented]);
        }
        AreaKind::SharedBlock => {
            let because = "newer 64-bit Windows keeps one more page for processes in this block";
            place.guess(LikelyKind::SystemStructure, Possible, because, &[Unverified]);
        }
        kind if kind.owner() == Owner::Nobody => {
            let because = place.area.because.clone();
            place.guess(LikelyKind::Nothing, Certain, because, place.area.support);
        }
        _ => add_kernel(place),
    }
}

fn add_kernel(place: &mut Place) {
    place.guess(LikelyKind::Kernel, Certain, "it lies in the system range", &[Documented]);
    place.remark(
        "code in user mode that touches it gets an access violation",
        "the system range is mapped for the kernel only",
        &[Documented],
    );
    let (text, because) = match place.area.kind {
        AreaKind::PageTables | AreaKind::Hyperspace => {
            ("another view in each process", "page tables and hyperspace change with the process")
        }
        AreaKind::Session => ("another view in each session", "each session has its own session space"),
        _ => ("the same in every process", "a call into the kernel changes the privilege level, not the mapping"),
    };
    place.remark(text, because, &[Founding, Reimplementation]);
    add_mapped_page(place);
}

/// What a page-table entry at this address maps.
fn add_mapped_page(place: &mut Place) {
    let Some(page) = self_map(place.choice.name)
        .filter(|_| place.area.kind == AreaKind::PageTables)
        .and_then(|map| map.mapped_page(place.va))
    else {
        return;
    };
    let width = place.width();
    place.remark(
        format!("the entry here maps {}-{}", page.first().text(width), page.last().text(width)),
        "the self-map shows all page tables as one array with an entry for each page",
        place.area.support,
    );
}

/// A range where something usually is.
struct Usual {
    first: u64,
    last: u64,
    kind: LikelyKind,
    because: &'static str,
    support: &'static [Support],
}

const DOC: &[Support] = &[Documented];
const UNVERIFIED: &[Support] = &[Unverified];

const fn usual(first: u64, last: u64, kind: LikelyKind, because: &'static str, support: &'static [Support]) -> Usual {
    Usual { first, last, kind, because, support }
}

/// For which addresses images are linked, and where system DLLs are: any 32-bit process.
const LINKED: &[Usual] = &[
    usual(0x40_0000, 0x7f_ffff, LikelyKind::ExeCodeOrData, "EXEs of Visual C++ are linked for 00400000", DOC),
    usual(0x1000_0000, 0x10ff_ffff, LikelyKind::Dll, "DLLs of Visual C++ are linked for 10000000", DOC),
    usual(0x7000_0000, 0x7ffc_ffff, LikelyKind::Dll, "system DLLs load just below 2 GB", DOC),
];

/// Where XP puts things; from Vista on modules, heaps and stacks are placed at random.
const XP: &[Usual] = &[
    usual(0x1_0000, 0x2_ffff, LikelyKind::SystemStructure, "on XP environment and process parameters", UNVERIFIED),
    usual(0x3_0000, 0x12_ffff, LikelyKind::HeapStackOrDynamic, "on XP the stack of the first thread", UNVERIFIED),
    usual(
        0x14_0000,
        0x24_ffff,
        LikelyKind::HeapStackOrDynamic,
        "on XP the process heap begins at 00140000",
        UNVERIFIED,
    ),
    usual(0x100_0000, 0x10f_ffff, LikelyKind::ExeCodeOrData, "EXEs of Windows XP are linked for 01000000", UNVERIFIED),
    usual(0x7ffd_0000, 0x7ffd_ffff, LikelyKind::SystemStructure, "PEB and TEBs are at the top of the 2 GB", DOC),
];

const X64_USUAL: &[Usual] = &[
    usual(0x1_4000_0000, 0x1_40ff_ffff, LikelyKind::ExeCodeOrData, "64-bit EXEs are linked for 1'40000000", UNVERIFIED),
    usual(
        0x7ff6_0000_0000,
        0x7fff_fffe_ffff,
        LikelyKind::Dll,
        "64-bit images usually load from 7FF6'00000000 up",
        UNVERIFIED,
    ),
];

fn add_user(place: &mut Place) {
    if place.listed.iter().any(|hit| hit.condition.is_none()) {
        return;
    }
    let tables: &[&[Usual]] = match place.choice.name {
        LayoutName::Nt64 => &[X64_USUAL],
        LayoutName::Wow64 => &[LINKED],
        _ => &[LINKED, XP],
    };
    let va = place.va.0;
    for entry in tables.iter().copied().flatten().filter(|entry| (entry.first..=entry.last).contains(&va)) {
        place.guess(entry.kind, Possible, entry.because, entry.support);
    }
    if place.likely.is_empty() {
        let because = "the layout alone cannot tell; only the process's own map does, and modules may load anywhere";
        place.guess(LikelyKind::HeapStackOrDynamic, Possible, because, DOC);
        place.guess(LikelyKind::Dll, Possible, because, DOC);
    } else {
        place.remark(
            "where things usually are is a hint only",
            "modules may load anywhere, and from Windows Vista on they are placed at random",
            DOC,
        );
    }
}
