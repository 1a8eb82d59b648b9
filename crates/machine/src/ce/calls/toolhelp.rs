//! Lists of processes, threads and modules for programs (`ToolHelp`).

use super::super::call::{Call, Handler, Reply, TRUE, value};
use super::super::error::CeError;
use super::super::object::Object;
use crate::ce::Device;

pub(crate) const ROWS: &[(&str, Handler)] = &[
    ("CreateToolhelp32Snapshot", snapshot),
    ("Process32Next", |device, call| next(device, call, PROCESS)),
    ("Module32Next", |device, call| next(device, call, MODULE)),
    ("Thread32Next", |device, call| next(device, call, THREAD)),
];

const PROCESS: u8 = 0;
const MODULE: u8 = 1;
const THREAD: u8 = 2;
/// `TH32CS_SNAPPROCESS`, `_SNAPTHREAD`, `_SNAPMODULE`.
const WITH_PROCESSES: u32 = 2;
const WITH_THREADS: u32 = 4;
const WITH_MODULES: u32 = 8;
const NAME_UNITS: usize = 260;

fn row(words: &[u32], name: Option<&str>) -> Vec<u8> {
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    if let Some(name) = name {
        let start = bytes.len();
        bytes.extend(name.encode_utf16().take(NAME_UNITS - 1).flat_map(u16::to_le_bytes));
        bytes.resize(start + 2 * NAME_UNITS, 0);
    }
    bytes
}

fn snapshot(device: &mut Device, call: &Call) -> Reply {
    let [flags, process, ..] = call.arguments;
    let mut rows = Vec::new();
    let mut kinds = Vec::new();
    let mut add = |kind, row| {
        rows.push(row);
        kinds.push(kind);
    };
    let numbers: Vec<u8> = (0..32).filter(|number| device.process(*number).is_some()).collect();
    let of = if process == 0 { call.process } else { device.process_of(process)? };
    for number in numbers {
        let Some(it) = device.process(number) else { continue };
        if flags & WITH_PROCESSES != 0 {
            let threads = it.threads.len() as u32;
            // Size, use, id, heap, module, threads, parent, priority, flags; name; base, key.
            let mut bytes = row(&[564, 1, it.handle, 0, 0, threads, 0, 0, 0], Some(&it.name));
            bytes.extend(row(&[device.process_base(number), 1 << number], None));
            add(PROCESS, bytes);
        }
        if flags & WITH_THREADS != 0 {
            for index in &it.threads {
                let thread = device.thread(*index);
                let current = device.process(thread.current).map_or(0, |process| process.handle);
                let priority = u32::from(thread.base_priority);
                let words = [36, 1, thread.handle, it.handle, priority, 0, 0, thread.key, current];
                add(THREAD, row(&words, None));
            }
        }
        if flags & WITH_MODULES != 0 && number == of {
            for index in &it.modules {
                let Some(Some(module)) = device.state.modules.get(*index as usize) else { continue };
                let image = &device.state.images[module.image as usize];
                let uses = u32::from(module.references.get(&number).copied().unwrap_or(0));
                // Size, id, process, uses of all and of this one, base, bytes, handle; name, path, flags.
                let mut bytes = row(
                    &[1076, module.at, it.handle, uses, uses, image.base, image.size, module.at],
                    Some(&image.name),
                );
                bytes.extend(row(&[], Some(&image.path)));
                bytes.extend(row(&[module.flags.into()], None));
                add(MODULE, bytes);
            }
        }
    }
    value(device.new_handle(Object::Snapshot { rows, kinds, next: [0; 3] }, 0, call.process)?)
}

/// The first or next row of a kind: `(snapshot, structure, whether from the first on)`.
fn next(device: &mut Device, call: &Call, kind: u8) -> Reply {
    let [snapshot, place, from_first, ..] = call.arguments;
    let Some(Object::Snapshot { rows, kinds, next }) =
        device.state.handles.get_mut(&snapshot).map(|handle| &mut handle.object)
    else {
        return Err(CeError::INVALID_HANDLE);
    };
    let count = &mut next[usize::from(kind)];
    if from_first != 0 {
        *count = 0;
    }
    let found = rows.iter().zip(kinds.iter()).filter(|(_, it)| **it == kind).nth(*count as usize);
    let bytes = found.map(|(row, _)| row.clone()).ok_or(CeError::NO_MORE_FILES)?;
    *count += 1;
    device.write(call.thread, place, &bytes)?;
    TRUE
}
