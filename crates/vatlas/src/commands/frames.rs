//! `vatlas frames FILE`: physical memory and the commit charge, accounted to the page.

mod account;

use crate::{
    draw::text::size,
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    table::{Side, Table},
};
use account::{Account, Line};
use serde_json::{Value, json};
use vatlas_space::{Frame, FrameState, Pfn, ProcessIndex, System, Target, Va};

/// Bytes of a page.
const PAGE: u64 = 4096;
/// Frames that are listed when nothing else is said.
const USUAL_FRAMES: usize = 64;
/// Places where a frame is mapped that are listed.
const MOST_PLACES: usize = 4;

const EXAMPLES: &str = "\
Every frame is counted once: in the state that the frame database says, and what is in use by whom. Every page of the
commit charge is counted once, too. The sums are those of the system; where they are not, the difference is a line of
its own.

Examples:
  vatlas frames big.vsnap --summary
  vatlas frames big.vsnap --state modified
  vatlas frames big.vsnap --frame 0x1a3
  vatlas run hello.exe --stop-at 200K --then 'frames --summary'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Only the account: states, owners, commit charge
    #[arg(long, conflicts_with_all = ["state", "frame", "limit"])]
    summary: bool,
    /// Only frames in this state: zeroed, free, standby, modified, active, transition, bad
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<FrameState>,
    /// Only this frame
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    frame: Option<u64>,
    /// List at most so many frames
    #[arg(long, value_name = "COUNT", default_value_t = USUAL_FRAMES)]
    limit: usize,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let target = &*opened.target;
    let system = whole_system(target)?;
    if args.summary {
        let account = Account::of(target, system);
        if output.json {
            output.document(&json::document("frames", opened.input(), summary_json(&account)));
        } else {
            summary(&account, output);
        }
        return Ok(opened.exit());
    }
    let all = (0..system.frame_counts().total).filter_map(|number| system.frame(Pfn(number)));
    let is_wanted = |frame: &Frame| {
        args.state.is_none_or(|state| frame.state == state) && args.frame.is_none_or(|number| frame.pfn.0 == number)
    };
    let mut frames: Vec<Frame> = all.filter(is_wanted).take(args.limit.saturating_add(1)).collect();
    let has_more = frames.len() > args.limit;
    frames.truncate(args.limit);
    if output.json {
        let rows = frames.iter().map(|frame| frame_json(target, system, frame)).collect();
        output.document(&json::document("frames", opened.input(), rows));
    } else {
        output.text(&list(target, system, &frames).render(output.colour));
    }
    if has_more {
        output.remark(&format!("only {} frames are listed; --limit shows more, --summary counts them", args.limit));
    }
    match frames.is_empty() {
        true => Err(Failure::could_not("there is no such frame")),
        false => Ok(opened.exit()),
    }
}

/// What a target knows as a whole system.
///
/// # Errors
/// It is none.
pub fn whole_system(target: &dyn Target) -> Result<&dyn System, Failure> {
    target.system().ok_or_else(|| {
        Failure::could_not("only a whole system knows its frames, descriptors and page tables")
            .hint("ask a stopped machine (vatlas run --then), a snapshot or a dump of the whole memory")
    })
}

fn state(text: &str) -> Result<FrameState, String> {
    let states = (0..8).map(FrameState::of_number);
    let found = states.clone().find(|state| state.to_string() == text);
    let names = || states.clone().map(|state| state.to_string()).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("a state is one of {}", names()))
}

fn number(text: &str) -> Result<u64, String> {
    let parsed = text.strip_prefix("0x").map_or_else(|| text.parse(), |digits| u64::from_str_radix(digits, 16));
    parsed.map_err(|_| "a frame is written 419 or 0x1a3".to_owned())
}

fn pages(count: u64) -> String {
    format!("{count} ({})", size(count * PAGE))
}

fn summary(account: &Account, output: &mut Output) {
    for (title, lines, total) in account.parts() {
        output.heading(title);
        let mut table = Table::new(&[("WHAT", Side::Left), ("PAGES", Side::Right), ("SIZE", Side::Right)]);
        let all = lines.iter().chain(std::iter::once(total));
        for Line { what, pages } in all {
            table.row([what.clone().into(), pages.to_string().into(), size(pages.unsigned_abs() * PAGE).into()]);
        }
        output.text(&table.render(output.colour));
    }
    if let Some(limit) = account.limit {
        output.line(&format!("limit of the commit charge: {}", pages(limit)));
    }
}

fn summary_json(account: &Account) -> Value {
    let line = |line: &Line| json!({ "what": line.what, "pages": line.pages });
    let part = |lines: &[Line], total: &Line| json!({ "lines": lines.iter().map(line).collect::<Value>(), "total": total.pages });
    let mut document = json!({ "commit_limit": account.limit });
    for ((_, lines, total), name) in account.parts().into_iter().zip(["states", "in_use", "commit"]) {
        document[name] = part(lines, total);
    }
    document
}

fn list(target: &dyn Target, system: &dyn System, frames: &[Frame]) -> Table {
    let mut table = Table::new(&[
        ("FRAME", Side::Right),
        ("STATE", Side::Left),
        ("SHARES", Side::Right),
        ("REFERENCES", Side::Right),
        ("ENTRY", Side::Left),
        ("ORIGINAL", Side::Left),
        ("", Side::Left),
        ("MAPPED AT", Side::Left),
    ]);
    for frame in frames {
        let flags = match (frame.is_shared, frame.is_modified) {
            (true, true) => "shared, modified",
            (true, false) => "shared",
            (false, true) => "modified",
            (false, false) => "",
        };
        let is_used = frame.state == FrameState::Active;
        table.row([
            format!("{:#x}", frame.pfn.0).into(),
            frame.state.to_string().into(),
            frame.share_count.to_string().into(),
            frame.reference_count.to_string().into(),
            frame.entry.to_string().into(),
            format!("{:08x}", frame.original).into(),
            flags.into(),
            if is_used { places(target, system, frame.pfn).join("; ") } else { String::new() }.into(),
        ]);
    }
    table
}

/// Where processes have a frame now.
fn places(target: &dyn Target, system: &dyn System, pfn: Pfn) -> Vec<String> {
    let mapped = system.mapped_at(pfn, MOST_PLACES + 1);
    let words = |(process, va): &(ProcessIndex, Va)| {
        let name = target.processes().get(process.0).map(crate::process_choice::name).unwrap_or_default();
        format!("{name} {va}")
    };
    let mut places: Vec<String> = mapped.iter().take(MOST_PLACES).map(words).collect();
    if mapped.len() > MOST_PLACES {
        places.push("and more".to_owned());
    }
    places
}

fn frame_json(target: &dyn Target, system: &dyn System, frame: &Frame) -> Value {
    json!({
        "number": frame.pfn.0,
        "state": frame.state.to_string(),
        "shares": frame.share_count,
        "references": frame.reference_count,
        "entry": frame.entry.to_string(),
        "original": json::hex32(frame.original as u32),
        "shared": frame.is_shared,
        "modified": frame.is_modified,
        "mapped_at": places(target, system, frame.pfn),
    })
}
