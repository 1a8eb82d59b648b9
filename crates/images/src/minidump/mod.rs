//! Minidumps: a directory of streams, each read for as far as it goes.
//!
//! The numbers and structures are Microsoft's (`minidumpapiset.h`, as in the `minidump-common` crate), the
//! contexts and the system stream are read by the `minidump` crate. Lists are read here, record by record:
//! that crate gives up a whole list for one bad record, so a truncated dump would show no memory at all, and
//! it follows the object-information chain of a handle without a limit. `docs/minidump.md` says which streams
//! are read.

pub mod context;
mod directory;
mod exception;
mod handles;
mod host;
mod memory;
mod modules;
mod part;
mod threads;
mod wide;
mod write;
mod write_records;

pub use context::x86_context;
pub use memory::CapturedMemory;
pub use threads::ThreadRecord;
pub use write::{MinidumpContents, write_minidump};

use minidump::MinidumpSystemInfo;
use part::Reader;
use vatlas_space::{
    ExceptionRecord, Handle, Host, Module, PointerWidth, Problem, Region, StreamEntry, ThreadId, UnloadedModule,
    WideRegister,
};

/// The first four bytes of every minidump.
pub const SIGNATURE: [u8; 4] = *b"MDMP";

/// What a minidump says, in structures; memory stays in the file and is named by offset.
#[derive(Debug)]
pub struct Minidump {
    /// `TimeDateStamp` of the header: when it was written, seconds since 1970.
    pub time_date_stamp: u32,
    /// `Flags` of the header: `MINIDUMP_TYPE` bits.
    pub flags: u64,
    /// The directory, without unused entries.
    pub streams: Vec<StreamEntry>,
    /// The system that the process ran on.
    pub host: Option<Host>,
    /// Process id, times.
    pub misc: host::Misc,
    /// Loaded modules in the order of the list.
    pub modules: Vec<Module>,
    /// Unloaded modules in the order of the list.
    pub unloaded: Vec<UnloadedModule>,
    /// Threads in the order of the list.
    pub threads: Vec<ThreadRecord>,
    /// Memory in the order of the lists, as far as the file holds it.
    pub memory: Vec<CapturedMemory>,
    /// The regions of `MemoryInfoListStream`, sorted; `None` when there is no such stream.
    pub memory_info: Option<Vec<Region>>,
    /// Whether [`Minidump::memory_info`] is all that the stream was to tell: no record is missing or impossible.
    pub memory_info_is_whole: bool,
    /// The exception.
    pub exception: Option<ExceptionRecord>,
    /// Comment streams.
    pub comments: Vec<String>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    system_info: Option<MinidumpSystemInfo>,
}

impl Minidump {
    /// Reads everything but handles and wide registers.
    ///
    /// # Errors
    /// The header is not that of a minidump that this reader knows. All other damage is in
    /// [`Minidump::problems`].
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let mut reader = Reader::new(bytes);
        let header = directory::header(bytes)?;
        let streams = directory::streams(&mut reader, &header);
        let system_info = host::system_info(&mut reader, &streams);
        let host = system_info.as_ref().map(|info| host::host(&mut reader, info));
        reader.width = host.as_ref().and_then(|host| host.machine.width()).unwrap_or(PointerWidth::Bits64);
        let misc = host::misc(&mut reader, &streams);
        let modules = modules::loaded(&mut reader, &streams);
        let unloaded = modules::unloaded(&mut reader, &streams);
        let threads = threads::threads(&mut reader, &streams, system_info.as_ref());
        let memory = memory::captured(&mut reader, &streams);
        let regions = memory::memory_info(&mut reader, &streams);
        Ok(Self {
            time_date_stamp: header.time_date_stamp,
            flags: header.flags,
            misc,
            modules,
            unloaded,
            threads,
            memory,
            memory_info_is_whole: regions.as_ref().is_some_and(|regions| regions.is_whole),
            memory_info: regions.map(|regions| regions.regions),
            exception: exception::exception(&mut reader, &streams, system_info.as_ref()),
            comments: host::comments(&mut reader, &streams),
            problems: reader.problems,
            host,
            streams,
            system_info,
        })
    }

    /// Reads the open handles of the same `bytes`, and what could not be read of them.
    pub fn handles(&self, bytes: &[u8]) -> (Vec<Handle>, Vec<Problem>) {
        let mut reader = Reader::new(bytes);
        let handles = handles::handles(&mut reader, &self.streams);
        (handles, reader.problems)
    }

    /// Reads SSE, AVX, NEON and shadow-stack registers of a thread from the same `bytes`.
    pub fn wide_registers(&self, bytes: &[u8], thread: ThreadId) -> Vec<WideRegister> {
        let record = self.threads.iter().find(|record| record.id == thread);
        let context = record.and_then(|record| {
            let start = usize::try_from(record.context.0.0).ok()?;
            bytes.get(start..start.checked_add(record.context.1)?)
        });
        match (context, &self.system_info) {
            (Some(context), Some(system)) => wide::registers(context, system),
            _ => Vec::new(),
        }
    }
}
