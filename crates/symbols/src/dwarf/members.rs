//! What a structure, class or union has inside (DWARF 5 section 5.7).

use super::{
    look::{Die, Place},
    types::{MOST_PARTS, TypeReader, is_record},
};
use crate::types::{Base, BasePlace, Member, Method, Record, RecordKind, Type};
use gimli::{AttributeValue, Operation, constants as dw};

/// Reads a record.
pub(super) fn record<'a>(types: &TypeReader<'_, '_, 'a>, die: &Die<'a>) -> Record {
    let kind = match die.entry.tag() {
        dw::DW_TAG_class_type => RecordKind::Class,
        dw::DW_TAG_union_type => RecordKind::Union,
        dw::DW_TAG_interface_type => RecordKind::Interface,
        _ => RecordKind::Struct,
    };
    let mut record = Record {
        kind,
        name: types.name(die),
        size: die.number(dw::DW_AT_byte_size).unwrap_or(0),
        is_forward: die.is(dw::DW_AT_declaration),
        members: Vec::new(),
        bases: Vec::new(),
        statics: Vec::new(),
        methods: Vec::new(),
        nested: Vec::new(),
        vtables: Vec::new(),
    };
    let mut left = MOST_PARTS;
    types.look.children(die, &mut |entry| {
        if let Some(rest) = left.checked_sub(1) {
            left = rest;
            part(types, &Die { unit: die.unit.clone(), entry: entry.clone() }, &mut record);
        }
    });
    record
}

fn part<'a>(types: &TypeReader<'_, '_, 'a>, die: &Die<'a>, record: &mut Record) {
    let name = || types.look.name(die).unwrap_or_default().into_owned();
    match die.entry.tag() {
        dw::DW_TAG_inheritance => record.bases.push(base(types, die)),
        dw::DW_TAG_variable => record.statics.push((name(), types.type_id(die))),
        dw::DW_TAG_member if die.is(dw::DW_AT_external) || die.is(dw::DW_AT_declaration) => {
            record.statics.push((name(), types.type_id(die)));
        }
        dw::DW_TAG_member if die.is(dw::DW_AT_artificial) && name().starts_with("_vptr") => {
            record.vtables.push((offset(die).unwrap_or(0), types.type_id(die)));
        }
        dw::DW_TAG_member => record.members.extend(member(types, die, name())),
        dw::DW_TAG_subprogram => record.methods.push(method(types, die, name())),
        tag if is_record(tag) || matches!(tag, dw::DW_TAG_enumeration_type | dw::DW_TAG_typedef) => {
            let name = name();
            if !name.is_empty() {
                record.nested.push((name, types.id(die.place())));
            }
        }
        _ => {}
    }
}

/// A member; `None` where its offset is computed at run time.
fn member<'a>(types: &TypeReader<'_, '_, 'a>, die: &Die<'a>, name: String) -> Option<Member> {
    if die.entry.has_attr(dw::DW_AT_bit_size) {
        let place = bits(types, die)?;
        return Some(Member { name, type_id: types.id(die.place()), offset: place.offset });
    }
    Some(Member { name, type_id: types.type_id(die), offset: offset(die)? })
}

/// Bytes from the front of the record. Without an attribute, as in a union, none.
fn offset(die: &Die) -> Option<u64> {
    match die.value(dw::DW_AT_data_member_location) {
        None => match die.number(dw::DW_AT_data_bit_offset) {
            Some(bits) => (bits % 8 == 0).then_some(bits / 8),
            None => Some(0),
        },
        Some(value) => match value.exprloc_value() {
            None => value.udata_value(),
            // DWARF 2 has an expression that adds to the address of the record.
            Some(expression) => {
                let mut operations = expression.operations(die.unit.unit.encoding());
                let offset = match operations.next().ok()?? {
                    Operation::PlusConstant { value } | Operation::UnsignedConstant { value } => value,
                    _ => return None,
                };
                matches!(operations.next(), Ok(None | Some(Operation::Plus))).then_some(offset)
            }
        },
    }
}

/// Where the bits of a bit field are: in an integer of `size` bytes at `offset`.
struct Bits {
    offset: u64,
    first: u64,
    count: u64,
    size: u64,
}

