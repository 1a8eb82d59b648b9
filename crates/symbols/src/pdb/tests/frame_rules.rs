//! Rules for leaving frames: those that lld wrote in the fixture, and records of both kinds of our own.

use super::{X64, X86, open};
use crate::{FrameRule, PdbFile, SymbolFile as _, variable::FrameKind};
use std::sync::Arc;
use vatlas_fixtures::pdb::{Pdb, PdbModule, PdbSection};
use vatlas_space::Rva;

#[test]
fn of_a_linker() {
    let pdb = open(X86);
    // As `llvm-pdbutil dump -fpo` prints them.
    let rule = pdb.frame_rule_at(Rva(0x1080)).unwrap();
    let expected = FrameRule {
        start: Rva(0x1072),
        size: 0x64,
        kind: FrameKind::Standard,
        locals_size: 0,
        parameters_size: 4,
        saved_size: 8,
        prologue_size: 0,
        max_stack: Some(0),
        has_seh: false,
        has_cpp_eh: false,
        is_function_start: false,
        uses_ebp: false,
        program: Some("$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + = $edi $T0 4 - ^ = $esi $T0 8 - ^ = ".to_owned()),
    };
    assert_eq!(rule, expected);
    let first = pdb.frame_rule_at(Rva(0x1070)).unwrap();
    assert_eq!((first.start, first.saved_size, first.is_function_start), (Rva(0x1070), 0, true));
    assert_eq!(pdb.frame_rule_at(Rva(0xfff)), None);
    assert_eq!(open(X64).frame_rule_at(Rva(0x1000)), None);
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// start, size, words of locals, words of parameters, bytes of the prologue, registers and flags
fn fpo(start: u32, size: u32, bits: u8) -> Vec<u8> {
    [words(&[start, size, 3]), vec![2, 0, 5, bits]].concat()
}

/// start, size, locals, parameters, stack, program, prologue, saved registers, flags
fn frame_data(start: u32, size: u32, program: u32, flags: u32) -> Vec<u8> {
    [words(&[start, size, 16, 8, 24, program]), vec![6, 0, 4, 0], words(&[flags])].concat()
}

fn sample() -> Pdb {
    let sections = vec![PdbSection { name: ".text", rva: 0x1000, size: 0x200 }];
    let module = PdbModule { name: "a.obj".to_owned(), ..PdbModule::default() };
    let names = vec!["$T0 $ebp =".to_owned()];
    let mut pdb = Pdb { machine: 0x14c, sections, modules: vec![module], names, ..Pdb::default() };
    let program = pdb.name_offset(0);
    pdb.fpo = [fpo(0x1000, 0x40, 2 | 8 | 0x10), fpo(0x1040, 0x10, 0x40), fpo(0x1060, 0x20, 0xc0)].concat();
    let rules = [
        frame_data(0x1008, 0x20, program, 1),
        frame_data(0x100c, 8, program, 2),
        frame_data(0x1060, 0x20, program, 4),
        frame_data(0x1090, 0x10, 0, 4),
    ];
    pdb.frame_data = rules.concat();
    pdb
}

fn open_sample(pdb: &Pdb) -> PdbFile {
    PdbFile::open("a.pdb", Arc::new(pdb.version_7())).unwrap()
}

/// `start size kind program`, flags by their letters.
fn text(rule: &FrameRule) -> String {
    let flags = [(rule.has_seh, 's'), (rule.has_cpp_eh, 'c'), (rule.is_function_start, 'f'), (rule.uses_ebp, 'b')];
    let flags: String = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, letter)| *letter).collect();
    let program = rule.program.as_deref().unwrap_or("no program");
    format!("{:#x} {:#x} {:?} {flags} {program}", rule.start.0, rule.size, rule.kind)
}

#[track_caller]
fn check(pdb: &PdbFile, rva: u32, expected: &str) {
    let rule = pdb.frame_rule_at(Rva(rva));
    assert_eq!(rule.as_ref().map_or("none".to_owned(), text), expected, "{rva:#x}");
}

#[test]
fn the_narrowest_rule() {
    let pdb = open_sample(&sample());
    check(&pdb, 0x0fff, "none");
    check(&pdb, 0x1000, "0x1000 0x40 Fpo sfb no program");
    check(&pdb, 0x1008, "0x1008 0x20 Standard s $T0 $ebp =");
    check(&pdb, 0x100c, "0x100c 0x8 Standard c $T0 $ebp =");
    check(&pdb, 0x1014, "0x1008 0x20 Standard s $T0 $ebp =");
    check(&pdb, 0x1028, "0x1000 0x40 Fpo sfb no program");
    check(&pdb, 0x1040, "0x1040 0x10 Trap f no program");
    check(&pdb, 0x1050, "none");
    // Of two for the same code that with a program.
    check(&pdb, 0x1060, "0x1060 0x20 Standard f $T0 $ebp =");
    check(&pdb, 0x1090, "0x1090 0x10 Standard f no program");
    let rule = pdb.frame_rule_at(Rva(0x1000)).unwrap();
    let sizes = (rule.locals_size, rule.parameters_size, rule.saved_size, rule.prologue_size, rule.max_stack);
    assert_eq!(sizes, (12, 8, 8, 5, None));
    let rule = pdb.frame_rule_at(Rva(0x1008)).unwrap();
    let sizes = (rule.locals_size, rule.parameters_size, rule.saved_size, rule.prologue_size, rule.max_stack);
    assert_eq!(sizes, (16, 8, 4, 6, Some(24)));
    assert_eq!(pdb.later_problems(), []);
}

#[test]
fn rules_follow_code_that_was_moved() {
    let mut pdb = sample();
    // The middle of the second rule went to 0x1100, within its prologue.
    pdb.omap = vec![(0x1000, 0x1000), (0x100a, 0), (0x1020, 0x1020), (0x1100, 0x100a), (0x1116, 0)];
    let pdb = open_sample(&pdb);
    check(&pdb, 0x1008, "0x1008 0x2 Standard s $T0 $ebp =");
    check(&pdb, 0x100a, "none");
    check(&pdb, 0x1100, "0x1100 0x16 Standard s $T0 $ebp =");
    check(&pdb, 0x1102, "0x1102 0x8 Standard c $T0 $ebp =");
    let prologues = [0x1008, 0x1100, 0x1020].map(|rva| pdb.frame_rule_at(Rva(rva)).unwrap().prologue_size);
    assert_eq!(prologues, [2, 4, 0]);
}

#[test]
fn a_record_that_is_cut_off_costs_itself() {
    let mut pdb = sample();
    pdb.fpo.truncate(40);
    let pdb = open_sample(&pdb);
    check(&pdb, 0x1040, "0x1040 0x10 Trap f no program");
    let problem = pdb.later_problems()[0].to_string();
    let expected = "a.pdb: stream 8 (FPO_DATA), offset 0x20: the last record is cut off";
    assert!(problem.starts_with(expected), "{problem}");
}
