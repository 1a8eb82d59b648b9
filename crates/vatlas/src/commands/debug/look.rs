//! Questions: commands as they are asked of a dump, with the stopped machine in place of its file.

use super::{debugger::Debugger, words};
use crate::{
    cli::Cli,
    commands,
    failure::{Exit, Failure},
    open::{Opened, TargetArgs},
    open_machine::with_machine,
    output::Output,
    symbol_args::SymbolArgs,
};
use clap::{CommandFactory, Parser};
use std::path::{Path, PathBuf};
use vatlas_space::{ProcessIndex, ThreadId};

/// What questions are asked with: the file, and where images and symbols are.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file; of a machine what stands for it.
    pub file: PathBuf,
    /// Folders with images.
    pub images: Vec<PathBuf>,
    /// Where symbols are.
    pub symbols: SymbolArgs,
    /// Where source files are.
    pub source: Vec<String>,
    /// The thread of a picture that is looked at.
    pub thread: Option<ThreadId>,
}

impl Options {
    /// Opens the file; of a machine what is stopped now.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn opened(&self) -> Result<Opened, Failure> {
        let args = TargetArgs {
            images: self.images.clone(),
            symbols: self.symbols.clone(),
            ..TargetArgs::of_file(self.file.clone())
        };
        args.open_quietly()
    }

    /// The options as words of a command line.
    fn words(&self) -> Vec<String> {
        let path = |path: &Path| path.display().to_string();
        let mut words = Vec::new();
        for folder in &self.images {
            words.extend(["--images".to_owned(), path(folder)]);
        }
        for symbols in &self.symbols.symbols {
            words.extend(["--symbols".to_owned(), path(symbols)]);
        }
        if self.symbols.force_symbols {
            words.push("--force-symbols".to_owned());
        }
        if self.symbols.no_cache {
            words.push("--no-cache".to_owned());
        }
        words
    }
}

/// Whose memory expressions see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lens {
    /// That of the thread that is looked at: of another process's own memory the address is known, not the value.
    Thread,
    /// Every process is read in its own space.
    Process,
}

/// What a question is about besides the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum About {
    /// Nothing.
    Target,
    /// The process.
    Process,
    /// The process and the thread.
    Thread,
    /// The process, the thread and the frame.
    Frame,
}

impl Debugger {
    /// Does something with the opened target, whose process is the one that is looked at.
    ///
    /// # Errors
    /// It cannot be opened, and those of `with`.
    pub fn with_opened<R>(
        &mut self,
        with: impl FnOnce(&Opened, ProcessIndex) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.with_process(None, with)
    }

    /// The same with a process of the caller's choice.
    ///
    /// # Errors
    /// As [`Debugger::with_opened`].
    pub fn with_process<R>(
        &mut self,
        process: Option<u32>,
        with: impl FnOnce(&Opened, ProcessIndex) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let process = process.or_else(|| self.process_id());
        let target = self.target()?;
        let options = &self.options;
        with_machine(&target, &self.name, || {
            let mut opened = options.opened()?;
            let is_it = |process: &vatlas_space::Process, id: u32| process.id.is_some_and(|known| known.0 == id);
            let found = process.and_then(|id| opened.target.processes().iter().position(|known| is_it(known, id)));
            if let Some(found) = found {
                opened.process = ProcessIndex(found);
            }
            with(&opened, opened.process)
        })
    }

    /// Asks a question: a command of `vatlas` without its file.
    ///
    /// # Errors
    /// The question is wrong, or has no answer.
    pub fn ask(
        &mut self,
        command: &str,
        arguments: &[String],
        about: About,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let mut line = vec!["vatlas".to_owned(), command.to_owned()];
        if about != About::Target {
            self.check_alive()?;
            if let Some(process) = self.process_id() {
                line.extend(["--process".to_owned(), process.to_string()]);
            }
        }
        if matches!(about, About::Thread | About::Frame)
            && let Some(thread) = self.thread()
            && self.process.is_none()
        {
            line.extend(["--thread".to_owned(), thread.0.to_string()]);
        }
        if about == About::Frame && self.frame > 0 {
            line.extend(["--frame".to_owned(), self.frame.to_string()]);
        }
        if command == "watch" && self.lens() == Lens::Thread {
            line.extend(["--view".to_owned(), "chosen".to_owned()]);
        }
        line.extend(self.options.words());
        line.extend(["--".to_owned(), self.options.file.display().to_string()]);
        // Options of the question come before the file: what follows it are its words.
        let (options, words): (Vec<&String>, Vec<&String>) = split_options(command, arguments);
        let place = line.iter().position(|word| word == "--").unwrap_or(line.len());
        line.splice(place..place, options.into_iter().cloned());
        line.extend(words.into_iter().cloned());
        let line = Cli::try_parse_from(&line).map_err(|error| {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Failure::usage(format!("{command}: {first}"))
        })?;
        let target = self.target()?;
        let exit = with_machine(&target, &self.name, || commands::run(&line.command, output))?;
        debug_assert!(exit >= Exit::Done, "an answer");
        Ok(())
    }

