//! The prompt: lines with editing, history and completion; Ctrl-C breaks into a run.

use super::{
    completion::{Names, complete},
    debugger::Debugger,
};
use crate::{cache_folder::cache_folder, failure::Failure, output::Output};
use rustyline::{
    CompletionType, Config, Context, Editor, Helper, completion::Completer, error::ReadlineError,
    highlight::Highlighter, hint::Hinter, history::DefaultHistory, validate::Validator,
};
use std::{io::IsTerminal, path::PathBuf, sync::atomic::Ordering};
use vatlas_debug::symbolize::{Symbolizer, stem};

/// Names that completion offers at most.
const MOST: usize = 20_000;

/// What the line editor asks for completions: read anew before each prompt.
#[derive(Default)]
struct Words(Names);

impl Helper for Words {}
impl Highlighter for Words {}
impl Validator for Words {}
impl Hinter for Words {
    type Hint = String;
}

impl Completer for Words {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(line, position, &self.0))
    }
}

/// The names of the process that is looked at, and the processes.
fn names(debugger: &mut Debugger) -> Names {
    let read = debugger.with_opened(|opened, process| {
        let processes = opened.target.processes();
        let mut found = Names {
            processes: processes.iter().filter_map(|process| process.name.clone()).collect(),
            ..Names::default()
        };
        let Some(process) = processes.get(process.0) else { return Ok(found) };
        let finder = opened.finder()?;
        let names = Symbolizer::new(&finder, &*opened.target, process);
        for (number, module) in process.modules.iter().enumerate() {
            let short = stem(module.name());
            found.modules.push(format!("{short}!"));
            let symbols = names.symbols(module);
            let machine = names.machine_of(&symbols);
            symbols.visit(&mut |origin, symbol| {
                let name = vatlas_symbols::Name::of(symbol, origin, machine).plain;
                found.symbols.push(format!("{short}!{name}"));
                // Names of the program need no module in front.
                if number == 0 {
                    found.symbols.push(name);
                }
                match found.symbols.len() < MOST {
                    true => std::ops::ControlFlow::Continue(()),
                    false => std::ops::ControlFlow::Break(()),
                }
            });
        }
        Ok(found)
    });
    read.unwrap_or_default()
}

/// Ctrl-C breaks into a run from now on.
pub fn listen(debugger: &Debugger) {
    let broken = debugger.broken();
    // A second handler cannot be set; the first one of this process is ours.
    let _ = ctrlc::set_handler(move || broken.store(true, Ordering::SeqCst));
}

/// The file in which the lines of earlier sessions are.
fn history_file() -> Option<PathBuf> {
    Some(cache_folder()?.join("debug-history"))
}

/// Asks for commands until the session is over. Lines are kept for the next session, unless nothing is to be kept.
///
/// # Errors
/// The terminal cannot be used.
pub fn ask(debugger: &mut Debugger, is_forgetful: bool, output: &mut Output) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::could_not(format!("the prompt: {error}"));
    let config = Config::builder().completion_type(CompletionType::List).history_ignore_space(true).build();
    let mut editor: Editor<Words, DefaultHistory> = Editor::with_config(config).map_err(|error| failed(&error))?;
    let is_terminal = std::io::stdin().is_terminal();
    debugger.streams.borrow_mut().is_live = is_terminal;
    let kept = history_file().filter(|_| is_terminal && !is_forgetful);
    if let Some(path) = &kept {
        // There is none before the first session.
        let _ = editor.load_history(path);
    }
    let mut last = String::new();
    let mut is_stale = true;
    while !debugger.is_over() && !output.is_closed() {
        output.flush();
        if std::mem::take(&mut is_stale) && is_terminal {
            editor.set_helper(Some(Words(names(debugger))));
        }
        // What was typed while nothing ran does not break into the next run.
        debugger.broken().store(false, Ordering::SeqCst);
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
    if let Some(path) = kept {
        // A session does not fail because its lines could not be kept.
        let _ = path.parent().map(std::fs::create_dir_all);
        let _ = editor.save_history(&path);
    }
    Ok(())
}
