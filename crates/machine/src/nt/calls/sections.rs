//! Sections and views.

use crate::files::access::{FILE_EXECUTE, FILE_READ_DATA, FILE_WRITE_DATA};
use crate::files::{SectionUse, section_file};
use crate::memory::{NtStatus, SEC_IMAGE, SectionRequest, ViewRequest};
use crate::nt::call::{Call, Handler, SUCCESS};
use crate::nt::objects::{Body, ObjectType};
use crate::nt::rights::process::VM_OPERATION;
use crate::nt::{Done, Reply, System, status};
use vatlas_space::{Protection, Va};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtCreateSection", create_section),
    ("NtOpenSection", open_section),
    ("NtMapViewOfSection", map_view),
    ("NtUnmapViewOfSection", unmap_view),
    ("NtQuerySection", query_section),
    ("NtFlushVirtualMemory", flush_virtual_memory),
];

/// `NtCreateSection(Handle, Access, Attributes, MaximumSize, PageProtection, AllocationAttributes, File)`.
fn create_section(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, size, protection, allocation, file, ..] = call.arguments;
    system.probe_write(call.space, out, 4)?;
    let size = if size == 0 { 0 } else { system.read_i64(call.space, size)? as u64 };
    let request = SectionRequest { size, protection: Protection(protection), attributes: allocation };
    let file = match file {
        0 => None,
        handle => {
            let opened = system.file_by_handle(call, handle)?;
            if file_access(protection) & !opened.granted != 0 {
                return Err(status::ACCESS_DENIED);
            }
            let usage = if allocation & SEC_IMAGE != 0 { SectionUse::Image } else { SectionUse::Data };
            Some(section_file(&system.files, opened.file, usage)?)
        }
    };
    let result = system.memory.create_section(&mut system.computer.board.ram, file, &request);
    system.obey_flush();
    let section = result?;
    system.show_section_file(&section);
    system.create_object(call, (out, access, attributes), Body::Section(section))
}

/// What a file must be open for, to be mapped like this: `MmMakeFileAccess` of NT.
const fn file_access(protection: u32) -> u32 {
    match protection & 0xff {
        0x04 => FILE_READ_DATA | FILE_WRITE_DATA,
        0x10 => FILE_EXECUTE,
        0x20 | 0x80 => FILE_EXECUTE | FILE_READ_DATA,
        0x40 => FILE_EXECUTE | FILE_READ_DATA | FILE_WRITE_DATA,
        _ => FILE_READ_DATA,
    }
}

/// `NtOpenSection(Handle, Access, Attributes)`.
fn open_section(system: &mut System, call: &Call) -> Reply {
    let [out, access, attributes, ..] = call.arguments;
    system.open_object(call, (out, access, attributes), ObjectType::Section)
}

/// `NtMapViewOfSection(Section, Process, BaseAddress, ZeroBits, CommitSize, SectionOffset, ViewSize, InheritDisposition,
/// AllocationType, Protect)`.
fn map_view(system: &mut System, call: &Call) -> Reply {
    let [section, process, base_at, zero_bits, commit, offset_at, size_at, inherit, kind, protection, ..] =
        call.arguments;
    system.probe_write(call.space, base_at, 4)?;
    system.probe_write(call.space, size_at, 4)?;
    let base = system.read_u32(call.space, base_at)?;
    let size = system.read_u32(call.space, size_at)?;
    let offset = if offset_at == 0 { 0 } else { system.read_i64(call.space, offset_at)? as u64 };
    let process = system.living_process_for(call, process, VM_OPERATION)?;
    let section = system.object_by_handle(call, section, ObjectType::Section)?;
    let request = ViewRequest {
        base: Va(base.into()),
        zero_bits,
        commit,
        offset,
        size,
        inherit,
        kind,
        protection: Protection(protection),
    };
    let space = system.processes[process.0].space;
    let Some(Body::Section(body)) = system.objects.body(section) else { return Err(status::INVALID_HANDLE) };
    let result = system.memory.map_view(&mut system.computer.board.ram, space, body, &request);
    system.obey_flush();
    let view = result?;
    system.tell_module_load(process, view.base.0 as u32);
    system.write_u32(call.space, base_at, view.base.0 as u32)?;
    system.write_u32(call.space, size_at, view.size)?;
    if offset_at != 0 {
        system.write_user(call.space, offset_at, &(offset & !0xffff).to_le_bytes())?;
    }
    Ok(Done::Status(view.status))
}

/// `NtUnmapViewOfSection(Process, BaseAddress)`.
fn unmap_view(system: &mut System, call: &Call) -> Reply {
    let [process, base, ..] = call.arguments;
    let process = system.living_process_for(call, process, VM_OPERATION)?;
    let space = system.processes[process.0].space;
    system.tell_module_unload(process, base);
    let result = system.memory.unmap_view(&mut system.computer.board.ram, space, Va(base.into()));
    system.obey_flush();
    result?;
    SUCCESS
}

/// `NtQuerySection(Section, Class, Buffer, Length, ReturnLength)`: 0 base, attributes, size; 1 the image.
fn query_section(system: &mut System, call: &Call) -> Reply {
    let [section, class, buffer, length, returned, ..] = call.arguments;
    let section = system.object_by_handle(call, section, ObjectType::Section)?;
    let Some(Body::Section(body)) = system.objects.body(section) else { return Err(status::INVALID_HANDLE) };
    let image = system.memory.image_information(body);
    let bytes = match class {
        0 => {
            let attributes = if image.is_some() { SEC_IMAGE } else { 0x800_0000 };
            let mut bytes = vec![0; 8];
            bytes[4..].copy_from_slice(&attributes.to_le_bytes());
            bytes.extend_from_slice(&body.size().to_le_bytes());
            bytes
        }
        1 => image.ok_or(status::SECTION_NOT_IMAGE)?.to_bytes().to_vec(),
        _ => return Err(status::INVALID_INFO_CLASS),
    };
    if (length as usize) < bytes.len() {
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    system.write_user(call.space, buffer, &bytes)?;
    system.write_optional(call.space, returned, bytes.len() as u32)?;
    SUCCESS
}

/// `NtFlushVirtualMemory(Process, BaseAddress, RegionSize, StatusBlock)`.
fn flush_virtual_memory(system: &mut System, call: &Call) -> Reply {
    let [process, base_at, size_at, block, ..] = call.arguments;
    for at in [base_at, size_at] {
        system.probe_write(call.space, at, 4)?;
    }
    system.probe_write(call.space, block, 8)?;
    let base = system.read_u32(call.space, base_at)?;
    let size = system.read_u32(call.space, size_at)?;
    let process = system.living_process_for(call, process, VM_OPERATION)?;
    let space = system.processes[process.0].space;
    let result = system.memory.flush_view(&mut system.computer.board.ram, space, (Va(base.into()), size));
    system.obey_flush();
    let (base, size): (Va, u32) = result?;
    system.write_u32(call.space, base_at, base.0 as u32)?;
    system.write_u32(call.space, size_at, size)?;
    system.write_u32(call.space, block, NtStatus(0).0)?;
    system.write_u32(call.space, block.wrapping_add(4), 0)?;
    SUCCESS
}
