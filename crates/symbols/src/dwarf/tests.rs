//! Tests on programs that GCC and clang compiled: `fixtures/symbols/README.md` tells how.

use super::*;
use crate::{
    cfi::{CfaRule, RegisterRule},
    symbol::Frame,
    symbol_file::{FileKind, SymbolFile},
    type_text::declaration,
    types::{BasePlace, Type, TypeId, Types},
    variable::{Variable, VariablePlace},
};
use std::ops::ControlFlow;
use vatlas_space::Rva;

const GCC_X86: &[u8] = include_bytes!("../../../../fixtures/symbols/dwarf/gcc-x86-dwarf2.exe");
const GCC_X64: &[u8] = include_bytes!("../../../../fixtures/symbols/dwarf/gcc-x64-dwarf5.exe");
const CLANG_X64: &[u8] = include_bytes!("../../../../fixtures/symbols/dwarf/clang-x64-dwarf4.exe");
const SPLIT: &[u8] = include_bytes!("../../../../fixtures/symbols/dwarf/gcc-x64-split.exe");

fn open(bytes: &[u8]) -> DwarfFile {
    DwarfFile::open("app.exe", &(Arc::new(bytes.to_vec()) as SharedBytes)).unwrap().unwrap()
}

/// `function file:line < function file:line`, innermost first, functions without scopes.
fn text(frames: &[Frame]) -> String {
    let frame = |frame: &Frame| {
        let line = frame.line.as_ref().map_or("?".to_owned(), |line| format!("{}:{}", line.file, line.line));
        format!("{} {line}", frame.function.rsplit("::").next().unwrap())
    };
    frames.iter().map(frame).collect::<Vec<_>>().join(" < ")
}

/// Every address of code against what llvm-symbolizer says; gives how many there were.
fn check_frames(bytes: &[u8], expected: &str) -> usize {
    let file = open(bytes);
    let number = |word: Option<&str>| u64::from_str_radix(word.unwrap().trim_start_matches("0x"), 16).unwrap();
    let mut count = 0;
    for line in expected.lines() {
        let mut words = line.splitn(3, ' ');
        let (first, last, answer) = (number(words.next()), number(words.next()), words.next().unwrap());
        for va in first..=last {
            let rva = Rva((va - file.image.base) as u32);
            assert_eq!(text(&file.frames_at(rva)), answer, "{va:x}");
            count += 1;
        }
    }
    assert_eq!(file.later_problems(), []);
    count
}

#[test]
fn frames_are_those_of_another_reader() {
    let count = [
        check_frames(GCC_X86, include_str!("../../../../fixtures/symbols/dwarf/gcc-x86-dwarf2.expected")),
        check_frames(GCC_X64, include_str!("../../../../fixtures/symbols/dwarf/gcc-x64-dwarf5.expected")),
        check_frames(CLANG_X64, include_str!("../../../../fixtures/symbols/dwarf/clang-x64-dwarf4.expected")),
    ];
    assert_eq!(count, COUNTS);
}

/// Addresses of code in the fixtures.
const COUNTS: [usize; 3] = [634, 309, 345];

#[test]
fn symbols_of_code_and_data() {
    let check = |file: &DwarfFile, rva, expected: Option<(&str, u32, u32)>| {
        let symbol = file.symbol_at(Rva(rva));
        let found = symbol.as_ref().map(|symbol| (symbol.name.as_ref(), symbol.rva.0, symbol.size.unwrap()));
        assert_eq!(found, expected, "{rva:x}");
    };
    let gcc = open(GCC_X64);
    check(&gcc, 0x1045, Some(("_Z4workii", 0x1040, 0x4f)));
    check(&gcc, 0x108f, None);
    check(&gcc, 0x102a, None);
    check(&gcc, 0x2004, Some(("table", 0x2000, 40)));
    check(&gcc, 0x2028, Some(("_ZN3geo5Shape5countE", 0x2028, 4)));
    check(&gcc, 0x6008, Some(("work::calls", 0x6008, 4)));
    check(&gcc, 0x600c, None);
    check(&gcc, u32::MAX, None);
    let old = open(GCC_X86);
    check(&old, 0x10e0, Some(("pick", 0x10d9, 0x43)));
    check(&old, 0x3008, Some(("ratio", 0x3008, 8)));
    let (mut names, mut lines) = (Vec::new(), 0);
    old.visit(&mut |symbol| {
        names.push(symbol.name.clone());
        lines += old.lines_of(symbol).len();
        ControlFlow::Continue(())
    });
    assert!(names.contains(&"_ZN3geo5Shape5countE".into()) && names.contains(&"hidden".into()), "{names:?}");
    assert_eq!((names.len(), lines), (15, 40));
}

