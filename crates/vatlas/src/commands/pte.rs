//! `vatlas pte FILE ADDRESS`: the page-table entries of addresses, and where their pages are.

use super::frames::whole_system;
use crate::{
    draw::text::printable,
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    system_page,
};
use serde_json::Value;
use vatlas_debug::system_page::system_page;
use vatlas_space::ThreadId;

const EXAMPLES: &str = "\
Examples:
  vatlas pte big.vsnap 0x400000
  vatlas pte big.vsnap eip sp --process big.exe
  vatlas run hello.exe --stop-at 200K --then 'pte 0x7ffe0000'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Addresses: numbers, registers, names, with offsets
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    /// The thread whose registers are meant, by id
    #[arg(long, value_name = "ID", value_parser = crate::process_choice::id)]
    thread: Option<u32>,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let target = &*opened.target;
    whole_system(target)?;
    let process = target.processes().get(opened.process.0);
    let process = process.ok_or_else(|| Failure::could_not("the dump holds no process"))?;
    let locate = |text: &String| opened.locate(process, args.thread.map(ThreadId), text, output);
    let locations = args.addresses.iter().map(locate).collect::<Result<Vec<_>, _>>()?;
    let mut answers = Vec::new();
    for (number, location) in locations.iter().enumerate() {
        let page = system_page(target, opened.process, location.va);
        let page = page.ok_or_else(|| Failure::could_not(format!("{}: nothing is known of it", location.va)))?;
        if output.json {
            let mut answer = system_page::json(&page);
            answer["address"] = location.va.to_string().into();
            answers.push(answer);
            continue;
        }
        if number > 0 {
            output.line("");
        }
        output.line(&location.va.to_string());
        for step in page.page.walk.steps() {
            let (level, at, entry) = (step.level, step.at, step.entry.0);
            output.line(&format!("  {:<12}{entry:08x} at physical {at}", level.to_string()));
        }
        for (label, text) in system_page::rows(&page) {
            output.line(&format!("  {label:<12}{}", printable(&text)));
        }
        page.page.steps.iter().for_each(|step| output.line(&format!("    - {}", printable(&step.finding))));
    }
    if output.json {
        output.document(&json::document("pte", opened.input(), Value::Array(answers)));
    }
    Ok(opened.exit())
}
