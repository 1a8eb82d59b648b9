//! Addresses of test processes and the names that they get.

use super::*;
use crate::testing::TestTarget;
use vatlas_space::{LayoutName, OsFamily, PointerWidth, ProcessIndex};
use vatlas_symbols::{FileKind, Identity, Origin, SymbolKind, SymbolTable, TableBuilder};

/// The same symbols for every module: a function of 0x40 bytes at 0x1000 with two lines, data behind it.
pub(crate) struct Everywhere(Rc<ModuleSymbols>);

impl SymbolProvider for Everywhere {
    fn symbols(&self, _module: &Module) -> Rc<ModuleSymbols> {
        Rc::clone(&self.0)
    }
}

fn table() -> SymbolTable {
    let mut builder = TableBuilder::default();
    builder.symbol(Rva(0x1000), 0x40, "_draw@8", SymbolKind::Function);
    builder.symbol(Rva(0x3000), 0, "_count", SymbolKind::Data);
    let file = builder.file(r"C:\src\window.c");
    builder.line(Rva(0x1000), 0x10, file, 12);
    builder.line(Rva(0x1010), 0x30, file, 14);
    let identity = Some(Identity::TimeDateStamp(1));
    let origin = Origin { file: "app.map".into(), kind: FileKind::MsvcMap, identity };
    builder.build(origin).with_machine(Some(Machine::X86))
}

/// A provider with these symbols.
pub(crate) fn everywhere() -> Everywhere {
    Everywhere(Rc::new(ModuleSymbols::new(vec![Box::new(table())])))
}

fn check(target: &TestTarget, va: u64, expected: Option<&str>) {
    let provider = everywhere();
    let target: &dyn Target = target;
    let symbolizer = Symbolizer::new(&provider, target, &target.processes()[0]);
    assert_eq!(symbolizer.text(Va(va)).as_deref(), expected, "{va:#x}");
}

#[test]
fn a_name_has_module_offset_and_line() {
    let target = TestTarget::new(PointerWidth::Bits32).module(r"C:\app\app.exe", 0x40_0000, 0x8000);
    check(&target, 0x40_1000, Some("app!draw (window.c:12)"));
    check(&target, 0x40_1012, Some("app!draw+0x12 (window.c:14)"));
    check(&target, 0x40_3004, Some("app!count+0x4"));
    check(&target, 0x40_1040, None);
    check(&target, 0x40_0fff, None);
    check(&target, 0x50_0000, None);
}

#[test]
fn a_far_symbol_is_no_answer() {
    let target = TestTarget::new(PointerWidth::Bits32).module("app.exe", 0x40_0000, 0x100_0000);
    check(&target, 0x40_3000 + 0xffff, Some("app!count+0xffff"));
    check(&target, 0x40_3000 + 0x1_0000, None);
    let provider = everywhere();
    let symbolizer = Symbolizer::new(&provider, &target, &target.processes()[0]);
    let answer = symbolizer.at(Va(0x50_0000)).unwrap();
    assert!(!answer.lookup.is_inside);
    assert_eq!(answer.text(), "app+0x100000");
    let last = answer.steps.last().unwrap();
    assert_eq!(last.finding, "data count at app+0x3000 is the nearest below it, but 0xfd000 bytes away: no answer");
    assert_eq!(last.source.to_string(), "app.map (linker map)");
}

#[test]
fn slot_addresses_are_reduced_on_windows_ce() {
    let ce =
        |layout| TestTarget::new(PointerWidth::Bits32).layout(layout).module(r"\Windows\app.exe", 0x1_0000, 0x8000);
    for layout in [LayoutName::Ce3, LayoutName::Ce4, LayoutName::Ce5, LayoutName::Wm6] {
        check(&ce(layout), 0x0001_1012, Some("app!draw+0x12 (window.c:14)"));
        check(&ce(layout), 0x0401_1012, Some("app!draw+0x12 (window.c:14)"));
        check(&ce(layout), 0x4001_1012, Some("app!draw+0x12 (window.c:14)"));
        // Slot 1 holds DLLs of the ROM, and above slot 32 there is no process.
        check(&ce(layout), 0x0201_1012, None);
        check(&ce(layout), 0x4201_1012, None);
    }
    check(&ce(LayoutName::Ce6), 0x0401_1012, None);
    check(&ce(LayoutName::Nt32), 0x0401_1012, None);
    let target = ce(LayoutName::Ce5);
    let provider = everywhere();
    let symbolizer = Symbolizer::new(&provider, &target, &target.processes()[0]);
    let steps = symbolizer.at(Va(0x0401_1012)).unwrap().steps;
    assert_eq!(steps[0].finding, "0x04011012 is 0x00011012 of the process in slot 2");
}

#[test]
fn an_explanation_names_what_it_mentions() {
    use crate::{explain::explain_named, location::locate};
    // A pointer to code, then code that calls it.
    let mut code = 0x40_1000u32.to_le_bytes().to_vec();
    code.extend(b"\xe8\xf7\x1f\x00\x00\xc3");
    let target = TestTarget::new(PointerWidth::Bits32)
        .host(OsFamily::Windows, [5, 1, 2600], Machine::X86)
        .layout(LayoutName::Nt32)
        .module("app.exe", 0x40_0000, 0x8000)
        .captured(0x40_1000, &code);
    let index = target.index();
    let location = locate(&target, index.process(), None, "401004").unwrap();
    let explanation = explain_named(&target, &index, &location, &everywhere());
    assert_eq!(explanation.symbol.unwrap().text(), "app!draw+0x4");
    let names: Vec<_> = explanation.names.into_iter().collect();
    assert_eq!(names, [(Va(0x40_3000), "app!count".to_owned())]);
    assert!(explanation.steps.iter().any(|step| step.finding.contains("covers it: 0x4 of 0x40 bytes")));
}

#[test]
fn a_function_is_listed_line_by_line() {
    use crate::listing::{function_at, functions, listing};
    use vatlas_symbols::NamePattern;
    let mut code = vec![0x90; 0x10];
    code.extend(b"\xe8\xeb\xff\xff\xff\xc3");
    let target = TestTarget::new(PointerWidth::Bits32).module("app.exe", 0x40_0000, 0x8000).captured(0x40_1000, &code);
    let provider = everywhere();
    let process = &target.processes()[0];
    let symbolizer = Symbolizer::new(&provider, &target, process);
    let named = functions(&symbolizer, process, &NamePattern::parse("app!dr?w", false).unwrap());
    assert_eq!(named, [function_at(&symbolizer, Va(0x40_1020)).unwrap()]);
    assert_eq!(functions(&symbolizer, process, &NamePattern::parse("count", false).unwrap()), [], "no function");
    let listing = listing(&symbolizer, &named[0], target.space(ProcessIndex(0)));
    let pieces = listing.pieces.iter().map(|piece| {
        let line = piece.line.as_ref().map(|line| line.line);
        (piece.va.0, piece.size, line, piece.instructions.len(), piece.targets.first().cloned().flatten())
    });
    let call = Some("app!draw".to_owned());
    assert_eq!(
        pieces.collect::<Vec<_>>(),
        [(0x40_1000, 0x10, Some(12), 0x10, None), (0x40_1010, 0x30, Some(14), 2, call)]
    );
}
