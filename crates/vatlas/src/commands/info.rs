//! `vatlas info FILE`: what the dump is, why it was written, what it holds, what could not be read.

use crate::{
    ce_words::device_facts,
    commands::processes::{fact_lines, facts_json},
    draw::text::{printable, size},
    failure::{Exit, Failure},
    json,
    open::{Opened, TargetArgs},
    output::Output,
    table::{Side, Table},
    words::{counted, fault_words, utc, whereabouts},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vatlas_debug::{
    crash::{Crash, FaultAddress, crash},
    map::{MapSummary, map, summary},
    process_choice::process_of_thread,
    usage::Usage,
    usage_index::UsageIndex,
};
use vatlas_rules::layout::title;
use vatlas_space::{AddressSpace, FactsOf, Handle, Host, Machine, Problem, Process, RegionState, Severity, Store};

const EXAMPLES: &str = "\
Examples:
  vatlas info crash.dmp
  vatlas info crash.dmp --streams --handles
  vatlas info crash.dmp --json | jq .answer.crash";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// List the parts of the file too
    #[arg(long)]
    streams: bool,
    /// Show every field that the file has of the system and of the exception
    #[arg(long)]
    fields: bool,
    /// List the open handles too
    #[arg(long)]
    handles: bool,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open_quietly()?;
    let index = opened.index()?;
    let crash = crash(&*opened.target);
    let totals = summary(&map(&index));
    let problems = problems(&opened, &index);
    if output.json {
        let mut answer = answer(&opened, &index, crash.as_ref(), &totals);
        answer["problems"] = json::problems(&problems);
        if args.fields {
            let fields = |of| facts_json(&opened.target.facts(of));
            answer["fields"] = json!({ "system": fields(FactsOf::System), "exception": fields(FactsOf::Exception) });
        }
        output.document(&json::document("info", opened.input(), answer));
    } else {
        human(&opened, &index, crash.as_ref(), &totals, output);
        if args.streams {
            stream_section(&opened, output);
        }
        if args.fields {
            fields_section(&opened, output);
        }
        if args.handles {
            handle_section(&opened, &index, output);
        }
        problem_section(&problems, output);
    }
    let is_damaged = problems.iter().any(|problem| problem.severity == Severity::Damage);
    Ok(if is_damaged { Exit::Partial } else { Exit::Done })
}

/// Bytes that the dump holds of a process.
fn captured_bytes(space: &dyn AddressSpace) -> u64 {
    let backings = space.backings_in(space.range()).filter(|backing| space.alias_at(backing.range.first()).is_none());
    backings.filter(|backing| matches!(backing.store, Store::Captured(_))).map(|backing| backing.range.size()).sum()
}

fn host_words(host: &Host) -> String {
    // Some writers leave version and number of processors zero.
    let version = match host.version {
        [0, 0, 0] => String::new(),
        [major, minor, build] => format!(" {major}.{minor}.{build}"),
    };
    let pack = host.service_pack.as_ref().map(|pack| format!(" {pack}")).unwrap_or_default();
    let processors = match host.processors {
        0 => String::new(),
        count => format!(", {}", counted(count.into(), "processor")),
    };
    format!("{}{version}{pack}, {}{processors}", host.os, host.machine)
}

fn process_words(process: &Process) -> String {
    let name = process.name.as_deref().unwrap_or("unknown");
    let id = process.id.map(|id| format!(", process {id}")).unwrap_or_default();
    let since = process.create_time.filter(|time| *time != 0).map(|time| format!(", started {}", utc(time)));
    let slot = process
        .home
        .filter(|home| home.number != 0)
        .map(|home| format!(", slot {} from {} on", home.slot(), home.base));
    format!("{name}{id}{}{}", slot.unwrap_or_default(), since.unwrap_or_default())
}

