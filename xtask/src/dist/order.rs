//! Which pieces of code a short question runs, so that the linker puts them side by side.
//!
//! The program has 12 MB of code, and a short question runs 1 MB of it, all over the file: each page that is touched for
//! the first time costs a page fault, and those were half of the time of a question. The list names input sections,
//! which hold one function each, in the order in which questions first need them:
//!
//! ```text
//! LIST     lines of FILE SECTION, as a linker script matches them; what a compiler numbers anew is a `*`
//! script   SECTIONS { .text.early : { FILE(SECTION) ... } } INSERT BEFORE .text; the same for constants
//! map      what the linker writes: VMA LMA SIZE ALIGN FILE:(SECTION)
//! ```
//!
//! Constants have no names that last. Those of the crates whose constants questions read go before those of the others,
//! which are tables of processors and encodings, and whole files.
//!
//! A piece that the list names and the program does not have costs nothing; one that it has and the list does not name
//! stays where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

/// The committed list, from the repository's root.
pub const LIST: &str = "xtask/src/dist/order.txt";

/// Questions whose code lies together, the most wanted first. Each is answered by a file of the repository.
const QUESTIONS: [&[&str]; 11] = [
    &["explain", DEMO, "0x400000"],
    &["explain", DEMO, "crash"],
    &["explain", "fixtures/kdmp/scale-context.kdmp", "crash"],
    &["place", "0x03123456"],
    &["info", DEMO],
    &["modules", DEMO],
    &["threads", DEMO],
    &["memory", DEMO, "sp", "64"],
    &["map", DEMO, "--summary"],
    &["stack", DEMO],
    &["analyze", DEMO],
];
const DEMO: &str = "fixtures/minidump/demo.dmp";

/// Files whose constants short questions read; of a crate `*.CRATE.*`.
const READ: [&str; 11] = [
    "*.clap_builder.*",
    "*.std.*",
    "*.core.*",
    "*.alloc.*",
    "*.minidump.*",
    "*.vatlas_debug.*",
    "*.vatlas_rules.*",
    "*.vatlas_images.*",
    "*.vatlas_targets.*",
    "*.vatlas_space.*",
    "*libc.a:*",
];

/// A line of the list may bring in so many times what is used of it, where that is much at all.
const MOST_WASTE: u64 = 6;
const LITTLE: u64 = 4096;

/// A piece of code in the program.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Piece {
    start: u64,
    size: u64,
    /// Its line of the list; `None` for code that cannot be named.
    line: Option<String>,
}

/// The linker script for a list.
pub fn script(list: &str) -> String {
    let patterns = lines(list).filter_map(|line| line.split_once(' '));
    let code: String = patterns.map(|(file, section)| format!("    {file}({section})\n")).collect();
    let constants: String = READ.iter().map(|file| format!("    {file}(.rodata .rodata.*)\n")).collect();
    let early = |section: &str, patterns: &str| {
        format!("SECTIONS {{\n  {section}.early : {{\n{patterns}  }}\n}}\nINSERT BEFORE {section};\n")
    };
    early(".text", &code) + &early(".rodata", &constants)
}

/// How many lines a list has, and how many of them name code that the program has.
pub fn fit(list: &str, map: &str) -> (usize, usize) {
    let there: BTreeSet<String> = pieces(map).into_iter().filter_map(|piece| piece.line).collect();
    (lines(list).count(), lines(list).filter(|line| there.contains(*line)).count())
}

fn lines(list: &str) -> impl Iterator<Item = &str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Makes the list anew from what the program executes, which valgrind sees.
///
/// # Errors
/// valgrind is not there, a question fails, or the map is of another linker.
pub fn make(root: &Path, program: &Path, map: &str) -> Result<String, String> {
    let pieces = pieces(map);
    if pieces.is_empty() {
        return Err("dist: nothing is known from the linker's map; is the linker lld?".to_owned());
    }
    let mut used = Vec::new();
    for question in QUESTIONS {
        for address in executed(root, program, question)? {
            let piece = piece_at(&pieces, address);
            used.extend(piece.filter(|piece| !used.contains(piece)));
        }
    }
    let head = "# Pieces of code that short questions run, for the linker; made by cargo xtask dist --order.\n";
    Ok(head.to_owned() + &worth(&pieces, &used).iter().map(|line| format!("{line}\n")).collect::<String>())
}

