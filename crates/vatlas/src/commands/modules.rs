//! `vatlas modules FILE`: loaded and unloaded modules.

use crate::{
    commands::processes::{fact_lines, facts_json},
    draw::text::{printable, range, size},
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    table::{Side, Table},
    words::{utc, version},
};
use serde_json::{Value, json};
use vatlas_debug::usage_index::UsageIndex;
use vatlas_space::{DebugRecord, FactsOf, Module, PointerWidth, UnloadedModule};

const EXAMPLES: &str = "\
Examples:
  vatlas modules crash.dmp
  vatlas modules crash.dmp --name greet
  vatlas modules crash.dmp --sections --name helpers
  vatlas modules crash.dmp --json | jq '.answer.loaded[] | {name, debug}'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Only modules whose name has this in it
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Show the sections of each module
    #[arg(long)]
    sections: bool,
    /// Show every field that the file has of a module
    #[arg(long)]
    fields: bool,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let index = opened.index()?;
    let process = index.process();
    let wanted = |name: &str| {
        args.name.as_ref().is_none_or(|text| name.to_ascii_lowercase().contains(&text.to_ascii_lowercase()))
    };
    let mut loaded: Vec<_> = process.modules.iter().filter(|module| wanted(module.name())).collect();
    loaded.sort_by_key(|module| module.range.first());
    let facts = |module: &Module| opened.target.facts(FactsOf::Module(opened.process, module));
    let unloaded: Vec<_> = process.unloaded.iter().filter(|module| wanted(module.name())).collect();
    if output.json {
        let answer = json!({
            "loaded": loaded.iter().map(|module| {
                let mut value = module_json(&index, module, args.sections);
                if args.fields {
                    value["fields"] = facts_json(&facts(module));
                }
                value
            }).collect::<Value>(),
            "unloaded": unloaded.iter().map(|module| unloaded_json(module, process.width)).collect::<Value>(),
        });
        output.document(&json::document("modules", opened.input(), answer));
    } else {
        let taken = opened.target.kind().taken_at;
        human(&index, &loaded, &unloaded, args.sections, taken, output);
        for module in loaded.iter().filter(|_| args.fields) {
            output.line("");
            output.heading(&printable(module.name()));
            fact_lines(&facts(module), output);
        }
    }
    if loaded.is_empty() && unloaded.is_empty() {
        let name = args.name.as_deref().map(|name| format!(" with '{name}' in its name")).unwrap_or_default();
        return Err(Failure::could_not(format!("the dump lists no module{name}")));
    }
    Ok(opened.exit())
}

