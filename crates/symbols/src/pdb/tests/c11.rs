//! Lines in the C11 form, in PDBs of our own writer.

use super::{check, check_problem};
use crate::{LineRecord, PdbFile, SymbolFile as _};
use std::{ops::ControlFlow, sync::Arc};
use vatlas_fixtures::{
    c11::{C11, C11Range},
    codeview::{end, old_procedure, procedure},
    pdb::{Pdb, PdbModule, PdbSection},
};
use vatlas_space::Rva;

fn range(section: u16, first: u32, last: u32, lines: &[(u32, u16)]) -> C11Range {
    C11Range { section, first, last, lines: lines.to_vec() }
}

/// Two functions; the first with code of a header in its middle, in a piece that the file's own range encloses.
fn lines() -> C11 {
    let own = range(1, 0, 0x2f, &[(0, 10), (4, 11), (4, 12), (0x18, 14), (0x28, 15)]);
    let later = range(1, 0x40, 0x4f, &[(0x40, 20), (0x4c, 22)]);
    // Not sorted, outside of its range, and of no section.
    let odd = range(1, 0x50, 0x5f, &[(0x58, 31), (0x50, 30), (0x70, 32)]);
    C11::default()
        .file("C:\\ce\\own.cpp", vec![own, later, odd])
        .file("C:\\ce\\inline.h", vec![range(1, 0x10, 0x17, &[(0x10, 7), (0x14, 8)])])
        .file("C:\\ce\\gone.h", vec![range(0, 0, 3, &[(0, 1)]), range(1, 0x60, 0x5f, &[])])
}

const FUNCTIONS: [((u16, u32, u32), &str); 4] =
    [((1, 0, 0x30), "first"), ((1, 0x40, 0x10), "second"), ((1, 0x50, 0x10), "third"), ((1, 0x70, 8), "fourth")];

/// Writes a function's record.
type WriteProcedure = fn(u32, (u16, u32, u32), &str) -> Vec<u8>;

fn sample(procedure: WriteProcedure, c11: Vec<u8>) -> Pdb {
    let symbols = FUNCTIONS.iter().flat_map(|(place, name)| [procedure(0, *place, name), end()].concat()).collect();
    let pieces = vec![(1, 0, 0x30), (1, 0x40, 0x10), (1, 0x50, 0x10), (1, 0x70, 8)];
    let module = PdbModule { name: "own.obj".to_owned(), symbols, c11, c13: Vec::new(), pieces };
    let sections = vec![PdbSection { name: ".text", rva: 0x1000, size: 0x200 }];
    Pdb { machine: 0x1c2, sections, modules: vec![module], ..Pdb::default() }
}

fn version_7() -> Pdb {
    sample(procedure, lines().zero_terminated())
}

fn version_2() -> Pdb {
    sample(old_procedure, lines().counted())
}

fn open(bytes: Vec<u8>) -> PdbFile {
    PdbFile::open("ce.pdb", Arc::new(bytes)).unwrap()
}

#[test]
fn addresses_have_lines() {
    for file in [version_7().version_7(), version_2().version_2()] {
        let pdb = open(file);
        check(&pdb, 0x1000, "function first+0x0 | first C:\\ce\\own.cpp:10");
        check(&pdb, 0x1003, "function first+0x3 | first C:\\ce\\own.cpp:10");
        // Of two records of one offset the second has the code.
        check(&pdb, 0x1004, "function first+0x4 | first C:\\ce\\own.cpp:12");
        check(&pdb, 0x1010, "function first+0x10 | first C:\\ce\\inline.h:7");
        check(&pdb, 0x1017, "function first+0x17 | first C:\\ce\\inline.h:8");
        check(&pdb, 0x1018, "function first+0x18 | first C:\\ce\\own.cpp:14");
        // The last byte of a range is the line's too.
        check(&pdb, 0x102f, "function first+0x2f | first C:\\ce\\own.cpp:15");
        check(&pdb, 0x104f, "function second+0xf | second C:\\ce\\own.cpp:22");
        check(&pdb, 0x1057, "function third+0x7 | third C:\\ce\\own.cpp:30");
        check(&pdb, 0x105f, "function third+0xf | third C:\\ce\\own.cpp:31");
        // A record outside of its range has no code.
        check(&pdb, 0x1070, "function fourth+0x0");
        assert_eq!(pdb.problems(), []);
        assert_eq!(pdb.later_problems(), []);
    }
}

