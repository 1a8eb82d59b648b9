//! Virtual memory: the calls whose rules are the memory manager's.

use crate::memory::{AllocationRequest, NtStatus, SpaceIndex};
use crate::nt::call::{Call, Handler, SUCCESS};
use crate::nt::calls::memory_lists::{section_name, working_set};
use crate::nt::rights::process::{QUERY_INFORMATION, VM_OPERATION, VM_READ, VM_WRITE};
use crate::nt::{Reply, System, status};
use vatlas_space::{Protection, Va};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtAllocateVirtualMemory", allocate),
    ("NtFreeVirtualMemory", free),
    ("NtProtectVirtualMemory", protect),
    ("NtQueryVirtualMemory", query),
    ("NtLockVirtualMemory", |system, call| lock(system, call, true)),
    ("NtUnlockVirtualMemory", |system, call| lock(system, call, false)),
    ("NtGetWriteWatch", get_write_watch),
    ("NtResetWriteWatch", reset_write_watch),
    ("NtReadVirtualMemory", read),
    ("NtWriteVirtualMemory", write),
    ("NtFlushInstructionCache", flush_instruction_cache),
];

/// `MemoryBasicInformation`, `MemoryWorkingSetList`, `MemorySectionName`.
const BASIC: u32 = 0;
const WORKING_SET: u32 = 1;
const SECTION_NAME: u32 = 2;
/// Bytes that one copy between processes moves at a time.
const PIECE: usize = 0x1_0000;

/// A base and a size that a program wants changed where they are.
fn read_range(system: &mut System, call: &Call, (base, size): (u32, u32)) -> Result<(u32, u32), NtStatus> {
    system.probe_write(call.space, base, 4)?;
    system.probe_write(call.space, size, 4)?;
    Ok((system.read_u32(call.space, base)?, system.read_u32(call.space, size)?))
}

fn write_range(
    system: &mut System,
    call: &Call,
    (base_at, size_at): (u32, u32),
    (base, size): (Va, u32),
) -> Result<(), NtStatus> {
    system.write_u32(call.space, base_at, base.0 as u32)?;
    system.write_u32(call.space, size_at, size)
}

/// The memory of the process that a handle with these rights names.
pub(super) fn space_of(system: &System, call: &Call, handle: u32, rights: u32) -> Result<SpaceIndex, NtStatus> {
    Ok(system.processes[system.living_process_for(call, handle, rights)?.0].space)
}

/// `NtAllocateVirtualMemory(Process, BaseAddress, ZeroBits, RegionSize, AllocationType, Protect)`.
fn allocate(system: &mut System, call: &Call) -> Reply {
    let [process, base_at, zero_bits, size_at, kind, protection, ..] = call.arguments;
    let (base, size) = read_range(system, call, (base_at, size_at))?;
    let space = space_of(system, call, process, VM_OPERATION)?;
    let protection = Protection(protection);
    let request = AllocationRequest { base: Va(base.into()), zero_bits, size, kind, protection };
    let result = system.memory.allocate(&mut system.computer.board.ram, space, &request);
    system.obey_flush();
    write_range(system, call, (base_at, size_at), result?)?;
    SUCCESS
}

/// `NtFreeVirtualMemory(Process, BaseAddress, RegionSize, FreeType)`.
fn free(system: &mut System, call: &Call) -> Reply {
    let [process, base_at, size_at, kind, ..] = call.arguments;
    let (base, size) = read_range(system, call, (base_at, size_at))?;
    let space = space_of(system, call, process, VM_OPERATION)?;
    let result = system.memory.free(&mut system.computer.board.ram, space, (Va(base.into()), size), kind);
    system.obey_flush();
    write_range(system, call, (base_at, size_at), result?)?;
    SUCCESS
}

/// `NtProtectVirtualMemory(Process, BaseAddress, RegionSize, NewProtect, OldProtect)`. What is written back are whole
/// pages.
fn protect(system: &mut System, call: &Call) -> Reply {
    let [process, base_at, size_at, protection, old_at, ..] = call.arguments;
    let (base, size) = read_range(system, call, (base_at, size_at))?;
    system.probe_write(call.space, old_at, 4)?;
    let space = space_of(system, call, process, VM_OPERATION)?;
    let (range, protection) = ((Va(base.into()), size), Protection(protection));
    let result = system.memory.protect(&mut system.computer.board.ram, space, range, protection);
    system.obey_flush();
    let old = result?;
    write_range(system, call, (base_at, size_at), whole_pages(base, size))?;
    system.write_u32(call.space, old_at, old.0)?;
    SUCCESS
}

fn whole_pages(base: u32, size: u32) -> (Va, u32) {
    let first = u64::from(base & !0xfff);
    let end = (u64::from(base) + u64::from(size) + 0xfff) & !0xfff;
    (Va(first), end.wrapping_sub(first) as u32)
}

