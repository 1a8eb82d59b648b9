//! Calls by which `filesys.exe` reaches the object store and the files of the ROM.

use super::super::call::{Call, Handler, Reply, TRUE, value};
use super::super::error::CeError;
use super::super::store::{DIRECTORY, Listed, NORMAL, Open, READ_ONLY, ROM_MODULE, folder, key};
use crate::ce::Device;
use std::sync::Arc;

pub(crate) const ROWS: &[(&str, Handler)] = &[
    ("StoreOpen", open),
    ("StoreClose", close),
    ("StoreRead", read),
    ("StoreWrite", write),
    ("StoreGetSize", size),
    ("StoreSetSize", set_size),
    ("StoreDelete", delete),
    ("StoreCreateDirectory", create_directory),
    ("StoreRemoveDirectory", remove_directory),
    ("StoreMove", move_file),
    ("StoreGetAttributes", attributes),
    ("StoreSetAttributes", set_attributes),
    ("StoreFind", find),
    ("StoreGetTimes", times),
    ("StoreSetTimes", set_times),
];

/// `GENERIC_WRITE`.
const GENERIC_WRITE: u32 = 0x4000_0000;
/// Dispositions of `CreateFileW`.
const CREATE_NEW: u32 = 1;
const CREATE_ALWAYS: u32 = 2;
const OPEN_EXISTING: u32 = 3;
const OPEN_ALWAYS: u32 = 4;
const TRUNCATE_EXISTING: u32 = 5;
/// No file, no attributes.
const NONE: u32 = u32::MAX;

/// -1 with an error instead of 0.
fn or_none(device: &mut Device, call: &Call, result: Result<u32, CeError>) -> Reply {
    value(result.unwrap_or_else(|error| {
        device.set_last_error(call.thread, error);
        NONE
    }))
}

fn open(device: &mut Device, call: &Call) -> Reply {
    let result = open_file(device, call);
    or_none(device, call, result)
}

fn open_file(device: &mut Device, call: &Call) -> Result<u32, CeError> {
    let [path, access, disposition, attributes, ..] = call.arguments;
    let path = device.read_text(call.thread, path)?;
    let can_write = access & GENERIC_WRITE != 0;
    let name = key(&path);
    let now = device.now();
    let stored = device.state.store.nodes.get(&name).map(|node| node.attributes);
    match stored {
        Some(found) if found & DIRECTORY != 0 => return Err(CeError::ACCESS_DENIED),
        Some(_) if disposition == CREATE_NEW => return Err(CeError::FILE_EXISTS),
        Some(found) if can_write && found & READ_ONLY != 0 => return Err(CeError::ACCESS_DENIED),
        Some(_) if [CREATE_ALWAYS, TRUNCATE_EXISTING].contains(&disposition) => {
            device.state.store.change(&name, now, 0, |_| ())?;
        }
        Some(_) if [OPEN_EXISTING, OPEN_ALWAYS].contains(&disposition) => {}
        Some(_) => return Err(CeError::INVALID_PARAMETER),
        None => {
            let is_to_read = !can_write && [OPEN_EXISTING, OPEN_ALWAYS].contains(&disposition);
            if let Some(listed) = device.rom_entry(&path).filter(|_| is_to_read) {
                return open_rom(device, &path, &listed);
            }
            if ![CREATE_NEW, CREATE_ALWAYS, OPEN_ALWAYS].contains(&disposition) {
                return Err(CeError::FILE_NOT_FOUND);
            }
            let kept = attributes & 0x27;
            device.state.store.put(&path, Vec::new(), if kept == 0 { NORMAL } else { kept }, now)?;
        }
    }
    Ok(device.state.store.add_open(Open::Stored { key: name, can_write }))
}

/// A file of the ROM; the bytes of a module cannot be read, as on a device.
fn open_rom(device: &mut Device, path: &str, listed: &Listed) -> Result<u32, CeError> {
    if listed.attributes & ROM_MODULE != 0 {
        return Err(CeError::ACCESS_DENIED);
    }
    let bytes = device.rom_file(path).ok_or(CeError::FILE_NOT_FOUND)?;
    Ok(device.state.store.add_open(Open::Rom { bytes: Arc::new(bytes), time: listed.times[2] }))
}

