//! `vatlas place ADDRESS...`: what an address means by the rules of a layout, before any file is opened.

pub mod document;
mod facts;
mod forms;
mod headline;
mod human;

use crate::{
    commands::layout_args::LayoutArgs,
    failure::{Exit, Failure},
    json,
    output::Output,
};
use serde_json::{Value, json};
use vatlas_rules::{AddressError, Layout, ParsedAddress, Place, PlaceFacts, layout::layout, parse_address, place_in};
use vatlas_space::{LayoutChoice, LayoutName, PointerWidth};

const EXAMPLES: &str = "\
Examples:
  vatlas place 0x00012345                        on Windows CE 5, and shortly on others
  vatlas place 12012345 0056789A --layout ce5 --arm
  vatlas place 00012345 --process 9              the same byte in the slot of its process
  vatlas place 03F4E000 --modules device.txt     which module of a device it is
  vatlas place C0000ABC --layout wow64 --large-address-aware
  vatlas place 00007ff6`12345678 --layout nt64 --json | jq .answer[0].area

Addresses are hexadecimal, with or without 0x. One with more digits than fit is refused, with what was
probably meant; nothing is cut off.

A module list has one fact a line; numbers are hexadecimal, # begins a comment:
  coredll.dll 03F4E000 96000 01FFC000 01FFCC88   name, base, size, start and end of its data
  shell32.exe 00010000 E0000 process=shell32.exe a module of one process
  process shell32.exe 12                         a process and its slot, or the slot's base
  exe-size E0000                                 size of the EXE of the process looked at
  dll-low 013C0000                               where DLL space begins";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Addresses
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    #[command(flatten)]
    layout: LayoutArgs,
    #[command(flatten)]
    facts: facts::FactArgs,
    /// List every slot form, not the first and the last
    #[arg(long)]
    all_forms: bool,
}

/// The families of layouts that are looked at beside, when the user names none.
const ELSEWHERE: [LayoutName; 3] = [LayoutName::Nt32, LayoutName::Ce6, LayoutName::Nt64];

/// An address with its answer.
pub struct Answer<'a> {
    asked: &'a str,
    parsed: ParsedAddress,
    place: Place,
    elsewhere: Vec<Place>,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let chosen = args.layout.layout()?;
    let parsed = parse_all(args, chosen.name)?;
    let (facts, exit) = args.facts.read(chosen.name, output)?;
    let elsewhere: Vec<Layout> = match args.layout.layout {
        Some(_) => Vec::new(),
        None => ELSEWHERE.map(|name| layout(LayoutChoice::usual(name))).into(),
    };
    let without_list = PlaceFacts { machine: facts.machine, ..PlaceFacts::default() };
    let answers = args.addresses.iter().zip(parsed).map(|(asked, parsed)| Answer {
        asked,
        place: place_in(&chosen, parsed.va, &facts),
        elsewhere: elsewhere.iter().map(|layout| place_in(layout, parsed.va, &without_list)).collect(),
        parsed,
    });
    let answers: Vec<Answer<'_>> = answers.collect();
    for answer in &answers {
        warn(answer, output);
    }
    if output.json {
        let answers: Value = answers.iter().map(|answer| document::of(answer, &chosen)).collect();
        output.document(&json::document("place", input(args, &facts), answers));
        return Ok(exit);
    }
    for (number, answer) in answers.iter().enumerate() {
        if number > 0 {
            output.line("");
        }
        human::write(answer, &chosen, &facts, args.all_forms, output);
    }
    Ok(exit)
}

/// Every address, or the first that is none: then nothing is answered.
fn parse_all(args: &Args, name: LayoutName) -> Result<Vec<ParsedAddress>, Failure> {
    let count = args.addresses.len();
    let parse = |(number, text): (usize, &String)| {
        parse_address(text, name).map_err(|error| {
            let which = if count > 1 { format!("{} of {count}, ", number + 1) } else { String::new() };
            refusal(&error, &which, text, name, args.layout.layout.is_some())
        })
    };
    args.addresses.iter().enumerate().map(parse).collect()
}

fn refusal(error: &AddressError, which: &str, asked: &str, name: LayoutName, was_named: bool) -> Failure {
    // The list below the message shows all corrections; the message itself need not repeat the best.
    let cause = AddressError { corrections: Vec::new(), ..error.clone() }.to_string();
    let cause = cause.replacen("address ", &format!("address {which}"), 1);
    let corrections = error.corrections.iter().map(|fix| (fix.text.clone(), fix.reason.clone())).collect();
    let failure = Failure::usage(cause).corrections(corrections);
    let is_wide = name.width() == PointerWidth::Bits32 && parse_address(asked, LayoutName::Nt64).is_ok();
    match (is_wide, was_named) {
        (false, _) => failure,
        (true, true) => failure.hint("--layout nt64 and wow64 take addresses of up to 16 digits"),
        (true, false) => failure.hint("if it is an address of 64-bit Windows, add --layout nt64 (or wow64)"),
    }
}

/// Says what is odd about the text, and the best of what may have been meant; a JSON document has all.
fn warn(answer: &Answer<'_>, output: &Output) {
    let Some(warning) = &answer.parsed.warning else { return };
    output.remark(&format!("warning: address '{}': {warning}", answer.asked));
    const SHOWN: usize = 3;
    for other in answer.parsed.alternatives.iter().take(SHOWN) {
        output.remark(&format!("  perhaps {}: {}", other.text, other.reason));
    }
}

/// What was asked, for a JSON document.
fn input(args: &Args, facts: &PlaceFacts) -> Value {
    json!({
        "addresses": args.addresses,
        "layout": args.layout.layout.map(LayoutName::as_str),
        "modules": args.facts.modules.as_ref().map(|path| path.display().to_string()),
        "process_slot": facts.process.map(|slot| slot.number()),
        "machine": facts.machine.map(facts::machine_word),
    })
}
