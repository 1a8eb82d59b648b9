//! Dumps of Windows CE (`.kdmp`, Windows CE Error Reporting): a directory of streams, most of which describe themselves.
//!
//! ```text
//! header     "CEDX" (context), "CEDS" (system) or "CEDC" (complete), u32 Version, u32 NumberOfStreams,
//!            u32 StreamDirectoryRva, u32 CheckSum, u32 TimeDateStamp, u64 Flags
//! directory  u32 StreamType, u32 DataSize, u32 Rva for each stream
//! ```
//!
//! `DataSize` covers fixed headers and descriptions only; what they describe lies elsewhere in the file. Structures are
//! those of Microsoft's documentation of Windows CE Error Reporting, checked against real files; `docs/kdmp.md` has them.

mod context;
mod elements;
mod lists;
mod memory;
mod printf;
mod raw;
mod reader;
mod system;
#[cfg(test)]
mod tests;

pub use context::{ContextPart, ThreadContexts};
pub use elements::{Column, Element, ElementTable};
pub use lists::{Listed, ModuleRecord, ProcessRecord, ThreadRecord};
pub use memory::{CapturedFrames, CapturedMemory};
pub use system::{BucketParameters, BucketPart, ExceptionInfo, SystemInfo};

use raw::{HEADER, u32_at, u64_at};
use reader::Reader;
use std::{collections::HashMap, fmt};
use vatlas_space::{CeCallStack, Machine, Problem, StreamEntry};

/// How much a dump was to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DumpKind {
    /// `CEDX`: the thread that failed, and what belongs to it.
    Context,
    /// `CEDS`: all processes and threads, without all of memory.
    System,
    /// `CEDC`: everything.
    Complete,
}

impl DumpKind {
    /// Tells the kind by the first four bytes.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.first_chunk::<4>()? {
            b"CEDX" => Some(Self::Context),
            b"CEDS" => Some(Self::System),
            b"CEDC" => Some(Self::Complete),
            _ => None,
        }
    }
}

impl fmt::Display for DumpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Context => "context",
            Self::System => "system",
            Self::Complete => "complete",
        })
    }
}

/// What a dump of Windows CE says; memory and columns that are not understood stay in the file.
#[derive(Debug)]
pub struct Kdmp {
    /// How much it was to hold.
    pub kind: DumpKind,
    /// `Version` of the header.
    pub version: u32,
    /// `TimeDateStamp` of the header: seconds since 1970; 0 in real files.
    pub time_date_stamp: u32,
    /// `Flags` of the header.
    pub flags: u64,
    /// The directory.
    pub streams: Vec<StreamEntry>,
    /// The system.
    pub system: Option<SystemInfo>,
    /// The exception.
    pub exception: Option<ExceptionInfo>,
    /// Modules of all processes.
    pub modules: Listed<ModuleRecord>,
    /// Processes.
    pub processes: Listed<ProcessRecord>,
    /// Threads of all processes.
    pub threads: Listed<ThreadRecord>,
    /// Registers, by handle of the thread.
    pub contexts: HashMap<u32, ThreadContexts>,
    /// The table of the registers.
    pub context_table: ElementTable,
    /// Call stacks that the device walked.
    pub call_stacks: Vec<CeCallStack>,
    /// Virtual memory in the order of the list.
    pub memory: Vec<CapturedMemory>,
    /// Physical memory in the order of the list.
    pub physical: Vec<CapturedFrames>,
    /// What error reports are sorted by.
    pub bucket: Option<BucketParameters>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Kdmp {
    /// Reads all streams.
    ///
    /// # Errors
    /// The header is not that of a Windows CE dump. All other damage is in [`Kdmp::problems`].
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let kind = DumpKind::of(bytes)
            .ok_or_else(|| Problem::damage("kdmp: header", "does not begin with CEDX, CEDS or CEDC"))?;
        let word = |at| {
            let short = || {
                let cause = format!("the file has {} bytes; a header has {HEADER}", bytes.len());
                Problem::damage("kdmp: header", cause).hint("the file may be truncated")
            };
            u32_at(bytes, at).ok_or_else(short)
        };
        let (version, count, directory, time) = (word(4)?, word(8)?, word(0x0c)?, word(0x14)?);
        let mut reader = Reader::new(bytes);
        let streams = reader.directory(usize::try_from(directory).unwrap_or(usize::MAX), count);
        let system = system::system(&mut reader, &streams);
        let machine = system.as_ref().map_or(Machine::Other(0), SystemInfo::machine);
        let exception = system::exception(&mut reader, &streams, machine);
        let threads = lists::threads(&mut reader, &streams);
        let pc_of = threads.records.iter().filter_map(|thread| Some((thread.handle, thread.pc?))).collect();
        let (contexts, context_table) = lists::thread_contexts(&mut reader, &streams, machine, &pc_of);
        Ok(Self {
            kind,
            version,
            time_date_stamp: time,
            flags: u64_at(bytes, 0x18).unwrap_or(0),
            system,
            exception,
            modules: lists::modules(&mut reader, &streams),
            processes: lists::processes(&mut reader, &streams),
            threads,
            contexts,
            context_table,
            call_stacks: memory::call_stacks(&mut reader, &streams),
            memory: memory::virtual_memory(&mut reader, &streams),
            physical: memory::physical_memory(&mut reader, &streams),
            bucket: system::bucket(&mut reader, &streams),
            problems: reader.problems,
            streams,
        })
    }
}
