//! The modules of a ROM image as modules of a process: base, size, data that lie apart, identity.

use super::Rom;
use vatlas_images::rom::{RomImage, RomModule, RomSection, section_names};
use vatlas_space::{Module, Section, SectionTable, Source, Va, VaRange};

/// A module by its place in the tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ModulePlace {
    pub region: usize,
    pub module: usize,
}

impl ModulePlace {
    pub fn of(self, image: &RomImage) -> Option<&RomModule> {
        image.regions.get(self.region)?.modules.get(self.module)
    }
}

/// A module of the tables as one of a process; `None` when its header is not in the image.
pub(super) fn module_of(rom: &Rom, place: ModulePlace) -> Option<Module> {
    let module = place.of(&rom.image)?;
    let e32 = module.e32.as_ref()?;
    let range = VaRange::sized(e32.base, e32.size.max(1).into())?.intersection(addresses()?)?;
    Some(Module {
        path: module.name.clone(),
        range,
        data: data(module, range),
        time_date_stamp: e32.time_date_stamp.unwrap_or(0),
        checksum: 0,
        version: None,
        debug_record: None,
    })
}

fn addresses() -> Option<VaRange> {
    VaRange::new(Va(0), Va(u32::MAX.into()))
}

/// From the first writable section that lies apart from the image to the last.
fn data(module: &RomModule, image: VaRange) -> Option<VaRange> {
    let apart = module.sections.iter().filter_map(range).filter(|range| !image.encloses(*range));
    apart.reduce(|one, other| VaRange::new(one.first().min(other.first()), one.last().max(other.last())).unwrap_or(one))
}

/// Where a section is at run time; `None` for one without bytes, and for one that wraps around.
pub(super) fn range(section: &RomSection) -> Option<VaRange> {
    let range = VaRange::sized(section.real, section.size.into())?;
    addresses()?.encloses(range).then_some(range)
}

/// The sections of a module, where they are at run time, with the names that the rebuilt file gives them.
pub(super) fn section_table(rom: &Rom, place: ModulePlace) -> Option<SectionTable> {
    let module = place.of(&rom.image)?;
    let names = section_names(module);
    let sections = module.sections.iter().zip(names).filter_map(|(section, name)| {
        let stored = rom.image.memory.offset(section.data).filter(|_| !section.is_compressed());
        let size = u64::from(section.packed_size.min(section.size));
        Some(Section {
            name,
            range: range(section)?,
            executable: section.is_executable(),
            writable: section.is_writable(),
            file: stored.filter(|_| size > 0).map(|offset| (offset, size)),
        })
    });
    let source = Source::ImageHeader { module: module.name.clone() };
    Some(SectionTable { header_size: 0, sections: sections.collect(), source })
}