#[test]
fn lines_of_a_function_follow_its_code() {
    let file = open(GCC_X64);
    let symbol = file.symbol_at(Rva(0x1040)).unwrap();
    let lines: Vec<_> = file.lines_of(&symbol).into_iter().map(|(rva, size, line)| (rva.0, size, line.line)).collect();
    assert_eq!(lines[..3], [(0x1040, 0x1c, 16), (0x105c, 4, 21), (0x1060, 0x10, 30)]);
    let end = lines.iter().try_fold(0x1040, |at, (rva, size, _)| (*rva == at).then_some(at + size));
    assert_eq!(end, Some(0x108f), "without a hole: {lines:x?}");
}

/// A type as a declaration; of a record its size and members, of an enumeration its values.
fn layout(file: &DwarfFile, id: TypeId) -> String {
    let types: &dyn Types = file;
    match types.get(id).unwrap() {
        Type::Record(record) => {
            let base = |place| match place {
                BasePlace::At(offset) => format!("@{offset}"),
                BasePlace::Virtual { index, .. } => format!("@virtual {}", index as i64),
            };
            let bases =
                record.bases.iter().map(|at| format!("{} {}", declaration(types, at.type_id, ""), base(at.place)));
            let members = record
                .members
                .iter()
                .map(|member| format!("{} @{}", declaration(types, member.type_id, &member.name), member.offset));
            let statics = record.statics.iter().map(|(name, id)| format!("static {}", declaration(types, *id, name)));
            let methods = record.methods.iter().filter(|method| !method.name.starts_with(['~', 'S', 'T', 'B', 'o']));
            let methods = methods.map(|method| {
                let slot = method.vtable_offset.map_or(String::new(), |offset| format!(" slot {offset}"));
                format!("{}{slot}", declaration(types, method.type_id, &method.name))
            });
            let nested = record.nested.iter().map(|(name, _)| format!("nested {name}"));
            let vtables = record.vtables.iter().map(|(offset, _)| format!("vtable @{offset}"));
            let parts: Vec<_> =
                bases.chain(vtables).chain(members).chain(statics).chain(methods).chain(nested).collect();
            format!("{} {} {}: {}", record.kind, record.name, record.size, parts.join("; "))
        }
        Type::Enumeration(enumeration) => {
            let values = enumeration.values.iter().map(|value| format!("{} {:?}", value.name, value.value));
            let values = values.collect::<Vec<_>>().join(", ");
            format!("enum {}: {}: {values}", enumeration.name, declaration(types, enumeration.underlying, ""))
        }
        Type::Alias { name, target } => format!("typedef {}", declaration(types, target, &name)),
        _ => declaration(types, id, ""),
    }
}

