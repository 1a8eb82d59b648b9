//! Fuzz target: a file of symbols of any kind, and every question that one can be asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::{ops::ControlFlow, sync::Arc};
use vatlas_space::{Machine, Rva};
use vatlas_symbols::{
    ModuleSymbols, Name, NamePattern, PdbFile, Symbol, SymbolFile, TypeId, Types,
    cfi::{CfaRule, RegisterRule, UnwindRow},
    open, suggestions,
    type_text::{declaration, size_of},
    types::Type,
};

/// Symbols, types and constants that are asked about: a file of some kilobytes can claim many.
const MOST: usize = 300;

fuzz_target!(|input: &[u8]| {
    // The last bytes say where to ask; no kind of file is harmed by a few more at its end.
    let (bytes, place) = input.split_last_chunk::<4>().unwrap_or((input, &[0; 4]));
    let place = u32::from_le_bytes(*place);
    match open("fuzz", Arc::new(bytes.to_vec())) {
        Ok(file) => ask(&*file, place),
        Err(problem) => return assert!(!problem.to_string().is_empty()),
    }
    if let Ok(pdb) = PdbFile::open("fuzz", Arc::new(bytes.to_vec())) {
        let mut left = 2000_usize;
        pdb.visit_line_records(&mut |_| fewer(&mut left));
        pdb.later_problems();
    }
    ask_module(bytes, place);
});

fn fewer(left: &mut usize) -> ControlFlow<()> {
    *left -= 1;
    if *left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

fn ask(file: &dyn SymbolFile, place: u32) {
    let mut symbols = Vec::new();
    let mut left = MOST;
    file.visit(&mut |symbol| {
        symbols.push(symbol.clone());
        fewer(&mut left)
    });
    let ends = symbols.iter().flat_map(|symbol| {
        let rva = symbol.rva.0;
        [rva, rva.wrapping_add(symbol.size.unwrap_or(1)).wrapping_sub(1)]
    });
    for rva in ends.chain([place, 0, 0x1000, 0x1016, 0x1050, u32::MAX]) {
        ask_at(file, Rva(rva));
    }
    for symbol in &symbols {
        ask_about(file, symbol);
    }
    let mut left = MOST;
    file.visit_constants(&mut |_| fewer(&mut left));
    if let Some(types) = file.types() {
        ask_types(types, u64::from(place));
    }
}

fn ask_at(file: &dyn SymbolFile, rva: Rva) {
    let symbol = file.symbol_at(rva);
    let frames = file.frames_at(rva);
    if let Some((found, with_frames)) = file.lookup(rva) {
        assert_eq!(Some(found), symbol, "{rva:?}: two answers");
        assert_eq!(with_frames, frames, "{rva:?}: two answers");
    }
    for variable in file.variables_at(rva) {
        if let (Some(types), Some(id)) = (file.types(), variable.type_id) {
            declaration(types, id, &variable.name);
        }
    }
    if let Some(rule) = file.frame_rule_at(rva) {
        assert!(rule.start <= rva, "{rva:?}: a rule of {:?}", rule.start);
    }
    if let Some(row) = file.unwind_row_at(rva) {
        ask_row(&row, rva);
    }
}

/// Every expression of a row, with registers and memory that hold anything.
fn ask_row(row: &UnwindRow, rva: Rva) {
    assert!(rva.offset_from(row.start).is_some_and(|offset| offset < row.size), "{rva:?}: a row of {row:?}");
    let memory = |address: u64| (address % 3 != 0).then_some(address ^ 0x55);
    if let CfaRule::Expression(expression) = &row.cfa {
        expression.evaluate(None, &|_| Some(0x1000), &memory);
    }
    for (_, rule) in &row.registers {
        if let RegisterRule::At(expression) | RegisterRule::Value(expression) = rule {
            expression.evaluate(Some(u64::MAX - 7), &|name| Some(name.0.len() as u64), &memory);
        }
    }
}

fn ask_about(file: &dyn SymbolFile, symbol: &Symbol) {
    let lines = file.lines_of(symbol);
    assert!(lines.windows(2).all(|pair| pair[0].0 <= pair[1].0), "lines of {symbol:?} are not in order");
    for (rva, _, _) in lines.iter().take(8) {
        file.frames_at(*rva);
    }
    if let (Some(types), Some(id)) = (file.types(), file.type_of(symbol)) {
        declaration(types, id, &symbol.name);
        size_of(types, id);
    }
    for machine in [Machine::X86, Machine::X64] {
        Name::of(symbol, file.origin(), machine);
    }
}

fn ask_types(types: &dyn Types, place: u64) {
    let mut ids = vec![TypeId(place), TypeId(u64::MAX)];
    ids.extend((0x1000..0x1020).chain([0, 0x74, 0x603, 0xb]).map(TypeId));
    let mut left = MOST;
    types.visit_names(&mut |name, id| {
        types.find(name);
        ids.push(id);
        fewer(&mut left)
    });
    for id in ids {
        declaration(types, id, "x");
        size_of(types, id);
        if let Ok(Type::Record(record)) = types.get(id) {
            record.members.iter().take(20).for_each(|member| drop(types.get(member.type_id)));
        }
    }
    assert!(types.pointer_size() <= 8);
}

/// The same file as the only one of a module: patterns and suggestions over it.
fn ask_module(bytes: &[u8], place: u32) {
    let Ok(file) = open("fuzz", Arc::new(bytes.to_vec())) else { return };
    let module = ModuleSymbols::new(vec![file]);
    module.lookup(Rva(place));
    let pattern = NamePattern::parse("*e*", true).expect("a pattern");
    let found = vatlas_symbols::find(&module, Machine::X86, &pattern, 20);
    assert!(found.found.len() <= 20);
    suggestions(&module, Machine::X86, "entri", 5);
}