fn human(opened: &Opened, index: &UsageIndex<'_>, crash: Option<&Crash>, totals: &MapSummary, output: &mut Output) {
    let target = &*opened.target;
    let (kind, process) = (target.kind(), index.process());
    let mut facts: Vec<(&str, String)> =
        vec![("file", format!("{}, {}", kind.description, size(opened.bytes().len() as u64)))];
    facts.extend(kind.taken_at.map(|time| ("written", utc(time))));
    facts.push(("system", target.host().map_or("not known".to_owned(), host_words)));
    facts.extend(device_facts(target));
    facts.push(("process", process_words(process)));
    facts.push(("layout", layout_words(target.host(), process)));
    facts.push(("threads", process.threads.len().to_string()));
    let unloaded = process.unloaded.len();
    facts.push(("modules", format!("{} loaded, {unloaded} unloaded", process.modules.len())));
    facts.push(("memory", format!("{} captured", size(captured_bytes(index.space())))));
    facts.push(("regions", regions_words(totals)));
    facts.push(("handles", handles_words(&target.handles(index.process_index()))));
    if !kind.contents.is_empty() {
        facts.push(("contents", kind.contents.join(" ")));
    }
    for (name, value) in facts {
        output.line(&format!("{name:<10}{}", printable(&value)));
    }
    output.line("");
    // Where it was is said as the process of the exception sees it, whichever was asked for.
    let owner = crash.and_then(|crash| process_of_thread(target, crash.thread));
    let owner = owner.filter(|owner| *owner != opened.process).and_then(|owner| UsageIndex::new(target, owner));
    crash_section(opened, owner.as_ref().unwrap_or(index), crash, output);
}

fn layout_words(host: Option<&Host>, process: &Process) -> String {
    match (process.layout, host) {
        (Some(layout), Some(Host { machine: machine @ (Machine::Arm | Machine::Arm64), .. }))
            if !layout.name.is_ce() =>
        {
            format!("{}, of which only the user half is established on {machine}", layout.name)
        }
        (Some(layout), _) => format!("{}: {}", layout.name, title(layout.name)),
        (None, Some(host)) => format!("none: vatlas has no rules for the addresses of {}", host.os),
        (None, None) => "not known, as the system is not".to_owned(),
    }
}

fn handles_words((handles, problems): &(Vec<Handle>, Vec<Problem>)) -> String {
    match (handles.len(), problems.is_empty()) {
        (0, true) => "not listed".to_owned(),
        (0, false) => "not known: the list cannot be read".to_owned(),
        (count, true) => count.to_string(),
        (count, false) => format!("{count}; not all can be read"),
    }
}

/// Problems of the file, those of its list of handles among them, which is read only here.
fn problems(opened: &Opened, index: &UsageIndex<'_>) -> Vec<Problem> {
    let (_, of_handles) = opened.target.handles(index.process_index());
    opened.target.problems().iter().cloned().chain(of_handles).collect()
}

fn regions_words(totals: &MapSummary) -> String {
    let known = totals.states.iter().filter(|(state, bytes)| *state != RegionState::Unknown && *bytes > 0);
    let words: Vec<_> = known.map(|(state, bytes)| format!("{} {state}", size(*bytes))).collect();
    if words.is_empty() { "nothing known".to_owned() } else { words.join(", ") }
}

fn crash_section(opened: &Opened, index: &UsageIndex<'_>, crash: Option<&Crash>, output: &mut Output) {
    if matches!(opened.target.kind().format, "PE" | "rom") {
        return output.line("an image that is not running: nothing can have gone wrong");
    }
    let Some(crash) = crash else {
        let problems = opened.target.problems();
        if problems.iter().any(|problem| problem.place.contains("ExceptionStream")) {
            output.heading("exception not known");
            output.line("  the dump has one, but it cannot be read");
        } else {
            output.heading("no exception");
            output.line("  the dump was not written for a crash, or the writer did not record it");
        }
        return;
    };
    // A code without a name is its own name.
    let name = match crash.name.strip_prefix("0x") {
        Some(_) => format!("exception {}", crash.name),
        None => format!("{} ({:08x})", crash.name, crash.code),
    };
    let whose = match opened.target.processes() {
        [_, _, ..] => format!(" of {}", index.process().name.as_deref().unwrap_or("?")),
        _ => String::new(),
    };
    output.heading(&format!("crash: {name} in thread {}{}", crash.thread, printable(&whose)));
    output.line(&format!("  {}", crash.sentence));
    // A reported address is in the sentence already.
    if let Some(fault @ FaultAddress::FromOperand(_)) = crash.fault {
        output.line(&format!("  {}", fault_words(crash, fault, index.process().width)));
    }
    let place = match index.at(crash.pc).usage {
        Usage::Unknown => "; what is there is not known".to_owned(),
        _ => format!(" in {}", whereabouts(index, crash.pc)),
    };
    output.line(&format!("  instruction {}{}", crash.pc, printable(&place)));
    if let Some(note) = &crash.note {
        output.line(&format!("  note: {note}"));
    }
}

