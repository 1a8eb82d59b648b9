//! Opening the DWARF of an image, and what is said at once: what is elsewhere, what is odd.

use super::{
    DwarfFile,
    look::text,
    sections::{Sections, Slice},
    units::Units,
};
use crate::{
    pdb::SharedBytes,
    symbol_file::{FileKind, Identity, Origin},
};
use gimli::{Dwarf, SectionId, UnitType, constants as dw};
use std::sync::{Mutex, OnceLock};
use vatlas_images::pe::PeHeaders;
use vatlas_space::Problem;

/// Units without their own information that are named.
const NAMED: usize = 3;

impl DwarfFile {
    /// The DWARF of an image file called `file`; `None` when it has none.
    ///
    /// # Errors
    /// The bytes are no image, or end inside its headers.
    pub fn open(file: &str, bytes: &SharedBytes) -> Result<Option<Self>, Problem> {
        let content: &[u8] = (**bytes).as_ref();
        let in_file = |problem: Problem| Problem { place: format!("{file}: {}", problem.place), ..problem };
        let headers = PeHeaders::read(content).map_err(in_file)?;
        let (sections, image, mut problems) = Sections::read(file, &headers, content);
        let has = |id| !sections.bytes(bytes, id).is_empty();
        if ![SectionId::DebugInfo, SectionId::DebugFrame, SectionId::EhFrame].into_iter().any(has) {
            return Ok(None);
        }
        let dwarf = sections.dwarf(bytes);
        let (units, of_units) = Units::read(file, &dwarf);
        problems.extend(of_units);
        problems.extend(split(file, &dwarf, &units));
        let identity = Some(Identity::TimeDateStamp(headers.time_date_stamp));
        let tables = units.rows.iter().map(|_| OnceLock::new()).collect();
        Ok(Some(Self {
            origin: Origin { file: file.into(), kind: FileKind::Dwarf, identity },
            problems,
            bytes: bytes.clone(),
            sections,
            image,
            units,
            map: OnceLock::new(),
            tables,
            lines: Mutex::default(),
            data: OnceLock::new(),
            names: OnceLock::new(),
            frames: OnceLock::new(),
            later_problems: Mutex::default(),
        }))
    }
}

/// Units whose information is in another file (DWARF 5 section 7.3.2, and GCC's form of it for DWARF 4).
fn split(file: &str, dwarf: &Dwarf<Slice>, units: &Units) -> Option<Problem> {
    let mut names = Vec::new();
    let mut count = 0;
    for index in 0..units.rows.len() {
        let Some(unit) = units.unit(index, dwarf) else { continue };
        let Ok(root) = unit.entry(unit.header.root_offset()) else { continue };
        let name = [dw::DW_AT_dwo_name, dw::DW_AT_GNU_dwo_name].into_iter().find_map(|name| root.attr_value(name));
        let is_skeleton = matches!(unit.header.type_(), UnitType::Skeleton(_));
        if name.is_none() && !is_skeleton {
            continue;
        }
        count += 1;
        if names.len() < NAMED {
            names.extend(name.and_then(|name| text(dwarf, &unit, name)).map(|name| name.into_owned()));
        }
    }
    let place = format!("{file}: .debug_info");
    let cause = format!("the debug information of {count} units is in split objects (.dwo), which are not read");
    let hint = format!("{}; build without -gsplit-dwarf for full answers", names.join(", "));
    (count > 0).then(|| Problem::damage(place, cause).hint(hint))
}