fn human(
    index: &UsageIndex<'_>,
    loaded: &[&Module],
    unloaded: &[&UnloadedModule],
    sections: bool,
    taken: Option<u32>,
    output: &mut Output,
) {
    let width = index.process().width;
    let columns = [
        ("BASE", Side::Left),
        ("LAST", Side::Left),
        ("SIZE", Side::Right),
        ("NAME", Side::Left),
        ("DATA", Side::Left),
        ("ACCESS", Side::Left),
        ("VERSION", Side::Left),
        ("TIME STAMP", Side::Left),
        ("SECTIONS FROM", Side::Left),
        ("SYMBOLS", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for module in loaded {
        table.row([
            module.range.first().text(width).into(),
            module.range.last().text(width).into(),
            size(module.range.size()).into(),
            module.name().into(),
            module.data.map(range).unwrap_or_default().into(),
            "".into(),
            version(module).map(|version| version.to_string()).unwrap_or_default().into(),
            stamp(module, taken).into(),
            if sections { sections_source(index, module) } else { String::new() }.into(),
            symbols(module).into(),
        ]);
        if sections {
            section_rows(index, module, &mut table);
        }
    }
    for module in unloaded {
        table.row([
            module.range.first().text(width).into(),
            module.range.last().text(width).into(),
            size(module.range.size()).into(),
            format!("{} (unloaded)", module.name()).into(),
            "".into(),
            "".into(),
            "".into(),
            time_words(module.time_date_stamp, taken).into(),
            "".into(),
            "".into(),
        ]);
    }
    output.text(&table.render(output.colour));
}

fn section_rows(index: &UsageIndex<'_>, module: &Module, table: &mut Table) {
    let width = index.process().width;
    let Some(sections) = index.sections_at(module.range.first()) else { return };
    for section in &sections.sections {
        let access = match (section.executable, section.writable) {
            (true, true) => "rwx",
            (true, false) => "r-x",
            (false, true) => "rw-",
            (false, false) => "r--",
        };
        table.row([
            format!("  {}", section.range.first().text(width)).into(),
            format!("  {}", section.range.last().text(width)).into(),
            size(section.range.size()).into(),
            format!("  {}", section.name).into(),
            "".into(),
            access.into(),
            "".into(),
            "".into(),
            "".into(),
            "".into(),
        ]);
    }
}

fn sections_source(index: &UsageIndex<'_>, module: &Module) -> String {
    match index.sections_at(module.range.first()) {
        Some(table) => table.source.to_string(),
        None => "(header not in the dump)".to_owned(),
    }
}

/// The time stamp of a module. Builds of Windows Mobile have the front of the PDB's GUID there, which is no date.
fn stamp(module: &Module, taken: Option<u32>) -> String {
    let time = module.time_date_stamp;
    match module.debug_record {
        Some(DebugRecord::Pdb70 { guid, .. }) if guid.data1 == time => format!("{time:08x}"),
        _ => time_words(time, taken),
    }
}

/// A time stamp, with its date where it can be one. In reproducible builds it is a hash: what lies before the format
/// or after the dump is no date.
fn time_words(time: u32, taken: Option<u32>) -> String {
    /// 1993-01-01, before the first release of Windows NT.
    const FIRST: u32 = 0x2b43_9b80;
    // A dump that does not say when it was taken is not of the second half of the century.
    const LAST: u32 = 0x7fff_ffff;
    match time {
        0 => String::new(),
        time if time < FIRST || time > taken.unwrap_or(LAST) => format!("{time:08x}"),
        time => format!("{time:08x} {}", &utc(time)[..10]),
    }
}

fn symbols(module: &Module) -> String {
    match &module.debug_record {
        Some(DebugRecord::Pdb70 { name, age, guid }) => format!("{name} {guid} age {age}"),
        Some(DebugRecord::Pdb20 { name, age, signature }) => format!("{name} {signature:08x} age {age}"),
        Some(DebugRecord::ElfBuildId(id)) => format!("build id {}", hex(id)),
        Some(DebugRecord::Other { signature, size }) => format!("unknown record {signature:08x}, {size} bytes"),
        None => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn module_json(index: &UsageIndex<'_>, module: &Module, sections: bool) -> Value {
    let width = index.process().width;
    let mut value = json!({
        "name": module.name(),
        "path": module.path,
        "range": json::range(module.range, width),
        "data": module.data.map(|data| json::range(data, width)),
        "time_date_stamp": json::hex32(module.time_date_stamp),
        "checksum": json::hex32(module.checksum),
        "version": version(module).map(|version| version.to_string()),
        "debug": module.debug_record.as_ref().map(debug_json),
    });
    if sections {
        value["sections"] = index.sections_at(module.range.first()).map_or(Value::Null, |table| {
            let rows = table.sections.iter().map(|section| {
                json!({
                    "name": section.name,
                    "range": json::range(section.range, width),
                    "executable": section.executable,
                    "writable": section.writable,
                })
            });
            json!({ "source": table.source.to_string(), "rows": rows.collect::<Value>() })
        });
    }
    value
}

fn debug_json(record: &DebugRecord) -> Value {
    match record {
        DebugRecord::Pdb70 { guid, age, name } => {
            json!({ "kind": "RSDS", "guid": guid.to_string(), "age": age, "pdb": name })
        }
        DebugRecord::Pdb20 { signature, age, name } => {
            json!({ "kind": "NB10", "signature": json::hex32(*signature), "age": age, "pdb": name })
        }
        DebugRecord::ElfBuildId(id) => json!({ "kind": "build id", "id": hex(id) }),
        DebugRecord::Other { signature, size } => {
            json!({ "kind": "unknown", "signature": json::hex32(*signature), "size": size })
        }
    }
}

fn unloaded_json(module: &UnloadedModule, width: PointerWidth) -> Value {
    json!({
        "name": module.name(),
        "path": module.path,
        "range": json::range(module.range, width),
        "time_date_stamp": json::hex32(module.time_date_stamp),
        "checksum": json::hex32(module.checksum),
    })
}
