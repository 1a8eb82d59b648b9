//! Layouts as lines: depth, offset, size, name, type.

use super::{LayoutLimits, RowKind, TypeLayout, type_layout};
use crate::testing_types::{TestTypes, record};
use vatlas_symbols::{
    Type, TypeId,
    types::{Base, BasePlace, ConstantValue, RecordKind},
};

fn line(layout: &TypeLayout) -> Vec<String> {
    let row = |row: &super::LayoutRow| {
        let indent = "  ".repeat(row.depth);
        let offset = row.offset.map_or("-".to_owned(), |offset| offset.to_string());
        let size = row.size.map_or("-".to_owned(), |size| size.to_string());
        let bits = row.bits.map(|(first, bits)| format!(" bits {first}+{bits}")).unwrap_or_default();
        let value = match &row.value {
            Some(ConstantValue::Integer(value)) => format!(" = {value}"),
            _ => String::new(),
        };
        format!("{indent}{offset} {size}{bits} {}: {}{value}", row.name, row.type_name)
    };
    layout.rows.iter().map(row).collect()
}

fn check(types: &TestTypes, id: TypeId, depth: usize, name: &str, size: Option<u64>, expected: &[&str]) {
    let layout = type_layout(types, id, LayoutLimits { depth, ..LayoutLimits::default() });
    assert_eq!(layout.name, name);
    assert_eq!(layout.size, size);
    assert_eq!(line(&layout), expected);
    assert!(layout.is_complete);
}

#[test]
fn members_holes_and_bit_fields() {
    let mut types = TestTypes::new(4);
    let (byte, int) = (types.unsigned("byte", 1), types.signed("int", 4));
    let (low, high) = (types.bits(int, 0, 3), types.bits(int, 3, 29));
    let id = types.record("s", 16, &[("kind", byte, 0), ("high", high, 8), ("low", low, 8), ("end", byte, 12)]);
    let expected = [
        "0 1 kind: byte",
        "1 7 (padding): ",
        "8 4 bits 0+3 low: int",
        "8 4 bits 3+29 high: int",
        "12 1 end: byte",
        "13 3 (padding): ",
    ];
    check(&types, id, 1, "struct s", Some(16), &expected);
}

#[test]
fn nested_records_are_indented_and_unnamed_ones_always_open() {
    let mut types = TestTypes::new(4);
    let int = types.signed("int", 4);
    let point = types.record("point", 8, &[("x", int, 0), ("y", int, 4)]);
    let either = Type::Record(record(RecordKind::Union, "<unnamed>", 8, &[("whole", int, 0), ("p", point, 0)]));
    let either = types.add(either);
    let id = types.record("s", 16, &[("at", point, 0), ("", either, 8)]);
    let shut = ["0 8 at: struct point", "8 8 : union <unnamed>", "  8 4 whole: int", "  8 8 p: struct point"];
    check(&types, id, 1, "struct s", Some(16), &shut);
    let open = [
        "0 8 at: struct point",
        "  0 4 x: int",
        "  4 4 y: int",
        "8 8 : union <unnamed>",
        "  8 4 whole: int",
        "  8 8 p: struct point",
        "    8 4 x: int",
        "    12 4 y: int",
    ];
    check(&types, id, 2, "struct s", Some(16), &open);
}

#[test]
fn bases_and_tables() {
    let mut types = TestTypes::new(4);
    let int = types.signed("int", 4);
    let shape = types.add(Type::VtableShape { entries: 1 });
    let base = types.record("B", 4, &[("b", int, 0)]);
    let mut derived = record(RecordKind::Class, "D", 16, &[("d", int, 8)]);
    derived.vtables = vec![(0, shape)];
    derived.bases = vec![
        Base { type_id: base, place: BasePlace::At(4) },
        Base { type_id: base, place: BasePlace::Virtual { pointer_offset: 0, index: 1, is_indirect: false } },
    ];
    let id = types.add(Type::Record(derived));
    let expected = ["0 4 __vfptr: vtable *", "4 4 B: struct B", "8 4 d: int", "- 4 B: struct B"];
    check(&types, id, 1, "class D", Some(16), &expected);
    let layout = type_layout(&types, id, LayoutLimits::default());
    assert_eq!(layout.rows[3].kind, RowKind::VirtualBase);
}

#[test]
fn other_types() {
    let mut types = TestTypes::new(4);
    let int = types.signed("int", 4);
    let id = types.enumeration("colour", int, &[("RED", 0), ("NONE", -1)]);
    let expected = ["- 4 held by: int", "- - RED:  = 0", "- - NONE:  = -1"];
    check(&types, id, 1, "enum colour", Some(4), &expected);
    let number = types.alias("number", int);
    let twice = types.alias("twice", number);
    let expected = ["- - stands for: typedef int number", "- - stands for: int"];
    check(&types, twice, 1, "typedef number twice", Some(4), &expected);
    let function = types.function(int, &[number]);
    check(&types, function, 1, "int (number)", None, &["- 4 returns: int", "- 4 argument: number"]);
    let point = types.record("point", 4, &[("x", int, 0)]);
    let points = types.array(point, 3, 4);
    check(&types, points, 1, "struct point [3]", Some(12), &["- 4 3 elements: struct point", "  0 4 x: int"]);
    check(&types, int, 1, "int", Some(4), &[]);
}

#[test]
fn limits_hold_on_a_type_that_holds_itself() {
    let mut types = TestTypes::new(4);
    let itself = types.record("itself", 4, &[]);
    types.replace(itself, Type::Record(record(RecordKind::Struct, "itself", 4, &[("", itself, 0), ("", itself, 4)])));
    let layout = type_layout(&types, itself, LayoutLimits { rows: 100, ..LayoutLimits::default() });
    assert_eq!(layout.rows.len(), 100);
    assert!(!layout.is_complete);
}
