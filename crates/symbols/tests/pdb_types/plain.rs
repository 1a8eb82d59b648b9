//! Types that are told by one record: modifiers, pointers, arrays, functions, bit fields.

use super::{X64, check, check_all, check_damaged, last, open, pdb};
use vatlas_fixtures::type_records::{Declaration, Generation, Keyword};
use vatlas_symbols::{
    Type, TypeId,
    types::{FunctionType, PointerKind},
};

const NEW: Generation = Generation::ZeroTerminated;
const OLD: Generation = Generation::Bits16;

fn pointer(kind: PointerKind, size: u64) -> Type {
    Type::Pointer { target: TypeId(0x74), kind, size, is_const: false, is_volatile: false }
}

/// Attributes of a pointer: form, mode, flags, size.
fn attributes(form: u32, mode: u32, flags: u32, size: u32) -> u32 {
    form | mode << 5 | flags << 8 | size << 13
}

#[test]
fn modifiers() {
    let modified = |is_const, is_volatile, is_unaligned| Type::Modified {
        target: TypeId(0x74),
        is_const,
        is_volatile,
        is_unaligned,
    };
    for (flags, expected) in [
        (0, modified(false, false, false)),
        (1, modified(true, false, false)),
        (2, modified(false, true, false)),
        (4, modified(false, false, true)),
        (7, modified(true, true, true)),
    ] {
        check_all(|generation| vec![generation.modifier(0x74, flags)], &expected);
    }
    // LF_MODIFIER_EX: a list, in which 0x200 and more are those of shaders.
    let list = |modifiers: &[u16]| {
        let fields = modifiers.iter().flat_map(|modifier| modifier.to_le_bytes());
        NEW.raw(0x1518, &[0x74, 0, 0, 0, modifiers.len() as u8, 0].into_iter().chain(fields).collect::<Vec<u8>>())
    };
    check(&[list(&[1, 3])], &modified(true, false, true));
    check(&[list(&[0x200, 2])], &modified(false, true, false));
}

#[test]
fn pointers() {
    for (mode, kind) in
        [(0, PointerKind::Pointer), (1, PointerKind::LvalueReference), (4, PointerKind::RvalueReference)]
    {
        let expected = pointer(kind, 4);
        check_all(|generation| vec![generation.pointer(0x74, attributes(10, mode, 0, 0))], &expected);
    }
    // Forms of 16-bit programs, and based ones, without a size.
    for (form, size) in [(0, 2), (1, 4), (2, 4), (3, 4), (9, 4), (10, 4), (11, 6), (12, 8)] {
        let expected = pointer(PointerKind::Pointer, size);
        check_all(|generation| vec![generation.pointer(0x74, attributes(form, 0, 0, 0))], &expected);
    }
    check(&[NEW.pointer(0x74, attributes(12, 0, 0, 8))], &pointer(PointerKind::Pointer, 8));
    for (flags, is_volatile, is_const) in [(2, true, false), (4, false, true), (0x1f, true, true)] {
        let (target, kind) = (TypeId(0x74), PointerKind::Pointer);
        let expected = Type::Pointer { target, kind, size: 4, is_const, is_volatile };
        check(&[NEW.pointer(0x74, attributes(10, 0, flags, 4))], &expected);
        check(&[OLD.pointer(0x74, attributes(10, 0, flags & 0xf, 0))], &expected);
    }
    check_damaged(&[NEW.pointer(0x74, attributes(10, 5, 0, 4))], "offset 0x38: the record of type 0x1000 is damaged");
    check_damaged(&[NEW.pointer(0x74, attributes(13, 0, 0, 0))], "type 0x1000 is damaged");
}

