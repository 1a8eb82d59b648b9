//! Values in the words that a person reads.

use super::{Place, Value, ValueLimits, ValueReader, WordStyle, words};
use crate::{
    testing::TestTarget,
    testing_types::{TestTypes, record},
};
use vatlas_space::{PointerWidth, ProcessIndex, Target, Va};
use vatlas_symbols::{
    Type, TypeId,
    types::{Base, BasePlace, BasicKind, RecordKind},
};

const AT: u64 = 0x1_0000;

fn read(types: &TestTypes, id: TypeId, target: &TestTarget, limits: ValueLimits) -> Value {
    let space = target.space(ProcessIndex(0));
    ValueReader::with_limits(types, space, None, limits).read(id, &Place::Memory(Va(AT)))
}

/// The words of a value whose bytes lie at `AT`.
fn check_in(types: &TestTypes, id: TypeId, target: &TestTarget, limits: ValueLimits, expected: &str) {
    assert_eq!(words(&read(types, id, target, limits), WordStyle::new(PointerWidth::Bits32)), expected);
}

fn check(types: &TestTypes, id: TypeId, bytes: &[u8], expected: &str) {
    let target = TestTarget::new(PointerWidth::Bits32).private(AT, 0x1000).captured(AT, bytes);
    check_in(types, id, &target, ValueLimits::default(), expected);
}

fn check_basic(kind: BasicKind, size: u64, bytes: &[u8], expected: &str) {
    let mut types = TestTypes::new(4);
    let id = types.basic(kind, "basic", size);
    check(&types, id, bytes, expected);
}

#[test]
fn numbers() {
    check_basic(BasicKind::Signed, 1, &[0xff], "-1");
    check_basic(BasicKind::Unsigned, 1, &[0xff], "255");
    check_basic(BasicKind::Signed, 4, &(-268_373_915_i32).to_le_bytes(), "-268373915");
    check_basic(BasicKind::Unsigned, 8, &u64::MAX.to_le_bytes(), "18446744073709551615");
    check_basic(BasicKind::Signed, 16, &(-2_i128).to_le_bytes(), "-2");
    check_basic(BasicKind::Float, 4, &0.1_f32.to_le_bytes(), "0.1");
    check_basic(BasicKind::Float, 8, &(-2.5_f64).to_le_bytes(), "-2.5");
    check_basic(BasicKind::Float, 2, &[0x00, 0x3e], "1.5");
    // 1.5 as x87 keeps it: mantissa 0xc000000000000000, exponent 0x3fff.
    check_basic(BasicKind::Float, 10, &[0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0x3f], "1.5");
    check_basic(BasicKind::Complex, 16, &[[0; 8], 2.0_f64.to_le_bytes()].concat(), "0 + 2i");
    check_basic(BasicKind::Bool, 1, &[0], "false");
    check_basic(BasicKind::Bool, 4, &[2, 0, 0, 0], "true (2)");
    check_basic(BasicKind::Char, 1, b"A", "65 'A'");
    check_basic(BasicKind::Char16, 2, &[0x0a, 0], "10 '\\n'");
    check_basic(BasicKind::Hresult, 4, &0x8007_0005_u32.to_le_bytes(), "0x80070005");
    check_basic(BasicKind::Float, 16, &[1; 16], &["01"; 16].join(" "));
    check_basic(BasicKind::Void, 0, &[1], "(void)");
}

#[test]
fn a_missing_byte_makes_the_number_missing_and_says_why() {
    let mut types = TestTypes::new(4);
    let int = types.signed("int", 4);
    check(&types, int, &[0x34, 0x12], "??? (not captured; bytes 34 12 ?? ??)");
    let nowhere = TestTarget::new(PointerWidth::Bits32).rest_is_free();
    check_in(&types, int, &nowhere, ValueLimits::default(), "??? (free)");
    let reserved = TestTarget::new(PointerWidth::Bits32).reserved(AT, 0x1000);
    check_in(&types, int, &reserved, ValueLimits::default(), "??? (reserved)");
    let cut = TestTarget::new(PointerWidth::Bits32).cut_off(AT, &[1, 2, 3, 4], 3);
    check_in(&types, int, &cut, ValueLimits::default(), "??? (cut off: the file ends before; bytes 01 02 03 ??)");
}

