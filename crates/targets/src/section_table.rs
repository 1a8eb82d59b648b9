//! The sections of a module, where its headers put them.

use vatlas_images::pe::PeHeaders;
use vatlas_space::{Module, Section, SectionTable, Source, VaRange};

/// The sections that lie in the module, with addresses.
pub(crate) fn section_table(module: &Module, headers: &PeHeaders, source: Source) -> SectionTable {
    let base = module.range.first();
    let sections = headers.sections.iter().filter_map(|section| {
        let size = if section.virtual_size == 0 { section.file_size } else { section.virtual_size };
        let range = VaRange::sized(base.checked_add(section.rva.0.into())?, u64::from(size))?;
        Some(Section {
            name: section.name.clone(),
            range: range.intersection(module.range)?,
            executable: section.executable,
            writable: section.writable,
            file: (section.file_size != 0).then_some((section.file_offset, section.file_size.into())),
        })
    });
    SectionTable { header_size: headers.size_of_headers.into(), sections: sections.collect(), source }
}
