//! The NT-like kernel: processes, threads, waits, exceptions and system calls, in Rust, over guest memory.
//!
//! Processors run programs in ring 3; every trap comes here as an event. A trap builds NT's trap frame on the
//! thread's kernel stack in guest memory, acts, and goes back with what the frame says then. A system call does not
//! change the address space. `docs/kernel.md` says which rule is NT's and which is our choice.

mod account;
mod apc;
mod balance;
mod bare;
mod birth;
mod boot;
mod bugcheck;
mod call;
mod calls;
mod checkpoint;
mod configuration;
mod context;
mod controlled;
mod device;
mod dispatcher;
mod driver;
mod dump;
mod exception;
mod float_image;
mod guest;
mod handle_memory;
mod handles;
mod hash;
mod io_counts;
mod kernel_calls;
mod kernel_image;
mod kernel_space;
mod looking;
mod modules;
mod object_list;
mod object_memory;
mod objects;
mod population;
mod process;
mod process_list;
mod report;
mod rights;
mod ring0;
mod run;
mod scheduler;
pub mod services;
mod snapshot;
mod start;
pub mod status;
mod thread;
mod timer;
mod trap;
mod trap_frame;
mod user_memory;
mod user_stack;

pub use account::{CommitOwner, OpenHandle};
pub use bare::BareProgram;
pub use bugcheck::{BugCheck, BugCheckModule};
pub(crate) use call::{Call, Done, Handler, Reply};
pub use checkpoint::Checkpoint;
pub use configuration::{Configuration, DEFAULT_BOOT_TIME, DEFAULT_INSTRUCTIONS_PER_UNIT, Program};
pub use exception::ExceptionRecord;
pub use looking::{DebuggerRoots, RunningRegisters};
pub use objects::ObjectType;
pub use process::ProcessIndex;
pub use report::{CrashReport, HardError, MissingCall, ProcessReport, Report, SystemStop, ThreadReport};
pub use snapshot::{MakeStore, SnapshotAbout};
pub use start::StartError;
pub use thread::{ThreadIndex, ThreadState};

use crate::computer::Computer;
use crate::control::Control;
use crate::cpu::Unsupported;
use crate::fault::FaultException;
use crate::files::{FileNumber, Files};
use crate::memory::Memory;
use checkpoint::Checkpoints;
use objects::Objects;
use population::Population;
use process::Process;
use report::Counters;
use scheduler::Scheduler;
use services::SERVICES;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use thread::Thread;
use timer::Clock;

/// Addresses in ntdll where the kernel enters user mode. Zero: there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct UserEntries {
    /// `KiFastSystemCall`: what 7FFE0300 holds.
    pub system_call: u32,
    /// `KiFastSystemCallRet`: where `sysenter` comes back.
    pub system_call_return: u32,
    /// `KiUserApcDispatcher`.
    pub apc_dispatcher: u32,
    /// `KiUserExceptionDispatcher`.
    pub exception_dispatcher: u32,
    /// `LdrInitializeThunk`.
    pub loader: u32,
    /// `RtlUserThreadStart`.
    pub thread_start: u32,
    /// Base of ntdll.
    pub base: u32,
}

/// Addresses of the kernel's own variables.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Variables {
    /// `PsActiveProcessHead`.
    pub active_process_head: u32,
    /// `ObpRootDirectoryObject`, `ObpTypeObjectType`.
    pub root_directory: u32,
    pub type_of_types: u32,
}

/// A call that is made again when a file is ready.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct PendingFile {
    pub file: FileNumber,
    pub call: Call,
}

/// A computer with its kernel, and the programs that run on it.
pub struct System {
    pub(crate) computer: Computer,
    pub(crate) control: Control,
    pub(crate) memory: Memory,
    pub(crate) objects: Objects,
    pub(crate) processes: Vec<Process>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) population: Population,
    pub(crate) scheduler: Scheduler,
    pub(crate) clock: Clock,
    pub(crate) variables: Variables,
    pub(crate) counters: Counters,
    /// The kernel's image, drivers, and what is theirs.
    pub(crate) ring0: ring0::Ring0,
    pub(crate) shared: guest::GuestBlock,
    pub(crate) files: Rc<RefCell<Files>>,
    /// Calls that wait for files.
    pub(crate) pending_files: Vec<PendingFile>,
    pub(crate) user_limit: u32,
    /// The file of ntdll, for its exports.
    ntdll: Arc<[u8]>,
    handlers: Box<[Option<Handler>; SERVICES.len()]>,
    /// How often each service was called, by number.
    calls: Vec<u64>,
    missing: BTreeMap<(String, String), MissingCall>,
    unsupported: Vec<Unsupported>,
    crashes: Vec<CrashReport>,
    hard_errors: Vec<HardError>,
    pending_stop: Option<SystemStop>,
    pending_fault: Option<FaultException>,
    first_process: Option<ProcessIndex>,
    next_id: u32,
    random: u64,
    checkpoints: Checkpoints,
}
