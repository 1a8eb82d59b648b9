//! Captured memory and the call stacks that the device walked.

use super::{
    raw::{stream, u16_at, u32_at, u64_at},
    reader::{Part, Reader},
};
use vatlas_space::{CeCallStack, CeFrame, FileOffset, Pa, Problem, ProcessId, StreamEntry, ThreadId, Va, VaRange};

/// Bytes of an entry of a memory list.
const MEMORY_ENTRY: usize = 16;
/// Bytes of an entry of the list of call stacks, and of a frame.
const STACK_ENTRY: usize = 16;
const FRAME: usize = 32;

/// Memory that the dump holds, by virtual address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CapturedMemory {
    /// Its addresses.
    pub range: VaRange,
    /// Where its bytes begin in the file.
    pub offset: FileOffset,
}

/// Memory that the dump holds, by physical address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CapturedFrames {
    /// Its first address.
    pub first: Pa,
    /// Bytes of it.
    pub size: u64,
    /// Where its bytes begin in the file.
    pub offset: FileOffset,
}

/// An entry of a memory list: address, bytes that the file holds, where.
fn entries(reader: &mut Reader<'_>, streams: &[StreamEntry], number: u32) -> Vec<(u64, u64, FileOffset)> {
    let Some(part) = reader.part(streams, number) else { return Vec::new() };
    let records = reader.sized_list(part, MEMORY_ENTRY);
    let mut found = Vec::with_capacity(records.len());
    for record in records {
        let (Some(start), Some(size), Some(rva)) = (u64_at(record, 0), u32_at(record, 8), u32_at(record, 12)) else {
            continue;
        };
        found.extend(held(reader, part, start, size.into(), rva.into()));
    }
    found
}

/// What the file holds of an entry; the rest is reported.
fn held(reader: &mut Reader<'_>, part: Part, start: u64, size: u64, offset: u64) -> Option<(u64, u64, FileOffset)> {
    let left = (reader.bytes.len() as u64).saturating_sub(offset);
    if size > left {
        let cause =
            format!("the {size:#x} bytes of {start:#010x} lie at {offset:#x}; the file holds {left:#x} of them");
        reader.problem(Problem::damage(part.place(), cause).hint("the file may be truncated"));
    }
    (size.min(left) > 0).then_some((start, size.min(left), FileOffset(offset)))
}

/// Reads the list of virtual memory.
pub(super) fn virtual_memory(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Vec<CapturedMemory> {
    let mut found = Vec::new();
    for (start, size, offset) in entries(reader, streams, stream::MEMORY_VIRTUAL_LIST) {
        let range = VaRange::sized(Va(start), size).filter(|range| range.last().0 <= u64::from(u32::MAX));
        match range {
            Some(range) => found.push(CapturedMemory { range, offset }),
            None => reader.problem(Problem::damage(
                "kdmp: stream 0x8008 (MemoryVirtualListStream)",
                format!("has {size:#x} bytes at {start:#x}, which is no range of 32-bit addresses"),
            )),
        }
    }
    found
}

/// Reads the list of physical memory.
pub(super) fn physical_memory(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Vec<CapturedFrames> {
    let entries = entries(reader, streams, stream::MEMORY_PHYSICAL_LIST);
    entries.into_iter().map(|(first, size, offset)| CapturedFrames { first: Pa(first), size, offset }).collect()
}

/// Reads the call stacks. All their frames together have no more bytes than the file.
pub(super) fn call_stacks(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Vec<CeCallStack> {
    let Some(part) = reader.part(streams, stream::THREAD_CALL_STACK_LIST) else { return Vec::new() };
    let mut left = reader.bytes.len();
    let mut stacks = Vec::new();
    for record in reader.sized_list(part, STACK_ENTRY) {
        let word = |at| u32_at(record, at).unwrap_or(0);
        let stride = usize::from(u16_at(record, 8).unwrap_or(0));
        let count = u32::from(u16_at(record, 10).unwrap_or(0));
        if stride < FRAME {
            let cause = format!("has frames of {stride} bytes; {FRAME} are needed");
            reader.problem(Problem::damage(part.place(), cause));
            continue;
        }
        let start = usize::try_from(word(12)).unwrap_or(usize::MAX);
        let frames = reader.records(&format!("{}: frames", part.place()), start, stride, count);
        let Some(rest) = left.checked_sub(frames.len() * stride) else {
            let cause = "several stacks have the same frames; the rest is left out";
            reader.problem(Problem::damage(part.place(), cause));
            break;
        };
        left = rest;
        stacks.push(CeCallStack {
            process: ProcessId(word(0)),
            thread: ThreadId(word(4)),
            frames: frames.iter().filter_map(|frame| self::frame(frame)).collect(),
        });
    }
    stacks
}

fn frame(bytes: &[u8]) -> Option<CeFrame> {
    let word = |index: usize| u32_at(bytes, index * 4);
    Some(CeFrame {
        pc: Va(word(0)?.into()),
        frame: Va(word(1)?.into()),
        process: ProcessId(word(2)?),
        parameters: [word(4)?, word(5)?, word(6)?, word(7)?],
    })
}
