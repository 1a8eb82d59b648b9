//! Mapped files and shared memory: pages in the shared area (`wince.md` 2.2).
//!
//! ```text
//! CreateFileMapping   all pages are taken and filled at once (our choice: CE fills them on first touch)
//! FlushViewOfFile, UnmapViewOfFile, the last handle closed   changed bytes go back to the file
//! ```
//!
//! A file is mapped for writing once at a time, and not while it is mapped to be read (our choice: `CreateFileForMapping`
//! opens files for one user). Between mapping and `WriteFile` nothing is kept equal, as documentation warns.

use super::super::call::{Call, Handler, Reply, TRUE, value};
use super::super::error::CeError;
use super::super::memory::PAGE;
use super::super::object::Object;
use super::super::processor::{PRESENT, USER, WRITABLE};
use super::super::region::{Region, RegionKind, shared_range, whole_blocks};
use super::super::store::Open;
use crate::ce::Device;
use std::sync::Arc;
use vatlas_space::Pa;

pub(crate) const ROWS: &[(&str, Handler)] = &[
    ("CreateFileMappingW", create_mapping),
    ("MapViewOfFile", map_view),
    ("FlushViewOfFile", flush_view),
    ("UnmapViewOfFile", unmap_view),
];

const READ_WRITE: u32 = 4;
/// `FILE_MAP_WRITE`.
const MAP_WRITE: u32 = 2;
/// The kind of handles of files.
const FILES: u8 = 7;

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
    if high != 0 {
        return Err(CeError::NOT_ENOUGH_MEMORY);
    }
    let is_writable = protection & 0xff == READ_WRITE;
    let (open, size) = match file {
        u32::MAX if size == 0 => return Err(CeError::INVALID_PARAMETER),
        u32::MAX => (None, size),
        file => {
            let (open, size) = device.file_to_map(file, size, is_writable)?;
            (Some(open), size)
        }
    };
    let frames = device.mapping_frames(size.div_ceil(PAGE))?;
    let file = open.map(|open| device.state.store.add_open(open));
    let bytes = file.and_then(|file| device.bytes_behind(file)).unwrap_or_default();
    let handle =
        device.new_handle(Object::Mapping { frames: frames.clone(), size, is_writable, file }, 0, call.process);
    if handle.is_err() {
        frames.iter().for_each(|frame| device.give_frame(*frame));
        device.state.store.open.remove(&file.unwrap_or(0));
    }
    let handle = handle?;
    for (frame, part) in frames.iter().zip(bytes.chunks(PAGE as usize)) {
        device.computer.board.ram.write(Pa((*frame).into()), part);
    }
    if let Some(it) = device.state.handles.get_mut(&handle) {
        it.name = name;
    }
    device.set_last_error(call.thread, CeError(0));
    value(handle)
}

impl Device {
    /// Frames that a mapping has from its beginning to its end.
    fn mapping_frames(&mut self, pages: u32) -> Result<Vec<u32>, CeError> {
        if pages > self.state.frames.free() {
            return Err(CeError::NOT_ENOUGH_MEMORY);
        }
        let ram = &mut self.computer.board.ram;
        let frames = (0..pages).map(|_| self.state.frames.take(ram)).collect::<Result<Vec<_>, _>>()?;
        self.state.committed += pages;
        Ok(frames)
    }

    /// What a handle of `filesys.exe` has open: the first word of what its handles stand for is the number of the file
    /// in the store (our choice).
    fn file_of_handle(&self, handle: u32) -> Result<Open, CeError> {
        let of_files = |set: &&super::super::object::ApiSet| {
            let server = self.process(set.server).map(|process| process.name.as_str());
            set.number == Some(FILES) && server.is_some_and(|name| name.eq_ignore_ascii_case("filesys.exe"))
        };
        let Some(Object::Api { set, word }) = self.state.handles.get(&handle).map(|handle| &handle.object) else {
            return Err(CeError::INVALID_HANDLE);
        };
        let set = self.state.sets.get(set).filter(of_files).ok_or(CeError::INVALID_HANDLE)?;
        let number = self.physical_of(self.mapped_for(set.server, *word));
        let number = number.and_then(|at| self.computer.board.ram.read_u32(at));
        let open = number.and_then(|number| self.state.store.open.get(&number));
        open.cloned().ok_or(CeError::INVALID_HANDLE)
    }

