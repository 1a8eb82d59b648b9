//! One type record: its parts, with other types as numbers.
//!
//! Three generations of records say the same with other widths: those of 16-bit compilers (numbers of types have 16
//! bits, kinds below 0x1000), those up to Visual C++ 7.0 (32 bits, names with a byte before them that counts them,
//! kinds below 0x1500), and those since (names end with a zero byte). Layouts: `cvinfo.h` of Microsoft's published
//! PDB sources; those of `LF_CLASS2` and its like as PDBs that have the compiler's own types tell them.

use super::{super::reader::Reader, numbers};
use crate::types::RecordKind;

/// The kinds from here on have numbers of types with 32 bits.
const WIDE: u16 = 0x1000;
/// The kinds from here on have names that end with a zero byte.
const ZERO_TERMINATED: u16 = 0x1500;

/// Fields of a record or of a part of one, in the widths of its generation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    pub(super) reader: Reader<'a>,
    kind: u16,
}

impl<'a> Parts<'a> {
    pub(super) fn new(kind: u16, reader: Reader<'a>) -> Self {
        Self { reader, kind }
    }

    pub(super) fn is_wide(&self) -> bool {
        self.kind >= WIDE
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.reader.u16()
    }

    /// Number of a type.
    pub(super) fn id(&mut self) -> Option<u32> {
        if self.is_wide() { self.reader.u32() } else { self.reader.u16().map(u32::from) }
    }

    /// Two bytes that only records with 32-bit numbers have.
    pub(super) fn padding(&mut self) -> Option<()> {
        if self.is_wide() { self.reader.skip(2) } else { Some(()) }
    }

    /// Attributes and number of a type, which the generations have in turned order.
    pub(super) fn attributes_and_id(&mut self) -> Option<(u16, u32)> {
        if self.is_wide() {
            return Some((self.u16()?, self.id()?));
        }
        let id = self.id()?;
        Some((self.u16()?, id))
    }

    pub(super) fn name(&mut self) -> Option<&'a [u8]> {
        if self.kind < ZERO_TERMINATED { self.reader.counted_text() } else { Some(self.reader.text()) }
    }

    pub(super) fn count(&mut self) -> Option<u64> {
        numbers::count(&mut self.reader)
    }

    /// A count and as many numbers of types.
    fn ids(&mut self) -> Option<Vec<u32>> {
        let count = self.id()? as usize;
        let width = if self.is_wide() { 4 } else { 2 };
        let mut list = Parts::new(self.kind, Reader::new(self.reader.take(count.checked_mul(width)?)?));
        (0..count).map(|_| list.id()).collect()
    }
}

/// What was declared with a name and a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum UdtKind {
    Record(RecordKind),
    Enumeration { underlying: u32 },
}

/// A structure, class, union, interface or enumeration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Udt<'a> {
    pub(super) kind: UdtKind,
    pub(super) properties: u32,
    /// Its field list; 0 without a body.
    pub(super) fields: u32,
    pub(super) size: u64,
    pub(super) name: &'a [u8],
    /// Its decorated name, which tells types of one name apart.
    pub(super) unique_name: Option<&'a [u8]>,
}

impl Udt<'_> {
    pub(super) fn is_forward(&self) -> bool {
        self.properties & 0x80 != 0
    }

    /// Whether it was declared within a function.
    pub(super) fn is_local(&self) -> bool {
        self.properties & 0x100 != 0
    }

    pub(super) fn is_enumeration(&self) -> bool {
        matches!(self.kind, UdtKind::Enumeration { .. })
    }
}

/// A record.
#[derive(Debug)]
pub(super) enum Leaf<'a> {
    Modifier {
        target: u32,
        flags: u16,
    },
    Pointer {
        target: u32,
        attributes: u32,
        member: Option<MemberOf>,
    },
    Array {
        element: u32,
        size: u64,
    },
    /// An array of a processor's vectors: elements instead of bytes.
    Vector {
        element: u32,
        count: u32,
        size: u64,
    },
    BasicArray {
        element: u32,
    },
    Udt(Udt<'a>),
    Function {
        result: u32,
        convention: u8,
        arguments: u32,
        class: Option<u32>,
    },
    BitField {
        target: u32,
        bits: u8,
        first_bit: u8,
    },
    Alias {
        target: u32,
        name: &'a [u8],
    },
    Shape {
        entries: u32,
    },
    Arguments(Vec<u32>),
    Fields,
    Methods,
    Other(String),
}

/// Of a pointer to a member: the class, and how the compiler writes such pointers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct MemberOf {
    pub(super) class: u32,
    pub(super) form: u16,
}