#[test]
fn pointers_to_members() {
    let (data, method) = (PointerKind::MemberData(TypeId(0x1234)), PointerKind::MemberFunction(TypeId(0x1234)));
    // Forms, and the sizes that 32-bit compilers give them.
    let forms = [(0, 2, data, 4), (1, 2, data, 4), (2, 2, data, 4), (3, 2, data, 8), (4, 2, data, 12)];
    let methods = [(0, 3, method, 4), (5, 3, method, 4), (6, 3, method, 8), (7, 3, method, 12), (8, 3, method, 16)];
    for (form, mode, kind, size) in forms.into_iter().chain(methods) {
        let attributes = attributes(10, mode, 0, 0);
        let record = |generation: Generation| vec![generation.member_pointer(0x74, attributes, 0x1234, form)];
        check_all(record, &pointer(kind, size));
    }
    for (form, size) in [(5, 8), (6, 16), (7, 16), (8, 24)] {
        let records = [NEW.member_pointer(0x74, attributes(12, 3, 0, 0), 0x1234, form)];
        let mut pdb = pdb(&records);
        pdb.machine = X64;
        assert_eq!(last(&open(pdb.version_7()), &records), Ok(pointer(method, size)));
    }
    check(&[NEW.member_pointer(0x74, attributes(10, 3, 0, 20), 0x1234, 8)], &pointer(method, 20));
}

#[test]
fn arrays() {
    let array = |element, count, size| Type::Array { element: TypeId(element), count, size };
    check_all(|generation| vec![generation.array(0x70, 12)], &array(0x70, Some(12), 12));
    check_all(|generation| vec![generation.array(0x74, 0x8000)], &array(0x74, Some(0x2000), 0x8000));
    check_all(|generation| vec![generation.array(0x74, 0x12_3450)], &array(0x74, Some(0x4_8d14), 0x12_3450));
    check(&[NEW.array(0x74, 1 << 40)], &array(0x74, Some(1 << 38), 1 << 40));
    check_all(|generation| vec![generation.array(0x74, 12), generation.array(0x1000, 24)], &array(0x1000, Some(2), 24));
    // Without a size, with an element whose size is not told, with one that does not fit.
    check_all(|generation| vec![generation.array(0x74, 0)], &array(0x74, None, 0));
    check_all(|generation| vec![generation.array(0x1fff, 8)], &array(0x1fff, None, 8));
    check_all(|generation| vec![generation.array(0x74, 9)], &array(0x74, None, 9));
    check_all(|generation| vec![generation.array(0x0003, 9)], &array(0x0003, None, 9));
    let element =
        Declaration { keyword: Keyword::Struct, properties: 0, fields: 0, size: 6, name: "S", unique_name: None };
    let of_structures = |generation: Generation| {
        vec![generation.declaration(&element), generation.modifier(0x1000, 1), generation.array(0x1001, 18)]
    };
    check_all(of_structures, &array(0x1001, Some(3), 18));
    let of_pointers =
        |generation: Generation| vec![generation.pointer(0x74, attributes(10, 0, 0, 0)), generation.array(0x1000, 8)];
    check_all(of_pointers, &array(0x1000, Some(2), 8));
    // LF_VECTOR: element, elements, bytes, name; LF_BARRAY: element.
    check(&[NEW.raw(0x151b, &[0x40, 0, 0, 0, 4, 0, 0, 0, 16, 0, 0])], &array(0x40, Some(4), 16));
    check(&[NEW.raw(0x100b, &[0x74, 0, 0, 0])], &array(0x74, None, 0));
    check(&[OLD.raw(0x000d, &[0x74, 0])], &array(0x74, None, 0));
}

