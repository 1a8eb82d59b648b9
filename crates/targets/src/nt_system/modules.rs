//! The modules of a process: the loader's list in its own memory.

use super::{
    memory::{KernelMemory, field},
    space::NtSpace,
};
use vatlas_images::{code_view, pe::PeHeaders, version_resource};
use vatlas_rules::nt::structures::{
    ldr::{DLL_BASE, FULL_DLL_NAME, IN_LOAD_ORDER_HEAD, SIZE_OF_IMAGE},
    peb,
};
use vatlas_space::{AddressSpace, Module, Rva, Va, VaRange};

/// Most modules of a process.
const MOST: usize = 4096;
/// Longest path.
const LONGEST: u16 = 32_767;
/// Bytes of headers that are read of an image.
const HEADERS: usize = 4096;

/// The modules that the loader lists, in the order in which it loaded them.
pub(super) fn modules<M: KernelMemory + ?Sized>(space: &NtSpace<M>, at: Va) -> Vec<Module> {
    let memory: &dyn AddressSpace = space;
    let pointer = |at: Option<Va>| memory.read_u32(at?).ok().filter(|va| *va != 0).map(|va| Va(va.into()));
    let Some(head) = pointer(field(at, peb::LDR)).and_then(|ldr| field(ldr, IN_LOAD_ORDER_HEAD)) else {
        return Vec::new();
    };
    listed(space, head)
}

/// The modules of a list in load order.
pub(super) fn listed<M: KernelMemory + ?Sized>(space: &NtSpace<M>, head: Va) -> Vec<Module> {
    let memory: &dyn AddressSpace = space;
    let pointer = |at: Option<Va>| memory.read_u32(at?).ok().filter(|va| *va != 0).map(|va| Va(va.into()));
    let mut found = Vec::new();
    let mut next = pointer(Some(head));
    while let Some(entry) = next.filter(|entry| *entry != head && found.len() < MOST) {
        found.extend(module(memory, entry));
        next = pointer(Some(entry));
    }
    found
}

fn module(memory: &dyn AddressSpace, entry: Va) -> Option<Module> {
    let word = |offset| memory.read_u32(field(entry, offset)?).ok();
    let base = Va(word(DLL_BASE)?.into());
    let range = VaRange::sized(base, word(SIZE_OF_IMAGE)?.into())?;
    let mut headers = vec![0; HEADERS];
    let read = memory.read_available(base, &mut headers);
    headers.truncate(read);
    let headers = PeHeaders::read(&headers).ok();
    let image =
        |rva: Rva, buffer: &mut [u8]| base.checked_add(rva.0.into()).map_or(0, |va| memory.read_available(va, buffer));
    Some(Module {
        path: unicode_string(memory, field(entry, FULL_DLL_NAME)?).unwrap_or_default(),
        range,
        data: None,
        time_date_stamp: headers.as_ref().map_or(0, |headers| headers.time_date_stamp),
        checksum: 0,
        version: headers.as_ref().and_then(|headers| version_resource::of_image(headers, &image)),
        debug_record: headers.as_ref().and_then(|headers| code_view::of_image(headers, &image, None)),
    })
}

/// The text of a `UNICODE_STRING`.
fn unicode_string(memory: &dyn AddressSpace, at: Va) -> Option<String> {
    let length = memory.read_u32(at).ok()? as u16;
    let buffer = Va(memory.read_u32(at.checked_add(4)?).ok()?.into());
    let mut bytes = vec![0; usize::from(length.min(LONGEST * 2) & !1)];
    memory.read_exact(buffer, &mut bytes).ok()?;
    let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}
