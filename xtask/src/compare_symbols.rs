//! Our readers of symbols beside other people's: the same questions about the programs of `fixtures/symbols`.
//!
//! The other programs are found on this computer or left out, which is said. What differs and why is data, in
//! `known.rs`; anything else is a mistake, here or there.

mod answers;
mod binutils;
mod known;
mod ours;
mod pdbutil;
mod programs;
mod registers;
mod symbolizer;
mod tool;
mod winedump;

use answers::{Comparison, Difference};
use programs::Programs;
use std::collections::BTreeMap;
use std::path::Path;
use tool::Tool;

/// Differences of one comparison that are printed.
const SHOWN: usize = 10;

/// What one kind of other program is asked.
struct Oracle {
    /// Its names. Every version that is found is asked.
    names: &'static [&'static str],
    /// Asks it about all programs.
    ask: fn(&Tool, &Programs) -> Result<Vec<Comparison>, String>,
}

/// Every kind of other program.
const ORACLES: [Oracle; 9] = [
    Oracle { names: &["llvm-symbolizer"], ask: symbolizer::ask },
    Oracle { names: &["llvm-pdbutil"], ask: pdbutil::ask },
    Oracle { names: &["winedump", "winedump-stable"], ask: winedump::ask },
    Oracle { names: &["x86_64-w64-mingw32-addr2line"], ask: binutils::lines_of_x64 },
    Oracle { names: &["i686-w64-mingw32-addr2line"], ask: binutils::lines_of_x86 },
    Oracle { names: &["x86_64-w64-mingw32-objdump"], ask: binutils::symbols_of_x64 },
    Oracle { names: &["i686-w64-mingw32-objdump"], ask: binutils::symbols_of_x86 },
    Oracle { names: &["x86_64-w64-mingw32-nm"], ask: binutils::names_of_x64 },
    Oracle { names: &["i686-w64-mingw32-nm"], ask: binutils::names_of_x86 },
];

/// Asks every program that is installed; whether all differences are known ones.
///
/// # Errors
/// A fixture cannot be read, or a program that is installed does not run.
pub fn run(root: &Path) -> Result<bool, String> {
    let programs = Programs::read(root)?;
    let (mut compared, mut unknown, mut skipped) = (0, 0, Vec::new());
    let mut reasons = BTreeMap::new();
    println!("| program | compared with | questions | answers | known differences | differences |");
    println!("| --- | --- | --- | ---: | ---: | ---: |");
    for oracle in &ORACLES {
        let tools = Tool::find(oracle.names);
        if tools.is_empty() {
            skipped.push(oracle.names.join(" or "));
        }
        for tool in &tools {
            for comparison in (oracle.ask)(tool, &programs)? {
                compared += comparison.count();
                unknown += print(tool, &comparison, &mut reasons);
            }
        }
    }
    println!("\n{compared} answers compared, {unknown} differ");
    reasons.iter().for_each(|(reason, count)| println!("known, {count} times: {reason}"));
    skipped.iter().for_each(|name| println!("skipped: {name} is not installed"));
    Ok(unknown == 0)
}

/// Prints a row, and differences that nobody has explained; gives their number.
fn print(tool: &Tool, comparison: &Comparison, reasons: &mut BTreeMap<&str, usize>) -> usize {
    let differences = comparison.differences();
    let is_known = |difference: &Difference| {
        let reason = known::reason(tool, comparison, difference);
        reason.into_iter().for_each(|reason| *reasons.entry(reason).or_default() += 1);
        reason.is_some()
    };
    let (known, unknown): (Vec<_>, Vec<_>) = differences.into_iter().partition(is_known);
    let Comparison { program, questions, .. } = comparison;
    println!("| {program} | {tool} | {questions} | {} | {} | {} |", comparison.count(), known.len(), unknown.len());
    for Difference { key, ours, theirs } in unknown.iter().take(SHOWN) {
        eprintln!("{program}: {tool}: {questions}: {key}\n  ours   {ours}\n  theirs {theirs}");
    }
    unknown.len()
}
