//! `NtQueryVirtualMemory` beyond one region: the pages of a working set, and the name of a mapped file.
//!
//! ```text
//! working set   count, then a word a page: protection (5 bits), processes that share it (3), shared (1), 0, page (20)
//! section name  UNICODE_STRING, then the text it points at: \Device\HarddiskVolume1\folder\file
//! ```

use crate::memory::{NtStatus, SpaceIndex, WorkingSetEntry};
use crate::nt::user_memory::utf16;
use crate::nt::{System, status};

/// The volume, as the object manager names it.
pub(super) const VOLUME: &str = "\\Device\\HarddiskVolume1";

/// The words of `MEMORY_WORKING_SET_LIST`, by address.
pub(super) fn working_set(system: &System, space: SpaceIndex) -> Vec<u8> {
    let memory = system.memory().space(space);
    let mut words: Vec<u32> = memory.working_set().members().iter().map(|entry| word(system, space, entry)).collect();
    words.sort_unstable_by_key(|word| word >> 12);
    let count = words.len() as u32;
    std::iter::once(count).chain(words).flat_map(u32::to_le_bytes).collect()
}

fn word(system: &System, space: SpaceIndex, entry: &WorkingSetEntry) -> u32 {
    let (memory, ram) = (system.memory(), system.ram());
    let vad = memory.space(space).vads().find(entry.page);
    let protection = vad.and_then(|vad| memory.protection_of(ram, space, &vad, entry.page));
    let shares = if entry.is_shared { memory.frames().record(ram, entry.frame).shares.min(7) } else { 0 };
    let protection = protection.map_or(0, |protection| u32::from(protection.0 & 0x1f));
    entry.page << 12 | u32::from(entry.is_shared) << 8 | shares << 5 | protection
}

/// The name of the file that is mapped at an address, as the bytes of a `UNICODE_STRING` at `at` with its text.
pub(super) fn section_name(system: &System, space: SpaceIndex, (va, at): (u32, u32)) -> Result<Vec<u8>, NtStatus> {
    let vad = system.memory().space(space).vads().find(va >> 12).ok_or(status::INVALID_ADDRESS)?;
    let view = vad.view.ok_or(status::INVALID_ADDRESS)?;
    let path = system.section_path(view.area).ok_or(status::FILE_INVALID)?;
    Ok(named(&path, at))
}

/// A `UNICODE_STRING` at `at` with the name of a file behind it.
pub(super) fn named(path: &str, at: u32) -> Vec<u8> {
    let mut text = utf16(&format!("{VOLUME}{path}"));
    text.truncate(0xfffc);
    let length = text.len() as u32;
    let head = [(length + 2) << 16 | length, at.wrapping_add(8)];
    head.into_iter().flat_map(u32::to_le_bytes).chain(text).chain([0, 0]).collect()
}
