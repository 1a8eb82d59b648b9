//! Objects: what handles name and threads wait for. What NT documents of them lies in guest memory, too
//! (`object_memory.rs`); what they do is decided by what is here.

use crate::files::FileNumber;
use crate::memory::{NtStatus, Section};
use crate::nt::object_memory::{ObjectPlace, ObjectRoots};
use crate::nt::process::ProcessIndex;
use crate::nt::status;
use crate::nt::thread::ThreadIndex;
use crate::nt::timer::TimerKey;
use std::collections::BTreeMap;

/// The number of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct ObjectId(pub(crate) u32);

/// The types of objects, as `NtQueryObject` names them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub enum ObjectType {
    /// A directory of names.
    Directory,
    /// A name that stands for another.
    SymbolicLink,
    /// A process.
    Process,
    /// A thread.
    Thread,
    /// An event.
    Event,
    /// A mutex.
    Mutant,
    /// A semaphore.
    Semaphore,
    /// A timer.
    Timer,
    /// A keyed event.
    KeyedEvent,
    /// A section.
    Section,
    /// An open file, pipe, console end or device.
    File,
    /// A device of a driver.
    Device,
    /// A driver.
    Driver,
    /// A dispatcher object in the memory of a driver. Not of the object manager.
    Dispatcher,
}

impl ObjectType {
    /// NT's name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Directory => "Directory",
            Self::SymbolicLink => "SymbolicLink",
            Self::Process => "Process",
            Self::Thread => "Thread",
            Self::Event => "Event",
            Self::Mutant => "Mutant",
            Self::Semaphore => "Semaphore",
            Self::Timer => "Timer",
            Self::KeyedEvent => "KeyedEvent",
            Self::Section => "Section",
            Self::File => "File",
            Self::Device => "Device",
            Self::Driver => "Driver",
            Self::Dispatcher => "Dispatcher",
        }
    }
}

/// A mutex.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Mutant {
    pub owner: Option<ThreadIndex>,
    /// How often its owner has it.
    pub count: u32,
    pub is_abandoned: bool,
}

/// A timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Timer {
    pub is_manual: bool,
    pub is_signaled: bool,
    /// When it is set: its place among all timers.
    pub key: Option<TimerKey>,
    /// Units of 100 ns; 0 for once.
    pub period: u64,
    /// The thread that gets an APC, with routine and context.
    pub apc: Option<(ThreadIndex, u32, u32)>,
}

/// What an object is.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Body {
    Directory,
    SymbolicLink(String),
    Process(ProcessIndex),
    Thread(ThreadIndex),
    Event {
        is_manual: bool,
        is_signaled: bool,
    },
    Mutant(Mutant),
    Semaphore {
        count: u32,
        limit: u32,
    },
    Timer(Timer),
    KeyedEvent,
    Section(Section),
    File(FileNumber),
    /// The `FILE_OBJECT` of an open device.
    DeviceFile(u32),
    /// A `DEVICE_OBJECT`.
    Device(u32),
    /// A `DRIVER_OBJECT`.
    Driver(u32),
    /// A `DISPATCHER_HEADER`.
    Dispatcher(u32),
}

impl Body {
    pub(crate) const fn kind(&self) -> ObjectType {
        match self {
            Self::Directory => ObjectType::Directory,
            Self::SymbolicLink(_) => ObjectType::SymbolicLink,
            Self::Process(_) => ObjectType::Process,
            Self::Thread(_) => ObjectType::Thread,
            Self::Event { .. } => ObjectType::Event,
            Self::Mutant(_) => ObjectType::Mutant,
            Self::Semaphore { .. } => ObjectType::Semaphore,
            Self::Timer(_) => ObjectType::Timer,
            Self::KeyedEvent => ObjectType::KeyedEvent,
            Self::Section(_) => ObjectType::Section,
            Self::File(_) | Self::DeviceFile(_) => ObjectType::File,
            Self::Device(_) => ObjectType::Device,
            Self::Driver(_) => ObjectType::Driver,
            Self::Dispatcher(_) => ObjectType::Dispatcher,
        }
    }
}

