//! Handles and names: closing, duplicating, asking; directories and symbolic links.

use crate::memory::NtStatus;
use crate::nt::call::{Call, Handler, SUCCESS};
use crate::nt::handles::{HandleEntry, INHERIT, PROTECT};
use crate::nt::objects::{Body, ObjectType};
use crate::nt::rights::process::DUP_HANDLE;
use crate::nt::user_memory::utf16;
use crate::nt::{Reply, System, status};

pub(super) const SERVICES: &[(&str, Handler)] = &[
    ("NtClose", close),
    ("NtDuplicateObject", duplicate_object),
    ("NtQueryObject", query_object),
    ("NtSetInformationObject", set_information_object),
    ("NtCreateDirectoryObject", |system, call| create(system, call, Body::Directory)),
    ("NtOpenDirectoryObject", |system, call| open(system, call, ObjectType::Directory)),
    ("NtCreateSymbolicLinkObject", create_symbolic_link),
    ("NtQuerySymbolicLinkObject", query_symbolic_link),
];

/// `DUPLICATE_CLOSE_SOURCE`, `DUPLICATE_SAME_ACCESS`, `DUPLICATE_SAME_ATTRIBUTES`.
const CLOSE_SOURCE: u32 = 1;
const SAME_ACCESS: u32 = 2;
const SAME_ATTRIBUTES: u32 = 4;
/// `ObjectBasicInformation`, `ObjectNameInformation`, `ObjectTypeInformation`, `ObjectHandleFlagInformation`.
const BASIC: u32 = 0;
const NAME: u32 = 1;
const TYPE: u32 = 2;
const HANDLE_FLAGS: u32 = 4;

fn create(system: &mut System, call: &Call, body: Body) -> Reply {
    let [out, access, attributes, ..] = call.arguments;
    system.create_object(call, (out, access, attributes), body)
}

fn open(system: &mut System, call: &Call, kind: ObjectType) -> Reply {
    let [out, access, attributes, ..] = call.arguments;
    system.open_object(call, (out, access, attributes), kind)
}

/// `NtClose(Handle)`.
fn close(system: &mut System, call: &Call) -> Reply {
    system.close_handle(call.process, call.arguments[0])?;
    SUCCESS
}

/// `NtDuplicateObject(SourceProcess, Source, TargetProcess, Target, Access, Attributes, Options)`.
fn duplicate_object(system: &mut System, call: &Call) -> Reply {
    let [source_process, source, target_process, out, access, attributes, options, ..] = call.arguments;
    if out != 0 {
        system.probe_write(call.space, out, 4)?;
    }
    let from = system.living_process_for(call, source_process, DUP_HANDLE)?;
    let in_source = Call { process: from, ..*call };
    let entry = system.entry_by_handle(&in_source, source)?;
    let duplicate =
        if target_process == 0 { None } else { Some(system.living_process_for(call, target_process, DUP_HANDLE)?) };
    if let Some(to) = duplicate {
        let access = if options & SAME_ACCESS != 0 { entry.access } else { access };
        let handle = system.open_handle(to, entry.object, access)?;
        let flags = if options & SAME_ATTRIBUTES != 0 { entry.attributes } else { attributes as u8 & INHERIT };
        system.set_handle_attributes(to, handle, flags);
        if out != 0 {
            system.write_u32(call.space, out, handle)?;
        }
    }
    if options & CLOSE_SOURCE != 0 {
        // A pseudo handle has nothing to close.
        let _ = system.close_handle(from, source);
    }
    SUCCESS
}

