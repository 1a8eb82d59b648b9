//! The prompt: lines with editing, history and completion; Ctrl-C breaks into a run.

use super::{debugger::Debugger, table, views::View};
use crate::{failure::Failure, output::Output};
use rustyline::{
    Context, Editor, Helper, completion::Completer, error::ReadlineError, highlight::Highlighter, hint::Hinter,
    history::DefaultHistory, validate::Validator,
};
use std::sync::atomic::Ordering;
use vatlas_debug::symbolize::{Symbolizer, stem};

/// Names that completion offers at most.
const MOST: usize = 5000;

/// What completion knows: read anew before each prompt.
#[derive(Default)]
struct Words {
    modules: Vec<String>,
    names: Vec<String>,
}

impl Helper for Words {}
impl Highlighter for Words {}
impl Validator for Words {}
impl Hinter for Words {
    type Hint = String;
}

impl Completer for Words {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..position).unwrap_or(line);
        let start = before.rfind([' ', ';', '(', '*', '&', '"']).map_or(0, |place| place + 1);
        let word = &before[start..];
        let is_command = before[..start].trim().is_empty() || before[..start].trim_end().ends_with(';');
        let known: Vec<&str> = if is_command {
            table::all().flat_map(|command| command.names).copied().collect()
        } else {
            let views = View::ALL.iter().map(|(name, _)| *name).filter(|_| before.trim_start().starts_with("view"));
            let names = self.modules.iter().chain(&self.names).map(String::as_str);
            views.chain(names).collect()
        };
        let mut found: Vec<String> =
            known.into_iter().filter(|name| name.starts_with(word)).map(str::to_owned).collect();
        found.sort_unstable();
        found.dedup();
        Ok((start, found))
    }
}

/// The modules and names of the process that is looked at.
fn words(debugger: &mut Debugger) -> Words {
    let read = debugger.with_opened(|opened, process| {
        let process = &opened.target.processes()[process.0];
        let finder = opened.finder()?;
        let names = Symbolizer::new(&finder, &*opened.target, process);
        let mut words = Words::default();
        for (number, module) in process.modules.iter().enumerate() {
            let short = stem(module.name());
            words.modules.push(format!("{short}!"));
            let symbols = names.symbols(module);
            let machine = names.machine_of(&symbols);
            symbols.visit(&mut |origin, symbol| {
                let name = vatlas_symbols::Name::of(symbol, origin, machine).plain;
                // Names of the program need no module in front.
                if number == 0 {
                    words.names.push(name.clone());
                }
                words.names.push(format!("{short}!{name}"));
                match words.names.len() < MOST {
                    true => std::ops::ControlFlow::Continue(()),
                    false => std::ops::ControlFlow::Break(()),
                }
            });
        }
        Ok(words)
    });
    read.unwrap_or_default()
}

/// Asks for commands until the session is over.
///
/// # Errors
/// The terminal cannot be used.
pub fn ask(debugger: &mut Debugger, output: &mut Output) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::could_not(format!("the prompt: {error}"));
    let broken = debugger.broken();
    // A second handler cannot be set; the first one of this process is ours.
    let _ = ctrlc::set_handler(move || broken.store(true, Ordering::SeqCst));
    let mut editor: Editor<Words, DefaultHistory> = Editor::new().map_err(|error| failed(&error))?;
    let mut last = String::new();
    let mut is_stale = true;
    while !debugger.is_over() {
        output.flush();
        if std::mem::take(&mut is_stale) {
            editor.set_helper(Some(words(debugger)));
        }
        match editor.readline("vatlas> ") {
            Ok(line) => {
                let line = line.trim().to_owned();
                // An empty line repeats the last command, as in other debuggers.
                let line = if line.is_empty() { last.clone() } else { line };
                if line.is_empty() {
                    continue;
                }
                // A history that is full forgets by itself.
                let _ = editor.add_history_entry(&line);
                debugger.run_line(&line, output);
                last = line;
                is_stale = true;
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(())
}
