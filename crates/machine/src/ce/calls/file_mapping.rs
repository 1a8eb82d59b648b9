//! Mapped files and shared memory: pages in the shared area (`wince.md` 2.2).
//!
//! A mapping's pages are taken at once. Files behind mappings are not read here: `filesys.exe` fills and writes back
//! (our choice), so that a mapping is memory with a name.

use super::super::call::{Call, Handler, Reply, TRUE, value};
use super::super::error::CeError;
use super::super::memory::PAGE;
use super::super::object::Object;
use super::super::processor::{PRESENT, USER, WRITABLE};
use super::super::region::{Region, RegionKind, shared_range, whole_blocks};
use crate::ce::Device;

pub(crate) const ROWS: &[(&str, Handler)] =
    &[("CreateFileMappingW", create_mapping), ("MapViewOfFile", map_view), ("UnmapViewOfFile", unmap_view)];

const READ_WRITE: u32 = 4;
/// `FILE_MAP_WRITE`.
const MAP_WRITE: u32 = 2;

fn create_mapping(device: &mut Device, call: &Call) -> Reply {
    let [file, _, protection, high, size, name, ..] = call.arguments;
    let name = device.read_optional_text(call.thread, name)?;
    let known =
        device.state.handles.iter().find(|(_, handle)| {
            !name.is_empty() && handle.name == name && matches!(handle.object, Object::Mapping { .. })
        });
    if let Some(handle) = known.map(|(value, _)| *value) {
        device.open_for(handle, call.process);
        device.set_last_error(call.thread, CeError::ALREADY_EXISTS);
        return value(handle);
    }
    if file != u32::MAX {
        return Err(CeError::NOT_SUPPORTED);
    }
    let pages = size.div_ceil(PAGE);
    if size == 0 || high != 0 || pages > device.state.frames.free() {
        return Err(if size == 0 { CeError::INVALID_PARAMETER } else { CeError::NOT_ENOUGH_MEMORY });
    }
    let ram = &mut device.computer.board.ram;
    let frames = (0..pages).map(|_| device.state.frames.take(ram)).collect::<Result<Vec<_>, _>>()?;
    device.state.committed += pages;
    let is_writable = protection & 0xff == READ_WRITE;
    let mapping = Object::Mapping { frames, size, is_writable, file: None };
    let handle = device.new_handle(mapping, 0, call.process)?;
    if let Some(it) = device.state.handles.get_mut(&handle) {
        it.name = name;
    }
    device.set_last_error(call.thread, CeError(0));
    value(handle)
}

fn map_view(device: &mut Device, call: &Call) -> Reply {
    let [mapping, access, high, offset, size] = [0, 1, 2, 3, 4].map(|number| call.arguments[number]);
    let Some(Object::Mapping { frames, size: whole, is_writable, .. }) =
        device.state.handles.get(&mapping).map(|handle| &handle.object)
    else {
        return Err(CeError::INVALID_HANDLE);
    };
    let can_write = access & MAP_WRITE != 0;
    if can_write && !is_writable {
        return Err(CeError::ACCESS_DENIED);
    }
    let left = whole.checked_sub(offset).filter(|_| high == 0 && offset.is_multiple_of(0x1_0000));
    let left = left.filter(|left| *left > 0 && size <= *left).ok_or(CeError::INVALID_PARAMETER)?;
    let length = if size == 0 { left } else { size };
    let first = (offset / PAGE) as usize;
    let frames: Vec<u32> = frames.iter().skip(first).take(length.div_ceil(PAGE) as usize).copied().collect();
    let blocks = whole_blocks(length).ok_or(CeError::NOT_ENOUGH_MEMORY)?;
    let (low, end) = shared_range();
    let base = device.find_free(low, end, blocks).ok_or(CeError::NOT_ENOUGH_MEMORY)?;
    device.reserve(Region { base, size: blocks, process: call.process, kind: RegionKind::View })?;
    let rights = PRESENT | USER | if can_write { WRITABLE } else { 0 };
    for (number, frame) in (0..).zip(frames) {
        device.set_entry(base + number * PAGE, frame | rights);
    }
    // The mapping lives as long as its views.
    device.open_for(mapping, call.process);
    device.state.views.insert(base, mapping);
    value(base)
}

fn unmap_view(device: &mut Device, call: &Call) -> Reply {
    let base = call.arguments[0];
    let region = device.region(base).filter(|region| region.base == base && region.kind == RegionKind::View);
    let region = region.ok_or(CeError::INVALID_PARAMETER)?;
    device.free_region(&region);
    if let Some(mapping) = device.state.views.remove(&base) {
        device.close_handle(mapping, region.process)?;
    }
    TRUE
}
