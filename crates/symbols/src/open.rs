//! What kind of symbol file is this? Told from its content, never from its name.

use crate::{
    breakpad, coff,
    dwarf::DwarfFile,
    exports::{exports, unnamed_functions},
    gnu_map::GnuMap,
    listing::Listing,
    msvc_map::MapFile,
    pdb::{PdbFile, SharedBytes},
    symbol_file::SymbolFile,
    table::SymbolTable,
};
use std::{collections::HashSet, ops::ControlFlow};
use vatlas_images::{
    image_bytes::{ReadImage, of_file},
    pe::PeHeaders,
};
use vatlas_space::Problem;

/// Beginnings of files that are asked for names by mistake, and what to do instead.
const OTHERS: [(&[u8], &str, &str); 9] = [
    (b"MDMP", "a minidump", "open it as the dump, and give its symbols with --symbols"),
    (b"PAGEDU", "a kernel dump", "open it as the dump, and give its symbols with --symbols"),
    (b"CED", "a Windows CE dump", "open it as the dump, and give its symbols with --symbols"),
    (b"MSCF", "a cabinet; a symbol store packs files so", "unpack it first, with 'cabextract' or 'expand'"),
    (b"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"\x7fELF", "an ELF file", "Breakpad's 'dump_syms' makes a symbol file of it"),
    (b"Microsoft C/C++ MSF ", "a program database of an unknown version", "versions 2.00 and 7.00 can be read"),
    (b"Microsoft MSFZ ", "a compressed program database (MSFZ)", "turn it into a plain PDB first"),
];

/// Opens a symbol file; of an image the best of its tables. `name` is the file's name, for the answers.
///
/// # Errors
/// What the file is when it holds no symbols, or why it cannot be read.
pub fn open(name: &str, bytes: SharedBytes) -> Result<Box<dyn SymbolFile>, Problem> {
    let content: &[u8] = (*bytes).as_ref();
    if is_pdb(content) {
        return Ok(Box::new(PdbFile::open(name, bytes)?));
    }
    if breakpad::is_breakpad(content) {
        return Ok(Box::new(breakpad::read(name, content)));
    }
    if content.starts_with(b"MZ") {
        let best = image_files(name, &bytes)?.into_iter().next();
        let cause = "this image names nothing: it has no debug information, no COFF symbols and exports nothing";
        return best.ok_or_else(|| Problem::damage(name, cause).hint("look for its .pdb or .map"));
    }
    if MapFile::is_map(content) {
        return Ok(Box::new(MapFile::read(name, content)));
    }
    if GnuMap::is_map(content) {
        return Ok(Box::new(GnuMap::read(name, content)));
    }
    if Listing::is_listing(content) {
        return Ok(Box::new(Listing::read(name, content)));
    }
    Err(not_symbols(name, content))
}

/// All that an image file says about names, best first: DWARF, COFF symbols, exports, functions without a name; then
/// DWARF that has rules for leaving frames and no names.
///
/// # Errors
/// The bytes are no image, or end inside its headers.
pub fn image_files(name: &str, bytes: &SharedBytes) -> Result<Vec<Box<dyn SymbolFile>>, Problem> {
    let tables = image_tables(name, (**bytes).as_ref())?;
    let dwarf = DwarfFile::open(name, bytes)?;
    let (names, frames) = match dwarf {
        Some(dwarf) if dwarf.has_names() => (Some(dwarf), None),
        other => (None, other),
    };
    let boxed = |dwarf: DwarfFile| Box::new(dwarf) as Box<dyn SymbolFile>;
    let tables = tables.into_iter().map(|table| Box::new(table) as Box<dyn SymbolFile>);
    let mut files: Vec<_> = names.into_iter().map(boxed).chain(tables).collect();
    // Rules for leaving frames alone name nothing.
    if !files.is_empty() {
        files.extend(frames.map(boxed));
    }
    Ok(files)
}

/// The tables of an image file, best first: COFF symbols, exports, functions without a name.
///
/// # Errors
/// The bytes are no image, or end inside its headers.
pub fn image_tables(name: &str, bytes: &[u8]) -> Result<Vec<SymbolTable>, Problem> {
    let in_file = |problem: Problem| Problem { place: format!("{name}: {}", problem.place), ..problem };
    let headers = PeHeaders::read(bytes).map_err(in_file)?;
    let (coff, problem) = match coff::read(name, &headers, bytes) {
        Ok(table) => (table, None),
        Err(problem) => (None, Some(problem)),
    };
    let mut tables: Vec<_> = coff.into_iter().collect();
    add_loaded_tables(name, &headers, &of_file(&headers, bytes), &mut tables);
    // A bad table of COFF symbols is told with the best of the others.
    if let (Some(problem), false) = (problem, tables.is_empty()) {
        let best = tables.remove(0);
        let problems = best.problems().iter().cloned().chain([problem]).collect();
        tables.insert(0, best.with_problems(problems));
    }
    Ok(tables)
}

/// The tables that an image has with it in memory: exports, functions without a name.
pub fn loaded_image_tables(name: &str, headers: &PeHeaders, read: ReadImage) -> Vec<SymbolTable> {
    let mut tables = Vec::new();
    add_loaded_tables(name, headers, read, &mut tables);
    tables
}

fn add_loaded_tables(name: &str, headers: &PeHeaders, read: ReadImage, tables: &mut Vec<SymbolTable>) {
    tables.extend(exports(name, headers, read).filter(|table| !table.is_empty()));
    let mut named = HashSet::new();
    for table in tables.iter() {
        table.visit(&mut |symbol| {
            named.insert(symbol.rva);
            ControlFlow::Continue(())
        });
    }
    tables.extend(unnamed_functions(name, headers, read, &named));
}

/// Whether the bytes are of a text format that is read whole, and whose table can be kept instead.
pub fn is_text(bytes: &[u8]) -> bool {
    let is_binary = is_pdb(bytes) || bytes.starts_with(b"MZ");
    !is_binary && (breakpad::is_breakpad(bytes) || MapFile::is_map(bytes) || GnuMap::is_map(bytes))
}

/// The signatures of program databases 7.0 and 2.0.
fn is_pdb(bytes: &[u8]) -> bool {
    bytes.starts_with(b"Microsoft C/C++ MSF 7.00\r\n") || bytes.starts_with(b"Microsoft C/C++ program database 2.00")
}

fn not_symbols(name: &str, bytes: &[u8]) -> Problem {
    let kinds = "PDB, Breakpad .sym, .map of Microsoft's and the GNU linker, listings and images can be read";
    let sample = &bytes[..bytes.len().min(512)];
    let (what, hint) = match OTHERS.iter().find(|(start, _, _)| bytes.starts_with(start)) {
        Some((_, what, hint)) => (*what, *hint),
        None if bytes.is_empty() => ("an empty file", "was it copied to the end?"),
        None if sample.contains(&0) => ("of no kind that is known", kinds),
        None => ("a text without the heading of a linker map or a Breakpad file", kinds),
    };
    Problem::damage(name, format!("holds no symbols that can be read: it is {what}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol_file::FileKind;
    use std::sync::Arc;
    use vatlas_fixtures::pe::{self, Image, Machine};
    use vatlas_space::Rva;

    fn image(machine: Machine) -> Image {
        let image = Image::new(machine, 0x40_0000).section(".text", 0x6000_0020, vec![0xcc; 0x200], 0);
        let exports = pe::exports(0x2000, "small.dll", 0, &[("alpha", 0x1000)]);
        image.section(".edata", 0x4000_0040, exports, 0)
    }

    fn check(bytes: &[u8], expected: Result<FileKind, &str>) {
        let opened = open("x", Arc::new(bytes.to_vec()));
        let kind = opened.map(|file| file.origin().kind).map_err(|problem| problem.to_string());
        assert_eq!(kind, expected.map_err(str::to_owned));
    }

    #[test]
    fn kinds_are_told_by_content() {
        check(b"MODULE windows x86 000000000000000000000000000000001 a.pdb\n", Ok(FileKind::Breakpad));
        check(b" a\n\n Timestamp is 0 (x)\n\n Preferred load address is 00400000\n", Ok(FileKind::MsvcMap));
        check(&image(Machine::I386).directory(0, 0x2000, 0x60).file(), Ok(FileKind::Exports));
        let kinds = "PDB, Breakpad .sym, .map of Microsoft's and the GNU linker, listings and images can be read";
        let told = |what: &str| format!("x: holds no symbols that can be read: it is {what}");
        let no_text = "a text without the heading of a linker map or a Breakpad file";
        check(b"", Err(&told("an empty file; was it copied to the end?")));
        check(b"hello", Err(&told(&format!("{no_text}; {kinds}"))));
        check(b"\0\x01", Err(&told(&format!("of no kind that is known; {kinds}"))));
        check(b"PK\x03\x04..", Err(&told("a ZIP archive; unpack it first")));
        let bare = "x: this image names nothing: it has no debug information, no COFF symbols and exports nothing; look for its .pdb or .map";
        check(&image(Machine::I386).file(), Err(bare));
        assert!(open("x", Arc::new(b"MZ".to_vec())).is_err_and(|problem| problem.place == "x: PE header"));
    }

    #[test]
    fn an_image_has_several_tables() {
        let table: Vec<u8> = [0x1000, 0x1040, 0x9000, 0x1100, 0x1140, 0x9000u32]
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        let image = image(Machine::Amd64).section(".pdata", 0x4000_0040, table, 0);
        let file = image.directory(0, 0x2000, 0x60).directory(3, 0x3000, 24).file();
        let tables = image_tables("x", &file).unwrap();
        let names: Vec<_> = tables.iter().map(|table| (table.origin().kind, table.symbol_at(Rva(0x1110)))).collect();
        let names: Vec<_> = names.into_iter().map(|(kind, symbol)| (kind, symbol.unwrap().name)).collect();
        assert_eq!(
            names,
            [(FileKind::Exports, "alpha".into()), (FileKind::FunctionTable, "function at 0x1100".into())]
        );
        let headers = PeHeaders::read(&file).unwrap();
        let loaded = loaded_image_tables("x", &headers, &of_file(&headers, &file));
        assert_eq!(loaded.len(), 2);
    }
}
