//! The variables in scope at an address, and where each one is.

use super::{
    DwarfFile,
    location::{FrameBase, Locations, constant_of_attribute},
    look::{Die, Entry, Look, OpenUnit, Value},
    sections::Slice,
    types::{TypeReader, is_record},
};
use crate::{
    cfi::CfaRule,
    variable::{Variable, VariableKind, VariablePlace},
};
use gimli::{AttributeValue, Expression, LocationListEntry, RawLocListEntry, constants as dw};
use vatlas_space::Machine;

/// Variables of one answer.
const MOST_VARIABLES: usize = 1 << 14;
/// Entries of location lists that are looked at for one answer.
const MOST_LOCATIONS: usize = 1 << 20;

/// A scope that is open while a function's family is read.
struct Scope {
    depth: isize,
    /// How many functions were put into one another up to here.
    inlined: usize,
    /// Whether the address is in it.
    holds: bool,
}

/// A variable with what decides its place in the answer.
struct Found {
    inlined: usize,
    is_parameter: bool,
    depth: isize,
    variable: Variable,
}

/// Reads the variables of one function at one address.
struct Reader<'l, 'a> {
    file: &'a DwarfFile,
    look: &'l Look<'a>,
    unit: &'l OpenUnit<'a>,
    locations: Locations<'l, 'a>,
    rva: u32,
    found: Vec<Found>,
    ranges: usize,
    entries_left: usize,
}

/// The variables of a function at an address.
pub(super) fn variables<'a>(file: &'a DwarfFile, look: &Look<'a>, function: &Die<'a>, rva: u32) -> Vec<Variable> {
    let unit = &*function.unit;
    let cfa = canonical_frame_address(file, look, rva);
    let unknown = FrameBase::Unknown("the function has no frame base".to_owned());
    let locations = Locations { look, unit, base: unknown, cfa };
    let (ranges, entries_left) = (MOST_LOCATIONS, MOST_LOCATIONS);
    let mut reader = Reader { file, look, unit, locations, rva, found: Vec::new(), ranges, entries_left };
    if let Some(base) = function.value(dw::DW_AT_frame_base).and_then(|value| reader.expression(value)) {
        reader.locations.base = reader.locations.base(base);
    }
    // What was read before the damage is kept.
    let _ = reader.family(function);
    let innermost = reader.found.iter().map(|found| found.inlined).max().unwrap_or(0).max(reader.depth_of_frames());
    let mut found = reader.found;
    found.sort_by_key(|found| (innermost - found.inlined, !found.is_parameter, -found.depth));
    let in_frame = |found: Found| Variable { frame: innermost - found.inlined, ..found.variable };
    found.into_iter().map(in_frame).collect()
}

/// The canonical frame address, by the call-frame information. On x86 it is also 8 bytes above the place where `ebp`
/// would have been pushed, behind the return address.
fn canonical_frame_address<'a>(file: &'a DwarfFile, look: &Look<'a>, rva: u32) -> FrameBase {
    match file.frame_row(look, rva).map(|row| row.cfa) {
        Some(CfaRule::Register { register, offset }) => FrameBase::Register(register, offset),
        _ if look.image.machine == Machine::X86 => FrameBase::Unwinder(8),
        _ => FrameBase::Unknown("relative to the frame, whose layout is not told here".to_owned()),
    }
}

