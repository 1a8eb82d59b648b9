//! `vatlas search FILE PATTERN`: places in memory that match.

use crate::{
    draw::text::size,
    explanation::usage_json,
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    progress::Progress,
    table::{Cell, Side, Table},
    words::{counted, kind_style, usage_words},
};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use vatlas_debug::{
    search::{Coverage, Match, Pattern, SearchOptions, SearchSummary, search},
    usage_index::UsageIndex,
};
use vatlas_space::PointerWidth;

const EXAMPLES: &str = "\
Patterns:
  '\"Hello\"'             text, as ASCII (UTF-8) and as UTF-16; a\"..\" u\"..\" one of them, i\"..\" in any case
  '48 65 ?? 6f' 4d5a90   bytes, with ?? for any byte and ? for any digit
  u32:1234 u16:0x5a4d    integers of 8, 16, 32, 64 bits
  ptr:0x00401000         a pointer with this value
  '->ntdll'              pointers into a module
  '->0x00400000+0x1000'  pointers into a range; also FIRST..END and FIRST..=LAST

Examples:
  vatlas search crash.dmp '\"Hello\"'
  vatlas search crash.dmp ptr:0x00140688 --aligned
  vatlas search crash.dmp u32:0x6c6c6548 --json";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// What to look for
    #[arg(value_name = "PATTERN", allow_hyphen_values = true)]
    pattern: String,
    /// Only integers and pointers at a multiple of their size
    #[arg(long)]
    aligned: bool,
    /// Also bytes that only image files hold (with --images)
    #[arg(long)]
    image_files: bool,
    /// Stop after so many matches
    #[arg(long, value_name = "COUNT", default_value = "1000")]
    limit: usize,
}

/// Bytes that are shown of a match.
const SHOWN: usize = 16;

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    // A pattern may begin with a dash ("->"), so an option in its place would be taken for one.
    if args.pattern.starts_with("--") {
        return Err(Failure::usage(format!("'{}' stands where the pattern should", args.pattern))
            .hint("options go behind the pattern, or before the file"));
    }
    let opened = args.target.open(output)?;
    let index = opened.index()?;
    let pattern = Pattern::parse_for(&args.pattern, index.process()).map_err(|error| {
        let failure = Failure::usage(format!("pattern, column {}: {}", error.column, error.cause));
        failure.hint(error.hint.unwrap_or("'vatlas search --help' shows all forms of patterns"))
    })?;
    let options = SearchOptions { within: None, aligned_only: args.aligned, image_files: args.image_files };
    let width = index.process().width;
    let mut rows = Rows::new(width);
    let mut progress = Progress::new(output, 0);
    let summary = search(
        &index,
        &pattern,
        &options,
        &mut |found| {
            if rows.count == args.limit {
                return ControlFlow::Break(());
            }
            rows.add(&index, found, output.json);
            ControlFlow::Continue(())
        },
        &mut |at| progress.of(at.done, at.total),
    );
    drop(progress);
    if output.json {
        let answer = json!({
            "matches": rows.json, "stopped": summary.stopped, "searched": coverage_json(&summary),
        });
        output.document(&json::document("search", opened.input(), answer));
    } else {
        if rows.count > 0 {
            output.text(&rows.table.render(output.colour));
            output.remark(&coverage_words(&summary, rows.count, "match"));
        }
    }
    if rows.count == 0 {
        return Err(Failure::could_not("nothing in the captured memory matches").hint(not_searched(&summary.coverage)));
    }
    Ok(opened.exit())
}

/// What is found, as it comes.
struct Rows {
    width: PointerWidth,
    table: Table,
    json: Vec<Value>,
    count: usize,
}

impl Rows {
    fn new(width: PointerWidth) -> Self {
        let columns = [("ADDRESS", Side::Left), ("WHAT", Side::Left), ("BYTES", Side::Left), ("USE", Side::Left)];
        Self { width, table: Table::new(&columns), json: Vec::new(), count: 0 }
    }

    fn add(&mut self, index: &UsageIndex<'_>, found: &Match<'_>, as_json: bool) {
        self.count += 1;
        let mut bytes = [0; SHOWN];
        let held = index.space().read_available(found.va, &mut bytes[..found.length.min(SHOWN)]);
        let usage = &found.owner.usage;
        if as_json {
            self.json.push(json!({
                "address": json::va(found.va, self.width), "length": found.length, "what": found.what.to_string(),
                "value": found.value.map(|value| format!("{value:#x}")), "aligned": found.is_aligned,
                "usage": usage_json(usage, self.width),
            }));
            return;
        }
        let mut digits: String = bytes[..held].iter().map(|byte| format!("{byte:02x}")).collect();
        if found.length > SHOWN {
            digits.push_str("..");
        }
        let unaligned = if found.is_aligned { "" } else { ", unaligned" };
        self.table.row([
            found.va.text(self.width).into(),
            format!("{}{unaligned}", found.what).into(),
            digits.into(),
            Cell::styled(usage_words(usage, self.width), kind_style(usage.kind())),
        ]);
    }
}

/// `3 matches in 26.3 KB; not captured: ...`
pub fn coverage_words(summary: &SearchSummary, count: usize, thing: &str) -> String {
    let things = match (count, thing) {
        (1, thing) => format!("1 {thing}"),
        (count, "match") => format!("{count} matches"),
        (count, thing) => counted(count, thing),
    };
    let more = if summary.stopped { ", and perhaps more: --limit stopped the search" } else { "" };
    format!("{things} in {}{more}; {}", size(summary.searched), not_searched(&summary.coverage))
}

/// What could not be searched.
fn not_searched(coverage: &Coverage) -> String {
    let parts =
        [(coverage.not_captured, "in memory but not in the dump"), (coverage.in_image_files, "in image files only")];
    let words: Vec<_> =
        parts.iter().filter(|(bytes, _)| *bytes > 0).map(|(bytes, why)| format!("{} {why}", size(*bytes))).collect();
    if words.is_empty() {
        "nothing known was left out".to_owned()
    } else {
        format!("not searched: {}", words.join(", "))
    }
}

/// How much was and was not searched.
pub fn coverage_json(summary: &SearchSummary) -> Value {
    json!({
        "bytes": summary.searched,
        "not_captured": summary.coverage.not_captured,
        "in_image_files": summary.coverage.in_image_files,
        "unknown": summary.coverage.unknown,
        "unreadable": summary.unreadable,
    })
}