#[test]
fn bit_fields_need_only_their_own_bytes() {
    let mut types = TestTypes::new(4);
    let (unsigned, signed) = (types.unsigned("unsigned", 4), types.signed("int", 4));
    let (low, high, negative) = (types.bits(unsigned, 0, 3), types.bits(unsigned, 6, 10), types.bits(signed, 3, 3));
    let flags = types.record(
        "flags",
        4,
        &[("low", low, 0), ("negative", negative, 0), ("high", high, 0), ("all", unsigned, 0)],
    );
    check(
        &types,
        flags,
        &[0b0011_1101, 0xff],
        "{low = 5, negative = -1, high = 1020, all = ??? (not captured; bytes 3d ff ?? ??)}",
    );
}

#[test]
fn enumerations_and_flags() {
    let mut types = TestTypes::new(4);
    let int = types.signed("int", 4);
    let colour = types.enumeration("colour", int, &[("RED", 0), ("GREEN", 1), ("BLUE", 2), ("NONE", -1)]);
    check(&types, colour, &[1, 0, 0, 0], "GREEN (1)");
    check(&types, colour, &[0xff; 4], "NONE (-1)");
    check(&types, colour, &[3, 0, 0, 0], "3");
    let right = types.enumeration("right", int, &[("R", 1), ("W", 2), ("RW", 3), ("X", 4), ("ALL", 0x80)]);
    check(&types, right, &[7, 0, 0, 0], "RW | X (7)");
    check(&types, right, &[0x91, 0, 0, 0], "R | ALL | 0x10 (145)");
    check(&types, right, &[0x20, 0, 0, 0], "32");
    let numbered = types.enumeration("numbered", int, &[("A", 1), ("B", 2), ("C", 3), ("D", 4), ("E", 5)]);
    check(&types, numbered, &[6, 0, 0, 0], "6");
}

#[test]
fn records_unions_and_arrays() {
    let mut types = TestTypes::new(4);
    let (byte, int) = (types.unsigned("byte", 1), types.signed("int", 4));
    let raw = types.array(byte, 4, 1);
    let inner = types.add(Type::Record(record(RecordKind::Union, "u", 4, &[("whole", int, 0), ("raw", raw, 0)])));
    let row = types.array(int, 2, 4);
    let grid = types.array(row, 2, 8);
    let outer = types.record("outer", 24, &[("kind", byte, 0), ("", inner, 4), ("grid", grid, 8)]);
    let bytes: Vec<u8> = (0..24).collect();
    let expected =
        "{kind = 0, {whole = 117835012, raw = {4, 5, 6, 7}}, grid = {{185207048, 252579084}, {319951120, 387323156}}}";
    check(&types, outer, &bytes, expected);
    let many = types.array(byte, 1000, 1);
    let limits = ValueLimits { elements: 3, ..ValueLimits::default() };
    let target = TestTarget::new(PointerWidth::Bits32).private(AT, 0x1000).captured(AT, &[7; 1000]);
    check_in(&types, many, &target, limits, "{7, 7, 7, ... 997 more}");
    check_in(&types, outer, &target, ValueLimits { depth: 1, ..limits }, "{kind = 7, {...}, grid = {...}}");
    check_in(&types, outer, &target, ValueLimits { values: 2, ..limits }, "{kind = 7, ..., grid = ...}");
}

#[test]
fn characters_in_a_row_are_text() {
    let mut types = TestTypes::new(4);
    let (char, wide) = (types.char(), types.basic(BasicKind::Char16, "wchar_t", 2));
    let (name, label) = (types.array(char, 8, 1), types.array(wide, 4, 2));
    check(&types, name, b"days\0\0\0\0", "\"days\"");
    check(&types, name, b"fullname", "\"fullname\"");
    check(&types, name, b"a\"b\n", "\"a\\\"b\\n\"??? (not captured)");
    check(&types, name, b"Gr\xf6\xdfe\0\0\0", "\"Größe\"");
    check(&types, label, b"H\0i\0\0\0x\0", "L\"Hi\"");
    let byte = types.basic(BasicKind::Char, "unsigned char", 1);
    let buffer = types.array(byte, 4, 1);
    check(&types, buffer, &[1, 2, 0xff, 0], "01 02 ff 00");
    check(&types, buffer, b"abc\0", "\"abc\"");
    let limits = ValueLimits { characters: 3, ..ValueLimits::default() };
    let target = TestTarget::new(PointerWidth::Bits32).private(AT, 0x1000).captured(AT, b"fullname");
    check_in(&types, name, &target, limits, "\"ful\"...");
}

/// `AT` holds a pointer to `AT + 8`, which holds one to `AT + 16`, where a text lies.
fn chain() -> TestTarget {
    let bytes = [
        0x1_0008_u32.to_le_bytes(),
        0_u32.to_le_bytes(),
        0x1_0010_u32.to_le_bytes(),
        0x20_0000_u32.to_le_bytes(),
        *b"text",
        [0; 4],
    ];
    TestTarget::new(PointerWidth::Bits32).private(AT, 0x1000).captured(AT, &bytes.concat())
}