/// A thread that waits for an object, and which of the objects it waits for that is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Waiter {
    pub thread: ThreadIndex,
    pub block: u8,
}

/// An object.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Object {
    pub body: Body,
    /// Its full path.
    pub name: Option<String>,
    pub handles: u32,
    /// Handles, waits and whatever else keeps it.
    pub references: u32,
    /// Who waits, in the order in which they came.
    pub waiters: Vec<Waiter>,
    /// Where it is in guest memory.
    pub place: ObjectPlace,
}

/// All objects and their names.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Objects {
    slots: Vec<Option<Object>>,
    free: Vec<u32>,
    /// By path in upper case.
    names: BTreeMap<String, ObjectId>,
    pub roots: ObjectRoots,
}

impl Objects {
    /// A new object with one reference and no handle.
    pub(crate) fn insert(&mut self, body: Body, place: ObjectPlace) -> ObjectId {
        let object = Object { body, name: None, handles: 0, references: 1, waiters: Vec::new(), place };
        match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(object);
                ObjectId(slot)
            }
            None => {
                self.slots.push(Some(object));
                ObjectId(self.slots.len() as u32 - 1)
            }
        }
    }

    pub(crate) fn get(&self, id: ObjectId) -> Option<&Object> {
        self.slots.get(id.0 as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: ObjectId) -> Option<&mut Object> {
        self.slots.get_mut(id.0 as usize)?.as_mut()
    }

    pub(crate) fn body(&self, id: ObjectId) -> Option<&Body> {
        self.get(id).map(|object| &object.body)
    }

    pub(crate) fn body_mut(&mut self, id: ObjectId) -> Option<&mut Body> {
        self.get_mut(id).map(|object| &mut object.body)
    }

    /// Takes a reference away. The object, when it was the last one: it is gone.
    pub(crate) fn release(&mut self, id: ObjectId) -> Option<Object> {
        let object = self.get_mut(id)?;
        object.references = object.references.saturating_sub(1);
        if object.references > 0 {
            return None;
        }
        let object = self.slots.get_mut(id.0 as usize)?.take()?;
        if let Some(name) = &object.name {
            self.names.remove(&name.to_uppercase());
        }
        self.free.push(id.0);
        Some(object)
    }

    /// Takes the name of an object away.
    pub(crate) fn unname(&mut self, id: ObjectId) {
        if let Some(name) = self.get_mut(id).and_then(|object| object.name.take()) {
            self.names.remove(&name.to_uppercase());
        }
    }

    /// Gives an object its name, a full path whose directory exists.
    pub(crate) fn set_name(&mut self, id: ObjectId, path: &str) -> Result<(), NtStatus> {
        let (folder, name) = path.rsplit_once('\\').ok_or(status::OBJECT_PATH_SYNTAX_BAD)?;
        if name.is_empty() && !folder.is_empty() {
            return Err(status::OBJECT_NAME_INVALID);
        }
        if !folder.is_empty() && !matches!(self.find(folder).and_then(|id| self.body(id)), Some(Body::Directory)) {
            return Err(status::OBJECT_PATH_NOT_FOUND);
        }
        self.names.insert(path.to_uppercase(), id);
        if let Some(object) = self.get_mut(id) {
            object.name = Some(path.to_owned());
        }
        Ok(())
    }

    /// Unsets the timers whose APCs go to a thread; where they are among all timers.
    pub(crate) fn take_timers_of(&mut self, thread: ThreadIndex) -> Vec<TimerKey> {
        let bodies = self.slots.iter_mut().flatten().map(|object| &mut object.body);
        let timers = bodies.filter_map(|body| match body {
            Body::Timer(timer) if timer.apc.is_some_and(|(owner, ..)| owner == thread) => Some(timer),
            _ => None,
        });
        let unset = timers.filter_map(|timer| {
            timer.apc = None;
            timer.key.take()
        });
        unset.collect()
    }

    /// The objects that have names, in the order of those.
    pub(crate) fn named(&self) -> impl Iterator<Item = ObjectId> {
        self.names.values().copied()
    }

    /// The object with a full path.
    pub(crate) fn find(&self, path: &str) -> Option<ObjectId> {
        self.names.get(&path.to_uppercase()).copied()
    }
}
