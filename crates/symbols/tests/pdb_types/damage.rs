//! Damaged types: whatever is done to a stream of every kind of record, questions about it end.

use super::{X86, check_damaged, last, open, pdb};
use std::ops::ControlFlow;
use vatlas_fixtures::{
    pdb::Pdb,
    random::Random,
    type_records::{Declaration, GENERATIONS, Generation, Keyword, Method, Part, TypeStream},
};
use vatlas_symbols::{
    SymbolFile, Type, TypeId,
    type_text::{declaration, size_of, type_name},
};

const NEW: Generation = Generation::ZeroTerminated;
const FILES: u64 = 4_000;

/// Records of every kind that name one another.
fn records(generation: Generation) -> Vec<Vec<u8>> {
    let method = |type_id, property| Method { type_id, property, vtable_offset: 4 };
    let virtual_base =
        Part::VirtualBase { class: 0x1009, pointer: 0x1001, pointer_offset: 4, index: 1, is_indirect: false };
    let parts = [
        Part::Base(0x1009, 0),
        virtual_base,
        Part::Vtable(0x1001),
        Part::Member { type_id: 0x1002, offset: 8, name: "array" },
        Part::Member { type_id: 0x1003, offset: 0x9000, name: "bits" },
        Part::Static(0x74, "shared"),
        Part::Method(method(0x1006, 4), "f"),
        Part::Methods(2, 0x1007, "g"),
        Part::Nested(0x100b, "E"),
        Part::FriendFunction(0x1005, "friend"),
        Part::Continued(0x100a),
    ];
    let declaration = |properties, fields, name| {
        let keyword = Keyword::Struct;
        generation.declaration(&Declaration { keyword, properties, fields, size: 24, name, unique_name: None })
    };
    vec![
        generation.modifier(0x74, 1),
        generation.pointer(0x1000, 10),
        generation.array(0x1001, 8),
        generation.bit_field(0x75, 3, 4),
        generation.arguments(&[0x1001, 0x1002, 0]),
        generation.procedure(0x74, 7, 0x1004),
        generation.method(0x74, (0x1009, 0x1001), 11, 0x1004),
        generation.methods(&[method(0x1006, 0), method(0x1006, 6)]),
        generation.fields(&parts),
        declaration(0, 0x1008, "S"),
        generation.fields(&[Part::Value(&[5, 0], "FIVE"), Part::Value(&[3, 0x80, 1, 2, 3, 4], "MANY")]),
        generation.enumeration(0x74, 0x100a, 0, ("E", None)),
        declaration(0x80, 0, "S"),
        generation.member_pointer(0x1006, 0x6a, 0x100c, 8),
        generation.vtable_shape(4),
    ]
}

/// Asks everything; how many types could be read.
fn ask(pdb: &Pdb) -> usize {
    let file = open(pdb.version_7());
    let Some(types) = file.types() else { return 0 };
    let mut read = 0;
    for number in 0xff0..0x1020 {
        let id = TypeId(number);
        read += usize::from(types.get(id).is_ok());
        let _ = (declaration(types, id, "x"), size_of(types, id));
    }
    for name in ["S", "E", "T", "int"] {
        let found = types.find(name).map(|id| types.get(id));
        read += usize::from(found.is_some_and(|found| found.is_ok()));
    }
    types.visit_names(&mut |_, _| ControlFlow::Continue(()));
    read
}

#[test]
fn mutations() {
    let times: u64 = std::env::var("VATLAS_MUTATIONS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    for generation in GENERATIONS {
        let symbol = vatlas_fixtures::codeview::Record::new(0x1108).u32s(&[0x1009]).name("T").bytes();
        let whole = Pdb { globals: symbol, ..pdb(&records(generation)) };
        let best = ask(&whole);
        let (mut most, mut least) = (0, usize::MAX);
        for seed in 0..FILES * times {
            let mut random = Random::new(seed);
            let mut damaged = whole.clone();
            for _ in 0..=random.below(6) {
                let at = random.below(damaged.types.len());
                match random.below(6) {
                    0 => damaged.types[at] ^= 1 << random.below(8),
                    1 => damaged.types[at] = random.pick(&[0, 1, 0x10, 0x7f, 0x80, 0xff]),
                    2 => damaged.types[at] = random.below(256) as u8,
                    3 => {
                        let from = random.below(damaged.types.len());
                        damaged.types[at] = damaged.types[from];
                    }
                    // The number of another type.
                    4 if at + 1 < damaged.types.len() => {
                        damaged.types[at] = random.below(16) as u8;
                        damaged.types[at + 1] = 0x10;
                    }
                    _ if random.one_in(20) => damaged.types.truncate(at.max(1)),
                    _ => damaged.globals[random.below(8)] ^= 1 << random.below(8),
                }
            }
            let read = ask(&damaged);
            (most, least) = (most.max(read), least.min(read));
        }
        assert!(most >= best && least == 0, "{generation:?}: {most} of {best}, at least {least}");
    }
}

/// Every type of a file can be written and measured, also when all of them are circles.
#[test]
fn circles_end() {
    for generation in GENERATIONS {
        for record in [
            generation.modifier(0x1000, 1),
            generation.pointer(0x1000, 10),
            generation.array(0x1000, 8),
            generation.bit_field(0x1000, 3, 4),
            generation.procedure(0x1000, 0, 0),
            generation.enumeration(0x1000, 0, 0, ("E", None)),
        ] {
            let mut types = TypeStream::default();
            types.push(record);
            let file = open(Pdb { machine: X86, types: types.bytes(), ..Pdb::default() }.version_7());
            let types = file.types().unwrap();
            assert!(types.get(TypeId(0x1000)).is_ok());
            assert!(type_name(types, TypeId(0x1000)).len() < 1000);
            assert_ne!(size_of(types, TypeId(0x1000)), Some(0));
        }
    }
    check_damaged(&[NEW.procedure(0x1000, 0, 0x1000)], "type 0x1000 is damaged");
}

/// A record that is cut off takes those behind it, and is told.
#[test]
fn a_stream_that_is_cut_off() {
    let mut pdb = pdb(&[NEW.modifier(0x74, 1), NEW.modifier(0x74, 2)]);
    pdb.types.truncate(pdb.types.len() - 1);
    let file = open(pdb.version_7());
    assert!(file.types().unwrap().get(TypeId(0x1000)).is_ok());
    let told = file.later_problems().into_iter().map(|problem| problem.to_string()).collect::<Vec<_>>();
    assert_eq!(told, ["types.pdb: stream 2 (types), offset 0x44: is no type record; types before it are used"]);
    assert!(file.types().unwrap().get(TypeId(0x1001)).unwrap_err().to_string().contains("there is no type 0x1001"));
}

/// Names that share one long list of methods do not multiply it without end.
#[test]
fn overloads_are_bounded() {
    let method = Method { type_id: 0x74, property: 0, vtable_offset: 0 };
    let parts = vec![Part::Methods(4000, 0x1000, "f"); 4000];
    let keyword = Keyword::Class;
    let class = Declaration { keyword, properties: 0, fields: 0x1001, size: 1, name: "C", unique_name: None };
    let few = [NEW.methods(&[method; 4000]), NEW.fields(&parts[..10]), NEW.declaration(&class)];
    let Ok(Type::Record(record)) = last(&open(pdb(&few).version_7()), &few) else { panic!("no record") };
    assert_eq!(record.methods.len(), 40_000);
    let many = [NEW.methods(&[method; 4000]), NEW.fields(&parts), NEW.declaration(&class)];
    check_damaged(&many, "type 0x1000 is damaged");
}
