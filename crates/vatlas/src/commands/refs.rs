//! `vatlas refs FILE ADDRESS`: who points at an address, or into what lies around it.

use crate::{
    commands::search::{coverage_json, coverage_words},
    draw::text::range,
    explanation::usage_json,
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    progress::Progress,
    table::{Cell, Side, Table},
    words::{kind_style, usage_words},
};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use vatlas_debug::refs::{Around, Place, Pointee, Reference, RefsOptions, references};
use vatlas_space::PointerWidth;

const EXAMPLES: &str = "\
Examples:
  vatlas refs crash.dmp crash                        who holds the bad address
  vatlas refs crash.dmp esi --around allocation      who points into this heap
  vatlas refs crash.dmp helpers --around usage --unaligned
  vatlas refs crash.dmp crash --json | jq '.answer.references[].usage.text'

A word is a reference when its value is such an address; nobody can tell a pointer from a number that looks like one.";

/// How much around the address counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Extent {
    /// The address alone
    Address,
    /// Its region
    Region,
    /// All that was asked of the system at once
    Allocation,
    /// All around it that has the same use: a section, a stack, a heap
    Usage,
}

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Address, or name of one
    #[arg(value_name = "ADDRESS")]
    address: String,
    /// How much around the address counts
    #[arg(long, value_name = "EXTENT", default_value = "address")]
    around: Extent,
    /// Also words at addresses that are no multiple of their size
    #[arg(long)]
    unaligned: bool,
    /// Also bytes that only image files hold (with --images)
    #[arg(long)]
    image_files: bool,
    /// Thread whose registers the address is taken from
    #[arg(long, value_name = "ID", value_parser = crate::process_choice::id)]
    thread: Option<u32>,
    /// Stop after so many references
    #[arg(long, value_name = "COUNT", default_value = "1000")]
    limit: usize,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let index = opened.index()?;
    let width = index.process().width;
    let thread = crate::process_choice::thread(&*opened.target, index.process(), args.thread)?;
    let location = opened.locate(index.process(), thread, &args.address, output)?;
    let around = match args.around {
        Extent::Address => Around::Address,
        Extent::Region => Around::Region,
        Extent::Allocation => Around::Allocation,
        Extent::Usage => Around::Usage,
    };
    let pointee = Pointee::around(&index, location.va, around);
    let options = RefsOptions { unaligned: args.unaligned, image_files: args.image_files };
    let mut table = table();
    let (mut rows, mut count) = (Vec::new(), 0);
    let mut progress = Progress::new(output, 0);
    let summary = references(
        &*opened.target,
        &index,
        &pointee,
        &options,
        &mut |found| {
            if count == args.limit {
                return ControlFlow::Break(());
            }
            count += 1;
            if output.json {
                rows.push(reference_json(&pointee, found, width));
            } else {
                row(&mut table, &pointee, found, width);
            }
            ControlFlow::Continue(())
        },
        &mut |at| progress.of(at.done, at.total),
    );
    drop(progress);
    if output.json {
        let answer = json!({
            "address": json::va(pointee.va, width), "range": json::range(pointee.range, width),
            "references": rows, "stopped": summary.memory.stopped, "searched": coverage_json(&summary.memory),
        });
        output.document(&json::document("refs", opened.input(), answer));
    } else {
        if count > 0 {
            output.text(&table.render(output.colour));
            let words = coverage_words(&summary.memory, count, "reference");
            output.remark(&format!("pointing {}: {words}", pointee_words(&pointee, width)));
        }
    }
    if count == 0 {
        let hint = "--around region and --unaligned look for more";
        let message = format!("no register and no captured word points {}", pointee_words(&pointee, width));
        return Err(Failure::could_not(message).hint(hint));
    }
    Ok(opened.exit())
}

/// `at 0x00401000`, `into 0x00400000-0x0040ffff`
fn pointee_words(pointee: &Pointee, width: PointerWidth) -> String {
    match pointee.range.size() {
        1 => format!("at {}", pointee.va.text(width)),
        _ => format!("into {}", range(pointee.range)),
    }
}

fn table() -> Table {
    Table::new(&[
        ("WHERE", Side::Left),
        ("VALUE", Side::Left),
        ("OFFSET", Side::Right),
        ("REGION", Side::Left),
        ("USE", Side::Left),
    ])
}

fn row(table: &mut Table, pointee: &Pointee, found: &Reference<'_>, width: PointerWidth) {
    let offset = match pointee.offset(found.value) {
        Some(offset) if pointee.range.size() > 1 => format!("+{offset:#x}"),
        _ => String::new(),
    };
    let value = found.value.text(width);
    match &found.place {
        Place::Register { thread, name, at_exception, .. } => {
            let moment = if *at_exception { " at the exception" } else { "" };
            let owner = format!("thread {thread}{moment}");
            table.row([(*name).into(), value.into(), offset.into(), "register".into(), owner.into()]);
        }
        Place::Memory { va, is_aligned, region, owner, .. } => {
            let unaligned = if *is_aligned { "" } else { " (unaligned)" };
            let protection = region.protection.map(|protection| protection.letters()).unwrap_or_default();
            let kind = region.kind.map(|kind| format!(" {kind}")).unwrap_or_default();
            table.row([
                format!("{}{unaligned}", va.text(width)).into(),
                value.into(),
                offset.into(),
                format!("{}{kind} {protection}", region.state).trim_end().into(),
                Cell::styled(usage_words(&owner.usage, width), kind_style(owner.usage.kind())),
            ]);
        }
    }
}

fn reference_json(pointee: &Pointee, found: &Reference<'_>, width: PointerWidth) -> Value {
    let mut value = json!({
        "value": json::va(found.value, width),
        "exact": pointee.is_exact(found.value),
        "offset": pointee.offset(found.value),
    });
    match &found.place {
        Place::Register { thread, machine, name, at_exception } => {
            value["register"] = json!({
                "thread": thread.0, "machine": machine.to_string(), "name": name, "at_exception": at_exception,
            });
        }
        Place::Memory { va, length, is_aligned, region, owner } => {
            value["address"] = json::va(*va, width);
            value["length"] = json!(length);
            value["aligned"] = json!(is_aligned);
            value["region"] = json!({
                "range": json::range(region.range, width),
                "state": region.state.to_string(),
                "kind": region.kind.map(|kind| kind.to_string()),
                "protection": region.protection.map(|protection| protection.to_string()),
            });
            value["usage"] = usage_json(&owner.usage, width);
        }
    }
    value
}