    /// A file that can be mapped, and how many bytes of it; one that is too short grows.
    fn file_to_map(&mut self, handle: u32, wanted: u32, is_writable: bool) -> Result<(Open, u32), CeError> {
        let open = self.file_of_handle(handle)?;
        let (length, name) = match &open {
            Open::Rom { bytes, .. } => (bytes.len(), None),
            Open::Stored { key, .. } => {
                let node = self.state.store.nodes.get(key).ok_or(CeError::INVALID_HANDLE)?;
                (node.bytes.len(), Some(key.clone()))
            }
        };
        if is_writable && !matches!(open, Open::Stored { can_write: true, .. }) {
            return Err(CeError::ACCESS_DENIED);
        }
        let length = u32::try_from(length).map_err(|_| CeError::NOT_ENOUGH_MEMORY)?;
        let size = if wanted == 0 { length } else { wanted };
        if size == 0 {
            return Err(CeError::FILE_INVALID);
        }
        if name.as_ref().is_some_and(|name| self.is_mapped(name, is_writable)) {
            return Err(CeError::SHARING_VIOLATION);
        }
        if size > length {
            let name = name.filter(|_| is_writable).ok_or(CeError::ACCESS_DENIED)?;
            if u64::from(size) > self.state.store.limit {
                return Err(CeError::DISK_FULL);
            }
            let now = self.now();
            self.state.store.change(&name, now, size as usize, |_| ())?;
        }
        Ok((open, size))
    }

    /// Whether a file has a mapping beside which there can be no other.
    fn is_mapped(&self, name: &str, for_writing: bool) -> bool {
        self.state.handles.values().any(|handle| {
            let Object::Mapping { file: Some(file), is_writable, .. } = &handle.object else { return false };
            let is_same = matches!(self.state.store.open.get(file), Some(Open::Stored { key, .. }) if key == name);
            is_same && (for_writing || *is_writable)
        })
    }

    fn bytes_behind(&self, file: u32) -> Option<Arc<Vec<u8>>> {
        match self.state.store.open.get(&file)? {
            Open::Rom { bytes, .. } => Some(Arc::clone(bytes)),
            Open::Stored { key, .. } => self.state.store.nodes.get(key).map(|node| Arc::clone(&node.bytes)),
        }
    }

    /// Brings what programs wrote into a mapping to its file. The file's times change only when its bytes do.
    pub(crate) fn write_back(&mut self, mapping: &Object) {
        let Object::Mapping { frames, size, is_writable: true, file: Some(file) } = mapping else { return };
        let Some(Open::Stored { key, .. }) = self.state.store.open.get(file).cloned() else { return };
        let Some(old) = self.bytes_behind(*file) else { return };
        let mut bytes = vec![0; frames.len() * PAGE as usize];
        for (frame, part) in frames.iter().zip(bytes.chunks_mut(PAGE as usize)) {
            self.computer.board.ram.read(Pa((*frame).into()), part);
        }
        bytes.truncate(*size as usize);
        if old.get(..bytes.len()) != Some(&bytes[..]) {
            let now = self.now();
            // A file that was cut meanwhile grows again; when there is no room, what is new is lost.
            let _ = self.state.store.change(&key, now, old.len().max(bytes.len()), |kept| {
                kept[..bytes.len()].copy_from_slice(&bytes);
            });
        }
    }
}

/// The mapping whose view has an address.
fn mapping_of_view(device: &Device, address: u32) -> Option<Object> {
    let region = device.region(address).filter(|region| region.kind == RegionKind::View)?;
    let mapping = device.state.views.get(&region.base)?;
    device.state.handles.get(mapping).map(|handle| handle.object.clone())
}

/// The whole mapping is written back, however little is asked for.
fn flush_view(device: &mut Device, call: &Call) -> Reply {
    let mapping = mapping_of_view(device, call.arguments[0]).ok_or(CeError::INVALID_PARAMETER)?;
    device.write_back(&mapping);
    TRUE
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
    if let Some(mapping) = mapping_of_view(device, base) {
        device.write_back(&mapping);
    }
    device.free_region(&region);
    if let Some(mapping) = device.state.views.remove(&base) {
        device.close_handle(mapping, region.process)?;
    }
    TRUE
}
