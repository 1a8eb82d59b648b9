//! Loaded and unloaded modules.

use super::part::{Reader, c_text};
use crate::code_view;
use minidump_common::format::{
    MINIDUMP_LOCATION_DESCRIPTOR, MINIDUMP_MODULE, MINIDUMP_UNLOADED_MODULE, VS_FIXEDFILEINFO,
};
use vatlas_space::{DebugRecord, FileVersion, Module, Problem, StreamEntry, UnloadedModule};

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
            data: None,
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

/// The record that names the symbol file.
fn debug_record(reader: &mut Reader<'_>, location: &MINIDUMP_LOCATION_DESCRIPTOR) -> Option<DebugRecord> {
    let bytes = reader.located(location);
    code_view::read(bytes, |text| reader.keep(location.rva, || c_text(text)).unwrap_or_default())
}
