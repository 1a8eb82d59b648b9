//! The header of a full kernel dump; the pages of its runs follow it in the file as they are.

use super::BugCheckWords;
use super::raw::{
    BUG_CHECK_CODE, BUG_CHECK_PARAMETERS, COMMENT, CONTEXT, CONTEXT_BYTES, DIRECTORY_TABLE_BASE, DUMP_TYPE, EXCEPTION,
    FULL_DUMP, HEADER_BYTES, KD_DEBUGGER_DATA_BLOCK, MACHINE_IMAGE_TYPE, MAJOR_VERSION, MINOR_VERSION, MOST_RUNS,
    NUMBER_OF_PAGES, NUMBER_OF_PROCESSORS, NUMBER_OF_RUNS, PAE_ENABLED, PAGE_BYTES, PFN_DATABASE, PRODUCT_TYPE,
    PS_ACTIVE_PROCESS_HEAD, PS_LOADED_MODULE_LIST, REQUIRED_DUMP_SPACE, RUNS, SIGNATURE, SUITE_MASK, SYSTEM_TIME,
    SYSTEM_UP_TIME,
};
use vatlas_space::{Pa, Pfn, Va};

/// What a header says.
#[derive(Clone, Debug)]
pub struct DumpFacts {
    /// CR3.
    pub directory: Pa,
    /// `MmPfnDatabase`.
    pub pfn_database: Va,
    /// `PsLoadedModuleList`.
    pub module_list: Va,
    /// `PsActiveProcessHead`.
    pub process_list: Va,
    /// `KdDebuggerDataBlock`.
    pub debugger_data: Va,
    /// Processors.
    pub processors: u32,
    /// Why the system stopped; code 0 when it was stopped from outside.
    pub bug_check: BugCheckWords,
    /// The `CONTEXT` of the processor that stopped it.
    pub context: Vec<u8>,
    /// Code and address of the exception.
    pub exception: (u32, Va),
    /// When it stopped, in units of 100 ns since 1601.
    pub time: u64,
    /// For how long it had run, in units of 100 ns.
    pub up_time: u64,
    /// Runs of physical memory: first page and pages.
    pub runs: Vec<(Pfn, u32)>,
}

/// The header of a dump: one page. `None` when there are more runs than it can hold.
pub fn header(facts: &DumpFacts) -> Option<Vec<u8>> {
    if facts.runs.len() > MOST_RUNS as usize {
        return None;
    }
    // What means nothing is filled with the signature, as Windows does.
    let mut bytes: Vec<u8> = SIGNATURE[..4].iter().copied().cycle().take(HEADER_BYTES).collect();
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, SIGNATURE);
    let pages: u64 = facts.runs.iter().map(|(_, pages)| u64::from(*pages)).sum();
    for (at, value) in [
        (MAJOR_VERSION, 15),
        (MINOR_VERSION, 2600),
        (DIRECTORY_TABLE_BASE, facts.directory.0 as u32),
        (PFN_DATABASE, facts.pfn_database.0 as u32),
        (PS_LOADED_MODULE_LIST, facts.module_list.0 as u32),
        (PS_ACTIVE_PROCESS_HEAD, facts.process_list.0 as u32),
        (MACHINE_IMAGE_TYPE, 0x14c),
        (NUMBER_OF_PROCESSORS, facts.processors),
        (BUG_CHECK_CODE, facts.bug_check.0),
        (PAE_ENABLED, 0x4741_5000),
        (KD_DEBUGGER_DATA_BLOCK, facts.debugger_data.0 as u32),
        (NUMBER_OF_RUNS, facts.runs.len() as u32),
        (NUMBER_OF_PAGES, pages as u32),
        (EXCEPTION, facts.exception.0),
        (EXCEPTION + 4, 0),
        (EXCEPTION + 8, 0),
        (EXCEPTION + 12, facts.exception.1.0 as u32),
        (EXCEPTION + 16, 0),
        (DUMP_TYPE, FULL_DUMP),
        (PRODUCT_TYPE, 1),
        (SUITE_MASK, 0x110),
    ] {
        put(at, &value.to_le_bytes());
    }
    for (number, value) in facts.bug_check.1.iter().enumerate() {
        put(BUG_CHECK_PARAMETERS + 4 * number, &value.to_le_bytes());
    }
    for (number, (first, pages)) in facts.runs.iter().enumerate() {
        put(RUNS + 8 * number, &(first.0 as u32).to_le_bytes());
        put(RUNS + 8 * number + 4, &pages.to_le_bytes());
    }
    let context = facts.context.get(..CONTEXT_BYTES.min(facts.context.len())).unwrap_or_default();
    put(CONTEXT, &[0; CONTEXT_BYTES]);
    put(CONTEXT, context);
    put(COMMENT, &[0; 128]);
    put(REQUIRED_DUMP_SPACE, &(HEADER_BYTES as u64 + pages * PAGE_BYTES).to_le_bytes());
    put(SYSTEM_UP_TIME, &facts.up_time.to_le_bytes());
    put(SYSTEM_TIME, &facts.time.to_le_bytes());
    Some(bytes)
}
