//! Reading entries of the debug information: their names, ranges and references, with bounds on all that can be long.

use super::{
    sections::{Image, Slice},
    units::Units,
};
use gimli::{AttributeValue, DebuggingInformationEntry, DwAt, Dwarf, Section, Unit, UnitOffset, constants as dw};
use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    rc::Rc,
};

/// Longest name that is believed; compilers cut theirs at this length.
pub(super) const LONGEST: usize = 4096;
/// Letters of all names of one answer. Many entries may share one name, so the file's size is no bound.
const LETTERS: usize = 16 << 20;
/// How many entries a reference may lead through: declaration, abstract instance and the like.
const REFERENCES: usize = 16;

/// An entry.
pub(super) type Entry<'a> = DebuggingInformationEntry<Slice<'a>>;
/// The value of an attribute.
pub(super) type Value<'a> = AttributeValue<Slice<'a>>;

/// A unit with its number.
#[derive(Debug)]
pub(super) struct OpenUnit<'a> {
    pub index: usize,
    pub unit: Unit<Slice<'a>>,
}

/// Where an entry is: unit, and offset in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Place {
    pub unit: usize,
    pub offset: usize,
}

/// An entry and its unit.
#[derive(Clone, Debug)]
pub(super) struct Die<'a> {
    pub unit: Rc<OpenUnit<'a>>,
    pub entry: Entry<'a>,
}

impl<'a> Die<'a> {
    pub fn place(&self) -> Place {
        Place { unit: self.unit.index, offset: self.entry.offset().0 }
    }

    pub fn value(&self, attribute: DwAt) -> Option<Value<'a>> {
        self.entry.attr_value(attribute)
    }

    pub fn number(&self, attribute: DwAt) -> Option<u64> {
        self.value(attribute)?.udata_value()
    }

    pub fn is(&self, flag: DwAt) -> bool {
        is(&self.entry, flag)
    }
}

/// Whether a flag is set.
pub(super) fn is(entry: &Entry, flag: DwAt) -> bool {
    matches!(entry.attr_value(flag), Some(AttributeValue::Flag(true)))
}

/// What is needed to read entries, for the time of one question.
pub(super) struct Look<'a> {
    pub dwarf: Dwarf<Slice<'a>>,
    pub units: &'a Units,
    pub image: &'a Image,
    /// The unit that was read last: neighbours are asked for one after the other.
    last: RefCell<Option<Rc<OpenUnit<'a>>>>,
    letters: Cell<usize>,
}

impl<'a> Look<'a> {
    pub fn new(dwarf: Dwarf<Slice<'a>>, units: &'a Units, image: &'a Image) -> Self {
        Self { dwarf, units, image, last: RefCell::default(), letters: Cell::new(LETTERS) }
    }