fn close(device: &mut Device, call: &Call) -> Reply {
    device.state.store.open.remove(&call.arguments[0]).map(|_| 1).map_or(Err(CeError::INVALID_HANDLE), value)
}

/// The bytes of an open file.
fn bytes_of(device: &Device, number: u32) -> Result<Arc<Vec<u8>>, CeError> {
    match device.state.store.open.get(&number) {
        Some(Open::Rom { bytes, .. }) => Ok(Arc::clone(bytes)),
        Some(Open::Stored { key, .. }) => {
            let node = device.state.store.nodes.get(key);
            node.map(|node| Arc::clone(&node.bytes)).ok_or(CeError::INVALID_HANDLE)
        }
        None => Err(CeError::INVALID_HANDLE),
    }
}

/// The key of an open file that can be written.
fn writable(device: &Device, number: u32) -> Result<String, CeError> {
    match device.state.store.open.get(&number) {
        Some(Open::Stored { key, can_write: true }) => Ok(key.clone()),
        Some(_) => Err(CeError::ACCESS_DENIED),
        None => Err(CeError::INVALID_HANDLE),
    }
}

fn read(device: &mut Device, call: &Call) -> Reply {
    let [number, buffer, count, offset, ..] = call.arguments;
    let result = bytes_of(device, number).and_then(|bytes| {
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let part = &rest[..rest.len().min(count as usize)];
        device.write(call.thread, buffer, part)?;
        Ok(part.len() as u32)
    });
    or_none(device, call, result)
}

fn write(device: &mut Device, call: &Call) -> Reply {
    let result = write_file(device, call);
    or_none(device, call, result)
}

fn write_file(device: &mut Device, call: &Call) -> Result<u32, CeError> {
    let [number, buffer, count, offset, ..] = call.arguments;
    let name = writable(device, number)?;
    let size = bytes_of(device, number)?.len();
    let end = offset.checked_add(count).ok_or(CeError::DISK_FULL)? as usize;
    if end as u64 > device.state.store.limit {
        return Err(CeError::DISK_FULL);
    }
    let mut part = vec![0; count as usize];
    device.read(call.thread, buffer, &mut part)?;
    let now = device.now();
    device.state.store.change(&name, now, size.max(end), |bytes| {
        if let Some(place) = bytes.get_mut(offset as usize..end) {
            place.copy_from_slice(&part);
        }
    })?;
    Ok(count)
}

fn size(device: &mut Device, call: &Call) -> Reply {
    let result = bytes_of(device, call.arguments[0]).map(|bytes| bytes.len() as u32);
    or_none(device, call, result)
}

fn set_size(device: &mut Device, call: &Call) -> Reply {
    let name = writable(device, call.arguments[0])?;
    let now = device.now();
    if u64::from(call.arguments[1]) > device.state.store.limit {
        return Err(CeError::DISK_FULL);
    }
    device.state.store.change(&name, now, call.arguments[1] as usize, |_| ())?;
    TRUE
}

fn is_open(device: &Device, name: &str) -> bool {
    device.state.store.open.values().any(|open| matches!(open, Open::Stored { key, .. } if key == name))
}

fn delete(device: &mut Device, call: &Call) -> Reply {
    let path = device.read_text(call.thread, call.arguments[0])?;
    let name = key(&path);
    let Some(node) = device.state.store.nodes.get(&name) else {
        return Err(if device.rom_entry(&path).is_some() { CeError::ACCESS_DENIED } else { CeError::FILE_NOT_FOUND });
    };
    if node.attributes & (DIRECTORY | READ_ONLY) != 0 {
        return Err(CeError::ACCESS_DENIED);
    }
    if is_open(device, &name) {
        return Err(CeError::SHARING_VIOLATION);
    }
    device.state.store.nodes.remove(&name);
    TRUE
}

