//! The units of the debug information: what each begins with, and how its entries are read again when asked for.

use super::{abbreviations::AbbreviationTables, sections::Slice};
use gimli::{
    Abbreviations, AttributeValue, DebugAddrBase, DebugInfoOffset, DebugLocListsBase, DebugRngListsBase,
    DebugStrOffsetsBase, DebugTypes, Dwarf, DwarfFileType, LittleEndian, SectionId, Unit, UnitHeader, UnitType,
    constants as dw,
};
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};
use vatlas_space::Problem;

/// More units than this are taken for damage.
const MOST_UNITS: usize = 1 << 24;

/// A unit.
#[derive(Debug)]
pub(super) struct UnitRow {
    /// Whether it lies in `.debug_types`, else in `.debug_info`.
    pub in_types: bool,
    /// Where it begins in its section.
    pub start: usize,
    /// Where the next one begins.
    pub end: usize,
    /// Where its abbreviations begin.
    abbreviations: usize,
    /// Whether it has code and data: not a unit of one type.
    pub has_code: bool,
    root: OnceLock<Option<Root>>,
}

/// What the first entry of a unit says about the others.
#[derive(Debug)]
pub(super) struct Root {
    abbreviations: Arc<Abbreviations>,
    low_pc: u64,
    str_offsets_base: DebugStrOffsetsBase<usize>,
    addr_base: DebugAddrBase<usize>,
    loclists_base: DebugLocListsBase<usize>,
    rnglists_base: DebugRngListsBase<usize>,
    /// Where its lines are.
    pub lines: Option<usize>,
}

/// All units.
#[derive(Debug, Default)]
pub(super) struct Units {
    /// Those of `.debug_info`, then those of `.debug_types`, each by address.
    pub rows: Vec<UnitRow>,
    /// How many are of `.debug_info`.
    in_info: usize,
    /// Unit and offset in it of the types that have a signature.
    signatures: HashMap<u64, (usize, usize)>,
    abbreviations: AbbreviationTables,
}

impl Units {
    /// Finds the units; their entries are not read.
    pub fn read(file: &str, dwarf: &Dwarf<Slice>) -> (Self, Vec<Problem>) {
        let mut units = Self::default();
        let mut problems = Vec::new();
        let mut infos = dwarf.units();
        loop {
            match infos.next() {
                Ok(Some(header)) if units.rows.len() < MOST_UNITS => units.add(&header, false),
                Ok(None) => break,
                outcome => {
                    problems.push(unit_problem(file, SectionId::DebugInfo, units.rows.last(), outcome.err()));
                    break;
                }
            }
        }
        units.in_info = units.rows.len();
        let mut types = dwarf.type_units();
        loop {
            match types.next() {
                Ok(Some(header)) if units.rows.len() < MOST_UNITS => units.add(&header, true),
                Ok(None) => break,
                outcome => {
                    let last = units.rows[units.in_info..].last();
                    problems.push(unit_problem(file, SectionId::DebugTypes, last, outcome.err()));
                    break;
                }
            }
        }
        units.abbreviations = AbbreviationTables::new(units.rows.iter().map(|row| row.abbreviations));
        (units, problems)
    }

    fn add(&mut self, header: &UnitHeader<Slice>, in_types: bool) {
        let start = header.offset().0;
        let index = self.rows.len();
        let mut has_code = true;
        if let UnitType::Type { type_signature, type_offset } = header.type_() {
            self.signatures.entry(type_signature.0).or_insert((index, type_offset.0));
            has_code = false;
        }
        let end = start.saturating_add(header.length_including_self());
        let abbreviations = header.debug_abbrev_offset().0;
        self.rows.push(UnitRow { in_types, start, end, abbreviations, has_code, root: OnceLock::new() });
    }

    /// The unit that holds an offset of a section.
    pub fn at(&self, in_types: bool, offset: usize) -> Option<usize> {
        let (first, rows) = match in_types {
            false => (0, &self.rows[..self.in_info]),
            true => (self.in_info, &self.rows[self.in_info..]),
        };
        let index = rows.partition_point(|row| row.start <= offset).checked_sub(1)?;
        (offset < rows[index].end).then_some(first + index)
    }

    /// Unit and offset in it of the type with a signature.
    pub fn signature(&self, signature: u64) -> Option<(usize, usize)> {
        self.signatures.get(&signature).copied()
    }

    /// What the first entry of a unit says; `None` where it cannot be read.
    pub fn root(&self, index: usize, dwarf: &Dwarf<Slice>) -> Option<&Root> {
        let row = self.rows.get(index)?;
        row.root.get_or_init(|| Root::read(row, &self.abbreviations, dwarf)).as_ref()
    }

    /// A unit, to read its entries.
    pub fn unit<'a>(&self, index: usize, dwarf: &Dwarf<Slice<'a>>) -> Option<Unit<Slice<'a>>> {
        let root = self.root(index, dwarf)?;
        let header = header(self.rows.get(index)?, dwarf).ok()?;
        Some(root.unit(header))
    }
}

