//! Tests of the whole: sections, names, sizes, objects, what is left out.

use super::*;
use crate::symbol::SymbolKind;

const TEXT: &str = "Archive member included to satisfy reference by file (symbol)

libx.a(y.o)                   app.o (_y)

Discarded input sections

 .text$unused   0x00000000       0x20 app.o
                0x00000000                unused

Memory Configuration

Name             Origin             Length             Attributes
*default*        0x00000000         0xffffffff

Linker script and memory map

                0x00400000                        __image_base__ = 0x400000
                0x00001000                        __section_alignment__ = 0x1000
LOAD app.o
                0x00001000                        . = ALIGN (__section_alignment__)

.text           0x00401000      0x200
 *(SORT_NONE(.init))
 .text          0x00401000       0x60 crt2.o
                0x00401010                mainCRTStartup
                0x00401020                wait@8
 *fill*         0x00401060        0x10
 .text          0x00401070       0x30 C:/lib/libx.a(y.o)
 .text$_ZN3geo5ShapeC2Ev
                0x004010a0       0x18 app.o
                0x004010a0                geo::Shape::Shape()
                0x004010c0                ___CTOR_LIST__ = .
                0x004010c0        0x4 LONG 0xffffffff

.data           0x00402000       0x10
 .data          0x00402000       0x10 app.o
                0x00402000                count
                0x00402004                @fast@4

.debug_info     0x00403000       0x10
 .debug_info    0x00403000       0x10 app.o
                0x00403000                __a_mark
OUTPUT(app.exe pei-i386)

Cross Reference Table

count           app.o
";

fn check(rva: u32, expected: Option<(&str, u32, Option<u32>, SymbolKind)>) {
    let map = GnuMap::read("app.map", TEXT.as_bytes());
    let symbol = map.symbol_at(Rva(rva));
    let found = symbol.as_ref().map(|symbol| (symbol.name.as_ref(), symbol.rva.0, symbol.size, symbol.kind));
    assert_eq!(found, expected, "{rva:x}");
}

#[test]
fn names_have_addresses_of_the_image() {
    check(0xfff, None);
    check(0x1004, Some(("crt2.o(.text)", 0x1000, Some(0x10), SymbolKind::Label)));
    check(0x1014, Some(("_mainCRTStartup", 0x1010, None, SymbolKind::Function)));
    check(0x1024, Some(("_wait@8", 0x1020, None, SymbolKind::Function)));
    check(0x1078, Some(("libx.a(y.o)(.text)", 0x1070, Some(0x30), SymbolKind::Label)));
    check(0x10a8, Some(("geo::Shape::Shape()", 0x10a0, Some(0x18), SymbolKind::Function)));
    check(0x10c2, Some(("___CTOR_LIST__", 0x10c0, None, SymbolKind::Label)));
    check(0x2002, Some(("_count", 0x2000, None, SymbolKind::Data)));
    check(0x2006, Some(("@fast@4", 0x2004, None, SymbolKind::Data)));
}

#[test]
fn sections_and_objects_are_told() {
    let map = GnuMap::read("app.map", TEXT.as_bytes());
    let sections: Vec<_> = map.sections.iter().map(|section| (&*section.name, section.rva.0, section.size)).collect();
    assert_eq!(sections, [(".text", 0x1000, 0x200), (".data", 0x2000, 0x10)]);
    let inputs: Vec<_> = map.inputs.iter().map(|input| (&*input.name, &*input.object, input.rva.0)).collect();
    assert_eq!(inputs[2], (".text$_ZN3geo5ShapeC2Ev", "app.o", 0x10a0));
    assert_eq!(inputs.len(), 4);
    assert_eq!((map.image_base(), map.machine()), (Some(Va(0x40_0000)), Some(Machine::X86)));
    assert_eq!((map.image.as_deref(), map.problems()), (Some("app.exe"), &[][..]));
    let mut count = 0;
    map.visit(&mut |_| {
        count += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(count, 8, "nothing that was thrown away, no mark of debug information");
}

#[test]
fn underscores_that_are_there_stay() {
    let text = TEXT.replace("mainCRTStartup", "_mainCRTStartup").replace("geo::Shape::Shape()", "__ZN3geo5ShapeC2Ev");
    let map = GnuMap::read("app.map", text.as_bytes());
    assert_eq!(&*map.symbol_at(Rva(0x1010)).unwrap().name, "_mainCRTStartup");
    assert_eq!(&*map.symbol_at(Rva(0x2000)).unwrap().name, "count");
}

#[test]
fn what_is_missing_is_told() {
    let problems = |text: &str| -> Vec<String> {
        GnuMap::read("a.map", text.as_bytes()).problems().iter().map(ToString::to_string).collect()
    };
    let no_base = TEXT.replace("__image_base__", "__other__");
    let cause = "does not say where the image begins, so its addresses mean nothing";
    assert_eq!(problems(&no_base), [format!("a.map: {cause}; a whole map has a line with __image_base__")]);
    let cut = &TEXT[..TEXT.find("Linker script").unwrap()];
    assert_eq!(problems(cut), ["a.map: has no heading 'Linker script and memory map'; the file may be truncated"]);
    let bad = TEXT.replace("0x00402000       0x10 app.o", "0x00402000       zzz app.o");
    assert_eq!(problems(&bad), ["a.map: line 36: size 'zzz' of the section is no hexadecimal number"]);
    assert!(GnuMap::is_map(TEXT.as_bytes()) && GnuMap::is_map(cut.as_bytes()) && !GnuMap::is_map(b"a map\n"));
}

/// The map of a program that the linker wrote, against the symbol table that it wrote.
#[test]
fn a_real_map_agrees_with_the_symbol_table() {
    let map = include_bytes!("../../../../fixtures/symbols/dwarf/gcc-x86-dwarf2.map");
    let image = include_bytes!("../../../../fixtures/symbols/dwarf/gcc-x86-dwarf2.exe");
    let headers = vatlas_images::pe::PeHeaders::read(image).unwrap();
    let table = crate::coff::read("app.exe", &headers, image).unwrap().unwrap();
    let mut known = std::collections::HashSet::new();
    table.visit(&mut |symbol| {
        known.insert((symbol.rva, crate::Name::read(&symbol.name, Machine::X86).full));
        known.insert((symbol.rva, symbol.name.to_string()));
        ControlFlow::Continue(())
    });
    let map = GnuMap::read("app.map", map);
    assert_eq!((map.problems(), map.machine()), (&[][..], Some(Machine::X86)));
    assert_eq!(map.image_base(), Some(Va(headers.image_base)));
    let mut count = 0;
    map.visit(&mut |symbol| {
        let is_certain = matches!(symbol.kind, SymbolKind::Function | SymbolKind::Data);
        // The two demanglers have different words for tables of virtual functions.
        if is_certain && !symbol.name.contains(" for ") {
            assert!(known.contains(&(symbol.rva, symbol.name.to_string())), "{symbol:?}");
            count += 1;
        }
        ControlFlow::Continue(())
    });
    assert_eq!(count, 10);
}
