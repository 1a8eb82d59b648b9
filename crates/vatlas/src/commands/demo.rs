//! `vatlas demo`: a dump of our own, explained, and what to try next.

use crate::{
    draw, explanation,
    failure::{Exit, Failure},
    json,
    output::Output,
    words::fault_words,
};
use serde_json::Value;
use std::{path::PathBuf, sync::Arc};
use vatlas_debug::{
    crash::crash,
    explain::explain,
    location::locate,
    map::{map, summary},
    usage_index::UsageIndex,
};
use vatlas_space::{ProcessIndex, Target};
use vatlas_targets::NoImageFiles;

/// The dump, made by the writer in `fixtures`.
const DUMP: &[u8] = include_bytes!("../../../../fixtures/minidump/demo.dmp");

const EXAMPLES: &str = "\
Examples:
  vatlas demo
  vatlas demo --write demo.dmp       keep the dump, to try the other commands on it";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Write the dump to a file
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(path) = &args.write {
        std::fs::write(path, DUMP).map_err(|error| Failure::could_not(format!("{}: {error}", path.display())))?;
    }
    let target = vatlas_targets::open(Arc::new(DUMP), Box::new(NoImageFiles))?;
    let index = UsageIndex::new(&*target, ProcessIndex(0)).ok_or_else(|| Failure::could_not("demo: no process"))?;
    let asked = ["crash", "pc", "sp"];
    let explanations = asked.map(|name| {
        let location = locate(&*target, index.process(), None, name);
        location.map(|location| explain(&*target, &index, &location)).map_err(|error| error.to_string())
    });
    if output.json {
        let answers =
            asked.iter().zip(explanations).filter_map(|(name, found)| Some(explanation::json(name, &found.ok()?)));
        output.document(&json::document("demo", Value::Null, answers.collect()));
        return Ok(Exit::Done);
    }
    introduction(&*target, &index, output);
    for (name, found) in asked.iter().zip(explanations) {
        let found = found.map_err(Failure::could_not)?;
        output.line("");
        explanation::human(name, &found, *name != "crash", output);
    }
    output.line("");
    picture(&index, output);
    next(args.write.as_ref(), output);
    Ok(Exit::Done)
}

fn introduction(target: &dyn Target, index: &UsageIndex<'_>, output: &mut Output) {
    let process = index.process();
    output.line("A program crashed on a 32-bit Windows, and this small dump is what is left of it. Nothing else is");
    output.line("needed to ask vatlas what the bad address was.");
    output.line("");
    let name = process.name.as_deref().unwrap_or("a process");
    output.heading(&format!(
        "{name}: {} threads, {} modules, {} bytes of dump",
        process.threads.len(),
        process.modules.len(),
        DUMP.len()
    ));
    let Some(crash) = crash(target) else { return };
    let fault = crash.fault.map(|fault| format!(": {}", fault_words(&crash, fault, process.width)));
    output.line(&format!("{} in thread {}{}", crash.name, crash.thread, fault.unwrap_or_default()));
}

fn picture(index: &UsageIndex<'_>, output: &mut Output) {
    let entries = map(index);
    let (columns, lines) = output.columns_and_lines();
    let look = draw::terminal::Look { colours: output.colours(), width: columns, height: lines };
    output.heading("its 4 GB of addresses");
    output.text(&draw::terminal::strip(&entries, index.space().range(), look));
    output.text(&draw::terminal::legend(&entries, look));
    if let Some(free) = summary(&entries).largest_free {
        output.line(&format!("largest free block: {}", crate::output::sized_range(free)));
    }
}

fn next(written: Option<&PathBuf>, output: &mut Output) {
    let file = written.map_or("demo.dmp".to_owned(), |path| path.display().to_string());
    output.line("");
    output.heading("what to try next");
    if written.is_none() {
        output.line("  vatlas demo --write demo.dmp          keep the dump, then:");
    }
    for (command, what) in [
        (format!("vatlas info {file}"), "what the dump is"),
        (format!("vatlas explain {file} eax ebp sp-8"), "any address, by name or number"),
        (format!("vatlas memory {file} sp 128 --as words"), "the stack, with what each word points to"),
        (format!("vatlas map {file} --html map.html"), "the whole space, to zoom and to hover over"),
        (format!("vatlas search {file} '\"Hello\"'"), "where a text lies"),
        (format!("vatlas refs {file} crash"), "who holds the bad address"),
        ("vatlas place 0x03123456 --layout ce5".to_owned(), "what an address means on a Windows CE device"),
        ("vatlas slots --layout ce5".to_owned(), "how Windows CE divides its space"),
    ] {
        output.line(&format!("  {command:<42}{what}"));
    }
}
