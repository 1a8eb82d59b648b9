//! `vatlas demo paging`: the life of one page on the machine, told as pages and as files.

use crate::{
    as_files,
    commands::run::{boot, given_system_files},
    failure::{Exit, Failure},
    json,
    output::Output,
    system_page,
};
use serde_json::{Value, json};
use std::rc::Rc;
use vatlas_debug::system_page::{SystemPage, system_page};
use vatlas_machine::{
    files::GivenFile,
    nt::{Configuration, System, SystemStop},
};
use vatlas_space::{PageHome, ProcessIndex, Target, Va};
use vatlas_targets::{MachineTarget, machine_target};

/// The program, from `fixtures/machine/programs/paging.c`.
const PROGRAM: &[u8] = include_bytes!("../../../../../fixtures/machine/programs/paging.exe");
const NAME: &str = "paging.exe";
/// The page that it plays with.
const PAGE: Va = Va(0x2000_0000);
/// Instructions between two looks: each part of the page's life lasts longer.
const LOOK: u64 = 10_000;
/// 16 MB of memory, and a page file of 32 MB.
const FRAMES: u32 = 4096;
const PAGE_FILE: u32 = 8192;

/// A part of the page's life.
struct Part {
    instructions: u64,
    answer: SystemPage,
    told: Vec<String>,
}

/// Answers.
pub fn run(output: &mut Output) -> Result<Exit, Failure> {
    let parts = watch()?;
    if output.json {
        let parts: Value = parts.iter().map(part_json).collect();
        output.document(&json::document("demo", Value::Null, parts));
        return Ok(Exit::Done);
    }
    output
        .line("A program runs on a machine with 16 MB of memory and a page file of 32 MB. It plays with one page, at");
    output.line(
        "0x20000000. The machine is stopped now and then and asked what became of the page. Think of a disk: memory",
    );
    output.line("is the disk, the process is a file on it, the page tables are the file system's own data.");
    for part in &parts {
        output.line("");
        output.heading(&format!("after {} instructions: {}", part.instructions, title(&part.answer.page.home)));
        for (label, text) in system_page::rows(&part.answer) {
            output.line(&format!("  {label:<12}{text}"));
        }
        output.line("  as files");
        part.told.iter().for_each(|sentence| output.line(&format!("    - {sentence}")));
    }
    output.line("");
    output.line("Try: vatlas run PROGRAM --ram 16M --pagefile 32M --stop-at 2M --then 'explain sp --as-files'");
    Ok(Exit::Done)
}

/// Runs the program to its end and keeps every change of the page.
fn watch() -> Result<Vec<Part>, Failure> {
    let mut given = given_system_files();
    given.push(GivenFile { path: NAME.to_owned(), bytes: PROGRAM.into() });
    let configuration = Configuration { frames: FRAMES, given, ..Configuration::default() };
    let mut system = boot(configuration, (PAGE_FILE, PAGE_FILE), NAME)?;
    let mut parts: Vec<Part> = Vec::new();
    loop {
        let stop = system.run(LOOK);
        if stop != SystemStop::Budget {
            return Ok(parts);
        }
        let shared = Rc::new(system);
        let target = machine_target(&shared, NAME);
        if let Some(part) = look(&target, shared.instructions())
            && parts.last().is_none_or(|last| title(&last.answer.page.home) != title(&part.answer.page.home))
        {
            parts.push(part);
        }
        drop(target);
        system = unshared(shared)?;
    }
}

/// The target that looked at it is gone.
fn unshared(shared: Rc<System>) -> Result<System, Failure> {
    Rc::try_unwrap(shared).map_err(|_| Failure::could_not("the machine is still looked at"))
}

fn look(target: &MachineTarget, instructions: u64) -> Option<Part> {
    let number = target.processes().iter().position(|process| process.name.as_deref() == Some(NAME))?;
    let (index, process) = (ProcessIndex(number), target.processes().get(number)?);
    let answer = system_page(target, index, PAGE)?;
    let mut told = as_files::sentences(&answer, process, PAGE);
    told.push(as_files::compression(target.system()?, index, process));
    Some(Part { instructions, answer, told })
}

const fn title(home: &PageHome) -> &'static str {
    match home {
        PageHome::Frame(_) => "in a frame",
        PageHome::FrameOfOthers(_) => "in a frame that others use",
        PageHome::Transition(_) => "taken out of the working set, still in its frame",
        PageHome::PageFile { .. } => "in the page file",
        PageHome::DemandZero => "committed, and never touched",
        PageHome::File { .. } => "in a file",
        PageHome::Reserved => "reserved",
        PageHome::Free => "free",
        PageHome::Unknown => "not known",
    }
}

fn part_json(part: &Part) -> Value {
    json!({
        "instructions": part.instructions,
        "page": system_page::json(&part.answer),
        "as_files": part.told,
    })
}