/// DWARF 4 and 5 count `DW_AT_data_bit_offset` from the front of the record. DWARF 2 and 3 count `DW_AT_bit_offset`
/// from the highest bit of the integer, down to the field's highest bit; on little-endian machines
/// `first = 8 * size - bit_offset - bit_size`.
fn bits<'a>(types: &TypeReader<'_, '_, 'a>, die: &Die<'a>) -> Option<Bits> {
    let count = die.number(dw::DW_AT_bit_size)?;
    let of_type = types.look.type_place(die).and_then(|place| types.size(place));
    let size = die.number(dw::DW_AT_byte_size).or(of_type).filter(|size| (1..=16).contains(size))?;
    let (offset, first) = if let Some(bit) = die.number(dw::DW_AT_data_bit_offset) {
        let offset = bit / (8 * size) * size;
        (offset, bit - 8 * offset)
    } else {
        let offset = offset(die)?;
        let from_above = match die.value(dw::DW_AT_bit_offset) {
            None => 0,
            Some(AttributeValue::Sdata(number)) => number,
            Some(value) => i64::try_from(value.udata_value()?).ok()?,
        };
        let first = (8 * size as i64).checked_sub(from_above)?.checked_sub(i64::try_from(count).ok()?)?;
        // A field that begins below its integer, in a packed record.
        if first < 0 { (offset, u64::MAX) } else { (offset, first as u64) }
    };
    Some(Bits { offset, first, count, size })
}

/// The type of a member that is a bit field.
pub(super) fn bit_field<'a>(types: &TypeReader<'_, '_, 'a>, die: &Die<'a>) -> Option<Type> {
    let bits = bits(types, die)?;
    if bits.first.checked_add(bits.count).is_none_or(|end| end > 8 * bits.size) {
        return Some(Type::Other("a bit field that is not within one integer".to_owned()));
    }
    let target = types.type_id(die);
    Some(Type::BitField { target, first_bit: bits.first as u32, bits: bits.count as u32 })
}

fn base<'a>(types: &TypeReader<'_, '_, 'a>, die: &Die<'a>) -> Base {
    let is_virtual =
        !matches!(die.value(dw::DW_AT_virtuality), None | Some(AttributeValue::Virtuality(dw::DW_VIRTUALITY_none)));
    let place = match is_virtual {
        false => BasePlace::At(offset(die).unwrap_or(0)),
        // Itanium C++ ABI section 2.5.2: the offset lies above the table that the object's first pointer leads to.
        true => BasePlace::Virtual { pointer_offset: 0, index: above_table(die).unwrap_or(0), is_indirect: false },
    };
    Base { type_id: types.type_id(die), place }
}

/// The entry of the table, counted in 32-bit numbers, below zero as two's complement: the `n` of `DW_OP_dup,
/// DW_OP_deref, DW_OP_constu n, DW_OP_minus, DW_OP_deref, DW_OP_plus`.
fn above_table(die: &Die) -> Option<u64> {
    let expression = die.value(dw::DW_AT_data_member_location)?.exprloc_value()?;
    let mut operations = expression.operations(die.unit.unit.encoding());
    while let Some(operation) = operations.next().ok()? {
        match operation {
            Operation::UnsignedConstant { value } if value % 4 == 0 => return Some((value / 4).wrapping_neg()),
            Operation::SignedConstant { value } if value % 4 == 0 => return Some((value / 4).wrapping_neg() as u64),
            _ => {}
        }
    }
    None
}

fn method<'a>(types: &TypeReader<'_, '_, 'a>, die: &Die<'a>, name: String) -> Method {
    let is_virtual =
        !matches!(die.value(dw::DW_AT_virtuality), None | Some(AttributeValue::Virtuality(dw::DW_VIRTUALITY_none)));
    let slot = die.value(dw::DW_AT_vtable_elem_location).and_then(|value| slot(die, value));
    let place: Place = die.place();
    Method {
        name,
        type_id: types.id(place),
        vtable_offset: slot.and_then(|slot| slot.checked_mul(types.look.image.pointer_size.into())),
        is_static: types.function(die).class.is_none(),
        is_virtual,
    }
}

/// The entry of the table of virtual functions: a number, or an expression that pushes one.
fn slot<'a>(die: &Die<'a>, value: super::look::Value<'a>) -> Option<u64> {
    let Some(expression) = value.exprloc_value() else { return value.udata_value() };
    match expression.operations(die.unit.unit.encoding()).next().ok()?? {
        Operation::UnsignedConstant { value } => Some(value),
        _ => None,
    }
}
