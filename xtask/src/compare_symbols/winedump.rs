//! `winedump`: functions and lines of PDBs, those of our own writer with lines in the C11 form among them.

use super::answers::{Answers, Comparison};
use super::ours;
use super::programs::{Program, Programs};
use super::tool::Tool;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use vatlas_fixtures::{
    c11::{C11, C11Range},
    codeview::{end, procedure},
    pdb::{Pdb, PdbModule, PdbSection},
};
use vatlas_symbols::{PdbFile, SymbolKind};

/// Asks about every PDB.
pub fn ask(tool: &Tool, programs: &Programs) -> Result<Vec<Comparison>, String> {
    let mut comparisons = Vec::new();
    for program in &programs.with_pdb {
        let Some((pdb, place)) = &program.pdb else { continue };
        let text = dump(tool, place)?;
        let compare = |questions, ours, theirs| Comparison { program: program.name, questions, ours, theirs };
        comparisons.push(compare("functions", our_functions(pdb), functions(&text, program)));
        comparisons.push(compare("lines", our_lines(pdb), lines(&text)));
    }
    comparisons.push(c11(tool, &programs.work)?);
    Ok(comparisons)
}

fn dump(tool: &Tool, place: &Path) -> Result<String, String> {
    tool.run(&[Path::new("dump"), place], "")
}

/// `Global-Procedure V3 'entry' (0001:00000000#45) ...`
fn functions(text: &str, program: &Program) -> Answers {
    let mut answers = Answers::default();
    let rows = text.lines().filter(|line| line.contains("-Procedure V"));
    for row in rows {
        let Some((name, place)) = row.split_once('\'').and_then(|(_, rest)| rest.split_once("' (")) else { continue };
        let place = place.split(')').next().unwrap_or(place);
        let Some((place, size)) = place.split_once('#') else { continue };
        let Some((section, offset)) = place.split_once(':') else { continue };
        if let (Some(section), Some(offset), Some(size)) = (hex(section), hex(offset), hex(size))
            && let Some(rva) = program.rva(section as usize, offset)
        {
            answers.add(name, format!("{} size {size}", ours::at(rva)));
        }
    }
    answers
}

fn our_functions(pdb: &PdbFile) -> Answers {
    let mut answers = Answers::default();
    for symbol in ours::symbols(pdb).iter().filter(|symbol| symbol.kind == SymbolKind::Function) {
        answers.add(&*symbol.name, format!("{} size {}", ours::at(symbol.rva), symbol.size.unwrap_or(0)));
    }
    answers
}

/// Under `block from 0001:00000050 ...` rows `offset= 10 line=19 ...`, the offsets counted from the block.
fn lines(text: &str) -> Answers {
    let mut answers = Answers::default();
    let mut block = None;
    for line in text.lines().map(str::trim) {
        if let Some(from) = line.strip_prefix("block from ") {
            let place = from.split(' ').next().unwrap_or(from);
            block = place.split_once(':').and_then(|(section, offset)| Some((hex(section)?, hex(offset)?)));
        } else if let Some(row) = line.strip_prefix("offset=") {
            let (offset, rest) = row.trim().split_once(" line=").unwrap_or((row, ""));
            let number = rest.split(' ').next().unwrap_or(rest);
            if let (Some((section, from)), Some(offset)) = (block, hex(offset)) {
                answers.add(place(section, from.wrapping_add(offset)), number);
            }
        }
    }
    answers
}

fn place(section: u32, offset: u32) -> String {
    format!("{section}:{offset:#06x}")
}

fn our_lines(pdb: &PdbFile) -> Answers {
    let mut answers = Answers::default();
    pdb.visit_line_records(&mut |record| {
        answers.add(place(record.section.into(), record.offset), record.line.to_string());
        ControlFlow::Continue(())
    });
    answers
}

fn hex(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits, 16).ok()
}

/// Lines in the C11 form, which no compiler at hand writes.
fn c11(tool: &Tool, work: &Path) -> Result<Comparison, String> {
    let range = |first, last, lines: &[(u32, u16)]| C11Range { section: 1, first, last, lines: lines.to_vec() };
    let lines = C11::default()
        .file("own.cpp", vec![range(0, 0x2f, &[(0, 10), (4, 11), (0x18, 14)]), range(0x40, 0x4f, &[(0x40, 20)])])
        .file("inline.h", vec![range(0x10, 0x17, &[(0x10, 7), (0x14, 8)])]);
    let symbols = [procedure(0, (1, 0, 0x30), "first"), end(), procedure(0, (1, 0x40, 0x10), "second"), end()];
    let pieces = vec![(1, 0, 0x30), (1, 0x40, 0x10)];
    let (name, c11) = ("own.obj".to_owned(), lines.zero_terminated());
    let module = PdbModule { name, symbols: symbols.concat(), c11, c13: Vec::new(), pieces };
    let sections = vec![PdbSection { name: ".text", rva: 0x1000, size: 0x200 }];
    let bytes = Pdb { machine: 0x1c2, sections, modules: vec![module], ..Pdb::default() }.version_7();
    let file = work.join("c11.pdb");
    std::fs::write(&file, &bytes).map_err(|cause| format!("{}: {cause}", file.display()))?;
    let pdb = PdbFile::open("c11.pdb", Arc::new(bytes)).map_err(|problem| problem.to_string())?;
    let theirs = c11_lines(&dump(tool, &file)?);
    Ok(Comparison { program: "C11 in a PDB", questions: "lines", ours: our_lines(&pdb), theirs })
}

/// Under `lines for file` and `0001:00000000-0000002f #3` rows `18 14`: an offset and a line.
fn c11_lines(text: &str) -> Answers {
    let mut answers = Answers::default();
    let rows = text.lines().skip_while(|line| !line.contains("lines for file")).map(str::trim);
    let mut section = None;
    for row in rows.take_while(|row| !row.starts_with("Segment")) {
        if let Some((number, _)) = row.split_once(':').filter(|_| row.contains(" #")) {
            section = hex(number);
        } else if let (Some(section), Some((offset, number))) = (section, row.split_once(' '))
            && let (Some(offset), true) = (hex(offset), number.bytes().all(|byte| byte.is_ascii_digit()))
        {
            answers.add(place(section, offset), number);
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_both_forms_are_read() {
        let check = |found: &Answers, expected: &[(&str, &str)]| {
            let mut answers = Answers::default();
            expected.iter().for_each(|(question, answer)| answers.add(*question, *answer));
            assert_eq!(*found, answers);
        };
        let text = "block from 0001:00000050 flags:0\n  file=0 lines=1\n  offset=      1e line=20 deltaLineEnd=0\n";
        check(&lines(text), &[("1:0x006e", "20")]);
        let text = "1 files\nlines for file #0/1 a.c 1\n  0001:00000040-0000004f #1\n    4c 22\nSegment .text\n 1 2\n";
        check(&c11_lines(text), &[("1:0x004c", "22")]);
    }
}