#[test]
fn functions() {
    let function = |arguments: &[u64], is_variadic, class: Option<u64>, convention| {
        let arguments = arguments.iter().copied().map(TypeId).collect();
        let class = class.map(TypeId);
        Type::Function(FunctionType { result: TypeId(0x74), arguments, is_variadic, class, convention })
    };
    for (ids, arguments, is_variadic) in [
        (&[][..], &[][..], false),
        (&[0x70, 0x74], &[0x70, 0x74], false),
        (&[0x70, 0], &[0x70], true),
        (&[0], &[], true),
    ] {
        let expected = function(arguments, is_variadic, None, Some("__cdecl"));
        let records = |generation: Generation| vec![generation.arguments(ids), generation.procedure(0x74, 0, 0x1000)];
        check_all(records, &expected);
    }
    for (number, convention) in [
        (1, Some("__cdecl")),
        (2, Some("__pascal")),
        (4, Some("__fastcall")),
        (7, Some("__stdcall")),
        (9, Some("__syscall")),
        (11, Some("__thiscall")),
        (0x11, None),
        (0x16, Some("__clrcall")),
        (0x18, Some("__vectorcall")),
        (0xff, None),
    ] {
        let expected = function(&[], false, None, convention);
        check_all(|generation| vec![generation.procedure(0x74, number, 0)], &expected);
    }
    let method = |generation: Generation| vec![generation.method(0x74, (0x1234, 0x1235), 11, 0)];
    check_all(method, &function(&[], false, Some(0x1234), Some("__thiscall")));
    check_damaged(
        &[NEW.procedure(0x74, 0, 0x1fff)],
        "there is no type 0x1fff; types with a record are 0x1000 to 0x1000",
    );
    check_damaged(&[NEW.modifier(0x74, 1), NEW.procedure(0x74, 0, 0x1000)], "the record of type 0x1000 is damaged");
}

#[test]
fn bit_fields_aliases_and_tables() {
    let bits = Type::BitField { target: TypeId(0x75), first_bit: 3, bits: 5 };
    check_all(|generation| vec![generation.bit_field(0x75, 5, 3)], &bits);
    for generation in [Generation::Counted, NEW] {
        let alias = Type::Alias { name: "NUMBER".to_owned(), target: TypeId(0x22) };
        check(&[generation.alias(0x22, "NUMBER")], &alias);
    }
    check_all(|generation| vec![generation.vtable_shape(5)], &Type::VtableShape { entries: 5 });
    check(&[NEW.vtable(0x1234, &["??_7C@@6B@", "f", "g"])], &Type::VtableShape { entries: 2 });
}

/// Records that describe nothing with a value are read as what they are, not as damage.
#[test]
fn other_records() {
    let other = |text: &str| Type::Other(text.to_owned());
    check_all(|generation| vec![generation.arguments(&[0x74])], &other("a list of arguments"));
    check_all(|generation| vec![generation.fields(&[])], &other("a list of fields"));
    check_all(|generation| vec![generation.methods(&[])], &other("a list of methods"));
    check(&[NEW.raw(0x000e, &[0, 0])], &other("a near label"));
    check(&[NEW.raw(0x000e, &[4, 0])], &other("a far label"));
    for (kinds, text) in [
        (&[0x000b, 0x000c, 0x100a][..], "a COBOL type"),
        (&[0x000f], "nothing"),
        (&[0x0010], "a type that was not translated"),
        (&[0x0011, 0x100c, 0x1508], "an array of several dimensions, LF_DIMARRAY"),
        (&[0x0012, 0x100d], "a path to a table of virtual functions"),
        (&[0x0013, 0x100e, 0x1509], "a reference to a precompiled header"),
        (&[0x0014], "the end of a precompiled header"),
        (&[0x0015, 0x100f, 0x1011], "a type of another maker"),
        (&[0x0016, 0x1501, 0x1515], "a reference to another PDB"),
        (&[0x0200, 0x1200], "a skipped number"),
        (&[0x0202, 0x1202, 0x150b], "a default argument"),
        (&[0x0203], "a list"),
        (&[0x0205, 0x1204], "a list of derived classes"),
        (&[0x0208, 0x020b, 0x1207, 0x120a], "the dimensions of an array"),
        (&[0x020c], "a reference to a symbol"),
        (&[0x140f, 0x1514], "a managed type"),
        (&[0x1516], "an array with gaps, LF_STRIDED_ARRAY"),
        (&[0x1517], "a type of shaders, LF_HLSL"),
        (&[0x151c], "a matrix of shaders, LF_MATRIX"),
        (&[0x151e, 0x151f], "a tagged union"),
        (&[0x1601, 0x1607], "an id, not a type"),
        (&[0x7777], "a type record of the unknown kind 0x7777"),
    ] {
        for kind in kinds {
            check(&[NEW.raw(*kind, &[0; 16])], &other(text));
        }
    }
}
