//! Structures, classes, unions, interfaces and enumerations, with every part that a field list has.

use super::{check, check_all, check_damaged};
use vatlas_fixtures::type_records::{Declaration, Generation, Keyword, Method as WrittenMethod, Part};
use vatlas_symbols::{
    Type, TypeId,
    types::{Base, BasePlace, ConstantValue, Enumeration, Member, Method, NamedValue, Record, RecordKind},
};

const NEW: Generation = Generation::ZeroTerminated;
const FORWARD: u16 = 0x80;

/// A structure of 8 bytes whose list of fields is the first record.
fn with_body(keyword: Keyword) -> Declaration<'static> {
    Declaration { keyword, properties: 0, fields: 0x1000, size: 8, name: "ns::C", unique_name: None }
}

fn record(kind: RecordKind) -> Record {
    let (members, bases, statics, methods, nested, vtables) = Default::default();
    let (name, size, is_forward) = ("ns::C".to_owned(), 8, false);
    Record { kind, name, size, is_forward, members, bases, statics, methods, nested, vtables }
}

fn member(name: &str, type_id: u64, offset: u64) -> Member {
    Member { name: name.to_owned(), type_id: TypeId(type_id), offset }
}

/// The parts, in every generation, make this record.
#[track_caller]
fn check_parts(parts: &[Part<'_>], expected: Record) {
    let expected = Type::Record(expected);
    let records =
        |generation: Generation| vec![generation.fields(parts), generation.declaration(&with_body(Keyword::Class))];
    check_all(records, &expected);
}

/// The same for parts that the oldest generation does not have.
#[track_caller]
fn check_new_parts(parts: &[Part<'_>], expected: Record) {
    let expected = Type::Record(expected);
    for generation in [Generation::Counted, NEW] {
        check(&[generation.fields(parts), generation.declaration(&with_body(Keyword::Class))], &expected);
    }
}

fn class() -> Record {
    record(RecordKind::Class)
}

#[test]
fn keywords() {
    let parts = [Part::Member { type_id: 0x74, offset: 4, name: "n" }];
    for (keyword, kind) in [
        (Keyword::Class, RecordKind::Class),
        (Keyword::Struct, RecordKind::Struct),
        (Keyword::Union, RecordKind::Union),
    ] {
        let expected = Type::Record(Record { members: vec![member("n", 0x74, 4)], ..record(kind) });
        let declaration = with_body(keyword);
        check_all(|generation| vec![generation.fields(&parts), generation.declaration(&declaration)], &expected);
        check(&[NEW.fields(&parts), NEW.second_declaration(&declaration)], &expected);
    }
    let interface = with_body(Keyword::Interface);
    let expected = Type::Record(record(RecordKind::Interface));
    check(&[NEW.fields(&[]), NEW.declaration(&interface)], &expected);
    check(&[NEW.fields(&[]), NEW.second_declaration(&interface)], &expected);
}

#[test]
fn sizes_and_decorated_names() {
    for size in [0, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0xffff_ffff, 1 << 40] {
        let declaration = Declaration { size, fields: 0, ..with_body(Keyword::Struct) };
        let expected = Type::Record(Record { size, ..record(RecordKind::Struct) });
        check_all(|generation| vec![generation.declaration(&declaration)], &expected);
    }
    let decorated = Some(".?AUC@ns@@");
    let declaration = Declaration { fields: 0, properties: 0x200, unique_name: decorated, ..with_body(Keyword::Union) };
    check_all(|generation| vec![generation.declaration(&declaration)], &Type::Record(record(RecordKind::Union)));
    check(&[NEW.second_declaration(&declaration)], &Type::Record(record(RecordKind::Union)));
}

#[test]
fn members_and_nested_types() {
    let parts = [
        Part::Member { type_id: 0x74, offset: 0, name: "first" },
        Part::Member { type_id: 0x1234, offset: 0x12_3456, name: "" },
        Part::Static(0x22, "shared"),
        Part::Nested(0x1235, "Inner"),
        Part::FriendFunction(0x1236, "friend"),
        Part::FriendClass(0x1237),
        Part::Member { type_id: 0x75, offset: 0x8000, name: "last" },
    ];
    let members = vec![member("first", 0x74, 0), member("", 0x1234, 0x12_3456), member("last", 0x75, 0x8000)];
    let (statics, nested) = (vec![("shared".to_owned(), TypeId(0x22))], vec![("Inner".to_owned(), TypeId(0x1235))]);
    check_parts(&parts, Record { members, statics, nested, ..class() });
    let nested = vec![("Inner".to_owned(), TypeId(0x1235))];
    let parts = [Part::NestedWithRights(0x1235, "Inner"), Part::OtherRights(0x74, "inherited")];
    check_new_parts(&parts, Record { nested, ..class() });
}

#[test]
fn bases() {
    let virtual_base =
        |is_indirect| Part::VirtualBase { class: 0x1236, pointer: 0x1237, pointer_offset: 4, index: 2, is_indirect };
    let place = |is_indirect| BasePlace::Virtual { pointer_offset: 4, index: 2, is_indirect };
    let base = |class, place| Base { type_id: TypeId(class), place };
    let bases = vec![
        base(0x1234, BasePlace::At(0)),
        base(0x1235, BasePlace::At(0x9000)),
        base(0x1236, place(false)),
        base(0x1236, place(true)),
    ];
    let parts = [Part::Base(0x1234, 0), Part::Base(0x1235, 0x9000), virtual_base(false), virtual_base(true)];
    check_parts(&parts, Record { bases, ..class() });
    let bases = vec![base(0x1234, BasePlace::At(4))];
    let expected = Type::Record(Record { bases, ..record(RecordKind::Interface) });
    let list = NEW.fields(&[Part::BaseInterface(0x1234, 4)]);
    check(&[list, NEW.declaration(&with_body(Keyword::Interface))], &expected);
}

#[test]
fn methods() {
    let written = |type_id, property| WrittenMethod { type_id, property, vtable_offset: 12 };
    let read = |name: &str, type_id, vtable_offset, is_static, is_virtual| {
        let (name, type_id) = (name.to_owned(), TypeId(type_id));
        Method { name, type_id, vtable_offset, is_static, is_virtual }
    };
    // Plain, virtual, static, a friend, virtual for the first time, pure, pure for the first time.
    let properties = [
        (0, None, false, false),
        (1, None, false, true),
        (2, None, true, false),
        (3, None, false, false),
        (4, Some(12), false, true),
        (5, None, false, true),
        (6, Some(12), false, true),
    ];
    for (property, offset, is_static, is_virtual) in properties {
        let methods = vec![read("f", 0x1234, offset, is_static, is_virtual)];
        check_parts(&[Part::Method(written(0x1234, property), "f")], Record { methods, ..class() });
    }
    let all: Vec<_> = properties.map(|(property, ..)| written(0x1234, property)).into();
    let methods = properties.map(|(_, offset, is_static, is_virtual)| read("g", 0x1234, offset, is_static, is_virtual));
    let expected = Type::Record(Record { methods: methods.into(), ..class() });
    let records = |generation: Generation| {
        let list = generation.fields(&[Part::Methods(7, 0x1001, "g")]);
        vec![list, generation.methods(&all), generation.declaration(&with_body(Keyword::Class))]
    };
    check_all(records, &expected);
}

#[test]
fn tables_of_virtual_functions() {
    let records = |generation: Generation| {
        let list = generation.fields(&[Part::Vtable(0x1002), Part::VtableAt(0x1002, 8)]);
        let pointer = generation.pointer(0x1001, 10);
        vec![list, generation.vtable_shape(3), pointer, generation.declaration(&with_body(Keyword::Class))]
    };
    let vtables = vec![(0, TypeId(0x1001)), (8, TypeId(0x1001))];
    check_all(records, &Type::Record(Record { vtables, ..class() }));
}

#[test]
fn enumerations() {
    let value = |name: &str, value| NamedValue { name: name.to_owned(), value: ConstantValue::Integer(value) };
    let values = vec![value("NONE", 0), value("ALL", -1)];
    let (name, underlying) = ("E".to_owned(), TypeId(0x74));
    let expected = Enumeration { name, underlying, is_forward: false, values };
    let records = |generation: Generation| {
        let list = generation.fields(&[Part::Value(&[0, 0], "NONE"), Part::Value(&[0, 0x80, 0xff], "ALL")]);
        vec![list, generation.enumeration(0x74, 0x1000, 0x208, ("E", Some(".?AW4E@@")))]
    };
    check_all(records, &Type::Enumeration(expected));
}

#[test]
fn lists_go_on_in_others() {
    let part = |name, offset| Part::Member { type_id: 0x74, offset, name };
    let members = vec![member("a", 0x74, 0), member("b", 0x74, 4), member("c", 0x74, 8)];
    let records = |generation: Generation| {
        vec![
            generation.fields(&[part("a", 0), Part::Continued(0x1002)]),
            generation.fields(&[part("c", 8)]),
            generation.fields(&[part("b", 4), Part::Continued(0x1001)]),
            generation.declaration(&with_body(Keyword::Class)),
        ]
    };
    check_all(records, &Type::Record(Record { members, ..class() }));
    // A circle of two lists, one of one, a list that is none.
    let declaration = NEW.declaration(&with_body(Keyword::Class));
    let circle = [NEW.fields(&[Part::Continued(0x1001)]), NEW.fields(&[Part::Continued(0x1000)]), declaration.clone()];
    check_damaged(&circle, "the record of type 0x1000 is damaged");
    check_damaged(&[NEW.fields(&[Part::Continued(0x1000)]), declaration.clone()], "type 0x1000 is damaged");
    check_damaged(&[NEW.modifier(0x74, 1), declaration.clone()], "type 0x1000 is damaged");
    check_damaged(&[NEW.fields(&[Part::Continued(0x1fff)]), declaration.clone()], "there is no type 0x1fff");
    check_damaged(&[NEW.fields(&[Part::Methods(1, 0x1001, "f")]), declaration], "type 0x1001 is damaged");
}

#[test]
fn bodies_are_found_for_declarations() {
    let body = |generation: Generation| {
        let member = Part::Member { type_id: 0x74, offset: 0, name: "n" };
        vec![generation.fields(&[member]), generation.declaration(&with_body(Keyword::Struct))]
    };
    let declaration = Declaration { properties: FORWARD, fields: 0, size: 0, ..with_body(Keyword::Struct) };
    let whole = Record { members: vec![member("n", 0x74, 0)], ..record(RecordKind::Struct) };
    let bare = Type::Record(Record { size: 0, is_forward: true, ..record(RecordKind::Struct) });
    let with = |declaration: Declaration<'static>| {
        move |generation: Generation| {
            let mut records = body(generation);
            records.push(generation.declaration(&declaration));
            records
        }
    };
    check_all(with(declaration), &Type::Record(whole));
    check_all(|generation| vec![generation.declaration(&declaration)], &bare);
    // Of the same name, but an enumeration.
    let enumeration = |generation: Generation| {
        vec![generation.enumeration(0x74, 0, 0, ("ns::C", None)), generation.declaration(&declaration)]
    };
    check_all(enumeration, &bare);
    let (name, underlying, values) = ("ns::C".to_owned(), TypeId(0x74), Vec::new());
    let bare = Type::Enumeration(Enumeration { name, underlying, is_forward: true, values });
    let enumeration = |generation: Generation| {
        let mut records = body(generation);
        records.push(generation.enumeration(0x74, 0, FORWARD, ("ns::C", None)));
        records
    };
    check_all(enumeration, &bare);
}

#[test]
fn names_that_several_types_have_prove_nothing() {
    let body = |size, name, unique_name: Option<&'static str>, properties| {
        let properties = properties | if unique_name.is_some() { 0x200 } else { 0 };
        let keyword = Keyword::Struct;
        NEW.declaration(&Declaration { keyword, properties, fields: 0, size, name, unique_name })
    };
    let forward = |name, unique_name, properties| body(0, name, unique_name, properties | FORWARD);
    let expected = |name: &str, size, is_forward| {
        Type::Record(Record { size, is_forward, name: name.to_owned(), ..record(RecordKind::Struct) })
    };
    // Decorated names decide.
    let records = [body(4, "S", Some("one"), 0), body(8, "S", Some("two"), 0), forward("S", Some("two"), 0)];
    check(&records, &expected("S", 8, false));
    let records = [body(4, "S", Some("one"), 0), forward("S", Some("two"), 0)];
    check(&records, &expected("S", 0, true));
    // Made-up names, and names within functions.
    for name in ["<unnamed-tag>", "S::<unnamed-type-x>", "__unnamed", "<anonymous-tag>"] {
        check(&[body(4, name, None, 0), forward(name, None, 0)], &expected(name, 0, true));
    }
    let local = 0x100;
    check(&[body(4, "S", None, local), forward("S", None, local)], &expected("S", 4, false));
    let records = [body(4, "S", None, local), body(8, "S", None, local), forward("S", None, local)];
    check(&records, &expected("S", 0, true));
}
