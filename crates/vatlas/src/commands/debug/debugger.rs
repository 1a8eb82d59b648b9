//! The debugger between its commands: what is debugged, what is chosen, what is shown at every stop.

use super::{
    console::{SharedStreams, shown},
    look::{Lens, Options},
    points::Points,
    table,
    views::View,
    words,
};
use crate::{
    draw::text::printable,
    failure::{Exit, Failure},
    output::Output,
};
use std::{
    cell::Cell,
    io::Write,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use vatlas_debug::control::Session;
use vatlas_space::{Target, ThreadId, Va, control::Control};
use vatlas_targets::control::{MachineControl, Shown};

/// Commands inside of commands.
const DEEPEST: usize = 8;

/// A debugger.
pub struct Debugger {
    /// Control; a picture has none.
    pub session: Option<Session>,
    /// What every question is asked with.
    pub options: Options,
    /// The program's name.
    pub name: String,
    /// What the program reads and writes.
    pub streams: SharedStreams,
    /// The process that is looked at, by id; without one that of the thread.
    pub process: Option<u32>,
    /// The frame that is looked at.
    pub frame: usize,
    /// Whose memory expressions see, where the user chose.
    pub lens: Option<Lens>,
    /// What is shown at every stop.
    pub views: Vec<View>,
    /// Expressions of the view `watch`.
    pub watches: Vec<String>,
    /// What breakpoints wait for that is not there yet.
    pub points: Points,
    /// Where the user looked last: the next `d` and `u` go on from there.
    pub next_memory: Option<u64>,
    /// The same of instructions.
    pub next_code: Option<u64>,
    /// The program ended, and nobody has gone back since.
    pub is_program_over: bool,
    is_quit: bool,
    depth: Cell<usize>,
    exit: Exit,
    broken: Arc<AtomicBool>,
}

impl Debugger {
    /// A machine that is about to begin; with so many bytes for its past.
    pub fn of_machine<K: Shown>(
        kernel: K,
        name: &str,
        history: u64,
        streams: &SharedStreams,
        options: Options,
    ) -> Self {
        let broken = Arc::new(AtomicBool::new(false));
        let given = Rc::clone(streams);
        let give = Box::new(move |bytes: &[u8]| given.borrow_mut().input.extend(bytes));
        let mut control = MachineControl::new(kernel, name, history > 0, give);
        if let Some(kept) = control.history() {
            kept.set_limit(history);
        }
        let flag = Arc::clone(&broken);
        let written = Rc::clone(streams);
        let is_interrupted = move || {
            if let Some(lines) = written.borrow_mut().take_lines() {
                // Nobody reads any more: that is found out at the next stop.
                let _ = writeln!(std::io::stdout().lock(), "{}", shown(&lines).join("\n"));
            }
            flag.swap(false, Ordering::SeqCst)
        };
        let session = Session::new(Box::new(control), Rc::new(is_interrupted));
        let streams = Rc::clone(streams);
        let mut new = Self::of_picture(options);
        (new.session, new.name, new.streams, new.broken) = (Some(session), name.to_owned(), streams, broken);
        new
    }

    /// A file that can only be looked at.
    pub fn of_picture(options: Options) -> Self {
        Self {
            session: None,
            name: options.file.display().to_string(),
            options,
            streams: SharedStreams::default(),
            process: None,
            frame: 0,
            lens: None,
            views: Vec::new(),
            watches: Vec::new(),
            points: Points::default(),
            next_memory: None,
            next_code: None,
            is_program_over: false,
            is_quit: false,
            depth: Cell::new(0),
            exit: Exit::Done,
            broken: Arc::default(),
        }
    }

    /// Runs the loader, as far as the program's entry; what is debugged begins there.
    pub fn run_to_entry(&mut self, entry: Va) {
        if let Some(session) = &mut self.session {
            session.go_to(entry, None);
        }
    }

    /// The flag that breaks into a run.
    pub fn broken(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.broken)
    }

    /// Says what is debugged.
    pub fn greet(&mut self, output: &mut Output) {
        let text = match &self.session {
            Some(_) => format!("{}: on the machine; 'help' lists the commands", self.name),
            None => format!("{}: a picture, which has no control; 'help' lists what can be asked", self.name),
        };
        output.line(&printable(&text));
        if self.session.is_some() {
            self.tell_output(output);
            self.tell_place(output);
        }
    }

    /// Shows a command that was not typed.
    pub fn echo(&self, line: &str, output: &mut Output) {
        output.line("");
        output.heading(&printable(&format!("> {line}")));
    }

    /// Whether the session is over.
    pub const fn is_over(&self) -> bool {
        self.is_quit
    }

    /// Ends the session.
    pub const fn quit(&mut self) {
        self.is_quit = true;
    }

    /// How the whole program ends.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// Runs a line of commands. What goes wrong is said, and ends neither the session nor the line before it.
    pub fn run_line(&mut self, line: &str, output: &mut Output) {
        if self.depth.get() >= DEEPEST {
            output.line("commands of breakpoints run commands too deep: left out");
            return;
        }
        self.depth.set(self.depth.get() + 1);
        for command in words::commands(line) {
            if let Err(failure) = self.run_command(command, output) {
                self.exit = self.exit.max(failure.exit);
                output.text(&failure.plain());
                break;
            }
            if self.is_quit {
                break;
            }
        }
        self.depth.set(self.depth.get() - 1);
        output.flush();
    }

    pub(super) fn run_command(&mut self, text: &str, output: &mut Output) -> Result<(), Failure> {
        let (command, rest) = table::find(text)?;
        if command.needs_control && self.session.is_none() {
            let failure = Failure::could_not(format!("'{}': a picture has no control", command.names[0]));
            return Err(failure.hint("only a program on the machine runs; questions work on both"));
        }
        (command.run)(self, rest, output)
    }

    /// `script FILE`: runs the commands of a file. What goes wrong in one line does not end it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn run_script(&mut self, path: &str, output: &mut Output) -> Result<(), Failure> {
        if path.is_empty() {
            return Err(Failure::usage("script: which file?"));
        }
        for line in super::script_lines(std::path::Path::new(path.trim_matches('"')))? {
            self.echo(&line, output);
            self.run_line(&line, output);
            if self.is_quit {
                break;
            }
        }
        Ok(())
    }

    /// Control.
    ///
    /// # Errors
    /// It is a picture.
    pub fn session(&mut self) -> Result<&mut Session, Failure> {
        self.session.as_mut().ok_or_else(|| Failure::could_not("a picture has no control"))
    }

    /// What is looked at now.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn target(&mut self) -> Result<Rc<dyn Target>, Failure> {
        match &mut self.session {
            Some(session) => Ok(session.control().target()),
            None => Ok(self.options.opened()?.target),
        }
    }

    /// The thread that is looked at: the chosen one, if it still lives.
    pub fn thread(&mut self) -> Option<ThreadId> {
        let target = self.target().ok()?;
        let lives = |id: &ThreadId| target.processes().iter().any(|process| process.thread(*id).is_some());
        let of_session = self.session.as_ref().and_then(Session::chosen_thread);
        if self.session.is_some() {
            return of_session.filter(lives);
        }
        let first = || target.processes().get(target.current().0)?.threads.first().map(|thread| thread.id);
        let of_exception = target.exception().map(|exception| exception.thread).filter(lives);
        self.options.thread.or(of_exception).or_else(first)
    }

    /// The id of the process that is looked at.
    pub fn process_id(&mut self) -> Option<u32> {
        if self.process.is_some() {
            return self.process;
        }
        let thread = self.thread()?;
        let target = self.target().ok()?;
        target.processes().iter().find(|process| process.thread(thread).is_some())?.id.map(|id| id.0)
    }
}
