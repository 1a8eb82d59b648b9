//! Reads values: bytes at a place, as a type, within limits.

use super::{
    Bytes, Field, Hidden, Part, Place, Value, ValueKind, bytes, enumeration,
    scalar::{integer, scalar},
    text::{Text, TextEnd, unit},
};
use crate::symbolize::Symbolizer;
use std::{cell::Cell, fmt};
use vatlas_space::{AddressSpace, PointerWidth, Va};
use vatlas_symbols::{
    Type, TypeId, Types,
    type_text::{size_of, type_name},
    types::{BasicKind, Enumeration},
};

/// Names for one type that are followed, `typedef` of `typedef`; more is a loop.
const MOST_ALIASES: usize = 64;
/// Levels of members, elements and pointers all together: each takes some of the program's own stack.
const DEEPEST: usize = 100;

/// How much is read. Every limit holds at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ValueLimits {
    /// Levels of members and elements that are shown.
    pub depth: usize,
    /// Pointers to something else than text that are followed one after the other.
    pub pointers: usize,
    /// Elements of an array.
    pub elements: usize,
    /// Characters of a text.
    pub characters: usize,
    /// Values all together.
    pub values: usize,
}

impl Default for ValueLimits {
    fn default() -> Self {
        Self { depth: 4, pointers: 0, elements: 32, characters: 256, values: 4096 }
    }
}

/// Reads values of the types of one symbol file in one space.
pub struct ValueReader<'a> {
    /// The types.
    pub types: &'a dyn Types,
    /// The memory; `None` of a file without any.
    pub space: Option<&'a dyn AddressSpace>,
    /// Names addresses that pointers lead to.
    pub symbolizer: Option<Symbolizer<'a>>,
    /// How much is read.
    pub limits: ValueLimits,
    left: Cell<usize>,
}

impl fmt::Debug for ValueReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueReader").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Where in the tree of values one stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    /// Levels of members and elements since the last pointer.
    pub depth: usize,
    /// Levels all together.
    pub level: usize,
    /// Pointers followed.
    pub pointers: usize,
    /// Records that are being shown.
    pub open: Vec<(Va, TypeId)>,
}

impl Path {
    /// The path of a part; `None` below the limits.
    pub fn inside(&self, depth: usize) -> Option<Self> {
        let is_shown = self.depth < depth && self.level < DEEPEST;
        is_shown.then(|| Self { depth: self.depth + 1, level: self.level + 1, ..self.clone() })
    }

    /// The path of what a pointer leads to; `None` below the limit.
    pub fn behind(&self) -> Option<Self> {
        let level = self.level + 1;
        (level < DEEPEST).then(|| Self { depth: 0, level, pointers: self.pointers + 1, open: self.open.clone() })
    }
}

/// The type without `typedef`, `const` and the like before it.
///
/// # Errors
/// A hint of what is wrong with the symbol file.
pub fn strip(types: &dyn Types, id: TypeId) -> Result<(TypeId, Type), String> {
    let mut id = id;
    for _ in 0..MOST_ALIASES {
        match types.get(id).map_err(|problem| problem.to_string())? {
            Type::Modified { target, .. } | Type::Alias { target, .. } => id = target,
            other => return Ok((id, other)),
        }
    }
    Err("a type is named by itself: the symbol file is damaged".to_owned())
}

/// The name of a record or enumeration without the keyword; of any other type as C writes it.
pub fn tag(types: &dyn Types, id: TypeId) -> String {
    match strip(types, id) {
        Ok((_, Type::Record(record))) => record.name,
        Ok((_, Type::Enumeration(enumeration))) => enumeration.name,
        _ => type_name(types, id),
    }
}

impl<'a> ValueReader<'a> {
    /// A reader with the usual limits.
    pub fn new(types: &'a dyn Types, space: Option<&'a dyn AddressSpace>, symbolizer: Option<Symbolizer<'a>>) -> Self {
        Self::with_limits(types, space, symbolizer, ValueLimits::default())
    }

    /// A reader with limits.
    pub fn with_limits(
        types: &'a dyn Types,
        space: Option<&'a dyn AddressSpace>,
        symbolizer: Option<Symbolizer<'a>>,
        limits: ValueLimits,
    ) -> Self {
        Self { types, space, symbolizer, limits, left: Cell::new(limits.values) }
    }

    /// The value of a type at a place.
    pub fn read(&self, id: TypeId, place: &Place) -> Value {
        self.left.set(self.limits.values);
        self.value(id, place, &Path::default())
    }

    /// Bytes at a place, at most 64 KB.
    pub fn bytes(&self, place: &Place, size: u64) -> Bytes {
        bytes::read(self.space, place, size)
    }

    /// The width of a pointer, for sizes that a pointer may have.
    pub fn width(&self) -> PointerWidth {
        if self.types.pointer_size() == 4 { PointerWidth::Bits32 } else { PointerWidth::Bits64 }
    }

    pub(super) fn value(&self, id: TypeId, place: &Place, path: &Path) -> Value {
        let size = size_of(self.types, id);
        let kind = match self.left.get().checked_sub(1) {
            None => ValueKind::Hidden(Hidden::Limit),
            Some(left) => {
                self.left.set(left);
                match strip(self.types, id) {
                    Ok((stripped, of)) => self.kind(stripped, &of, size, place, path),
                    Err(problem) => ValueKind::Hidden(Hidden::Problem(problem)),
                }
            }
        };
        Value { type_name: type_name(self.types, id), type_id: id, va: place.va(), size, kind }
    }

