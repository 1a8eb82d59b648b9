//! The exception that the dump was written for.

use super::{context, part::Reader};
use minidump::MinidumpSystemInfo;
use minidump_common::format::MINIDUMP_EXCEPTION_STREAM;
use vatlas_space::{ExceptionRecord, Problem, StreamEntry, ThreadId};

/// Reads `ExceptionStream`.
pub(super) fn exception(
    reader: &mut Reader<'_>,
    streams: &[StreamEntry],
    system: Option<&MinidumpSystemInfo>,
) -> Option<ExceptionRecord> {
    let part = reader.stream(streams, 6)?;
    let raw: MINIDUMP_EXCEPTION_STREAM = reader.record(part, 0)?;
    let record = &raw.exception_record;
    let claimed = record.number_parameters as usize;
    if claimed > record.exception_information.len() {
        reader.problem(Problem::damage(part.place(), format!("says {claimed} parameters; 15 is the most")));
    }
    let registers = system.and_then(|system| context::registers(reader.located(&raw.thread_context), system));
    Some(ExceptionRecord {
        thread: ThreadId(raw.thread_id),
        code: record.exception_code,
        flags: record.exception_flags,
        address: reader.va(record.exception_address),
        parameters: record.exception_information.iter().take(claimed).copied().collect(),
        registers,
    })
}
