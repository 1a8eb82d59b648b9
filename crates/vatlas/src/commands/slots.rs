//! `vatlas slots`: the map of a layout as a table and as a picture, each area with its meaning.

mod dlls;
mod picture;
mod target;

use crate::{
    commands::{
        layout_args::LayoutArgs,
        paragraph::Paragraph,
        place::document::{area, layout_json},
    },
    draw::text::{range, size},
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
};
use anstyle::Style;
use picture::{Shown, shown};
use serde_json::{Value, json};
use std::path::PathBuf;
use vatlas_rules::{Layout, ce::slot::slot_of, statement::support_text};
use vatlas_space::{LayoutName, VaRange};

const EXAMPLES: &str = "\
Examples:
  vatlas slots                                     the slots of Windows CE 5
  vatlas slots --layout nt32 --why                 32-bit Windows NT, with reasons
  vatlas slots --layout nt32-3gb --large-address-aware
  vatlas slots --layout wm6 --all --no-picture
  vatlas slots device.kdmp --kdata                 who lives in the slots of a device
  vatlas slots --layout nt64 --json | jq '.answer.areas[] | [.range.first, .name]'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    layout: LayoutArgs,
    /// A dump of Windows CE: who lives in its slots
    #[arg(value_name = "FILE", conflicts_with_all = ["layout", "why", "no_picture"])]
    file: Option<PathBuf>,
    /// Show the kernel data page of the dump, too
    #[arg(long, requires = "file")]
    kdata: bool,
    /// A row for every process slot
    #[arg(long)]
    all: bool,
    /// Say what each area holds and never holds, and why
    #[arg(long)]
    why: bool,
    /// The table only
    #[arg(long)]
    no_picture: bool,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(file) = &args.file {
        let opened = TargetArgs::of_file(file.clone()).open(output)?;
        target::write(&opened, args.all, args.kdata, output)?;
        return Ok(opened.exit());
    }
    let layout = args.layout.layout()?;
    if output.json {
        let input = json!({ "layout": args.layout.layout.map(LayoutName::as_str) });
        output.document(&json::document("slots", input, answer(&layout)));
        return Ok(Exit::Done);
    }
    output.heading(&format!("{}: {}", layout.name, layout.title()));
    if let Some(line) = counts(&layout) {
        output.line(&line);
    }
    output.line("");
    let slots = if layout.name.has_slots() { "  SLOTS  " } else { "" };
    let addresses = "ADDRESSES";
    let columns = 2 * (layout.name.width().digits() + 2) + 1;
    output.heading(&format!("{addresses:<columns$}  {:>10}  {slots}AREA", "SIZE"));
    for row in shown(&layout, !args.all) {
        write_row(&row, &layout, args.why, output);
    }
    if !args.no_picture {
        output.line("");
        picture::write(&layout, output);
    }
    Ok(Exit::Done)
}

/// How many slots and processes, or the user limit where processes differ.
fn counts(layout: &Layout) -> Option<String> {
    use vatlas_rules::ce::slot::{LOW_SLOTS, PROCESS_SLOTS, PROCESSES};
    if layout.name.has_slots() {
        return Some(format!(
            "{LOW_SLOTS} slots of 32 MB from the bottom up, {PROCESS_SLOTS} of them for processes; the kernel is process 0, the \
             {PROCESSES}nd"
        ));
    }
    let varies = matches!(layout.name, LayoutName::Nt32ThreeGb | LayoutName::Wow64 | LayoutName::Nt64);
    let limit = layout.highest_user.text(layout.name.width());
    varies.then(|| format!("for a process that may use addresses up to {limit} (--user-limit, --large-address-aware)"))
}

fn write_row(row: &Shown<'_>, layout: &Layout, why: bool, output: &mut Output) {
    let numbers = if layout.name.has_slots() { format!("{:>7}  ", slots(row.range)) } else { String::new() };
    let badge = output.paint(picture::badge_style(row.tint), &row.letter.to_string());
    let label = format!("  {:>10}  {numbers}", size(row.range.size()));
    let addresses = text_range(row.range, layout);
    let columns = addresses.len() + label.len() + 2;
    Paragraph::new(output, format!("{addresses}{label}{badge} "), columns)
        .words(Style::new().bold(), &row.name)
        .words(Style::new(), &format!("- {}", row.purpose))
        .write(output);
    if !why {
        return;
    }
    let support = support_text(row.area.support);
    for (word, text, marks) in [
        ("holds", row.area.holds, ""),
        ("never", row.area.never_holds, ""),
        ("because", row.area.because.as_ref(), support.as_str()),
    ] {
        Paragraph::new(output, " ".repeat(columns), columns)
            .words(Style::new().italic(), &format!("{word}:"))
            .words(Style::new(), text)
            .marks(marks)
            .write(output);
    }
}

/// A range with all digits of the layout's addresses.
fn text_range(whole: VaRange, layout: &Layout) -> String {
    let width = layout.name.width();
    if width.digits() == 8 {
        range(whole)
    } else {
        format!("{}-{}", whole.first().text(width), whole.last().text(width))
    }
}

/// `0`, `2-32`.
fn slots(range: VaRange) -> String {
    match (slot_of(range.first()), slot_of(range.last())) {
        (Some(first), Some(last)) if first == last => first.to_string(),
        (Some(first), Some(last)) => format!("{first}-{last}"),
        _ => String::new(),
    }
}

fn answer(layout: &Layout) -> Value {
    let width = layout.name.width();
    let areas = layout.areas.iter().map(|row| {
        let mut value = area(row, width);
        let slots = slot_of(row.range.first()).zip(slot_of(row.range.last())).filter(|_| layout.name.has_slots());
        value["slots"] =
            slots.map_or(Value::Null, |(first, last)| json!({ "first": first.number(), "last": last.number() }));
        value
    });
    json!({ "layout": layout_json(layout), "areas": areas.collect::<Value>() })
}
