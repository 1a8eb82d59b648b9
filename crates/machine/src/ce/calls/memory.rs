//! Calls about memory.

use super::super::call::{Call, Handler, Reply, TRUE, value};
use super::super::error::CeError;
use super::super::memory::PAGE;
use super::super::region::{Region, RegionKind, shared_range, whole_blocks};
use super::super::virtual_memory::READ_WRITE;
use crate::ce::Device;

pub(crate) const ROWS: &[(&str, Handler)] = &[
    ("VirtualAlloc", virtual_alloc),
    ("VirtualFree", virtual_free),
    ("VirtualProtect", virtual_protect),
    ("VirtualQuery", virtual_query),
    ("VirtualCopy", virtual_copy),
    ("CeVirtualSharedAlloc", shared_alloc),
    ("IsBadPtr", is_bad_pointer),
    ("FlushInstructionCache", |_, _| TRUE),
    ("CacheSync", |_, _| TRUE),
    ("ReadProcessMemory", read_process_memory),
    ("WriteProcessMemory", write_process_memory),
    ("GlobalMemoryStatus", memory_status),
    ("GetStoreInformation", store_information),
];

fn virtual_alloc(device: &mut Device, call: &Call) -> Reply {
    let [address, size, kind, protection, ..] = call.arguments;
    value(device.virtual_allocate(call.process, (address, size), kind, protection)?)
}

fn virtual_free(device: &mut Device, call: &Call) -> Reply {
    let [address, size, kind, ..] = call.arguments;
    device.virtual_free(call.process, address, size, kind)?;
    TRUE
}

fn virtual_protect(device: &mut Device, call: &Call) -> Reply {
    let [address, size, protection, old, ..] = call.arguments;
    let before = device.virtual_protect(call.process, address, size, protection)?;
    device.write_optional(call.thread, old, before)?;
    TRUE
}

fn virtual_query(device: &mut Device, call: &Call) -> Reply {
    const BYTES: u32 = 28;
    let [address, buffer, length, ..] = call.arguments;
    if length < BYTES {
        return Err(CeError::INVALID_PARAMETER);
    }
    let run = device.virtual_query(call.process, address);
    let said = |mapped| if address < 0x0200_0000 { device.said_by(call.process, mapped) } else { mapped };
    let region = if run.region == 0 { 0 } else { said(run.region) };
    let words = [said(run.base), region, run.protection, run.size, run.state, run.protection, run.kind];
    let bytes = words.map(u32::to_le_bytes);
    device.write(call.thread, buffer, bytes.as_flattened())?;
    value(BYTES)
}

fn virtual_copy(device: &mut Device, call: &Call) -> Reply {
    let [to, from, size, protection, ..] = call.arguments;
    // Physical memory is for threads in kernel mode (our choice: CE asks whether the program is trusted).
    let is_private = from < 0x8000_0000 && protection & 0x400 == 0;
    if !is_private && !device.thread(call.thread).in_kernel_mode {
        return Err(CeError::ACCESS_DENIED);
    }
    device.virtual_copy(call.process, (to, from), size, protection)?;
    TRUE
}

/// Memory that its maker may write and others may read (`wince.md` 2.5). Writing is not told apart here: page tables are
/// one for all, so that every process may write (our choice).
fn shared_alloc(device: &mut Device, call: &Call) -> Reply {
    const COMMIT: u32 = 0x1000;
    let [address, size, kind, ..] = call.arguments;
    if address != 0 {
        return value(device.virtual_allocate(call.process, (address, size), kind, READ_WRITE)?);
    }
    let blocks = whole_blocks(size).filter(|size| *size > 0).ok_or(CeError::INVALID_PARAMETER)?;
    let (first, end) = shared_range();
    let base = device.find_free(first, end, blocks).ok_or(CeError::NOT_ENOUGH_MEMORY)?;
    let region = Region { base, size: blocks, process: call.process, kind: RegionKind::Shared };
    device.reserve(region)?;
    if kind & COMMIT != 0
        && let Err(error) = device.commit(base, size.next_multiple_of(PAGE), READ_WRITE)
    {
        device.free_region(&region);
        return Err(error);
    }
    value(base)
}

fn is_bad_pointer(device: &mut Device, call: &Call) -> Reply {
    let [is_write, address, size, ..] = call.arguments;
    let end = address.checked_add(size.max(1) - 1);
    let is_bad = match end {
        None => true,
        Some(end) => (address / PAGE..=end / PAGE).any(|page| {
            let at = (page * PAGE).max(address);
            device.touch(call.thread, at, is_write != 0).is_err()
        }),
    };
    value(is_bad.into())
}

/// The address in another process, in its slot.
fn in_process(device: &Device, call: &Call) -> Result<u32, CeError> {
    let number = device.process_of(call.arguments[0])?;
    Ok(device.mapped_for(number, call.arguments[1]))
}

fn copy(device: &mut Device, call: &Call, is_write: bool) -> Reply {
    const MOST: u32 = 0x0200_0000;
    let [_, _, buffer, size, done, ..] = call.arguments;
    let there = in_process(device, call)?;
    if size > MOST {
        return Err(CeError::INVALID_PARAMETER);
    }
    // The kernel reads for the caller, whose key need not open that slot.
    let key = device.thread(call.thread).key;
    device.thread_mut(call.thread).key = u32::MAX;
    let mut bytes = vec![0; size as usize];
    let copied = if is_write {
        device.read(call.thread, buffer, &mut bytes).and_then(|()| device.write(call.thread, there, &bytes))
    } else {
        device.read(call.thread, there, &mut bytes).and_then(|()| device.write(call.thread, buffer, &bytes))
    };
    device.thread_mut(call.thread).key = key;
    copied?;
    device.write_optional(call.thread, done, size)?;
    TRUE
}

fn read_process_memory(device: &mut Device, call: &Call) -> Reply {
    copy(device, call, false)
}

fn write_process_memory(device: &mut Device, call: &Call) -> Reply {
    copy(device, call, true)
}

fn memory_status(device: &mut Device, call: &Call) -> Reply {
    const BYTES: u32 = 32;
    let frames = &device.state.frames;
    let (total, free) = (frames.total * PAGE, frames.free() * PAGE);
    let load = 100 - (u64::from(free) * 100 / u64::from(total.max(1))) as u32;
    let slot = device.regions_of_slot(super::super::space::slot_of(device.process_base(call.process)));
    let reserved: u32 = slot.iter().map(|region| region.size).sum();
    let words = [BYTES, load, total, free, 0, 0, 0x0200_0000, 0x0200_0000 - reserved.min(0x0200_0000)];
    device.write(call.thread, call.arguments[0], words.map(u32::to_le_bytes).as_flattened())?;
    TRUE
}

fn store_information(device: &mut Device, call: &Call) -> Reply {
    let store = &device.state.store;
    let words = [store.limit as u32, store.limit.saturating_sub(store.used()) as u32];
    device.write(call.thread, call.arguments[0], words.map(u32::to_le_bytes).as_flattened())?;
    TRUE
}
