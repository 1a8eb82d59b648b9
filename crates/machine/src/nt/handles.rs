//! Handle tables: multiples of 4 that name objects, with what they may be used for. Guest memory has them, too
//! (`handle_memory.rs`).

use crate::memory::NtStatus;
use crate::nt::handle_memory::TableMemory;
use crate::nt::objects::{Body, ObjectId, ObjectType};
use crate::nt::process::ProcessIndex;
use crate::nt::rights::granted;
use crate::nt::{System, status};
use vatlas_rules::nt::structures::HANDLES_IN_PAGE;

/// The current process.
pub(crate) const CURRENT_PROCESS: u32 = 0xffff_ffff;
/// The current thread.
pub(crate) const CURRENT_THREAD: u32 = 0xffff_fffe;
/// The handle is inherited by processes that this one makes.
pub(crate) const INHERIT: u8 = 2;
/// The handle cannot be closed.
pub(crate) const PROTECT: u8 = 1;
/// Handles of one page of a table: the first entry of each is none.
pub(crate) const IN_PAGE: u32 = HANDLES_IN_PAGE - 1;
/// Most handles of a process: those of a table of two levels (our choice).
const MOST: usize = 1024 * IN_PAGE as usize;

/// What a handle names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct HandleEntry {
    pub object: ObjectId,
    pub access: u32,
    pub attributes: u8,
}

/// The handles of a process.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct HandleTable {
    entries: Vec<Option<HandleEntry>>,
    /// Free places; the one freed last is used first, as on NT.
    free: Vec<u32>,
    count: u32,
    /// Where guest memory has it; nowhere for the idle process, and for one that has ended.
    pub memory: TableMemory,
}

fn index(handle: u32) -> Option<usize> {
    let (page, entry) = ((handle >> 2) / HANDLES_IN_PAGE, (handle >> 2) % HANDLES_IN_PAGE);
    Some((page * IN_PAGE + entry.checked_sub(1)?) as usize)
}

/// The handle of a place.
pub(crate) const fn handle_at(place: u32) -> u32 {
    (place / IN_PAGE * HANDLES_IN_PAGE + place % IN_PAGE + 1) * 4
}

impl HandleTable {
    /// An empty table that is in guest memory, too.
    pub(crate) fn new(memory: TableMemory) -> Self {
        Self { memory, ..Self::default() }
    }

    /// The place that the next handle gets.
    pub(crate) fn next_place(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.entries.len() as u32)
    }

    fn insert(&mut self, entry: HandleEntry) -> Result<u32, NtStatus> {
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.entries.len() >= MOST => return Err(status::INSUFFICIENT_RESOURCES),
            None => {
                self.entries.push(None);
                self.entries.len() as u32 - 1
            }
        };
        self.entries[place as usize] = Some(entry);
        self.count += 1;
        Ok(handle_at(place))
    }

    /// The low two bits of a handle are the program's.
    pub(crate) fn get(&self, handle: u32) -> Option<HandleEntry> {
        *self.entries.get(index(handle)?)?
    }

    fn set_attributes(&mut self, handle: u32, attributes: u8) {
        let entry = index(handle).and_then(|place| self.entries.get_mut(place)).and_then(Option::as_mut);
        if let Some(entry) = entry {
            entry.attributes = attributes;
        }
    }

    fn remove(&mut self, handle: u32) -> Option<HandleEntry> {
        let place = index(handle)?;
        let entry = self.entries.get_mut(place)?.take()?;
        self.free.push(place as u32);
        self.count -= 1;
        Some(entry)
    }

    /// The table of a child: the handles that are inherited, with the same numbers.
    pub(crate) fn inherited(&self) -> Self {
        let inherits = |entry: &Option<HandleEntry>| entry.filter(|entry| entry.attributes & INHERIT != 0);
        let mut entries: Vec<_> = self.entries.iter().map(inherits).collect();
        while entries.last().is_some_and(Option::is_none) {
            entries.pop();
        }
        let free = (0..).zip(&entries).filter(|(_, entry)| entry.is_none()).map(|(place, _)| place);
        let free: Vec<u32> = free.collect::<Vec<_>>().into_iter().rev().collect();
        let count = (entries.len() - free.len()) as u32;
        Self { entries, free, count, memory: TableMemory::default() }
    }

    /// Places that were used at least once.
    pub(crate) fn places(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Free places, the next one first.
    pub(crate) fn free_places(&self) -> impl Iterator<Item = u32> {
        self.free.iter().rev().copied()
    }

    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// All handles and what they name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, HandleEntry)> {
        (0..).zip(&self.entries).filter_map(|(place, entry)| Some((handle_at(place), (*entry)?)))
    }
}

