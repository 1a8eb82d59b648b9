//! `vatlas processes FILE`: the processes of a target, with what the system keeps of each.

use crate::{
    draw::text::printable,
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    process_choice::{name, title},
    table::{Cell, Side, Table},
};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use vatlas_debug::process_choice::processes_called;
use vatlas_space::{Fact, FactsOf, Process, ProcessIndex, Target};

const EXAMPLES: &str = "\
Examples:
  vatlas processes device.kdmp
  vatlas processes device.kdmp --fields --process scale.exe
  vatlas processes device.kdmp --json | jq '.answer[] | {name, slot}'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Show every field that the file has of a process
    #[arg(long)]
    fields: bool,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let target = &*opened.target;
    let wanted = args.target.process.as_deref().map(|wanted| processes_called(target, wanted));
    let all = (0..target.processes().len()).map(ProcessIndex);
    let chosen: Vec<ProcessIndex> = wanted.unwrap_or_else(|| all.collect());
    if output.json {
        let rows = chosen.iter().filter_map(|index| process_json(target, *index, args.fields));
        output.document(&json::document("processes", opened.input(), rows.collect()));
    } else {
        output.text(&table(target, &chosen).render(output.colour));
        for index in chosen.iter().filter(|_| args.fields) {
            fields(target, *index, output);
        }
    }
    match chosen.is_empty() {
        true => Err(Failure::could_not("the dump lists no process")),
        false => Ok(opened.exit()),
    }
}

/// Columns without any text are not shown: those of slots, where there are none.
pub fn table(target: &dyn Target, chosen: &[ProcessIndex]) -> Table {
    let mut table = Table::new(&[
        ("", Side::Left),
        ("PROCESS", Side::Right),
        ("NAME", Side::Left),
        ("NUMBER", Side::Right),
        ("SLOT", Side::Right),
        ("FROM", Side::Left),
        ("ACCESS KEY", Side::Left),
        ("THREADS", Side::Right),
        ("MODULES", Side::Right),
        ("", Side::Left),
    ]);
    for index in chosen {
        let Some(process) = target.processes().get(index.0) else { continue };
        table.row(row(target, *index, process));
    }
    table
}

fn row(target: &dyn Target, index: ProcessIndex, process: &Process) -> [Cell; 10] {
    let failed = target.exception().is_some_and(|exception| process.thread(exception.thread).is_some());
    let ran = target.ce().is_some_and(|ce| ce.current_process == Some(index));
    let red = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let home = process.home;
    // The kernel has a slot of its own up to CE 3; later its addresses are above those of slots.
    let slot = home.map(|home| home.slot()).filter(|slot| *slot < 64).map(|slot| slot.to_string());
    [
        Cell::styled(if failed { "!" } else { "" }, red),
        process.id.map(|id| id.to_string()).unwrap_or_default().into(),
        name(process).into(),
        home.map(|home| home.number.to_string()).unwrap_or_default().into(),
        slot.unwrap_or_default().into(),
        home.map(|home| home.base.text(process.width)).unwrap_or_default().into(),
        home.map(|home| format!("{:08x}", home.access_key)).unwrap_or_default().into(),
        process.threads.len().to_string().into(),
        process.modules.len().to_string().into(),
        if ran { "current process" } else { "" }.into(),
    ]
}

fn fields(target: &dyn Target, index: ProcessIndex, output: &mut Output) {
    let Some(process) = target.processes().get(index.0) else { return };
    output.line("");
    output.heading(&printable(&title(target, process)));
    fact_lines(&target.facts(FactsOf::Process(index)), output);
}

/// Fields of a record, a line each.
pub fn fact_lines(facts: &[Fact], output: &mut Output) {
    if facts.is_empty() {
        return output.line("  the file has no fields of its own for this");
    }
    let width = facts.iter().map(|fact| fact.label.chars().count()).max().unwrap_or(0);
    for fact in facts {
        output.line(format!("  {:width$}  {}", printable(&fact.label), printable(&fact.value)).trim_end());
    }
}

/// Fields of a record as JSON: a list, since labels may repeat.
pub fn facts_json(facts: &[Fact]) -> Value {
    facts.iter().map(|fact| json!({ "label": fact.label, "value": fact.value })).collect()
}

fn process_json(target: &dyn Target, index: ProcessIndex, with_fields: bool) -> Option<Value> {
    let process = target.processes().get(index.0)?;
    let home = process.home;
    let mut value = json!({
        "id": process.id.map(|id| id.0),
        "name": process.name,
        "number": home.map(|home| home.number),
        "slot": home.map(|home| home.slot()),
        "base": home.map(|home| json::va(home.base, process.width)),
        "access_key": home.map(|home| json::hex32(home.access_key)),
        "threads": process.threads.len(),
        "modules": process.modules.len(),
        "failed": target.exception().is_some_and(|exception| process.thread(exception.thread).is_some()),
        "ran": target.ce().is_some_and(|ce| ce.current_process == Some(index)),
    });
    if with_fields {
        value["fields"] = facts_json(&target.facts(FactsOf::Process(index)));
    }
    Some(value)
}
