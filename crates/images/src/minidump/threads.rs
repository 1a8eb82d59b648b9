//! Threads, their names and their contexts.

use super::{context, part::Reader};
use minidump::MinidumpSystemInfo;
use minidump_common::format::{MINIDUMP_THREAD, MINIDUMP_THREAD_NAME};
use std::collections::HashMap;
use vatlas_space::{FileOffset, Problem, Registers, StreamEntry, ThreadId, Va, VaRange};

/// A record of `ThreadListStream`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreadRecord {
    /// Id.
    pub id: ThreadId,
    /// Name of `ThreadNamesStream`.
    pub name: Option<String>,
    /// How often it was suspended.
    pub suspend_count: u32,
    /// Priority class of the process.
    pub priority_class: u32,
    /// Priority.
    pub priority: u32,
    /// Address of the TEB; `None` when the record has zero.
    pub teb: Option<Va>,
    /// The stack memory that the record names.
    pub stack: Option<VaRange>,
    /// Where the stack's bytes are in the file; `None` when the record leaves that to the memory lists.
    pub stack_offset: Option<FileOffset>,
    /// Where the context is in the file, and its size in bytes.
    pub context: (FileOffset, usize),
    /// Registers, when the context could be read.
    pub registers: Option<Registers>,
}

/// Reads threads and joins their names.
pub(super) fn threads(
    reader: &mut Reader<'_>,
    streams: &[StreamEntry],
    system: Option<&MinidumpSystemInfo>,
) -> Vec<ThreadRecord> {
    let Some(part) = reader.stream(streams, 3) else { return Vec::new() };
    let records: Vec<MINIDUMP_THREAD> = reader.counted_list(part);
    let mut names = names(reader, streams);
    let mut threads = Vec::with_capacity(records.len());
    let (mut contexts, mut stacks) = (reader.allowance(), reader.allowance());
    for raw in records {
        let context_bytes = Some(reader.located(&raw.thread_context));
        let context_bytes = context_bytes.filter(|bytes| contexts.take(bytes.len() as u64)).unwrap_or_default();
        let registers = system.and_then(|system| context::registers(context_bytes, system));
        // A record without a context is none that is damaged: the writer left it out.
        if registers.is_none() && system.is_some() && raw.thread_context.data_size != 0 {
            reader.problem(Problem::damage(
                part.place(),
                format!("the context of thread {} ({} bytes) cannot be read", raw.thread_id, context_bytes.len()),
            ));
        }
        let start = reader.va(raw.stack.start_of_memory_range);
        let has_own_stack = raw.stack.memory.rva != 0 && stacks.take(reader.located(&raw.stack.memory).len() as u64);
        threads.push(ThreadRecord {
            id: ThreadId(raw.thread_id),
            name: names.remove(&raw.thread_id),
            suspend_count: raw.suspend_count,
            priority_class: raw.priority_class,
            priority: raw.priority,
            teb: Some(reader.va(raw.teb)).filter(|teb| teb.0 != 0),
            stack: reader.range(start, raw.stack.memory.data_size.into()),
            stack_offset: has_own_stack.then_some(FileOffset(raw.stack.memory.rva.into())),
            context: (FileOffset(raw.thread_context.rva.into()), context_bytes.len()),
            registers,
        });
    }
    threads
}

/// Thread id to name.
fn names(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> HashMap<u32, String> {
    let Some(part) = reader.stream(streams, 24) else { return HashMap::new() };
    let records: Vec<MINIDUMP_THREAD_NAME> = reader.counted_list(part);
    let mut names = HashMap::new();
    for raw in records {
        let text = u32::try_from(raw.thread_name_rva).ok().and_then(|rva| reader.text(rva));
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            names.insert(raw.thread_id, text);
        }
    }
    names
}
