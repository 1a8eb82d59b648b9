//! Processes and threads, as far as a target knows them.

use crate::{
    address::{PointerWidth, Va},
    ce::{CeThread, SlotHome},
    layout_name::LayoutChoice,
    module::{Module, UnloadedModule},
    range::VaRange,
    registers::{Machine, Registers},
};
use std::fmt;

/// A process id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProcessId(pub u32);

/// A thread id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ThreadId(pub u32);

/// Ids from here on are shown in hexadecimal. Windows CE's ids are handles (`A1741642`, on CE 6 `00400002`); other
/// systems count, and Linux never beyond this (`PID_MAX_LIMIT`).
const FIRST_HANDLE: u32 = 0x0040_0000;

fn write_id(id: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if id >= FIRST_HANDLE { write!(f, "{id:#010x}") } else { write!(f, "{id}") }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(self.0, f)
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(self.0, f)
    }
}

/// What is known of a stack. The fields come from different places; each may be absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StackExtent {
    /// The part that the picture names as this thread's stack memory.
    pub captured: Option<VaRange>,
    /// `StackBase` of the TEB: the first address above the stack.
    pub base: Option<Va>,
    /// `StackLimit` of the TEB: the lowest committed address that may be used.
    pub limit: Option<Va>,
    /// `DeallocationStack` of the TEB: the lowest reserved address.
    pub reserve: Option<Va>,
}

/// One side of a thread. Most threads have one; a WOW64 thread has a 64-bit and a 32-bit side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Side {
    /// The processor of this side.
    pub machine: Machine,
    /// Address of its TEB.
    pub teb: Option<Va>,
    /// Its stack.
    pub stack: StackExtent,
    /// Its registers.
    pub registers: Option<Registers>,
}

/// A thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thread {
    /// Id.
    pub id: ThreadId,
    /// Description that the program gave it.
    pub name: Option<String>,
    /// How often it was suspended.
    pub suspend_count: u32,
    /// Priority class of the process.
    pub priority_class: u32,
    /// Priority inside the class.
    pub priority: u32,
    /// The native side first.
    pub sides: Vec<Side>,
    /// Windows CE: what its system keeps of a thread besides.
    pub ce: Option<CeThread>,
}

impl Thread {
    /// The registers of the native side.
    pub fn registers(&self) -> Option<&Registers> {
        self.sides.first().and_then(|side| side.registers.as_ref())
    }
}

/// An open handle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handle {
    /// The handle's value.
    pub value: u64,
    /// Type of the object, `File`.
    pub type_name: Option<String>,
    /// Name of the object.
    pub object_name: Option<String>,
    /// Access rights that the handle grants.
    pub granted_access: u32,
    /// Open handles on the object.
    pub handle_count: u32,
    /// References to the object.
    pub pointer_count: u32,
}

/// A process: facts, without its memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// Id.
    pub id: Option<ProcessId>,
    /// Name of its executable.
    pub name: Option<String>,
    /// Start, seconds since 1970.
    pub create_time: Option<u32>,
    /// Which rules its addresses follow; `None` for a system whose rules are not known here.
    pub layout: Option<LayoutChoice>,
    /// Bits of a pointer of its native side.
    pub width: PointerWidth,
    /// Windows CE up to 5.x: its slot. Its own modules have their slot-0 addresses then, as the process sees them.
    pub home: Option<SlotHome>,
    /// Address of the native PEB.
    pub peb: Option<Va>,
    /// Address of the 32-bit PEB of a WOW64 process.
    pub peb32: Option<Va>,
    /// Loaded images in the order of the list that named them.
    pub modules: Vec<Module>,
    /// Images that were loaded earlier.
    pub unloaded: Vec<UnloadedModule>,
    /// Threads in the order of the list that named them.
    pub threads: Vec<Thread>,
}

impl Process {
    /// The loaded image that holds `va`. Of several that overlap, the one with the highest base.
    pub fn module_at(&self, va: Va) -> Option<&Module> {
        self.modules.iter().filter(|module| module.range.contains(va)).max_by_key(|module| module.range.first())
    }

    /// The address as this process's modules have it: on Windows CE up to 5.x an address in the process's own slot
    /// becomes one of slot 0. Any other address is as it was.
    pub fn own_form(&self, va: Va) -> Va {
        self.home.map_or(va, |home| home.slot_zero_form(va))
    }

    /// The other address of the same byte, on Windows CE up to 5.x.
    pub fn other_form(&self, va: Va) -> Option<Va> {
        self.home?.other_form(va)
    }

    /// The loaded image that holds `va` in either of its forms, and the bytes from its base to `va`.
    pub fn module_offset(&self, va: Va) -> Option<(&Module, u64)> {
        let va = self.own_form(va);
        let module = self.module_at(va)?;
        Some((module, module.range.offset_of(va)?))
    }

    /// The thread with this id.
    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.threads.iter().find(|thread| thread.id == id)
    }
}
