//! `vatlas map FILE`: every region, filtered, added up, drawn.

use crate::{
    draw::{self, text::size},
    explanation::usage_json,
    failure::{Exit, Failure},
    json,
    open::{Opened, TargetArgs, not_written},
    output::{Output, sized_range},
    table::{Cell, Side, Table},
    words::{kind_style, usage_words, utc},
};
use clap::{
    ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use vatlas_debug::{
    map::{MapEntry, MapFilter, MapSummary, map, summary},
    usage::UsageKind,
    usage_index::UsageIndex,
};
use vatlas_space::{PointerWidth, RegionState, Va, VaRange};

const EXAMPLES: &str = "\
Examples:
  vatlas map crash.dmp
  vatlas map crash.dmp --kind stack --kind heap
  vatlas map crash.dmp --state commit --summary
  vatlas map crash.dmp --at sp
  vatlas map crash.dmp --picture                    the space as a strip and as a Hilbert square
  vatlas map crash.dmp --svg map.svg --html map.html

Protection: r read, w write, c copy on write, x execute, g guard.";

/// A state as the user types it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum State {
    /// With storage behind it
    #[value(alias = "committed")]
    Commit,
    /// Asked for, nothing behind it
    #[value(alias = "reserved")]
    Reserve,
    /// Nobody asked for it
    Free,
    /// The dump does not tell
    Unknown,
}

/// The sorts of use with what they hold, so that a wrong one is answered with the right ones.
fn kind() -> impl TypedValueParser<Value = UsageKind> {
    let value = |kind: UsageKind| PossibleValue::new(kind.word()).help(holds(kind));
    PossibleValuesParser::new(UsageKind::ALL.map(value)).try_map(|text| {
        let found = UsageKind::ALL.into_iter().find(|kind| text.eq_ignore_ascii_case(kind.word()));
        found.ok_or_else(|| "no sort of use".to_owned())
    })
}

const fn holds(kind: UsageKind) -> &'static str {
    match kind {
        UsageKind::Image => "Loaded modules",
        UsageKind::Mapped => "Views of data files and of shared memory",
        UsageKind::Heap => "Proven heaps",
        UsageKind::Stack => "Stacks of threads",
        UsageKind::Environment => "TEBs, PEB, shared user page",
        UsageKind::Private => "Other memory of the process",
        UsageKind::System => "Areas that the layout keeps for the system, or for nobody",
        UsageKind::Free => "Nobody asked for it",
        UsageKind::Unknown => "The dump does not tell",
    }
}

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Only rows of this sort of use; may be given several times
    #[arg(long, value_name = "KIND", value_parser = kind(), ignore_case = true)]
    kind: Vec<UsageKind>,
    /// Only rows in this state; may be given several times
    #[arg(long, value_name = "STATE")]
    state: Vec<State>,
    /// Only the row that holds this address, or name of one
    #[arg(long, value_name = "ADDRESS")]
    at: Option<String>,
    /// Totals by kind and state, and the largest free block, instead of rows
    #[arg(long)]
    summary: bool,
    /// Draw the space in the terminal instead of listing it
    #[arg(long)]
    picture: bool,
    /// Write a drawing of the space
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write a page that can be zoomed and searched
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let index = opened.index()?;
    let filter = filter(args, &opened, &index, output)?;
    // Pictures show the whole space: a row that a filter took away would look like one that is not known.
    let all = map(&index);
    let picture = picture_range(&index, &all);
    let title = index.process().name.clone().unwrap_or_else(|| "a process".to_owned());
    let taken = opened.target.kind().taken_at.map(|time| format!(", {}", utc(time))).unwrap_or_default();
    let subtitle = format!("{}{taken}", args.target.file.display());
    if let Some(path) = &args.svg {
        write_file(path, &draw::svg::map(&title, &all, picture, 1200), output)?;
    }
    if let Some(path) = &args.html {
        write_file(path, &draw::html::map(&title, &subtitle, &all, picture), output)?;
    }
    let entries: Vec<MapEntry> = all.iter().filter(|entry| filter.accepts(entry)).cloned().collect();
    let totals = summary(&entries);
    if output.json {
        let answer = answer(&entries, &totals, index.process().width, args.summary);
        output.document(&json::document("map", opened.input(), answer));
    } else if args.picture {
        let (columns, lines) = output.columns_and_lines();
        let look = draw::terminal::Look { colours: output.colours(), width: columns, height: lines };
        output.text(&draw::terminal::map(&all, picture, look));
    }
    if !output.json && args.summary {
        summary_tables(&totals, output);
    }
    let only_files = args.svg.is_some() || args.html.is_some();
    if !(output.json || args.summary || args.picture || only_files) {
        rows(&entries, index.process().width, output);
    }
    if entries.is_empty() {
        return Err(Failure::could_not("no region is of that kind and state").hint("leave out --kind or --state"));
    }
    Ok(opened.exit())
}

fn filter(args: &Args, opened: &Opened, index: &UsageIndex<'_>, output: &Output) -> Result<MapFilter, Failure> {
    let at = args.at.as_ref().map(|text| opened.locate(index.process(), None, text, output));
    let state = |state: &State| match state {
        State::Commit => RegionState::Committed,
        State::Reserve => RegionState::Reserved,
        State::Free => RegionState::Free,
        State::Unknown => RegionState::Unknown,
    };
    Ok(MapFilter {
        kinds: args.kind.clone(),
        states: args.state.iter().map(state).collect(),
        at: at.transpose()?.map(|location| location.va),
    })
}