fn create_directory(device: &mut Device, call: &Call) -> Reply {
    let path = device.read_text(call.thread, call.arguments[0])?;
    let path = path.trim_end_matches('\\');
    if device.state.store.nodes.contains_key(&key(path)) || device.state.store.is_folder(&key(path)) {
        return Err(CeError::ALREADY_EXISTS);
    }
    let now = device.now();
    device.state.store.put(path, Vec::new(), DIRECTORY, now)?;
    TRUE
}

fn remove_directory(device: &mut Device, call: &Call) -> Reply {
    let path = device.read_text(call.thread, call.arguments[0])?;
    let name = key(&path);
    let is_folder = device.state.store.nodes.get(&name).is_some_and(|node| node.attributes & DIRECTORY != 0);
    if !is_folder {
        return Err(CeError::PATH_NOT_FOUND);
    }
    if device.state.store.nodes.keys().any(|other| folder(other) == name) {
        return Err(CeError::DIR_NOT_EMPTY);
    }
    device.state.store.nodes.remove(&name);
    TRUE
}

fn move_file(device: &mut Device, call: &Call) -> Reply {
    let [from, to, ..] = call.arguments;
    let (from, to) = (device.read_text(call.thread, from)?, device.read_text(call.thread, to)?);
    let (old, new) = (key(&from), key(&to));
    let node = device.state.store.nodes.get(&old).cloned().ok_or(CeError::FILE_NOT_FOUND)?;
    if device.state.store.nodes.contains_key(&new) {
        return Err(CeError::ALREADY_EXISTS);
    }
    if is_open(device, &old) || node.attributes & DIRECTORY != 0 && has_children(device, &old) {
        return Err(CeError::SHARING_VIOLATION);
    }
    device.state.store.nodes.remove(&old);
    let moved = device.state.store.put(&to, node.bytes.to_vec(), node.attributes, node.times[2]);
    if let Err(error) = moved {
        device.state.store.nodes.insert(old, node);
        return Err(error);
    }
    TRUE
}

fn has_children(device: &Device, name: &str) -> bool {
    device.state.store.nodes.keys().any(|other| folder(other) == name)
}

fn attributes(device: &mut Device, call: &Call) -> Reply {
    let path = device.read_text(call.thread, call.arguments[0])?;
    let name = key(&path);
    let stored = device.state.store.nodes.get(&name).map(|node| node.attributes);
    let found = stored
        .or_else(|| device.state.store.is_folder(&name).then_some(DIRECTORY))
        .or_else(|| device.rom_entry(&path).map(|listed| listed.attributes));
    or_none(device, call, found.ok_or(CeError::FILE_NOT_FOUND))
}

fn set_attributes(device: &mut Device, call: &Call) -> Reply {
    const SETTABLE: u32 = 0x27;
    let path = device.read_text(call.thread, call.arguments[0])?;
    let node = device.state.store.nodes.get_mut(&key(&path)).ok_or(CeError::FILE_NOT_FOUND)?;
    let kept = node.attributes & DIRECTORY | call.arguments[1] & SETTABLE;
    node.attributes = if kept == 0 { NORMAL } else { kept };
    TRUE
}