impl System {
    /// A new handle of a process for an object, which gets one more reference.
    pub(crate) fn open_handle(
        &mut self,
        process: ProcessIndex,
        object: ObjectId,
        access: u32,
    ) -> Result<u32, NtStatus> {
        let access = self.kind_of(object).map_or(access, |kind| granted(kind, access));
        let entry = HandleEntry { object, access, attributes: 0 };
        self.reach_handle(process)?;
        let handle = self.processes[process.0].handles.insert(entry)?;
        self.count_handle(object, true);
        self.show_new_handle(process, handle, entry);
        Ok(handle)
    }

    /// Says who inherits a handle, and whether it can be closed.
    pub(crate) fn set_handle_attributes(&mut self, process: ProcessIndex, handle: u32, attributes: u8) {
        self.processes[process.0].handles.set_attributes(handle, attributes);
        if let Some(entry) = self.processes[process.0].handles.get(handle) {
            self.show_handle(process, handle, entry);
        }
    }

    /// A handle for an object that was just made: the maker's own reference goes.
    pub(crate) fn open_new(&mut self, process: ProcessIndex, object: ObjectId, access: u32) -> Result<u32, NtStatus> {
        let handle = self.open_handle(process, object, access);
        self.release_object(object);
        handle
    }

    /// Closes a handle.
    pub(crate) fn close_handle(&mut self, process: ProcessIndex, handle: u32) -> Result<(), NtStatus> {
        let table = &mut self.processes[process.0].handles;
        let entry = table.get(handle).ok_or(status::INVALID_HANDLE)?;
        if entry.attributes & PROTECT != 0 {
            return Err(status::HANDLE_NOT_CLOSABLE);
        }
        table.remove(handle);
        self.show_closed_handle(process, handle);
        self.forget_handle(entry.object);
        Ok(())
    }

    /// Closes all handles of a process, also protected ones.
    pub(crate) fn close_all_handles(&mut self, process: ProcessIndex) {
        let table = std::mem::take(&mut self.processes[process.0].handles);
        for (_, entry) in table.iter() {
            self.forget_handle(entry.object);
        }
        self.free_handle_table(process, table.memory);
    }

    fn forget_handle(&mut self, object: ObjectId) {
        let mut closed = (None, None);
        self.count_handle(object, false);
        if let Some(object) = self.objects.get_mut(object) {
            closed = match &object.body {
                Body::File(file) if object.handles == 0 => (Some(*file), None),
                Body::DeviceFile(file) if object.handles == 0 => {
                    self.ring0.closing.push(*file);
                    (None, None)
                }
                Body::Process(process) if object.handles == 0 => (None, Some(*process)),
                _ => (None, None),
            };
        }
        if self.objects.get(object).is_some_and(|o| o.handles == 0 && matches!(o.body, Body::DeviceFile(_))) {
            self.leave_room(object);
        }
        if let (Some(file), _) = closed {
            self.files.borrow_mut().cleanup(file);
        }
        if let (_, Some(process)) = closed {
            self.end_unused(process);
        }
        self.release_object(object);
        if closed.0.is_some() {
            self.retry_files(false);
        }
    }

    /// What a handle names, or the current process or thread.
    pub(crate) fn entry_by_handle(&self, call: &super::Call, handle: u32) -> Result<HandleEntry, NtStatus> {
        let object = match handle {
            CURRENT_PROCESS => self.processes[call.process.0].object,
            CURRENT_THREAD => self.threads[call.thread.0].object,
            _ => return self.processes[call.process.0].handles.get(handle).ok_or(status::INVALID_HANDLE),
        };
        Ok(HandleEntry { object, access: 0x1f_0fff, attributes: 0 })
    }

    /// The object of a type that a handle names.
    pub(crate) fn object_by_handle(
        &self,
        call: &super::Call,
        handle: u32,
        kind: ObjectType,
    ) -> Result<ObjectId, NtStatus> {
        let entry = self.entry_by_handle(call, handle)?;
        match self.objects.body(entry.object) {
            Some(body) if body.kind() == kind => Ok(entry.object),
            Some(_) => Err(status::OBJECT_TYPE_MISMATCH),
            None => Err(status::INVALID_HANDLE),
        }
    }

    /// The process that a handle names.
    pub(crate) fn process_by_handle(&self, call: &super::Call, handle: u32) -> Result<ProcessIndex, NtStatus> {
        if handle == CURRENT_PROCESS {
            return Ok(call.process);
        }
        match self.objects.body(self.object_by_handle(call, handle, ObjectType::Process)?) {
            Some(Body::Process(process)) => Ok(*process),
            _ => Err(status::INVALID_HANDLE),
        }
    }

    /// The thread that a handle names.
    pub(crate) fn thread_by_handle(
        &self,
        call: &super::Call,
        handle: u32,
    ) -> Result<super::thread::ThreadIndex, NtStatus> {
        if handle == CURRENT_THREAD {
            return Ok(call.thread);
        }
        match self.objects.body(self.object_by_handle(call, handle, ObjectType::Thread)?) {
            Some(Body::Thread(thread)) => Ok(*thread),
            _ => Err(status::INVALID_HANDLE),
        }
    }
}
