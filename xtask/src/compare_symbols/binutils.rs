//! GNU binutils for mingw: lines of code from DWARF (`addr2line`), the COFF symbol table (`objdump`, `nm`).

use super::answers::{Answers, Comparison};
use super::programs::{self, Program, Programs};
use super::tool::Tool;
use super::{ours, symbolizer};
use vatlas_space::Rva;
use vatlas_symbols::{GnuMap, Name, SymbolFile as _, SymbolKind, open::image_tables, symbol_file::FileKind};

/// Names that are no symbols of the program's own: those of sections are left out by our reader.
fn is_of_section(name: &str) -> bool {
    name.starts_with('.')
}

/// Lines of the x64 programs.
pub fn lines_of_x64(tool: &Tool, programs: &Programs) -> Result<Vec<Comparison>, String> {
    of(programs, true).map(|program| lines(tool, program)).collect()
}

/// Lines of the x86 programs.
pub fn lines_of_x86(tool: &Tool, programs: &Programs) -> Result<Vec<Comparison>, String> {
    of(programs, false).map(|program| lines(tool, program)).collect()
}

/// COFF symbols of the x64 programs.
pub fn symbols_of_x64(tool: &Tool, programs: &Programs) -> Result<Vec<Comparison>, String> {
    of(programs, true).map(|program| symbols(tool, program)).collect()
}

/// COFF symbols of the x86 programs.
pub fn symbols_of_x86(tool: &Tool, programs: &Programs) -> Result<Vec<Comparison>, String> {
    of(programs, false).map(|program| symbols(tool, program)).collect()
}

/// Names of the x64 programs.
pub fn names_of_x64(tool: &Tool, programs: &Programs) -> Result<Vec<Comparison>, String> {
    of(programs, true).map(|program| names(tool, program)).collect()
}

/// Names of the x86 programs, and of the map that the linker wrote of one.
pub fn names_of_x86(tool: &Tool, programs: &Programs) -> Result<Vec<Comparison>, String> {
    let mut comparisons = Vec::new();
    for program in of(programs, false) {
        comparisons.push(names(tool, program)?);
        comparisons.push(map(tool, program, programs)?);
    }
    Ok(comparisons)
}

fn of(programs: &Programs, x64: bool) -> impl Iterator<Item = &Program> {
    programs.with_dwarf.iter().filter(move |program| program.is_x64() == x64)
}

fn lines(tool: &Tool, program: &Program) -> Result<Comparison, String> {
    let code = program.code();
    let base = program.headers.image_base;
    let input: String = code.iter().map(|rva| format!("{:#x}\n", base + u64::from(rva.0))).collect();
    let image = program.image.to_string_lossy();
    let text = tool.run(&["-a", "-f", "-i", "-e", &*image], &input)?;
    // Where DWARF has no name it tells that of the COFF symbol.
    let machine = program.headers.machine;
    let name = |function: &str| symbolizer::short(&Name::read(function, machine).plain);
    let theirs = symbolizer::read(&text, base, &name);
    let questions = "functions, inlined functions, lines";
    Ok(Comparison { program: program.name, questions, ours: ours::frames(program, &code), theirs })
}

/// `[  5](sec  1)(fl 0x00)(ty   20)(scl   2) (nx 1) 0x00000000 NAME`: the type 20 is that of functions, the section
/// counts from 1, and a static symbol (class 3) with auxiliary records and no type is a section.
fn symbols(tool: &Tool, program: &Program) -> Result<Comparison, String> {
    let text = tool.run(&["-t", &*program.image.to_string_lossy()], "")?;
    let mut theirs = Answers::default();
    for line in text.lines().filter(|line| line.starts_with('[')) {
        let field = |name: &str| line.split_once(name)?.1.split(')').next().map(str::trim);
        let Some((value, name)) = line.rsplit_once(" 0x").and_then(|(_, rest)| rest.split_once(' ')) else { continue };
        let place = field("(sec").and_then(|section| section.parse().ok());
        let value = u32::from_str_radix(value.trim_start_matches("0x"), 16).ok();
        let rva = place.zip(value).and_then(|(section, value)| program.rva(section, value));
        let is_function = field("(ty") == Some("20");
        let is_section = field("(scl") == Some("3") && field("(nx") != Some("0") && !is_function;
        if let Some(rva) = rva.filter(|_| !is_section) {
            theirs.add_once(name, symbol_text(rva, is_function));
        }
    }
    let mut ours = Answers::default();
    for symbol in coff(program)? {
        ours.add_once(&*symbol.name, symbol_text(symbol.rva, symbol.kind == SymbolKind::Function));
    }
    Ok(Comparison { program: program.name, questions: "COFF symbols", ours, theirs })
}