#[test]
fn an_end_behind_the_code_is_none_of_it() {
    let lines = C11::default().file("a.c", vec![range(1, 0, 0x30, &[(0, 1)])]);
    let mut pdb = sample(procedure, lines.zero_terminated());
    // The next function follows without a gap.
    let symbols = [procedure(0, (1, 0, 0x30), "first"), end(), procedure(0, (1, 0x30, 8), "next"), end()].concat();
    pdb.modules[0].symbols = symbols;
    let without_pieces =
        Pdb { modules: vec![PdbModule { pieces: Vec::new(), ..pdb.modules[0].clone() }], ..pdb.clone() };
    let pdb = open(pdb.version_7());
    check(&pdb, 0x102f, "function first+0x2f | first a.c:1");
    check(&pdb, 0x1030, "function next+0x0");
    check(&open(without_pieces.version_7()), 0x102f, "function first+0x2f | first a.c:1");
}

#[test]
fn a_range_that_is_not_told_ends_with_its_piece() {
    let lines = C11::default().file("a.c", vec![range(1, 0, 0, &[(0x40, 1), (0x48, 2)])]);
    let pdb = open(sample(procedure, lines.zero_terminated()).version_7());
    check(&pdb, 0x1047, "function second+0x7 | second a.c:1");
    check(&pdb, 0x104f, "function second+0xf | second a.c:2");
    check(&pdb, 0x1050, "function third+0x0");
}

#[test]
fn lines_of_a_function_follow_each_other() {
    let pdb = open(version_7().version_7());
    let function = pdb.symbol_at(Rva(0x1000)).unwrap();
    let lines: Vec<_> = pdb.lines_of(&function).into_iter().map(|(rva, size, line)| (rva.0, size, line.line)).collect();
    let expected =
        [(0x1000, 4, 10), (0x1004, 12, 12), (0x1010, 4, 7), (0x1014, 4, 8), (0x1018, 16, 14), (0x1028, 8, 15)];
    assert_eq!(lines, expected);
}

#[test]
fn lines_follow_code_that_was_moved() {
    let mut pdb = version_7();
    // The second function went to 0x1100; what was behind it stayed.
    pdb.omap = vec![(0x1000, 0x1000), (0x1040, 0), (0x1050, 0x1050), (0x1100, 0x1040), (0x1110, 0)];
    let pdb = open(pdb.version_7());
    check(&pdb, 0x110c, "function second+0xc | second C:\\ce\\own.cpp:22");
    check(&pdb, 0x1040, "nothing");
    check(&pdb, 0x1050, "function third+0x0 | third C:\\ce\\own.cpp:30");
    let function = pdb.symbol_at(Rva(0x1100)).unwrap();
    assert_eq!(
        pdb.lines_of(&function).iter().map(|line| (line.0.0, line.1)).collect::<Vec<_>>(),
        [(0x1100, 12), (0x110c, 4)]
    );
}

