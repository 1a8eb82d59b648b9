//! What changes the machine, and what chooses where one looks: registers, memory, threads, frames, processes.

use super::{debugger::Debugger, look::About, words};
use crate::{failure::Failure, output::Output};
use vatlas_space::{ProcessId, Registers, ThreadId};

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

    pub fn registers_of_frame(&mut self) -> Result<Registers, Failure> {
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
    pub fn had_future(&mut self) -> bool {
        let Ok(session) = self.session() else { return false };
        let now = session.control().position();
        session.control().history().is_some_and(|history| history.size().last > now)
    }

    /// `eb PLACE BYTES`, `ed PLACE NUMBERS`, `ea PLACE TEXT`.
    pub fn write_memory(&mut self, form: char, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let (place, rest) = words::place(rest);
        let meaning = self.meaning(place)?;
        let va = meaning.va;
        let mut bytes = Vec::new();
        let size = match form {
            'a' => {
                bytes.extend_from_slice(rest.trim_matches('"').as_bytes());
                1
            }
            'u' => {
                bytes.extend(rest.trim_matches('"').encode_utf16().flat_map(u16::to_le_bytes));
                2
            }
            'b' => 1,
            'w' => 2,
            'q' => 8,
            _ => 4,
        };
        if !matches!(form, 'a' | 'u') {
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
        let process = meaning.process.or_else(|| self.process_id());
        let process = process.ok_or_else(|| Failure::could_not("no process is looked at"))?;
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

    /// `~`, `~*`, `~264`, `~264s`, `~.`, `~264f`, `~264u`, `~264k`, `~*k`.
    pub fn choose_thread(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let (who, command) = thread_words(rest);
        if who.is_empty() {
            return self.ask("threads", &[], About::Process, output);
        }
        if who == "*" {
            return self.for_each_thread(command, output);
        }
        let id = if who == "." { None } else { Some(self.thread_called(who)?) };
        match command {
            "" | "s" => self.look_at(id, output),
            "f" | "n" => self.freeze(who, true, output),
            "u" | "m" => self.freeze(who, false, output),
            command => self.in_thread(id, command, output),
        }
    }

    /// A thread of any process, by its id; by the name of a process its first one.
    fn thread_called(&mut self, text: &str) -> Result<ThreadId, Failure> {
        let target = self.target()?;
        let is_called = |process: &&vatlas_space::Process| {
            process.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(text))
        };
        if let Some(thread) = target.processes().iter().find(is_called).and_then(|process| process.threads.first()) {
            return Ok(thread.id);
        }
        let id = words::number(text).and_then(|id| u32::try_from(id).ok()).map(ThreadId);
        let id = id.ok_or_else(|| Failure::usage(format!("'{text}' is no thread id")).hint("'~*' lists them"))?;
        if !target.processes().iter().any(|process| process.thread(id).is_some()) {
            return Err(Failure::could_not(format!("there is no thread {id}")).hint("'~*' lists them"));
        }
        Ok(id)
    }

    fn set_thread(&mut self, id: Option<ThreadId>) {
        self.frame = 0;
        self.process = None;
        match &mut self.session {
            Some(session) => session.thread = id,
            None => self.options.thread = id,
        }
    }

    fn look_at(&mut self, id: Option<ThreadId>, output: &mut Output) -> Result<(), Failure> {
        self.set_thread(id);
        self.tell_frame(output)
    }

    /// One command about a thread; what is looked at stays.
    fn in_thread(&mut self, id: Option<ThreadId>, command: &str, output: &mut Output) -> Result<(), Failure> {
        let thread = self.session.as_ref().map_or(self.options.thread, |session| session.thread);
        let (frame, process) = (self.frame, self.process);
        self.set_thread(id);
        let done = self.run_command(command, output);
        self.set_thread(thread);
        (self.frame, self.process) = (frame, process);
        done
    }

    /// `~*`: the threads of every process; `~*k`: a command about each of them.
    fn for_each_thread(&mut self, command: &str, output: &mut Output) -> Result<(), Failure> {
        let target = self.target()?;
        let all: Vec<(Option<ProcessId>, String, Vec<ThreadId>)> = target
            .processes()
            .iter()
            .filter(|process| !process.threads.is_empty())
            .map(|process| {
                let threads = process.threads.iter().map(|thread| thread.id).collect();
                (process.id, process.name.clone().unwrap_or_default(), threads)
            })
            .collect();
        drop(target);
        if all.is_empty() {
            return self.check_alive().and_then(|()| Err(Failure::could_not("no thread is known")));
        }
        for (id, name, threads) in all {
            let title = id.map_or_else(|| name.clone(), |id| format!("{name} ({id})"));
            output.heading(&crate::draw::text::printable(&title));
            let id = id.map(|id| id.0);
            if command.is_empty() {
                let before = std::mem::replace(&mut self.process, id);
                let asked = self.ask("threads", &[], About::Process, output);
                self.process = before;
                asked?;
                continue;
            }
            for thread in threads {
                self.in_thread(Some(thread), command, output)?;
            }
        }
        Ok(())
    }

    /// `freeze 264`, `freeze others`; and back.
    pub fn freeze(&mut self, rest: &str, is_frozen: bool, output: &mut Output) -> Result<(), Failure> {
        let current = self.thread().ok_or_else(|| Failure::could_not("no thread is looked at"))?;
        let ids = match rest.trim() {
            "" => return Err(Failure::usage("which thread? an id, or 'others'").hint("'~' lists them")),
            "." => vec![current],
            "others" | "*" => self.siblings(current)?,
            text => vec![self.thread_called(text)?],
        };
        if ids.is_empty() {
            return Err(Failure::could_not("the process has no other thread"));
        }
        let had_future = self.had_future();
        let mut changed = Vec::new();
        for id in ids {
            if self.session()?.control().freeze(id, is_frozen) {
                changed.push(id.to_string());
            }
        }
        if changed.is_empty() {
            let failure = Failure::could_not(if is_frozen { "nothing was frozen" } else { "nothing was thawed" });
            return Err(failure.hint("a thread that is entering the kernel has to be stepped first"));
        }
        output.line(&format!("{} {}", if is_frozen { "frozen:" } else { "thawed:" }, changed.join(", ")));
        say_fork(had_future, output);
        Ok(())
    }

    /// The other threads of a thread's process.
    fn siblings(&mut self, thread: ThreadId) -> Result<Vec<ThreadId>, Failure> {
        let target = self.target()?;
        let process = target.processes().iter().find(|process| process.thread(thread).is_some());
        let threads = process.map(|process| process.threads.as_slice()).unwrap_or_default();
        Ok(threads.iter().map(|other| other.id).filter(|id| *id != thread).collect())
    }

    /// `fork`: what came after this moment is forgotten.
    pub fn fork(&mut self, output: &mut Output) -> Result<(), Failure> {
        let had_future = self.session()?.control().history().is_some_and(|history| history.fork());
        match had_future {
            true => say_fork(true, output),
            false => output.line("nothing came after this moment"),
        }
        Ok(())
    }

    /// `.process 256`, `.process`.
    pub fn choose_process(&mut self, rest: &str, output: &mut Output) -> Result<(), Failure> {
        let rest = rest.trim_start_matches("/p").trim();
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

/// Says that moments after this one were forgotten.
pub fn say_fork(had_future: bool, output: &mut Output) {
    if had_future {
        output.line("the past forks here: what came after this moment does not count any more");
    }
}

/// Who is meant, and the command for it: `264k`, `*k`, `.`, `264 s`.
fn thread_words(rest: &str) -> (&str, &str) {
    let rest = rest.trim();
    let end = match rest.as_bytes().first() {
        Some(b'*' | b'.') => 1,
        _ if rest.starts_with("0x") => {
            2 + rest[2..].find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(rest.len() - 2)
        }
        Some(first) if first.is_ascii_digit() => {
            rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len())
        }
        // What is no id is said to be none.
        _ => rest.find(char::is_whitespace).unwrap_or(rest.len()),
    };
    (&rest[..end], rest[end..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_and_commands() {
        assert_eq!(thread_words(""), ("", ""));
        assert_eq!(thread_words("264"), ("264", ""));
        assert_eq!(thread_words("264k"), ("264", "k"));
        assert_eq!(thread_words("264 s"), ("264", "s"));
        assert_eq!(thread_words("*k --limit 3"), ("*", "k --limit 3"));
        assert_eq!(thread_words(". k"), (".", "k"));
        assert_eq!(thread_words("0x108f"), ("0x108f", ""));
        assert_eq!(thread_words("0x108 f"), ("0x108", "f"));
        assert_eq!(thread_words("main"), ("main", ""));
    }
}