fn symbol_text(rva: Rva, is_function: bool) -> String {
    format!("{}{}", ours::at(rva), if is_function { " function" } else { "" })
}

fn coff(program: &Program) -> Result<Vec<vatlas_symbols::Symbol>, String> {
    let tables = image_tables(program.name, &program.bytes).map_err(|problem| problem.to_string())?;
    let table = tables.iter().find(|table| table.origin().kind == FileKind::Coff);
    table.map(|table| ours::symbols(table)).ok_or_else(|| format!("{}: no COFF symbols", program.name))
}

fn names(tool: &Tool, program: &Program) -> Result<Comparison, String> {
    let mut ours = Answers::default();
    coff(program)?.iter().for_each(|symbol| ours.add_once(&*symbol.name, ours::at(symbol.rva)));
    let theirs = addresses(tool, program)?;
    Ok(Comparison { program: program.name, questions: "names and addresses", ours, theirs })
}

/// `00401000 T NAME`: address, class, name; `A` are values and no addresses, `N` debug information, `U` is elsewhere.
fn row<'t>(line: &'t str, program: &Program) -> Option<(Rva, &'t str, &'t str)> {
    let mut words = line.splitn(3, ' ');
    let (va, class, name) = (words.next()?, words.next()?, words.next()?);
    let va = u64::from_str_radix(va, 16).ok()?;
    let rva = u32::try_from(va.checked_sub(program.headers.image_base)?).ok()?;
    (!matches!(class, "A" | "a" | "N" | "U") && !is_of_section(name)).then_some((Rva(rva), class, name))
}

fn addresses(tool: &Tool, program: &Program) -> Result<Answers, String> {
    let text = tool.run(&[&*program.image.to_string_lossy()], "")?;
    let mut answers = Answers::default();
    for (rva, _, name) in text.lines().filter_map(|line| row(line, program)) {
        answers.add_once(name, ours::at(rva));
    }
    Ok(answers)
}

/// The linker's map beside the global names of the program that it is of. The linker writes names of C++ as they were
/// declared, which `nm` does with `-C`. Pieces of object files, which our reader names too, have no symbol.
fn map(tool: &Tool, program: &Program, programs: &Programs) -> Result<Comparison, String> {
    let bytes = programs::read(&programs.dwarf.join(format!("{}.map", program.name)))?;
    let image = program.image.to_string_lossy();
    let (plain, demangled) = (tool.run(&["-p", &*image], "")?, tool.run(&["-p", "-C", &*image], "")?);
    let mut theirs = Answers::default();
    for (plain, demangled) in plain.lines().zip(demangled.lines()) {
        let (Some((rva, class, plain)), Some((.., demangled))) = (row(plain, program), row(demangled, program)) else {
            continue;
        };
        let is_global = class.starts_with(|letter: char| letter.is_ascii_uppercase());
        if is_global {
            theirs.add_once(if plain.starts_with("__Z") { demangled } else { plain }, ours::at(rva));
        }
    }
    let mut ours = Answers::default();
    let symbols = ours::symbols(&GnuMap::read("map", &bytes));
    for symbol in symbols.iter().filter(|symbol| !symbol.name.contains(".o(")) {
        ours.add_once(&*symbol.name, ours::at(symbol.rva));
    }
    Ok(Comparison { program: "gcc-x86-dwarf2.map", questions: "names and addresses", ours, theirs })
}
