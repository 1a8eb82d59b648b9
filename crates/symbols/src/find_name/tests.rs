//! Patterns over two files of one module.

use super::*;
use crate::{
    symbol::SymbolKind,
    symbol_file::{FileKind, SymbolFile},
    table::TableBuilder,
};
use proptest::prelude::*;
use suggest::distance;

fn file(kind: FileKind, names: &[(u32, &str)]) -> Box<dyn SymbolFile> {
    let mut builder = TableBuilder::default();
    let symbol = if kind == FileKind::Exports { SymbolKind::Export } else { SymbolKind::Function };
    names.iter().for_each(|(rva, name)| builder.symbol(Rva(*rva), 0, name, symbol));
    Box::new(builder.build(Origin { file: kind.to_string().into(), kind, identity: None }))
}

fn symbols() -> ModuleSymbols {
    let map = [
        (0x300, "_HeapFree@12"),
        (0x100, "_HeapAlloc@12"),
        (0x200, "?draw@Window@app@@QAEXH@Z"),
        (0x400, "@fast@8"),
        (0x500, "??DV@@QAE?AU0@XZ"),
    ];
    ModuleSymbols::new(vec![
        file(FileKind::Exports, &[(0x100, "HeapAlloc"), (0x300, "HeapFree"), (0x600, "HeapSize")]),
        file(FileKind::MsvcMap, &map),
    ])
}

fn check(pattern: &str, ignores_case: bool, expected: &[&str]) {
    let pattern = NamePattern::parse(pattern, ignores_case).unwrap();
    let findings = find(&symbols(), Machine::X86, &pattern, 10);
    let names: Vec<_> = findings.found.iter().map(|found| found.name.plain.as_str()).collect();
    assert_eq!(names, expected, "{pattern:?}");
    assert!(findings.is_complete);
}

#[test]
fn wildcards_fit_whole_names_of_every_form() {
    check("HeapAlloc", false, &["HeapAlloc"]);
    check("Heap*", false, &["HeapAlloc", "HeapFree", "HeapSize"]);
    check("heap*", false, &[]);
    check("heap*", true, &["HeapAlloc", "HeapFree", "HeapSize"]);
    check("_HeapAlloc@*", false, &["HeapAlloc"]);
    check("Heap?ree", false, &["HeapFree"]);
    check("Heap", false, &[]);
    check("app::Window::draw", false, &["app::Window::draw"]);
    check("*draw*", false, &["app::Window::draw"]);
    check("?draw@Window@app@@QAEXH@Z", false, &["app::Window::draw"]);
    check("*__thiscall*(int)", false, &["app::Window::draw"]);
    check("V::operator*", false, &["V::operator*"]);
    check("[a-z]*", false, &[]);
}

#[test]
fn regular_expressions_fit_anywhere() {
    check("/Heap(Free|Size)/", false, &["HeapFree", "HeapSize"]);
    check("/^heap/i", false, &["HeapAlloc", "HeapFree", "HeapSize"]);
    check("/^heap/", true, &["HeapAlloc", "HeapFree", "HeapSize"]);
    check("any!/a.t/", false, &["fast"]);
    check("/a!b/", false, &[]);
}

#[test]
fn the_best_file_tells_a_name() {
    let pattern = NamePattern::parse("HeapAlloc", false).unwrap();
    let findings = find(&symbols(), Machine::X86, &pattern, 10);
    assert_eq!(findings.found[0].origin.kind, FileKind::MsvcMap);
    let pattern = NamePattern::parse("Heap*", false).unwrap();
    let findings = find(&symbols(), Machine::X86, &pattern, 2);
    assert_eq!((findings.found.len(), findings.is_complete), (2, false));
    assert!(find(&symbols(), Machine::X86, &pattern, 3).is_complete);
}

#[test]
fn modules() {
    let check = |pattern: &str, module: &str, expected| {
        let pattern = NamePattern::parse(pattern, false).unwrap();
        assert_eq!(pattern.is_for_module(module), expected, "{module}");
    };
    check("coredll!x", "COREDLL.dll", true);
    check("coredll.dll!x", "coredll.dll", true);
    check("core*!x", "coredll.dll", true);
    check("core!x", "coredll.dll", false);
    check("x", "coredll.dll", true);
    check("!x", "coredll.dll", true);
}

#[test]
fn bad_patterns_say_what_is_wrong() {
    let check = |pattern: &str, expected: &str| {
        let problem = NamePattern::parse(pattern, false).unwrap_err().to_string();
        assert!(problem.starts_with(expected), "{problem}");
    };
    check("", "name pattern: names nothing; ");
    check("coredll!", "name pattern: names nothing; ");
    check("/a(/", "name pattern: 'a(' is no regular expression: unclosed group; ");
    check(&"a".repeat(2000), "name pattern: is longer than 1024 characters");
    check("/(((((.{100}){100}){100}){100}){100})/", "name pattern: '(((((.{100}){100}){100}){100}){100})' is no ");
}

#[test]
fn suggestions_are_near_or_hold_the_name() {
    let check = |wanted, expected: &[&str]| assert_eq!(suggestions(&symbols(), Machine::X86, wanted, 3), expected);
    check("HeapAloc", &["HeapAlloc"]);
    check("heapfree", &["HeapFree"]);
    check("Heap", &["HeapFree", "HeapSize", "HeapAlloc"]);
    check("drew", &["app::Window::draw"]);
    check("Window", &["app::Window::draw"]);
    check("nothing like it", &[]);
    check("He", &[]);
    assert_eq!(NamePattern::parse("mod!Heap*Alloc?", false).unwrap().literal(), "Alloc");
}

/// The textbook definition, exponential.
fn plain_distance(a: &[char], b: &[char]) -> usize {
    match (a, b) {
        ([], rest) | (rest, []) => rest.len(),
        ([x, a_rest @ ..], [y, b_rest @ ..]) if x == y => plain_distance(a_rest, b_rest),
        ([_, a_rest @ ..], [_, b_rest @ ..]) => {
            1 + plain_distance(a_rest, b).min(plain_distance(a, b_rest)).min(plain_distance(a_rest, b_rest))
        }
    }
}

proptest! {
    #[test]
    fn distances_are_those_of_the_definition(a in "[ab]{0,6}", b in "[abc]{0,6}") {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        let expected = plain_distance(&letters(&a), &letters(&b));
        prop_assert_eq!(distance(&a, &b), Some(expected).filter(|distance| *distance <= 2));
    }

    #[test]
    fn no_pattern_is_too_wild(pattern in "[a-z*?/!(){}|\\[\\]\\\\0-9.i]{0,40}") {
        if let Ok(pattern) = NamePattern::parse(&pattern, true) {
            prop_assert!(find(&symbols(), Machine::X86, &pattern, 3).found.len() <= 3);
        }
    }
}
