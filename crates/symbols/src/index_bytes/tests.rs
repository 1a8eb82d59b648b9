//! Tables that were kept say the same as those that were read, and made-up bytes never panic.

use super::*;
use crate::{
    GnuMap, MapFile, Symbol, SymbolFile, SymbolTable, breakpad,
    symbol::{Frame, SourceLine},
};
use std::ops::ControlFlow;
use vatlas_space::Rva;

const BREAKPAD: &str = "MODULE windows x86 00112233445566778899AABBCCDDEEFFa app.pdb
FILE 0 c:\\src\\äpp.c
FILE 7 c:\\src\\add.h
INLINE_ORIGIN 3 add(int, int)
FUNC m 1000 30 8 app::main(int, char**)
INLINE 0 11 0 3 1008 8 1020 4
1000 8 10 0
1008 8 20 7
1010 10 12 0
FUNC fffffff0 20 0 last
PUBLIC 1080 c behind
no record
STACK WIN 4 1000 30 2 0 8 c 10 4 1 $T0 .raSearch =
STACK WIN 0 1040 10 0 0 0 0 0 0 0 1
STACK CFI INIT 1000 30 .cfa: $esp 4 + .ra: .cfa 4 - ^
STACK CFI 1001 .cfa: $esp 8 +
STACK OTHER 1
";

const MAP: &str = " app

 Timestamp is 49f00000 (x)

 Preferred load address is 00400000

 Start         Length     Name                   Class
 0001:00000000 00001000H .text                   CODE

  Address         Publics by Value              Rva+Base     Lib:Object

 0001:00000010       _f@8                       00401010 f   a.obj
 0001:00000040       _g                         00401040 f   a.obj
 damaged
Line numbers for a.obj(C:\\src\\a.c) segment .text

    7 0001:00000010     8 0001:00000014
";

const GNU: &str = "Linker script and memory map

                0x00400000                        __image_base__ = 0x400000
.text           0x00401000     0x1a00
 .text          0x00401010      0x160 app.o
                0x00401018                main
OUTPUT(app.exe pei-x86-64)
";

type Line = (Rva, u32, SourceLine);
type Answers = (Vec<Symbol>, Vec<Vec<Line>>, Vec<(Option<Symbol>, Vec<Frame>)>);

/// All that a file answers around its symbols.
fn answers(file: &dyn SymbolFile) -> Answers {
    let mut symbols = Vec::new();
    file.visit(&mut |symbol| {
        symbols.push(symbol.clone());
        ControlFlow::Continue(())
    });
    let ends = symbols.iter().flat_map(|symbol| [symbol.rva.0, symbol.rva.0.saturating_add(9)]);
    let places = ends.chain([0, 0x1001, 0x1009, 0x1041, u32::MAX]);
    let lookups = places.map(|rva| (file.symbol_at(Rva(rva)), file.frames_at(Rva(rva)))).collect();
    let lines = symbols.iter().map(|symbol| file.lines_of(symbol)).collect();
    (symbols, lines, lookups)
}

fn is_same(one: &dyn SymbolFile, other: &dyn SymbolFile) -> bool {
    let rules = |file: &dyn SymbolFile| -> Vec<_> {
        let places = [0x1000, 0x1001, 0x1041, 0x2000].map(Rva);
        places.map(|rva| (file.frame_rule_at(rva), file.unwind_row_at(rva))).into()
    };
    let facts =
        |file: &dyn SymbolFile| (file.origin().clone(), file.problems().to_vec(), file.machine(), file.image_base());
    answers(one) == answers(other) && rules(one) == rules(other) && facts(one) == facts(other)
}

fn files(name: &str) -> Vec<Box<dyn SymbolFile>> {
    let breakpad = breakpad::read(name, BREAKPAD.as_bytes());
    assert!(breakpad.frame_rule_at(Rva(0x1000)).is_some() && breakpad.unwind_row_at(Rva(0x1001)).is_some());
    let (map, gnu) = (MapFile::read(name, MAP.as_bytes()), GnuMap::read(name, GNU.as_bytes()));
    assert!(map.machine().is_some() && gnu.machine().is_some() && !map.problems().is_empty());
    vec![Box::new(breakpad), Box::new(map), Box::new(gnu)]
}

fn open(name: &str, bytes: Vec<u8>) -> Option<SymbolTable> {
    SymbolTable::open(name, Arc::new(bytes), b"key")
}

#[test]
fn what_was_kept_says_the_same() {
    for (file, renamed) in files("a.sym").iter().zip(files("other/b.sym")) {
        let bytes = file.table().unwrap().write(b"key").unwrap();
        assert!(is_same(&**file, &open("a.sym", bytes.clone()).unwrap()));
        assert!(is_same(&*renamed, &open("other/b.sym", bytes.clone()).unwrap()), "the file has its name of today");
        assert!(SymbolTable::open("a.sym", Arc::new(bytes), b"another key").is_none());
    }
}

#[test]
fn damage_is_found_wherever_it_is() {
    for file in files("a.sym") {
        let whole = file.table().unwrap().write(b"key").unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            assert!(open("a.sym", bytes).is_none(), "byte {at}");
            assert!(open("a.sym", whole[..at].to_vec()).is_none(), "cut at {at}");
        }
        assert!(open("a.sym", [&whole[..], &[0]].concat()).is_none());
    }
}

/// Bytes whose checksum is right and whose content is not.
#[test]
fn made_up_bytes_never_panic() {
    let mut opened = 0;
    for file in files("a.sym") {
        let whole = file.table().unwrap().write(b"key").unwrap();
        for at in CHECKED..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                let sum = checksum(&bytes[CHECKED..]);
                bytes[24..CHECKED].copy_from_slice(&sum.to_le_bytes());
                if let Some(table) = open("a.sym", bytes) {
                    answers(&table);
                    for rva in [0x1000, 0x1001, 0x1041] {
                        table.frame_rule_at(Rva(rva));
                        table.unwind_row_at(Rva(rva));
                    }
                    opened += 1;
                }
            }
        }
    }
    assert!(opened > 1000, "{opened}");
}

#[test]
fn the_sum_depends_on_every_byte_and_the_length() {
    let bytes: Vec<u8> = (0..100).collect();
    let mut sums: Vec<u64> = (0..=100).map(|end| checksum(&bytes[..end])).collect();
    sums.extend((0..100).map(|at| {
        let mut other = bytes.clone();
        other[at] ^= 1;
        checksum(&other)
    }));
    sums.push(checksum(&[0; 7]));
    sums.push(checksum(&[0; 8]));
    let count = sums.len();
    sums.sort_unstable();
    sums.dedup();
    assert_eq!(sums.len(), count);
}