/// The piece with an address, by number.
fn piece_at(pieces: &[Piece], address: u64) -> Option<usize> {
    let number = pieces.partition_point(|piece| piece.start <= address).checked_sub(1)?;
    (address - pieces[number].start < pieces[number].size).then_some(number)
}

/// The lines of the pieces that are used, in order, without those that would bring in much that is not.
fn worth<'p>(pieces: &'p [Piece], used: &[usize]) -> Vec<&'p str> {
    let line = |piece: &'p Piece| piece.line.as_deref();
    let mut sizes: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for piece in pieces {
        line(piece).into_iter().for_each(|line| sizes.entry(line).or_default().0 += piece.size);
    }
    for number in used {
        let piece = &pieces[*number];
        line(piece).into_iter().for_each(|line| sizes.entry(line).or_default().1 += piece.size);
    }
    let is_worth = |line: &&str| sizes.get(line).is_some_and(|(all, own)| *all <= LITTLE || *all <= MOST_WASTE * own);
    let mut seen = BTreeSet::new();
    let all = used.iter().filter_map(|number| line(&pieces[*number]));
    all.filter(|line| seen.insert(*line)).filter(is_worth).collect()
}

/// The pieces of code that a linker's map names, by address.
fn pieces(map: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = map.lines().filter_map(piece).collect();
    pieces.sort_by_key(|piece| piece.start);
    pieces
}

fn piece(line: &str) -> Option<Piece> {
    let mut words = line.split_whitespace();
    let start = u64::from_str_radix(words.next()?, 16).ok()?;
    let size = u64::from_str_radix(words.nth(1)?, 16).ok()?;
    let (file, section) = words.nth(1)?.strip_suffix(')')?.split_once(":(")?;
    (size > 0 && section.starts_with(".text")).then(|| Piece { start, size, line: name(file, section) })
}

/// The line for a section of a file: of an archive its member, of another file any.
fn name(file: &str, section: &str) -> Option<String> {
    let archive = file.rsplit('/').next().and_then(|file| file.strip_suffix(')')?.split_once('('));
    match archive {
        Some((archive, member)) if archive.ends_with(".a") => Some(match member.split_once("-avx") {
            // Of a function that is there for several processors, this one used another than the next one may.
            Some((function, _)) => format!("*{archive}:{function}-*.o .text*"),
            None => format!("*{archive}:{member} {section}"),
        }),
        // The code of a whole file.
        _ if section == ".text" => None,
        _ => Some(format!("* {}", without_numbers(section))),
    }
}

/// A mangled name with `*` for what differs from build to build: the numbers of crates, and of places in the name, which
/// depend on the lengths of those; and what the linker adds for local functions.
fn without_numbers(section: &str) -> String {
    let (name, is_local) = section.split_once(".llvm.").map_or((section, false), |(name, _)| (name, true));
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(letter) = rest.chars().next() {
        let (mark, number) = match letter {
            'C' if rest.starts_with("Cs") => ("Cs", number_end(&rest[2..])),
            'B' => ("B", number_end(&rest[1..])),
            _ => ("", None),
        };
        let (shown, length) = match number {
            Some(length) => (format!("{mark}*_"), mark.len() + length),
            None => (letter.to_string(), letter.len_utf8()),
        };
        text += &shown;
        rest = &rest[length..];
    }
    if is_local { text + ".llvm.*" } else { text }
}

/// The length of a number in base 62 and the `_` behind it.
fn number_end(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    (text.as_bytes().get(digits) == Some(&b'_')).then_some(digits + 1)
}

