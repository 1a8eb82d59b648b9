//! The tidy gate: the rules about sources and prose that neither rustfmt nor clippy holds.

mod source;
mod text;

#[cfg(test)]
mod tests;

use crate::tree::{File, Finding};
use source::{Facts, Function};

/// A function may have this many lines, from `fn` to the closing brace.
const FUNCTION_LINES: usize = 70;
/// Nine of ten functions have at most this many lines.
const USUAL_FUNCTION_LINES: usize = 35;
/// A file may have this many lines, unless its opening says that it is a table.
const FILE_LINES: usize = 800;
/// What the opening of a file says when its length is that of its data.
const TABLE_MARK: &str = "This file is a table";

/// The files that every checkout has.
const REQUIRED: [&str; 6] =
    ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// Where a reader starts: every document is linked from one of these.
const ENTRANCES: [&str; 2] = ["ARCHITECTURE.md", "README.md"];

const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];
const PRINTING: [&str; 4] = ["println", "eprintln", "print", "eprint"];
/// Paths through which a library would reach the world.
const WORLD: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::time::Instant",
];
const CLOCKS: [&str; 3] = ["std::time::SystemTime", "time::Instant", "time::SystemTime"];

/// What the tidy gate saw.
#[derive(Debug, Default)]
pub struct Report {
    /// The broken rules, by path and line.
    pub findings: Vec<Finding>,
    /// Number of Rust files.
    pub sources: usize,
    /// Number of functions with a body.
    pub functions: usize,
    /// Number of functions longer than 35 lines.
    pub long_functions: usize,
}

/// Holds every rule of the gate against the files of one tree.
pub fn check(files: &[File]) -> Report {
    let mut report = Report::default();
    for file in files {
        report.findings.extend(text::check(file));
        if let (true, Some(source)) = (file.has_extension("rs"), file.text()) {
            check_source(&file.path, source, &mut report);
        }
    }
    report.findings.extend(text::check_links(files, &ENTRANCES));
    for name in REQUIRED {
        if !files.iter().any(|file| file.path == name) {
            report.findings.push(Finding::new(name, 0, "is missing"));
        }
    }
    if report.long_functions * 10 > report.functions {
        let (long, all) = (report.long_functions, report.functions);
        let what = format!("{long} of {all} functions have more than {USUAL_FUNCTION_LINES} lines; one in ten may");
        report.findings.push(Finding::new("crates", 0, what));
    }
    report.findings.sort();
    report
}

fn check_source(path: &str, source: &str, report: &mut Report) {
    report.sources += 1;
    let opening = text::opening(source);
    if let Err(what) = text::check_opening(&opening) {
        report.findings.push(Finding::new(path, 1, what));
    }
    let lines = source.lines().count();
    if lines > FILE_LINES && !opening.contains(TABLE_MARK) {
        let what = format!("{lines} lines, {FILE_LINES} are allowed; split it, or say \"{TABLE_MARK}\" in its opening");
        report.findings.push(Finding::new(path, 0, what));
    }
    match source::read(source) {
        Ok(facts) => check_facts(path, &facts, report),
        Err((line, cause)) => report.findings.push(Finding::new(path, line, format!("does not parse: {cause}"))),
    }
}

fn check_facts(path: &str, facts: &Facts, report: &mut Report) {
    report.functions += facts.functions.len();
    report.long_functions += facts.functions.iter().filter(|one| one.lines > USUAL_FUNCTION_LINES).count();
    report.findings.extend(facts.functions.iter().filter_map(|one| check_function(path, one)));
    for &line in &facts.ignored_tests {
        report.findings.push(Finding::new(path, line, "an ignored test proves nothing; mend it or remove it"));
    }
    for mention in &facts.macros {
        if UNFINISHED.contains(&mention.name.as_str()) {
            report.findings.push(Finding::new(path, mention.line, format!("{}! is for unfinished code", mention.name)));
        }
    }
    if is_below_the_program(path) {
        report.findings.extend(world_mentions(path, facts));
    }
}

fn check_function(path: &str, function: &Function) -> Option<Finding> {
    let Function { name, line, lines, is_flat_match } = function;
    (*lines > FUNCTION_LINES && !is_flat_match).then(|| {
        let what = format!("fn {name} has {lines} lines, {FUNCTION_LINES} are allowed (more only to one flat match)");
        Finding::new(path, *line, what)
    })
}

/// The product code of every crate under the program, and of the fixture writers.
fn is_below_the_program(path: &str) -> bool {
    let library =
        path.strip_prefix("crates/").is_some_and(|rest| !rest.starts_with("vatlas/") && rest.contains("/src/"));
    (library || path.starts_with("fixtures/src/")) && !path.ends_with("/tests.rs") && !path.contains("/tests/")
}

fn world_mentions<'a>(path: &'a str, facts: &'a Facts) -> impl Iterator<Item = Finding> + 'a {
    let prints = facts.macros.iter().filter(|mention| PRINTING.contains(&mention.name.as_str()));
    let reaches =
        facts.paths.iter().filter(|mention| WORLD.iter().chain(&CLOCKS).any(|banned| is_under(&mention.name, banned)));
    prints
        .map(|mention| (mention, "!"))
        .chain(reaches.map(|mention| (mention, "")))
        .filter(|(mention, _)| !mention.in_test)
        .map(move |(mention, mark)| {
            let what =
                format!("{}{mark}: only the program (crates/vatlas) prints, opens files or reads clocks", mention.name);
            Finding::new(path, mention.line, what)
        })
}

fn is_under(path: &str, banned: &str) -> bool {
    path.strip_prefix(banned).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
