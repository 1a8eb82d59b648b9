//! Symbol files of the sample data, against readings of the same texts that share nothing with the crate.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use vatlas_space::{Problem, Rva, Severity};
use vatlas_symbols::{MapFile, Name, SymbolFile, SymbolKind, breakpad};

/// Files of the corpus with this extension; none, and a remark, where there is no corpus.
fn files(extension: &str) -> Vec<PathBuf> {
    let Some(corpus) = std::env::var_os("VATLAS_CORPUS").map(PathBuf::from) else {
        eprintln!("skipped: VATLAS_CORPUS does not name the sample data");
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut folders = vec![corpus];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no .{extension} in the corpus");
    found
}

/// A symbol of a `.sym` file as a plain reading of its lines has it.
struct Plain {
    rva: u32,
    size: u32,
    name: String,
}

/// Functions, public names and line records by the first word of each line.
fn plain_reading(text: &str) -> (Vec<Plain>, Vec<Plain>, Vec<[u32; 3]>) {
    let (mut functions, mut publics, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    let hex = |word: &str| u32::from_str_radix(word, 16).unwrap();
    for line in text.lines() {
        let line = line.replacen("FUNC m ", "FUNC ", 1).replacen("PUBLIC m ", "PUBLIC ", 1);
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "FUNC" => functions.push(Plain { rva: hex(words[1]), size: hex(words[2]), name: words[4..].join(" ") }),
            "PUBLIC" => publics.push(Plain { rva: hex(words[1]), size: 0, name: words[3..].join(" ") }),
            "MODULE" | "FILE" | "STACK" | "INFO" | "INLINE" | "INLINE_ORIGIN" | "" => {}
            _ => lines.push([hex(words[0]), hex(words[1]), words[2].parse().unwrap()]),
        }
    }
    (functions, publics, lines)
}

fn count(table: &dyn SymbolFile, kind: SymbolKind) -> usize {
    let mut count = 0;
    table.visit(&mut |symbol| {
        count += usize::from(symbol.kind == kind);
        ControlFlow::Continue(())
    });
    count
}

/// Addresses all over a module: every 7th, and both sides of every start and end.
fn addresses(symbols: &[Plain]) -> Vec<u32> {
    let last = symbols.iter().map(|symbol| symbol.rva + symbol.size).max().unwrap_or(0);
    let edges = symbols.iter().flat_map(|symbol| [symbol.rva, symbol.rva + symbol.size]);
    let edges = edges.flat_map(|edge| [edge.saturating_sub(1), edge, edge + 1]);
    (0..last + 0x1000).step_by(((last / 5000) as usize).max(7)).chain(edges.step_by(11)).collect()
}

/// The names that may answer: of the functions that cover the address those that begin last, else whatever begins
/// nearest below.
fn plain_lookup<'a>(functions: &'a [Plain], publics: &'a [Plain], rva: u32) -> Vec<&'a str> {
    let covering = || functions.iter().filter(|symbol| symbol.rva <= rva && rva < symbol.rva + symbol.size);
    if let Some(start) = covering().map(|symbol| symbol.rva).max() {
        return covering().filter(|symbol| symbol.rva == start).map(|symbol| symbol.name.as_str()).collect();
    }
    let below = || functions.iter().chain(publics).filter(|symbol| symbol.rva <= rva);
    let Some(start) = below().map(|symbol| symbol.rva).max() else { return Vec::new() };
    below().filter(|symbol| symbol.rva == start).map(|symbol| symbol.name.as_str()).collect()
}

fn check_breakpad(path: &Path) {
    let bytes = fs::read(path).unwrap();
    let table = breakpad::read("x.sym", &bytes);
    let damage: Vec<&Problem> =
        table.problems().iter().filter(|problem| problem.severity == Severity::Damage).collect();
    assert!(damage.is_empty(), "{}: {damage:?}", path.display());
    let text = String::from_utf8_lossy(&bytes);
    let id = text.split_whitespace().nth(3).unwrap().to_lowercase();
    let identity = table.origin().identity.unwrap().to_string().replace(" age ", "").replace('-', "");
    assert_eq!(identity, id, "{}", path.display());

    let (functions, publics, lines) = plain_reading(&text);
    assert_eq!(count(&table, SymbolKind::Function), functions.len(), "{}", path.display());
    assert_eq!(count(&table, SymbolKind::Public), publics.len(), "{}", path.display());
    assert_eq!(table.line_count(), lines.len(), "{}", path.display());
    let symbols: Vec<Plain> = plain_reading(&text).0.into_iter().chain(plain_reading(&text).1).collect();
    for rva in addresses(&symbols) {
        let found = table.symbol_at(Rva(rva)).map(|symbol| symbol.name);
        let expected = plain_lookup(&functions, &publics, rva);
        match found {
            Some(name) => assert!(expected.contains(&&*name), "{} {rva:#x}: {name}", path.display()),
            None => assert!(expected.is_empty(), "{} {rva:#x}: {expected:?}", path.display()),
        }
        let line = table.frames_at(Rva(rva)).first().and_then(|frame| frame.line.clone()).map(|line| line.line);
        let covering = lines.iter().filter(|[start, size, _]| *start <= rva && rva - start < *size);
        // Three records of assembly code run past the end of their function; there they say nothing.
        let is_in_function = functions.iter().any(|function| function.rva <= rva && rva - function.rva < function.size);
        let covering: Vec<u32> = covering.filter(|_| is_in_function).map(|[_, _, line]| *line).collect();
        match line {
            Some(line) => assert!(covering.contains(&line), "{} {rva:#x}: line {line}", path.display()),
            None => assert!(covering.is_empty(), "{} {rva:#x}: lines {covering:?}", path.display()),
        }
    }
}

#[test]
fn breakpad_files_are_read_whole() {
    files("sym").iter().for_each(|path| check_breakpad(path));
}

#[test]
fn linker_maps_are_read_whole() {
    for path in files("map") {
        let bytes = fs::read(&path).unwrap();
        assert!(MapFile::is_map(&bytes), "{}", path.display());
        let map = MapFile::read("x.map", &bytes);
        assert_eq!(map.problems(), [], "{}", path.display());
        let text = String::from_utf8_lossy(&bytes);
        let base = map.preferred_base.unwrap();
        // A plain reading by columns: the address is the first word of eight digits after the name.
        let mut rows = 0;
        for line in text.lines().filter(|line| line.starts_with(" 000") && !line.contains("H .")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let address = u64::from_str_radix(words[2], 16).unwrap();
            rows += 1;
            if words[3] == "<absolute>" {
                assert!(map.absolutes.iter().any(|absolute| absolute.name == words[1]), "{}", words[1]);
                continue;
            }
            let rva = Rva(u32::try_from(address - base).unwrap());
            assert_eq!(map.symbol_at(rva).unwrap().rva, rva, "{}", words[1]);
            let mut is_there = false;
            map.visit(&mut |symbol| {
                is_there |= symbol.rva == rva
                    && *symbol.name == *words[1]
                    && (symbol.kind == SymbolKind::Function) == (words[3] == "f");
                if is_there { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert!(is_there, "{}", words[1]);
        }
        assert_eq!(map.table.len() + map.absolutes.len(), rows, "{}", path.display());
    }
}

#[test]
fn names_of_a_linker_map_are_understood() {
    for path in files("map") {
        let map = MapFile::read("x.map", &fs::read(&path).unwrap());
        let (mut cpp, mut read) = (0, 0);
        map.visit(&mut |symbol| {
            if symbol.name.starts_with('?') && !symbol.name.starts_with("??_C@") {
                cpp += 1;
                let name = Name::of(symbol, map.origin(), vatlas_space::Machine::X86);
                read += usize::from(name.plain != name.decorated);
            }
            ControlFlow::Continue(())
        });
        assert_eq!(read, cpp, "{}", path.display());
    }
}