/// `NtQueryObject(Handle, Class, Buffer, Length, ReturnLength)`.
fn query_object(system: &mut System, call: &Call) -> Reply {
    let [handle, class, buffer, length, returned, ..] = call.arguments;
    let entry = system.entry_by_handle(call, handle)?;
    let bytes = match class {
        BASIC => basic(system, entry),
        NAME => {
            let name = system.objects.get(entry.object).and_then(|object| object.name.clone()).unwrap_or_default();
            string_with_text(&name, buffer, 8)
        }
        TYPE => {
            let kind = system.objects.body(entry.object).map_or("", |body| body.kind().name());
            string_with_text(kind, buffer, 0x60)
        }
        HANDLE_FLAGS => vec![u8::from(entry.attributes & INHERIT != 0), u8::from(entry.attributes & PROTECT != 0)],
        _ => return Err(status::INVALID_INFO_CLASS),
    };
    let needed = bytes.len() as u32;
    if returned != 0 {
        system.write_u32(call.space, returned, needed)?;
    }
    if length < needed {
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    system.write_user(call.space, buffer, &bytes)?;
    SUCCESS
}

/// `OBJECT_BASIC_INFORMATION`, 38h bytes.
fn basic(system: &System, entry: HandleEntry) -> Vec<u8> {
    let (handles, references) =
        system.objects.get(entry.object).map_or((0, 0), |object| (object.handles, object.references));
    let mut bytes = vec![0; 0x38];
    for (place, word) in bytes.chunks_exact_mut(4).zip([u32::from(entry.attributes), entry.access, handles, references])
    {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// A structure of `size` bytes that begins with a `UNICODE_STRING`, and its text behind it.
fn string_with_text(text: &str, at: u32, size: usize) -> Vec<u8> {
    let text = utf16(text);
    let length = text.len().min(0xfffe) as u16;
    let mut bytes = vec![0; size];
    if length > 0 {
        bytes[0..2].copy_from_slice(&length.to_le_bytes());
        bytes[2..4].copy_from_slice(&(length + 2).to_le_bytes());
        bytes[4..8].copy_from_slice(&at.wrapping_add(size as u32).to_le_bytes());
        bytes.extend_from_slice(&text[..usize::from(length)]);
        bytes.extend_from_slice(&[0, 0]);
    }
    bytes
}

/// `NtSetInformationObject(Handle, Class, Buffer, Length)`.
fn set_information_object(system: &mut System, call: &Call) -> Reply {
    let [handle, class, buffer, length, ..] = call.arguments;
    if class != HANDLE_FLAGS {
        return Err(status::INVALID_INFO_CLASS);
    }
    if length != 2 {
        return Err(status::INFO_LENGTH_MISMATCH);
    }
    let [inherits, protects] = system.read_array(call.space, buffer)?;
    system.entry_by_handle(call, handle)?;
    let flags = if inherits != 0 { INHERIT } else { 0 } | if protects != 0 { PROTECT } else { 0 };
    system.set_handle_attributes(call.process, handle, flags);
    SUCCESS
}

/// `NtCreateSymbolicLinkObject(Handle, Access, Attributes, Target)`.
fn create_symbolic_link(system: &mut System, call: &Call) -> Reply {
    let target = system.read_unicode_string(call.space, call.arguments[3])?;
    if target.is_empty() {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    create(system, call, Body::SymbolicLink(target))
}

/// `NtQuerySymbolicLinkObject(Handle, Target, ReturnedLength)`.
fn query_symbolic_link(system: &mut System, call: &Call) -> Reply {
    let [handle, out, returned, ..] = call.arguments;
    let object = system.object_by_handle(call, handle, ObjectType::SymbolicLink)?;
    let Some(Body::SymbolicLink(target)) = system.objects.body(object) else { return Err(status::INVALID_HANDLE) };
    let text = utf16(target);
    let room = system.read_u16(call.space, out.wrapping_add(2))?;
    let buffer = system.read_u32(call.space, out.wrapping_add(4))?;
    system.write_optional(call.space, returned, text.len() as u32)?;
    if usize::from(room) < text.len() {
        return Err(status::BUFFER_TOO_SMALL);
    }
    system.write_user(call.space, buffer, &text)?;
    system.write_user(call.space, out, &(text.len() as u16).to_le_bytes())?;
    SUCCESS
}
