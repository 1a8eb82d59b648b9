//! Questions to the stopped machine: commands as they are asked of a dump, with the machine in place of its file.

use crate::{
    cli::Cli,
    commands,
    failure::{Exit, Failure},
    open_machine::{MACHINE, with_machine},
    output::Output,
};
use clap::Parser;
use std::rc::Rc;
use vatlas_machine::nt::System;
use vatlas_space::Target;
use vatlas_targets::machine_target;

/// Commands that are asked of a target; the others need no machine.
const OF_A_TARGET: [&str; 25] = [
    "info",
    "analyze",
    "explain",
    "map",
    "modules",
    "threads",
    "stack",
    "memory",
    "read",
    "search",
    "refs",
    "lookup",
    "find",
    "lines",
    "type",
    "watch",
    "symbols",
    "processes",
    "frames",
    "vad",
    "pte",
    "minidump",
    "slots",
    "sharing",
    "objects",
];

/// A question.
pub struct Question {
    text: String,
    line: Cli,
}

/// Reads the questions before the machine starts: a mistake in the last one is not to be found after minutes.
///
/// # Errors
/// A text is no command, or none that is asked of a target.
pub fn parse(texts: &[String]) -> Result<Vec<Question>, Failure> {
    texts.iter().map(|text| question(text)).collect()
}

fn question(text: &str) -> Result<Question, Failure> {
    let words = words(text).ok_or_else(|| Failure::usage(format!("--then '{text}': a quote is not closed")))?;
    let Some((command, arguments)) = words.split_first() else {
        return Err(Failure::usage("--then: names no command"));
    };
    if !OF_A_TARGET.contains(&command.as_str()) {
        let failure = Failure::usage(format!("--then '{text}': '{command}' is nothing that a machine is asked"));
        return Err(failure.hint(format!("it is asked {}", OF_A_TARGET.join(", "))));
    }
    let line = ["vatlas", command, MACHINE].into_iter().chain(arguments.iter().map(String::as_str));
    let line = Cli::try_parse_from(line).map_err(|error| {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Failure::usage(format!("--then '{command} ...': {first}"))
    })?;
    Ok(Question { text: text.to_owned(), line })
}

/// Asks all questions, each after its own text.
///
/// # Errors
/// What a question ends in.
pub fn ask(questions: &[Question], system: &Rc<System>, name: &str, output: &mut Output) -> Result<Exit, Failure> {
    match questions.is_empty() {
        true => Ok(Exit::Done),
        false => ask_target(questions, &(Rc::new(machine_target(system, name)) as Rc<dyn Target>), name, output),
    }
}

/// The same of any stopped machine.
///
/// # Errors
/// What a question ends in.
pub fn ask_target(
    questions: &[Question],
    target: &Rc<dyn Target>,
    name: &str,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for question in questions {
        if !output.json {
            output.heading(&question.text);
        }
        exit = exit.max(with_machine(target, name, || commands::run(&question.line.command, output))?);
    }
    Ok(exit)
}

/// Words as a shell takes them apart: blanks between, quotes around.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in text.chars() {
        match (quote, character) {
            (Some(open), character) if open == character => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, character) if character.is_whitespace() => words.extend(word.take()),
            (_, character) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_question() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let words = words(text);
            assert_eq!(
                words.as_ref().map(|words| words.iter().map(String::as_str).collect::<Vec<_>>()).as_deref(),
                expected
            );
        };
        check("explain  eip", Some(&["explain", "eip"]));
        check("watch 'a + b' \"c\"", Some(&["watch", "a + b", "c"]));
        check("watch ''", Some(&["watch", ""]));
        check("watch 'a", None);
        check("  ", Some(&[]));
    }

    #[test]
    fn what_a_target_is_asked_are_commands() {
        let known = <Cli as clap::CommandFactory>::command();
        for name in OF_A_TARGET {
            assert!(known.find_subcommand(name).is_some(), "{name}");
        }
    }

    #[test]
    fn mistakes_are_found_before_the_machine_starts() {
        assert!(question("explain eip").is_ok());
        assert!(question("place 0x400000").is_err());
        assert!(question("explain --no-such-option").is_err());
        assert!(question("").is_err());
    }
}
