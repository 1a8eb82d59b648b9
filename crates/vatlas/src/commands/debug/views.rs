//! Views: what is shown again at every stop.

use super::{debugger::Debugger, look::About, words};
use crate::{draw::text::printable, failure::Failure, output::Output};
use vatlas_space::Va;

/// Instructions of the view of instructions.
const INSTRUCTIONS: usize = 8;

/// A view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// Expressions that the user watches.
    Watch,
    /// Variables of the frame.
    Locals,
    /// The call stack.
    Stack,
    /// The modules of the process.
    Modules,
    /// General registers.
    Registers,
    /// The next instructions.
    Disassembly,
    /// All processes.
    Processes,
    /// The threads of the process.
    Threads,
    /// Totals of the address space.
    Map,
}

impl View {
    /// All of them, with their words.
    pub const ALL: [(&'static str, Self); 9] = [
        ("watch", Self::Watch),
        ("locals", Self::Locals),
        ("stack", Self::Stack),
        ("modules", Self::Modules),
        ("registers", Self::Registers),
        ("disassembly", Self::Disassembly),
        ("processes", Self::Processes),
        ("threads", Self::Threads),
        ("map", Self::Map),
    ];
}

impl Debugger {
    /// `view`, `view stack`, `view -stack`, `view none`.
    pub fn choose_views(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        for word in words::split(rest) {
            if word == "none" {
                self.views.clear();
                continue;
            }
            let name = word.trim_start_matches(['-', '+']);
            let view = View::ALL.iter().find(|(known, _)| *known == name).map(|(_, view)| *view);
            let view = view.ok_or_else(|| {
                let all: Vec<&str> = View::ALL.iter().map(|(name, _)| *name).collect();
                Failure::usage(format!("'{name}' is no view")).hint(all.join(", "))
            })?;
            self.views.retain(|shown| *shown != view);
            if !word.starts_with('-') {
                self.views.push(view);
            }
        }
        let shown = View::ALL.iter().filter(|(_, view)| self.views.contains(view)).map(|(name, _)| *name);
        let shown: Vec<&str> = shown.collect();
        output.line(&format!("views: {}", if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }));
        Ok(())
    }

    /// `watch EXPRESSION`: now, and at every stop; `watch -EXPRESSION` no more; `watch` all.
    pub fn watch(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        if let Some(gone) = rest.strip_prefix('-') {
            self.watches.retain(|watched| watched != gone.trim());
            return Ok(());
        }
        if !rest.is_empty() && !self.watches.iter().any(|watched| watched == rest) {
            self.watches.push(rest.to_owned());
            if !self.views.contains(&View::Watch) {
                self.views.push(View::Watch);
            }
        }
        if self.watches.is_empty() {
            output.line("nothing is watched: 'watch EXPRESSION' begins");
            return Ok(());
        }
        self.show_watches(output)
    }

    fn show_watches(&mut self, output: &mut Output) -> Result<(), Failure> {
        let expressions = self.watches.clone();
        match self.ask("watch", &expressions, About::Frame, output) {
            Ok(()) => Ok(()),
            // One that has no value now does not hide the others.
            Err(_) if expressions.len() > 1 => {
                for expression in &expressions {
                    if let Err(failure) = self.ask("watch", std::slice::from_ref(expression), About::Frame, output) {
                        output.line(&printable(&format!("{expression}  {}", failure.message())));
                    }
                }
                Ok(())
            }
            Err(failure) => {
                output.line(&printable(&format!("{}  {}", expressions.join(" "), failure.message())));
                Ok(())
            }
        }
    }

    /// Shows all views that are on.
    ///
    /// # Errors
    /// The target cannot be opened.
    pub fn refresh(&mut self, output: &mut Output) -> Result<(), Failure> {
        if self.is_program_over {
            return Ok(());
        }
        for (name, view) in View::ALL {
            if !self.views.contains(&view) || view == View::Watch && self.watches.is_empty() {
                continue;
            }
            output.line("");
            output.heading(name);
            if let Err(failure) = self.show_view(view, output) {
                output.line(&printable(failure.message()));
            }
        }
        Ok(())
    }

    fn show_view(&mut self, view: View, output: &mut Output) -> Result<(), Failure> {
        match view {
            View::Watch => self.show_watches(output),
            View::Locals => self.ask("watch", &["--locals".to_owned()], About::Frame, output),
            View::Stack => self.ask("stack", &[], About::Thread, output),
            View::Modules => self.ask("modules", &[], About::Process, output),
            View::Registers => self.registers("", output),
            View::Disassembly => self.unassemble("", output),
            View::Processes => self.ask("processes", &[], About::Target, output),
            View::Threads => self.ask("threads", &[], About::Process, output),
            View::Map => self.ask("map", &["--summary".to_owned()], About::Process, output),
        }
    }

    /// `u`, `u ADDRESS [COUNT]`.
    pub fn unassemble(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let arguments = words::split(rest);
        let (place, count) = match arguments.as_slice() {
            [] => (None, INSTRUCTIONS),
            [place] => (Some(place.clone()), INSTRUCTIONS),
            [place, count, ..] => {
                let count = words::number(count.trim_start_matches(['l', 'L']));
                let count = count.and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= 10_000);
                (Some(place.clone()), count.ok_or_else(|| Failure::usage("u PLACE [COUNT]"))?)
            }
        };
        let from = match place {
            Some(place) => self.address(&place)?,
            None => {
                let pc = self.frames(self.frame.saturating_add(1))?.get(self.frame).map(|frame| frame.pc);
                pc.ok_or_else(|| Failure::could_not("no thread is looked at"))?
            }
        };
        self.next_code = self.instructions(from, count, output).map(|va: Va| va.0);
        Ok(())
    }
}
