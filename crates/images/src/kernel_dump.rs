//! A full kernel dump of a 32-bit Windows system: a header of one page, then the pages of physical memory, run by run.
//!
//! ```text
//! 000 "PAGEDUMP"        010 CR3  014 MmPfnDatabase  018 PsLoadedModuleList  01C PsActiveProcessHead
//! 020 machine, processors, bug check and its 4 parameters
//! 064 runs of physical memory: count, pages, then first page and count of each
//! 320 CONTEXT           7D0 EXCEPTION_RECORD        F88 type: 1 is a full dump        FA0 bytes, FC0 time
//! 1000 pages
//! ```
//!
//! Source: `DUMP_HEADER32` as published listings of debugger headers show it.

pub mod raw;
pub mod write;

use raw::{
    BUG_CHECK_CODE, BUG_CHECK_PARAMETERS, CONTEXT, CONTEXT_BYTES, DIRECTORY_TABLE_BASE, DUMP_TYPE, EXCEPTION,
    FULL_DUMP, HEADER_BYTES, KD_DEBUGGER_DATA_BLOCK, MACHINE_IMAGE_TYPE, MAJOR_VERSION, MINOR_VERSION, MOST_RUNS,
    NUMBER_OF_PAGES, NUMBER_OF_PROCESSORS, NUMBER_OF_RUNS, PAE_ENABLED, PAGE_BYTES, PFN_DATABASE,
    PS_ACTIVE_PROCESS_HEAD, PS_LOADED_MODULE_LIST, RUNS, SIGNATURE, SYSTEM_TIME, SYSTEM_UP_TIME,
};
use vatlas_space::{Pa, Pfn, Problem, Va};

/// A run of physical memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PhysicalRun {
    /// Its first page.
    pub first: Pfn,
    /// Pages.
    pub pages: u32,
    /// Where its bytes are in the file.
    pub offset: u64,
}

/// A bug check: code and parameters.
pub type BugCheckWords = (u32, [u32; 4]);

