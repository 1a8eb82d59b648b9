//! `vatlas diff A B`: regions, modules, threads and memory of two dumps.

mod rows;

use crate::{
    draw::text::size,
    failure::{Exit, Failure},
    json,
    open::{Opened, TargetArgs},
    output::Output,
    progress::Progress,
    symbol_args::SymbolArgs,
};
use rows::{memory_json, module_json, module_row, region_json, region_row, thread_json, thread_rows};
use serde_json::{Value, json};
use std::{ops::ControlFlow, path::PathBuf};
use vatlas_debug::{
    diff::{MemoryTotals, RegionTotals, diff_memory, diff_modules, diff_regions, diff_threads, identity},
    usage_index::UsageIndex,
};

const EXAMPLES: &str = "\
Examples:
  vatlas diff before.dmp after.dmp
  vatlas diff before.dmp after.dmp --limit 20
  vatlas diff before.dmp after.dmp --json | jq '.answer.modules'

What one of the two does not tell is no difference; how much that is stands at the end of each part.";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The earlier dump
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The later dump
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Show so many changes of regions, and of memory, at the most
    #[arg(long, value_name = "COUNT", default_value = "1000")]
    limit: usize,
    /// The process of both, by id, name or slot, where there are several
    #[arg(long, value_name = "PROCESS")]
    process: Option<String>,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let open = |file: &PathBuf| {
        let (images, process, symbols) = (Vec::new(), args.process.clone(), SymbolArgs::default());
        TargetArgs { file: file.clone(), images, process, symbols }.open(output)
    };
    let (a, b) = (open(&args.a)?, open(&args.b)?);
    let (in_a, in_b) = (a.index()?, b.index()?);
    let remarks = identity((&*a.target, a.process), (&*b.target, b.process));
    let exit = a.exit().max(b.exit());
    if output.json {
        let answer = answer(&in_a, &in_b, &remarks, args.limit, output);
        let input = json!({ "a": a.input(), "b": b.input() });
        output.document(&json::document("diff", input, answer));
        return Ok(exit);
    }
    for remark in &remarks {
        output.line(&crate::draw::text::printable(&remark.to_string()));
    }
    modules(&in_a, &in_b, output);
    threads(&in_a, &in_b, output);
    regions(&in_a, &in_b, args.limit, output);
    memory(&in_a, &in_b, &a, args.limit, output);
    Ok(exit)
}

fn modules(a: &UsageIndex<'_>, b: &UsageIndex<'_>, output: &mut Output) {
    let changes = diff_modules(a.process(), b.process());
    output.heading(&format!("modules: {}", changes_words(changes.len())));
    let mut table = rows::module_table();
    for change in &changes {
        module_row(&mut table, change, a.process().width);
    }
    show(&table, output);
}

fn threads(a: &UsageIndex<'_>, b: &UsageIndex<'_>, output: &mut Output) {
    let changes = diff_threads(a.process(), b.process());
    output.heading(&format!("threads: {}", changes_words(changes.len())));
    let mut table = rows::thread_table();
    for change in &changes {
        thread_rows(&mut table, change, (a, b));
    }
    show(&table, output);
}

fn regions(a: &UsageIndex<'_>, b: &UsageIndex<'_>, limit: usize, output: &mut Output) {
    let mut table = rows::region_table();
    let mut shown = 0;
    let totals = diff_regions(a, b, &mut |change| {
        if shown == limit {
            return ControlFlow::Break(());
        }
        shown += 1;
        region_row(&mut table, change, a.process().width);
        ControlFlow::Continue(())
    });
    output.heading(&format!("regions: {}", changes_words(shown)));
    show(&table, output);
    output.line(&region_words(&totals));
    output.line("");
}

fn region_words(totals: &RegionTotals) -> String {
    let RegionTotals { added, removed, changed, not_comparable, .. } = *totals;
    let stopped = if totals.stopped { "; --limit stopped the comparison" } else { "" };
    format!(
        "  {} added, {} removed, {} changed; {} that one of them does not tell{stopped}",
        size(added),
        size(removed),
        size(changed),
        size(not_comparable)
    )
}

fn memory(a: &UsageIndex<'_>, b: &UsageIndex<'_>, opened: &Opened, limit: usize, output: &mut Output) {
    let mut table = rows::memory_table();
    let mut shown = 0;
    let mut progress = Progress::new(output, opened.bytes().len() as u64);
    let totals = diff_memory(
        a,
        b,
        &mut |change| {
            if shown == limit {
                return ControlFlow::Break(());
            }
            shown += 1;
            rows::memory_row(&mut table, change, a.process().width);
            ControlFlow::Continue(())
        },
        &mut |at| progress.of(at.done, at.total),
    );
    drop(progress);
    output.heading(&format!("memory: {}", changes_words(shown)));
    show(&table, output);
    let stopped = if totals.stopped { "; --limit stopped the comparison" } else { "" };
    output.line(&format!(
        "  {} compared, {} differ; captured in A only {}, in B only {}{stopped}",
        size(totals.compared),
        size(totals.differing),
        size(totals.only_in_a),
        size(totals.only_in_b)
    ));
}

fn changes_words(count: usize) -> String {
    match count {
        0 => "no change".to_owned(),
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    }
}

fn show(table: &crate::table::Table, output: &mut Output) {
    if !table.is_empty() {
        for line in table.render(output.colour).lines() {
            output.line(&format!("  {line}"));
        }
    }
    output.line("");
}

fn answer(
    a: &UsageIndex<'_>,
    b: &UsageIndex<'_>,
    remarks: &[vatlas_space::Problem],
    limit: usize,
    output: &Output,
) -> Value {
    let width = a.process().width;
    let (mut regions, mut memory) = (Vec::new(), Vec::new());
    let region_totals = diff_regions(a, b, &mut |change| {
        if regions.len() == limit {
            return ControlFlow::Break(());
        }
        regions.push(region_json(change, width));
        ControlFlow::Continue(())
    });
    let mut progress = Progress::new(output, 0);
    let memory_totals = diff_memory(
        a,
        b,
        &mut |change| {
            if memory.len() == limit {
                return ControlFlow::Break(());
            }
            memory.push(memory_json(change, width));
            ControlFlow::Continue(())
        },
        &mut |at| progress.of(at.done, at.total),
    );
    json!({
        "remarks": json::problems(remarks),
        "modules": diff_modules(a.process(), b.process()).iter().map(|change| module_json(change, width)).collect::<Value>(),
        "threads": diff_threads(a.process(), b.process()).iter().map(|change| thread_json(change, width)).collect::<Value>(),
        "regions": { "changes": regions, "totals": region_totals_json(&region_totals) },
        "memory": { "changes": memory, "totals": memory_totals_json(&memory_totals) },
    })
}

fn region_totals_json(totals: &RegionTotals) -> Value {
    json!({
        "added": totals.added, "removed": totals.removed, "changed": totals.changed, "same": totals.same,
        "not_comparable": totals.not_comparable, "stopped": totals.stopped,
    })
}

fn memory_totals_json(totals: &MemoryTotals) -> Value {
    json!({
        "compared": totals.compared, "equal": totals.equal, "differing": totals.differing,
        "only_in_a": totals.only_in_a, "only_in_b": totals.only_in_b, "unreadable": totals.unreadable,
        "stopped": totals.stopped,
    })
}
