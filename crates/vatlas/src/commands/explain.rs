//! `vatlas explain FILE ADDRESS...`: the whole answer about addresses of a dump.

use crate::{
    as_files,
    draw::text::size,
    explanation,
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
    words::usage_words,
};
use serde_json::Value;
use vatlas_debug::{
    explain::{Explanation, ModulePlace, explain_named},
    process_choice::owner_of,
    usage_index::UsageIndex,
};
use vatlas_space::Target;

const EXAMPLES: &str = "\
Addresses:
  0x00401234, 7ffe0000, 00007ff6`12345678   hexadecimal, with or without 0x
  crash, pc, sp                             the bad address, the instruction, the stack pointer
  eax, @rcx, ...                            what a register held (of the crash, or of --thread)
  helpers+0x1234, sp-8                      a module or any of these, and an offset

Examples:
  vatlas explain crash.dmp crash
  vatlas explain crash.dmp crash pc --symbols symbols/
  vatlas explain crash.dmp pc sp eax helpers+0x1000
  vatlas explain crash.dmp 0x7ffe0000 --json | jq .answer[0].usage";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Addresses, or names of addresses
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    /// Thread whose registers pc, sp and register names are taken from
    #[arg(long, value_name = "ID", value_parser = crate::process_choice::id)]
    thread: Option<u32>,
    /// Leave out how the answer was found
    #[arg(long)]
    short: bool,
    /// Tell it as if memory were a disk and processes its files; only of a machine that 'vatlas run' stopped
    #[arg(long)]
    as_files: bool,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let index = opened.index()?;
    let target = &*opened.target;
    let finder = opened.finder()?;
    let thread = crate::process_choice::thread(target, index.process(), args.thread)?;
    let locate = |text: &String| opened.locate(index.process(), thread, text, output);
    // All of them first: one that means nothing is said before anything is answered.
    let locations = args.addresses.iter().map(locate).collect::<Result<Vec<_>, _>>()?;
    let mut answers = Vec::new();
    for (number, (text, location)) in args.addresses.iter().zip(&locations).enumerate() {
        // An address in the slot of another process is that process's business.
        let owner = owner_of(target, location.va).filter(|owner| *owner != opened.process);
        let owner = owner.and_then(|owner| UsageIndex::new(target, owner));
        let explanation = explain_named(target, owner.as_ref().unwrap_or(&index), location, &finder);
        finder.warn(output);
        if output.json {
            answers.push(explanation::json(text, &explanation));
        } else {
            if number > 0 {
                output.line("");
            }
            explanation::human(text, &explanation, args.short, output);
            if args.as_files {
                as_files(target, owner.as_ref().unwrap_or(&index), &explanation, output)?;
            }
        }
    }
    if output.json {
        output.document(&json::document("explain", opened.input(), Value::Array(answers)));
    }
    Ok(opened.exit())
}

/// The same in the words of files.
fn as_files(
    target: &dyn Target,
    index: &UsageIndex<'_>,
    explanation: &Explanation,
    output: &mut Output,
) -> Result<(), Failure> {
    let (Some(answer), Some(system)) = (&explanation.system, target.system()) else {
        let failure = Failure::could_not("--as-files: this target has no page tables, frames and page files");
        return Err(failure.hint("'vatlas run PROGRAM --then \"explain ADDRESS --as-files\"' asks a whole system"));
    };
    output.line("  as files");
    let mut told = as_files::sentences(answer, index.process(), explanation.va);
    told.push(as_files::compression(system, index.process_index(), index.process()));
    told.iter().for_each(|sentence| output.line(&format!("    - {sentence}")));
    Ok(())
}

/// `helpers.dll+0x1019 (.text+0x19)`
pub fn module_offset(place: &ModulePlace) -> String {
    let section = place.section.as_ref().map(|(name, offset)| format!(" ({name}+{offset:#x})"));
    format!("{}+{:#x}{}", place.module.name(), place.offset, section.unwrap_or_default())
}

/// One line for an address: what it is, shortly.
pub fn headline(explanation: &Explanation) -> String {
    if let Some(symbol) = explanation.symbol.as_ref().filter(|symbol| symbol.lookup.is_inside) {
        let line = symbol.line().map(|line| format!(" ({line})")).unwrap_or_default();
        return symbol.text() + &line;
    }
    match &explanation.module {
        Some(place) => module_offset(place),
        None => {
            let usage = usage_words(&explanation.usage, explanation.width);
            format!("{usage}, {}", size(explanation.usage_range.size()))
        }
    }
}
