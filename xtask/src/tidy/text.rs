//! The rules of the tidy gate that need no syntax: openings, whitespace, machine paths, links.

use crate::tree::{File, Finding};

/// First folders of absolute paths that exist on one machine only.
const MACHINE_FOLDERS: [&str; 4] = ["work", "root", "tmp", "home"];

/// Holds the rules about lines against one file; binary files have no lines.
pub fn check(file: &File) -> Vec<Finding> {
    let Some(text) = file.text() else { return Vec::new() };
    let is_source = file.has_extension("rs");
    let is_prose = file.has_extension("md");
    let mut findings = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let mut report = |what: String| findings.push(Finding::new(&file.path, number, what));
        if let Some(folder) = machine_folder(line) {
            report(format!("a path below /{folder} is one machine's; use a path from the repository's root"));
        }
        if is_source && is_ignored_example(line) {
            report("an ignored example proves nothing; call its block text, or let it run".to_owned());
        }
        if (is_source || is_prose) && line.contains('\t') {
            report("a tab; indent with spaces".to_owned());
        }
        if (is_source || is_prose) && line.ends_with([' ', '\t', '\r']) {
            report("white space at the end of the line".to_owned());
        }
    }
    findings
}

/// Every document has a link from one of the files where a reader starts.
pub fn check_links(files: &[File], entrances: &[&str]) -> Vec<Finding> {
    let texts: Vec<&str> =
        files.iter().filter(|file| entrances.contains(&file.path.as_str())).filter_map(File::text).collect();
    let is_linked =
        |path: &str| texts.iter().any(|text| [")", "#"].iter().any(|end| text.contains(&format!("]({path}{end}"))));
    let documents = files.iter().filter(|file| file.path.starts_with("docs/") && file.has_extension("md"));
    documents
        .filter(|file| !is_linked(&file.path))
        .map(|file| Finding::new(&file.path, 0, format!("has no link from {}", entrances.join(" or "))))
        .collect()
}

/// The `//!` lines with which a file starts, without their marks.
pub fn opening(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// A file opens with a sentence: its one idea.
pub fn check_opening(opening: &str) -> Result<(), &'static str> {
    let paragraph = opening.split("\n\n").next().unwrap_or_default().trim_end();
    if paragraph.is_empty() {
        return Err("the file does not start with a //! line that says its one idea");
    }
    if paragraph.split_whitespace().count() < 3 || !paragraph.ends_with('.') {
        return Err("the first //! paragraph is no sentence: say the file's one idea, and end it with a full stop");
    }
    Ok(())
}

/// The machine's folder when the line names an absolute path below one. `../home/` and `a/tmp/` are no such paths.
fn machine_folder(line: &str) -> Option<&'static str> {
    let continues_a_path = |before: char| before.is_alphanumeric() || "_.~-".contains(before);
    MACHINE_FOLDERS.into_iter().find(|folder| {
        let path = format!("/{folder}/");
        line.match_indices(&path).any(|(at, _)| !line[..at].ends_with(continues_a_path))
    })
}

fn is_ignored_example(line: &str) -> bool {
    let line = line.trim_start();
    let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
    comment.and_then(|text| text.trim_start().strip_prefix("```")).is_some_and(|kind| kind.contains("ignore"))
}
