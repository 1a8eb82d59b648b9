//! Types without a record: what a type index below 0x1000 says by itself.
//!
//! ```text
//! bits 0-7    the type: what it holds, and its size
//! bits 8-10   0 the type itself; else a pointer to it: 1 near, 2 far, 3 huge, 4 near of 32 bits, 5 far of 32 bits,
//!             6 of 64 bits, 7 of 128 bits
//! ```

use crate::types::{BasicKind, PointerKind, Type, TypeId};

/// The first index that has a record.
pub(in crate::pdb) const FIRST_RECORD: u32 = 0x1000;
const VOID: u32 = 0x03;
const HRESULT: u32 = 0x08;
/// A near pointer to nothing; compilers of 32 and 64 bits use it for the type of `nullptr`.
const NULLPTR: u32 = 0x0103;

/// Index, what it holds, bytes, name in C. The first of several with one name is the one that compilers use.
type Row = (u32, BasicKind, u64, &'static str);

const ROWS: &[Row] = &[
    (VOID, BasicKind::Void, 0, "void"),
    (HRESULT, BasicKind::Hresult, 4, "HRESULT"),
    (0x70, BasicKind::Char, 1, "char"),
    (0x10, BasicKind::Char, 1, "signed char"),
    (0x20, BasicKind::Char, 1, "unsigned char"),
    (0x61, BasicKind::Char, 1, "pascal char"),
    (0x71, BasicKind::Char16, 2, "wchar_t"),
    (0x7a, BasicKind::Char16, 2, "char16_t"),
    (0x7b, BasicKind::Char32, 4, "char32_t"),
    (0x7c, BasicKind::Char8, 1, "char8_t"),
    (0x68, BasicKind::Signed, 1, "__int8"),
    (0x69, BasicKind::Unsigned, 1, "unsigned __int8"),
    (0x11, BasicKind::Signed, 2, "short"),
    (0x21, BasicKind::Unsigned, 2, "unsigned short"),
    (0x72, BasicKind::Signed, 2, "__int16"),
    (0x73, BasicKind::Unsigned, 2, "unsigned __int16"),
    (0x74, BasicKind::Signed, 4, "int"),
    (0x75, BasicKind::Unsigned, 4, "unsigned int"),
    (0x12, BasicKind::Signed, 4, "long"),
    (0x22, BasicKind::Unsigned, 4, "unsigned long"),
    (0x13, BasicKind::Signed, 8, "__int64"),
    (0x23, BasicKind::Unsigned, 8, "unsigned __int64"),
    (0x76, BasicKind::Signed, 8, "__int64"),
    (0x77, BasicKind::Unsigned, 8, "unsigned __int64"),
    (0x14, BasicKind::Signed, 16, "__int128"),
    (0x24, BasicKind::Unsigned, 16, "unsigned __int128"),
    (0x78, BasicKind::Signed, 16, "__int128"),
    (0x79, BasicKind::Unsigned, 16, "unsigned __int128"),
    (0x30, BasicKind::Bool, 1, "bool"),
    (0x31, BasicKind::Bool, 2, "__bool16"),
    (0x32, BasicKind::Bool, 4, "__bool32"),
    (0x33, BasicKind::Bool, 8, "__bool64"),
    (0x34, BasicKind::Bool, 16, "__bool128"),
    (0x62, BasicKind::Bool, 4, "__bool32"),
    (0x46, BasicKind::Float, 2, "_Float16"),
    (0x40, BasicKind::Float, 4, "float"),
    (0x45, BasicKind::Float, 4, "float"),
    (0x41, BasicKind::Float, 8, "double"),
    (0x42, BasicKind::Float, 10, "__float80"),
    (0x43, BasicKind::Float, 16, "__float128"),
    (0x56, BasicKind::Complex, 4, "_Complex _Float16"),
    (0x50, BasicKind::Complex, 8, "_Complex float"),
    (0x55, BasicKind::Complex, 8, "_Complex float"),
    (0x51, BasicKind::Complex, 16, "_Complex double"),
    (0x52, BasicKind::Complex, 20, "_Complex __float80"),
    (0x53, BasicKind::Complex, 32, "_Complex __float128"),
];

/// Those whose values nothing here can show.
const OTHERS: &[(u32, &str)] = &[
    (0x00, "no type"),
    (0x01, "an absolute symbol"),
    (0x02, "a segment"),
    (0x04, "a BASIC currency"),
    (0x05, "a near BASIC string"),
    (0x06, "a far BASIC string"),
    (0x07, "a type that was not translated"),
    (0x44, "a floating-point number of 48 bits"),
    (0x54, "a complex number of two times 48 bits"),
    (0x60, "a bit"),
];

/// Other ways to write a type in C.
const SYNONYMS: &[(&str, u32)] = &[
    ("long long", 0x13),
    ("signed", 0x74),
    ("signed int", 0x74),
    ("unsigned", 0x75),
    ("short int", 0x11),
    ("unsigned short int", 0x21),
    ("long int", 0x12),
    ("unsigned long int", 0x22),
    ("unsigned long long", 0x23),
    ("long long int", 0x13),
    ("unsigned long long int", 0x23),
    ("_Bool", 0x30),
    ("std::nullptr_t", NULLPTR),
];

/// The type of an index; nothing for one that is not defined. `pointer_size` is that of the program.
pub(super) fn simple(index: u32, pointer_size: u64) -> Option<Type> {
    if index >= FIRST_RECORD {
        return None;
    }
    let direct = TypeId(u64::from(index & 0xff));
    if index == NULLPTR && pointer_size > 2 {
        let target = TypeId(u64::from(if pointer_size == 8 { 0x0600 | VOID } else { 0x0400 | VOID }));
        return Some(Type::Alias { name: "std::nullptr_t".to_owned(), target });
    }
    let size = match index >> 8 {
        0 => return value(index),
        1 => 2,
        2..=4 => 4,
        5 => 6,
        6 => 8,
        7 => 16,
        _ => return None,
    };
    value(index & 0xff)?;
    let kind = PointerKind::Pointer;
    Some(Type::Pointer { target: direct, kind, size, is_const: false, is_volatile: false })
}

fn value(index: u32) -> Option<Type> {
    if let Some((_, kind, size, name)) = ROWS.iter().find(|row| row.0 == index) {
        return Some(Type::Basic { kind: *kind, size: *size, name: (*name).to_owned() });
    }
    let (_, text) = OTHERS.iter().find(|row| row.0 == index)?;
    Some(Type::Other((*text).to_owned()))
}

/// The index of a type by its name in C, unless a program may define that name.
pub(super) fn keyword(name: &str) -> Option<TypeId> {
    find(name).filter(|id| *id != TypeId(HRESULT.into()))
}

/// The index of a type by its name.
pub(super) fn find(name: &str) -> Option<TypeId> {
    let row = ROWS.iter().find(|row| row.3 == name).map(|row| row.0);
    let index = row.or_else(|| Some(SYNONYMS.iter().find(|synonym| synonym.0 == name)?.1))?;
    Some(TypeId(index.into()))
}

/// Names of C, and their indices.
pub(super) fn names() -> impl Iterator<Item = (&'static str, TypeId)> {
    let rows = ROWS.iter().map(|row| (row.3, TypeId(row.0.into())));
    rows.chain(SYNONYMS.iter().map(|(name, index)| (*name, TypeId(u64::from(*index)))))
}