/// The record of a kind; `None` where it ends too early.
pub(super) fn read<'a>(kind: u16, record: Reader<'a>) -> Option<Leaf<'a>> {
    let mut parts = Parts::new(kind, record);
    let parts = &mut parts;
    Some(match kind {
        // LF_MODIFIER_16t, LF_MODIFIER, LF_MODIFIER_EX
        0x0001 => Leaf::Modifier { flags: parts.u16()?, target: parts.id()? },
        0x1001 => Leaf::Modifier { target: parts.id()?, flags: parts.u16()? },
        0x1518 => modifier_ex(parts)?,
        // LF_POINTER
        0x0002 | 0x1002 => pointer(parts)?,
        // LF_ARRAY: the type of the index is no news.
        0x0003 | 0x1003 | 0x1503 => {
            let (element, _index) = (parts.id()?, parts.id()?);
            Leaf::Array { element, size: parts.count()? }
        }
        // LF_VECTOR
        0x151b => {
            let (element, count) = (parts.id()?, parts.reader.u32()?);
            Leaf::Vector { element, count, size: parts.count()? }
        }
        // LF_BARRAY
        0x000d | 0x100b => Leaf::BasicArray { element: parts.id()? },
        // LF_PROCEDURE, LF_MFUNCTION
        0x0008 | 0x1008 | 0x0009 | 0x1009 => function(parts)?,
        // LF_BITFIELD
        0x0206 => {
            let (bits, first_bit) = (parts.reader.u8()?, parts.reader.u8()?);
            Leaf::BitField { bits, first_bit, target: parts.id()? }
        }
        0x1205 => Leaf::BitField { target: parts.id()?, bits: parts.reader.u8()?, first_bit: parts.reader.u8()? },
        // LF_ALIAS
        0x1010 | 0x150a => Leaf::Alias { target: parts.id()?, name: parts.name()? },
        // LF_VTSHAPE
        0x000a => Leaf::Shape { entries: parts.u16()?.into() },
        // LF_VFTABLE
        0x151d => Leaf::Shape { entries: functions_of_table(parts)? },
        // LF_ARGLIST
        0x0201 | 0x1201 => Leaf::Arguments(parts.ids()?),
        // LF_FIELDLIST, LF_METHODLIST
        0x0204 | 0x1203 => Leaf::Fields,
        0x0207 | 0x1206 => Leaf::Methods,
        _ => match udt(kind, record) {
            Found::Udt(udt) => Leaf::Udt(udt),
            Found::Damaged => return None,
            Found::AnotherKind => Leaf::Other(other(kind, parts)),
        },
    })
}

/// What a record is to one who looks for declarations.
#[derive(Debug)]
pub(super) enum Found<'a> {
    Udt(Udt<'a>),
    Damaged,
    AnotherKind,
}

/// Reads a record if it declares something.
pub(super) fn udt(kind: u16, record: Reader<'_>) -> Found<'_> {
    let is_udt = matches!(kind, 0x0004..=0x0007 | 0x1004..=0x1007 | 0x1504..=0x1507 | 0x1519 | 0x1608..=0x160b);
    if !is_udt {
        return Found::AnotherKind;
    }
    read_udt(kind, Parts::new(kind, record)).map_or(Found::Damaged, Found::Udt)
}

/// ```text
/// class, structure, interface   count, [16t: fields,] properties, [fields,] derived, shape, size, name
/// union                         count, [16t: fields,] properties, [fields,] size, name
/// enumeration                   count, [16t: type, fields,] properties, [type, fields,] name
/// the ones with a 2             u32 properties, fields, [derived, shape,] count, size, name
/// ```
fn read_udt<'a>(kind: u16, mut parts: Parts<'a>) -> Option<Udt<'a>> {
    let record = match kind {
        0x0004 | 0x1004 | 0x1504 | 0x1608 => Some(RecordKind::Class),
        0x0005 | 0x1005 | 0x1505 | 0x1609 => Some(RecordKind::Struct),
        0x0006 | 0x1006 | 0x1506 | 0x160a => Some(RecordKind::Union),
        0x1519 | 0x160b => Some(RecordKind::Interface),
        _ => None,
    };
    let is_second = kind >= 0x1608;
    let mut properties = if is_second { parts.reader.u32()? } else { parts.u16().map(|_count| 0)? };
    if !is_second && parts.is_wide() {
        properties = parts.u16()?.into();
    }
    let underlying = if record.is_none() { parts.id()? } else { 0 };
    let fields = parts.id()?;
    if !parts.is_wide() {
        properties = parts.u16()?.into();
    }
    if record.is_some_and(|record| record != RecordKind::Union) {
        let (_derived, _shape) = (parts.id()?, parts.id()?);
    }
    if is_second {
        let _count = parts.u16()?;
    }
    let size = if record.is_some() { parts.count()? } else { 0 };
    let name = parts.name()?;
    let unique_name = if properties & 0x200 != 0 { parts.name() } else { None };
    let kind = record.map_or(UdtKind::Enumeration { underlying }, UdtKind::Record);
    Some(Udt { kind, properties, fields, size, name, unique_name: unique_name.filter(|name| !name.is_empty()) })
}

