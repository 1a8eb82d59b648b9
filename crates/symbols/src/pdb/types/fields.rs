//! The parts of a field list: members, bases, methods, nested types, values of an enumeration.

use super::{super::reader::Reader, leaf::Parts, numbers};
use crate::types::{Base, BasePlace, ConstantValue, Member, Method, NamedValue, TypeId};

/// A part.
#[derive(Debug)]
pub(super) enum Field {
    Member(Member),
    Static(String, TypeId),
    Base(Base),
    Method(Method),
    /// Methods of one name; their number and the list of them.
    Overloads {
        name: String,
        count: u16,
        list: u32,
    },
    Nested(String, TypeId),
    Vtable {
        offset: u64,
        pointer: u32,
    },
    Value(NamedValue),
    /// More parts are in another list.
    Continued(u32),
    /// A friend, which is no part; or a method that was declared again with other rights.
    Nothing,
}

/// The parts one after another.
pub(super) struct Fields<'a> {
    reader: Reader<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(record: Reader<'a>) -> Self {
        Self { reader: record }
    }

    /// The next part; `None` in it where the list is damaged.
    fn part(&mut self) -> Option<Field> {
        let kind = self.reader.u16()?;
        let mut parts = Parts::new(kind, self.reader);
        let field = field(kind, &mut parts)?;
        self.reader = parts.reader;
        Some(field)
    }
}

impl Iterator for Fields<'_> {
    type Item = Option<Field>;

    fn next(&mut self) -> Option<Self::Item> {
        // A byte of 0xF0 and more: how many bytes there are to the next part, it included.
        while let Some(padding) = self.reader.rest().first().filter(|byte| **byte >= 0xf0) {
            let length = usize::from(padding & 0xf).max(1).min(self.reader.rest().len());
            self.reader.skip(length)?;
        }
        if self.reader.is_at_end() {
            return None;
        }
        let part = self.part();
        if part.is_none() {
            self.reader = Reader::new(&[]);
        }
        Some(part)
    }
}

fn type_id(number: u32) -> TypeId {
    TypeId(number.into())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn field(kind: u16, parts: &mut Parts<'_>) -> Option<Field> {
    Some(match kind {
        // LF_BCLASS, LF_BINTERFACE
        0x0400 | 0x1400 | 0x151a => {
            let (_attributes, id) = parts.attributes_and_id()?;
            Field::Base(Base { type_id: type_id(id), place: BasePlace::At(parts.count()?) })
        }
        // LF_VBCLASS, LF_IVBCLASS
        0x0401 | 0x0402 | 0x1401 | 0x1402 => virtual_base(kind, parts)?,
        // LF_ENUMERATE
        0x0403 | 0x1502 => {
            let _attributes = parts.u16()?;
            let value: ConstantValue = numbers::number(&mut parts.reader)?;
            Field::Value(NamedValue { name: text(parts.name()?), value })
        }
        // LF_FRIENDFCN, LF_FRIENDCLS, LF_MEMBERMODIFY
        0x0404 | 0x1403 | 0x150c => {
            parts.padding()?;
            let (_id, _name) = (parts.id()?, parts.name()?);
            Field::Nothing
        }
        0x040b | 0x140a => {
            parts.padding()?;
            parts.id().map(|_| Field::Nothing)?
        }
        0x140e | 0x1513 => {
            let (_attributes_and_id, _name) = (parts.attributes_and_id()?, parts.name()?);
            Field::Nothing
        }
        // LF_INDEX
        0x0405 | 0x1404 => {
            parts.padding()?;
            Field::Continued(parts.id()?)
        }
        // LF_MEMBER
        0x0406 | 0x1405 | 0x150d => {
            let (_attributes, id) = parts.attributes_and_id()?;
            let offset = parts.count()?;
            Field::Member(Member { name: text(parts.name()?), type_id: type_id(id), offset })
        }
        // LF_STMEMBER
        0x0407 | 0x1406 | 0x150e => {
            let (_attributes, id) = parts.attributes_and_id()?;
            Field::Static(text(parts.name()?), type_id(id))
        }
        // LF_METHOD
        0x0408 | 0x1407 | 0x150f => {
            let (count, list) = (parts.u16()?, parts.id()?);
            Field::Overloads { name: text(parts.name()?), count, list }
        }
        // LF_NESTTYPE, LF_NESTTYPEEX
        0x0409 | 0x1408 | 0x140d | 0x1510 | 0x1512 => {
            parts.padding()?;
            let id = parts.id()?;
            Field::Nested(text(parts.name()?), type_id(id))
        }
        // LF_VFUNCTAB: the only one, at the front
        0x040a | 0x1409 => {
            parts.padding()?;
            Field::Vtable { offset: 0, pointer: parts.id()? }
        }
        // LF_VFUNCOFF
        0x040d | 0x140c => {
            parts.padding()?;
            let pointer = parts.id()?;
            Field::Vtable { pointer, offset: parts.reader.u32()?.into() }
        }
        // LF_ONEMETHOD
        0x040c | 0x140b | 0x1511 => {
            let (attributes, id) = (parts.u16()?, parts.id()?);
            let method = method(attributes, id, parts)?;
            Field::Method(Method { name: text(parts.name()?), ..method })
        }
        _ => return None,
    })
}

/// [attributes,] class, type of the pointer to the table, [16t: attributes,] offset of that pointer, entry of the table
fn virtual_base(kind: u16, parts: &mut Parts<'_>) -> Option<Field> {
    parts.padding()?;
    let (id, _pointer) = (parts.id()?, parts.id()?);
    if !parts.is_wide() {
        let _attributes = parts.u16()?;
    }
    let (pointer_offset, index) = (parts.count()?, parts.count()?);
    let place = BasePlace::Virtual { pointer_offset, index, is_indirect: kind & 0xf == 2 };
    Some(Field::Base(Base { type_id: type_id(id), place }))
}

/// A method without its name. Bits 2-4 of the attributes: 1 virtual, 2 static, 3 a friend, 4 virtual for the first
/// time, 5 pure, 6 pure for the first time. At the first time the offset in the table follows.
fn method(attributes: u16, id: u32, parts: &mut Parts<'_>) -> Option<Method> {
    let property = (attributes >> 2) & 7;
    let vtable_offset = if matches!(property, 4 | 6) { Some(parts.reader.u32()?.into()) } else { None };
    Some(Method {
        name: String::new(),
        type_id: type_id(id),
        vtable_offset,
        is_static: property == 2,
        is_virtual: matches!(property, 1 | 4..=6),
    })
}

/// The methods of a method list: attributes, [padding,] type, [offset in the table]
pub(super) fn overloads(kind: u16, record: Reader<'_>, count: u16, name: &str) -> Option<Vec<Method>> {
    let mut parts = Parts::new(kind, record);
    let mut methods = Vec::new();
    for _ in 0..count {
        let attributes = parts.u16()?;
        parts.padding()?;
        let id = parts.id()?;
        methods.push(Method { name: name.to_owned(), ..method(attributes, id, &mut parts)? });
    }
    Some(methods)
}
