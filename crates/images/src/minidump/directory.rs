//! Header and directory: which streams there are, and where.

use super::{SIGNATURE, part::Reader};
use minidump_common::format::{MINIDUMP_DIRECTORY, MINIDUMP_HEADER};
use scroll::{Endian, Pread};
use vatlas_space::{FileOffset, Problem, StreamEntry};

/// Bytes of a directory entry.
const ENTRY_SIZE: usize = 12;

/// More streams than any writer knows types of.
const MOST_STREAMS: usize = 1000;

/// Low half of the version word of every minidump.
const VERSION: u32 = 0xa793;

/// Checks and reads the header.
pub(super) fn header(bytes: &[u8]) -> Result<MINIDUMP_HEADER, Problem> {
    let signature = bytes.first_chunk::<4>();
    if signature == Some(b"PMDM") {
        return Err(Problem::damage("minidump: header", "big-endian minidumps are not supported")
            .hint("Breakpad wrote such files on PowerPC only"));
    }
    if signature != Some(&SIGNATURE) {
        return Err(Problem::damage("minidump: header", "the signature MDMP is missing")
            .hint("the file is no minidump or its front was overwritten"));
    }
    let header: MINIDUMP_HEADER = bytes.pread_with(0, Endian::Little).map_err(|_| {
        Problem::damage("minidump: header", format!("the file has {} bytes, the header alone 32", bytes.len()))
            .hint("the file is truncated")
    })?;
    if header.version & 0xffff != VERSION {
        return Err(Problem::damage(
            "minidump: header",
            format!("the version word is {:#06x}, not {VERSION:#06x}", header.version & 0xffff),
        ));
    }
    Ok(header)
}

/// Reads the directory as far as the file holds it, without unused entries. Of two streams with one number the
/// first is used, as by `MiniDumpReadDumpStream`.
pub(super) fn streams(reader: &mut Reader<'_>, header: &MINIDUMP_HEADER) -> Vec<StreamEntry> {
    let start = header.stream_directory_rva as usize;
    let body = reader.bytes.get(start..).unwrap_or_default();
    let held = body.len() / ENTRY_SIZE;
    let claimed = header.stream_count as usize;
    if claimed > held {
        reader.problem(
            Problem::damage("minidump: directory", format!("says {claimed} streams and holds {held}"))
                .hint("the file may be truncated or its header overwritten"),
        );
    }
    if claimed.min(held) > MOST_STREAMS {
        reader.problem(Problem::damage(
            "minidump: directory",
            format!("says {claimed} streams; those behind the first {MOST_STREAMS} are left out"),
        ));
    }
    let mut streams: Vec<StreamEntry> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for chunk in body.chunks_exact(ENTRY_SIZE).take(claimed.min(MOST_STREAMS)) {
        let Ok(entry) = chunk.pread_with::<MINIDUMP_DIRECTORY>(0, Endian::Little) else { continue };
        if entry.stream_type == 0 {
            continue;
        }
        if !seen.insert(entry.stream_type) {
            reader.problem(Problem::note(
                "minidump: directory",
                format!("stream {} is listed twice; the first is used", entry.stream_type),
            ));
        }
        streams.push(StreamEntry {
            number: entry.stream_type,
            name: name(entry.stream_type),
            offset: FileOffset(entry.location.rva.into()),
            size: entry.location.data_size.into(),
        });
    }
    streams
}

/// `MINIDUMP_STREAM_TYPE` of Microsoft, Breakpad and Crashpad.
fn name(number: u32) -> Option<&'static str> {
    Some(match number {
        3 => "ThreadListStream",
        4 => "ModuleListStream",
        5 => "MemoryListStream",
        6 => "ExceptionStream",
        7 => "SystemInfoStream",
        8 => "ThreadExListStream",
        9 => "Memory64ListStream",
        10 => "CommentStreamA",
        11 => "CommentStreamW",
        12 => "HandleDataStream",
        13 => "FunctionTableStream",
        14 => "UnloadedModuleListStream",
        15 => "MiscInfoStream",
        16 => "MemoryInfoListStream",
        17 => "ThreadInfoListStream",
        18 => "HandleOperationListStream",
        19 => "TokenStream",
        20 => "JavaScriptDataStream",
        21 => "SystemMemoryInfoStream",
        22 => "ProcessVmCountersStream",
        23 => "IptTraceStream",
        24 => "ThreadNamesStream",
        0x8001 => "ceStreamSystemInfo",
        0x8002 => "ceStreamException",
        0x8003 => "ceStreamModuleList",
        0x8004 => "ceStreamProcessList",
        0x8005 => "ceStreamThreadList",
        0x8006 => "ceStreamThreadContextList",
        0x8007 => "ceStreamThreadCallStackList",
        0x8008 => "ceStreamMemoryVirtualList",
        0x8009 => "ceStreamMemoryPhysicalList",
        0x800a => "ceStreamBucketParameters",
        0x4350_0001 => "CrashpadInfoStream",
        0x4767_0001 => "BreakpadInfoStream",
        0x4767_0002 => "AssertionInfoStream",
        0x4767_0003 => "LinuxCpuInfo",
        0x4767_0004 => "LinuxProcStatus",
        0x4767_0005 => "LinuxLsbRelease",
        0x4767_0006 => "LinuxCmdLine",
        0x4767_0007 => "LinuxEnviron",
        0x4767_0008 => "LinuxAuxv",
        0x4767_0009 => "LinuxMaps",
        0x4767_000a => "LinuxDsoDebug",
        _ => return None,
    })
}
