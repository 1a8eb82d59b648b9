//! DWARF 2 to 5 in images: what GCC, clang and Rust write for Windows, read unit by unit when an address or a name
//! asks for one.
//!
//! The encoding of sections, entries and line programs is `gimli`'s business. What the entries say is read here, with
//! bounds: an entry may refer to anything, so the size of the file alone bounds neither time nor memory.

mod abbreviations;
mod body;
mod frame;
mod lines;
mod location;
mod look;
mod members;
mod name_index;
mod names;
mod open;
mod questions;
mod registers;
mod sections;
mod table;
mod type_ids;
mod type_questions;
mod types;
mod units;
mod variables;

#[cfg(test)]
mod tests;

use crate::{cfi::UnwindRow, pdb::SharedBytes, symbol_file::Origin};
use body::Body;
use frame::Frames;
use lines::LineTable;
use look::{Look, Place};
use name_index::NameIndex;
use sections::{Image, Sections};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use table::{FunctionRow, UnitTable};
use units::{AddressMap, Units};
use vatlas_space::Problem;

/// Rows of all line tables that are kept, besides some for each byte of `.debug_line`: tables may overlap.
const LINE_ROWS: usize = 1 << 16;

/// A variable's address, and where its entry is.
#[derive(Clone, Copy, Debug)]
struct Datum {
    rva: u32,
    /// Zero where not told.
    size: u32,
    place: Place,
}

/// The DWARF of an image. What was read of it is kept.
pub struct DwarfFile {
    origin: Origin,
    problems: Vec<Problem>,
    bytes: SharedBytes,
    sections: Sections,
    image: Image,
    units: Units,
    map: OnceLock<AddressMap>,
    tables: Vec<OnceLock<Box<UnitTable>>>,
    lines: Mutex<HashMap<usize, Arc<LineTable>>>,
    data: OnceLock<Vec<Datum>>,
    names: OnceLock<NameIndex>,
    frames: OnceLock<Frames>,
    later_problems: Mutex<Vec<Problem>>,
}

impl fmt::Debug for DwarfFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DwarfFile({}, {} units)", self.origin.file, self.units.rows.len())
    }
}

impl DwarfFile {
    /// What could not be read of the parts that were needed since.
    pub fn later_problems(&self) -> Vec<Problem> {
        self.later_problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there is debug information, and not only rules for leaving frames.
    pub fn has_names(&self) -> bool {
        !self.units.rows.is_empty()
    }

    fn note(&self, problem: Problem) {
        let mut problems = self.later_problems.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.len() < 100 && !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    fn look(&self) -> Look<'_> {
        Look::new(self.sections.dwarf(&self.bytes), &self.units, &self.image)
    }

    /// What a unit declares; `None` where the unit cannot be read.
    fn table<'s>(&'s self, look: &Look<'s>, index: usize) -> Option<&'s UnitTable> {
        let cell = self.tables.get(index)?;
        if let Some(table) = cell.get() {
            return Some(table);
        }
        let read = look.unit(index).map(|unit| UnitTable::read(look, &unit));
        let table = read.unwrap_or_else(|| UnitTable {
            problem: Some((0, "its first entry or its abbreviations cannot be read".to_owned())),
            ..UnitTable::default()
        });
        if let Some((offset, cause)) = &table.problem {
            let start = self.units.rows.get(index).map_or(0, |row| row.start);
            let place = format!("{}: .debug_info+{:#x}", self.origin.file, start.saturating_add(*offset));
            self.note(Problem::damage(place, cause.clone()).hint("names and types behind it are missing"));
        }
        Some(cell.get_or_init(|| Box::new(table)))
    }

    /// Which unit has the code of an address.
    fn map<'s>(&'s self, look: &Look<'s>) -> &'s AddressMap {
        self.map.get_or_init(|| {
            let mut ranges = Vec::new();
            let mut unranged = Vec::new();
            for index in (0..self.units.rows.len()).filter(|index| self.units.rows[*index].has_code) {
                let (Some(unit), Ok(number)) = (look.unit(index), u32::try_from(index)) else { continue };
                let Ok(root) = unit.unit.entry(unit.unit.header.root_offset()) else { continue };
                let row = &self.units.rows[index];
                let mut left = 4096 + (row.end - row.start);
                let pieces = look.pieces(&unit.unit, &root, &mut left);
                // DWARF 2 has no lists of ranges: a unit's functions may lie outside of what it tells.
                let is_old = unit.unit.header.version() < 3 && !root.has_attr(gimli::constants::DW_AT_ranges);
                if pieces.is_empty() || is_old {
                    unranged.push(number);
                }
                ranges.extend(pieces.into_iter().map(|(start, end)| (start, end, number)));
            }
            AddressMap::new(ranges, unranged)
        })
    }

    /// The function that has the code at an address, and its unit.
    fn function_at<'s>(&'s self, look: &Look<'s>, rva: u32) -> Option<(usize, &'s UnitTable, &'s FunctionRow)> {
        if !self.image.is_code(rva) {
            return None;
        }
        let map = self.map(look);
        // A unit that tells no ranges may have any code; most have none.
        let units = map.at(rva).chain(map.unranged.iter().copied());
        units.map(|index| index as usize).find_map(|index| {
            let table = self.table(look, index)?;
            let function = table.map.at(rva).next()?;
            Some((index, table, table.functions.get(function as usize)?))
        })
    }

    /// The pieces of other functions in one.
    fn body<'s>(&'s self, look: &Look<'s>, unit: usize, function: &'s FunctionRow) -> &'s Body {
        function.body.get_or_init(|| {
            let place = Place { unit, offset: function.offset as usize };
            let tables = |index| self.table(look, index);
            look.die(place).map(|die| Body::read(look, &tables, &die)).unwrap_or_default()
        })
    }

    /// The line table of a unit.
    fn lines_of_unit<'s>(&'s self, look: &Look<'s>, index: usize) -> Option<Arc<LineTable>> {
        let offset = self.units.root(index, &look.dwarf)?.lines?;
        let mut tables = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get(&offset) {
            return Some(table.clone());
        }
        let kept: usize = tables.values().map(|table| table.len()).sum();
        let most = LINE_ROWS + 4 * self.sections.bytes(&self.bytes, gimli::SectionId::DebugLine).len();
        let place = || format!("{}: .debug_line+{offset:#x}", self.origin.file);
        if kept > most {
            self.note(Problem::damage(place(), "line tables overlap one another"));
            return None;
        }
        let table = Arc::new(LineTable::read(look, &*look.unit(index)?, offset));
        if let Some(cause) = &table.problem {
            self.note(Problem::damage(place(), cause.clone()).hint("lines behind it are missing"));
        }
        tables.insert(offset, table.clone());
        Some(table)
    }

    /// The rules for leaving the frame at an address.
    fn frame_row<'s>(&'s self, look: &Look<'s>, rva: u32) -> Option<UnwindRow> {
        let frames = self.frames.get_or_init(|| Frames::read(&self.sections, &self.bytes, look));
        frames.at(rva, &self.sections, &self.bytes, look)
    }
}
