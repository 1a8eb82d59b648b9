//! Types without a record, and the numbers that records write.

use super::{X64, X86, check, open, pdb};
use vatlas_fixtures::type_records::{GENERATIONS, Generation, Part};
use vatlas_symbols::{
    SymbolFile, Type, TypeId,
    type_text::{size_of, type_name},
    types::{ConstantValue, Enumeration, NamedValue},
};

/// Name and size of a type of a program with no other types than `int *`.
#[track_caller]
fn check_index(machine: u16, index: u64, name: &str, size: Option<u64>) {
    let mut pdb = pdb(&[Generation::ZeroTerminated.pointer(0x74, 0x800a)]);
    pdb.machine = machine;
    let file = open(pdb.version_7());
    let types = file.types().unwrap();
    assert_eq!((&*type_name(types, TypeId(index)), size_of(types, TypeId(index))), (name, size), "{index:#x}");
}

#[test]
fn indices_say_kind_and_size() {
    for (index, name, size) in [
        (0x03, "void", Some(0)),
        (0x08, "HRESULT", Some(4)),
        (0x10, "signed char", Some(1)),
        (0x11, "short", Some(2)),
        (0x12, "long", Some(4)),
        (0x13, "__int64", Some(8)),
        (0x14, "__int128", Some(16)),
        (0x20, "unsigned char", Some(1)),
        (0x21, "unsigned short", Some(2)),
        (0x22, "unsigned long", Some(4)),
        (0x23, "unsigned __int64", Some(8)),
        (0x24, "unsigned __int128", Some(16)),
        (0x30, "bool", Some(1)),
        (0x31, "__bool16", Some(2)),
        (0x32, "__bool32", Some(4)),
        (0x33, "__bool64", Some(8)),
        (0x34, "__bool128", Some(16)),
        (0x40, "float", Some(4)),
        (0x41, "double", Some(8)),
        (0x42, "__float80", Some(10)),
        (0x43, "__float128", Some(16)),
        (0x45, "float", Some(4)),
        (0x46, "_Float16", Some(2)),
        (0x50, "_Complex float", Some(8)),
        (0x51, "_Complex double", Some(16)),
        (0x52, "_Complex __float80", Some(20)),
        (0x53, "_Complex __float128", Some(32)),
        (0x55, "_Complex float", Some(8)),
        (0x56, "_Complex _Float16", Some(4)),
        (0x61, "pascal char", Some(1)),
        (0x62, "__bool32", Some(4)),
        (0x68, "__int8", Some(1)),
        (0x69, "unsigned __int8", Some(1)),
        (0x70, "char", Some(1)),
        (0x71, "wchar_t", Some(2)),
        (0x72, "__int16", Some(2)),
        (0x73, "unsigned __int16", Some(2)),
        (0x74, "int", Some(4)),
        (0x75, "unsigned int", Some(4)),
        (0x76, "__int64", Some(8)),
        (0x77, "unsigned __int64", Some(8)),
        (0x78, "__int128", Some(16)),
        (0x79, "unsigned __int128", Some(16)),
        (0x7a, "char16_t", Some(2)),
        (0x7b, "char32_t", Some(4)),
        (0x7c, "char8_t", Some(1)),
        (0x00, "/* no type */", None),
        (0x01, "/* an absolute symbol */", None),
        (0x02, "/* a segment */", None),
        (0x04, "/* a BASIC currency */", None),
        (0x05, "/* a near BASIC string */", None),
        (0x06, "/* a far BASIC string */", None),
        (0x07, "/* a type that was not translated */", None),
        (0x44, "/* a floating-point number of 48 bits */", None),
        (0x54, "/* a complex number of two times 48 bits */", None),
        (0x60, "/* a bit */", None),
    ] {
        check_index(X86, index, name, size);
    }
    for undefined in [0x09, 0x47, 0x7d, 0xff, 0x0474 | 0x800, 0x4ff] {
        check_index(X86, undefined, &format!("/* type {undefined:#x} */"), None);
    }
}

