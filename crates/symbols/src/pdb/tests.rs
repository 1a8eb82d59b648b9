//! The PDBs of `fixtures/symbols/counters`: what they say at every address that matters.

mod c11;
mod frame_rules;
mod small;
mod variables;

use super::{
    addresses::{AddressMap, Piece},
    *,
};
use crate::symbol_file::Identity;
use std::sync::Arc;

const X86: &[u8] = include_bytes!("../../../../fixtures/symbols/counters/counters-x86.pdb");
const X64: &[u8] = include_bytes!("../../../../fixtures/symbols/counters/counters-x64.pdb");

fn open(bytes: &[u8]) -> PdbFile {
    PdbFile::open("counters.pdb", Arc::new(bytes.to_vec())).unwrap()
}

/// The answer for an address: `symbol+offset`, then `function file:line` for every frame.
fn answer(pdb: &PdbFile, rva: u32) -> String {
    let Some(symbol) = pdb.symbol_at(Rva(rva)) else { return "nothing".to_owned() };
    let mut answer = format!("{} {}+{:#x}", symbol.kind, symbol.name, rva - symbol.rva.0);
    if symbol.offset_of(Rva(rva)).is_none() {
        answer.push_str(" (past its end)");
    }
    for frame in pdb.frames_at(Rva(rva)) {
        let line = frame.line.map_or_else(|| "?".to_owned(), |line| format!("{}:{}", line.file, line.line));
        answer.push_str(&format!(" | {} {line}{}", frame.function, if frame.is_inline { " inlined" } else { "" }));
    }
    answer
}

#[track_caller]
fn check(pdb: &PdbFile, rva: u32, expected: &str) {
    assert_eq!(answer(pdb, rva), expected, "{rva:#x}");
}

#[test]
fn functions_lines_and_inlined_functions() {
    let pdb = open(X64);
    check(&pdb, 0x1000, "function entry+0x0 | entry counters.c:31");
    check(&pdb, 0x1011, "function entry+0x11 | entry counters.c:33");
    check(&pdb, 0x1016, "function entry+0x16 | weighted counters.c:26 inlined | entry counters.c:33");
    let nested = |offset, line| {
        let calls = "weighted counters.c:27 inlined | entry counters.c:33";
        format!("function entry+{offset:#x} | clamp counters.h:{line} inlined | {calls}")
    };
    check(&pdb, 0x101e, &nested(0x1e, 16));
    check(&pdb, 0x1025, &nested(0x25, 17));
    check(&pdb, 0x1030, &nested(0x30, 17));
    check(&pdb, 0x1031, "function entry+0x31 | entry counters.c:33");
    check(&pdb, 0x1044, "function entry+0x44 | entry counters.c:34");
    check(&pdb, 0x1045, "function entry+0x45 (past its end)");
    check(&pdb, 0x1050, "function sum_of_values+0x0 | sum_of_values counters.c:16");
    check(&pdb, 0x1080, "function advance_all+0x0 | advance_all advance.c:8");
    let pdb = open(X86);
    check(&pdb, 0x103a, "function entry+0x3a | entry counters.c:34");
    check(&pdb, 0x1040, "function sum_of_values+0x0 | sum_of_values counters.c:16");
}

#[test]
fn data_and_holes() {
    let pdb = open(X64);
    check(&pdb, 0x2008, "public ??_C@_07GCICIJGK@minutes?$AA@+0x0");
    check(&pdb, 0x3000, "data counters+0x0");
    check(&pdb, 0x303f, "data counters+0x3f");
    check(&pdb, 0x3048, "data calls+0x0");
    check(&pdb, 0x304f, "data rounds_done+0x3");
    // Behind what the linker put there; the section is longer in memory than what it has.
    check(&pdb, 0x3050, "data rounds_done+0x4 (past its end)");
    for outside in [0, 0xfff, 0x8000, u32::MAX] {
        check(&pdb, outside, "nothing");
    }
    assert_eq!(pdb.problems(), []);
    assert_eq!(pdb.later_problems(), []);
}

#[test]
fn identity_is_that_of_the_image() {
    let Some(Identity::Guid { guid, age: 1 }) = open(X64).origin.identity else { panic!("no GUID, or another age") };
    // What `llvm-pdbutil dump -summary` prints of the file.
    assert_eq!(guid.to_string(), "6c393872-21af-eddb-4c4c-44205044422e");
}

