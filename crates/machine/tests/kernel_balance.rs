//! The kernel's own time: once a second working sets are trimmed when frames are few.
#![allow(clippy::unwrap_used, reason = "a test")]

mod kernel_support;

use kernel_support::{Arg, Bench, Code, DATA, code};
use vatlas_machine::memory::{PageFile, PageFileError, PageFileStore};
use vatlas_machine::nt::{SystemStop, UserEntries};

/// Where the program keeps the base and the size of its memory.
const BASE: u32 = DATA;
const SIZE: u32 = DATA + 4;
/// The clock of these tests has 10 million units in a second, one instruction each.
const SECOND: u64 = 10_000_000;

/// A page file in memory.
#[derive(Default)]
struct Pages(Vec<[u8; 4096]>);

impl PageFileStore for Pages {
    fn grow(&mut self, pages: u32) -> Result<(), PageFileError> {
        self.0.resize(pages as usize, [0; 4096]);
        Ok(())
    }

    fn read(&self, page: u32, bytes: &mut [u8; 4096]) -> Result<(), PageFileError> {
        *bytes = self.0[page as usize];
        Ok(())
    }

    fn write(&mut self, page: u32, bytes: &[u8; 4096]) -> Result<(), PageFileError> {
        self.0[page as usize] = *bytes;
        Ok(())
    }
}

/// A program that writes to so many pages and then waits for ever.
fn touches(pages: u32) -> Code {
    code(|code| {
        code.store(BASE, 0).store(SIZE, pages << 12);
        let (process, commit) = (Arg::N(u32::MAX), Arg::N(0x3000));
        code.call("NtAllocateVirtualMemory", &[process, Arg::N(BASE), Arg::N(0), Arg::N(SIZE), commit, Arg::N(4)]);
        // mov edx, [BASE]; mov ecx, pages; again: mov [edx], ecx; add edx, 1000h; dec ecx; jnz again; jmp $
        code.raw(&[0x8b, 0x15]).raw(&BASE.to_le_bytes()).raw(&[0xb9]).raw(&pages.to_le_bytes());
        code.raw(&[0x89, 0x0a, 0x81, 0xc2, 0, 0x10, 0, 0, 0x49, 0x75, 0xf5, 0xeb, 0xfe]);
    })
}

/// Frames at hand and pages written, just before the first second is over and after the second one; and the pages that
/// left the working set meanwhile.
fn check(pages: u32, page_file: u32, expected: ([(u32, u64); 2], u32)) {
    let mut configuration = Bench::configuration();
    if page_file > 0 {
        configuration.page_files.push(PageFile::new(Box::new(Pages::default()), page_file, page_file).unwrap());
    }
    let mut bench = Bench::with(configuration, &[touches(pages)], UserEntries::default());
    let mut seen = [(0, 0); 2];
    let mut sets = [0; 2];
    for (number, until) in [SECOND - 1, 2 * SECOND].into_iter().enumerate() {
        assert_eq!(bench.system.run(until - bench.system.instructions()), SystemStop::Budget);
        let report = bench.system.report();
        sets[number] = report.processes.iter().map(|process| process.working_set).max().unwrap();
        seen[number] = (bench.system.memory().frames().available(), report.memory.page_outs);
    }
    assert_eq!((seen, sets[0] - sets[1]), expected);
}

#[test]
fn nothing_leaves_while_frames_are_plenty() {
    check(1800, 4096, ([(197, 0); 2], 0));
}

#[test]
fn few_frames_become_enough_within_a_second() {
    check(1900, 4096, ([(97, 0), (256, 159)], 160));
}

#[test]
fn without_a_page_file_pages_leave_but_nothing_is_written() {
    check(1900, 0, ([(97, 0); 2], 160));
}
