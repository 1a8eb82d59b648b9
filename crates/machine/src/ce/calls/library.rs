//! Calls about DLLs.

use super::super::call::{Call, Done, Handler, Reply, TRUE, value};
use super::super::error::CeError;
use super::super::image::{Image, RESOURCES, Symbol};
use super::super::object::{ModuleIndex, Notice, Reason, Then};
use crate::ce::Device;
use std::collections::VecDeque;

pub(crate) const ROWS: &[(&str, Handler)] = &[
    ("LoadLibraryW", load_library),
    ("LoadLibraryExW", load_library),
    ("FreeLibrary", free_library),
    ("GetProcAddressW", |device, call| get_procedure(device, call, true)),
    ("GetProcAddressA", |device, call| get_procedure(device, call, false)),
    ("GetModuleHandleW", get_module_handle),
    ("GetModuleFileNameW", get_module_file_name),
    ("DisableThreadLibraryCalls", disable_thread_calls),
    ("LoadKernelLibrary", load_kernel_library),
    ("LoadIntChainHandler", load_interrupt_handler),
    ("FindResourceW", find_resource),
    ("LoadResource", load_resource),
    ("SizeofResource", sizeof_resource),
];

/// The module whose MODULE is at an address.
fn module_of(device: &Device, handle: u32) -> Result<ModuleIndex, CeError> {
    let found = device.state.modules.iter().position(|module| module.as_ref().is_some_and(|it| it.at == handle));
    found.map(|index| index as ModuleIndex).ok_or(CeError::INVALID_HANDLE)
}

fn load_library(device: &mut Device, call: &Call) -> Reply {
    let name = device.read_text(call.thread, call.arguments[0])?;
    let mut notices = Vec::new();
    let index = device.load_module(call.process, &name, &mut notices, 0)?;
    device.leave_call(call.thread);
    device.begin_notices(call.thread, VecDeque::from(notices), Then::Loaded(index));
    Ok(Done::Gone)
}

fn free_library(device: &mut Device, call: &Call) -> Reply {
    let index = module_of(device, call.arguments[0])?;
    let count = device.state.modules[index as usize]
        .as_ref()
        .and_then(|module| module.references.get(&call.process).copied())
        .unwrap_or(0);
    match count {
        0 => Err(CeError::INVALID_HANDLE),
        1 => {
            let notices = VecDeque::from([Notice { module: index, reason: Reason::ProcessDetach }]);
            device.leave_call(call.thread);
            device.begin_notices(call.thread, notices, Then::Unload(index));
            Ok(Done::Gone)
        }
        _ => {
            device.drop_module(call.process, index);
            TRUE
        }
    }
}

fn get_procedure(device: &mut Device, call: &Call, is_wide: bool) -> Reply {
    const ORDINALS: u32 = 0x1_0000;
    let [module, name, ..] = call.arguments;
    let image = image_of(device, call, module)?;
    let symbol = match name {
        0..ORDINALS => Symbol::Ordinal(name as u16),
        _ if is_wide => Symbol::Name(device.read_text(call.thread, name)?),
        _ => Symbol::Name(device.read_narrow_text(call.thread, name)?),
    };
    value(device.export(image, &symbol, 0).ok_or(CeError::PROC_NOT_FOUND)?)
}

/// The image of a module handle, of a process's handle, or, for 0, of the program.
fn image_of(device: &Device, call: &Call, handle: u32) -> Result<u32, CeError> {
    if handle != 0
        && let Ok(index) = module_of(device, handle)
    {
        return device.module_image(index).ok_or(CeError::INVALID_HANDLE);
    }
    let number = if handle == 0 { call.process } else { device.process_of(handle)? };
    device.process(number).map(|process| process.image).ok_or(CeError::INVALID_HANDLE)
}

fn get_module_handle(device: &mut Device, call: &Call) -> Reply {
    let name = device.read_optional_text(call.thread, call.arguments[0])?;
    let own = device.process(call.process).map(|process| (process.handle, process.name.clone()));
    if let Some((handle, _)) = own.filter(|(_, own)| name.is_empty() || own.eq_ignore_ascii_case(&name)) {
        return value(handle);
    }
    let name = if name.contains('.') { name } else { format!("{name}.dll") };
    let index = device.find_module(&name).ok_or(CeError::MOD_NOT_FOUND)?;
    let module = device.state.modules[index as usize].as_ref().ok_or(CeError::MOD_NOT_FOUND)?;
    let is_used = module.references.get(&call.process).is_some_and(|count| *count > 0);
    if is_used { value(module.at) } else { Err(CeError::MOD_NOT_FOUND) }
}

fn get_module_file_name(device: &mut Device, call: &Call) -> Reply {
    let [module, buffer, length, ..] = call.arguments;
    let image = image_of(device, call, module)?;
    let path: Vec<u16> = device.state.images[image as usize].path.encode_utf16().collect();
    if length == 0 {
        return Err(CeError::INSUFFICIENT_BUFFER);
    }
    let kept = path.len().min(length as usize - 1);
    let bytes: Vec<u8> = path[..kept].iter().chain([&0]).flat_map(|unit| unit.to_le_bytes()).collect();
    device.write(call.thread, buffer, &bytes)?;
    value(kept as u32)
}

