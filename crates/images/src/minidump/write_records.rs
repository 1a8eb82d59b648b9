//! Records of a minidump, field by field, in the order of `minidumpapiset.h`.

use super::write::Body;
use crate::fx_image::{FX_BYTES, save_area};
use vatlas_space::{ExceptionRecord, FileVersion, Host, Process, Region, RegionKind, RegionState, Registers, VaRange};

/// Parameters of an exception.
const MOST_PARAMETERS: usize = 15;

/// `MINIDUMP_SYSTEM_INFO`: x86, a workstation. Where the offset of the service pack's text goes.
pub(super) fn system_info(body: &mut Body, host: &Host) -> usize {
    // Architecture 0 (x86), level 6, revision.
    [0, 6, 0].into_iter().for_each(|half| body.u16(half));
    // Processors, and VER_NT_WORKSTATION.
    body.0.extend([host.processors, 1]);
    host.version.into_iter().for_each(|part| body.u32(part));
    // VER_PLATFORM_WIN32_NT.
    body.u32(2);
    let open = body.0.len();
    body.u32(0);
    body.u32(0);
    // CPU_INFORMATION: the vendor, family 6 and the features that the machine's CPUID reports are not in a dump of it.
    (0..6).for_each(|_| body.u32(0));
    open
}

/// `MINIDUMP_MISC_INFO`: the process id and its times. Times of user and kernel are not counted apart: zero.
pub(super) fn misc_info(body: &mut Body, process: &Process) {
    const PROCESS_ID: u32 = 1;
    const PROCESS_TIMES: u32 = 2;
    let id = process.id.map_or(0, |_| PROCESS_ID);
    let times = process.create_time.map_or(0, |_| PROCESS_TIMES);
    let fields = [24, id | times, process.id.map_or(0, |id| id.0), process.create_time.unwrap_or_default(), 0, 0];
    fields.into_iter().for_each(|field| body.u32(field));
}

/// `VS_FIXEDFILEINFO`; all zeroes when the version is not known.
pub(super) fn fixed_version(body: &mut Body, version: Option<FileVersion>) {
    let Some(FileVersion([a, b, c, d])) = version else { return body.0.extend([0; 52]) };
    let high = u32::from(a) << 16 | u32::from(b);
    let low = u32::from(c) << 16 | u32::from(d);
    // Signature, structure version 1.0, file version, product version, mask and flags, NT, application, no subtype.
    for field in [0xfeef_04bd, 0x1_0000, high, low, high, low, 0x3f, 0, 0x4_0004, 1, 0, 0, 0] {
        body.u32(field);
    }
}

/// `MINIDUMP_EXCEPTION_STREAM` without the place of the context.
pub(super) fn exception(body: &mut Body, record: &ExceptionRecord) {
    let count = record.parameters.len().min(MOST_PARAMETERS);
    for field in [record.thread.0, 0, record.code, record.flags] {
        body.u32(field);
    }
    body.u64(0);
    body.u64(record.address.0);
    body.u32(count as u32);
    body.u32(0);
    let parameters = record.parameters.iter().copied().chain(std::iter::repeat(0));
    parameters.take(MOST_PARAMETERS).for_each(|parameter| body.u64(parameter));
}

/// `MINIDUMP_MEMORY_INFO`.
pub(super) fn region(body: &mut Body, region: &Region) {
    let (state, is_committed) = match region.state {
        RegionState::Committed => (0x1000, true),
        RegionState::Reserved => (0x2000, false),
        RegionState::Free | RegionState::Unknown => (0x1_0000, false),
    };
    let kind = match region.kind {
        Some(RegionKind::Image) => 0x100_0000,
        Some(RegionKind::Mapped) => 0x4_0000,
        Some(RegionKind::Private) => 0x2_0000,
        None => 0,
    };
    let size = |range: VaRange| (range.last().0 - range.first().0).saturating_add(1);
    // Of a free region NT says PAGE_NOACCESS, of a reserved one nothing.
    let free_protection = u32::from(region.state == RegionState::Free);
    let protection = region.protection.filter(|_| is_committed).map_or(free_protection, |protection| protection.0);
    body.u64(region.range.first().0);
    body.u64(region.allocation_base.map_or(0, |base| base.0));
    body.u32(region.allocation_protection.map_or(0, |protection| protection.0));
    body.u32(0);
    body.u64(size(region.range));
    [state, protection, kind, 0].into_iter().for_each(|field| body.u32(field));
}

/// `CONTEXT` of x86, 716 bytes: control, general and segment registers; x87 and SSE registers where they are known.
pub(super) fn context(body: &mut Body, registers: &Registers, floats: Option<&[u8; FX_BYTES]>) {
    /// `CONTEXT_i386 | CONTROL | INTEGER | SEGMENTS`.
    const FLAGS: u32 = 0x1_0007;
    /// `FLOATING_POINT | EXTENDED_REGISTERS`.
    const FLOATS: u32 = 0x28;
    /// What NT's programs have in them where a target does not say.
    const SEGMENTS: [(&str, u32); 6] =
        [("gs", 0), ("fs", 0x3b), ("es", 0x23), ("ds", 0x23), ("cs", 0x1b), ("ss", 0x23)];
    let named = |name: &str| registers.get(name).map(|value| value as u32);
    let value = |name: &str| named(name).unwrap_or_default();
    let segment = |name: &str| {
        let usual = SEGMENTS.iter().find(|(known, _)| *known == name).map_or(0, |(_, usual)| *usual);
        named(name).unwrap_or(usual)
    };
    body.u32(FLAGS | floats.map_or(0, |_| FLOATS));
    // Debug registers, x87 state.
    body.0.extend([0; 4 * 6]);
    body.0.extend(floats.map_or([0; 112], save_area));
    ["gs", "fs", "es", "ds"].into_iter().for_each(|name| body.u32(segment(name)));
    ["edi", "esi", "ebx", "edx", "ecx", "eax", "ebp", "eip"].into_iter().for_each(|name| body.u32(value(name)));
    body.u32(segment("cs"));
    body.u32(value("efl"));
    body.u32(value("esp"));
    body.u32(segment("ss"));
    body.0.extend(floats.copied().unwrap_or([0; FX_BYTES]));
}
