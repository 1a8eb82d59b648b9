//! Windows CE 3.0 to 5.x: one address space, 32 processes in slots of 32 MB, calls that move threads into servers.
//!
//! ```text
//! ROM image -> boot: RAM and ROM mapped, NK.EXE, filesys.exe -> run: programs until an event -> trap: fault or call
//! ```
//!
//! The kernel is Rust; what a debugger looks at is in guest memory: page directory and tables, KData, PROCESS, THREAD,
//! MODULE, SECTION, MEMBLOCK, CALLSTACK, handles. Everything else is plain data in one place, so that it can be copied.
//!
//! Rules and choices: `docs/ce_kernel.md`.

mod boot;
mod call;
mod calls;
mod checkpoint;
mod controlled;
mod error;
mod exception;
mod fault;
mod image;
mod kdata;
mod loader;
mod looking;
mod memory;
mod module;
mod object;
mod process;
mod processor;
mod region;
mod report;
mod run;
mod scheduler;
mod server;
mod space;
mod store;
mod synchronization;
mod thread;
mod user;
mod virtual_memory;

pub use boot::BootError;
pub use checkpoint::{Checkpoint, SnapshotAbout};
pub use error::CeError;
pub use looking::{ProcessView, ThreadView};
pub use object::{ExceptionRecord, ThreadState};
pub use processor::CONTEXT_NAMES;
pub use region::{Region, RegionKind};
pub use report::{Crash, Report};
pub use run::Stop;
pub use space::SwitchCounts;
pub(crate) use vatlas_rules::ce::structures as layout;

use crate::computer::Computer;
use crate::control::Control;
use crate::files::Host;
use object::{ApiSet, Handle, ImageIndex, Module, Process, Thread, ThreadIndex};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use vatlas_images::rom::RomImage;

/// The version whose rules hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub enum CeVersion {
    /// CE 3.0: the kernel in slot 1, ROM DLLs at one address of every slot.
    Ce3,
    /// CE .NET 4.x: code of ROM DLLs in slot 1.
    Ce4,
    /// CE 5.x: resource DLLs in slot 63.
    Ce5,
}

/// How a device is made. Everything not said here is in the ROM image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Configuration {
    /// The version; `None`: by the version that NK.EXE was built for.
    pub version: Option<CeVersion>,
    /// Whether all threads run in kernel mode; `None`: by bit 1 of the ROM's flags.
    pub full_kernel_mode: Option<bool>,
    /// The address behind RAM; `None`: `ulRAMEnd`.
    pub ram_end: Option<u32>,
    /// Processors: one, as CE had until Compact 7.
    pub processors: usize,
    /// When the device starts, in units of 100 ns since 1601-01-01 UTC.
    pub boot_time: u64,
    /// Instructions in a millisecond.
    pub instructions_per_tick: u32,
    /// Programs that start once the device runs: path and arguments.
    pub start: Vec<(String, String)>,
    /// Files of the object store: path and bytes.
    pub files: Vec<(String, Vec<u8>)>,
}

/// 2005-02-28 12:00 UTC.
const DEFAULT_BOOT_TIME: u64 = 127_540_656_000_000_000;

impl Default for Configuration {
    /// As the image says; 100 MIPS.
    fn default() -> Self {
        Self {
            version: None,
            full_kernel_mode: None,
            ram_end: None,
            processors: 1,
            boot_time: DEFAULT_BOOT_TIME,
            instructions_per_tick: 100_000,
            start: Vec::new(),
            files: Vec::new(),
        }
    }
}

/// The ROM, which never changes.
#[derive(Debug)]
pub(crate) struct Rom {
    pub bytes: Vec<u8>,
    pub image: RomImage,
}

/// Everything about the device that is not in guest memory or in the processor.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct State {
    pub version: CeVersion,
    pub full_kernel_mode: bool,
    pub demand_paging: bool,
    pub frames: memory::Frames,
    pub heap: memory::KernelHeap,
    pub space: space::Space,
    /// Pages that are page tables.
    pub table_pages: u32,
    /// Pages that programs committed.
    pub committed: u32,
    /// First MODULE of the list.
    pub module_list: u32,
    /// Kernel addresses of structures.
    pub kdata: u32,
    pub gdt: u32,
    pub process_array: u32,
    pub empty_section: u32,
    pub kernel_section: u32,
    pub kernel_base: u32,
    pub api_sets_at: u32,
    /// First address, in slot-0 form, of what DLLs have.
    pub dll_low: u32,
    /// Where the DLLs of the ROM begin in every slot.
    pub rom_dll_low: u32,
    /// Where the next DLL of the kernel's half goes.
    pub kernel_dll_next: u32,
    pub regions: BTreeMap<u32, Region>,
    pub processes: Vec<Option<Process>>,
    pub threads: Vec<Thread>,
    pub modules: Vec<Option<Module>>,
    pub images: Vec<image::Image>,
    pub handles: BTreeMap<u32, Handle>,
    /// Exit codes of processes that are gone while somebody has their handle.
    pub exit_codes: BTreeMap<u32, u32>,
    pub sets: BTreeMap<u32, ApiSet>,
    /// Frames of programs that `VirtualCopy` shows at further places: how many.
    pub shown_again: BTreeMap<u32, u32>,
    /// Views of mapped files: where, and of which mapping.
    pub views: BTreeMap<u32, u32>,
    pub critical: BTreeMap<u32, VecDeque<ThreadIndex>>,
    pub scheduler: scheduler::Scheduler,
    /// The thread that has the processor.
    pub running: Option<ThreadIndex>,
    pub executed: u64,
    pub tick: u64,
    pub boot_time: u64,
    pub instructions_per_tick: u32,
    pub store: store::Store,
    pub counters: report::Counters,
    pub output: String,
    /// Bytes that were printed so far.
    pub printed: u64,
    pub crashes: Vec<Crash>,
    pub missing: BTreeMap<String, u32>,
    pub unsupported: BTreeSet<String>,
    pub kernel_image: Option<ImageIndex>,
    /// Programs that are to be started when `filesys.exe` answers.
    pub due_programs: VecDeque<(String, String)>,
    /// The process whose end ends a run, and its exit code once it has ended.
    pub watched: Option<u8>,
    pub ended: Option<(String, u32)>,
    pub serial: u64,
}

/// A Windows CE device.
pub struct Device {
    pub(crate) computer: Computer,
    pub(crate) state: State,
    pub(crate) rom: Arc<Rom>,
    pub(crate) host: Box<dyn Host>,
    pub(crate) handlers: Arc<call::Handlers>,
    /// What whoever controls it wants; no part of its state.
    pub(crate) control: Control,
    /// Bytes that the host was given of what was printed.
    pub(crate) told: u64,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("computer", &self.computer).field("state", &self.state).finish_non_exhaustive()
    }
}
