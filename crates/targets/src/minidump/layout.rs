//! Which layout a dumped process follows, told from what the dump holds.

use vatlas_images::minidump::Minidump;
use vatlas_space::{LayoutChoice, LayoutName, OsFamily, PointerWidth, RegionState, Va};

/// The usual end of user space on 32-bit NT, and the end with `/3GB` (`MmHighestUserAddress`).
const TWO_GB: Va = Va(0x7fff_ffff);
const THREE_GB: Va = Va(0xbfff_ffff);

/// The layout of the process, or `None` for a system whose rules are not known here.
pub(super) fn choose(dump: &Minidump, width: PointerWidth) -> Option<LayoutChoice> {
    let windows = dump.host.as_ref().is_some_and(|host| host.os == OsFamily::Windows);
    if !windows {
        return None;
    }
    Some(match width {
        PointerWidth::Bits64 if has_wow64(dump) => {
            LayoutChoice { name: LayoutName::Wow64, highest_user: wow64_limit(dump) }
        }
        PointerWidth::Bits64 => LayoutChoice::usual(LayoutName::Nt64),
        PointerWidth::Bits32 => match highest_in_use(dump) {
            highest if highest <= TWO_GB && is_under_64_bit_windows(dump) => LayoutChoice::usual(LayoutName::Wow64),
            highest if highest <= TWO_GB => LayoutChoice::usual(LayoutName::Nt32),
            highest if highest <= THREE_GB => {
                LayoutChoice { name: LayoutName::Nt32ThreeGb, highest_user: Some(Va(0xbffe_ffff)) }
            }
            _ => LayoutChoice { name: LayoutName::Wow64, highest_user: Some(Va(0xfffe_ffff)) },
        },
    })
}

/// The 64-bit side of a 32-bit process always has `wow64.dll` loaded.
fn has_wow64(dump: &Minidump) -> bool {
    dump.modules.iter().any(|module| module.name().eq_ignore_ascii_case("wow64.dll"))
}

/// A 32-bit tool that dumps a 32-bit process does not see the 64-bit side, but the system's DLLs come from a folder
/// that only 64-bit Windows has.
fn is_under_64_bit_windows(dump: &Minidump) -> bool {
    dump.modules.iter().any(|module| module.path.to_ascii_lowercase().contains("\\syswow64\\"))
}

/// The end of the 32-bit half: more than 2 GB only for a large-address-aware image, seen by what it uses there.
fn wow64_limit(dump: &Minidump) -> Option<Va> {
    const FOUR_GB: u64 = 0x1_0000_0000;
    let regions = dump.memory_info.iter().flatten().filter(|region| region.state != RegionState::Free);
    let used = regions.map(|region| region.range.first());
    used.chain(dump.memory.iter().map(|memory| memory.range.first()))
        .chain(dump.modules.iter().map(|module| module.range.first()))
        .any(|first| first > TWO_GB && first.0 < FOUR_GB)
        .then_some(Va(0xfffe_ffff))
}

/// The highest address that the dump speaks of. A whole `MemoryInfoListStream` ends where user space ends.
fn highest_in_use(dump: &Minidump) -> Va {
    let listed = dump.memory_info.iter().flatten().next_back().map(|region| region.range.last());
    if let Some(last) = listed.filter(|_| dump.memory_info_is_whole) {
        return last;
    }
    let modules = dump.modules.iter().map(|module| module.range.last());
    let memory = dump.memory.iter().map(|memory| memory.range.last());
    let tebs = dump.threads.iter().filter_map(|thread| thread.teb);
    let stacks = dump.threads.iter().filter_map(|thread| Some(thread.stack?.last()));
    modules.chain(memory).chain(tebs).chain(stacks).chain(listed).max().unwrap_or_default()
}
