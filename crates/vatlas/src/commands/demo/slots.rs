//! `vatlas demo`: the story that the program began with. A device with Windows CE 5 is stopped while another process
//! runs than the one of interest: the address of its variable is known, its value is not; its slot gives it.

use crate::{
    commands::processes,
    explanation,
    failure::{Exit, Failure},
    host::GrantedHost,
    host_console::HostConsole,
    json,
    output::Output,
};
use serde_json::{Value, json};
use std::{rc::Rc, sync::Arc};
use vatlas_debug::{
    explain::explain_named,
    location::locate,
    process_choice::processes_called,
    symbol_provider::SymbolProvider,
    usage_index::UsageIndex,
    watch::{Scope, View, Watcher},
};
use vatlas_machine::ce::{Configuration, Device};
use vatlas_space::{Module, ProcessIndex, SlotHome, Target};
use vatlas_symbols::{ModuleSymbols, open::image_files};
use vatlas_targets::ce_machine_target;

/// The device's ROM, made of `fixtures/ce/demo.toml` by `vatlas rom build`.
pub const ROM: &[u8] = include_bytes!("../../../../../fixtures/ce/demo.bin");
/// The program with its names, of which the ROM keeps none.
const PROGRAM: &[u8] = include_bytes!("../../../../../fixtures/ce/programs/helloworld.exe");
const NAME: &str = "helloworld.exe";
/// Instructions until every program has started, and then at most as many until another one than helloworld.exe runs.
const START: u64 = 1_000_000;
const LOOK: u64 = 10_000;
const MOST_LOOKS: u32 = 100;

/// A question and what came back.
struct Answer {
    title: String,
    expression: &'static str,
    text: String,
}

/// Answers.
///
/// # Errors
/// The device does not start.
pub fn run(output: &mut Output) -> Result<Exit, Failure> {
    let device = Rc::new(device()?);
    let target = ce_machine_target(&device, "demo.bin");
    let story = Story::new(&target)?;
    let answers = story.answers()?;
    let index = UsageIndex::new(&target, story.process).ok_or_else(|| Failure::could_not("demo: no process"))?;
    let location = locate(&target, index.process(), None, "0x00012345");
    let location = location.map_err(|error| Failure::could_not(error.to_string()))?;
    let explained = explain_named(&target, &index, &location, &story.names);
    if output.json {
        let answers = answers.iter().map(|answer| json!({ "expression": answer.expression, "value": answer.text }));
        let answer = json!({
            "current": story.current_name(),
            "answers": answers.collect::<Value>(),
            "explanation": explanation::json("0x00012345", &explained),
        });
        output.document(&json::document("demo", Value::Null, answer));
        return Ok(Exit::Done);
    }
    story.introduction(output);
    for answer in &answers {
        output.line("");
        output.line(&answer.title);
        output.heading(&format!("  {:<34}{}", answer.expression, answer.text));
    }
    output.line("");
    output.line(&format!("What vatlas says of the address in {NAME} straight away:"));
    explanation::human("0x00012345", &explained, false, output);
    next(output);
    Ok(Exit::Done)
}

/// The device, stopped while another program runs.
fn device() -> Result<Device, Failure> {
    let host = GrantedHost::new(None).with_console(HostConsole::closed());
    let device = Device::boot(ROM, Configuration::default(), Box::new(host));
    let mut device = device.map_err(|error| Failure::could_not(format!("demo: {error}")))?;
    device.run(START);
    for _ in 0..MOST_LOOKS {
        let current = device.process_view(device.current_process());
        if current.is_some_and(|process| process.name != NAME) {
            break;
        }
        device.run(LOOK);
    }
    Ok(device)
}

struct Story<'t> {
    target: &'t dyn Target,
    process: ProcessIndex,
    home: SlotHome,
    current: ProcessIndex,
    names: Names,
}

