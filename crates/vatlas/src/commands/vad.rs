//! `vatlas vad FILE`: the virtual address descriptors of a process.

use super::frames::whole_system;
use crate::{
    draw::text::size,
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    table::{Side, Table},
};
use serde_json::{Value, json};
use vatlas_space::{PointerWidth, Vad};

/// Bytes of a page.
const PAGE: u64 = 4096;

const EXAMPLES: &str = "\
A descriptor is what a process asked the system for: a range, the protection that it was made with, and for a view the
control area and the first prototype entry. COMMIT counts pages that are in the commit charge; the sum is the process's.

Examples:
  vatlas vad big.vsnap --process big.exe
  vatlas run hello.exe --stop-at 200K --then vad";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let system = whole_system(&*opened.target)?;
    let vads = system.vads(opened.process);
    if output.json {
        output.document(&json::document("vad", opened.input(), vads.iter().map(row_json).collect()));
    } else {
        output.text(&table(&vads).render(output.colour));
        let committed: u64 = vads.iter().filter_map(|vad| vad.commit).map(u64::from).sum();
        let (count, bytes) = (vads.len(), committed * PAGE);
        output.line(&format!("{count} descriptors, {committed} pages in the commit charge ({})", size(bytes)));
    }
    match vads.is_empty() {
        true => Err(Failure::could_not("the process has no descriptor")),
        false => Ok(opened.exit()),
    }
}

fn table(vads: &[Vad]) -> Table {
    let mut table = Table::new(&[
        ("VAD", Side::Left),
        ("FIRST", Side::Left),
        ("LAST", Side::Left),
        ("COMMIT", Side::Right),
        ("KIND", Side::Left),
        ("PROTECTION", Side::Left),
        ("", Side::Left),
        ("CONTROL AREA", Side::Left),
        ("PROTOTYPES", Side::Left),
        ("FILE", Side::Left),
    ]);
    for vad in vads {
        let flags = [(vad.is_committed, "committed"), (vad.is_secured, "secured")];
        let flags: Vec<&str> = flags.into_iter().filter_map(|(is_set, word)| is_set.then_some(word)).collect();
        table.row([
            vad.at.to_string().into(),
            vad.range.first().to_string().into(),
            vad.range.last().to_string().into(),
            vad.commit.map(|pages| pages.to_string()).unwrap_or_default().into(),
            vad.kind.to_string().into(),
            vad.protection.to_string().into(),
            flags.join(", ").into(),
            vad.control_area.map(|at| at.to_string()).unwrap_or_default().into(),
            vad.first_prototype.map(|at| at.to_string()).unwrap_or_default().into(),
            vad.file.clone().unwrap_or_default().into(),
        ]);
    }
    table
}

fn row_json(vad: &Vad) -> Value {
    json!({
        "address": vad.at.to_string(),
        "range": json::range(vad.range, PointerWidth::Bits32),
        "commit": vad.commit,
        "kind": vad.kind.to_string(),
        "protection": vad.protection.to_string(),
        "committed": vad.is_committed,
        "secured": vad.is_secured,
        "control_area": vad.control_area.map(|at| at.to_string()),
        "first_prototype": vad.first_prototype.map(|at| at.to_string()),
        "file": vad.file,
    })
}
