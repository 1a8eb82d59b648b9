//! Types (DWARF 5 chapter 5), as plain data.

use super::{
    location::Shape,
    look::{Die, Look, Place},
    members,
    names::{self, Tables, UNNAMED},
    type_ids::{self, MOST_DIMENSIONS},
};
use crate::types::{BasicKind, Enumeration, FunctionType, NamedValue, PointerKind, Type, TypeId};
use gimli::{AttributeValue, DwTag, constants as dw};

/// How many typedefs and qualifiers may lie on one another.
const CHAIN: usize = 64;
/// Values or arguments of one type that are told.
pub(super) const MOST_PARTS: usize = 1 << 16;

/// Reads types.
pub(super) struct TypeReader<'l, 't, 'a> {
    pub look: &'l Look<'a>,
    pub tables: Tables<'t>,
    /// The entry with a body of a record or enumeration that is only declared at a place.
    pub definition: &'l dyn Fn(Place) -> Option<Place>,
}

impl<'a> TypeReader<'_, '_, 'a> {
    /// The type of an entry; of an array from a dimension on.
    pub fn read(&self, die: &Die<'a>, dimension: usize) -> Type {
        match die.entry.tag() {
            dw::DW_TAG_base_type => self.basic(die),
            dw::DW_TAG_unspecified_type => Type::Other(self.name(die)),
            dw::DW_TAG_pointer_type => self.pointer(die, PointerKind::Pointer),
            dw::DW_TAG_reference_type => self.pointer(die, PointerKind::LvalueReference),
            dw::DW_TAG_rvalue_reference_type => self.pointer(die, PointerKind::RvalueReference),
            dw::DW_TAG_ptr_to_member_type => self.pointer_to_member(die),
            dw::DW_TAG_array_type => self.array(die, dimension),
            dw::DW_TAG_enumeration_type => Type::Enumeration(self.enumeration(&self.defined(die))),
            dw::DW_TAG_subroutine_type | dw::DW_TAG_subprogram => Type::Function(self.function(die)),
            dw::DW_TAG_typedef | dw::DW_TAG_template_alias => self.alias(die),
            dw::DW_TAG_member => members::bit_field(self, die).unwrap_or_else(|| Type::Other("a member".to_owned())),
            tag if is_record(tag) => Type::Record(members::record(self, &self.defined(die))),
            tag if is_qualifier(tag) => self.qualified(die),
            dw::DW_TAG_subrange_type => match self.look.type_place(die).and_then(|place| self.look.die(place)) {
                Some(base) if base.entry.tag() == dw::DW_TAG_base_type => self.basic(&base),
                _ => Type::Other("a range of numbers".to_owned()),
            },
            tag => Type::Other(tag.static_string().unwrap_or("an unknown entry").to_owned()),
        }
    }

    /// The number of an entry.
    pub fn id(&self, place: Place) -> TypeId {
        type_ids::id(self.look.units, place, 0)
    }

    /// The number of the type that an entry has; `void` without one.
    pub fn type_id(&self, die: &Die<'a>) -> TypeId {
        self.look.type_place(die).map_or_else(type_ids::void, |place| self.id(place))
    }

    /// The name of a record, enumeration or other type, with its scopes.
    pub fn name(&self, die: &Die<'a>) -> String {
        match self.look.name(die) {
            Some(_) => names::plain(self.look, self.tables, die),
            None => UNNAMED.to_owned(),
        }
    }

