//! Types by name: records, aliases, typedefs, base types.

use super::{open, pdb};
use std::ops::ControlFlow;
use vatlas_fixtures::{
    codeview::Record,
    pdb::Pdb,
    type_records::{Declaration, Generation, Keyword, TypeHeader, TypeStream},
};
use vatlas_symbols::{SymbolFile, Type, TypeId, type_text::type_name};

const NEW: Generation = Generation::ZeroTerminated;

fn structure(name: &'static str, size: u64, properties: u16) -> Vec<u8> {
    let keyword = Keyword::Struct;
    NEW.declaration(&Declaration { keyword, properties, fields: 0, size, name, unique_name: None })
}

/// Three types, a declaration, and typedefs in the forms of three times.
fn sample() -> Pdb {
    let records = [
        structure("Point", 0, 0x80),
        structure("Point", 8, 0),
        NEW.enumeration(0x74, 0, 0, ("Color", None)),
        NEW.alias(0x22, "COUNT"),
        structure("Opaque", 0, 0x80),
    ];
    let symbols = [
        Record::new(0x1108).u32s(&[0x1001]).name("Point"),
        Record::new(0x1108).u32s(&[0x1001]).name("POINT"),
        Record::new(0x110e).u32s(&[2, 0x10]).u16s(&[1]).name("function"),
        Record::new(0x1003).u32s(&[0x1002]).counted_name("OLD"),
        Record::new(0x0004).u16s(&[0x74]).counted_name("OLDEST"),
        Record::new(0x1108).u32s(&[0x1001]).name("Opaque"),
        Record::new(0x1108).u32s(&[0x12]).name("HRESULT"),
    ];
    Pdb { globals: symbols.into_iter().flat_map(Record::bytes).collect(), ..pdb(&records) }
}

#[test]
fn names_are_found() {
    let file = open(sample().version_7());
    let types = file.types().unwrap();
    for (name, id) in [
        ("Point", Some(0x1001)),
        ("Color", Some(0x1002)),
        ("COUNT", Some(0x1003)),
        ("int", Some(0x74)),
        ("unsigned", Some(0x75)),
        ("unsigned long", Some(0x22)),
        ("unsigned long int", Some(0x22)),
        ("long long", Some(0x13)),
        ("__int64", Some(0x13)),
        ("char", Some(0x70)),
        ("_Bool", Some(0x30)),
        ("void", Some(0x03)),
        ("point", None),
        ("Poin", None),
        ("", None),
    ] {
        assert_eq!(types.find(name).map(|id| id.0), id, "{name}");
    }
    for (name, target) in [("POINT", 0x1001), ("OLD", 0x1002), ("OLDEST", 0x74), ("Opaque", 0x1001), ("HRESULT", 0x12)]
    {
        let id = types.find(name).unwrap();
        assert!(id.0 > u32::MAX.into(), "{name} is {id:?}");
        assert_eq!(types.get(id), Ok(Type::Alias { name: name.to_owned(), target: TypeId(target) }));
        assert_eq!(type_name(types, id), name);
    }
    assert_eq!(type_name(types, TypeId(0x1002)), "enum Color");
}

#[test]
fn a_declaration_and_a_base_type_are_better_than_nothing() {
    let file = open(pdb(&[structure("Opaque", 0, 0x80)]).version_7());
    let types = file.types().unwrap();
    assert_eq!(types.find("Opaque"), Some(TypeId(0x1000)));
    assert_eq!(types.find("HRESULT"), Some(TypeId(8)));
}

#[test]
fn ids_that_mean_nothing_are_refused() {
    let file = open(sample().version_7());
    let types = file.types().unwrap();
    let refused = |id| types.get(TypeId(id)).unwrap_err().to_string();
    let expected = "types.pdb: stream 2 (types): there is no type 0x1005; types with a record are 0x1000 to 0x1004";
    assert_eq!(refused(0x1005), expected);
    assert!(refused(0x8000_0000).contains("there is no type 0x80000000"));
    // Not the beginning of a record; a symbol of another kind; behind the end; far behind it.
    for at in [1_u64, 0x30, 0x1000, u64::MAX - (1 << 32)] {
        let text = refused((1 << 32) + at);
        assert!(text.starts_with("types.pdb: stream 5 (symbol records), offset 0x"), "{text}");
    }
}

#[test]
fn every_name_is_visited() {
    let file = open(sample().version_7());
    let mut names = Vec::new();
    file.types().unwrap().visit_names(&mut |name, id| {
        names.push((name.to_owned(), id));
        if name == "void" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let found: Vec<&str> = names.iter().map(|name| &*name.0).collect();
    // The typedef that only repeats the structure's own name is left out.
    let expected =
        ["Point", "Point", "Color", "COUNT", "Opaque", "POINT", "OLD", "OLDEST", "Opaque", "HRESULT", "void"];
    assert_eq!(found, expected);
    for (name, id) in &names {
        assert!(file.types().unwrap().get(*id).is_ok(), "{name}");
    }
}

#[test]
fn a_pdb_without_types_has_none() {
    assert!(open(Pdb::default().version_7()).types().is_none());
    assert!(open(pdb(&[]).version_7()).types().is_none());
}

#[test]
fn headers_of_old_compilers() {
    let mut types = TypeStream::default();
    types.push(Generation::Bits16.modifier(0x74, 1));
    types.push(Generation::Bits16.pointer(0x1000, 10));
    for header in [TypeHeader::Bits16, TypeHeader::Interim, TypeHeader::Today] {
        let pdb = Pdb { types: types.with_header(header), ..Pdb::default() };
        for file in [pdb.version_2(), pdb.version_7()] {
            let file = open(file);
            assert_eq!(type_name(file.types().unwrap(), TypeId(0x1001)), "const int *", "{header:?}");
        }
    }
}