    /// Nothing is asked about a thread after the last one ended.
    ///
    /// # Errors
    /// No thread is left.
    pub fn check_alive(&mut self) -> Result<(), Failure> {
        if !self.is_program_over || self.process.is_some() || self.thread().is_some() {
            return Ok(());
        }
        let failure = Failure::could_not("the program has ended: it has no thread and no memory any more");
        Err(failure.hint("'t-' goes back to its last instruction, 'g-' to the last stop; '.process' chooses another"))
    }

    /// Whose memory expressions see: on Windows CE, where slot 0 changes with the process, that of the thread.
    pub fn lens(&mut self) -> Lens {
        let is_ce = self.target().is_ok_and(|target| target.ce().is_some());
        let usual = if self.session.is_some() && is_ce { Lens::Thread } else { Lens::Process };
        self.lens.unwrap_or(usual)
    }

    /// `lens`, `lens thread`, `lens process`.
    ///
    /// # Errors
    /// The word is another one.
    pub fn choose_lens(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        self.lens = match rest.trim() {
            "" => self.lens,
            "thread" => Some(Lens::Thread),
            "process" => Some(Lens::Process),
            other => {
                return Err(Failure::usage(format!("'{other}' is no lens")).hint("thread, process"));
            }
        };
        output.line(match self.lens() {
            Lens::Thread => "expressions see what the thread that is looked at sees",
            Lens::Process => "expressions see every process in its own space",
        });
        Ok(())
    }

    /// The same with the words of a line.
    ///
    /// # Errors
    /// As [`Debugger::ask`].
    pub fn ask_line(&mut self, command: &str, rest: &str, about: About, output: &mut Output) -> Result<(), Failure> {
        self.ask(command, &words::split(rest), about, output)
    }

    /// Asks a question about a place: in the process whose address it is.
    ///
    /// # Errors
    /// The place means nothing, and as [`Debugger::ask`].
    pub fn ask_at(
        &mut self,
        command: &str,
        place: &str,
        words: impl FnOnce(String) -> Vec<String>,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let meaning = self.meaning(place)?;
        let before = self.process;
        self.process = meaning.process.or(before);
        let asked = self.ask(command, &words(format!("{:#x}", meaning.va.0)), About::Process, output);
        self.process = before;
        asked
    }

    /// Asks for the value of an expression. A bare name that means nothing where the machine stopped may be one of the
    /// program.
    ///
    /// # Errors
    /// It has no value.
    pub fn ask_value(&mut self, text: &str, output: &mut Output) -> Result<(), Failure> {
        let asked = self.ask("watch", &[text.to_owned()], About::Frame, output);
        let Err(failure) = asked else { return Ok(()) };
        let program = self.with_opened(|opened, process| {
            let modules = &opened.target.processes()[process.0].modules;
            Ok(modules.first().map(|module| module.name().to_owned()))
        });
        let Ok(Some(program)) = program else { return Err(failure) };
        self.ask("watch", &[format!("{{,,{program}}} ({text})")], About::Frame, output).map_err(|_| failure)
    }
}

/// Options of a command with their values, and the other words.
fn split_options<'a>(command: &str, arguments: &'a [String]) -> (Vec<&'a String>, Vec<&'a String>) {
    let (mut options, mut words) = (Vec::new(), Vec::new());
    let mut rest = arguments.iter().peekable();
    let cli = Cli::command();
    let known = cli.find_subcommand(command);
    // `--limit 3` has its value behind it, `--all` has none.
    let takes_value = |word: &str| {
        let is_it = |argument: &&clap::Arg| argument.get_long() == word.strip_prefix("--");
        let argument = known.and_then(|command| command.get_arguments().find(is_it));
        argument.is_some_and(|argument| argument.get_action().takes_values())
    };
    while let Some(word) = rest.next() {
        if !word.starts_with("--") {
            words.push(word);
            continue;
        }
        options.push(word);
        if takes_value(word)
            && let Some(value) = rest.next()
        {
            options.push(value);
        }
    }
    (options, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_keep_their_values() {
        let check = |command: &str, line: &str, options: &[&str], others: &[&str]| {
            let arguments = words::split(line);
            let (found, rest) = split_options(command, &arguments);
            assert_eq!(found, options, "{line}");
            assert_eq!(rest, others, "{line}");
        };
        check("modules", "--name ntdll", &["--name", "ntdll"], &[]);
        check("stack", "--all --limit 3", &["--all", "--limit", "3"], &[]);
        check("find", "square --limit=3", &["--limit=3"], &["square"]);
        check("no-such-command", "--name x", &["--name"], &["x"]);
    }
}
