//! What changes the machine, and what chooses where one looks: registers, memory, threads, frames, processes.

use super::{debugger::Debugger, look::About, words};
use crate::{failure::Failure, output::Output};
use vatlas_space::{Registers, ThreadId};

impl Debugger {
    /// `r`, `r eax`, `r eax=5`.
    pub fn registers(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        if let Some((name, value)) = rest.split_once('=') {
            return self.set_register(name.trim().trim_start_matches('@'), value.trim(), output);
        }
        let registers = self.registers_of_frame()?;
        if rest.is_empty() {
            for row in registers.general.chunks(4) {
                let cells: Vec<String> =
                    row.iter().map(|register| format!("{:>4} {:08x}", register.name, register.value)).collect();
                output.line(&cells.join("  "));
            }
            return Ok(());
        }
        for name in rest.split([' ', ',']).filter(|name| !name.is_empty()) {
            let name = name.trim_start_matches('@');
            let value =
                registers.get(name).ok_or_else(|| Failure::could_not(format!("no register '{name}' is known")))?;
            output.line(&format!("{name} {value:08x}"));
        }
        Ok(())
    }

    fn registers_of_frame(&mut self) -> Result<Registers, Failure> {
        let frame = self.frame;
        let frames = self.frames(frame.saturating_add(1))?;
        let found = frames.get(frame).map(|frame| frame.registers.clone());
        found.ok_or_else(|| Failure::could_not("no registers are known: no thread runs"))
    }

    fn set_register(&mut self, name: &str, value: &str, output: &mut Output) -> Result<(), Failure> {
        let value = self.address(value)?.0 as u32;
        let thread = self.thread().ok_or_else(|| Failure::could_not("no thread is looked at"))?;
        let had_future = self.had_future();
        if !self.session()?.control().set_register(thread, name, value) {
            return Err(Failure::could_not(format!("'{name}' is no register that can be set"))
                .hint("eax ecx edx ebx esp ebp esi edi eip efl"));
        }
        output.line(&format!("{name} {value:08x}"));
        say_fork(had_future, output);
        Ok(())
    }

    /// Whether there are moments after this one that do not count when something is changed.
    fn had_future(&mut self) -> bool {
        let Ok(session) = self.session() else { return false };
        let now = session.control().position();
        session.control().history().is_some_and(|history| history.size().last > now)
    }

    /// `eb PLACE BYTES`, `ed PLACE NUMBERS`, `ea PLACE TEXT`.
    pub fn write_memory(&mut self, form: char, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let (place, rest) = words::first(rest);
        let va = self.address(place)?;
        let mut bytes = Vec::new();
        let size = match form {
            'a' => {
                bytes.extend_from_slice(rest.trim_matches('"').as_bytes());
                1
            }
            'b' => 1,
            'w' => 2,
            'q' => 8,
            _ => 4,
        };
        if form != 'a' {
            for word in words::split(rest) {
                let value = words::number(&word).map_or_else(|| self.address(&word).map(|va| va.0), Ok)?;
                bytes.extend_from_slice(&value.to_le_bytes()[..size]);
            }
        }
        if bytes.is_empty() {
            return Err(
                Failure::usage("what is to be written?").hint("eb PLACE 90 90, ed PLACE 0x12345678, ea PLACE \"text\"")
            );
        }
        let process = self.process_id().ok_or_else(|| Failure::could_not("no process is looked at"))?;
        let had_future = self.had_future();
        let written = self.session()?.control().write(process, va, &bytes);
        output.line(&format!("{written} of {} bytes written at {:#010x}", bytes.len(), va.0));
        say_fork(had_future && written > 0, output);
        if written < bytes.len() {
            return Err(
                Failure::could_not("the rest is not in physical memory").hint("'explain ADDRESS' says where it is")
            );
        }
        Ok(())
    }

    /// `~`, `~ 264`, `~ .`.
    pub fn choose_thread(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let rest = rest.trim().trim_end_matches('s');
        if rest.is_empty() || rest == "*" {
            return self.ask("threads", &[], About::Process, output);
        }
        self.frame = 0;
        self.process = None;
        if rest == "." {
            if let Some(session) = &mut self.session {
                session.thread = None;
            }
            self.options.thread = None;
            return Ok(());
        }
        let id = words::number(rest).and_then(|id| u32::try_from(id).ok());
        let id =
            ThreadId(id.ok_or_else(|| Failure::usage(format!("'{rest}' is no thread id")).hint("'~' lists them"))?);
        let target = self.target()?;
        if !target.processes().iter().any(|process| process.thread(id).is_some()) {
            return Err(Failure::could_not(format!("there is no thread {id}")).hint("'~' lists them"));
        }
        drop(target);
        match &mut self.session {
            Some(session) => session.thread = Some(id),
            None => self.options.thread = Some(id),
        }
        self.tell_frame(output)
    }

    /// `.process 256`, `.process`.
    pub fn choose_process(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        if rest.is_empty() {
            return self.ask("processes", &[], About::Target, output);
        }
        let target = self.target()?;
        let is_it = |process: &&vatlas_space::Process| {
            let is_id = process.id.is_some_and(|id| words::number(rest) == Some(id.0.into()));
            is_id || process.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(rest))
        };
        let found = target.processes().iter().find(is_it).and_then(|process| process.id);
        let id = found
            .ok_or_else(|| Failure::could_not(format!("there is no process '{rest}'")).hint("'.process' lists them"))?;
        drop(target);
        self.process = Some(id.0);
        output.line(&format!("questions are about process {}", id.0));
        Ok(())
    }

    /// `.frame 2`, `.frame`.
    pub fn choose_frame(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        if !rest.is_empty() {
            let number = words::number(rest).and_then(|number| usize::try_from(number).ok());
            let number = number.ok_or_else(|| Failure::usage(format!("'{rest}' is no number of a frame")))?;
            if self.frames(number.saturating_add(1))?.len() <= number {
                return Err(Failure::could_not(format!("there is no frame {number}")).hint("'k' shows the frames"));
            }
            self.frame = number;
        }
        self.tell_frame(output)
    }

    fn tell_frame(&mut self, output: &mut Output) -> Result<(), Failure> {
        let (frame, thread) = (self.frame, self.thread());
        let frames = self.frames(frame.saturating_add(1))?;
        let (Some(found), Some(thread)) = (frames.get(frame), thread) else {
            output.line("no thread is looked at");
            return Ok(());
        };
        let name = self.named(found.lookup_va());
        output.line(&crate::draw::text::printable(&format!("thread {thread}, frame {frame}: {name}")));
        Ok(())
    }
}

fn say_fork(had_future: bool, output: &mut Output) {
    if had_future {
        output.line("the past forks here: what came after this moment does not count any more");
    }
}