    /// The entry with the body, where this one only declares.
    fn defined(&self, die: &Die<'a>) -> Die<'a> {
        if !die.is(dw::DW_AT_declaration) && !die.entry.has_attr(dw::DW_AT_signature) {
            return die.clone();
        }
        let place = self.look.reference(die, dw::DW_AT_signature).or_else(|| (self.definition)(die.place()));
        place.and_then(|place| self.look.die(place)).unwrap_or_else(|| die.clone())
    }

    fn basic(&self, die: &Die<'a>) -> Type {
        let size = die.number(dw::DW_AT_byte_size).unwrap_or(0);
        let name = self.look.name(die).unwrap_or_default();
        let kind = match die.value(dw::DW_AT_encoding) {
            Some(AttributeValue::Encoding(encoding)) => basic_kind(encoding, size, &name),
            _ => None,
        };
        match kind {
            Some(kind) => Type::Basic { kind, size, name: names::basic(&name).into_owned() },
            None => Type::Other(name.into_owned()),
        }
    }

    fn pointer(&self, die: &Die<'a>, kind: PointerKind) -> Type {
        let size = die.number(dw::DW_AT_byte_size).unwrap_or_else(|| self.pointer_size());
        Type::Pointer { target: self.type_id(die), kind, size, is_const: false, is_volatile: false }
    }

    fn pointer_size(&self) -> u64 {
        self.look.image.pointer_size.into()
    }

    /// Itanium C++ ABI section 2.3: a pointer to a member of data is one number, to a method two.
    fn pointer_to_member(&self, die: &Die<'a>) -> Type {
        let target = self.look.type_place(die);
        let class = self.look.reference(die, dw::DW_AT_containing_type).map_or_else(type_ids::void, |at| self.id(at));
        let is_method = target.and_then(|place| self.look.die(place)).is_some_and(|die| is_function(&die));
        let (kind, size) = match is_method {
            true => (PointerKind::MemberFunction(class), 2 * self.pointer_size()),
            false => (PointerKind::MemberData(class), self.pointer_size()),
        };
        let size = die.number(dw::DW_AT_byte_size).unwrap_or(size);
        Type::Pointer { target: self.type_id(die), kind, size, is_const: false, is_volatile: false }
    }

    /// `const`, `volatile` and the like, all that lie on one another.
    fn qualified(&self, die: &Die<'a>) -> Type {
        let (mut is_const, mut is_volatile) = (false, false);
        let mut at = die.clone();
        for _ in 0..CHAIN {
            match at.entry.tag() {
                dw::DW_TAG_const_type => is_const = true,
                dw::DW_TAG_volatile_type => is_volatile = true,
                tag if is_qualifier(tag) => {}
                _ => break,
            }
            let Some(next) = self.look.type_place(&at).and_then(|place| self.look.die(place)) else {
                let target = type_ids::void();
                return Type::Modified { target, is_const, is_volatile, is_unaligned: false };
            };
            at = next;
        }
        if is_qualifier(at.entry.tag()) {
            return Type::Other("a type that is declared by itself".to_owned());
        }
        match at.entry.tag() {
            dw::DW_TAG_pointer_type
            | dw::DW_TAG_reference_type
            | dw::DW_TAG_rvalue_reference_type
            | dw::DW_TAG_ptr_to_member_type => match self.read(&at, 0) {
                Type::Pointer { target, kind, size, .. } => Type::Pointer { target, kind, size, is_const, is_volatile },
                other => other,
            },
            _ if is_const || is_volatile => {
                Type::Modified { target: self.id(at.place()), is_const, is_volatile, is_unaligned: false }
            }
            _ => self.read(&at, 0),
        }
    }

    fn alias(&self, die: &Die<'a>) -> Type {
        let name = self.name(die);
        let kind = match (name.as_str(), self.shape(Some(die.place()))) {
            // C has no such types; their meaning is in the name.
            ("wchar_t" | "char16_t", Shape::Unsigned(2)) => Some((BasicKind::Char16, 2)),
            ("char32_t", Shape::Unsigned(4)) => Some((BasicKind::Char32, 4)),
            ("char8_t", Shape::Unsigned(1)) => Some((BasicKind::Char8, 1)),
            _ => None,
        };
        match kind {
            Some((kind, size)) => Type::Basic { kind, size, name },
            None => Type::Alias { name, target: self.type_id(die) },
        }
    }

    fn array(&self, die: &Die<'a>, dimension: usize) -> Type {
        let dimensions = self.dimensions(die);
        let element = match dimension + 1 < dimensions.len() {
            true => type_ids::id(self.look.units, die.place(), dimension + 1),
            false => self.type_id(die),
        };
        let whole = die.number(dw::DW_AT_byte_size).filter(|_| dimension == 0);
        let of_element = || self.size(self.look.type_place(die)?);
        let product = |size: u64| {
            let counts = dimensions.get(dimension..).unwrap_or_default();
            counts.iter().try_fold(size, |size, count| size.checked_mul((*count)?))
        };
        let size = whole.or_else(|| of_element().and_then(product)).unwrap_or(0);
        Type::Array { element, count: dimensions.get(dimension).copied().flatten(), size }
    }

    /// How many elements an array has in each dimension.
    fn dimensions(&self, die: &Die<'a>) -> Vec<Option<u64>> {
        let mut dimensions = Vec::new();
        self.look.children(die, &mut |entry| {
            if entry.tag() == dw::DW_TAG_subrange_type && dimensions.len() < MOST_DIMENSIONS {
                dimensions.push(count(entry));
            }
        });
        if dimensions.is_empty() {
            dimensions.push(None);
        }
        dimensions
    }

    fn enumeration(&self, die: &Die<'a>) -> Enumeration {
        let shape = self.shape(Some(die.place()));
        let mut values = Vec::new();
        self.look.children(die, &mut |entry| {
            if entry.tag() != dw::DW_TAG_enumerator || values.len() >= MOST_PARTS {
                return;
            }
            let enumerator = Die { unit: die.unit.clone(), entry: entry.clone() };
            let value = entry.attr_value(dw::DW_AT_const_value);
            let value =
                value.and_then(|value| super::location::constant_of_attribute(self.look, &die.unit, value, shape));
            let name = self.look.name(&enumerator);
            values.extend(name.zip(value).map(|(name, value)| NamedValue { name: name.into_owned(), value }));
        });
        let underlying = self.look.type_place(die).map(|place| self.id(place));
        let size = die.number(dw::DW_AT_byte_size).unwrap_or(4);
        let is_negative =
            |value: &NamedValue| matches!(value.value, crate::types::ConstantValue::Integer(number) if number < 0);
        Enumeration {
            name: self.name(die),
            underlying: underlying.unwrap_or_else(|| type_ids::integer(size, values.iter().any(is_negative))),
            is_forward: die.is(dw::DW_AT_declaration),
            values,
        }
    }

    /// The type of a function or method.
    pub fn function(&self, die: &Die<'a>) -> FunctionType {
        // The compiler may have left out or moved arguments of what it made from the declaration.
        let declared = self.look.line(die).last().unwrap_or_else(|| die.clone());
        let mut arguments = Vec::new();
        let mut is_variadic = false;
        let mut this = None;
        self.look.children(&declared, &mut |entry| {
            let child = Die { unit: declared.unit.clone(), entry: entry.clone() };
            match entry.tag() {
                dw::DW_TAG_formal_parameter if child.is(dw::DW_AT_artificial) || self.is_this(&child) => {
                    this = this.or_else(|| self.look.type_place(&child));
                }
                dw::DW_TAG_formal_parameter if arguments.len() < MOST_PARTS => arguments.push(self.type_id(&child)),
                dw::DW_TAG_unspecified_parameters => is_variadic = true,
                _ => {}
            }
        });
        let convention = match self.look.inherited(die, dw::DW_AT_calling_convention) {
            Some((_, AttributeValue::CallingConvention(convention))) => keyword(convention),
            _ => None,
        };
        let class = this.and_then(|place| self.pointee(place)).map(|place| self.id(place));
        FunctionType { result: self.type_id(die), arguments, is_variadic, class, convention }
    }

    /// Whether a parameter is the object: the definition may leave that to the declaration.
    fn is_this(&self, parameter: &Die<'a>) -> bool {
        self.look.inherited(parameter, dw::DW_AT_artificial).is_some()
    }

    /// The record that a type points at.
    fn pointee(&self, place: Place) -> Option<Place> {
        let mut die = self.look.die(place)?;
        for _ in 0..CHAIN {
            if is_record(die.entry.tag()) {
                return Some(die.place());
            }
            let is_passed = die.entry.tag() == dw::DW_TAG_pointer_type || is_qualifier(die.entry.tag());
            die = self.look.die(self.look.type_place(&die).filter(|_| is_passed)?)?;
        }
        None
    }

    /// How the bytes of a type are to be read.
    pub fn shape(&self, place: Option<Place>) -> Shape {
        self.try_shape(place).unwrap_or(Shape::Other)
    }

    fn try_shape(&self, place: Option<Place>) -> Option<Shape> {
        let mut die = self.look.die(place?)?;
        for _ in 0..CHAIN {
            let size = || die.number(dw::DW_AT_byte_size);
            let next = self.look.type_place(&die);
            die = match die.entry.tag() {
                dw::DW_TAG_base_type => return base_shape(die.value(dw::DW_AT_encoding)?, size()?),
                dw::DW_TAG_pointer_type => return Some(Shape::Unsigned(size().unwrap_or_else(|| self.pointer_size()))),
                dw::DW_TAG_enumeration_type if next.is_none() => return None,
                dw::DW_TAG_enumeration_type | dw::DW_TAG_typedef => self.look.die(next?)?,
                tag if is_qualifier(tag) => self.look.die(next?)?,
                _ => return None,
            };
        }
        None
    }

    /// Bytes of a type, where they can be told.
    pub fn size(&self, place: Place) -> Option<u64> {
        let mut die = self.look.die(place)?;
        let mut factor: u64 = 1;
        for _ in 0..CHAIN {
            let tag = die.entry.tag();
            if is_record(tag) || tag == dw::DW_TAG_enumeration_type {
                die = self.defined(&die);
            }
            if let Some(size) = die.number(dw::DW_AT_byte_size) {
                return size.checked_mul(factor);
            }
            match tag {
                dw::DW_TAG_pointer_type | dw::DW_TAG_reference_type | dw::DW_TAG_rvalue_reference_type => {
                    return self.pointer_size().checked_mul(factor);
                }
                dw::DW_TAG_array_type => {
                    let counts = self.dimensions(&die);
                    factor = counts.iter().try_fold(factor, |size, count| size.checked_mul((*count)?))?;
                }
                _ => {}
            }
            die = self.look.die(self.look.type_place(&die)?)?;
        }
        None
    }
}

/// Whether an entry is a structure, class, union or interface.
pub(super) fn is_record(tag: DwTag) -> bool {
    matches!(tag, dw::DW_TAG_structure_type | dw::DW_TAG_class_type | dw::DW_TAG_union_type | dw::DW_TAG_interface_type)
}

fn is_qualifier(tag: DwTag) -> bool {
    matches!(
        tag,
        dw::DW_TAG_const_type
            | dw::DW_TAG_volatile_type
            | dw::DW_TAG_restrict_type
            | dw::DW_TAG_atomic_type
            | dw::DW_TAG_packed_type
            | dw::DW_TAG_shared_type
            | dw::DW_TAG_immutable_type
    )
}

fn is_function(die: &Die) -> bool {
    matches!(die.entry.tag(), dw::DW_TAG_subroutine_type | dw::DW_TAG_subprogram)
}

fn basic_kind(encoding: gimli::DwAte, size: u64, name: &str) -> Option<BasicKind> {
    Some(match (encoding, size) {
        _ if name == "wchar_t" && size == 2 => BasicKind::Char16,
        (dw::DW_ATE_boolean, _) => BasicKind::Bool,
        (dw::DW_ATE_signed_char | dw::DW_ATE_unsigned_char, 1) => BasicKind::Char,
        (dw::DW_ATE_signed | dw::DW_ATE_signed_char, _) => BasicKind::Signed,
        (dw::DW_ATE_unsigned | dw::DW_ATE_unsigned_char | dw::DW_ATE_address, _) => BasicKind::Unsigned,
        (dw::DW_ATE_float, _) => BasicKind::Float,
        (dw::DW_ATE_complex_float, _) => BasicKind::Complex,
        (dw::DW_ATE_UTF, 1) => BasicKind::Char8,
        (dw::DW_ATE_UTF | dw::DW_ATE_UCS, 2) => BasicKind::Char16,
        (dw::DW_ATE_UTF | dw::DW_ATE_UCS, 4) => BasicKind::Char32,
        _ => return None,
    })
}

fn base_shape(encoding: AttributeValue<super::sections::Slice>, size: u64) -> Option<Shape> {
    let AttributeValue::Encoding(encoding) = encoding else { return None };
    Some(match encoding {
        dw::DW_ATE_signed | dw::DW_ATE_signed_char => Shape::Signed(size),
        dw::DW_ATE_unsigned
        | dw::DW_ATE_unsigned_char
        | dw::DW_ATE_boolean
        | dw::DW_ATE_UTF
        | dw::DW_ATE_UCS
        | dw::DW_ATE_address => Shape::Unsigned(size),
        dw::DW_ATE_float => Shape::Float(size),
        _ => return None,
    })
}

/// Elements of a dimension: told, or by its bounds. An upper bound of -1 is how old compilers write "none".
fn count(entry: &super::look::Entry) -> Option<u64> {
    if let Some(count) = entry.attr_value(dw::DW_AT_count) {
        return count.udata_value();
    }
    let upper = entry.attr_value(dw::DW_AT_upper_bound)?;
    let upper = match upper {
        AttributeValue::Data4(u32::MAX) => -1,
        AttributeValue::Udata(number) | AttributeValue::Data8(number) => number as i64,
        other => other.udata_value().map_or_else(|| other.sdata_value(), |number| Some(number as i64))?,
    };
    let lower = entry.attr_value(dw::DW_AT_lower_bound).and_then(|lower| lower.sdata_value()).unwrap_or(0);
    u64::try_from(upper.checked_sub(lower)?.checked_add(1)?).ok()
}

/// LLVM's numbers of calling conventions.
fn keyword(convention: gimli::DwCc) -> Option<&'static str> {
    Some(match convention.0 {
        0xb1 => "__stdcall",
        0xb3 => "__fastcall",
        0xb5 => "__thiscall",
        0xc0 => "__vectorcall",
        _ => return None,
    })
}