/// target, u32 attributes, and of a pointer to a member: class, u16 form; 16t: u16 attributes first
fn pointer<'a>(parts: &mut Parts<'_>) -> Option<Leaf<'a>> {
    let (target, attributes) = if parts.is_wide() {
        (parts.id()?, parts.reader.u32()?)
    } else {
        let attributes = parts.u16()?.into();
        (parts.id()?, attributes)
    };
    let is_to_member = matches!((attributes >> 5) & 7, 2 | 3);
    let member = if is_to_member { Some(MemberOf { class: parts.id()?, form: parts.u16()? }) } else { None };
    Some(Leaf::Pointer { target, attributes, member })
}

/// target, u16 count, u16 modifiers: 1 to 3 are those of C; shaders have more.
fn modifier_ex<'a>(parts: &mut Parts<'_>) -> Option<Leaf<'a>> {
    let (target, count) = (parts.id()?, parts.u16()?);
    let mut flags = 0;
    for _ in 0..count {
        let modifier = parts.u16()?;
        flags |= if (1..=3).contains(&modifier) { 1 << (modifier - 1) } else { 0 };
    }
    Some(Leaf::Modifier { target, flags })
}

/// result, [of a method: class, type of `this`,] convention, attributes, count of arguments, arguments
fn function<'a>(parts: &mut Parts<'_>) -> Option<Leaf<'a>> {
    let result = parts.id()?;
    let mut class = None;
    if parts.kind & 0xff == 9 {
        class = parts.id().filter(|class| *class != 0);
        let _this = parts.id()?;
    }
    let (convention, _attributes, _count) = (parts.reader.u8()?, parts.reader.u8()?, parts.u16()?);
    Some(Leaf::Function { result, convention, arguments: parts.id()?, class })
}

/// owner, base's table, u32 offset in the object, u32 bytes of names; names: the table's own, then its functions'.
fn functions_of_table(parts: &mut Parts<'_>) -> Option<u32> {
    parts.reader.skip(12)?;
    let length = parts.reader.u32()?;
    let names = parts.reader.take(length as usize)?;
    u32::try_from(memchr::memchr_iter(0, names).count().saturating_sub(1)).ok()
}

/// What a record is that describes no value, or one of a language that is not C.
fn other(kind: u16, parts: &mut Parts<'_>) -> String {
    let what = match kind {
        0x000e => {
            // 0 near, 4 far
            let is_far = parts.u16() == Some(4);
            return if is_far { "a far label" } else { "a near label" }.to_owned();
        }
        0x000b | 0x100a | 0x000c => "a COBOL type",
        0x000f => "nothing",
        0x0010 => "a type that was not translated",
        0x0011 | 0x100c | 0x1508 => "an array of several dimensions, LF_DIMARRAY",
        0x0012 | 0x100d => "a path to a table of virtual functions",
        0x0013 | 0x100e | 0x1509 => "a reference to a precompiled header",
        0x0014 => "the end of a precompiled header",
        0x0015 | 0x100f | 0x1011 => "a type of another maker",
        0x0016 | 0x1501 | 0x1515 => "a reference to another PDB",
        0x0200 | 0x1200 => "a skipped number",
        0x0202 | 0x1202 | 0x150b => "a default argument",
        0x0203 => "a list",
        0x0205 | 0x1204 => "a list of derived classes",
        0x0208..=0x020b | 0x1207..=0x120a => "the dimensions of an array",
        0x020c => "a reference to a symbol",
        0x140f | 0x1514 => "a managed type",
        0x1516 => "an array with gaps, LF_STRIDED_ARRAY",
        0x1517 => "a type of shaders, LF_HLSL",
        0x151c => "a matrix of shaders, LF_MATRIX",
        0x151e | 0x151f => "a tagged union",
        0x1601..=0x1607 => "an id, not a type",
        _ => return format!("a type record of the unknown kind {kind:#06x}"),
    };
    what.to_owned()
}