#[test]
fn every_symbol_is_visited() {
    let mut seen = Vec::new();
    open(X86).visit(&mut |symbol| {
        seen.push(format!("{:x} {:x} {} {}", symbol.rva.0, symbol.size.unwrap_or(0), symbol.kind, symbol.name));
        if &*symbol.name == "_clamped" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let expected = [
        "1000 3b function entry",
        "1040 23 function sum_of_values",
        "1070 66 function advance_all",
        "1000 0 public function _entry",
        "1070 0 public function _advance_all",
        "2000 0 public ??_C@_07GELLIBDG@seconds?$AA@",
        "2008 0 public ??_C@_07GCICIJGK@minutes?$AA@",
        "2010 0 public ??_C@_05LOHOPFFC@hours?$AA@",
        "2016 0 public ??_C@_04IJMHDAOD@days?$AA@",
        "3000 30 data counters",
        "3000 0 public _counters",
        "3030 4 data result",
        "3030 0 public _result",
        "3034 4 data clamped",
        "3034 0 public _clamped",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn lines_of_a_function_cover_it() {
    let pdb = open(X64);
    for rva in [0x1000, 0x1050, 0x1080] {
        let function = pdb.symbol_at(Rva(rva)).unwrap();
        let mut next = rva;
        for (start, size, line) in pdb.lines_of(&function) {
            assert_eq!(start.0, next, "a gap in {}", function.name);
            assert!(line.line > 0 && line.file.ends_with(".c"));
            next += size;
        }
        assert_eq!(next, rva + function.size.unwrap());
    }
}

/// The fixture with bytes replaced behind the first place where `mark` is.
fn patched(mark: &[u8], offset: usize, bytes: &[u8]) -> PdbFile {
    let mut file = X64.to_vec();
    let at = file.windows(mark.len()).position(|window| window == mark).unwrap() + offset;
    file[at..at + bytes.len()].copy_from_slice(bytes);
    open(&file)
}

#[track_caller]
fn check_problem(pdb: &PdbFile, expected: &str) {
    let problems: Vec<String> = pdb.problems().iter().map(ToString::to_string).collect();
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:?} lack {expected:?}");
}

/// Mark and version of the DBI stream.
const DBI: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0x77, 0x09, 0x31, 0x01];

#[test]
fn what_is_odd_is_said() {
    let vc140 = 20_140_508_u32.to_le_bytes();
    check_problem(&patched(&vc140, 0, b"MINI"), "stream 1 (PDB): linked with /DEBUG:FASTLINK");
    check_problem(&patched(&DBI, 56, &[2]), "stream 3 (DBI): private symbols are marked as stripped");
    check_problem(&patched(&DBI, 4, &[1, 0, 0, 0]), "stream 3 (DBI): has the unknown version 1");
    // The first module's sizes of lines: 96 bytes of C11, none of C13.
    let c11 = patched(&DBI, 64 + 40, &[96, 0, 0, 0, 0, 0, 0, 0]);
    check(&c11, 0x1000, "function entry+0x0");
    let problem = c11.later_problems()[0].to_string();
    assert!(problem.contains("is no whole part of the lines"), "{problem}");
    check(&c11, 0x1080, "function advance_all+0x0 | advance_all advance.c:8");
}

#[track_caller]
fn check_refused(bytes: &[u8], expected: &str) {
    let problem = PdbFile::open("a.pdb", Arc::new(bytes.to_vec())).unwrap_err().to_string();
    assert!(problem.starts_with("a.pdb: header: ") && problem.contains(expected), "{problem}");
}

#[test]
fn what_is_no_pdb_is_refused() {
    check_refused(b"", "neither the mark");
    check_refused(b"MZ", "neither the mark");
    check_refused(b"BSJB\x01\0\x01\0", "portable PDB");
    check_refused(&X64[..33], "ends within its header");
    check_refused(&X64[..100], "the directory has");
    let mut odd = X64.to_vec();
    odd[32] = 1;
    check_refused(&odd, "no PDB has blocks of");
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn moved_pieces_are_found_both_ways() {
    // One section of 0x100 bytes at 0x1000.
    let headers = words(&[0, 0, 0x100, 0x1000, 0x100, 0, 0, 0, 0, 0]);
    // Two pieces swapped, 4 bytes inserted between them, an instruction at 0x1008 grown to 6 bytes.
    let omap = [
        0x1000,
        0x1040,
        0x1020,
        0x8000_0000,
        0x1024,
        0x1000,
        0x102c,
        0x1008,
        0x1030,
        0x1008,
        0x1032,
        0x100c,
        0x1040,
        0,
    ];
    let map = AddressMap::new(&headers).with_omap(&words(&omap));
    let pairs = [(0x1000, 0x1040), (0x101f, 0x105f), (0x1024, 0x1000), (0x102d, 0x1009), (0x1031, 0x1009)];
    for (rva, linked) in pairs {
        assert_eq!(map.to_linked(rva), Some(linked), "{rva:#x}");
    }
    assert_eq!(map.to_linked(0x1020), None, "inserted");
    assert_eq!(map.to_linked(0xfff), None, "before the image");
    let piece = |rva, size| Piece { rva, size };
    assert_eq!(map.pieces(0x1040, 0x10), [piece(0x1000, 0x10)]);
    assert_eq!(map.pieces(0x1004, 8), [piece(0x1028, 10)], "the grown instruction is inside");
    assert_eq!(map.pieces(0x1050, 0x10), [piece(0x1010, 0x10)]);
    assert_eq!(map.pieces(0x0800, 0x10), []);
}