    fn kind(&self, id: TypeId, of: &Type, size: Option<u64>, place: &Place, path: &Path) -> ValueKind {
        match of {
            Type::Basic { kind: BasicKind::Void, .. } => no_value("void"),
            Type::Basic { kind, size, .. } => scalar(*kind, &self.bytes(place, *size)),
            Type::Pointer { target, kind, size, .. } => self.pointer(*target, *kind, *size, place, path),
            Type::Array { element, count, size } => self.array(*element, *count, *size, place, path),
            Type::BitField { target, first_bit, bits } => self.bit_field(*target, *first_bit, *bits, place),
            Type::Record(record) => self.record(id, record, place, path),
            Type::Enumeration(enumeration) => {
                let bytes = self.bytes(place, size.unwrap_or(4));
                self.enumerated(enumeration, &bytes)
            }
            Type::Function(_) => ValueKind::Function { symbol: place.va().and_then(|va| self.symbol(va)) },
            Type::VtableShape { .. } => no_value("a table of virtual functions"),
            Type::Other(what) => no_value(what),
            // `strip` took these off.
            Type::Modified { .. } | Type::Alias { .. } => no_value("a name of another type"),
        }
    }

    fn enumerated(&self, of: &Enumeration, bytes: &Bytes) -> ValueKind {
        let Some(known) = bytes.all() else { return ValueKind::Missing(bytes.clone()) };
        let is_signed = is_signed(self.types, of.underlying);
        match integer(&known, is_signed) {
            Some(number) => ValueKind::Enumeration { number, name: enumeration::name(of, number) },
            None => ValueKind::Raw(known),
        }
    }

    /// Some bits of an integer: only the bytes that hold them must be at hand.
    fn bit_field(&self, target: TypeId, first: u32, bits: u32, place: &Place) -> ValueKind {
        let Some(place) = place.plus((first / 8).into()).filter(|_| (1..=128).contains(&bits)) else {
            return ValueKind::Hidden(Hidden::Problem(format!("a bit field of {bits} bits from bit {first} on")));
        };
        let within = first % 8;
        let bytes = self.bytes(&place, u64::from(within + bits).div_ceil(8));
        let Some(known) = bytes.all() else { return ValueKind::Missing(bytes) };
        let Some(whole) = integer(&known, is_signed(self.types, target)) else { return ValueKind::Raw(known) };
        let number = whole.field(within, bits);
        match strip(self.types, target) {
            Ok((_, Type::Enumeration(of))) => ValueKind::Enumeration { number, name: enumeration::name(&of, number) },
            Ok((_, Type::Basic { kind: BasicKind::Bool, .. })) => ValueKind::Bool(number),
            _ => ValueKind::Integer(number),
        }
    }

    fn array(&self, element: TypeId, count: Option<u64>, size: u64, place: &Place, path: &Path) -> ValueKind {
        let element_size = size_of(self.types, element).filter(|size| *size > 0);
        let count = count.or_else(|| element_size.map(|each| size / each).filter(|count| *count > 0));
        if let Some(text) = self.array_text(element, count, place) {
            return text;
        }
        let Some(each) = element_size else { return no_value("an array of elements without a size") };
        let Some(inner) = path.inside(self.limits.depth) else { return ValueKind::Hidden(Hidden::Depth) };
        let shown = count.unwrap_or(0).min(self.limits.elements as u64);
        let elements = (0..shown).map_while(|index| {
            let place = place.plus(index.checked_mul(each)?)?;
            (self.left.get() > 0).then(|| self.value(element, &place, &inner))
        });
        ValueKind::Array { elements: elements.collect(), count }
    }

    /// An array of characters as text. `unsigned char` often stands for bytes: it is text only where it reads as one.
    fn array_text(&self, element: TypeId, count: Option<u64>, place: &Place) -> Option<ValueKind> {
        let (_, Type::Basic { kind, name, .. }) = strip(self.types, element).ok()? else { return None };
        let unit = unit(kind)?;
        let text = self.text(place, unit, Some(count?))?;
        if name == "unsigned char" && !reads_as_text(&text) {
            let bytes = self.bytes(place, count?.min(self.limits.characters as u64));
            return Some(bytes.all().map_or(ValueKind::Missing(bytes), ValueKind::Raw));
        }
        Some(ValueKind::Text(text))
    }

    pub(super) fn symbol(&self, va: Va) -> Option<String> {
        self.symbolizer.as_ref()?.text(va)
    }

    /// A part of a record that lies where nobody can say.
    pub(super) fn lost(&self, name: String, part: Part, id: TypeId, why: String) -> Field {
        let value = Value {
            type_name: type_name(self.types, id),
            type_id: id,
            va: None,
            size: size_of(self.types, id),
            kind: ValueKind::Hidden(Hidden::Problem(why)),
        };
        Field { name, part, offset: None, bits: None, value }
    }
}

fn reads_as_text(text: &Text) -> bool {
    let is_plain = |character: char| !character.is_control() || matches!(character, '\t' | '\n' | '\r');
    !text.characters.is_empty() && matches!(text.end, TextEnd::Zero) && text.characters.chars().all(is_plain)
}

pub(super) fn no_value(what: &str) -> ValueKind {
    ValueKind::Hidden(Hidden::NoValue(what.to_owned()))
}

/// Whether the numbers of a type have a sign.
pub(super) fn is_signed(types: &dyn Types, id: TypeId) -> bool {
    match strip(types, id) {
        Ok((_, Type::Basic { kind, name, .. })) => match kind {
            BasicKind::Signed => true,
            BasicKind::Char => !name.starts_with("unsigned"),
            _ => false,
        },
        Ok((_, Type::Enumeration(of))) if of.underlying != id => {
            matches!(strip(types, of.underlying), Ok((_, Type::Basic { kind: BasicKind::Signed, .. })))
        }
        _ => false,
    }
}