/// `NtQueryVirtualMemory(Process, Address, Class, Buffer, Length, ReturnLength)`.
fn query(system: &mut System, call: &Call) -> Reply {
    let [process, address, class, buffer, length, returned, ..] = call.arguments;
    let space = space_of(system, call, process, QUERY_INFORMATION)?;
    let bytes = match class {
        BASIC => system.memory.query(&system.computer.board.ram, space, Va(address.into()))?.to_bytes().to_vec(),
        WORKING_SET => working_set(system, space),
        SECTION_NAME => section_name(system, space, (address, buffer))?,
        _ => return Err(status::INVALID_INFO_CLASS),
    };
    if (length as usize) < bytes.len() {
        system.write_optional(call.space, returned, bytes.len() as u32)?;
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    system.write_user(call.space, buffer, &bytes)?;
    system.write_optional(call.space, returned, bytes.len() as u32)?;
    SUCCESS
}

/// `NtLockVirtualMemory(Process, BaseAddress, RegionSize, MapType)` and its counterpart.
fn lock(system: &mut System, call: &Call, is_lock: bool) -> Reply {
    let [process, base_at, size_at, kind, ..] = call.arguments;
    if kind == 0 || kind & !3 != 0 {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    let (base, size) = read_range(system, call, (base_at, size_at))?;
    let space = space_of(system, call, process, VM_OPERATION)?;
    let range = (Va(base.into()), size);
    let ram = &mut system.computer.board.ram;
    let result = if is_lock { system.memory.lock(ram, space, range) } else { system.memory.unlock(ram, space, range) };
    system.obey_flush();
    result?;
    write_range(system, call, (base_at, size_at), whole_pages(base, size))?;
    SUCCESS
}

/// `NtGetWriteWatch(Process, Flags, Base, Size, Addresses, Count, Granularity)`.
fn get_write_watch(system: &mut System, call: &Call) -> Reply {
    let [process, flags, base, size, addresses, count_at, granularity, ..] = call.arguments;
    system.probe_write(call.space, count_at, 4)?;
    system.probe_write(call.space, granularity, 4)?;
    let most = system.read_u32(call.space, count_at)?;
    let space = space_of(system, call, process, VM_OPERATION)?;
    let range = (Va(base.into()), size);
    let ram = &mut system.computer.board.ram;
    let result = system.memory.get_write_watch(ram, space, flags, range, most as usize);
    system.obey_flush();
    let written = result?;
    for (at, page) in (addresses..).step_by(4).zip(&written) {
        system.write_u32(call.space, at, page.0 as u32)?;
    }
    system.write_u32(call.space, count_at, written.len() as u32)?;
    system.write_u32(call.space, granularity, 0x1000)?;
    SUCCESS
}

/// `NtResetWriteWatch(Process, Base, Size)`.
fn reset_write_watch(system: &mut System, call: &Call) -> Reply {
    let [process, base, size, ..] = call.arguments;
    let space = space_of(system, call, process, VM_OPERATION)?;
    let range = (Va(base.into()), size);
    let result = system.memory.reset_write_watch(&mut system.computer.board.ram, space, range);
    system.obey_flush();
    result?;
    SUCCESS
}

/// Copies between two processes; how many bytes went over.
fn copy(
    system: &mut System,
    (from, source): (SpaceIndex, u32),
    (to, target): (SpaceIndex, u32),
    length: u32,
) -> (u32, Result<(), NtStatus>) {
    let mut bytes = vec![0; PIECE.min(length as usize)];
    let mut done = 0;
    while done < length {
        let piece = ((length - done) as usize).min(PIECE);
        let moved = system
            .read_user(from, source.wrapping_add(done), &mut bytes[..piece])
            .and_then(|()| system.write_user(to, target.wrapping_add(done), &bytes[..piece]));
        if moved.is_err() {
            return (done, Err(status::PARTIAL_COPY));
        }
        done += piece as u32;
    }
    (done, Ok(()))
}

/// `NtReadVirtualMemory(Process, Address, Buffer, Length, BytesRead)`.
fn read(system: &mut System, call: &Call) -> Reply {
    let [process, address, buffer, length, done_at, ..] = call.arguments;
    let space = space_of(system, call, process, VM_READ)?;
    let (done, result) = copy(system, (space, address), (call.space, buffer), length);
    system.write_optional(call.space, done_at, done)?;
    result?;
    SUCCESS
}

/// `NtWriteVirtualMemory(Process, Address, Buffer, Length, BytesWritten)`.
fn write(system: &mut System, call: &Call) -> Reply {
    let [process, address, buffer, length, done_at, ..] = call.arguments;
    let space = space_of(system, call, process, VM_WRITE)?;
    let (done, result) = copy(system, (call.space, buffer), (space, address), length);
    system.write_optional(call.space, done_at, done)?;
    result?;
    SUCCESS
}

/// `NtFlushInstructionCache(Process, Address, Length)`: the processor sees writes to code by itself.
fn flush_instruction_cache(system: &mut System, call: &Call) -> Reply {
    system.process_by_handle(call, call.arguments[0])?;
    SUCCESS
}