fn stream_section(opened: &Opened, output: &mut Output) {
    output.line("");
    output.heading("streams");
    let mut table =
        Table::new(&[("NUMBER", Side::Right), ("NAME", Side::Left), ("OFFSET", Side::Right), ("SIZE", Side::Right)]);
    for stream in &opened.target.kind().streams {
        table.row([
            // The numbers that other writers give their own streams are made to be read in hexadecimal.
            if stream.number > 0x7fff { format!("{:#x}", stream.number) } else { stream.number.to_string() }.into(),
            stream.name.unwrap_or("?").into(),
            stream.offset.to_string().into(),
            stream.size.to_string().into(),
        ]);
    }
    output.text(&table.render(output.colour));
}

fn fields_section(opened: &Opened, output: &mut Output) {
    for (heading, of) in [("system", FactsOf::System), ("exception", FactsOf::Exception)] {
        output.line("");
        output.heading(heading);
        fact_lines(&opened.target.facts(of), output);
    }
}

fn handle_section(opened: &Opened, index: &UsageIndex<'_>, output: &mut Output) {
    output.line("");
    let (handles, _) = opened.target.handles(index.process_index());
    if handles.is_empty() {
        output.heading("no handles are listed");
        return;
    }
    output.heading("handles");
    let columns = [
        ("HANDLE", Side::Left),
        ("TYPE", Side::Left),
        ("ACCESS", Side::Left),
        ("HANDLES", Side::Right),
        ("POINTERS", Side::Right),
        ("NAME", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for handle in &handles {
        table.row([
            format!("{:#x}", handle.value).into(),
            handle.type_name.clone().unwrap_or_default().into(),
            format!("{:#010x}", handle.granted_access).into(),
            handle.handle_count.to_string().into(),
            handle.pointer_count.to_string().into(),
            handle.object_name.clone().unwrap_or_default().into(),
        ]);
    }
    output.text(&table.render(output.colour));
}

fn problem_section(problems: &[Problem], output: &mut Output) {
    if problems.is_empty() {
        return;
    }
    output.line("");
    output.heading(&format!("{} while reading", counted(problems.len(), "problem")));
    for problem in problems {
        output.line(&format!("  {}", printable(&problem.to_string())));
    }
}

fn answer(opened: &Opened, index: &UsageIndex<'_>, crash: Option<&Crash>, totals: &MapSummary) -> Value {
    let target = &*opened.target;
    let (kind, process) = (target.kind(), index.process());
    let width = process.width;
    let digest: String = Sha256::digest(opened.bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let (handles, _) = target.handles(index.process_index());
    let bytes_by_state: serde_json::Map<_, _> =
        totals.states.iter().map(|(state, bytes)| (state.to_string(), json!(bytes))).collect();
    json!({
        "format": kind.format,
        "description": kind.description,
        "sha256": digest,
        "taken_at": kind.taken_at.map(utc),
        "contents": kind.contents,
        "streams": kind.streams.iter().map(|stream| json!({
            "number": stream.number, "name": stream.name, "offset": stream.offset.0, "size": stream.size,
        })).collect::<Value>(),
        "host": target.host().map(|host| json!({
            "os": host.os.to_string(), "version": host.version, "service_pack": host.service_pack,
            "machine": host.machine.to_string(), "processors": host.processors,
        })),
        "processes": target.processes().iter().map(|process| json!({
            "id": process.id.map(|id| id.0), "name": process.name, "slot": process.home.map(|home| home.slot()),
        })).collect::<Value>(),
        "process": {
            "id": process.id.map(|id| id.0),
            "name": process.name,
            "started_at": process.create_time.filter(|time| *time != 0).map(utc),
            "layout": process.layout.map(|layout| layout.name.as_str()),
            "pointer_bits": width.bytes() * 8,
            "peb": process.peb.map(|peb| json::va(peb, width)),
            "peb32": process.peb32.map(|peb| json::va(peb, width)),
            "threads": process.threads.len(),
            "modules": process.modules.len(),
            "unloaded_modules": process.unloaded.len(),
            "handles": handles.iter().map(|handle| json!({
                "value": format!("{:#x}", handle.value), "type": handle.type_name, "name": handle.object_name,
                "granted_access": json::hex32(handle.granted_access), "handles": handle.handle_count,
                "pointers": handle.pointer_count,
            })).collect::<Value>(),
            "captured_bytes": captured_bytes(index.space()),
            "bytes_by_state": bytes_by_state,
        },
        "crash": crash.map(|crash| crate::words::crash_json(crash, width)),
    })
}