fn unit_problem(file: &str, id: SectionId, last: Option<&UnitRow>, cause: Option<gimli::Error>) -> Problem {
    let at = last.map_or(0, |row| row.end);
    let cause = cause.map_or_else(|| "there are too many units".to_owned(), |cause| cause.to_string());
    Problem::damage(format!("{file}: {}+{at:#x}", id.name()), format!("no unit can be read here: {cause}"))
        .hint("units behind it are not found")
}

fn header<'a>(row: &UnitRow, dwarf: &Dwarf<Slice<'a>>) -> gimli::Result<UnitHeader<Slice<'a>>> {
    if !row.in_types {
        return dwarf.debug_info.header_from_offset(DebugInfoOffset(row.start));
    }
    let section: &Slice = gimli::Section::reader(&dwarf.debug_types);
    let bytes = section.slice().get(row.start..).unwrap_or_default();
    DebugTypes::new(bytes, LittleEndian).units().next()?.ok_or(gimli::Error::MissingUnitDie)
}

impl Root {
    fn read(row: &UnitRow, tables: &AbbreviationTables, dwarf: &Dwarf<Slice>) -> Option<Self> {
        let header = header(row, dwarf).ok()?;
        let encoding = header.encoding();
        let main = DwarfFileType::Main;
        let mut root = Self {
            abbreviations: tables.get(row.abbreviations, dwarf)?,
            low_pc: 0,
            str_offsets_base: DebugStrOffsetsBase::default_for_encoding_and_file(encoding, main),
            addr_base: DebugAddrBase(0),
            loclists_base: DebugLocListsBase::default_for_encoding_and_file(encoding, main),
            rnglists_base: DebugRngListsBase::default_for_encoding_and_file(encoding, main),
            lines: None,
        };
        let entry = header.entry(&root.abbreviations, header.root_offset()).ok()?;
        for attribute in entry.attrs() {
            match (attribute.name(), attribute.value()) {
                (dw::DW_AT_str_offsets_base, AttributeValue::DebugStrOffsetsBase(base)) => root.str_offsets_base = base,
                (_, AttributeValue::DebugAddrBase(base)) => root.addr_base = base,
                (dw::DW_AT_loclists_base, AttributeValue::DebugLocListsBase(base)) => root.loclists_base = base,
                (_, AttributeValue::DebugRngListsBase(base)) => root.rnglists_base = base,
                (dw::DW_AT_stmt_list, AttributeValue::DebugLineRef(offset)) => root.lines = Some(offset.0),
                _ => {}
            }
        }
        // The address may be an index into the table whose base was only found now.
        if let Some(low) = entry.attr_value(dw::DW_AT_low_pc) {
            let unit = root.unit(header);
            root.low_pc = dwarf.attr_address(&unit, low).ok().flatten().unwrap_or(0);
        }
        Some(root)
    }

    fn unit<'a>(&self, header: UnitHeader<Slice<'a>>) -> Unit<Slice<'a>> {
        Unit {
            header,
            abbreviations: self.abbreviations.clone(),
            name: None,
            comp_dir: None,
            low_pc: self.low_pc,
            str_offsets_base: self.str_offsets_base,
            addr_base: self.addr_base,
            loclists_base: self.loclists_base,
            rnglists_base: self.rnglists_base,
            line_program: None,
            dwo_id: None,
        }
    }
}

/// Which unit has the code of an address: ranges of all units, sorted.
#[derive(Debug, Default)]
pub(super) struct AddressMap {
    /// Start, end, the highest end up to here, unit.
    rows: Vec<(u32, u32, u32, u32)>,
    /// Units that tell no ranges.
    pub unranged: Vec<u32>,
}

/// How many ranges that begin before an address are looked at: more never overlap in a sound file.
const OVERLAPPING: usize = 32;

impl AddressMap {
    /// From the ranges of units, each with its number.
    pub fn new(mut ranges: Vec<(u32, u32, u32)>, unranged: Vec<u32>) -> Self {
        ranges.sort_unstable();
        let mut highest = 0;
        let with_highest = |(start, end, unit): (u32, u32, u32)| {
            highest = highest.max(end);
            (start, end, highest, unit)
        };
        Self { rows: ranges.into_iter().map(with_highest).collect(), unranged }
    }

    /// What covers an address, the range that begins last first.
    pub fn at(&self, rva: u32) -> impl Iterator<Item = u32> + '_ {
        let count = self.rows.partition_point(|row| row.0 <= rva);
        let before = self.rows[..count].iter().rev().take(OVERLAPPING).take_while(move |row| row.2 > rva);
        before.filter(move |row| row.1 > rva).map(|row| row.3)
    }

    /// The range that covers an address and begins last.
    pub fn range_at(&self, rva: u32) -> Option<(u32, u32)> {
        let count = self.rows.partition_point(|row| row.0 <= rva);
        let before = self.rows[..count].iter().rev().take(OVERLAPPING);
        before.filter(|row| row.1 > rva).map(|row| (row.0, row.1)).next()
    }

    /// Every range with its owner.
    pub fn ranges(&self) -> impl Iterator<Item = (u32, u32, u32)> + '_ {
        self.rows.iter().map(|row| (row.0, row.1, row.3))
    }
}
