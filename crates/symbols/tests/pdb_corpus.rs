//! Every PDB of the sample data, against the Breakpad symbols that lie beside some of them.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    collections::HashMap,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};
use vatlas_space::Rva;
use vatlas_symbols::{PdbFile, SymbolFile};

/// The sample data's folder; nothing, and a remark, where there is none.
fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("VATLAS_CORPUS").map(|corpus| PathBuf::from(corpus).join("nt-pe-pdb"));
    if corpus.is_none() {
        eprintln!("skipped: VATLAS_CORPUS does not name the sample data");
    }
    corpus
}

fn open(path: &Path) -> Result<PdbFile, vatlas_space::Problem> {
    let name = path.file_name().unwrap().to_str().unwrap();
    PdbFile::open(name, Arc::new(fs::read(path).unwrap()))
}

fn hex(text: &str) -> u32 {
    u32::from_str_radix(text, 16).unwrap()
}

/// Records of Breakpad symbols: how many there are, or how many differ.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    names: usize,
    functions: usize,
    publics: usize,
    lines: usize,
}

/// Holds a PDB against Breakpad symbols: what is there, and what differs.
struct Comparison<'a> {
    pdb: &'a PdbFile,
    files: HashMap<&'a str, &'a str>,
    seen: Counts,
    different: Counts,
}

impl<'a> Comparison<'a> {
    fn new(pdb: &'a PdbFile, symbols: &'a str) -> Self {
        let mut comparison = Self { pdb, files: HashMap::new(), seen: Counts::default(), different: Counts::default() };
        for record in symbols.lines() {
            let fields: Vec<&str> = record.split(' ').filter(|field| *field != "m").collect();
            match fields[0] {
                "FILE" => drop(comparison.files.insert(fields[1], record.splitn(3, ' ').nth(2).unwrap())),
                "FUNC" => comparison.function(hex(fields[1]), hex(fields[2]), &fields[4..].join(" ")),
                // Made up where there is no name.
                "PUBLIC" if record.contains("<unknown in ") => {}
                "PUBLIC" => comparison.public(hex(fields[1])),
                "MODULE" | "INFO" | "STACK" => {}
                _ => comparison.line(&fields),
            }
        }
        comparison
    }

    /// Address and size must agree; the name where it is that of a C function. Breakpad counts bytes that a tool
    /// inserted into a function as its own; then every byte must be the function's, or nobody's.
    fn function(&mut self, at: u32, size: u32, name: &str) {
        self.seen.functions += 1;
        let found = self.pdb.symbol_at(Rva(at)).unwrap_or_else(|| panic!("nothing at {at:#x} ({name})"));
        assert_eq!(found.rva.0, at, "{name}");
        let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        // Breakpad takes the first underscore off names of public symbols.
        let is_same = found.name.trim_start_matches('_') == name.trim_start_matches('_');
        if is_plain(name) && is_plain(&found.name) && !is_same {
            self.different.names += 1;
            eprintln!("{at:#x}: {} is {name}", found.name);
        }
        if found.size != Some(size) {
            self.different.functions += 1;
            for at in at..at + size {
                let own = self.pdb.symbol_at(Rva(at));
                assert!(own.is_none_or(|own| own.name == found.name), "{name} at {at:#x}");
            }
        }
    }

    /// A public name lies at the beginning of a symbol, or within a function that debug information has.
    fn public(&mut self, at: u32) {
        self.seen.publics += 1;
        let found = self.pdb.symbol_at(Rva(at)).unwrap_or_else(|| panic!("nothing at {at:#x}"));
        if found.rva.0 != at {
            self.different.publics += 1;
            assert!(found.size.is_some() && found.offset_of(Rva(at)).is_some(), "{found:?} at {at:#x}");
        }
    }

    /// Breakpad of that time knew no inlined functions: its line is that of the outermost one. It also wrote lines
    /// without code.
    fn line(&mut self, fields: &[&str]) {
        let (at, size, number) = (hex(fields[0]), hex(fields[1]), fields[2].parse().unwrap());
        if size == 0 {
            return;
        }
        self.seen.lines += 1;
        let file = self.files[fields[3]];
        let frames = self.pdb.frames_at(Rva(at));
        let found = frames.last().and_then(|frame| frame.line.as_ref());
        if !found.is_some_and(|found| found.line == number && *found.file == *file) {
            self.different.lines += 1;
            eprintln!("{at:#x} {file}:{number}: {found:?}");
        }
    }
}

#[track_caller]
fn check(pdb: &str, symbols: &str, seen: [usize; 3], different: [usize; 3]) {
    let Some(corpus) = corpus() else { return };
    let symbols = fs::read_to_string(corpus.join(symbols)).unwrap();
    let pdb = open(&corpus.join(pdb)).unwrap();
    let comparison = Comparison::new(&pdb, &symbols);
    let counts = |[functions, publics, lines]: [usize; 3]| Counts { names: 0, functions, publics, lines };
    assert_eq!((comparison.seen, comparison.different), (counts(seen), counts(different)));
    assert_eq!(pdb.later_problems(), []);
    let identity = pdb.origin().identity.unwrap().to_string().replace("-", "").to_uppercase();
    let (guid, age) = identity.split_once(" AGE ").unwrap();
    let module = symbols.lines().next().unwrap();
    assert!(module.contains(&format!(" {guid}{age} ")), "{module} is not {guid} {age}");
}