#[test]
fn indices_of_pointers() {
    for (mode, size) in [(1, 2), (2, 4), (3, 4), (4, 4), (5, 6), (6, 8), (7, 16)] {
        check_index(X86, mode << 8 | 0x74, "int *", Some(size));
    }
    check_index(X86, 0x0403, "void *", Some(4));
    // The type of `nullptr` is as wide as a pointer of the program.
    check_index(X86, 0x0103, "std::nullptr_t", Some(4));
    check_index(X64, 0x0103, "std::nullptr_t", Some(8));
    for machine in [0x0200, 0xaa64, 0xa641, 0xa64e] {
        check_index(machine, 0x0103, "std::nullptr_t", Some(8));
    }
    // Where the processor is not told, a pointer is asked.
    check_index(0, 0x0103, "std::nullptr_t", Some(4));
}

#[test]
fn numbers() {
    let integer = ConstantValue::Integer;
    let text = |text: &str| ConstantValue::Text(text.to_owned());
    let with = |kind: u16, bytes: &[u8]| [&kind.to_le_bytes(), bytes].concat();
    let bytes = |kind: u16, length: u8| {
        let bytes: Vec<u8> = (1..=length).collect();
        (with(kind, &bytes), ConstantValue::Bytes(bytes))
    };
    for (number, expected) in [
        (vec![0, 0], integer(0)),
        (vec![0xff, 0x7f], integer(0x7fff)),
        (with(0x8000, &[0x80]), integer(-128)),
        (with(0x8001, &[0, 0x80]), integer(-0x8000)),
        (with(0x8002, &[0xff, 0xff]), integer(0xffff)),
        (with(0x8003, &[0xfe, 0xff, 0xff, 0xff]), integer(-2)),
        (with(0x8004, &[0xfe, 0xff, 0xff, 0xff]), integer(0xffff_fffe)),
        (with(0x8009, &i64::MIN.to_le_bytes()), integer(i64::MIN.into())),
        (with(0x800a, &u64::MAX.to_le_bytes()), integer(u64::MAX.into())),
        (with(0x8017, &i128::MIN.to_le_bytes()), integer(i128::MIN)),
        (with(0x8018, &[0x7f; 16]), integer(i128::from_le_bytes([0x7f; 16]))),
        (with(0x8018, &[0xff; 16]), ConstantValue::Bytes(vec![0xff; 16])),
        (with(0x8005, &1.5_f32.to_le_bytes()), ConstantValue::Float(1.5)),
        (with(0x8006, &(-0.1_f64).to_le_bytes()), ConstantValue::Float(-0.1)),
        (with(0x801c, &[0x00, 0xc1]), ConstantValue::Float(-2.5)),
        (with(0x801c, &[0x01, 0x00]), ConstantValue::Float(2_f64.powi(-24))),
        (with(0x801c, &[0x00, 0x7c]), ConstantValue::Float(f64::INFINITY)),
        bytes(0x8007, 10),
        bytes(0x8008, 16),
        bytes(0x800b, 6),
        bytes(0x800c, 8),
        bytes(0x800d, 16),
        bytes(0x800e, 20),
        bytes(0x800f, 32),
        bytes(0x8019, 16),
        bytes(0x801a, 8),
        (with(0x8010, b"\x03\0abc"), text("abc")),
        (with(0x801b, b"gr\xc3\xbc\xc3\x9fe\0"), text("grüße")),
    ] {
        let values = vec![NamedValue { name: "it".to_owned(), value: expected }];
        let (name, underlying) = ("E".to_owned(), TypeId(0x74));
        let expected = Type::Enumeration(Enumeration { name, underlying, is_forward: false, values });
        for generation in GENERATIONS {
            let list = generation.fields(&[Part::Value(&number, "it")]);
            check(&[list, generation.enumeration(0x74, 0x1000, 0, ("E", None))], &expected);
        }
    }
}
