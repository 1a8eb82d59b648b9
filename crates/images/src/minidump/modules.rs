//! Loaded and unloaded modules.

use super::part::{Reader, c_text};
use minidump_common::format::{
    GUID, MINIDUMP_LOCATION_DESCRIPTOR, MINIDUMP_MODULE, MINIDUMP_UNLOADED_MODULE, VS_FIXEDFILEINFO,
};
use scroll::{Endian, Pread};
use vatlas_space::{DebugRecord, FileVersion, Guid, Module, Problem, StreamEntry, UnloadedModule};

/// `RSDS`, `NB10` and Breakpad's `BpEL`, as little-endian numbers.
const RSDS: u32 = 0x5344_5352;
const NB10: u32 = 0x3031_424e;
const BUILD_ID: u32 = 0x4270_454c;

/// Signature of `VS_FIXEDFILEINFO`.
const VERSION_SIGNATURE: u32 = 0xfeef_04bd;

/// Reads `ModuleListStream`. A module that cannot be placed is left out and reported.
pub(super) fn loaded(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Vec<Module> {
    let Some(part) = reader.stream(streams, 4) else { return Vec::new() };
    let records: Vec<MINIDUMP_MODULE> = reader.counted_list(part);
    let mut modules = Vec::with_capacity(records.len());
    for raw in records {
        let path = reader.path(raw.module_name_rva);
        let base = reader.va(raw.base_of_image);
        let Some(range) = reader.range(base, raw.size_of_image.into()) else {
            reader.problem(Problem::damage(
                part.place(),
                format!("module '{path}' at {base} has the impossible size {:#x}", raw.size_of_image),
            ));
            continue;
        };
        modules.push(Module {
            path,
            range,
            time_date_stamp: raw.time_date_stamp,
            checksum: raw.checksum,
            version: version(&raw.version_info),
            debug_record: debug_record(reader, &raw.cv_record),
        });
    }
    modules
}

/// Reads `UnloadedModuleListStream`.
pub(super) fn unloaded(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Vec<UnloadedModule> {
    let Some(part) = reader.stream(streams, 14) else { return Vec::new() };
    let records: Vec<MINIDUMP_UNLOADED_MODULE> = reader.sized_list(part, false);
    let mut modules = Vec::with_capacity(records.len());
    for raw in records {
        let path = reader.path(raw.module_name_rva);
        let base = reader.va(raw.base_of_image);
        match reader.range(base, raw.size_of_image.into()) {
            Some(range) => modules.push(UnloadedModule {
                path,
                range,
                time_date_stamp: raw.time_date_stamp,
                checksum: raw.checksum,
            }),
            None => reader.problem(Problem::damage(
                part.place(),
                format!("unloaded module '{path}' at {base} has the impossible size {:#x}", raw.size_of_image),
            )),
        }
    }
    modules
}

fn version(info: &VS_FIXEDFILEINFO) -> Option<FileVersion> {
    let halves = |word: u32| [(word >> 16) as u16, word as u16];
    (info.signature == VERSION_SIGNATURE).then(|| {
        let [a, b] = halves(info.file_version_hi);
        let [c, d] = halves(info.file_version_lo);
        FileVersion([a, b, c, d])
    })
}

/// A CodeView record: `RSDS` GUID age name, `NB10` offset signature age name, `BpEL` build id.
fn debug_record(reader: &mut Reader<'_>, location: &MINIDUMP_LOCATION_DESCRIPTOR) -> Option<DebugRecord> {
    let bytes = reader.located(location);
    let mut name = |offset: usize| {
        let text = bytes.get(offset..)?;
        Some(reader.keep(location.rva, || c_text(text)).unwrap_or_default())
    };
    let word = |offset| bytes.pread_with::<u32>(offset, Endian::Little).ok();
    let signature = word(0)?;
    let known = match signature {
        RSDS => pdb70(bytes).and_then(|(guid, age)| Some(DebugRecord::Pdb70 { guid, age, name: name(24)? })),
        NB10 => word(8)
            .zip(word(12))
            .and_then(|(signature, age)| Some(DebugRecord::Pdb20 { signature, age, name: name(16)? })),
        BUILD_ID => Some(DebugRecord::ElfBuildId(bytes[4..].iter().take(64).copied().collect())),
        _ => None,
    };
    Some(known.unwrap_or(DebugRecord::Other { signature, size: bytes.len() }))
}

/// Identity and age of an `RSDS` record.
fn pdb70(bytes: &[u8]) -> Option<(Guid, u32)> {
    let guid: GUID = bytes.pread_with(4, Endian::Little).ok()?;
    let age = bytes.pread_with(20, Endian::Little).ok()?;
    Some((Guid { data1: guid.data1, data2: guid.data2, data3: guid.data3, data4: guid.data4 }, age))
}