fn disable_thread_calls(device: &mut Device, call: &Call) -> Reply {
    let index = module_of(device, call.arguments[0])?;
    if let Some(Some(module)) = device.state.modules.get_mut(index as usize) {
        module.wants_thread_notices = false;
    }
    TRUE
}

fn load_kernel_library(device: &mut Device, call: &Call) -> Reply {
    let name = device.read_text(call.thread, call.arguments[0])?;
    if !device.thread(call.thread).in_kernel_mode {
        return Err(CeError::ACCESS_DENIED);
    }
    let (index, is_new) = device.load_kernel_module(&name)?;
    enter_kernel_module(device, call, index, is_new)
}

/// Calls the entry of a DLL that was loaded into the kernel's half, on the thread that wanted it, which is in kernel mode.
fn enter_kernel_module(device: &mut Device, call: &Call, index: ModuleIndex, is_new: bool) -> Reply {
    let notices = is_new.then_some(Notice { module: index, reason: Reason::ProcessAttach });
    device.leave_call(call.thread);
    device.begin_notices(call.thread, notices.into_iter().collect(), Then::Loaded(index));
    Ok(Done::Gone)
}

/// An installable interrupt service routine: its DLL loads into the kernel's half. There are no interrupts here that it
/// could serve, so that the function is looked up and nothing more.
fn load_interrupt_handler(device: &mut Device, call: &Call) -> Reply {
    let [name, function, ..] = call.arguments;
    let name = device.read_text(call.thread, name)?;
    let function = device.read_text(call.thread, function)?;
    if !device.thread(call.thread).in_kernel_mode {
        return Err(CeError::ACCESS_DENIED);
    }
    let (index, is_new) = device.load_kernel_module(&name)?;
    let image = device.module_image(index).ok_or(CeError::MOD_NOT_FOUND)?;
    device.export(image, &Symbol::Name(function), 0).ok_or(CeError::PROC_NOT_FOUND)?;
    enter_kernel_module(device, call, index, is_new)
}

/// What a resource is looked for by.
enum Wanted {
    Number(u32),
    Name(Vec<u16>),
}

fn wanted(device: &mut Device, call: &Call, argument: u32) -> Result<Wanted, CeError> {
    if argument < 0x1_0000 {
        return Ok(Wanted::Number(argument));
    }
    let name = device.read_text(call.thread, argument)?;
    Ok(match name.strip_prefix('#').and_then(|number| number.parse().ok()) {
        Some(number) => Wanted::Number(number),
        None => Wanted::Name(name.to_uppercase().encode_utf16().collect()),
    })
}

/// The entry of a resource directory that is wanted; its offset without the mark of directories.
fn resource_entry(image: &Image, root: u32, directory: u32, wanted: Option<&Wanted>) -> Option<u32> {
    const MARK: u32 = 1 << 31;
    const MOST: u32 = 4096;
    let counts = image.word(root.checked_add(directory)?.checked_add(12)?)?;
    let count = (counts & 0xffff) + (counts >> 16);
    for number in 0..count.min(MOST) {
        let at = root.checked_add(directory)?.checked_add(16 + 8 * number)?;
        let (name, target) = (image.word(at)?, image.word(at + 4)?);
        let fits = match wanted {
            None => true,
            Some(Wanted::Number(number)) => name == *number,
            Some(Wanted::Name(wanted)) => name & MARK != 0 && resource_name(image, root, name & !MARK)? == *wanted,
        };
        if fits {
            return Some(target & !MARK);
        }
    }
    None
}

fn resource_name(image: &Image, root: u32, offset: u32) -> Option<Vec<u16>> {
    let at = root.checked_add(offset)? as usize;
    let length = u16::from_le_bytes(*image.bytes.get(at..)?.first_chunk()?);
    let bytes = image.bytes.get(at + 2..at + 2 + 2 * usize::from(length))?;
    let units: Vec<u16> = bytes.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect();
    Some(String::from_utf16_lossy(&units).to_uppercase().encode_utf16().collect())
}

/// The resource's entry: an address that `LoadResource` and `SizeofResource` take.
fn find_resource(device: &mut Device, call: &Call) -> Reply {
    let [module, name, kind, ..] = call.arguments;
    let image = image_of(device, call, module)?;
    let (name, kind) = (wanted(device, call, name)?, wanted(device, call, kind)?);
    let image = &device.state.images[image as usize];
    let root = image.directories[RESOURCES].0;
    let entry = resource_entry(image, root, 0, Some(&kind))
        .and_then(|directory| resource_entry(image, root, directory, Some(&name)))
        .and_then(|directory| resource_entry(image, root, directory, None));
    match entry.and_then(|entry| root.checked_add(entry)).filter(|_| root != 0) {
        Some(rva) => value(image.address(rva)),
        None => Err(CeError::FILE_NOT_FOUND),
    }
}

fn load_resource(device: &mut Device, call: &Call) -> Reply {
    let [module, resource, ..] = call.arguments;
    let image = image_of(device, call, module)?;
    let rva = device.read_word(call.thread, resource)?;
    value(device.state.images[image as usize].address(rva))
}

fn sizeof_resource(device: &mut Device, call: &Call) -> Reply {
    value(device.read_word(call.thread, call.arguments[1].wrapping_add(4))?)
}