/// Holds a PDB and the Breakpad symbols of the same name against one another.
#[track_caller]
fn check_breakpad(name: &str, seen: [usize; 3], different: [usize; 3]) {
    let name = format!("breakpad-dump_syms/{name}");
    check(&format!("{name}.pdb"), &format!("{name}.sym"), seen, different);
}

/// A `STACK WIN` record, as far as the PDB has it too: addresses and sizes in hexadecimal digits, the last field a
/// program if the one before says so.
struct StackWin<'a> {
    range: std::ops::Range<u32>,
    /// Parameters, saved registers, locals.
    sizes: [u32; 3],
    program: Option<&'a str>,
}

fn stack_win(record: &str) -> Option<StackWin<'_>> {
    let fields: Vec<&str> = record.strip_prefix("STACK WIN ")?.splitn(11, ' ').collect();
    let start = hex(fields[1]);
    let sizes = [hex(fields[5]), hex(fields[6]), hex(fields[7])];
    let program = (fields[9] == "1").then(|| fields[10].trim());
    Some(StackWin { range: start..start + hex(fields[2]), sizes, program })
}

/// Where a rule of Breakpad's begins, that of the PDB says the same as one that covers the place; without moved code
/// it is as narrow as the narrowest. Breakpad makes one range of the pieces of moved code.
#[track_caller]
fn check_frame_rules(pdb: &str, symbols: &str, is_moved: bool, expected: usize) {
    let Some(corpus) = corpus() else { return };
    let symbols = fs::read_to_string(corpus.join(symbols)).unwrap();
    let pdb = open(&corpus.join(pdb)).unwrap();
    let rules: Vec<_> = symbols.lines().filter_map(stack_win).collect();
    for at in rules.iter().map(|rule| rule.range.start) {
        let found = pdb.frame_rule_at(Rva(at)).unwrap_or_else(|| panic!("no rule at {at:#x}"));
        let covering: Vec<_> = rules.iter().filter(|rule| rule.range.contains(&at)).collect();
        let narrowest = covering.iter().map(|rule| rule.range.len()).min().unwrap();
        assert!(is_moved || found.size as usize == narrowest, "{found:?}");
        let sizes = [found.parameters_size, found.saved_size, found.locals_size];
        let program = found.program.as_deref().map(str::trim);
        assert!(covering.iter().any(|rule| rule.sizes == sizes && rule.program == program), "{at:#x}: {found:?}");
    }
    assert_eq!(rules.len(), expected);
    assert_eq!(pdb.later_problems(), []);
}

#[test]
fn frame_rules() {
    for (name, is_moved, expected) in [
        ("dump_syms_regtest", false, 281),
        ("omap_reorder_funcs", true, 281),
        ("omap_reorder_bbs", true, 2506),
        ("omap_stretched", true, 350),
        ("omap_stretched_filled", true, 281),
    ] {
        let name = format!("breakpad-dump_syms/{name}");
        check_frame_rules(&format!("{name}.pdb"), &format!("{name}.sym"), is_moved, expected);
    }
    check_frame_rules("dump_syms/basic32-min.pdb", "dump_syms/expected/basic32-min.sym", false, 4993);
}

#[test]
fn x86() {
    // Three public names are labels in functions of assembly.
    check_breakpad("dump_syms_regtest", [158, 4, 2189], [0, 3, 0]);
}

#[test]
fn x64_with_inlined_functions() {
    check_breakpad("dump_syms_regtest64", [246, 2, 3538], [0, 0, 0]);
}

#[test]
fn functions_moved() {
    check_breakpad("omap_reorder_funcs", [158, 4, 2189], [0, 3, 0]);
}

#[test]
fn blocks_moved() {
    check_breakpad("omap_reorder_bbs", [953, 4, 2433], [16, 3, 0]);
}

#[test]
fn functions_stretched() {
    check_breakpad("omap_stretched", [175, 4, 2295], [51, 3, 0]);
}

#[test]
fn functions_stretched_and_filled() {
    check_breakpad("omap_stretched_filled", [158, 4, 2189], [0, 3, 0]);
}

#[test]
fn private_symbols_without_lines() {
    check("dump_syms/basic32-min.pdb", "dump_syms/expected/basic32-min.sym", [723, 2451, 0], [0, 0, 0]);
}

/// Every PDB under a folder.
fn pdbs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(pdbs(&path));
        } else if path.extension().is_some_and(|extension| extension == "pdb") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_pdb_opens_or_says_why_not() {
    let Some(corpus) = corpus() else { return };
    let (mut symbols, mut lines, mut variables, mut refused) = (0, 0, 0, Vec::new());
    let paths = pdbs(&corpus);
    for path in &paths {
        let pdb = match open(path) {
            Ok(pdb) => pdb,
            Err(problem) => {
                refused.push(problem.to_string());
                continue;
            }
        };
        pdb.visit(&mut |symbol| {
            symbols += 1;
            let found = pdb.symbol_at(symbol.rva);
            let covers = found.is_some_and(|found| found.offset_of(symbol.rva).is_some());
            assert!(covers, "{symbol:?} of {}", path.display());
            let code = pdb.lines_of(symbol);
            lines += code.len();
            variables += code.iter().map(|(rva, _, _)| pdb.variables_at(*rva).len()).sum::<usize>();
            ControlFlow::Continue(())
        });
        assert_eq!(pdb.later_problems(), [], "{}", path.display());
    }
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].starts_with("bad-block-size.pdb: header: "), "{refused:?}");
    assert!(paths.len() >= 39 && symbols > 20_000 && lines > 40_000, "{} {symbols} {lines}", paths.len());
    assert!(variables > 100_000, "{variables}");
}