    /// A unit by its number.
    pub fn unit(&self, index: usize) -> Option<Rc<OpenUnit<'a>>> {
        let mut last = self.last.borrow_mut();
        if let Some(unit) = last.as_ref().filter(|unit| unit.index == index) {
            return Some(unit.clone());
        }
        let unit = Rc::new(OpenUnit { index, unit: self.units.unit(index, &self.dwarf)? });
        *last = Some(unit.clone());
        Some(unit)
    }

    /// The entry at a place.
    pub fn die(&self, place: Place) -> Option<Die<'a>> {
        let unit = self.unit(place.unit)?;
        let entry = unit.unit.entry(UnitOffset(place.offset)).ok()?;
        Some(Die { unit, entry })
    }

    /// Where a reference leads.
    pub fn target(&self, unit: &OpenUnit<'a>, value: Value<'a>) -> Option<Place> {
        match value {
            AttributeValue::UnitRef(offset) => Some(Place { unit: unit.index, offset: offset.0 }),
            AttributeValue::DebugInfoRef(offset) => {
                let index = self.units.at(false, offset.0)?;
                let start = self.units.rows.get(index)?.start;
                Some(Place { unit: index, offset: offset.0.checked_sub(start)? })
            }
            AttributeValue::DebugTypesRef(signature) => {
                let (unit, offset) = self.units.signature(signature.0)?;
                Some(Place { unit, offset })
            }
            _ => None,
        }
    }

    /// Where the reference in an attribute leads.
    pub fn reference(&self, die: &Die<'a>, attribute: DwAt) -> Option<Place> {
        self.target(&die.unit, die.value(attribute)?)
    }

    /// The entry that this one continues: of a definition its declaration, of an instance what it is one of.
    pub fn origin(&self, die: &Die<'a>) -> Option<Die<'a>> {
        let place = [dw::DW_AT_abstract_origin, dw::DW_AT_specification];
        let place = place.into_iter().find_map(|attribute| self.reference(die, attribute))?;
        self.die(place)
    }

    /// The entry and those that it continues, one by one.
    pub fn line(&self, die: &Die<'a>) -> impl Iterator<Item = Die<'a>> {
        std::iter::successors(Some(die.clone()), |die| self.origin(die)).take(REFERENCES)
    }

    /// An attribute of the entry or of what it continues, and the entry that has it.
    pub fn inherited(&self, die: &Die<'a>, attribute: DwAt) -> Option<(Die<'a>, Value<'a>)> {
        self.line(die).find_map(|die| die.value(attribute).map(|value| (die, value)))
    }

    /// The name of an entry, its own or inherited.
    pub fn name(&self, die: &Die<'a>) -> Option<Cow<'a, str>> {
        let (owner, value) = self.inherited(die, dw::DW_AT_name)?;
        self.text(&owner.unit, value)
    }

    /// The type that an entry has, its own or inherited.
    pub fn type_place(&self, die: &Die<'a>) -> Option<Place> {
        let (owner, value) = self.inherited(die, dw::DW_AT_type)?;
        self.target(&owner.unit, value)
    }

    /// Visits the entries below one, of the next level only.
    pub fn children(&self, die: &Die<'a>, visitor: &mut dyn FnMut(&Entry<'a>)) {
        let _ = self.try_children(die, visitor);
    }

    fn try_children(&self, die: &Die<'a>, visitor: &mut dyn FnMut(&Entry<'a>)) -> gimli::Result<()> {
        let mut raw = die.unit.unit.entries_raw(Some(die.entry.offset()))?;
        let mut entry = Entry::null();
        raw.read_entry(&mut entry)?;
        while raw.next_depth() > 0 {
            if raw.next_depth() == 1 {
                if raw.read_entry(&mut entry)? {
                    visitor(&entry);
                }
            } else if let Some(abbreviation) = raw.read_abbreviation()? {
                raw.skip_attributes(abbreviation.attributes())?;
            }
        }
        Ok(())
    }

    /// A text, cut where it is longer than any name; `None` when the answer has got too long altogether.
    pub fn text(&self, unit: &OpenUnit<'a>, value: Value<'a>) -> Option<Cow<'a, str>> {
        let text = text(&self.dwarf, &unit.unit, value)?;
        self.letters.set(self.letters.get().checked_sub(text.len())?);
        Some(text)
    }

    /// Begins another answer.
    pub fn again(&self) {
        self.letters.set(LETTERS);
    }

    /// The addresses of an entry, in its own order. `left` is how many ranges may still be read.
    pub fn pieces(&self, unit: &Unit<Slice<'a>>, entry: &Entry<'a>, left: &mut usize) -> Vec<(u32, u32)> {
        if let Some(list) = entry.attr_value(dw::DW_AT_ranges) {
            return self.listed(unit, list, left).unwrap_or_default();
        }
        let address = |name| self.dwarf.attr_address(unit, entry.attr_value(name)?).ok().flatten();
        let Some(low) = address(dw::DW_AT_low_pc) else { return Vec::new() };
        let high = match entry.attr_value(dw::DW_AT_high_pc) {
            Some(AttributeValue::Udata(size)) => low.checked_add(size),
            Some(_) => address(dw::DW_AT_high_pc),
            None => None,
        };
        high.and_then(|high| self.image.piece(low, high)).into_iter().collect()
    }

    fn listed(&self, unit: &Unit<Slice<'a>>, list: Value<'a>, left: &mut usize) -> Option<Vec<(u32, u32)>> {
        let mut ranges = self.dwarf.attr_ranges(unit, list).ok()??;
        let mut pieces = Vec::new();
        while let Ok(Some(raw)) = ranges.next_raw() {
            *left = left.checked_sub(1)?;
            let range = ranges.convert_raw(raw).ok()?;
            pieces.extend(range.and_then(|range| self.image.piece(range.begin, range.end)));
        }
        Some(pieces)
    }
}

/// A text, cut where it is longer than any name.
pub(super) fn text<'a>(dwarf: &Dwarf<Slice<'a>>, unit: &Unit<Slice<'a>>, value: Value<'a>) -> Option<Cow<'a, str>> {
    let bytes: &'a [u8] = match value {
        AttributeValue::String(text) => text.slice(),
        AttributeValue::DebugStrRef(offset) => dwarf.debug_str.reader().slice().get(offset.0..)?,
        AttributeValue::DebugLineStrRef(offset) => dwarf.debug_line_str.reader().slice().get(offset.0..)?,
        AttributeValue::DebugStrOffsetsIndex(index) => {
            let offset = dwarf.string_offset(unit, index).ok()?;
            dwarf.debug_str.reader().slice().get(offset.0..)?
        }
        _ => return None,
    };
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    Some(String::from_utf8_lossy(&bytes[..end]))
}