impl<'t> Story<'t> {
    fn new(target: &'t dyn Target) -> Result<Self, Failure> {
        let process = processes_called(target, NAME).first().copied();
        let process = process.ok_or_else(|| Failure::could_not(format!("demo: {NAME} does not run")))?;
        let home = target.processes().get(process.0).and_then(|process| process.home);
        let home = home.ok_or_else(|| Failure::could_not("demo: the process has no slot"))?;
        let current = target.ce().and_then(|ce| ce.current_process).unwrap_or(target.current());
        Ok(Self { target, process, home, current, names: Names::new()? })
    }

    fn current_name(&self) -> String {
        let process = self.target.processes().get(self.current.0);
        process.and_then(|process| process.name.clone()).unwrap_or_default()
    }

    fn introduction(&self, output: &mut Output) {
        let (name, current) = (NAME, self.current_name());
        output.line(
            "A device with Windows CE 5: every process has a slot of 32 MB in one space of addresses, and the one that",
        );
        output
            .line(&format!("runs is seen in slot 0, too. The device was stopped at a random moment: {current} runs."));
        output.line("");
        let all: Vec<ProcessIndex> = (0..self.target.processes().len()).map(ProcessIndex).collect();
        output.text(&processes::table(self.target, &all).render(output.colour));
        output.line("");
        output.line(&format!("{name} has a variable, MyGlobalVar. What is in it?"));
    }

    /// What a debugger of the time answers, step by step.
    fn answers(&self) -> Result<Vec<Answer>, Failure> {
        let current = self.current_name();
        let slot = format!("process {}, in slot {} from {} on", self.home.number, self.home.slot(), self.home.base);
        let seen = Scope { process: self.current, current: self.current, view: View::Processor, ..Scope::default() };
        let switched = Scope { process: self.process, view: View::Process, ..seen.clone() };
        let steps = [
            ("Its address is in the symbols:".to_owned(), "{,,helloworld.exe} &MyGlobalVar", &seen),
            (
                format!("Its value is not to be had: at that address, the processor sees {current}:"),
                "{,,helloworld.exe} MyGlobalVar",
                &seen,
            ),
            (format!("{NAME} is {slot}. There the variable always is, whoever runs:"), "*((DWORD*)0x12012345)", &seen),
            (
                format!("Or the debugger is switched to a thread of {NAME}:"),
                "{,,helloworld.exe} MyGlobalVar",
                &switched,
            ),
        ];
        let watcher = Watcher::new(self.target, &self.names);
        let answer = |(title, expression, scope): (String, &'static str, &Scope)| {
            let watched = watcher.watch(expression, scope);
            let watched = watched.map_err(|error| Failure::could_not(format!("demo: {}", error.message)))?;
            Ok(Answer { title, expression, text: watched.text })
        };
        steps.into_iter().map(answer).collect()
    }
}

/// The names of the one program that has any.
struct Names(Rc<ModuleSymbols>);

impl Names {
    fn new() -> Result<Self, Failure> {
        let bytes: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(PROGRAM);
        Ok(Self(Rc::new(ModuleSymbols::new(image_files(NAME, &bytes)?))))
    }
}

impl SymbolProvider for Names {
    fn symbols(&self, module: &Module) -> Rc<ModuleSymbols> {
        match module.name().eq_ignore_ascii_case(NAME) {
            true => Rc::clone(&self.0),
            false => Rc::new(ModuleSymbols::default()),
        }
    }
}

fn next(output: &mut Output) {
    output.line("");
    output.heading("what to try next");
    let questions = [
        ("vatlas demo --write demo.bin", "keep the ROM image of the device"),
        ("vatlas run demo.bin --stop-at 2M --then slots", "run it: who lives in which slot"),
        ("vatlas rom demo.bin --sections", "what is in the ROM, and where it is at run time"),
        ("vatlas place 0x12012345 --layout ce5", "what an address means, without any device"),
        ("vatlas demo dump", "a dump of a crash on 32-bit Windows"),
        ("vatlas demo paging", "the life of one page"),
    ];
    for (command, what) in questions {
        output.line(&format!("  {command:<48}{what}"));
    }
}
