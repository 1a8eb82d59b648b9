//! Modules, processes, threads and contexts: the columns that vatlas understands. All others stay in the table.

use super::{
    context::{ThreadContexts, contexts},
    elements::{Element, ElementTable},
    printf,
    raw::stream,
    reader::Reader,
};
use std::collections::HashMap;
use vatlas_space::{DebugRecord, FileVersion, Machine, StreamEntry, Va};

/// An element of the module list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleRecord {
    /// File name.
    pub name: String,
    /// Where it is loaded, as the list writes it: the EXE of a process in slot form.
    pub base: Va,
    /// Bytes of the image.
    pub size: u32,
    /// First address of writable data that lie apart (slot-0 form) and the first behind them; `FFFFFFFF, 0` and `0, 0`
    /// stand for none.
    pub data: (u32, u32),
    /// Time stamp; in builds of Windows Mobile no date but a part of the PDB's GUID.
    pub time_stamp: u32,
    /// Which symbol file belongs to it.
    pub debug_record: Option<DebugRecord>,
    /// Bit n: process number n uses it.
    pub in_use: u32,
    /// File version.
    pub version: FileVersion,
    /// Address of the kernel's structure: a MODULE, or of an EXE its PROCESS.
    pub pointer: u32,
}

/// An element of the process list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProcessRecord {
    /// Number of the process, 0 to 31; called `ProcSlot#` in the file. `None` where the file has no such column.
    pub number: Option<u32>,
    /// File name.
    pub name: String,
    /// Lowest address of its slot; 0 where there are no slots.
    pub vm_base: u32,
    /// Its bit in access masks.
    pub access_key: u32,
    /// Handle.
    pub handle: u32,
    /// Address of the kernel's PROCESS structure.
    pub pointer: u32,
}

/// An element of the thread list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreadRecord {
    /// Handle.
    pub handle: u32,
    /// Address of the kernel's THREAD structure.
    pub pointer: u32,
    /// Access mask.
    pub access_mask: u32,
    /// Handles of the process whose code it runs and of the one that it was created in.
    pub processes: (u32, u32),
    /// Priority now, and by itself.
    pub priority: (u32, u32),
    /// How often it was suspended.
    pub suspend_count: u32,
    /// The block of its storage.
    pub tls: Va,
    /// `GetLastError`.
    pub last_error: u32,
    /// Lowest reserved and lowest committed address of its stack.
    pub stack: (u32, u32),
    /// Its program counter, as the list states it.
    pub pc: Option<u32>,
    /// Created, in seconds since 1970.
    pub created: Option<u32>,
}

/// A list and the table that it was read from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed<T> {
    /// What was read, in the order of the table; record n is element n.
    pub records: Vec<T>,
    /// All columns.
    pub table: ElementTable,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { records: Vec::new(), table: ElementTable::default() }
    }
}

fn listed<T>(
    reader: &mut Reader<'_>,
    streams: &[StreamEntry],
    number: u32,
    record: impl Fn(&Element<'_>) -> T,
) -> Listed<T> {
    let part = reader.part(streams, number);
    let Some(table) = part.and_then(|part| ElementTable::read(reader, part, 0)) else { return Listed::default() };
    let records = table.elements(reader.bytes).map(|element| record(&element)).collect();
    Listed { records, table }
}

/// Reads the module list.
pub(super) fn modules(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Listed<ModuleRecord> {
    listed(reader, streams, stream::MODULE_LIST, |element| {
        let word = |label: &str| element.word(label).unwrap_or(0);
        ModuleRecord {
            name: element.text("Name").unwrap_or_default(),
            base: Va(word("Base Ptr").into()),
            size: word("Size"),
            data: (word("RW Data Start"), word("RW Data End")),
            time_stamp: word("Timestamp"),
            debug_record: debug_record(element),
            in_use: word("In Use"),
            version: version(word("FileVersionMS"), word("FileVersionLS")),
            pointer: word("Pointer"),
        }
    })
}

fn version(ms: u32, ls: u32) -> FileVersion {
    FileVersion([(ms >> 16) as u16, ms as u16, (ls >> 16) as u16, ls as u16])
}

/// `PDB Format` has the first four bytes of the record in the image. Of an `NB10` record the signature stands where a GUID
/// begins.
fn debug_record(element: &Element<'_>) -> Option<DebugRecord> {
    const NB10: u32 = u32::from_le_bytes(*b"NB10");
    const RSDS: u32 = u32::from_le_bytes(*b"RSDS");
    let (age, name) = (element.word("PDB Age").unwrap_or(0), element.text("PDB Name").unwrap_or_default());
    let guid = element.field("PDB Guid").and_then(printf::guid)?;
    match element.word("PDB Format")? {
        RSDS => Some(DebugRecord::Pdb70 { guid, age, name }),
        NB10 => Some(DebugRecord::Pdb20 { signature: guid.data1, age, name }),
        0 => None,
        signature => Some(DebugRecord::Other { signature, size: 0 }),
    }
}

/// Reads the process list.
pub(super) fn processes(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Listed<ProcessRecord> {
    listed(reader, streams, stream::PROCESS_LIST, |element| {
        let word = |label: &str| element.word(label).unwrap_or(0);
        ProcessRecord {
            number: element.word("ProcSlot#"),
            name: element.text("Name").unwrap_or_default(),
            vm_base: word("VMBase"),
            access_key: word("AccessKey"),
            handle: word("hProcess"),
            pointer: word("pProcess"),
        }
    })
}

/// Reads the thread list.
pub(super) fn threads(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Listed<ThreadRecord> {
    listed(reader, streams, stream::THREAD_LIST, |element| {
        let word = |label: &str| element.word(label).unwrap_or(0);
        ThreadRecord {
            handle: word("hThread"),
            pointer: word("pThread"),
            access_mask: word("AccessKey"),
            processes: (word("hCurProcIn"), word("hOwnerProc")),
            priority: (word("CurPrio"), word("BasePrio")),
            suspend_count: word("SuspendCount"),
            tls: Va(word("TlsPtr").into()),
            last_error: word("LastError"),
            stack: (word("StackBase"), word("StkLowBnd")),
            pc: element.word("PC"),
            created: created(word("CreatTimeH"), word("CreatTimeL")),
        }
    })
}

/// A FILETIME (units of 100 ns since 1601) in seconds since 1970.
fn created(high: u32, low: u32) -> Option<u32> {
    const UNITS: u64 = 10_000_000;
    const FROM_1601_TO_1970: u64 = 11_644_473_600;
    let time = u64::from(high) << 32 | u64::from(low);
    u32::try_from((time / UNITS).checked_sub(FROM_1601_TO_1970)?).ok()
}

/// Reads the list of contexts: thread handle to contexts. `pc_of` has what the thread list states.
pub(super) fn thread_contexts(
    reader: &mut Reader<'_>,
    streams: &[StreamEntry],
    machine: Machine,
    pc_of: &HashMap<u32, u32>,
) -> (HashMap<u32, ThreadContexts>, ElementTable) {
    let part = reader.part(streams, stream::THREAD_CONTEXT_LIST);
    let Some(table) = part.and_then(|part| ElementTable::read(reader, part, 0)) else { return Default::default() };
    let mut found = HashMap::new();
    for element in table.elements(reader.bytes) {
        let Some(thread) = element.word("ThreadID") else { continue };
        let pc = pc_of.get(&thread).copied();
        found.entry(thread).or_insert_with(|| contexts(&element, &table.columns, machine, pc));
    }
    (found, table)
}
