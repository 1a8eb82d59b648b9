//! Texts that nobody would write: no reader panics, and what is found agrees with a plain search.

use proptest::prelude::*;
use std::ops::ControlFlow;
use vatlas_space::Rva;
use vatlas_symbols::{
    FileKind, GnuMap, Listing, MapFile, Origin, Symbol, SymbolFile, SymbolKind, TableBuilder, breakpad, open,
};

const BREAKPAD_WORDS: [&str; 28] = [
    "MODULE",
    "FILE",
    "FUNC",
    "PUBLIC",
    "INLINE",
    "INLINE_ORIGIN",
    "STACK",
    "STACK CFI",
    "STACK CFI INIT",
    "WIN",
    ".cfa:",
    "$esp",
    "+",
    "^",
    ".ra:",
    "INFO",
    "m",
    "0",
    "1",
    "10",
    "1000",
    "ffffffff",
    "123456789abcdef01",
    "name",
    "-1",
    "+5",
    "é",
    "00000000000000000000000000000001a",
];

const MAP_WORDS: [&str; 22] = [
    "Timestamp is ",
    "Preferred load address is ",
    "00400000",
    "0000000140000000",
    "Start Length",
    "Address Publics",
    "Static symbols",
    "entry point at ",
    "Line numbers for ",
    "a.obj(b.c) segment .text",
    "Exports",
    "FIXUPS: ",
    "0001:00000010",
    "0000:00000000",
    "ffff:ffffffff",
    "00401010",
    "_name",
    "f",
    "i",
    "<absolute>",
    "0000001cH",
    "17",
];

const GNU_MAP_WORDS: [&str; 18] = [
    "Linker script and memory map",
    "                0x00400000                        __image_base__ = 0x400000",
    ".text",
    " .text",
    ".data           0x00402000",
    " .text$_ZN3geo5ShapeC2Ev",
    "                0x00401010",
    "                0x00401010       0x20",
    "0x00401000",
    "0xffffffffffffffff",
    "0x",
    " *fill*",
    "main",
    "f@8",
    "PROVIDE (end, .)",
    ". = ALIGN (4)",
    "OUTPUT(",
    "app.exe pei-i386)",
];

const LISTING_WORDS: [&str; 18] = [
    "; 12 : int é;",
    "; Line 13",
    "; File a.c",
    "_f",
    "|f|",
    "PROC",
    "ENDP",
    ".ent",
    ".end",
    "  00000",
    "  0000a",
    "  ffffffff",
    "8b c1",
    "e5d23000",
    "\t00 00",
    "mov eax, 1",
    ".model flat",
    "TTL a.c",
];

fn text(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let line = prop::collection::vec(prop::sample::select(words), 0..9).prop_map(|words| words.join(" "));
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n"))
}

/// Asks everything of a file.
fn ask(file: &dyn SymbolFile) {
    let mut symbols = Vec::new();
    file.visit(&mut |symbol| {
        symbols.push(symbol.clone());
        ControlFlow::Continue(())
    });
    for symbol in symbols {
        assert_eq!(file.symbol_at(symbol.rva).map(|found| found.rva), Some(symbol.rva));
        file.frames_at(symbol.rva);
        file.lines_of(&symbol);
    }
    for rva in [0, 1, 0x1000, u32::MAX] {
        file.frames_at(Rva(rva));
        file.unwind_row_at(Rva(rva));
    }
    assert!(file.problems().len() < 30);
}

fn table(symbols: &[(u32, u32, SymbolKind)]) -> impl SymbolFile {
    let mut builder = TableBuilder::default();
    symbols.iter().for_each(|(rva, size, kind)| builder.symbol(Rva(*rva), *size, &format!("{rva}+{size}"), *kind));
    builder.build(Origin { file: "".into(), kind: FileKind::Breakpad, identity: None })
}

/// The rule of `SymbolFile::symbol_at`, symbol by symbol.
fn is_right(symbols: &[(u32, u32, SymbolKind)], rva: u32, found: Option<&Symbol>) -> bool {
    let covers = |(start, size, _): &&(u32, u32, SymbolKind)| *start <= rva && rva - start < *size;
    let below = |(start, _, _): &&(u32, u32, SymbolKind)| *start <= rva;
    let start = symbols.iter().filter(covers).map(|symbol| symbol.0).max();
    let nearest = symbols.iter().filter(below).map(|symbol| symbol.0).max();
    let Some(found) = found else { return nearest.is_none() };
    let best = symbols.iter().filter(covers).filter(|symbol| Some(symbol.0) == start).map(|symbol| symbol.2).min();
    match best {
        Some(best) => Some(found.rva.0) == start && found.kind == best && found.offset_of(Rva(rva)).is_some(),
        None => Some(found.rva.0) == nearest,
    }
}

proptest! {
    #[test]
    fn breakpad_texts(text in text(&BREAKPAD_WORDS)) {
        ask(&breakpad::read("x.sym", text.as_bytes()));
    }

    #[test]
    fn map_texts(text in text(&MAP_WORDS)) {
        ask(&MapFile::read("x.map", text.as_bytes()));
        let head = " Timestamp is 0\n Preferred load address is 00400000\n Address Publics\n";
        ask(&MapFile::read("x.map", format!("{head}{text}").as_bytes()));
    }

    #[test]
    fn gnu_map_texts(text in text(&GNU_MAP_WORDS)) {
        ask(&GnuMap::read("x.map", text.as_bytes()));
        let head = "Linker script and memory map\n\n                0x00400000      __image_base__ = 0x400000\n";
        ask(&GnuMap::read("x.map", format!("{head}.text  0x00401000  0x1000\n{text}").as_bytes()));
    }

    #[test]
    fn listing_texts(text in text(&LISTING_WORDS)) {
        for text in [text.clone(), format!("f PROC\n; File a.c\n{text}\nf ENDP\n")] {
            let listing = Listing::read("x.cod", text.as_bytes());
            ask(&listing);
            for name in listing.functions() {
                prop_assert!(listing.line_at(name, u32::MAX).is_none() || listing.size_of(name).is_some());
                listing.lines_in(name);
            }
        }
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        ask(&breakpad::read("x", &bytes));
        ask(&MapFile::read("x", &bytes));
        ask(&GnuMap::read("x", &bytes));
        ask(&Listing::read("x", &bytes));
        for start in [&b"MODULE "[..], b"MZ", b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0", b""] {
            if let Ok(file) = open("x", std::sync::Arc::new([start, &bytes].concat())) {
                ask(&*file);
            }
        }
    }

    #[test]
    fn lookups_agree_with_a_plain_search(
        symbols in prop::collection::vec(
            (0..60u32, 0..30u32, prop::sample::select(vec![SymbolKind::Function, SymbolKind::Data, SymbolKind::Public])),
            0..20,
        ),
    ) {
        let table = table(&symbols);
        for rva in 0..100 {
            let found = table.symbol_at(Rva(rva));
            prop_assert!(is_right(&symbols, rva, found.as_ref()), "{rva}: {found:?}");
        }
    }
}