/// Whether a name fits a pattern with `*` and `?`, without regard to case.
fn fits(name: &[char], pattern: &[char]) -> bool {
    // The place behind the last star, and how much of the name it took.
    let (mut at, mut place, mut star) = (0, 0, None);
    while at < name.len() {
        match pattern.get(place) {
            Some('*') => {
                star = Some((place + 1, at));
                place += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[at] => {
                at += 1;
                place += 1;
            }
            _ => match star {
                Some((behind, taken)) => {
                    star = Some((behind, taken + 1));
                    (place, at) = (behind, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[place..].iter().all(|letter| *letter == '*')
}

fn find(device: &mut Device, call: &Call) -> Reply {
    let [pattern, number, data, ..] = call.arguments;
    let pattern = device.read_text(call.thread, pattern)?;
    let name = key(&pattern);
    let (folder_key, wanted) = name.rsplit_once('\\').ok_or(CeError::INVALID_NAME)?;
    let wanted: Vec<char> = if wanted == "*.*" { vec!['*'] } else { wanted.chars().collect() };
    let mut found: Vec<Listed> = device
        .state
        .store
        .nodes
        .iter()
        .filter(|(key, _)| folder(key) == folder_key)
        .map(|(_, node)| Listed {
            name: node.path.trim_end_matches('\\').rsplit('\\').next().unwrap_or_default().to_owned(),
            size: node.bytes.len() as u64,
            attributes: node.attributes,
            times: node.times,
        })
        .collect();
    if folder_key == "\\windows" {
        let hidden: Vec<String> = found.iter().map(|listed| listed.name.to_lowercase()).collect();
        found.extend(device.rom_listing().into_iter().filter(|listed| !hidden.contains(&listed.name.to_lowercase())));
    }
    if folder_key.is_empty() {
        found.push(Listed { name: "Windows".to_owned(), size: 0, attributes: DIRECTORY, times: [0; 3] });
    }
    found.retain(|listed| fits(&listed.name.to_lowercase().chars().collect::<Vec<_>>(), &wanted));
    match found.get(number as usize) {
        Some(listed) => {
            device.write(call.thread, data, &find_data(listed))?;
            TRUE
        }
        None => Err(CeError::NO_MORE_FILES),
    }
}

/// `WIN32_FIND_DATAW` of CE: attributes, three times, size, object id, name.
fn find_data(listed: &Listed) -> Vec<u8> {
    const NAME_UNITS: usize = 260;
    let mut bytes = listed.attributes.to_le_bytes().to_vec();
    listed.times.iter().for_each(|time| bytes.extend(time.to_le_bytes()));
    bytes.extend(((listed.size >> 32) as u32).to_le_bytes());
    bytes.extend((listed.size as u32).to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    let start = bytes.len();
    bytes.extend(listed.name.encode_utf16().take(NAME_UNITS - 1).flat_map(u16::to_le_bytes));
    bytes.resize(start + 2 * NAME_UNITS, 0);
    bytes
}

fn times(device: &mut Device, call: &Call) -> Reply {
    let [number, place, ..] = call.arguments;
    let times = match device.state.store.open.get(&number) {
        Some(Open::Rom { time, .. }) => [*time; 3],
        Some(Open::Stored { key, .. }) => device.state.store.nodes.get(key).map_or([0; 3], |node| node.times),
        None => return Err(CeError::INVALID_HANDLE),
    };
    device.write(call.thread, place, times.map(u64::to_le_bytes).as_flattened())?;
    TRUE
}

fn set_times(device: &mut Device, call: &Call) -> Reply {
    let name = writable(device, call.arguments[0])?;
    let mut bytes = [0; 24];
    device.read(call.thread, call.arguments[1], &mut bytes)?;
    let node = device.state.store.nodes.get_mut(&name).ok_or(CeError::INVALID_HANDLE)?;
    for (time, bytes) in node.times.iter_mut().zip(bytes.as_chunks().0) {
        let new = u64::from_le_bytes(*bytes);
        if new != 0 {
            *time = new;
        }
    }
    TRUE
}

#[cfg(test)]
mod tests {
    use super::super::super::store::IN_ROM;
    use super::*;

    fn check(name: &str, pattern: &str, expected: bool) {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(fits(&letters(name), &letters(pattern)), expected, "{name} {pattern}");
    }

    #[test]
    fn patterns() {
        check("coredll.dll", "*.dll", true);
        check("coredll.dll", "core*.?ll", true);
        check("coredll.dll", "*core", false);
        check("", "*", true);
        check("abc", "a?c", true);
        check("abc", "a?", false);
        check("aXbXc", "*x*c", false);
        check("axbxc", "*x*c", true);
    }

    #[test]
    fn attributes_of_rom_say_so() {
        assert_eq!(find_data(&Listed { name: "a".into(), size: 1, attributes: IN_ROM, times: [0; 3] }).len(), 560);
    }
}