/// The addresses of the instructions that a question executes.
fn executed(root: &Path, program: &Path, question: &[&str]) -> Result<Vec<u64>, String> {
    let profile = program.with_extension("callgrind");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--dump-instr=yes", "--compress-pos=no", "--compress-strings=no"]);
    valgrind.arg(format!("--callgrind-out-file={}", profile.display())).arg(program).args(question);
    let status = valgrind.current_dir(root).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("dist: valgrind, {}: {status}", question.join(" "))),
        Err(cause) => return Err(format!("dist: valgrind could not be started: {cause}")),
    }
    let text = std::fs::read_to_string(&profile).map_err(|cause| format!("{}: {cause}", profile.display()))?;
    let addresses = text.lines().filter_map(|line| line.strip_prefix("0x")?.split(' ').next());
    Ok(addresses.filter_map(|address| u64::from_str_radix(address, 16).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
             VMA              LMA     Size Align Out     In      Symbol
          5c2300           5c2300   b5d600    64 .text
          5c2300           5c2300       30    16         /lib/crt1.o:(.text)
          5c2330           5c2330      100    16         /deps/x.vatlas.1-cgu.0.rcgu.o:(.text._RNvCsgEmfK2_6vatlas4main)
          5c2330           5c2330      100     1                 vatlas::main
          5c2430           5c2430      200    16         /deps/x.core.2-cgu.0.rcgu.o:(.text._RNvNtCsa_4core3fmt5write.llvm.77)
          5c2630           5c2630     4000    16         /deps/x.core.2-cgu.0.rcgu.o:(.text._RNvNtCsb_4core3fmt5write.llvm.78)
          5c6630           5c6630       20    16         /usr/lib/libc.a(malloc.o):(.text)
          5c6650           5c6650       20    16         /usr/lib/libc.a(memmove-avx-unaligned.o):(.text.avx)
          5c6670           5c6670        0    16         /deps/x.core.2-cgu.0.rcgu.o:(.text._RNvempty)
";

    #[test]
    fn pieces_are_named_without_what_changes() {
        let check = |name: &str, expected: &str| assert_eq!(without_numbers(name), expected);
        check(
            "._RNvMs3_NtCslNYArtu3iFV_5alloc7raw_vecINtB5_6RawVechE8grow_one",
            "._RNvMs3_NtCs*_5alloc7raw_vecINtB*_6RawVechE8grow_one",
        );
        check("._RNvCs1_6vatlas4main.llvm.123", "._RNvCs*_6vatlas4main.llvm.*");
        check("._ZN4Base4CsvC", "._ZN4Base4CsvC");
        let names: Vec<_> = pieces(MAP).into_iter().map(|piece| piece.line).collect();
        let named = |text: &str| Some(text.to_owned());
        let write = "* .text._RNvNtCs*_4core3fmt5write.llvm.*";
        let expected = [
            None,
            named("* .text._RNvCs*_6vatlas4main"),
            named(write),
            named(write),
            named("*libc.a:malloc.o .text"),
            named("*libc.a:memmove-*.o .text*"),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_line_that_brings_in_much_else_is_left_out() {
        let pieces = pieces(MAP);
        let at = |address| piece_at(&pieces, address).unwrap();
        assert_eq!((at(0x5c2330), at(0x5c242f), piece_at(&pieces, 0x5c6670), piece_at(&pieces, 1)), (1, 1, None, None));
        assert_eq!(
            worth(&pieces, &[at(0x5c6630), at(0x5c2430), at(0x5c2331)]),
            ["*libc.a:malloc.o .text", "* .text._RNvCs*_6vatlas4main"]
        );
        assert_eq!(worth(&pieces, &[at(0x5c2630)]), ["* .text._RNvNtCs*_4core3fmt5write.llvm.*"]);
    }

    #[test]
    fn a_list_is_compared_with_a_program_and_becomes_a_script() {
        let list = "# a remark\n*libc.a:malloc.o .text\n\n* .text._RNvgone\n";
        assert_eq!(fit(list, MAP), (2, 1));
        let script = script(list);
        assert!(script.contains("{\n    *libc.a:malloc.o(.text)\n    *(.text._RNvgone)\n  }"), "{script}");
        assert!(script.contains("  .rodata.early : {\n    *.clap_builder.*(.rodata .rodata.*)\n"), "{script}");
        assert!(script.contains("INSERT BEFORE .text;\n") && script.ends_with("INSERT BEFORE .rodata;\n"));
    }
}
