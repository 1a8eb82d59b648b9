//! `vatlas info FILE`: what the dump is, why it was written, what it holds, what could not be read.

use crate::{
    draw::text::{printable, size},
    failure::{Exit, Failure},
    json,
    open::{Opened, TargetArgs},
    output::Output,
    table::{Side, Table},
    words::{fault_words, utc},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vatlas_debug::{
    crash::{Crash, FaultAddress, crash},
    map::{MapSummary, map, summary},
    usage_index::UsageIndex,
};
use vatlas_space::{AddressSpace, Host, Process, RegionState, Store};

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
    if output.json {
        let answer = answer(&opened, &index, crash.as_ref(), &totals);
        output.document(&json::document("info", opened.input(), answer));
    } else {
        human(&opened, &index, crash.as_ref(), &totals, output);
        if args.streams {
            stream_section(&opened, output);
        }
        if args.handles {
            handle_section(&opened, &index, output);
        }
        problem_section(&opened, output);
    }
    Ok(opened.exit())
}

/// Bytes that the dump holds of a process.
fn captured_bytes(space: &dyn AddressSpace) -> u64 {
    let backings = space.backings_in(space.range());
    backings.filter(|backing| matches!(backing.store, Store::Captured(_))).map(|backing| backing.range.size()).sum()
}

fn host_words(host: &Host) -> String {
    let [major, minor, build] = host.version;
    let pack = host.service_pack.as_ref().map(|pack| format!(" {}", printable(pack))).unwrap_or_default();
    let processors = if host.processors == 1 { "processor" } else { "processors" };
    format!("{} {major}.{minor}.{build}{pack}, {}, {} {processors}", host.os, host.machine, host.processors)
}

fn process_words(process: &Process) -> String {
    let name = process.name.as_deref().unwrap_or("unknown");
    let id = process.id.map(|id| format!(", process {id}")).unwrap_or_default();
    let since = process.create_time.filter(|time| *time != 0).map(|time| format!(", started {}", utc(time)));
    format!("{}{id}{}", printable(name), since.unwrap_or_default())
}

fn human(opened: &Opened, index: &UsageIndex<'_>, crash: Option<&Crash>, totals: &MapSummary, output: &mut Output) {
    let target = &*opened.target;
    let (kind, process) = (target.kind(), index.process());
    let mut facts: Vec<(&str, String)> =
        vec![("file", format!("{}, {}", kind.description, size(opened.bytes().len() as u64)))];
    facts.extend(kind.taken_at.map(|time| ("written", utc(time))));
    facts.extend(target.host().map(|host| ("system", host_words(host))));
    facts.push(("process", process_words(process)));
    facts.push(("layout", layout_words(process)));
    facts.push(("threads", process.threads.len().to_string()));
    let unloaded = process.unloaded.len();
    facts.push(("modules", format!("{} loaded, {unloaded} unloaded", process.modules.len())));
    facts.push(("memory", format!("{} captured", size(captured_bytes(index.space())))));
    facts.push(("regions", regions_words(totals)));
    let (handles, _) = target.handles(index.process_index());
    facts.push(("handles", if handles.is_empty() { "not listed".to_owned() } else { handles.len().to_string() }));
    if !kind.contents.is_empty() {
        facts.push(("contents", kind.contents.join(" ")));
    }
    for (name, value) in facts {
        output.line(&format!("{name:<10}{}", printable(&value)));
    }
    output.line("");
    crash_section(index, crash, output);
}

fn layout_words(process: &Process) -> String {
    match process.layout {
        Some(layout) => layout.name.to_string(),
        None => "none: vatlas has no rules for this system's addresses".to_owned(),
    }
}

fn regions_words(totals: &MapSummary) -> String {
    let known = totals.states.iter().filter(|(state, bytes)| *state != RegionState::Unknown && *bytes > 0);
    let words: Vec<_> = known.map(|(state, bytes)| format!("{} {state}", size(*bytes))).collect();
    if words.is_empty() { "nothing known".to_owned() } else { words.join(", ") }
}

fn crash_section(index: &UsageIndex<'_>, crash: Option<&Crash>, output: &mut Output) {
    let Some(crash) = crash else {
        output.heading("no exception");
        output.line("  the dump was not written for a crash, or the writer did not record it");
        return;
    };
    output.heading(&format!("crash: {} ({:08x}) in thread {}", crash.name, crash.code, crash.thread));
    output.line(&format!("  {}", crash.sentence));
    // A reported address is in the sentence already.
    if let Some(fault @ FaultAddress::FromOperand(_)) = crash.fault {
        output.line(&format!("  {}", fault_words(crash, fault, index.process().width)));
    }
    let module = index
        .module_at(crash.pc)
        .map(|module| format!("{}+{:#x}", printable(module.name()), crash.pc.0 - module.range.first().0));
    let module = module.unwrap_or_else(|| index.at(crash.pc).usage.to_string());
    output.line(&format!("  instruction {} in {module}", crash.pc.text(index.process().width)));
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
            stream.number.to_string().into(),
            stream.name.unwrap_or("?").into(),
            stream.offset.to_string().into(),
            stream.size.to_string().into(),
        ]);
    }
    output.text(&table.render(output.colour));
}

fn handle_section(opened: &Opened, index: &UsageIndex<'_>, output: &mut Output) {
    output.line("");
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
    let (handles, _) = opened.target.handles(index.process_index());
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

fn problem_section(opened: &Opened, output: &mut Output) {
    let problems = opened.target.problems();
    if problems.is_empty() {
        return;
    }
    output.line("");
    output.heading(&format!("{} problems while reading", problems.len()));
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
        "problems": json::problems(target.problems()),
    })
}
