//! `vatlas demo`: a device with Windows CE stopped at a random moment; a dump of our own, explained; the machine with
//! one page, and with two processes.

mod nt;
mod paging;
mod slots;

use crate::{
    draw::{
        self,
        text::{printable, size},
    },
    explanation,
    failure::{Exit, Failure},
    json,
    open::not_written,
    output::Output,
    words::fault_words,
};
use clap::ValueEnum;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use unicode_width::UnicodeWidthStr;
use vatlas_debug::{
    crash::crash,
    explain::{Explanation, explain},
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
  vatlas demo                        slots of Windows CE: why a debugger shows ???
  vatlas demo dump                   a dump of a crash on 32-bit Windows
  vatlas demo paging                 the life of one page, on a machine that runs a program
  vatlas demo nt                     two processes that share code, each with its data
  vatlas demo dump --write demo.dmp  keep the dump, to try the other commands on it
  vatlas demo --write demo.bin       keep the ROM image of the device";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to show
    #[arg(value_name = "TOPIC", default_value = "slots")]
    topic: Topic,
    /// Write what is shown to a file: the dump, or the ROM image of the device
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// What is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Topic {
    /// A device with Windows CE, stopped while another process runs
    Slots,
    /// A dump of a crash
    #[value(alias = "crash")]
    Dump,
    /// The life of one page
    Paging,
    /// Two processes that share code, each with its data
    Nt,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(path) = &args.write {
        write(path, args.topic, output)?;
    }
    match args.topic {
        Topic::Slots => return slots::run(output),
        Topic::Dump => {}
        Topic::Paging => return paging::run(output),
        Topic::Nt => return nt::run(output),
    }
    let target = vatlas_targets::open(Arc::new(DUMP), Box::new(NoImageFiles))?;
    let index = UsageIndex::new(&*target, ProcessIndex(0)).ok_or_else(|| Failure::could_not("demo: no process"))?;
    if output.json {
        let answers = STORY.iter().map(|(_, name)| {
            let explanation = explained(&*target, &index, name)?;
            Ok(explanation::json(name, &explanation))
        });
        let answers: Value = answers.collect::<Result<_, Failure>>()?;
        output.document(&json::document("demo", Value::Null, answers));
        return Ok(Exit::Done);
    }
    introduction(&*target, &index, output);
    for (question, name) in STORY {
        output.line("");
        output.heading(question);
        let explanation = explained(&*target, &index, name)?;
        explanation::human(name, &explanation, name != "crash", output);
    }
    overwritten(&*target, &index, output)?;
    output.line("");
    picture(&index, output);
    next(args.write.as_ref(), output);
    Ok(Exit::Done)
}

/// Writes what a topic is about; a file that is something else is left alone.
fn write(path: &Path, topic: Topic, output: &Output) -> Result<(), Failure> {
    let bytes = match topic {
        Topic::Slots => slots::ROM,
        Topic::Dump => DUMP,
        Topic::Paging | Topic::Nt => {
            let failure = Failure::usage("--write: this demo has no file");
            return Err(failure.hint("vatlas demo --write demo.bin, vatlas demo dump --write demo.dmp"));
        }
    };
    match std::fs::read(path) {
        Ok(there) if there == bytes => {}
        Ok(_) => {
            let failure = Failure::could_not(format!("{}: exists already and is another file", path.display()));
            return Err(failure.hint("give another name, or remove it"));
        }
        Err(_) => std::fs::write(path, bytes).map_err(|error| not_written(path, &error))?,
    }
    output.remark(&format!("written: {} ({})", path.display(), size(bytes.len() as u64)));
    Ok(())
}

/// What one would ask of the dump, one after the other.
const STORY: [(&str, &str); 4] = [
    ("What is the bad address?", "crash"),
    ("Which instruction used it?", "pc"),
    ("Whose stack was that?", "sp"),
    ("Where did the address come from? esi points at the program's table:", "esi"),
];

fn explained(target: &dyn Target, index: &UsageIndex<'_>, name: &str) -> Result<Explanation, Failure> {
    let location =
        locate(target, index.process(), None, name).map_err(|error| Failure::could_not(error.to_string()))?;
    Ok(explain(target, index, &location))
}

/// The table in memory, where one sees what happened.
fn overwritten(target: &dyn Target, index: &UsageIndex<'_>, output: &mut Output) -> Result<(), Failure> {
    const TABLE_SIZE: u64 = 0x40;
    let table = locate(target, index.process(), None, "esi").map_err(|error| Failure::could_not(error.to_string()))?;
    super::memory::rows(index, table.va, TABLE_SIZE, output);
    output.line("  At esi+0x30 stood a pointer. The sixteen bytes before it were filled to the last one, and the next");
    output.line("  text, \"Hello, world!\", went over it: its first four letters became the address 0x6c6c6548.");
    Ok(())
}

fn introduction(target: &dyn Target, index: &UsageIndex<'_>, output: &mut Output) {
    let process = index.process();
    output.line("A program crashed on a 32-bit Windows, and a small dump is what is left of it.");
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
    let keep = ("vatlas demo dump --write demo.dmp".to_owned(), "keep the dump, for the commands below");
    let questions = [
        (format!("vatlas info {file}"), "what the dump is"),
        (format!("vatlas explain {file} eax ebp sp-8"), "any address, by name or number"),
        (format!("vatlas memory {file} sp 128 --as words"), "the stack, with what each word points to"),
        (format!("vatlas map {file} --html map.html"), "the whole space, to zoom and to hover over"),
        (format!("vatlas search {file} '\"Hello\"'"), "where a text lies"),
        (format!("vatlas refs {file} crash"), "who holds the bad address"),
        ("vatlas place 0x03123456 --layout ce5".to_owned(), "what an address means on a Windows CE device"),
        ("vatlas slots --layout ce5".to_owned(), "how Windows CE divides its space"),
    ];
    let lines: Vec<_> = written.is_none().then_some(keep).into_iter().chain(questions).collect();
    let width = lines.iter().map(|(command, _)| command.width()).max().unwrap_or(0);
    for (command, what) in lines {
        let padding = " ".repeat(width - command.width());
        output.line(&format!("  {}{padding}  {what}", printable(&command)));
    }
}
