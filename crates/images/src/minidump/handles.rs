//! Open handles (`HandleDataStream`).

use super::part::Reader;
use minidump_common::format::MINIDUMP_HANDLE_DESCRIPTOR;
use vatlas_space::{Handle, StreamEntry};

/// Reads both record versions: the second only appends fields to the first, and the list tells the stride.
pub(super) fn handles(reader: &mut Reader<'_>, streams: &[StreamEntry]) -> Vec<Handle> {
    let Some(part) = reader.stream(streams, 12) else { return Vec::new() };
    let records: Vec<MINIDUMP_HANDLE_DESCRIPTOR> = reader.sized_list(part, false);
    records
        .into_iter()
        .map(|raw| Handle {
            value: raw.handle,
            type_name: reader.text(raw.type_name_rva).filter(|text| !text.is_empty()),
            object_name: reader.text(raw.object_name_rva).filter(|text| !text.is_empty()),
            granted_access: raw.granted_access,
            handle_count: raw.handle_count,
            pointer_count: raw.pointer_count,
        })
        .collect()
}