/// The whole space of a 32-bit process; of a 64-bit one the user half, of which so little is used that the
/// picture leaves gaps out.
fn picture_range(index: &UsageIndex<'_>, entries: &[MapEntry]) -> VaRange {
    let whole = index.space().range();
    let is_used = |entry: &&MapEntry| matches!(entry.region.state, RegionState::Committed | RegionState::Reserved);
    let highest = entries.iter().filter(is_used).map(|entry| entry.range.last()).max();
    const USER_HALF: Va = Va(0x7fff_ffff_ffff);
    match index.process().width {
        PointerWidth::Bits64 if highest.is_none_or(|highest| highest <= USER_HALF) => {
            VaRange::new(Va::ZERO, USER_HALF).unwrap_or(whole)
        }
        _ => whole,
    }
}

fn write_file(path: &Path, text: &str, output: &Output) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| not_written(path, &error))?;
    output.remark(&format!("written: {} ({})", path.display(), size(text.len() as u64)));
    Ok(())
}

fn rows(entries: &[MapEntry], width: PointerWidth, output: &mut Output) {
    let columns = [
        ("FIRST", Side::Left),
        ("LAST", Side::Left),
        ("SIZE", Side::Right),
        ("STATE", Side::Left),
        ("KIND", Side::Left),
        ("PROTECTION", Side::Left),
        ("CAPTURED", Side::Right),
        ("USE", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for entry in entries {
        let region = &entry.region;
        let style = kind_style(entry.usage.kind());
        table.row([
            entry.range.first().text(width).into(),
            entry.range.last().text(width).into(),
            size(entry.range.size()).into(),
            region.state.to_string().into(),
            region.kind.map(|kind| kind.to_string()).unwrap_or_default().into(),
            region.protection.map(|protection| protection.letters()).unwrap_or_default().into(),
            share(entry).into(),
            Cell::styled(usage_words(&entry.usage, width), style),
        ]);
    }
    output.text(&table.render(output.colour));
}

/// How much of a row was captured: blank for nothing.
fn share(entry: &MapEntry) -> String {
    match entry.captured {
        0 => String::new(),
        captured if captured == entry.range.size() => "all".to_owned(),
        captured => size(captured),
    }
}

/// Zeros are left blank: what is there stands out.
fn unless_zero(bytes: u64) -> Cell {
    if bytes == 0 { "".into() } else { size(bytes).into() }
}

fn summary_tables(totals: &MapSummary, output: &mut Output) {
    let columns = [
        ("KIND", Side::Left),
        ("SIZE", Side::Right),
        ("COMMITTED", Side::Right),
        ("RESERVED", Side::Right),
        ("CAPTURED", Side::Right),
        ("BLOCKS", Side::Right),
        ("LARGEST", Side::Right),
    ];
    let mut table = Table::new(&columns);
    for total in &totals.kinds {
        table.row([
            Cell::styled(total.kind.word(), kind_style(total.kind)),
            size(total.size).into(),
            unless_zero(total.committed),
            unless_zero(total.reserved),
            unless_zero(total.captured),
            total.rows.to_string().into(),
            size(total.largest).into(),
        ]);
    }
    output.text(&table.render(output.colour));
    output.line("");
    let mut states = Table::new(&[("STATE", Side::Left), ("SIZE", Side::Right)]);
    for (state, bytes) in totals.states.iter().filter(|(_, bytes)| *bytes > 0) {
        states.row([state.to_string().into(), size(*bytes).into()]);
    }
    output.text(&states.render(output.colour));
    output.line("");
    match totals.largest_free {
        Some(range) => output.line(&format!("largest free block: {}", sized_range(range))),
        None => output.line("largest free block: not known; the dump lists no free regions"),
    }
}

fn answer(entries: &[MapEntry], totals: &MapSummary, width: PointerWidth, only_totals: bool) -> Value {
    let kinds = totals.kinds.iter().map(|total| {
        json!({
            "kind": total.kind.word(), "size": total.size, "committed": total.committed, "reserved": total.reserved,
            "captured": total.captured, "blocks": total.rows, "largest": total.largest,
        })
    });
    let states: serde_json::Map<_, _> =
        totals.states.iter().map(|(state, bytes)| (state.to_string(), json!(bytes))).collect();
    let mut value = json!({
        "kinds": kinds.collect::<Value>(),
        "states": states,
        "largest_free": totals.largest_free.map(|range| json::range(range, width)),
    });
    if !only_totals {
        value["regions"] = entries.iter().map(|entry| entry_json(entry, width)).collect();
    }
    value
}

/// A row as JSON.
pub fn entry_json(entry: &MapEntry, width: PointerWidth) -> Value {
    let region = &entry.region;
    json!({
        "range": json::range(entry.range, width),
        "state": region.state.to_string(),
        "kind": region.kind.map(|kind| kind.to_string()),
        "protection": region.protection.map(|protection| protection.to_string()),
        "allocation_base": region.allocation_base.map(|base| json::va(base, width)),
        "usage": usage_json(&entry.usage, width),
        "captured": entry.captured,
        "source": region.source.to_string(),
    })
}
