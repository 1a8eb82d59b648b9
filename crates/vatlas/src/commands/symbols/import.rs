//! `vatlas symbols import PATH...`: files that were fetched elsewhere go into the store of this user.

use crate::{
    cache_folder::cache_folder,
    failure::{Exit, Failure},
    json,
    output::Output,
    symbol_finder::{
        folder::FolderIndex,
        import::{Imported, import},
    },
    table::{Cell, Side, Table},
    words::counted,
};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  vatlas symbols import fetched/
  vatlas symbols import app.pdb app.exe
  vatlas symbols import fetched/ --json | jq '.answer.files[] | select(.outcome == \"failed\")'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Folder with symbol files and images, searched with its folders; or such a file
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let store = cache_folder().map(|cache| cache.join("symbols")).ok_or_else(|| {
        Failure::could_not("there is no folder to keep symbols in").hint("set XDG_CACHE_HOME or HOME")
    })?;
    let mut rows: Vec<(PathBuf, Imported)> = Vec::new();
    for path in &args.paths {
        if !path.exists() {
            return Err(Failure::could_not(format!("{}: no such file or folder", path.display())));
        }
        let files = if path.is_dir() { files_in(path, output) } else { vec![path.clone()] };
        rows.extend(files.into_iter().map(|file| {
            let outcome = import(&file, &store);
            (file, outcome)
        }));
    }
    if output.json {
        let files = rows.iter().map(|(path, outcome)| row_json(path, outcome)).collect::<Value>();
        let answer = json!({ "store": store.display().to_string(), "files": files });
        let paths = args.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        output.document(&json::document("symbols import", json!({ "paths": paths }), answer));
    } else {
        output.text(&table(&rows).render(output.colour));
    }
    remark(&rows, &store, output);
    Ok(exit(&rows))
}

fn files_in(folder: &Path, output: &Output) -> Vec<PathBuf> {
    let index = FolderIndex::whole(folder.to_owned());
    if index.is_cut() {
        output.remark(&format!("{}: there are too many files; not all were looked at", folder.display()));
    }
    index.every_path().into_iter().map(Path::to_owned).collect()
}

/// Word, path in the store, reason.
fn words(outcome: &Imported) -> (&'static str, String, &str) {
    match outcome {
        Imported::TakenIn(key) => ("taken in", key.path(), ""),
        Imported::Already(key) => ("already there", key.path(), ""),
        Imported::Kept(key) => {
            ("not taken", key.path(), "another file of this identity is there; take that away to have this one")
        }
        Imported::NoPlace(reason) => ("not taken", String::new(), reason),
        Imported::NoSymbols(reason) => ("no symbols", String::new(), reason),
        Imported::Failed(reason) => ("failed", String::new(), reason),
    }
}

/// A row for each file, but for those that have nothing to do with symbols.
fn table(rows: &[(PathBuf, Imported)]) -> Table {
    let columns = [("", Side::Left), ("FILE", Side::Left), ("IN THE STORE", Side::Left), ("REASON", Side::Left)];
    let mut table = Table::new(&columns);
    for (path, outcome) in rows.iter().filter(|(_, outcome)| !matches!(outcome, Imported::NoSymbols(_))) {
        let (word, place, reason) = words(outcome);
        let style = match outcome {
            Imported::TakenIn(_) => Style::new().fg_color(Some(AnsiColor::Green.into())),
            Imported::Failed(_) => Style::new().fg_color(Some(AnsiColor::Red.into())),
            _ => Style::new(),
        };
        table.row([Cell::styled(word, style), path.display().to_string().into(), place.into(), reason.into()]);
    }
    table
}

fn row_json(path: &Path, outcome: &Imported) -> Value {
    let (word, place, reason) = words(outcome);
    json!({
        "file": path.display().to_string(),
        "outcome": word,
        "store_path": (!place.is_empty()).then_some(place),
        "reason": (!reason.is_empty()).then_some(reason),
    })
}

fn remark(rows: &[(PathBuf, Imported)], store: &Path, output: &Output) {
    let count = |word: &str| rows.iter().filter(|(_, outcome)| words(outcome).0 == word).count();
    let parts = ["taken in", "already there", "not taken", "failed"].map(|word| (count(word), word));
    let mut parts: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if let others @ 1.. = count("no symbols") {
        parts.push(format!("{} without symbols", counted(others, "file")));
    }
    let parts = if parts.is_empty() { "no file".to_owned() } else { parts.join(", ") };
    output.remark(&format!("{parts}; the store is {}", store.display()));
}

/// Done when something is in the store; in part when a file could not be read or written.
fn exit(rows: &[(PathBuf, Imported)]) -> Exit {
    let is_in = |outcome: &Imported| matches!(outcome, Imported::TakenIn(_) | Imported::Already(_) | Imported::Kept(_));
    match (
        rows.iter().any(|(_, outcome)| is_in(outcome)),
        rows.iter().any(|(_, outcome)| matches!(outcome, Imported::Failed(_))),
    ) {
        (true, false) => Exit::Done,
        (true, true) => Exit::Partial,
        (false, _) => Exit::CouldNot,
    }
}
