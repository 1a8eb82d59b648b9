//! Whole maps of our own making, in the forms of the old and of newer linkers.

use super::*;
use crate::{
    module_symbols::ModuleSymbols,
    symbol::SymbolKind,
    symbol_file::{FileKind, Identity},
};

/// A DLL of Windows CE with the rows that the reference gives for BeginPaint, and line numbers.
const CE: &str = r" coredll

 Timestamp is 43210fed (Fri Sep  9 04:30:37 2005)

 Preferred load address is 10000000

 Start         Length     Name                   Class
 0001:00000000 00060000H .text                   CODE
 0002:00000000 00000100H .data                   DATA
 0002:00000100 00000020H .bss                    DATA

  Address         Publics by Value              Rva+Base     Lib:Object

 0000:00000010       _version                   00000010     <absolute>
 0001:00000000       Start                      10001000 f   a.obj
 0001:00013638       GetWindowLongW             10014638 f   coredll_all:twinuser.obj
 0001:00013648       BeginPaint                 10014648 f   coredll_all:twinuser.obj
 0001:000136cc       EndPaint                   100146cc f   coredll_all:twinuser.obj
 0001:00013700       ??1Window@@UAA@XZ          10014700 f i coredll_all:twinuser.obj
 0001:00013740       table_in_code              10014740     coredll_all:twinuser.obj
 0002:00000000       g_first                    10062000     a.obj
 0002:00000104       g_shared                   10062104     <common>

 entry point at        0001:00000000

 Static symbols

 0001:00013690       helper                     10014690 f   coredll_all:twinuser.obj
 0002:00000010       s_count                    10062010     a.obj

Line numbers for .\obj\twinuser.obj(C:\src\twinuser.c) segment .text

   100 0001:00013648   101 0001:00013650   105 0001:00013678   110 0001:00013690
   111 0001:000136a0   200 0001:000136cc

 Exports

  ordinal    name

        1    BeginPaint

FIXUPS: 1020 9 12
";

fn map(text: &str) -> MapFile {
    assert!(MapFile::is_map(text.as_bytes()));
    MapFile::read("coredll.map", text.as_bytes())
}

#[test]
fn the_head_and_the_sections() {
    let map = map(CE);
    assert_eq!(map.problems(), []);
    assert_eq!(map.module, "coredll");
    assert_eq!(map.preferred_base, Some(0x1000_0000));
    assert_eq!(map.origin().identity, Some(Identity::TimeDateStamp(0x4321_0fed)));
    assert_eq!(map.origin().kind, FileKind::MsvcMap);
    assert_eq!(map.entry, Some(Rva(0x1000)));
    assert_eq!(map.absolutes, [Absolute { name: "_version".to_owned(), value: 0x10 }]);
    let sections: Vec<_> =
        map.sections.iter().map(|section| (section.name.as_str(), section.rva.unwrap().0, section.size)).collect();
    assert_eq!(sections, [(".text", 0x1000, 0x6_0000), (".data", 0x6_2000, 0x100), (".bss", 0x6_2100, 0x20)]);
}

#[test]
fn an_address_is_a_name_and_an_offset() {
    let symbols = ModuleSymbols::new(vec![Box::new(map(CE))]);
    let check = |address: u32, expected: &str, kind| {
        let found = symbols.lookup(Rva(address - 0x1000_0000)).unwrap();
        let text = format!("{}+{:#x}", found.symbol.name, found.offset);
        assert_eq!((text.as_str(), found.symbol.kind, found.is_inside), (expected, kind, true));
    };
    check(0x1001_4680, "BeginPaint+0x38", SymbolKind::Function);
    check(0x1001_4647, "GetWindowLongW+0xf", SymbolKind::Function);
    check(0x1001_4690, "helper+0x0", SymbolKind::Function);
    check(0x1001_4700, "??1Window@@UAA@XZ+0x0", SymbolKind::Function);
    check(0x1001_4744, "table_in_code+0x4", SymbolKind::Public);
    check(0x1006_2014, "s_count+0x4", SymbolKind::Data);
    check(0x1006_2104, "g_shared+0x0", SymbolKind::Data);
    assert_eq!(symbols.lookup(Rva(0xfff)), None);
}

#[test]
fn line_numbers_end_with_their_function() {
    let map = map(CE);
    let line = |rva| map.frames_at(Rva(rva)).first().map(|frame| frame.line.clone().unwrap().line);
    assert_eq!(line(0x14647), None);
    assert_eq!(line(0x14648), Some(100));
    assert_eq!(line(0x14677), Some(101));
    assert_eq!(line(0x1468f), Some(105));
    assert_eq!(line(0x146cb), Some(111));
    assert_eq!(line(0x146ff), Some(200));
    assert_eq!(line(0x14700), None, "another function, of which no line is told");
    let frames = map.frames_at(Rva(0x14648));
    assert_eq!(&*frames[0].line.as_ref().unwrap().file, r"C:\src\twinuser.c");
    let function = map.symbol_at(Rva(0x14648)).unwrap();
    let lines: Vec<_> = map.lines_of(&function).iter().map(|(rva, size, line)| (rva.0, *size, line.line)).collect();
    assert_eq!(lines, [(0x14648, 8, 100), (0x14650, 0x28, 101), (0x14678, 0x18, 105)]);
}

#[test]
fn sixty_four_bits() {
    let map = map(" app

 Timestamp is 5952fabf (Tue Jun 27 17:39:27 2017)
 Preferred load address is 0000000140000000
  Address         Publics by Value              Rva+Base               Lib:Object
 0000:00000000       __ImageBase                0000000140000000     <linker-defined>
 0001:00000010       main                       0000000140001010 f   app.obj
");
    assert_eq!(map.problems(), []);
    assert_eq!(&*map.symbol_at(Rva(0x1011)).unwrap().name, "main");
    assert_eq!(&*map.symbol_at(Rva(0x10)).unwrap().name, "__ImageBase");
    assert_eq!(map.absolutes, []);
}

#[test]
fn bad_rows_are_told_and_the_rest_is_kept() {
    let check = |row: &str, expected: &str| {
        let text = CE.replace(" Static symbols\n", &format!(" Static symbols\n{row}\n"));
        let map = map(&text);
        let problems: Vec<_> = map.problems().iter().map(Problem::to_string).collect();
        assert_eq!(problems, [format!("coredll.map: line 27: {expected}")]);
        assert_eq!(&*map.symbol_at(Rva(0x6_2010)).unwrap().name, "s_count");
    };
    check("nonsense", "'nonsense' is no segment and offset");
    check(" 0001:00000000 f 1", "the column Rva+Base is missing");
    check(" 0001:00000000 f 00001000", "address 1000 is not within 4 GB of the base 10000000");
    check(" 0001:00000000 f 10002000", "segment 1 is at 2000 here, but at 1000 before");
    check(" 0007:00001001 f 10000000", "offset 1001 lies before the image");
    check(" entry point at  x", "'x' is no segment and offset");
}

#[test]
fn what_has_no_head_is_no_map() {
    assert!(!MapFile::is_map(b""));
    assert!(!MapFile::is_map(b" Timestamp is 0\n"));
    let map = MapFile::read("a.map", b"hello\n");
    assert_eq!(map.problems()[0].to_string(), "a.map: has no preferred load address");
    assert_eq!(map.symbol_at(Rva(0)), None);
}
