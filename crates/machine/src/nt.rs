//! The NT-like kernel: processes, threads, waits, exceptions and system calls, in Rust, over guest memory.
//!
//! Processors run programs in ring 3; every trap comes here as an event. A trap builds NT's trap frame on the
//! thread's kernel stack in guest memory, acts, and goes back with what the frame says then. A system call does not
//! change the address space. `docs/kernel.md` says which rule is NT's and which is our choice.

mod apc;
mod bare;
mod boot;
mod call;
mod calls;
mod configuration;
mod context;
mod dispatcher;
mod exception;
mod float_image;
mod guest;
mod handles;
mod hash;
mod looking;
mod modules;
mod objects;
mod process;
mod report;
mod run;
mod scheduler;
pub mod services;
mod start;
pub mod status;
mod thread;
mod timer;
mod trap;
mod trap_frame;
mod user_memory;

pub use bare::BareProgram;
pub(crate) use call::{Call, Done, Handler, Reply};
pub use configuration::{Configuration, DEFAULT_BOOT_TIME, DEFAULT_INSTRUCTIONS_PER_UNIT, Program};
pub use exception::ExceptionRecord;
pub use looking::{DebuggerRoots, RunningRegisters};
pub use objects::ObjectType;
pub use process::ProcessIndex;
pub use report::{CrashReport, HardError, MissingCall, ProcessReport, Report, SystemStop, ThreadReport};
pub use start::StartError;
pub use thread::{ThreadIndex, ThreadState};

use crate::computer::Computer;
use crate::cpu::Unsupported;
use crate::fault::FaultException;
use crate::files::{FileNumber, Files};
use crate::memory::Memory;
use objects::Objects;
use process::Process;
use report::Counters;
use scheduler::Scheduler;
use services::SERVICES;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use thread::Thread;
use timer::Clock;

/// Addresses in ntdll where the kernel enters user mode. Zero: there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Variables {
    /// `PsActiveProcessHead`.
    pub active_process_head: u32,
}

/// A call that is made again when a file is ready.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingFile {
    pub file: FileNumber,
    pub call: Call,
}

/// A computer with its kernel, and the programs that run on it.
pub struct System {
    pub(crate) computer: Computer,
    pub(crate) memory: Memory,
    pub(crate) objects: Objects,
    pub(crate) processes: Vec<Process>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) scheduler: Scheduler,
    pub(crate) clock: Clock,
    pub(crate) variables: Variables,
    pub(crate) counters: Counters,
    pub(crate) shared: guest::GuestBlock,
    pub(crate) files: Rc<RefCell<Files>>,
    /// Calls that wait for files.
    pub(crate) pending_files: Vec<PendingFile>,
    pub(crate) user_limit: u32,
    /// The file of ntdll, for its exports.
    ntdll: Vec<u8>,
    handlers: Box<[Option<Handler>; SERVICES.len()]>,
    calls: Box<[u64; SERVICES.len()]>,
    missing: BTreeMap<(String, String), MissingCall>,
    unsupported: Vec<Unsupported>,
    crashes: Vec<CrashReport>,
    hard_errors: Vec<HardError>,
    pending_stop: Option<SystemStop>,
    pending_fault: Option<FaultException>,
    first_process: Option<ProcessIndex>,
    next_id: u32,
    random: u64,
}