impl<'a> Reader<'_, 'a> {
    /// How many functions were put into one another at the address.
    fn depth_of_frames(&self) -> usize {
        self.file.inlined_at(self.look, self.rva).len()
    }

    fn family(&mut self, function: &Die<'a>) -> gimli::Result<()> {
        let mut raw = function.unit.unit.entries_raw(Some(function.entry.offset()))?;
        let mut entry = Entry::null();
        raw.read_entry(&mut entry)?;
        let mut open = vec![Scope { depth: 0, inlined: 0, holds: true }];
        while raw.next_depth() > 0 {
            if !raw.read_entry(&mut entry)? {
                continue;
            }
            while open.len() > 1 && open.last().is_some_and(|scope| scope.depth >= entry.depth()) {
                open.pop();
            }
            let Some(outer) = open.last() else { break };
            let (inlined, holds) = (outer.inlined, outer.holds);
            match entry.tag() {
                dw::DW_TAG_formal_parameter | dw::DW_TAG_variable if holds => {
                    let die = Die { unit: function.unit.clone(), entry: entry.clone() };
                    self.variable(&die, inlined);
                }
                dw::DW_TAG_lexical_block | dw::DW_TAG_inlined_subroutine | dw::DW_TAG_try_block => {
                    let is_inlined = entry.tag() == dw::DW_TAG_inlined_subroutine;
                    let holds = holds && self.covers(&entry);
                    open.push(Scope { depth: entry.depth(), inlined: inlined + usize::from(is_inlined), holds });
                }
                // Parameters of calls and variables of types declared inside are not the function's.
                tag if is_record(tag) || entry.has_children() => {
                    open.push(Scope { depth: entry.depth(), inlined, holds: false });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn covers(&mut self, entry: &Entry<'a>) -> bool {
        let pieces = self.look.pieces(&self.unit.unit, entry, &mut self.ranges);
        pieces.iter().any(|(start, end)| (*start..*end).contains(&self.rva))
    }

    fn variable(&mut self, die: &Die<'a>, inlined: usize) {
        let is_declared = die.is(dw::DW_AT_declaration) && !die.entry.has_attr(dw::DW_AT_location);
        if is_declared || self.found.len() >= MOST_VARIABLES {
            return;
        }
        let Some(name) = self.look.name(die) else { return };
        let (place, is_after_prologue) = self.place(die);
        let is_parameter = die.entry.tag() == dw::DW_TAG_formal_parameter;
        let kind = match (&place, is_parameter) {
            (_, true) => VariableKind::Parameter,
            (VariablePlace::Static(_) | VariablePlace::ThreadLocal { .. }, false) => VariableKind::Static,
            (_, false) => VariableKind::Local,
        };
        let type_id = self.look.type_place(die).map(|place| super::type_ids::id(self.look.units, place, 0));
        let variable = Variable { name: name.into_owned(), type_id, kind, place, is_after_prologue, frame: 0 };
        self.found.push(Found { inlined, is_parameter, depth: die.entry.depth(), variable });
    }

    /// Where a variable is, and whether that holds from the end of the prologue on only.
    fn place(&mut self, die: &Die<'a>) -> (VariablePlace, bool) {
        let types = TypeReader { look: self.look, tables: &|_| None, definition: &|_| None };
        let shape = types.shape(self.look.type_place(die));
        if let Some((owner, value)) = self.look.inherited(die, dw::DW_AT_const_value) {
            let constant = constant_of_attribute(self.look, &owner.unit, value, shape);
            return (constant.map_or(VariablePlace::Gone, VariablePlace::Constant), false);
        }
        // An inlined function's static variables are told by the abstract instance.
        let Some((_, value)) = self.look.inherited(die, dw::DW_AT_location) else {
            return (VariablePlace::Gone, false);
        };
        let is_for_whole = value.exprloc_value().is_some();
        let Some(expression) = self.expression(value) else { return (VariablePlace::Gone, false) };
        let place = self.locations.place(expression, shape);
        let is_in_frame = matches!(place, VariablePlace::RegisterRelative { .. } | VariablePlace::FrameRelative { .. });
        (place, is_for_whole && is_in_frame)
    }

    /// The expression that holds at the address.
    fn expression(&mut self, value: Value<'a>) -> Option<Expression<Slice<'a>>> {
        if let Some(expression) = value.exprloc_value() {
            return Some(expression);
        }
        if !matches!(value, AttributeValue::LocationListsRef(_) | AttributeValue::DebugLocListsIndex(_)) {
            return None;
        }
        let mut list = self.look.dwarf.attr_locations(&self.unit.unit, value).ok()??;
        let va = self.look.image.va(self.rva);
        while let Some(raw) = list.next_raw().ok()? {
            self.entries_left = self.entries_left.checked_sub(1)?;
            let absolute = absolute(&raw).filter(|entry| self.is_in_image(entry));
            let entry = list.convert_raw(raw).ok()?;
            // GCC's strict DWARF 2 tells a base for the unit and writes the lists as if there were none.
            let entry = entry.filter(|entry| absolute.is_none() || self.is_in_image(entry)).or(absolute);
            if let Some(entry) = entry.filter(|entry| (entry.range.begin..entry.range.end).contains(&va)) {
                return Some(entry.data);
            }
        }
        None
    }
    fn is_in_image(&self, entry: &LocationListEntry<Slice<'a>>) -> bool {
        self.look.image.piece(entry.range.begin, entry.range.end).is_some()
    }
}

/// An entry whose addresses may be absolute, read so.
fn absolute<'a>(raw: &RawLocListEntry<Slice<'a>>) -> Option<LocationListEntry<Slice<'a>>> {
    match raw {
        RawLocListEntry::AddressOrOffsetPair { begin, end, data } => {
            Some(LocationListEntry { range: gimli::Range { begin: *begin, end: *end }, data: *data })
        }
        _ => None,
    }
}
