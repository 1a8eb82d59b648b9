//! The system and the process as such: `SystemInfoStream`, `MiscInfoStream`, comments.

use super::part::{Part, Reader, c_text, utf16};
use minidump::{MinidumpStream, MinidumpSystemInfo};
use scroll::{Endian, Pread};
use vatlas_space::{Host, Machine, OsFamily, Problem, ProcessId, StreamEntry};

/// What `MiscInfoStream` tells of the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Misc {
    /// `ProcessId`.
    pub process_id: Option<ProcessId>,
    /// `ProcessCreateTime`, seconds since 1970.
    pub create_time: Option<u32>,
}

/// Reads the system stream with the reader whose structure the contexts need.
pub(super) fn system_info(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Option<MinidumpSystemInfo> {
    let Some(part) = reader.stream(streams, 7) else {
        reader.problem(
            Problem::damage("minidump", "SystemInfoStream is missing")
                .hint("the processor is not known, so no registers can be read"),
        );
        return None;
    };
    // Without the file the other reader leaves the text alone, which it would read whatever its length.
    let info = MinidumpSystemInfo::read(part.bytes, &[], Endian::Little, None);
    if info.is_err() && !reader.is_missing(part) {
        reader.problem(Problem::damage(part.place(), format!("has {} bytes; 56 are needed", part.bytes.len())));
    }
    info.ok()
}

/// The host in our words.
pub(super) fn host(reader: &mut Reader<'_>, info: &MinidumpSystemInfo) -> Host {
    let service_pack = reader.text(info.raw.csd_version_rva);
    Host {
        os: os(info.raw.platform_id),
        version: [info.raw.major_version, info.raw.minor_version, info.raw.build_number],
        service_pack: service_pack.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
        machine: machine(info.raw.processor_architecture),
        processors: info.raw.number_of_processors,
    }
}

/// `VER_PLATFORM_*`, and the numbers that Breakpad added.
fn os(platform: u32) -> OsFamily {
    match platform {
        1 | 2 => OsFamily::Windows,
        3 => OsFamily::WindowsCe,
        0x8101 => OsFamily::MacOs,
        0x8102 => OsFamily::Ios,
        0x8201 => OsFamily::Linux,
        0x8203 => OsFamily::Android,
        other => OsFamily::Other(other),
    }
}

/// `PROCESSOR_ARCHITECTURE_*`, and Breakpad's old number for ARM64.
fn machine(architecture: u16) -> Machine {
    match architecture {
        0 | 10 => Machine::X86,
        1 => Machine::Mips,
        5 => Machine::Arm,
        9 => Machine::X64,
        12 | 0x8003 => Machine::Arm64,
        other => Machine::Other(other),
    }
}

/// `MINIDUMP_MISC1_PROCESS_ID`.
const HAS_PROCESS_ID: u32 = 1;
/// `MINIDUMP_MISC1_PROCESS_TIMES`.
const HAS_PROCESS_TIMES: u32 = 2;

/// Reads the fields that every version of the stream has: size, flags, process id, creation time.
pub(super) fn misc(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Misc {
    let Some(part) = reader.stream(streams, 15) else { return Misc::default() };
    let Some(flags) = reader.record::<u32>(part, 4) else { return Misc::default() };
    let field =
        |offset, flag| (flags & flag != 0).then(|| part.bytes.pread_with::<u32>(offset, Endian::Little).ok()).flatten();
    Misc { process_id: field(8, HAS_PROCESS_ID).map(ProcessId), create_time: field(12, HAS_PROCESS_TIMES) }
}

/// Both comment streams.
pub(super) fn comments(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Vec<String> {
    let narrow = reader.stream(streams, 10).map(|part: Part<'_>| c_text(part.bytes));
    let wide = reader.stream(streams, 11).map(|part| utf16(&part.bytes[..part.bytes.len().min(0xffff)]));
    narrow.into_iter().chain(wide).filter(|text| !text.is_empty()).collect()
}