#[test]
fn pointers_show_text_and_what_text_pointers_lead_to() {
    let mut types = TestTypes::new(4);
    let char = types.char();
    let text = types.pointer(char);
    let texts = types.pointer(text);
    let usual = ValueLimits::default();
    check_in(&types, texts, &chain(), usual, "0x00010008 -> 0x00010010 \"text\"");
    let pair = types.array(text, 2, 4);
    let of_texts = types.pointer(pair);
    let followed = ValueLimits { pointers: 1, ..usual };
    check_in(&types, of_texts, &chain(), usual, "0x00010008");
    check_in(
        &types,
        of_texts,
        &chain(),
        followed,
        "0x00010008 -> {0x00010010 \"text\", 0x00200000 ??? (not captured, use not known)}",
    );
    let null = types.record("n", 8, &[("null", text, 4)]);
    check_in(&types, null, &chain(), usual, "{null = 0x00000000 (null)}");
    let function = types.function(char, &[]);
    let code = types.pointer(function);
    check_in(&types, code, &chain(), followed, "0x00010008");
}

#[test]
fn a_list_that_leads_back_is_seen() {
    let mut types = TestTypes::new(4);
    let node = types.record("node", 4, &[]);
    let next = types.pointer(node);
    types.replace(node, Type::Record(record(RecordKind::Struct, "node", 4, &[("next", next, 0)])));
    let back = [0x1_0004_u32.to_le_bytes(), 0x1_0000_u32.to_le_bytes()].concat();
    let target = TestTarget::new(PointerWidth::Bits32).private(AT, 0x1000).captured(AT, &back);
    let deep = ValueLimits { pointers: 100, ..ValueLimits::default() };
    check_in(&types, node, &target, ValueLimits::default(), "{next = 0x00010004}");
    check_in(&types, node, &target, deep, "{next = 0x00010004 -> {next = 0x00010000 -> {shown above}}}");
}

#[test]
fn a_type_that_holds_itself_ends() {
    let mut types = TestTypes::new(4);
    let itself = types.record("itself", 4, &[]);
    types.replace(itself, Type::Record(record(RecordKind::Struct, "itself", 4, &[("me", itself, 4)])));
    check(&types, itself, &[0; 64], "{me = {me = {me = {me = {...}}}}}");
    let loops = types.alias("loops", itself);
    types.replace(loops, Type::Alias { name: "loops".to_owned(), target: loops });
    check(&types, loops, &[0; 4], "??? (a type is named by itself: the symbol file is damaged)");
}

/// `struct D : B, virtual V { int d; }` as MSVC lays it out: B, pointer to the table of virtual bases, d, V.
#[test]
fn base_classes_and_a_virtual_one_found_by_its_table() {
    let mut types = TestTypes::new(4);
    let int = types.signed("int", 4);
    let base = types.record("B", 4, &[("b", int, 0)]);
    let virtual_base = types.record("V", 4, &[("v", int, 0)]);
    let mut derived = record(RecordKind::Struct, "D", 16, &[("d", int, 8)]);
    derived.bases = vec![
        Base { type_id: base, place: BasePlace::At(0) },
        Base { type_id: virtual_base, place: BasePlace::Virtual { pointer_offset: 4, index: 1, is_indirect: false } },
    ];
    let id = types.add(Type::Record(derived));
    let object = [1_u32, 0x1_0100, 2, 3].map(u32::to_le_bytes).concat();
    // The table's entries count from the pointer at offset 4: 0 is itself, 1 the base at 12.
    let table = [0_i32, 8].map(i32::to_le_bytes).concat();
    let target =
        TestTarget::new(PointerWidth::Bits32).private(AT, 0x1000).captured(AT, &object).captured(AT + 0x100, &table);
    check_in(&types, id, &target, ValueLimits::default(), "{B = {b = 1}, d = 2, V = {v = 3}}");
    check(&types, id, &object, "{B = {b = 1}, d = 2, V = ??? (the table of virtual bases: not captured)}");
}

#[test]
fn a_table_of_virtual_functions_is_a_pointer() {
    let mut types = TestTypes::new(4);
    let shape = types.add(Type::VtableShape { entries: 2 });
    let mut with_table = record(RecordKind::Class, "W", 4, &[]);
    with_table.vtables = vec![(0, shape)];
    let id = types.add(Type::Record(with_table));
    check(&types, id, &0x40_2000_u32.to_le_bytes(), "{__vfptr = 0x00402000}");
}