/// Every record as `section:offset file line`, up to one that contains `stop`.
fn records(pdb: &PdbFile, stop: &str) -> Vec<String> {
    let mut records = Vec::new();
    pdb.visit_line_records(&mut |record: &LineRecord<'_>| {
        let LineRecord { module, file, section, offset, line } = record;
        let text = format!("{module} {section}:{offset:x} {file} {line}");
        let is_last = text.contains(stop);
        records.push(text);
        if is_last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    records
}

#[test]
fn every_record_is_listed_as_it_is() {
    let expected = [
        "0 1:0 C:\\ce\\own.cpp 10",
        "0 1:4 C:\\ce\\own.cpp 11",
        "0 1:4 C:\\ce\\own.cpp 12",
        "0 1:18 C:\\ce\\own.cpp 14",
        "0 1:28 C:\\ce\\own.cpp 15",
        "0 1:40 C:\\ce\\own.cpp 20",
        "0 1:4c C:\\ce\\own.cpp 22",
        "0 1:58 C:\\ce\\own.cpp 31",
        "0 1:50 C:\\ce\\own.cpp 30",
        "0 1:70 C:\\ce\\own.cpp 32",
        "0 1:10 C:\\ce\\inline.h 7",
        "0 1:14 C:\\ce\\inline.h 8",
        "0 0:0 C:\\ce\\gone.h 1",
    ];
    for file in [version_7().version_7(), version_2().version_2()] {
        assert_eq!(records(&open(file), "no such"), expected);
    }
    assert_eq!(records(&open(version_7().version_7()), "own.cpp 12"), expected[..3]);
}

#[test]
fn lines_of_today_are_listed_too() {
    let pdb = open(super::X64.to_vec());
    let records = records(&pdb, "no such");
    // What `llvm-pdbutil dump -l` prints of the file.
    assert_eq!(records.len(), 19);
    assert_eq!(records[0], "0 1:0 counters.c 31");
}

#[test]
fn damage_costs_what_is_damaged() {
    let mut pdb = version_7();
    let c11 = &mut pdb.modules[0].c11;
    // Three files, three offsets from 4 on: that of the second lies outside.
    c11[8..12].copy_from_slice(&0x1_0000_u32.to_le_bytes());
    let damaged = open(pdb.version_7());
    check(&damaged, 0x1000, "function first+0x0 | first C:\\ce\\own.cpp:10");
    check(&damaged, 0x1014, "function first+0x14 | first C:\\ce\\own.cpp:12");
    let start = pdb.modules[0].symbols.len() + 4;
    let problem = damaged.later_problems()[0].to_string();
    let place = format!("ce.pdb: stream 11 (module 0), offset {:#x}: ", start + 0x1_0000);
    assert!(problem.starts_with(&place), "{problem}");
    assert_eq!(damaged.later_problems().len(), 1);

    // Cut off within the lines of the last file but one: what is there counts.
    let mut pdb = version_7();
    let at = pdb.modules[0].c11.windows(4).position(|bytes| bytes == [7, 0, 8, 0]).unwrap();
    pdb.modules[0].c11.truncate(at + 2);
    let damaged = open(pdb.version_7());
    check(&damaged, 0x1013, "function first+0x13 | first C:\\ce\\inline.h:7");
    check(&damaged, 0x1014, "function first+0x14 | first C:\\ce\\inline.h:7");
    assert_eq!(records(&damaged, "no such").len(), 11);
    check_later_problem(&damaged, "is no whole part of the lines; the others are used");
}

#[test]
fn a_block_that_is_used_again_and_again_has_an_end() {
    let lines: Vec<_> = (0..10_000).map(|offset| (offset, 1)).collect();
    let mut block = C11::default().file("a.c", vec![range(1, 0, 0x1ff, &lines)]).zero_terminated();
    // 65535 files at one place, which the offsets of lines at the end of the block are taken for.
    block[0..2].copy_from_slice(&u16::MAX.to_le_bytes());
    let at = block[4..8].to_vec();
    for file in 1..10_000 {
        let place = 4 + 4 * file;
        if place + 4 > block.len() {
            break;
        }
        if place > 100 {
            block[place..place + 4].copy_from_slice(&at);
        }
    }
    let pdb = open(sample(procedure, block.clone()).version_7());
    assert!(records(&pdb, "no such").len() < 8 * block.len());
    check_later_problem(&pdb, "is no whole part of the lines");
}

#[track_caller]
fn check_later_problem(pdb: &PdbFile, expected: &str) {
    pdb.symbol_at(Rva(0x1000));
    let problems: Vec<String> = pdb.later_problems().iter().map(ToString::to_string).collect();
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:?} lack {expected:?}");
}

#[test]
fn a_pdb_with_such_lines_is_no_odd_one() {
    let pdb = open(version_7().version_7());
    assert_eq!(pdb.problems(), []);
    let stripped = Pdb { modules: Vec::new(), ..version_7() };
    check_problem(&open(stripped.version_7()), "private symbols are stripped");
}