/// What is written in a dump.
#[derive(Clone, Debug)]
pub struct KernelDump {
    /// `MajorVersion` (15: a free build) and `MinorVersion` (the build).
    pub version: (u32, u32),
    /// CR3.
    pub directory: Pa,
    /// `MmPfnDatabase`.
    pub pfn_database: Va,
    /// `PsLoadedModuleList`.
    pub module_list: Va,
    /// `PsActiveProcessHead`.
    pub process_list: Va,
    /// `KdDebuggerDataBlock`; 0 when the system did not say.
    pub debugger_data: Va,
    /// `IMAGE_FILE_MACHINE_*`.
    pub machine: u32,
    /// Processors.
    pub processors: u32,
    /// Why the system stopped.
    pub bug_check: BugCheckWords,
    /// Page-table entries of 8 bytes.
    pub has_pae: bool,
    /// The `CONTEXT` of the processor that stopped the system.
    pub context: Vec<u8>,
    /// Code, flags and address of the exception record.
    pub exception: (u32, u32, Va),
    /// When it stopped, in units of 100 ns since 1601.
    pub time: u64,
    /// For how long it had run, in units of 100 ns.
    pub up_time: u64,
    /// Physical memory, in the order of the file. A run of a truncated file has the pages that are there.
    pub runs: Vec<PhysicalRun>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn wide(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn va(bytes: &[u8], at: usize) -> Va {
    Va(word(bytes, at).into())
}

impl KernelDump {
    /// Reads the header and says where the pages are.
    ///
    /// # Errors
    /// The bytes are no dump of this kind, it is not a full one, or it ends inside its header.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let place = "kernel dump";
        if !bytes.starts_with(SIGNATURE) || bytes.len() < HEADER_BYTES {
            let cause = format!("ends inside its header, at {:#x}", bytes.len());
            return Err(Problem::damage(place, cause).hint("the file may be truncated"));
        }
        let kind = word(bytes, DUMP_TYPE);
        if kind != FULL_DUMP {
            let cause = format!("is of type {kind}, not a full dump");
            return Err(Problem::damage(place, cause).hint("bitmap and triage dumps are not read"));
        }
        let mut problems = Vec::new();
        let runs = runs(bytes, &mut problems);
        Ok(Self {
            version: (word(bytes, MAJOR_VERSION), word(bytes, MINOR_VERSION)),
            directory: Pa(word(bytes, DIRECTORY_TABLE_BASE).into()),
            pfn_database: va(bytes, PFN_DATABASE),
            module_list: va(bytes, PS_LOADED_MODULE_LIST),
            process_list: va(bytes, PS_ACTIVE_PROCESS_HEAD),
            debugger_data: va(bytes, KD_DEBUGGER_DATA_BLOCK),
            machine: word(bytes, MACHINE_IMAGE_TYPE),
            processors: word(bytes, NUMBER_OF_PROCESSORS),
            bug_check: (
                word(bytes, BUG_CHECK_CODE),
                std::array::from_fn(|number| word(bytes, BUG_CHECK_PARAMETERS + 4 * number)),
            ),
            has_pae: bytes.get(PAE_ENABLED).is_some_and(|flag| *flag != 0 && *flag != b'P'),
            context: bytes.get(CONTEXT..CONTEXT + CONTEXT_BYTES).unwrap_or_default().to_vec(),
            exception: (word(bytes, EXCEPTION), word(bytes, EXCEPTION + 4), va(bytes, EXCEPTION + 12)),
            time: wide(bytes, SYSTEM_TIME),
            up_time: wide(bytes, SYSTEM_UP_TIME),
            runs,
            problems,
        })
    }

    /// Where a page is in the file.
    pub fn page_offset(&self, page: Pfn) -> Option<u64> {
        let run =
            self.runs.iter().find(|run| page.0.checked_sub(run.first.0).is_some_and(|at| at < run.pages.into()))?;
        Some(run.offset + (page.0 - run.first.0) * PAGE_BYTES)
    }

    /// Pages that the file holds.
    pub fn pages(&self) -> u64 {
        self.runs.iter().map(|run| u64::from(run.pages)).sum()
    }
}

fn runs(bytes: &[u8], problems: &mut Vec<Problem>) -> Vec<PhysicalRun> {
    let claimed = word(bytes, NUMBER_OF_RUNS);
    let count = claimed.min(MOST_RUNS);
    let mut problem = |cause: String| {
        let problem = Problem::damage("kernel dump: physical memory runs", cause);
        problems.push(problem.hint("the file may be truncated, or its header overwritten"));
    };
    if claimed > MOST_RUNS {
        problem(format!("says {claimed} runs; {MOST_RUNS} are the most that a header holds"));
    }
    let (mut offset, mut found) = (HEADER_BYTES as u64, Vec::new());
    for number in 0..count as usize {
        let (first, pages) = (word(bytes, RUNS + 8 * number), word(bytes, RUNS + 8 * number + 4));
        let left = (bytes.len() as u64).saturating_sub(offset) / PAGE_BYTES;
        let there = u64::from(pages).min(left) as u32;
        if there < pages {
            problem(format!("run {number} has {pages} pages from {first:#x} on; the file holds {there} of them"));
        }
        if there > 0 {
            found.push(PhysicalRun { first: Pfn(first.into()), pages: there, offset });
        }
        offset = offset.saturating_add(u64::from(pages) * PAGE_BYTES);
    }
    let total = word(bytes, NUMBER_OF_PAGES);
    let sum: u64 = (0..count as usize).map(|number| u64::from(word(bytes, RUNS + 8 * number + 4))).sum();
    if u64::from(total) != sum {
        problem(format!("says {total} pages; its runs have {sum}"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::write::{DumpFacts, header};
    use super::*;

    fn facts() -> DumpFacts {
        DumpFacts {
            directory: Pa(0x39000),
            pfn_database: Va(0x80c0_0000),
            module_list: Va(0x8055_3fc0),
            process_list: Va(0x8055_a158),
            debugger_data: Va(0x8054_5ae0),
            processors: 2,
            bug_check: (0xd1, [1, 2, 3, 4]),
            context: vec![0x5a; CONTEXT_BYTES],
            exception: (0xc000_0005, Va(0xf100_1034)),
            time: 127_360_944_000_000_000,
            up_time: 50_000_000,
            runs: vec![(Pfn(1), 2), (Pfn(0x100), 1)],
        }
    }

    /// Each page is filled with the low byte of its number.
    fn dump() -> Vec<u8> {
        let mut bytes = header(&facts()).unwrap();
        for page in [1, 2, 0x80_u8] {
            bytes.extend([page; 4096]);
        }
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = dump();
        let read = KernelDump::read(&bytes).unwrap();
        let facts = facts();
        assert_eq!(
            (read.directory, read.process_list, read.module_list),
            (facts.directory, facts.process_list, facts.module_list)
        );
        assert_eq!((read.bug_check, read.exception), (facts.bug_check, (0xc000_0005, 0, Va(0xf100_1034))));
        assert_eq!((read.time, read.up_time, read.processors, read.machine), (facts.time, facts.up_time, 2, 0x14c));
        assert_eq!((read.version, read.has_pae, read.pages()), ((15, 2600), false, 3));
        assert_eq!(read.context, facts.context);
        assert!(read.problems.is_empty(), "{:?}", read.problems);
        for (page, byte) in [(1, 1), (2, 2), (0x100, 0x80)] {
            let at = read.page_offset(Pfn(page)).unwrap() as usize;
            assert_eq!(bytes[at..at + 4096], [byte; 4096]);
        }
        assert_eq!((read.page_offset(Pfn(0)), read.page_offset(Pfn(3))), (None, None));
    }

    #[test]
    fn damaged_dumps_say_what_is_wrong() {
        let bytes = dump();
        let cut = KernelDump::read(&bytes[..bytes.len() - 1]).unwrap();
        assert_eq!((cut.pages(), cut.problems.len()), (2, 1));
        assert_eq!(cut.page_offset(Pfn(0x100)), None);
        let mut wild = bytes.clone();
        wild[NUMBER_OF_RUNS..NUMBER_OF_RUNS + 4].fill(0xff);
        assert!(!KernelDump::read(&wild).unwrap().problems.is_empty());
        assert!(KernelDump::read(&bytes[..100]).is_err());
        wild[DUMP_TYPE] = 4;
        let problem = KernelDump::read(&wild).unwrap_err().to_string();
        assert!(problem.contains("type 4"), "{problem}");
    }
}