fn check_type(bytes: &[u8], name: &str, expected: &str) {
    let file = open(bytes);
    let id = file.find(name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(layout(&file, id), expected);
}

#[test]
fn types_of_all_kinds() {
    let square = "class geo::Square 120: class geo::Shape @0; struct geo::Tag @virtual -6; int (geo::Shape::*method)(int) \
                  @24; int geo::Shape::*member @40; union <unnamed> @48; short grid[3][4] @52; enum geo::Colour colour \
                  @76; enum geo::Small small @80; struct geo::Square::Inner inner @88; int area(int) slot 0; nested Inner";
    for bytes in [GCC_X64, CLANG_X64] {
        let check = |name, expected| check_type(bytes, name, expected);
        check("geo::Square", square);
        check("geo::Square::Inner", "struct geo::Square::Inner 8: volatile int *deep @0");
        check("geo::Colour", "enum geo::Colour: int: RED Integer(0), GREEN Integer(5), BLUE Integer(-3)");
        check("geo::Small", "enum geo::Small: unsigned char: LOW Integer(0), HIGH Integer(200)");
        check("geo::Tag", "struct geo::Tag 24: const char *label @0; wchar_t wide[4] @8; bool ready @16");
        check("callback", "typedef int (*callback)(int, const char *, ...)");
        check("Ledger", "struct Ledger 24: unsigned int size @0; struct <unnamed> page @8");
        check("long long int", "long long");
    }
}

#[test]
fn types_of_old_compilers() {
    let shape = "class Shape 24: vtable @0; int width @4; unsigned int flags : 3 @8; unsigned int more : 7 @8; int odd : \
                 20 @8; long long far_bits : 40 @16; static int count; int area(int) slot 0";
    check_type(GCC_X86, "Shape", shape);
    check_type(GCC_X86, "Box<long int, 4>", "struct Box<long int, 4> 16: long items[4] @0; long first(void)");
    check_type(GCC_X86, "Ledger", "struct Ledger 16: unsigned int size @0; struct <unnamed> page @4");
    check_type(GCC_X86, "wchar_t", "wchar_t");
}

#[test]
fn bits_are_counted_from_the_lowest() {
    for (bytes, name) in [(GCC_X86, "Shape"), (GCC_X64, "geo::Shape"), (CLANG_X64, "geo::Shape")] {
        let file = open(bytes);
        let Type::Record(shape) = file.get(file.find(name).unwrap()).unwrap() else { panic!("{name}") };
        let bits = shape.members.iter().filter_map(|member| match file.get(member.type_id).unwrap() {
            Type::BitField { first_bit, bits, .. } => Some((first_bit, bits)),
            _ => None,
        });
        assert_eq!(bits.collect::<Vec<_>>(), [(0, 3), (3, 7), (10, 20), (0, 40)], "{name}");
    }
}

#[test]
fn types_of_symbols() {
    let check = |bytes, rva, expected: &str| {
        let file = open(bytes);
        let symbol = file.symbol_at(Rva(rva)).unwrap();
        assert_eq!(declaration(&file, file.type_of(&symbol).unwrap(), "x"), expected, "{rva:x}");
    };
    check(GCC_X64, 0x1030, "long x(struct geo::Box<long int, 4>, enum geo::Colour, long long)");
    check(GCC_X64, 0x1090, "int x(class geo::Square *, const struct Ledger *, float)");
    check(GCC_X64, 0x6000, "callback x");
    check(GCC_X86, 0x1270, "long x(void)");
    check(GCC_X86, 0x3008, "const double x");
    check(CLANG_X64, 0x2010, "int x[10]");
}

#[test]
fn a_declared_type_has_its_body() {
    for bytes in [GCC_X86, GCC_X64, CLANG_X64] {
        let file = open(bytes);
        let hash = table::hash(0, "Ledger");
        let declared = file.table(&file.look(), 0).unwrap().rows.iter().find(|row| row.hash == hash).unwrap();
        assert!(declared.is_declaration);
        let place = Place { unit: 0, offset: declared.offset as usize };
        let text = layout(&file, type_ids::id(&file.units, place, 0));
        assert!(text.starts_with("struct Ledger") && text.contains("page"), "{text}");
    }
}

#[test]
fn names_without_a_type() {
    let file = open(GCC_X64);
    assert_eq!((file.find("geo::Circle"), file.find("Shape"), file.find("")), (None, None, None));
    assert!(file.get(TypeId(1)).is_err() && file.get(TypeId(u64::MAX >> 1)).is_err());
    assert_eq!(layout(&file, file.find("void").unwrap()), "void");
}

/// `frame kind declaration = place`, one a line.
fn variables(file: &DwarfFile, rva: u32) -> String {
    let types: &dyn Types = file;
    let line = |variable: Variable| {
        let place = match variable.place {
            VariablePlace::Register(register) => register.0,
            VariablePlace::RegisterRelative { register, offset } => format!("[{}{offset:+}]", register.0),
            VariablePlace::Static(rva) => format!("{rva}"),
            VariablePlace::Constant(value) => format!("{value:?}"),
            other => format!("{other:?}"),
        };
        let declaration = variable.type_id.map_or(variable.name.clone(), |id| declaration(types, id, &variable.name));
        format!("{} {:?} {declaration} = {place}\n", variable.frame, variable.kind)
    };
    file.variables_at(Rva(rva)).into_iter().map(line).collect()
}

fn check_variables(bytes: &[u8], rva: u32, expected: &str) {
    let expected: String = expected.lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(variables(&open(bytes), rva), expected, "{rva:x}");
}

#[test]
fn variables_without_optimization() {
    let inlined = "0 Parameter int x = [ebp-20]
        0 Local int y = [ebp-24]
        1 Parameter int x = [ebp-16]
        1 Local int z = [ebp-28]
        2 Parameter int a = [ebp+8]
        2 Parameter int b = [ebp+12]
        2 Static int calls = 0x5004
        2 Local int result = [ebp-4]";
    check_variables(GCC_X86, 0x1060, inlined);
    let in_the_loop = "0 Parameter int a = [ebp+8]
        0 Parameter int b = [ebp+12]
        0 Local int inner = [ebp-12]
        0 Local int i = [ebp-8]
        0 Static int calls = 0x5004
        0 Local int result = [ebp-4]";
    check_variables(GCC_X86, 0x10b8, in_the_loop);
    let at_the_first_instruction = "0 Parameter struct Box<long int, 4> box = [esp+4]
        0 Parameter enum Colour colour = [esp+20]
        0 Parameter long long wide = [esp-36]
        0 Local long long doubled = [esp-20]";
    check_variables(GCC_X86, 0x10d9, at_the_first_instruction);
    assert!(open(GCC_X86).variables_at(Rva(0x10b8)).iter().all(|it| it.is_after_prologue == (it.name != "calls")));
}

#[test]
fn variables_with_optimization() {
    let inlined = r#"0 Parameter int scale = Integer(2)
        0 Parameter const class geo::Square * const this = rbx
        1 Parameter class geo::Square *square = rbx
        1 Parameter const struct Ledger *ledger = rcx
        1 Parameter float half = xmm2
        1 Local int sum = Gone
        1 Local struct geo::Box<long int, 4> box = Gone"#;
    check_variables(GCC_X64, 0x10b0, inlined);
    let in_the_loop = r#"0 Parameter int a = Unknown("what rcx was when the function began")
        0 Parameter int b = Unknown("what rdx was when the function began")
        0 Local int inner = r8
        0 Local int i = rcx
        0 Static int calls = 0x6008
        0 Local int result = rax"#;
    check_variables(GCC_X64, 0x1085, in_the_loop);
    let bytes = |number: u8| format!("Constant(Bytes([{number}, 0, 0, 0]))");
    let pieces = format!(
        "Pieces([(0, 4, Register(RegisterName(\"rdi\"))), (4, 4, {}), (8, 4, {}), (12, 4, {})])",
        bytes(1),
        bytes(2),
        bytes(3)
    );
    let in_pieces = format!(
        "0 Parameter class geo::Square *square = rsi
        0 Parameter const struct Ledger *ledger = Unknown(\"what rdx was when the function began\")
        0 Parameter float half = xmm6
        0 Local int sum = rdi
        0 Local struct geo::Box<long, 4> box = {pieces}"
    );
    check_variables(CLANG_X64, 0x10b0, &in_pieces);
    check_variables(GCC_X64, 0x9999, "");
}

#[test]
fn constants_have_types_and_values() {
    for bytes in [GCC_X64, CLANG_X64] {
        let file = open(bytes);
        let mut found = Vec::new();
        file.visit_constants(&mut |constant| {
            let declaration = declaration(&file, constant.type_id.unwrap(), &constant.name);
            found.push(format!("{declaration} = {:?}", constant.value));
            ControlFlow::Continue(())
        });
        let expected = [
            "const int answer = Integer(42)",
            "const double ratio = Float(3.5)",
            "enum geo::Colour RED = Integer(0)",
            "enum geo::Colour GREEN = Integer(5)",
            "enum geo::Colour BLUE = Integer(-3)",
            "enum geo::Small LOW = Integer(0)",
            "enum geo::Small HIGH = Integer(200)",
        ];
        assert_eq!(found, expected);
    }
}

#[test]
fn frames_are_left_by_rules() {
    let check = |bytes, rva, cfa: (&str, i64), return_address: (&str, i64)| {
        let row = open(bytes).unwind_row_at(Rva(rva)).unwrap();
        let CfaRule::Register { register, offset } = &row.cfa else { panic!("{row:?}") };
        assert_eq!((register.0.as_str(), *offset), cfa, "{rva:x}");
        assert_eq!(row.return_address.0, return_address.0);
        assert_eq!(row.rule(&row.return_address), Some(&RegisterRule::AtCfa(return_address.1)));
        assert!((row.start.0..row.start.0 + row.size).contains(&rva));
    };
    check(GCC_X86, 0x10d9, ("esp", 4), ("eip", -4));
    check(GCC_X86, 0x10f0, ("ebp", 8), ("eip", -4));
    check(GCC_X64, 0x1045, ("rsp", 8), ("rip", -8));
    // clang writes no rules for x64: .pdata has them.
    assert_eq!(open(CLANG_X64).unwind_row_at(Rva(0x1145)), None);
    assert_eq!(open(GCC_X64).unwind_row_at(Rva(0x9999)), None);
}

#[test]
fn what_is_elsewhere_is_told() {
    let file = open(SPLIT);
    let problems: Vec<_> = file.problems().iter().map(ToString::to_string).collect();
    let expected = "app.exe: .debug_info: the debug information of 1 units is in split objects (.dwo), which are not read; \
                    split.dwo; build without -gsplit-dwarf for full answers";
    assert_eq!(problems, [expected]);
    let problems_of = |from: &[u8], to: &[u8]| -> Vec<String> {
        let mut bytes = GCC_X64.to_vec();
        // As the name of a section, and of the symbol of the section.
        while let Some(at) = bytes.windows(from.len()).position(|window| window == from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
        open(&bytes).problems().iter().map(ToString::to_string).collect()
    };
    let compressed = problems_of(b".debug_rnglists\0", b".zdebug_ranges\0\0");
    assert!(compressed[0].starts_with("app.exe: section .zdebug_ranges: is compressed and not read"), "{compressed:?}");
    let supplementary = problems_of(b".debug_rnglists\0", b".debug_sup\0\0\0\0\0\0");
    assert!(supplementary[0].contains("are in a supplementary file, which is not read"), "{supplementary:?}");
}

#[test]
fn an_image_gives_dwarf_before_its_coff_symbols() {
    let bytes: SharedBytes = Arc::new(GCC_X64.to_vec());
    let files = crate::open::image_files("app.exe", &bytes).unwrap();
    let kinds: Vec<_> = files.iter().map(|file| file.origin().kind).collect();
    assert_eq!(kinds, [FileKind::Dwarf, FileKind::Coff]);
    assert_eq!(crate::open("app.exe", bytes).unwrap().origin().kind, FileKind::Dwarf);
}
